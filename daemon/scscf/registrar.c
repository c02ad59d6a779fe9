// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registrar: TS 24.229 5.4.1, RFC 3261 10.3, RFC 3327 (Path), RFC 3608 (Service-Route),
 * RFC 7315 4.1 (P-Associated-URI).
 *
 * A REGISTER is read into a struct reg_op, authenticated by auth.c, and comes back to
 * registrar_accept(). Bindings change all or not at all. Invariants: every REGISTER gets exactly
 * one final response; the order of one device's requests is kept by Call-ID and CSeq.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

static const char *const extensions[] = { "path", "outbound", "gruu", "timer" };

void reg_op_free(struct reg_op *op)
{
	sip_stx_unref(op->stx);
	free(op);
}

void reg_op_refuse(struct reg_op *op, int status, const char *reason, const char *warning)
{
	if (!sip_stx_done(op->stx))
		sip_stx_reply(op->stx, status, reason, warning);
	reg_op_free(op);
}

int cx_failure_status(int result)
{
	return result == CX_TIMEOUT ? 504 : 480;
}

/* ---- reading ---- */

static uint32_t wanted_expires(const struct scscf *s, struct str param, uint32_t by_default)
{
	const struct conf_scscf *c = &s->env.conf->scscf;
	uint64_t v = by_default;

	/* RFC 3261 20.10, 20.19: a malformed value counts as 3600 */
	if (param.p && str_to_u64(str_trim(param), UINT32_MAX, &v) < 0)
		v = 3600;
	return (uint32_t)MIN(v, (uint64_t)c->max_expires_s);
}

static uint32_t wanted_q(struct str params)
{
	struct str v;
	uint32_t q = 0, unit = 100;

	if (!sip_param(params, "q", &v) || !v.n)
		return 1000;
	if (v.p[0] == '1')
		return 1000;
	for (size_t i = 2; i < v.n && i < 5 && v.p[i] >= '0' && v.p[i] <= '9'; i++, unit /= 10)
		q += (uint32_t)(v.p[i] - '0') * unit;
	return q;
}

static int read_binding(struct reg_op *op, struct str elem, uint32_t by_default)
{
	struct binding *b = &op->b[op->n];
	struct sip_name_addr na;
	struct sip_uri u;
	struct str v = { NULL, 0 };

	if (op->n == CONTACTS_MAX)
		return -E2BIG;
	if (sip_name_addr_parse(elem, &na) < 0 || sip_uri_parse(na.uri, &u) < 0 || u.is_tel)
		return -EINVAL;
	sip_param(na.params, "expires", &v);
	*b = (struct binding){ .uri = na.uri, .params = na.params };
	b->expires = wanted_expires(op->s, v, by_default);
	b->q = wanted_q(na.params);
	op->removes_all = op->removes_all && !b->expires;
	op->n++;
	return 0;
}

static int read_contacts(struct reg_op *op, const struct sip_msg *m)
{
	uint32_t by_default = op->s->env.conf->scscf.default_expires_s, v;
	struct sip_elem e = { 0 };
	int r = sip_msg_u32(m, SIP_H_EXPIRES, &v);

	if (r != -ENOENT)
		by_default = r == 0 ? MIN(v, op->s->env.conf->scscf.max_expires_s) : 3600;
	op->removes_all = true;
	while (sip_msg_next_elem(m, SIP_H_CONTACT, &e)) {
		op->star = op->star || str_eqz(e.text, "*");
		if (str_eqz(e.text, "*"))
			continue;
		r = read_binding(op, e.text, by_default);
		if (r < 0)
			return r;
	}
	if (op->star && (op->n || by_default)) /* RFC 3261 10.2.2 */
		return -EINVAL;
	op->removes_all = op->removes_all && (op->n || op->star);
	return 0;
}

/* Without Authorization the IMPI is the IMPU without scheme (TS 24.229 5.4.1.2.1, note). */
static int read_identities(struct reg_op *op, const struct sip_msg *m)
{
	struct str v = sip_msg_value(m, SIP_H_AUTHORIZATION);
	struct sip_name_addr to;
	int r = sip_name_addr_parse(sip_msg_value(m, SIP_H_TO), &to);

	if (r == 0)
		r = sip_uri_canon(to.uri, op->impu, sizeof(op->impu));
	if (r < 0)
		return r;
	if (v.n) {
		r = sip_digest_read(v, &op->d);
		if (r < 0)
			return r;
		op->has_digest = true;
		op->protected = str_ieqz(op->d.integrity_protected, "yes");
		op->unprotected = str_ieqz(op->d.integrity_protected, "no");
	}
	v = op->d.username.n ? op->d.username : str_of(strchr(op->impu, ':') + 1);
	return str_copy(op->impi, sizeof(op->impi), v);
}

