// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFCP sessions (TS 29.244 6.3): establishment, modification, deletion.
 *
 * Establishments and deletions of a round of the loop go to the kernel together, at its end; a
 * modification, which has to read first, goes at once. A batch that the kernel refuses is done again without
 * the session that was at fault. An answer leaves when the kernel has done what it says.
 *
 * Invariants: a CP F-SEID of a CP function has one session: an establishment with one that is known already replaces
 * its session, for the CP function does not know that one (its answer was lost for good). What a deletion of
 * the same round has given back (address, TEIDs) is free for an establishment behind it.
 */
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "upf/upf.h"

#define ARENA	  (1u << 20)
#define ARENA_ONE (320u << 10) /* more than one session can need */

METRIC_COUNTER(m_established, "kims_upf_sessions_established_total", "PFCP sessions established");
METRIC_COUNTER(m_modified, "kims_upf_sessions_modified_total",
	       "PFCP Session Modification Requests accepted");
METRIC_COUNTER(m_deleted, "kims_upf_sessions_deleted_total", "PFCP sessions deleted on request");
METRIC_COUNTER(m_replaced, "kims_upf_sessions_replaced_total",
	       "PFCP sessions replaced by another of the same CP F-SEID");
METRIC_COUNTER(m_refused, "kims_upf_refused_total", "PFCP requests that were refused");
METRIC_GAUGE(m_sessions, "kims_upf_sessions", "PFCP sessions");

struct fresh { /* an establishment that waits for the kernel */
	struct xchg_token *t;
	struct upf_session *s;
	const uint8_t *answer;
	size_t n;
};

struct gone { /* a deletion */
	struct xchg_token *t;
	struct upf_session *s;
	bool done;
};

struct upf_pending {
	struct fresh fresh[UPF_BATCH];
	struct knl_session k[UPF_BATCH];
	struct gone gone[UPF_BATCH];
	uint64_t gone_id[UPF_BATCH];
	size_t n_fresh, n_gone;
};

void upf_metrics(void)
{
	metric_register(&m_established);
	metric_register(&m_modified);
	metric_register(&m_deleted);
	metric_register(&m_replaced);
	metric_register(&m_refused);
	metric_register(&m_sessions);
}

/* --- table --- */

struct upf_session *upf_session_find(const struct upf *u, uint64_t seid)
{
	struct hnode *n = htab_find(&u->sessions, seid);

	return n ? container_of(n, struct upf_session, by_seid) : NULL;
}

static void link_node(struct upf_session *s, struct upf_node *n)
{
	s->node = n;
	s->next = n->sessions;
	s->pprev = &n->sessions;
	if (s->next)
		s->next->pprev = &s->next;
	n->sessions = s;
	n->n_sessions++;
}

static void unlink_node(struct upf_session *s)
{
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	s->node->n_sessions--;
}

struct upf_session *upf_session_new(struct upf *u, struct upf_node *n, uint64_t seid)
{
	struct upf_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	while (!seid) {
		seid = (uint64_t)upf_random32(u) << 32 | upf_random32(u);
		if (upf_session_find(u, seid))
			seid = 0;
	}
	htab_insert(&u->sessions, &s->by_seid, seid);
	link_node(s, n);
	m_sessions.value = ++u->n_sessions;
	return s;
}

/* A CP function has one session of a CP F-SEID (5.6.2), so that is by which it would be known. */
static uint64_t cp_key(const struct upf *u, uint64_t seid, const struct in6_addr *cp)
{
	struct siphash h;

	siphash_init(&h, u->key);
	siphash_add(&h, &seid, sizeof(seid));
	siphash_add(&h, cp, sizeof(*cp));
	return siphash_end(&h);
}

void upf_session_set_cp(struct upf *u, struct upf_session *s, uint64_t seid,
			const struct in6_addr *cp)
{
	if (s->in_cp)
		htab_remove(&u->by_cp, &s->by_cp);
	s->cp_seid = seid;
	s->cp = *cp;
	htab_insert(&u->by_cp, &s->by_cp, cp_key(u, seid, cp));
	s->in_cp = true;
}

static struct upf_session *find_by_cp(const struct upf *u, const struct upf_node *node,
				      uint64_t seid, const struct in6_addr *cp)
{
	struct hnode *n = htab_find(&u->by_cp, cp_key(u, seid, cp));

	for (; n; n = htab_next(n)) {
		struct upf_session *s = container_of(n, struct upf_session, by_cp);

		if (s->node == node && s->cp_seid == seid && IN6_ARE_ADDR_EQUAL(&s->cp, cp))
			return s;
	}
	return NULL;
}

