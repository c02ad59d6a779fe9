/* SPDX-License-Identifier: GPL-2.0 */
/* Before 6.6 a dump had its attributes in another struct than a request. */
#ifndef KIMS_COMPAT_NET_GENETLINK_H
#define KIMS_COMPAT_NET_GENETLINK_H

#include <linux/version.h>
#include_next <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define genl_info_dump(cb) genl_dumpit_info(cb)
#endif

#ifndef GENL_MCAST_CAP_NET_ADMIN
#define GENL_MCAST_CAP_NET_ADMIN GENL_UNS_ADMIN_PERM
#endif

#endif
