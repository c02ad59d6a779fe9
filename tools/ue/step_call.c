// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps about calls: call (one, or pairs of phones at once), hangup, hold, resume, update, codec,
 * stop-media, start-media, dtmf.
 *
 * A call step ends when both of its ends are done, so that both directions of the media can be
 * judged: what one phone sent against what the other received. Many calls begin at a rate, or so many at once
 * (window); with "together" nobody's talk ends before all have been up for its duration, and they end so many at once.
 */
#include <stdio.h>

#include "call.h"
#include "report.h"
#include "sgw.h"
#include "stats.h"
#include "step.h"

#define CALL_TIMEOUT (200 * USEC_PER_SEC)
#define QUIET_USEC   (150 * USEC_PER_MSEC)
#define SETTLE_USEC  (1500 * USEC_PER_MSEC) /* for the other end's BYE */

struct one { /* a call of the step */
	struct calls *all;
	struct phone *from, *to; /* to NULL: not one of ours */
	struct call *a, *b;	 /* caller's and callee's end; held */
	struct timer talk, quiet, noted, settle;
	uint64_t settle_until;
	uint64_t sent_a, sent_b; /* a call that goes on: packets sent until it is judged */
	json_t *bearers;	 /* of both phones, when the talk was over */
	uint64_t wrong;		 /* packets in wrong tunnels of both phones before the call */
	bool over, up, settled, hanging; /* settled: was up or will never be */
	const char *fault;		 /* what was wrong with its media; NULL: nothing */
};

struct calls {
	struct step *s;
	struct one *one;
	size_t n, started, ended, good;
	size_t settled, up, most_up; /* calls */
	size_t hung, hanging;	     /* "together": looked at for the end, ending */
	bool talked;		     /* all have been up for the duration */
	struct timer next, end;
	char first_bad[380], last[380];
	double worst_mos, worst_loss, worst_p95;
	json_t *list, *rtp; /* calls; one object for each end of a call */
};

/* --- judging --- */

static json_t *direction_json(const struct rtp_summary *s, const struct media_stats *st)
{
	return json_pack(
		"{s:I, s:I, s:I, s:f, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:f, s:I}",
		"sent", (json_int_t)s->sent, "received", (json_int_t)s->received, "lost",
		(json_int_t)s->lost, "loss_percent", s->loss_percent, "duplicates",
		(json_int_t)s->duplicates, "reordered", (json_int_t)s->reordered, "jitter_ms",
		s->jitter_ms, "delay_p50_ms", s->delay_p50_ms, "delay_p95_ms", s->delay_p95_ms,
		"delay_max_ms", s->delay_max_ms, "max_gap_ms", s->max_gap_ms, "r_factor",
		s->r_factor, "mos", s->mos, "rtcp_received", (json_int_t)st->rtcp_received,
		"rtcp_sent", (json_int_t)st->rtcp_sent, "rtt_ms", st->rtt_ms, "other_source",
		(json_int_t)st->other_source);
}

struct judged {
	bool good;
	const char *fault;
	char text[280];
};

/* What a phone sent in this call, and what it received of the other one. */
static json_t *end_json(const struct call *c, const struct rtp_summary *s, uint64_t quality_of)
{
	json_t *o = direction_json(s, media_get_stats(c->media));

	json_object_set_new(o, "phone", json_string(c->p->name));
	json_object_set_new(o, "call_id", json_string(c->call_id ? c->call_id : ""));
	json_object_set_new(o, "expected", json_integer((json_int_t)s->sent));
	json_object_set_new(o, "peer_sent", json_integer((json_int_t)quality_of));
	json_object_set_new(o, "sent", json_integer((json_int_t)media_get_stats(c->media)->sent));
	json_object_set_new(o, "skipped",
			    json_integer((json_int_t)media_get_stats(c->media)->skipped));
	return o;
}

/* --- bearers --- */

static uint64_t in_wrong_tunnel(const struct phone *p)
{
	struct bearer_count all[BEARERS], gone;
	struct pdn *n = p ? pdn_of(p, p->conf.apn) : NULL;
	uint64_t sum = 0;

	if (!n || pdn_count(n, all, &gone))
		return 0;
	for (size_t i = 0; i < BEARERS; i++)
		sum += all[i].dl_wrong;
	return sum + gone.dl_wrong;
}

