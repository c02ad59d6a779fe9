// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of S5, S8 and S2b (TS 29.274) as octets from a peer. What decodes must encode, decode again and then
 * encode to the same octets; what does not must name a cause. The same octets as a datagram to an endpoint
 * that waits for an answer: every call ends once, every request comes once.
 */
#include "lib/gtpc/gtpc.h"
#include "ref/s5.h"
#include "tests/fuzz/fuzz.h"

static union s5_any fuzz_s5_one, fuzz_s5_two;
static uint8_t fuzz_s5_a[65536], fuzz_s5_b[65536];

static struct {
	struct loop *loop;
	struct gtpc *g;
	struct sockaddr_storage peer;
	uint32_t seq; /* of our request */
	int done;
} fuzz_gtpc;

static void fuzz_gtpc_send(void *arg, const struct sockaddr_storage *to, const void *p, size_t n)
{
	struct tlv_hdr h;

	(void)arg;
	MUST(to->ss_family == AF_INET && !tlv_gtpv2.parse(p, n, &h));
	if (h.type == S5_MODIFY_BEARER_COMMAND)
		fuzz_gtpc.seq = h.seq;
}

static void fuzz_gtpc_done(void *arg, const struct xchg_msg *answer)
{
	(void)arg;
	(void)answer;
	fuzz_gtpc.done++;
}

static void fuzz_gtpc_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	uint8_t buf[128];
	struct tlv_buf b = TLV_BUF(buf);

	(void)arg;
	if (m->hdr->seq % 2 &&
	    !s5_encode_refusal(m->hdr->type, 1, (struct s5_cause_ie){ .value = 64 }, &b))
		MUST(!gtpc_respond(t, b.p, b.n));
	else
		gtpc_drop(t);
}

static void fuzz_gtpc_open(void)
{
	static const struct gtpc_ops ops = { .request = fuzz_gtpc_request };
	struct gtpc_conf c = { .send = fuzz_gtpc_send, .max_pending = 64 };

	fuzz_gtpc.peer.ss_family = AF_INET;
	MUST(!loop_new_virtual(&fuzz_gtpc.loop));
	MUST(!gtpc_open(fuzz_gtpc.loop, &c, &ops, NULL, &fuzz_gtpc.g));
	MUST(!gtpc_path_hold(fuzz_gtpc.g, &fuzz_gtpc.peer));
}

/* With our sequence number in it when the last octet is odd. */
static void fuzz_gtpc_datagram(const uint8_t *data, size_t size)
{
	struct s5_modify_bearer_command r = { .bearer = { .ebi = 5 } };
	uint8_t *p = malloc(size + 12), buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	if (!fuzz_gtpc.g)
		fuzz_gtpc_open();
	fuzz_gtpc.done = 0;
	MUST(!s5_encode(S5_MODIFY_BEARER_COMMAND, 1, &r, &b));
	MUST(!gtpc_request(fuzz_gtpc.g, &fuzz_gtpc.peer, b.p, b.n, fuzz_gtpc_done, NULL, NULL));
	memcpy(p, data, size);
	if (size > 12 && p[size - 1] % 2)
		tlv_gtpv2.set_seq(p, fuzz_gtpc.seq);
	gtpc_input(fuzz_gtpc.g, &fuzz_gtpc.peer, p, size);
	gtpc_input(fuzz_gtpc.g, &fuzz_gtpc.peer, p, size);
	free(p);
	loop_advance(fuzz_gtpc.loop, 13 * USEC_PER_SEC);
	MUST(fuzz_gtpc.done == 1);
}

FUZZ_TARGET(gtpv2)
{
	struct tlv_buf a = TLV_BUF(fuzz_s5_a), b = TLV_BUF(fuzz_s5_b);
	struct tlv_error e;
	struct tlv_hdr h;
	char line[512];
	int r;

	if (size <= 8192)
		fuzz_gtpc_datagram(data, size);
	s5_print(data, size, line, sizeof(line));
	r = s5_decode(data, size, &h, &fuzz_s5_one, &e);
	MUST(r == 0 || r == -ENOENT || (r == -EBADMSG && e.cause >= 64));
	if (r)
		return 0;
	MUST(h.len <= size && !e.cause);
	MUST(!s5_encode(h.type, (uint32_t)h.id, &fuzz_s5_one, &a));
	MUST(!s5_decode(a.p, a.n, &h, &fuzz_s5_two, &e));
	MUST(!s5_encode(h.type, (uint32_t)h.id, &fuzz_s5_two, &b));
	MUST(a.n == b.n && !memcmp(a.p, b.p, a.n));
	return 0;
}
