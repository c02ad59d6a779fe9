// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Procedures of the I-CSCF over a mock wire and a virtual clock; the HSS is a pair of functions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "icscf/priv.h"
#include "lib/sip/mock_hostile.h"

#define DOMAIN	 "ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI	 "001010000000001@" DOMAIN
#define IMPU	 "sip:001010000000001@" DOMAIN
#define FIRST	 "sip:scscf." DOMAIN ":5060"
#define SECOND	 "sip:10.46.0.9:5060"
#define SENT_MAX 32

static struct world {
	struct loop *loop;
	struct conf *conf;
	struct sip_tp *tp;
	struct sip_ep *ep;
	struct sip_resolver *resolver;
	struct icscf *i;
	char *sent[SENT_MAX];
	int n_sent, n_read;
	bool deaf; /* what is sent is not kept */
	/* the HSS */
	struct cx_uaa uaa;
	struct cx_lia lia;
	int n_uar, n_lir, auth_type;
	char identity[256], visited[256];
	bool originating, hold;
	cx_uaa_fn fn;
	void *arg;
	unsigned int cseq;
} w;

static int mock_uar(void *link _unused_, const struct cx_uar *r, cx_uaa_fn fn, void *arg)
{
	w.n_uar++;
	w.auth_type = r->auth_type;
	str_copy(w.identity, sizeof(w.identity), r->public_identity);
	str_copy(w.visited, sizeof(w.visited), r->visited_network);
	assert_true(w.deaf || str_eqz(r->user_name, IMPI));
	if (w.hold) {
		w.fn = fn;
		w.arg = arg;
		return 0;
	}
	fn(arg, &w.uaa);
	return 0;
}

static int mock_lir(void *link _unused_, const struct cx_lir *r, cx_lia_fn fn, void *arg)
{
	w.n_lir++;
	w.originating = r->originating;
	str_copy(w.identity, sizeof(w.identity), r->public_identity);
	fn(arg, &w.lia);
	return 0;
}

static const struct icscf_cx mock_cx = { .uar = mock_uar, .lir = mock_lir };

static void on_sent(void *arg _unused_, const struct sip_path *path _unused_, const char *data,
		    size_t len)
{
	if (w.deaf)
		return;
	assert_true(w.n_sent < SENT_MAX);
	w.sent[w.n_sent++] = str_dup((struct str){ data, len });
}

static int add_host(void *arg, const char *host, const struct conf_addr *addr)
{
	union sip_sa sa;

	conf_sockaddr(addr, 0, &sa.ss);
	return sip_resolver_host(arg, host, &sa);
}

static int set_up(void **state _unused_)
{
	struct sip_ep_opts o = { .name = "mw", .tcp = true };
	struct icscf_env env = { .cx = &mock_cx };
	char err[256];

	memset(&w, 0, sizeof(w));
	assert_int_equal(conf_load(NULL, &w.conf, err, sizeof(err)), 0);
	free(w.conf->icscf.scscf_list);
	w.conf->icscf.scscf_list = strdup(FIRST " cap=1,2; " SECOND " cap=1");
	assert_int_equal(loop_new_virtual(&w.loop), 0);
	assert_int_equal(sip_tp_new_mock(w.loop, on_sent, NULL, &w.tp), 0);
	conf_sockaddr(&w.conf->icscf.addr, 5060, &o.local.ss);
	assert_int_equal(sip_ep_open(w.tp, &o, &w.ep), 0);
	assert_int_equal(sip_resolver_new(w.loop, NULL, &w.resolver), 0);
	assert_int_equal(conf_each_host(w.conf, add_host, w.resolver), 0);
	env.loop = w.loop;
	env.conf = w.conf;
	env.tp = w.tp;
	env.resolver = w.resolver;
	assert_int_equal(icscf_new(&env, &w.i), 0);
	w.uaa = (struct cx_uaa){ .result = CX_FIRST_REGISTRATION };
	w.lia = (struct cx_lia){ .result = CX_SUCCESS, .server_name = STR(FIRST) };
	return 0;
}

static int tear_down(void **state _unused_)
{
	icscf_free(w.i);
	sip_tp_free(w.tp);
	sip_resolver_free(w.resolver);
	for (int i = 0; i < w.n_sent; i++)
		free(w.sent[i]);
	conf_free(w.conf);
	loop_free(w.loop);
	return 0;
}

