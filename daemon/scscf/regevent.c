// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reg event: TS 24.229 5.4.2.1, RFC 3680 over RFC 6665.
 *
 * A subscription belongs to a registered set and ends with it. Allowed to subscribe are the set's
 * own identities and the P-CSCFs in the Path of one of its contacts (5.4.2.1.1). Every change gives
 * one NOTIFY with the full state and the next version. Invariant: a subscription that a NOTIFY
 * could not reach (481, 404, time-out ...) is gone after it.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

#define TAG_LEN	       16
#define EXPIRES_MAX    600000 /* TS 24.229 5.1.1.3, 5.2.3 */
#define RECORD_VERSION 1

struct sub {
	UT_hash_handle hh;	 /* by tag */
	struct sub *next, *prev; /* of its set */
	struct scscf *s;
	struct irs *irs;
	struct sip_dlg *dlg;
	struct timer timer;
	uint64_t expires_at; /* wall clock, usec */
	uint32_t version;
	char *watcher;
	char tag[TAG_LEN + 1];
};

static void sub_free(struct sub *u)
{
	HASH_DEL(u->s->subs, u);
	DL_DELETE(u->irs->subs, u);
	timer_stop(u->s->env.loop, &u->timer);
	sip_dlg_free(u->dlg);
	g_subs.value--;
	free(u->watcher);
	free(u);
}

static void sub_end(struct sub *u)
{
	persist_forget_sub(u->s, u->tag);
	sub_free(u);
}

void regevent_drop(struct irs *r)
{
	struct sub *u, *tmp;

	DL_FOREACH_SAFE (r->subs, u, tmp) {
		if (u->s->leaving)
			sub_free(u); /* it stays in the store */
		else
			sub_end(u);
	}
}

static struct sub *sub_find(struct scscf *s, struct str tag)
{
	struct sub *u;

	HASH_FIND(hh, s->subs, tag.p, tag.n, u);
	return u;
}

/* ---- NOTIFY ---- */

static void on_notified(struct scscf *s, const char *key, struct sip_msg *resp, int err)
{
	struct sub *u = sub_find(s, str_of(key));

	if (!u || (resp && sip_msg_status(resp) < 300))
		return;
	log_info("subscription of %s to the reg event ends: NOTIFY: %s", u->watcher,
		 resp ? sip_reason_phrase(sip_msg_status(resp)) : strerror(-err));
	sub_end(u);
}

static uint32_t sub_left(const struct sub *u)
{
	uint64_t now = now_wall(u->s);

	return u->expires_at > now ? (uint32_t)((u->expires_at - now) / USEC_PER_SEC) : 0;
}

static void sub_save(const struct sub *u);

/* 5.4.2.1.2: a charging identity of its own, orig-ioi of type 1. */
static int add_charging(struct scscf *s, struct sip_msg *m)
{
	const struct conf *c = s->env.conf;
	char icid[TAG_LEN + 1];

	sip_random_token(icid, TAG_LEN);
	return sip_msg_set(m, SIP_H_P_CHARGING_VECTOR,
			   "icid-value=\"%s\";icid-generated-at=%s;orig-ioi=%s", icid,
			   c->scscf.name, c->network.domain);
}

/* reason NULL: goes on. */
static void notify(struct sub *u, bool last, const char *reason)
{
	struct sip_msg *m = sip_dlg_request(u->dlg, "NOTIFY", 0);
	_cleanup_sbuf_ struct sbuf body = { 0 };
	int r = m ? 0 : -ENOMEM;

	reginfo_write(u->irs, u->version++, last, &body);
	if (r == 0)
		r = sip_msg_set(m, SIP_H_CONTACT, "<%s>", u->s->uri);
	if (r == 0)
		r = sip_msg_set(m, SIP_H_EVENT, "reg");
	if (r == 0)
		r = add_charging(u->s, m);
	if (r == 0 && reason)
		r = sip_msg_set(m, SIP_H_SUBSCRIPTION_STATE, "terminated;reason=%s", reason);
	else if (r == 0)
		r = sip_msg_set(m, SIP_H_SUBSCRIPTION_STATE, "active;expires=%u", sub_left(u));
	if (r == 0 && !body.failed)
		r = sip_msg_set_body(m, "application/reginfo+xml", body.p, body.n);
	if (r < 0 || body.failed) {
		sip_msg_unref(m);
		return;
	}
	metric_inc(&m_notifies);
	uac_send(u->s, m, reason ? NULL : on_notified, u->tag);
}

/* A NOTIFY that cannot be sent ends the subscription at once: u may be gone afterwards. */
static void notify_and_save(struct sub *u)
{
	struct scscf *s = u->s;
	char tag[TAG_LEN + 1];

	memcpy(tag, u->tag, sizeof(tag));
	notify(u, false, NULL);
	u = sub_find(s, str_of(tag));
	if (u)
		sub_save(u); /* with the CSeq and version that were just used */
}

