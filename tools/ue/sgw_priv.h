/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of sgw.h share.
 */
#ifndef KIMS_UE_SGW_PRIV_H
#define KIMS_UE_SGW_PRIV_H

#include "lib/netlink/kims_nl_gtpu.h"
#include "lib/netlink/rt.h"
#include "sgw.h"

#define MSG_MAX	  4096 /* octets of a message of ours */
#define GTPU_PORT 2152

struct sgw {
	struct access *a;
	enum sgw_id id;
	bool there;
	struct sockaddr_storage local[2]; /* IPv4, IPv6; AF_UNSPEC: none */
	struct gtpc *gtpc;
	uint8_t restart_counter;
	uint32_t endpoint[2]; /* of kims.ko, by family; 0: none yet */
};

struct access {
	struct ue *ue;
	struct access_conf conf;
	struct netns ns;
	struct sockaddr_storage pgw;
	struct sgw node[SGW_NODES];
	struct htab by_teid; /* PDN connections by their TEID for GTPv2-C */
	uint32_t next_teid;
	void (*send)(void *arg, const struct sockaddr_storage *to, const void *p, size_t n);
	struct knl *knl; /* kims.ko of the namespace; NULL: not opened */
	struct knl_rt *rt;
	struct knl_gtp_ko *ko;
	struct loop_io events; /* of kims.ko: End Markers, Error Indications */
	uint32_t device;       /* kims device; 0: none */
	struct in_addr ko_addr;
	int ra_fd; /* packet socket for router advertisements; -1 */
	struct loop_io ra_io;
	struct access_totals totals;
	struct sgwu *sgwu; /* sgw_sx.c; NULL: not opened */
};

/* The phone's radio: idle is ECM-IDLE; drop: for a moment, what waits is let go. */
enum radio { RADIO_UP, RADIO_IDLE, RADIO_PAGING, RADIO_DROP };

struct sx;   /* a session at a SGW-U */
struct late; /* a request of the PGW that is answered later */

struct pdn {
	struct pdn *next; /* of the phone */
	struct pdn *from; /* being handed over from there */
	struct hnode by_teid;
	struct access *a;
	struct phone *p;
	struct sgw *node, *old; /* old: until a handover is through */
	enum pdn_state state;
	enum gtpu_kind gtpu;
	char apn[101];
	uint8_t lbi;
	uint32_t teid, peer_teid; /* GTPv2-C */
	struct sockaddr_storage peer;
	struct s5_paa paa;
	uint8_t rat;
	uint32_t tac, eci;
	bool emergency, no_imsi, no_pcscf, suspended;
	bool handed;			    /* came by handover */
	uint64_t since;			    /* loop time when it came up */
	bool online;			    /* the phone's SIP is on this connection */
	struct bearer bearer[BEARERS];	    /* the first one is the default bearer */
	struct bearer next_bearer[BEARERS]; /* of a handover: local TEIDs */
	uint32_t next_teid;
	union sip_sa pcscf4, pcscf6, dns4, dns6; /* of the PCO; port 0, AF_UNSPEC: none */
	uint16_t mtu;
	uint8_t pti;
	/* procedure under way */
	struct xchg_call *call;
	uint8_t asked; /* message type */
	pdn_done *done;
	void *arg;
	uint64_t begun;
	struct pdn_result result; /* of one that ends from the loop */
	struct timer later;
	struct late *late;
	/* user plane */
	bool up;	      /* rules are installed */
	uint32_t n_installed; /* PDRs */
	uint32_t urrs;	      /* bit of each EBI that has URRs in the kernel */
	uint32_t teid_first;  /* names the session in the kernel */
	uint32_t ko_teid;
	struct bearer_count gone;
	uint32_t link, peer_link; /* the phone's device and its end in the access namespace */
	bool addressed;		  /* the phone's namespace has its addresses */
	struct timer ra_timer;
	void (*ra_done)(struct pdn *n);
	bool ra_heard;
	uint64_t end_markers, error_indications;
	struct sx *sx; /* NULL: none */
	enum radio radio;
	struct paging paging;
};

/* --- sgw_msg.c: messages --- */
int msg_attach(struct pdn *n, const struct pdn_attach *o, struct tlv_buf *b);
int msg_detach(struct pdn *n, struct tlv_buf *b);
int msg_modify(struct pdn *n, struct tlv_buf *b);
int msg_resource(struct pdn *n, const struct pdn_resource *o, struct tlv_buf *b, char *err,
		 size_t size);
