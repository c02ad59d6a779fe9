// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transport over freeDiameter: peers, capabilities exchange, watchdog, routing are its own. Messages go
 * in and out as octets; lib/ie makes and reads them.
 *
 * Threads. freeDiameter calls us in its own threads: an answer or a request is turned into octets
 * there and posted to the loop. What the loop sends goes through a queue to one sender thread, because
 * fd_msg_send() blocks when freeDiameter's queues are full. Nothing else is shared; the counters
 * that both sides touch are atomic.
 *
 * Traps of freeDiameter that are met here: one identity per process (the node is static, and a closed one
 * cannot be opened again); peers that it accepted by itself expire after an idle hour (our validator
 * takes that off); it asserts on malformed AVPs (armour.c keeps them from it); an answer that it refuses
 * nevertheless is dropped without calling anybody (the hook reports it); its log goes to our debug level.
 */
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include "lib/core/log.h"
#include "lib/diameter/armour.h"
#include "lib/diameter/node.h"

#define QUEUE_MAX      8192 /* messages waiting for the sender */
#define REQUESTS_MAX   4096 /* requests in our hands: beyond, DIAMETER_TOO_BUSY */
#define PEER_TICK_USEC (1 * USEC_PER_SEC)
#define PEER_SOON_USEC (20 * USEC_PER_MSEC)

struct peer_seen {
	struct peer_seen *next;
	bool up, found;
	char identity[];
};

struct fd_node {
	struct dia d;	  /* first */
	atomic_bool open; /* false: what still arrives from threads is dropped */
	atomic_int requests;

	pthread_t sender;
	bool sender_runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct dia_out *head, **tail;
	size_t queued;
	bool stop;

	struct timer tick;
	unsigned int soon; /* quick looks left after a change */
	struct peer_seen *seen;
};

/* What a thread of freeDiameter hands to the loop. */
struct post {
	enum { POST_ANSWER, POST_FAILED, POST_REQUEST, POST_PEER } kind;
	struct fd_node *d;
	uint64_t id;
	int result;
	uint8_t *buf;
	size_t n;
	struct msg *req;
};

static struct fd_node node;
static bool node_used;

static struct fd_node *node_of(struct dia *d)
{
	return container_of(d, struct fd_node, d);
}

static void release(struct msg *req)
{
	if (req)
		fd_msg_free(req);
}

static void request_done(struct fd_node *d)
{
	atomic_fetch_sub(&d->requests, 1);
}

/* --- from freeDiameter's threads to the loop --- */

static void schedule_look(struct fd_node *d)
{
	d->soon = 50;
	timer_start(d->d.loop, &d->tick, PEER_SOON_USEC);
}

static void on_post(void *arg)
{
	struct post *p = arg;
	struct fd_node *d = p->d;

	if (!atomic_load(&d->open)) {
		release(p->req);
	} else if (p->kind == POST_ANSWER) {
		dia_unarmour(p->buf, p->n);
		dia_link_answer(d->d.link, p->id, p->buf, p->n);
	} else if (p->kind == POST_FAILED) {
		dia_link_failed(d->d.link, p->id, p->result);
	} else if (p->kind == POST_REQUEST) {
		dia_unarmour(p->buf, p->n);
		dia_link_request(d->d.link, p->buf, p->n, p->req);
		p->buf = NULL;
	} else {
		schedule_look(d);
	}
	free(p->buf);
	free(p);
}

static void post(struct post v)
{
	struct post *p;

	if (!atomic_load(&v.d->open)) {
		free(v.buf);
		release(v.req);
		return;
	}
	p = malloc(sizeof(*p));
	if (p) {
		*p = v;
		if (!loop_post(v.d->d.loop, on_post, p))
			return;
		free(p);
	}
	free(v.buf);
	release(v.req);
	if (v.kind == POST_REQUEST)
		request_done(v.d);
}

static void on_answer(void *data, struct msg **msg)
{
	struct post p = { .kind = POST_ANSWER, .d = &node, .id = (uint64_t)(uintptr_t)data };

	if (fd_msg_bufferize(*msg, &p.buf, &p.n)) {
		p.kind = POST_FAILED;
		p.result = DIA_BAD_ANSWER;
		p.buf = NULL;
	}
	fd_msg_free(*msg);
	*msg = NULL;
	post(p);
}

/* The call's own timer on the loop has ended it before; freeDiameter only forgets it here. */
static void on_expire(void *data, DiamId_t sentto, size_t len, struct msg **msg)
{
	(void)data;
	(void)sentto;
	(void)len;
	fd_msg_free(*msg);
	*msg = NULL;
}