/* Out of the tables: no request finds it any more. */
static void detach(struct upf *u, struct upf_session *s)
{
	struct upf_session **at = &u->relabel;

	while (*at && *at != s)
		at = &(*at)->relabel_next;
	if (*at)
		*at = s->relabel_next;
	s->relabel = false;
	htab_remove(&u->sessions, &s->by_seid);
	if (s->in_cp)
		htab_remove(&u->by_cp, &s->by_cp);
	s->in_cp = false;
	unlink_node(s);
	m_sessions.value = --u->n_sessions;
}

static void discard(struct upf *u, struct upf_session *s)
{
	upf_teids_free(u, s, NULL);
	if (s->in_ue4)
		htab_remove(&u->by_ue4, &s->by_ue4);
	if (s->in_ue6)
		htab_remove(&u->by_ue6, &s->by_ue6);
	if (s->has_ue4 && (s->in_ue4 || s->own_ue4))
		upf_ue4_mark(u, s->ue4, false);
	if (s->has_ue6 && (s->in_ue6 || s->own_ue6))
		upf_ue6_mark(u, &s->ue6, false);
	free(s->urrs);
	free(s->csids);
	free(s);
}

void upf_session_free(struct upf *u, struct upf_session *s)
{
	detach(u, s);
	discard(u, s);
}

static uint64_t key4(const struct upf_session *s)
{
	return upf_ue_key(&(struct xfrm_addr){ .family = AF_INET, .v4 = s->ue4 });
}

static uint64_t key6(const struct upf_session *s)
{
	return upf_ue_key(&(struct xfrm_addr){ .family = AF_INET6, .v6 = s->ue6 });
}

void upf_session_adopt(struct upf *u, struct upf_session *s)
{
	if (s->has_ue4 && !s->in_ue4) {
		upf_ue4_mark(u, s->ue4, true);
		htab_insert(&u->by_ue4, &s->by_ue4, key4(s));
		s->in_ue4 = true;
	}
	if (s->has_ue6 && !s->in_ue6) {
		upf_ue6_mark(u, &s->ue6, true);
		htab_insert(&u->by_ue6, &s->by_ue6, key6(s));
		s->in_ue6 = true;
	}
}

/* --- answers --- */

void upf_respond(struct upf *u, struct xchg_token *t, enum sx_message type, uint64_t seid,
		 const void *m)
{
	struct tlv_buf b = TLV_BUF(u->buf);

	if (sx_encode(type, seid, m, &b)) {
		log_warn("an answer of type %u does not fit into a message", type);
		pfcp_drop(t);
		return;
	}
	pfcp_respond(t, b.p, b.n);
}

void upf_refuse(struct upf *u, struct xchg_token *t, uint8_t request, uint64_t seid, uint8_t cause,
		uint16_t offending)
{
	struct tlv_buf b = TLV_BUF(u->buf);

	metric_inc(&m_refused);
	if (sx_encode_refusal(request, seid, &u->node_id, cause, offending, &b))
		pfcp_drop(t);
	else
		pfcp_respond(t, b.p, b.n);
}

/* With the rule that failed. */
static void refuse_rules(struct upf *u, struct xchg_token *t, bool establish, uint64_t seid,
			 const struct upf_fail *f)
{
	struct sx_session_establishment_response *e = &u->out.session_establishment_response;
	struct sx_session_modification_response *m = &u->out.session_modification_response;

	metric_inc(&m_refused);
	if (establish) {
		sx_init(SX_SESSION_ESTABLISHMENT_RESPONSE, e);
		e->has_node_id = e->has_cause = true;
		e->node_id = u->node_id;
		e->cause = f->cause;
		e->has_offending = f->offending;
		e->offending = f->offending;
		e->has_failed_rule = f->has_rule;
		e->failed_rule = f->rule;
		upf_respond(u, t, SX_SESSION_ESTABLISHMENT_RESPONSE, seid, e);
		return;
	}
	sx_init(SX_SESSION_MODIFICATION_RESPONSE, m);
	m->has_cause = true;
	m->cause = f->cause;
	m->has_offending = f->offending;
	m->offending = f->offending;
	m->has_failed_rule = f->has_rule;
	m->failed_rule = f->rule;
	upf_respond(u, t, SX_SESSION_MODIFICATION_RESPONSE, seid, m);
}

static uint8_t cause_of(int e)
{
	switch (-e) {
	case ENOMEM:
	case ENOSPC:
	case ENOBUFS:
	case EMSGSIZE:
		return SX_NO_RESOURCES;
	case EEXIST:
	case EINVAL:
	case ENOENT:
	case E2BIG:
	case ERANGE:
		return SX_RULE_FAILURE;
	}
	return SX_SYSTEM_FAILURE;
}

/* --- load (6.2.3, 6.2.4) --- */

static void look_at_load(struct upf *u)
{
	uint8_t load =
		u->max_sessions ? (uint8_t)MIN(u->n_sessions * 100ull / u->max_sessions, 100u) : 0;

	if (load != u->load || !u->load_seq)
		u->load_seq = MAX(u->load_seq + 1, (uint32_t)(loop_wall(u->loop) / USEC_PER_SEC));
	u->load = load;
}

