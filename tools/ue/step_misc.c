// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps: message, options, send (any method), sqn, wait, expect, run.
 *
 * wait and expect look at the condition again every POLL_USEC until it holds or their time is up.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "call.h"
#include "reg.h"
#include "report.h"
#include "step.h"
#include "sub.h"

#define POLL_USEC     (20 * USEC_PER_MSEC)
#define DELIVERY_USEC (2 * USEC_PER_SEC)
#define ANY	      UINT32_MAX

extern char **environ;

/* --- one request outside of a dialog --- */

struct request {
	struct step *s;
	struct phone *from, *to; /* to NULL: not one of ours */
	struct sip_ctx *ctx;
	uint64_t want, before, until;
	int status;
	bool deliver; /* the text must arrive at to */
	struct timer poll;
};

static void on_delivery(struct timer *t)
{
	struct request *q = container_of(t, struct request, poll);
	bool arrived = q->to->counts.messages_received > q->before &&
		       !strcmp(q->to->last_message, q->s->a.text);

	if (arrived)
		step_end(q->s, true, "%d, arrived at %s", q->status, q->to->name);
	else if (loop_now(step_loop(q->s)) >= q->until)
		step_end(q->s, false, "%d, but it did not arrive at %s", q->status, q->to->name);
	else
		timer_start(step_loop(q->s), &q->poll, POLL_USEC);
}

static void on_answer(void *arg, struct sip_ctx *t _unused_, struct sip_msg *resp, int err)
{
	struct request *q = arg;
	int status = resp ? sip_msg_status(resp) : 0;
	bool good;

	if (resp && status < 200)
		return;
	q->ctx = NULL;
	q->status = status;
	good = q->want ? status == (int)q->want : status >= 200 && status < 300;
	if (!resp)
		step_end(q->s, q->s->a.expect && !strcmp(q->s->a.expect, "timeout"),
			 "no answer: %s", strerror(-err));
	else if (good && status < 300 && q->deliver && q->to)
		on_delivery(&q->poll);
	else
		step_end(q->s, good, "%d %.*s", status, STR_FMT(sip_msg_reason(resp)));
}

static bool is_uri(const char *s)
{
	return !strncmp(s, "sip:", 4) || !strncmp(s, "tel:", 4) || !strncmp(s, "sips:", 5);
}

static struct request *request_new(struct step *s, const char *default_expect)
{
	struct request *q = calloc(1, sizeof(*q));

	s->priv = q;
	if (!q) {
		step_end(s, false, "out of memory");
		return NULL;
	}
	q->s = s;
	q->poll.fn = on_delivery;
	if (!s->a.expect)
		step_expects(s, "%s", default_expect);
	else if (strcmp(s->a.expect, "timeout") && str_to_u64(str_of(s->a.expect), 699, &q->want)) {
		step_end(s, false, "expect: a status code or timeout, not \"%s\"", s->a.expect);
		return NULL;
	}
	q->from = step_phone(s, s->a.from);
	if (!q->from)
		return NULL;
	if (!is_uri(s->a.to))
		q->to = step_phone(s, s->a.to);
	return q->to || is_uri(s->a.to) ? q : NULL;
}

static void send_request(struct request *q, const char *method, const char *uri, const char *body)
{
	_cleanup_msg_ struct sip_msg *m = phone_new_request(q->from, method, uri);
	int r = m ? 0 : -ENOMEM;

	if (q->to)
		q->before = q->to->counts.messages_received;
	q->until = loop_now(step_loop(q->s)) + DELIVERY_USEC;
	if (!r && body)
		r = sip_msg_set_body(m, "text/plain", body, strlen(body));
	if (!r)
		r = phone_request(q->from, m, on_answer, q, &q->ctx);
	if (r)
		step_end(q->s, false, "could not be sent: %s", strerror(-r));
}

static void abort_request(struct step *s)
{
	struct request *q = s->priv;

	if (!q)
		return;
	if (q->ctx)
		phone_detach(q->from, q->ctx);
	timer_stop(step_loop(s), &q->poll);
}

