/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests and the fuzzer of the UPF: a kernel that keeps sessions in memory and refuses what kims.ko refuses
 * (as far as the UPF could do it wrong), and a wire on which every message is kept, so that tshark can read it.
 */
#ifndef KIMS_UPF_MOCK_H
#define KIMS_UPF_MOCK_H

#include <arpa/inet.h>

#include "upf/upf.h"

/* --- the kernel --- */

struct mk_session {
	struct hnode node;
	char label[256];
	struct xfrm_addr ue4, ue6;
	int idle;
	struct knl_bar bar;
	struct knl_pdr pdr[KNL_RULES];
	struct knl_far far[KNL_RULES];
	struct knl_qer qer[KNL_RULES];
	struct knl_urr urr[KNL_RULES];
	struct knl_usage usage[KNL_RULES]; /* of urr */
	size_t n_pdrs, n_fars, n_qers, n_urrs;
};

static struct mk {
	struct htab sessions, ue4, ue6; /* ue4, ue6: not used by index of sessions, only counted */
	size_t n, calls_new, calls_change, calls_del, calls_get, in_batch;
	int fail; /* the next call fails with this */
	char error[128];
	int index;
} mk;

static inline int mk_fail(int e, const char *why)
{
	snprintf(mk.error, sizeof(mk.error), "%s", why);
	return e;
}

static inline struct mk_session *mk_find(uint64_t id)
{
	struct hnode *n = htab_find(&mk.sessions, id);

	return n ? container_of(n, struct mk_session, node) : NULL;
}

static inline void mk_free(struct mk_session *s)
{
	for (size_t i = 0; i < s->n_pdrs; i++)
		free((void *)s->pdr[i].filters);
	free(s);
}

static inline struct knl_pdr mk_pdr(const struct knl_pdr *p)
{
	struct knl_pdr copy = *p;

	if (p->n_filters) {
		copy.filters = malloc(p->n_filters * sizeof(*p->filters));
		memcpy((void *)copy.filters, p->filters, p->n_filters * sizeof(*p->filters));
	} else {
		copy.filters = NULL;
	}
	return copy;
}

