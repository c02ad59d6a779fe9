/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UPF (and PGW-U): Sxb and N4 (TS 29.244) towards CP functions, the user plane in kims.ko.
 *
 *   node.c      CP functions: associations, features, PFCP messages -> handlers
 *   session.c   sessions: establishment, modification, deletion; one kernel batch per round of the loop
 *   rules.c     rules of PFCP -> rules of the kernel, and what is wrong with them    no I/O
 *   model.c     the rules of one session while a request is worked on                no I/O
 *   alloc.c     F-TEIDs and UE addresses                                             no I/O
 *   usage.c     counters -> usage reports                                            no I/O
 *   report.c    kernel events -> Session Report Request
 *   label.c     what the kernel keeps for us of a session, as text                   no I/O
 *   state.c     what survives us: nodes and time stamp in a file, sessions in the kernel
 *   kernel.c    calls to kims.ko (a table, so that tests have a kernel of their own)
 *   name.c      name of the server in the first packets of a flow                    no I/O
 *   pfd.c       packet flow descriptions: which application is it?                   no I/O
 *   detect.c    packets from the kernel's queue: applications, router solicitations
 *   control.c   control socket
 *
 * Invariants: the kernel is where the rules are. A modification reads them, changes the copy and gives back what changed;
 * nothing of a rule is kept here. What is kept of a session is an index (by SEID, TEID, address) and
 * what its label says, so that a restarted process has it all from the kernel's dump. The UP SEID is the
 * kernel's session id. Requests for a session are worked on in their order: one that
 * finds the session's establishment not yet with the kernel has it sent first.
 *
 * Rule ids: kernel ids are PFCP's plus one (PFCP's may be 0, the kernel's not). A PDR with an F-TEID of
 * both families is two in the kernel: the second, for IPv6, has UPF_TWIN added. UPF_RA and the next are our own.
 */
#ifndef KIMS_UPF_UPF_H
#define KIMS_UPF_UPF_H

#include <stdio.h>

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/htab.h"
#include "lib/netlink/nfqueue.h"
#include "lib/pfcp/pfcp.h"
#include "ref/sx.h"

#define UPF_RA	      0x20001u /* takes router solicitations */
#define UPF_RA_APP    0x7fffffffu
#define UPF_TWIN      0x10000u
#define UPF_POOLS_MAX 16
#define UPF_CSIDS_MAX 4
#define UPF_BATCH     64 /* sessions given to the kernel at once */

struct upf;
struct upf_session;

/* --- the kernel --- */

struct upf_kernel_ops {
	int (*session_new)(void *k, const struct knl_session *s, size_t n);
	int (*session_change)(void *k, const struct knl_session *s, size_t n, knl_counters_fn fn,
			      void *arg);
	int (*session_del)(void *k, const uint64_t *ids, size_t n, knl_counters_fn fn, void *arg);
	int (*session_get)(void *k, uint64_t id, knl_session_fn fn, void *arg);
	int (*session_dump)(void *k, knl_session_fn fn, void *arg);
	int (*app_flow_new)(void *k, const struct knl_app_flow *f, size_t n);
	const char *(*error)(void *k);
	int (*error_index)(void *k);
};
extern const struct upf_kernel_ops upf_kernel; /* k: struct knl * */

/* --- CP functions --- */

struct upf_node {
	struct upf_node *next;
	struct upf *upf;
	uint32_t index; /* in the labels of its sessions */
	uint8_t id[PFCP_NODE_ID_MAX];
	size_t id_len;
	struct sockaddr_storage addr;
	uint32_t recovery_ts;
	struct sx_cp_features features;
	bool up;	/* associated */
	bool releasing; /* we have asked it to let go */
	struct upf_session *sessions;
	uint32_t n_sessions;
	struct timer lost; /* no heartbeats: its sessions go when it fires */
};

/* --- sessions --- */

/* What was reported of a URR: usage is counters less this. */
struct upf_urr {
	uint32_t id;	/* PFCP's */
	uint32_t seqn;	/* of the next report */
	uint32_t start; /* of the period that runs, pfcp_time(); 0: unknown */
	uint64_t ul, dl, duration_ms;
	uint64_t quota_ul, quota_dl, quota_ms; /* counters when its quota began */
};