void upf_put_control(struct upf *u, const struct upf_node *n, struct sx_load *load, bool *has_load,
		     struct sx_overload *over, bool *has_over)
{
	look_at_load(u);
	if (n->features.load) {
		*has_load = load->has_seq = load->has_load = true;
		load->seq = u->load_seq;
		load->load = u->load;
	}
	if (n->features.ovrl && u->load >= 95) {
		*has_over = over->has_seq = over->has_reduction = over->has_validity = true;
		over->seq = u->load_seq;
		over->reduction = (uint8_t)((u->load - 94) * 15);
		over->validity = (struct tlv_timer){ .unit = 1, .value = 1 };
	}
}

/* --- labels --- */

void upf_session_relabel(struct upf *u, struct upf_session *s)
{
	if (s->relabel || s->pending)
		return;
	s->relabel = true;
	s->relabel_next = u->relabel;
	u->relabel = s;
}

static void write_labels(struct upf *u)
{
	static char label[UPF_BATCH][UPF_LABEL_MAX + 1];
	static struct knl_session k[UPF_BATCH];
	struct upf_session *s;
	size_t n;

	while (u->relabel) {
		for (n = 0; n < UPF_BATCH && (s = u->relabel); n++) {
			u->relabel = s->relabel_next;
			s->relabel = false;
			upf_label_write(s, label[n]);
			k[n] = (struct knl_session){ .id = s->by_seid.key,
						     .label = label[n],
						     .idle_timeout = -1,
						     .monitored = -1 };
		}
		if (!u->ops->session_change(u->k, k, n, NULL, NULL))
			continue;
		for (size_t i = 0; i < n; i++) /* one may be gone */
			u->ops->session_change(u->k, &k[i], 1, NULL, NULL);
	}
}

/* --- the batch --- */

static void fresh_done(struct upf *u, struct fresh *f, int e)
{
	struct upf_fail fail = { .cause = e ? cause_of(e) : 0 };

	f->s->pending = false;
	if (!e) {
		upf_session_adopt(u, f->s);
		metric_inc(&m_established);
		pfcp_respond(f->t, f->answer, f->n);
		return;
	}
	log_info("the kernel refuses a session: %s", u->ops->error(u->k));
	refuse_rules(u, f->t, true, f->s->cp_seid, &fail);
	upf_session_free(u, f->s);
}

/* from..from+n; halves what is too long for a message. */
static void send_fresh(struct upf *u, size_t from, size_t n)
{
	struct upf_pending *p = u->pending;
	int e, bad;

	while (n) {
		e = u->ops->session_new(u->k, &p->k[from], n);
		if (e == -EMSGSIZE && n > 1) {
			send_fresh(u, from, n / 2);
			from += n / 2;
			n -= n / 2;
			continue;
		}
		bad = e ? u->ops->error_index(u->k) : -1;
		if (e && n > 1) {
			if (bad < 0 || (size_t)bad >= n)
				bad = 0; /* nobody is named: they are tried one by one */
			if (bad)
				send_fresh(u, from, (size_t)bad);
			fresh_done(u, &p->fresh[from + (size_t)bad],
				   u->ops->session_new(u->k, &p->k[from + (size_t)bad], 1));
			from += (size_t)bad + 1;
			n -= (size_t)bad + 1;
			continue;
		}
		for (size_t i = 0; i < n; i++)
			fresh_done(u, &p->fresh[from + i], e);
		return;
	}
}

struct del_call {
	struct upf *u;
	size_t from, n;
};

static void answer_deletion(struct upf *u, struct gone *g, const struct knl_counters *c)
{
	struct sx_session_deletion_response *m = &u->out.session_deletion_response;

	sx_init(SX_SESSION_DELETION_RESPONSE, m);
	m->has_cause = true;
	m->cause = SX_ACCEPTED;
	for (size_t i = 0; c && i < c->n_urrs && m->n_usage_report < ARRAY_SIZE(m->usage_report);
	     i++)
		upf_usage_report(u, g->s, &c->urrs[i], KNL_TERMR,
				 &m->usage_report[m->n_usage_report++], NULL);
	upf_put_control(u, g->s->node, &m->load, &m->has_load, &m->overload, &m->has_overload);
	g->done = true;
	metric_inc(&m_deleted);
	upf_respond(u, g->t, SX_SESSION_DELETION_RESPONSE, g->s->cp_seid, m);
}

static int on_deleted(void *arg, const struct knl_counters *c)
{
	struct del_call *d = arg;
	struct upf_pending *p = d->u->pending;

	for (size_t i = d->from; i < d->from + d->n; i++) {
		if (p->gone_id[i] != c->session || p->gone[i].done)
			continue;
		answer_deletion(d->u, &p->gone[i], c);
		break;
	}
	return 0;
}