#define MK_DEL(kind)                                                                  \
	for (size_t d_ = 0; d_ < k->n_del_##kind##s; d_++) {                          \
		size_t i_ = 0;                                                        \
		while (i_ < s->n_##kind##s && s->kind[i_].id != k->del_##kind##s[d_]) \
			i_++;                                                         \
		if (i_ == s->n_##kind##s)                                             \
			return mk_fail(-ENOENT, "nothing of this id to remove");      \
		mk_gone_##kind(s, i_);                                                \
		s->n_##kind##s--;                                                     \
		s->kind[i_] = s->kind[s->n_##kind##s];                                \
	}
#define MK_PUT(kind, copy)                                                         \
	for (size_t g_ = 0; g_ < k->n_##kind##s; g_++) {                           \
		size_t i_ = 0;                                                     \
		while (i_ < s->n_##kind##s && s->kind[i_].id != k->kind##s[g_].id) \
			i_++;                                                      \
		if (i_ == KNL_RULES)                                               \
			return mk_fail(-E2BIG, "too many rules in a session");     \
		if (!k->kind##s[g_].id || k->kind##s[g_].id > 0x7fffffff)          \
			return mk_fail(-ERANGE, "id out of range");                \
		if (i_ == s->n_##kind##s)                                          \
			mk_fresh_##kind(s, s->n_##kind##s++, k->kind##s[g_].id);   \
		else                                                               \
			mk_gone_##kind##_conf(s, i_);                              \
		s->kind[i_] = copy(&k->kind##s[g_]);                               \
	}
static inline void mk_gone_pdr(struct mk_session *s, size_t i)
{
	free((void *)s->pdr[i].filters);
}
static inline void mk_gone_pdr_conf(struct mk_session *s, size_t i)
{
	free((void *)s->pdr[i].filters);
}
static inline void mk_gone_far(struct mk_session *s _unused_, size_t i _unused_)
{
}
static inline void mk_gone_far_conf(struct mk_session *s _unused_, size_t i _unused_)
{
}
static inline void mk_gone_qer(struct mk_session *s _unused_, size_t i _unused_)
{
}
static inline void mk_gone_qer_conf(struct mk_session *s _unused_, size_t i _unused_)
{
}
static inline void mk_gone_urr_conf(struct mk_session *s _unused_, size_t i _unused_)
{
}
static inline void mk_fresh_pdr(struct mk_session *s _unused_, size_t i _unused_,
				uint32_t id _unused_)
{
}
static inline void mk_fresh_far(struct mk_session *s _unused_, size_t i _unused_,
				uint32_t id _unused_)
{
}
static inline void mk_fresh_qer(struct mk_session *s _unused_, size_t i _unused_,
				uint32_t id _unused_)
{
}
static inline void mk_fresh_urr(struct mk_session *s, size_t i, uint32_t id)
{
	s->usage[i] = (struct knl_usage){ .urr = id };
}

static struct knl_counters mk_counters;

static inline void mk_gone_urr(struct mk_session *s, size_t i)
{
	mk_counters.urrs[mk_counters.n_urrs++] = s->usage[i];
	s->usage[i] = s->usage[s->n_urrs - 1];
}
#define MK_SAME(x) (*(x))

static inline bool mk_has_urr(const struct mk_session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_urrs; i++)
		if (s->urr[i].id == id)
			return true;
	return false;
}

static inline bool mk_has_qer(const struct mk_session *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_qers; i++)
		if (s->qer[i].id == id)
			return true;
	return false;
}

/* What rules.c and read.c of the module refuse. */
static inline int mk_check(const struct mk_session *s)
{
	for (size_t i = 0; i < s->n_pdrs; i++) {
		const struct knl_pdr *p = &s->pdr[i];
		size_t f = 0;

		while (f < s->n_fars && s->far[f].id != p->far)
			f++;
		if (f == s->n_fars)
			return mk_fail(-ENOENT, "a PDR names a FAR that the session has not");
		if (!p->endpoint != !p->teid)
			return mk_fail(-EINVAL, "a PDR has both of endpoint and teid or none");
		if (!p->teid && p->keep_outer_header)
			return mk_fail(-EINVAL, "keep-outer-header is for a PDR with a teid");
		for (uint8_t q = 0; q < p->n_qers; q++)
			if (!mk_has_qer(s, p->qers[q]))
				return mk_fail(-ENOENT,
					       "a PDR names a QER that the session has not");
		for (uint8_t q = 0; q < p->n_urrs; q++)
			if (!mk_has_urr(s, p->urrs[q]))
				return mk_fail(-ENOENT,
					       "a PDR names a URR that the session has not");
	}
	for (size_t i = 0; i < s->n_fars; i++) {
		const struct knl_far *f = &s->far[i];
		unsigned int one = f->action & (KNL_DROP | KNL_FORW | KNL_BUFF);

		if (!one || one & (one - 1) || (f->action & KNL_NOCP && !(f->action & KNL_BUFF)))
			return mk_fail(-EINVAL, "apply-action");
		if (!f->endpoint != (f->peer.addr.family == AF_UNSPEC) ||
		    !f->dup_endpoint != (f->dup_peer.family == AF_UNSPEC) ||
		    !(f->action & KNL_DUPL) != !f->dup_endpoint)
			return mk_fail(-EINVAL, "outer header of a FAR");
	}
	for (size_t i = 0; i < s->n_urrs; i++)
		if (s->urr[i].linked &&
		    (s->urr[i].linked == s->urr[i].id || !mk_has_urr(s, s->urr[i].linked)))
			return mk_fail(-ENOENT, "linked-urr names a URR that the session has not");
	return 0;
}

static inline int mk_apply(struct mk_session *s, const struct knl_session *k)
{
	if (k->label)
		snprintf(s->label, sizeof(s->label), "%s", k->label);
	if (k->ue4.family)
		s->ue4 = k->ue4;
	if (k->ue6.family)
		s->ue6 = k->ue6;
	if (k->idle_timeout >= 0)
		s->idle = k->idle_timeout;
	if (k->bar)
		s->bar = *k->bar;
	MK_DEL(pdr)
	MK_DEL(far)
	MK_DEL(qer)
	MK_DEL(urr)
	MK_PUT(far, MK_SAME)
	MK_PUT(qer, MK_SAME)
	MK_PUT(urr, MK_SAME)
	MK_PUT(pdr, mk_pdr)
	return mk_check(s);
}

static inline bool mk_other_has(const struct knl_session *k)
{
	for (uint32_t b = 0; b <= mk.sessions.mask; b++)
		for (struct hnode *n = mk.sessions.b[b]; n; n = n->next) {
			struct mk_session *s = container_of(n, struct mk_session, node);

			if (s->node.key != k->id && k->ue4.family && s->ue4.family &&
			    s->ue4.v4.s_addr == k->ue4.v4.s_addr)
				return true;
		}
	return false;
}

static bool mk_check_ue = true; /* costs a walk */

static inline int mk_failing(void)
{
	int e = mk.fail;

	mk.fail = 0;
	mk.index = -1;
	return e ? mk_fail(e, "as the test wants it") : 0;
}

static inline int mk_new(void *x _unused_, const struct knl_session *k, size_t n)
{
	int e = mk_failing();
	size_t made = 0;

	mk.calls_new++;
	mk.in_batch = n > mk.in_batch ? n : mk.in_batch;
	for (; made < n && !e; made++) {
		struct mk_session *s = calloc(1, sizeof(*s));

		htab_insert(&mk.sessions, &s->node, k[made].id);
		mk.n++;
		e = mk_check_ue && mk_other_has(&k[made]) ? mk_fail(-EEXIST, "address is another's")
							  : mk_apply(s, &k[made]);
	}
	if (e && made)
		mk.index = (int)made - 1;
	while (e && made) {
		struct mk_session *s = mk_find(k[--made].id);

		htab_remove(&mk.sessions, &s->node);
		mk.n--;
		mk_free(s);
	}
	return e;
}

/* Nothing of a change that is refused: on a copy. */
static inline int mk_change_one(const struct knl_session *k)
{
	struct mk_session *s = mk_find(k->id), *copy;
	struct hnode node;
	int e;

	if (!s)
		return mk_fail(-ENOENT, "no session of this id");
	copy = malloc(sizeof(*copy));
	*copy = *s;
	for (size_t i = 0; i < s->n_pdrs; i++)
		copy->pdr[i] = mk_pdr(&s->pdr[i]);
	e = mk_apply(copy, k);
	if (e) {
		mk_free(copy);
		return e;
	}
	node = s->node;
	for (size_t i = 0; i < s->n_pdrs; i++)
		free((void *)s->pdr[i].filters);
	*s = *copy;
	s->node = node;
	free(copy);
	return 0;
}

static inline int mk_change(void *x _unused_, const struct knl_session *k, size_t n,
			    knl_counters_fn fn, void *arg)
{
	int e = mk_failing();

	mk.calls_change++;
	for (size_t i = 0; i < n && !e; i++) {
		memset(&mk_counters, 0, offsetof(struct knl_counters, pdrs));
		e = mk_change_one(&k[i]);
		mk_counters.session = k[i].id;
		if (!e && fn && mk_counters.n_urrs)
			e = fn(arg, &mk_counters);
	}
	return e;
}

static inline void mk_count(const struct mk_session *s)
{
	memset(&mk_counters, 0, offsetof(struct knl_counters, pdrs));
	mk_counters.session = s->node.key;
	mk_counters.n_urrs = s->n_urrs;
	memcpy(mk_counters.urrs, s->usage, s->n_urrs * sizeof(s->usage[0]));
}

static inline int mk_del(void *x _unused_, const uint64_t *ids, size_t n, knl_counters_fn fn,
			 void *arg)
{
	int e = mk_failing();

	mk.calls_del++;
	for (size_t i = 0; i < n && !e; i++)
		if (!mk_find(ids[i]))
			e = mk_fail(-ENOENT, "no session of this id");
	for (size_t i = 0; i < n && !e; i++) {
		struct mk_session *s = mk_find(ids[i]);

		mk_count(s);
		if (fn)
			fn(arg, &mk_counters);
		htab_remove(&mk.sessions, &s->node);
		mk.n--;
		mk_free(s);
	}
	return e;
}

static inline int mk_tell(struct mk_session *s, knl_session_fn fn, void *arg)
{
	struct knl_session k = { .id = s->node.key,
				 .label = s->label,
				 .ue4 = s->ue4,
				 .ue6 = s->ue6,
				 .idle_timeout = s->idle,
				 .bar = &s->bar,
				 .pdrs = s->pdr,
				 .fars = s->far,
				 .qers = s->qer,
				 .urrs = s->urr,
				 .n_pdrs = s->n_pdrs,
				 .n_fars = s->n_fars,
				 .n_qers = s->n_qers,
				 .n_urrs = s->n_urrs };

	mk_count(s);
	return fn(arg, &k, &mk_counters);
}

static inline int mk_get(void *x _unused_, uint64_t id, knl_session_fn fn, void *arg)
{
	struct mk_session *s = mk_find(id);
	int e = mk_failing();

	mk.calls_get++;
	if (e)
		return e;
	return s ? mk_tell(s, fn, arg) : mk_fail(-ENOENT, "no session of this id");
}

static inline int mk_dump(void *x _unused_, knl_session_fn fn, void *arg)
{
	for (uint32_t b = 0; b <= mk.sessions.mask; b++)
		for (struct hnode *n = mk.sessions.b[b]; n; n = n->next)
			mk_tell(container_of(n, struct mk_session, node), fn, arg);
	return 0;
}

static inline int mk_app_flow(void *x _unused_, const struct knl_app_flow *f _unused_,
			      size_t n _unused_)
{
	return mk_failing();
}

static inline const char *mk_error(void *x _unused_)
{
	return mk.error;
}

static inline int mk_error_index(void *x _unused_)
{
	return mk.index;
}

static const struct upf_kernel_ops mk_ops = {
	.session_new = mk_new,
	.session_change = mk_change,
	.session_del = mk_del,
	.session_get = mk_get,
	.session_dump = mk_dump,
	.app_flow_new = mk_app_flow,
	.error = mk_error,
	.error_index = mk_error_index,
};

static inline void mk_open(void)
{
	memset(&mk, 0, sizeof(mk));
	htab_init(&mk.sessions, 64);
}

static inline void mk_close(void)
{
	for (uint32_t b = 0; b <= mk.sessions.mask; b++)
		while (mk.sessions.b[b]) {
			struct mk_session *s =
				container_of(mk.sessions.b[b], struct mk_session, node);

			htab_remove(&mk.sessions, &s->node);
			mk_free(s);
		}
	htab_fini(&mk.sessions);
}

/* --- the UPF on a wire --- */

static struct upf upf;
static struct sockaddr_storage cp, cp2; /* 10.46.0.5, 10.46.0.15 */

static inline void upf_addresses(void)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&cp, *b = (struct sockaddr_in *)&cp2;

	a->sin_family = b->sin_family = AF_INET;
	a->sin_port = b->sin_port = htons(PFCP_PORT);
	a->sin_addr.s_addr = htonl(0x0a2e0005);
	b->sin_addr.s_addr = htonl(0x0a2e000f);
}

/* kept: as a process that comes after another. */
static inline int upf_begin(struct loop *l,
			    void (*send)(void *arg, const struct sockaddr_storage *to,
					 const void *p, size_t n),
			    const char *state, bool kept)
{
	struct pfcp_conf pc = { .send = send };
	char err[200];

	memset(&upf, 0, sizeof(upf));
	upf.ops = &mk_ops;
	upf.k = &mk;
	upf.node_id = (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4.s_addr = htonl(0x0a2e0006) };
	upf.has4 = upf.has6 = upf.has_pfcp4 = true;
	upf.gtpu4.s_addr = upf.pfcp4.s_addr = htonl(0x0a2e0006);
	inet_pton(AF_INET6, "fd46::6", &upf.gtpu6);
	upf.ep4 = 1;
	upf.ep6 = 2;
	upf.app_queue = 100;
	upf.max_sessions = 100000;
	upf.state_path = state;
	upf_addresses();
	if (upf_init(&upf, l) ||
	    upf_pools_parse(&upf, "ims 10.45.0.0/16 fd45::/48; internet 10.48.0.0/24", err,
			    sizeof(err)))
		return -1;
	upf_state_load(&upf, kept);
	pc.recovery_ts = upf.recovery_ts;
	if (pfcp_open(l, &pc, &upf_pfcp_ops, &upf, &upf.pfcp))
		return -1;
	upf_state_peers(&upf);
	return upf_state_sessions(&upf);
}

static inline void upf_end(void)
{
	pfcp_close(upf.pfcp);
	upf.pfcp = NULL;
	upf_fini(&upf);
}

#endif
