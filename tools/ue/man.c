// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-ue(1): the manual page is made from the same tables as the parser ("kims-ue --man").
 */
#include <stdio.h>

#include "options.h"

static const char head[] =
	".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	".\\\" Made by \"kims-ue --man\" from tools/ue: do not edit.\n"
	".Dd November 21, 2026\n.Dt KIMS-UE 1\n.Os kims\n"
	".Sh NAME\n.Nm kims-ue\n.Nd simulated IMS phones\n"
	".Sh SYNOPSIS\n"
	".Nm\n.Op Ar option ...\n.Op Fl -phone Ar key Ns = Ns Ar value Ns ,...\n"
	".Ar step Op Fl - Ns Ar key Ar value ...\n.Op Ar step ...\n"
	".Nm\n.Op Ar option ...\n.Ar scenario Ns .yaml\n"
	".Sh DESCRIPTION\n"
	".Nm\nis any number of IMS phones in one process.\n"
	"Each has a SIM (Milenage, SQN), registers with AKA over IPsec (3GPP TS 24.229, TS 33.203), subscribes to its\n"
	"registration state, calls and is called with preconditions and reliable provisional responses, sends and receives\n"
	"MESSAGE, and talks RTP in real time.\n"
	"Each may live in a network namespace of its own, where its sockets and its security associations are.\n"
	"A phone with an\n.Cm apn\nhas no address until it attaches: two SGWs (S5, S8) and an ePDG (S2b) of the simulator speak GTPv2-C with a\n"
	"PGW (3GPP TS 29.274) and carry the phone's packets in GTP-U tunnels as its traffic flow templates say.\n"
	".Pp\n"
	"What the phones do is a list of steps, on the command line or in a YAML file.\n"
	"Every step ends with a verdict: what was expected, what was seen, how long it took.\n"
	"After a step that failed the rest is skipped.\n"
	"At the end phones that are still registered de-register, and no security association stays.\n"
	".Pp\n"
	"IPsec needs CAP_NET_ADMIN, namespaces CAP_SYS_ADMIN, the attacking steps CAP_NET_RAW.\n"
	"With\n.Cm ipsec=no\nand a port above 1023 no privilege is needed.\n"
	".Sh OPTIONS\n"
	".Bl -tag -width Ds\n"
	".It Fl -phone Ar key Ns = Ns Ar value Ns ,...\nA phone; see\n.Sx PHONES .\nA comma in a value is written twice.\n"
	".It Fl -set Ar key Ns = Ns Ar value Ns ,...\nDefaults of the phones that follow, those of a scenario file too.\n"
	".It Fl -access Ar key Ns = Ns Ar value Ns ,...\nThe access side; see\n.Sx ACCESS SIDE .\n"
	".It Fl -csv Ar file Fl -count Ar n Op Fl -imsi Ar first\n"
	"Phones from a table whose first line names its columns: imsi, k, opc (or op), amf, msisdn.\n"
	"The file of\n.Xr kimsctl 1\n.Cm subscriber import\nfits.\n"
	".It Fl -json Op Ar file\nEvents as JSON lines: on standard output instead of the table, or in\n.Ar file\nbeside it.\n"
	".It Fl -ladder Ar file\nEvery SIP message that a phone sends or receives, and every GTPv2-C and PFCP message about it, a JSON object a line.\n"
	".It Fl -keys Ar file\n"
	"Keys of the security associations in the format of Wireshark's esp_sa table, mode 0600.\n"
	"They are written nowhere unless this option is given.\n"
	".It Fl -keep-going\nGo on after a step that failed.\n"
	".It Fl -no-leave\nDo not de-register at the end.\n"
	".It Fl -check\nRead options and scenario, then stop.\n"
	".It Fl -quiet\nNo progress of long steps.\n"
	".It Fl -stats Ar time\nAn event with figures of all phones every\n.Ar time ,\nin\n.Fl -json .\n"
	".It Fl -log Ar level\nerr, warn, notice, info or debug; default warn.\n"
	".It Fl -version , Fl -help\n"
	".El\n";

static const char scenario[] =
	".Sh SCENARIO FILES\n"
	"A YAML mapping of\n.Cm title ,\n.Cm access ,\n.Cm defaults\n(keys of a phone for all that follow),\n"
	".Cm phones\n(a list; an entry with\n.Cm csv\nand\n.Cm count\nis many) and\n.Cm steps .\n"
	"A step is a word, or one key with its arguments.\n"
	"Steps within\n.Cm parallel\nrun at once, within\n.Cm sequence\none after the other;\n"
	".Cm repeat\ntakes\n.Cm times\nand\n.Cm steps .\n"
	"What is wrong is said with file, line and key.\n"
	".Bd -literal -offset indent\n"
	"title: two phones\n"
	"defaults: { pcscf: 10.46.0.1 }\n"
	"phones:\n"
	"  - { name: alice, imsi: \"001010000000001\", k: ..., opc: ..., netns: ue1 }\n"
	"  - { name: bob, imsi: \"001010000000002\", k: ..., opc: ..., netns: ue2 }\n"
	"steps:\n"
	"  - register\n"
	"  - call: { from: alice, to: bob, duration: 5s, max_loss: 1 }\n"
	"  - parallel:\n"
	"      - message: { from: alice, to: bob }\n"
	"      - reregister: { phone: bob }\n"
	"  - deregister\n"
	".Ed\n";

