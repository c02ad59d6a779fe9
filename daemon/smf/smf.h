/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMF of the EPC side, a PGW-C: S5, S8 and S2b (TS 29.274) towards SGWs and ePDGs, Gx (TS 29.212) towards
 * the PCRF, Sxb (TS 29.244) towards UPFs. TS 23.401 5.4 and TS 23.402 7 for the procedures.
 *
 *   apn.c      APNs of the configuration, address pools      no I/O
 *   predefined.c  PCC rules that the configuration has     no I/O
 *   pcscf.c    another P-CSCF for phones that are attached
 *   profile.c  static addresses of subscribers
 *   pco.c      protocol configuration options                no I/O
 *   pdn.c      PDN connections: tables, state machine, who waits for whom
 *   s5.c       requests of SGW and ePDG -> events of the PDN connection, answers
 *   path.c     restarts of SGWs (restart counters), of UPFs, of PCRFs
 *   persist.c  what survives a restart of the process
 *   control.c  control socket
 *   gx.c       the Gx session: CCR, CCA, RAR
 *   rule.c     PCC rules of a PDN connection, their flows as packet filters and SDF filters    no I/O
 *   bearer.c   bearer binding; Create, Update and Delete Bearer procedures, commands of the UE
 *   n4.c       rules at the UPF: what is wanted against what is known there
 *
 * Invariants: the bearers that are wanted follow from the rules; the rules at the UPF follow from the bearers.
 * Each of the three peers gets what is wanted as the difference to what it is known to have; per PDN
 * connection one request is under way to each, and the next one carries all that changed meanwhile. So
 * requests that cross or come twice end in one state. A TEID, an address, an F-SEID belongs to one PDN
 * connection until it is freed, at the end of a round of the loop.
 */
#ifndef KIMS_SMF_SMF_H
#define KIMS_SMF_SMF_H

#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/fsm.h"
#include "lib/core/htab.h"
#include "lib/diameter/pcc_app.h"
#include "lib/gtpc/gtpc.h"
#include "lib/pfcp/pfcp.h"
#include "lib/store/profile.h"
#include "lib/store/store.h"
#include "ref/gx_tables.h"
#include "ref/ipfilter.h"
#include "ref/s5.h"
#include "ref/sx.h"
#include "smf/apn.h"
#include "smf/pco.h"
#include "smf/predefined.h"

struct smf;
struct smf_pdn;
struct smf_bearer;
struct smf_path;

#define SMF_RULES_MAX	64 /* of a PDN connection */
#define SMF_BEARERS_MAX 11 /* EBI 5..15 */
#define SMF_FLOWS_MAX	8
#define SMF_FLOW_FILTERS 4 /* packet filters that one flow becomes: one for each pair of port ranges */
#define SMF_FILTERS_MAX 16 /* packet filter identifiers of a PDN connection */
#define SMF_DEFAULT_ID	1  /* n4_id of the default bearer */
#define SMF_N4_ID_MAX	0x3fff /* PDRs have 16 bits: two for each number below 8000H, one above */

/* Event triggers (enum gx_event_trigger) as a set. */
#define SMF_TRIGGER(x) (UINT64_C(1) << (x))

struct smf_qos {
	uint8_t qci;
	struct s5_arp arp;
	uint64_t mbr_ul, mbr_dl, gbr_ul, gbr_dl; /* bit/s */
};

/* --- PCC rules (rule.c) --- */

/* Where a rule stands; the PCRF hears of FAILED and, when it asked, of ACTIVE (TS 29.212 4.5.6, 4.5.12). */
enum smf_rule_state { SMF_RULE_WANTED, SMF_RULE_ACTIVE, SMF_RULE_FAILED, SMF_RULE_REMOVED };

struct smf_flow {
	char *text; /* "permit out ..." */
	struct ipfilter filter;
	uint8_t direction; /* enum nas_filter_dir */
	bool to_ue;	   /* into the TFT (Packet-Filter-Usage, or bearer binding needs it) */
	uint8_t n_filter; /* packet filters that the UE gets of it; 0: none yet */
	uint8_t filter_id[SMF_FLOW_FILTERS];	     /* unique in the PDN connection, 0..15 */
	uint8_t filter_precedence[SMF_FLOW_FILTERS]; /* evaluation precedence, unique as well */
};