static void send_gone(struct upf *u, size_t from, size_t n)
{
	struct upf_pending *p = u->pending;
	struct del_call d = { u, from, n };
	int e = u->ops->session_del(u->k, &p->gone_id[from], n, on_deleted, &d);

	if (e && n > 1) {
		send_gone(u, from, n / 2);
		send_gone(u, from + n / 2, n - n / 2);
		return;
	}
	for (size_t i = from; i < from + n; i++) { /* what had gone already is deleted, too */
		if (!p->gone[i].done)
			answer_deletion(u, &p->gone[i], NULL);
		discard(u, p->gone[i].s);
	}
}

void upf_flush(void *arg)
{
	struct upf *u = arg;
	struct upf_pending *p = u->pending;
	size_t n;

	n = p->n_gone; /* first: a new session may have the address of one of them */
	p->n_gone = 0;
	if (n)
		send_gone(u, 0, n);
	n = p->n_fresh;
	p->n_fresh = 0;
	if (n)
		send_fresh(u, 0, n);
	u->arena_used = 0;
	write_labels(u);
}

static uint8_t *arena_end(struct upf *u)
{
	return u->arena + ARENA;
}

/* Room for a session in the arena. */
static uint8_t *arena_at(struct upf *u)
{
	if (ARENA - u->arena_used < ARENA_ONE)
		upf_flush(u);
	return u->arena + u->arena_used;
}

/* --- establishment --- */

static void put_digits(struct str tbcd, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < tbcd.n * 2 && n + 1 < size; i++) {
		uint8_t d = (uint8_t)tbcd.p[i / 2] >> (i % 2 * 4) & 15;

		if (d > 9)
			break;
		dst[n++] = (char)('0' + d);
	}
	dst[n] = '\0';
}

/* One word: the label's fields begin at the first space. */
static void put_word(struct str text, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n && n + 1 < size; i++)
		dst[n++] = text.p[i] > ' ' && text.p[i] < 0x7f ? text.p[i] : '_';
	dst[n] = '\0';
}

static void set_subscriber(struct upf_session *s, const struct sx_session_establishment_request *m)
{
	const struct sx_user_id *id = &m->user_id;

	if (!m->has_user_id)
		return;
	if (id->imsi.n)
		put_digits(id->imsi, s->subscriber, sizeof(s->subscriber));
	else if (id->supi.n)
		put_word(id->supi, s->subscriber, sizeof(s->subscriber));
	else if (id->imei.n)
		put_digits(id->imei, s->subscriber, sizeof(s->subscriber));
	else
		put_word(id->nai, s->subscriber, sizeof(s->subscriber));
}

/* Of the F-SEID's addresses the one of the family that we speak with it. */
static struct in6_addr cp_address(const struct sx_fseid *f, const struct sockaddr_storage *peer)
{
	struct in6_addr ip = { 0 };

	if (f->v4 && (peer->ss_family == AF_INET || !f->v6)) {
		ip.s6_addr[10] = ip.s6_addr[11] = 0xff;
		memcpy(&ip.s6_addr[12], &f->ip4, 4);
	} else if (f->v6) {
		ip = f->ip6;
	} else {
		xchg_ip(peer, &ip);
	}
	return ip;
}

static int set_csids(struct upf_session *s, const struct sx_fq_csid *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (uint8_t k = 0; k < in[i].n; k++) {
			struct upf_csid q = { .node_type = in[i].node_type,
					      .role = in[i].role,
					      .csid = in[i].csid[k] };

			memcpy(q.node, in[i].node, in[i].node_type == 1 ? 16 : 4);
			if (upf_csid_add(s, &q))
				return -ENOSPC;
		}
	return 0;
}

static void up_fseid(const struct upf *u, uint64_t seid, struct sx_fseid *ret)
{
	*ret = (struct sx_fseid){ .seid = seid,
				  .v4 = u->has_pfcp4,
				  .v6 = u->has_pfcp6,
				  .ip4 = u->pfcp4,
				  .ip6 = u->pfcp6 };
}

/* The answer as it will leave when the kernel has the session; in the arena. */
static int prepare_answer(struct upf *u, struct upf_session *s, struct fresh *f, uint8_t **at)
{
	struct sx_session_establishment_response *m = &u->out.session_establishment_response;
	struct tlv_buf b = { .p = *at, .cap = (size_t)(arena_end(u) - *at) };

	sx_init(SX_SESSION_ESTABLISHMENT_RESPONSE, m);
	m->has_node_id = m->has_cause = m->has_up_fseid = true;
	m->node_id = u->node_id;
	m->cause = SX_ACCEPTED;
	up_fseid(u, s->by_seid.key, &m->up_fseid);
	m->n_created_pdr = u->model.n_created;
	for (size_t i = 0; i < u->model.n_created; i++)
		m->created_pdr[i] = u->model.created[i];
	upf_put_control(u, s->node, &m->load, &m->has_load, &m->overload, &m->has_overload);
	if (sx_encode(SX_SESSION_ESTABLISHMENT_RESPONSE, s->cp_seid, m, &b))
		return -ENOSPC;
	f->answer = b.p;
	f->n = b.n;
	*at += (b.n + 15) & ~(size_t)15;
	return 0;
}

