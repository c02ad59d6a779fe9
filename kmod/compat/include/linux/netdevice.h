/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Before 6.12 that a device needs no transmit lock was a feature, now it is a bit of its own.
 *
 * header_ops.parse() has got the device as an argument, also in stable releases, whose numbers say
 * nothing of it: its type does.
 */
#ifndef KIMS_COMPAT_LINUX_NETDEVICE_H
#define KIMS_COMPAT_LINUX_NETDEVICE_H

#include <linux/version.h>
#include_next <linux/netdevice.h>

static inline void kims_dev_set_lltx(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

typedef int kims_header_parse_old(const struct sk_buff *skb, unsigned char *haddr);

/* Of two functions, without and with the device, the one that header_ops.parse takes. */
#define KIMS_HEADER_PARSE(old, new)                                                          \
	__builtin_choose_expr(                                                                \
		__builtin_types_compatible_p(typeof(((struct header_ops *)NULL)->parse),      \
					     kims_header_parse_old *),                        \
		old, new)

#endif