struct smf_rule {
	struct smf_rule *next;
	struct smf_bearer *bearer; /* NULL: not bound yet */
	enum smf_rule_state state;
	char name[64];
	uint32_t precedence;
	struct smf_qos qos;
	bool gate_ul, gate_dl; /* open */
	bool notify;	       /* Resource-Allocation-Notification */
	bool dirty;	       /* changed since its bearer's last request */
	bool told;	       /* the PCRF knows that it is active */
	bool base;	       /* name is a Charging-Rule-Base-Name: only to be refused */
	bool predefined;
	bool lost;	       /* FAILED because its bearer went away: event trigger LOSS_OF_BEARER */
	int failure;	       /* enum gx_rule_failure */
	struct smf_flow flow[SMF_FLOWS_MAX];
	uint8_t n_flow;
	char monitoring_key[64];
	char application[64]; /* TDF-Application-Identifier: the UPF detects it; no flows then */
	char *group; /* Charging-Rule-Base-Name that installed it; NULL: none */
	uint32_t rating_group, service_id;
	uint16_t n4_id; /* 1..: PDRs 2 * n4_id and 2 * n4_id + 1, QER n4_id; stays as long as the rule */
};

/* --- bearers (bearer.c) --- */

enum smf_bearer_state {
	SMF_BEARER_WANTED,   /* no request sent yet */
	SMF_BEARER_CREATING, /* Create Bearer Request under way */
	SMF_BEARER_ACTIVE,
	SMF_BEARER_UPDATING,
	SMF_BEARER_DELETING,
};

struct smf_bearer {
	struct smf_bearer *next;
	struct smf_pdn *pdn;
	enum smf_bearer_state state;
	uint8_t ebi; /* 0: not known yet */
	struct smf_qos qos;
	uint32_t charging_id;
	struct s5_fteid peer;  /* user plane of SGW or ePDG; iface 0: not known yet */
	struct s5_fteid local; /* of the UPF; teid 0: not known yet (TS 29.244 5.5.3: the UPF chooses) */
	uint16_t n4_id;	       /* CHOOSE id, FARs 2 * n4_id (uplink) and + 1 (downlink) */
	uint16_t filters;	/* packet filter identifiers in its TFT, as the UE has it */
	struct smf_qos refused; /* the SGW did not take this one; not asked for again */
	uint16_t stuck;		/* of these: the UE did not let them go; not asked for again */
	bool lost;		/* the SGW or ePDG has it no more: nothing is sent for it */
};

/*
 * The request about bearers that is under way to the SGW, one per PDN connection. Bearers are named by n4_id: they
 * may go away meanwhile.
 */
struct smf_bearer_op {
	struct xchg_call *call; /* NULL: none */
	bool moved;		/* it is with an SGW that was left since */
	uint8_t type;		/* enum s5_message */
	uint8_t n, tries;
	uint16_t bearer[SMF_BEARERS_MAX];
	uint16_t filters[SMF_BEARERS_MAX]; /* TFT of each when this is accepted */
	uint32_t hash[SMF_FILTERS_MAX];	   /* and their content */
	struct smf_qos qos[SMF_BEARERS_MAX];
	uint64_t ambr_ul, ambr_dl;
	bool pco; /* it has the list of P-CSCFs */
	struct timer retry; /* TS 29.274 7.2.4: refused because of a handover */
	/* A command of the UE or the SGW that the next request answers. */
	struct xchg_token *command;
	uint8_t command_type, pti, lbi;
	bool command_ready; /* the PCRF has answered */
};

/* Usage monitoring (TS 29.212 4.5.16): one URR each. */
struct smf_monitor {
	struct smf_monitor *next;
	char key[64];
	bool session; /* of the session, not of the rules with this key */
	bool report;  /* asked for now */
	uint32_t urr_id;
	uint64_t total, ul, dl;			/* threshold, octets; 0: none */
	uint64_t used_total, used_ul, used_dl; /* not yet reported */
	uint64_t sent_total, sent_ul, sent_dl; /* of these: in the CCR under way */
	bool due;			       /* to be reported, even if it is nothing */
};

/* --- PDN connections (pdn.c) --- */

