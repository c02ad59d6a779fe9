// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REGISTER through the P-CSCF.
 *
 * TS 24.229 5.2.2.1 and 5.2.2.2 (checks, Path, P-Visited-Network-ID, P-Charging-Vector,
 * integrity-protected, 401 and 200), 5.2.2.5 (de-registration), TS 33.203 7.2, RFC 3310, 3327, 3329,
 * 3608, 7315. Invariants: CK and IK leave a response on every path, before anything can fail; what
 * is not verified is not forwarded; nothing is remembered of a UE before the home network answered.
 */
#include <sys/random.h>

#include "lib/aka/aka.h"
#include "lib/sip/authhdr.h"
#include "pcscf/pcscf.h"

METRIC_COUNTER(m_register, "kims_pcscf_register_total", "REGISTER requests that were forwarded");
METRIC_COUNTER(m_accepted, "kims_pcscf_register_accepted_total", "200 to REGISTER");

/* What of a REGISTER is needed when its response comes. */
struct regtx {
	struct pending pending;
	struct pcscf *p;
	uint64_t reg_id; /* of the registration that it came by; 0: unprotected */
	uint32_t reqid;	 /* of the set that it came by; 0: unprotected */
	bool dereg;
	bool nat;		       /* the UE is behind a NAT */
	char token[REG_TOKEN_LEN + 1]; /* in Path */
	char *impi, *aor, *contact;
	uint32_t instance, expires;
	enum sip_proto contact_proto;
	struct sip_path from;
	struct sec_list *client; /* NULL: none */
	bool have_keys;
	uint8_t ck[16], ik[16]; /* of the challenge, until it was chosen as the answer */
};

/* What the request says. Views into it. */
struct reg_in {
	struct str impi, contact, contact_params;
	char aor[256];
	bool dereg, has_response;
	uint32_t expires, instance;
	struct sec_list client;
	bool has_client;
	bool nat;
};

static void regtx_free(struct regtx *t)
{
	if (!t)
		return;
	pending_del(t->p, &t->pending);
	free(t->impi);
	free(t->aor);
	free(t->contact);
	free(t->client);
	aka_wipe(t->ck, sizeof(t->ck));
	aka_wipe(t->ik, sizeof(t->ik));
	free(t);
}

static void regtx_drop(struct pending *w)
{
	regtx_free(container_of(w, struct regtx, pending));
}

/* --- reading --- */

/* What is kept as a line of text: no control characters, not longer than what the kernel takes as a label. */
static bool plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ')
			return false;
	return s.n && s.n < sizeof(((struct knl_sa_set *)0)->label);
}

static const char *read_contact(const struct sip_msg *m, struct reg_in *in)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	struct str v;
	uint64_t u;

	if (sip_msg_u32(m, SIP_H_EXPIRES, &in->expires))
		in->expires = UINT32_MAX;
	in->dereg = in->expires == 0;
	if (!sip_msg_next_elem(m, SIP_H_CONTACT, &e))
		return "Contact is missing";
	if (str_eqz(e.text, "*")) {
		in->contact = e.text;
		return in->dereg ? NULL : "Contact * needs Expires 0";
	}
	if (sip_name_addr_parse(e.text, &na) || !plain(na.uri))
		return "Contact is malformed";
	in->contact = na.uri;
	in->contact_params = na.params;
	if (sip_param(na.params, "expires", &v) && !str_to_u64(v, UINT32_MAX, &u)) {
		in->expires = (uint32_t)u;
		in->dereg = !u;
	}
	if (sip_param(na.params, "+sip.instance", &v) && v.n) {
		char *z = str_dup(v);

		in->instance = z ? gm_id_hash(z) : 0;
		free(z);
	}
	return NULL;
}

static const char *read_auth(const struct sip_msg *m, struct reg_in *in)
{
	struct sip_digest d;

	if (!sip_msg_hf(m, SIP_H_AUTHORIZATION))
		return NULL;
	if (sip_digest_read(sip_msg_value(m, SIP_H_AUTHORIZATION), &d) || !plain(d.username))
		return "Authorization is malformed";
	in->impi = d.username;
	in->has_response = d.has_response && d.response.n;
	return NULL;
}

/* What the UE takes for its address is not what its packets come from (TS 33.203 M.7.2). */
static bool is_behind_nat(const struct sip_msg *m, const struct sip_path *from)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	struct sip_via_view via;
	union sip_sa sa;

	return e->gm && e->gm->encap && !sip_msg_top_via(m, &via) &&
	       !sip_sa_parse_str(via.host, 0, &sa) && !sip_sa_host_eq(&sa, &from->peer);
}

