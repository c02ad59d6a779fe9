// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets of the queue taken apart: both directions and families, every truncation. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "lib/netlink/nfqueue.h"

#define PORT 2152

static const uint8_t inner4[] = {
	0x45, 0, 0, 32, 0, 7, 0, 0, 64, 17, 0, 0, 10, 45, 0, 2, 203, 0, 113, 9, /* IPv4 */
	0x0f, 0xa0, 0, 53, 0, 12, 0, 0, 'a', 'b', 'c', 'd',
};

static const uint8_t inner6[] = {
	0x60, 0, 0, 0, 0, 12, 17, 64, 0xfd, 0x45, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5,
	0x20, 1, 0x0d, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
	0x0f, 0xa0, 0, 53, 0, 12, 0, 0, 'a', 'b', 'c', 'd',
};

/* A G-PDU with a PDU Session Container around it. */
static size_t tunnelled(uint8_t *out, const uint8_t *inner, size_t len)
{
	static const uint8_t outer[] = {
		0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 44, 1, 2, 10, 46, 0, 6, /* IPv4 */
		8, 0x68, 8, 0x68, 0, 0, 0, 0,					      /* UDP */
		0x34, 255, 0, 0, 0, 0, 0x10, 0x0b, 0, 0, 0, 0x85, 1, 0x10, 9, 0,	      /* GTP-U */
	};
	size_t all = sizeof(outer) + len;

	memcpy(out, outer, sizeof(outer));
	memcpy(out + sizeof(outer), inner, len);
	out[2] = (uint8_t)(all >> 8);
	out[3] = (uint8_t)all;
	out[25] = (uint8_t)(all - 20);
	out[31] = (uint8_t)(all - 36);
	return all;
}

static void check_flow(const struct knl_nfq_packet *p, const struct knl_end *src,
		       const struct knl_end *dst, const char *from, const char *to)
{
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(p->flow.protocol, 17);
	assert_string_equal(inet_ntop(src->addr.family, &src->addr.v4, text, sizeof(text)), from);
	assert_string_equal(inet_ntop(dst->addr.family, &dst->addr.v4, text, sizeof(text)), to);
	assert_int_equal(src->port, 4000);
	assert_int_equal(dst->port, 53);
	assert_int_equal(p->payload_len, 4);
	assert_memory_equal(p->payload, "abcd", 4);
}

static void uplink(void **state _unused_)
{
	struct knl_nfq_packet p;
	uint8_t data[200];
	size_t n;

	n = tunnelled(data, inner4, sizeof(inner4));
	assert_int_equal(knl_nfq_parse(data, n, PORT, &p), 0);
	assert_true(p.uplink);
	assert_int_equal(p.teid, 0x100b);
	assert_int_equal(ntohl(p.local.v4.s_addr), 0x0a2e0006);
	check_flow(&p, &p.flow.ue, &p.flow.remote, "10.45.0.2", "203.0.113.9");
	n = tunnelled(data, inner6, sizeof(inner6));
	assert_int_equal(knl_nfq_parse(data, n, PORT, &p), 0);
	check_flow(&p, &p.flow.ue, &p.flow.remote, "fd45:0:0:2::5", "2001:db8:9::9");
}

static void downlink(void **state _unused_)
{
	struct knl_nfq_packet p;

	assert_int_equal(knl_nfq_parse(inner4, sizeof(inner4), PORT, &p), 0);
	assert_false(p.uplink);
	check_flow(&p, &p.flow.remote, &p.flow.ue, "10.45.0.2", "203.0.113.9");
	assert_int_equal(knl_nfq_parse(inner6, sizeof(inner6), PORT, &p), 0);
	check_flow(&p, &p.flow.remote, &p.flow.ue, "fd45:0:0:2::5", "2001:db8:9::9");
}

/* In memory of its own, so that ASan sees a read behind the end. */
static void parse_copy(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct knl_nfq_packet p;

	assert_non_null(copy);
	memcpy(copy, data, n);
	if (!knl_nfq_parse(copy, n, PORT, &p)) {
		assert_true(p.inner >= copy && p.inner + p.inner_len <= copy + n);
		assert_true(!p.payload || p.payload + p.payload_len <= copy + n);
	}
	free(copy);
}

static void hostile(void **state _unused_)
{
	uint8_t data[200];
	size_t n = tunnelled(data, inner4, sizeof(inner4));

	for (size_t i = 0; i <= n; i++)
		parse_copy(data, i);
	for (size_t i = 0; i <= sizeof(inner6); i++)
		parse_copy(inner6, i);
	for (size_t i = 0; i < n; i++)
		for (unsigned int v = 0; v < 256; v++) {
			uint8_t old = data[i];

			data[i] = (uint8_t)v;
			parse_copy(data, n);
			data[i] = old;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink),
		cmocka_unit_test(downlink),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