struct upf_teid {
	struct hnode node; /* the TEID */
	struct upf_teid *next;
	struct upf_session *s;
	bool seen; /* while it is looked which are still used */
};

struct upf_csid {
	uint8_t node_type, role;
	uint8_t node[16];
	uint16_t csid;
};

struct upf_session {
	struct hnode by_seid;
	struct hnode by_cp, by_ue4, by_ue6; /* when in_cp, in_ue4, in_ue6 */
	struct upf_session *next, **pprev;  /* of its node */
	struct upf_node *node;
	uint64_t cp_seid;   /* by upf_session_set_cp() */
	struct in6_addr cp; /* IPv4 mapped */
	struct in_addr ue4;
	struct in6_addr ue6;			 /* the /64 */
	bool has_ue4, has_ue6, own_ue4, own_ue6; /* own: out of our pool */
	bool in_cp;
	bool in_ue4, in_ue6; /* in the tables by address, and taken in our pools */
	bool pending;	     /* not yet with the kernel */
	bool relabel;	     /* in the list of those whose label is to be written */
	bool has_bar;
	uint8_t bar;
	uint8_t n_urrs, n_csids;
	uint32_t created; /* pfcp_time() */
	char subscriber[32];
	struct upf_urr *urrs;
	struct upf_csid *csids;
	struct upf_teid *teids;
	struct upf_session *relabel_next;
};

/* --- configuration --- */

struct upf_pool { /* addresses for the UEs of a network instance */
	char name[64];
	bool has4, has6;
	struct in_addr net4;
	uint8_t bits4;
	struct in6_addr net6;
	uint8_t bits6; /* at most 64 */
	uint8_t *used4, *used6;
	uint32_t n4, n6, next4, next6, taken4, taken6;
};

struct upf_instance { /* a network instance and the device by which its packets leave */
	char name[64];
	uint32_t device;
};

#define UPF_DETECTED 256

struct upf_detected { /* a flow whose application was found a moment ago */
	uint64_t seid;
	uint32_t app;
	char flow[140];
};

/* --- failures --- */

struct upf_fail {
	uint8_t cause;	    /* 0: none */
	uint16_t offending; /* 0: none */
	bool has_rule;
	struct sx_failed_rule rule;
};

/* --- the model (model.c): rules of a session while a request is worked on --- */

#define UPF_FILTERS 1024

enum upf_mark { UPF_SAME, UPF_CHANGED, UPF_FRESH };

struct upf_model {
	struct knl_pdr pdr[KNL_RULES];
	struct knl_far far[KNL_RULES];
	struct knl_qer qer[KNL_RULES];
	struct knl_urr urr[KNL_RULES];
	struct knl_filter filter[UPF_FILTERS];
	uint8_t pdr_mark[KNL_RULES], far_mark[KNL_RULES], qer_mark[KNL_RULES], urr_mark[KNL_RULES];
	size_t n_pdrs, n_fars, n_qers, n_urrs, n_filters;
	uint32_t del_pdr[KNL_RULES], del_far[KNL_RULES], del_qer[KNL_RULES], del_urr[KNL_RULES];
	size_t n_del_pdrs, n_del_fars, n_del_qers, n_del_urrs;
	struct knl_usage usage[KNL_RULES]; /* counters as the rules were read */
	size_t n_usage;
	struct knl_bar bar;
	bool bar_changed;
	int idle_timeout; /* -1: as it is */
	/* PDRs that were given an F-TEID or an address here */
	struct sx_created_pdr created[SX_RULES_MAX];
	size_t n_created;
	struct {
		uint8_t id;
		bool v4, v6;
		uint32_t teid;
	} choice[SX_RULES_MAX]; /* by CHOOSE ID */
	size_t n_choices;
	bool ue4_new, ue6_new;	/* taken from a pool by this request */
	struct upf_session was; /* addresses before this request */
	struct upf_fail fail;
};

