// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PDN connections: their life, and the procedures that the access side begins (TS 23.401 5.3.2, 5.5.1, 5.4;
 * TS 23.402 7.2, 8.6; TS 29.274 7.2, 7.3.14, 7.4).
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "report.h"
#include "sgw_priv.h"

#define MOVING_USEC USEC_PER_SEC	/* within this the bearers follow a handover */
#define HANDED_USEC (30 * USEC_PER_SEC) /* until the PGW has taken the old access's side back */

/* --- life --- */

struct pdn *pdn_new(struct phone *p, const char *apn)
{
	struct pdn *n = calloc(1, sizeof(*n)), **at = &p->pdns;

	if (!n)
		return NULL;
	n->a = p->ue->access;
	n->p = p;
	n->gtpu = (enum gtpu_kind)p->conf.gtpu;
	n->tac = p->conf.tac;
	n->eci = p->conf.eci;
	snprintf(n->apn, sizeof(n->apn), "%s", apn);
	n->teid = n->teid_first = access_teid(n->a);
	htab_insert(&n->a->by_teid, &n->by_teid, n->teid);
	while (*at)
		at = &(*at)->next;
	*at = n;
	return n;
}

/* The phone keeps its addresses and its SIP: n has them from here on. */
static void take_over(struct pdn *n)
{
	struct pdn *old = n->from;

	n->from = NULL;
	n->handed = true;
	n->online = old->online;
	n->addressed = old->addressed;
	n->link = old->link;
	n->peer_link = old->peer_link;
	old->online = old->addressed = false;
	up_clear(old);
}

void pdn_free(struct pdn *n)
{
	struct pdn **at = &n->p->pdns;
	struct loop *l = n->a->ue->loop;

	/* Deleted by the PGW before it has answered the handover. */
	for (struct pdn *m = n->p->pdns; m; m = m->next)
		if (m->from == n)
			take_over(m);

	while (*at && *at != n)
		at = &(*at)->next;
	if (*at)
		*at = n->next;
	htab_remove(&n->a->by_teid, &n->by_teid);
	gtpc_cancel(n->call);
	bearer_late_cancel(n);
	timer_stop(l, &n->later);
	timer_stop(l, &n->ra_timer);
	idle_stop(n);
	pdn_offline(n);
	free(n);
}

void pdn_offline(struct pdn *n)
{
	if (n->online)
		phone_offline(n->p);
	n->online = false;
	addr_clear(n);
	up_clear(n);
}

struct pdn *pdn_of(const struct phone *p, const char *apn)
{
	for (struct pdn *n = p->pdns; n; n = n->next) {
		if (n->state != PDN_LOST && (!apn || !*apn || !strcasecmp(apn, n->apn)))
			return n;
	}
	return NULL;
}

struct pdn *pdn_first(const struct phone *p)
{
	return p->pdns;
}

struct pdn *pdn_next(const struct pdn *n)
{
	return n->next;
}

const char *pdn_apn(const struct pdn *n)
{
	return n->apn;
}

enum pdn_state pdn_state(const struct pdn *n)
{
	return n->state;
}

bool pdn_busy(const struct pdn *n)
{
	return n->done;
}

const struct bearer *pdn_bearers(const struct pdn *n, size_t *ret_n)
{
	*ret_n = BEARERS;
	return n->bearer;
}

const struct bearer *pdn_default(const struct pdn *n)
{
	return &n->bearer[0];
}

struct bearer *pdn_bearer(struct pdn *n, uint8_t ebi)
{
	for (size_t i = 0; ebi && i < BEARERS; i++)
		if (n->bearer[i].ebi == ebi)
			return &n->bearer[i];
	return NULL;
}

/* EBIs are the phone's, over all of its connections. */
static uint8_t free_ebi(const struct phone *p)
{
	for (uint8_t ebi = EBI_FIRST; ebi <= EBI_LAST; ebi++) {
		bool used = false;

		for (struct pdn *n = p->pdns; n; n = n->next)
			used = used || (n->state != PDN_LOST && pdn_bearer(n, ebi));
		if (!used)
			return ebi;
	}
	return 0;
}