static int refuse_busy(struct msg **msg, enum disp_action *act)
{
	int e = fd_msg_new_answer_from_req(fd_g_config->cnf_dict, msg, MSGFL_ANSW_ERROR);

	if (!e)
		e = fd_msg_rescode_set(*msg, (char *)"DIAMETER_TOO_BUSY", NULL, NULL, 1);
	*act = DISP_ACT_SEND;
	return e;
}

static int on_request(struct msg **msg, struct avp *avp, struct session *s, void *opaque,
		      enum disp_action *act)
{
	struct post p = { .kind = POST_REQUEST, .d = opaque, .req = *msg };
	struct msg_hdr *hdr = NULL;

	(void)avp;
	(void)s;
	if (fd_msg_hdr(*msg, &hdr) || !(hdr->msg_flags & CMD_FLAG_REQUEST))
		return 0;
	if (atomic_fetch_add(&p.d->requests, 1) >= REQUESTS_MAX ||
	    fd_msg_bufferize(*msg, &p.buf, &p.n)) {
		request_done(p.d);
		return refuse_busy(msg, act);
	}
	*msg = NULL;
	*act = DISP_ACT_CONT;
	post(p);
	return 0;
}

/*
 * freeDiameter spreads its attempts to connect over TcTimer - 2 s ... + 2 s by two calls of random(3): the first
 * modulo 4 is seconds, the second nanoseconds. Nobody seeds it, so the same long wait would come first in
 * every process. A seed whose first number is a multiple of 4 makes it at most TcTimer - 1 s, and under a
 * second for a TcTimer of 1 or 2. Nothing else in a daemon uses random(3).
 */
static void seed_retry(void)
{
	static unsigned int seed;

	for (unsigned int s = (unsigned int)getpid(); !seed; s++) {
		srandom(s);
		if (random() % 4 == 0 && random() % 1000000000L > 100000000L)
			seed = s;
	}
	srandom(seed);
}

/* An answer that freeDiameter throws away: its caller must hear of it. */
static void on_dropped(struct fd_node *d, struct msg *msg)
{
	void (*cb)(void *, struct msg **) = NULL;
	struct msg_hdr *hdr = NULL;
	struct msg *qry = NULL;
	void *data = NULL;

	if (!msg || fd_msg_hdr(msg, &hdr) || hdr->msg_flags & CMD_FLAG_REQUEST)
		return;
	if (fd_msg_answ_getq(msg, &qry) || !qry || fd_msg_anscb_get(qry, &cb, NULL, &data) ||
	    cb != on_answer)
		return;
	post((struct post){ .kind = POST_FAILED,
			    .d = d,
			    .id = (uint64_t)(uintptr_t)data,
			    .result = DIA_BAD_ANSWER });
}

static void on_hook(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *arg)
{
	(void)pmd;
	if (type == HOOK_MESSAGE_DROPPED) {
		log_debug("diameter: message dropped: %s", other ? (char *)other : "");
		on_dropped(arg, msg);
		return;
	}
	seed_retry();
	log_debug("diameter: peer %s: %s", peer ? peer->info.pi_diamid : "?",
		  other ? (char *)other : "connected");
	post((struct post){ .kind = POST_PEER, .d = arg });
}

/* A message is complete and not parsed yet. */
static void on_data(enum fd_hook_type type, struct msg *msg, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *arg)
{
	struct fd_cnx_rcvdata *data = other;

	(void)type;
	(void)msg;
	(void)peer;
	(void)pmd;
	(void)arg;
	dia_armour(data->buffer, data->length);
}

static void on_log(int level, const char *fmt, va_list ap)
{
	char line[1024];

	(void)level;
	if (!log_enabled(LOG_LVL_DEBUG))
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	log_debug("freeDiameter: %s", line);
}

/*
 * Peers that connect to us: those of the configuration, and for a node that says so every one of its own
 * realm. They do not expire when idle.
 */
static int on_new_peer(struct peer_info *info, int *auth, int (**cb2)(struct peer_info *))
{
	const struct dia_conf *c = &node.d.conf;
	size_t n = info->pi_diamidlen, r = strlen(c->realm);
	bool ok = false;

	(void)cb2;
	for (size_t i = 0; i < c->n_peers && !ok; i++)
		ok = !strcasecmp(info->pi_diamid, c->peers[i].identity);
	if (!ok && c->accept_realm && n > r + 1)
		ok = info->pi_diamid[n - r - 1] == '.' &&
		     !strcasecmp(info->pi_diamid + n - r, c->realm);
	*auth = ok ? 1 : -1;
	if (ok) {
		info->config.pic_flags.exp = PI_EXP_NONE;
		info->config.pic_flags.sec = PI_SEC_NONE;
	}
	return 0;
}

