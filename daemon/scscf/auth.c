// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Authentication of REGISTER by IMS AKA: TS 24.229 5.4.1.2, TS 33.203 6.1, RFC 3310, RFC 4169;
 * MAR/MAA: TS 29.228 6.3.
 *
 *   REGISTER --MAR/MAA--> 401 (nonce = base64(RAND | AUTN), ck, ik) --> waiting --REGISTER--> done
 *                                                                        | auts: MAR again
 *                                                                        | reg-await-auth: dropped
 *
 * Invariants: an IMPI has at most one challenge that waits, the last one; a challenge is answered
 * at most once; ck and ik are in no other message than the 401 towards the P-CSCF and are not
 * kept; XRES is wiped with the challenge.
 */
#include "scscf/priv.h"

#include "lib/core/log.h"

#define RESYNC_MAX 2 /* of one registration: a SIM that never agrees must not loop */

struct auth {
	struct impi *impi;
	char impu[ID_MAX];
	char nonce[NONCE_MAX];
	uint8_t password[64];
	size_t password_len;
	unsigned int resyncs;
};

/* One MAR under way. */
struct challenge {
	struct reg_op *op;
	unsigned int resyncs;
	uint8_t resync[AKA_RAND_LEN + AKA_AUTS_LEN];
	bool with_auts;
};

void auth_free(struct auth *a)
{
	if (!a)
		return;
	a->impi->auth = NULL;
	aka_wipe(a->password, sizeof(a->password));
	free(a);
}

/* ---- the challenge ---- */

/* TS 24.229 5.4.1.2.1: reg-await-auth has run out; the HSS forgets a first assignment (TS 29.228 6.1.2). */
void auth_timed_out(struct impi *i)
{
	struct scscf *s = i->s;

	log_info("register %s: no answer to the challenge", i->name);
	if (!i->n_contacts && i->auth)
		cx_tell(s, str_of(i->name), NULL, str_of(i->auth->impu), CX_AUTHENTICATION_TIMEOUT);
	auth_free(i->auth);
	impi_event(i, IE_WRONG);
	impi_put(s, i);
}

static int set_password(struct auth *a, const struct cx_auth_item *it)
{
	struct aka_vector v = { 0 };
	int r;

	if (str_ieqz(it->scheme, "Digest-AKAv2-MD5")) {
		memcpy(v.xres, it->authorization.p, it->authorization.n);
		v.xres_len = it->authorization.n;
		memcpy(v.ck, it->ck.p, 16);
		memcpy(v.ik, it->ik.p, 16);
		r = aka_v2_password(&v, (char *)a->password, sizeof(a->password));
		a->password_len = r < 0 ? 0 : strlen((char *)a->password);
		aka_wipe(&v, sizeof(v));
		return r;
	}
	memcpy(a->password, it->authorization.p, it->authorization.n);
	a->password_len = it->authorization.n;
	return 0;
}

static bool item_is_usable(const struct cx_auth_item *it)
{
	return it->authenticate.n == AKA_RAND_LEN + AKA_AUTN_LEN && it->authorization.n >= 4 &&
	       it->authorization.n <= AKA_RES_MAX && it->ck.n == AKA_KEY_LEN &&
	       it->ik.n == AKA_KEY_LEN;
}

static struct auth *auth_new(struct reg_op *op, const struct cx_auth_item *it)
{
	struct scscf *s = op->s;
	struct impi *i = impi_get(s, str_of(op->impi));
	struct auth *a = i ? calloc(1, sizeof(*a)) : NULL;

	if (!a) {
		impi_put(s, i);
		return NULL;
	}
	auth_free(i->auth);
	a->impi = i;
	i->auth = a;
	memcpy(a->impu, op->impu, sizeof(a->impu));
	if (b64_encode((const uint8_t *)it->authenticate.p, it->authenticate.n, a->nonce,
		       sizeof(a->nonce)) < 0 ||
	    set_password(a, it) < 0) {
		auth_free(a);
		impi_put(s, i);
		return NULL;
	}
	impi_event(i, IE_CHALLENGE);
	return a;
}

static const char *algorithm(const struct cx_auth_item *it)
{
	return str_ieqz(it->scheme, "Digest-AKAv2-MD5") ? "AKAv2-MD5" : "AKAv1-MD5";
}