static void set_ue(struct knl_session *k, const struct upf_session *s)
{
	if (s->has_ue4)
		k->ue4 = (struct xfrm_addr){ .family = AF_INET, .v4 = s->ue4 };
	if (s->has_ue6)
		k->ue6 = (struct xfrm_addr){ .family = AF_INET6, .v6 = s->ue6 };
}

static int enqueue(struct upf *u, struct upf_session *s, struct xchg_token *t)
{
	struct upf_pending *p = u->pending;
	struct fresh *f = &p->fresh[p->n_fresh];
	struct knl_session *k = &p->k[p->n_fresh];
	uint8_t *at = u->arena + u->arena_used;
	char *label = (char *)at;

	*k = (struct knl_session){ .id = s->by_seid.key, .label = label };
	at += UPF_LABEL_MAX + 1;
	upf_label_write(s, label);
	if (upf_model_take(&u->model, true, k, &at, arena_end(u)))
		return -ENOSPC;
	set_ue(k, s);
	*f = (struct fresh){ .t = t, .s = s };
	if (prepare_answer(u, s, f, &at))
		return -ENOSPC;
	u->arena_used = (size_t)(at - u->arena);
	s->pending = true;
	p->n_fresh++;
	return 0;
}

static void end_batch(struct upf *u, struct upf_session **s, size_t n);

/*
 * The CP function asks again for what it was not told that it has: a retransmission that the exchange has forgotten, or
 * a new request after none of the answers arrived. Its old session would hold address and TEIDs for good.
 */
static void replace(struct upf *u, const struct upf_node *n, uint64_t seid,
		    const struct in6_addr *cp)
{
	struct upf_session *old = find_by_cp(u, n, seid, cp);

	if (old && old->pending) {
		upf_flush(u);
		old = find_by_cp(u, n, seid, cp); /* the kernel may have refused it */
	}
	if (!old)
		return;
	metric_inc(&m_replaced);
	end_batch(u, &old, 1);
}

void upf_establish(struct upf *u, struct xchg_token *t,
		   const struct sx_session_establishment_request *m, struct upf_node *n)
{
	struct in6_addr ip = cp_address(&m->cp_fseid, &n->addr);
	uint64_t cp = m->cp_fseid.seid;
	struct upf_session *s;

	replace(u, n, cp, &ip);
	if (u->pending->n_fresh == UPF_BATCH)
		upf_flush(u);
	arena_at(u);
	if (u->leaving || n->releasing || (u->max_sessions && u->n_sessions >= u->max_sessions)) {
		upf_refuse(u, t, SX_SESSION_ESTABLISHMENT_REQUEST, cp, SX_NO_RESOURCES, 0);
		return;
	}
	s = upf_session_new(u, n, 0);
	if (!s) {
		upf_refuse(u, t, SX_SESSION_ESTABLISHMENT_REQUEST, cp, SX_NO_RESOURCES, 0);
		return;
	}
	s->created = pfcp_time(loop_wall(u->loop));
	upf_session_set_cp(u, s, cp, &ip);
	set_subscriber(s, m);
	upf_model_init(&u->model, s);
	u->model.fail.cause = SX_NO_RESOURCES;
	if (!set_csids(s, m->csid, m->n_csid) && !upf_rules_establish(u, &u->model, s, m) &&
	    !enqueue(u, s, t))
		return;
	refuse_rules(u, t, true, cp, &u->model.fail);
	upf_session_free(u, s);
}

/* --- modification --- */

static int load_model(void *arg, const struct knl_session *s, const struct knl_counters *c)
{
	upf_model_count(arg, c);
	return upf_model_load(arg, s);
}

/* --- quotas --- */

static uint64_t quota_left(uint64_t quota, uint64_t used)
{
	return !quota ? 0 : quota > used ? quota - used : 1; /* 0 would be none */
}

static const struct sx_update_urr *update_of(const struct sx_session_modification_request *m,
					     uint32_t id)
{
	for (size_t i = 0; i < m->n_update_urr; i++)
		if (m->update_urr[i].id == id)
			return &m->update_urr[i];
	return NULL;
}

static bool has_quota(const struct knl_urr *r)
{
	return r->quota.total || r->quota.ul || r->quota.dl || r->time_quota;
}

/*
 * The kernel begins a quota anew whenever a URR is given to it: where the CP function has not granted a new one, what
 * is left of the old one is given.
 */