enum smf_pdn_state {
	SMF_PDN_POLICY,	    /* CCR-I sent */
	SMF_PDN_USER_PLANE, /* rules on their way to the UPF */
	SMF_PDN_ACTIVE,
	SMF_PDN_DEACTIVATING, /* Delete Bearer Request for the default bearer sent to the SGW */
	SMF_PDN_ENDING,	    /* CCR-T and PFCP Session Deletion under way */
	SMF_PDN_GONE,
};
enum smf_pdn_event {
	SMF_PDN_EV_POLICY_OK,
	SMF_PDN_EV_POLICY_FAILED, /* data: const struct s5_cause_ie * */
	SMF_PDN_EV_N4_OK,	  /* everything wanted is at the UPF */
	SMF_PDN_EV_N4_FAILED,	  /* data: as above */
	SMF_PDN_EV_RELEASE,	  /* the network ends it: data: uint8_t *, cause for the Delete Bearer Request */
	SMF_PDN_EV_DELETED,	  /* SGW has it no more: Delete Session Request, answer to ours, restart */
	SMF_PDN_EV_GX_CLOSED,
	SMF_PDN_EV_N4_CLOSED,
};

/* FQ-CSID (TS 29.274 8.62): part of a node that can fail alone (TS 23.007 16.1A). */
struct smf_csid {
	uint8_t node_type, node[16];
	uint16_t csid;
	bool set;
};
enum smf_csid_of { SMF_CSID_MME, SMF_CSID_SGW, SMF_CSID_EPDG, SMF_CSIDS };

struct smf_pdn {
	struct fsm fsm;
	struct smf *smf;
	struct hnode by_teid, by_user, by_v4, by_v6; /* by_user: IMSI (or IMEI) and APN */
	struct smf_pdn *next, **pprev;			      /* all */
	struct smf_path *path;
	struct smf_pdn *peer_next, **peer_pprev; /* of the SGW's path */
	struct smf_pdn *dirty_next;		 /* to be stored at the round's end */
	bool dirty, stored, linked;		 /* linked: in by_user, by_v4, by_v6 */
	bool resume;				 /* read from the store with something under way */
	char name[80];					      /* "IMSI/APN" for the log */

	/* who: from the Create Session Request, kept for Gx, N4 and persistence */
	char imsi[17], msisdn[17], mei[17];
	bool emergency, unauthenticated;
	struct smf_apn *apn;
	char apn_name[101];
	uint8_t rat;			   /* enum s5_rat */
	bool non_3gpp;			   /* S2b */
	struct tlv_plmn serving;
	uint8_t uli[48], n_uli;		   /* value of the ULI IE */
	bool has_time_zone;
	struct s5_time_zone time_zone;
	uint8_t selection_mode;
	uint16_t charging_characteristics;
	struct smf_csid csid[SMF_CSIDS];
	uint64_t origination; /* of the Create Session Request, ms since 1900; 0: not told */

	/* addresses */
	uint8_t type; /* enum s5_pdn_type, granted */
	struct in_addr v4;
	struct in6_addr v6; /* prefix /64 and interface identifier */
	bool pool4, pool6;  /* to be given back to the pool */
	uint8_t cause;	    /* of the acceptance: 16, or 18, 19 for one type of two */
	struct smf_pco pco; /* what the UE asked for */
	bool pcscf_due; /* the UE is to hear of P-CSCFs */

	/* control plane with SGW or ePDG */
	uint32_t teid;		   /* ours */
	struct s5_fteid peer;	   /* its */
	struct sockaddr_storage to; /* address of peer, port 2123 */
	struct xchg_token *request; /* Create, Modify or Delete Session Request that waits for its answer */
	uint8_t request_type;
	/* bits of EBIs that the Modify Bearer Response names, as accepted and not found */
	uint16_t answer_ebi, answer_unknown;
	bool relocated;			    /* the request came from another SGW */
	struct xchg_call *call;		    /* Delete Bearer Request that ends the connection */
	uint8_t release_cause;
	bool suspended;
	struct { /* handover: the access or SGW that was left; TS 23.402 8.6 */
		struct s5_fteid peer; /* iface 0: none */
		uint8_t ebi, cause; /* of a Delete Bearer Request that is still to be sent; ebi 0: none */
	} left;

	/* policy: what is authorised */
	struct smf_qos default_qos;
	uint64_t ambr_ul, ambr_dl; /* bit/s */
	uint64_t ambr_known_ul, ambr_known_dl; /* the SGW's and the UE's */
	uint32_t filter_hash[SMF_FILTERS_MAX]; /* content of the packet filters that the UE has */
	struct smf_bearer_op op;
	struct smf_monitor *monitors;
	struct smf_rule *rules;
	struct smf_bearer *bearers; /* the first one is the default bearer */
	uint16_t next_n4_id;

	struct smf_gx *gx; /* gx.c: NULL: none */
	struct smf_n4 *n4; /* n4.c: NULL: none */
};

/* --- the function --- */