static const char *target(const struct request *q)
{
	return q->s->a.uri ? q->s->a.uri : q->to ? phone_identity(q->to) : q->s->a.to;
}

static void start_message(struct step *s)
{
	struct request *q = request_new(s, "200, text arrives");

	if (!q)
		return;
	q->deliver = true;
	send_request(q, "MESSAGE", target(q), s->a.text);
}

static void start_options(struct step *s)
{
	struct request *q = request_new(s, "200 OK");

	if (q)
		send_request(q, "OPTIONS", target(q), NULL);
}

static void start_send(struct step *s)
{
	struct request *q = request_new(s, "2xx");

	if (q)
		send_request(q, s->a.method, target(q), NULL);
}

static void start_sqn(struct step *s)
{
	_cleanup_free_ struct phone **list = NULL;
	size_t n;

	step_expects(s, "SIM ahead by %u", s->a.seqs);
	if (step_phones(s, s->a.phone, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		sim_run_ahead(&list[i]->sim, s->a.seqs);
	step_end(s, true, "SEQ now %llu", (unsigned long long)sim_highest(&list[n - 1]->sim));
}

/* --- conditions --- */

struct waiting {
	struct step *s;
	struct phone **list;
	size_t n;
	uint64_t until;	    /* loop time; the step's time limit for wait */
	uint64_t *messages; /* per phone, at the beginning */
	struct timer poll;
	bool (*holds)(struct waiting *w, char *seen, size_t size);
};

struct sa_count {
	struct xfrm_addr our;
	unsigned int n;
};

static bool addr_eq(const struct xfrm_addr *a, const struct xfrm_addr *b)
{
	return a->family == b->family && !memcmp(&a->v4, &b->v4, a->family == AF_INET ? 4 : 16);
}

static int count_sa(void *arg, const struct xfrm_state_info *i)
{
	struct sa_count *c = arg;

	c->n += addr_eq(&i->src, &c->our) || addr_eq(&i->dst, &c->our);
	return 0;
}

/* What the kernel has, not what we believe. */
static unsigned int sas_of(const struct phone *p)
{
	struct sa_count c = { .our.family = p->local.sa.sa_family };

	if (!p->xfrm)
		return 0;
	if (c.our.family == AF_INET)
		c.our.v4 = ((const struct sockaddr_in *)&p->local)->sin_addr;
	else
		c.our.v6 = ((const struct sockaddr_in6 *)&p->local)->sin6_addr;
	knl_xfrm_dump(p->xfrm, 0, UINT32_MAX, count_sa, &c);
	return c.n;
}

static bool phone_as_expected(const struct phone *p, const struct step_args *a, char *seen,
			      size_t size)
{
	bool registered = reg_is_registered(p->reg);
	unsigned int calls = call_count(p), sas = a->sas != ANY ? sas_of(p) : 0;

	snprintf(seen, size, "%s: %sregistered, %u call%s", p->name, registered ? "" : "not ",
		 calls, calls == 1 ? "" : "s");
	if (a->sas != ANY)
		snprintf(seen + strlen(seen), size - strlen(seen), ", %u SAs", sas);
	if (a->notifies)
		snprintf(seen + strlen(seen), size - strlen(seen), ", %u NOTIFYs",
			 sub_notifies(p->sub));
	if (a->expect && !strcmp(a->expect, "registered") && !registered)
		return false;
	if (a->expect && !strcmp(a->expect, "unregistered") && registered)
		return false;
	return (a->calls == ANY || calls == a->calls) && (a->sas == ANY || sas == a->sas) &&
	       sub_notifies(p->sub) >= a->notifies;
}

static bool all_as_expected(struct waiting *w, char *seen, size_t size)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!phone_as_expected(w->list[i], &w->s->a, seen, size))
			return false;
	}
	return true;
}

