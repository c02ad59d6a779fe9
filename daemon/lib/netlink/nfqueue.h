/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Application detection: a reader of an NFQUEUE to which kims.ko hands the first packets of inner flows.
 *
 * Non-blocking, for the owner's loop. The kernel keeps at most KNL_NFQ_LENGTH packets for us and, when that is
 * full or nobody reads, treats packets as the PDR's app-fail says (kmod/gtpu/app.c): nothing waits for us.
 */
#ifndef KIMS_NETLINK_NFQUEUE_H
#define KIMS_NETLINK_NFQUEUE_H

#include "lib/netlink/kims_nl_gtpu.h"

#define KNL_NFQ_LENGTH 1024

/* The first packet of a flow. All of it is the sender's word; every length has been checked. */
struct knl_nfq_packet {
	uint32_t id;		/* for the verdict */
	bool uplink;		/* it came in a tunnel */
	uint32_t teid;		/* uplink: of the tunnel */
	struct xfrm_addr local; /* uplink: address of the endpoint */
	const uint8_t *inner;	/* IP packet; valid until the callback returns */
	size_t inner_len;
	/* what the inner packet says; flow.session and flow.app_id are for the owner to fill in */
	struct knl_app_flow flow;
	const uint8_t *payload; /* behind the transport header, or NULL */
	size_t payload_len;
};

enum knl_nfq_verdict {
	KNL_NFQ_AGAIN,	/* through kims.ko again: knl_app_flow_new() has told what it is */
	KNL_NFQ_UNDECIDED, /* as app-fail says */
	KNL_NFQ_DROP,
	KNL_NFQ_LATER,	/* the owner gives the verdict himself, with knl_nfq_verdict() */
};

struct knl_nfq;
typedef enum knl_nfq_verdict (*knl_nfq_fn)(void *arg, const struct knl_nfq_packet *p);

/* -EPERM; -EBUSY: somebody else reads this queue; -EOPNOTSUPP: no nfnetlink_queue. */
int knl_nfq_open(uint16_t queue, uint16_t gtpu_port, knl_nfq_fn fn, void *arg, struct knl_nfq **ret);
int knl_nfq_fd(const struct knl_nfq *q);
/* What is there now, at most max packets. Their number, or -errno. */
int knl_nfq_read(struct knl_nfq *q, unsigned int max);
int knl_nfq_verdict(struct knl_nfq *q, uint32_t id, enum knl_nfq_verdict v);
void knl_nfq_close(struct knl_nfq *q);

/* Takes a packet of the queue apart; for knl_nfq_read() and its test. -EBADMSG: not what kims.ko queues. */
int knl_nfq_parse(const uint8_t *data, size_t len, uint16_t gtpu_port, struct knl_nfq_packet *ret);

#endif
