// SPDX-License-Identifier: GPL-2.0
/*
 * What a session has to tell and when: usage reports (TS 29.244 5.2.2.3, 7.5.8.3), user plane
 * inactivity (5.11.3), the deadlines of its buffer (buffer.c).
 *
 * A report tells where the counters of a URR stand and where they stood at the report before; it
 * moves that base, from which thresholds count, and the sequence number, whether somebody listens
 * or not. So a report that nobody heard is missing in the sequence and nothing is missing in the
 * counters.
 *
 * Time of a URR (kims_urr.duration) counts from its first packet, and stands still from the end
 * of the inactivity time after a packet until the next one, and while the quota is used up. It is
 * counted when somebody asks (kims_urr_settle()): packets leave nothing but jiffies.
 *
 * A session has one timer for its nearest deadline. It is set when a deadline comes, not when one
 * moves away: packets do not touch it, and the timer looks when it fires what is due. A monitoring
 * time is a time of day: a second timer, on the wall clock, which follows that clock when it is
 * set, fires the first.
 */
#include "genl.h"
#include "gtpu/meter.h"

/* The timer waits no longer, and then looks again; ns. */
#define KIMS_WAIT_MAX (3600ULL * NSEC_PER_SEC)

/* --- URR: limits --- */

static u64 kims_stop_at(u64 base, u64 octets)
{
	return octets && base + octets > base ? base + octets : U64_MAX;
}

/* The next octets at which a threshold or quota is reached. */
static void kims_urr_stops(struct kims_urr *u)
{
	bool volume = u->method & KIMS_URR_METHOD_VOLUM;
	u64 threshold, quota;
	unsigned int v;

	for (v = 0; v < KIMS_N_VOLUMES; v++) {
		threshold = volume && u->triggers & KIMS_URR_TRIGGER_VOLTH ? u->threshold[v] : 0;
		quota = volume ? u->quota[v] : 0;
		u->stop[v] = min(kims_stop_at(u->base[v], threshold),
				 kims_stop_at(u->quota_base[v], quota));
	}
	u->attention = !u->active || u->exhausted ||
		       (u->method & KIMS_URR_METHOD_EVENT &&
			u->triggers & KIMS_URR_TRIGGER_EVEQU);
	kims_urr_find_room(u);
}

static u64 kims_seconds(u32 s)
{
	return (u64)s * NSEC_PER_SEC;
}

/* ns since the last packet. */
static u64 kims_urr_quiet(const struct kims_urr *u)
{
	return jiffies64_to_nsecs(jiffies - u->seen);
}

void kims_urr_settle(struct kims_urr *u, u64 now_ns)
{
	u64 quiet = kims_urr_quiet(u), end = now_ns;

	if (u->active) {
		if (u->inactivity && quiet > kims_seconds(u->inactivity))
			end = now_ns - quiet + kims_seconds(u->inactivity);
		if (u->method & KIMS_URR_METHOD_DURAT && (s64)(end - u->mark) > 0)
			u->duration += end - u->mark;
		if ((s64)(end - u->mark) > 0)
			u->mark = end;
	}
	if (u->first && (!u->last || u->last_seen != u->seen)) {
		u->last = max(ktime_get_real_ns() - quiet, u->first);
		u->last_seen = u->seen;
	}
}

u32 kims_urr_activate(struct kims_session *s, struct kims_urr *u)
{
	u32 trigger = u->started ? 0 : KIMS_URR_TRIGGER_START;

	if (u->active)
		return 0;
	u->active = true;
	u->started = true;
	u->seen = jiffies;
	u->mark = ktime_get_boottime_ns();
	if (!u->first)
		u->first = ktime_get_real_ns();
	kims_urr_stops(u);
	kims_session_arm(s);
	return trigger;
}

void kims_urr_exhaust(struct kims_urr *u)
{
	kims_urr_settle(u, ktime_get_boottime_ns());
	u->exhausted = true;
	u->active = false;
	kims_urr_stops(u);
}

bool kims_urr_has_quota(const struct kims_urr *u)
{
	return u->quota[KIMS_VOLUME_UL] || u->quota[KIMS_VOLUME_DL] ||
	       u->quota[KIMS_VOLUME_TOTAL] || u->time_quota;
}