struct bearer *pdn_free_bearer(struct pdn *n)
{
	uint8_t ebi = free_ebi(n->p);

	for (size_t i = 1; ebi && i < BEARERS; i++) {
		if (n->bearer[i].ebi)
			continue;
		n->bearer[i] = (struct bearer){ .ebi = ebi, .teid = access_teid(n->a) };
		return &n->bearer[i];
	}
	return NULL;
}

bool pdn_sip_addresses(const struct pdn *n, uint32_t family, uint32_t port, union sip_sa *ret_local,
		       union sip_sa *ret_pcscf)
{
	bool has4 = (n->paa.type & S5_PDN_IPV4) && n->pcscf4.sa.sa_family && family != 6;
	bool has6 = (n->paa.type & S5_PDN_IPV6) && n->pcscf6.sa.sa_family && family != 4;

	if (!has4 && !has6)
		return false;
	memset(ret_local, 0, sizeof(*ret_local));
	*ret_pcscf = has6 ? n->pcscf6 : n->pcscf4;
	sip_sa_set_port(ret_pcscf, (uint16_t)port);
	ret_local->sa.sa_family = has6 ? AF_INET6 : AF_INET;
	if (has6)
		((struct sockaddr_in6 *)&ret_local->sa)->sin6_addr = n->paa.ip6;
	else
		((struct sockaddr_in *)&ret_local->sa)->sin_addr = n->paa.ip4;
	return true;
}

const char *pdn_describe(const struct pdn *n, char *dst, size_t size)
{
	char a[INET6_ADDRSTRLEN] = "", b[INET6_ADDRSTRLEN] = "";

	if (n->paa.type & S5_PDN_IPV4)
		inet_ntop(AF_INET, &n->paa.ip4, a, sizeof(a));
	if (n->paa.type & S5_PDN_IPV6)
		inet_ntop(AF_INET6, &n->paa.ip6, b, sizeof(b));
	snprintf(dst, size, "%s: %s%s%s", n->apn, a, *a && *b ? ", " : "", b);
	return dst;
}

enum media_place pdn_media_place(const struct phone *p, const union sip_sa *local,
				 const union sip_sa *remote, bool uplink)
{
	struct tft_packet q = {
		.local = *local, .remote = *remote, .proto = IPPROTO_UDP, .uplink = uplink
	};
	const struct pdn *n = p->attaches ? p->pdns : NULL;

	while (n && !n->online)
		n = n->next;
	if (!n || n->gtpu == GTPU_GTP_KO)
		return MEDIA_PLAIN;
	if (tft_bearer(n->bearer, BEARERS, &q) != &n->bearer[0])
		return MEDIA_DEDICATED;
	return n->handed && loop_now(n->a->ue->loop) - n->since < MOVING_USEC ? MEDIA_MOVING
									      : MEDIA_OUTSIDE;
}

/* --- the course of a procedure --- */

static void finish(struct pdn *n)
{
	struct access *a = n->a;
	pdn_done *fn = n->done;
	void *arg = n->arg;
	struct phone *p = n->p;
	struct pdn_result r = n->result;

	r.usec = loop_now(a->ue->loop) - n->begun;
	n->done = NULL;
	n->asked = 0;
	if (n->state == PDN_IDLE)
		pdn_free(n);
	if (fn)
		fn(arg, p, &r);
}

static void on_later(struct timer *t)
{
	finish(container_of(t, struct pdn, later));
}

/* The result is told from the loop, so that whoever is on the stack may still use n. */
void pdn_end(struct pdn *n, uint8_t cause, int err, const char *fmt, ...)
{
	va_list ap;

	n->result = (struct pdn_result){ .cause = cause, .err = err };
	va_start(ap, fmt);
	vsnprintf(n->result.why, sizeof(n->result.why), fmt, ap);
	va_end(ap);
	n->call = NULL;
	n->later.fn = on_later;
	timer_start(n->a->ue->loop, &n->later, 0);
}

