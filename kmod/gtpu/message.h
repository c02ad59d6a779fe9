/* SPDX-License-Identifier: GPL-2.0 */
/* A GTP-U message that this host makes (TS 29.281 5.1, 7), but for G-PDUs. */
#ifndef KIMS_GTPU_MESSAGE_H
#define KIMS_GTPU_MESSAGE_H

#include "gtpu/gtpu.h"

struct kims_gtpu_header {
	u8 flags;
	u8 type;
	__be16 length;
	__be32 teid;
};

/* Holds all it needs, so that it can be sent when its endpoint is gone. */
struct kims_message {
	struct net *net;
	struct kims_end src, dst;
	u8 dscp;
	u8 len;
	u8 data[56];
};

void kims_message_init(struct kims_message *m, const struct kims_gtpu_ep *ep,
		       const struct kims_end *peer, u8 type, __be32 teid);
/* The optional part of the header: sequence number, type of the first extension header. */
void kims_message_seq(struct kims_message *m, __be16 seq, u8 next);
void kims_message_put(struct kims_message *m, u8 octet);
/* RCU, or a process. -EHOSTUNREACH: no route; -ENOMEM, and what the way out says. */
int kims_message_send(struct kims_message *m);

#endif /* KIMS_GTPU_MESSAGE_H */
