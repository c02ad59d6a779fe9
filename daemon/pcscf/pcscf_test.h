/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A P-CSCF on a mock wire with a mock kernel and a virtual clock, and phones that talk to it: what
 * the procedure tests share. Only *_test.c include it.
 */
#ifndef KIMS_PCSCF_TEST_H
#define KIMS_PCSCF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "pcscf/pcscf.h"

#define DOMAIN	   "ims.mnc001.mcc001.3gppnetwork.org"
#define CORE	   "10.46.0.2:5060" /* I-CSCF */
#define SCSCF	   "10.46.0.3:5060"
#define CK_HEX	   "000102030405060708090a0b0c0d0e0f"
#define IK_HEX	   "f0e0d0c0b0a090807060504030201000"
#define ANY_UE_LEN 64

struct mock_flow {
	bool used;
	struct knl_rtp_flow f;
};

struct mock_set {
	bool used;
	struct xfrm_set x;
	struct knl_sa_set b;
	uint64_t lifetime;
	uint16_t nat_port; /* as changed */
};

struct wire {
	struct loop *loop;
	struct conf *conf;
	struct sip_tp *tp;
	struct pcscf *p;
	struct store *store;
	char db[64];
	struct {
		struct sip_path path;
		char *text;
		size_t n;
	} sent[256];
	size_t head, tail;
	struct mock_set set[16];
	struct mock_flow flow[64];
	uint32_t last_id;
	int ports, fail_set;
	uint64_t tunnel; /* GTP-U session of every UE */
	struct sip_path last; /* of what expect() returned last */
	const struct rx_ops *rx; /* a mock PCRF */
	void *rx_arg;
};

struct phone {
	struct wire *w;
	const char *addr; /* without [] */
	const char *imsi, *msisdn;
	uint16_t uc, us, ps, pc; /* protected ports; 0: not negotiated yet */
	uint32_t spi_uc, spi_us;
	int cseq;
	char security_server[1024];
	const char *service_route;
};

/* --- the mock kernel --- */

static int mk_port(void *arg, const struct xfrm_addr *local, uint16_t port)
{
	(void)local;
	(void)port;
	((struct wire *)arg)->ports++;
	return 0;
}

static struct mock_set *mk_find(struct wire *w, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used && w->set[i].b.id == id)
			return &w->set[i];
	return NULL;
}

/* The two selectors of what comes in, as XFRM's policies have them. */
static bool mk_same_selector(const struct xfrm_set *a, const struct xfrm_set *b)
{
	if (memcmp(&a->peer, &b->peer, sizeof(a->peer)))
		return false;
	return (a->peer_port_c == b->peer_port_c && a->our_port_s == b->our_port_s) ||
	       (a->peer_port_s == b->peer_port_s && a->our_port_c == b->our_port_c);
}

static int mk_set_add(void *arg, const struct xfrm_set *x, const struct knl_sa_set *b,
		      uint32_t *ret_id)
{
	struct wire *w = arg;

	if (w->fail_set)
		return w->fail_set;
	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		assert_false(w->set[i].used && mk_same_selector(&w->set[i].x, x));
	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (!w->set[i].used) {
			w->set[i] = (struct mock_set){ true, *x, *b, 0, 0 };
			*ret_id = w->set[i].b.id = ++w->last_id;
			return 0;
		}
	return -ENOSPC;
}

static int mk_set_del(void *arg, const struct xfrm_set *x, uint32_t id, struct knl_sa_stats *ret)
{
	struct mock_set *s = mk_find(arg, id);

	(void)ret;
	assert_non_null(s);
	assert_int_equal(s->x.our_spi_s, x->our_spi_s);
	assert_int_equal(s->x.reqid, x->reqid);
	s->used = false;
	return 0;
}

static int mk_set_stats(void *arg, uint32_t id, struct knl_sa_stats *ret)
{
	(void)arg;
	(void)id;
	memset(ret, 0, sizeof(*ret));
	return 0;
}

