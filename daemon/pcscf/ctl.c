// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an operator sees over the control socket: registrations, SA sets, media flows, sessions,
 * dropped packets. No key and no RES is ever in an answer.
 */
#include <time.h>

#include "pcscf/pcscf.h"

static json_t *str_json(const char *z)
{
	return z ? json_string_nocheck(z) : json_null();
}

static int finish(json_t *list, json_t **ret, char *err, size_t errsize)
{
	if (!list) {
		snprintf(err, errsize, "out of memory");
		return -ENOMEM;
	}
	*ret = list;
	return 0;
}

static json_int_t seconds_left(const struct pcscf *p, uint64_t until)
{
	uint64_t now = loop_wall(p->loop);

	return until > now ? (json_int_t)((until - now) / USEC_PER_SEC) : 0;
}

static json_int_t seconds_since(const struct pcscf *p, uint64_t start)
{
	return start ? (json_int_t)((loop_wall(p->loop) - start) / USEC_PER_SEC) : 0;
}

/* --- registrations --- */

static json_t *impus(const struct reg *r)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_ids; i++)
		json_array_append_new(a, json_string(r->ids[i].canon));
	return a;
}

static json_t *reg_json(const struct reg *r)
{
	const struct sa_set *s = r->set[SA_CUR] ? r->set[SA_CUR] : r->set[SA_TEMP];
	char addr[SIP_SA_STRLEN], pani[320];
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(r->token));
	json_object_set_new(o, "impi", str_json(r->impi));
	json_object_set_new(o, "impu", impus(r));
	json_object_set_new(o, "address", json_string(gm_addr_str(&r->ue, addr)));
	json_object_set_new(o, "state", json_string(fsm_state_name(&r->fsm)));
	json_object_set_new(o, "expires", json_integer(seconds_left(r->p, r->expires)));
	json_object_set_new(o, "alg", json_string(s ? sec_alg_name(s->alg) : "none"));
	json_object_set_new(o, "ealg", json_string(s ? sec_ealg_name(s->ealg) : "none"));
	json_object_set_new(o, "transport", json_string(r->proto == SIP_TCP ? "tcp" : "udp"));
	json_object_set_new(o, "contact", str_json(r->contact));
	json_object_set_new(o, "service_route", str_json(r->service_route));
	json_object_set_new(o, "subscribed", json_boolean(r->sub));
	json_object_set_new(o, "rx", str_json(rx_state_str(r->rx)));
	json_object_set_new(o, "access",
			    json_string(r->access ? access_pani(r->access, pani, sizeof(pani)) :
						    ""));
	return o;
}

static int show_registration(void *arg, const json_t *req _unused_, json_t **ret, char *err,
			     size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();
	struct reg *r;

	for (r = p->regs; r; r = r->hh_id.next)
		json_array_append_new(a, reg_json(r));
	return finish(a, ret, err, errsize);
}

/* --- SA sets --- */

static json_t *set_json(const struct sa_set *s)
{
	static const char *const roles[SA_N_ROLES] = { "temporary", "established", "old" };
	struct knl_sa_stats st = { 0 };
	char addr[SIP_SA_STRLEN];
	struct pcscf *p = s->p;

	p->kops->set_stats(p->karg, s->knl_id, &st);
	return json_pack(
		"{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}",
		"impi", s->reg->impi, "set", (int)s->knl_id, "reqid", (int)s->reqid, "state",
		roles[s->role], "address", gm_addr_str(&s->reg->ue, addr), "alg",
		sec_alg_name(s->alg), "ealg", sec_ealg_name(s->ealg), "port_uc", (int)s->port_uc,
		"port_us", (int)s->port_us, "port_pc", (int)s->port_pc, "port_ps", (int)s->port_ps,
		"spi_uc", (json_int_t)s->spi_uc, "spi_us", (json_int_t)s->spi_us, "spi_pc",
		(json_int_t)s->spi_pc, "spi_ps", (json_int_t)s->spi_ps, "expires",
		seconds_left(p, s->expires), "packets", (json_int_t)st.packets, "octets",
		(json_int_t)st.octets, "drops",
		(json_int_t)(st.drop_cleartext + st.drop_wrong_sa + st.drop_spoofed +
			     st.drop_other),
		"drop_wrong_sa", (json_int_t)st.drop_wrong_sa, "drop_spoofed",
		(json_int_t)st.drop_spoofed, "nat_port", s->nat ? (int)s->nat_port : 0);
}