static _printf_(1, 2) void receive(const char *fmt, ...)
{
	struct sip_path from = { .ep = w.ep, .proto = SIP_UDP };
	char text[8192], wire[8192];
	size_t n = 0;
	va_list ap;

	sip_sa_parse("10.46.0.1", 5070, &from.peer);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) {
		if (*p == '\n')
			wire[n++] = '\r';
		wire[n++] = *p;
	}
	sip_tp_inject(w.tp, &from, wire, n);
	loop_advance(w.loop, 2000);
}

static const char *expect(const char *start)
{
	const char *m = w.n_read < w.n_sent ? w.sent[w.n_read++] : NULL;

	while (m && strstr(m, "100 Trying") == m + 8)
		m = w.n_read < w.n_sent ? w.sent[w.n_read++] : NULL;
	if (!m || strncmp(m, start, strlen(start)))
		fail_msg("expected \"%s\", got:\n%s", start, m ? m : "nothing");
	return m;
}

static void has(const char *m, const char *text)
{
	if (!strstr(m, text))
		fail_msg("no \"%s\" in:\n%s", text, m);
}

static void copy_lines(const char *m, const char *name, char *dst, size_t size)
{
	char needle[64];
	size_t n = 0;

	snprintf(needle, sizeof(needle), "\r\n%s: ", name);
	dst[0] = '\0';
	for (const char *p = m; (p = strstr(p, needle)); p += 2)
		n += (size_t)snprintf(dst + n, size - n, "%.*s\n",
				      (int)(strstr(p + 2, "\r\n") - p - 2), p + 2);
}

static void answer_request(const char *m, const char *status)
{
	static const char *const names[] = { "Via", "From", "To", "Call-ID", "CSeq" };
	char text[5][1024];

	for (size_t i = 0; i < 5; i++)
		copy_lines(m, names[i], text[i], sizeof(text[i]));
	receive("SIP/2.0 %s\n%s%s%s%s%sContent-Length: 0\n\n", status, text[0], text[1], text[2],
		text[3], text[4]);
}

static void send_register(const char *contact)
{
	receive("REGISTER sip:" DOMAIN " SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKr%u\n"
		"Max-Forwards: 69\n"
		"From: <" IMPU ">;tag=ue\n"
		"To: <" IMPU ">\n"
		"Call-ID: reg\n"
		"CSeq: %u REGISTER\n"
		"P-Visited-Network-ID: \"visited.example\"\n"
		"Path: <sip:term@pcscf." DOMAIN ":5070;lr>\n"
		"Require: path\n"
		"Authorization: Digest username=\"" IMPI "\", realm=\"" DOMAIN "\", "
		"uri=\"sip:" DOMAIN "\", nonce=\"\", response=\"\"\n"
		"%s"
		"Content-Length: 0\n\n",
		w.cseq, w.cseq, contact);
	w.cseq++;
}

#define CONTACT "Contact: <sip:a@10.45.0.11>;expires=600\n"

static void send_invite(const char *ruri, const char *route)
{
	receive("INVITE %s SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKi%u\n"
		"Max-Forwards: 68\n"
		"%s"
		"From: <sip:caller@" DOMAIN ">;tag=a\n"
		"To: <sip:b>\n"
		"Call-ID: call%u\n"
		"CSeq: 1 INVITE\n"
		"Contact: <sip:a@10.45.0.11>\n"
		"P-Asserted-Identity: <" IMPU ">\n"
		"Content-Length: 0\n\n",
		ruri, w.cseq, route, w.cseq);
	w.cseq++;
}

/* ---- REGISTER ---- */

static void test_register_by_name(void **state _unused_)
{
	const char *m;

	w.uaa = (struct cx_uaa){ .result = CX_SUBSEQUENT_REGISTRATION, .server_name = STR(SECOND) };
	send_register(CONTACT);
	m = expect("REGISTER " SECOND " SIP/2.0");
	assert_string_equal(w.identity, IMPU);
	assert_string_equal(w.visited, "visited.example");
	assert_int_equal(w.auth_type, CX_REGISTRATION);
	answer_request(m, "401 Unauthorized");
	expect("SIP/2.0 401 ");
}

static void test_register_by_capabilities(void **state _unused_)
{
	w.uaa.caps = (struct cx_capabilities){ .mandatory = { 2 }, .n_mandatory = 1 };
	w.uaa.has_caps = true;
	send_register(CONTACT);
	expect("REGISTER " FIRST " SIP/2.0");
	w.uaa.caps.mandatory[0] = 7;
	send_register(CONTACT);
	expect("SIP/2.0 480 ");
}

