/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registration of a phone (TS 24.229 5.1.1; TS 33.203; RFC 3310, 3329, 3608).
 *
 * One procedure at a time: REGISTER, perhaps challenged once or resynchronised, until a final
 * answer. The owner is told once how it ended.
 */
#ifndef KIMS_UE_REG_H
#define KIMS_UE_REG_H

#include "phone.h"

struct reg;

enum reg_what { REG_REGISTER, REG_REFRESH, REG_DEREGISTER };

struct reg_opts {
	enum reg_what what;
	bool wrong_res;	  /* answer the challenge with a wrong RES */
	bool cleartext;	  /* re-registration: begin outside of the SAs, as after a loss of state */
	uint32_t expires; /* 0: as configured */
	const char *impu; /* register this one instead of the configured one; NULL: no */
};

struct reg_result {
	int status; /* final response; 0: none */
	int err;    /* -errno when there was none: -ETIMEDOUT, -EBADMSG network not authentic ... */
	char why[160];
	bool challenged, resynced, protected; /* SAs in use at the end */
	char security[48];		      /* "hmac-sha-1-96/aes-cbc" */
	uint32_t expires;
	uint64_t usec, challenge_usec; /* all of it; until the challenge */
};

typedef void (*reg_done_fn)(void *arg, struct phone *p, const struct reg_result *r);

int reg_new(struct phone *p, struct reg **ret);
void reg_stop(struct reg *r);	 /* no callbacks any more */
void reg_abandon(struct reg *r); /* the owner is gone: the procedure goes on, nobody is told */
void reg_free(struct reg *r);
/* -EBUSY: a procedure is running. Otherwise done is called once, never before this returns. */
int reg_start(struct phone *p, const struct reg_opts *o, reg_done_fn done, void *arg);

const struct reg_result *reg_last(const struct reg *r); /* of the last procedure */
bool reg_is_registered(const struct reg *r);
uint32_t reg_expires_in(const struct reg *r);		    /* seconds; 0 when not registered */
const char *reg_default_identity(const struct reg *r);	    /* first of P-Associated-URI, or NULL */
int reg_add_routes(const struct reg *r, struct sip_msg *m); /* Service-Route as Route */
void reg_forget_set(struct reg *r, const struct sa_set *s);
/* The network ended it (NOTIFY, TS 24.229 5.1.1.7): forget everything, SAs after a moment. */
void reg_network_ended(struct phone *p, const char *why);

#endif
