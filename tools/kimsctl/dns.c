// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl dns zone: an unbound configuration that serves the home network domain (TS 23.003 13,
 * RFC 3263): NAPTR and SRV of the domain point at the I-CSCF, each function has SRV and A/AAAA
 * of its own, so that "sip:DOMAIN" and "sip:scscf.DOMAIN" both resolve with transport and port.
 *
 * Invariant: what it prints depends on the configuration alone.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "commands.h"

#define TTL 300

struct host {
	const char *name, *fallback;
	const struct conf_addr *v4or6[2];
	uint16_t sip_port; /* 0: no SRV */
};

static void print_addr(const char *name, const struct conf_addr *a)
{
	char buf[INET6_ADDRSTRLEN];

	if (a->family != AF_INET && a->family != AF_INET6)
		return;
	inet_ntop(a->family, &a->v4, buf, sizeof(buf));
	printf("\tlocal-data: \"%s. %d IN %s %s\"\n", name, TTL,
	       a->family == AF_INET ? "A" : "AAAA", buf);
}

static void print_naptr(const char *owner, const char *target)
{
	printf("\tlocal-data: '%s. %d IN NAPTR 10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.%s.'\n",
	       owner, TTL, target);
	printf("\tlocal-data: '%s. %d IN NAPTR 20 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.%s.'\n",
	       owner, TTL, target);
}

static void print_srv(const char *owner, const char *host, uint16_t port)
{
	printf("\tlocal-data: \"_sip._udp.%s. %d IN SRV 1 0 %u %s.\"\n", owner, TTL, port, host);
	printf("\tlocal-data: \"_sip._tcp.%s. %d IN SRV 1 0 %u %s.\"\n", owner, TTL, port, host);
}

static void host_name(const struct host *h, const char *domain, char *dst, size_t size)
{
	if (h->name && *h->name)
		snprintf(dst, size, "%s", h->name);
	else
		snprintf(dst, size, "%s.%s", h->fallback, domain);
}

static void print_host(const struct host *h, const char *domain)
{
	char name[256];

	host_name(h, domain, name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(h->v4or6); i++)
		if (h->v4or6[i])
			print_addr(name, h->v4or6[i]);
	if (h->sip_port) {
		print_naptr(name, name);
		print_srv(name, name, h->sip_port);
	}
}

static void print_server(const struct conf *c)
{
	char buf[INET6_ADDRSTRLEN];

	inet_ntop(c->network.dns.family, &c->network.dns.v4, buf, sizeof(buf));
	printf("# The home network domain, made from the configuration by \"kimsctl dns zone\".\n"
	       "server:\n"
	       "\tinterface: %s\n\tport: %u\n\taccess-control: 0.0.0.0/0 allow\n"
	       "\taccess-control: ::/0 allow\n\tip-freebind: yes\n\tusername: \"\"\n\tchroot: \"\"\n"
	       "\tdirectory: \"\"\n\tpidfile: \"\"\n\tuse-syslog: no\n\tlogfile: \"\"\n"
	       "\tmodule-config: \"iterator\"\n\tdo-not-query-localhost: no\n\tnum-threads: 1\n"
	       "\thide-version: yes\n\troot-hints: \"\"\n\tlocal-zone: \".\" refuse\n",
	       buf, c->network.dns_port);
}

int cmd_dns_zone(struct kimsctl *k, int argc _unused_, char **argv _unused_)
{
	const struct conf *c = kc_conf(k);
	char icscf[256];

	if (!c)
		return 1;
	if (c->network.dns.family == AF_UNSPEC)
		return kc_fail("network.dns is not set: no address to serve DNS on");
	const struct host hosts[] = {
		{ c->pcscf.name, "pcscf", { &c->pcscf.gm4, &c->pcscf.gm6 }, c->pcscf.gm_port },
		{ c->icscf.name, "icscf", { &c->icscf.addr, &c->icscf.addr6 }, c->icscf.port },
		{ c->scscf.name, "scscf", { &c->scscf.addr, &c->scscf.addr6 }, c->scscf.port },
		{ NULL, "hss", { &c->diameter.hss_addr, NULL }, 0 },
		{ NULL, "pcrf", { &c->pcrf.addr, NULL }, 0 },
		{ NULL, "smf", { &c->smf.addr, &c->smf.addr6 }, 0 },
	};

	print_server(c);
	printf("\tlocal-zone: \"%s.\" static\n", c->network.domain);
	host_name(&hosts[1], c->network.domain, icscf, sizeof(icscf));
	print_naptr(c->network.domain, c->network.domain);
	print_srv(c->network.domain, icscf, c->icscf.port);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		print_host(&hosts[i], c->network.domain);
	printf("remote-control:\n\tcontrol-enable: no\n");
	return 0;
}
