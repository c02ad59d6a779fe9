// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The P-CSCF's own subscription to the state of a registration, and what its NOTIFYs say.
 *
 * TS 24.229 5.2.3 (SUBSCRIBE after the 200 to REGISTER, refresh, network-initiated de-registration,
 * shortened expiry), RFC 3680 (reginfo), RFC 6665. The document is parsed by expat as a stream; any
 * DTD ends it (no entities, no expansion), and it is bounded by the size of a message.
 * Invariants: the subscription belongs to its registration and goes with it; Call-ID and tag are
 * stored with it, so that after a restart NOTIFYs of the old dialog are still heard until the new
 * one, which has the same, is there.
 */
#include <expat.h>

#include "lib/sip/dlg.h"
#include "pcscf/pcscf.h"

#define SUB_EXPIRES_S 600000
#define SUB_RETRY_S   300

struct regsub {
	struct pcscf *p;
	uint64_t reg_id;
	char call_id[40], tag[17];
	struct sip_dlg *dlg;
	struct timer timer;
	uint32_t generation; /* answers of an older SUBSCRIBE are not ours any more */
};

void regevent_free(struct regsub *s)
{
	if (!s)
		return;
	timer_stop(s->p->loop, &s->timer);
	sip_dlg_free(s->dlg);
	free(s);
}

/* --- SUBSCRIBE --- */

struct answer {
	struct pending pending;
	struct pcscf *p;
	uint64_t reg_id;
	uint32_t generation;
	struct sip_msg *req;
};

static void answer_free(struct answer *a)
{
	pending_del(a->p, &a->pending);
	sip_msg_unref(a->req);
	free(a);
}

static void answer_drop(struct pending *w)
{
	answer_free(container_of(w, struct answer, pending));
}

static struct regsub *sub_of(const struct answer *a)
{
	struct reg *r = reg_by_id(a->p, a->reg_id);

	return r && r->sub && r->sub->generation == a->generation ? r->sub : NULL;
}

static void accepted(struct regsub *s, struct sip_msg *req, struct sip_msg *resp)
{
	uint32_t expires;

	if (sip_msg_u32(resp, SIP_H_EXPIRES, &expires) || !expires)
		expires = SUB_EXPIRES_S;
	if (!s->dlg && sip_dlg_uac(req, resp, &s->dlg) < 0)
		log_warn("subscription to the registration's state cannot be kept");
	/* 5.2.3: 600 s before the end, or half-way. */
	timer_start(s->p->loop, &s->timer,
		    (expires > 1200 ? expires - 600 : MAX(expires / 2, 1u)) * USEC_PER_SEC);
}

static void answered(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct answer *a = arg;
	struct regsub *s = sub_of(a);
	int status = resp ? sip_msg_status(resp) : 408;

	if (status < 200)
		return;
	if (s && status < 300) {
		accepted(s, a->req, resp);
	} else if (s) {
		log_notice("%s: SUBSCRIBE to the registration's state failed with %d%s%s",
			   reg_by_id(a->p, a->reg_id)->impi, status, err ? ": " : "",
			   err ? strerror(-err) : "");
		sip_dlg_free(s->dlg);
		s->dlg = NULL;
		timer_start(s->p->loop, &s->timer, SUB_RETRY_S * USEC_PER_SEC);
	}
	answer_free(a);
}

/* The default public user identity; a SIP URI, since it is the Request-URI's host that routes. */
static int subject(const struct reg *r, char *dst, size_t size)
{
	for (size_t i = 0; i < r->n_ids; i++)
		if (!strncmp(r->ids[i].canon, "sip:", 4))
			return str_copy(dst, size, str_of(r->ids[i].canon));
	return str_copy(dst, size, str_of(r->aor));
}

/* 5.2.3: the asserted identity is the URI that stood in Path, by which the S-CSCF knows us. */
static int add_headers(struct reg *r, struct sip_msg *m)
{
	struct pcscf *p = r->p;
	char icid[ICID_LEN];
	int e;

	icid_make(p, icid);
	e = sip_msg_add(m, SIP_H_CONTACT, "<sip:%s@%s>", r->token, p->mw_uri);
	if (!e)
		e = sip_msg_add(m, SIP_H_EVENT, "reg");
	if (!e)
		e = sip_msg_add(m, SIP_H_EXPIRES, "%u", SUB_EXPIRES_S);
	if (!e)
		e = sip_msg_add(m, SIP_H_ACCEPT, "application/reginfo+xml");
	if (!e)
		e = sip_msg_add(m, SIP_H_P_ASSERTED_IDENTITY, "<sip:%s@%s>", r->token, p->mw_uri);
	if (!e)
		e = sip_msg_add(m, SIP_H_P_CHARGING_VECTOR,
				"icid-value=\"%s\";icid-generated-at=%s;orig-ioi=\"%s\"", icid,
				p->name, visited_network(p));
	return e;
}

