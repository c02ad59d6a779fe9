/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of a phone (TS 24.229 5.1.3, 5.1.4; RFC 3261, 3262, 3311, 3312, 4028).
 *
 *   call.c      life, look-up, what both ends do: BYE, media, end
 *   call_out.c  the caller: INVITE, provisional responses, PRACK, UPDATE when the bearer is there, ACK, CANCEL, forks
 *   call_in.c   the callee: answer, 183 with preconditions, 180, 200
 *   call_mod.c  within the dialog: re-INVITE, UPDATE, hold, codec change, session timer
 *
 * A call that has ended stays for CALL_KEEP_USEC, so that its statistics can be read; its owner may
 * hold it by call_ref().
 */
#ifndef KIMS_UE_CALL_H
#define KIMS_UE_CALL_H

#include "media.h"
#include "offer.h"
#include "phone.h"

#define CALL_KEEP_USEC (20 * USEC_PER_SEC)

enum call_state { CALL_CALLING, CALL_RINGING, CALL_UP, CALL_ENDING, CALL_ENDED };
enum call_event { CALL_EV_RINGING, CALL_EV_UP, CALL_EV_MODIFIED, CALL_EV_ENDED };
enum call_by { BY_NOBODY, BY_US, BY_PEER };

struct call_opts {
	char to[PHONE_URI_MAX];
	bool precondition, rel100, media;
	enum codec codec;
	uint32_t session_expires;
	uint64_t cancel_after;
	char identity
		[PHONE_URI_MAX]; /* From and P-Preferred-Identity that is not ours; empty: our own */
};

/* An early dialog of a caller: one for each fork. */
struct leg {
	struct leg *next;
	struct call *c;
	struct sip_dlg *dlg;
	uint32_t rseq;	     /* last reliable response acknowledged */
	bool answered;	     /* its SDP answer came */
	bool updated;	     /* our bearer is reported */
	unsigned int pracks; /* under way */
	struct timer qos;
	struct sdp_theirs theirs;
};

struct call_times { /* loop time, usec; 0: has not happened */
	uint64_t begun, trying, progress, ringing, up, ended;
};

struct call {
	struct call *next;
	struct phone *p;
	unsigned int id;
	bool caller;
	enum call_state state;
	char *call_id;
	char tag[20];	     /* our tag */
	struct sip_dlg *dlg; /* the one that counts; callee: from the beginning */
	struct leg *legs;
	struct sip_ctx *invite;
	struct sip_msg *invite_msg; /* INVITE, sent or received */
	struct sip_stx *in;	    /* callee: its transaction, until the final response */
	struct media *media;
	struct sdp_ours ours;
	struct sdp_theirs theirs;
	bool have_theirs, no_offer;
	struct call_opts o;
	/* callee */
	uint32_t rseq; /* of the last reliable response */
	bool unpracked, sent_183, sent_180, local_ready, ready_to_answer, use_rel;
	uint32_t reject;
	bool never;
	uint64_t ring;
	/* modification under way from here */
	bool modifying;
	int mod_status; /* of the last one */
	struct timer qos, answer, cancel, session, keep;
	uint32_t session_expires;
	bool refresher;
	bool auth_session; /* the other end supports timer */
	unsigned int refs; /* of owners and transactions */
	struct call_times t;
	/* end */
	int status; /* final response to INVITE, 200 for a call that was up */
	enum call_by by;
	char why[96];
	void (*event)(void *arg, struct call *c, enum call_event e);
	void *arg;
};

/* --- caller --- */

/* Sends INVITE. c is held for the owner. -errno: nothing was sent, no events will come. */
int call_dial(struct phone *p, const struct call_opts *o,
	      void (*event)(void *, struct call *, enum call_event), void *arg, struct call **ret);
void call_defaults(const struct phone *p, struct call_opts *o);
int call_cancel(struct call *c);

/* --- callee --- */

void call_invited(struct phone *p, struct sip_stx *stx, struct sip_msg *m);

/* --- both --- */

int call_bye(struct call *c, const char *why);
int call_hangup(struct call *c); /* CANCEL, BYE or a final response, as the state wants */
void call_ref(struct call *c);
void call_unref(struct call *c);
struct call *call_find(const struct phone *p, struct str call_id, struct str our_tag,
		       struct str their_tag);
struct call *call_by_id(const struct phone *p,
			struct str call_id);	  /* the other end of the same call */
struct call *call_current(const struct phone *p); /* the newest that has not ended; NULL: none */
unsigned int call_count(const struct phone *p);	  /* that are up */
void call_free_all(struct phone *p);
const char *call_state_name(enum call_state s);
/* Requests within a dialog, from the dispatcher: PRACK, UPDATE, BYE, INFO, re-INVITE. */
void call_request(struct call *c, struct sip_stx *stx, struct sip_msg *m);
void call_acked(struct phone *p, struct sip_msg *ack);

/* --- modification (call_mod.c) --- */

enum call_change { CHANGE_HOLD, CHANGE_RESUME, CHANGE_CODEC, CHANGE_REFRESH };

int call_modify(struct call *c, enum call_change what, bool by_update);
void call_on_update(struct call *c, struct sip_stx *stx, struct sip_msg *m);
void call_on_reinvite(struct call *c, struct sip_stx *stx, struct sip_msg *m);
void call_session_start(struct call *c, uint32_t expires, bool refresher);
void call_session_stop(struct call *c);
/* Session-Expires of m: 0 when absent; ret_uac: refresher=uac. */
uint32_t call_session_read(struct sip_msg *m, bool *ret_uac);

/* --- internal to call*.c --- */

struct call *call_new(struct phone *p, bool caller);
void call_tell(struct call *c, enum call_event e);
#define CALL_BEARER_POLL (5 * USEC_PER_MSEC)
/*
 * May we say that our bearer is there? A phone that attaches waits for the one that takes this media, since that
 * loop time and not longer than bearer_wait.
 */
bool call_bearer_is_there(const struct call *c, const struct sdp_theirs *t, uint64_t since);
void call_lost_all(struct phone *p); /* all of them have ended, nobody can be told */
void call_ended(struct call *c, int status, enum call_by by, const char *why);
int call_media_open(struct call *c);
void call_media_update(struct call *c); /* direction and addresses, after an answer */
void call_went_up(struct call *c);
/* SDP of ours into m; answer: to theirs. Bumps the version. */
int call_put_sdp(struct call *c, struct sip_msg *m, bool answer);
int call_take_sdp(struct call *c, struct sip_msg *m, bool is_offer); /* -ENOENT: no SDP */
int call_add_contact(struct call *c, struct sip_msg *m);
struct loop *call_loop(const struct call *c);
/* Callee: resources or PRACKs changed: what is next? */
void call_in_advance(struct call *c);
void call_in_prack(struct call *c, struct sip_stx *stx, struct sip_msg *m);
/* Request in the dialog. */
int call_send(struct call *c, struct sip_msg *m, sip_ctx_fn fn, void *arg, struct sip_ctx **ret);
void call_legs_free(struct call *c);

#endif
