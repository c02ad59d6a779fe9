// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REGISTER at the I-CSCF: TS 24.229 5.3.1, TS 29.228 6.1.1.
 *
 * One struct reg_op lives from the UAR to the end of the forwarding. When an S-CSCF that the I-CSCF
 * chose does not serve (3xx, 408, 480, 503, 504 or not reachable), the HSS is asked once more with
 * REGISTRATION_AND_CAPABILITIES and another one is tried (5.3.1.3), as long as there is one.
 *
 * Invariant: references to an op are held by the running Cx question and by each forwarding; the
 * last one to end frees it, and answers the request if nobody has.
 */
#include "icscf/priv.h"

#include "lib/core/log.h"
#include "lib/sip/authhdr.h"

struct reg_op {
	struct icscf *i;
	struct sip_stx *stx;
	int refs;
	uint32_t tried; /* S-CSCFs of the list that were tried */
	bool asked_caps;
	struct sip_fwd *held_by; /* forwarding whose final response waits for the second choice */
	struct sip_msg *held;
	char impi[ICSCF_ID_MAX], impu[ICSCF_ID_MAX], visited[ICSCF_ID_MAX];
	int auth_type;
};

static void op_unref(struct reg_op *op)
{
	if (--op->refs)
		return;
	if (!sip_stx_done(op->stx))
		sip_stx_reply(op->stx, 480, NULL, "No S-CSCF could be reached");
	sip_stx_unref(op->stx);
	free(op);
}

/* ---- what the request says ---- */

static struct str unquote(struct str s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return (struct str){ s.p + 1, s.n - 2 };
	return s;
}

/* No Authorization: the IMPI is the IMPU without scheme and parameters (TS 24.229 5.3.1.2). */
static int read_impi(const struct sip_msg *m, struct reg_op *op)
{
	struct str v = sip_msg_value(m, SIP_H_AUTHORIZATION);
	struct sip_digest d;

	if (v.n && sip_digest_read(v, &d) == 0 && d.username.n)
		return str_copy(op->impi, sizeof(op->impi), d.username);
	v = str_of(strchr(op->impu, ':') + 1);
	return str_copy(op->impi, sizeof(op->impi), v);
}

static bool is_zero(struct str s)
{
	uint64_t v;

	return str_to_u64(str_trim(s), UINT32_MAX, &v) == 0 && v == 0;
}

/* De-registration: every contact is to go (RFC 3261 10.2.2). */
static bool is_deregistration(const struct sip_msg *m)
{
	bool by_default = is_zero(sip_msg_value(m, SIP_H_EXPIRES)), any = false;
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	struct str v;

	while (sip_msg_next_elem(m, SIP_H_CONTACT, &e)) {
		any = true;
		if (str_eqz(e.text, "*"))
			continue;
		if (sip_name_addr_parse(e.text, &na) == 0 && sip_param(na.params, "expires", &v)) {
			if (!is_zero(v))
				return false;
		} else if (!by_default) {
			return false;
		}
	}
	return any;
}

static int read_request(struct sip_msg *m, struct reg_op *op)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr to;
	int r = sip_name_addr_parse(sip_msg_value(m, SIP_H_TO), &to);

	if (r == 0)
		r = sip_uri_canon(to.uri, op->impu, sizeof(op->impu));
	if (r == 0)
		r = read_impi(m, op);
	if (r == 0 && sip_msg_next_elem(m, SIP_H_P_VISITED_NETWORK_ID, &e))
		r = str_copy(op->visited, sizeof(op->visited), unquote(str_trim(e.text)));
	else if (r == 0)
		r = str_copy(op->visited, sizeof(op->visited),
			     str_of(op->i->env.conf->network.domain));
	op->auth_type = is_deregistration(m) ? CX_DE_REGISTRATION : CX_REGISTRATION;
	return r;
}

/* ---- forwarding ---- */

static void ask_capabilities(struct reg_op *op);

static bool wants_other_server(const struct reg_op *op, int status)
{
	if (op->auth_type == CX_DE_REGISTRATION)
		return false;
	return status / 100 == 3 || status == 408 || status == 480 || status == 503 ||
	       status == 504;
}

static int on_response(void *arg, struct sip_fwd *f, struct sip_msg *resp, bool best)
{
	struct reg_op *op = arg;

	if (!best || !wants_other_server(op, sip_msg_status(resp)) || op->held_by)
		return 0;
	if (op->asked_caps && icscf_select(&op->i->servers, &(struct cx_capabilities){ 0 },
					   op->tried, str_of(op->impi)) < 0)
		return 0;
	op->held_by = f;
	op->held = sip_msg_ref(resp);
	ask_capabilities(op);
	return -EAGAIN;
}

static void on_end(void *arg, struct sip_fwd *f, int status _unused_)
{
	struct reg_op *op = arg;

	if (op->held_by == f)
		op->held_by = NULL;
	op_unref(op);
}