void pdn_abandon(struct phone *p, const void *arg)
{
	for (struct pdn *n = p->pdns; n; n = n->next)
		if (n->arg == arg)
			n->done = NULL;
}

void pdn_lost(struct pdn *n, const char *why)
{
	char text[120];

	gtpc_cancel(n->call);
	n->call = NULL;
	n->ra_done = NULL;
	timer_stop(n->a->ue->loop, &n->ra_timer);
	bearer_late_cancel(n);
	idle_stop(n);
	report_phone(
		n->p, "pdn-lost",
		json_pack("{s:s, s:s}", "pdn", pdn_describe(n, text, sizeof(text)), "why", why));
	n->state = PDN_LOST;
	pdn_offline(n);
	if (n->done)
		pdn_end(n, 0, -ECONNRESET, "%s", why);
}

int pdn_begin(struct pdn *n, pdn_done *fn, void *arg)
{
	if (n->done || n->call)
		return -EBUSY;
	n->done = fn;
	n->arg = arg;
	n->begun = loop_now(n->a->ue->loop);
	return 0;
}

/* Sends b from the connection's node; the answer comes to done with n. */
static int ask(struct pdn *n, const struct tlv_buf *b, xchg_done *done)
{
	const struct sockaddr_storage *to = n->peer.ss_family ? &n->peer : &n->a->pgw;

	n->asked = b->p[1];
	sgw_ladder(n, true, b->p, b->n, to);
	return gtpc_request(n->node->gtpc, to, b->p, b->n, done, n, &n->call);
}

static int start(struct pdn *n, int encoded, const struct tlv_buf *b, xchg_done *done, pdn_done *fn,
		 void *arg)
{
	int r = encoded;

	if (!r)
		r = pdn_begin(n, fn, arg);
	if (r)
		return r;
	r = ask(n, b, done);
	if (r)
		n->done = NULL;
	return r;
}

static const char *offending(const struct s5_cause_ie *c, char *dst, size_t size)
{
	*dst = '\0';
	if (c->has_ie)
		snprintf(dst, size, ", IE %u instance %u", c->ie_type, c->ie_instance);
	return dst;
}

/*
 * Decodes the answer into ret: true when it is an acceptance; else the procedure has ended with a sentence.
 * cause: where ret has it.
 */
static bool accepted(struct pdn *n, const struct xchg_msg *m, uint8_t type, void *ret,
		     const struct s5_cause_ie *cause)
{
	const struct tlv_msg *asked = s5_msg(n->asked);
	const char *name = asked ? asked->name : "request";
	struct tlv_error e = { 0 };
	char ie[40];

	n->call = NULL;
	if (!m) {
		pdn_end(n, 0, -ETIMEDOUT, "%s: no answer", name);
		return false;
	}
	sgw_ladder(n, false, m->p, m->n, m->from);
	if (m->hdr->type != type || s5_decode(m->p, m->n, NULL, ret, &e)) {
		pdn_end(n, 0, -EBADMSG, "%s: bad answer (message %u): %s%s%s", name, m->hdr->type,
			e.cause ? s5_cause_name(e.cause) : "not the one that was asked for",
			e.name ? ", " : "", e.name ? e.name : "");
		return false;
	}
	if (tlv_accepted(&tlv_gtpv2, cause->value))
		return true;
	pdn_end(n, cause->value, -ECONNREFUSED, "%s: %u %s%s", name, cause->value,
		s5_cause_name(cause->value), offending(cause, ie, sizeof(ie)));
	return false;
}

/* --- attach --- */

