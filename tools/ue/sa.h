/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A phone's SA sets (TS 33.203 6, 7; RFC 3329): ports and SPIs that it offers, the P-CSCF's choice,
 * the four SAs in its namespace's XFRM, and the end of it.
 *
 * A set lives from the offer in Security-Client on; its two endpoints (client and server port) are
 * opened then, so that what is offered is really ours. While a re-registration is under way two
 * sets stand side by side; the old one stays for a while after the new one is in use (7.4).
 */
#ifndef KIMS_UE_SA_H
#define KIMS_UE_SA_H

#include "lib/netlink/xfrm.h"
#include "lib/sip/secagree.h"
#include "ue.h"

enum { SA_CLOSE_USEC = 250000 }; /* connections end under the SAs */

struct sa_set {
	struct sa_set *next; /* in the phone's list */
	struct phone *phone;
	struct sip_ep *ep_c, *ep_s; /* port_uc, port_us */
	union sip_sa us;	    /* own address with port_us: Via and Contact */
	union sip_sa ps, pc;	    /* the P-CSCF's protected ports, after the choice */
	struct xfrm_set x;	    /* with keys, after the choice */
	struct sec_mech chosen;
	char *verify; /* Security-Server as received: Security-Verify */
	bool installed;
	struct timer end;
};

/* Opens endpoints with fresh ports and SPIs. 0 or -errno with a sentence. */
int sa_offer(struct phone *p, struct sa_set **ret, char *err, size_t errsize);
/* Value of Security-Client: every offered combination with the set's ports and SPIs. */
char *sa_client_value(const struct sa_set *s); /* malloc'd; NULL: no memory */
/*
 * Takes the P-CSCF's choice out of the 401 (highest q among what was offered). -ENOENT: no
 * Security-Server, -EOPNOTSUPP: nothing in it that we offered.
 */
int sa_choose(struct sa_set *s, struct sip_msg *resp);
int sa_install(struct sa_set *s, const uint8_t ck[16], const uint8_t ik[16], char *err,
	       size_t errsize);
/*
 * End of a set: its TCP connections are closed while the SAs still stand, then these go and the keys
 * are wiped; the endpoints close when no transaction can use them any more. NULL is fine.
 */
void sa_free(struct sa_set *s);
void sa_free_later(struct sa_set *s, uint64_t usec);
void sa_close_connections(struct sa_set *s); /* by RST, while the SAs still stand */
void sa_remove(struct sa_set *s);	     /* the SAs go at once */
void sa_destroy(struct sa_set *s);	     /* at the process's end: the stack is gone already */
/* The set that a message came under (endpoint, peer's port); NULL: none. */
struct sa_set *sa_find(const struct phone *p, const struct sip_path *from);
/* Packets sent so far under the SA towards port_ps, as the kernel counts; 0 when unknown. */
uint64_t sa_packets_sent(const struct sa_set *s);

#endif