static void add_bearer_json(const struct calls *all, const struct call *c)
{
	const struct media_stats *st = media_get_stats(c->media);
	json_t *o = json_array_get(all->rtp, json_array_size(all->rtp) - 1);

	if (!o || !c->p->attaches)
		return;
	json_object_set_new(o, "sent_outside", json_integer((json_int_t)st->sent_outside));
	json_object_set_new(o, "received_outside", json_integer((json_int_t)st->received_outside));
	json_object_set_new(o, "before_bearer", json_integer((json_int_t)st->early));
}

static void add_bearers(json_t *list, const struct phone *p)
{
	struct bearer_count count[BEARERS], gone;
	struct pdn *n = p && p->attaches ? pdn_of(p, p->conf.apn) : NULL;
	const struct bearer *b;
	size_t max = 0;

	if (!n || pdn_count(n, count, &gone))
		return;
	b = pdn_bearers(n, &max);
	for (size_t i = 0; i < max; i++) {
		if (!b[i].ebi)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I}",
						      "phone", p->name, "ebi", (int)b[i].ebi, "qci",
						      (int)b[i].qos.qci, "gbr",
						      (json_int_t)b[i].qos.gbr_ul, "ul_packets",
						      (json_int_t)count[i].ul_packets, "dl_packets",
						      (json_int_t)count[i].dl_packets, "dl_wrong",
						      (json_int_t)count[i].dl_wrong, "filters",
						      (json_int_t)b[i].n_filter));
	}
}

/* What the user plane has counted while the call's bearers are still there. */
static void note_bearers(struct one *i)
{
	json_decref(i->bearers);
	i->bearers = json_array();
	add_bearers(i->bearers, i->from);
	add_bearers(i->bearers, i->to);
}

/* One end: was all of its media on dedicated bearers? */
static bool judge_end(const struct calls *all, const struct call *c, uint64_t *sum)
{
	const struct media_stats *st = c && c->media ? media_get_stats(c->media) : NULL;

	if (!st || !c->p->attaches || (!all->s->a.bearer && c->p->conf.gtpu == GTPU_GTP_KO))
		return true;
	*sum += st->sent_outside + st->received_outside;
	return !st->sent_outside && !st->received_outside;
}

static void judge_bearers(const struct one *i, struct judged *j)
{
	uint64_t outside = 0, wrong = in_wrong_tunnel(i->from) + in_wrong_tunnel(i->to);
	char text[90];

	wrong = wrong > i->wrong ? wrong - i->wrong : 0;
	if (i->all->s->a.bearer == TRI_NO)
		return;
	if (judge_end(i->all, i->a, &outside) & judge_end(i->all, i->b, &outside) && !wrong)
		return;
	j->good = false;
	j->fault = "media outside of its dedicated bearer";
	snprintf(text, sizeof(text),
		 "; %llu RTP/RTCP outside of dedicated bearers, %llu in a wrong tunnel",
		 (unsigned long long)outside, (unsigned long long)wrong);
	strncat(j->text, text, sizeof(j->text) - strlen(j->text) - 1);
}

/* One direction: what rx received of tx. */
static void judge_direction(struct calls *all, struct call *tx, struct call *rx, uint64_t sent,
			    struct judged *j)
{
	const struct step_args *a = &all->s->a;
	struct rtp_summary s;
	char one[90];

	if (!rx || !rx->media)
		return;
	media_summary(rx->media, sent, &s);
	json_array_append_new(all->rtp, end_json(rx, &s, sent));
	add_bearer_json(all, rx);
	snprintf(one, sizeof(one), "%s%llu/%llu RTP, p95 %.1f ms, MOS %.2f", *j->text ? "; " : "",
		 (unsigned long long)s.received, (unsigned long long)s.sent, s.delay_p95_ms, s.mos);
	strncat(j->text, one, sizeof(j->text) - strlen(j->text) - 1);
	all->worst_loss = MAX(all->worst_loss, s.loss_percent);
	all->worst_p95 = MAX(all->worst_p95, s.delay_p95_ms);
	all->worst_mos = all->worst_mos > 0 ? MIN(all->worst_mos, s.mos) : s.mos;
	if (tx && !sent) /* nobody spoke: nothing to judge */
		return;
	if (!s.received)
		j->fault = "no RTP in one direction";
	else if (s.loss_percent > a->max_loss)
		j->fault = "more RTP lost than max_loss";
	else if (s.mos < a->min_mos)
		j->fault = "MOS below min_mos";
	else if (a->max_delay && s.delay_p95_ms * 1e3 > (double)a->max_delay)
		j->fault = "RTP later than max_delay";
	j->good = j->good && !j->fault;
}