int msg_delete_bearer(struct pdn *n, uint8_t ebi, struct tlv_buf *b);
int msg_change_qos(struct pdn *n, uint32_t ul, uint32_t dl, uint8_t qci, struct tlv_buf *b);
int msg_suspend(struct pdn *n, bool resume, struct tlv_buf *b);
int msg_notify_change(struct pdn *n, struct tlv_buf *b);
void msg_fteid(const struct pdn *n, const struct sgw *node, bool user, uint32_t teid,
	       struct s5_fteid *ret);
void msg_uli(const struct pdn *n, struct s5_uli *ret);
/* Address of an F-TEID, of the family that the node prefers; false: none that fits. */
bool msg_peer(const struct sgw *node, const struct s5_fteid *f, uint16_t port,
	      struct sockaddr_storage *ret);
void msg_take_pco(struct pdn *n, const struct nas_pco *pco);

/* --- sgw_pdn.c --- */
struct pdn *pdn_new(struct phone *p, const char *apn);
void pdn_free(struct pdn *n);
void pdn_end(struct pdn *n, uint8_t cause, int err, const char *fmt, ...) _printf_(4, 5);
int pdn_begin(struct pdn *n, pdn_done *fn, void *arg); /* a procedure; -EBUSY */
void pdn_lost(struct pdn *n, const char *why);	       /* gone without signalling */
struct bearer *pdn_bearer(struct pdn *n, uint8_t ebi); /* NULL: none */
struct bearer *pdn_free_bearer(struct pdn *n);	       /* NULL: all in use */
uint32_t access_teid(struct access *a);
/* The connection is there no more for the phone: closes its sockets, takes its addresses. */
void pdn_offline(struct pdn *n);

/* --- sgw_bearer.c: requests of the PGW --- */
void bearer_request(struct sgw *s, struct xchg_token *t, const struct xchg_msg *m);
void bearer_late_cancel(struct pdn *n);

/* --- sgw_up.c: GTP-U --- */
int up_open(struct access *a, char *err, size_t size); /* what the namespace needs; once */
void up_close(struct access *a);
/* Rules of the bearers as they are now, in place of what was; -errno with a sentence. */
int up_set(struct pdn *n, char *err, size_t size);
void up_clear(struct pdn *n);
/* A connection's first tunnel, before the PGW hears of it; nothing goes on to the phone. Only where kims.ko is the plane. */
int up_expect(struct pdn *n, char *err, size_t size);
/* Rules as n->radio says; drop: and what waits is dropped. */
int up_radio(struct pdn *n, bool drop, char *err, size_t size);
size_t up_waiting(const struct pdn *n); /* packets that wait */
/*
 * Calls fn once, as soon as the user plane has what was said so far: at once where it is the kernel here. err: -errno with
 * a sentence; -ECONNRESET: the connection has gone meanwhile.
 */
typedef void up_then_fn(void *arg, int err, const char *why);
void up_then(struct pdn *n, up_then_fn *fn, void *arg);
void up_restart(struct sgw *s);

/* --- sgw_sx.c: a SGW-U by PFCP; as up_ --- */
int sx_open(struct access *a, char *err, size_t size); /* once */
void sx_close(struct access *a);
int sx_set(struct pdn *n, char *err, size_t size);
void sx_clear(struct pdn *n);
void sx_radio(struct pdn *n, bool drop);
void sx_then(struct pdn *n, up_then_fn *fn, void *arg);
uint64_t
sx_session(const struct pdn *n); /* its UP SEID, which is the kernel's id with kims-upf; 0: none */
const struct sockaddr_storage *sx_user(const struct access *a,
				       bool v6); /* address for GTP-U; NULL: none */
struct pfcp *sx_pfcp(const struct access *a);	 /* NULL: not opened */

/* --- sgw_idle.c --- */
void idle_downlink(struct pdn *n);		/* a downlink data report */
void idle_page(struct pdn *n, const char *why); /* unless that is under way */
void pdn_wake(struct pdn *n, const char *why);	/* service request */
void idle_stop(struct pdn *n);			/* without a word */

/* --- sgw_ra.c: router solicitation and advertisement --- */
int ra_start(struct pdn *n, void (*done)(struct pdn *n)); /* done is called once, from the loop */
void ra_close(struct access *a);

/* --- sgw_addr.c: addresses and routes --- */
int addr_set(struct pdn *n, char *err, size_t size);
void addr_clear(struct pdn *n);

/* --- the ladder --- */
void sgw_ladder(const struct pdn *n, bool out, const uint8_t *p, size_t size,
		const struct sockaddr_storage *peer);

static inline bool on_s2b(const struct sgw *s)
{
	return s->id == SGW_EPDG;
}

#endif
