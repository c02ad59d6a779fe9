// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the HSS sends by itself: RTR, network-initiated de-registration (TS 29.228 6.1.3), and PPR,
 * a changed profile (TS 29.228 6.2.1), both to the S-CSCF in charge.
 *
 * After an RTR the state is cleared when the S-CSCF answers, or does not know the user any more;
 * when it cannot be reached the state is cleared too: the operator's order stands.
 */
#include <stdio.h>

#include "hss/hss.h"
#include "lib/core/log.h"
#include "lib/core/metrics.h"

METRIC_COUNTER(m_rtr, "kims_hss_rtr_total", "Registration-Termination-Requests sent");
METRIC_COUNTER(m_ppr, "kims_hss_ppr_total", "Push-Profile-Requests sent");

struct dereg {
	struct hss *h;
	char impi[SUB_ID_MAX];
	int set;
};

static void clear_state(struct hss *h, struct subscriber *s, int set)
{
	bool used = false;

	for (size_t i = 0; i < s->n_impu; i++) {
		if (set < 0 || s->impu[i].set == (unsigned int)set)
			subdb_set_state(h->db, s, i, false, SUB_NOT_REGISTERED, false);
		used |= s->impu[i].state != SUB_NOT_REGISTERED || s->impu[i].pending;
	}
	if (!used)
		subdb_set_server(h->db, s->id, STR(""), STR(""));
}

static void on_rta(void *arg, const struct cx_rta *a)
{
	struct dereg *d = arg;
	struct subscriber s;

	if (a->result != CX_SUCCESS)
		log_warn("RTR for %s: %s", d->impi, cx_result_name(a->result));
	if (!subdb_by_impi(d->h->db, str_of(d->impi), &s)) { /* may be deleted by now */
		if (!subdb_begin(d->h->db))
			clear_state(d->h, &s, d->set);
		if (!d->h->in_round && subdb_commit(d->h->db))
			log_err("subscriber database: %s", subdb_error(d->h->db));
	}
	free(d);
}

static bool in_set(const struct subscriber *s, size_t i, int set)
{
	return s->impu[i].state != SUB_NOT_REGISTERED &&
	       (set < 0 || s->impu[i].set == (unsigned int)set);
}

int hss_deregister(struct hss *h, const struct subscriber *s, int set, enum cx_dereg_reason reason,
		   const char *info)
{
	struct cx_rtr r = { .user_name = str_of(s->impi),
			    .reason_code = (int)reason,
			    .reason_info = str_of(info) };
	struct dereg *d;
	int e;

	for (size_t i = 0; i < s->n_impu; i++)
		if (in_set(s, i, set))
			r.public_identity[r.n_public_identity++] = str_of(s->impu[i].impu);
	if (!r.n_public_identity || !*s->scscf_host)
		return -ENOTCONN;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->h = h;
	d->set = set;
	memcpy(d->impi, s->impi, sizeof(d->impi));
	metric_register(&m_rtr);
	metric_inc(&m_rtr);
	e = h->cx->rtr(h->cx_link, s->scscf_host, &r, on_rta, d);
	if (e)
		free(d);
	return e;
}

static void on_ppa(void *arg, const struct cx_ppa *a)
{
	char *impi = arg;

	if (a->result != CX_SUCCESS)
		log_warn("PPR for %s: %s", impi, cx_result_name(a->result));
	free(impi);
}

static bool first_of_set(const struct subscriber *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s->impu[j].set == s->impu[i].set)
			return false;
	return true;
}

static int push_set(struct hss *h, const struct subscriber *s, size_t i)
{
	struct cx_ppr r = { .user_name = str_of(s->impi) };
	char *impi;
	int e = hss_userdata(h, s, i);

	if (e)
		return e;
	r.user_data = sbuf_str(&h->xml);
	impi = strdup(s->impi);
	if (!impi)
		return -ENOMEM;
	metric_register(&m_ppr);
	metric_inc(&m_ppr);
	e = h->cx->ppr(h->cx_link, s->scscf_host, &r, on_ppa, impi);
	if (e)
		free(impi);
	return e;
}

int hss_push_profile(struct hss *h, const struct subscriber *s)
{
	int n = 0, e = 0;

	if (!*s->scscf_host)
		return 0;
	for (size_t i = 0; i < s->n_impu && !e; i++) {
		if (s->impu[i].state == SUB_NOT_REGISTERED || !first_of_set(s, i))
			continue;
		e = push_set(h, s, i);
		n += !e;
	}
	return e ? e : n;
}
