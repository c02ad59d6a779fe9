// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that cross, come twice, late, out of order or not at all (TS 29.274 7.6, TS 23.401 5.4, TS 29.212 4.5): seeded random sequences
 * between two SGWs, an ePDG, a UPF, a PCRF and the SMF on a virtual clock, judged by a model.
 *
 * The model knows, per user, whose the PDN connection is. It sees what reaches the SMF and what leaves it, in that order, and
 * follows from it alone:
 *
 *   Create Session Request arrives, not refused at once      the sender's, whoever had it before
 *   its response refuses                                     nobody's
 *   Modify Bearer Request with F-TEIDs arrives               the new sender's
 *   Delete Session Request for it arrives, but not from      nobody's
 *     the node that had it last before its owner
 *   Delete Bearer Request for the default bearer leaves      nobody's
 *   message with a new restart counter arrives               nobody's, if the node had it before
 *   the owner knows nothing of it (gave up waiting)          perhaps still its, perhaps nobody's
 *
 * When all is quiet, the SMF has exactly the connections of the model, each with its owner's TEIDs; SGW, UPF and PCRF have the same bearers, TEIDs,
 * packet filters, rules (rig_agree()); each request was answered; nobody waits for anything; addresses are taken by
 * connections only. Then everybody attaches and detaches once more, and nothing is left.
 *
 * A seed that fails is printed: KIMS_SEED=N runs it alone, with KIMS_TALK=1 every message. KIMS_SEQUENCES=N runs more of them, KIMS_FIRST=N other ones.
 */
#define RIG_PDNS 48
#include "smf/rig.h"

#include "lib/core/log.h"

enum { USERS = 3, NODES = 3, EPDG = 2, CONTEXTS = 128, FLIGHTS = 4096 };

enum context_state {
	CTX_CREATING,
	CTX_ACTIVE,
	CTX_LEAVING, /* Delete Session Request sent */
	CTX_MOVED,   /* another SGW has it now */
	CTX_GONE,
};

/* What a node has of a PDN connection. */
struct context {
	struct rig_pdn pdn;
	int node;
	enum context_state state;
	struct context *from; /* moved from there */
	uint8_t counter;      /* restart counter of the node that made it */
};

struct node {
	struct gtpc *g;
	uint32_t ip;
	uint8_t counter, seen; /* restart counter; the one that the SMF has seen */
};

struct flight {
	uint64_t due, number; /* in this order */
	uint32_t from, to;
	struct rig_dgram *d;
};

static struct world {
	unsigned int seed, number;
	struct node node[NODES];
	struct context context[CONTEXTS];
	size_t n_contexts;
	struct flight flight[FLIGHTS];
	size_t n_flights;
	uint64_t n_sent;
	uint8_t lost[4096];	     /* copies of a message that were lost, by hash */
	uint64_t deaf_until;	     /* the UPF */
	uint64_t until[RIG_CCA + 1]; /* on links that keep the order: PFCP, Gx */
	bool somebody_was_deaf, upf_forgot;
	unsigned int loss;
	/* the model */
	struct context *owner[USERS + 1];
	int left[USERS + 1]; /* node that had the same connection before; -1: none */
	bool perhaps[USERS + 1];
	struct context *arriving; /* Create Session Request that the SMF is looking at */
	bool refused;		  /* and has refused */
	struct context *replaced; /* refused because of the one that arrives */
	struct context
		*moving;   /* it sends the Modify Bearer Request that arrives, and is to have it */
	uint64_t deleting; /* TEID of the Delete Session Request that arrives; 0: none */
} w;

static bool talk;

static unsigned int dice(unsigned int n)
{
	return (unsigned int)rand_r(&w.seed) % n;
}

static void say(const char *what, const struct context *c, unsigned int n)
{
	if (talk)
		fprintf(stderr, "%9.3f  %-24s user %u node %d teid %x pgw %x  %u\n",
			(double)loop_now(rig.loop) / USEC_PER_SEC, what, c ? c->pdn.n : 0,
			c ? c->node : -1, c ? c->pdn.teid : 0, c ? c->pdn.pgw_teid : 0, n);
}

