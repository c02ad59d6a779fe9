/* SPDX-License-Identifier: GPL-2.0 */
/* Before 6.12 that a device needs no transmit lock was a feature, now it is a bit of its own. */
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

#endif
