// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: a listening Unix socket, a table of commands, one JSON object a line.
 *
 * Invariants: a client can hold at most IN_MAX octets of input and OUT_MAX of unread output; one
 * that sends more is disconnected, one that does not read is not served further. A command runs
 * to its end before the next line is looked at, so answers come in the order of the requests.
 */
#include "lib/core/ctl.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <utlist.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"

#define IN_MAX	    (1024 * 1024)
#define OUT_MAX	    (256 * 1024 * 1024)
#define CLIENTS_MAX 64

struct buf {
	char *p;
	size_t n, size;
};

struct client {
	struct client *next, *prev;
	struct ctl *ctl;
	struct loop_io io;
	uid_t uid;
	struct buf in, out;
	size_t sent;
};

struct ctl {
	struct loop *loop;
	struct loop_io io;
	char *path;
	const struct ctl_cmd *cmds;
	void *arg;
	struct client *clients;
	int n_clients;
};

static int buf_append(struct buf *b, const char *p, size_t n)
{
	if (b->n + n > b->size) {
		size_t size = MAX(b->size * 2, b->n + n + 512);
		char *q = realloc(b->p, size);

		if (!q)
			return -ENOMEM;
		b->p = q;
		b->size = size;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

static void client_free(struct client *c)
{
	loop_io_del(c->ctl->loop, &c->io);
	close(c->io.fd);
	DL_DELETE(c->ctl->clients, c);
	c->ctl->n_clients--;
	free(c->in.p);
	free(c->out.p);
	free(c);
}

/* ---- commands ---- */

static _printf_(3, 4) int refuse(char *err, size_t errsize, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errsize, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int builtin(const char *name, json_t **ret)
{
	if (!strcmp(name, "ping")) {
		*ret = json_pack("{s:i}", "pid", (int)getpid());
	} else if (!strcmp(name, "metrics")) {
		*ret = metrics_json();
	} else if (!strcmp(name, "metrics-text")) {
		_cleanup_free_ char *text = metrics_text();

		*ret = text ? json_string(text) : NULL;
	} else {
		return -ENOENT;
	}
	return *ret ? 0 : -ENOMEM;
}

static const struct ctl_cmd *find_cmd(const struct ctl *c, const char *name)
{
	for (const struct ctl_cmd *d = c->cmds; d && d->name; d++) {
		if (!strcmp(d->name, name))
			return d;
	}
	return NULL;
}

static int run_cmd(struct client *c, const json_t *req, json_t **ret, char *err, size_t errsize)
{
	const char *cmd = json_string_value(json_object_get(req, "cmd"));
	const char *what = json_string_value(json_object_get(req, "what"));
	const struct ctl_cmd *d;
	char name[128];
	int r;

	if (!cmd)
		return refuse(err, errsize, "the request has no \"cmd\"");
	snprintf(name, sizeof(name), "%s%s%s", cmd, what ? " " : "", what ? what : "");
	d = find_cmd(c->ctl, name);
	if (d && d->privileged && c->uid && c->uid != geteuid())
		return refuse(err, errsize, "%s needs root or the daemon's own user", name);
	if (d)
		return d->fn(c->ctl->arg, req, ret, err, errsize);
	r = builtin(name, ret);
	return r == -ENOENT ? refuse(err, errsize, "there is no command \"%s\" here", name) : r;
}

static json_t *answer(struct client *c, const char *line, size_t n)
{
	json_t *req, *result = NULL, *out;
	char err[256] = "";
	json_error_t je;
	int r;

	req = json_loadb(line, n, 0, &je);
	if (!req || !json_is_object(req)) {
		json_decref(req);
		return json_pack("{s:b,s:s}", "ok", 0, "error", "the request is no JSON object");
	}
	r = run_cmd(c, req, &result, err, sizeof(err));
	json_decref(req);
	if (r == 0)
		return json_pack("{s:b,s:o}", "ok", 1, "result", result ? result : json_null());
	out = json_pack("{s:b,s:s}", "ok", 0, "error", *err ? err : strerror(-r));
	return out ? out : json_pack("{s:b,s:s}", "ok", 0, "error", strerror(-r));
}

static int handle_line(struct client *c, const char *line, size_t n)
{
	json_t *out = answer(c, line, n);
	_cleanup_free_ char *text = out ? json_dumps(out, JSON_COMPACT) : NULL;
	int r;

	json_decref(out);
	if (!text)
		return -ENOMEM;
	r = buf_append(&c->out, text, strlen(text));
	return r < 0 ? r : buf_append(&c->out, "\n", 1);
}

static int handle_input(struct client *c)
{
	size_t done = 0;

	while (c->out.n < OUT_MAX) {
		char *nl = memchr(c->in.p + done, '\n', c->in.n - done);
		int r;

		if (!nl)
			break;
		r = handle_line(c, c->in.p + done, (size_t)(nl - c->in.p) - done);
		if (r < 0)
			return r;
		done = (size_t)(nl - c->in.p) + 1;
	}
	if (done) {
		memmove(c->in.p, c->in.p + done, c->in.n - done);
		c->in.n -= done;
	}
	return c->in.n > IN_MAX ? -EMSGSIZE : 0;
}

/* ---- sockets ---- */

static int flush_out(struct client *c)
{
	while (c->sent < c->out.n) {
		ssize_t n = send(c->io.fd, c->out.p + c->sent, c->out.n - c->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return loop_io_mod(c->ctl->loop, &c->io, EPOLLIN | EPOLLOUT);
		if (n < 0)
			return -errno;
		c->sent += (size_t)n;
	}
	c->sent = c->out.n = 0;
	return loop_io_mod(c->ctl->loop, &c->io, EPOLLIN);
}

static int read_in(struct client *c)
{
	char tmp[16384];
	ssize_t n = recv(c->io.fd, tmp, sizeof(tmp), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	return buf_append(&c->in, tmp, (size_t)n);
}

static void on_client(struct loop_io *io, uint32_t revents)
{
	struct client *c = container_of(io, struct client, io);
	int r = 0;

	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = read_in(c);
	if (r == 0 && c->in.n)
		r = handle_input(c);
	if (r == 0)
		r = flush_out(c);
	if (r < 0)
		client_free(c);
}

static void on_accept(struct loop_io *io, uint32_t revents _unused_)
{
	struct ctl *ctl = container_of(io, struct ctl, io);
	int fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;
	struct client *c;

	if (fd < 0)
		return;
	c = ctl->n_clients < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		free(c);
		close(fd);
		return;
	}
	*c = (struct client){ .ctl = ctl, .uid = cred.uid };
	c->io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_client };
	DL_APPEND(ctl->clients, c);
	ctl->n_clients++;
	if (loop_io_add(ctl->loop, &c->io) < 0)
		client_free(c);
}

static int set_path(const char *path, struct sockaddr_un *sa)
{
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return str_copy(sa->sun_path, sizeof(sa->sun_path), str_of(path)) < 0 ? -ENAMETOOLONG : 0;
}

/* A socket file that nobody listens on is left over from a crash; a live one is not ours to take. */
static int clear_stale(const struct sockaddr_un *sa)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		unlink(sa->sun_path);
	return 0;
}

static int open_listener(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa;
	int r;

	if (fd < 0)
		return -errno;
	r = set_path(path, &sa);
	if (r == 0)
		r = clear_stale(&sa);
	if (r < 0)
		return r;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	if (chmod(path, 0660) < 0 || listen(fd, 16) < 0)
		return -errno;
	r = fd;
	fd = -1;
	return r;
}

int ctl_listen(struct loop *l, const char *path, const struct ctl_cmd *cmds, void *arg,
	       struct ctl **ret)
{
	struct ctl *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct ctl){ .loop = l, .cmds = cmds, .arg = arg, .io.fd = -1 };
	r = open_listener(path);
	if (r >= 0) {
		c->io = (struct loop_io){ .fd = r, .events = EPOLLIN, .fn = on_accept };
		c->path = strdup(path);
		r = c->path ? loop_io_add(l, &c->io) : -ENOMEM;
	}
	if (r < 0) {
		ctl_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void ctl_free(struct ctl *c)
{
	struct client *cl, *tmp;

	if (!c)
		return;
	DL_FOREACH_SAFE (c->clients, cl, tmp)
		client_free(cl);
	loop_io_del(c->loop, &c->io);
	if (c->path)
		unlink(c->path);
	closep(&c->io.fd);
	free(c->path);
	free(c);
}

/* ---- client ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int dial(const char *path, char *err, size_t errsize)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;
	int r;

	if (fd < 0 || set_path(path, &sa) < 0)
		return refuse(err, errsize, "%s: no usable socket name", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		r = errno == ECONNREFUSED ? -ENOENT : -errno;
		snprintf(err, errsize, "%s: %s", path,
			 r == -ENOENT ? "nobody listens there (is the daemon running?)"
				      : strerror(-r));
		return r;
	}
	r = fd;
	fd = -1;
	return r;
}

static int send_all(int fd, json_t *request)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);
	struct buf b = { 0 };
	int r = text ? buf_append(&b, text, strlen(text)) : -ENOMEM;

	if (r == 0)
		r = buf_append(&b, "\n", 1);
	for (size_t done = 0; r == 0 && done < b.n;) {
		ssize_t n = send(fd, b.p + done, b.n - done, MSG_NOSIGNAL);

		if (n < 0)
			r = -errno;
		else
			done += (size_t)n;
	}
	free(b.p);
	return r;
}

/* Reads up to the first line feed. */
static int recv_line(int fd, int64_t deadline, struct buf *b)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		char tmp[16384];
		ssize_t n;
		int r;

		if (left <= 0 || (r = poll(&p, 1, (int)left)) == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno == EINTR)
			continue;
		n = r < 0 ? -1 : recv(fd, tmp, sizeof(tmp), 0);
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		r = buf_append(b, tmp, (size_t)n);
		if (r < 0)
			return r;
		if (memchr(tmp, '\n', (size_t)n))
			return 0;
	}
}

static int take_result(const struct buf *b, json_t **ret, char *err, size_t errsize)
{
	json_t *o = json_loadb(b->p, b->n, JSON_DISABLE_EOF_CHECK, NULL);
	const char *why;
	int r = 0;

	if (!o) {
		snprintf(err, errsize, "the daemon's answer is no JSON");
		return -EPROTO;
	}
	if (json_is_true(json_object_get(o, "ok"))) {
		*ret = json_incref(json_object_get(o, "result"));
	} else {
		why = json_string_value(json_object_get(o, "error"));
		snprintf(err, errsize, "%s", why ? why : "the daemon gave no reason");
		r = -EREMOTEIO;
	}
	json_decref(o);
	return r;
}

int ctl_call(const char *path, json_t *request, int timeout_ms, json_t **ret_result, char *err,
	     size_t errsize)
{
	int64_t deadline = now_ms() + timeout_ms;
	_cleanup_close_ int fd = dial(path, err, errsize);
	struct buf b = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = send_all(fd, request);
	if (r == 0)
		r = recv_line(fd, deadline, &b);
	if (r < 0)
		snprintf(err, errsize, "%s: %s", path, strerror(-r));
	else
		r = take_result(&b, ret_result, err, errsize);
	free(b.p);
	return r;
}
