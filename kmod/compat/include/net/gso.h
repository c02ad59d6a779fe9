/* SPDX-License-Identifier: GPL-2.0 */
/* Before 6.5 what is in net/gso.h was in linux/netdevice.h. */
#ifndef KIMS_COMPAT_NET_GSO_H
#define KIMS_COMPAT_NET_GSO_H

#include <linux/version.h>
#include <linux/netdevice.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include_next <net/gso.h>
#endif

#endif