/* --- peers, seen from the loop --- */

static bool peer_is_up(const char *identity)
{
	struct peer_hdr *p = NULL;
	size_t n = strlen(identity);

	if (fd_peer_getbyid((char *)identity, n, 1, &p) || !p)
		return false;
	return fd_peer_get_state(p) == STATE_OPEN;
}

static bool any_peer_up(bool relay_only)
{
	struct fd_list *li;
	bool up = false;

	pthread_rwlock_rdlock(&fd_g_peers_rw);
	for (li = fd_g_peers.next; li != &fd_g_peers && !up; li = li->next) {
		struct peer_hdr *p = (struct peer_hdr *)li;

		up = fd_peer_get_state(p) == STATE_OPEN &&
		     (!relay_only || p->info.runtime.pir_relay);
	}
	pthread_rwlock_unlock(&fd_g_peers_rw);
	return up;
}

static bool fd_peer_up(struct dia *d, const char *identity)
{
	if (!atomic_load(&node_of(d)->open))
		return false;
	return identity ? peer_is_up(identity) : any_peer_up(false);
}

static bool fd_route_up(struct dia *d, const char *dest_host)
{
	if (!dest_host)
		return fd_peer_up(d, NULL);
	return fd_peer_up(d, dest_host) || any_peer_up(true);
}

static struct peer_seen *seen_of(struct fd_node *d, const char *identity)
{
	struct peer_seen *s;
	size_t n = strlen(identity) + 1;

	for (s = d->seen; s; s = s->next)
		if (!strcasecmp(s->identity, identity))
			return s;
	s = calloc(1, sizeof(*s) + n);
	if (!s)
		return NULL;
	memcpy(s->identity, identity, n);
	s->next = d->seen;
	d->seen = s;
	return s;
}

static void report(struct fd_node *d, struct peer_seen *s, bool up)
{
	if (s->up == up)
		return;
	s->up = up;
	dia_report(&d->d, s->identity, up);
}

/* Compares freeDiameter's list with what was told before. Peers are copied first: on_peer may call us. */
static void look_at_peers(struct fd_node *d)
{
	struct peer_seen *s;
	struct fd_list *li;

	pthread_rwlock_rdlock(&fd_g_peers_rw);
	for (li = fd_g_peers.next; li != &fd_g_peers; li = li->next) {
		struct peer_hdr *p = (struct peer_hdr *)li;

		s = seen_of(d, p->info.pi_diamid);
		if (s)
			s->found = fd_peer_get_state(p) == STATE_OPEN;
	}
	pthread_rwlock_unlock(&fd_g_peers_rw);
	for (s = d->seen; s; s = s->next) {
		bool up = s->found;

		s->found = false;
		report(d, s, up);
	}
}

static void on_tick(struct timer *t)
{
	struct fd_node *d = container_of(t, struct fd_node, tick);

	timer_start(d->d.loop, &d->tick, d->soon ? PEER_SOON_USEC : PEER_TICK_USEC);
	if (d->soon)
		d->soon--;
	seed_retry();
	look_at_peers(d);
}

static void fd_each_peer(struct dia *d, void (*fn)(void *arg, const char *identity, bool up),
			 void *arg)
{
	for (const struct peer_seen *s = node_of(d)->seen; s; s = s->next)
		fn(arg, s->identity, peer_is_up(s->identity));
}

/* --- the sender --- */

static void out_free(struct dia_out *o)
{
	free(o->buf);
	release(o->req);
	free(o);
}

static int send_answer(struct dia_out *o)
{
	struct msg_hdr *h = NULL, *q = NULL;
	struct msg *m = NULL;
	int e = fd_msg_parse_buffer(&o->buf, o->n, &m);

	if (e)
		return e;
	e = fd_msg_hdr(m, &h);
	if (!e)
		e = fd_msg_hdr(o->req, &q);
	if (!e) {
		h->msg_eteid = q->msg_eteid;
		e = fd_msg_answ_associate(m, o->req);
	}
	if (!e) {
		o->req = NULL; /* now belongs to m */
		e = fd_msg_send(&m, NULL, NULL);
	}
	if (m)
		fd_msg_free(m);
	return e;
}

