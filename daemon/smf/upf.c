// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UPFs of the SMF: PFCP associations (TS 29.244 6.2.6 to 6.2.9), what they say about themselves and about peers of
 * theirs, restarts (TS 23.007 17A, 19A). Sessions are n4.c's.
 *
 * Invariants: a UPF of the configuration without an association is asked for one every RETRY until it has one;
 * sessions of a UPF that restarted wait for it, at most PATIENCE.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "smf/n4.h"

METRIC_GAUGE(m_upfs, "kims_smf_upfs", "UPFs with an association");
METRIC_COUNTER(m_throttled, "kims_smf_throttled_total",
	       "PDN connections refused because their UPF asked to be spared");

enum {
	RETRY = 3,
	PATIENCE = 30,
};

struct sx_node_id smf_n4_node_id(const struct smf *s)
{
	if (s->c_v4.v4)
		return (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4 = s->c_v4.ip4 };
	return (struct sx_node_id){ .type = SX_NODE_IPV6, .ip6 = s->c_v6.ip6 };
}

static const char *name_of(const struct smf_upf *u, char dst[INET6_ADDRSTRLEN])
{
	struct in6_addr ip;

	xchg_ip(&u->addr, &ip);
	if (IN6_IS_ADDR_V4MAPPED(&ip))
		return inet_ntop(AF_INET, &ip.s6_addr[12], dst, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, &ip, dst, INET6_ADDRSTRLEN);
}

bool smf_upf_ready(const struct smf_upf *u)
{
	return u->peer && !pfcp_peer_is_lost(u->peer);
}

/* --- load and overload (TS 29.244 6.2.3, 6.2.4) --- */

static bool is_newer(bool has, uint32_t known, uint32_t seq)
{
	return !has || (int32_t)(seq - known) > 0;
}

void smf_upf_learn(struct smf_upf *u, const struct sx_load *l, const struct sx_overload *o)
{
	if (l && is_newer(u->has_load, u->load_seq, l->seq)) {
		u->has_load = true;
		u->load_seq = l->seq;
		u->load = MIN(l->load, 100);
	}
	if (o && is_newer(u->has_overload, u->overload_seq, o->seq)) {
		uint64_t usec = tlv_timer_usec(o->validity);

		u->has_overload = true;
		u->overload_seq = o->seq;
		u->reduction = MIN(o->reduction, 100);
		u->overload_until = usec == UINT64_MAX ? usec : loop_now(u->smf->loop) + usec;
	}
}

static uint8_t reduction_of(const struct smf_upf *u)
{
	return u->has_overload && loop_now(u->smf->loop) < u->overload_until ? u->reduction : 0;
}

/* 6.2.4.3.3: the loss algorithm. */
bool smf_upf_throttles(const struct smf_upf *u)
{
	uint8_t r = reduction_of(u);

	if (!r || (uint32_t)random() % 100 >= r)
		return false;
	metric_inc(&m_throttled);
	return true;
}

/* Less to be spared, then less loaded when both say it, then fewer sessions. */
static bool is_better(const struct smf_upf *u, const struct smf_upf *than)
{
	if (!than || reduction_of(u) != reduction_of(than))
		return !than || reduction_of(u) < reduction_of(than);
	if (u->has_load && than->has_load && u->load != than->load)
		return u->load < than->load;
	return u->n_sessions < than->n_sessions;
}

struct smf_upf *smf_upf_choose(const struct smf *s)
{
	struct smf_upf *best = NULL;

	for (struct smf_upf *u = s->upfs; u; u = u->next)
		if (smf_upf_ready(u) && !u->releasing && is_better(u, best))
			best = u;
	return best;
}

/* --- graceful release (6.2.8.3) --- */

static void on_let_go(void *arg, const struct xchg_msg *m _unused_)
{
	struct smf_upf *u = arg;

	u->call = NULL; /* lib/pfcp tells that the association is gone */
}

static void let_go(struct smf_upf *u)
{
	struct sx_association_release_request r = { .node_id = smf_n4_node_id(u->smf) };
	uint8_t buf[64];
	struct tlv_buf b = TLV_BUF(buf);

	timer_stop(u->smf->loop, &u->leave);
	if (u->peer && !u->call && !sx_encode(SX_ASSOCIATION_RELEASE_REQUEST, 0, &r, &b))
		pfcp_request(u->smf->pfcp, &u->addr, b.p, b.n, on_let_go, u, &u->call);
}

void smf_upf_session_gone(struct smf_upf *u)
{
	if (u->releasing && !u->n_sessions && u->peer)
		timer_start(u->smf->loop, &u->leave, 0);
}