static int show_sa(void *arg, const json_t *req _unused_, json_t **ret, char *err, size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();
	struct reg *r;

	for (r = p->regs; p->kops && r; r = r->hh_id.next)
		for (int i = 0; i < SA_N_ROLES; i++)
			if (r->set[i])
				json_array_append_new(a, set_json(r->set[i]));
	return finish(a, ret, err, errsize);
}

/* --- media flows --- */

static const char *const kinds[FLOW_N] = { "rtp up", "rtcp up", "rtp down", "rtcp down" };

static const char *end_str(const struct knl_end *e, char buf[SIP_SA_STRLEN])
{
	union sip_sa sa;

	if (e->addr.family == AF_UNSPEC)
		return "-";
	gm_sa_of(&e->addr, e->port, &sa);
	return sip_sa_str(&sa, buf);
}

static void stats_json(json_t *o, const struct knl_rtp_stats *st)
{
	json_object_set_new(o, "packets", json_integer((json_int_t)st->packets));
	json_object_set_new(o, "octets", json_integer((json_int_t)st->octets));
	json_object_set_new(o, "lost", json_integer((json_int_t)st->lost));
	json_object_set_new(o, "jitter", json_integer(st->jitter));
	json_object_set_new(o, "ssrc", json_integer(st->ssrc));
	json_object_set_new(o, "drops",
			    json_integer((json_int_t)(st->drop_source + st->drop_gate +
						      st->drop_malformed + st->drop_other)));
	json_object_set_new(o, "drop_source", json_integer((json_int_t)st->drop_source));
	json_object_set_new(o, "drop_gate", json_integer((json_int_t)st->drop_gate));
}

static json_t *flow_json(const struct session *s, size_t i, int k)
{
	const struct alg_flow *af = &s->alg.stream[i].flow[k];
	char buf[SIP_SA_STRLEN];
	struct knl_rtp_stats st = { 0 };
	struct knl_rtp_flow f;
	json_t *o = json_object();

	alg_describe_flow(s, i, k, &f);
	s->p->kops->rtp_get(s->p->karg, af->id, &st);
	json_object_set_new(o, "id", json_integer(af->id));
	json_object_set_new(o, "call_id", str_json(s->call_id));
	json_object_set_new(o, "session", json_string(s->token));
	json_object_set_new(o, "impi", str_json(s->reg->impi));
	json_object_set_new(o, "stream", json_integer((json_int_t)i + 1));
	json_object_set_new(o, "kind", json_string(kinds[k]));
	json_object_set_new(o, "local", json_string(end_str(&f.local, buf)));
	json_object_set_new(o, "peer", json_string(end_str(&f.peer, buf)));
	json_object_set_new(o, "out_local", json_string(end_str(&f.out_local, buf)));
	json_object_set_new(o, "out_peer", json_string(end_str(&f.out_peer, buf)));
	json_object_set_new(o, "gate", json_string(af->closed ? "closed" : "open"));
	json_object_set_new(o, "inactive", json_boolean(af->inactive));
	stats_json(o, &st);
	return o;
}

static int show_flow(void *arg, const json_t *req _unused_, json_t **ret, char *err, size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();
	struct session *s;

	for (s = p->sessions; p->kops && s; s = s->hh.next)
		for (size_t i = 0; i < s->alg.n; i++)
			for (int k = 0; k < FLOW_N; k++)
				if (s->alg.stream[i].flow[k].id)
					json_array_append_new(a, flow_json(s, i, k));
	return finish(a, ret, err, errsize);
}

