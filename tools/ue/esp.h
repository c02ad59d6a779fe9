/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that a phone's own kernel would not send: UDP in the clear from a protected port, and ESP
 * (RFC 4303, transport mode) under any SA from any address. For the enforcement part of tests.
 */
#ifndef KIMS_UE_ESP_H
#define KIMS_UE_ESP_H

#include "lib/netlink/xfrm.h"
#include "lib/sip/tp.h"

enum { RAW_PACKET_MAX = 2048 };

/* UDP header and payload with checksum. Octets, or -ENOSPC. */
int udp_build(const union sip_sa *src, const union sip_sa *dst, const void *payload, size_t n,
	      uint8_t *out, size_t size);
/* ESP packet (without IP header) around transport (UDP header and payload). Octets, or -errno. */
int esp_build(const struct xfrm_set *keys, uint32_t spi, uint32_t seq, const uint8_t *transport,
	      size_t n, uint8_t *out, size_t size);
/*
 * Sends packet with an IP header of its own, source as wanted, in the caller's namespace. proto:
 * IPPROTO_UDP or IPPROTO_ESP. -errno; needs CAP_NET_RAW.
 */
int raw_send(const union sip_sa *src, const union sip_sa *dst, int proto, const uint8_t *packet,
	     size_t n);

#endif