static void on_leave(struct timer *t)
{
	struct smf_upf *u = container_of(t, struct smf_upf, leave);
	uint32_t n = u->release_step;
	struct smf_n4 *next;

	if (!u->n_sessions) {
		let_go(u);
		return;
	}
	for (struct smf_n4 *s = u->sessions; s && n; s = next) {
		next = s->next;
		if (s->closing || s->pdn->fsm.state > SMF_PDN_ACTIVE)
			continue; /* it ends already */
		smf_n4_give_up(s);
		n--;
	}
	timer_start(u->smf->loop, t, USEC_PER_SEC);
}

/* With a period the sessions end over half of it: a storm of attaches helps nobody. */
static void leave(struct smf_upf *u, uint64_t period)
{
	uint64_t seconds = period == UINT64_MAX ? 3600 : period / USEC_PER_SEC / 2;

	u->releasing = true;
	u->release_step = seconds ? u->n_sessions / (uint32_t)seconds + 1 : UINT32_MAX;
	timer_start(u->smf->loop, &u->leave, 0);
}

/* --- association --- */

static void on_retry(struct timer *t);
static void on_patience(struct timer *t);

struct smf_upf *smf_upf_get(struct smf *s, const struct sockaddr_storage *addr)
{
	struct smf_upf *u;

	for (u = s->upfs; u; u = u->next)
		if (xchg_same_ip(&u->addr, addr))
			return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->smf = s;
	u->addr = *addr;
	if (addr->ss_family == AF_INET)
		((struct sockaddr_in *)&u->addr)->sin_port = htons(PFCP_PORT);
	else
		((struct sockaddr_in6 *)&u->addr)->sin6_port = htons(PFCP_PORT);
	u->next_teid = 1;
	u->retry.fn = on_retry;
	u->gone.fn = on_patience;
	u->leave.fn = on_leave;
	u->next = s->upfs;
	s->upfs = u;
	return u;
}

static void each_session(struct smf_upf *u, void (*fn)(struct smf_n4 *n))
{
	struct smf_n4 *next;

	for (struct smf_n4 *n = u->sessions; n; n = next) {
		next = n->next;
		fn(n);
	}
}

static void ready(struct smf_upf *u)
{
	char buf[INET6_ADDRSTRLEN];

	log_notice("UPF %s is associated%s", name_of(u, buf), u->features.ftup ? ", FTUP" : "");
	timer_stop(u->smf->loop, &u->retry);
	timer_stop(u->smf->loop, &u->gone);
	timer_stop(u->smf->loop, &u->leave);
	u->releasing = u->has_load = u->has_overload = false;
	each_session(u, smf_n4_restore);
}

static void on_setup_answer(void *arg, const struct xchg_msg *m)
{
	static struct sx_association_setup_response r;
	struct smf_upf *u = arg;
	struct tlv_error e;

	u->call = NULL;
	if (m && m->hdr->type == SX_ASSOCIATION_SETUP_RESPONSE &&
	    !sx_decode(m->p, m->n, NULL, &r, &e) && r.cause == SX_ACCEPTED && u->peer) {
		u->features = r.up_features;
		if (!r.has_asrsp_flags || !(r.asrsp_flags & 1)) /* PSREI: it has kept sessions */
			each_session(u, smf_n4_forget);
		ready(u);
		return;
	}
	timer_start(u->smf->loop, &u->retry, RETRY * USEC_PER_SEC);
}

static void set_up(struct smf_upf *u)
{
	static struct sx_association_setup_request r;
	struct smf *s = u->smf;
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);

	sx_init(SX_ASSOCIATION_SETUP_REQUEST, &r);
	r.node_id = smf_n4_node_id(s);
	r.recovery_ts = pfcp_recovery_ts(s->pfcp);
	/* sessions that we know from before our restart stay (TS 29.244 6.2.6.2.1) */
	r.has_retention = u->sessions;
	r.has_cp_features = r.cp_features.load = r.cp_features.ovrl = true;
	if (u->call || sx_encode(SX_ASSOCIATION_SETUP_REQUEST, 0, &r, &b) ||
	    pfcp_request(s->pfcp, &u->addr, b.p, b.n, on_setup_answer, u, &u->call))
		timer_start(s->loop, &u->retry, RETRY * USEC_PER_SEC);
}

static void on_retry(struct timer *t)
{
	struct smf_upf *u = container_of(t, struct smf_upf, retry);

	if (!u->peer)
		set_up(u);
}

static void on_patience(struct timer *t)
{
	each_session(container_of(t, struct smf_upf, gone), smf_n4_give_up);
}

static void lose(struct smf_upf *u)
{
	u->peer = NULL;
	each_session(u, smf_n4_forget);
	timer_start(u->smf->loop, &u->gone, PATIENCE * USEC_PER_SEC);
}

static void count(const struct smf *s)
{
	m_upfs.value = 0;
	for (const struct smf_upf *u = s->upfs; u; u = u->next)
		m_upfs.value += u->peer != NULL;
}