/* NULL, or why it cannot be processed (400). */
static const char *read_request(const struct sip_msg *m, struct reg_in *in)
{
	struct sip_name_addr na;
	const char *why;
	int r;

	memset(in, 0, offsetof(struct reg_in, client));
	in->has_client = false;
	if (sip_name_addr_parse(sip_msg_value(m, SIP_H_TO), &na) ||
	    sip_uri_canon(na.uri, in->aor, sizeof(in->aor)))
		return "To is not a public user identity";
	why = read_contact(m, in);
	if (!why)
		why = read_auth(m, in);
	if (why)
		return why;
	if (!in->impi.n) { /* TS 23.003 13.4B: derived as the temporary identity is */
		in->impi = str_of(in->aor);
		if (str_has_prefix(in->impi, STR("sip:")))
			in->impi = (struct str){ in->aor + 4, in->impi.n - 4 };
	}
	r = sec_list_read(m, SIP_H_SECURITY_CLIENT, &in->client);
	if (r < 0 && r != -ENOENT)
		return "Security-Client is malformed";
	in->has_client = !r;
	return NULL;
}

/* --- refusing --- */

/* 421: the mechanism is required here. 494: none of the UE's is ours. RFC 3329 2.3.1. */
static void refuse_sec(struct pcscf *p, struct sip_stx *stx, const struct reg_in *in, int status,
		       const char *why)
{
	struct sip_msg *resp = sip_msg_new_response(sip_stx_request(stx), status, NULL, NULL);
	struct sec_mech mech = {
		.ipsec_3gpp = true, .esp = true, .transport = true, .known = true
	};
	char text[256];

	log_notice("%.*s: REGISTER refused with %d: %s", STR_FMT(in->impi), status, why);
	if (!resp) {
		sip_stx_reply(stx, status, NULL, why);
		return;
	}
	if (status == 421)
		sip_msg_add(resp, SIP_H_REQUIRE, "sec-agree");
	for (size_t i = 0; i < p->policy.n; i++) {
		mech.alg = p->policy.m[i].alg;
		mech.ealg = p->policy.m[i].ealg;
		mech.q_milli = (uint32_t)(1000 * (p->policy.n - i) / p->policy.n);
		/* No SPIs nor ports: there is no set. */
		snprintf(text, sizeof(text),
			 "ipsec-3gpp;q=0.%03u;alg=%s;ealg=%s;prot=esp;mod=trans",
			 MIN(mech.q_milli, 999u), sec_alg_name(mech.alg), sec_ealg_name(mech.ealg));
		sip_msg_add(resp, SIP_H_SECURITY_SERVER, "%s", text);
	}
	sip_msg_add(resp, SIP_H_WARNING, "399 %s \"%s\"", p->name, why);
	sip_stx_respond(stx, resp);
	sip_msg_unref(resp);
}

static bool check_unprotected(struct pcscf *p, struct sip_stx *stx, const struct reg_in *in)
{
	if (!p->kops)
		return true;
	if (!in->has_client) {
		if (!p->conf->pcscf.ipsec_required)
			return true;
		refuse_sec(p, stx, in, 421, "Security-Client is missing: IPsec is required here");
		return false;
	}
	if (!sec_choose(&p->policy, &in->client, in->nat)) {
		refuse_sec(p, stx, in, 494, "No common algorithm in Security-Client");
		return false;
	}
	return true;
}

static bool check_protected(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m,
			    const struct reg_in *in, struct sa_set *s)
{
	struct reg *r = s->reg;
	const char *why;

	if (r->fsm.state == REG_LEAVING && !in->dereg) {
		refuse(p, stx, r, 403, "The registration of these security associations has ended");
		return false;
	}
	if (!str_eqz(in->impi, r->impi)) {
		refuse(p, stx, r, 403,
		       "Private identity is not the one of the security association");
		return false;
	}
	why = sec_verify(&p->policy, s, m);
	if (why) {
		refuse(p, stx, r, 494, "%s", why);
		return false;
	}
	if (s->role != SA_TEMP && in->has_client && !sec_choose(&p->policy, &in->client, s->nat)) {
		refuse_sec(p, stx, in, 494, "No common algorithm in Security-Client");
		return false;
	}
	return true;
}

/* --- what is written into the request --- */