static void keep_quotas(struct upf_session *s, struct upf_model *m,
			const struct sx_session_modification_request *in)
{
	for (size_t i = 0; i < m->n_urrs; i++) {
		struct knl_urr *r = &m->urr[i];
		const struct knl_usage *k = upf_model_usage(m, r->id);
		const struct sx_update_urr *up = update_of(in, r->id - 1);
		const struct upf_urr *was = upf_urr_get(s, r->id - 1, false);
		struct upf_urr none = { 0 };

		if (m->urr_mark[i] != UPF_CHANGED || !k)
			continue;
		was = was ? was : &none;
		if (!up || !up->has_volume_quota) {
			r->quota.ul = quota_left(r->quota.ul, k->octets.ul - was->quota_ul);
			r->quota.dl = quota_left(r->quota.dl, k->octets.dl - was->quota_dl);
			r->quota.total =
				quota_left(r->quota.total, k->octets.ul + k->octets.dl -
								   was->quota_ul - was->quota_dl);
		}
		if (!up || !up->has_time_quota)
			r->time_quota = (uint32_t)quota_left(
				r->time_quota, (k->duration_ms - was->quota_ms) / 1000);
	}
}

static bool quotas_begun(struct upf_session *s, const struct upf_model *m)
{
	bool any = false;

	for (size_t i = 0; i < m->n_urrs; i++) {
		const struct knl_usage *k = upf_model_usage(m, m->urr[i].id);
		struct upf_urr *r;

		if (m->urr_mark[i] != UPF_CHANGED || !k || !has_quota(&m->urr[i]))
			continue;
		r = upf_urr_get(s, m->urr[i].id - 1, true);
		if (!r)
			continue;
		r->quota_ul = k->octets.ul;
		r->quota_dl = k->octets.dl;
		r->quota_ms = k->duration_ms;
		any = true;
	}
	return any;
}

/* Nothing of the request comes to be. */
static void undo(struct upf *u, struct upf_session *s)
{
	const struct upf_session *was = &u->model.was;

	if (u->model.ue4_new)
		upf_ue4_mark(u, s->ue4, false);
	if (u->model.ue6_new)
		upf_ue6_mark(u, &s->ue6, false);
	upf_teids_free(u, s, was->teids);
	s->ue4 = was->ue4;
	s->ue6 = was->ue6;
	s->has_ue4 = was->has_ue4;
	s->has_ue6 = was->has_ue6;
	s->own_ue4 = was->own_ue4;
	s->own_ue6 = was->own_ue6;
	s->has_bar = was->has_bar;
	s->bar = was->bar;
}

struct mod_call {
	struct upf *u;
	struct upf_session *s;
	struct sx_session_modification_response *m;
	unsigned int trigger;
	/* a query; NULL: what comes */
	const struct sx_session_modification_request *query;
};

static bool is_queried(const struct sx_session_modification_request *q, uint32_t id)
{
	if (q->has_smreq_flags && q->smreq_flags.qaurr)
		return true;
	for (size_t i = 0; i < q->n_query_urr; i++)
		if (q->query_urr[i].id == id)
			return true;
	return false;
}

static int add_reports(void *arg, const struct knl_counters *c)
{
	struct mod_call *d = arg;
	struct sx_session_modification_response *m = d->m;

	for (size_t i = 0; i < c->n_urrs && m->n_usage_report < ARRAY_SIZE(m->usage_report); i++) {
		struct sx_usage_report *r = &m->usage_report[m->n_usage_report];

		if (d->query && !is_queried(d->query, c->urrs[i].urr - 1))
			continue;
		m->n_usage_report++;
		upf_usage_report(d->u, d->s, &c->urrs[i], d->trigger, r, NULL);
		if (d->query && d->query->has_query_reference) {
			r->has_query_reference = true;
			r->query_reference = d->query->query_reference;
		}
	}
	return 0;
}

static int query_reports(void *arg, const struct knl_session *s _unused_,
			 const struct knl_counters *c)
{
	return add_reports(arg, c);
}

/* What changed goes to the kernel, what it counted of removed URRs into the answer. */
static int apply(struct upf *u, struct mod_call *d)
{
	struct knl_session k = { .id = d->s->by_seid.key };
	uint8_t *at = arena_at(u);
	int e;

	e = upf_model_take(&u->model, false, &k, &at, arena_end(u));
	if (e)
		return e;
	if (d->s->has_ue4 != u->model.was.has_ue4 || d->s->has_ue6 != u->model.was.has_ue6)
		set_ue(&k, d->s);
	else if (!upf_model_changed(&u->model))
		return 0;
	d->trigger = KNL_TERMR;
	return u->ops->session_change(u->k, &k, 1, add_reports, d);
}

