// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kims-ue, the phone simulator: N phones in one process run a scenario and judge what they see.
 *
 * SIGINT and SIGTERM end the scenario: what runs has failed, what waits is skipped; phones that are
 * still registered de-register, and no SA stays in the kernel.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "call.h"
#include "keys.h"
#include "ladder.h"
#include "options.h"
#include "reg.h"
#include "sgw.h"
#include "stats.h"

#define MANY_FILES (1 << 18) /* a phone in a call has some 16 */
#define LEAVE_USEC (5 * USEC_PER_SEC)
#define FLUSH_USEC (400 * USEC_PER_MSEC) /* last answers leave, last NOTIFYs come */

struct program {
	struct ue ue;
	struct plan plan;
	struct options o;
	struct loop_io signals;
	struct timer leave;
	unsigned int leaving;
	bool stopping, done;
};

/* --- the end --- */

static void on_flushed(struct timer *t)
{
	struct program *g = container_of(t, struct program, leave);

	loop_stop(g->ue.loop, 0);
}

static void on_finish(struct timer *t)
{
	struct program *g = container_of(t, struct program, leave);

	for (size_t i = 0; i < g->ue.n_phones; i++) {
		for (struct sa_set *s = g->ue.phones[i]->sets; s; s = s->next)
			sa_close_connections(s);
	}
	g->leave.fn = on_flushed;
	timer_start(g->ue.loop, &g->leave, SA_CLOSE_USEC);
}

static void finish(struct program *g)
{
	g->leave.fn = on_finish;
	timer_start(g->ue.loop, &g->leave, FLUSH_USEC);
}

static void on_detached(void *arg, struct phone *p _unused_, const struct pdn_result *r _unused_)
{
	struct program *g = arg;

	if (!--g->leaving)
		finish(g);
}

/* Behind the last SIP message: the connections of phones that attached. */
static void detach_all(struct program *g)
{
	g->leaving = 1;
	for (size_t i = 0; !g->o.no_leave && i < g->ue.n_phones; i++) {
		for (struct pdn *n = pdn_first(g->ue.phones[i]); n; n = pdn_next(n)) {
			if (!pdn_detach(n, on_detached, g))
				g->leaving++;
		}
	}
	on_detached(g, NULL, NULL);
}

static void on_left(void *arg, struct phone *p _unused_, const struct reg_result *r _unused_)
{
	struct program *g = arg;

	if (!--g->leaving)
		detach_all(g);
}

/* Phones hang up and de-register, as somebody would who switches off. */
static void leave(struct program *g)
{
	struct reg_opts o = { .what = REG_DEREGISTER };

	g->leave.fn = on_finish;
	timer_start(g->ue.loop, &g->leave, LEAVE_USEC);
	g->leaving = 1;
	for (size_t i = 0; i < g->ue.n_phones; i++) {
		struct phone *p = g->ue.phones[i];

		for (struct call *c = p->calls; c; c = c->next)
			call_hangup(c);
		if (!g->o.no_leave && reg_is_registered(p->reg) && !reg_start(p, &o, on_left, g))
			g->leaving++;
	}
	on_left(g, NULL, NULL);
}

static void on_done(struct scenario *sc)
{
	struct program *g = container_of(sc->ue, struct program, ue);

	g->done = true;
	report_end(g->ue.report, sc->held, sc->failed, sc->skipped);
	leave(g);
}

