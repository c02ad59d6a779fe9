/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kimsctl subscriber: what its files share.
 *
 * An edit is what somebody wrote about one subscriber: on the command line, in a CSV line or in a
 * YAML item. Keys that are absent leave the stored value as it is, or take the lab's default when the subscriber
 * is new. Every complaint is a sentence; readers put file and line before it.
 */
#ifndef KIMSCTL_SUB_H
#define KIMSCTL_SUB_H

#include <stdio.h>

#include "lib/store/subscriber.h"

struct edit {
	char imsi[16], msisdn[17]; /* MSISDN without + */
	char impi[SUB_ID_MAX], visited[SUB_ID_MAX], profile[SUB_NAME_MAX];
	uint8_t k[16], opc[16], amf[2];
	uint64_t sqn;
	struct sub_caps mandatory, optional;
	struct sub_impu impu[SUB_IMPUS_MAX];
	size_t n_impu;
	bool has_k, has_opc, has_op, has_amf, has_sqn, has_visited, has_mandatory, has_optional;
};

/* key: imsi msisdn k opc op amf sqn impi visited profile mandatory optional impus. 0 or -EINVAL and why. */
int edit_set(struct edit *e, const char *key, struct str value, char *err, size_t errsize);
int edit_add_impu(struct edit *e, struct str uri, unsigned int set, bool barred, struct str profile,
		  char *err, size_t errsize);
/* s: the stored one, or zeroed (id 0) for a new one. domain: the home network's. */
int edit_apply(const struct edit *e, const char *domain, struct subscriber *s, char *err,
	       size_t errsize);

/* One pass over a file. line: where the item begins. A reader goes on after fn's errors (> 0 counts). */
struct sub_sink {
	void *arg;
	int (*subscriber)(void *arg, int line, struct edit *e);
	int (*profile)(void *arg, int line, struct sub_profile *p);
	int (*wrong)(void *arg, int line, const char *why); /* an item that cannot be read */
};
int read_csv(FILE *f, const struct sub_sink *sink); /* 0, or -EIO */
int read_yaml(FILE *f, const struct sub_sink *sink);

/* Export. secrets: with K and OPc. */
void write_csv_head(FILE *f, bool secrets);
void write_csv(FILE *f, const struct subscriber *s, bool secrets);
void write_yaml(FILE *f, const struct subscriber *s, bool secrets);
void write_yaml_profile(FILE *f, const struct sub_profile *p);

#endif
