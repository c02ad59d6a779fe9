// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of one session while a request is worked on: what the kernel has, what changes, what is new. */
#include "upf/upf.h"

void upf_model_init(struct upf_model *m, const struct upf_session *s)
{
	m->n_pdrs = m->n_fars = m->n_qers = m->n_urrs = m->n_filters = 0;
	m->n_del_pdrs = m->n_del_fars = m->n_del_qers = m->n_del_urrs = 0;
	m->n_created = m->n_choices = m->n_usage = 0;
	m->bar = (struct knl_bar){ 0 };
	m->bar_changed = m->ue4_new = m->ue6_new = false;
	m->idle_timeout = -1;
	m->was = *s;
	m->fail = (struct upf_fail){ 0 };
}

#define LOAD(kind, n)                                                           \
	do {                                                                    \
		if (s->n > KNL_RULES)                                           \
			return -ENOSPC;                                         \
		if (s->n)                                                       \
			memcpy(m->kind, s->kind##s, s->n * sizeof(m->kind[0])); \
		memset(m->kind##_mark, UPF_SAME, sizeof(m->kind##_mark));       \
		m->n = s->n;                                                    \
	} while (0)

static int load_filters(struct upf_model *m, struct knl_pdr *p)
{
	struct knl_filter *f;

	if (!p->n_filters)
		return 0;
	f = upf_model_filters(m, p->n_filters);
	if (!f)
		return -ENOSPC;
	memcpy(f, p->filters, p->n_filters * sizeof(*f));
	p->filters = f;
	return 0;
}

int upf_model_load(struct upf_model *m, const struct knl_session *s)
{
	LOAD(pdr, n_pdrs);
	LOAD(far, n_fars);
	LOAD(qer, n_qers);
	LOAD(urr, n_urrs);
	for (size_t i = 0; i < m->n_pdrs; i++)
		if (load_filters(m, &m->pdr[i]))
			return -ENOSPC;
	if (s->bar)
		m->bar = *s->bar;
	return 0;
}

void upf_model_count(struct upf_model *m, const struct knl_counters *c)
{
	m->n_usage = MIN(c->n_urrs, (size_t)KNL_RULES);
	memcpy(m->usage, c->urrs, m->n_usage * sizeof(m->usage[0]));
}

const struct knl_usage *upf_model_usage(const struct upf_model *m, uint32_t kid)
{
	for (size_t i = 0; i < m->n_usage; i++)
		if (m->usage[i].urr == kid)
			return &m->usage[i];
	return NULL;
}

#define FINDER(kind)                                                  \
	int upf_model_##kind(const struct upf_model *m, uint32_t kid) \
	{                                                             \
		for (size_t i = 0; i < m->n_##kind##s; i++)           \
			if (m->kind[i].id == kid)                     \
				return (int)i;                        \
		return -1;                                            \
	}
FINDER(pdr)
FINDER(far)
FINDER(qer)
FINDER(urr)

struct knl_filter *upf_model_filters(struct upf_model *m, size_t n)
{
	struct knl_filter *f = &m->filter[m->n_filters];

	if (n > UPF_FILTERS - m->n_filters)
		return NULL;
	m->n_filters += n;
	return f;
}

/* --- out --- */

static void *take(uint8_t **p, const uint8_t *end, const void *from, size_t n)
{
	uint8_t *at = *p;

	n = (n + 15) & ~(size_t)15;
	if (n > (size_t)(end - at))
		return NULL;
	*p += n;
	return from ? at : NULL;
}

/* Those of an array whose mark says so, one behind the other. */
static int take_rules(const void *from, const uint8_t *mark, size_t n, size_t size, bool whole,
		      const void **ret, size_t *ret_n, uint8_t **p, const uint8_t *end)
{
	uint8_t *at;
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += whole || mark[i] != UPF_SAME;
	*ret_n = k;
	*ret = NULL;
	if (!k)
		return 0;
	at = take(p, end, from, k * size);
	if (!at)
		return -ENOSPC;
	*ret = at;
	for (size_t i = 0; i < n; i++) {
		if (!whole && mark[i] == UPF_SAME)
			continue;
		memcpy(at, (const uint8_t *)from + i * size, size);
		at += size;
	}
	return 0;
}

static int take_ids(const uint32_t *from, size_t n, const uint32_t **ret, size_t *ret_n,
		    uint8_t **p, const uint8_t *end)
{
	uint32_t *at = n ? take(p, end, from, n * sizeof(*from)) : NULL;

	if (n && !at)
		return -ENOSPC;
	if (n)
		memcpy(at, from, n * sizeof(*from));
	*ret = at;
	*ret_n = n;
	return 0;
}

static int take_filters(struct knl_session *s, uint8_t **p, const uint8_t *end)
{
	for (size_t i = 0; i < s->n_pdrs; i++) {
		struct knl_pdr *pdr = (struct knl_pdr *)&s->pdrs[i]; /* it was copied here */
		size_t n = pdr->n_filters * sizeof(*pdr->filters);
		void *at = n ? take(p, end, pdr->filters, n) : NULL;

		if (n && !at)
			return -ENOSPC;
		if (n)
			memcpy(at, pdr->filters, n);
		pdr->filters = at;
	}
	return 0;
}

static int take_bar(const struct upf_model *m, struct knl_session *ret, uint8_t **p,
		    const uint8_t *end)
{
	struct knl_bar *bar;

	if (!m->bar_changed)
		return 0;
	bar = take(p, end, &m->bar, sizeof(*bar));
	if (!bar)
		return -ENOSPC;
	*bar = m->bar;
	ret->bar = bar;
	return 0;
}

int upf_model_take(const struct upf_model *m, bool whole, struct knl_session *ret, uint8_t **p,
		   const uint8_t *end)
{
#define RULES(kind)                                                                    \
	take_rules(m->kind, m->kind##_mark, m->n_##kind##s, sizeof(m->kind[0]), whole, \
		   (const void **)&ret->kind##s, &ret->n_##kind##s, p, end)
#define DELS(kind)                                                                                 \
	take_ids(m->del_##kind, m->n_del_##kind##s, &ret->del_##kind##s, &ret->n_del_##kind##s, p, \
		 end)
	if (RULES(pdr) || RULES(far) || RULES(qer) || RULES(urr) || DELS(pdr) || DELS(far) ||
	    DELS(qer) || DELS(urr))
		return -ENOSPC;
	ret->idle_timeout = m->idle_timeout;
	ret->monitored = -1;
	return take_filters(ret, p, end) ?: take_bar(m, ret, p, end);
}

static bool any_mark(const uint8_t *mark, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (mark[i] != UPF_SAME)
			return true;
	return false;
}

bool upf_model_changed(const struct upf_model *m)
{
	return any_mark(m->pdr_mark, m->n_pdrs) || any_mark(m->far_mark, m->n_fars) ||
	       any_mark(m->qer_mark, m->n_qers) || any_mark(m->urr_mark, m->n_urrs) ||
	       m->n_del_pdrs || m->n_del_fars || m->n_del_qers || m->n_del_urrs || m->bar_changed ||
	       m->idle_timeout >= 0;
}