static void after_change(struct upf *u, struct upf_session *s,
			 const struct sx_session_modification_request *m)
{
	uint32_t now = pfcp_time(loop_wall(u->loop));

	for (size_t i = 0; i < m->n_remove_urr; i++)
		upf_urr_forget(s, m->remove_urr[i].id);
	for (size_t i = 0; i < m->n_create_urr; i++) {
		struct upf_urr *r = upf_urr_get(s, m->create_urr[i].id, true);

		if (r)
			*r = (struct upf_urr){ .id = r->id, .start = now };
	}
	upf_teids_drop_unused(u, s, &u->model);
	upf_session_adopt(u, s);
	if (quotas_begun(s, &u->model) || m->n_remove_urr || m->n_create_urr ||
	    s->has_bar != u->model.was.has_bar || s->own_ue4 != u->model.was.own_ue4 ||
	    s->own_ue6 != u->model.was.own_ue6)
		upf_session_relabel(u, s);
}

static int drop_waiting(void *arg, const struct knl_session *k,
			const struct knl_counters *c _unused_)
{
	struct upf_model *m = arg;

	if (upf_model_load(m, k))
		return -ENOSPC;
	for (size_t i = 0; i < m->n_fars; i++)
		if (m->far[i].action & KNL_BUFF)
			m->far_mark[i] = UPF_CHANGED;
	return 0;
}

/* DROBU (8.2.31, 8.2.32): the kernel lets go what waits when its FAR says drop; then it is as before. */
void upf_drop_buffered(struct upf *u, struct upf_session *s)
{
	struct upf_model *m = &u->model;
	unsigned int action[KNL_RULES];

	upf_model_init(m, s);
	if (u->ops->session_get(u->k, s->by_seid.key, drop_waiting, m) || !upf_model_changed(m))
		return;
	for (int again = 0; again < 2; again++) {
		struct knl_session k = { .id = s->by_seid.key };
		uint8_t *at = arena_at(u);

		for (size_t i = 0; i < m->n_fars; i++) {
			action[i] = again ? action[i] : m->far[i].action;
			if (m->far_mark[i] != UPF_SAME)
				m->far[i].action =
					again ? action[i] : KNL_DROP | (action[i] & KNL_DUPL);
		}
		if (!upf_model_take(m, false, &k, &at, arena_end(u)))
			u->ops->session_change(u->k, &k, 1, NULL, NULL);
	}
}

/* Another CP function, or another F-SEID of the same, takes over (5.22, 7.5.4.1). */
static void new_owner(struct upf *u, struct upf_session *s,
		      const struct sx_session_modification_request *m)
{
	struct upf_node *n = NULL;
	struct tlv_buf b = TLV_BUF(u->buf);

	if (m->has_node_id && !upf_node_id_encode(&m->node_id, &b))
		n = upf_node_find(u, (struct str){ (char *)b.p, b.n });
	if (n && n != s->node) {
		unlink_node(s);
		link_node(s, n);
	}
	if (m->has_cp_fseid) {
		struct in6_addr ip = cp_address(&m->cp_fseid, &s->node->addr);

		upf_session_set_cp(u, s, m->cp_fseid.seid, &ip);
	}
	if (m->has_cp_fseid || n)
		upf_session_relabel(u, s);
}

static void answer_modification(struct upf *u, struct mod_call *d, struct xchg_token *t)
{
	struct sx_session_modification_response *m = d->m;

	m->has_cause = true;
	m->cause = SX_ACCEPTED;
	m->n_created_pdr = u->model.n_created;
	for (size_t i = 0; i < u->model.n_created; i++)
		m->created_pdr[i] = u->model.created[i];
	upf_put_control(u, d->s->node, &m->load, &m->has_load, &m->overload, &m->has_overload);
	metric_inc(&m_modified);
	upf_respond(u, t, SX_SESSION_MODIFICATION_RESPONSE, d->s->cp_seid, m);
}

static struct upf_session *find_for(struct upf *u, struct xchg_token *t, uint8_t request,
				    uint64_t seid)
{
	struct upf_session *s = upf_session_find(u, seid);

	if (s && s->pending)
		upf_flush(u);
	s = upf_session_find(u, seid);
	if (!s)
		upf_refuse(u, t, request, 0, SX_SESSION_NOT_FOUND, 0);
	return s;
}