static bool too_brief(const struct reg_op *op)
{
	for (size_t i = 0; i < op->n; i++) {
		if (op->b[i].expires && op->b[i].expires < op->s->env.conf->scscf.min_expires_s)
			return true;
	}
	return false;
}

static void reply_with(struct reg_op *op, int status, enum sip_hdr id, const char *value)
{
	_cleanup_msg_ struct sip_msg *resp =
		sip_msg_new_response(sip_stx_request(op->stx), status, NULL, NULL);

	if (resp && sip_msg_set(resp, id, "%s", value) == 0)
		sip_stx_respond(op->stx, resp);
	reg_op_refuse(op, status, NULL, NULL); /* only if that did not work */
}

static void reply_too_brief(struct reg_op *op)
{
	char v[16];

	snprintf(v, sizeof(v), "%u", op->s->env.conf->scscf.min_expires_s);
	reply_with(op, 423, SIP_H_MIN_EXPIRES, v);
}

/* Option tags of Require that nobody here knows (RFC 3261 8.2.2.3). */
static void unknown_extensions(const struct sip_msg *m, struct sbuf *b)
{
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_REQUIRE, &e)) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
			known = known || str_ieqz(str_trim(e.text), extensions[i]);
		if (known)
			continue;
		if (b->n)
			sbuf_addz(b, ", ");
		sbuf_add(b, str_trim(e.text));
	}
}

void registrar_request(struct scscf *s, struct sip_stx *stx, struct sip_msg *m)
{
	struct reg_op *op = calloc(1, sizeof(*op));
	_cleanup_sbuf_ struct sbuf unknown = { 0 };
	int r;

	metric_inc(&m_registers);
	if (!op) {
		sip_stx_reply(stx, 500, NULL, NULL);
		return;
	}
	op->s = s;
	op->stx = sip_stx_ref(stx);
	unknown_extensions(m, &unknown);
	if (unknown.n) {
		reply_with(op, 420, SIP_H_UNSUPPORTED, unknown.p);
		return;
	}
	r = read_identities(op, m);
	if (r == 0)
		r = read_contacts(op, m);
	if (r < 0)
		reg_op_refuse(op, r == -E2BIG ? 403 : 400, NULL,
			      r == -E2BIG ? "Too many contacts"
					  : "To, Authorization or Contact cannot be read");
	else if (too_brief(op))
		reply_too_brief(op);
	else
		auth_register(op);
}

/* ---- answering ---- */

static void add_contacts(struct sip_msg *resp, const struct irs *r)
{
	const struct contact *c;

	DL_FOREACH (r->contacts, c) {
		if (!contact_is_ended(c))
			sip_msg_add(resp, SIP_H_CONTACT, "<%s>%s;expires=%u", c->uri,
				    c->params ? c->params : "", contact_expires(c));
	}
}

static void add_charging(struct scscf *s, struct sip_msg *resp, const struct sip_msg *req)
{
	struct str v = sip_msg_value(req, SIP_H_P_CHARGING_VECTOR), ioi;

	if (!v.n)
		return;
	/* TS 24.229 5.4.1.2.2: orig-ioi of type 1 back, term-ioi is this network */
	if (sip_param(v, "term-ioi", &ioi))
		sip_msg_set(resp, SIP_H_P_CHARGING_VECTOR, "%.*s", STR_FMT(v));
	else
		sip_msg_set(resp, SIP_H_P_CHARGING_VECTOR, "%.*s;term-ioi=%s", STR_FMT(v),
			    s->env.conf->network.domain);
}

static struct sip_msg *make_ok(struct scscf *s, struct sip_msg *req, const struct irs *r)
{
	struct sip_msg *resp = sip_msg_new_response(req, 200, NULL, NULL);
	_cleanup_sbuf_ struct sbuf ids = { 0 };
	const struct sip_hf *hf = NULL;

	if (!resp)
		return NULL;
	while ((hf = sip_msg_next(req, SIP_H_PATH, hf)))
		sip_msg_add(resp, SIP_H_PATH, "%.*s", STR_FMT(hf->value));
	add_charging(s, resp, req);
	if (!r)
		return resp;
	add_contacts(resp, r);
	irs_associated_uri(r, &ids);
	if (irs_active(r))
		sip_msg_add(resp, SIP_H_SERVICE_ROUTE, "%s", s->service_route);
	if (ids.n)
		sip_msg_add(resp, SIP_H_P_ASSOCIATED_URI, "%s", ids.p);
	return resp;
}

/* r may be NULL: nobody is registered. Frees op. */
static void answer_ok(struct reg_op *op, const struct irs *r)
{
	_cleanup_msg_ struct sip_msg *resp = make_ok(op->s, sip_stx_request(op->stx), r);

	if (resp)
		sip_stx_respond(op->stx, resp);
	reg_op_refuse(op, 500, NULL, NULL); /* only if that did not work */
}