struct smf {
	struct loop *loop;
	const struct conf *conf;
	struct gtpc *gtpc;
	struct pfcp *pfcp;
	struct dia *dia; /* NULL: no Gx */
	struct store *store; /* NULL: nothing is kept (tests) */
	struct profiles *profiles; /* NULL: there are none */
	char profiles_path[512];
	struct s5_fteid c_v4, c_v6; /* our address of the control plane, without TEID */

	uint64_t key[2];
	struct htab by_teid, by_user, by_v4, by_v6;
	struct smf_pdn *pdns, *dead, *dirty;
	struct htab paths, held; /* held: profile.c */
	uint32_t n_pdns, n_bearers, n_paths, n_ending;
	uint32_t max_pdns; /* more are refused; emergencies have a tenth on top */
	uint32_t next_teid, next_charging_id;
	struct smf_apn *apns;
	size_t n_apns;
	struct smf_predefined *predefined;
	size_t n_predefined;
	uint8_t restart_counter;
	uint64_t since; /* wall clock, usec, of the last start that began with nothing */
	struct smf_upf *upfs; /* n4.c */
};

int smf_init(struct smf *s, struct loop *l, const struct conf *c, char *err, size_t size);
void smf_fini(struct smf *s);
uint64_t smf_hash(const struct smf *s, const void *data, size_t n);

/* --- pdn.c, s5.c: called by gx.c, bearer.c, n4.c --- */
/*
 * In SMF_PDN_ACTIVE each SMF_PDN_EV_N4_OK and _FAILED answers what waits in request, and then calls
 * smf_bearers_apply(): a bearer whose F-TEID at the UPF was awaited goes on from there.
 */
extern const struct fsm_desc smf_pdn_fsm;
struct smf_pdn *smf_pdn_by_teid(const struct smf *s, uint32_t teid);
struct smf_pdn *smf_pdn_by_seid(const struct smf *s, uint64_t seid); /* CP F-SEID; it is the TEID */
struct smf_bearer *smf_pdn_default(const struct smf_pdn *p);
struct smf_bearer *smf_bearer_by_ebi(const struct smf_pdn *p, uint8_t ebi);
struct smf_bearer *smf_bearer_new(struct smf_pdn *p); /* at the end of the list; NULL: no memory, or too many */
void smf_bearer_free(struct smf_bearer *b);	       /* out of the list; its rules are unbound; cancels its call */
/* Ends the connection from our side: Delete Bearer Request for its default bearer with this cause. */
void smf_pdn_release(struct smf_pdn *p, uint8_t cause);
void smf_pdn_changed(struct smf_pdn *p); /* something that a restart must find again; written at the round's end */
/* Requests of the SGW that belong to bearer.c: commands; others stay in s5.c. */
void smf_on_command(struct smf_pdn *p, struct xchg_token *t, const struct xchg_msg *m);
/* Sends a request about this PDN connection to its SGW; msg: ref/s5 struct. 0 or -errno (done is not called). */
int smf_s5_request(struct smf_pdn *p, enum s5_message type, const void *msg, xchg_done *done,
		   void *arg, struct xchg_call **ret_call);

/* --- profile.c --- */
/*
 * The store, when there is one; addresses of this subscriber (NULL, at the start: of all) are reserved. Those that were, and
 * are of no row of it any more, are not, unless it uses them: then smf_profile_left() sees to it.
 */
void smf_profiles_open(struct smf *s, const char *imsi);
void smf_profile_left(struct smf *s, const char *imsi); /* one of its PDN connections is gone */
void smf_profiles_close(struct smf *s);
/* What its subscriber has at its APN; 0 and unspecified: none. */
void smf_profile_address(const struct smf_pdn *p, struct in_addr *v4, struct in6_addr *v6);

/* --- pcscf.c --- */
void smf_pcscf_restore(struct smf_pdn *p); /* the P-CSCF of the UE is gone; p may end */
void smf_pcscf_put(const struct smf_pdn *p, uint8_t room[SMF_PCO_ROOM], struct nas_pco *ret);
/* What may change: servers and MTU of APNs, predefined rules. All or nothing; -errno with a sentence. */
int smf_reload(struct smf *s, const struct conf *c, char *err, size_t size);
void smf_pcscf_metrics(void);