static double after(const struct call *c, uint64_t t)
{
	return t ? (double)(t - c->t.begun) / 1e6 : -1;
}

static json_t *call_json(const struct one *i)
{
	const struct call *c = i->a;
	json_t *o = json_pack("{s:s, s:s, s:s}", "from", i->from->name, "to",
			      i->to ? i->to->name
			      : c   ? c->o.to
				    : "",
			      "call_id", c && c->call_id ? c->call_id : "");

	if (!c)
		return o;
	json_object_set_new(o, "status", json_integer(c->status));
	json_object_set_new(o, "progress_seconds", json_real(after(c, c->t.progress)));
	json_object_set_new(o, "post_dial_delay_seconds", json_real(after(c, c->t.ringing)));
	json_object_set_new(o, "answer_seconds", json_real(after(c, c->t.up)));
	json_object_set_new(o, "total_seconds", json_real(after(c, c->t.ended)));
	json_object_set_new(o, "ended_by",
			    json_string(c->by == BY_US	   ? "caller"
					: c->by == BY_PEER ? "peer"
							   : "nobody"));
	json_object_set_new(o, "why", json_string(c->why));
	if (json_array_size(i->bearers))
		json_object_set(o, "bearers", i->bearers);
	return o;
}

/* Up to the moment when the talk was over; a call that ended before: all. */
static uint64_t sent_until(const struct call *c, uint64_t talk)
{
	return talk || !c || !c->media ? talk : media_get_stats(c->media)->sent;
}

static bool judge_media(struct one *i, char *dst, size_t size)
{
	struct judged j = { .good = true };

	if (i->all->s->a.media == TRI_NO || !i->a->t.up ||
	    i->all->s->a.duration < 300 * USEC_PER_MSEC)
		return true;
	judge_direction(i->all, i->a, i->b, sent_until(i->a, i->sent_a), &j);
	judge_direction(i->all, i->b, i->a, sent_until(i->b, i->sent_b), &j);
	judge_bearers(i, &j);
	i->fault = j.fault;
	snprintf(dst, size, "; %s", j.text);
	return j.good;
}

/* 200: ended by a BYE that is not the caller's; whether it met the answer on its way or came after it is the network's. */
static bool ended_as(const struct call *c, const char *expect)
{
	uint64_t status;

	if (str_to_u64(str_of(expect), 699, &status) || c->status != (int)status)
		return false;
	return status == 200 ? c->state == CALL_ENDED && c->by == BY_PEER : !c->t.up;
}

static bool judge(struct one *i, char *dst, size_t size)
{
	const char *expect = i->all->s->a.expect;
	const struct call *c = i->a;
	bool answered = c->t.up, talk = !expect || !strcmp(expect, "answered");
	bool good = talk ? answered : ended_as(c, expect);
	char media[300] = "";

	if (answered && good && !talk) {
		snprintf(dst, size, "answered after %.2f s; %s", after(c, c->t.up), c->why);
	} else if (answered) {
		good = judge_media(i, media, sizeof(media)) && good;
		snprintf(dst, size, "answered after %.2f s%s", after(c, c->t.up), media);
	} else {
		snprintf(dst, size, "%d %s", c->status, c->why);
	}
	return good;
}

/* --- end of one, end of all --- */

static void end_step(struct calls *all)
{
	struct step *s = all->s;

	timer_stop(step_loop(s), &all->next);
	timer_stop(step_loop(s), &all->end);
	json_decref(s->detail);
	s->detail =
		json_pack("{s:i, s:i, s:i, s:f, s:f, s:f, s:O, s:O}", "calls", (int)all->n,
			  "as_expected", (int)all->good, "most_at_once", (int)all->most_up,
			  "worst_mos", all->worst_mos, "worst_loss_percent", all->worst_loss,
			  "worst_delay_p95_ms", all->worst_p95, "list", all->list, "rtp", all->rtp);
	if (all->good < all->n && all->n == 1)
		step_end(s, false, "%s", all->first_bad);
	else if (all->good < all->n)
		step_end(s, false, "%zu of %zu; first: %s", all->good, all->n, all->first_bad);
	else if (all->n == 1)
		step_end(s, true, "%s", all->last);
	else
		step_end(s, true,
			 "%zu calls, %zu at once; worst loss %.2f %%, p95 %.1f ms, MOS %.2f",
			 all->n, all->most_up, all->worst_loss, all->worst_p95, all->worst_mos);
}

