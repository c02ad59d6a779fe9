/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access side of phones that attach: two SGWs (S5/S8) and an ePDG (S2b) in one network namespace, the PDN
 * connections of the phones with their bearers, and the bearers' traffic flow templates (TS 29.274, TS 23.401,
 * TS 23.402, TS 24.008 10.5.6.12).
 *
 * A procedure of a connection (attach, detach, modify ...) ends exactly once, with its pdn_done, and never before
 * the call that started it returns; one at a time for each connection. Requests of the PGW are answered at any time,
 * as the orders of the scenario say.
 *
 * Invariants: the TEIDs of this side are unique over all three nodes; what the user plane has follows what was
 * signalled, never the other way round; nothing that the PGW sends ends the process.
 */
#ifndef KIMS_UE_SGW_H
#define KIMS_UE_SGW_H

#include "lib/core/htab.h"
#include "lib/gtpc/gtpc.h"
#include "phone.h"
#include "ref/s5.h"

enum sgw_id { SGW_1, SGW_2, SGW_EPDG, SGW_NODES };
enum gtpu_kind { GTPU_KIMS, GTPU_GTP_KO, GTPU_NONE, GTPU_PFCP }; /* as phone_conf.gtpu */

#define EBI_FIRST 5
#define EBI_LAST  15
#define BEARERS	  (EBI_LAST - EBI_FIRST + 1)

/* --- configuration --- */

struct access_conf {
	char *netns;
	char *sgw1, *sgw2, *epdg; /* "IPv4 IPv6" or one of them */
	char *gtp_ko;		  /* IPv4 address of the user plane of gtp.ko */
	char *pgw;		  /* address for GTPv2-C */
	char *sgwu;		  /* the SGW-U's, "IPv4 IPv6" or one of them: PFCP to the first */
	uint32_t t3_ms, n3, echo, window;
	uint64_t ra_wait, paging_time;
};
extern const struct opt access_opts[];

/* --- bearers --- */

struct tft_packet { /* as the phone sees it: local is its own end */
	union sip_sa local, remote;
	uint8_t proto;
	bool uplink;
};

struct bearer {
	uint8_t ebi; /* 0: not in use */
	uint32_t teid, peer_teid;
	struct sockaddr_storage peer;
	struct s5_qos qos;
	struct nas_filter filter[NAS_FILTERS_MAX];
	uint8_t n_filter;
};

/* Does what t says to b's filters; 0, or a cause (74..77) and nothing is changed. */
uint8_t tft_apply(struct bearer *b, const struct nas_tft *t);
bool tft_matches(const struct nas_filter *f, const struct tft_packet *p);
/* The bearer that this packet belongs to: the best filter of all, else the default bearer. */
const struct bearer *tft_bearer(const struct bearer *all, size_t n, const struct tft_packet *p);
char *tft_str(const struct nas_filter *f, char *dst, size_t size);

/* --- what the user plane counted of a bearer --- */

struct bearer_count {
	uint64_t ul_packets, dl_packets, ul_octets, dl_octets;
	uint64_t dl_wrong; /* arrived here, belongs to another bearer by the templates */
};

/* --- PDN connections --- */

struct access;
struct sgw;
struct pdn;

enum pdn_state { PDN_IDLE, PDN_ATTACHING, PDN_UP, PDN_LEAVING, PDN_LOST };

struct pdn_result {
	uint8_t cause; /* of the answer; 0: none came, or it was none */
	int err;       /* 0: the procedure did what it should */
	char why[240];
	uint64_t usec;
};
typedef void pdn_done(void *arg, struct phone *p, const struct pdn_result *r);

struct pdn_attach {
	const char *apn, *addr; /* NULL: as configured; addr: static address to ask for */
	int pdn_type;		/* enum s5_pdn_type; 0: as configured */
	enum sgw_id node;
	bool emergency, no_imsi, no_pcscf;
	bool handover; /* of the phone's connection to this APN to node: address kept */
};

struct pdn_modify {
	enum sgw_id node;  /* a new SGW: handover with new F-TEIDs */
	int rat;	   /* enum s5_rat; 0: the same */
	uint32_t tac, eci; /* 0: the same */
};

struct pdn_resource {	    /* what the phone asks for (TS 24.301 6.5.3) */
	uint8_t ebi;	    /* 0: a new bearer; else change, or with no filter: release it */
	const char *filter; /* IPFilterRule; NULL: none */
	uint8_t qci;
	uint32_t gbr; /* kbit/s, each direction */
};

