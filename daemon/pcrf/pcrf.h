/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCRF: Gx (TS 29.212) towards PCEFs (smf), Rx (TS 29.214) towards AFs (P-CSCFs).
 *
 *   qos.c      media component -> QoS                  no I/O
 *   rule.c     media component -> PCC rules            no I/O
 *   gx.c       IP-CAN sessions: CCR -> CCA, events
 *   push.c     what changed in a session's rules -> RAR, its answer
 *   rx.c       AF sessions: AAR, STR; RAR and ASR to the AF
 *   peer.c     restarts of peers
 *   control.c  control socket
 *
 * Invariants: what is to change at the PCEF is a mark on the rule, not a queued message: one RAR is
 * under way per Gx session, and the next one carries all marks that came up meanwhile. A rule is in
 * its Gx session's list from the AAR until the PCEF confirmed its removal (or is gone). Sessions
 * are freed at the end of the loop's round, so that a handler may end the session it works on.
 * Tables are keyed by SipHash: nobody outside can choose collisions.
 */
#ifndef KIMS_PCRF_PCRF_H
#define KIMS_PCRF_PCRF_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/fsm.h"
#include "lib/diameter/pcc_app.h"
#include "lib/core/htab.h"
#include "lib/store/profile.h"
#include "pcrf/qos.h"
#include "ref/gx_tables.h"
#include "ref/rx_tables.h"

/* What happened to a rule at the PCEF and is to be told to the AF. */
enum pcrf_event {
	PCRF_EV_NONE,
	PCRF_EV_FAILED,	  /* could not be installed */
	PCRF_EV_RELEASED, /* its bearer is gone */
	PCRF_EV_LOST,	  /* its bearer is without radio */
	PCRF_EV_RECOVERED,
	PCRF_EV_ALLOCATED, /* resources are there */
	PCRF_N_EVENTS,
};

struct pcrf_gx;
struct pcrf_rx;

struct pcrf_rule {
	struct pcrf_rule *next; /* of the Gx session */
	struct pcrf_rx *rx;	/* NULL: its AF session has ended */
	char name[20];
	uint32_t component, sub;
	struct {
		char *text;    /* "permit out ..." */
		int direction; /* enum gx_flow_direction */
	} flow[2];
	uint8_t n_flow;
	bool wanted;	/* false: to be removed */
	bool dirty;	/* to be sent */
	bool inflight;	/* in the RAR under way */
	bool known;	/* the PCEF has it, or may */
	bool confirmed; /* it said so */
	bool notify;	/* Resource-Allocation-Notification */
	int status;	/* enum pcc_flow_status */
	uint32_t precedence;
	struct pcrf_qos qos;
	enum pcrf_event event;
};

/* A profile that the PCEF may have in place of the session's, or beside it. */
struct pcrf_former {
	struct pcrf_former *next;
	struct pcrf_policy policy;
};

/* The session of one IP-CAN (TS 29.212 4.5). */
struct pcrf_gx {
	struct fsm fsm;
	struct pcrf *pcrf;
	struct hnode by_id, by_v4, by_v6;
	struct pcrf_gx *next, **pprev;
	char *id, *host, *realm; /* Session-Id, the PCEF's identity and realm */
	char imsi[16], apn[64];
	bool has_v4, has_v6;
	uint8_t v4[4], v6[8]; /* v6: the /64 */
	uint32_t number;      /* of the last CCR */
	int ip_can, rat;
	uint8_t uli[24], timezone[2], mcc_mnc[6], charging_id[32];
	uint8_t n_uli, n_timezone, n_mcc_mnc, n_charging_id;
	struct gx_default_qos qos; /* authorised */
	int ambr_ul, ambr_dl;	   /* bit/s */
	uint64_t used;		   /* octets reported */
	const struct pcrf_policy *profile;
	struct pcrf_policy *own;    /* profile, when it is of the store */
	struct pcrf_former *former; /* the last one first; NULL: the PCEF has profile */
	bool unsent;		    /* the PCEF cannot have profile */
	bool changed, change_sent;  /* to be told; in the RAR under way */
	bool restore, restore_sent; /* the same for: another P-CSCF */
	struct pcrf_rule *rules;
	struct pcrf_rx *rx; /* bound to it */
	uint8_t tries;	    /* of the RAR under way */
};