static void notify_last(struct sub *u, bool set_ends, const char *reason)
{
	notify(u, set_ends, reason);
	sub_end(u);
}

void regevent_notify(struct irs *r, bool last)
{
	struct sub *u, *tmp;

	DL_FOREACH_SAFE (r->subs, u, tmp) {
		if (last)
			notify_last(u, true, "noresource");
		else
			notify_and_save(u);
	}
}

static void on_sub_expiry(struct timer *t)
{
	struct sub *u = container_of(t, struct sub, timer);

	notify_last(u, false, "timeout");
}

/* ---- who may subscribe ---- */

static struct irs *set_of(struct scscf *s, const struct sip_msg *m)
{
	char canon[ID_MAX];
	struct impu *u;

	if (sip_uri_canon(sip_msg_ruri(m), canon, sizeof(canon)) < 0)
		return NULL;
	u = impu_find(s, str_of(canon));
	return u && irs_active(u->irs) ? u->irs : NULL;
}

bool regevent_wants(struct scscf *s, const struct sip_msg *m)
{
	struct str event = sip_msg_value(m, SIP_H_EVENT), name = event;
	char canon[ID_MAX];

	str_split(&event, ';', &name);
	return sip_msg_method(m) == SIP_M_SUBSCRIBE && str_ieqz(str_trim(name), "reg") &&
	       sip_uri_canon(sip_msg_ruri(m), canon, sizeof(canon)) == 0 &&
	       impu_find(s, str_of(canon));
}

static bool is_in_path(const struct irs *r, struct str host)
{
	const struct contact *c;

	DL_FOREACH (r->contacts, c) {
		struct str rest = str_of(c->path), one;

		while (str_split(&rest, ',', &one)) {
			struct sip_name_addr na;
			struct sip_uri u;

			if (sip_name_addr_parse(str_trim(one), &na) == 0 &&
			    sip_uri_parse(na.uri, &u) == 0 && str_ieq(u.host, host))
				return true;
		}
	}
	return false;
}

static bool is_allowed(struct irs *r, struct str identity)
{
	char canon[ID_MAX];
	struct impu *u;
	struct sip_uri uri;

	if (sip_uri_canon(identity, canon, sizeof(canon)) == 0) {
		u = impu_find(r->s, str_of(canon));
		if (u && u->irs == r)
			return !u->barred;
	}
	return sip_uri_parse(identity, &uri) == 0 && !uri.is_tel && is_in_path(r, uri.host);
}

/* The asserted identity that gives the right to subscribe. */
static bool find_watcher(struct irs *r, const struct sip_msg *m, struct str *ret)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	while (sip_msg_next_elem(m, SIP_H_P_ASSERTED_IDENTITY, &e)) {
		if (sip_name_addr_parse(e.text, &na) == 0 && is_allowed(r, na.uri)) {
			*ret = na.uri;
			return true;
		}
	}
	return false;
}

/* ---- SUBSCRIBE ---- */

static uint32_t wanted_expires(const struct sip_msg *m)
{
	uint32_t v;

	if (sip_msg_u32(m, SIP_H_EXPIRES, &v) < 0)
		return EXPIRES_MAX;
	return MIN(v, (uint32_t)EXPIRES_MAX);
}

static int respond_ok(struct scscf *s, struct sip_stx *stx, const char *tag, uint32_t expires)
{
	_cleanup_msg_ struct sip_msg *resp =
		sip_msg_new_response(sip_stx_request(stx), 200, NULL, tag);
	int r = resp ? sip_msg_set(resp, SIP_H_CONTACT, "<%s>", s->uri) : -ENOMEM;

	if (r == 0)
		r = sip_msg_set(resp, SIP_H_EXPIRES, "%u", expires);
	if (r == 0)
		r = sip_stx_respond(stx, resp);
	if (r < 0 && !sip_stx_done(stx))
		sip_stx_reply(stx, 500, NULL, NULL);
	return r;
}

static void arm(struct sub *u, uint32_t expires)
{
	u->expires_at = now_wall(u->s) + expires * USEC_PER_SEC;
	u->timer.fn = on_sub_expiry;
	timer_start(u->s->env.loop, &u->timer, expires * USEC_PER_SEC);
}

static size_t count_subs(const struct irs *r)
{
	const struct sub *u;
	size_t n = 0;

	DL_FOREACH (r->subs, u)
		n++;
	return n;
}

static struct sub *sub_link(struct scscf *s, struct irs *r, struct sub *u)
{
	u->s = s;
	u->irs = r;
	HASH_ADD_STR(s->subs, tag, u);
	DL_APPEND(r->subs, u);
	g_subs.value++;
	return u;
}

static struct sub *sub_new(struct irs *r, struct sip_msg *m, struct str watcher)
{
	struct sub *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	sip_random_token(u->tag, TAG_LEN);
	u->watcher = str_dup(watcher);
	if (!u->watcher || sip_dlg_uas(m, u->tag, &u->dlg) < 0) {
		free(u->watcher);
		free(u);
		return NULL;
	}
	return sub_link(r->s, r, u);
}