#define CHECK(cond, ...)                                                                   \
	do {                                                                               \
		if (!(cond))                                                               \
			fail_msg("sequence %u: %s (" #cond ")", w.number, "" __VA_ARGS__); \
	} while (0)

static struct context *context_of(int node, uint64_t teid)
{
	for (size_t i = 0; i < w.n_contexts; i++)
		if (teid && w.context[i].pdn.teid == teid && w.context[i].node == node)
			return &w.context[i];
	return NULL;
}

static int node_of(uint32_t ip)
{
	for (int i = 0; i < NODES; i++)
		if (w.node[i].ip == ip)
			return i;
	return -1;
}

/* --- the model --- */

static void now_owned_by(unsigned int user, struct context *c)
{
	w.owner[user] = c;
	w.left[user] = -1;
	w.perhaps[user] = false;
}

/* The connection stays, with another node. */
static void moved_to(struct context *c)
{
	const struct context *o = w.owner[c->pdn.n];
	int left = o ? o->node : -1;

	now_owned_by(c->pdn.n, c);
	w.left[c->pdn.n] = left;
}

static void disowned(const struct context *c)
{
	if (w.owner[c->pdn.n] == c)
		now_owned_by(c->pdn.n, NULL);
}

static struct context *sender_of(int node, const union s5_any *q, uint8_t type)
{
	if (type == S5_CREATE_SESSION_REQUEST)
		return context_of(node, q->create_session_request.sender.teid);
	if (type == S5_MODIFY_BEARER_REQUEST && q->modify_bearer_request.has_sender)
		return context_of(node, q->modify_bearer_request.sender.teid);
	return NULL;
}

/* TS 23.007 18: what a node had before it started again is gone with the first message that says so. */
static void model_restart(int node, uint8_t counter)
{
	w.node[node].seen = counter;
	for (unsigned int u = 1; u <= USERS; u++)
		if (w.owner[u] && w.owner[u]->node == node && w.owner[u]->counter < counter)
			now_owned_by(u, NULL);
}

static struct context *owner_by_pgw_teid(uint64_t teid)
{
	for (unsigned int u = 1; u <= USERS; u++)
		if (teid && w.owner[u] && w.owner[u]->pdn.pgw_teid == teid)
			return w.owner[u];
	return NULL;
}

static void model_delete(int node, uint64_t teid)
{
	struct context *o = owner_by_pgw_teid(teid);

	if (o && (o->node == node || w.left[o->pdn.n] != node))
		disowned(o);
}

/* Its request is late: the node has started again since, and does not know it any more. */
static void forgotten(const struct context *c)
{
	if (c->counter != w.node[c->node].counter)
		w.perhaps[c->pdn.n] = true;
}

static void model_modify(struct context *c, uint64_t teid)
{
	struct context *o = owner_by_pgw_teid(teid);
	struct smf_pdn *p = smf_pdn_by_teid(&rig.smf, (uint32_t)teid);

	/* not while it goes to another access */
	if (o && o->node != EPDG && p && p->fsm.state == SMF_PDN_ACTIVE &&
	    !(p->request && p->request_type == S5_CREATE_SESSION_REQUEST))
		w.moving = c;
}

/* A request that the SMF is about to get; NULL: nothing that matters. */
static void model_in(int node, const uint8_t *p, size_t n)
{
	static union s5_any q;
	struct tlv_error e;
	struct tlv_hdr h;
	struct context *c;

	w.arriving = w.replaced = NULL;
	w.moving = NULL;
	w.deleting = 0;
	if (s5_decode(p, n, &h, &q, &e))
		return;
	c = sender_of(node, &q, h.type);
	if (h.type == S5_CREATE_SESSION_REQUEST) {
		w.arriving = c;
		w.refused = false;
	}
	if (h.type == S5_DELETE_SESSION_REQUEST)
		w.deleting = h.id;
	else if (h.type == S5_MODIFY_BEARER_REQUEST && c)
		model_modify(c, h.id);
}

/* It keeps the connection of another access: a new one is not active yet. */
static bool is_handover(const struct context *c)
{
	for (const struct smf_pdn *p = rig.smf.pdns; p; p = p->next)
		if (p->peer.teid == c->pdn.teid && p->fsm.state == SMF_PDN_ACTIVE)
			return true;
	return false;
}

static void model_create(struct context *c)
{
	if (!w.refused && is_handover(c))
		moved_to(c);
	else if (!w.refused)
		now_owned_by(c->pdn.n, c);
	else if (w.replaced)
		disowned(w.replaced);
	forgotten(c);
}

/* Late, it takes what has gone elsewhere since, with the bearers of before. */
static void model_relocate(struct context *c)
{
	const struct context *o = w.owner[c->pdn.n];

	moved_to(c);
	w.perhaps[c->pdn.n] = o && o != c && o != c->from;
	forgotten(c);
}

/* Of the request that the SMF has got. */
static void model_effect(int node)
{
	if (w.arriving)
		model_create(w.arriving);
	if (w.deleting)
		model_delete(node, w.deleting);
	if (w.moving)
		model_relocate(w.moving);
}

static void model_refusal(struct context *c)
{
	if (c == w.arriving)
		w.refused = true;
	else if (w.arriving && w.arriving->pdn.n == c->pdn.n && w.owner[c->pdn.n] == c)
		w.replaced = c; /* its successor may get the connection from it */
	else
		disowned(c);
}

/* What leaves the SMF. */
static void model_out(int node, const uint8_t *p, size_t n)
{
	static union s5_any q;
	struct tlv_error e;
	struct tlv_hdr h;
	struct context *c;

	if (s5_decode(p, n, &h, &q, &e))
		fail_msg("sequence %u: node cannot read message %u: cause %u %s", w.number, p[1],
			 e.cause, e.name);
	c = context_of(node, h.id);
	if (!c)
		return;
	if (h.type == S5_CREATE_SESSION_RESPONSE && q.create_session_response.cause.value >= 64)
		model_refusal(c);
	if (h.type == S5_CREATE_SESSION_RESPONSE && q.create_session_response.cause.value < 64)
		c->pdn.pgw_teid = q.create_session_response.pgw.teid;
	if (h.type == S5_DELETE_BEARER_REQUEST && q.delete_bearer_request.has_lbi)
		disowned(c);
}

/* --- the network: late, lost, twice, in another order --- */

static uint64_t delay(void)
{
	unsigned int d = dice(100);

	return USEC_PER_MSEC * (d < 80 ? 1 + dice(4) : d < 97 ? 5 + dice(300) : 300 + dice(1500));
}

/* A message is lost twice at most: who repeats it three times gets it through. */
static bool is_lost(uint32_t from, uint32_t to, const uint8_t *p, size_t n)
{
	uint32_t h = from * 31 + to;

	if (!w.loss || dice(w.loss))
		return false;
	for (size_t i = 0; i < MIN(n, 20u); i++)
		h = h * 33 + p[i];
	return w.lost[h % sizeof(w.lost)]++ < 1;
}

static void put_flight(uint32_t from, uint32_t to, struct rig_dgram *d, uint64_t due)
{
	assert_true(w.n_flights < FLIGHTS);
	w.flight[w.n_flights++] = (struct flight){ due, ++w.n_sent, from, to, d };
}

static void send_copy(enum rig_link link, uint32_t from, uint32_t to, const void *p, size_t n)
{
	struct rig_dgram *d = malloc(sizeof(*d) + n);

	assert_non_null(d);
	*d = (struct rig_dgram){ .link = link, .n = n };
	memcpy(d->p, p, n);
	put_flight(from, to, d, loop_now(rig.loop) + delay());
}

static void send_gtp(enum rig_link link, uint32_t from, uint32_t to, const void *p, size_t n)
{
	if (!is_lost(from, to, p, n))
		send_copy(link, from, to, p, n);
	if (w.loss && !dice(w.loss))
		send_copy(link, from, to, p, n);
}

static void from_smf(const struct sockaddr_storage *to, const void *p, size_t n)
{
	uint32_t ip = ntohl(((const struct sockaddr_in *)to)->sin_addr.s_addr);

	if (node_of(ip) < 0)
		return;
	if (((const uint8_t *)p)[1] > S5_ECHO_RESPONSE)
		say("leaves the SMF", NULL, ((const uint8_t *)p)[1]);
	model_out(node_of(ip), p, n);
	send_gtp(RIG_TO_SGW, RIG_SMF, ip, p, n);
}

static void from_node(void *arg, const struct sockaddr_storage *to _unused_, const void *p,
		      size_t n)
{
	const struct node *node = arg;

	send_gtp(RIG_TO_SMF_GTP, node->ip, RIG_SMF, p, n);
}

/*
 * PFCP and Gx come by the rig's own queue, and stay in order: a request that comes after the UPF has a new association
 * would be one that the SMF has given up.
 */
static void take_from_rig(void)
{
	while (rig.first) {
		struct rig_dgram *d = rig.first;
		uint64_t due = loop_now(rig.loop) + delay();

		due = MAX(due, w.until[d->link]);
		rig.first = d->next;
		if (!rig.first)
			rig.last = &rig.first;
		if (d->link != RIG_CCA && is_lost(d->link, 0, d->p, d->n)) {
			free(d);
			continue;
		}
		w.until[d->link] = due;
		put_flight(0, 0, d, due);
	}
}

/* The node may have started once more since. */
static bool tells_restart(int node, const struct rig_dgram *d, uint8_t *ret_counter)
{
	struct str v;

	if (!tlv_find(&tlv_gtpv2, d->p, d->n, S5_IE_RECOVERY, 0, &v) || !v.n)
		return false;
	*ret_counter = (uint8_t)v.p[0];
	return *ret_counter > w.node[node].seen;
}

static void to_smf(const struct flight *f)
{
	int node = node_of(f->from);
	struct sockaddr_storage from;
	const struct xchg_stats *st = gtpc_stats(rig.smf.gtpc);
	uint64_t twice = st->duplicates;
	uint8_t counter;
	bool restarted = tells_restart(node, f->d, &counter);

	rig_addr(&from, f->from, GTPC_PORT);
	if (f->d->p[1] > S5_ECHO_RESPONSE)
		say("arrives at the SMF", NULL, f->d->p[1]);
	model_in(node, f->d->p, f->d->n);
	gtpc_input(rig.smf.gtpc, &from, f->d->p, f->d->n);
	if (restarted)
		model_restart(node, counter);
	if (st->duplicates == twice) /* else it has had its effect */
		model_effect(node);
	w.arriving = NULL;
}

static void deliver(const struct flight *f)
{
	struct sockaddr_storage from;

	switch (f->d->link) {
	case RIG_TO_SGW:
		rig_addr(&from, RIG_SMF, GTPC_PORT);
		gtpc_input(w.node[node_of(f->to)].g, &from, f->d->p, f->d->n);
		break;
	case RIG_TO_SMF_GTP:
		to_smf(f);
		break;
	case RIG_TO_UPF:
	case RIG_TO_SMF_PFCP:
		if (f->d->p[1] > SX_HEARTBEAT_RESPONSE)
			say(f->d->link == RIG_TO_UPF ? "to UPF" : "from UPF", NULL, f->d->p[1]);
		if (loop_now(rig.loop) >= w.deaf_until)
			rig_deliver(f->d);
		break;
	case RIG_CCA:
		rig_deliver(f->d);
		break;
	}
	free(f->d);
	take_from_rig();
}

static size_t next_flight(void)
{
	size_t at = 0;

	for (size_t i = 1; i < w.n_flights; i++)
		if (w.flight[i].due < w.flight[at].due ||
		    (w.flight[i].due == w.flight[at].due &&
		     w.flight[i].number < w.flight[at].number))
			at = i;
	return at;
}

static void run(uint64_t usec)
{
	uint64_t until = loop_now(rig.loop) + usec;

	for (;;) {
		uint64_t now = loop_now(rig.loop), next = MIN(until, now + 250 * USEC_PER_MSEC);
		size_t i = next_flight();

		take_from_rig();
		if (w.n_flights && w.flight[i].due <= now) {
			struct flight f = w.flight[i];

			w.flight[i] = w.flight[--w.n_flights];
			deliver(&f);
			continue;
		}
		if (now >= until)
			return;
		if (w.n_flights)
			next = MIN(next, w.flight[i].due);
		loop_advance(rig.loop, next - now);
	}
}

/* --- a node's requests --- */

static void on_answer(void *arg, const struct xchg_msg *m);

static void node_send(struct context *c, enum s5_message type, const void *msg)
{
	static uint8_t buf[16384];
	struct tlv_buf b = TLV_BUF(buf);
	struct sockaddr_storage to;

	say("node sends", c, type);
	rig_addr(&to, RIG_SMF, GTPC_PORT);
	assert_int_equal(s5_encode(type, c->pdn.pgw_teid, msg, &b), 0);
	assert_int_equal(gtpc_request(w.node[c->node].g, &to, b.p, b.n, on_answer, c, NULL), 0);
}

static struct context *new_context(unsigned int user, int node)
{
	struct context *c = &w.context[w.n_contexts];

	if (w.n_contexts == CONTEXTS)
		return NULL;
	w.n_contexts++;
	*c = (struct context){ .node = node, .counter = w.node[node].counter };
	c->pdn = (struct rig_pdn){ .n = user, .teid = ++rig.next_teid, .ambr = { 50000, 100000 } };
	c->pdn.b[5].teid = ++rig.next_teid;
	return c;
}

static void attach(unsigned int user, int node, bool handover)
{
	static struct s5_create_session_request r;
	struct context *c = new_context(user, node);

	if (!c)
		return;
	rig_ask(&r, &c->pdn, user, w.node[node].ip);
	r.indication.hi = handover;
	r.has_recovery = true;
	r.recovery = w.node[node].counter;
	if (node == EPDG) {
		r.rat_type = S5_RAT_WLAN;
		r.sender.iface = S5_IF_S2BC_EPDG;
		r.bearer[0].has_s5u_sgw = false;
		r.bearer[0].has_s2bu_epdg = true;
		r.bearer[0].s2bu_epdg =
			rig_fteid(S5_IF_S2BU_EPDG, c->pdn.b[5].teid, w.node[node].ip);
	}
	c->pdn.b[5].qos = r.bearer[0].qos;
	node_send(c, S5_CREATE_SESSION_REQUEST, &r);
}

static void detach(struct context *c)
{
	struct s5_delete_session_request r;

	s5_init(S5_DELETE_SESSION_REQUEST, &r);
	r.has_lbi = true;
	r.lbi = 5;
	c->state = CTX_LEAVING;
	node_send(c, S5_DELETE_SESSION_REQUEST, &r);
}

/* TS 23.401 5.5.1.1.3: the MME has the bearers, the new SGW gets them from it. */
static void move(struct context *old, int node)
{
	static struct s5_modify_bearer_request r;
	struct context *c = new_context(old->pdn.n, node);

	if (!c)
		return;
	s5_init(S5_MODIFY_BEARER_REQUEST, &r);
	memcpy(c->pdn.b, old->pdn.b, sizeof(c->pdn.b));
	c->pdn.pgw_teid = old->pdn.pgw_teid;
	c->pdn.ambr = old->pdn.ambr;
	c->from = old;
	old->state = CTX_MOVED;
	r.has_sender = r.has_recovery = true;
	r.sender = rig_fteid(S5_IF_S5C_SGW, c->pdn.teid, w.node[node].ip);
	r.recovery = w.node[node].counter;
	for (uint8_t e = 5; e < 16; e++) {
		if (!c->pdn.b[e].there)
			continue;
		c->pdn.b[e].teid = ++rig.next_teid;
		r.bearer[r.n_bearer].ebi = e;
		r.bearer[r.n_bearer].has_s5u_sgw = true;
		r.bearer[r.n_bearer++].s5u_sgw =
			rig_fteid(S5_IF_S5U_SGW, c->pdn.b[e].teid, w.node[node].ip);
	}
	node_send(c, S5_MODIFY_BEARER_REQUEST, &r);
}

/* --- and what comes back --- */

static void created(struct context *c, const struct s5_create_session_response *a)
{
	bool wanted = c->state == CTX_CREATING;

	if (c->state == CTX_GONE)
		return;
	if (a->cause.value >= 64) {
		c->state = CTX_GONE;
		return;
	}
	c->pdn.b[5].pgw_teid =
		c->node == EPDG ? a->bearer[0].s2bu_pgw.teid : a->bearer[0].s5u_pgw.teid;
	c->pdn.b[5].there = true;
	c->pdn.b[5].qos = a->bearer[0].qos;
	c->pdn.ambr = a->ambr;
	c->state = wanted ? CTX_ACTIVE : c->state;
}

/* What the PGW does not know, the MME lets go. A refusal is the end of the connection (TS 23.401 5.5.1.1.3). */
static void modified(struct context *c, const struct s5_modify_bearer_response *a)
{
	if (c->state == CTX_GONE)
		return;
	if (a->cause.value >= 64) {
		if (a->cause.value == S5_CONTEXT_NOT_FOUND)
			c->state = CTX_GONE;
		else
			detach(c);
		return;
	}
	for (size_t i = 0; i < a->n_bearer; i++)
		if (a->bearer[i].cause.value >= 64)
			c->pdn.b[a->bearer[i].ebi].there = false;
	if (c->state == CTX_CREATING)
		c->state = CTX_ACTIVE;
}

/* A relocation comes to nothing: does the old SGW have it still? */
static void stay(const struct context *c)
{
	if (c->from && w.owner[c->pdn.n] == c->from)
		w.perhaps[c->pdn.n] = true;
}

static void no_answer(struct context *c)
{
	say("no answer", c, 0);
	/* a command is forgotten with the connection, and the request that answered it no longer repeated */
	CHECK(w.somebody_was_deaf || w.owner[c->pdn.n] != c, "a request of a node has no answer");
	c->state = CTX_GONE;
	stay(c);
	if (w.owner[c->pdn.n] == c)
		w.perhaps[c->pdn.n] = true;
}

static void on_answer(void *arg, const struct xchg_msg *m)
{
	static union s5_any a;
	struct context *c = arg;
	struct tlv_error e;

	if (!m) {
		no_answer(c);
		return;
	}
	say("answer", c, m->hdr->type);
	assert_int_equal(s5_decode(m->p, m->n, NULL, &a, &e), 0);
	CHECK(!m->hdr->id || m->hdr->id == c->pdn.teid ||
		      (w.owner[c->pdn.n] != c && m->hdr->type != S5_CREATE_SESSION_RESPONSE &&
		       m->hdr->type != S5_MODIFY_BEARER_RESPONSE),
	      "an answer has the asker's TEID");
	if (m->hdr->type == S5_CREATE_SESSION_RESPONSE)
		created(c, &a.create_session_response);
	else if (m->hdr->type == S5_MODIFY_BEARER_RESPONSE)
		modified(c, &a.modify_bearer_response);
	else if (m->hdr->type == S5_DELETE_SESSION_RESPONSE)
		c->state = CTX_GONE;
}

/* --- requests of the PGW at a node --- */

static void create_bearer(struct context *c, const struct s5_cbr_bearer *q, struct s5_cbp_bearer *a,
			  uint8_t cause)
{
	struct rig_bearer *b;
	uint8_t e = 6;

	a->cause.value = cause;
	a->has_s5u_pgw = q->has_s5u_pgw;
	a->s5u_pgw = q->s5u_pgw;
	a->has_s2bu_pgw = q->has_s2bu_pgw;
	a->s2bu_pgw = q->s2bu_pgw;
	if (cause != S5_ACCEPTED)
		return;
	while (e < 16 && c->pdn.b[e].there)
		e++;
	CHECK(e < 16);
	b = &c->pdn.b[e];
	*b = (struct rig_bearer){ .teid = ++rig.next_teid, .qos = q->qos };
	b->pgw_teid = c->node == EPDG ? q->s2bu_pgw.teid : q->s5u_pgw.teid;
	CHECK(b->pgw_teid);
	rig_tft(&c->pdn, b, &q->tft);
	b->there = true;
	a->ebi = e;
	a->has_s5u_sgw = c->node != EPDG;
	a->has_s2bu_epdg = c->node == EPDG;
	a->s5u_sgw = rig_fteid(S5_IF_S5U_SGW, b->teid, w.node[c->node].ip);
	a->s2bu_epdg = rig_fteid(S5_IF_S2BU_EPDG, b->teid, w.node[c->node].ip);
}

static void on_create(struct xchg_token *t, struct context *c,
		      const struct s5_create_bearer_request *r, uint8_t cause)
{
	static struct s5_create_bearer_response a;

	s5_init(S5_CREATE_BEARER_RESPONSE, &a);
	a.cause.value = cause;
	a.n_bearer = r->n_bearer;
	for (size_t i = 0; i < r->n_bearer; i++) {
		uint8_t one = cause == S5_ACCEPTED && !dice(12) ? S5_NO_RESOURCES : cause;

		create_bearer(c, &r->bearer[i], &a.bearer[i], one);
		if (one != cause)
			a.cause.value = S5_ACCEPTED_PARTIALLY;
	}
	rig_respond(t, S5_CREATE_BEARER_RESPONSE, c->pdn.pgw_teid, &a);
}

static void on_update(struct xchg_token *t, struct context *c,
		      const struct s5_update_bearer_request *r, uint8_t cause)
{
	static struct s5_update_bearer_response a;

	s5_init(S5_UPDATE_BEARER_RESPONSE, &a);
	a.cause.value = cause;
	a.n_bearer = r->n_bearer;
	for (size_t i = 0; i < r->n_bearer; i++) {
		struct rig_bearer *b = &c->pdn.b[r->bearer[i].ebi];

		a.bearer[i].ebi = r->bearer[i].ebi;
		a.bearer[i].cause.value = b->there ? cause : S5_CONTEXT_NOT_FOUND;
		if (!b->there && cause == S5_ACCEPTED)
			a.cause.value =
				r->n_bearer > 1 ? S5_ACCEPTED_PARTIALLY : S5_CONTEXT_NOT_FOUND;
		if (!b->there || cause != S5_ACCEPTED)
			continue;
		if (r->bearer[i].has_qos)
			b->qos = r->bearer[i].qos;
		if (r->bearer[i].has_tft)
			rig_tft(&c->pdn, b, &r->bearer[i].tft);
	}
	if (cause == S5_ACCEPTED)
		c->pdn.ambr = r->ambr;
	rig_respond(t, S5_UPDATE_BEARER_RESPONSE, c->pdn.pgw_teid, &a);
}

static void on_delete(struct xchg_token *t, struct context *c,
		      const struct s5_delete_bearer_request *r)
{
	static struct s5_delete_bearer_response a;

	s5_init(S5_DELETE_BEARER_RESPONSE, &a);
	a.cause.value = S5_ACCEPTED;
	a.has_lbi = r->has_lbi;
	a.lbi = r->lbi;
	a.n_bearer = r->n_ebi;
	for (size_t i = 0; i < r->n_ebi; i++) {
		a.bearer[i].ebi = r->ebi[i];
		a.bearer[i].cause.value =
			c->pdn.b[r->ebi[i]].there ? S5_ACCEPTED : S5_CONTEXT_NOT_FOUND;
		c->pdn.b[r->ebi[i]].there = false;
	}
	if (r->has_lbi)
		c->state = CTX_GONE;
	rig_respond(t, S5_DELETE_BEARER_RESPONSE, c->pdn.pgw_teid, &a);
}

/* Does the node take it now? TS 29.274 7.2.4: not while a handover is under way. */
static uint8_t answer_of(const struct context *c, uint8_t type)
{
	uint8_t v = rig_verdict();

	if (c->state == CTX_CREATING || c->state == CTX_MOVED)
		return S5_HANDOVER_IN_PROGRESS;
	return type == S5_DELETE_BEARER_REQUEST ? S5_ACCEPTED : v;
}

static void serve(struct xchg_token *t, const uint8_t *p, size_t n, int node)
{
	static union s5_any q;
	struct tlv_error e;
	struct tlv_hdr h;
	struct context *c;
	uint8_t buf[128], cause;
	struct tlv_buf b = TLV_BUF(buf);
	bool all;

	assert_int_equal(s5_decode(p, n, &h, &q, &e), 0);
	c = context_of(node, h.id);
	all = h.type == S5_DELETE_BEARER_REQUEST && q.delete_bearer_request.has_lbi;
	say("PGW asks", c, h.type);
	if (!c || c->state == CTX_GONE || (c->state == CTX_MOVED && !dice(4))) {
		cause = S5_CONTEXT_NOT_FOUND;
		if (c && w.owner[c->pdn.n] == c)
			w.perhaps[c->pdn.n] = true;
	} else {
		cause = answer_of(c, h.type);
	}
	if (cause == S5_CONTEXT_NOT_FOUND || (cause == S5_HANDOVER_IN_PROGRESS && !all)) {
		assert_int_equal(s5_encode_refusal(h.type, c ? c->pdn.pgw_teid : 0,
						   (struct s5_cause_ie){ .value = cause }, &b),
				 0);
		gtpc_respond(t, b.p, b.n);
	} else if (h.type == S5_CREATE_BEARER_REQUEST) {
		on_create(t, c, &q.create_bearer_request, cause);
	} else if (h.type == S5_UPDATE_BEARER_REQUEST) {
		on_update(t, c, &q.update_bearer_request, cause);
	} else {
		CHECK(h.type == S5_DELETE_BEARER_REQUEST);
		on_delete(t, c, &q.delete_bearer_request);
	}
}

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m)
{
	const struct node *node = arg;

	if (rig.deaf && m->hdr->type != S5_DELETE_BEARER_REQUEST)
		gtpc_drop(t);
	else
		serve(t, m->p, m->n, (int)(node - w.node));
}

