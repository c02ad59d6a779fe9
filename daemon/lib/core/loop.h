/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event loop per process: file descriptors (epoll), timers, work posted by other threads.
 *
 * Invariants: every callback runs on the loop's thread and may add, change or remove any io or
 * timer, its own included. A stopped timer never fires, a removed io is never called again, also
 * not in the round in which it was removed. Timers live in a hierarchical wheel of 1 ms ticks:
 * starting and stopping cost O(1) whatever their number. A timer never fires early; one of a second or
 * more may fire up to 1/32 of its length late, together with others (not on a virtual loop).
 *
 * A virtual loop has no clock: loop_advance() moves its time, for procedure tests.
 */
#ifndef KIMS_CORE_LOOP_H
#define KIMS_CORE_LOOP_H

#include "lib/core/base.h"

struct loop;

struct loop_io {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT */
	void (*fn)(struct loop_io *io, uint32_t revents);
	bool active; /* owned by the loop */
};

/* Embedded in its owner; zero-initialised is "stopped". */
struct timer {
	struct timer *next, **pprev; /* owned by the loop */
	uint64_t tick;		     /* due, in loop ticks */
	void (*fn)(struct timer *t);
};

int loop_new(struct loop **ret);
int loop_new_virtual(struct loop **ret); /* time starts at 1 s, moved by loop_advance() only */
void loop_free(struct loop *l);		 /* NULL is fine; does not close the fds */

int loop_run(struct loop *l); /* until loop_stop(); returns its status, or -errno */
void loop_stop(struct loop *l, int status);
int loop_once(struct loop *l, int timeout_ms); /* one round: polls at most timeout_ms */
void loop_advance(struct loop *l, uint64_t usec); /* virtual: fires what becomes due, in order */

uint64_t loop_now(const struct loop *l);      /* monotonic, usec, as of this round */
uint64_t loop_wall(const struct loop *l);     /* CLOCK_REALTIME usec as of this round (virtual: derived) */

int loop_io_add(struct loop *l, struct loop_io *io); /* io->fd, events and fn set; -errno of epoll_ctl */
int loop_io_mod(struct loop *l, struct loop_io *io, uint32_t events);
void loop_io_del(struct loop *l, struct loop_io *io); /* fine when not active */

void timer_start(struct loop *l, struct timer *t, uint64_t usec); /* (re)starts; t->fn must be set */
void timer_stop(struct loop *l, struct timer *t);		   /* fine when stopped */
static inline bool timer_running(const struct timer *t)
{
	return t->pprev;
}

/*
 * Runs fn(arg) on the loop's thread, soon; callable from every thread. Order is kept per caller.
 * Returns 0 or -ENOMEM (fn will not run).
 */
int loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* Called once at the end of each round, after all callbacks (flush of batched sends). One per loop and fn. */
int loop_on_round_end(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_off_round_end(struct loop *l, void (*fn)(void *arg), void *arg); /* fine when not set */

static inline void loop_freep(struct loop **l)
{
	loop_free(*l);
}

#endif
