/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: an INVITE that passed for a registered UE, its dialog and its media
 * (TS 24.229 5.2.6.3.3, 5.2.6.4.3, 5.2.7, 5.2.8).
 *
 * The id of a session stands in our Record-Route URIs, so that every later request finds it by
 * one look-up. The P-CSCF is no party of the dialog; it keeps what it needs to end it.
 */
#ifndef KIMS_PCSCF_SESSION_H
#define KIMS_PCSCF_SESSION_H

#include <uthash.h>

#include "lib/core/fsm.h"
#include "pcscf/alg.h"
#include "pcscf/rx.h"

struct reg;
struct sip_fwd;

enum session_state { SES_EARLY, SES_CONFIRMED, SES_ENDING, SES_GONE, SES_N_STATES };
enum session_event { SES_EV_ANSWERED, SES_EV_FAILED, SES_EV_BYE, SES_EV_RELEASE, SES_N_EVENTS };
extern const struct fsm_desc session_fsm;

#define SESSION_TOKEN_LEN   16
#define SESSIONS_PER_UE_MAX 64 /* more would be at the cost of the others' ports */

#define ICID_LEN 128 /* other networks' are longer than ours (RFC 7315 5.6: up to them) */

struct priority {
	const char *ns;	 /* of Resource-Priority: "ets", "wps"; NULL: none */
	int reservation; /* Reservation-Priority of the AAR: 5 is the highest */
};

struct session {
	struct pcscf *p;
	struct fsm fsm;
	uint64_t id;
	char token[SESSION_TOKEN_LEN + 1];
	struct reg *reg; /* the session ends before its registration */
	bool orig;	 /* the UE is the caller */
	char icid[ICID_LEN];
	char *call_id;
	char *caller, *callee;		       /* From and To values with tags */
	char *caller_contact, *callee_contact; /* URIs */
	char *record_route;		   /* of the 2xx, as the callee sent it; joined by ", " */
	uint32_t caller_cseq, callee_cseq; /* last ones seen */
	uint32_t invite_cseq;
	unsigned int byes_left; /* our own that are not answered */
	struct sip_fwd *fwd;	/* the INVITE while it is being forwarded */
	struct alg alg;
	struct rx_call rx;
	struct priority priority;
	uint64_t start; /* wall, usec: answered */
	uint32_t session_expires_s;
	struct timer timer; /* session timer, media check, end of release */
	struct timer media_timer;
	struct session *reg_prev, *reg_next;
	bool dirty, stored; /* persist.c */
	struct session *dirty_prev, *dirty_next;
	UT_hash_handle hh;
};

/* What is remembered of an ended session. */
struct session_note {
	uint64_t id, start, end; /* wall, usec */
	char impi[96], caller[96], callee[96], why[64];
	bool orig;
	size_t n;
	struct {
		uint32_t stream;
		int flow;
		struct knl_rtp_stats stats;
	} flow[16];
};

int session_new(struct reg *r, bool orig, struct sip_msg *invite, struct session **ret);
void session_free(struct session *s, const char *why); /* flows, ports, record */
void session_forget(struct session *s);		       /* at exit: memory only */
struct session *session_by_token(struct pcscf *p, struct str token);
struct session *session_by_id(struct pcscf *p, uint64_t id);

/* 1xx or 2xx to the INVITE, before it goes on. */
void session_response(struct session *s, struct sip_msg *resp);
void session_seen(struct session *s, const struct sip_msg *req,
		  enum side from); /* CSeq, target refresh */
void session_refreshed(struct session *s,
		       struct sip_msg *resp); /* 2xx to re-INVITE, UPDATE: session timer, target */
/* Network-initiated release, 5.2.8.1: BYE both ways, or CANCEL and a final response; reason: value of the Reason header. */
void session_release(struct session *s, const char *why, const char *reason);
/* The same with the status that goes upstream before the answer. */
void session_refuse(struct session *s, int status, const char *why, const char *reason);
void session_media_changed(struct session *s); /* flows follow an answer */
void session_note_flow(struct session *s, size_t stream, int flow, const struct knl_rtp_stats *st);
void session_media_event(struct pcscf *p, uint64_t cookie, uint32_t flow_id, bool inactive);
void session_media_watch(struct session *s);
void session_restored(struct session *s); /* after loading: ports, flows, timers */
int session_attach(struct session *s);	  /* tables, after loading */
bool session_from_caller(const struct session *s, enum side from);

#endif