void kims_urr_start(struct kims_urr *u, bool fresh_quota)
{
	u64 now = ktime_get_boottime_ns();

	kims_urr_settle(u, now);
	if (fresh_quota) {
		memcpy(u->quota_base, u->octets, sizeof(u->quota_base));
		u->duration_quota_base = u->duration;
	}
	if (fresh_quota || !kims_urr_has_quota(u)) {
		u->exhausted = false;
		u->refused = false;
	}
	u->period_end = u->period ? now + kims_seconds(u->period) : 0;
	kims_urr_stops(u);
}

/* --- usage-ntf --- */

static int kims_nl_put_volumes(struct sk_buff *skb, int total, int ul, int dl, const u64 *v)
{
	return nla_put_u64_64bit(skb, total, v[KIMS_VOLUME_TOTAL], KIMS_URR_A_PAD) ?:
	       nla_put_u64_64bit(skb, ul, v[KIMS_VOLUME_UL], KIMS_URR_A_PAD) ?:
	       nla_put_u64_64bit(skb, dl, v[KIMS_VOLUME_DL], KIMS_URR_A_PAD);
}

static int kims_nl_put_urr_times(struct sk_buff *skb, const struct kims_urr *u)
{
	if (nla_put_u64_64bit(skb, KIMS_URR_A_DURATION, div_u64(u->duration, NSEC_PER_MSEC),
			      KIMS_URR_A_PAD) ||
	    nla_put_u64_64bit(skb, KIMS_URR_A_REPORTED_DURATION,
			      div_u64(u->duration_base, NSEC_PER_MSEC), KIMS_URR_A_PAD))
		return -EMSGSIZE;
	if (!u->first)
		return 0;
	return nla_put_u64_64bit(skb, KIMS_URR_A_FIRST_PACKET, u->first, KIMS_URR_A_PAD) ?:
	       nla_put_u64_64bit(skb, KIMS_URR_A_LAST_PACKET, u->last, KIMS_URR_A_PAD);
}

int kims_nl_put_urr_usage(struct sk_buff *skb, const struct kims_urr *u)
{
	return kims_nl_put_volumes(skb, KIMS_URR_A_OCTETS, KIMS_URR_A_OCTETS_UL,
				   KIMS_URR_A_OCTETS_DL, u->octets) ?:
	       kims_nl_put_volumes(skb, KIMS_URR_A_PACKETS, KIMS_URR_A_PACKETS_UL,
				   KIMS_URR_A_PACKETS_DL, u->packets) ?:
	       kims_nl_put_volumes(skb, KIMS_URR_A_REPORTED_OCTETS,
				   KIMS_URR_A_REPORTED_OCTETS_UL, KIMS_URR_A_REPORTED_OCTETS_DL,
				   u->base) ?:
	       kims_nl_put_urr_times(skb, u) ?:
	       nla_put_u32(skb, KIMS_URR_A_EXHAUSTED, u->exhausted) ?:
	       nla_put_u32(skb, KIMS_URR_A_SEQ, u->seq);
}

int kims_nl_put_session_name(struct sk_buff *skb, const struct kims_session *s)
{
	return nla_put_u64_64bit(skb, KIMS_SESSION_A_ID, s->id, KIMS_SESSION_A_PAD) ?:
	       nla_put_string(skb, KIMS_SESSION_A_LABEL, READ_ONCE(s->label));
}

static int kims_nl_put_report(struct sk_buff *skb, const struct kims_session *s,
			      const struct kims_urr *u, u32 trigger)
{
	struct nlattr *session = nla_nest_start(skb, KIMS_A_SESSION), *urr;

	if (!session || kims_nl_put_session_name(skb, s))
		return -EMSGSIZE;
	urr = nla_nest_start(skb, KIMS_SESSION_A_URR);
	if (!urr || nla_put_u32(skb, KIMS_URR_A_ID, u->id) ||
	    nla_put_u32(skb, KIMS_URR_A_TRIGGER, trigger) || kims_nl_put_urr_usage(skb, u))
		return -EMSGSIZE;
	nla_nest_end(skb, urr);
	nla_nest_end(skb, session);
	return 0;
}