/* Above all that a former run used with the same Call-ID: seconds since 2020. */
static uint32_t first_cseq(const struct pcscf *p)
{
	return (uint32_t)(loop_wall(p->loop) / USEC_PER_SEC - 1577836800u) & 0x7fffffff;
}

static struct sip_msg *first_subscribe(struct reg *r, struct regsub *s)
{
	char uri[256];
	struct sip_msg *m;
	int e;

	if (subject(r, uri, sizeof(uri)) < 0)
		return NULL;
	m = sip_msg_new_request("SUBSCRIBE", uri);
	if (!m)
		return NULL;
	e = sip_msg_add(m, SIP_H_FROM, "<sip:%s>;tag=%s", r->p->mw_uri, s->tag);
	if (!e)
		e = sip_msg_add(m, SIP_H_TO, "<%s>", uri);
	if (!e)
		e = sip_msg_add(m, SIP_H_CALL_ID, "%s", s->call_id);
	if (!e)
		e = sip_msg_add(m, SIP_H_CSEQ, "%u SUBSCRIBE", first_cseq(r->p));
	if (!e)
		return m;
	sip_msg_unref(m);
	return NULL;
}

static int send_subscribe(struct reg *r, struct regsub *s)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct sip_msg *m;
	int e;

	if (!a)
		return -ENOMEM;
	a->p = r->p;
	a->reg_id = r->id;
	a->generation = ++s->generation;
	pending_add(r->p, &a->pending, answer_drop);
	m = s->dlg ? sip_dlg_request(s->dlg, "SUBSCRIBE", 0) : first_subscribe(r, s);
	if (!m || add_headers(r, m) < 0) {
		sip_msg_unref(m);
		answer_free(a);
		return -ENOMEM;
	}
	a->req = sip_msg_ref(m);
	e = core_send(r->p, m, answered, a);
	if (e < 0)
		answer_free(a);
	return e;
}

static void subscribe_again(struct timer *t)
{
	struct regsub *s = container_of(t, struct regsub, timer);
	struct reg *r = reg_by_id(s->p, s->reg_id);

	/* One that is leaving only waits for the last NOTIFY. */
	if (r && r->fsm.state == REG_REGISTERED && send_subscribe(r, s) < 0)
		timer_start(s->p->loop, &s->timer, SUB_RETRY_S * USEC_PER_SEC);
}

const char *regevent_call_id(const struct reg *r)
{
	return r->sub ? r->sub->call_id : "";
}

const char *regevent_tag(const struct reg *r)
{
	return r->sub ? r->sub->tag : "";
}

void regevent_subscribe(struct reg *r, uint64_t delay_usec, const char *call_id, const char *tag)
{
	struct regsub *s;

	if (r->sub || !r->p->reg_event)
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->p = r->p;
	s->reg_id = r->id;
	s->timer.fn = subscribe_again;
	if (call_id && tag) {
		snprintf(s->call_id, sizeof(s->call_id), "%s", call_id);
		snprintf(s->tag, sizeof(s->tag), "%s", tag);
	} else {
		sip_random_token(s->call_id, 24);
		sip_random_token(s->tag, sizeof(s->tag) - 1);
	}
	r->sub = s;
	timer_start(r->p->loop, &s->timer, delay_usec);
}

/* --- reginfo --- */

struct reginfo {
	XML_Parser x;
	struct reg *r;
	bool aor_is_ours, aor_terminated, contact_is_ours, contact_terminated;
	bool in_uri;
	char uri[512];
	size_t uri_len;
	char event[32];
	uint32_t expires; /* 0: not given */
	int alive, dead;  /* of our contact */
	uint32_t shortened;
};

static const char *attr(const char **atts, const char *name)
{
	for (; *atts; atts += 2)
		if (!strcmp(*atts, name))
			return atts[1];
	return "";
}

/* Names come as "namespace uri|name": the local part is what counts. */
static bool is(const char *el, const char *name)
{
	const char *bar = strrchr(el, '|');

	return !strcmp(bar ? bar + 1 : el, name);
}

static void start_el(void *arg, const char *el, const char **atts)
{
	struct reginfo *ri = arg;
	uint64_t u;

	if (is(el, "registration")) {
		ri->aor_is_ours = identity_belongs(ri->r, str_of(attr(atts, "aor")));
		ri->aor_terminated = !strcmp(attr(atts, "state"), "terminated");
		if (ri->aor_is_ours && ri->aor_terminated)
			ri->dead++;
	} else if (is(el, "contact")) {
		ri->contact_is_ours = false;
		ri->contact_terminated = !strcmp(attr(atts, "state"), "terminated");
		snprintf(ri->event, sizeof(ri->event), "%.31s", attr(atts, "event"));
		ri->expires =
			str_to_u64(str_of(attr(atts, "expires")), UINT32_MAX, &u) ? 0 : (uint32_t)u;
	} else if (is(el, "uri")) {
		ri->in_uri = true;
		ri->uri_len = 0;
	}
}