static void drop_one(struct one *i)
{
	timer_stop(step_loop(i->all->s), &i->talk);
	timer_stop(step_loop(i->all->s), &i->quiet);
	timer_stop(step_loop(i->all->s), &i->noted);
	timer_stop(step_loop(i->all->s), &i->settle);
	if (i->a)
		i->a->event = NULL;
	call_unref(i->a);
	call_unref(i->b);
	i->a = i->b = NULL;
	json_decref(i->bearers);
	i->bearers = NULL;
}

static const char *why_failed(const struct one *i, const char *text)
{
	return i->fault ? i->fault : i->a && i->a->t.up ? "answered, not as expected" : text;
}

/* Up, or over without ever having been: the next may begin, and with the last one the talk that is timed. */
static void one_settled(struct one *i)
{
	struct calls *all = i->all;
	struct loop *l = step_loop(all->s);

	if (i->settled)
		return;
	i->settled = true;
	all->settled++;
	if (all->s->a.window && all->started < all->n)
		timer_start(l, &all->next, 0);
	if (all->settled == all->n && all->s->a.together)
		timer_start(l, &all->end, all->s->a.duration);
}

static void one_over(struct one *i, bool good, const char *text, json_t *o)
{
	struct calls *all = i->all;

	if (i->over) {
		json_decref(o);
		return;
	}
	i->over = true;
	if (o)
		json_array_append_new(all->list, o);
	all->ended++;
	all->good += good;
	all->hanging -= i->hanging;
	if (!good)
		stats_failed(all->s->sc->ue, "call", why_failed(i, text));
	snprintf(all->last, sizeof(all->last), "%s", text);
	if (!good && !*all->first_bad)
		snprintf(all->first_bad, sizeof(all->first_bad), "%s", text);
	one_settled(i);
	if (all->talked)
		timer_start(step_loop(all->s), &all->end, 0);
	drop_one(i);
	if (all->ended == all->n)
		end_step(all);
}

static void finish_one(struct one *i)
{
	json_t *o = call_json(i);
	char text[380];
	bool good = judge(i, text, sizeof(text));

	one_over(i, good, text, o);
}

static void on_settle(struct timer *t)
{
	struct one *i = container_of(t, struct one, settle);
	struct loop *l = step_loop(i->all->s);

	if (!i->b || i->b->state == CALL_ENDED || loop_now(l) >= i->settle_until)
		finish_one(i);
	else
		timer_start(l, &i->settle, 10 * USEC_PER_MSEC);
}

/* The caller's end is over: the callee's follows at once, or never. */
static void settle(struct one *i)
{
	struct loop *l = step_loop(i->all->s);

	timer_stop(l, &i->talk);
	timer_stop(l, &i->quiet);
	i->settle_until = loop_now(l) + SETTLE_USEC;
	timer_start(l, &i->settle, 0);
}

/* --- the call's course --- */

static void on_quiet(struct timer *t)
{
	struct one *i = container_of(t, struct one, quiet);

	switch ((enum hangup_by)i->all->s->a.hangup) {
	case HANGUP_FROM:
		call_bye(i->a, "hung up");
		break;
	case HANGUP_TO:
		if (!i->b || call_bye(i->b, "hung up"))
			call_bye(i->a, "hung up");
		break;
	case HANGUP_NONE:
		finish_one(i);
		break;
	}
}

/* A call that ends falls silent a moment before the BYE, so that every packet can be accounted for. */
static void end_talk(struct call *c, bool mute, uint64_t *ret_sent)
{
	if (!c || !c->media)
		return;
	*ret_sent = media_get_stats(c->media)->sent;
	if (mute)
		media_mute(c->media, true);
}

static void on_noted(struct timer *t)
{
	note_bearers(container_of(t, struct one, noted));
}

static void on_talk(struct timer *t)
{
	struct one *i = container_of(t, struct one, talk);
	bool mute = i->all->s->a.hangup != HANGUP_NONE;

	end_talk(i->a, mute, &i->sent_a);
	end_talk(i->b, mute, &i->sent_b);
	timer_start(step_loop(i->all->s), &i->quiet, QUIET_USEC);
	i->noted.fn = on_noted;
	timer_start(step_loop(i->all->s), &i->noted, QUIET_USEC / 2);
}

/* "together": the talk is over, so many calls at once end. */
static void on_end(struct timer *t)
{
	struct calls *all = container_of(t, struct calls, end);
	uint32_t window = all->s->a.window;

	all->talked = true;
	while (all->hung < all->n && (!window || all->hanging < window)) {
		struct one *i = &all->one[all->hung++];

		if (i->over)
			continue;
		i->hanging = true;
		all->hanging++;
		on_talk(&i->talk);
	}
}