/* Each starts a procedure: 0, or -errno with a sentence in err and fn is not called. */
int pdn_attach(struct phone *p, const struct pdn_attach *o, pdn_done *fn, void *arg, char *err,
	       size_t size);
int pdn_detach(struct pdn *n, pdn_done *fn, void *arg);
int pdn_modify(struct pdn *n, const struct pdn_modify *o, pdn_done *fn, void *arg);
int pdn_resource(struct pdn *n, const struct pdn_resource *o, pdn_done *fn, void *arg, char *err,
		 size_t size);
int pdn_delete_bearer(struct pdn *n, uint8_t ebi, pdn_done *fn, void *arg);
int pdn_change_qos(struct pdn *n, uint32_t ambr_ul, uint32_t ambr_dl, uint8_t qci, pdn_done *fn,
		   void *arg);
int pdn_suspend(struct pdn *n, bool resume, pdn_done *fn, void *arg);
int pdn_notify_change(struct pdn *n, const struct pdn_modify *o, pdn_done *fn, void *arg);
/*
 * The phone is idle (S1 release): downlink packets wait at the SGW, the first one pages it, and delay later it answers.
 * deaf: it does not.
 */
int pdn_idle(struct pdn *n, bool deaf, uint64_t delay, pdn_done *fn, void *arg);
/* The phone sends: service requests of connections that are idle. */
void pdn_service(struct phone *p);
void pdn_abandon(struct phone *p, const void *arg); /* who gave arg is not told any more */

struct pdn *pdn_of(const struct phone *p, const char *apn); /* apn NULL: the first; NULL: none */
struct pdn *pdn_first(const struct phone *p);		    /* all that there are, lost ones, too */
struct pdn *pdn_next(const struct pdn *n);
const char *pdn_apn(const struct pdn *n);
enum pdn_state pdn_state(const struct pdn *n);
bool pdn_busy(const struct pdn *n);
struct paging {		      /* since the connection has become idle */
	unsigned int reports; /* downlink data reports of the user plane */
	unsigned int paged, unanswered;
	unsigned int services; /* service requests */
	size_t waited;	       /* packets that waited when it ended */
	uint64_t took;	       /* usec from paging to the service request */
	/* sgw_idle.c */
	bool deaf;
	uint64_t delay, since;
	struct timer timer;
};
const struct paging *pdn_paging(const struct pdn *n, bool *ret_idle);
const struct bearer *pdn_bearers(const struct pdn *n, size_t *ret_n);
const struct bearer *pdn_default(const struct pdn *n);
/* The phone's address on this connection and its P-CSCF, of one family (4, 6; 0: IPv6 first); false: none. */
bool pdn_sip_addresses(const struct pdn *n, uint32_t family, uint32_t port, union sip_sa *ret_local,
		       union sip_sa *ret_pcscf);
const char *pdn_describe(const struct pdn *n, char *dst, size_t size);
enum media_place {
	MEDIA_PLAIN,	 /* the phone has no bearers, or gtp.ko's single one */
	MEDIA_DEDICATED, /* a filter of a dedicated bearer matches */
	MEDIA_OUTSIDE,	 /* it goes by the default bearer */
	MEDIA_MOVING,	 /* so, but a handover was a moment ago: the bearer follows */
};
/* Where the phone's UDP between these two goes, by the templates as they are now. */
enum media_place pdn_media_place(const struct phone *p, const union sip_sa *local,
				 const union sip_sa *remote, bool uplink);
/* Counters of the user plane, by bearer of pdn_bearers() and of those that are gone. */
int pdn_count(struct pdn *n, struct bearer_count ret[BEARERS], struct bearer_count *ret_gone);

/* --- the access side --- */

struct access_totals {
	uint64_t attached, created, updated, deleted, refused, lost, paged, unanswered;
};

/* A sentence in err. send: tests; datagrams go there instead of to sockets, no namespace is entered. */
int access_new(struct ue *ue, const struct access_conf *c,
	       void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n),
	       struct access **ret, char *err, size_t size);
void access_free(struct access *a); /* what is left of connections goes without signalling */
const struct access_totals *access_totals(const struct access *a);
uint32_t access_window(const struct access *a);
struct gtpc *access_gtpc(struct access *a, enum sgw_id id);
bool access_has(const struct access *a, enum sgw_id id);
/* A new restart counter; every connection of the node is gone, without a word. Their number. */
int access_restart(struct access *a, enum sgw_id id, size_t *ret_lost);
/* Restart counter of the PGW as known by this node, -1: unknown. */
int access_peer_counter(struct access *a, enum sgw_id id);
void access_forget(struct phone *p); /* the phone ends: its connections go */

#endif
