// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Procedures of the S-CSCF over a mock wire and a virtual clock; the HSS is a pair of functions.
 *
 * The P-CSCF is 10.46.0.1:5070, the I-CSCF 10.46.0.2:5060, everything that the S-CSCF sends is
 * kept in a list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "scscf/priv.h"
#include "lib/sip/mock_hostile.h"

#define DOMAIN	 "ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI	 "001010000000001@" DOMAIN
#define IMPU	 "sip:001010000000001@" DOMAIN
#define NUMBER	 "+15550000001"
#define CONTACT	 "sip:001010000000001@10.45.0.11:5072"
#define FLOW	 "0011223344556677"
#define PATH	 "<sip:" FLOW "@pcscf." DOMAIN ":5070;lr>"
#define SENT_MAX 64

static struct world {
	struct loop *loop;
	struct conf *conf;
	struct sip_tp *tp;
	struct sip_ep *ep;
	struct sip_resolver *resolver;
	struct store *store;
	struct scscf *s;
	char *sent[SENT_MAX];
	int n_sent, n_read;
	bool deaf; /* what is sent is not kept */
	/* the HSS */
	struct aka_vector vector;
	uint64_t sqn;
	int maa_result, saa_result;
	int n_mar, n_sar;
	int last_sar_type;
	bool mar_had_auts, silent;
	int barred; /* 1: the first identity, 2: all */
	unsigned int cseq, call;
} w;

static const uint8_t key[16] = "0123456789abcdef", opc[16] = "fedcba9876543210";

/* ---- the HSS ---- */

static int mock_mar(void *link _unused_, const struct cx_mar *r, cx_maa_fn fn, void *arg)
{
	static const uint8_t amf[2] = { 0x80, 0 };
	struct cx_maa a = { .result = w.maa_result, .n = 1 };
	struct cx_auth_item *it = &a.item[0];
	uint8_t authenticate[32];

	w.n_mar++;
	w.mar_had_auts = r->item.authorization.n == 30;
	assert_true(w.deaf || str_eqz(r->user_name, IMPI));
	if (w.silent) {
		a.result = CX_TIMEOUT;
		fn(arg, &a);
		return 0;
	}
	aka_vector(key, opc, amf, ++w.sqn << 5, NULL, &w.vector);
	memcpy(authenticate, w.vector.rand, 16);
	memcpy(authenticate + 16, w.vector.autn, 16);
	it->scheme = STR("Digest-AKAv1-MD5");
	it->authenticate = (struct str){ (char *)authenticate, 32 };
	it->authorization = (struct str){ (char *)w.vector.xres, w.vector.xres_len };
	it->ck = (struct str){ (char *)w.vector.ck, 16 };
	it->ik = (struct str){ (char *)w.vector.ik, 16 };
	fn(arg, &a);
	return 0;
}

static int mock_sar(void *link _unused_, const struct cx_sar *r, cx_saa_fn fn, void *arg)
{
	struct cx_saa a = { .result = w.saa_result };
	char xml[2048];

	w.n_sar++;
	w.last_sar_type = r->assignment_type;
	snprintf(xml, sizeof(xml),
		 "<?xml version=\"1.0\"?><IMSSubscription><PrivateID>" IMPI "</PrivateID>"
		 "<ServiceProfile>"
		 "<PublicIdentity><BarringIndication>%d</BarringIndication>"
		 "<Identity>" IMPU "</Identity></PublicIdentity>"
		 "<PublicIdentity><BarringIndication>%d</BarringIndication>"
		 "<Identity>sip:" NUMBER "@" DOMAIN "</Identity></PublicIdentity>"
		 "<PublicIdentity><BarringIndication>%d</BarringIndication>"
		 "<Identity>tel:" NUMBER "</Identity></PublicIdentity>"
		 "<InitialFilterCriteria><Priority>1</Priority></InitialFilterCriteria>"
		 "</ServiceProfile></IMSSubscription>",
		 w.barred > 0, w.barred > 1, w.barred > 1);
	if (r->assignment_type == CX_SA_REGISTRATION)
		a.user_data = str_of(xml);
	fn(arg, &a);
	return 0;
}

static const struct scscf_cx mock_cx = { .mar = mock_mar, .sar = mock_sar };

/* ---- the wire ---- */

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

static void start_scscf(void)
{
	struct scscf_env env = { .loop = w.loop,
				 .conf = w.conf,
				 .tp = w.tp,
				 .resolver = w.resolver,
				 .store = w.store,
				 .cx = &mock_cx };

	assert_int_equal(scscf_new(&env, &w.s), 0);
}

static int set_up(void **state _unused_)
{
	struct sip_ep_opts o = { .name = "mw", .tcp = true };
	char err[256];

	memset(&w, 0, sizeof(w));
	w.maa_result = w.saa_result = CX_SUCCESS;
	assert_int_equal(conf_load(NULL, &w.conf, err, sizeof(err)), 0);
	assert_int_equal(loop_new_virtual(&w.loop), 0);
	assert_int_equal(sip_tp_new_mock(w.loop, on_sent, NULL, &w.tp), 0);
	conf_sockaddr(&w.conf->scscf.addr, 5060, &o.local.ss);
	assert_int_equal(sip_ep_open(w.tp, &o, &w.ep), 0);
	assert_int_equal(sip_resolver_new(w.loop, NULL, &w.resolver), 0);
	assert_int_equal(conf_each_host(w.conf, add_host, w.resolver), 0);
	assert_int_equal(store_open(w.loop, ":memory:", &w.store), 0);
	start_scscf();
	return 0;
}