static int send_request(struct fd_node *d, struct dia_out *o)
{
	uint64_t ms = (uint64_t)d->d.conf.timeout_ms + 1000;
	struct timespec until;
	struct msg *m = NULL;
	int e = fd_msg_parse_buffer(&o->buf, o->n, &m);

	if (e)
		return e;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(ms / 1000);
	e = fd_msg_send_timeout(&m, on_answer, (void *)(uintptr_t)o->id, on_expire, &until);
	if (e && m)
		fd_msg_free(m);
	return e;
}

static void send_one(struct fd_node *d, struct dia_out *o)
{
	int e = o->req ? send_answer(o) : send_request(d, o);

	if (e && o->id)
		post((struct post){
			.kind = POST_FAILED, .d = d, .id = o->id, .result = DIA_NO_PEER });
	out_free(o);
}

static void *sender_main(void *arg)
{
	struct fd_node *d = arg;
	struct dia_out *o;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (!d->head && !d->stop)
			pthread_cond_wait(&d->wake, &d->lock);
		o = d->head;
		if (!o)
			break;
		d->head = o->next;
		if (!d->head)
			d->tail = &d->head;
		d->queued--;
		pthread_mutex_unlock(&d->lock);
		send_one(d, o);
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static int fd_submit(struct dia *base, struct dia_out *o, uint64_t *ret_via)
{
	struct fd_node *d = node_of(base);
	bool full;

	*ret_via = 0;
	o->next = NULL;
	pthread_mutex_lock(&d->lock);
	full = d->queued >= QUEUE_MAX;
	if (!full) {
		*d->tail = o;
		d->tail = &o->next;
		d->queued++;
		pthread_cond_signal(&d->wake);
	}
	pthread_mutex_unlock(&d->lock);
	if (full)
		out_free(o);
	return full ? -EBUSY : 0;
}

static void fd_release(struct dia *d _unused_, void *req)
{
	release(req);
}

static void fd_request_done(struct dia *d)
{
	request_done(node_of(d));
}

/* --- start and end --- */

/* Its own configuration language; strings were checked by conf_ok(). */
static void write_conf(FILE *f, const struct dia_conf *c)
{
	fprintf(f,
		"Identity = \"%s\";\nRealm = \"%s\";\nPort = %u;\nSecPort = 0;\nNo_SCTP;\nNoRelay;\nAppServThreads = 1;\n",
		c->identity, c->realm, c->listen_addr ? (unsigned int)c->listen_port : 0U);
	fprintf(f, "TwTimer = %u;\nTcTimer = %u;\n", MAX(c->watchdog_s, 6U),
		MAX(c->reconnect_s, 1U));
	for (size_t i = 0; i < c->n_peers; i++)
		if (c->peers[i].addr)
			fprintf(f,
				"ConnectPeer = \"%s\" { No_TLS; ConnectTo = \"%s\"; Port = %u; };\n",
				c->peers[i].identity, c->peers[i].addr, c->peers[i].port);
}

static int parse_conf(const struct dia_conf *c)
{
	static char path[64]; /* freeDiameter keeps the pointer */
	int fd = memfd_create("freeDiameter.conf", MFD_CLOEXEC), e;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!f) {
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	write_conf(f, c);
	fflush(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	e = ferror(f) ? EIO : fd_core_parseconf(path);
	fclose(f);
	return -e;
}

/* The address that leads to the first peer: what a node that does not listen tells in its CER. */
static bool own_address(const struct dia_conf *c, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_DGRAM },
			*ai = NULL;
	bool ok = false;
	int fd;

	if (!c->n_peers || !c->peers[0].addr || getaddrinfo(c->peers[0].addr, "3868", &hints, &ai))
		return false;
	fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*ret_len = sizeof(*ret);
	if (fd >= 0)
		ok = !connect(fd, ai->ai_addr, ai->ai_addrlen) &&
		     !getsockname(fd, (struct sockaddr *)ret, ret_len);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return ok;
}

/*
 * Host-IP-Address and where to listen. Not by ListenOn of the configuration language, which drops
 * loopback addresses and then listens on all that there are.
 */
static int add_endpoint(const struct dia_conf *c)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *ai;
	struct sockaddr_storage ss;
	socklen_t n;
	int e;

	if (!c->listen_addr) {
		if (!own_address(c, &ss, &n))
			return 0; /* freeDiameter looks for one */
		return -fd_ep_add_merge(&fd_g_config->cnf_endpoints, (struct sockaddr *)&ss, n,
					EP_FL_CONF | EP_ACCEPTALL);
	}
	if (getaddrinfo(c->listen_addr, NULL, &hints, &ai))
		return -EINVAL;
	e = -fd_ep_add_merge(&fd_g_config->cnf_endpoints, ai->ai_addr, ai->ai_addrlen,
			     EP_FL_CONF | EP_ACCEPTALL);
	freeaddrinfo(ai);
	return e;
}