static void went_up(struct one *i)
{
	struct calls *all = i->all;

	if (i->settled)
		return;
	i->up = true;
	stats_took(all->s->sc->ue, STATS_SETUP, i->a->t.up - i->a->t.begun);
	all->up++;
	all->most_up = MAX(all->most_up, all->up);
	if (!all->s->a.together)
		timer_start(step_loop(all->s), &i->talk, all->s->a.duration);
	one_settled(i);
}

static void find_other_end(struct one *i)
{
	if (i->b || !i->to)
		return;
	i->b = call_by_id(i->to, str_of(i->a->call_id));
	if (i->b)
		call_ref(i->b);
}

static void on_event(void *arg, struct call *c, enum call_event e)
{
	struct one *i = arg;

	find_other_end(i);
	switch (e) {
	case CALL_EV_UP:
		went_up(i);
		break;
	case CALL_EV_ENDED:
		i->a = c;
		i->all->up -= i->up;
		i->up = false;
		settle(i);
		break;
	case CALL_EV_RINGING:
	case CALL_EV_MODIFIED:
		break;
	}
}

static void tell_callee(const struct step_args *a, struct phone *to)
{
	to->next_call = (struct next_call){
		.set = a->reject || a->never,
		.reject = a->reject,
		.never = a->never,
		.has_ring = a->has_ring,
		.ring = a->ring,
		.no_precondition = a->precondition == TRI_NO,
	};
}

static void options(const struct step_args *a, struct phone *from, const char *uri,
		    struct call_opts *o)
{
	call_defaults(from, o);
	snprintf(o->to, sizeof(o->to), "%s", uri);
	o->cancel_after = a->cancel_after;
	if (a->precondition != TRI_DEFAULT)
		o->precondition = a->precondition == TRI_YES;
	if (a->rel100 != TRI_DEFAULT)
		o->rel100 = a->rel100 == TRI_YES;
	if (a->media != TRI_DEFAULT)
		o->media = a->media == TRI_YES;
	if (a->codec)
		o->codec = a->codec == 1 ? CODEC_AMR_WB : CODEC_PCMA;
	if (a->session_expires)
		o->session_expires = a->session_expires;
}

static void start_one(struct one *i, const char *uri)
{
	const struct step_args *a = &i->all->s->a;
	struct call_opts o;
	char why[100];
	int r;

	options(a, i->from, uri, &o);
	if (i->to)
		tell_callee(a, i->to);
	i->wrong = in_wrong_tunnel(i->from) + in_wrong_tunnel(i->to);
	r = call_dial(i->from, &o, on_event, i, &i->a);
	if (!r)
		return;
	i->a = NULL;
	snprintf(why, sizeof(why), "INVITE could not be sent: %s", strerror(-r));
	one_over(i, false, why, NULL);
}

/* --- the step --- */

static bool is_uri(const char *s)
{
	return !strncmp(s, "sip:", 4) || !strncmp(s, "tel:", 4) || !strncmp(s, "sips:", 5);
}

static void start_next(struct calls *all)
{
	struct one *i = &all->one[all->started++];

	start_one(i, i->to && !is_uri(all->s->a.to) ? phone_identity(i->to) : all->s->a.to);
}

/* So many as should have begun by now, and no more being set up at once than the window. */
static size_t due(const struct calls *all)
{
	const struct step_args *a = &all->s->a;
	size_t n = all->n;

	if (a->rate > 0)
		n = (size_t)((double)(loop_now(step_loop(all->s)) - all->s->began) * a->rate /
			     1e6) +
		    1;
	if (a->window)
		n = MIN(n, all->settled + a->window);
	return MIN(n, all->n);
}

static void on_next(struct timer *t)
{
	struct calls *all = container_of(t, struct calls, next);

	while (all->started < due(all))
		start_next(all);
	if (all->started < all->n && all->s->a.rate > 0)
		timer_start(step_loop(all->s), &all->next, 1000);
}

static void init_one(struct calls *all, size_t at, struct phone *from, struct phone *to)
{
	all->one[at] = (struct one){ .all = all,
				     .from = from,
				     .to = to,
				     .talk.fn = on_talk,
				     .quiet.fn = on_quiet,
				     .settle.fn = on_settle };
}

