/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rx: the P-CSCF as the AF of its calls and registrations (TS 29.214 4.4, TS 29.213 annex B, TS 24.229 5.2).
 *
 *   rx.c        AF sessions: AAR, STR until it is answered, who sent RAR and ASR; restarts of PCRFs
 *   rx_node.c   the Diameter node behind it
 *   rx_media.c  agreed media -> Media-Component-Description
 *   rx_call.c   calls: when an AAR goes out, which responses wait for it, what its refusal, RAR and ASR do
 *   rx_reg.c    registrations: status of the signalling path
 *   access.c    what the network says of the access -> P-Access-Network-Info, P-Charging-Vector
 *
 * Invariants: an AF session that a PCRF may know is in the store, from before its AAR until its STR is answered, or
 * given up after RX_TRIES; it ends with its call or registration; at most one request of it is under way.
 */
#ifndef KIMS_PCSCF_RX_H
#define KIMS_PCSCF_RX_H

#include <uthash.h>

#include "lib/core/fsm.h"
#include "lib/diameter/pcc_app.h"
#include "pcscf/alg.h"
#include "ref/rx_tables.h"

struct pcscf;
struct reg;
struct reqtx;
struct rx_hold;
struct session;
struct sip_fwd;
struct sip_msg;

/* The node, so that tests can be the PCRF; the same contracts as call.h. */
struct rx_ops {
	int (*request)(void *arg, const struct ie_command *cmd, const struct dia_to *to,
		       const void *r, struct dia_done done);
	int (*answer)(void *arg, struct dia_token *t, const struct ie_command *cmd, const void *a);
	struct str (*session_id)(void *arg, char *dst);
	bool (*is_up)(void *arg);
};

enum rx_state { RXS_OPENING, RXS_OPEN, RXS_UPDATING, RXS_CLOSING, RXS_GONE, RXS_N_STATES };
enum rx_event { RXV_UPDATE, RXV_ACCEPTED, RXV_FAILED, RXV_CLOSE, RXV_CLOSED, RXV_N_EVENTS };
extern const struct fsm_desc rx_fsm;

enum rx_owner { RX_OF_NONE, RX_OF_SESSION, RX_OF_REG };

/* What became of an AAR. */
enum rx_outcome {
	RX_OK,
	RX_REFUSED,
	RX_UNREACHABLE, /* no peer, no answer, a protocol error */
	RX_FORGOTTEN,	/* the PCRF does not know the AF session any more */
};

#define RX_TRIES 9 /* of a STR that was sent: about four minutes */

/* An AF session. */
struct rx_af {
	struct fsm fsm;
	struct pcscf *p;
	char *id;	    /* Session-Id */
	char *host, *realm; /* the PCRF that answered; NULL: none yet */
	enum rx_owner owner;
	uint64_t owner_id;
	bool busy;    /* a request of ours is under way */
	bool closing; /* its owner has gone: STR as soon as the AAR is answered */
	bool stale;   /* the PCRF has restarted since */
	uint8_t tries;
	int cause; /* enum rx_termination_cause */
	UT_hash_handle hh;
};

#define RX_PCRFS_MAX 16

struct rx {
	struct pcscf *p;
	const struct rx_ops *ops;
	void *arg;
	struct dia *dia;  /* owned; NULL in tests */
	struct rx_af *af; /* by Session-Id */
	uint32_t n_closing;
	bool quitting;
	struct {
		char *host;
		uint32_t state_id;
	} pcrf[RX_PCRFS_MAX];
	size_t n_pcrf;
	struct rx_hold *orphans; /* held responses that wait no more */
	struct timer drain;
	struct rx_af *probe; /* asked whether its PCRF still knows it, in the name of all */
	bool reprobe;	     /* that was not answered: another one is to be asked */
	uint8_t probes;	     /* not answered in a row */
	struct {
		struct timer timer;
		struct reg *next; /* NULL: the round is over */
		unsigned int rounds;
		bool missed; /* somebody has no AF session yet */
	} sweep;		  /* rx_reg.c */
};

/* NULL ops: the real node. 0 with *ret NULL when Rx is not configured. */
int rx_new(struct pcscf *p, const struct rx_ops *ops, void *arg, struct rx **ret, char *err,
	   size_t errsize);
void rx_quit(struct rx *rx); /* first: no answer comes any more, nothing is sent */
void rx_free(struct rx *rx); /* AF sessions stay: they are in the store */
/* struct dia_serve_fn; arg: struct rx * */
bool rx_on_request(void *arg, struct dia_token *t, const struct ie_command *cmd,
		   const struct ie_env *env, void *r);
void rx_on_peer(void *arg, const char *identity, bool up);
int rx_node_open(struct rx *rx, uint32_t state_id, char *err, size_t errsize);

/* The first AAR; its outcome comes later. -ENOTCONN: no PCRF is connected, nothing was done; -ENOMEM. */
int rx_open(struct rx *rx, enum rx_owner owner, uint64_t owner_id, const struct rx_aar *r,
	    struct rx_af **ret);
