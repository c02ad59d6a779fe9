// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDP: after the relay wrote its addresses, a reader finds just those, and the same streams; and in a
 * multipart body what was put in is found.
 */
#include "lib/sip/sdp.h"
#include "tests/fuzz/fuzz.h"

static union sip_sa sdp_sa(const char *addr, size_t port)
{
	union sip_sa a;

	MUST(!sip_sa_parse(addr, (uint16_t)port, &a));
	return a;
}

static void relay_with(struct str text, const struct sdp_info *in, const char *addr)
{
	struct sdp_rewrite rw[SDP_MEDIA_MAX] = { 0 };
	static struct sdp_info out;
	size_t len;
	char *p;

	for (size_t i = 0; i < in->n; i++)
		if (in->m[i].port)
			rw[i] = (struct sdp_rewrite){ sdp_sa(addr, 20000 + 2 * i),
						      sdp_sa(addr, 20001 + 2 * i) };
	MUST(!sdp_relay(text, rw, in->n, &p, &len));
	MUST(!sdp_read((struct str){ p, len }, &out) && out.n == in->n);
	for (size_t i = 0; i < in->n; i++) {
		MUST(str_eq(in->m[i].type, out.m[i].type) && str_eq(in->m[i].fmt, out.m[i].fmt));
		MUST(in->m[i].dir == out.m[i].dir && in->m[i].has_qos == out.m[i].has_qos);
		if (!in->m[i].port)
			continue;
		MUST(in->m[i].conn_zero == out.m[i].conn_zero);
		MUST(out.m[i].port == 20000 + 2 * i);
		MUST(out.m[i].conn_zero || sip_sa_eq(&out.m[i].rtp, &rw[i].rtp));
		MUST(out.m[i].rtcp_mux || sip_sa_port(&out.m[i].rtcp) == 20001 + 2 * i);
	}
	free(p);
}

static void in_multipart(const char *body, size_t n)
{
	struct sip_msg *m = sip_msg_new_request("INVITE", "sip:x");

	if (!sip_msg_set_body(m, "multipart/mixed;boundary=b", body, n) && sip_msg_sdp(m).n) {
		MUST(!sip_msg_replace_sdp(m, "v=0\r\n", 5));
		MUST(str_eqz(sip_msg_sdp(m), "v=0\r\n"));
	}
	sip_msg_unref(m);
}

FUZZ_TARGET(sdp)
{
	struct str text = { (const char *)data, size };
	static struct sdp_info in;

	if (size > 32768)
		return 0;
	in_multipart(text.p, size);
	if (sdp_read(text, &in))
		return 0;
	relay_with(text, &in, "192.0.2.1");
	relay_with(text, &in, "2001:db8::1");
	return 0;
}