static int set_pairs(struct calls *all)
{
	_cleanup_free_ struct phone **list = NULL;
	size_t n;

	if (step_phones(all->s, all->s->a.phone, &list, &n))
		return -ENOENT;
	if (n < 2) {
		step_end(all->s, false, "pairs need two phones");
		return -EINVAL;
	}
	all->n = n / 2;
	all->one = calloc(all->n, sizeof(*all->one));
	for (size_t i = 0; all->one && i < all->n; i++)
		init_one(all, i, list[2 * i], list[2 * i + 1]);
	return all->one ? 0 : -ENOMEM;
}

/* The phone of ours that a URI reaches, so that both ends can be judged; NULL: none. */
static struct phone *owner_of(const struct step *s, const char *uri)
{
	const struct ue *ue = s->sc->ue;

	for (size_t i = 0; i < ue->n_phones; i++) {
		struct phone *p = ue->phones[i];
		const char *at =
			p->conf.msisdn && *p->conf.msisdn ? strstr(uri, p->conf.msisdn) : NULL;
		char after = at ? at[strlen(p->conf.msisdn)] : '0';

		if (!strcmp(uri, p->conf.impu) || (at && !(after >= '0' && after <= '9')))
			return p;
	}
	return NULL;
}

static int set_single(struct calls *all)
{
	const struct step_args *a = &all->s->a;
	struct phone *from = step_phone(all->s, a->from), *to = NULL;

	if (!from)
		return -ENOENT;
	to = is_uri(a->to) ? owner_of(all->s, a->to) : step_phone(all->s, a->to);
	if (!to && !is_uri(a->to))
		return -ENOENT;
	all->n = 1;
	all->one = calloc(1, sizeof(*all->one));
	if (!all->one)
		return -ENOMEM;
	init_one(all, 0, from, to);
	return 0;
}

static void start_call(struct step *s)
{
	struct calls *all = calloc(1, sizeof(*all));

	if (!s->a.expect)
		step_expects(s, "answered, %.0f s talk", (double)s->a.duration / 1e6);
	if (!all) {
		step_end(s, false, "out of memory");
		return;
	}
	all->s = s;
	all->list = json_array();
	all->rtp = json_array();
	all->next.fn = on_next;
	all->end.fn = on_end;
	s->priv = all;
	if (s->a.pairs ? set_pairs(all) : set_single(all)) {
		step_end(s, false, "out of memory");
		return;
	}
	on_next(&all->next);
}

static void tick_call(struct step *s, char *text, size_t size)
{
	struct calls *all = s->priv;

	if (!all || !all->one)
		return;
	if (all->n > 1)
		snprintf(text, size, "%zu begun, %zu up, %zu over", all->started, all->up,
			 all->ended);
	else if (all->one->a)
		snprintf(text, size, "%s", call_state_name(all->one->a->state));
}

/* Time limit: what is still going on is hung up. */
static void abort_call(struct step *s)
{
	struct calls *all = s->priv;

	if (!all)
		return;
	timer_stop(step_loop(s), &all->next);
	timer_stop(step_loop(s), &all->end);
	for (size_t k = 0; k < all->started; k++) {
		struct one *i = &all->one[k];

		if (i->over || !i->a)
			continue;
		i->a->event = NULL;
		call_hangup(i->a);
		drop_one(i);
	}
}

static void clean_call(struct step *s)
{
	struct calls *all = s->priv;

	if (!all)
		return;
	json_decref(all->list);
	json_decref(all->rtp);
	free(all->one);
}

/* --- hangup --- */

struct hanging {
	struct step *s;
	struct call *c, *other;
	struct timer t;
};

static void after_hangup(struct timer *t)
{
	struct hanging *h = container_of(t, struct hanging, t);
	struct rtp_summary sum = { 0 };
	uint64_t sent = h->other && h->other->media ? media_get_stats(h->other->media)->sent : 0;

	if (h->c->state != CALL_ENDED) {
		timer_start(step_loop(h->s), &h->t, 50 * USEC_PER_MSEC);
		return;
	}
	if (h->c->media)
		media_summary(h->c->media, sent, &sum);
	step_end(h->s, true, "%d %s; %llu RTP received, %.2f %% lost", h->c->status, h->c->why,
		 (unsigned long long)sum.received, sum.loss_percent);
	call_unref(h->c);
	call_unref(h->other);
	h->c = h->other = NULL;
}

static struct call *other_end(const struct step *s, const struct call *c)
{
	const struct ue *ue = s->sc->ue;

	for (size_t i = 0; i < ue->n_phones; i++) {
		struct call *o = ue->phones[i] == c->p
					 ? NULL
					 : call_by_id(ue->phones[i], str_of(c->call_id));

		if (o)
			return o;
	}
	return NULL;
}

