/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The P-CSCF: what all of its files share.
 *
 * gm.c who comes in by which door; register.c, reg.c, sec.c, sa.c registration and its SAs;
 * regevent.c reg event package; request.c, identity.c everything else; session.c, alg.c, ports.c
 * calls and their media; priority.c whose calls go first; persist.c restart; ctl.c what an operator sees.
 * rx*.c, access.c the PCRF (rx.h).
 */
#ifndef KIMS_PCSCF_PCSCF_H
#define KIMS_PCSCF_PCSCF_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "lib/sip/proxy.h"
#include "lib/store/store.h"
#include "pcscf/access.h"
#include "pcscf/alg.h"
#include "pcscf/gm.h"
#include "pcscf/kern.h"
#include "pcscf/ports.h"
#include "pcscf/reg.h"
#include "pcscf/rx.h"
#include "pcscf/sec.h"
#include "pcscf/session.h"

#define DROP_RING    256
#define HISTORY_RING 64

struct drop_note {
	uint64_t time; /* wall, usec */
	struct knl_event ev;
};

/* What waits for an answer of the stack, which ends without a word at exit: first member of its struct. */
struct pending {
	struct pending *prev, *next;
	void (*drop)(struct pending *w);
};

struct pcscf {
	struct loop *loop;
	const struct conf *conf;
	struct sip_tp *tp;
	struct sip_stack *stack;
	struct sip_resolver *resolver;
	struct store *store;	     /* NULL: nothing survives a restart */
	const struct kern_ops *kops; /* NULL: no kernel: no IPsec, no media anchoring */
	void *karg;
	struct kern *kern; /* owned; NULL in tests */
	struct rx *rx;	   /* NULL: no PCRF is asked */

	struct gm gm[2];
	size_t n_gm;
	struct gm_ep mw;
	char mw_uri[SIP_SA_STRLEN]; /* "10.46.0.1:5070" */
	char *name;		    /* host name */
	struct sec_policy policy;
	struct ports ports;
	bool reg_event; /* subscribe to the registration's state (5.2.3) */

	struct reg *regs, *regs_impi;
	struct gm_bind *binds;
	struct sa_set *nat_sets; /* those of phones behind a NAT */
	struct session *sessions;
	struct reg *awaiting; /* registrations that were challenged, oldest first */
	unsigned int n_awaiting;
	struct reg *dirty_regs;
	struct session *dirty_sessions;
	struct pending *pending;
	uint32_t next_reqid;
	uint64_t icid_boot, icid_seq;

	/* gm_admit()'s find, for the handler that follows at once */
	struct sip_msg *admit_msg;
	struct gm_bind *admit_bind;
	uint64_t refuse_tokens, refuse_stamp; /* bucket of refusals on the unprotected ports */

	struct drop_note drops[DROP_RING];
	uint64_t n_drops;
	struct session_note history[HISTORY_RING];
	uint64_t n_history;
};

/*
 * Everything that is wired may be given (procedure tests) or left NULL and is then made from conf:
 * tp, stores, kernel. conf is borrowed and must outlive it.
 */
struct pcscf_opts {
	struct loop *loop;
	const struct conf *conf;
	struct sip_tp *tp;	     /* NULL: real sockets */
	struct store *store;	     /* taken over; NULL: none */
	const struct kern_ops *kops; /* with kernel: true in conf; NULL: the real one */
	void *karg;
	const struct rx_ops *rx; /* with rx: true in conf; NULL: the real one */
	void *rx_arg;
};

int pcscf_new(const struct pcscf_opts *o, struct pcscf **ret, char *err, size_t errsize);
/* Timers, limits and policy from now on; -EBUSY: what a running P-CSCF cannot change differs, nothing is taken over. */
int pcscf_reload(struct pcscf *p, const struct conf *c);
void pcscf_free(struct pcscf *p); /* registrations stay in the kernel and in the store */
const char *gm_reason_str(enum knl_gm_reason r);
void pcscf_kernel_event(void *arg, const struct knl_event *e);
extern const struct ctl_cmd pcscf_cmds[]; /* arg: struct pcscf * */

