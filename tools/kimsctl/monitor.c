// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl monitor: the inner packets of subscribers, as they leave and reach their tunnels: one line each, or a
 * pcapng file that names subscriber, session and direction with every packet.
 *
 * Invariants: sessions that were not monitored before are not after; the device ends with the command.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>

#include "commands.h"
#include "lib/netlink/kims_nl_gtpu.h"
#include "monitor.h"

#define BATCH 64

struct watched {
	uint64_t id;
	char label[256];
	bool ours; /* we have switched it on */
};

struct monitor {
	struct knl *knl;
	struct knl_mon *mon;
	FILE *file; /* NULL: lines */
	char **wanted;
	int n_wanted, seconds;
	unsigned long left; /* packets; 0: no end */
	struct watched *all;
	size_t n, room;
	unsigned long seen;
};

/* The first word of a label is the subscriber; what follows is the owner's. */
static bool is_subscriber(const char *wanted, const char *label)
{
	size_t n = label ? strcspn(label, " ") : 0;

	return n && !strncmp(wanted, label, n) && !wanted[n];
}

static bool is_wanted(const struct monitor *m, const struct knl_session *s)
{
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)s->id);
	for (int i = 0; i < m->n_wanted; i++)
		if (!strcmp(m->wanted[i], id) || is_subscriber(m->wanted[i], s->label))
			return true;
	return !m->n_wanted;
}

static int add_session(void *arg, const struct knl_session *s, const struct knl_counters *c _unused_)
{
	struct monitor *m = arg;
	struct watched *w;

	if (!is_wanted(m, s))
		return 0;
	if (m->n == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct watched *all = reallocarray(m->all, room, sizeof(*all));

		if (!all)
			return -ENOMEM;
		m->all = all;
		m->room = room;
	}
	w = &m->all[m->n++];
	*w = (struct watched){ .id = s->id, .ours = s->monitored != 1 };
	snprintf(w->label, sizeof(w->label), "%.*s", s->label ? (int)strcspn(s->label, " ") : 0,
		 s->label ? s->label : "");
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* A session that has gone meanwhile is no failure, so they are switched one batch, then one by one. */
static void switch_all(struct monitor *m, int on)
{
	struct knl_session s[BATCH];
	size_t n = 0;

	for (size_t i = 0; i <= m->n; i++) {
		if (n == BATCH || (i == m->n && n)) {
			if (knl_session_change(m->knl, s, n, NULL, NULL) < 0)
				for (size_t j = 0; j < n; j++)
					knl_session_change(m->knl, &s[j], 1, NULL, NULL);
			n = 0;
		}
		if (i < m->n && m->all[i].ours)
			s[n++] = (struct knl_session){ .id = m->all[i].id, .idle_timeout = -1,
						       .monitored = on };
	}
}

static int show(struct monitor *m, const struct knl_mon_packet *p)
{
	const struct watched key = { .id = p->session };
	const struct watched *w = bsearch(&key, m->all, m->n, sizeof(*m->all), by_id);
	char text[400], when[16];
	struct tm tm;

	if (!w)
		return 0;
	m->seen++;
	if (m->file) {
		monitor_comment(p, w->label, text, sizeof(text));
		return pcapng_packet(m->file, p, text);
	}
	strftime(when, sizeof(when), "%H:%M:%S", localtime_r(&p->at.tv_sec, &tm));
	monitor_line(p, text, sizeof(text));
	printf("%s.%06ld %-4s %s session %llu  %s\n", when, p->at.tv_nsec / 1000,
	       p->uplink ? "up" : "down", w->label, (unsigned long long)w->id, text);
	fflush(stdout);
	return 0;
}

static int take_all(struct monitor *m)
{
	struct knl_mon_packet p;
	int r;

	while ((r = knl_mon_read(m->mon, &p)) > 0) {
		r = show(m, &p);
		if (r < 0)
			return r;
		if (m->left && m->seen >= m->left)
			return 1;
	}
	return r;
}

static int watch(struct monitor *m, int sigfd)
{
	struct pollfd p[2] = { { .fd = sigfd, .events = POLLIN },
			       { .fd = knl_mon_fd(m->mon), .events = POLLIN } };
	time_t end = time(NULL) + m->seconds;
	int r = 0;

	while (!r && (!m->seconds || time(NULL) < end)) {
		if (poll(p, 2, 200) < 0 || p[0].revents)
			break;
		r = take_all(m);
	}
	return MIN(r, 0);
}

static int run_monitor(struct monitor *m)
{
	_cleanup_close_ int sigfd = -1;
	sigset_t set;
	int r;

	r = knl_session_dump(m->knl, add_session, m);
	if (r < 0)
		return kc_fail("sessions: %s", knl_error(m->knl));
	if (!m->n)
		return kc_fail("no such session");
	qsort(m->all, m->n, sizeof(*m->all), by_id);
	r = knl_mon_open(&m->mon);
	if (r < 0)
		return kc_fail("a device of kind kimsmon: %s", strerror(-r));
	if (m->file && pcapng_begin(m->file) < 0)
		return kc_fail("the file cannot be written");
	signal(SIGINT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC);
	switch_all(m, 1);
	fprintf(stderr, "%zu sessions; ^C ends it\n", m->n);
	r = watch(m, sigfd);
	switch_all(m, 0);
	if (!r)
		r = MIN(take_all(m), 0);
	fprintf(stderr, "%lu packets, %u lost\n", m->seen, knl_mon_lost(m->mon));
	return r < 0 ? kc_fail("%s", strerror(-r)) : 0;
}

static int read_options(struct monitor *m, int argc, char **argv)
{
	int i;

	for (i = 0; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "-w")) {
			m->file = strcmp(argv[i + 1], "-") ? fopen(argv[i + 1], "we") : stdout;
			if (!m->file)
				return kc_fail("%s: %s", argv[i + 1], strerror(errno));
		} else if (!strcmp(argv[i], "-t")) {
			m->seconds = atoi(argv[i + 1]);
		} else if (!strcmp(argv[i], "-n")) {
			m->left = strtoul(argv[i + 1], NULL, 10);
		} else {
			break;
		}
	}
	if (i < argc && argv[i][0] == '-') {
		fprintf(stderr, "usage: kimsctl monitor [-w FILE.pcapng] [-t SECONDS] [-n PACKETS] "
				"[IMSI|SESSION]...\n");
		return 2;
	}
	m->wanted = argv + i;
	m->n_wanted = argc - i;
	return 0;
}

int cmd_monitor(struct kimsctl *k _unused_, int argc, char **argv)
{
	struct monitor m = { .left = 0 };
	int r = read_options(&m, argc, argv);

	if (!r) {
		r = knl_open(&m.knl);
		r = r < 0 ? kc_fail("kims.ko: %s", strerror(-r)) : run_monitor(&m);
	}
	knl_mon_close(m.mon);
	knl_close(m.knl);
	free(m.all);
	if (m.file && m.file != stdout && fclose(m.file) && !r)
		r = kc_fail("the file cannot be written");
	return r;
}