/* --- inside pdn.c, s5.c, path.c, persist.c --- */
struct smf_pdn *smf_pdn_new(struct smf *s, uint32_t teid); /* teid 0: a new one; NULL: no memory */
void smf_pdn_discard(struct smf_pdn *p); /* one that never got anywhere: its addresses are free at once */
int smf_pdn_address(struct smf_pdn *p, const struct s5_paa *asked); /* an enum s5_cause, 0: p->type is served */
void smf_pdn_link(struct smf_pdn *p);	 /* can be found by user and address */
/* The next PDN connection of this user (IMSI, or MEI) at this APN that is not ending; after: NULL at first. */
struct smf_pdn *smf_pdn_by_user(const struct smf *s, const char *user, const struct smf_apn *apn,
				const struct smf_pdn *after);
const char *smf_pdn_user(const struct smf_pdn *p);
void smf_pdn_set_name(struct smf_pdn *p);
struct smf_pdn *smf_pdn_by_v4(const struct smf *s, struct in_addr a);
struct smf_pdn *smf_pdn_by_v6(const struct smf *s, const struct in6_addr *a); /* its /64 */
void smf_gauges(const struct smf *s);
void smf_metrics(void);

extern const struct gtpc_ops smf_s5_ops; /* arg: struct smf */
void smf_s5_metrics(void);
/* Answers the request that waits in p, if there is one; the token is gone. */
void smf_s5_answer(struct smf_pdn *p);
void smf_s5_flush(void); /* an answer that waited for a request behind it leaves alone */
void smf_s5_refuse(struct smf_pdn *p, struct s5_cause_ie cause);
int smf_s5_deactivate(struct smf_pdn *p); /* Delete Bearer Request for the default bearer, p->release_cause */
void smf_s5_left(struct smf_pdn *p);	  /* the same to the access that was left in a handover */
int smf_fteid_addr(const struct smf *s, const struct s5_fteid *f, uint16_t port,
		   struct sockaddr_storage *ret); /* -EAFNOSUPPORT: no address of a family of ours */

/* The path to p->to; leaves the former one. counter: of a Recovery IE, -1: none. -ENOMEM. */
int smf_path_join(struct smf_pdn *p, int counter);
void smf_path_leave(struct smf_pdn *p);
/* Overload Control Information of a request (TS 29.274 8.111, 12.3); which: its instance, 0 MME, 1 SGW, 2 ePDG. */
#define SMF_OVERLOADS 3
void smf_path_overload(struct smf_pdn *p, unsigned int which, const struct s5_overload *o);
bool smf_path_throttles(const struct smf_pdn *p); /* a request is one to be spared; another draw each time */
void smf_on_path(void *arg, const struct sockaddr_storage *peer, enum gtpc_path_event ev,
		 uint8_t counter);
void smf_each_path(const struct smf *s,
		   void (*fn)(void *arg, const struct sockaddr_storage *peer, uint32_t n, bool up,
			      int counter),
		   void *arg);
void smf_path_metrics(void);

/* Restart counter of this start; -errno. file: beside the database, survives its loss. */
int smf_persist_counter(struct smf *s, const char *file);
void smf_persist_flush(struct smf *s); /* what is dirty */
void smf_persist_gone(struct smf_pdn *p);
int smf_persist_load(struct smf *s); /* number of PDN connections, or -errno */
void smf_persist_resume(struct smf *s); /* the peers are there: what was under way goes on */

/* --- gx.c --- */
void smf_gx_serve(struct smf *s); /* takes Gx of s->dia */
/*
 * CCR-I. Ends in SMF_PDN_EV_POLICY_OK (default_qos, ambr and rules are set) or _FAILED, never from
 * inside. Without Gx (conf gx: no): OK with what the request asked for. -ENOMEM.
 */
int smf_gx_open(struct smf_pdn *p);
void smf_gx_peer_up(struct smf *s); /* a PCRF is connected (again) */
/* What the access changed: bits FSM_BIT(enum gx_event_trigger); CCR-U when the PCRF wants to know of one. */
void smf_gx_access_changed(struct smf_pdn *p, uint64_t triggers);
/* States of rules changed (rule->state, rule->failure): CCR-U, or part of the RAA under way. */
void smf_gx_report(struct smf_pdn *p);
/* CCR-T with the final usage; ends in SMF_PDN_EV_GX_CLOSED, at once when there is no session. */
void smf_gx_close(struct smf_pdn *p);
void smf_gx_free(struct smf_pdn *p); /* no event any more; frees rules and monitors, too */
/* Measured by the UPF; ended: the threshold was reached or the URR is gone. Reports go out when that is so. */
void smf_gx_usage(struct smf_pdn *p, uint32_t urr_id, uint64_t total, uint64_t ul, uint64_t dl);
/* The UE's request for resources (p->op.command); the answer calls smf_bearers_answered(). -EBUSY, -ENOMEM. */
int smf_gx_ask(struct smf_pdn *p, const struct s5_bearer_resource_command *r);
/* The SGW asks for another default QoS and AMBR (Modify Bearer Command). */
int smf_gx_ask_default(struct smf_pdn *p, const struct smf_qos *q, uint64_t ambr_ul,
		       uint64_t ambr_dl);
