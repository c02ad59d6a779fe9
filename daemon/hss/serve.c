// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests from the wire. The first one that arrives in a round of the loop opens a transaction
 * and holds the answers; the end of the round commits it and lets them go: one flush of the disk
 * for all of them, and no answer that the database does not know (TS 33.102 C.1: an SQN is used once).
 */
#include "hss/hss.h"
#include "lib/core/log.h"
#include "lib/core/metrics.h"

METRIC_COUNTER(m_uar, "kims_hss_uar_total", "User-Authorization-Requests served");
METRIC_COUNTER(m_mar, "kims_hss_mar_total", "Multimedia-Auth-Requests served");
METRIC_COUNTER(m_sar, "kims_hss_sar_total", "Server-Assignment-Requests served");
METRIC_COUNTER(m_lir, "kims_hss_lir_total", "Location-Info-Requests served");
METRIC_COUNTER(m_refused, "kims_hss_refused_total", "requests answered with an error result");
METRIC_COUNTER(m_vectors, "kims_hss_vectors_total", "authentication vectors given out");
METRIC_COUNTER(m_commits, "kims_hss_commits_total", "database transactions");
METRIC_COUNTER(m_lost, "kims_hss_commit_failures_total", "database transactions that failed");

void hss_metrics(void)
{
	struct metric *all[] = { &m_uar,     &m_mar,	 &m_sar,     &m_lir,
				 &m_refused, &m_vectors, &m_commits, &m_lost };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		metric_register(all[i]);
}

static void enter_round(struct hss *h)
{
	if (h->in_round)
		return;
	h->in_round = true;
	dia_hold(h->dia);
}

void hss_round_end(void *arg)
{
	struct hss *h = arg;
	int e;

	if (!h->in_round)
		return;
	h->in_round = false;
	e = subdb_commit(h->db);
	metric_inc(e ? &m_lost : &m_commits);
	if (e)
		log_err("subscriber database: commit: %s", subdb_error(h->db));
	dia_release(h->dia, !e);
}

static void count(struct metric *m, int result, const char *cmd, struct str who)
{
	metric_inc(m);
	if (result % 10000 / 1000 != 2)
		metric_inc(&m_refused);
	log_debug("%s %.*s: %s", cmd, STR_FMT(who), cx_result_name(result));
}

static void on_uar(void *arg, struct dia_token *t, struct str origin _unused_,
		   const struct cx_uar *r)
{
	struct hss *h = arg;
	struct cx_uaa a;

	enter_round(h);
	hss_uar(h, r, &a);
	count(&m_uar, a.result, "UAR", r->public_identity);
	cx_answer_ua(t, &a);
}

static void on_mar(void *arg, struct dia_token *t, struct str origin, const struct cx_mar *r)
{
	struct hss *h = arg;
	struct cx_maa a;

	enter_round(h);
	hss_mar(h, origin, r, &a);
	m_vectors.value += a.n;
	count(&m_mar, a.result, "MAR", r->public_identity);
	cx_answer_ma(t, &a);
	memset(h->vector, 0, sizeof(h->vector));
}

static void on_sar(void *arg, struct dia_token *t, struct str origin, const struct cx_sar *r)
{
	struct hss *h = arg;
	struct cx_saa a;

	enter_round(h);
	hss_sar(h, origin, r, &a);
	count(&m_sar, a.result, "SAR", r->n_public_identity ? r->public_identity[0] : r->user_name);
	cx_answer_sa(t, &a);
}

static void on_lir(void *arg, struct dia_token *t, struct str origin _unused_,
		   const struct cx_lir *r)
{
	struct hss *h = arg;
	struct cx_lia a;

	enter_round(h);
	hss_lir(h, r, &a);
	count(&m_lir, a.result, "LIR", r->public_identity);
	cx_answer_li(t, &a);
}

const struct cx_server_ops hss_ops = { .uar = on_uar, .mar = on_mar, .sar = on_sar, .lir = on_lir };
