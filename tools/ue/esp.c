// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Building and sending of UDP and ESP packets by hand (RFC 768, RFC 4303 2, RFC 2451, RFC 3602).
 *
 * A raw socket's packets are looked up in XFRM without ports, so that policies for ports do not
 * apply to them.
 */
#include "esp.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/aka/cipher.h"

#define UDP_HEADER 8
#define ESP_HEADER 8
#define ICV	   12

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static const uint8_t *address(const union sip_sa *a, size_t *ret_n)
{
	if (a->sa.sa_family == AF_INET6) {
		*ret_n = 16;
		return ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr;
	}
	*ret_n = 4;
	return (const uint8_t *)&((const struct sockaddr_in *)a)->sin_addr;
}

/* --- UDP --- */

static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	if (n & 1)
		s += (uint32_t)p[n - 1] << 8;
	return s;
}

static unsigned int udp_checksum(const union sip_sa *src, const union sip_sa *dst,
				 const uint8_t *udp, size_t n)
{
	size_t len;
	const uint8_t *a = address(src, &len), *b = address(dst, &len);
	uint32_t s = sum(sum(sum(0, a, len), b, len), udp, n) + IPPROTO_UDP + (uint32_t)n;

	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff ? 0xffff : ~s & 0xffff;
}

int udp_build(const union sip_sa *src, const union sip_sa *dst, const void *payload, size_t n,
	      uint8_t *out, size_t size)
{
	if (size < UDP_HEADER + n)
		return -ENOSPC;
	put16(out, sip_sa_port(src));
	put16(out + 2, sip_sa_port(dst));
	put16(out + 4, (unsigned int)(UDP_HEADER + n));
	put16(out + 6, 0);
	memcpy(out + UDP_HEADER, payload, n);
	put16(out + 6, udp_checksum(src, dst, out, UDP_HEADER + n));
	return (int)(UDP_HEADER + n);
}

/* --- ESP --- */

static size_t block_of(enum xfrm_enc e)
{
	switch (e) {
	case XFRM_ENC_NULL:
	case XFRM_ENC_AES_GCM:
		return 4;
	case XFRM_ENC_AES_CBC:
		return 16;
	case XFRM_ENC_DES3_CBC:
		return 8;
	}
	return 4;
}

/* Payload, padding 1, 2, 3 ..., its length, next header (RFC 4303 2.4). Octets in all. */
static size_t put_payload(const struct xfrm_set *k, const uint8_t *transport, size_t n,
			  uint8_t *dst)
{
	size_t block = block_of(k->enc), pad = (block - (n + 2) % block) % block;

	memcpy(dst, transport, n);
	for (size_t i = 0; i < pad; i++)
		dst[n + i] = (uint8_t)(i + 1);
	dst[n + pad] = (uint8_t)pad;
	dst[n + pad + 1] = IPPROTO_UDP;
	return n + pad + 2;
}

static int encrypt(const struct xfrm_set *k, const uint8_t *iv, uint8_t *p, size_t n)
{
	switch (k->enc) {
	case XFRM_ENC_NULL:
		return 0;
	case XFRM_ENC_AES_CBC:
		return aka_cbc_encrypt(AKA_AES_128_CBC, k->enc_key, iv, p, n, p);
	case XFRM_ENC_DES3_CBC:
		return aka_cbc_encrypt(AKA_DES_EDE3_CBC, k->enc_key, iv, p, n, p);
	case XFRM_ENC_AES_GCM: /* by the kernel only */
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

int esp_build(const struct xfrm_set *keys, uint32_t spi, uint32_t seq, const uint8_t *transport,
	      size_t n, uint8_t *out, size_t size)
{
	size_t iv_len = keys->enc == XFRM_ENC_NULL ? 0 : block_of(keys->enc),
	       at = ESP_HEADER + iv_len;
	int r;

	if (keys->auth != XFRM_AUTH_MD5_96 && keys->auth != XFRM_AUTH_SHA1_96)
		return -EOPNOTSUPP; /* AEAD: by the kernel only */
	if (size < at + n + 2 + 16 + ICV)
		return -ENOSPC;
	put32(out, spi);
	put32(out + 4, seq);
	if (iv_len && getrandom(out + ESP_HEADER, iv_len, 0) != (ssize_t)iv_len)
		return -EIO;
	n = put_payload(keys, transport, n, out + at);
	r = encrypt(keys, out + ESP_HEADER, out + at, n);
	if (!r)
		r = aka_hmac_96(keys->auth == XFRM_AUTH_MD5_96 ? AKA_HMAC_MD5_96 : AKA_HMAC_SHA1_96,
				keys->auth_key, keys->auth_key_len, out, at + n, out + at + n);
	return r ? r : (int)(at + n + ICV);
}

/* --- IP --- */

static size_t put_ip4(const union sip_sa *src, const union sip_sa *dst, int proto, size_t n,
		      uint8_t *out)
{
	struct iphdr h = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(h) + n)),
		.ttl = 64,
		.protocol = (uint8_t)proto,
		.saddr = ((const struct sockaddr_in *)src)->sin_addr.s_addr,
		.daddr = ((const struct sockaddr_in *)dst)->sin_addr.s_addr,
	};

	memcpy(out, &h, sizeof(h)); /* the kernel fills in identification and checksum */
	return sizeof(h);
}

static size_t put_ip6(const union sip_sa *src, const union sip_sa *dst, int proto, size_t n,
		      uint8_t *out)
{
	struct ip6_hdr h = {
		.ip6_src = ((const struct sockaddr_in6 *)src)->sin6_addr,
		.ip6_dst = ((const struct sockaddr_in6 *)dst)->sin6_addr,
	};

	h.ip6_flow = htonl(6u << 28);
	h.ip6_plen = htons((uint16_t)n);
	h.ip6_nxt = (uint8_t)proto;
	h.ip6_hlim = 64;
	memcpy(out, &h, sizeof(h));
	return sizeof(h);
}

int raw_send(const union sip_sa *src, const union sip_sa *dst, int proto, const uint8_t *packet,
	     size_t n)
{
	bool v6 = dst->sa.sa_family == AF_INET6;
	_cleanup_close_ int fd = socket(dst->sa.sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	uint8_t buf[RAW_PACKET_MAX + 64];
	union sip_sa to = *dst;
	size_t h;

	if (fd < 0)
		return -errno;
	if (n > RAW_PACKET_MAX)
		return -EMSGSIZE;
	h = v6 ? put_ip6(src, dst, proto, n, buf) : put_ip4(src, dst, proto, n, buf);
	memcpy(buf + h, packet, n);
	sip_sa_set_port(&to, 0);
	if (sendto(fd, buf, h + n, 0, &to.sa, sip_sa_len(&to)) < 0)
		return -errno;
	return 0;
}