void smf_upf_disowns(struct smf_upf *u)
{
	char buf[INET6_ADDRSTRLEN];

	if (!u->peer)
		return;
	log_warn("UPF %s has no association", name_of(u, buf));
	pfcp_peer_forget(u->peer);
	lose(u);
	if (u->configured) /* in a while: it may say so again */
		timer_start(u->smf->loop, &u->retry, RETRY * USEC_PER_SEC);
	count(u->smf);
}

static void on_peer(void *arg, struct pfcp_peer *p, enum pfcp_event ev)
{
	struct smf *s = arg;
	struct smf_upf *u = smf_upf_get(s, pfcp_peer_addr(p));
	char buf[INET6_ADDRSTRLEN];

	if (!u)
		return;
	switch (ev) {
	case PFCP_UP:
		u->peer = p;
		break;
	case PFCP_LOST:
		log_warn("UPF %s does not answer", name_of(u, buf));
		break;
	case PFCP_BACK:
		log_notice("UPF %s answers again", name_of(u, buf));
		each_session(u, smf_n4_resume);
		break;
	case PFCP_RESTARTED:
	case PFCP_DOWN:
		log_warn("UPF %s %s", name_of(u, buf), ev == PFCP_DOWN ? "left" : "restarted");
		lose(u);
		if (u->configured)
			set_up(u);
		break;
	}
	count(s);
}

/* --- its requests --- */