static bool event_happened(const struct waiting *w, size_t i)
{
	const struct phone *p = w->list[i];
	const char *e = w->s->a.event;

	if (!strcmp(e, "call-ended"))
		return !call_current(p) && (!p->calls || p->calls->state == CALL_ENDED);
	if (!strcmp(e, "call-up"))
		return call_count(p);
	if (!strcmp(e, "registered"))
		return reg_is_registered(p->reg);
	if (!strcmp(e, "unregistered"))
		return !reg_is_registered(p->reg);
	return p->counts.messages_received > w->messages[i];
}

static bool all_happened(struct waiting *w, char *seen, size_t size)
{
	const struct phone *p = w->list[0];

	snprintf(seen, size, "%s", w->s->a.event);
	if (!strcmp(w->s->a.event, "call-ended") && p->calls)
		snprintf(seen, size, "%s: %s", p->name, p->calls->why);
	for (size_t i = 0; i < w->n; i++) {
		if (!event_happened(w, i))
			return false;
	}
	return true;
}

static void on_poll(struct timer *t)
{
	struct waiting *w = container_of(t, struct waiting, poll);
	char seen[200] = "";

	if (w->holds(w, seen, sizeof(seen)))
		step_end(w->s, true, "%s", seen);
	else if (w->until && loop_now(step_loop(w->s)) >= w->until)
		step_end(w->s, false, "%s", seen);
	else
		timer_start(step_loop(w->s), &w->poll, POLL_USEC);
}

static struct waiting *waiting_new(struct step *s, bool (*holds)(struct waiting *, char *, size_t))
{
	struct waiting *w = calloc(1, sizeof(*w));

	s->priv = w;
	if (!w) {
		step_end(s, false, "out of memory");
		return NULL;
	}
	w->s = s;
	w->poll.fn = on_poll;
	w->holds = holds;
	if (step_phones(s, s->a.phone, &w->list, &w->n))
		return NULL;
	w->messages = calloc(w->n, sizeof(*w->messages));
	for (size_t i = 0; w->messages && i < w->n; i++)
		w->messages[i] = w->list[i]->counts.messages_received;
	if (!w->messages)
		step_end(s, false, "out of memory");
	return w->messages ? w : NULL;
}

static void clean_waiting(struct step *s)
{
	struct waiting *w = s->priv;

	if (!w)
		return;
	free(w->list);
	free(w->messages);
}

static void abort_waiting(struct step *s)
{
	struct waiting *w = s->priv;

	if (w)
		timer_stop(step_loop(s), &w->poll);
}

static void on_waited(struct timer *t)
{
	struct waiting *w = container_of(t, struct waiting, poll);

	step_end(w->s, true, "waited");
}

static void start_wait(struct step *s)
{
	static const char *const events[] = { "call-ended", "call-up", "registered", "unregistered",
					      "message" };
	struct waiting *w = waiting_new(s, all_happened);
	bool known = !s->a.event;

	for (size_t i = 0; !known && i < ARRAY_SIZE(events); i++)
		known = !strcmp(s->a.event, events[i]);
	step_expects(s, "%s", s->a.event ? s->a.event : "-");
	if (w && !known)
		step_end(
			s, false,
			"event: call-ended, call-up, registered, unregistered or message, not \"%s\"",
			s->a.event);
	else if (w && s->a.event)
		on_poll(&w->poll);
	else if (w) {
		w->poll.fn = on_waited;
		timer_start(step_loop(s), &w->poll, s->a.duration);
	}
}

static void start_expect(struct step *s)
{
	struct waiting *w = waiting_new(s, all_as_expected);
	const struct step_args *a = &s->a;
	char text[64] = "";

	if (a->expect)
		snprintf(text, sizeof(text), "%s ", a->expect);
	if (a->sas != ANY)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u SAs ", a->sas);
	if (a->calls != ANY)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u calls", a->calls);
	step_expects(s, "%s", text);
	if (!w)
		return;
	w->until = loop_now(step_loop(s)) + 5 * USEC_PER_SEC;
	on_poll(&w->poll);
}

/* --- a command --- */

struct command {
	struct step *s;
	pid_t pid;
	struct loop_io out;
	char line[300]; /* the last one that is not empty */
	size_t n;
	bool fresh;
};