static void came_up(struct pdn *n)
{
	char why[160], text[160];
	int r = addr_set(n, why, sizeof(why));

	if (!r && !strcasecmp(n->apn, n->p->conf.apn) && !n->p->online) {
		n->online = true;
		r = phone_online(n->p, n, why, sizeof(why));
	}
	n->state = PDN_UP;
	n->a->totals.attached++;
	if (r)
		pdn_end(n, S5_ACCEPTED, r, "%s", why);
	else
		pdn_end(n, S5_ACCEPTED, 0, "%s", pdn_describe(n, text, sizeof(text)));
}

/* The other access's connection: the PGW deletes it by itself (TS 23.402 8.6.1). */
static void on_handed(struct timer *t)
{
	struct pdn *n = container_of(t, struct pdn, later);

	report_phone(n->p, "handover-left-over", json_pack("{s:s}", "apn", n->apn));
	pdn_free(n);
}

static void leave_old(struct pdn *n)
{
	struct pdn *old = n->from;

	if (!old)
		return;
	take_over(n);
	old->state = PDN_LEAVING;
	old->later.fn = on_handed;
	timer_start(n->a->ue->loop, &old->later, HANDED_USEC);
}

static int take_bearer(struct pdn *n, const struct s5_create_session_response *m)
{
	const struct s5_csp_bearer *c = &m->bearer[0];
	struct bearer *b = &n->bearer[0];
	bool s2b = on_s2b(n->node), has = s2b ? c->has_s2bu_pgw : c->has_s5u_pgw;

	if (!m->n_bearer || c->ebi != b->ebi || !tlv_accepted(&tlv_gtpv2, c->cause.value))
		return -EBADMSG;
	if (!has || !msg_peer(n->node, s2b ? &c->s2bu_pgw : &c->s5u_pgw, GTPU_PORT, &b->peer))
		return -EBADMSG;
	b->peer_teid = (s2b ? &c->s2bu_pgw : &c->s5u_pgw)->teid;
	if (c->has_qos)
		b->qos = c->qos;
	return 0;
}

/* What a PGW must say in an acceptance (7.2.2): its name is the sentence of a refusal. */
static const char *take_session(struct pdn *n, const struct s5_create_session_response *m)
{
	if (!m->has_pgw || !msg_peer(n->node, &m->pgw, GTPC_PORT, &n->peer))
		return "PGW F-TEID for the control plane";
	n->peer_teid = m->pgw.teid;
	if (!m->has_paa || !(m->paa.type & n->paa.type))
		return "PAA of the type asked for";
	if (take_bearer(n, m))
		return "Bearer Context with the PGW's F-TEID for the user plane";
	n->paa = m->paa;
	if (m->has_pco)
		msg_take_pco(n, &m->pco);
	if (m->has_apco)
		msg_take_pco(n, &m->apco);
	if (m->has_epco)
		msg_take_pco(n, &m->epco);
	return NULL;
}

/* The bearer is there from end to end. */
static void plane_ready(void *arg, int err, const char *why)
{
	struct pdn *n = arg;

	if (err == -ECONNRESET) /* its end has been told */
		return;
	if (err) {
		pdn_end(n, S5_ACCEPTED, err, "user plane: %s", why);
		return;
	}
	if ((n->paa.type & S5_PDN_IPV6) && n->up && !n->handed &&
	    (n->gtpu == GTPU_KIMS || (n->gtpu == GTPU_PFCP && !n->a->send)) &&
	    !ra_start(n, came_up))
		return;
	came_up(n);
}

static void on_created(void *arg, const struct xchg_msg *a)
{
	static struct s5_create_session_response m;
	struct pdn *n = arg;
	const char *missing;
	char why[160];
	int r;

	n->state = PDN_IDLE;
	if (!accepted(n, a, S5_CREATE_SESSION_RESPONSE, &m, &m.cause))
		return;
	missing = take_session(n, &m);
	if (missing) {
		pdn_end(n, m.cause.value, -EBADMSG, "Create Session Response without %s", missing);
		return;
	}
	n->state = PDN_UP; /* from here on it has to be deleted */
	n->since = loop_now(n->a->ue->loop);
	leave_old(n);
	r = up_set(n, why, sizeof(why));
	if (r) {
		pdn_end(n, m.cause.value, r, "user plane: %s", why);
		return;
	}
	up_then(n, plane_ready, n);
}