/* Persistence: the session in a text without line ends, and back. Rules, monitors, bearers are persist.c's, and there before. */
int smf_gx_save(const struct smf_pdn *p, char *dst, size_t size);
int smf_gx_load(struct smf_pdn *p, struct str s);

/* --- rule.c --- */
struct smf_rule *smf_rule_by_name(const struct smf_pdn *p, struct str name);
/* Takes the orders of a CCA or RAR: rules installed, changed, removed. The number of those that could not be. */
int smf_rules_apply(struct smf_pdn *p, const struct gx_orders *o);
void smf_rule_free(struct smf_pdn *p, struct smf_rule *r); /* out of the list */
/* TFT of the rules that are bound to this bearer, with this operation. -ENOSPC: more than a TFT has room for. */
int smf_rule_tft(const struct smf_bearer *b, enum nas_tft_op op, struct nas_tft *ret);
struct s5_arp smf_arp_of(const struct pcc_arp *a);

/* Rates at S5 and N4, rounded up: nobody gets less than what is authorised. */
static inline uint64_t smf_kbit(uint64_t bits)
{
	return bits / 1000 + !!(bits % 1000);
}
bool smf_rule_is_live(const struct smf_rule *r); /* to be enforced: neither failed nor removed */
/* Packet filters of its flows get identifiers, or lose them. -ENOSPC. */
int smf_rule_take_filters(struct smf_pdn *p, struct smf_rule *r);
void smf_rule_drop_filters(struct smf_rule *r);
/* Packet filters that its bearer's TFT has because of it; with content hashes, when hash is not NULL. */
uint16_t smf_rule_filters(const struct smf_rule *r, uint32_t hash[SMF_FILTERS_MAX]);
void smf_rule_fail(struct smf_rule *r, enum gx_rule_failure why);
/* For smf_rule and smf_bearer: a number that neither has in this PDN connection. 0: none left. */
uint16_t smf_new_n4_id(struct smf_pdn *p);

/* --- bearer.c --- */
/* Rules, default QoS or AMBR changed: binds, and brings the bearers there, as far as no request is under way. */
void smf_bearers_apply(struct smf_pdn *p);
void smf_bearers_cancel(struct smf_pdn *p); /* the connection ends: calls are cancelled, a command dropped */
/* The PCRF has answered to a command; refused: cause for the failure indication, 0: granted. */
void smf_bearers_answered(struct smf_pdn *p, uint8_t refused);
/* The UPF or the SGW says that this bearer has no peer any more. */
void smf_bearer_lost(struct smf_bearer *b);

/* --- n4.c --- */
/* A UPF for this APN is associated. */
bool smf_n4_ready(const struct smf *s, const struct smf_apn *apn);
void smf_n4_serve(struct smf *s); /* associations with conf upfs; ops of pfcp_open() are smf_n4_ops */
void smf_n4_fini(struct smf *s);  /* after the PDN connections, before pfcp_close() */
extern const struct pfcp_ops smf_n4_ops; /* arg: struct smf */
/*
 * Brings the UPF to what bearers and rules say: establishment first, then modifications. Ends in
 * SMF_PDN_EV_N4_OK (bearer->local is set, UE's traffic as wanted) or _FAILED, never from inside.
 * -EHOSTUNREACH: no association; -ENOMEM.
 */
int smf_n4_sync(struct smf_pdn *p);
/* As smf_n4_sync(), without an event when there is nothing to do. 1: one will come; 0: none; -errno. */
int smf_n4_update(struct smf_pdn *p);
/* Session Deletion with the final usage; ends in SMF_PDN_EV_N4_CLOSED. */
void smf_n4_close(struct smf_pdn *p);
void smf_n4_free(struct smf_pdn *p);
/* Next change of a downlink F-TEID (handover) sends an End Marker to the old one (SNDEM). */
void smf_n4_end_marker(struct smf_pdn *p);
int smf_n4_save(const struct smf_pdn *p, char *dst, size_t size);
int smf_n4_load(struct smf_pdn *p, struct str s);

extern const struct ctl_cmd smf_cmds[];

#endif
