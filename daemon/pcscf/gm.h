/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints of Gm and Mw, and who may say what at them (TS 33.203 7.1, TS 24.229 5.2.2, 5.2.6).
 *
 * Gm has, for each address family, an unprotected port, two protected server ports and two
 * protected client ports: a new SA set takes those that no other set with the UE's address and
 * ports uses, so that their selectors differ (TS 33.203 7.4) and none has to make room before the
 * new one is authenticated. The configuration has port_ps and port_pc; the second ones are
 * port_ps + 1 and port_pc - 1. A request is
 * matched to its UE by one look-up: source address, source port, our port; without SAs by source
 * address and the identity in From.
 */
#ifndef KIMS_PCSCF_GM_H
#define KIMS_PCSCF_GM_H

#include <uthash.h>

#include "lib/netlink/xfrm.h"
#include "lib/sip/tp.h"

struct pcscf;
struct reg;
struct sa_set;
struct sip_stx;

enum gm_kind { EP_MW, EP_GM_OPEN, EP_GM_PS, EP_GM_PC };

#define GM_N_PS	      2
#define GM_N_PC	      2
#define GM_ENCAP_PORT 4500 /* RFC 3948 */

struct gm_ep {
	enum gm_kind kind;
	uint16_t port;
	struct gm *gm; /* NULL: Mw */
	struct sip_ep *ep;
};

struct gm {
	struct xfrm_addr addr;
	struct gm_ep open, ps[GM_N_PS], pc[GM_N_PC];
	char host[SIP_SA_STRLEN]; /* "10.46.0.1", "[fd46::1]" */
	bool encap;		  /* ESP in UDP is taken (TS 33.203 annex M) */
};

/* id: 0 for what came under an SA, else a hash of the public user identity, and ue_port 0: several may share an unprotected source. */
struct gm_key {
	uint8_t addr[16]; /* IPv4: the first 4 octets */
	uint16_t ue_port, our_port;
	uint32_t id;
};

struct gm_bind {
	struct gm_key key;
	struct reg *reg;
	struct sa_set *set; /* NULL: unprotected */
	UT_hash_handle hh;
};

int gm_open(struct pcscf *p, char *err, size_t errsize);
void gm_close(struct pcscf *p);

void gm_key_make(struct gm_key *k, const struct xfrm_addr *ue, uint16_t ue_port, uint16_t our_port,
		 uint32_t id);
int gm_bind_add(struct pcscf *p, struct gm_bind *b);  /* -EEXIST */
void gm_bind_del(struct pcscf *p, struct gm_bind *b); /* fine when not in */
struct gm_bind *gm_bind_find(struct pcscf *p, const struct gm_key *k);
uint32_t gm_id_hash(const char *canon); /* never 0 */

/* Who sent this, by where it came from: NULL nobody whom we know. */
struct gm_bind *gm_lookup(struct pcscf *p, const struct sip_msg *m, const struct sip_path *from);

/* struct sip_stack_ops.admit: what may enter by which door, and how often it is refused aloud. */
int gm_admit(void *arg, struct sip_msg *m, const struct sip_path *from, const char **ret_reason);

/*
 * struct sip_stack_ops.reply_path: UDP under an SA is answered from port_pc to port_us
 * (TS 33.203 7.1), also by the stack itself; everything else the way it came.
 */
bool gm_reply_path(void *arg, struct sip_msg *m, const struct sip_path *from, struct sip_path *ret);
/* The way of a request to the UE; size: octets, since over 1300 go by TCP (TS 24.229 5.2.1, RFC 3261 18.1.1). */
void gm_path_to(const struct reg *r, size_t size, struct sip_path *ret,
		const union sip_sa **ret_sentby);

void gm_addr_of(const union sip_sa *sa, struct xfrm_addr *ret);
void gm_sa_of(const struct xfrm_addr *a, uint16_t port, union sip_sa *ret);
bool gm_addr_eq(const struct xfrm_addr *a, const struct xfrm_addr *b);
const char *gm_addr_str(const struct xfrm_addr *a, char buf[SIP_SA_STRLEN]); /* without [] */
/* A URI in Route or Request-URI that names one of our endpoints. */
bool gm_is_me(void *arg, const struct sip_uri *u);

#endif
