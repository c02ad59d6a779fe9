/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches the security associations of a network namespace with their keys, for traces that can be
 * decrypted (kimsctl trace). The kernel gives keys to CAP_NET_ADMIN only, and so do we.
 */
#ifndef KIMS_NETLINK_XFRM_MON_H
#define KIMS_NETLINK_XFRM_MON_H

#include "lib/netlink/xfrm.h"

struct xfrm_key_info {
	struct xfrm_addr src, dst;
	uint32_t spi;
	char auth_name[64], enc_name[64]; /* the kernel's: "hmac(sha1)", "cbc(aes)", "ecb(cipher_null)" */
	uint8_t auth_key[64], enc_key[64];
	size_t auth_key_len, enc_key_len;
	uint32_t auth_trunc_bits;
};

struct knl_xfrm_mon;
typedef void (*knl_xfrm_key_fn)(void *arg, const struct xfrm_key_info *i);

/* Calls fn for each SA that there is, then for each new one in knl_xfrm_mon_read(). */
int knl_xfrm_mon_open(knl_xfrm_key_fn fn, void *arg, struct knl_xfrm_mon **ret);
int knl_xfrm_mon_fd(const struct knl_xfrm_mon *m);
int knl_xfrm_mon_read(struct knl_xfrm_mon *m); /* what is there now; 0 or -errno (-ENOBUFS: some were lost) */
void knl_xfrm_mon_close(struct knl_xfrm_mon *m);

#endif