static void send_challenge(struct reg_op *op, const struct cx_auth_item *it, const struct auth *a)
{
	_cleanup_msg_ struct sip_msg *resp =
		sip_msg_new_response(sip_stx_request(op->stx), 401, NULL, NULL);
	char ck[2 * AKA_KEY_LEN + 1], ik[2 * AKA_KEY_LEN + 1];
	int r = -ENOMEM;

	hex_encode((const uint8_t *)it->ck.p, AKA_KEY_LEN, ck);
	hex_encode((const uint8_t *)it->ik.p, AKA_KEY_LEN, ik);
	if (resp)
		r = sip_msg_set(resp, SIP_H_WWW_AUTHENTICATE,
				"Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\", "
				"ck=\"%s\", ik=\"%s\"",
				op->s->env.conf->network.domain, a->nonce, algorithm(it), ck, ik);
	aka_wipe(ck, sizeof(ck));
	aka_wipe(ik, sizeof(ik));
	if (r == 0)
		r = sip_stx_respond(op->stx, resp);
	if (r < 0 && !sip_stx_done(op->stx))
		sip_stx_reply(op->stx, 500, NULL, NULL);
	metric_inc(&m_challenges);
	reg_op_free(op);
}

static void refuse_maa(struct reg_op *op, int result)
{
	log_info("register %s: no vector: %s", op->impi, cx_result_name(result));
	if (result == CX_USER_UNKNOWN || result == CX_IDENTITIES_DONT_MATCH ||
	    result == CX_AUTH_SCHEME_NOT_SUPPORTED) {
		reg_op_refuse(op, 403, NULL, NULL);
		return;
	}
	metric_inc(&m_cx_failures);
	reg_op_refuse(op, cx_failure_status(result), NULL, "No usable answer from the HSS");
}

static void on_maa(void *arg, const struct cx_maa *a)
{
	struct challenge *c = arg;
	struct reg_op *op = c->op;
	unsigned int resyncs = c->resyncs;
	struct auth *auth;

	free(c);
	if (a->result != CX_SUCCESS) {
		refuse_maa(op, a->result);
		return;
	}
	if (!a->n || !item_is_usable(&a->item[0])) {
		refuse_maa(op, CX_BAD_ANSWER);
		return;
	}
	auth = auth_new(op, &a->item[0]);
	if (!auth) {
		reg_op_refuse(op, 500, NULL, NULL);
		return;
	}
	auth->resyncs = resyncs;
	send_challenge(op, &a->item[0], auth);
}

static void ask_vector(struct challenge *c)
{
	struct reg_op *op = c->op;
	struct scscf *s = op->s;
	struct cx_mar r = {
		.user_name = str_of(op->impi),
		.public_identity = str_of(op->impu),
		.server_name = str_of(s->uri),
		.n_items = 1,
		.item = { .number = 1, .scheme = str_of(s->env.conf->scscf.scheme) },
	};

	if (c->with_auts)
		r.item.authorization = (struct str){ (const char *)c->resync, sizeof(c->resync) };
	if (s->env.cx->mar(s->env.cx_link, &r, on_maa, c) < 0)
		on_maa(c, &(struct cx_maa){ .result = CX_NO_PEER });
}

static void challenge(struct reg_op *op)
{
	struct challenge *c = calloc(1, sizeof(*c));

	if (!c) {
		reg_op_refuse(op, 500, NULL, NULL);
		return;
	}
	c->op = op;
	ask_vector(c);
}

/* ---- the answer ---- */

