/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls over a Diameter node: requests with their answers, and the requests of others, of any application
 * that is described by IE tables (RFC 6733 6, 8).
 *
 * Answers and requests arrive on the loop's thread. A request always ends in exactly one call of its
 * function: with the answer, or with a result of enum dia_local. Sending never blocks the loop and never calls the
 * function from inside. Handlers of requests must be idempotent (T flag, end-to-end id).
 */
#ifndef KIMS_DIAMETER_CALL_H
#define KIMS_DIAMETER_CALL_H

#include "lib/diameter/dia.h"
#include "lib/ie/ie.h"

/* An application (RFC 6733 11.3). */
struct dia_app {
	const char *name; /* "Gx"; the end of our Session-Ids, in lower case */
	uint32_t id, vendor;
	const struct ie_dict *dict;
	const struct ie_command *(*find)(uint32_t code, bool request); /* NULL: there is none */
	uint32_t first, last; /* codes of its commands */
	const struct ie_rule *env; /* what every command carries: ie_env_rules, ie_env_auth_rules */
	int session_state;	   /* Auth-Session-State of ours; -1: not sent */
};

/* Results that come from this node and not from an answer; beside those of the tables. */
enum dia_local {
	DIA_TIMEOUT = -1,    /* no answer in time */
	DIA_NO_PEER = -2,    /* no connection to a peer */
	DIA_BAD_ANSWER = -3, /* mandatory AVP missing, or malformed */
	DIA_TOO_BUSY = 3004, /* our own queue is full */
};

/* The envelope is NULL with a result of enum dia_local. Valid during the call only. */
typedef void (*dia_answer_fn)(void *arg, const struct ie_env *env, const void *answer);
struct dia_done {
	dia_answer_fn fn;
	void *arg;
	void (*typed)(void); /* not NULL: fn is given this struct in place of arg */
};

/* Where a request goes. Strings are used during the call only. */
struct dia_to {
	const char *host;  /* Destination-Host; NULL: any peer of the realm */
	const char *realm; /* NULL: our own */
	struct str session_id; /* p == NULL: a new one */
};

/* A Session-Id of this node (RFC 6733 8.8), unique also across a restart. dst has DIA_SESSION_ID_MAX octets. */
#define DIA_SESSION_ID_MAX 512
struct str dia_session_id(struct dia *d, const struct dia_app *app, char *dst);
/* The Origin-State-Id of this start of the process (RFC 6733 8.16). */
uint32_t dia_state_id(const struct dia *d);

/* Sends the request of cmd from the struct r: 0; -ENOMEM (then the function is not called). */
int dia_request(struct dia *d, const struct dia_app *app, const struct ie_command *cmd,
		const struct dia_to *to, const void *r, struct dia_done done);

/*
 * A request of another node, with its struct; both valid until the token is answered. The handler answers
 * once, now or later. False: this command is not served (DIAMETER_COMMAND_UNSUPPORTED).
 */
struct dia_token;
typedef bool (*dia_serve_fn)(void *arg, struct dia_token *t, const struct ie_command *cmd,
			     const struct ie_env *env, void *r);
/* Also takes the applications into what the node offers; before dia_open() by dia_conf.apps. */
int dia_serve(struct dia *d, const struct dia_app *app, dia_serve_fn fn, void *arg);
/* Sends the answer of cmd from the struct a; the token is gone. failed: for Failed-AVP, or NULL. */
int dia_answer(struct dia_token *t, const struct ie_command *cmd, const void *a,
	       const struct ie_error *failed);
const struct ie_env *dia_token_env(const struct dia_token *t);

/*
 * Between dia_hold() and dia_release() answers are encoded but do not leave: for a server that
 * commits several of them to its database together. ok false: all become
 * DIAMETER_UNABLE_TO_COMPLY.
 */
void dia_hold(struct dia *d);
void dia_release(struct dia *d, bool ok);

#endif