static void open_node(int i, uint8_t counter)
{
	static const struct gtpc_ops ops = { .request = on_request };
	struct node *n = &w.node[i];
	struct gtpc_conf c = { .send = from_node, .send_arg = n, .restart_counter = counter };

	n->ip = RIG_SGW + (uint32_t)i;
	n->counter = counter;
	assert_int_equal(gtpc_open(rig.loop, &c, &ops, n, &n->g), 0);
}

static void restart_node(int i)
{
	say("restart of node", NULL, (unsigned int)i);
	gtpc_close(w.node[i].g);
	for (size_t k = 0; k < w.n_contexts; k++)
		if (w.context[k].node == i) {
			stay(&w.context[k]);
			w.context[k].state = CTX_GONE;
		}
	open_node(i, (uint8_t)(w.node[i].counter + 1));
}

/* --- what happens --- */

/* One of those in this state; NULL: there is none. */
static struct context *any(enum context_state state, int not_node)
{
	size_t start = w.n_contexts ? dice((unsigned int)w.n_contexts) : 0;

	for (size_t i = 0; i < w.n_contexts; i++) {
		struct context *c = &w.context[(start + i) % w.n_contexts];

		if (c->state == state && c->node != not_node)
			return c;
	}
	return NULL;
}

static void do_attach(void)
{
	unsigned int user = 1 + dice(USERS);
	const struct context *o = w.owner[user];
	int node = (int)dice(NODES);

	attach(user, node, o && (o->node == EPDG) != (node == EPDG) && dice(4));
}