void upf_modify(struct upf *u, struct xchg_token *t, uint64_t seid,
		const struct sx_session_modification_request *m)
{
	struct upf_session *s = find_for(u, t, SX_SESSION_MODIFICATION_REQUEST, seid);
	struct sx_session_modification_response *out = &u->out.session_modification_response;
	struct mod_call d = { .u = u, .s = s, .m = out };
	int e;

	if (!s)
		return;
	if (m->has_smreq_flags && m->smreq_flags.drobu)
		upf_drop_buffered(u, s);
	upf_model_init(&u->model, s);
	e = u->ops->session_get(u->k, seid, load_model, &u->model);
	if (e == -ENOENT) { /* somebody else has deleted it */
		upf_refuse(u, t, SX_SESSION_MODIFICATION_REQUEST, s->cp_seid, SX_SESSION_NOT_FOUND,
			   0);
		upf_session_free(u, s);
		return;
	}
	sx_init(SX_SESSION_MODIFICATION_RESPONSE, out);
	if (e) {
		u->model.fail.cause = cause_of(e);
	} else if (!upf_rules_modify(u, &u->model, s, m)) {
		keep_quotas(s, &u->model, m);
		e = apply(u, &d);
		u->model.fail.cause = e ? cause_of(e) : 0;
	}
	if (u->model.fail.cause) {
		if (e)
			log_info("the kernel refuses a change: %s", u->ops->error(u->k));
		undo(u, s);
		refuse_rules(u, t, false, s->cp_seid, &u->model.fail);
		return;
	}
	if (m->n_query_urr || (m->has_smreq_flags && m->smreq_flags.qaurr)) {
		d.query = m;
		d.trigger = KNL_IMMER;
		u->ops->session_get(u->k, seid, query_reports, &d);
	}
	after_change(u, s, m);
	new_owner(u, s, m);
	answer_modification(u, &d, t);
}

/* --- deletion --- */

void upf_delete(struct upf *u, struct xchg_token *t, uint64_t seid)
{
	struct upf_session *s = find_for(u, t, SX_SESSION_DELETION_REQUEST, seid);
	struct upf_pending *p = u->pending;

	if (!s)
		return;
	if (p->n_gone == UPF_BATCH)
		upf_flush(u);
	detach(u, s);
	s->pending = true; /* no label any more */
	p->gone[p->n_gone] = (struct gone){ .t = t, .s = s };
	p->gone_id[p->n_gone++] = seid;
}

static void end_batch(struct upf *u, struct upf_session **s, size_t n)
{
	uint64_t ids[UPF_BATCH] = { 0 };

	for (size_t i = 0; i < n; i++)
		ids[i] = s[i]->by_seid.key;
	if (u->ops->session_del(u->k, ids, n, NULL, NULL))
		for (size_t i = 0; i < n; i++)
			u->ops->session_del(u->k, &ids[i], 1, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		upf_session_free(u, s[i]);
}

static size_t end_of_node(struct upf_node *n, bool (*match)(void *arg, const struct upf_session *s),
			  void *arg)
{
	struct upf_session *batch[UPF_BATCH], *s, *next;
	size_t k = 0, all = 0;

	for (s = n->sessions; s; s = next) {
		next = s->next;
		if (match && !match(arg, s))
			continue;
		batch[k++] = s;
		all++;
		if (k == UPF_BATCH) {
			end_batch(n->upf, batch, k);
			k = 0;
		}
	}
	if (k)
		end_batch(n->upf, batch, k);
	return all;
}

void upf_node_clear(struct upf_node *n)
{
	upf_flush(n->upf);
	end_of_node(n, NULL, NULL);
}

size_t upf_sessions_end(struct upf *u, bool (*match)(void *arg, const struct upf_session *s),
			void *arg)
{
	size_t all = 0;

	upf_flush(u);
	for (struct upf_node *n = u->nodes; n; n = n->next)
		all += end_of_node(n, match, arg);
	return all;
}

/* --- life --- */

int upf_init(struct upf *u, struct loop *l)
{
	u->loop = l;
	u->pending = calloc(1, sizeof(*u->pending));
	u->arena = aligned_alloc(16, ARENA);
	if (!u->pending || !u->arena || upf_random_key(u->key) || htab_init(&u->sessions, 1024) ||
	    htab_init(&u->by_cp, 1024) || htab_init(&u->teids, 1024) ||
	    htab_init(&u->by_ue4, 1024) || htab_init(&u->by_ue6, 1024))
		return -ENOMEM;
	return loop_on_round_end(l, upf_flush, u);
}

void upf_fini(struct upf *u)
{
	if (u->loop)
		loop_off_round_end(u->loop, upf_flush, u);
	while (u->nodes) {
		struct upf_node *n = u->nodes;

		while (n->sessions)
			upf_session_free(u, n->sessions);
		timer_stop(u->loop, &n->lost);
		u->nodes = n->next;
		free(n);
	}
	upf_reports_free(u);
	upf_pools_free(u);
	upf_cps_free(u);
	upf_pfds_free(u);
	htab_fini(&u->sessions);
	htab_fini(&u->by_cp);
	htab_fini(&u->teids);
	htab_fini(&u->by_ue4);
	htab_fini(&u->by_ue6);
	free(u->pending);
	free(u->arena);
	free(u->from);
	u->from = NULL;
	u->pending = NULL;
	u->arena = NULL;
}