static void first_bearer(struct pdn *n, const struct pdn_attach *o)
{
	struct bearer *b = &n->bearer[0];

	b->ebi = free_ebi(n->p);
	b->teid = access_teid(n->a);
	b->qos = (struct s5_qos){ .qci = 5,
				  .arp = { .priority = o->emergency ? 1 : 9,
					   .pci = !o->emergency,
					   .pvi = !o->emergency } };
	n->lbi = b->ebi;
}

static int check_attach(struct phone *p, const struct pdn_attach *o, const char *apn, char *err,
			size_t size)
{
	const struct pdn *old = pdn_of(p, apn);

	if (!p->ue->access) {
		snprintf(err, size, "there is no access side: say access: { ... }, or --access");
		return -EINVAL;
	}
	if (!access_has(p->ue->access, o->node)) {
		snprintf(err, size, "that node has no address");
		return -EINVAL;
	}
	if (!o->handover && old) {
		snprintf(err, size, "there is a connection to %s already", apn);
		return -EALREADY;
	}
	if (o->handover && (!old || old->state != PDN_UP)) {
		snprintf(err, size, "there is no connection to %s to hand over", apn);
		return -ENOTCONN;
	}
	if (o->handover && (old->done || old->call)) {
		snprintf(err, size, "another procedure is under way");
		return -EBUSY;
	}
	return 0;
}

static void forget_lost(struct phone *p)
{
	for (struct pdn *n = p->pdns, *next; n; n = next) {
		next = n->next;
		if (n->state == PDN_LOST && !n->done && !timer_running(&n->later))
			pdn_free(n);
	}
}

static struct pdn *make(struct phone *p, const struct pdn_attach *o, const char *apn)
{
	struct pdn *old = pdn_of(p, apn), *n = pdn_new(p, apn);

	if (!n)
		return NULL;
	n->node = &p->ue->access->node[o->node];
	n->rat = on_s2b(n->node) ? S5_RAT_WLAN : S5_RAT_EUTRAN;
	n->emergency = o->emergency;
	n->no_imsi = o->no_imsi;
	n->no_pcscf = o->no_pcscf;
	n->paa.type = (uint8_t)(o->pdn_type ? o->pdn_type : p->conf.pdn_type + 1);
	if (o->handover) {
		n->from = old;
		n->paa = old->paa;
		n->no_imsi = old->no_imsi;
		n->gtpu = old->gtpu;
	}
	first_bearer(n, o);
	return n;
}

int pdn_attach(struct phone *p, const struct pdn_attach *o, pdn_done *fn, void *arg, char *err,
	       size_t size)
{
	const char *apn = o->apn && *o->apn ? o->apn : o->emergency ? "sos" : p->conf.apn;
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	struct pdn *n;
	int r = check_attach(p, o, apn && *apn ? apn : "ims", err, size);

	if (r)
		return r;
	forget_lost(p);
	n = make(p, o, apn && *apn ? apn : "ims");
	if (!n || !n->bearer[0].ebi) {
		snprintf(err, size, n ? "no EPS bearer identity is free" : "out of memory");
		if (n)
			pdn_free(n);
		return -ENOSPC;
	}
	if (n->gtpu == GTPU_PFCP)
		r = sx_open(n->a, err, size);
	if (!r)
		r = up_expect(n, err, size);
	if (r) {
		pdn_free(n);
		return r;
	}
	n->state = PDN_ATTACHING;
	r = start(n, msg_attach(n, o, &b), &b, on_created, fn, arg);
	if (r) {
		snprintf(err, size, "Create Session Request: %s", strerror(-r));
		pdn_free(n);
	}
	return r;
}

/* --- detach --- */

