// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The frame of a daemon: options, configuration, loop, signals, control socket, readiness, leaving.
 *
 * Invariants: signals are only taken by the loop (signalfd); start() is called once, with a loaded
 * configuration and a loop that does not run yet; fini() is called whenever start() succeeded; the
 * control socket answers only while the function is up.
 */
#include "lib/core/app.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <sysexits.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"

#ifndef KIMS_VERSION
#define KIMS_VERSION "0.1"
#endif
#define DEFAULT_CONF "/etc/kims/kims.yaml"
#define LEAVE_USEC   (5 * USEC_PER_SEC)

struct app_state {
	struct app a; /* first: handed out */
	const struct app_desc *d;
	struct conf *conf;
	struct conf **old; /* replaced by SIGHUP; functions may still hold pointers into them */
	size_t n_old;
	struct ctl *ctl;
	struct loop_io sig;
	struct timer leave;
	char *level; /* -l */
	bool conf_given, check, deferred, ready, leaving;
};

static struct app_state *state_of(struct app *a)
{
	return container_of(a, struct app_state, a);
}

/* ---- options ---- */

enum { OPT_CHECK = 256, OPT_VERSION, OPT_FSM };

static void usage(FILE *f, const struct app_desc *d)
{
	fprintf(f,
		"usage: kims-%s [-c FILE] [-n INSTANCE] [-r RUNDIR] [-s STATEDIR] [-l LEVEL]\n"
		"\n%s\n\n"
		"  -c, --config FILE      configuration (" DEFAULT_CONF "; need not exist)\n"
		"  -n, --instance NAME    one of several instances\n"
		"  -r, --run-dir DIR      control socket (/run/kims)\n"
		"  -s, --state-dir DIR    what survives a restart (/var/lib/kims)\n"
		"  -l, --log-level LEVEL  err, warn, notice, info or debug\n"
		"      --check            check the configuration and leave\n"
		"      --fsm              draw the state machines (graphviz) and leave\n"
		"      --version          print the version\n"
		"  -h, --help             print this\n",
		d->name, d->summary);
}

static int parse_option(struct app_state *s, int opt)
{
	enum log_level level;

	switch (opt) {
	case 'c':
		s->a.conf_path = optarg;
		s->conf_given = true;
		return 0;
	case 'n':
		s->a.instance = optarg;
		return 0;
	case 'r':
		s->a.run_dir = optarg;
		return 0;
	case 's':
		s->a.state_dir = optarg;
		return 0;
	case 'l':
		s->level = optarg;
		return log_level_parse(optarg, &level);
	case OPT_CHECK:
		s->check = true;
		return 0;
	}
	return -EINVAL;
}

static void draw_fsms(const struct app_desc *d)
{
	for (const struct fsm_desc *const *f = d->fsms; f && *f; f++)
		fsm_draw(*f, stdout);
}

/* 0: go on; 1: done, with *ret_status. */
static int parse_args(struct app_state *s, int argc, char **argv, int *ret_status)
{
	static const struct option opts[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "instance", required_argument, NULL, 'n' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 's' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "fsm", no_argument, NULL, OPT_FSM },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:n:r:s:l:h", opts, NULL)) != -1) {
		*ret_status = EXIT_SUCCESS;
		if (opt == 'h') {
			usage(stdout, s->d);
			return 1;
		}
		if (opt == OPT_VERSION) {
			printf("kims-%s %s\n", s->d->name, KIMS_VERSION);
			return 1;
		}
		if (opt == OPT_FSM) {
			draw_fsms(s->d);
			return 1;
		}
		*ret_status = 2;
		if (parse_option(s, opt) < 0) {
			usage(stderr, s->d);
			return 1;
		}
	}
	if (optind < argc) {
		usage(stderr, s->d);
		*ret_status = 2;
		return 1;
	}
	return 0;
}

/* ---- parts ---- */

static int load_conf(struct app_state *s, struct conf **ret, char *err, size_t errsize)
{
	const char *path = s->a.conf_path;

	if (!s->conf_given && access(path, F_OK) < 0)
		path = NULL;
	return conf_load(path, ret, err, errsize);
}

static void apply_log_level(const struct app_state *s)
{
	enum log_level l = LOG_LVL_NOTICE;

	if (log_level_parse(s->level ? s->level : s->conf->log_level, &l) == 0)
		log_set_level(l);
}

