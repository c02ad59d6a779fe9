// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The S-CSCF's object: takes requests off the stack and gives them to their procedure.
 *
 *   REGISTER                                    registrar.c
 *   SUBSCRIBE for the reg event of a set here   regevent.c (also within its dialogs)
 *   initial, Route is orig@us or has ;orig      session.c, originating
 *   initial, other                              session.c, terminating
 *   within a dialog, by our Record-Route        session.c
 */
#include "scscf/priv.h"

#include "lib/core/log.h"
#include "lib/cscf/mw.h"

struct metric m_registers = { .name = "kims_scscf_register_total", .help = "REGISTER requests" };
struct metric m_challenges = { .name = "kims_scscf_challenge_total", .help = "Challenges sent" };
struct metric m_auth_failures = { .name = "kims_scscf_auth_failure_total",
				  .help = "Wrong answers to a challenge" };
struct metric m_resyncs = { .name = "kims_scscf_resync_total",
			    .help = "Resynchronisations of SQN" };
struct metric m_cx_failures = { .name = "kims_scscf_cx_failed_total",
				.help = "Cx questions without usable answer" };
struct metric m_calls = { .name = "kims_scscf_invite_total", .help = "Initial INVITE requests" };
struct metric m_notifies = { .name = "kims_scscf_notify_total", .help = "NOTIFY requests sent" };
struct metric g_contacts = { .name = "kims_scscf_contacts",
			     .help = "Registered contacts",
			     .gauge = true };
struct metric g_sets = { .name = "kims_scscf_sets", .help = "Registered sets", .gauge = true };
struct metric g_sessions = { .name = "kims_scscf_sessions", .help = "Calls", .gauge = true };
struct metric g_subs = { .name = "kims_scscf_subscriptions",
			 .help = "Subscriptions to the reg event",
			 .gauge = true };
static struct metric m_untrusted = { .name = "kims_scscf_untrusted_total",
				     .help = "Requests from outside of the trust domain" };

static struct metric *const metrics[] = {
	&m_registers, &m_challenges, &m_auth_failures, &m_resyncs,  &m_cx_failures, &m_calls,
	&m_notifies,  &g_contacts,   &g_sets,	       &g_sessions, &g_subs,	    &m_untrusted,
};

static const char *const supported[] = { "path", "sec-agree", "timer", NULL };

/* ---- who is meant ---- */

static bool is_me(void *arg, const struct sip_uri *u)
{
	const struct scscf *s = arg;
	const struct conf_scscf *c = &s->env.conf->scscf;

	if (u->is_tel || (u->port ? u->port : 5060) != c->port)
		return false;
	return str_ieqz(u->host, c->name) || conf_addr_is(&c->addr, u->host) ||
	       conf_addr_is(&c->addr6, u->host);
}

/* Route of the Service-Route (user part "orig") or with the "orig" parameter (TS 24.229 7.2A.6). */
static bool is_originating(struct str my_route)
{
	struct sip_uri u;
	struct str v;

	if (!my_route.n || sip_uri_parse(my_route, &u) < 0)
		return false;
	return str_eqz(u.user, "orig") || sip_param(u.params, "orig", &v);
}

static bool is_for_myself(struct scscf *s, const struct sip_msg *m)
{
	struct sip_uri u;

	return sip_uri_parse(sip_msg_ruri(m), &u) == 0 && !u.user.n && is_me(s, &u);
}

/* ---- requests ---- */

static void initial(struct scscf *s, struct sip_stx *stx, struct sip_msg *m, struct str my_route)
{
	if (regevent_wants(s, m))
		regevent_subscribe(s, stx, m);
	else if (is_originating(my_route))
		session_originating(s, stx, m);
	else if (!is_for_myself(s, m))
		session_terminating(s, stx, m);
	else if (sip_msg_method(m) == SIP_M_OPTIONS)
		sip_stx_reply(stx, 200, NULL, NULL);
	else
		sip_stx_reply(stx, 404, NULL, NULL);
}