/* --- sessions --- */

static size_t count_flows(const struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->alg.n; i++)
		for (int k = 0; k < FLOW_N; k++)
			n += s->alg.stream[i].flow[k].id != 0;
	return n;
}

static json_t *session_json(const struct session *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(s->token));
	json_object_set_new(o, "call_id", str_json(s->call_id));
	json_object_set_new(o, "impi", str_json(s->reg->impi));
	json_object_set_new(o, "role", json_string(s->orig ? "caller" : "callee"));
	json_object_set_new(o, "state", json_string(fsm_state_name(&s->fsm)));
	json_object_set_new(o, "peer", str_json(s->orig ? s->callee : s->caller));
	json_object_set_new(o, "seconds", json_integer(seconds_since(s->p, s->start)));
	json_object_set_new(o, "flows", json_integer((json_int_t)count_flows(s)));
	json_object_set_new(o, "session_expires", json_integer(s->session_expires_s));
	json_object_set_new(o, "rx", str_json(rx_state_str(s->rx.af)));
	json_object_set_new(o, "bearer", json_boolean(s->rx.allocated));
	return o;
}

static int show_session(void *arg, const json_t *req _unused_, json_t **ret, char *err,
			size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();
	struct session *s;

	for (s = p->sessions; s; s = s->hh.next)
		json_array_append_new(a, session_json(s));
	return finish(a, ret, err, errsize);
}

static json_t *note_json(const struct session_note *n)
{
	json_t *flows = json_array(), *o = json_object();

	for (size_t i = 0; i < n->n; i++) {
		json_t *f = json_object();

		json_object_set_new(f, "stream", json_integer(n->flow[i].stream + 1));
		json_object_set_new(f, "kind", json_string(kinds[n->flow[i].flow]));
		stats_json(f, &n->flow[i].stats);
		json_array_append_new(flows, f);
	}
	json_object_set_new(o, "impi", json_string(n->impi));
	json_object_set_new(o, "role", json_string(n->orig ? "caller" : "callee"));
	json_object_set_new(o, "caller", json_string(n->caller));
	json_object_set_new(o, "callee", json_string(n->callee));
	json_object_set_new(o, "why", json_string(n->why));
	json_object_set_new(
		o, "seconds",
		json_integer(n->start ? (json_int_t)((n->end - n->start) / USEC_PER_SEC) : 0));
	json_object_set_new(o, "flows", flows);
	return o;
}

/* Ended sessions, the oldest first, with the final counters of their flows. */
static int show_history(void *arg, const json_t *req _unused_, json_t **ret, char *err,
			size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();

	for (uint64_t i = p->n_history > HISTORY_RING ? p->n_history - HISTORY_RING : 0;
	     i < p->n_history; i++)
		json_array_append_new(a, note_json(&p->history[i % HISTORY_RING]));
	return finish(a, ret, err, errsize);
}

/* --- AF sessions --- */

static json_t *af_json(const struct rx_af *x)
{
	static const char *const owners[] = { [RX_OF_NONE] = "nobody",
					      [RX_OF_SESSION] = "call",
					      [RX_OF_REG] = "registration" };
	const struct session *s =
		x->owner == RX_OF_SESSION ? session_by_id(x->p, x->owner_id) : NULL;
	const struct reg *r = x->owner == RX_OF_REG ? reg_by_id(x->p, x->owner_id) : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(x->id));
	json_object_set_new(o, "of", json_string(owners[x->owner]));
	json_object_set_new(o, "impi", str_json(s ? s->reg->impi : r ? r->impi : NULL));
	json_object_set_new(o, "call_id", str_json(s ? s->call_id : NULL));
	json_object_set_new(o, "state", json_string(fsm_state_name(&x->fsm)));
	json_object_set_new(o, "pcrf", str_json(x->host));
	json_object_set_new(o, "stale", json_boolean(x->stale));
	return o;
}