/* ---- binding ---- */

bool next_param(struct str *rest, struct str *ret)
{
	while (rest->n) {
		size_t from = rest->p[0] == ';', n = from;
		bool quoted = false;

		while (n < rest->n && (quoted || rest->p[n] != ';')) {
			if (rest->p[n] == '"' && (!n || rest->p[n - 1] != '\\'))
				quoted = !quoted;
			n++;
		}
		*ret = str_trim((struct str){ rest->p + from, n - from });
		rest->p += n;
		rest->n -= n;
		if (ret->n)
			return true;
	}
	return false;
}

/* Parameters that are kept: all but those that the answer sets itself. */
static void kept_params(struct str params, struct sbuf *b)
{
	struct str one;

	while (next_param(&params, &one)) {
		if (one.n >= 8 && str_ieqz((struct str){ one.p, 8 }, "expires="))
			continue;
		sbuf_addz(b, ";");
		sbuf_add(b, one);
	}
}

static void joined_path(const struct sip_msg *m, struct sbuf *b)
{
	struct sip_elem e = { 0 };

	while (sip_msg_next_elem(m, SIP_H_PATH, &e)) {
		if (b->n)
			sbuf_addz(b, ", ");
		sbuf_add(b, str_trim(e.text));
	}
}

/* RFC 3261 10.3 step 7: a request that is older than what it changes. */
static bool is_old(const struct reg_op *op, struct irs *r, const struct impi *i)
{
	const struct sip_msg *m = sip_stx_request(op->stx);
	const struct contact *c;

	DL_FOREACH (r->contacts, c) {
		if (c->impi == i && c->call_id && str_eqz(sip_msg_call_id(m), c->call_id) &&
		    sip_msg_cseq(m) <= c->cseq)
			return true;
	}
	return false;
}

static bool is_named(const struct reg_op *op, const struct contact *c)
{
	for (size_t i = 0; i < op->n; i++) {
		if (str_eqz(op->b[i].uri, c->uri))
			return true;
	}
	return false;
}

static struct str reg_id_of(struct str params)
{
	struct str v;

	return sip_param(params, "reg-id", &v) ? v : (struct str){ NULL, 0 };
}

/*
 * A device that comes back from another address has one contact, not two (5.4.1.2.1): what its IMPI
 * had before goes, unless both are flows of RFC 5626 with different reg-id.
 */
static void end_replaced(const struct reg_op *op, struct irs *r, const struct impi *i)
{
	struct str id = reg_id_of(op->b[0].params), other;
	struct contact *c;

	DL_FOREACH (r->contacts, c) {
		if (c->impi != i || contact_is_ended(c) || is_named(op, c))
			continue;
		other = reg_id_of(str_of(c->params));
		if (id.n && other.n && !str_eq(id, other))
			continue;
		contact_end(c, CE_DEACTIVATED);
	}
}

static int bind_one(struct reg_op *op, struct irs *r, struct impi *i, const struct binding *b,
		    struct str path)
{
	const struct sip_msg *m = sip_stx_request(op->stx);
	_cleanup_sbuf_ struct sbuf params = { 0 };
	struct binding kept = *b;
	struct contact *c;

	if (!b->expires) {
		c = contact_find(r, i, b->uri);
		if (c)
			contact_end(c, CE_UNREGISTERED);
		return 0;
	}
	kept_params(b->params, &params);
	kept.params = sbuf_str(&params);
	c = contact_bind(r, i, &kept, path, sip_msg_call_id(m), sip_msg_cseq(m));
	if (!c)
		return -ENOMEM;
	c->aor = impu_find(op->s, str_of(op->impu))->id;
	return 0;
}

static int bind_all(struct reg_op *op, struct irs *r, struct impi *i)
{
	_cleanup_sbuf_ struct sbuf path = { 0 };
	struct contact *c;
	int err = 0;

	joined_path(sip_stx_request(op->stx), &path);
	for (size_t k = 0; k < op->n && err == 0; k++)
		err = bind_one(op, r, i, &op->b[k], sbuf_str(&path));
	if (err == 0 && op->n && !op->removes_all)
		end_replaced(op, r, i);
	DL_FOREACH (r->contacts, c) {
		if (op->star && c->impi == i && !contact_is_ended(c))
			contact_end(c, CE_UNREGISTERED);
	}
	return err;
}

static void log_bound(const struct reg_op *op)
{
	log_info("%s %s as %s", op->removes_all ? "de-registered" : "registered", op->impi,
		 op->impu);
}

