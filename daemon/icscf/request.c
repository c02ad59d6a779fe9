// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Initial requests other than REGISTER at the I-CSCF: TS 24.229 5.3.2.1, TS 29.228 6.1.4.
 *
 * Invariants: the Request-URI leaves as it came; the S-CSCF's name is the only Route added; a
 * domain that is not ours is not served.
 */
#include "icscf/priv.h"

#include <stdio.h>

#include "lib/core/log.h"

struct req_op {
	struct icscf *i;
	struct sip_stx *stx;
	bool orig; /* AS originating on behalf of a user: "orig" parameter (5.3.2.1A) */
	char impu[ICSCF_ID_MAX];
};

static void op_free(struct req_op *op)
{
	sip_stx_unref(op->stx);
	free(op);
}

static void forward(struct req_op *op, struct str server)
{
	struct icscf *i = op->i;
	struct sip_target t = { 0 };
	struct sip_uri u;
	char route[ICSCF_ID_MAX + 16];
	struct str v;
	int r;

	if (sip_uri_parse(server, &u) < 0 || u.is_tel || server.n > ICSCF_ID_MAX ||
	    memchr(server.p, '>', server.n)) {
		sip_stx_reply(op->stx, 480, NULL, "The HSS named no usable S-CSCF");
		return;
	}
	snprintf(route, sizeof(route), "<%.*s%s%s>", STR_FMT(server),
		 sip_param(u.params, "lr", &v) ? "" : ";lr", op->orig ? ";orig" : "");
	t.route = route;
	r = sip_proxy_forward(i->stack, i->env.resolver, op->stx, sip_stx_request(op->stx), &t, 1,
			      0, NULL, NULL, NULL);
	if (r < 0 && !sip_stx_done(op->stx))
		sip_stx_reply(op->stx, 500, NULL, NULL);
}

static void choose_and_forward(struct req_op *op, const struct cx_lia *a)
{
	struct icscf_servers *l = &op->i->servers;
	int k;

	if (a->server_name.n) {
		forward(op, a->server_name);
		return;
	}
	k = icscf_select(l, &a->caps, 0, str_of(op->impu));
	if (k < 0) {
		sip_stx_reply(op->stx, 480, NULL, "No S-CSCF fits");
		return;
	}
	l->s[k].chosen++;
	forward(op, str_of(l->s[k].uri));
}

static void refuse(struct req_op *op, int result)
{
	int status = icscf_cx_failure_status(result);

	if (result == CX_USER_UNKNOWN)
		status = 404;
	else if (result == CX_IDENTITY_NOT_REGISTERED)
		status = 480;
	else
		metric_inc(&icscf_m_cx_failed);
	metric_inc(&icscf_m_refused);
	log_debug("request for %s: %s: %d", op->impu, cx_result_name(result), status);
	sip_stx_reply(op->stx, status, NULL,
		      status == 504 ? "No answer from the HSS in time" : NULL);
}

static void on_lia(void *arg, const struct cx_lia *a)
{
	struct req_op *op = arg;

	if (a->result == CX_SUCCESS || a->result == CX_UNREGISTERED_SERVICE)
		choose_and_forward(op, a);
	else
		refuse(op, a->result);
	op_free(op);
}

static bool is_home(const struct icscf *i, const struct sip_uri *u)
{
	return u->is_tel || str_ieqz(u->host, i->env.conf->network.domain);
}

/*
 * The identity to ask for (5.3.2.1): a sip URI that is a telephone number (user=phone) is asked for
 * as tel URI, everything else as it stands.
 */
static int read_identity(struct str ruri, const struct sip_uri *u, char *dst, size_t size)
{
	char tel[ICSCF_ID_MAX];
	struct str v;

	if (!u->is_tel && u->user.n && u->user.p[0] == '+' && sip_param(u->params, "user", &v) &&
	    str_ieqz(v, "phone")) {
		if (snprintf(tel, sizeof(tel), "tel:%.*s", STR_FMT(u->user)) >= (int)sizeof(tel))
			return -ENOSPC;
		return sip_uri_canon(str_of(tel), dst, size);
	}
	return sip_uri_canon(ruri, dst, size);
}

static void ask(struct req_op *op)
{
	struct cx_lir r = { .public_identity = str_of(op->impu),
			    .originating = op->orig,
			    .auth_type = -1 };

	if (op->i->env.cx->lir(op->i->env.cx_link, &r, on_lia, op) < 0)
		on_lia(op, &(struct cx_lia){ .result = CX_NO_PEER });
}

/* With "orig" the served user is who the AS says it is, not the Request-URI. */
static int read_served_user(const struct sip_msg *m, char *dst, size_t size)
{
	struct str v = sip_msg_value(m, SIP_H_P_SERVED_USER);
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (!v.n && sip_msg_next_elem(m, SIP_H_P_ASSERTED_IDENTITY, &e))
		v = e.text;
	if (!v.n || sip_name_addr_parse(v, &na) < 0)
		return -EINVAL;
	return sip_uri_canon(na.uri, dst, size);
}

static bool wants_orig(struct str my_route)
{
	struct sip_uri u;
	struct str v;

	return my_route.n && sip_uri_parse(my_route, &u) == 0 && sip_param(u.params, "orig", &v);
}

void icscf_request(struct icscf *i, struct sip_stx *stx, struct sip_msg *m, struct str my_route)
{
	struct str ruri = sip_msg_ruri(m);
	struct req_op *op;
	struct sip_uri u;
	int r;

	metric_inc(&icscf_m_request);
	if (sip_uri_parse(ruri, &u) < 0) {
		sip_stx_reply(stx, 416, NULL, NULL);
		return;
	}
	op = calloc(1, sizeof(*op));
	if (!op) {
		sip_stx_reply(stx, 500, NULL, NULL);
		return;
	}
	*op = (struct req_op){ .i = i, .stx = sip_stx_ref(stx), .orig = wants_orig(my_route) };
	if (!op->orig && !is_home(i, &u)) {
		sip_stx_reply(stx, 404, NULL, "This domain is not served here");
		op_free(op);
		return;
	}
	if (op->orig)
		r = read_served_user(m, op->impu, sizeof(op->impu));
	else
		r = read_identity(ruri, &u, op->impu, sizeof(op->impu));
	if (r < 0) {
		sip_stx_reply(stx, op->orig ? 400 : 404, NULL, NULL);
		op_free(op);
		return;
	}
	ask(op);
}