static void test_deregister(void **state _unused_)
{
	w.uaa.server_name = STR(FIRST);
	send_register("Contact: <sip:a@10.45.0.11>;expires=0\n");
	expect("REGISTER ");
	assert_int_equal(w.auth_type, CX_DE_REGISTRATION);
	send_register("Contact: *\nExpires: 0\n");
	expect("REGISTER ");
	assert_int_equal(w.auth_type, CX_DE_REGISTRATION);
	send_register("");
	expect("REGISTER ");
	assert_int_equal(w.auth_type, CX_REGISTRATION);
}

static void refused(int result, const char *status)
{
	w.uaa = (struct cx_uaa){ .result = result };
	send_register(CONTACT);
	expect(status);
}

static void test_refusals(void **state _unused_)
{
	refused(CX_USER_UNKNOWN, "SIP/2.0 403 ");
	refused(CX_IDENTITIES_DONT_MATCH, "SIP/2.0 403 ");
	refused(CX_IDENTITY_NOT_REGISTERED, "SIP/2.0 403 ");
	refused(CX_ROAMING_NOT_ALLOWED, "SIP/2.0 403 ");
	refused(CX_TIMEOUT, "SIP/2.0 504 ");
	refused(CX_NO_PEER, "SIP/2.0 480 ");
	refused(CX_BAD_ANSWER, "SIP/2.0 480 ");
	refused(CX_UNABLE_TO_COMPLY, "SIP/2.0 480 ");
}

static void test_second_choice(void **state _unused_)
{
	const char *m;

	w.uaa = (struct cx_uaa){ .result = CX_SUCCESS, .server_name = STR(FIRST) };
	send_register(CONTACT);
	m = expect("REGISTER " FIRST);
	answer_request(m, "480 Temporarily Unavailable");
	assert_int_equal(w.auth_type, CX_REGISTRATION_AND_CAPABILITIES);
	m = expect("REGISTER " SECOND);
	answer_request(m, "200 OK");
	expect("SIP/2.0 200 ");
	assert_int_equal(w.n_uar, 2);
}

static void test_no_third_choice(void **state _unused_)
{
	send_register(CONTACT);
	answer_request(expect("REGISTER "), "503 Service Unavailable");
	answer_request(expect("REGISTER "), "480 Temporarily Unavailable");
	expect("SIP/2.0 480 ");
	loop_advance(w.loop, 6 * USEC_PER_SEC); /* timer K */
	assert_int_equal(sip_stack_get_stats(w.i->stack)->ctx_active, 0);
}

static void test_slow_hss(void **state _unused_)
{
	w.hold = true;
	send_register(CONTACT);
	loop_advance(w.loop, 35 * USEC_PER_SEC);
	has(expect("SIP/2.0 "), "REGISTER");
	w.fn(w.arg, &(struct cx_uaa){ .result = CX_TIMEOUT });
}

/* ---- other requests ---- */

static void test_invite(void **state _unused_)
{
	const char *m;

	send_invite("sip:+15550000002@" DOMAIN ";user=phone", "Route: <sip:icscf." DOMAIN ";lr>\n");
	m = expect("INVITE sip:+15550000002@" DOMAIN ";user=phone SIP/2.0");
	assert_string_equal(w.identity, "tel:+15550000002");
	has(m, "Route: <" FIRST ";lr>\r\n");
	assert_null(strstr(m, "Record-Route"));
	send_invite("sip:b@" DOMAIN, "");
	expect("INVITE sip:b@" DOMAIN " SIP/2.0");
	assert_string_equal(w.identity, "sip:b@" DOMAIN);
}

static void test_invite_refusals(void **state _unused_)
{
	w.lia = (struct cx_lia){ .result = CX_USER_UNKNOWN };
	send_invite("sip:b@" DOMAIN, "");
	expect("SIP/2.0 404 ");
	w.lia.result = CX_IDENTITY_NOT_REGISTERED;
	send_invite("sip:b@" DOMAIN, "");
	expect("SIP/2.0 480 ");
	w.lia.result = CX_TIMEOUT;
	send_invite("sip:b@" DOMAIN, "");
	expect("SIP/2.0 504 ");
	send_invite("sip:b@elsewhere.example", "");
	expect("SIP/2.0 404 ");
	send_invite("http://b", "");
	expect("SIP/2.0 416 ");
	w.lia = (struct cx_lia){ .result = CX_SUCCESS, .server_name = STR("sip:x>y@z") };
	send_invite("sip:b@" DOMAIN, "");
	expect("SIP/2.0 480 ");
}