static void text(void *arg, const char *s, int n)
{
	struct reginfo *ri = arg;

	if (!ri->in_uri || n < 0 || ri->uri_len + (size_t)n >= sizeof(ri->uri))
		return;
	memcpy(ri->uri + ri->uri_len, s, (size_t)n);
	ri->uri_len += (size_t)n;
}

static void end_contact(struct reginfo *ri)
{
	if (!ri->aor_is_ours || !ri->contact_is_ours || ri->aor_terminated)
		return;
	if (ri->contact_terminated) {
		ri->dead++;
		return;
	}
	ri->alive++;
	if (!strcmp(ri->event, "shortened"))
		ri->shortened = ri->expires;
}

/*
 * The same phone: its port may change with new SAs, and the NOTIFY about them overtakes the 200
 * that goes through the I-CSCF.
 */
static bool is_our_contact(const struct reg *r, struct str uri)
{
	struct sip_uri a, b;

	if (sip_uri_parse(uri, &a) || sip_uri_parse(str_of(r->contact), &b))
		return false;
	return str_eq(a.user, b.user) && str_ieq(a.host, b.host);
}

static void end_el(void *arg, const char *el)
{
	struct reginfo *ri = arg;

	if (is(el, "uri")) {
		struct str s = str_trim((struct str){ ri->uri, ri->uri_len });

		ri->in_uri = false;
		ri->contact_is_ours |= is_our_contact(ri->r, s);
	} else if (is(el, "contact")) {
		end_contact(ri);
	}
}

/* Entities can expand without bound; reginfo has no use for a DTD. */
static void doctype(void *arg, const char *name _unused_, const char *sys _unused_,
		    const char *pub _unused_, int internal _unused_)
{
	XML_StopParser(((struct reginfo *)arg)->x, XML_FALSE);
}

static int reginfo_read(struct reg *r, struct str body, struct reginfo *ri)
{
	enum XML_Status ok;

	*ri = (struct reginfo){ .r = r };
	ri->x = XML_ParserCreateNS(NULL, '|');
	if (!ri->x)
		return -ENOMEM;
	XML_SetUserData(ri->x, ri);
	XML_SetElementHandler(ri->x, start_el, end_el);
	XML_SetCharacterDataHandler(ri->x, text);
	XML_SetStartDoctypeDeclHandler(ri->x, doctype);
	ok = XML_Parse(ri->x, body.p, (int)body.n, 1);
	XML_ParserFree(ri->x);
	return ok == XML_STATUS_OK ? 0 : -EINVAL;
}

/* --- NOTIFY --- */

static bool in_our_dialog(struct regsub *s, struct sip_msg *m)
{
	return s && str_eqz(sip_msg_call_id(m), s->call_id) && str_eqz(sip_msg_to_tag(m), s->tag);
}

static bool sub_terminated(const struct sip_msg *m)
{
	struct str v = sip_msg_value(m, SIP_H_SUBSCRIPTION_STATE), state;

	return v.n && str_split(&v, ';', &state) && str_ieqz(str_trim(state), "terminated");
}

static void act(struct reg *r, const struct reginfo *ri)
{
	uint64_t until;

	if (ri->dead && !ri->alive) {
		reg_leave(r, *ri->event ? "by the home network"
					: "its identities are not registered any more");
		return;
	}
	if (!ri->shortened)
		return;
	until = loop_wall(r->p->loop) + ri->shortened * USEC_PER_SEC;
	if (until < r->expires) {
		log_info("%s: the home network wants a re-authentication within %u s", r->impi,
			 ri->shortened);
		r->expires = until;
		reg_schedule(r);
		persist_reg(r);
	}
}

void regevent_notify(struct pcscf *p, struct sip_stx *stx, struct sip_msg *m, struct str token)
{
	struct reg *r = reg_by_token(p, token);
	struct reginfo ri;

	if (!r || !in_our_dialog(r->sub, m)) {
		refuse(p, stx, r, 481, "No such subscription");
		return;
	}
	if (!sip_msg_body(m).n) {
		sip_stx_reply(stx, 200, NULL, NULL);
		return;
	}
	if (reginfo_read(r, sip_msg_body(m), &ri) < 0) {
		refuse(p, stx, r, 400, "reginfo cannot be parsed");
		return;
	}
	sip_stx_reply(stx, 200, NULL, NULL);
	if (sub_terminated(m)) { /* anew, unless the registration goes too */
		sip_dlg_free(r->sub->dlg);
		r->sub->dlg = NULL;
		timer_start(p->loop, &r->sub->timer, SUB_RETRY_S * USEC_PER_SEC);
	}
	act(r, &ri);
}