static void answer(struct xchg_token *t, enum sx_message type, const void *msg)
{
	uint8_t buf[256];
	struct tlv_buf b = TLV_BUF(buf);

	if (sx_encode(type, 0, msg, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

static void on_setup(struct smf *s, struct xchg_token *t,
		     const struct sx_association_setup_request *q)
{
	static struct sx_association_setup_response r;
	struct smf_upf *u = smf_upf_get(s, pfcp_token_from(t));
	bool had = u && u->peer;

	sx_init(SX_ASSOCIATION_SETUP_RESPONSE, &r);
	r.node_id = smf_n4_node_id(s);
	r.recovery_ts = pfcp_recovery_ts(s->pfcp);
	r.cause = u ? SX_ACCEPTED : SX_NO_RESOURCES;
	r.has_cp_features = r.cp_features.load = r.cp_features.ovrl = true;
	if (u)
		u->features = q->up_features;
	if (had && !q->has_retention) /* it begins anew (TS 29.244 6.2.6.2.2) */
		each_session(u, smf_n4_forget);
	answer(t, SX_ASSOCIATION_SETUP_RESPONSE, &r);
	if (u && u->peer)
		ready(u);
}

static void on_update(struct smf *s, struct xchg_token *t, struct smf_upf *u,
		      const struct sx_association_update_request *q)
{
	static struct sx_association_update_response r;

	sx_init(SX_ASSOCIATION_UPDATE_RESPONSE, &r);
	r.node_id = smf_n4_node_id(s);
	r.cause = u ? SX_ACCEPTED : SX_NO_ASSOCIATION;
	if (u && q->has_up_features)
		u->features = q->up_features;
	answer(t, SX_ASSOCIATION_UPDATE_RESPONSE, &r);
	if (!u || !q->has_release || !q->release.sarr)
		return;
	leave(u, q->has_graceful ? tlv_timer_usec(q->graceful) : 0);
}

static bool is_peer(const struct s5_fteid *f, const struct sx_gtpu_peer *p)
{
	return (f->v4 && p->v4 && f->ip4.s_addr == p->ip4.s_addr) ||
	       (f->v6 && p->v6 && !memcmp(&f->ip6, &p->ip6, 16));
}

/* The SGW's or ePDG's user plane restarted: its tunnels are gone (TS 23.007 20.3.4). */
static void on_peers_lost(struct smf_upf *u, const struct sx_gtpu_peers *g)
{
	struct smf_n4 *next_n;
	struct smf_bearer *next_b;

	for (struct smf_n4 *n = u->sessions; n; n = next_n) {
		next_n = n->next;
		for (struct smf_bearer *b = n->pdn->bearers; b; b = next_b) {
			next_b = b->next;
			for (size_t i = 0; i < g->n_peer; i++)
				if (is_peer(&b->peer, &g->peer[i])) {
					smf_bearer_lost(b);
					break;
				}
		}
	}
}

static void on_node_report(struct smf *s, struct xchg_token *t, struct smf_upf *u,
			   const struct sx_node_report_request *q)
{
	struct sx_node_report_response r = { .node_id = smf_n4_node_id(s),
					     .cause = u ? SX_ACCEPTED : SX_NO_ASSOCIATION };

	answer(t, SX_NODE_REPORT_RESPONSE, &r);
	if (u && q->type.upfr && q->has_path_failure)
		log_warn("the UPF lost the path to %zu GTP-U peers", q->path_failure.n_peer);
	if (u && q->type.purr && q->has_peer_restart)
		on_peers_lost(u, &q->peer_restart);
}

static void on_release(struct smf *s, struct xchg_token *t, struct smf_upf *u)
{
	struct sx_association_release_response r = { .node_id = smf_n4_node_id(s),
						     .cause = u ? SX_ACCEPTED : SX_NO_ASSOCIATION };

	answer(t, SX_ASSOCIATION_RELEASE_RESPONSE, &r);
}

static void refuse(struct smf *s, struct xchg_token *t, const struct xchg_msg *m, uint8_t cause,
		   uint16_t ie)
{
	struct sx_node_id node = smf_n4_node_id(s);
	uint8_t buf[128];
	struct tlv_buf b = TLV_BUF(buf);

	if (sx_encode_refusal(m->hdr->type, 0, &node, cause, ie, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

void smf_upf_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
		     struct pfcp_peer *peer)
{
	static union sx_any q;
	struct smf *s = arg;
	struct smf_upf *u = peer ? smf_upf_get(s, m->from) : NULL;
	struct tlv_error e;
	int r;

	if (m->hdr->type == SX_SESSION_REPORT_REQUEST) {
		smf_n4_report(s, t, m);
		return;
	}
	r = sx_decode(m->p, m->n, NULL, &q, &e);
	if (r) {
		refuse(s, t, m, r == -ENOENT ? SX_SERVICE_NOT_SUPPORTED : e.cause,
		       r != -ENOENT && e.has_ie ? e.type : 0);
		return;
	}
	switch ((enum sx_message)m->hdr->type) {
	case SX_ASSOCIATION_SETUP_REQUEST:
		on_setup(s, t, &q.association_setup_request);
		break;
	case SX_ASSOCIATION_UPDATE_REQUEST:
		on_update(s, t, u, &q.association_update_request);
		break;
	case SX_ASSOCIATION_RELEASE_REQUEST:
		on_release(s, t, u);
		break;
	case SX_NODE_REPORT_REQUEST:
		on_node_report(s, t, u, &q.node_report_request);
		break;
	/* clang-format off */
	case SX_HEARTBEAT_REQUEST: case SX_HEARTBEAT_RESPONSE: case SX_PFD_MANAGEMENT_REQUEST:
	case SX_PFD_MANAGEMENT_RESPONSE: case SX_ASSOCIATION_SETUP_RESPONSE:
	case SX_ASSOCIATION_UPDATE_RESPONSE: case SX_ASSOCIATION_RELEASE_RESPONSE:
	case SX_VERSION_NOT_SUPPORTED: case SX_NODE_REPORT_RESPONSE: case SX_SESSION_SET_DELETION_REQUEST:
	case SX_SESSION_SET_DELETION_RESPONSE: case SX_SESSION_ESTABLISHMENT_REQUEST:
	case SX_SESSION_ESTABLISHMENT_RESPONSE: case SX_SESSION_MODIFICATION_REQUEST:
	case SX_SESSION_MODIFICATION_RESPONSE: case SX_SESSION_DELETION_REQUEST:
	case SX_SESSION_DELETION_RESPONSE: case SX_SESSION_REPORT_REQUEST: case SX_SESSION_REPORT_RESPONSE:
		refuse(s, t, m, SX_SERVICE_NOT_SUPPORTED, 0);
		break;
		/* clang-format on */
	}
}

const struct pfcp_ops smf_n4_ops = { .request = smf_upf_request, .peer = on_peer };

/* --- begin and end --- */

void smf_n4_serve(struct smf *s)
{
	struct str list = str_of(s->conf->smf.upfs), one;
	struct sockaddr_storage ss;
	struct conf_addr a;
	struct smf_upf *u;

	metric_register(&m_upfs);
	metric_register(&m_throttled);
	smf_n4_metrics();
	while (str_split(&list, ' ', &one)) {
		char text[64];

		if (!one.n)
			continue;
		if (str_copy(text, sizeof(text), one) || conf_addr_parse(text, &a) ||
		    !conf_sockaddr(&a, PFCP_PORT, &ss)) {
			log_warn("smf.upfs: %.*s is no address", STR_FMT(one));
			continue;
		}
		u = smf_upf_get(s, &ss);
		if (!u || u->configured)
			continue;
		u->configured = true;
		set_up(u);
	}
}

void smf_n4_fini(struct smf *s)
{
	struct smf_upf *next;

	for (struct smf_upf *u = s->upfs; u; u = next) {
		next = u->next;
		pfcp_cancel(u->call);
		timer_stop(s->loop, &u->retry);
		timer_stop(s->loop, &u->gone);
		timer_stop(s->loop, &u->leave);
		free(u);
	}
	s->upfs = NULL;
}