static void test_unregistered_service(void **state _unused_)
{
	w.lia = (struct cx_lia){ .result = CX_UNREGISTERED_SERVICE };
	send_invite("sip:b@" DOMAIN, "");
	has(expect("INVITE "), "Route: <sip:");
}

static void test_originating_for_as(void **state _unused_)
{
	send_invite("sip:x@elsewhere.example", "Route: <sip:icscf." DOMAIN ";lr;orig>\n");
	has(expect("INVITE "), "Route: <" FIRST ";lr;orig>");
	assert_true(w.originating);
	assert_string_equal(w.identity, IMPU);
}

static void test_options(void **state _unused_)
{
	receive("OPTIONS sip:icscf." DOMAIN
		" SIP/2.0\nVia: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKo\n"
		"Max-Forwards: 70\nFrom: <sip:a@b>;tag=1\nTo: <sip:icscf>\nCall-ID: o\n"
		"CSeq: 1 OPTIONS\nContent-Length: 0\n\n");
	expect("SIP/2.0 200 ");
}

static void test_servers(void **state _unused_)
{
	struct icscf_servers l;

	assert_int_equal(icscf_servers_parse("", &l), -EINVAL);
	assert_int_equal(icscf_servers_parse("nonsense", &l), -EINVAL);
	assert_int_equal(icscf_servers_parse("sip:a cap=x", &l), -EINVAL);
	assert_int_equal(icscf_servers_parse("sip:a nap=1", &l), -EINVAL);
	assert_int_equal(icscf_servers_parse(" sip:a cap=1,2 ; sip:b;", &l), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.s[0].n_caps, 2);
	icscf_servers_free(&l);
}

/* ---- hostile input ---- */

static void inject(const char *data, size_t n)
{
	struct sip_path from = { .ep = w.ep, .proto = SIP_UDP };

	sip_sa_parse("10.46.0.1", 5070, &from.peer);
	sip_tp_inject(w.tp, &from, data, n);
	loop_advance(w.loop, 2000);
}

/* The messages of RFC 4475: none of them does harm. */
static void test_torture(void **state _unused_)
{
	int n;

	w.deaf = true;
	n = hostile_rfc4475(inject);
	if (!n)
		skip();
	assert_true(n > 10);
	loop_advance(w.loop, 300 * USEC_PER_SEC);
}

static const char *const templates[] = {
	"REGISTER sip:" DOMAIN " SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKf%u\r\n"
	"Max-Forwards: 69\r\nFrom: <" IMPU ">;tag=ue\r\nTo: <" IMPU ">\r\nCall-ID: f%u\r\n"
	"CSeq: 1 REGISTER\r\nP-Visited-Network-ID: \"visited.example\"\r\n"
	"Authorization: Digest username=\"" IMPI "\", realm=\"" DOMAIN "\", nonce=\"\"\r\n"
	"Contact: <sip:a@10.45.0.11>;expires=0\r\nContent-Length: 0\r\n\r\n",
	"INVITE sip:+15550000002@" DOMAIN ";user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKf%u\r\nMax-Forwards: 68\r\n"
	"Route: <sip:icscf." DOMAIN ";lr;orig>\r\nFrom: <sip:c@" DOMAIN ">;tag=a\r\nTo: <sip:b>\r\n"
	"Call-ID: f%u\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.45.0.11>\r\n"
	"P-Asserted-Identity: <" IMPU ">\r\nContent-Length: 0\r\n\r\n",
};

/* Requests with octets changed, cut and doubled; KIMS_ROUNDS sets how many. */
static void test_mutations(void **state _unused_)
{
	w.deaf = true;
	hostile_mutations(templates, ARRAY_SIZE(templates), inject);
	loop_advance(w.loop, 300 * USEC_PER_SEC);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_torture),
		T(test_mutations),
		T(test_register_by_name),
		T(test_register_by_capabilities),
		T(test_deregister),
		T(test_refusals),
		T(test_second_choice),
		T(test_no_third_choice),
		T(test_slow_hss),
		T(test_invite),
		T(test_invite_refusals),
		T(test_unregistered_service),
		T(test_originating_for_as),
		T(test_options),
		cmocka_unit_test(test_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
