/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registration: one contact of one UE, as the P-CSCF keeps it (TS 24.229 5.2.2).
 *
 * Invariants: a registration has at most one temporary, one established and one old SA set; each
 * set is in the kernel exactly as long as it is here; every state but "registered by a set without
 * lifetime" is left by a timer. Others refer to a registration by its id, never by pointer, across
 * a return to the loop.
 */
#ifndef KIMS_PCSCF_REG_H
#define KIMS_PCSCF_REG_H

#include <uthash.h>

#include "lib/core/fsm.h"
#include "lib/sip/secagree.h"
#include "pcscf/gm.h"
#include "pcscf/kern.h"

struct access;
struct rx_af;
struct session;
struct regsub;

enum reg_state { REG_AWAIT_AUTH, REG_REGISTERED, REG_LEAVING, REG_GONE, REG_N_STATES };
enum reg_event {
	REG_EV_CHALLENGED,
	REG_EV_ACCEPTED,
	REG_EV_REJECTED,
	REG_EV_DEREGISTERED,
	REG_EV_TERMINATED,
	REG_N_EVENTS
};

extern const struct fsm_desc reg_fsm;

enum sa_role { SA_TEMP, SA_CUR, SA_OLD, SA_N_ROLES };

struct sa_set {
	struct pcscf *p;
	struct reg *reg;
	enum sa_role role;
	uint32_t knl_id, reqid;
	uint16_t port_uc, port_us, port_pc, port_ps;
	uint32_t spi_uc, spi_us, spi_pc, spi_ps;
	enum sec_alg alg;
	enum sec_ealg ealg;
	bool nat;		 /* ESP in UDP: the phone is behind a NAT (annex M) */
	uint16_t nat_port;	 /* ... which sends its ESP from there */
	struct sa_set *nat_prev, *nat_next; /* in pcscf.nat_sets */
	uint64_t tunnel;	 /* GTP-U session that its packets must come by; 0: any way */
	bool used;		 /* a request came under it after its 200 */
	struct sec_list *client; /* temporary set: Security-Client that must be repeated */
	struct timer timer;
	uint64_t expires; /* wall, usec */
	struct gm_bind at_ps, at_pc;
};

struct identity {
	char *canon; /* sip_uri_canon() */
	char *text;  /* name-addr as the home network wrote it */
};

#define REG_TOKEN_LEN 16
#define REG_MAX_IDS   32
#define REG_MAX_HOPS  4

struct reg {
	struct pcscf *p;
	struct fsm fsm;
	uint64_t id; /* in Path, in kims.ko as ue-id, in the store as key */
	char token[REG_TOKEN_LEN + 1];
	char *impi;
	char *aor;	      /* canonical form of To */
	char *contact;	      /* URI */
	char *service_route;  /* values, joined by ", "; NULL none */
	char *hop[REG_MAX_HOPS]; /* hosts that the core put next to us in dialogs; newest first */
	struct identity *ids; /* P-Associated-URI; before the 200: To */
	size_t n_ids;
	uint32_t instance; /* hash of +sip.instance; 0: none */
	const struct gm *gm;
	struct xfrm_addr ue;
	uint16_t ue_port; /* unprotected: source port */
	bool ipsec;	  /* it has, or had, SAs: never falls back to the unprotected port */
	enum sip_proto proto;
	uint64_t conn;
	struct sa_set *set[SA_N_ROLES];
	struct gm_bind *open_binds; /* unprotected: one for each identity */
	size_t n_open_binds;
	uint64_t expires; /* wall, usec */
	struct regsub *sub;
	struct rx_af *rx;      /* of its signalling path; NULL: none */
	struct timer rx_loss;  /* that path is lost; the registration suffers if it stays so */
	struct access *access; /* what the network says of it; NULL: nothing */
	struct session *sessions; /* DL by reg_prev, reg_next */
	unsigned int n_sessions;
	struct reg *impi_next;	  /* others of the same private identity */
	bool awaiting;		  /* in the list of those that were challenged */
	struct reg *await_prev, *await_next;
	bool dirty, stored;	  /* persist.c */
	struct reg *dirty_prev, *dirty_next;
	UT_hash_handle hh_id, hh_impi;
};