static struct phone *phone_or_first(struct step *s)
{
	return step_phone(s, s->a.phone ? s->a.phone : "1");
}

static void start_hangup(struct step *s)
{
	struct phone *p = phone_or_first(s);
	struct call *c = p ? call_current(p) : NULL;
	struct hanging *h;

	step_expects(s, "call ended");
	if (!p)
		return;
	if (!c) {
		step_end(s, true, "no call was up");
		return;
	}
	h = calloc(1, sizeof(*h));
	if (!h) {
		step_end(s, false, "out of memory");
		return;
	}
	*h = (struct hanging){ .s = s, .c = c, .other = other_end(s, c), .t.fn = after_hangup };
	s->priv = h;
	call_ref(c);
	if (h->other)
		call_ref(h->other);
	call_hangup(c);
	timer_start(step_loop(s), &h->t, 100 * USEC_PER_MSEC);
}

static void abort_hangup(struct step *s)
{
	struct hanging *h = s->priv;

	if (!h)
		return;
	timer_stop(step_loop(s), &h->t);
	call_unref(h->c);
	call_unref(h->other);
}

/* --- changes --- */

struct change {
	struct step *s;
	struct call *c, *other;
	enum call_change what;
	bool rested;
	struct timer t;
};

static void after_change(struct timer *t)
{
	struct change *g = container_of(t, struct change, t);
	struct call *c = g->c;
	bool wanted = g->what != CHANGE_HOLD, sends = media_is_sending(c->media);

	if (c->modifying && c->state == CALL_UP) {
		timer_start(step_loop(g->s), &g->t, 50 * USEC_PER_MSEC);
		return;
	}
	if (g->what == CHANGE_HOLD && !g->rested && c->state == CALL_UP && c->mod_status == 200) {
		g->rested = true;
		timer_start(step_loop(g->s), &g->t, g->s->a.hold);
		return;
	}
	if (c->state != CALL_UP)
		step_end(g->s, false, "the call ended: %s", c->why);
	else if (c->mod_status != 200)
		step_end(g->s, false, "answered %d", c->mod_status);
	else if (g->other && g->other->media && media_is_sending(g->other->media) != wanted)
		step_end(g->s, false, "200, but the other end %s",
			 wanted ? "does not send" : "still sends");
	else
		step_end(g->s, true, "200, %s%s, we %s",
			 c->theirs.codec == CODEC_AMR_WB ? "AMR-WB" : "PCMA",
			 g->other ? (media_is_sending(g->other->media) ? ", they send"
								       : ", they are silent")
				  : "",
			 sends ? "send" : "are silent");
	call_unref(c);
	call_unref(g->other);
}

static void start_change(struct step *s, enum call_change what, bool update)
{
	struct phone *p = phone_or_first(s);
	struct call *c = p ? call_current(p) : NULL;
	struct change *g;
	int r;

	step_expects(s, "200 OK");
	if (!p)
		return;
	if (!c || c->state != CALL_UP) {
		step_end(s, false, "%s has no call", p->name);
		return;
	}
	g = calloc(1, sizeof(*g));
	r = g ? call_modify(c, what, update) : -ENOMEM;
	if (r) {
		free(g);
		step_end(s, false, "could not be sent: %s", strerror(-r));
		return;
	}
	*g = (struct change){
		.s = s, .c = c, .other = other_end(s, c), .what = what, .t.fn = after_change
	};
	s->priv = g;
	call_ref(c);
	if (g->other)
		call_ref(g->other);
	timer_start(step_loop(s), &g->t, 50 * USEC_PER_MSEC);
}

static void abort_change(struct step *s)
{
	struct change *g = s->priv;

	if (!g)
		return;
	timer_stop(step_loop(s), &g->t);
	call_unref(g->c);
	call_unref(g->other);
}

static void start_hold(struct step *s)
{
	start_change(s, CHANGE_HOLD, false);
}

static void start_resume(struct step *s)
{
	start_change(s, CHANGE_RESUME, false);
}

static void start_codec(struct step *s)
{
	start_change(s, CHANGE_CODEC, false);
}

static void start_update(struct step *s)
{
	start_change(s, CHANGE_REFRESH, true);
}

/* --- media switches --- */