static void on_signal(struct loop_io *io, uint32_t revents _unused_)
{
	struct program *g = container_of(io, struct program, signals);
	struct signalfd_siginfo si;

	if (read(io->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (g->stopping) /* the second one: at once */
		loop_stop(g->ue.loop, 1);
	g->stopping = true;
	scenario_abort(g->plan.sc, "interrupted");
}

/* --- the beginning --- */

static int watch_signals(struct program *g)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	g->signals = (struct loop_io){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
				       .events = EPOLLIN,
				       .fn = on_signal };
	return g->signals.fd < 0 ? -errno : loop_io_add(g->ue.loop, &g->signals);
}

static int say(const char *what, int r)
{
	if (r)
		fprintf(stderr, "kims-ue: %s: %s\n", what, strerror(-r));
	return r;
}

static int open_outputs(struct program *g)
{
	int r = say(g->o.report.json ? g->o.report.json : "report",
		    report_new(g->ue.loop, &g->o.report, &g->ue.report));

	if (!r && g->o.ladder)
		r = say(g->o.ladder, ladder_open(g->o.ladder, &g->ue.ladder));
	if (!r && g->o.keys)
		r = say(g->o.keys, keys_open(g->o.keys, &g->ue.keys));
	return r;
}

static int start_stack(struct program *g)
{
	int r = sip_tp_new(g->ue.loop, 65535, &g->ue.tp);

	if (!r)
		r = sip_stack_new(g->ue.loop, g->ue.tp, &phone_stack_ops, &g->ue, &g->ue.stack);
	if (!r)
		sip_stack_server_header(g->ue.stack, "kims-ue/" KIMS_VERSION);
	return say("SIP stack", r);
}

/* Only where somebody attaches; the namespace may not be there else. */
static int start_access(struct program *g)
{
	char why[400];
	bool wanted = g->plan.has_access;
	int r;

	for (size_t i = 0; i < g->plan.n_phones; i++)
		wanted = wanted || (g->plan.phones[i].apn && *g->plan.phones[i].apn);
	if (!wanted)
		return 0;
	snprintf(why, sizeof(why), "access: out of memory");
	r = access_new(&g->ue, &g->plan.access, NULL, &g->ue.access, why, sizeof(why));
	if (r)
		fprintf(stderr, "kims-ue: %s\n", why);
	return r;
}

static int start_phones(struct program *g)
{
	char why[600];

	g->ue.phones = calloc(g->plan.n_phones + 1, sizeof(struct phone *));
	if (!g->ue.phones)
		return say("phones", -ENOMEM);
	for (size_t i = 0; i < g->plan.n_phones; i++) {
		int r = phone_new(&g->ue, &g->plan.phones[i], (unsigned int)i + 1, &g->ue.phones[i],
				  why, sizeof(why));

		if (r) {
			fprintf(stderr, "kims-ue: %s\n", why);
			return r;
		}
		g->ue.n_phones++;
	}
	return 0;
}

/* Keys are in this process's memory: no core files, many sockets. */
static void set_limits(void)
{
	struct rlimit files, none = { 0, 0 }, many = { MANY_FILES, MANY_FILES };

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	if (files.rlim_max < MANY_FILES && !setrlimit(RLIMIT_NOFILE, &many))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int start(struct program *g)
{
	int r = watch_signals(g);

	if (!r)
		r = open_outputs(g);
	if (!r)
		r = say("statistics", stats_new(&g->ue, &g->ue.stats));
	if (!r)
		r = start_stack(g);
	if (!r)
		r = start_access(g);
	return r ? r : start_phones(g);
}

static void clean_up(struct program *g)
{
	struct ue *ue = &g->ue;

	for (size_t i = 0; i < ue->n_phones; i++)
		phone_shutdown(ue->phones[i]);
	access_free(ue->access);
	ue->access = NULL;
	if (ue->stack)
		sip_stack_free(ue->stack);
	for (size_t i = 0; i < ue->n_phones; i++)
		phone_free(ue->phones[i]);
	sip_tp_free(ue->tp);
	free(ue->phones);
	plan_free(&g->plan);
	stats_free(ue->stats);
	keys_close(ue->keys);
	ladder_close(ue->ladder);
	report_free(ue->report);
	if (g->signals.fd > 0)
		close(g->signals.fd);
	loop_free(ue->loop);
}

static int run(struct program *g)
{
	struct scenario *sc = g->plan.sc;
	int r = start(g);

	if (r)
		return 1;
	sc->ue = &g->ue;
	sc->done = on_done;
	scenario_finish(sc);
	scenario_start(sc);
	stats_start(g->ue.stats, g->o.stats);
	r = loop_run(g->ue.loop);
	return r || !g->done || sc->failed || sc->skipped ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct program g = { .signals.fd = -1 };
	int r = loop_new(&g.ue.loop);

	if (!r)
		r = plan_init(&g.plan, &g.ue);
	if (say("start", r))
		return 1;
	set_limits();
	r = options_read(argc, argv, &g.o, &g.plan);
	if (!r)
		log_init("kims-ue", g.o.log_level, false);
	if (!r && !g.o.check)
		r = run(&g);
	else
		r = r < 0 ? 2 : 0;
	clean_up(&g);
	return r;
}
