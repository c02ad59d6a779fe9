/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPsec SA sets of Gm in the kernel's XFRM (TS 33.203 6, 7, annex H), for both ends.
 *
 * A set is four transport-mode ESP SAs between two addresses with fixed ports, and their policies
 * with "level required" and the set's reqid, so that a packet that comes under another UE's SA
 * does not match. Installing is all or nothing; removing removes what there is. The catch-all that blocks
 * what comes unprotected to protected ports has a lower priority than any set and is put in place first (fail closed).
 * Calls are synchronous (tens of microseconds) and belong to one thread.
 */
#ifndef KIMS_NETLINK_XFRM_H
#define KIMS_NETLINK_XFRM_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/core/base.h"

/* AES-GMAC (RFC 4543) goes with no encryption, AES-GCM (RFC 4106) with no other integrity. */
enum xfrm_auth { XFRM_AUTH_MD5_96, XFRM_AUTH_SHA1_96, XFRM_AUTH_AES_GMAC, XFRM_AUTH_NONE };
enum xfrm_enc { XFRM_ENC_NULL, XFRM_ENC_AES_CBC, XFRM_ENC_DES3_CBC, XFRM_ENC_AES_GCM };

struct xfrm_addr {
	sa_family_t family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* reqids of the P-CSCF's sets; smaller ones are left to others in the same network namespace. */
#define XFRM_REQID_MIN 0x10000000u
#define XFRM_REQID_MAX 0x7fffffffu

/* One SA set, as seen from our end. "our" and "peer": P-CSCF and UE, or the other way round. */
struct xfrm_set {
	uint32_t reqid;			/* own for each set; 1.. */
	struct xfrm_addr our, peer;
	uint16_t our_port_c, our_port_s, peer_port_c, peer_port_s;
	uint32_t our_spi_c, our_spi_s;	/* inbound to us at our client / server port */
	uint32_t peer_spi_c, peer_spi_s; /* outbound, chosen by the peer */
	enum xfrm_auth auth;
	enum xfrm_enc enc;
	uint8_t auth_key[20], enc_key[24]; /* of GCM and GMAC: the salt behind the key */
	size_t auth_key_len, enc_key_len;
	uint64_t lifetime_s;		/* hard lifetime; 0: none */
	/*
	 * UDP ports of ESP in UDP (RFC 3948); 0: plain ESP. peer is the address that the NAT gave, in
	 * tunnel mode (TS 33.203 annex M) in both headers; the protected ports are the peer's own.
	 */
	uint16_t our_encap_port, peer_encap_port;
	bool tunnel;
};

struct knl_xfrm;

int knl_xfrm_open(struct knl_xfrm **ret); /* in the caller's network namespace; -EPERM without CAP_NET_ADMIN */
void knl_xfrm_close(struct knl_xfrm *x);
const char *knl_xfrm_error(const struct knl_xfrm *x); /* sentence of the last failure */

int knl_xfrm_set_add(struct knl_xfrm *x, const struct xfrm_set *s);    /* -EEXIST: SPI or policy taken */
int knl_xfrm_set_del(struct knl_xfrm *x, const struct xfrm_set *s);    /* keys not needed; 0 also when partly gone */
int knl_xfrm_set_lifetime(struct knl_xfrm *x, const struct xfrm_set *s, uint64_t lifetime_s); /* new hard lifetime from now */
/* The NAT has another port for the peer now: peer_encap_port as in s. */
int knl_xfrm_set_encap(struct knl_xfrm *x, const struct xfrm_set *s);
/*
 * Ports that NATs have changed, as authentic packets show: fd to watch for reading, read calls fn
 * for each. A process reads them on one knl_xfrm only.
 */
struct xfrm_mapping {
	struct xfrm_addr our, peer; /* peer: as it is now */
	uint32_t spi, reqid;	    /* of the SA towards us */
	uint16_t port;		    /* of the peer, as it is now */
};
int knl_xfrm_mapping_open(struct knl_xfrm *x, int *ret_fd);
int knl_xfrm_mapping_read(struct knl_xfrm *x, void (*fn)(void *arg, const struct xfrm_mapping *m),
			  void *arg); /* 0, or -errno (-ENOBUFS: some were lost) */
/*
 * A socket that takes ESP in UDP off to the SAs of its address, for as long as it is open; what else
 * arrives on it can be read. *ret is a file descriptor, in the caller's network namespace.
 */
int knl_xfrm_encap_open(const struct xfrm_addr *our, uint16_t port, int *ret);
/* SPI that no SA towards addr uses now, in [min, max], as the kernel sees it. */
int knl_xfrm_spi_free(struct knl_xfrm *x, const struct xfrm_addr *our, uint32_t spi);	      /* 0 free, -EEXIST */
/* Blocks unprotected packets (UDP, TCP) to addr:port in, and from it out; idempotent. */
int knl_xfrm_guard_add(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port);
int knl_xfrm_guard_del(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port);
int knl_xfrm_guard_flush(struct knl_xfrm *x); /* every guard of this network namespace */
/*
 * All ESP states whose reqid lies in [min, max], for reading back after a restart. Called for both directions (inbound: dst is
 * ours); a nonzero result ends the calls and is returned.
 */
struct xfrm_state_info {
	struct xfrm_addr src, dst;
	uint16_t sport, dport; /* of its selector */
	uint32_t spi, reqid;
	uint64_t packets, octets, add_time, use_time;
	uint64_t replay, integrity_failed;
};
int knl_xfrm_dump(struct knl_xfrm *x, uint32_t reqid_min, uint32_t reqid_max, int (*fn)(void *arg, const struct xfrm_state_info *i),
		  void *arg);
int knl_xfrm_flush(struct knl_xfrm *x, uint32_t reqid_min, uint32_t reqid_max); /* states and policies */

#endif