struct upf {
	struct loop *loop;
	struct pfcp *pfcp;
	const struct upf_kernel_ops *ops;
	void *k;
	/* what we are */
	struct sx_node_id node_id;
	uint32_t recovery_ts;
	bool has4, has6; /* GTP-U */
	struct in_addr gtpu4;
	struct in6_addr gtpu6;
	struct in_addr pfcp4; /* in our F-SEID */
	struct in6_addr pfcp6;
	bool has_pfcp4, has_pfcp6;
	uint32_t ep4, ep6;
	uint32_t lost_s; /* 0: sessions of a CP function that is silent stay */
	uint32_t max_sessions;
	uint16_t app_queue;
	struct conf_prefix *from; /* who may speak PFCP */
	size_t n_from;
	const char *state_path; /* NULL: nothing is written */
	struct upf_pool pools[UPF_POOLS_MAX];
	size_t n_pools;
	struct upf_instance instances[UPF_POOLS_MAX];
	size_t n_instances;
	struct upf_pfds *pfds; /* pfd.c */
	struct upf_cp *cps;    /* node.c: CP functions of the configuration */
	bool leaving;
	bool queue;	 /* somebody reads app_queue */
	uint32_t ra_mtu; /* 0: not told */
	/* A G-PDU from our address; NULL: none is sent. */
	void (*send_gtpu)(struct upf *u, const struct knl_end *peer, const void *p, size_t n);
	struct upf_detected detected[UPF_DETECTED];
	size_t next_detected;

	uint64_t key[2], counter;
	struct htab sessions, by_cp, teids, by_ue4, by_ue6;
	uint32_t n_sessions;
	struct upf_node *nodes;
	uint32_t next_node, n_nodes;
	uint32_t load_seq;
	uint8_t load;
	/* the batch */
	struct upf_pending *pending; /* session.c */
	struct upf_session *relabel;
	struct upf_report *reports;
	uint8_t *arena;
	size_t arena_used;
	struct upf_model model;
	union sx_any in, out;
	uint8_t buf[65536];
};

/* --- session.c --- */
int upf_init(struct upf *u, struct loop *l); /* tables; -ENOMEM, then upf_fini() */
void upf_fini(struct upf *u);
void upf_flush(void *u); /* what was collected goes to the kernel, the answers to the peers */
void upf_establish(struct upf *u, struct xchg_token *t,
		   const struct sx_session_establishment_request *m, struct upf_node *n);
void upf_modify(struct upf *u, struct xchg_token *t, uint64_t seid,
		const struct sx_session_modification_request *m);
void upf_delete(struct upf *u, struct xchg_token *t, uint64_t seid);
void upf_drop_buffered(struct upf *u, struct upf_session *s);
struct upf_session *upf_session_find(const struct upf *u, uint64_t seid);
struct upf_session *upf_session_new(struct upf *u, struct upf_node *n,
				    uint64_t seid); /* NULL: no memory */
/* Whose it is: the F-SEID of the CP function. */
void upf_session_set_cp(struct upf *u, struct upf_session *s, uint64_t seid,
			const struct in6_addr *cp);
void upf_session_adopt(struct upf *u,
		       struct upf_session *s); /* the kernel has it: its addresses are taken */
void upf_session_free(struct upf *u,
		      struct upf_session *s); /* out of the tables, not of the kernel */
void upf_node_clear(struct upf_node *n);      /* its sessions, also in the kernel */
/* Those that match(); also in the kernel. Their number. */
size_t upf_sessions_end(struct upf *u, bool (*match)(void *arg, const struct upf_session *s),
			void *arg);
void upf_session_relabel(struct upf *u, struct upf_session *s); /* at the end of the round */
void upf_put_control(struct upf *u, const struct upf_node *n, struct sx_load *load, bool *has_load,
		     struct sx_overload *over, bool *has_over);
void upf_respond(struct upf *u, struct xchg_token *t, enum sx_message type, uint64_t seid,
		 const void *m);
void upf_refuse(struct upf *u, struct xchg_token *t, uint8_t request, uint64_t seid, uint8_t cause,
		uint16_t offending);