static int tear_down(void **state _unused_)
{
	scscf_free(w.s);
	sip_tp_free(w.tp);
	sip_resolver_free(w.resolver);
	store_close(w.store);
	for (int i = 0; i < w.n_sent; i++)
		free(w.sent[i]);
	conf_free(w.conf);
	loop_free(w.loop);
	return 0;
}

static const char *sender; /* NULL: the P-CSCF */

static _printf_(1, 2) void receive(const char *fmt, ...)
{
	struct sip_path from = { .ep = w.ep, .proto = SIP_UDP };
	char text[8192], wire[8192];
	size_t n = 0;
	va_list ap;

	sip_sa_parse(sender ? sender : "10.46.0.1", 5070, &from.peer);
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

/* The next message that was sent; NULL: none. */
static const char *next_sent(void)
{
	return w.n_read < w.n_sent ? w.sent[w.n_read++] : NULL;
}

static const char *expect(const char *start)
{
	const char *m = next_sent();

	while (m && (strstr(m, "100 Trying") == m + 8))
		m = next_sent();
	if (!m || strncmp(m, start, strlen(start)))
		fail_msg("expected \"%s\", got:\n%s", start, m ? m : "nothing");
	return m;
}

static void expect_nothing(void)
{
	const char *m = next_sent();

	if (m)
		fail_msg("expected nothing, got:\n%s", m);
}

static void has(const char *m, const char *text)
{
	if (!strstr(m, text))
		fail_msg("no \"%s\" in:\n%s", text, m);
}

static void has_not(const char *m, const char *text)
{
	if (strstr(m, text))
		fail_msg("\"%s\" in:\n%s", text, m);
}

/* Value of a header field of a sent message. */
static char *header(const char *m, const char *name)
{
	static char value[1024];
	char needle[64];
	const char *p, *end;

	snprintf(needle, sizeof(needle), "\r\n%s: ", name);
	p = strstr(m, needle);
	if (!p)
		fail_msg("no %s in:\n%s", name, m);
	p += strlen(needle);
	end = strstr(p, "\r\n");
	snprintf(value, sizeof(value), "%.*s", (int)(end - p), p);
	return value;
}

/* ---- the phone and its P-CSCF ---- */

static void register_with(const char *auth, const char *contact, const char *expires)
{
	receive("REGISTER sip:scscf." DOMAIN ":5060 SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKr%u\n"
		"Max-Forwards: 68\n"
		"From: <" IMPU ">;tag=ue\n"
		"To: <" IMPU ">\n"
		"Call-ID: reg-%u\n"
		"CSeq: %u REGISTER\n"
		"Path: " PATH "\n"
		"Require: path\n"
		"Supported: path\n"
		"P-Charging-Vector: icid-value=x1;orig-ioi=" DOMAIN "\n"
		"Authorization: Digest username=\"" IMPI "\", realm=\"" DOMAIN "\", "
		"uri=\"sip:" DOMAIN "\", %s\n"
		"%s%s%s"
		"Content-Length: 0\n\n",
		w.cseq, w.call, w.cseq, auth, contact, expires ? "Expires: " : "",
		expires ? expires : "");
	w.cseq++;
}

#define BIND "Contact: <" CONTACT ">;+sip.instance=\"<urn:gsma:imei:1>\";expires=3600\n"

static const char *challenge(const char *integrity)
{
	char auth[128];

	snprintf(auth, sizeof(auth), "nonce=\"\", response=\"\", integrity-protected=\"%s\"",
		 integrity);
	register_with(auth, BIND, NULL);
	return expect("SIP/2.0 401 ");
}

static void nonce_of(const char *m, char nonce[64])
{
	const char *p = strstr(m, "nonce=\"");

	assert_non_null(p);
	snprintf(nonce, 64, "%.44s", p + 7);
}

static void answer(const char *m401, const uint8_t *res, size_t len, bool qop, const char *contact)
{
	char nonce[64], hex[33], auth[512];
	struct aka_digest_in in = {
		.username = STR(IMPI),
		.realm = STR(DOMAIN),
		.uri = STR("sip:" DOMAIN),
		.method = STR("REGISTER"),
		.password = res,
		.password_len = len,
	};

	nonce_of(m401, nonce);
	in.nonce = str_of(nonce);
	if (qop) {
		in.qop = STR("auth");
		in.nc = STR("00000001");
		in.cnonce = STR("c1");
	}
	aka_digest_md5(&in, hex);
	snprintf(auth, sizeof(auth),
		 "nonce=\"%s\", response=\"%s\", algorithm=AKAv1-MD5%s, "
		 "integrity-protected=\"yes\"",
		 nonce, hex, qop ? ", qop=auth, nc=00000001, cnonce=\"c1\"" : "");
	register_with(auth, contact, NULL);
}

static const char *do_register(void)
{
	const char *m = challenge("no");

	answer(m, w.vector.xres, 8, true, BIND);
	return expect("SIP/2.0 200 ");
}

/* ---- registration ---- */

static void test_register(void **state _unused_)
{
	const char *m = challenge("no");
	char hex[33];

	has(m, "WWW-Authenticate: Digest realm=\"" DOMAIN "\"");
	has(m, "algorithm=AKAv1-MD5");
	hex_encode(w.vector.ck, 16, hex);
	has(m, hex);
	hex_encode(w.vector.ik, 16, hex);
	has(m, hex);
	answer(m, w.vector.xres, 8, true, BIND);
	m = expect("SIP/2.0 200 ");
	has(m, "Service-Route: <sip:orig@scscf." DOMAIN ":5060;lr>");
	has(m, "P-Associated-URI: <" IMPU ">, <sip:" NUMBER "@" DOMAIN ">, <tel:" NUMBER ">");
	has(m, "Path: " PATH);
	has(m, "Contact: <" CONTACT ">;+sip.instance=\"<urn:gsma:imei:1>\";expires=3600");
	has(m, "term-ioi=" DOMAIN);
	has_not(m, "ck=");
	assert_int_equal(w.last_sar_type, CX_SA_REGISTRATION);
	assert_int_equal(w.n_sar, 1);
	expect_nothing();
}

/* 5.4.1.2.1: what comes unprotected is a new attempt, whatever is in it. */
static void test_unprotected_answer(void **state _unused_)
{
	char nonce[64], auth[256];

	nonce_of(challenge("no"), nonce);
	snprintf(auth, sizeof(auth), "nonce=\"%s\", response=\"%032d\", integrity-protected=\"no\"",
		 nonce, 0);
	register_with(auth, BIND, NULL);
	expect("SIP/2.0 401 ");
	assert_int_equal(w.n_mar, 2);
	assert_int_equal(w.n_sar, 0);
}

static void test_without_qop(void **state _unused_)
{
	answer(challenge("no"), w.vector.xres, 8, false, BIND);
	expect("SIP/2.0 200 ");
}

static void test_wrong_res(void **state _unused_)
{
	const char *m = challenge("no");

	w.vector.xres[0] ^= 1;
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 403 ");
	assert_int_equal(w.last_sar_type, CX_AUTHENTICATION_FAILURE);
	/* The challenge is used up: the right answer comes too late. */
	w.vector.xres[0] ^= 1;
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 401 ");
}

static void test_await_auth_timeout(void **state _unused_)
{
	const char *m = challenge("no");

	loop_advance(w.loop, 241 * USEC_PER_SEC);
	assert_int_equal(w.last_sar_type, CX_AUTHENTICATION_TIMEOUT);
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 401 ");
}

static void test_resync(void **state _unused_)
{
	const char *m = challenge("no");
	struct aka_sim sim = { .seq_ms = { 1000 } };
	uint8_t auts[14];
	struct aka_vector v;
	char nonce[64], text[32], auth[256];

	memcpy(sim.k, key, 16);
	memcpy(sim.opc, opc, 16);
	assert_int_equal(aka_sim_auth(&sim, w.vector.rand, w.vector.autn, &v, auts), -ERANGE);
	b64_encode(auts, 14, text, sizeof(text));
	nonce_of(m, nonce);
	snprintf(auth, sizeof(auth), "nonce=\"%s\", response=\"%032d\", auts=\"%s\"", nonce, 0,
		 text);
	register_with(auth, BIND, NULL);
	m = expect("SIP/2.0 401 ");
	assert_true(w.mar_had_auts);
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 200 ");
}

static void test_hss_trouble(void **state _unused_)
{
	w.silent = true;
	register_with("nonce=\"\", response=\"\"", BIND, NULL);
	expect("SIP/2.0 504 ");
	w.silent = false;
	w.maa_result = CX_USER_UNKNOWN;
	register_with("nonce=\"\", response=\"\"", BIND, NULL);
	expect("SIP/2.0 403 ");
	w.maa_result = CX_NO_PEER;
	register_with("nonce=\"\", response=\"\"", BIND, NULL);
	expect("SIP/2.0 480 ");
	w.maa_result = CX_SUCCESS;
	w.saa_result = CX_UNABLE_TO_COMPLY;
	answer(challenge("no"), w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 480 ");
	assert_int_equal(HASH_COUNT(w.s->impis), 0);
}

static void test_bad_registers(void **state _unused_)
{
	register_with("nonce=\"\"", "Contact: <" CONTACT ">;expires=10\n", NULL);
	has(expect("SIP/2.0 423 "), "Min-Expires: 60");
	register_with("nonce=\"\"", "Contact: *\n", NULL);
	expect("SIP/2.0 400 ");
	register_with("nonce=\"\"", "Contact: <tel:+1>\n", NULL);
	expect("SIP/2.0 400 ");
	register_with("nonce=\"\"", BIND "Require: telepathy\n", NULL);
	has(expect("SIP/2.0 420 "), "Unsupported: telepathy");
}

static void test_reregister(void **state _unused_)
{
	const char *m;

	do_register();
	m = challenge("yes");
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 200 ");
	assert_int_equal(w.n_sar, 1);
	w.conf->scscf.reauth_s = 1000;
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", BIND, NULL);
	expect("SIP/2.0 200 ");
	loop_advance(w.loop, 1001 * USEC_PER_SEC);
	challenge("yes");
}

static void test_deregister(void **state _unused_)
{
	const char *m;

	do_register();
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"",
		      "Contact: <" CONTACT ">;expires=0\n", NULL);
	m = expect("SIP/2.0 200 ");
	has_not(m, "Service-Route");
	assert_int_equal(w.last_sar_type, CX_USER_DEREGISTRATION);
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
	assert_int_equal(HASH_COUNT(w.s->impis), 0);
	do_register();
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", "Contact: *\n",
		      "0\n");
	expect("SIP/2.0 200 ");
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
}

