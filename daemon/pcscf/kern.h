/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the P-CSCF asks of the kernel, behind one table of calls: XFRM for ESP, kims.ko for bound
 * SA sets and media flows. Procedure tests put their own table here.
 *
 * All calls are synchronous and return 0 or -errno; error() is the sentence of the last failure.
 */
#ifndef KIMS_PCSCF_KERN_H
#define KIMS_PCSCF_KERN_H

#include "lib/core/loop.h"
#include "lib/netlink/kims_nl.h"
#include "lib/netlink/xfrm.h"

/* reqids of this daemon's SA sets; what else runs on the machine keeps out of this range. */
#define KERN_REQID_MIN XFRM_REQID_MIN
#define KERN_REQID_MAX XFRM_REQID_MAX

struct kern_ops {
	/* Protected ports, TS 33.203 7.1: what is not under a set's SA is dropped, also without any set. */
	int (*port_add)(void *arg, const struct xfrm_addr *local, uint16_t port);
	int (*port_del)(void *arg, const struct xfrm_addr *local, uint16_t port);
	/* One SA set: XFRM states and policies and the binding to the subscriber, all or nothing. */
	int (*set_add)(void *arg, const struct xfrm_set *x, const struct knl_sa_set *b,
		       uint32_t *ret_id);
	int (*set_del)(void *arg, const struct xfrm_set *x, uint32_t id, struct knl_sa_stats *ret);
	int (*set_stats)(void *arg, uint32_t id, struct knl_sa_stats *ret);
	int (*set_lifetime)(void *arg, const struct xfrm_set *x, uint64_t seconds);
	int (*set_dump)(void *arg, int (*fn)(void *fn_arg, const struct knl_sa_set *s),
			void *fn_arg);
	int (*xfrm_dump)(void *arg, int (*fn)(void *fn_arg, const struct xfrm_state_info *i),
			 void *fn_arg);
	int (*xfrm_flush)(void *arg, uint32_t reqid); /* what a set without a registration left */
	int (*rtp_new)(void *arg, const struct knl_rtp_flow *f, uint32_t *ret_id);
	int (*rtp_replace)(void *arg, const struct knl_rtp_flow *f);
	int (*rtp_del)(void *arg, uint32_t id, struct knl_rtp_stats *ret);
	int (*rtp_get)(void *arg, uint32_t id, struct knl_rtp_stats *ret);
	int (*rtp_dump)(void *arg, int (*fn)(void *fn_arg, const struct knl_rtp_flow *f),
			void *fn_arg);
	const char *(*error)(void *arg);
	/* ESP in UDP to local:port goes to its SAs; NULL in the table: there is no such thing. */
	int (*encap_open)(void *arg, const struct xfrm_addr *local, uint16_t port);
	int (*set_encap)(void *arg, const struct xfrm_set *x); /* the peer's port is another now */
	/* The GTP-U session of a UE's address at this host, 0: none; NULL in the table: never. */
	uint64_t (*tunnel_of)(void *arg, const struct xfrm_addr *ue);
	int (*set_rebind)(void *arg, const struct knl_sa_set *b); /* of this id: another gtpu_session */
};

struct kern;

/*
 * The real kernel. Events come to fn on the loop's thread. -ENOENT: kims.ko is not loaded, -EPERM:
 * CAP_NET_ADMIN is missing; err gets the sentence.
 */
int kern_open(struct loop *l, void (*fn)(void *arg, const struct knl_event *e), void *arg,
	      struct kern **ret, char *err, size_t errsize);
void kern_close(struct kern *k); /* leaves what is installed: traffic goes on across a restart */
extern const struct kern_ops kern_real_ops; /* arg: struct kern * */

#endif