struct reg_new_args {
	const char *token; /* as in the Path that was sent */
	struct str impi;
	const char *aor;
	struct str contact;
	uint32_t instance;
	const struct gm *gm;
	const union sip_sa *ue;
	bool ipsec;
	enum sip_proto proto;
	uint64_t conn;
};

int reg_new(struct pcscf *p, const struct reg_new_args *a, struct reg **ret);
void reg_free(struct reg *r);	    /* at once: SAs, flows, sessions, subscription, record */
void reg_free_all(struct pcscf *p); /* at exit: only memory */
struct reg *reg_by_id(struct pcscf *p, uint64_t id);
struct reg *reg_by_token(struct pcscf *p, struct str token);
struct reg *reg_by_impi(struct pcscf *p, struct str impi); /* head of the list impi_next */
int reg_token_parse(struct str token, uint64_t *ret);

/* 200 to REGISTER: lifetime (seconds), Service-Route, P-Associated-URI; then promotes the set that it came by (NULL: unprotected). */
int reg_accept(struct reg *r, struct sip_msg *resp, uint32_t expires_s, struct sa_set *by);
int reg_add_identity(struct reg *r,
		     struct str name_addr); /* one that is no identity of ours is skipped */
void reg_merge_identities(struct reg *r, const struct sip_msg *resp, const char *aor);
void reg_remove_identity(struct reg *r, const char *canon); /* not the last one */
void reg_clear_identities(struct reg *r);
int reg_set_identities(struct reg *r, const struct sip_msg *resp);
int reg_bind_open(struct reg *r);
/* Room for one more that is challenged: the oldest ones that did not answer go. */
void reg_make_room(struct pcscf *p, struct str impi);
void reg_replace_same_ue(struct reg *r); /* older registrations of the same phone leave */
/* Within a dialog a UE may send to the hosts of its Service-Route and to those that were learned. */
void reg_learn_hop(struct reg *r, struct str host);
bool reg_knows_hop(const struct reg *r, struct str host);
void reg_schedule(struct reg *r);	 /* the registration's timer from its expiry */
/* The home network or the UE ended it: sessions are released, SAs stay for the last answers, then all goes. */
void reg_leave(struct reg *r, const char *why);
/* A request came under this set: the first one on a new set starts the end of the old one (TS 24.229 5.2.2.2). */
void reg_set_used(struct sa_set *s);

/* sets: sa.c */
int sa_new(struct reg *r, const struct sec_mech *ue, const struct sec_list *client,
	   const uint8_t ck[16], const uint8_t ik[16], struct sa_set **ret);
void sa_free(struct sa_set *s);	  /* removes it from the kernel */
void sa_forget(struct sa_set *s); /* leaves it in the kernel */
void sa_move(struct sa_set *s, enum sa_role role);
void sa_lifetime(struct sa_set *s, uint64_t seconds); /* from now; here and in the kernel */
uint16_t reg_port_ps(const struct reg *r); /* where the UE may send; its sets may differ */
struct sa_set *sa_by_reqid(struct reg *r, uint32_t reqid);
void sa_to_kernel(const struct sa_set *s, struct xfrm_set *x,
		  struct knl_sa_set *b); /* without keys */
int sa_attach(struct sa_set *s);	 /* hash entries; -EEXIST */
/*
 * Room for a set of these ports of the UE: at most one whose loss harms nobody goes. -EADDRINUSE:
 * there is none such, and no protected port of ours is left for the new one.
 */
int sa_make_room(const struct reg *by, const struct sec_mech *m);
/* The set's UE has authenticated: whoever else had its address and ports has them no more. */
void sa_oust(struct sa_set *s);
/* The kernel saw an authentic packet come from another port of a NAT. */
void sa_mapped(struct pcscf *p, const struct knl_event *e);
/* The kernel dropped a packet of a set since it came by another tunnel: the UE may have attached anew. */
void sa_wrong_tunnel(struct pcscf *p, const struct knl_event *e);

#endif
