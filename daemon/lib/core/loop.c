// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop: epoll for descriptors, a hierarchical timing wheel, a queue for other threads.
 *
 * The wheel has one level of 256 slots of 1 ms and three of 64 slots; a timer lies in the level
 * that its distance asks for and moves down ("cascades") when the wheel turns under it. Each level
 * has a bitmap of its slots that hold something, so that finding the next due tick costs a few
 * word operations and idle time is skipped, not walked.
 *
 * Invariants:
 *  - l->tick is the last tick whose timers have fired; every timer in the wheel is due later;
 *  - a bit of a bitmap is set exactly when its slot is not empty;
 *  - an io that is removed while a round is running is blanked in the rest of that round.
 */
#include "lib/core/loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define L0_BITS	  8
#define LN_BITS	  6
#define L0_SLOTS  (1 << L0_BITS)
#define LN_SLOTS  (1 << LN_BITS)
#define LEVELS	  4 /* 256 ms, 16 s, 17 min, 18 h; later ones wait in the last level and go round */
#define SLOTS	  (L0_SLOTS + (LEVELS - 1) * LN_SLOTS)
#define MAX_DELTA ((UINT64_C(1) << (L0_BITS + (LEVELS - 1) * LN_BITS)) - 1)

#define GRID_FROM (1 * USEC_PER_SEC) /* shorter timers are exact */
#define GRID_PART 32

#define EVENTS	      256
#define ROUND_END_MAX 8
#define VIRTUAL_START USEC_PER_SEC
#define VIRTUAL_EPOCH (UINT64_C(1700000000) * USEC_PER_SEC)

struct post {
	struct post *next;
	void (*fn)(void *arg);
	void *arg;
};

struct round_end {
	void (*fn)(void *arg);
	void *arg;
};

struct loop {
	int epfd;
	int wakefd;
	struct loop_io wake;
	bool virtual;
	bool stopped;
	int status;
	uint64_t now;
	uint64_t wall; /* 0: not asked for in this round */

	uint64_t tick;
	struct timer *slots[SLOTS];
	uint64_t bits[SLOTS / 64];

	struct epoll_event ev[EVENTS];
	int n_ev, i_ev;

	pthread_mutex_t lock;
	struct post *posts, **posts_tail;

	struct round_end round_end[ROUND_END_MAX];
	int n_round_end;
};

static uint64_t clock_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void update_now(struct loop *l)
{
	l->wall = 0;
	if (!l->virtual)
		l->now = clock_usec(CLOCK_MONOTONIC);
}

uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

uint64_t loop_wall(const struct loop *l)
{
	struct loop *w = (struct loop *)l; /* the cache is not part of what the caller sees */

	if (l->virtual)
		return VIRTUAL_EPOCH + l->now;
	if (!l->wall)
		w->wall = clock_usec(CLOCK_REALTIME);
	return l->wall;
}

/* ---- the wheel ---- */

static int level_base(int level)
{
	return level ? L0_SLOTS + (level - 1) * LN_SLOTS : 0;
}

static int level_shift(int level)
{
	return level ? L0_BITS + (level - 1) * LN_BITS : 0;
}

static int level_slots(int level)
{
	return level ? LN_SLOTS : L0_SLOTS;
}