static void do_detach(void)
{
	struct context *c = any(dice(8) ? CTX_ACTIVE : CTX_MOVED, -1);

	if (c && c->state == CTX_ACTIVE)
		detach(c);
}

static void do_move(void)
{
	struct context *c = any(CTX_ACTIVE, EPDG);

	if (c)
		move(c, dice(4) ? !c->node : c->node);
}

static struct rig_policy *open_policy(struct smf_pdn **ret)
{
	unsigned int n = rig.smf.n_pdns ? dice(rig.smf.n_pdns) : 0;
	struct smf_pdn *p = rig.smf.pdns;

	while (p && n--)
		p = p->next;
	*ret = p;
	if (!p || p->fsm.state != SMF_PDN_ACTIVE || p->gx->state != SMF_GX_OPEN)
		return NULL;
	return rig_policy(str_of(p->gx->id));
}

static void random_rule(struct gx_orders *o)
{
	static const int qcis[] = { 1, 2, 5, 7 };
	unsigned int n = dice(7);
	static char name[8][8];
	struct gx_rule *r;

	snprintf(name[n], sizeof(name[n]), "r%u", n);
	if (dice(9) < 4) {
		rig_uninstall(o, name[n]);
		return;
	}
	r = rig_install(o, name[n], qcis[(n + dice(8) / 7) % 4],
			(int)(4000 + 10 * n + 100 * dice(3)));
	r->flow_status = dice(3) ? PCC_ENABLED : PCC_DISABLED;
	r->precedence = (int)(100 + dice(5));
	r->qos.gbr_ul = r->qos.gbr_ul > 0 ? (int)(1000 * (1 + dice(50))) : -1;
}