static int mk_set_lifetime(void *arg, const struct xfrm_set *x, uint64_t seconds)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used && w->set[i].x.reqid == x->reqid)
			w->set[i].lifetime = seconds;
	return 0;
}

static int mk_set_dump(void *arg, int (*fn)(void *, const struct knl_sa_set *), void *fn_arg)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used)
			fn(fn_arg, &w->set[i].b);
	return 0;
}

static int mk_xfrm_dump(void *arg, int (*fn)(void *, const struct xfrm_state_info *), void *fn_arg)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used)
			fn(fn_arg, &(struct xfrm_state_info){ .reqid = w->set[i].x.reqid });
	return 0;
}

static int mk_xfrm_flush(void *arg, uint32_t reqid)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used && w->set[i].x.reqid == reqid)
			w->set[i].used = false;
	return 0;
}

static int mk_rtp_new(void *arg, const struct knl_rtp_flow *f, uint32_t *ret_id)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		if (w->flow[i].used && !memcmp(&w->flow[i].f.local, &f->local, sizeof(f->local)))
			return -EEXIST;
	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		if (!w->flow[i].used) {
			w->flow[i] = (struct mock_flow){ true, *f };
			*ret_id = w->flow[i].f.id = ++w->last_id;
			return 0;
		}
	return -ENOSPC;
}

static struct mock_flow *mk_flow(struct wire *w, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		if (w->flow[i].used && w->flow[i].f.id == id)
			return &w->flow[i];
	return NULL;
}

static int mk_rtp_replace(void *arg, const struct knl_rtp_flow *f)
{
	struct mock_flow *m = mk_flow(arg, f->id);

	if (!m)
		return -ENOENT;
	m->f = *f;
	return 0;
}

static int mk_rtp_del(void *arg, uint32_t id, struct knl_rtp_stats *ret)
{
	struct mock_flow *m = mk_flow(arg, id);

	(void)ret;
	assert_non_null(m);
	m->used = false;
	return 0;
}

static int mk_rtp_get(void *arg, uint32_t id, struct knl_rtp_stats *ret)
{
	(void)arg;
	(void)id;
	memset(ret, 0, sizeof(*ret));
	return 0;
}

static int mk_rtp_dump(void *arg, int (*fn)(void *, const struct knl_rtp_flow *), void *fn_arg)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		if (w->flow[i].used)
			fn(fn_arg, &w->flow[i].f);
	return 0;
}

static const char *mk_error(void *arg)
{
	(void)arg;
	return "mock";
}

static int mk_encap_open(void *arg, const struct xfrm_addr *local, uint16_t port)
{
	(void)arg;
	(void)local;
	return port == GM_ENCAP_PORT ? 0 : -EINVAL;
}

static int mk_set_encap(void *arg, const struct xfrm_set *x)
{
	struct wire *w = arg;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		if (w->set[i].used && w->set[i].x.reqid == x->reqid)
			w->set[i].nat_port = x->peer_encap_port;
	return 0;
}

static uint64_t mk_tunnel_of(void *arg, const struct xfrm_addr *ue)
{
	(void)ue;
	return ((struct wire *)arg)->tunnel;
}

static int mk_set_rebind(void *arg, const struct knl_sa_set *b)
{
	struct mock_set *s = mk_find(arg, b->id);

	assert_non_null(s);
	assert_int_equal(s->b.reqid, b->reqid);
	s->b = *b;
	return 0;
}

static const struct kern_ops mock_kernel = {
	mk_port,     mk_port,	   mk_set_add,	  mk_set_del,	 mk_set_stats,	 mk_set_lifetime,
	mk_set_dump, mk_xfrm_dump, mk_xfrm_flush, mk_rtp_new,	 mk_rtp_replace, mk_rtp_del,
	mk_rtp_get,  mk_rtp_dump,  mk_error,	  mk_encap_open, mk_set_encap,
	mk_tunnel_of, mk_set_rebind,
};

