// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl subscriber session: what a subscriber gets at an APN (lib/store/profile.h). PCRF and SMF read the same file;
 * they are told of a change, and a session that is there changes at once. When they do not run, nobody is attached.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/stat.h>

#include "commands.h"
#include "lib/core/ctl.h"
#include "lib/store/profile.h"
#include "ref/pcc.h"

static int usage(void)
{
	fputs("usage: kimsctl subscriber session [IMSI]\n"
	      "       kimsctl subscriber session IMSI APN KEYS    (APN \"*\": all without a profile of their own)\n"
	      "       kimsctl subscriber session IMSI [APN] --delete\n"
	      "KEYS: --qci N --arp LEVEL --ambr UP/DOWN (kbit/s) --rule NAME --base NAME (predefined; \"-\": none)\n"
	      "      --quota MB --address A (one of each family); an empty value: what the APN gets\n",
	      stderr);
	return 2;
}

static struct profiles *open_db(struct kimsctl *k, bool create)
{
	const struct conf *c = kc_conf(k);
	struct profiles *db = NULL;
	char path[512], err[640];
	int e;

	if (!c)
		return NULL;
	profiles_path(c->pcrf.profiles, k->state_dir, path, sizeof(path));
	if (create && !*c->pcrf.profiles)
		mkdir(k->state_dir, 0750); /* normally made by systemd-tmpfiles */
	e = profiles_open(path, create, &db, err, sizeof(err));
	if (e)
		kc_fail("%s%s", err,
			e == -ENOENT ? "; \"kimsctl subscriber session IMSI APN KEYS\" makes it"
				     : "");
	return db;
}

static void tell(struct kimsctl *k, const char *nf, const char *imsi)
{
	json_t *req = json_pack("{s:s,s:s}", "cmd", "profile changed", "imsi", imsi), *res = NULL;
	char path[512], err[512];
	int r;

	snprintf(path, sizeof(path), "%s/%s.sock", k->run_dir, nf);
	r = ctl_call(path, req, 5000, &res, err, sizeof(err));
	json_decref(req);
	json_decref(res);
	if (r && r != -ENOENT && r != -ECONNREFUSED)
		fprintf(stderr, "kimsctl: %s is changed, but %s was not told: %s\n", imsi, nf, err);
}

static int changed(struct kimsctl *k, struct profiles *db, const char *imsi)
{
	profiles_close(db);
	tell(k, "smf", imsi); /* first: its addresses are reserved */
	tell(k, "pcrf", imsi);
	return 0;
}

/* --- show --- */

static void number(char *dst, size_t size, int64_t v, int64_t none)
{
	if (v == none)
		*dst = '\0';
	else
		snprintf(dst, size, "%lld", (long long)v);
}

static void address_of(const struct profile *p, char *dst, size_t size)
{
	char v4[INET_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN + 4] = "";

	if (p->v4.s_addr)
		inet_ntop(AF_INET, &p->v4, v4, sizeof(v4));
	if (!IN6_IS_ADDR_UNSPECIFIED(&p->v6)) {
		inet_ntop(AF_INET6, &p->v6, v6, INET6_ADDRSTRLEN);
		strcat(v6, "/64");
	}
	snprintf(dst, size, "%s%s%s", v4, *v4 && *v6 ? " " : "", v6);
}

static int put_row(void *arg, const struct profile *p)
{
	char qci[16], arp[16], ambr[40] = "", quota[24], address[80];
	const char *cells[] = { p->imsi, p->apn, qci, arp, ambr, p->rule, p->base, quota, address };

	number(qci, sizeof(qci), p->qci, 0);
	number(arp, sizeof(arp), p->arp, 0);
	number(quota, sizeof(quota), p->quota, -1);
	if (p->ambr_ul >= 0)
		snprintf(ambr, sizeof(ambr), "%d/%d", p->ambr_ul, p->ambr_dl);
	address_of(p, address, sizeof(address));
	kc_table_row(arg, cells);
	return 0;
}

static int put_json(void *arg, const struct profile *p)
{
	char address[80];
	json_t *o = json_pack("{s:s,s:s,s:s,s:s}", "imsi", p->imsi, "apn", p->apn, "rule", p->rule,
			      "base", p->base);

	address_of(p, address, sizeof(address));
	if (p->qci)
		json_object_set_new(o, "qci", json_integer(p->qci));
	if (p->arp)
		json_object_set_new(o, "arp", json_integer(p->arp));
	if (p->ambr_ul >= 0) {
		json_object_set_new(o, "ambr_ul", json_integer(p->ambr_ul));
		json_object_set_new(o, "ambr_dl", json_integer(p->ambr_dl));
	}
	if (p->quota >= 0)
		json_object_set_new(o, "quota", json_integer((json_int_t)p->quota));
	json_object_set_new(o, "address", json_string(address));
	json_array_append_new(arg, o);
	return 0;
}