static void apply(struct reg_op *op, struct irs *r)
{
	struct impi *i = impi_get(op->s, str_of(op->impi));

	if (!i) {
		if (!irs_active(r))
			irs_free(r);
		reg_op_refuse(op, 500, NULL, NULL);
		return;
	}
	if (is_old(op, r, i)) {
		impi_settle(op->s, i);
		reg_op_refuse(op, 500, NULL, "CSeq is not higher than before");
		return;
	}
	if (bind_all(op, r, i) < 0) {
		irs_changed(r, CX_USER_DEREGISTRATION);
		impi_settle(op->s, impi_find(op->s, str_of(op->impi)));
		reg_op_refuse(op, 500, NULL, NULL);
		return;
	}
	if (!op->removes_all)
		i->auth_at = i->auth_at ? i->auth_at : now_wall(op->s);
	if (op->n || op->star)
		log_bound(op);
	answer_ok(op, r); /* before NOTIFY: the device must know first (5.4.2.1.2) */
	irs_changed(r, CX_USER_DEREGISTRATION);
}

/* ---- assignment ---- */

static void refuse_saa(struct reg_op *op, int result)
{
	log_info("register %s: not assigned: %s", op->impi, cx_result_name(result));
	if (result < 0 || result / 1000 == 3 || result == CX_UNABLE_TO_COMPLY) {
		metric_inc(&m_cx_failures);
		reg_op_refuse(op, cx_failure_status(result), NULL, "No usable answer from the HSS");
	} else {
		reg_op_refuse(op, 403, NULL, NULL);
	}
}

/*
 * The identity to register must be in the set, and the set must have one that is not barred. Itself it may be
 * barred: the temporary public user identity always is, and serves registration alone
 * (TS 23.003 13.4B, TS 23.228 4.3.3.2).
 */
static bool may_register(struct reg_op *op, const struct irs *r)
{
	const struct impu *u = impu_find(op->s, str_of(op->impu));

	return u && u->irs == r && irs_default(r);
}

/* The SAA led to nothing. */
static void end_assigning(struct reg_op *op)
{
	impi_settle(op->s, impi_find(op->s, str_of(op->impi)));
}

static int set_from_saa(struct reg_op *op, const struct cx_saa *a, struct irs **ret)
{
	struct profile p;
	int r = profile_parse(a->user_data, &p);

	if (r < 0)
		return r;
	r = irs_from_profile(op->s, &p, ret);
	profile_free(&p);
	return r;
}

static void on_saa(void *arg, const struct cx_saa *a)
{
	struct reg_op *op = arg;
	struct irs *r;
	int err;

	if (a->result != CX_SUCCESS) {
		end_assigning(op);
		refuse_saa(op, a->result);
		return;
	}
	err = set_from_saa(op, a, &r);
	if (err < 0) {
		log_warn("register %s: the user profile cannot be used: %s", op->impi,
			 strerror(-err));
		cx_tell(op->s, str_of(op->impi), NULL, str_of(op->impu), CX_USER_DEREGISTRATION);
		end_assigning(op);
		reg_op_refuse(op, 480, NULL, "The user profile cannot be used");
		return;
	}
	if (!may_register(op, r)) {
		end_assigning(op);
		reg_op_refuse(op, 403, NULL, "Every identity of the registration set is barred");
		if (!irs_active(r))
			irs_free(r);
		return;
	}
	apply(op, r);
}

static void assign(struct reg_op *op)
{
	struct scscf *s = op->s;
	struct cx_sar q = {
		.user_name = str_of(op->impi),
		.server_name = str_of(s->uri),
		.public_identity = { str_of(op->impu) },
		.n_public_identity = 1,
		.assignment_type = CX_SA_REGISTRATION,
	};

	if (s->env.cx->sar(s->env.cx_link, &q, on_saa, op) < 0)
		on_saa(op, &(struct cx_saa){ .result = CX_NO_PEER });
}

/* Nothing here to remove: the HSS may still believe that there is. */
static void accept_removal_of_nothing(struct reg_op *op)
{
	impi_settle(op->s, impi_find(op->s, str_of(op->impi)));
	if (op->removes_all)
		cx_tell(op->s, str_of(op->impi), NULL, str_of(op->impu), CX_USER_DEREGISTRATION);
	answer_ok(op, NULL);
}

void registrar_accept(struct reg_op *op)
{
	struct impu *u = impu_find(op->s, str_of(op->impu));
	struct impi *i = impi_find(op->s, str_of(op->impi));

	if (u && irs_active(u->irs) && i && i->n_contacts) {
		if (may_register(op, u->irs))
			apply(op, u->irs);
		else
			reg_op_refuse(op, 403, NULL,
				      "Every identity of the registration set is barred");
	} else if (op->removes_all || !op->n) {
		accept_removal_of_nothing(op);
	} else {
		assign(op); /* also a second device of a registered identity: the HSS must know */
	}
}