/* Another AAR; -EBUSY: one is under way. */
int rx_update(struct rx_af *x, const struct rx_aar *r);
/* The owner goes: STR, now or as soon as it can be sent. NULL is fine. */
void rx_close(struct rx_af *x, enum rx_termination_cause cause);
struct rx_af *rx_by_id(const struct rx *rx, struct str id);
/* Of a former run: belongs to its owner again, or (RX_OF_NONE) gets its STR. */
int rx_restore(struct rx *rx, struct str id, struct str host, struct str realm, enum rx_owner owner,
	       uint64_t owner_id);
const char *rx_outcome_str(enum rx_outcome o);
const char *rx_state_str(const struct rx_af *x); /* NULL for NULL */

/* --- the owners: rx_call.c, rx_reg.c --- */

/* Of a session. */
struct rx_call {
	struct rx_af *af;
	struct timer sync;     /* media changed: AAR at the end of what is going on */
	struct timer loss;     /* a bearer is lost; the call ends if it stays so */
	struct timer doom;     /* refused with a 2xx on its way: ends when that has arrived */
	struct timer patience; /* responses are kept no longer */
	struct timer renew;    /* the PCRF may have forgotten it: told anew */
	struct rx_hold *holds;
	unsigned int n_holds;
	uint64_t told;	  /* hash of what the PCRF was told last; 0: nothing */
	uint64_t telling; /* of the AAR under way */
	uint8_t early;	  /* bits by direction: P-Early-Media opened it before the answer */
	struct reqtx *ask;	/* its offer is what the PCRF is asked about; request.c's */
	struct timer ask_timer; /* it waits no longer */
	bool asking;		/* the AAR under way is about an offer */
	bool asked;		/* the PCRF may know an offer that was not answered */
	bool again;		/* changed while an AAR was under way */
	bool renewed, warned;
	uint8_t renewals; /* attempts since the PCRF forgot it; a refusal of these ends nothing */
	bool allocated;	  /* the PCRF said that resources are there */
	char *charging;	  /* access-network-charging-info, from ';' on */
	int status;	  /* how it is ended, while doom runs */
	const char *why;
	char reason[96];
};
#define RX_EARLY_UP   1
#define RX_EARLY_DOWN 2

void rx_call_changed(struct session *s); /* media or gates changed; cheap */
void rx_call_end(struct session *s);	 /* the session ends: STR */
void rx_call_free(struct session *s);
void rx_call_ack(struct session *s); /* ACK to a 2xx passed */
/* The PCRF may have forgotten the AF session of this call: asks, soon, and tells all anew if so. */
void rx_call_renew(struct session *s);
void rx_call_early(struct session *s, const struct sip_msg *resp);
/*
 * A response with a description waits for the PCRF's answer (TS 29.213 annex B.2). head: of the
 * request's list. 0: it need not; -EAGAIN: it is kept; as struct sip_fwd_ops.response returns.
 */
int rx_call_hold(struct session *s, struct sip_fwd *f, struct sip_msg *resp, bool has_sdp,
		 struct rx_hold **head);
void rx_call_failed(struct session *s);	    /* a response >= 300 passes */
/*
 * The request t, of this CSeq and side, may have an offer (TS 29.214 4.4.2). 0: it goes on; -EAGAIN: it asks for more than is
 * agreed, and so the PCRF is asked first: request_go() or request_refused() follows, once, unless rx_call_unask() says no.
 */
int rx_call_ask(struct session *s, struct reqtx *t, uint32_t cseq, enum side from);
void rx_call_unask(struct session *s);
void rx_call_offer_failed(struct session *s); /* what the PCRF was told of it holds no more */
void rx_call_forget(struct rx_hold **head); /* the forwarding has ended */
void rx_drain(struct rx *rx);
void rx_call_answered(struct session *s, enum rx_outcome o, const struct rx_aaa *a);
void rx_call_rar(struct session *s, const struct rx_rar *r);
void rx_call_asr(struct session *s, int cause);

void rx_reg_registered(struct reg *r); /* and renewed */
void rx_reg_end(struct reg *r);
/* A PCRF is there that was not, or has forgotten: registrations without AF session get one, few at a time. */
void rx_reg_sweep(struct rx *rx);
void rx_reg_probe(struct rx_af *x); /* AAR as before; the answer tells whether the PCRF knows it */
void rx_reg_reprobe(struct rx *rx); /* later, as often as registrations are swept */
void rx_reg_answered(struct reg *r, enum rx_outcome o, const struct rx_aaa *a);
void rx_reg_rar(struct reg *r, const struct rx_rar *rar);
void rx_reg_asr(struct reg *r, int cause);

/* rx_media.c: an AAR with the memory that it points into. */
#define RX_FLOW_TEXT 176
struct rx_built {
	struct rx_aar r;
	char flow[RX_COMPONENTS_MAX][2][2][RX_FLOW_TEXT];
	char codec[RX_COMPONENTS_MAX][2][1100];
	uint8_t v4[4], v6[18];
	uint64_t hash; /* of the media */
};
void rx_build_ue(struct rx_built *b, const struct reg *r);
void rx_build_media(struct rx_built *b, const struct session *s);
/* What is agreed, and what of the offer goes beyond it; false: nothing does. */
bool rx_build_offer(struct rx_built *b, const struct session *s);
void rx_build_signalling(struct rx_built *b);
void rx_build_subscribe(struct rx_built *b, bool media);
bool rx_media_is_active(const struct session *s, size_t stream);
int rx_media_type(struct str text); /* enum rx_media_type of a stream's text; -1: not known */

#endif