static void slot_push(struct loop *l, int slot, struct timer *t)
{
	struct timer **head = &l->slots[slot];

	t->next = *head;
	if (t->next)
		t->next->pprev = &t->next;
	t->pprev = head;
	*head = t;
	l->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void wheel_insert(struct loop *l, struct timer *t)
{
	uint64_t at = t->tick, delta = at - l->tick;
	int level = 0;

	if (delta > MAX_DELTA) {
		delta = MAX_DELTA;
		at = l->tick + delta;
	}
	while (level < LEVELS - 1 && delta >= UINT64_C(1) << level_shift(level + 1))
		level++;
	slot_push(l,
		  level_base(level) + (int)((at >> level_shift(level)) &
					    (unsigned int)(level_slots(level) - 1)),
		  t);
}

static void timer_unlink(struct loop *l, struct timer *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	else if (t->pprev >= l->slots && t->pprev < l->slots + SLOTS)
		l->bits[(t->pprev - l->slots) / 64] &=
			~(UINT64_C(1) << ((t->pprev - l->slots) % 64));
	t->next = NULL;
	t->pprev = NULL;
}

/* Takes a slot's timers, the first started first, as a list whose head is *ret. */
static void slot_take(struct loop *l, int slot, struct timer **ret)
{
	struct timer *t = l->slots[slot], *next;

	*ret = NULL;
	l->slots[slot] = NULL;
	l->bits[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
	for (; t; t = next) {
		next = t->next;
		t->next = *ret;
		if (t->next)
			t->next->pprev = &t->next;
		t->pprev = ret;
		*ret = t;
	}
}

static void cascade(struct loop *l, int level)
{
	int idx = (int)((l->tick >> level_shift(level)) & (LN_SLOTS - 1));
	struct timer *list, *t;

	slot_take(l, level_base(level) + idx, &list);
	while ((t = list)) {
		list = t->next;
		if (list)
			list->pprev = &list;
		wheel_insert(l, t);
	}
}

/* Distance (1..n) from slot cur to the next slot of the level that holds something; 0: none. */
static int next_slot(const struct loop *l, int level, int cur)
{
	int base = level_base(level), n = level_slots(level), i = 1;

	while (i <= n) {
		int s = base + ((cur + i) & (n - 1));
		uint64_t w = l->bits[s / 64] >> (s % 64);

		if (w) {
			i += __builtin_ctzll(w);
			return i <= n ? i : 0;
		}
		i += 64 - s % 64;
	}
	return 0;
}

/* The next tick at which something must be done (a timer fires or cascades); UINT64_MAX: never. */
static uint64_t next_tick(const struct loop *l)
{
	uint64_t best = UINT64_MAX;

	for (int level = 0; level < LEVELS; level++) {
		uint64_t cur = l->tick >> level_shift(level);
		int d = next_slot(l, level, (int)(cur & (unsigned int)(level_slots(level) - 1)));

		if (d)
			best = MIN(best, (cur + (unsigned int)d) << level_shift(level));
	}
	return best;
}

static void turn_to(struct loop *l, uint64_t tick)
{
	struct timer *due, *t;

	l->tick = tick;
	/* A timer may fall through several levels: the highest first. */
	for (int level = LEVELS - 1; level > 0; level--) {
		if (!(tick & ((UINT64_C(1) << level_shift(level)) - 1)))
			cascade(l, level);
	}
	slot_take(l, (int)(tick & (L0_SLOTS - 1)), &due);
	while ((t = due)) {
		timer_unlink(l, t);
		t->fn(t);
	}
}

static void fire_timers(struct loop *l)
{
	uint64_t until = l->now / USEC_PER_MSEC, t;

	while ((t = next_tick(l)) <= until)
		turn_to(l, t);
	l->tick = MAX(l->tick, until);
}

/*
 * Long timers fall on a grid of at most 1/32 of their length, so that many fire in one round: a sleeping
 * processor is woken once, not for each of them. A virtual clock stays exact.
 */
static uint64_t grid(const struct loop *l, uint64_t usec)
{
	uint64_t slack = usec / USEC_PER_MSEC / GRID_PART;

	return l->virtual || usec < GRID_FROM ? 1 : UINT64_C(1) << (63 - __builtin_clzll(slack));
}

void timer_start(struct loop *l, struct timer *t, uint64_t usec)
{
	uint64_t g = grid(l, usec);

	if (t->pprev)
		timer_unlink(l, t);
	t->tick = (l->now + usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	t->tick = (t->tick + g - 1) & ~(g - 1);
	if (t->tick <= l->tick)
		t->tick = l->tick + 1;
	wheel_insert(l, t);
}

void timer_stop(struct loop *l, struct timer *t)
{
	if (t->pprev)
		timer_unlink(l, t);
}

/* ---- descriptors ---- */

int loop_io_add(struct loop *l, struct loop_io *io)
{
	struct epoll_event ev = { .events = io->events, .data.ptr = io };

	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, io->fd, &ev) < 0)
		return -errno;
	io->active = true;
	return 0;
}

int loop_io_mod(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	if (!io->active)
		return -ENOENT;
	if (io->events == events)
		return 0;
	if (epoll_ctl(l->epfd, EPOLL_CTL_MOD, io->fd, &ev) < 0)
		return -errno;
	io->events = events;
	return 0;
}

void loop_io_del(struct loop *l, struct loop_io *io)
{
	if (!io->active)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	io->active = false;
	for (int i = l->i_ev; i < l->n_ev; i++) {
		if (l->ev[i].data.ptr == io)
			l->ev[i].data.ptr = NULL;
	}
}

static void dispatch(struct loop *l)
{
	l->i_ev = 0;
	while (l->i_ev < l->n_ev) {
		struct epoll_event *ev = &l->ev[l->i_ev++];
		struct loop_io *io = ev->data.ptr;

		if (io)
			io->fn(io, ev->events);
	}
	l->n_ev = 0;
	l->i_ev = 0;
}

/* ---- work from other threads ---- */

int loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct post *p = malloc(sizeof(*p));
	bool first;

	if (!p)
		return -ENOMEM;
	*p = (struct post){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&l->lock);
	first = !l->posts;
	*l->posts_tail = p;
	l->posts_tail = &p->next;
	pthread_mutex_unlock(&l->lock);
	if (first) {
		ssize_t r _unused_ = write(l->wakefd, &(uint64_t){ 1 }, 8); /* full: it is awake */
	}
	return 0;
}