static void kims_urr_report_one(struct kims_session *s, struct kims_urr *u, u32 trigger)
{
	struct sk_buff *skb;
	void *hdr;

	kims_urr_settle(u, ktime_get_boottime_ns());
	skb = kims_nl_event_new(s->kn, KIMS_CMD_USAGE_NTF, KIMS_NLGRP_GTPU, &hdr);
	if (skb)
		kims_nl_event_send(s->kn, skb, hdr, KIMS_NLGRP_GTPU,
				   kims_nl_put_report(skb, s, u, trigger));
	u->seq++;
	memcpy(u->base, u->octets, sizeof(u->base));
	u->duration_base = u->duration;
	kims_urr_stops(u);
}

void kims_urr_report(struct kims_session *s, struct kims_urr *u, u32 trigger)
{
	unsigned int i;

	lockdep_assert_held(&s->lock);
	kims_urr_report_one(s, u, trigger);
	for (i = 0; u->linked && i < s->n_urrs; i++)
		if (s->urrs[i]->id == u->linked && s->urrs[i] != u)
			kims_urr_report_one(s, s->urrs[i], KIMS_URR_TRIGGER_LIUSA);
}

/* --- deadlines of a URR --- */

static u64 kims_left(u64 counted, u64 base, u32 limit)
{
	u64 used = counted - base, all = kims_seconds(limit);

	if (!limit)
		return U64_MAX;
	return used < all ? all - used : 0;
}

static bool kims_urr_counts_time(const struct kims_urr *u, u32 trigger)
{
	return u->active && u->method & KIMS_URR_METHOD_DURAT &&
	       (!trigger || u->triggers & trigger);
}

/* ns from now until it must be looked at again, at the latest; U64_MAX: never. Settled. */
static u64 kims_urr_next(const struct kims_urr *u, u64 now)
{
	u64 next = U64_MAX;

	if (u->period_end)
		next = u->period_end > now ? u->period_end - now : 0;
	if (kims_urr_counts_time(u, KIMS_URR_TRIGGER_TIMTH))
		next = min(next, kims_left(u->duration, u->duration_base, u->time_threshold));
	if (kims_urr_counts_time(u, 0))
		next = min(next, kims_left(u->duration, u->duration_quota_base, u->time_quota));
	if (u->active && u->inactivity)
		next = min(next, kims_left(kims_urr_quiet(u), 0, u->inactivity));
	return next;
}

static u32 kims_urr_due_period(struct kims_urr *u, u64 now)
{
	u64 period = kims_seconds(u->period);

	if (!u->period_end || now < u->period_end)
		return 0;
	u->period_end += (div64_u64(now - u->period_end, period) + 1) * period;
	return KIMS_URR_TRIGGER_PERIO;
}

static u32 kims_urr_due_time(struct kims_urr *u)
{
	u32 trigger = 0;

	if (!kims_urr_counts_time(u, 0))
		return 0;
	if (!kims_left(u->duration, u->duration_base, u->time_threshold))
		trigger |= KIMS_URR_TRIGGER_TIMTH;
	if (!kims_left(u->duration, u->duration_quota_base, u->time_quota)) {
		kims_urr_exhaust(u);
		trigger |= KIMS_URR_TRIGGER_TIMQU;
	}
	return trigger;
}

static u32 kims_urr_due_pause(struct kims_urr *u)
{
	if (!u->active || !u->inactivity || kims_left(kims_urr_quiet(u), 0, u->inactivity))
		return 0;
	u->active = false;
	u->started = false;
	kims_urr_stops(u);
	return KIMS_URR_TRIGGER_STOPT;
}

static u32 kims_urr_due_monitoring(struct kims_urr *u)
{
	if (!u->monitoring || ktime_get_real_seconds() < (time64_t)u->monitoring)
		return 0;
	u->monitoring = 0;
	return KIMS_URR_TRIGGER_MONIT;
}

/* Reports what is due. The monitoring time needs no trigger: it was asked for by naming it. */
static void kims_urr_due(struct kims_session *s, struct kims_urr *u, u64 now)
{
	u32 trigger;

	kims_urr_settle(u, now);
	trigger = kims_urr_due_period(u, now) | kims_urr_due_time(u) | kims_urr_due_pause(u);
	trigger = (trigger & u->triggers) | kims_urr_due_monitoring(u);
	if (trigger)
		kims_urr_report(s, u, trigger);
}

/* --- inactivity of the session --- */