/* --- model.c --- */
void upf_model_init(struct upf_model *m, const struct upf_session *s);
/* What the kernel has. -ENOSPC: more than fits. */
int upf_model_load(struct upf_model *m, const struct knl_session *s);
void upf_model_count(struct upf_model *m, const struct knl_counters *c);
const struct knl_usage *upf_model_usage(const struct upf_model *m, uint32_t kid); /* NULL: none */
int upf_model_pdr(const struct upf_model *m, uint32_t kid);			  /* index, -1 */
int upf_model_far(const struct upf_model *m, uint32_t kid);
int upf_model_qer(const struct upf_model *m, uint32_t kid);
int upf_model_urr(const struct upf_model *m, uint32_t kid);
struct knl_filter *upf_model_filters(struct upf_model *m, size_t n); /* NULL: no room */
/*
 * What goes to the kernel: whole: everything; else what changed. Copied to the memory at *p, which ends
 * at end. -ENOSPC.
 */
int upf_model_take(const struct upf_model *m, bool whole, struct knl_session *ret, uint8_t **p,
		   const uint8_t *end);
bool upf_model_changed(const struct upf_model *m);

/* --- rules.c: 0, or -EINVAL with m->fail --- */
int upf_rules_establish(struct upf *u, struct upf_model *m, struct upf_session *s,
			const struct sx_session_establishment_request *in);
int upf_rules_modify(struct upf *u, struct upf_model *m, struct upf_session *s,
		     const struct sx_session_modification_request *in);
void upf_bar_update(struct upf_model *m, const struct sx_report_bar *b);
static inline uint16_t upf_pdr_id(uint32_t kid)
{
	return (uint16_t)((kid - 1) & 0xffff);
}

/* --- alloc.c --- */
int upf_random_key(uint64_t key[2]);
uint32_t upf_random32(struct upf *u);
int upf_teid_alloc(struct upf *u, struct upf_session *s, uint32_t *ret); /* -ENOMEM */
int upf_teid_take(struct upf *u, struct upf_session *s, uint32_t teid);	 /* -EEXIST: another's */
void upf_teids_drop_unused(struct upf *u, struct upf_session *s, const struct upf_model *m);
void upf_teids_free(struct upf *u, struct upf_session *s,
		    const struct upf_teid *until); /* the newest ones, up to this one; NULL: all */
int upf_pools_parse(struct upf *u, const char *text, char *err, size_t size);
void upf_pools_free(struct upf *u);
/* For the network instance (NULL: any). -ENOSPC, -ENOENT: no such pool. */
int upf_ue4_alloc(struct upf *u, const char *instance, struct in_addr *ret);
int upf_ue6_alloc(struct upf *u, const char *instance, struct in6_addr *ret);
void upf_ue4_mark(struct upf *u, struct in_addr a, bool used); /* nothing when in no pool */
void upf_ue6_mark(struct upf *u, const struct in6_addr *a, bool used);

/* --- usage.c --- */
struct upf_urr *upf_urr_get(struct upf_session *s, uint32_t id,
			    bool make); /* NULL: none, no memory */
void upf_urr_forget(struct upf_session *s, uint32_t id);
/* The usage since the last report, which this one is from now on. What it covers: *ret_covers (may be NULL). */
struct upf_covers {
	uint32_t urr;
	uint64_t ul, dl, duration_ms;
};
void upf_usage_report(struct upf *u, struct upf_session *s, const struct knl_usage *k,
		      unsigned int trigger, struct sx_usage_report *ret,
		      struct upf_covers *ret_covers);
void upf_usage_undo(struct upf_session *s, const struct upf_covers *c); /* it did not arrive */
/* The kernel has made a report that is in none of ours. */
bool upf_usage_missed(struct upf_session *s, const struct knl_usage *k);
int upf_csid_add(struct upf_session *s, const struct upf_csid *q); /* -ENOMEM, -ENOSPC */