static int show(struct kimsctl *k, const char *imsi)
{
	static const char *const heads[] = { "IMSI", "APN",  "QCI",   "ARP",	"AMBR",
					     "RULE", "BASE", "QUOTA", "ADDRESS" };
	struct profiles *db = open_db(k, false);
	struct kc_table *t;
	json_t *list;
	int e;

	if (!db)
		return 1;
	if (k->json) {
		list = json_array();
		e = profiles_each(db, imsi, put_json, list);
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(list);
	} else {
		t = kc_table_new(heads, ARRAY_SIZE(heads));
		e = profiles_each(db, imsi, put_row, t);
		kc_table_print(t);
	}
	if (e)
		kc_fail("%s", profiles_error(db));
	profiles_close(db);
	return e ? 1 : 0;
}

/* --- change --- */

/* TS 23.401 4.7.2.1: the QCI of a profile is that of the default bearer. */
static bool is_gbr(const char *key, const char *value)
{
	uint64_t qci;

	if (strcmp(key, "--qci") || str_to_u64(str_of(value), 255, &qci) || !pcc_is_gbr((int)qci))
		return false;
	kc_fail("QCI %d has a guaranteed bit rate (TS 23.203 table 6.1.7), which a default bearer cannot have (TS 23.401 4.7.2.1)",
		(int)qci);
	return true;
}

static int read_keys(struct profile *p, int argc, char **argv)
{
	char err[256];

	for (int i = 0; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) || i + 1 >= argc)
			return usage();
		if (is_gbr(argv[i], argv[i + 1]))
			return 2;
		if (profile_set(p, str_of(argv[i] + 2), str_of(argv[i + 1]), err, sizeof(err))) {
			kc_fail("%s", err);
			return 2;
		}
	}
	return 0;
}

static bool names_ok(const char *imsi, const char *apn)
{
	size_t n = strlen(imsi);

	if (n < 6 || n > 15 || strspn(imsi, "0123456789") != n)
		kc_fail("\"%s\" is no IMSI", imsi);
	else if (apn && (!*apn || strlen(apn) > 63 || strpbrk(apn, " \t")))
		kc_fail("\"%s\" is no APN", apn);
	else
		return true;
	return false;
}

/* The row of this APN, not that of "*". */
static void find_row(struct profiles *db, struct profile *p, const char *imsi, const char *apn)
{
	if (profiles_find(db, str_of(imsi), str_of(apn), p) || strcasecmp(p->apn, apn))
		profile_init(p, imsi, apn);
}

static int put(struct kimsctl *k, const char *imsi, const char *apn, int argc, char **argv)
{
	struct profiles *db;
	struct profile p;
	int r;

	profile_init(&p, imsi, apn);
	r = read_keys(&p, argc, argv); /* before anything is made */
	db = r ? NULL : open_db(k, true);
	if (!db)
		return r ?: 1;
	find_row(db, &p, imsi, apn);
	read_keys(&p, argc, argv);
	if (!profiles_put(db, &p))
		return changed(k, db, imsi);
	r = kc_fail("%s", profiles_error(db));
	profiles_close(db);
	return r;
}

static int drop(struct kimsctl *k, const char *imsi, const char *apn)
{
	struct profiles *db = open_db(k, false);
	int e;

	if (!db)
		return 1;
	e = profiles_del(db, imsi, apn);
	if (!e)
		return changed(k, db, imsi);
	e = e == -ENOENT ? kc_fail("%s has no profile%s%s", imsi, apn ? " for " : "", apn ?: "")
			 : kc_fail("%s", profiles_error(db));
	profiles_close(db);
	return e;
}

int kc_session(struct kimsctl *k, int argc, char **argv)
{
	bool del = argc && !strcmp(argv[argc - 1], "--delete");
	const char *apn = argc > 1 && strncmp(argv[1], "--", 2) ? argv[1] : NULL;

	if (!argc)
		return show(k, NULL);
	if (!names_ok(argv[0], apn))
		return 2;
	if (argc == 1)
		return show(k, argv[0]);
	if (del && argc == (apn ? 3 : 2))
		return drop(k, argv[0], apn);
	if (del || !apn || argc < 4)
		return usage();
	return put(k, argv[0], apn, argc - 2, argv + 2);
}

void kc_session_gone(struct kimsctl *k, const char *imsi)
{
	const struct conf *c = kc_conf(k);
	struct profiles *db;
	char path[512], err[640];

	if (!c)
		return;
	profiles_path(c->pcrf.profiles, k->state_dir, path, sizeof(path));
	if (profiles_open(path, false, &db, err, sizeof(err)))
		return;
	if (profiles_del(db, imsi, NULL))
		profiles_close(db);
	else
		changed(k, db, imsi);
}