static void harden(const struct app_desc *d)
{
	if (!d->secret)
		return;
	/* Keys of subscribers are in memory: no core file, no ptrace by the same user. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
}

static void on_leave_timeout(struct timer *t)
{
	struct app_state *s = container_of(t, struct app_state, leave);

	log_notice("not everything ended within 5 s, leaving now");
	loop_stop(s->a.loop, EXIT_SUCCESS);
}

static void begin_leave(struct app_state *s)
{
	if (s->leaving) {
		loop_stop(s->a.loop, EXIT_SUCCESS);
		return;
	}
	s->leaving = true;
	sd_notify(0, "STOPPING=1");
	if (!s->d->stop) {
		loop_stop(s->a.loop, EXIT_SUCCESS);
		return;
	}
	s->leave.fn = on_leave_timeout;
	timer_start(s->a.loop, &s->leave, LEAVE_USEC);
	s->d->stop(&s->a);
}

static void reload(struct app_state *s)
{
	struct conf *new_conf, **old = reallocarray(s->old, s->n_old + 1, sizeof(*old));
	char err[512] = "no memory";

	if (old)
		s->old = old;
	if (!old || load_conf(s, &new_conf, err, sizeof(err)) < 0) {
		log_err("configuration not reloaded: %s", err);
		return;
	}
	if (s->d->reload)
		s->d->reload(&s->a, new_conf);
	s->old[s->n_old++] = s->conf;
	s->conf = new_conf;
	s->a.conf = new_conf;
	apply_log_level(s);
	log_notice("configuration reloaded");
}

static void on_signal(struct loop_io *io, uint32_t revents _unused_)
{
	struct app_state *s = container_of(io, struct app_state, sig);
	struct signalfd_siginfo si;

	while (read(io->fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reload(s);
		else
			begin_leave(s);
	}
}

static int open_signals(struct app_state *s)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread exists: all of them inherit it */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	s->sig = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_signal };
	return loop_io_add(s->a.loop, &s->sig);
}

static int open_ctl(struct app_state *s, char *err, size_t errsize)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s%s%s.sock", s->a.run_dir, s->d->name, *s->a.instance ? "-" : "",
		     s->a.instance) < 0)
		return -ENOMEM;
	mkdir(s->a.run_dir, 0755); /* normally made by systemd-tmpfiles */
	r = ctl_listen(s->a.loop, path, s->d->cmds, s->a.nf, &s->ctl);
	if (r < 0)
		snprintf(err, errsize, "%s: %s", path, strerror(-r));
	return r;
}

void app_ready(struct app *a)
{
	struct app_state *s = state_of(a);

	if (s->ready)
		return;
	s->ready = true;
	sd_notify(0, "READY=1");
	log_notice("ready");
}

void app_defer_ready(struct app *a)
{
	state_of(a)->deferred = true;
}

void app_stopped(struct app *a)
{
	loop_stop(a->loop, EXIT_SUCCESS);
}

void app_status(struct app *a _unused_, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

static int run(struct app_state *s)
{
	char err[512] = "";
	int r = s->d->start(&s->a, err, sizeof(err));

	if (r == 0) {
		r = open_ctl(s, err, sizeof(err));
		if (r == 0) {
			if (!s->deferred)
				app_ready(&s->a);
			r = loop_run(s->a.loop);
			if (r < 0)
				snprintf(err, sizeof(err), "event loop: %s", strerror(-r));
		}
		ctl_free(s->ctl);
		if (s->d->fini)
			s->d->fini(&s->a);
	}
	if (r < 0)
		log_err("%s", *err ? err : strerror(-r));
	return r < 0 ? EXIT_FAILURE : r;
}

static int set_up(struct app_state *s)
{
	int r = loop_new(&s->a.loop);

	if (r == 0)
		r = open_signals(s);
	if (r < 0)
		log_err("cannot set up the event loop: %s", strerror(-r));
	return r;
}

int app_main(int argc, char **argv, const struct app_desc *d)
{
	struct app_state s = { .d = d, .sig.fd = -1 };
	int status;
	char err[512];

	s.a = (struct app){ .name = d->name,
			    .instance = "",
			    .run_dir = "/run/kims",
			    .state_dir = "/var/lib/kims",
			    .conf_path = DEFAULT_CONF };
	log_init(d->name, LOG_LVL_NOTICE, getenv("JOURNAL_STREAM"));
	if (parse_args(&s, argc, argv, &status))
		return status;
	if (load_conf(&s, &s.conf, err, sizeof(err)) < 0) {
		log_err("%s", err);
		return EX_CONFIG;
	}
	s.a.conf = s.conf;
	apply_log_level(&s);
	harden(d);
	if (s.check)
		status = EXIT_SUCCESS;
	else
		status = set_up(&s) < 0 ? EXIT_FAILURE : run(&s);
	closep(&s.sig.fd);
	loop_free(s.a.loop);
	conf_free(s.conf);
	while (s.n_old)
		conf_free(s.old[--s.n_old]);
	free(s.old);
	return status;
}