static void take_char(struct command *c, char ch)
{
	if (ch == '\n') {
		c->fresh = true;
		return;
	}
	if (c->fresh)
		c->n = 0;
	c->fresh = false;
	if (c->n + 1 < sizeof(c->line)) {
		c->line[c->n++] = ch;
		c->line[c->n] = '\0';
	}
}

static void close_out(struct command *c)
{
	if (c->out.fd < 0)
		return;
	loop_io_del(step_loop(c->s), &c->out);
	close(c->out.fd);
	c->out.fd = -1;
}

static void command_ended(struct command *c)
{
	int status = -1;

	close_out(c);
	waitpid(c->pid, &status, 0);
	c->pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		step_end(c->s, true, "%s", *c->line ? c->line : "exit status 0");
	else if (WIFEXITED(status))
		step_end(c->s, false, "exit status %d%s%s", WEXITSTATUS(status),
			 *c->line ? ": " : "", c->line);
	else
		step_end(c->s, false, "killed by signal %d", WTERMSIG(status));
}

static void on_output(struct loop_io *io, uint32_t revents _unused_)
{
	struct command *c = container_of(io, struct command, out);
	char buf[512];
	ssize_t n = read(io->fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i++)
		take_char(c, buf[i]);
	if (!n)
		command_ended(c);
}

static int spawn(struct command *c)
{
	char *argv[] = { "sh", "-c", c->s->a.command, NULL };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&acts, fds[1], STDERR_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0); /* ^C at the terminal is ours alone */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	r = -posix_spawn(&c->pid, "/bin/sh", &acts, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	c->out = (struct loop_io){ .fd = fds[0], .events = EPOLLIN, .fn = on_output };
	return r ? r : loop_io_add(step_loop(c->s), &c->out);
}

static void start_run(struct step *s)
{
	struct command *c = calloc(1, sizeof(*c));
	int r;

	s->priv = c;
	step_expects(s, "%s", s->a.expect ? s->a.expect : "exit status 0");
	if (!c || !s->a.command) {
		step_end(s, false, c ? "no command" : "out of memory");
		return;
	}
	c->s = s;
	c->out.fd = -1;
	r = spawn(c);
	if (r) {
		close_out(c);
		step_end(s, false, "cannot run it: %s", strerror(-r));
	}
}

static void abort_run(struct step *s)
{
	struct command *c = s->priv;

	if (!c || c->pid <= 0)
		return;
	close_out(c);
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

const struct step_kind step_message = {
	"message",
	"from to text uri expect",
	"send a MESSAGE; a phone of ours must receive its text",
	140 * USEC_PER_SEC,
	start_message,
	NULL,
	abort_request,
	NULL,
};
const struct step_kind step_options = {
	"options", "from to uri expect", "send OPTIONS", 140 * USEC_PER_SEC, start_options,
	NULL,	   abort_request,	 NULL,
};
const struct step_kind step_send = {
	"send",
	"from to uri method expect",
	"send a request of any method",
	140 * USEC_PER_SEC,
	start_send,
	NULL,
	abort_request,
	NULL,
};
const struct step_kind step_sqn = {
	"sqn", "phone seqs", "put the SIM's SQN out of the network's range", 0, start_sqn, NULL,
	NULL,  NULL,
};
const struct step_kind step_wait = {
	"wait",
	"phone event duration",
	"wait for an event, or some time",
	3600 * USEC_PER_SEC,
	start_wait,
	NULL,
	abort_waiting,
	clean_waiting,
};
const struct step_kind step_expect = {
	"expect",
	"phone expect sas calls notifies",
	"the phones' state, within 5 s",
	30 * USEC_PER_SEC,
	start_expect,
	NULL,
	abort_waiting,
	clean_waiting,
};
const struct step_kind step_run = {
	"run",
	"command expect",
	"run a shell command, which must succeed; its last line is what was seen, expect the words for it",
	120 * USEC_PER_SEC,
	start_run,
	NULL,
	abort_run,
	NULL,
};