static inline size_t n_sets(const struct wire *w)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(w->set); i++)
		n += w->set[i].used;
	return n;
}

static inline size_t n_flows(const struct wire *w)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(w->flow); i++)
		n += w->flow[i].used;
	return n;
}

/* --- the wire --- */

static void on_sent(void *arg, const struct sip_path *path, const char *data, size_t len)
{
	struct wire *w = arg;

	assert_true(w->tail < ARRAY_SIZE(w->sent));
	w->sent[w->tail].path = *path;
	w->sent[w->tail].text = malloc(len + 1);
	memcpy(w->sent[w->tail].text, data, len);
	w->sent[w->tail].text[len] = 0;
	w->sent[w->tail++].n = len;
}

static inline void run(struct wire *w, uint64_t ms)
{
	for (uint64_t i = 0; i < 4; i++)
		loop_advance(w->loop, ms * 250 + 250);
}

static inline void drain(struct wire *w)
{
	while (w->head < w->tail)
		free(w->sent[w->head++].text);
	w->head = w->tail = 0;
}

/* The next message, which must leave from such an endpoint to that peer; peer NULL: any. */
static inline struct sip_msg *expect(struct wire *w, enum gm_kind kind, const char *peer)
{
	char to[SIP_SA_STRLEN];
	struct sip_msg *m = NULL;

	if (w->head == w->tail)
		run(w, 1);
	assert_true(w->head < w->tail);
	w->last = w->sent[w->head].path;
	if (getenv("KIMS_TEST_VERBOSE"))
		fprintf(stderr, "--> %s from %s\n%s\n", sip_sa_str(&w->last.peer, to),
			sip_ep_name(w->last.ep), w->sent[w->head].text);
	if (peer)
		assert_string_equal(sip_sa_str(&w->last.peer, to), peer);
	assert_int_equal(((struct gm_ep *)sip_ep_user(w->last.ep))->kind, kind);
	assert_int_equal(sip_msg_parse(w->sent[w->head].text, w->sent[w->head].n,
				       w->last.proto == SIP_UDP, &m)
				 .error,
			 SIP_PARSE_OK);
	free(w->sent[w->head++].text);
	return m;
}

static inline struct sip_msg *expect_request(struct wire *w, enum gm_kind kind, const char *peer,
					     const char *method)
{
	struct sip_msg *m = expect(w, kind, peer);

	assert_true(sip_msg_is_request(m));
	assert_true(str_eqz(sip_msg_method_name(m), method));
	return m;
}

static inline struct sip_msg *expect_status(struct wire *w, enum gm_kind kind, const char *peer,
					    int status)
{
	struct sip_msg *m = expect(w, kind, peer);

	if (sip_msg_status(m) == 100 && status != 100) { /* the answer that every hop gives */
		sip_msg_unref(m);
		m = expect(w, kind, peer);
	}
	assert_int_equal(sip_msg_status(m), status);
	return m;
}

static inline void expect_nothing(struct wire *w)
{
	run(w, 1);
	assert_int_equal(w->head, w->tail);
}

static inline void has(const struct sip_msg *m, enum sip_hdr id, const char *part)
{
	struct sip_elem e = { 0 };
	char *z;

	while (sip_msg_next_elem(m, id, &e)) {
		z = str_dup(e.text);
		if (strstr(z, part)) {
			free(z);
			return;
		}
		free(z);
	}
	fail_msg("%s has no \"%s\"", sip_hdr_name(id), part);
}

static inline void has_not(const struct sip_msg *m, enum sip_hdr id)
{
	if (sip_msg_hf(m, id))
		fail_msg("%s: %.*s", sip_hdr_name(id), STR_FMT(sip_msg_value(m, id)));
}

