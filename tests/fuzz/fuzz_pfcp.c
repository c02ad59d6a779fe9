// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of Sxb and N4 (TS 29.244) as octets from a peer. What decodes must encode, decode again and then
 * encode to the same octets; what does not must name a cause. The same octets as a datagram to an endpoint
 * that waits for the answer to an Association Setup Request: every call ends once.
 */
#include "lib/pfcp/pfcp.h"
#include "ref/sx.h"
#include "tests/fuzz/fuzz.h"

static union sx_any fuzz_sx_one, fuzz_sx_two;
static uint8_t fuzz_sx_a[65536], fuzz_sx_b[65536];

static struct {
	struct loop *loop;
	struct pfcp *g;
	struct sockaddr_storage peer;
	uint32_t seq; /* of our request */
	int done;
} fuzz_ep;

static void fuzz_ep_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	struct tlv_hdr h;

	(void)arg;
	MUST(to->ss_family == AF_INET && !tlv_pfcp.parse(p, n, &h));
	if (h.type == SX_ASSOCIATION_SETUP_REQUEST)
		fuzz_ep.seq = h.seq;
}

static void fuzz_ep_done(void *arg, const struct xchg_msg *answer)
{
	(void)arg;
	(void)answer;
	fuzz_ep.done++;
}

static void fuzz_ep_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
			    struct pfcp_peer *peer)
{
	struct sx_node_id node = { .type = SX_NODE_IPV4 };
	uint8_t cause = peer || m->hdr->seq % 2 ? SX_ACCEPTED : SX_NO_ASSOCIATION, buf[128];
	struct tlv_buf b = TLV_BUF(buf);

	(void)arg;
	if (!sx_encode_refusal(m->hdr->type, 1, &node, cause, 0, &b))
		MUST(!pfcp_respond(t, b.p, b.n));
	else
		pfcp_drop(t);
}

static void fuzz_ep_open(void)
{
	static const struct pfcp_ops ops = { .request = fuzz_ep_request };
	struct pfcp_conf c = { .send = fuzz_ep_send, .max_pending = 64 };

	fuzz_ep.peer.ss_family = AF_INET;
	MUST(!loop_new_virtual(&fuzz_ep.loop));
	MUST(!pfcp_open(fuzz_ep.loop, &c, &ops, NULL, &fuzz_ep.g));
}

/* With our sequence number in it when the last octet is odd. */
static void fuzz_ep_datagram(const uint8_t *data, size_t size)
{
	struct sx_association_setup_request r = { .recovery_ts = 1 };
	uint8_t *p = malloc(size + 16), buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (!fuzz_ep.g)
		fuzz_ep_open();
	fuzz_ep.done = 0;
	MUST(!sx_encode(SX_ASSOCIATION_SETUP_REQUEST, 0, &r, &b));
	MUST(!pfcp_request(fuzz_ep.g, &fuzz_ep.peer, b.p, b.n, fuzz_ep_done, NULL, NULL));
	memcpy(p, data, size);
	if (size > 16 && p[size - 1] % 2)
		tlv_pfcp.set_seq(p, fuzz_ep.seq);
	pfcp_input(fuzz_ep.g, &fuzz_ep.peer, p, size);
	pfcp_input(fuzz_ep.g, &fuzz_ep.peer, p, size);
	free(p);
	loop_advance(fuzz_ep.loop, 13 * USEC_PER_SEC);
	MUST(fuzz_ep.done == 1);
	pfcp_peer_forget(pfcp_peer_by_addr(fuzz_ep.g, &fuzz_ep.peer));
}

FUZZ_TARGET(pfcp)
{
	struct tlv_buf a = TLV_BUF(fuzz_sx_a), b = TLV_BUF(fuzz_sx_b);
	struct tlv_error e;
	struct tlv_hdr h;
	char line[512];
	int r;

	if (size <= 8192)
		fuzz_ep_datagram(data, size);
	sx_print(data, size, line, sizeof(line));
	r = sx_decode(data, size, &h, &fuzz_sx_one, &e);
	MUST(r == 0 || r == -ENOENT || (r == -EBADMSG && e.cause >= 64));
	if (r)
		return 0;
	MUST(h.len <= size && !e.cause);
	MUST(!sx_encode(h.type, h.id, &fuzz_sx_one, &a));
	MUST(!sx_decode(a.p, a.n, &h, &fuzz_sx_two, &e));
	MUST(!sx_encode(h.type, h.id, &fuzz_sx_two, &b));
	MUST(a.n == b.n && !memcmp(a.p, b.p, a.n));
	return 0;
}