static int register_app(struct fd_node *d, const struct dia_app *a)
{
	struct dict_object *vendor = NULL;
	struct disp_when when = { 0 };
	int e;

	e = dia_dict_load(a, &when.app, &vendor);
	if (!e)
		e = -fd_disp_app_support(when.app, vendor, 1, 0);
	if (!e)
		e = -fd_disp_register(on_request, DISP_HOW_APPID, &when, d, NULL);
	return e;
}

static int register_all(struct fd_node *d)
{
	struct fd_hook_hdl *hook = NULL, *data = NULL;
	int e = fd_peer_validate_register(on_new_peer);

	if (!e)
		e = fd_hook_register(HOOK_MASK(HOOK_DATA_RECEIVED), on_data, d, NULL, &data);
	if (!e)
		e = fd_hook_register(HOOK_MASK(HOOK_PEER_CONNECT_FAILED, HOOK_PEER_CONNECT_SUCCESS,
					       HOOK_MESSAGE_DROPPED),
				     on_hook, d, NULL, &hook);
	return -e;
}

static int start_core(struct fd_node *d, char *err, size_t errsize)
{
	const char *what = "initialise freeDiameter";
	int e;

	fd_log_handler_register(on_log);
	fd_g_debug_lvl = log_enabled(LOG_LVL_DEBUG) ? FD_LOG_DEBUG : FD_LOG_NOTICE;
	e = -fd_core_initialize();
	if (!e) {
		what = "load the dictionary";
		for (size_t i = 0; !e && i < d->d.conf.n_apps; i++)
			e = register_app(d, d->d.conf.apps[i]);
	}
	if (!e) {
		what = "set up the Diameter node";
		e = parse_conf(&d->d.conf);
	}
	if (!e)
		e = add_endpoint(&d->d.conf);
	if (!e)
		e = register_all(d);
	if (!e) {
		what = "start the Diameter node";
		dia_gate_accept(&d->d.conf);
		e = -fd_core_start();
	}
	if (!e)
		e = -fd_core_waitstartcomplete();
	if (e)
		snprintf(err, errsize, "cannot %s as %s: %s", what, d->d.conf.identity,
			 strerror(-e));
	return e;
}

static int start_sender(struct fd_node *d)
{
	int e;

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->tail = &d->head;
	e = pthread_create(&d->sender, NULL, sender_main, d);
	d->sender_runs = !e;
	return -e;
}

static int fd_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err,
		   size_t errsize)
{
	struct fd_node *d = &node;
	sigset_t all, old;
	int e;

	if (node_used) {
		snprintf(err, errsize,
			 "with freeDiameter a process can be one Diameter node only, and once");
		return -EEXIST;
	}
	node_used = true;
	d->tick.fn = on_tick;
	seed_retry();
	e = dia_init(&d->d, &dia_freediameter, l, c);
	if (e) {
		snprintf(err, errsize, "out of memory");
		return e;
	}
	atomic_store(&d->open, true);
	sigfillset(&all); /* signals are for the loop's thread */
	pthread_sigmask(SIG_BLOCK, &all, &old);
	e = start_core(d, err, errsize);
	if (!e) {
		e = start_sender(d);
		if (e)
			snprintf(err, errsize, "cannot start a thread: %s", strerror(-e));
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e) {
		dia_close(&d->d);
		return e;
	}
	schedule_look(d);
	*ret = &d->d;
	return 0;
}

static void stop_sender(struct fd_node *d)
{
	struct dia_out *o;

	if (!d->sender_runs)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->sender, NULL);
	d->sender_runs = false;
	while ((o = d->head)) {
		d->head = o->next;
		out_free(o);
	}
}

static void fd_quit(struct dia *base)
{
	struct fd_node *d = node_of(base);

	timer_stop(base->loop, &d->tick);
	stop_sender(d); /* after the last answers */
	atomic_store(&d->open, false);
}

static void fd_close(struct dia *base)
{
	struct fd_node *d = node_of(base);
	struct peer_seen *s;

	if (!fd_core_shutdown())
		fd_core_wait_shutdown_complete();
	while ((s = d->seen)) {
		d->seen = s->next;
		free(s);
	}
	dia_fini(base);
}

const struct dia_transport dia_freediameter = {
	.open = fd_open,
	.quit = fd_quit,
	.close = fd_close,
	.submit = fd_submit,
	.release = fd_release,
	.request_done = fd_request_done,
	.route_up = fd_route_up,
	.peer_up = fd_peer_up,
	.each_peer = fd_each_peer,
};