static void do_rar(void)
{
	static struct gx_orders o;
	struct smf_pdn *p;
	struct rig_policy *y = open_policy(&p);

	rig_orders(&o);
	random_rule(&o);
	take_from_rig();
	if (!y ||
	    loop_now(rig.loop) < w.until[RIG_CCA]) /* not before the CCA that left before it */
		return;
	say("RAR", NULL, p->teid);
	rig_rar(y, &o);
}

/* The next CCA orders something. */
static void do_cca(void)
{
	static struct gx_orders o;
	struct smf_pdn *p;

	if (!open_policy(&p) || rig.orders)
		return;
	rig_orders(&o);
	random_rule(&o);
	rig.orders = &o;
	smf_gx_access_changed(p, SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
	rig.orders = NULL;
}

static void do_command(void)
{
	static struct s5_delete_bearer_command d;
	static struct s5_modify_bearer_command m;
	struct context *c = any(CTX_ACTIVE, -1);
	uint8_t e = (uint8_t)(6 + dice(3));

	if (c && dice(3)) {
		s5_init(S5_DELETE_BEARER_COMMAND, &d);
		d.n_bearer = 1;
		d.bearer[0].ebi = e;
		if (c->pdn.b[e].there)
			node_send(c, S5_DELETE_BEARER_COMMAND, &d);
	} else if (c) {
		s5_init(S5_MODIFY_BEARER_COMMAND, &m);
		m.ambr = (struct s5_ambr){ 1000 * (1 + dice(9)), 20000 };
		m.bearer.ebi = 5;
		m.has_bearer = true;
		node_send(c, S5_MODIFY_BEARER_COMMAND, &m);
	}
}

static void do_sgw(void)
{
	switch (dice(4)) {
	case 0:
		rig.refuse = S5_NO_RESOURCES;
		break;
	case 1:
		rig.refuse = S5_HANDOVER_IN_PROGRESS;
		break;
	case 2:
		w.somebody_was_deaf = rig.deaf = true;
		return;
	case 3:
		rig.deaf = false;
		return;
	}
	rig.refuse_times = 1;
}

static void restart_upf(void)
{
	static uint32_t ts = 1000;

	say("restart of the UPF", NULL, 0);
	pfcp_close(rig.upf);
	memset(rig.session, 0, sizeof(rig.session));
	rig_upf_open(++ts);
}

static void do_upf(void)
{
	switch (dice(6)) {
	case 0:
		restart_upf();
		break;
	case 1:
		w.upf_forgot = true;
		memset(rig.session, 0, sizeof(rig.session));
		break;
	case 2:
		w.somebody_was_deaf = true;
		w.deaf_until = loop_now(rig.loop) + dice(20) * USEC_PER_SEC;
		break;
	case 3:
		rig.upf_refuse = SX_NO_RESOURCES;
		run(delay());
		rig.upf_refuse = 0;
		break;
	default:
		break;
	}
}

static void do_pcrf(void)
{
	struct smf_pdn *p;
	struct rig_policy *y = open_policy(&p);

	switch (dice(4)) {
	case 0:
		rig.ccr_lost = 1;
		break;
	case 1:
		if (y && !p->gx->busy) {
			*y->id = '\0';
			smf_gx_access_changed(p, SMF_TRIGGER(GX_APN_AMBR_MODIFICATION_FAILURE));
		}
		break;
	case 2:
		if (y)
			smf_pdn_release(p, dice(2) ? S5_REACTIVATION_REQUESTED : 0);
		break;
	case 3:
		smf_gx_peer_up(&rig.smf);
		break;
	}
}

static void suspend(struct context *c, enum s5_message type)
{
	static union s5_any m;

	s5_init(type, &m);
	if (type == S5_RESUME_NOTIFICATION)
		snprintf(m.resume_notification.imsi.s, sizeof(m.resume_notification.imsi.s),
			 "00101%010u", c->pdn.n);
	node_send(c, type, &m);
}

static void do_suspend(void)
{
	struct context *c = any(CTX_ACTIVE, EPDG);

	if (c)
		suspend(c, dice(2) ? S5_SUSPEND_NOTIFICATION : S5_RESUME_NOTIFICATION);
}

static void do_wait(void)
{
	run(dice(4) ? dice(40) * USEC_PER_MSEC : dice(4000) * USEC_PER_MSEC);
}

static void do_restart(void)
{
	if (!dice(4))
		restart_node((int)dice(NODES));
}

static void (*const things[])(void) = {
	do_attach, do_attach, do_attach, do_detach, do_detach,	do_move,    do_move,	do_rar,
	do_rar,	   do_rar,    do_rar,	 do_rar,    do_rar,	do_cca,	    do_command, do_sgw,
	do_upf,	   do_pcrf,   do_wait,	 do_wait,   do_suspend, do_restart,
};

/* --- the verdict --- */

static const struct context *known_owner(unsigned int user)
{
	return w.perhaps[user] ? NULL : w.owner[user];
}

static unsigned int user_of(const struct smf_pdn *p)
{
	return (unsigned int)strtoul(p->imsi + 5, NULL, 10);
}

static void check_pdn(const struct smf_pdn *p)
{
	unsigned int user = user_of(p);
	const struct context *c = w.owner[user];

	CHECK(p->fsm.state == SMF_PDN_ACTIVE);
	CHECK(!p->request && !p->op.call && !p->op.command && !p->call);
	CHECK(c, "the SMF has a connection that nobody asked for");
	if (!known_owner(user))
		return;
	CHECK(p->teid == c->pdn.pgw_teid);
	CHECK(p->peer.teid == c->pdn.teid && ntohl(p->peer.ip4.s_addr) == w.node[c->node].ip,
	      "it is with another node");
	CHECK(c->state == CTX_ACTIVE);
	rig_agree(&c->pdn);
}

/* A heartbeat, an echo. */
static void no_calls(void)
{
	for (int i = 0; i < 200 && (gtpc_calls(rig.smf.gtpc) || pfcp_calls(rig.smf.pfcp)); i++)
		run(50 * USEC_PER_MSEC);
}

static void check_counts(void)
{
	uint32_t n = rig.smf.n_pdns, policies = 0, sessions = 0;

	no_calls();
	for (int i = 0; i < RIG_PDNS; i++) {
		policies += *rig.policy[i].id != '\0';
		if (talk && *rig.policy[i].id)
			fprintf(stderr, "PCRF has %s\n", rig.policy[i].id);
		sessions += rig.session[i].up_seid != 0;
		if (talk && rig.session[i].up_seid)
			fprintf(stderr, "UPF has %x\n", (unsigned int)rig.session[i].cp_seid);
	}
	CHECK(policies == n, "Gx sessions");
	CHECK(sessions == n, "PFCP sessions");
	CHECK(rig.smf.upfs->n_sessions == n);
	CHECK(gtpc_calls(rig.smf.gtpc) == 0 && pfcp_calls(rig.smf.pfcp) == 0);
	CHECK(rig.smf.by_teid.n == n && rig.smf.by_user.n == n && rig.smf.by_v4.n == n &&
	      rig.smf.by_v6.n == n);
	CHECK(rig.smf.n_ending == 0);
	CHECK(rig.smf.apns[0].pool4.n_taken == n && rig.smf.apns[0].pool6.n_taken == n);
}

static void check_all(void)
{
	bool there[USERS + 1] = { 0 };

	for (const struct smf_pdn *p = rig.smf.pdns; p; p = p->next) {
		CHECK(!there[user_of(p)], "two connections of one user");
		there[user_of(p)] = true;
		check_pdn(p);
	}
	for (unsigned int u = 1; u <= USERS; u++)
		CHECK(!known_owner(u) || there[u], "a connection is missing");
	check_counts();
}

/* Faults are over; all that waits for something has it, or has given up. */
static void quiet(void)
{
	w.loss = 0;
	w.deaf_until = 0;
	rig.deaf = false;
	rig.refuse = 0;
	rig.ccr_lost = 0;
	run(30 * USEC_PER_SEC);
	for (size_t i = 0; i < w.n_contexts; i++)
		if (w.context[i].state == CTX_ACTIVE)
			suspend(&w.context[i], S5_RESUME_NOTIFICATION);
	if (w.upf_forgot)
		restart_upf();
	run(90 * USEC_PER_SEC);
}

static void leave_nothing(void)
{
	for (unsigned int u = 1; u <= USERS; u++)
		attach(u, (int)dice(NODES), false);
	run(15 * USEC_PER_SEC); /* an exchange with a UPF and a PCRF may be late, for all three */
	check_all();
	for (unsigned int u = 1; u <= USERS; u++) {
		CHECK(w.owner[u] && w.owner[u]->state == CTX_ACTIVE);
		detach(w.owner[u]);
	}
	run(15 * USEC_PER_SEC);
	no_calls();
	rig_empty();
	check_all();
}

static void begin(unsigned int number)
{
	w = (struct world){ .seed = number * 2654435761u, .number = number };
	w.loss = number % 3 ? 0 : 8;
	for (int i = 0; i < NODES; i++) {
		open_node(i, 10);
		w.node[i].seen = 10;
	}
	rig_access = from_smf;
}

static void end(void)
{
	for (int i = 0; i < NODES; i++)
		gtpc_close(w.node[i].g);
	for (size_t i = 0; i < w.n_flights; i++) {
		if (w.flight[i].d->link == RIG_CCA)
			free(w.flight[i].d->done.arg);
		free(w.flight[i].d);
	}
	rig_access = NULL;
}

static void sequence(unsigned int number)
{
	int steps;

	begin(number);
	steps = 5 + (int)dice(50);
	while (steps--) {
		things[dice(ARRAY_SIZE(things))]();
		if (dice(3))
			run(delay());
	}
	quiet();
	check_all();
	leave_nothing();
	end();
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *v = getenv(name);

	return v ? strtoul(v, NULL, 10) : otherwise;
}

static void test_sequences(void **state)
{
	unsigned long one = number_of("KIMS_SEED", 0), n = number_of("KIMS_SEQUENCES", 1500);
	unsigned long first = one ? one : number_of("KIMS_FIRST", 1);

	talk = number_of("KIMS_TALK", 0);
	for (unsigned long i = first; i < first + (one ? 1 : n); i++) {
		rig_setup(state);
		sequence((unsigned int)i);
		rig_teardown(state);
	}
	w.number = 0;
}

/* An assertion of the rig does not know. */
static int name_failure(void **state _unused_)
{
	if (w.number)
		fprintf(stderr, "sequence %u failed\n", w.number);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(test_sequences,
								      name_failure) };

	log_set_level(getenv("KIMS_TALK") ? LOG_LVL_NOTICE : LOG_LVL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
