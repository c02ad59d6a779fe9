/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State machines as tables: for each state its name, the events it takes, the states it may go
 * to, and the timer it waits on. fsm_event() is the only choke point: it refuses an event that
 * the state does not list, fsm_go() refuses a successor that it does not list; both log at debug.
 */
#ifndef KIMS_CORE_FSM_H
#define KIMS_CORE_FSM_H

#include <stdio.h>

#include "lib/core/loop.h"

#define FSM_BIT(x) (UINT32_C(1) << (x))

struct fsm;

struct fsm_state {
	const char *name;
	const char *doc;    /* what it waits for; clause */
	uint32_t events;    /* FSM_BIT() of the events it takes */
	uint32_t next;	    /* FSM_BIT() of the states it may go to */
	bool waiting;	    /* must be left by a timer if nothing comes: timer_usec > 0 or timer started by on_enter */
	uint64_t timer_usec; /* 0: none, or started by the owner */
	void (*on_enter)(struct fsm *f, int prev);
	void (*on_event)(struct fsm *f, int event, void *data);
	void (*on_timeout)(struct fsm *f);
};

struct fsm_desc {
	const char *name; /* "registration" */
	const struct fsm_state *states;
	int n_states;
	const char *const *event_names;
	int n_events;
};

/* Embedded in its owner. */
struct fsm {
	const struct fsm_desc *desc;
	struct loop *loop;
	int state;
	struct timer timer;
	const char *id; /* for the log: call id, IMPI; borrowed */
};

void fsm_init(struct fsm *f, const struct fsm_desc *d, struct loop *l, int state, const char *id);
void fsm_fini(struct fsm *f); /* stops the timer */
int fsm_event(struct fsm *f, int event, void *data); /* -EPROTO when the state does not take it */
int fsm_go(struct fsm *f, int state);		     /* -EPROTO when not a listed successor */
void fsm_set_timer(struct fsm *f, uint64_t usec);    /* overrides the state's own */
const char *fsm_state_name(const struct fsm *f);
void fsm_draw(const struct fsm_desc *d, FILE *f); /* as a graphviz digraph */
int fsm_check(const struct fsm_desc *d, char *why, size_t size); /* every state reachable, waiting ones timed; 0 or -EINVAL */

#endif