static inline void inject_at(struct wire *w, struct sip_ep *ep, const char *from,
			     enum sip_proto proto, uint64_t conn, const char *text, size_t n)
{
	struct sip_path path = { .ep = ep, .proto = proto, .conn = conn };
	struct str addr = str_of(from);
	const char *colon = strrchr(from, ':');
	char host[64];

	addr.n = (size_t)(colon - from);
	assert_int_equal(str_copy(host, sizeof(host), addr), 0);
	assert_int_equal(sip_sa_parse(host, (uint16_t)atoi(colon + 1), &path.peer), 0);
	sip_tp_inject(w->tp, &path, text, n);
	run(w, 0);
}

/* Lines of "Name: value\n", then an empty line and a body of SDP. */
static inline void add_lines(struct sip_msg *m, const char *lines)
{
	struct str rest = str_of(lines), line;
	const char *body = lines ? strstr(lines, "\n\n") : NULL;

	if (body)
		rest.n = (size_t)(body - lines);
	while (rest.n && str_split(&rest, '\n', &line)) {
		const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
		char name[64];

		if (!colon)
			continue;
		str_copy(name, sizeof(name), (struct str){ line.p, (size_t)(colon - line.p) });
		assert_int_equal(sip_msg_add_named(m, name, "%.*s",
						   (int)(line.p + line.n - colon - 2), colon + 2),
				 0);
	}
	if (body)
		sip_msg_set_body(m, "application/sdp", body + 2, strlen(body + 2));
}

/* The other end of req answers; req came by w->last or the path given. */
static inline void answer(struct wire *w, const struct sip_msg *req, const struct sip_path *path,
			  const char *from, int status, const char *to_tag, const char *lines)
{
	struct sip_msg *m = sip_msg_new_response(req, status, NULL, to_tag);
	char buf[8192];
	char host[SIP_SA_STRLEN];
	size_t n;

	add_lines(m, lines);
	n = sip_msg_encode(m, buf, sizeof(buf));
	assert_true(n > 0);
	sip_msg_unref(m);
	inject_at(w, path->ep, from ? from : sip_sa_str(&path->peer, host), path->proto, path->conn,
		  buf, n);
}

static inline void core_answers(struct wire *w, struct sip_msg *req, int status, const char *lines)
{
	answer(w, req, &(struct sip_path){ .ep = w->p->mw.ep, .proto = SIP_UDP }, CORE, status,
	       "core", lines);
}

/* A request from the core. */
static inline void core_sends(struct wire *w, const char *text)
{
	inject_at(w, w->p->mw.ep, SCSCF, SIP_UDP, 0, text, strlen(text));
}

/* --- phones --- */

static inline const struct gm *gm_of_phone(const struct phone *u)
{
	return &u->w->p->gm[strchr(u->addr, ':') ? 1 : 0];
}

static inline const char *from_addr(const struct phone *u, uint16_t port, char buf[ANY_UE_LEN])
{
	snprintf(buf, ANY_UE_LEN, strchr(u->addr, ':') ? "[%s]:%u" : "%s:%u", u->addr, port);
	return buf;
}

static inline struct sip_ep *ps_of_phone(const struct phone *u)
{
	const struct gm *gm = gm_of_phone(u);

	return u->ps == gm->ps[1].port ? gm->ps[1].ep : gm->ps[0].ep;
}

/* By its SAs when it has negotiated, else to the unprotected port. */
static inline void phone_sends(struct phone *u, const char *text)
{
	const struct gm *gm = gm_of_phone(u);
	char from[ANY_UE_LEN];

	inject_at(u->w, u->ps ? ps_of_phone(u) : gm->open.ep,
		  from_addr(u, u->ps ? u->uc : 5060, from), SIP_UDP, 0, text, strlen(text));
}