/* Handlers that pcscf.c and request.c hand to. m is borrowed and may be edited. */
void register_request(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m,
		      const struct sip_path *from, struct gm_bind *bind);
void request_from_ue(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m, struct gm_bind *bind);
void request_from_core(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m);
/* One that rx_call_ask() kept; both take t over. */
void request_go(struct reqtx *t);
void request_refused(struct reqtx *t, int status, const char *text);

/*
 * Sends a request of our own from Mw: to its topmost Route, else its Request-URI (RFC 3263). Takes
 * m over. fn is called as for sip_ctx_start(), once at least unless -errno is returned.
 */
int core_send(struct pcscf *p, struct sip_msg *m, sip_ctx_fn fn, void *arg);

/* reg event package, TS 24.229 5.2.3 */
/* call_id, tag: of a former run, or NULL. */
void regevent_subscribe(struct reg *r, uint64_t delay_usec, const char *call_id, const char *tag);
const char *regevent_call_id(const struct reg *r); /* "": no subscription */
const char *regevent_tag(const struct reg *r);
void regevent_free(struct regsub *s);
void regevent_notify(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m, struct str token);

/* identities, TS 24.229 5.2.6.3, RFC 3325 */
int identity_originating(struct reg *r, struct sip_msg *m, const char **ret_why);
void identity_response(struct reg *r, struct sip_msg *resp, const char *called_party);
bool identity_belongs(const struct reg *r, struct str uri);
void identity_to_ue(struct sip_msg *m); /* Privacy: id towards the UE */

/* priority.c */
void priority_from_ue(const struct reg *r, struct sip_msg *m); /* removes what it may not ask for */
/* Of an INVITE or UPDATE on its way, already judged; true: the session has more priority now. */
bool priority_note(struct session *s, const struct sip_msg *m);
#define PRIORITY_LEN 16
/* For the store, as in Resource-Priority; NULL: it has none. What is none is not read. */
const char *priority_write(const struct session *s, char dst[PRIORITY_LEN]);
void priority_read(struct session *s, struct str text);
int priority_check(const struct conf_pcscf *c); /* -EINVAL: pcscf.mps is no list of IMSIs */

/* restart */
void persist_reg(struct reg *r);
void persist_reg_gone(struct pcscf *p, struct reg *r);
void persist_session(struct session *s);
void persist_session_gone(struct session *s);
void persist_rx(struct rx_af *x);
void persist_rx_now(struct rx_af *x); /* it is safe when this returns */
void persist_rx_gone(struct rx_af *x);
/* Origin-State-Id (RFC 6733 8.16): what we know outlives us, so it stays the same; 0: there is no store. */
uint32_t persist_rx_state(struct pcscf *p);
void persist_flush(struct pcscf *p); /* at exit */
void persist_load(struct pcscf *p);  /* reads back, compares with the kernel, flushes leftovers */

/* Refuses with a reason: Warning 399 in the answer, a line with the private identity in the log. */
void refuse(struct pcscf *p, struct sip_stx *stx, const struct reg *r, int status, const char *fmt,
	    ...) _printf_(5, 6);
void pending_add(struct pcscf *p, struct pending *w, void (*drop)(struct pending *w));
void pending_del(struct pcscf *p, struct pending *w); /* fine when not in */
/* Copy of a header's text on one line: folding (RFC 3261 7.3.1) becomes spaces. NULL: no memory. */
char *line_dup(struct str s);
/* New icid-value, RFC 7315 5.6. */
void icid_make(struct pcscf *p, char dst[ICID_LEN]);
/* The name of the network that this P-CSCF is in: P-Visited-Network-ID and type 1 IOI (TS 24.229 4.5.4). */
const char *visited_network(const struct pcscf *p);
/* P-Charging-Vector of a request that we send into the core; none for an icid of "". access: struct rx_call.charging, or NULL. */
int charging_add(struct pcscf *p, struct sip_msg *m, const char *icid, const char *access);

#define GM_TCP_SIZE 1300 /* octets over which a request goes by TCP, RFC 3261 18.1.1 */

#endif