static void on_deleted(void *arg, const struct xchg_msg *a)
{
	static struct s5_delete_session_response m;
	struct pdn *n = arg;

	n->state = PDN_IDLE; /* whatever the answer is (TS 29.274 7.2.10) */
	pdn_offline(n);
	if (accepted(n, a, S5_DELETE_SESSION_RESPONSE, &m, &m.cause))
		pdn_end(n, m.cause.value, 0, "%s", n->apn);
}

int pdn_detach(struct pdn *n, pdn_done *fn, void *arg)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP ? 0 : -ENOTCONN;

	if (!r)
		r = start(n, msg_detach(n, &b), &b, on_deleted, fn, arg);
	if (!r)
		n->state = PDN_LEAVING;
	return r;
}

/* --- modify: another SGW, another RAT or place --- */

/* With the answer the new side is the only one. */
static void switch_node(struct pdn *n)
{
	struct sgw *node = n->node;

	for (size_t i = 0; i < BEARERS; i++)
		if (n->bearer[i].ebi)
			n->bearer[i].teid = n->next_bearer[i].teid;
	htab_remove(&n->a->by_teid, &n->by_teid);
	n->teid = n->next_teid;
	htab_insert(&n->a->by_teid, &n->by_teid, n->teid);
	n->node = node;
	n->old = NULL;
	memset(n->next_bearer, 0, sizeof(n->next_bearer));
}

static void switch_back(struct pdn *n)
{
	if (n->old)
		n->node = n->old;
	n->old = NULL;
	memset(n->next_bearer, 0, sizeof(n->next_bearer));
}

/* TS 29.274 7.2.8: bearers that the PGW no longer has are said so. */
static void take_modified(struct pdn *n, const struct s5_modify_bearer_response *m)
{
	for (size_t i = 0; i < m->n_bearer; i++) {
		struct bearer *b = pdn_bearer(n, m->bearer[i].ebi);

		if (b && b != &n->bearer[0] && !tlv_accepted(&tlv_gtpv2, m->bearer[i].cause.value))
			*b = (struct bearer){ 0 };
	}
}

static void on_modified(void *arg, const struct xchg_msg *a)
{
	static struct s5_modify_bearer_response m;
	struct pdn *n = arg;
	char why[160], text[120];
	bool moved = n->old, good = accepted(n, a, S5_MODIFY_BEARER_RESPONSE, &m, &m.cause);

	if (good && moved)
		switch_node(n);
	else
		switch_back(n);
	if (good)
		take_modified(n, &m);
	if ((moved || good) && up_set(n, why, sizeof(why)) && good)
		pdn_end(n, m.cause.value, -EIO, "user plane: %s", why);
	else if (good)
		pdn_end(n, m.cause.value, 0, "%s", pdn_describe(n, text, sizeof(text)));
}

static void prepare_move(struct pdn *n, struct sgw *to)
{
	n->old = n->node;
	n->node = to;
	n->next_teid = access_teid(n->a);
	for (size_t i = 0; i < BEARERS; i++) {
		if (!n->bearer[i].ebi)
			continue;
		n->next_bearer[i] = n->bearer[i];
		n->next_bearer[i].teid = access_teid(n->a);
	}
}

static void take_place(struct pdn *n, const struct pdn_modify *o)
{
	n->rat = o->rat ? (uint8_t)o->rat : n->rat;
	n->tac = o->tac ? o->tac : n->tac;
	n->eci = o->eci ? o->eci : n->eci;
}

int pdn_modify(struct pdn *n, const struct pdn_modify *o, pdn_done *fn, void *arg)
{
	struct sgw *to = &n->a->node[o->node];
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	char why[160];
	int r = n->state != PDN_UP || on_s2b(to) || on_s2b(n->node) || !to->gtpc ? -EINVAL : 0;

	if (r || pdn_busy(n))
		return r ? r : -EBUSY;
	take_place(n, o);
	if (to != n->node)
		prepare_move(n, to);
	r = n->old ? up_set(n, why, sizeof(why)) : 0;
	if (!r)
		r = start(n, msg_modify(n, &b), &b, on_modified, fn, arg);
	if (r)
		switch_back(n);
	return r;
}