/* TS 33.203 6.1.3, RFC 3310 3.4: the SIM's SQN is ahead of the HSS's; RAND is the one we sent. */
static void resynchronise(struct reg_op *op, struct auth *a)
{
	struct challenge *c = calloc(1, sizeof(*c));
	uint8_t sent[AKA_RAND_LEN + AKA_AUTN_LEN], auts[AKA_AUTS_LEN + 2];

	if (!c) {
		reg_op_refuse(op, 500, NULL, NULL);
		return;
	}
	*c = (struct challenge){ .op = op, .resyncs = a->resyncs + 1, .with_auts = true };
	if (a->resyncs >= RESYNC_MAX ||
	    b64_decode(op->d.auts, auts, sizeof(auts)) != AKA_AUTS_LEN ||
	    b64_decode(str_of(a->nonce), sent, sizeof(sent)) != (int)sizeof(sent)) {
		free(c);
		log_info("register %s: AUTS refused", op->impi);
		reg_op_refuse(op, 403, "Authentication Failed", "AUTS is of no use");
		return;
	}
	memcpy(c->resync, sent, AKA_RAND_LEN);
	memcpy(c->resync + AKA_RAND_LEN, auts, AKA_AUTS_LEN);
	metric_inc(&m_resyncs);
	a->resyncs++; /* it waits on, until the new challenge takes its place */
	ask_vector(c);
}

static bool response_is_right(const struct reg_op *op, const struct auth *a)
{
	struct aka_digest_in in = {
		.username = op->d.username,
		.realm = op->d.realm,
		.nonce = op->d.nonce,
		.uri = op->d.uri,
		.method = STR("REGISTER"),
		.qop = op->d.qop,
		.nc = op->d.nc,
		.cnonce = op->d.cnonce,
		.body = sip_msg_body(sip_stx_request(op->stx)),
		.password = a->password,
		.password_len = a->password_len,
	};
	char hex[33];

	return op->d.response.n == 32 && str_ieqz(op->d.realm, op->s->env.conf->network.domain) &&
	       aka_digest_md5(&in, hex) == 0 && aka_equal(hex, op->d.response.p, 32);
}

/* TS 24.229 5.4.1.2.3: 403, and the HSS is told; a registration that exists stays. */
static void fail(struct reg_op *op, struct auth *a)
{
	struct scscf *s = op->s;
	struct impi *i = a->impi;

	metric_inc(&m_auth_failures);
	log_notice("register %s: authentication failure: the answer to the challenge is wrong",
		   op->impi);
	cx_tell(s, str_of(op->impi), NULL, str_of(op->impu), CX_AUTHENTICATION_FAILURE);
	auth_free(a);
	impi_event(i, IE_WRONG);
	impi_put(s, i);
	reg_op_refuse(op, 403, "Authentication Failed", NULL);
}

static void check(struct reg_op *op, struct auth *a)
{
	struct impi *i = a->impi;

	if (op->d.auts.n) {
		resynchronise(op, a);
		return;
	}
	if (strcmp(a->impu, op->impu) || !response_is_right(op, a)) {
		fail(op, a);
		return;
	}
	auth_free(a);
	i->auth_at = now_wall(op->s);
	impi_event(i, IE_RIGHT);
	registrar_accept(op);
}

/*
 * A protected request of a registered user needs no new challenge to go away, nor to stay when the
 * last authentication is young enough (5.4.1.2.2).
 */
static bool is_trusted(const struct reg_op *op)
{
	const struct impu *u = impu_find(op->s, str_of(op->impu));
	const struct impi *i = impi_find(op->s, str_of(op->impi));
	uint64_t age;

	if (!op->protected || !u || !i || !i->n_contacts || !irs_active(u->irs))
		return false;
	if (op->removes_all)
		return true;
	age = now_wall(op->s) - i->auth_at;
	return age < op->s->env.conf->scscf.reauth_s * USEC_PER_SEC;
}

static bool owns(const struct reg_op *op)
{
	const struct impu *u = impu_find(op->s, str_of(op->impu));
	const struct contact *c;

	DL_FOREACH (u->irs->contacts, c) {
		if (!strcmp(c->impi->name, op->impi))
			return true;
	}
	return false;
}

void auth_register(struct reg_op *op)
{
	struct impi *i = impi_find(op->s, str_of(op->impi));
	struct auth *a = i ? i->auth : NULL;

	/* Only AUTS may come unprotected: without IK no SAs (TS 33.203 7.3.1.2); all else is a new attempt (5.4.1.2.1). */
	if (a && op->has_digest && str_eqz(op->d.nonce, a->nonce) &&
	    (op->d.auts.n || (op->d.response.n && !op->unprotected)))
		check(op, a);
	else if (is_trusted(op) && owns(op))
		registrar_accept(op);
	else
		challenge(op);
}