static void kims_session_notify_idle(struct kims_session *s)
{
	struct nlattr *nest;
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = kims_nl_event_new(s->kn, KIMS_CMD_SESSION_IDLE_NTF, KIMS_NLGRP_GTPU, &hdr);
	if (!skb)
		return;
	nest = nla_nest_start(skb, KIMS_A_SESSION);
	err = !nest || kims_nl_put_session_name(skb, s) ||
	      (s->seen && nla_put_u32(skb, KIMS_SESSION_A_IDLE,
				      jiffies_to_msecs(jiffies - s->last)));
	if (!err)
		nla_nest_end(skb, nest);
	kims_nl_event_send(s->kn, skb, hdr, KIMS_NLGRP_GTPU, err ? -EMSGSIZE : 0);
}

static u64 kims_session_idle_left(const struct kims_session *s)
{
	return s->idle ? U64_MAX : kims_left(jiffies64_to_nsecs(jiffies - s->last), 0,
					     s->idle_timeout);
}

static void kims_session_due_idle(struct kims_session *s)
{
	if (kims_session_idle_left(s))
		return;
	s->idle = true;
	s->awake = false;
	kims_session_notify_idle(s);
}

void kims_session_wake(struct kims_session *s)
{
	s->awake = true;
	s->seen = true;
	s->idle = false;
	kims_session_arm(s);
}

/* --- timers --- */

static u64 kims_until(unsigned long when)
{
	return time_after(when, jiffies) ? jiffies64_to_nsecs(when - jiffies) : 0;
}

static u64 kims_session_wait(struct kims_session *s, u64 now)
{
	u64 next = kims_session_idle_left(s);
	unsigned long expires;
	unsigned int i;

	for (i = 0; i < s->n_urrs; i++) {
		kims_urr_settle(s->urrs[i], now);
		next = min(next, kims_urr_next(s->urrs[i], now));
	}
	if (kims_buffer_expires(s, &expires))
		next = min(next, kims_until(expires));
	if (s->report_due)
		next = min(next, kims_until(s->report_at));
	return next;
}

static u64 kims_session_monitoring(const struct kims_session *s)
{
	u64 at = KTIME_SEC_MAX;
	unsigned int i;

	for (i = 0; i < s->n_urrs; i++)
		if (s->urrs[i]->monitoring)
			at = min(at, s->urrs[i]->monitoring);
	return at;
}

void kims_session_arm(struct kims_session *s)
{
	u64 next, monitoring;

	lockdep_assert_held(&s->lock);
	if (s->dead)
		return;
	next = kims_session_wait(s, ktime_get_boottime_ns());
	if (next != U64_MAX)
		mod_timer(&s->timer,
			  jiffies + nsecs_to_jiffies(min(next, KIMS_WAIT_MAX)) + 1);
	monitoring = kims_session_monitoring(s);
	if (monitoring < KTIME_SEC_MAX)
		hrtimer_start(&s->wall, ktime_set(monitoring, 0), HRTIMER_MODE_ABS_SOFT);
}

void kims_session_timer(struct timer_list *timer)
{
	struct kims_session *s = container_of(timer, struct kims_session, timer);
	u64 now = ktime_get_boottime_ns();
	unsigned int i;

	rcu_read_lock();
	spin_lock(&s->lock);
	if (!s->dead) {
		for (i = 0; i < s->n_urrs; i++)
			kims_urr_due(s, s->urrs[i], now);
		kims_session_due_idle(s);
		kims_buffer_due(s);
		kims_session_arm(s);
	}
	spin_unlock(&s->lock);
	rcu_read_unlock();
}

static enum hrtimer_restart kims_session_wall(struct hrtimer *timer)
{
	struct kims_session *s = container_of(timer, struct kims_session, wall);

	mod_timer(&s->timer, jiffies);
	return HRTIMER_NORESTART;
}

void kims_session_timers_init(struct kims_session *s)
{
	s->last = jiffies;
	timer_setup(&s->timer, kims_session_timer, 0);
	hrtimer_init(&s->wall, CLOCK_REALTIME, HRTIMER_MODE_ABS_SOFT);
	s->wall.function = kims_session_wall;
}

void kims_session_timers_stop(struct kims_session *s)
{
	hrtimer_cancel(&s->wall);
	timer_shutdown_sync(&s->timer);
}