/* --- commands: they end with the request that they trigger, or with a failure --- */

static void on_command(void *arg, const struct xchg_msg *a)
{
	/* All three failure indications have the same struct of a cause at the beginning. */
	static union {
		struct s5_bearer_resource_failure resource;
		struct s5_delete_bearer_failure remove;
		struct s5_modify_bearer_failure qos;
	} m;
	struct pdn *n = arg;
	const struct s5_cause_ie *cause = n->asked == S5_BEARER_RESOURCE_COMMAND ? &m.resource.cause
					  : n->asked == S5_DELETE_BEARER_COMMAND ? &m.remove.cause
										 : &m.qos.cause;
	const struct tlv_msg *k;

	if (a && a->hdr->type >= S5_CREATE_BEARER_REQUEST &&
	    a->hdr->type <= S5_DELETE_BEARER_REQUEST) { /* it has been answered already */
		k = s5_msg(a->hdr->type);
		pdn_end(n, S5_ACCEPTED, 0, "%s came", k->name);
	} else if (accepted(n, a, (uint8_t)(n->asked + 1), &m, cause)) {
		pdn_end(n, cause->value, -EBADMSG, "a failure indication that accepts");
	}
}

int pdn_resource(struct pdn *n, const struct pdn_resource *o, pdn_done *fn, void *arg, char *err,
		 size_t size)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP ? msg_resource(n, o, &b, err, size) : -ENOTCONN;

	return start(n, r, &b, on_command, fn, arg);
}

int pdn_delete_bearer(struct pdn *n, uint8_t ebi, pdn_done *fn, void *arg)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP ? msg_delete_bearer(n, ebi, &b) : -ENOTCONN;

	return start(n, r, &b, on_command, fn, arg);
}

int pdn_change_qos(struct pdn *n, uint32_t ambr_ul, uint32_t ambr_dl, uint8_t qci, pdn_done *fn,
		   void *arg)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP ? msg_change_qos(n, ambr_ul, ambr_dl, qci, &b) : -ENOTCONN;

	return start(n, r, &b, on_command, fn, arg);
}

/* --- suspend, resume, change notification --- */

static void on_acknowledged(void *arg, const struct xchg_msg *a)
{
	static struct s5_suspend_acknowledge m;
	struct pdn *n = arg;
	bool resume = n->asked == S5_RESUME_NOTIFICATION;

	if (!accepted(n, a, (uint8_t)(n->asked + 1), &m, &m.cause))
		return;
	n->suspended = !resume;
	pdn_end(n, m.cause.value, 0, resume ? "resumed" : "suspended");
}

int pdn_suspend(struct pdn *n, bool resume, pdn_done *fn, void *arg)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP ? msg_suspend(n, resume, &b) : -ENOTCONN;

	return start(n, r, &b, on_acknowledged, fn, arg);
}

static void on_change_noted(void *arg, const struct xchg_msg *a)
{
	static struct s5_change_notification_response m;
	struct pdn *n = arg;

	if (accepted(n, a, S5_CHANGE_NOTIFICATION_RESPONSE, &m, &m.cause))
		pdn_end(n, m.cause.value, 0, "RAT %u, TAC %u, cell %07x", n->rat, n->tac, n->eci);
}

int pdn_notify_change(struct pdn *n, const struct pdn_modify *o, pdn_done *fn, void *arg)
{
	uint8_t buf[MSG_MAX];
	struct tlv_buf b = TLV_BUF(buf);
	int r = n->state == PDN_UP && !pdn_busy(n) ? 0 : -ENOTCONN;

	if (r)
		return r;
	take_place(n, o);
	return start(n, msg_notify_change(n, &b), &b, on_change_noted, fn, arg);
}