static void in_dialog(struct scscf *s, struct sip_stx *stx, struct sip_msg *m, struct str my_route)
{
	if (regevent_in_dialog(s, stx, m))
		return;
	if (!my_route.n || is_for_myself(s, m))
		sip_stx_reply(stx, 481, NULL, NULL); /* not by our Record-Route */
	else
		session_in_dialog(s, stx, m);
}

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from _unused_)
{
	struct scscf *s = arg;
	struct str my_route = { NULL, 0 };

	if (sip_proxy_prepare(s->stack, stx, m, supported, is_me, s, &my_route))
		return;
	if (!stx)
		session_ack(s, m);
	else if (sip_msg_method(m) == SIP_M_REGISTER)
		registrar_request(s, stx, m);
	else if (sip_msg_to_tag(m).n)
		in_dialog(s, stx, m, my_route);
	else
		initial(s, stx, m, my_route);
}

static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from _unused_)
{
	struct scscf *s = arg;

	sip_proxy_stray_response(s->stack, m);
}

static int admit(void *arg, struct sip_msg *m _unused_, const struct sip_path *from,
		 const char **ret_reason _unused_)
{
	const struct scscf *s = arg;

	return cscf_mw_admit(s->env.conf, from, &m_untrusted);
}

static const struct sip_stack_ops ops = { .request = on_request,
					  .stray_response = on_stray,
					  .admit = admit };

/* ---- life ---- */

static int make_names(struct scscf *s)
{
	const struct conf *c = s->env.conf;
	const char *name = c->scscf.name;
	unsigned int port = c->scscf.port;

	if (asprintf(&s->uri, "sip:%s:%u", name, port) < 0 ||
	    asprintf(&s->service_route, "<sip:orig@%s:%u;lr>", name, port) < 0 ||
	    asprintf(&s->rr_orig, "<sip:mo@%s:%u;lr>", name, port) < 0 ||
	    asprintf(&s->rr_term, "<sip:mt@%s:%u;lr>", name, port) < 0 ||
	    asprintf(&s->icscf_uri, "sip:%s:%u", c->icscf.name, c->icscf.port) < 0)
		return -ENOMEM;
	return 0;
}

int scscf_new(const struct scscf_env *env, struct scscf **ret)
{
	const struct conf_network *n = &env->conf->network;
	struct scscf *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->env = *env;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		metric_register(metrics[i]);
	r = make_names(s);
	if (r == 0)
		r = sip_stack_new(env->loop, env->tp, &ops, s, &s->stack);
	if (r == 0) {
		sip_stack_set_timers(s->stack, NULL,
				     &(struct sip_timers){ n->t1_ms, n->t2_ms, n->t4_ms });
		sip_stack_server_header(s->stack, "kims-scscf");
		r = persist_load(s);
	}
	if (r < 0) {
		scscf_free(s);
		return r;
	}
	if (g_sets.value)
		log_notice("%llu registered sets, %llu subscriptions read back",
			   (unsigned long long)g_sets.value, (unsigned long long)g_subs.value);
	*ret = s;
	return 0;
}

static void free_names(struct scscf *s)
{
	free(s->uri);
	free(s->service_route);
	free(s->rr_orig);
	free(s->rr_term);
	free(s->icscf_uri);
}

int scscf_reload(struct scscf *s, const struct conf *c)
{
	if (!conf_same_network(s->env.conf, c))
		return -EINVAL;
	s->env.conf = c;
	return 0;
}

void scscf_free(struct scscf *s)
{
	struct impi *i, *itmp;
	struct irs *r, *rtmp;

	if (!s)
		return;
	persist_flush(s);
	loop_off_round_end(s->env.loop, persist_flush, s);
	s->leaving = true;
	uac_free_all(s);
	if (s->stack)
		sip_stack_free(s->stack);
	sessions_free(s);
	DL_FOREACH_SAFE (s->sets, r, rtmp)
		irs_free(r);
	HASH_ITER (hh, s->impis, i, itmp) {
		auth_free(i->auth);
		HASH_DEL(s->impis, i);
		fsm_fini(&i->fsm);
		free(i);
	}
	free_names(s);
	free(s);
}