static void begin(struct sub *u, struct sip_stx *stx, uint32_t expires)
{
	arm(u, expires);
	if (respond_ok(u->s, stx, u->tag, expires) < 0) {
		sub_end(u);
		return;
	}
	if (!expires) { /* a look at the state, no more (RFC 6665 4.4.3) */
		notify_last(u, false, "timeout");
		return;
	}
	notify_and_save(u);
}

void regevent_subscribe(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct irs *r = set_of(s, m);
	struct str watcher;
	struct sub *u;

	if (!r) {
		sip_stx_reply(stx, 480, NULL, NULL);
		return;
	}
	if (!find_watcher(r, m, &watcher)) {
		sip_stx_reply(stx, 403, NULL, "Not one of the user's identities nor its P-CSCF");
		return;
	}
	if (count_subs(r) >= SUBS_MAX) {
		sip_stx_reply(stx, 403, NULL, "Too many subscriptions");
		return;
	}
	u = sub_new(r, m, watcher);
	if (!u) {
		sip_stx_reply(stx, 400, NULL, "From, To or Contact cannot be read");
		return;
	}
	begin(u, stx, wanted_expires(m));
}

static void refresh(struct sub *u, struct sip_stx *stx, struct sip_msg *m)
{
	uint32_t expires = wanted_expires(m);

	sip_dlg_update_target(u->dlg, m);
	respond_ok(u->s, stx, u->tag, expires);
	if (!expires) {
		notify_last(u, false, "timeout");
		return;
	}
	arm(u, expires);
	notify_and_save(u);
}

bool regevent_in_dialog(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct sub *u = sub_find(s, sip_msg_to_tag(m));
	int r;

	if (!u)
		return false;
	r = sip_dlg_check(u->dlg, m);
	if (r == -ENOENT)
		return false;
	if (r < 0)
		sip_stx_reply(stx, 500, NULL, "CSeq is not higher than before");
	else if (sip_msg_method(m) != SIP_M_SUBSCRIBE)
		sip_stx_reply(stx, 405, NULL, NULL);
	else
		refresh(u, stx, m);
	return true;
}

/* ---- storing ---- */

static void sub_save(const struct sub *u)
{
	_cleanup_sbuf_ struct sbuf b = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct impu *id = irs_default(u->irs);
	json_t *dlg;

	if (!u->s->env.store || !id)
		return;
	dlg = sip_dlg_save(u->dlg);
	text = dlg ? json_dumps(dlg, JSON_COMPACT) : NULL;
	json_decref(dlg);
	if (!text)
		return;
	sbuf_put_u64(&b, RECORD_VERSION);
	sbuf_put_str(&b, str_of(u->tag));
	sbuf_put_str(&b, str_of(id->canon));
	sbuf_put_str(&b, str_of(u->watcher));
	sbuf_put_u64(&b, u->expires_at);
	sbuf_put_u64(&b, u->version);
	sbuf_put_str(&b, str_of(text));
	if (!b.failed)
		persist_sub(u->s, u->tag, sbuf_str(&b));
}

static int load_dlg(struct str text, struct sip_dlg **ret)
{
	json_t *j = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	int r = j ? sip_dlg_load(j, ret) : -EINVAL;

	json_decref(j);
	return r;
}

/* -ESTALE: its set or its time is gone. */
int sub_restore(struct scscf *s, struct cursor *c)
{
	uint64_t version = cur_u64(c), until;
	struct str tag = cur_str(c), id = cur_str(c), watcher = cur_str(c), dlg;
	struct impu *impu = impu_find(s, id.p ? id : STR(""));
	struct sub *u;
	uint32_t doc;

	until = cur_u64(c);
	doc = (uint32_t)cur_u64(c);
	dlg = cur_str(c);
	if (c->failed || version != RECORD_VERSION || tag.n != TAG_LEN)
		return -EINVAL;
	if (!impu || until <= now_wall(s) || sub_find(s, tag))
		return -ESTALE;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->watcher = str_dup(watcher);
	if (!u->watcher || load_dlg(dlg, &u->dlg) < 0) {
		free(u->watcher);
		free(u);
		return -EINVAL;
	}
	str_copy(u->tag, sizeof(u->tag), tag);
	u->version = doc;
	sub_link(s, impu->irs, u);
	arm(u, (uint32_t)((until - now_wall(s)) / USEC_PER_SEC + 1));
	return 0;
}

json_t *regevent_json(const struct irs *r)
{
	json_t *list = json_array();
	const struct sub *u;

	DL_FOREACH (r->subs, u)
		json_array_append_new(list, json_pack("{s:s,s:I}", "watcher", u->watcher, "expires",
						      (json_int_t)sub_left(u)));
	return list;
}