static struct post *take_posts(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	p = l->posts;
	l->posts = NULL;
	l->posts_tail = &l->posts;
	pthread_mutex_unlock(&l->lock);
	return p;
}

static void run_posts(struct loop *l)
{
	struct post *p = take_posts(l), *next;

	for (; p; p = next) {
		next = p->next;
		p->fn(p->arg);
		free(p);
	}
}

static void on_wake(struct loop_io *io, uint32_t revents _unused_)
{
	uint64_t n;
	ssize_t r _unused_ = read(io->fd, &n, sizeof(n));

	run_posts(container_of(io, struct loop, wake));
}

int loop_on_round_end(struct loop *l, void (*fn)(void *arg), void *arg)
{
	for (int i = 0; i < l->n_round_end; i++) {
		if (l->round_end[i].fn == fn && l->round_end[i].arg == arg)
			return 0;
	}
	if (l->n_round_end == ROUND_END_MAX)
		return -ENOSPC;
	l->round_end[l->n_round_end++] = (struct round_end){ fn, arg };
	return 0;
}

void loop_off_round_end(struct loop *l, void (*fn)(void *arg), void *arg)
{
	for (int i = 0; i < l->n_round_end; i++) {
		if (l->round_end[i].fn != fn || l->round_end[i].arg != arg)
			continue;
		l->n_round_end--;
		memmove(&l->round_end[i], &l->round_end[i + 1],
			(size_t)(l->n_round_end - i) * sizeof(l->round_end[0]));
		return;
	}
}

static void end_round(struct loop *l)
{
	for (int i = 0; i < l->n_round_end; i++)
		l->round_end[i].fn(l->round_end[i].arg);
}

/* ---- running ---- */

static int wait_ms(const struct loop *l, int timeout_ms)
{
	uint64_t t = next_tick(l), until;

	if (l->virtual || t == UINT64_MAX)
		return timeout_ms;
	until = t * USEC_PER_MSEC;
	if (until <= l->now)
		return 0;
	until = (until - l->now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	if (timeout_ms < 0 || until < (uint64_t)timeout_ms)
		return (int)MIN(until, (uint64_t)INT32_MAX);
	return timeout_ms;
}

int loop_once(struct loop *l, int timeout_ms)
{
	int n = epoll_wait(l->epfd, l->ev, EVENTS, wait_ms(l, timeout_ms));

	if (n < 0 && errno != EINTR)
		return -errno;
	l->n_ev = MAX(n, 0);
	update_now(l);
	dispatch(l);
	fire_timers(l);
	end_round(l);
	return 0;
}

int loop_run(struct loop *l)
{
	update_now(l);
	while (!l->stopped) {
		int r = loop_once(l, -1);

		if (r < 0)
			return r;
	}
	l->stopped = false;
	return l->status;
}

void loop_stop(struct loop *l, int status)
{
	l->stopped = true;
	l->status = status;
}

void loop_advance(struct loop *l, uint64_t usec)
{
	uint64_t target = l->now + usec, t;

	run_posts(l);
	while ((t = next_tick(l)) <= target / USEC_PER_MSEC) {
		l->now = MAX(l->now, t * USEC_PER_MSEC);
		turn_to(l, t);
		run_posts(l);
		end_round(l);
	}
	l->now = target;
	l->tick = MAX(l->tick, target / USEC_PER_MSEC);
	end_round(l);
}

static int open_fds(struct loop *l)
{
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0)
		return -errno;
	l->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wakefd < 0)
		return -errno;
	l->wake = (struct loop_io){ .fd = l->wakefd, .events = EPOLLIN, .fn = on_wake };
	return loop_io_add(l, &l->wake);
}

static int loop_create(bool virtual, struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->epfd = l->wakefd = -1;
	l->virtual = virtual;
	l->now = VIRTUAL_START;
	l->posts_tail = &l->posts;
	pthread_mutex_init(&l->lock, NULL);
	update_now(l);
	l->tick = l->now / USEC_PER_MSEC;
	r = open_fds(l);
	if (r < 0) {
		loop_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

int loop_new(struct loop **ret)
{
	return loop_create(false, ret);
}

int loop_new_virtual(struct loop **ret)
{
	return loop_create(true, ret);
}

void loop_free(struct loop *l)
{
	struct post *p, *next;

	if (!l)
		return;
	for (p = take_posts(l); p; p = next) {
		next = p->next;
		free(p);
	}
	closep(&l->epfd);
	closep(&l->wakefd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