static const struct sip_fwd_ops fwd_ops = { .response = on_response, .end = on_end };

static void forward(struct reg_op *op, struct str server)
{
	struct icscf *i = op->i;
	struct sip_target t = { .uri = server, .next_hop = server };
	int k = icscf_server_index(&i->servers, server);
	struct sip_fwd *f;
	int r;

	if (k >= 0) {
		op->tried |= UINT32_C(1) << k;
		i->servers.s[k].chosen++;
	}
	op->refs++;
	r = sip_proxy_forward(i->stack, i->env.resolver, op->stx, sip_stx_request(op->stx), &t, 1,
			      0, &fwd_ops, op, &f);
	if (r < 0) {
		log_debug("register %s: cannot forward: %s", op->impi, strerror(-r));
		op_unref(op);
	}
}

/* The response that waited goes up after all, or is replaced by a second attempt. */
static void settle_held(struct reg_op *op, struct str other_server)
{
	struct sip_fwd *f = op->held_by;
	struct sip_msg *resp = op->held;

	op->held = NULL;
	if (!f) { /* the request ended while the HSS was thinking */
		sip_msg_unref(resp);
		return;
	}
	if (!other_server.n) {
		sip_fwd_resume(f, resp);
		return;
	}
	metric_inc(&icscf_m_reselect);
	sip_fwd_drop(f, resp);
	forward(op, other_server);
}

/* ---- Cx ---- */

int icscf_cx_failure_status(int result)
{
	return result == CX_TIMEOUT ? 504 : 480;
}

static void refuse(struct reg_op *op, int result)
{
	bool failure = result < 0 || result / 1000 == 3 || result == CX_UNABLE_TO_COMPLY;
	int status = failure ? icscf_cx_failure_status(result) : 403;

	log_info("register %s: %s: %d", op->impi, cx_result_name(result), status);
	metric_inc(failure ? &icscf_m_cx_failed : &icscf_m_refused);
	sip_stx_reply(op->stx, status, NULL, failure ? "No usable answer from the HSS" : NULL);
}

static struct str choose(struct reg_op *op, const struct cx_uaa *a)
{
	struct icscf_servers *l = &op->i->servers;
	int k = a->server_name.n ? icscf_server_index(l, a->server_name) : -ENOENT;
	struct sip_uri u;

	if (a->server_name.n && !(k >= 0 && op->tried & UINT32_C(1) << k) &&
	    !(op->asked_caps && k < 0) && sip_uri_parse(a->server_name, &u) == 0)
		return a->server_name;
	k = icscf_select(l, &a->caps, op->tried, str_of(op->impi));
	return k < 0 ? (struct str){ NULL, 0 } : str_of(l->s[k].uri);
}

static bool is_accepted(int result)
{
	return result == CX_SUCCESS || result == CX_FIRST_REGISTRATION ||
	       result == CX_SUBSEQUENT_REGISTRATION || result == CX_SUCCESS_SERVER_NAME_NOT_STORED;
}

static void on_uaa(void *arg, const struct cx_uaa *a)
{
	struct reg_op *op = arg;
	struct str server = { NULL, 0 };

	if (is_accepted(a->result))
		server = choose(op, a);
	if (op->held) {
		settle_held(op, server);
	} else if (server.n) {
		forward(op, server);
	} else if (is_accepted(a->result)) {
		log_warn("register %s: no S-CSCF has the capabilities that the HSS asks for",
			 op->impi);
		sip_stx_reply(
			op->stx, 480, NULL,
			"No S-CSCF fits"); /* TS 24.229 5.3.1.3: 600 is for roaming partners */
	} else {
		refuse(op, a->result);
	}
	op_unref(op);
}

static void ask(struct reg_op *op, int auth_type)
{
	struct cx_uar r = {
		.user_name = str_of(op->impi),
		.public_identity = str_of(op->impu),
		.visited_network = str_of(op->visited),
		.auth_type = auth_type,
	};

	op->refs++;
	if (op->i->env.cx->uar(op->i->env.cx_link, &r, on_uaa, op) < 0)
		on_uaa(op, &(struct cx_uaa){ .result = CX_NO_PEER });
}

static void ask_capabilities(struct reg_op *op)
{
	op->asked_caps = true;
	ask(op, CX_REGISTRATION_AND_CAPABILITIES);
}

void icscf_register(struct icscf *i, struct sip_stx *stx, struct sip_msg *m)
{
	struct reg_op *op = calloc(1, sizeof(*op));

	metric_inc(&icscf_m_register);
	if (!op) {
		sip_stx_reply(stx, 500, NULL, NULL);
		return;
	}
	*op = (struct reg_op){ .i = i, .stx = sip_stx_ref(stx), .refs = 1 };
	if (read_request(m, op) < 0)
		sip_stx_reply(stx, 400, NULL, "To or Authorization cannot be read");
	else
		ask(op, op->auth_type);
	op_unref(op);
}