static void mute(struct step *s, bool off)
{
	_cleanup_free_ struct phone **list = NULL;
	unsigned int done = 0;
	size_t n;

	step_expects(s, off ? "media stopped" : "media runs");
	if (step_phones(s, s->a.phone, &list, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		struct call *c = call_current(list[i]);

		if (c && c->media) {
			media_mute(c->media, off);
			done++;
		}
	}
	step_end(s, done, "%u phone%s", done, done == 1 ? "" : "s");
}

static void start_stop_media(struct step *s)
{
	mute(s, true);
}

static void start_start_media(struct step *s)
{
	mute(s, false);
}

struct dialling {
	struct step *s;
	struct call *c, *other;
	struct timer t;
	uint64_t until;
};

static void after_dtmf(struct timer *t)
{
	struct dialling *d = container_of(t, struct dialling, t);
	char heard[64] = "";

	if (d->other->media)
		media_dtmf_received(d->other->media, heard, sizeof(heard));
	if (strcmp(heard, d->s->a.text) && loop_now(step_loop(d->s)) < d->until &&
	    d->c->state == CALL_UP) {
		timer_start(step_loop(d->s), &d->t, 50 * USEC_PER_MSEC);
		return;
	}
	step_end(d->s, !strcmp(heard, d->s->a.text), "heard \"%s\"", heard);
	call_unref(d->c);
	call_unref(d->other);
}

static void start_dtmf(struct step *s)
{
	struct phone *p = phone_or_first(s);
	struct call *c = p ? call_current(p) : NULL, *other = c ? other_end(s, c) : NULL;
	struct dialling *d;

	step_expects(s, "heard \"%s\"", s->a.text);
	if (!p)
		return;
	if (!other || !c->media || !c->theirs.te_pt) {
		step_end(s, false, "no call between two of our phones with telephone-event");
		return;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		step_end(s, false, "out of memory");
		return;
	}
	*d = (struct dialling){ .s = s, .c = c, .other = other, .t.fn = after_dtmf };
	d->until = loop_now(step_loop(s)) + (strlen(s->a.text) * 200 + 2000) * USEC_PER_MSEC;
	s->priv = d;
	call_ref(c);
	call_ref(other);
	media_dtmf(c->media, s->a.text);
	timer_start(step_loop(s), &d->t, 100 * USEC_PER_MSEC);
}

static void abort_dtmf(struct step *s)
{
	struct dialling *d = s->priv;

	if (!d)
		return;
	timer_stop(step_loop(s), &d->t);
	call_unref(d->c);
	call_unref(d->other);
}

#define CALL_KEYS                                                                                                                                \
	"from to phone pairs rate window together duration expect hangup cancel_after ring reject never precondition rel100 media codec bearer " \
	"session_expires max_loss min_mos max_delay"

const struct step_kind step_call = {
	"call",
	CALL_KEYS,
	"call until its end; expect: answered, or the status that refuses it",
	CALL_TIMEOUT,
	start_call,
	tick_call,
	abort_call,
	clean_call,
};
const struct step_kind step_hangup = {
	"hangup",	    "phone",	  "end the phone's call, if there is one",
	140 * USEC_PER_SEC, start_hangup, NULL,
	abort_hangup,	    NULL,
};
const struct step_kind step_hold = {
	"hold",
	"phone hold",
	"re-INVITE: put the call on hold, stay there",
	140 * USEC_PER_SEC,
	start_hold,
	NULL,
	abort_change,
	NULL,
};
const struct step_kind step_resume = {
	"resume",	    "phone",	  "re-INVITE: take the call up again",
	140 * USEC_PER_SEC, start_resume, NULL,
	abort_change,	    NULL,
};
const struct step_kind step_update = {
	"update",	    "phone",	  "UPDATE without SDP: refresh the session",
	140 * USEC_PER_SEC, start_update, NULL,
	abort_change,	    NULL,
};
const struct step_kind step_codec = {
	"codec",      "phone", "re-INVITE: the other codec", 140 * USEC_PER_SEC, start_codec, NULL,
	abort_change, NULL,
};
const struct step_kind step_stop_media = {
	"stop-media",
	"phone",
	"send no more RTP and RTCP, as if the radio were lost",
	0,
	start_stop_media,
	NULL,
	NULL,
	NULL,
};
const struct step_kind step_start_media = {
	"start-media", "phone", "send RTP again", 0, start_start_media, NULL, NULL, NULL,
};
const struct step_kind step_dtmf = {
	"dtmf",
	"phone text",
	"dial digits (RFC 4733) and wait until the other end has heard them",
	60 * USEC_PER_SEC,
	start_dtmf,
	NULL,
	abort_dtmf,
	NULL,
};
