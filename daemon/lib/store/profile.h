/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session profiles of subscribers in SQLite, the SPR of TS 23.203 6.2.5: what a subscriber gets at an APN in place of
 * what the APN gets. "kimsctl subscriber session" writes, PCRF (QoS, AMBR, rules, quota) and SMF (addresses) read.
 *
 * A file of its own, STATEDIR/profiles.db: that of the HSS has keys, which are nobody else's. WAL, every change a short
 * transaction; readers look at each attach and keep nothing.
 *
 * Invariant: one row for an IMSI and an APN; "*" as APN is for those of the subscriber without a row.
 */
#ifndef KIMS_STORE_PROFILE_H
#define KIMS_STORE_PROFILE_H

#include <netinet/in.h>

#include "lib/core/base.h"

#define PROFILE_FILE "profiles.db"

struct profile {
	char imsi[16], apn[64];
	int qci;		 /* 0: as the APN's */
	int arp;		 /* priority level; 0: as the APN's */
	int ambr_ul, ambr_dl;	 /* kbit/s; -1: as the APN's */
	char rule[48], base[48]; /* predefined rules; "": as the APN's, "-": none */
	int64_t quota;		 /* MB; -1: as the APN's */
	struct in_addr v4;	 /* static address; 0: none */
	struct in6_addr v6;	 /* static /64; unspecified: none */
};

struct profiles;

/* The file that the configuration names, else that of the state directory. */
void profiles_path(const char *conf, const char *state_dir, char *dst, size_t size);

void profile_init(struct profile *p, const char *imsi, const char *apn);
/*
 * "qci", "arp", "ambr" (UP/DOWN), "rule", "base", "quota", "address" (twice: one of each family). An empty value: as
 * the APN's. -EINVAL with a sentence.
 */
int profile_set(struct profile *p, struct str key, struct str value, char *err, size_t size);

/* create: makes the file when absent, else -ENOENT. -errno with a sentence. */
int profiles_open(const char *path, bool create, struct profiles **ret, char *err, size_t size);
void profiles_close(struct profiles *db); /* NULL is fine */
const char *profiles_error(const struct profiles *db);

int profiles_put(struct profiles *db, const struct profile *p);
int profiles_del(struct profiles *db, const char *imsi,
		 const char *apn); /* apn NULL: all; -ENOENT */
/* That of the APN (without case), else of "*". -ENOENT, -errno. */
int profiles_find(struct profiles *db, struct str imsi, struct str apn, struct profile *ret);
/* In order of IMSI and APN; imsi NULL: of all. A positive return of fn ends it and is returned. */
int profiles_each(struct profiles *db, const char *imsi,
		  int (*fn)(void *arg, const struct profile *p), void *arg);

#endif
