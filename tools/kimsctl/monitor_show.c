// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inner packets as lines and as pcapng blocks. The packets come from anybody: every length is checked.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "monitor.h"

/* --- lines --- */

struct ends {
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint8_t protocol;
	size_t l4; /* offset, 0: not there */
};

static bool read_ip(const struct knl_mon_packet *p, struct ends *e)
{
	if (p->len >= 20 && p->data[0] >> 4 == 4) {
		inet_ntop(AF_INET, p->data + 12, e->src, sizeof(e->src));
		inet_ntop(AF_INET, p->data + 16, e->dst, sizeof(e->dst));
		e->protocol = p->data[9];
		if (!((p->data[6] & 0x1f) | p->data[7]))
			e->l4 = (p->data[0] & 15u) * 4u;
		return true;
	}
	if (p->len < 40 || p->data[0] >> 4 != 6)
		return false;
	inet_ntop(AF_INET6, p->data + 8, e->src, sizeof(e->src));
	inet_ntop(AF_INET6, p->data + 24, e->dst, sizeof(e->dst));
	e->protocol = p->data[6];
	e->l4 = 40;
	return true;
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	case IPPROTO_ESP:
		return "ESP";
	case IPPROTO_SCTP:
		return "SCTP";
	default:
		return NULL;
	}
}

static bool has_ports(const struct knl_mon_packet *p, const struct ends *e)
{
	return e->l4 && p->len >= e->l4 + 4 &&
	       (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP ||
		e->protocol == IPPROTO_SCTP);
}

void monitor_line(const struct knl_mon_packet *p, char *line, size_t size)
{
	struct ends e = { .l4 = 0 };
	const char *name;
	char number[16];

	if (!read_ip(p, &e)) {
		snprintf(line, size, "not an IP packet, %zu octets", p->whole);
		return;
	}
	name = protocol_name(e.protocol);
	snprintf(number, sizeof(number), "IP protocol %u", e.protocol);
	if (has_ports(p, &e))
		snprintf(line, size, "%s:%u > %s:%u %s %zu", e.src,
			 (unsigned int)p->data[e.l4] << 8 | p->data[e.l4 + 1], e.dst,
			 (unsigned int)p->data[e.l4 + 2] << 8 | p->data[e.l4 + 3], name, p->whole);
	else
		snprintf(line, size, "%s > %s %s %zu", e.src, e.dst, name ? name : number, p->whole);
}

void monitor_comment(const struct knl_mon_packet *p, const char *label, char *text, size_t size)
{
	snprintf(text, size, "subscriber %s, session %llu, %s", *label ? label : "unknown",
		 (unsigned long long)p->session, p->uplink ? "uplink" : "downlink");
}

/* --- pcapng --- */

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define OPT_COMMENT 1
#define IDB_NAME 2
#define IDB_RESOLUTION 9
#define EPB_FLAGS 2
#define LINKTYPE_RAW 101

static void put(FILE *f, const void *data, size_t len)
{
	static const uint8_t zero[4];

	fwrite(data, 1, len, f);
	fwrite(zero, 1, -len & 3, f);
}

static void put32(FILE *f, uint32_t v)
{
	put(f, &v, sizeof(v));
}

static void put_option(FILE *f, uint16_t code, const void *data, uint16_t len)
{
	put32(f, (uint32_t)len << 16 | code);
	put(f, data, len);
}

/* The fields are written in the order of this machine, which the section header tells. */
static void fix_order(void)
{
	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "16-bit pairs below");
}

static size_t option_size(size_t len)
{
	return 4 + ((len + 3) & ~(size_t)3);
}

int pcapng_begin(FILE *f)
{
	static const char name[] = "kimsmon";
	uint32_t size = 20 + (uint32_t)(option_size(sizeof(name) - 1) + option_size(1) + 4);
	uint8_t ns = 9;

	fix_order();
	put32(f, BLOCK_SECTION);
	put32(f, 28);
	put32(f, 0x1a2b3c4d);
	put32(f, 1); /* version 1.0 */
	put32(f, 0xffffffff);
	put32(f, 0xffffffff);
	put32(f, 28);
	put32(f, BLOCK_INTERFACE);
	put32(f, size);
	put32(f, LINKTYPE_RAW);
	put32(f, 0); /* no limit of length */
	put_option(f, IDB_NAME, name, sizeof(name) - 1);
	put_option(f, IDB_RESOLUTION, &ns, 1);
	put32(f, 0);
	put32(f, size);
	return fflush(f) ? -errno : 0;
}

int pcapng_packet(FILE *f, const struct knl_mon_packet *p, const char *comment)
{
	uint64_t at = (uint64_t)p->at.tv_sec * 1000000000u + (uint64_t)p->at.tv_nsec;
	uint32_t flags = p->uplink ? 1 : 2; /* inbound, outbound */
	size_t n = strlen(comment);
	uint32_t size = (uint32_t)(32 + ((p->len + 3) & ~(size_t)3) + option_size(n) +
				   option_size(4) + 4);

	put32(f, BLOCK_PACKET);
	put32(f, size);
	put32(f, 0); /* interface */
	put32(f, (uint32_t)(at >> 32));
	put32(f, (uint32_t)at);
	put32(f, (uint32_t)p->len);
	put32(f, (uint32_t)p->whole);
	put(f, p->data, p->len);
	put_option(f, OPT_COMMENT, comment, (uint16_t)n);
	put_option(f, EPB_FLAGS, &flags, 4);
	put32(f, 0);
	put32(f, size);
	return fflush(f) ? -errno : 0;
}