/* An AF session (TS 29.214 4.4). */
struct pcrf_rx {
	struct fsm fsm;
	struct pcrf *pcrf;
	struct hnode by_id;
	struct pcrf_rx *next, **pprev; /* all */
	struct pcrf_rx *gx_next;       /* of the Gx session */
	struct pcrf_gx *gx;	       /* NULL: none (yet, any more) */
	struct dia_token *token;       /* of the AAR that waits for its CCR */
	const struct rx_aar *aar;
	char *id, *host, *realm;
	char app[48], sponsor[48], asp[48], charging_id[48];
	uint32_t actions; /* bits of enum rx_specific_action */
	bool emergency, mps, signalling;
	int priority;
	int abort_cause;
};

struct pcrf_peer {
	char *host;
	uint32_t state_id;
};

#define PCRF_PEERS_MAX 256

struct pcrf {
	struct loop *loop;
	struct dia *dia;
	struct pcrf_policies apns, policies;
	const char *sponsors; /* words */
	uint32_t aar_wait_ms;
	struct profiles *profiles; /* NULL: there are none */
	char profiles_path[512];

	uint64_t key[2];
	struct htab gx_by_id, gx_by_v4, gx_by_v6, rx_by_id;
	struct pcrf_gx *gx, *dead_gx;
	struct pcrf_rx *rx, *dead_rx;
	uint32_t n_gx, n_rx, next_rule;
	struct pcrf_peer peer[PCRF_PEERS_MAX];
	size_t n_peers;
};

/* The tables. 0 or -ENOMEM; then pcrf_fini(). */
int pcrf_init(struct pcrf *p, struct loop *l);
void pcrf_serve(struct pcrf *p); /* takes Gx and Rx of p->dia */
void pcrf_fini(struct pcrf *p);	 /* after dia_close() */
uint64_t pcrf_hash(const struct pcrf *p, const void *data, size_t n);
void pcrf_metrics(void);
void pcrf_rx_metrics(void);
void pcrf_gauges(const struct pcrf *p);

/* gx.c */
enum gx_state { GXS_IDLE, GXS_PUSHING, GXS_BACKOFF, GXS_ENDING, GXS_GONE };
enum gx_event { GXE_PUSH, GXE_DONE, GXE_AGAIN, GXE_RELEASE, GXE_CLOSED };
extern const struct fsm_desc pcrf_gx_fsm;
bool pcrf_on_gx(void *arg, struct dia_token *t, const struct ie_command *cmd,
		const struct ie_env *env, void *r);
struct pcrf_gx *pcrf_gx_by_id(const struct pcrf *p, struct str id);
/* v6: at least 8 octets of prefix. NULL: none. apn p == NULL: any. */
struct pcrf_gx *pcrf_gx_by_ue(const struct pcrf *p, struct str v4, struct str v6, struct str apn);
void pcrf_gx_end(
	struct pcrf_gx *g); /* gone at the PCEF: the AFs hear of it, the session is freed */
void pcrf_gx_free(struct pcrf_gx *g);
int pcrf_gx_release(struct pcrf_gx *g); /* asks the PCEF to end it; -EALREADY */
struct pcrf_cause {
	bool lost, recovered; /* Event-Trigger LOSS_OF_BEARER, RECOVERY_OF_BEARER */
};
void pcrf_gx_report(struct pcrf_gx *g, const struct gx_rule_report *r, size_t n,
		    const struct pcrf_cause *c);
struct str pcrf_apn_name(struct str apn);  /* without its operator identifier */
void pcrf_gx_authorise(struct pcrf_gx *g); /* what its profile says, else what it has */
void pcrf_gx_order_qos(const struct pcrf_gx *g, struct gx_orders *o);
void pcrf_gx_order_triggers(const struct pcrf_gx *g, struct gx_orders *o);