static const char access_side[] =
	".Sh ACCESS SIDE\n"
	"Phones with an\n.Cm apn\nhave a link (a veth pair) from their namespace to that of the access side, and no address.\n"
	"With the step\n.Cm attach\nthe node sends Create Session Request, and the phone gets what the answer says: addresses on its\n"
	".Cm dev ,\na default route, MTU and P-CSCF from the protocol configuration options.\n"
	"Requests of the PGW about bearers are answered, unless an\n.Cm order\nsays otherwise.\n"
	"Uplink packets take the bearer whose packet filter matches first; RTP that goes by the default bearer, or comes by it or by a wrong tunnel,\n"
	"fails its call\n.Pq Cm bearer=no No says not to look .\n"
	"GTP-U is that of kims.ko in the namespace of the access side, or that of gtp.ko\n.Pq IPv4, default bearer only .\n"
	"Several phones may share a namespace and its device.\n";

static const char tail[] =
	".Sh JSON OUTPUT\n"
	"Each line is an object with\n.Cm time\n(seconds since 1970),\n.Cm t\n(seconds since the beginning) and\n.Cm event :\n"
	"begin, step-begin, step, end, and those of phones: register-result, registered, unregistered, subscribed, notify,\n"
	"call-incoming, call-ringing, call-up, call-modified, call-ended, message;\n"
	"of the access side: gtp-path, attach and the other procedures by their names, bearer-created, bearer-updated, bearer-deleted,\n"
	"pdn-deleted, pdn-lost, handover-left-over, router-advertisement, idle, paging, paging-failed, service-request, user-plane,\n"
	"gtpu-end-marker, gtpu-error-indication, gtp-bad, sgw-u; with\n.Fl -stats\nstats: phones attached, registered and in calls,\n"
	"how long that took, RTP, failures by reason.\n"
	"A step has name, kind, expected, seen, seconds, verdict (held, FAILED, skipped) and detail: of calls the times of\n"
	"progress, ringing and answer, and under\n.Cm rtp\nan object for each end with what it sent and received, loss, order, jitter,\n"
	"one-way delay (p50, p95, max), R factor and MOS (ITU-T G.107, simplified); of phones that attach what went outside of dedicated\n"
	"bearers, and for each call in\n.Cm list\nthe bearers of both phones with their packets.\n"
	"The last line has held, failed, skipped and ok.\n"
	".Sh EXIT STATUS\n"
	"0 when every step held, 1 when one did not, 2 for wrong usage.\n"
	".Sh EXAMPLES\n"
	"Two phones register and talk for five seconds:\n"
	".Bd -literal -offset indent\n"
	"kims-ue --set pcscf=10.46.0.1 \\e\n"
	"  --phone imsi=001010000000001,k=...,opc=...,netns=ue1 \\e\n"
	"  --phone imsi=001010000000002,k=...,opc=...,netns=ue2 \\e\n"
	"  register call --from 1 --to 2 --duration 5s deregister\n"
	".Ed\n.Pp\n"
	"A hundred phones from a table, ten registrations a second, then fifty calls at once:\n"
	".Bd -literal -offset indent\n"
	"kims-ue --set pcscf=10.46.0.1,port=0 --csv users.csv --count 100 \\e\n"
	"  register --rate 10 call --pairs yes --rate 5 --duration 10s deregister --rate 20\n"
	".Ed\n.Pp\n"
	"Against somebody else's IMS, without IPsec:\n"
	".Bd -literal -offset indent\n"
	"kims-ue --phone imsi=...,k=...,op=...,domain=ims.example.com,pcscf=192.0.2.1,ipsec=no register deregister\n"
	".Ed\n"
	".Sh SEE ALSO\n.Xr kimsctl 1 ,\n.Xr ip-netns 8\n";

static void escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else
			fputc(*s, f);
	}
}

static void table(FILE *f, const struct opt *o)
{
	fputs(".Bl -tag -width session_expires -compact\n", f);
	for (; o->name; o++) {
		fprintf(f, ".It Cm %s\n", o->name);
		escaped(f, o->doc);
		if (o->def && *o->def && strcmp(o->def, "4294967295"))
			fprintf(f, "; default %s", o->def);
		fputs(".\n", f);
		if (o->type != OPT_ENUM)
			continue;
		fputs("One of", f);
		for (int i = 0; o->names[i]; i++)
			fprintf(f, "%s %s", i ? "," : "", o->names[i]);
		fputs(".\n", f);
	}
	fputs(".El\n", f);
}

static void steps(FILE *f)
{
	fputs(".Bl -tag -width stop-media\n", f);
	for (size_t i = 0; step_kinds[i]; i++)
		fprintf(f, ".It Cm %s\n%s.\n%s%s%s", step_kinds[i]->name, step_kinds[i]->doc,
			*step_kinds[i]->keys ? "Keys: " : "", step_kinds[i]->keys,
			*step_kinds[i]->keys ? ".\n" : "");
	fputs(".El\n", f);
}

void man_print(FILE *f)
{
	fputs(head, f);
	fputs(".Sh PHONES\n", f);
	table(f, phone_opts);
	fputs(access_side, f);
	table(f, access_opts);
	fputs(".Sh STEPS\nThe keys name and timeout go with all of them.\n", f);
	steps(f);
	fputs(".Ss Keys of steps\n", f);
	table(f, step_opts);
	fputs(scenario, f);
	fputs(tail, f);
}