/* UDP answers leave the phone from port_uc to port_ps, TS 33.203 7.1. */
static inline void phone_answers(struct phone *u, struct sip_msg *req, int status, const char *tag,
				 const char *lines)
{
	char from[ANY_UE_LEN];

	answer(u->w, req, &(struct sip_path){ .ep = ps_of_phone(u), .proto = SIP_UDP },
	       from_addr(u, u->uc, from), status, tag, lines);
}

static inline void security_client(const struct phone *u, char *dst, size_t size)
{
	static const char *const algs[] = { "hmac-md5-96", "hmac-sha-1-96" }, *const ealgs[] = {
		"null", "aes-cbc"
	};
	size_t n = 0;

	for (int i = 0; i < 4; i++)
		n += (size_t)snprintf(
			dst + n, size - n,
			"Security-Client: ipsec-3gpp; alg=%s; ealg=%s; spi-c=%u; spi-s=%u; port-c=%u; port-s=%u\r\n",
			algs[i / 2], ealgs[i % 2], u->spi_uc, u->spi_us, u->uc, u->us);
}

struct reg_opts {
	int expires;
	const char *security; /* instead of Security-Client; "" none */
	const char *verify;   /* instead of what was offered */
	const char *auth;     /* more Authorization parameters */
	const char *impi;
	const char *via; /* host, instead of its own */
};

static inline void phone_registers(struct phone *u, const struct reg_opts *o)
{
	char sec[1024], host[64], text[6144];

	security_client(u, sec, sizeof(sec));
	snprintf(host, sizeof(host), strchr(u->addr, ':') ? "[%s]" : "%s", u->addr);
	snprintf(text, sizeof(text),
		 "REGISTER sip:" DOMAIN " SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK%s%d;rport\r\n"
		 "Max-Forwards: 70\r\n"
		 "From: <sip:%s@" DOMAIN ">;tag=f%s\r\nTo: <sip:%s@" DOMAIN ">\r\n"
		 "Call-ID: reg%s@phone\r\nCSeq: %d REGISTER\r\n"
		 "Contact: <sip:%s@%s:%u>;+sip.instance=\"<urn:gsma:imei:%s>\"\r\n"
		 "Authorization: Digest username=\"%s\",realm=\"" DOMAIN "\",uri=\"sip:" DOMAIN
		 "\",nonce=\"\",response=\"\",integrity-protected=\"yes\"%s\r\n"
		 "%s%s%s%s"
		 "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSupported: path, sec-agree\r\n"
		 "Expires: %d\r\nContent-Length: 0\r\n\r\n",
		 o->via ? o->via : host, u->ps ? u->us : 5060u, u->imsi, u->cseq, u->imsi, u->imsi,
		 u->imsi, u->imsi, u->cseq, u->imsi, host, u->us ? u->us : 5060u, u->imsi,
		 o->impi ? o->impi : u->imsi, o->auth ? o->auth : "",
		 o->security ? o->security : sec, u->ps ? "Security-Verify: " : "",
		 u->ps ? (o->verify ? o->verify : u->security_server) : "", u->ps ? "\r\n" : "",
		 o->expires);
	u->cseq++;
	phone_sends(u, text);
}

static inline void learn_security(struct phone *u, const struct sip_msg *resp)
{
	struct sec_list l;

	assert_int_equal(sec_list_read(resp, SIP_H_SECURITY_SERVER, &l), 0);
	str_copy(u->security_server, sizeof(u->security_server),
		 sip_msg_value(resp, SIP_H_SECURITY_SERVER));
	u->ps = l.m[0].port_s;
	u->pc = l.m[0].port_c;
}

static inline const char *challenge(void)
{
	return "WWW-Authenticate: Digest realm=\"" DOMAIN
	       "\",nonce=\"bm9uY2U=\",algorithm=AKAv1-MD5,qop=\"auth\",ck=\"" CK_HEX
	       "\",ik=\"" IK_HEX "\"\n";
}