/* push.c */
void pcrf_push(struct pcrf_gx *g);	/* something of its rules changed */
void pcrf_push_send(struct pcrf_gx *g); /* the RAR of what is marked */
int pcrf_push_release(struct pcrf_gx *g);
bool pcrf_push_pending(const struct pcrf_gx *g);
void pcrf_push_fail(struct pcrf_gx *g, bool definite); /* what is under way did not come about */
void pcrf_push_again(struct pcrf_gx *g);	       /* what is under way is to be sent again */

/* profile.c */
void pcrf_profile_open(struct pcrf *p); /* profiles_path, when that is there */
/* ret_own: the caller's, and then *ret; NULL: *ret is the configuration's. -ENOENT: no such APN; -ENOMEM. */
int pcrf_profile_find(const struct pcrf *p, struct str imsi, struct str apn,
		      const struct pcrf_policy **ret, struct pcrf_policy **ret_own);
void pcrf_profile_take(struct pcrf_gx *g, const struct pcrf_policy *f, struct pcrf_policy *own);
int pcrf_profile_changed(struct pcrf *p, struct str imsi); /* the number of sessions that change */
void pcrf_profile_order(struct pcrf_gx *g, struct gx_orders *o);
/* The RAR under way: the PCEF took it; it did not, or (not definite) nobody knows; it is to be sent again. */
void pcrf_profile_taken(struct pcrf_gx *g);
void pcrf_profile_failed(struct pcrf_gx *g, bool definite);
void pcrf_profile_again(struct pcrf_gx *g);
void pcrf_profile_drop(struct pcrf_gx *g); /* all that is allocated */

/* rule.c */
int pcrf_rule_flows(struct pcrf_rule *r, const struct rx_sub_component *f, bool *up, bool *down);
struct pcrf_rule *pcrf_rule_find(struct pcrf_gx *g, const struct pcrf_rx *x, uint32_t component,
				 uint32_t sub);
struct pcrf_rule *pcrf_rule_by_name(struct pcrf_gx *g, struct str name);
void pcrf_rule_drop(struct pcrf_gx *g, struct pcrf_rule *r);   /* out of the list, freed */
void pcrf_rule_remove(struct pcrf_gx *g, struct pcrf_rule *r); /* also at the PCEF */
/* Rules of the components for this AF session; all or nothing. An enum pcc_result. */
int pcrf_rules_apply(struct pcrf_rx *x, const struct rx_aar *r);
void pcrf_rules_remove(struct pcrf_rx *x);

/* rx.c */
enum rx_state { RXS_WAITING, RXS_OPEN, RXS_ABORTING, RXS_GONE };
enum rx_event { RXE_AAR, RXE_BOUND, RXE_ABORT, RXE_CLOSED };
extern const struct fsm_desc pcrf_rx_fsm;
bool pcrf_on_rx(void *arg, struct dia_token *t, const struct ie_command *cmd,
		const struct ie_env *env, void *r);
void pcrf_rx_bind_waiting(struct pcrf_gx *g); /* AARs that were there before their CCR */
void pcrf_rx_unbind(struct pcrf_rx *x);
void pcrf_rx_abort(struct pcrf_rx *x, int cause);
void pcrf_rx_free(struct pcrf_rx *x);
void pcrf_rx_end(struct pcrf_rx *x);  /* gone at the AF: its rules go, it is freed */
void pcrf_rx_tell(struct pcrf_gx *g); /* events marked on rules */
void pcrf_rx_tell_access(struct pcrf_gx *g,
			 enum rx_specific_action what); /* to those that asked for it */

/* peer.c */
void pcrf_peer_seen(struct pcrf *p,
		    const struct ie_env *env); /* ends the sessions of its former life */

extern const struct ctl_cmd pcrf_cmds[];

#endif