static int set_integrity(struct sip_msg *m, const char *value)
{
	const struct sip_hf *h = NULL;

	while ((h = sip_msg_next(m, SIP_H_AUTHORIZATION, h))) {
		_cleanup_free_ char *v = sip_digest_without(h->value, "integrity-protected");
		int r;

		if (!v)
			return -ENOMEM;
		r = sip_hf_set(m, h, "%s,integrity-protected=\"%s\"", v, value);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Without SAs: the address from which the challenge is answered is all there is, TS 24.229 5.2.2.3;
 * where SAs are a must, it is nothing (5.2.2.2).
 */
static const char *integrity_of(const struct pcscf *p, const struct reg_in *in,
				const struct sa_set *s, const struct reg *known)
{
	if (s)
		return "yes";
	if (!in->has_response || (p->kops && (in->has_client || p->conf->pcscf.ipsec_required)))
		return "no";
	return known ? "ip-assoc-yes" : "ip-assoc-pending";
}

static int edit_request(struct pcscf *p, struct sip_msg *m, const struct regtx *t,
			const char *integrity)
{
	const char *visited = visited_network(p);
	char icid[ICID_LEN];
	int r;

	sec_strip(m);
	sip_msg_remove(m, SIP_H_ROUTE);
	sip_msg_remove(m, SIP_H_PATH); /* nobody is between the UE and us */
	sip_msg_remove(m, SIP_H_P_CHARGING_FUNCTION_ADDRESSES);
	access_stamp(reg_by_id(p, t->reg_id), m);
	icid_make(p, icid);
	r = set_integrity(m, integrity);
	if (!r)
		r = sip_msg_add(m, SIP_H_PATH, "<sip:%s@%s;lr>", t->token, p->mw_uri);
	if (!r && !sip_msg_has_token(m, SIP_H_REQUIRE, "path"))
		r = sip_msg_add(m, SIP_H_REQUIRE, "path");
	if (!r)
		r = sip_msg_set(m, SIP_H_P_VISITED_NETWORK_ID, "%s", visited);
	if (!r)
		r = sip_msg_set(m, SIP_H_P_CHARGING_VECTOR,
				"icid-value=\"%s\";icid-generated-at=%s;orig-ioi=\"%s\"", icid,
				p->name, visited);
	return r;
}

/* --- responses --- */

/*
 * Takes ck and ik out of all challenges. A final response comes here twice, as its branch's and as
 * the chosen one: the keys wait in the transaction.
 */
static int strip_keys(struct regtx *t, struct sip_msg *resp, enum sip_hdr id)
{
	const struct sip_hf *h = NULL;
	struct sip_digest d;

	while ((h = sip_msg_next(resp, id, h))) {
		bool bad = sip_digest_read(h->value, &d) < 0;
		char *a, *b;
		int r;

		if (bad) /* its malformed parts go too: keys may stand in them */
			memset(&d, 0, sizeof(d));
		else if (!d.ck.n && !d.ik.n)
			continue;
		t->have_keys = d.ck.n == 32 && d.ik.n == 32 && hex_decode(d.ck, t->ck, 16) == 16 &&
			       hex_decode(d.ik, t->ik, 16) == 16;
		a = sip_digest_without(h->value, "ck");
		b = a ? sip_digest_without(str_of(a), "ik") : NULL;
		r = b ? sip_hf_set(resp, h, "%s", b) : -ENOMEM;
		if (r < 0) /* rather no challenge than one with the keys in it */
			sip_hf_remove(resp, h);
		if (a)
			aka_wipe(a, strlen(a));
		free(a);
		free(b);
		if (r < 0)
			return r;
	}
	return 0;
}

static int reg_for_challenge(struct regtx *t, struct reg **ret)
{
	const struct gm_ep *e = sip_ep_user(t->from.ep);
	struct reg *r =
		t->reg_id ? reg_by_id(t->p, t->reg_id) : reg_by_token(t->p, str_of(t->token));
	struct reg_new_args a;

	if (r) {
		*ret = r;
		return r->fsm.state == REG_LEAVING ? -ESTALE : 0;
	}
	if (t->reg_id)
		return -ESTALE;
	reg_make_room(t->p, str_of(t->impi));
	a = (struct reg_new_args){
		.token = t->token,
		.impi = str_of(t->impi),
		.aor = t->aor,
		.contact = str_of(t->contact),
		.instance = t->instance,
		.gm = e->gm,
		.ue = &t->from.peer,
		.ipsec = true,
		.proto = t->contact_proto,
	};
	return reg_new(t->p, &a, ret);
}

static int set_up(struct regtx *t, struct sip_msg *resp)
{
	struct pcscf *p = t->p;
	const struct sec_mech *mech = sec_choose(&p->policy, t->client, t->nat);
	struct sa_set *s;
	struct reg *r;
	int e;

	if (!mech)
		return -EPROTO;
	e = reg_for_challenge(t, &r);
	if (e < 0)
		return e;
	sa_free(r->set[SA_TEMP]);
	e = sa_make_room(r, mech);
	if (!e)
		e = sa_new(r, mech, t->client, t->ck, t->ik, &s);
	if (e < 0) {
		if (r->fsm.state == REG_AWAIT_AUTH)
			reg_free(r);
		return e;
	}
	r->set[SA_TEMP] = s;
	sa_lifetime(s, p->conf->pcscf.reg_await_auth_s);
	fsm_event(&r->fsm, REG_EV_CHALLENGED, NULL);
	log_info("%s: challenged; SAs with %s and %s (reqid %u) wait for the answer", r->impi,
		 sec_alg_name(s->alg), sec_ealg_name(s->ealg), s->reqid);
	return sec_add_server(&p->policy, s, resp);
}

static int answer_instead(struct regtx *t, struct sip_fwd *f, int status, const char *why)
{
	log_warn("%s: REGISTER answered with %d: %s", t->impi, status, why);
	sip_stx_reply(sip_fwd_stx(f), status, NULL, why);
	return -ECANCELED;
}

static int on_challenge(struct regtx *t, struct sip_fwd *f, struct sip_msg *resp)
{
	int e;

	if (!t->p->kops || !t->client)
		return 0; /* no SAs: the challenge is the UE's and the home network's affair */
	if (!t->have_keys)
		return answer_instead(t, f, 500,
				      "The home network's challenge has no keys for IPsec");
	e = set_up(t, resp);
	if (e < 0) {
		log_warn("%s: security associations: %s (%s)", t->impi, strerror(-e),
			 t->p->kops->error(t->p->karg));
		return answer_instead(t, f, 500, "Security associations could not be set up");
	}
	return 0;
}

static bool same_contact(struct str a, const char *b)
{
	struct str s = str_of(b);

	if (str_eq(a, s))
		return true;
	struct sip_uri x, y;

	return !sip_uri_parse(a, &x) && !sip_uri_parse(s, &y) && str_eq(x.user, y.user) &&
	       str_ieq(x.host, y.host) && x.port == y.port;
}

/* Seconds that the home network granted to this contact; 0: it is not bound any more. */
static uint32_t granted(const struct regtx *t, const struct sip_msg *resp)
{
	struct sip_elem e = { 0 };
	uint32_t header;
	struct str v;
	uint64_t u;

	if (sip_msg_u32(resp, SIP_H_EXPIRES, &header))
		header = t->expires != UINT32_MAX ? t->expires : 600000;
	while (sip_msg_next_elem(resp, SIP_H_CONTACT, &e)) {
		struct sip_name_addr na;

		if (sip_name_addr_parse(e.text, &na) || !same_contact(na.uri, t->contact))
			continue;
		if (sip_param(na.params, "expires", &v) && !str_to_u64(v, UINT32_MAX, &u))
			return (uint32_t)u;
		return header;
	}
	return 0;
}

static struct reg *reg_unprotected(struct regtx *t)
{
	const struct gm_ep *e = sip_ep_user(t->from.ep);
	struct reg *r = reg_by_token(t->p, str_of(t->token));
	struct reg_new_args a = {
		.token = t->token,
		.impi = str_of(t->impi),
		.aor = t->aor,
		.contact = str_of(t->contact),
		.instance = t->instance,
		.gm = e->gm,
		.ue = &t->from.peer,
		.proto = t->from.proto,
		.conn = t->from.conn,
	};

	if (r) {
		r->conn = t->from.conn;
		r->proto = t->from.proto;
		return r->ipsec ? NULL : r;
	}
	return reg_new(t->p, &a, &r) < 0 ? NULL : r;
}

/* New SAs may have a new port_us, and the UE may change its mind about the transport. */
static void take_contact(struct reg *r, const struct regtx *t)
{
	char *z;

	if (r->ipsec)
		r->proto = t->contact_proto;
	if (!strcmp(r->contact, t->contact))
		return;
	z = strdup(t->contact);
	if (!z)
		return;
	free(r->contact);
	r->contact = z;
}

static void accepted(struct reg *r, struct regtx *t, struct sip_msg *resp, uint32_t expires)
{
	struct sa_set *s = t->reqid ? sa_by_reqid(r, t->reqid) : NULL;
	bool first = r->fsm.state != REG_REGISTERED;
	int e;

	e = reg_accept(r, resp, expires, s);
	if (e < 0) {
		log_warn("%s: 200 to REGISTER cannot be kept: %s", r->impi, strerror(-e));
		return;
	}
	log_info("%s: %s for %u s, contact %s", r->impi,
		 first ? "registered" : "registration renewed", expires, r->contact);
	take_contact(r, t);
	rx_reg_registered(r);
	if (first)
		reg_replace_same_ue(r);
	if (first) /* behind the 200 that is about to go out */
		regevent_subscribe(r, 10 * USEC_PER_MSEC, NULL, NULL);
	persist_reg(r);
}

/* Another public identity of the same phone, under the same SAs, that no implicit set has. */
static void other_identity(struct reg *r, const struct regtx *t, const struct sip_msg *resp,
			   uint32_t expires)
{
	log_info("%s: %s %s too", r->impi, expires ? "registered" : "de-registered", t->aor);
	if (expires)
		reg_merge_identities(r, resp, t->aor);
	else
		reg_remove_identity(r, t->aor);
	persist_reg(r);
}

static bool is_other_identity(const struct reg *r, const struct regtx *t)
{
	return t->reg_id && r->fsm.state == REG_REGISTERED && strcmp(r->aor, t->aor);
}

static void on_ok(struct regtx *t, struct sip_msg *resp)
{
	struct reg *r = t->reg_id ? reg_by_id(t->p, t->reg_id) : NULL;
	uint32_t expires = t->dereg ? 0 : granted(t, resp);

	metric_register(&m_accepted);
	metric_inc(&m_accepted);
	if (!t->reg_id && t->p->kops && t->p->conf->pcscf.ipsec_required) {
		log_warn("%s: registered without IPsec by the home network; nothing is kept of it",
			 t->impi);
		return;
	}
	if (!r && expires)
		r = reg_unprotected(t);
	else if (!r)
		r = reg_by_token(t->p, str_of(t->token));
	if (!r || r->fsm.state == REG_LEAVING)
		return;
	if (is_other_identity(r, t)) {
		other_identity(r, t, resp, expires);
		return;
	}
	if (expires) {
		accepted(r, t, resp, expires);
		return;
	}
	log_info("%s: de-registered", r->impi);
	fsm_event(&r->fsm, REG_EV_DEREGISTERED, NULL);
}

static void on_failure(struct regtx *t, int status)
{
	struct reg *r = t->reg_id ? reg_by_id(t->p, t->reg_id) : NULL;
	struct sa_set *s = r && t->reqid ? sa_by_reqid(r, t->reqid) : NULL;

	log_info("%s: REGISTER failed with %d", t->impi, status);
	if (!s || s->role != SA_TEMP)
		return;
	if (r->fsm.state == REG_REGISTERED) /* the failure itself goes out under this set */
		sa_lifetime(s, 2 * t->p->conf->pcscf.gm_t1_ms / 1000 + 1);
	fsm_event(&r->fsm, REG_EV_REJECTED, NULL);
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	int status = sip_msg_status(resp), e;
	struct regtx *t = arg;

	if (!best || status < 300) { /* what is chosen came by here before as its branch's */
		e = strip_keys(t, resp, SIP_H_WWW_AUTHENTICATE);
		if (!e)
			e = strip_keys(t, resp, SIP_H_PROXY_AUTHENTICATE);
		if (e < 0)
			return answer_instead(t, f, 500, "Out of memory");
	}
	if (status < 200 || !best)
		return 0;
	sip_msg_remove(resp, SIP_H_P_CHARGING_VECTOR);
	sip_msg_remove(resp, SIP_H_P_CHARGING_FUNCTION_ADDRESSES);
	if (status == 401)
		return on_challenge(t, f, resp);
	if (status < 300)
		on_ok(t, resp);
	else
		on_failure(t, status);
	return 0;
}

static void on_end(void *arg, struct sip_fwd *f _unused_, int status _unused_)
{
	regtx_free(arg);
}

static const struct sip_fwd_ops fwd_ops = { .response = on_response, .end = on_end };

/* --- the request --- */

static enum sip_proto proto_of(struct str contact)
{
	struct sip_uri u;
	struct str v;

	if (sip_uri_parse(contact, &u) || !sip_param(u.params, "transport", &v))
		return SIP_UDP;
	return str_ieqz(v, "tcp") ? SIP_TCP : SIP_UDP;
}

/* The registration that an unprotected REGISTER goes on with, so that its Path stays. */
static struct reg *known_reg(struct pcscf *p, const struct reg_in *in, const struct sip_path *from)
{
	struct xfrm_addr ue;
	struct reg *r;

	gm_addr_of(&from->peer, &ue);
	for (r = reg_by_impi(p, in->impi); r; r = r->impi_next) {
		if (!gm_addr_eq(&r->ue, &ue) || strcmp(r->aor, in->aor))
			continue;
		if (r->ipsec ? r->fsm.state == REG_AWAIT_AUTH
			     : r->fsm.state == REG_REGISTERED &&
				       r->ue_port == sip_sa_port(&from->peer))
			return r;
	}
	return NULL;
}

static int new_token(char token[REG_TOKEN_LEN + 1])
{
	uint8_t b[REG_TOKEN_LEN / 2];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[0] |= 1; /* an id is never 0 */
	hex_encode(b, sizeof(b), token);
	return 0;
}

static struct regtx *regtx_new(struct pcscf *p, const struct reg_in *in,
			       const struct sip_path *from, const struct sa_set *s,
			       const struct reg *known)
{
	struct regtx *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->p = p;
	pending_add(p, &t->pending, regtx_drop);
	t->from = *from;
	t->reqid = s ? s->reqid : 0;
	t->reg_id = s ? s->reg->id : 0;
	t->dereg = in->dereg;
	t->nat = in->nat;
	t->instance = in->instance;
	t->expires = in->expires;
	t->contact_proto = proto_of(in->contact);
	t->impi = str_dup(in->impi);
	t->aor = strdup(in->aor);
	t->contact = str_dup(in->contact);
	if (in->has_client && p->kops)
		t->client = sec_list_dup(&in->client);
	if (s || known)
		memcpy(t->token, (s ? s->reg : known)->token, sizeof(t->token));
	if (!t->impi || !t->aor || !t->contact || (in->has_client && p->kops && !t->client) ||
	    (!*t->token && new_token(t->token))) {
		regtx_free(t);
		return NULL;
	}
	return t;
}

/* The entry point of the home network: configured, else by RFC 3263 (TS 24.229 5.2.2.1). */
static struct str next_hop(struct pcscf *p, const struct sip_msg *m)
{
	const char *entry = p->conf->pcscf.entry;

	return entry && *entry ? str_of(entry) : sip_msg_ruri(m);
}

static void forward(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m, struct regtx *t)
{
	struct sip_target target = { .next_hop = next_hop(p, m), .ep = p->mw.ep };
	struct sip_fwd *f;
	int r;

	metric_register(&m_register);
	metric_inc(&m_register);
	r = sip_proxy_forward(p->stack, p->resolver, stx, m, &target, 1, 0, &fwd_ops, t, &f);
	if (r < 0) {
		regtx_free(t);
		if (!sip_stx_done(stx))
			refuse(p, stx, NULL, 500, "REGISTER could not be forwarded: %s",
			       strerror(-r));
	}
}

static const char *const supported[] = { "sec-agree", "path", NULL };

void register_request(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m,
		      const struct sip_path *from, struct gm_bind *bind)
{
	struct sa_set *s = bind ? bind->set : NULL;
	struct reg *known = NULL;
	struct reg_in in;
	struct str mine;
	struct regtx *t;
	const char *why;

	if (sip_proxy_prepare(p->stack, stx, m, supported, gm_is_me, p, &mine))
		return;
	why = read_request(m, &in);
	if (why) {
		refuse(p, stx, s ? s->reg : NULL, 400, "%s", why);
		return;
	}
	in.nat = s ? s->nat : is_behind_nat(m, from);
	if (s ? !check_protected(p, stx, m, &in, s) : !check_unprotected(p, stx, &in))
		return;
	if (!s)
		known = known_reg(p, &in, from);
	t = regtx_new(p, &in, from, s, known);
	if (!t || edit_request(p, m, t, integrity_of(p, &in, s, known)) < 0) {
		regtx_free(t);
		refuse(p, stx, s ? s->reg : NULL, 500, "Out of memory");
		return;
	}
	forward(p, stx, m, t);
}