/* A phone that reaches the S-CSCF itself and says what only a P-CSCF may say. */
static void test_outside_of_trust(void **state _unused_)
{
	do_register();
	sender = "10.45.0.66";
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", "Contact: *\n",
		      "0\n");
	sender = NULL;
	assert_null(next_sent());
	assert_int_equal(HASH_COUNT(w.s->impus), 3);
}

static void test_expiry(void **state _unused_)
{
	do_register();
	loop_advance(w.loop, 3599 * USEC_PER_SEC);
	assert_int_equal(HASH_COUNT(w.s->impus), 3);
	loop_advance(w.loop, 3 * USEC_PER_SEC);
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
	assert_int_equal(w.last_sar_type, CX_TIMEOUT_DEREGISTRATION);
}

static void test_new_address_replaces(void **state _unused_)
{
	const char *m;

	do_register();
	m = challenge("no");
	answer(m, w.vector.xres, 8, true, "Contact: <sip:x@10.45.0.99:5072>;expires=3600\n");
	m = expect("SIP/2.0 200 ");
	has(m, "10.45.0.99");
	has(header(m, "Contact"), "10.45.0.99");
	assert_int_equal(g_contacts.value, 1);
}

static void test_restart(void **state _unused_)
{
	const char *m;

	do_register();
	loop_advance(w.loop, 100 * USEC_PER_SEC);
	scscf_free(w.s);
	start_scscf();
	assert_int_equal(HASH_COUNT(w.s->impus), 3);
	w.conf->scscf.reauth_s = 1000;
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", "", NULL);
	m = expect("SIP/2.0 200 ");
	has(m, "expires=3500");
	has(m, "+sip.instance=");
}