static int show_rx(void *arg, const json_t *req _unused_, json_t **ret, char *err, size_t errsize)
{
	const struct pcscf *p = arg;
	json_t *a = json_array();

	for (struct rx_af *x = p->rx ? p->rx->af : NULL; x; x = x->hh.next)
		json_array_append_new(a, af_json(x));
	return finish(a, ret, err, errsize);
}

/* --- drops --- */

static json_t *drop_json(const struct drop_note *n)
{
	char src[SIP_SA_STRLEN], dst[SIP_SA_STRLEN], when[40];
	const struct knl_event *e = &n->ev;
	time_t t = (time_t)(n->time / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I}", "time", when, "reason",
			 gm_reason_str(e->reason), "src", end_str(&e->src, src), "dst",
			 end_str(&e->dst, dst), "proto", e->proto == IPPROTO_TCP ? "tcp" : "udp",
			 "spi", (json_int_t)e->spi, "sa_impi", e->sa_label, "victim_impi",
			 e->victim_label, "count", (json_int_t)e->count);
}

static int show_drops(void *arg, const json_t *req _unused_, json_t **ret, char *err,
		      size_t errsize)
{
	struct pcscf *p = arg;
	json_t *a = json_array();

	for (uint64_t i = p->n_drops > DROP_RING ? p->n_drops - DROP_RING : 0; i < p->n_drops; i++)
		json_array_append_new(a, drop_json(&p->drops[i % DROP_RING]));
	return finish(a, ret, err, errsize);
}

/* --- status, release --- */

static int status(void *arg, const json_t *req _unused_, json_t **ret, char *err, size_t errsize)
{
	struct pcscf *p = arg;
	const struct sip_stack_stats *st = sip_stack_get_stats(p->stack);

	return finish(json_pack("{s:i, s:i, s:b, s:s, s:I, s:I, s:I, s:I}", "registrations",
				(int)HASH_CNT(hh_id, p->regs), "sessions",
				(int)HASH_COUNT(p->sessions), "kernel", p->kops != NULL, "pcrf",
				!p->rx			      ? "not used" :
				p->rx->ops->is_up(p->rx->arg) ? "connected" :
								"not connected",
				"requests",
				(json_int_t)st->rx_requests, "responses",
				(json_int_t)st->rx_responses, "timeouts", (json_int_t)st->timeouts,
				"drops", (json_int_t)p->n_drops),
		      ret, err, errsize);
}

static int release(void *arg, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *key = json_string_value(json_object_get(req, "id"));
	struct session *s, *tmp;
	struct pcscf *p = arg;
	int n = 0;

	key = key ? key : "";
	HASH_ITER (hh, p->sessions, s, tmp)
		if (!strcmp(s->token, key) || !strcmp(s->call_id, key)) {
			session_release(s, "by the operator",
					"SIP;cause=503;text=\"Released by the operator\"");
			n++;
		}
	if (!n) {
		snprintf(err, errsize, "no session has the id or Call-ID \"%s\"", key);
		return -ENOENT;
	}
	return finish(json_integer(n), ret, err, errsize);
}

const struct ctl_cmd pcscf_cmds[] = {
	{ "status", "numbers of registrations, sessions, requests", false, status },
	{ "show registration", "registrations of UEs at this P-CSCF", false, show_registration },
	{ "show sa", "SA sets with their counters", false, show_sa },
	{ "show flow", "media flows with their counters", false, show_flow },
	{ "show session", "sessions of registered UEs", false, show_session },
	{ "show history", "the last ended sessions with final counters of their flows", false,
	  show_history },
	{ "show rx", "AF sessions towards PCRFs", false, show_rx },
	{ "show drops", "the last packets that the Gm check dropped", false, show_drops },
	{ "release session", "ends a session (id: its id or Call-ID)", true, release },
	{ NULL, NULL, false, NULL },
};
