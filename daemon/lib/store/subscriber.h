/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subscribers of the HSS in SQLite: identities, keys, SQN, service profiles, and what Cx makes
 * of them (assigned S-CSCF, registration state; TS 29.228 6.1, TS 23.008 3.1).
 *
 * One row of "subscriber" is an IMS subscription with one private identity. Its public identities
 * are in order (the first of a set is the default one); those with the same set number are
 * registered together (TS 23.228 5.2.1a). The daemon and kimsctl open the same file: WAL, every
 * change a short transaction, the daemon keeps nothing in memory.
 *
 * Durability: the daemon commits with synchronous=FULL before an answer leaves, so an SQN is never used
 * twice. The file is mode 0600 and belongs to the owner of its directory.
 */
#ifndef KIMS_STORE_SUBSCRIBER_H
#define KIMS_STORE_SUBSCRIBER_H

#include "lib/core/base.h"

#define SUB_ID_MAX    256 /* identity with its NUL */
#define SUB_IMPUS_MAX 32  /* of one subscription */
#define SUB_CAPS_MAX  16
#define SUB_NAME_MAX  64

enum sub_state { /* of a public identity, TS 29.228 3.1 */
		 SUB_NOT_REGISTERED = 0,
		 SUB_REGISTERED = 1,
		 SUB_UNREGISTERED =
			 2, /* an S-CSCF serves it for services of the unregistered state */
};
const char *sub_state_name(enum sub_state s);

struct sub_impu {
	char impu[SUB_ID_MAX];
	unsigned int set; /* implicit registration set */
	bool barred;
	char profile[SUB_NAME_MAX];
	enum sub_state state;
	bool pending; /* authentication pending (TS 29.228 3.1) */
};

struct sub_caps {
	uint32_t v[SUB_CAPS_MAX];
	size_t n;
};

struct subscriber {
	int64_t id;
	char imsi[16], impi[SUB_ID_MAX];
	uint8_t k[16], opc[16], amf[2];
	uint64_t sqn;		  /* last one given out */
	char visited[SUB_ID_MAX]; /* networks it may roam to, separated by spaces; empty: all */
	struct sub_caps mandatory, optional;
	struct sub_impu impu[SUB_IMPUS_MAX];
	size_t n_impu;
	char scscf[SUB_ID_MAX],
		scscf_host[SUB_ID_MAX]; /* Server-Name, Diameter host; empty: none */
};

/* Service point trigger, TS 29.228 annex B and F. */
struct sub_spt {
	unsigned int group; /* one of its groups; an SPT in two groups is two rows */
	bool negated;
	char kind[24]; /* method, uri, case, header, sdp */
	char a[128];   /* method; request URI; session case 0-4; header name; SDP line */
	char b[256]; /* header, sdp: a regular expression; method REGISTER: registration types "0 1" */
};
#define SUB_SPTS_MAX 16
struct sub_ifc {
	uint32_t priority;
	bool cnf; /* AND of OR groups; else OR of AND groups */
	int part; /* ProfilePartIndicator 0 registered, 1 unregistered, -1 both */
	char server[SUB_ID_MAX];
	int handling; /* 0 SESSION_CONTINUED, 1 SESSION_TERMINATED */
	char service_info[256];
	bool include_request, include_response; /* of REGISTER */
	struct sub_spt spt[SUB_SPTS_MAX];
	size_t n_spt;
};
#define SUB_IFCS_MAX 16
struct sub_profile {
	char name[SUB_NAME_MAX];
	bool unregistered; /* has services for the unregistered state */
	int media;	   /* SubscribedMediaProfileId, -1: none */
	char ccf1[SUB_ID_MAX], ccf2[SUB_ID_MAX], ecf1[SUB_ID_MAX], ecf2[SUB_ID_MAX];
	struct sub_ifc ifc[SUB_IFCS_MAX];
	size_t n_ifc;
};

struct subdb;

/* create: makes file and tables when absent. -errno with a sentence. */
int subdb_open(const char *path, bool create, struct subdb **ret, char *err, size_t errsize);
void subdb_close(struct subdb *db); /* rolls back what was not committed; NULL is fine */
const char *subdb_error(const struct subdb *db);
int subdb_fast(
	struct subdb
		*db); /* import: fewer flushes; what is committed may be lost with the machine */

int subdb_begin(struct subdb *db); /* write transaction; -EBUSY after 5 s; fine inside one */
int subdb_commit(struct subdb *db);
void subdb_rollback(struct subdb *db);
int subdb_savepoint(struct subdb *db); /* inside a transaction: one row's changes, kept or undone */
void subdb_savepoint_end(struct subdb *db, bool keep);

/* -ENOENT: no such. ret_i: index of the identity that was asked for (or 0). */
int subdb_by_impi(struct subdb *db, struct str impi, struct subscriber *ret);
int subdb_by_impu(struct subdb *db, struct str impu, struct subscriber *ret, size_t *ret_i);
int subdb_by_imsi(struct subdb *db, struct str imsi, struct subscriber *ret);
/* In order of IMSI, those after this one ("": from the start). -ENOENT at the end. */
int subdb_next(struct subdb *db, const char *after_imsi, struct subscriber *ret);
int subdb_count(struct subdb *db, uint64_t *ret_subscribers, uint64_t *ret_registered);

enum sub_put { SUB_SAME, SUB_NEW, SUB_CHANGED };
/*
 * Writes what an operator provisions (all but state and S-CSCF; the SQN only of a new one or when set_sqn).
 * Same IMSI: replaced; identities that stay keep their state. -EEXIST: an identity belongs to
 * another subscriber, sentence in subdb_error().
 */
int subdb_put(struct subdb *db, struct subscriber *s, bool set_sqn, enum sub_put *ret);
int subdb_del(struct subdb *db, int64_t id);

int subdb_set_sqn(struct subdb *db, int64_t id, uint64_t sqn);
int subdb_set_server(struct subdb *db, int64_t id, struct str scscf,
		     struct str host); /* empty: cleared */
/* Of one identity (index i of s) when whole_set is false, else of its implicit set; s is updated too. */
int subdb_set_state(struct subdb *db, struct subscriber *s, size_t i, bool whole_set,
		    enum sub_state state, bool pending);

int subdb_profile_get(struct subdb *db, const char *name,
		      struct sub_profile *ret); /* "default" always exists */
int subdb_profile_put(struct subdb *db, const struct sub_profile *p, enum sub_put *ret);
int subdb_profile_next(struct subdb *db, const char *after, struct sub_profile *ret);

#endif
