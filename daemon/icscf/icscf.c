// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The I-CSCF's object: takes requests off the stack and gives them to their procedure.
 *
 * Requests within a dialog do not pass here (no Record-Route); one that does is sent on by its
 * Route, or refused with 481.
 */
#include "icscf/priv.h"

#include <stdio.h>

#include "lib/core/log.h"
#include "lib/cscf/mw.h"

struct metric icscf_m_register = { .name = "kims_icscf_register_total",
				   .help = "REGISTER requests" };
struct metric icscf_m_request = { .name = "kims_icscf_request_total",
				  .help = "Initial requests other than REGISTER" };
struct metric icscf_m_refused = { .name = "kims_icscf_refused_total",
				  .help = "Requests that the HSS's answer refused" };
struct metric icscf_m_cx_failed = { .name = "kims_icscf_cx_failed_total",
				    .help = "Cx questions without usable answer" };
struct metric icscf_m_reselect = { .name = "kims_icscf_reselect_total",
				   .help = "Registrations given to a second S-CSCF" };
static struct metric icscf_m_untrusted = { .name = "kims_icscf_untrusted_total",
					   .help = "Requests from outside of the trust domain" };

static const char *const supported[] = { "path", "sec-agree", "timer", NULL };

/* ---- who is meant ---- */

static bool is_me(void *arg, const struct sip_uri *u)
{
	const struct icscf *i = arg;
	const struct conf_icscf *c = &i->env.conf->icscf;

	if (u->is_tel || (u->port ? u->port : 5060) != c->port)
		return false;
	return str_ieqz(u->host, c->name) || conf_addr_is(&c->addr, u->host) ||
	       conf_addr_is(&c->addr6, u->host);
}

static bool is_for_myself(struct icscf *i, const struct sip_msg *m)
{
	struct sip_uri u;

	return sip_uri_parse(sip_msg_ruri(m), &u) == 0 && !u.user.n &&
	       (is_me(i, &u) || (!u.is_tel && str_ieqz(u.host, i->env.conf->network.domain)));
}

/* ---- requests ---- */

static void answer_myself(struct sip_stx *stx, const struct sip_msg *m)
{
	if (sip_msg_method(m) == SIP_M_OPTIONS)
		sip_stx_reply(stx, 200, NULL, NULL);
	else
		sip_stx_reply(stx, 404, NULL, "Nobody by this name");
}

static void in_dialog(struct icscf *i, struct sip_stx *stx, struct sip_msg *m)
{
	struct sip_target t = { 0 };

	if (!sip_msg_hf(m, SIP_H_ROUTE)) {
		sip_stx_reply(stx, 481, NULL, NULL);
		return;
	}
	if (sip_proxy_forward(i->stack, i->env.resolver, stx, m, &t, 1, 0, NULL, NULL, NULL) < 0 &&
	    !sip_stx_done(stx))
		sip_stx_reply(stx, 500, NULL, NULL);
}

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from _unused_)
{
	struct icscf *i = arg;
	struct str my_route = { NULL, 0 };

	if (!stx) /* ACK to a 2xx that did not take this way */
		return;
	if (sip_proxy_prepare(i->stack, stx, m, supported, is_me, i, &my_route))
		return;
	if (sip_msg_method(m) == SIP_M_REGISTER)
		icscf_register(i, stx, m);
	else if (sip_msg_to_tag(m).n)
		in_dialog(i, stx, m);
	else if (is_for_myself(i, m))
		answer_myself(stx, m);
	else
		icscf_request(i, stx, m, my_route);
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from _unused_)
{
	struct icscf *i = arg;

	sip_proxy_stray_response(i->stack, m);
}

static int admit(void *arg, struct sip_msg *m _unused_, const struct sip_path *from,
		 const char **ret_reason _unused_)
{
	const struct icscf *i = arg;

	return cscf_mw_admit(i->env.conf, from, &icscf_m_untrusted);
}

static const struct sip_stack_ops ops = { .request = on_request,
					  .stray_response = on_stray,
					  .admit = admit };

/* ---- life ---- */

static struct metric *const icscf_metrics[] = { &icscf_m_register, &icscf_m_request,
						&icscf_m_refused,  &icscf_m_cx_failed,
						&icscf_m_reselect, &icscf_m_untrusted };

int icscf_new(const struct icscf_env *env, struct icscf **ret)
{
	const struct conf_network *n = &env->conf->network;
	struct icscf *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return -ENOMEM;
	i->env = *env;
	r = icscf_servers_parse(env->conf->icscf.scscf_list, &i->servers);
	if (r == 0)
		r = sip_stack_new(env->loop, env->tp, &ops, i, &i->stack);
	if (r < 0) {
		icscf_free(i);
		return r;
	}
	sip_stack_set_timers(i->stack, NULL, &(struct sip_timers){ n->t1_ms, n->t2_ms, n->t4_ms });
	sip_stack_server_header(i->stack, "kims-icscf");
	for (size_t k = 0; k < ARRAY_SIZE(icscf_metrics); k++)
		metric_register(icscf_metrics[k]);
	*ret = i;
	return 0;
}

int icscf_reload(struct icscf *i, const struct conf *c)
{
	if (!conf_same_network(i->env.conf, c))
		return -EINVAL;
	i->env.conf = c;
	return 0;
}

void icscf_free(struct icscf *i)
{
	if (!i)
		return;
	if (i->stack)
		sip_stack_free(i->stack);
	icscf_servers_free(&i->servers);
	free(i);
}

/* ---- control ---- */

static json_t *server_json(const struct icscf_server *s)
{
	json_t *caps = json_array();

	for (size_t k = 0; k < s->n_caps; k++)
		json_array_append_new(caps, json_integer(s->caps[k]));
	return json_pack("{s:s,s:o,s:I}", "uri", s->uri, "capabilities", caps, "chosen",
			 (json_int_t)s->chosen);
}

static int cmd_show_scscf(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
			  size_t errsize _unused_)
{
	const struct icscf *i = arg;
	json_t *list = json_array();

	for (size_t k = 0; k < i->servers.n; k++)
		json_array_append_new(list, server_json(&i->servers.s[k]));
	*ret = list;
	return 0;
}

static int cmd_status(void *arg, const json_t *req _unused_, json_t **ret, char *err _unused_,
		      size_t errsize _unused_)
{
	const struct icscf *i = arg;
	const struct sip_stack_stats *st = sip_stack_get_stats(i->stack);
	bool is_up = i->env.cx->is_up && i->env.cx->is_up(i->env.cx_link);

	*ret = json_pack("{s:s,s:I,s:I,s:I,s:I}", "hss", is_up ? "connected" : "not connected",
			 "registers", (json_int_t)icscf_m_register.value, "requests",
			 (json_int_t)icscf_m_request.value, "server_transactions",
			 (json_int_t)st->stx_active, "client_transactions",
			 (json_int_t)st->ctx_active);
	return 0;
}

const struct ctl_cmd icscf_cmds[] = {
	{ .name = "status", .help = "counters of this I-CSCF", .fn = cmd_status },
	{ .name = "show scscf", .help = "S-CSCFs to choose from", .fn = cmd_show_scscf },
	{ .name = NULL },
};