/* --- report.c --- */
void upf_on_event(void *u, const struct knl_gtpu_event *e);
void upf_report_missed(struct upf *u, struct upf_session *s, const struct knl_session *k,
		       const struct knl_counters *c);
void upf_report_metrics(void);
void upf_reports_free(struct upf *u);	    /* after pfcp_close() */
void upf_reports_again(struct upf_node *n); /* it answers again: what it has missed */
void upf_reports_lost(struct upf *u);	    /* events were lost: all counters are looked at */

/* --- label.c --- */
#define UPF_LABEL_MAX 255
void upf_label_write(const struct upf_session *s, char dst[UPF_LABEL_MAX + 1]);
/* Fills s; *ret_node the index. -EBADMSG: not ours; -ENOMEM. */
int upf_label_read(struct upf_session *s, const char *text, uint32_t *ret_node);

/* --- node.c --- */
extern const struct pfcp_ops upf_pfcp_ops;				/* arg: struct upf * */
int upf_node_id_encode(const struct sx_node_id *id, struct tlv_buf *b); /* value of the IE */
struct upf_node *upf_node_find(struct upf *u, struct str id);		/* id: value of the IE */
struct upf_node *upf_node_by_index(struct upf *u, uint32_t index);
struct upf_node *upf_node_new(struct upf *u, struct str id);
int upf_cps_parse(struct upf *u, const char *text, char *err,
		  size_t size); /* starts to associate */
void upf_cps_free(struct upf *u);
void upf_release_all(struct upf *u, uint8_t graceful_s); /* asks all CP functions to let go */
void upf_node_name(const struct upf_node *n, char *dst, size_t size);
void upf_node_metrics(void);

/* --- state.c --- */
/*
 * Nodes and time stamp of the file when they belong to what the kernel has (kept: the endpoints were there
 * already), else a new time stamp. Then, with u->pfcp, the peers and the sessions of the kernel.
 */
void upf_state_load(struct upf *u, bool kept);
void upf_state_save(struct upf *u);
void upf_state_peers(struct upf *u);
int upf_state_sessions(struct upf *u); /* 0 or -errno */

/* --- pfd.c --- */
struct upf_pfds;
uint32_t upf_app_number(struct upf *u, struct str name);	/* stable; 0: no memory */
const char *upf_app_name(const struct upf *u, uint32_t number); /* NULL: unknown */
void upf_pfds_free(struct upf *u);
void upf_pfds_write(const struct upf *u, FILE *f);
void upf_pfds_read(struct upf *u, const char *line); /* a line of it; others are ignored */
void upf_pfd_manage(struct upf *u, struct xchg_token *t, const struct sx_pfd_management_request *m);

/* --- name.c --- */
enum upf_name_kind {
	UPF_NAME_NONE,
	UPF_NAME_MORE /* perhaps in the next packet */,
	UPF_NAME_TLS,
	UPF_NAME_HTTP,
	UPF_NAME_DNS
};
struct upf_name {
	char host[256], path[512]; /* path: HTTP */
	bool has_path;
};
enum upf_name_kind upf_name_find(const uint8_t *p, size_t n, uint8_t protocol, uint16_t remote_port,
				 struct upf_name *ret);
/* The application of the flow, 0: none. (pfd.c) */
uint32_t upf_pfd_match(const struct upf *u, const struct knl_app_flow *f, enum upf_name_kind kind,
		       const struct upf_name *name);
json_t *upf_pfds_json(const struct upf *u);

/* --- detect.c --- */
enum knl_nfq_verdict upf_on_packet(void *u, const struct knl_nfq_packet *p);
struct upf_session *upf_session_by_ue(const struct upf *u, const struct xfrm_addr *a);
const struct upf_detected *upf_detected_find(const struct upf *u, uint64_t seid, uint32_t app);
void upf_detect_metrics(void);
static inline uint64_t upf_ue_key(const struct xfrm_addr *a)
{
	uint64_t key = 0;

	memcpy(&key, &a->v4, a->family == AF_INET ? 4 : 8); /* the address, the /64 */
	return key;
}

extern const struct ctl_cmd upf_cmds[];
void upf_metrics(void);

#endif
