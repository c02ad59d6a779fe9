// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The runner of the state tables: one way in for events, one for transitions.
 *
 * Invariants: a handler is only called for an event that its state lists; the state only changes
 * to a listed successor; entering a state stops the timer of the one before.
 */
#include "lib/core/fsm.h"

#include <stdio.h>

#include "lib/core/log.h"

static const struct fsm_state *cur(const struct fsm *f)
{
	return &f->desc->states[f->state];
}

static void on_timer(struct timer *t)
{
	struct fsm *f = container_of(t, struct fsm, timer);

	log_debug("%s %s: timer in %s", f->desc->name, f->id, cur(f)->name);
	if (cur(f)->on_timeout)
		cur(f)->on_timeout(f);
}

static void enter(struct fsm *f, int prev)
{
	if (cur(f)->timer_usec)
		timer_start(f->loop, &f->timer, cur(f)->timer_usec);
	if (cur(f)->on_enter)
		cur(f)->on_enter(f, prev);
}

void fsm_init(struct fsm *f, const struct fsm_desc *d, struct loop *l, int state, const char *id)
{
	*f = (struct fsm){ .desc = d, .loop = l, .state = state, .id = id ? id : "" };
	f->timer.fn = on_timer;
	enter(f, state);
}

void fsm_fini(struct fsm *f)
{
	if (f->loop)
		timer_stop(f->loop, &f->timer);
}

int fsm_event(struct fsm *f, int event, void *data)
{
	const struct fsm_state *s = cur(f);

	if (event < 0 || event >= f->desc->n_events || !(s->events & FSM_BIT(event))) {
		log_debug("%s %s: event %d refused in %s", f->desc->name, f->id, event, s->name);
		return -EPROTO;
	}
	log_debug("%s %s: %s in %s", f->desc->name, f->id, f->desc->event_names[event], s->name);
	if (s->on_event)
		s->on_event(f, event, data);
	return 0;
}

int fsm_go(struct fsm *f, int state)
{
	int prev = f->state;

	if (state < 0 || state >= f->desc->n_states || !(cur(f)->next & FSM_BIT(state))) {
		log_debug("%s %s: no way from %s to state %d", f->desc->name, f->id, cur(f)->name,
			  state);
		return -EPROTO;
	}
	log_debug("%s %s: %s -> %s", f->desc->name, f->id, cur(f)->name,
		  f->desc->states[state].name);
	timer_stop(f->loop, &f->timer);
	f->state = state;
	enter(f, prev);
	return 0;
}

void fsm_set_timer(struct fsm *f, uint64_t usec)
{
	timer_start(f->loop, &f->timer, usec);
}

const char *fsm_state_name(const struct fsm *f)
{
	return cur(f)->name;
}

static uint32_t reachable(const struct fsm_desc *d)
{
	uint32_t seen = FSM_BIT(0), before = 0;

	while (seen != before) {
		before = seen;
		for (int i = 0; i < d->n_states; i++) {
			if (seen & FSM_BIT(i))
				seen |= d->states[i].next;
		}
	}
	return seen;
}

static int check_state(const struct fsm_desc *d, int i, char *why, size_t size)
{
	const struct fsm_state *s = &d->states[i];

	if (s->waiting && !s->timer_usec && !s->on_enter) {
		snprintf(why, size, "%s: state %s waits without a timer", d->name, s->name);
		return -EINVAL;
	}
	if (s->timer_usec && !s->on_timeout) {
		snprintf(why, size, "%s: nothing happens when state %s times out", d->name,
			 s->name);
		return -EINVAL;
	}
	if (d->n_states < 32 && s->next >> d->n_states) {
		snprintf(why, size, "%s: state %s has an unknown successor", d->name, s->name);
		return -EINVAL;
	}
	return 0;
}

/* State 0 is where the machine starts. */
int fsm_check(const struct fsm_desc *d, char *why, size_t size)
{
	uint32_t seen = reachable(d);

	for (int i = 0; i < d->n_states; i++) {
		int r = check_state(d, i, why, size);

		if (r < 0)
			return r;
		if (!(seen & FSM_BIT(i))) {
			snprintf(why, size, "%s: state %s is never reached", d->name,
				 d->states[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- drawing ---- */

static void draw_state(const struct fsm_desc *d, int state, FILE *f)
{
	const struct fsm_state *s = &d->states[state];

	fprintf(f, "\t\"%s\" [label=\"%s", s->name, s->name);
	for (int e = 0; e < d->n_events; e++)
		if (s->events & FSM_BIT(e))
			fprintf(f, "\\n%s", d->event_names[e]);
	if (s->timer_usec)
		fprintf(f, "\\n(timer %g s)", (double)s->timer_usec / 1e6);
	else if (s->waiting)
		fprintf(f, "\\n(timer)");
	fprintf(f, "\"];\n");
	for (int n = 0; n < d->n_states; n++)
		if (s->next & FSM_BIT(n))
			fprintf(f, "\t\"%s\" -> \"%s\";\n", s->name, d->states[n].name);
}

void fsm_draw(const struct fsm_desc *d, FILE *f)
{
	fprintf(f, "digraph \"%s\" {\n\tlabel=\"%s: states, the events they take, their successors\";\n"
		   "\tnode [shape=box, style=rounded, fontname=sans, fontsize=11];\n",
		d->name, d->name);
	for (int i = 0; i < d->n_states; i++)
		draw_state(d, i, f);
	fprintf(f, "}\n");
}