static int count_record(void *arg, struct str key _unused_, struct str value _unused_)
{
	(*(int *)arg)++;
	return 0;
}

/* The HSS puts another identity first: the record moves, it is not doubled. */
static void test_new_first_identity(void **state _unused_)
{
	struct cx_ppr r = { .user_name = STR(IMPI),
			    .user_data = STR("<IMSSubscription><ServiceProfile>"
					     "<PublicIdentity><Identity>tel:" NUMBER
					     "</Identity></PublicIdentity>"
					     "<PublicIdentity><Identity>" IMPU
					     "</Identity></PublicIdentity>"
					     "</ServiceProfile></IMSSubscription>") };
	struct cx_ppa a;
	int n = 0;

	do_register();
	scscf_ppr(w.s, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(HASH_COUNT(w.s->impus), 2);
	loop_advance(w.loop, 10000);
	scscf_free(w.s);
	assert_int_equal(store_each(w.store, "registration", count_record, &n), 0);
	assert_int_equal(n, 1);
	start_scscf();
	assert_int_equal(HASH_COUNT(w.s->impus), 2);
	assert_int_equal(w.s->sets->contacts ? 1 : 0, 1);
	assert_null(w.s->sets->contacts->next);
	/* A profile of somebody who is not here. */
	r.user_data = STR("<IMSSubscription><ServiceProfile><PublicIdentity><Identity>sip:x@y"
			  "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
	scscf_ppr(w.s, &r, &a);
	assert_int_equal(a.result, CX_USER_UNKNOWN);
	r.user_data = STR("<IMSSubscription>");
	scscf_ppr(w.s, &r, &a);
	assert_int_equal(a.result, CX_NOT_SUPPORTED_USER_DATA);
}

static void test_rtr(void **state _unused_)
{
	struct cx_rtr r = { .user_name = STR(IMPI), .reason_code = CX_PERMANENT_TERMINATION };
	struct cx_rta a;

	do_register();
	scscf_rtr(w.s, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
	assert_int_equal(w.n_sar, 1);
	scscf_rtr(w.s, &r, &a);
	assert_int_equal(a.result, CX_SUCCESS);
}

/* ---- reg event ---- */

static void subscribe(const char *identity, const char *expires)
{
	receive("SUBSCRIBE " IMPU " SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKs%u\n"
		"Max-Forwards: 70\n"
		"Route: <sip:orig@scscf." DOMAIN ":5060;lr>\n"
		"Record-Route: <sip:mo@pcscf." DOMAIN ":5070;lr>\n"
		"From: <" IMPU ">;tag=w%u\n"
		"To: <" IMPU ">\n"
		"Call-ID: sub-%u\n"
		"CSeq: 1 SUBSCRIBE\n"
		"Contact: <" CONTACT ">\n"
		"P-Asserted-Identity: <%s>\n"
		"Event: reg\n"
		"Expires: %s\n"
		"Content-Length: 0\n\n",
		w.cseq, w.cseq, w.cseq, identity, expires);
	w.cseq++;
}

/* All Via header fields, as they are to come back. */
static void copy_vias(const char *m, char *dst, size_t size)
{
	size_t n = 0;

	for (const char *p = m; (p = strstr(p, "\r\nVia: ")); p += 2)
		n += (size_t)snprintf(dst + n, size - n, "%.*s\n",
				      (int)(strstr(p + 2, "\r\n") - p - 2), p + 2);
}

static void answer_request(const char *m, const char *status)
{
	char via[1024], from[256], to[256], call_id[256], cseq[64];

	copy_vias(m, via, sizeof(via));
	snprintf(from, sizeof(from), "%s", header(m, "From"));
	snprintf(to, sizeof(to), "%s", header(m, "To"));
	snprintf(call_id, sizeof(call_id), "%s", header(m, "Call-ID"));
	snprintf(cseq, sizeof(cseq), "%s", header(m, "CSeq"));
	receive("SIP/2.0 %s\n%sFrom: %s\nTo: %s%s\nCall-ID: %s\nCSeq: %s\n"
		"Contact: <sip:b@10.45.0.12:5072>\nContent-Length: 0\n\n",
		status, via, from, to, strstr(to, "tag=") ? "" : ";tag=callee", call_id, cseq);
}

static void test_regevent(void **state _unused_)
{
	const char *m;

	do_register();
	subscribe(IMPU, "600000");
	m = expect("SIP/2.0 200 ");
	has(m, "Expires: 600000");
	m = expect("NOTIFY " CONTACT " SIP/2.0");
	has(m, "Route: <sip:mo@pcscf." DOMAIN ":5070;lr>");
	has(m, "Event: reg");
	has(m, "Subscription-State: active;expires=600000");
	has(m, "Content-Type: application/reginfo+xml");
	has(m, "version=\"0\" state=\"full\"");
	has(m, "<registration aor=\"tel:" NUMBER "\"");
	has(m, "state=\"active\" event=\"registered\"");
	has(m, "state=\"active\" event=\"created\"");
	answer_request(m, "200 OK");
	/* The P-CSCF too. */
	subscribe("sip:pcscf." DOMAIN ":5070", "600000");
	expect("SIP/2.0 200 ");
	answer_request(expect("NOTIFY "), "200 OK");
	/* Others not. */
	subscribe("sip:stranger@" DOMAIN, "600000");
	expect("SIP/2.0 403 ");
	/* De-registration: both hear of it, and it is the end. */
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"",
		      "Contact: <" CONTACT ">;expires=0\n", NULL);
	expect("SIP/2.0 200 ");
	for (int i = 0; i < 2; i++) {
		m = expect("NOTIFY ");
		has(m, "Subscription-State: terminated");
		has(m, "version=\"1\"");
		has(m, "state=\"terminated\" event=\"unregistered\"");
		answer_request(m, "200 OK");
	}
	assert_int_equal(g_subs.value, 0);
}

/* RFC 3680 5.3.2: q is an attribute; the other parameters stand as they are in Contact. */
static void test_regevent_contact(void **state _unused_)
{
	const char *m = challenge("no");

	answer(m, w.vector.xres, 8, true,
	       "Contact: <" CONTACT ">;q=0.5;+sip.instance=\"<urn:gsma:imei:1>\";expires=3600\n");
	has(expect("SIP/2.0 200 "), ";q=0.5;+sip.instance=");
	subscribe(IMPU, "600000");
	expect("SIP/2.0 200 ");
	m = expect("NOTIFY ");
	has(m, "P-Charging-Vector: icid-value=");
	has(m, " q=\"0.5\" ");
	has_not(m, "name=\"q\"");
	has(m,
	    "<unknown-param name=\"+sip.instance\">&quot;&lt;urn:gsma:imei:1&gt;&quot;</unknown-param>");
	answer_request(m, "200 OK");
	/* The device itself wants less: nothing that it would have to hurry for. */
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"",
		      "Contact: <" CONTACT ">;expires=600\n", NULL);
	m = expect("SIP/2.0 401 ");
	answer(m, w.vector.xres, 8, true, "Contact: <" CONTACT ">;expires=600\n");
	expect("SIP/2.0 200 ");
	m = expect("NOTIFY ");
	has(m, "event=\"refreshed\" expires=\"600\"");
	answer_request(m, "200 OK");
}

static void test_regevent_fetch(void **state _unused_)
{
	do_register();
	subscribe(IMPU, "0");
	expect("SIP/2.0 200 ");
	has(expect("NOTIFY "), "Subscription-State: terminated;reason=timeout");
	assert_int_equal(g_subs.value, 0);
}

static void test_regevent_dead_watcher(void **state _unused_)
{
	do_register();
	subscribe(IMPU, "600000");
	expect("SIP/2.0 200 ");
	answer_request(expect("NOTIFY "), "481 Gone");
	assert_int_equal(g_subs.value, 0);
}

static void test_regevent_restart(void **state _unused_)
{
	const char *m;

	do_register();
	subscribe(IMPU, "600000");
	expect("SIP/2.0 200 ");
	answer_request(expect("NOTIFY "), "200 OK");
	scscf_free(w.s);
	start_scscf();
	assert_int_equal(g_subs.value, 1);
	loop_advance(w.loop, 3601 * USEC_PER_SEC);
	m = expect("NOTIFY ");
	has(m, "version=\"1\"");
	has(m, "event=\"expired\"");
	has(m, "CSeq: 2 NOTIFY");
}

/* ---- sessions ---- */

static void invite(const char *ruri, const char *route, const char *identity, const char *more)
{
	receive("INVITE %s SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKi%u\n"
		"Max-Forwards: 70\n"
		"Route: %s\n"
		"Record-Route: <sip:mo@pcscf." DOMAIN ":5070;lr>\n"
		"From: <" IMPU ">;tag=caller\n"
		"To: <%s>\n"
		"Call-ID: call-%u\n"
		"CSeq: 1 INVITE\n"
		"Contact: <" CONTACT ">\n"
		"P-Asserted-Identity: <%s>\n"
		"P-Charging-Vector: icid-value=y;orig-ioi=\"visited.example\"\n"
		"%s"
		"Content-Length: 0\n\n",
		ruri, w.cseq, route, ruri, w.cseq, identity, more);
	w.cseq++;
}

#define ORIG "<sip:orig@scscf." DOMAIN ":5060;lr>"
#define TERM "<sip:scscf." DOMAIN ":5060;lr>"

static void test_barred(void **state _unused_)
{
	const char *m;

	w.barred = 2;
	answer(challenge("no"), w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 403 ");
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
	/* The temporary identity is barred and serves registration alone. */
	w.barred = 1;
	answer(challenge("no"), w.vector.xres, 8, true, BIND);
	m = expect("SIP/2.0 200 ");
	has(m, "P-Associated-URI: <sip:" NUMBER "@" DOMAIN ">, <tel:" NUMBER ">");
	invite("tel:+15550000002", ORIG, IMPU, "");
	expect("SIP/2.0 403 ");
	invite(IMPU, TERM, "sip:" NUMBER "@" DOMAIN, "");
	expect("SIP/2.0 404 ");
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", "Contact: *\n",
		      "0\n");
	expect("SIP/2.0 200 ");
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
}

static void test_originating(void **state _unused_)
{
	const char *m;

	do_register();
	invite("tel:+15550000002", ORIG, "sip:" NUMBER "@" DOMAIN,
	       "Supported: timer\nP-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel\n");
	m = expect("INVITE sip:+15550000002@" DOMAIN ";user=phone SIP/2.0");
	has(m, "P-Asserted-Identity: <sip:" NUMBER "@" DOMAIN ">\r\n");
	has(m, "P-Asserted-Identity: <tel:" NUMBER ">\r\n");
	has(m, "Record-Route: <sip:mo@scscf." DOMAIN ":5060;lr>\r\n");
	has(m, "P-Charging-Vector: icid-value=y;orig-ioi=" DOMAIN "\r\n");
	has(m, "P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel\r\n");
	has_not(m, "P-Preferred-Service");
	has(m, "Session-Expires: 1800");
	has(m, "Max-Forwards: 69");
	has_not(m, "\r\nRoute:");
	assert_int_equal(g_sessions.value, 1);
	answer_request(m, "200 OK");
	m = expect("SIP/2.0 200 ");
	has(m, "Session-Expires: 1800;refresher=uac");
	has(m, "Require: timer");
	receive("BYE sip:b@10.45.0.12:5072 SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKbye\n"
		"Route: <sip:mo@scscf." DOMAIN ":5060;lr>, <sip:mt@pcscf." DOMAIN ":5070;lr>\n"
		"Max-Forwards: 70\nFrom: <" IMPU ">;tag=caller\nTo: <sip:b>;tag=callee\n"
		"Call-ID: call-%u\nCSeq: 2 BYE\nContent-Length: 0\n\n",
		w.cseq - 1);
	m = expect("BYE sip:b@10.45.0.12:5072");
	has(m, "Route: <sip:mt@pcscf." DOMAIN ":5070;lr>");
	assert_int_equal(g_sessions.value, 0);
}

/* Numbers as phones send what was dialled without country code: TS 24.229 5.1.2A.1.5. */
static void test_local_numbers(void **state _unused_)
{
	static const char *const dialled[] = {
		"tel:555-0002",
		"tel:5550002;phone-context=" DOMAIN,
		"tel:5550002;phone-context=geo-local." DOMAIN,
		"sip:5550002;phone-context=" DOMAIN "@" DOMAIN ";user=phone",
	};

	do_register();
	for (size_t i = 0; i < ARRAY_SIZE(dialled); i++) {
		invite(dialled[i], ORIG, "sip:" NUMBER "@" DOMAIN, "");
		answer_request(expect("INVITE sip:5550002@" DOMAIN ";user=phone SIP/2.0"),
			       "404 Not Found");
		expect("ACK ");
		expect("SIP/2.0 404 ");
	}
	invite("sip:+1555;phone-context=x@" DOMAIN ";user=phone", ORIG, IMPU, "");
	expect("INVITE sip:+1555@" DOMAIN ";user=phone SIP/2.0");
}

static void test_originating_refused(void **state _unused_)
{
	invite("tel:+15550000002", ORIG, IMPU, "");
	expect("SIP/2.0 403 ");
	do_register();
	invite("tel:110;phone-context=elsewhere.example", ORIG, IMPU, "");
	expect("SIP/2.0 404 ");
	invite("sip:b@" DOMAIN, ORIG, IMPU, "Supported: timer\nSession-Expires: 30\n");
	has(expect("SIP/2.0 422 "), "Min-SE: 90");
	assert_int_equal(g_sessions.value, 0);
}

static void test_terminating(void **state _unused_)
{
	const char *m;

	do_register();
	invite("sip:" NUMBER "@" DOMAIN ";user=phone", TERM, "sip:caller@" DOMAIN, "");
	m = expect("INVITE " CONTACT " SIP/2.0");
	has(m, "Route: " PATH);
	has(m, "P-Called-Party-ID: <sip:" NUMBER "@" DOMAIN ";user=phone>");
	has(m, "Record-Route: <sip:mt@scscf." DOMAIN ":5060;lr>");
	answer_request(m, "180 Ringing\nP-Asserted-Identity: <sip:" NUMBER "@" DOMAIN ">");
	has(expect("SIP/2.0 180 "), "P-Asserted-Identity: <tel:" NUMBER ">");
	answer_request(m, "486 Busy Here");
	expect("ACK ");
	expect("SIP/2.0 486 ");
	assert_int_equal(g_sessions.value, 0);
}

/* The phone has vanished from its P-CSCF: the next call finds out, and the HSS and who watches hear of it. */
static void test_terminating_flow_failed(void **state _unused_)
{
	const char *m;

	do_register();
	invite("sip:" NUMBER "@" DOMAIN ";user=phone", TERM, "sip:caller@" DOMAIN, "");
	m = expect("INVITE " CONTACT " SIP/2.0");
	answer_request(m, "480 Temporarily Unavailable\n"
			  "Reason: SIP;cause=430;text=\"Flow failed\";flow=0123456789abcdef");
	expect("ACK ");
	expect("SIP/2.0 480 ");
	assert_int_equal(HASH_COUNT(w.s->impus), 3); /* somebody else's way */
	/* a phone of the same user that guesses at what every Path has */
	invite("sip:" NUMBER "@" DOMAIN ";user=phone", TERM, "sip:caller@" DOMAIN, "");
	m = expect("INVITE " CONTACT " SIP/2.0");
	answer_request(m, "480 Temporarily Unavailable\n"
			  "Reason: SIP;cause=430;text=\"Flow failed\";flow=pcscf." DOMAIN);
	expect("ACK ");
	expect("SIP/2.0 480 ");
	assert_int_equal(HASH_COUNT(w.s->impus), 3);
	invite("sip:" NUMBER "@" DOMAIN ";user=phone", TERM, "sip:caller@" DOMAIN, "");
	m = expect("INVITE " CONTACT " SIP/2.0");
	answer_request(m, "480 Temporarily Unavailable\n"
			  "Reason: SIP;cause=430;text=\"Flow failed\";flow=" FLOW);
	expect("ACK ");
	has_not(expect("SIP/2.0 480 "), "flow=");
	assert_int_equal(w.last_sar_type, CX_ADMINISTRATIVE_DEREGISTRATION);
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
	assert_int_equal(g_sessions.value, 0);
}

/* The same by a short message. */
static void test_message_flow_failed(void **state _unused_)
{
	do_register();
	receive("MESSAGE sip:" NUMBER "@" DOMAIN ";user=phone SIP/2.0\n"
		"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKmsg\n"
		"Max-Forwards: 70\nRoute: " TERM "\nFrom: <" IMPU ">;tag=caller\n"
		"To: <tel:" NUMBER ">\nCall-ID: message\nCSeq: 1 MESSAGE\n"
		"P-Asserted-Identity: <" IMPU ">\nContent-Length: 0\n\n");
	answer_request(expect("MESSAGE " CONTACT " SIP/2.0"),
		       "480 Temporarily Unavailable\n"
		       "Reason: SIP;cause=430;text=\"Flow failed\";flow=" FLOW);
	expect("SIP/2.0 480 ");
	assert_int_equal(w.last_sar_type, CX_ADMINISTRATIVE_DEREGISTRATION);
	assert_int_equal(HASH_COUNT(w.s->impus), 0);
}

static void test_terminating_not_registered(void **state _unused_)
{
	invite("sip:nobody@" DOMAIN, TERM, IMPU, "");
	expect("SIP/2.0 480 ");
}

static void test_terminating_forks(void **state _unused_)
{
	struct impu *u;
	struct binding b = { .uri = STR("sip:second@10.45.0.13:5060"), .expires = 600, .q = 1000 };

	do_register();
	u = impu_find(w.s, STR("tel:" NUMBER));
	assert_non_null(contact_bind(u->irs, impi_get(w.s, STR("other@" DOMAIN)), &b, STR(PATH),
				     STR("c2"), 1));
	invite("tel:" NUMBER, TERM, IMPU, "");
	expect("INVITE ");
	expect("INVITE ");
}

static void test_no_answer(void **state _unused_)
{
	const char *m;

	do_register();
	invite("tel:" NUMBER, TERM, IMPU, "");
	m = expect("INVITE ");
	answer_request(m, "180 Ringing");
	expect("SIP/2.0 180 ");
	loop_advance(w.loop, 181 * USEC_PER_SEC);
	m = expect("CANCEL ");
	answer_request(m, "200 OK");
}

static void test_fsm(void **state _unused_)
{
	char why[128];

	if (fsm_check(&impi_fsm, why, sizeof(why)) < 0)
		fail_msg("%s", why);
}

/* A challenge that nobody answers leaves a registration as it is. */
static void test_rechallenge_timeout(void **state _unused_)
{
	do_register();
	challenge("yes");
	loop_advance(w.loop, 241 * USEC_PER_SEC);
	assert_int_equal(w.n_sar, 1);
	assert_int_equal(HASH_COUNT(w.s->impis), 1);
	assert_int_equal(w.s->impis->fsm.state, IMPI_REGISTERED);
	register_with("nonce=\"\", response=\"\", integrity-protected=\"yes\"", "Contact: *\n",
		      "0\n");
	expect("SIP/2.0 200 ");
	assert_int_equal(HASH_COUNT(w.s->impis), 0);
}

/* De-registered while challenged: the answer to the challenge starts from nothing. */
static void test_gone_while_challenged(void **state _unused_)
{
	struct cx_rtr r = { .user_name = STR(IMPI), .reason_code = CX_SERVER_CHANGE };
	struct cx_rta a;
	const char *m;

	do_register();
	m = challenge("yes");
	scscf_rtr(w.s, &r, &a);
	assert_int_equal(w.s->impis->fsm.state, IMPI_CHALLENGED);
	answer(m, w.vector.xres, 8, true, BIND);
	expect("SIP/2.0 200 ");
	assert_int_equal(w.n_sar, 2);
	assert_int_equal(w.s->impis->fsm.state, IMPI_REGISTERED);
}

static void test_profile(void **state _unused_)
{
	struct profile p;

	assert_int_equal(profile_parse(STR(""), &p), -EBADMSG);
	assert_int_equal(profile_parse(STR("<a>"), &p), -EBADMSG);
	assert_int_equal(profile_parse(STR("<a/>"), &p), -EBADMSG);
	assert_int_equal(profile_parse(STR("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), &p),
			 -EBADMSG);
	assert_int_equal(profile_parse(STR("<IMSSubscription><ServiceProfile><PublicIdentity>"
					   "<Identity> sip:a@b </Identity></PublicIdentity>"
					   "<InitialFilterCriteria><Priority>0</Priority><Identity>"
					   "x</Identity></InitialFilterCriteria></ServiceProfile>"
					   "</IMSSubscription>"),
				       &p),
			 0);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.ids[0].uri, "sip:a@b");
	assert_string_equal(p.ifc.p, "<InitialFilterCriteria><Priority>0</Priority><Identity>"
				     "x</Identity></InitialFilterCriteria>");
	profile_free(&p);
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
	"REGISTER sip:scscf." DOMAIN
	":5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKf%u\r\n"
	"Max-Forwards: 68\r\nFrom: <" IMPU ">;tag=ue\r\nTo: <" IMPU ">\r\nCall-ID: f%u\r\n"
	"CSeq: 1 REGISTER\r\nPath: " PATH
	"\r\nRequire: path\r\nP-Charging-Vector: icid-value=x1\r\n"
	"Authorization: Digest username=\"" IMPI "\", realm=\"" DOMAIN "\", uri=\"sip:" DOMAIN
	"\", nonce=\"\", response=\"\", integrity-protected=\"yes\"\r\n"
	"Contact: <" CONTACT ">;+sip.instance=\"<urn:gsma:imei:1>\";expires=0;q=0.5\r\n"
	"Content-Length: 0\r\n\r\n",
	"SUBSCRIBE " IMPU " SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKf%u\r\n"
	"Max-Forwards: 70\r\nRoute: <sip:orig@scscf." DOMAIN ":5060;lr>\r\n"
	"Record-Route: <sip:mo@pcscf." DOMAIN ":5070;lr>\r\nFrom: <" IMPU ">;tag=w\r\nTo: <" IMPU
	">\r\n"
	"Call-ID: f%u\r\nCSeq: 1 SUBSCRIBE\r\nContact: <" CONTACT ">\r\n"
	"P-Asserted-Identity: <" IMPU ">\r\nEvent: reg\r\nExpires: 60\r\nContent-Length: 0\r\n\r\n",
	"INVITE tel:" NUMBER " SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bKf%u\r\n"
	"Max-Forwards: 70\r\nRoute: <sip:orig@scscf." DOMAIN ":5060;lr>\r\nFrom: <" IMPU
	">;tag=w\r\n"
	"To: <tel:" NUMBER ">\r\nCall-ID: f%u\r\nCSeq: 1 INVITE\r\nContact: <" CONTACT ">\r\n"
	"Session-Expires: 90;refresher=uac\r\nMin-SE: 90\r\nSupported: timer\r\n"
	"P-Charging-Vector: icid-value=1\r\nP-Asserted-Identity: <" IMPU ">, <tel:" NUMBER ">\r\n"
	"Content-Length: 0\r\n\r\n",
};

/* Requests with octets changed, cut and doubled; KIMS_ROUNDS sets how many. */
static void test_mutations(void **state _unused_)
{
	do_register();
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
		T(test_register),
		T(test_without_qop),
		T(test_unprotected_answer),
		T(test_wrong_res),
		T(test_await_auth_timeout),
		T(test_resync),
		T(test_hss_trouble),
		T(test_barred),
		T(test_bad_registers),
		T(test_reregister),
		T(test_deregister),
		T(test_outside_of_trust),
		T(test_expiry),
		T(test_new_address_replaces),
		T(test_restart),
		T(test_rtr),
		T(test_new_first_identity),
		T(test_regevent),
		T(test_regevent_fetch),
		T(test_regevent_contact),
		T(test_regevent_dead_watcher),
		T(test_regevent_restart),
		T(test_originating),
		T(test_originating_refused),
		T(test_local_numbers),
		T(test_terminating),
		T(test_terminating_flow_failed),
		T(test_message_flow_failed),
		T(test_terminating_not_registered),
		T(test_terminating_forks),
		T(test_no_answer),
		T(test_rechallenge_timeout),
		T(test_gone_while_challenged),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_fsm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