static inline const char *accepted_lines(const struct phone *u, int expires)
{
	static char buf[1024];
	char host[64];

	snprintf(host, sizeof(host), strchr(u->addr, ':') ? "[%s]" : "%s", u->addr);
	snprintf(buf, sizeof(buf),
		 "Contact: <sip:%s@%s:%u>;expires=%d\n"
		 "Service-Route: <sip:orig@10.46.0.3:5060;lr>\n"
		 "P-Associated-URI: <sip:%s@" DOMAIN ">, <tel:%s>\n",
		 u->imsi, host, u->us ? u->us : 5060u, expires, u->msisdn, u->msisdn);
	return buf;
}

/* REGISTER, 401, REGISTER, 200, all as it should be. And the P-CSCF's SUBSCRIBE. */
static inline void register_phone(struct phone *u, int expires)
{
	struct wire *w = u->w;
	struct sip_msg *m;

	phone_registers(u, &(struct reg_opts){ .expires = expires });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 401, challenge());
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_OPEN, NULL, 401);
	learn_security(u, m);
	sip_msg_unref(m);
	phone_registers(u, &(struct reg_opts){ .expires = expires });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, accepted_lines(u, expires));
	sip_msg_unref(m);
	m = expect_status(w, EP_GM_PC, NULL, 200);
	sip_msg_unref(m);
	run(w, 20);
	m = expect_request(w, EP_MW, CORE, "SUBSCRIBE");
	core_answers(w, m, 200, "Expires: 600000\nContact: <sip:10.46.0.3:5060>\n");
	sip_msg_unref(m);
	expect_nothing(w);
}

/* --- set up --- */

static inline void start_pcscf(struct wire *w)
{
	struct pcscf_opts o = { .loop = w->loop, .conf = w->conf, .kops = &mock_kernel, .karg = w };
	char err[256] = "";

	assert_int_equal(sip_tp_new_mock(w->loop, on_sent, w, &w->tp), 0);
	o.tp = w->tp;
	o.rx = w->rx;
	o.rx_arg = w->rx_arg;
	if (*w->db)
		assert_int_equal(store_open(w->loop, w->db, &o.store), 0);
	if (pcscf_new(&o, &w->p, err, sizeof(err)))
		fail_msg("%s", err);
}

static inline void stop_pcscf(struct wire *w)
{
	run(w, 0);
	pcscf_free(w->p);
	drain(w);
}

static inline struct wire *wire_new(void)
{
	struct wire *w = calloc(1, sizeof(*w));
	char err[256] = "";

	log_init("pcscf_test", getenv("KIMS_TEST_VERBOSE") ? LOG_LVL_DEBUG : LOG_LVL_ERR, false);
	assert_int_equal(loop_new_virtual(&w->loop), 0);
	assert_int_equal(conf_load(NULL, &w->conf, err, sizeof(err)), 0);
	return w;
}

static inline void wire_free(struct wire *w)
{
	loop_free(w->loop);
	conf_free(w->conf);
	if (*w->db)
		unlink(w->db);
	free(w);
}

static inline int setup(void **state)
{
	struct wire *w = wire_new();

	start_pcscf(w);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct wire *w = *state;

	run(w, 200000); /* every transaction ends: nothing may be left over */
	stop_pcscf(w);
	wire_free(w);
	return 0;
}

static inline struct phone phone_a(struct wire *w)
{
	return (struct phone){ .w = w,
			       .addr = "10.45.0.11",
			       .imsi = "001010000000001",
			       .msisdn = "+15550000001",
			       .uc = 40001,
			       .us = 40002,
			       .spi_uc = 11111,
			       .spi_us = 22222,
			       .cseq = 1 };
}

static inline struct phone phone_b(struct wire *w)
{
	return (struct phone){ .w = w,
			       .addr = "fd45::12",
			       .imsi = "001010000000002",
			       .msisdn = "+15550000002",
			       .uc = 40003,
			       .us = 40004,
			       .spi_uc = 33333,
			       .spi_us = 44444,
			       .cseq = 1 };
}

#endif
