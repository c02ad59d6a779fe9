// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registrations: what a contact of a UE has here, from the first challenge to the last answer.
 *
 * TS 24.229 5.2.2.2 (temporary, established and old sets; reg-await-auth), 5.2.2.3 and 5.2.5.1
 * (de-registration: SAs outlast the last transaction), 5.2.3 (network-initiated), 5.2.8.1.4
 * (sessions end with the registration). Invariants: see reg.h.
 */
#include <sys/random.h>

#include <utlist.h>

#include "pcscf/pcscf.h"

/* The established set outlives the registration by so much, TS 24.229 5.2.2.2. */
#define SET_GRACE_S 30

/* Registrations that wait for the answer to a challenge. */
#define AWAITING_MAX	      4096
#define AWAITING_PER_IMPI_MAX 4

METRIC_GAUGE(m_regs, "kims_pcscf_registrations", "registrations, those being negotiated included");

/*
 * How long SAs stay after the last answer: 5.2.5.1 says, until its server transaction ends. One
 * retransmission of the UE and our answer to it must fit; 64*T1 on Gm would leave a phone that is
 * gone for two minutes.
 */
static uint64_t linger(const struct reg *r)
{
	return (2 * (uint64_t)r->p->conf->pcscf.gm_t1_ms + 1000) * USEC_PER_MSEC;
}

/* --- the state machine --- */

static struct reg *of_fsm(struct fsm *f)
{
	return container_of(f, struct reg, fsm);
}

static void await_off(struct reg *r)
{
	if (!r->awaiting)
		return;
	DL_DELETE2(r->p->awaiting, r, await_prev, await_next);
	r->p->n_awaiting--;
	r->awaiting = false;
}

static void await_on(struct reg *r)
{
	await_off(r);
	DL_APPEND2(r->p->awaiting, r, await_prev, await_next);
	r->p->n_awaiting++;
	r->awaiting = true;
}

static void await_auth_enter(struct fsm *f, int prev _unused_)
{
	const struct conf_pcscf *c = &of_fsm(f)->p->conf->pcscf;

	await_on(of_fsm(f));
	fsm_set_timer(f, c->reg_await_auth_s * USEC_PER_SEC);
}

static void await_auth_event(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum reg_event)event) {
	case REG_EV_CHALLENGED:
		await_auth_enter(f, f->state);
		break;
	case REG_EV_ACCEPTED:
		fsm_go(f, REG_REGISTERED);
		break;
	case REG_EV_REJECTED: /* the refusal itself goes out under the temporary set */
		fsm_set_timer(f, linger(of_fsm(f)));
		break;
	case REG_EV_DEREGISTERED:
	case REG_EV_TERMINATED:
		fsm_go(f, REG_LEAVING);
		break;
	case REG_N_EVENTS:
		break;
	}
}

static void await_auth_timeout(struct fsm *f)
{
	log_info("%s: registration was not completed in time", of_fsm(f)->impi);
	fsm_go(f, REG_GONE);
}

static void registered_enter(struct fsm *f, int prev _unused_)
{
	await_off(of_fsm(f));
	reg_schedule(of_fsm(f));
}

static void registered_event(struct fsm *f, int event, void *data _unused_)
{
	switch ((enum reg_event)event) {
	case REG_EV_CHALLENGED:
	case REG_EV_REJECTED: /* concerns its temporary set, not the registration */
		break;
	case REG_EV_ACCEPTED:
		reg_schedule(of_fsm(f));
		break;
	case REG_EV_DEREGISTERED:
	case REG_EV_TERMINATED:
		fsm_go(f, REG_LEAVING);
		break;
	case REG_N_EVENTS:
		break;
	}
}

static void registered_timeout(struct fsm *f)
{
	log_info("%s: registration expired", of_fsm(f)->impi);
	fsm_go(f, REG_LEAVING);
}

static void leaving_enter(struct fsm *f, int prev _unused_)
{
	struct reg *r = of_fsm(f);
	struct session *s, *next;

	await_off(r);
	for (s = r->sessions; s; s = next) {
		next = s->reg_next;
		session_release(s, "registration ended",
				"SIP;cause=480;text=\"Registration ended\"");
	}
	for (size_t i = 0; i < r->n_open_binds; i++)
		gm_bind_del(r->p, &r->open_binds[i]);
	rx_reg_end(r);
	persist_reg_gone(r->p, r);
	fsm_set_timer(f, linger(r));
}

static void leaving_timeout(struct fsm *f)
{
	fsm_go(f, REG_GONE);
}

static void gone_enter(struct fsm *f, int prev _unused_)
{
	reg_free(of_fsm(f));
}

static const struct fsm_state states[REG_N_STATES] = {
	[REG_AWAIT_AUTH] = {
		.name = "await-auth",
		.doc = "401 went to the UE; waits for the protected REGISTER and its answer (5.2.2.2)",
		.events = FSM_BIT(REG_EV_CHALLENGED) | FSM_BIT(REG_EV_ACCEPTED) |
			  FSM_BIT(REG_EV_REJECTED) | FSM_BIT(REG_EV_DEREGISTERED) |
			  FSM_BIT(REG_EV_TERMINATED),
		.next = FSM_BIT(REG_REGISTERED) | FSM_BIT(REG_LEAVING) | FSM_BIT(REG_GONE),
		.waiting = true,
		.on_enter = await_auth_enter,
		.on_event = await_auth_event,
		.on_timeout = await_auth_timeout,
	},
	[REG_REGISTERED] = {
		.name = "registered",
		.doc = "the home network said 200; until it expires (5.2.2.2)",
		.events = FSM_BIT(REG_EV_CHALLENGED) | FSM_BIT(REG_EV_ACCEPTED) |
			  FSM_BIT(REG_EV_REJECTED) | FSM_BIT(REG_EV_DEREGISTERED) |
			  FSM_BIT(REG_EV_TERMINATED),
		.next = FSM_BIT(REG_LEAVING),
		.waiting = true,
		.on_enter = registered_enter,
		.on_event = registered_event,
		.on_timeout = registered_timeout,
	},
	[REG_LEAVING] = {
		.name = "leaving",
		.doc = "ended; SAs stay for the last answers (5.2.5.1)",
		.next = FSM_BIT(REG_GONE),
		.waiting = true,
		.on_enter = leaving_enter,
		.on_timeout = leaving_timeout,
	},
	[REG_GONE] = {
		.name = "gone",
		.doc = "nothing of it is left",
		.on_enter = gone_enter,
	},
};

static const char *const event_names[REG_N_EVENTS] = {
	[REG_EV_CHALLENGED] = "challenged", [REG_EV_ACCEPTED] = "accepted",
	[REG_EV_REJECTED] = "rejected",	    [REG_EV_DEREGISTERED] = "deregistered",
	[REG_EV_TERMINATED] = "terminated",
};

const struct fsm_desc reg_fsm = {
	.name = "registration",
	.states = states,
	.n_states = REG_N_STATES,
	.event_names = event_names,
	.n_events = REG_N_EVENTS,
};

/* --- tables --- */

int reg_token_parse(struct str token, uint64_t *ret)
{
	uint8_t b[8];
	uint64_t v = 0;

	if (token.n != REG_TOKEN_LEN || hex_decode(token, b, sizeof(b)) != sizeof(b))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	*ret = v;
	return 0;
}

struct reg *reg_by_id(struct pcscf *p, uint64_t id)
{
	struct reg *r;

	HASH_FIND(hh_id, p->regs, &id, sizeof(id), r);
	return r;
}

struct reg *reg_by_token(struct pcscf *p, struct str token)
{
	uint64_t id;

	return reg_token_parse(token, &id) ? NULL : reg_by_id(p, id);
}

struct reg *reg_by_impi(struct pcscf *p, struct str impi)
{
	struct reg *r;

	HASH_FIND(hh_impi, p->regs_impi, impi.p, impi.n, r);
	return r;
}

static void impi_add(struct reg *r)
{
	struct reg *head = reg_by_impi(r->p, str_of(r->impi));

	if (head) {
		r->impi_next = head->impi_next;
		head->impi_next = r;
	} else {
		HASH_ADD_KEYPTR(hh_impi, r->p->regs_impi, r->impi, strlen(r->impi), r);
	}
}

/* The head of a list is the one that is in the table. */
static void impi_del(struct reg *r)
{
	struct reg *head = reg_by_impi(r->p, str_of(r->impi));

	if (head != r) {
		while (head && head->impi_next != r)
			head = head->impi_next;
		if (head)
			head->impi_next = r->impi_next;
		return;
	}
	HASH_DELETE(hh_impi, r->p->regs_impi, r);
	if (r->impi_next) {
		head = r->impi_next;
		HASH_ADD_KEYPTR(hh_impi, r->p->regs_impi, head->impi, strlen(head->impi), head);
	}
}

/* --- life --- */

void reg_clear_identities(struct reg *r)
{
	for (size_t i = 0; i < r->n_ids; i++) {
		free(r->ids[i].canon);
		free(r->ids[i].text);
	}
	free(r->ids);
	r->ids = NULL;
	r->n_ids = 0;
}

static void free_memory(struct reg *r)
{
	fsm_fini(&r->fsm);
	timer_stop(r->p->loop, &r->rx_loss);
	await_off(r);
	regevent_free(r->sub);
	for (size_t i = 0; i < r->n_open_binds; i++)
		gm_bind_del(r->p, &r->open_binds[i]);
	if (reg_by_id(r->p, r->id) == r) {
		HASH_DELETE(hh_id, r->p->regs, r);
		impi_del(r);
		m_regs.value--;
	}
	reg_clear_identities(r);
	free(r->open_binds);
	free(r->impi);
	free(r->aor);
	free(r->contact);
	free(r->service_route);
	free(r->access);
	for (size_t i = 0; i < REG_MAX_HOPS; i++)
		free(r->hop[i]);
	free(r);
}

static int set_strings(struct reg *r, const struct reg_new_args *a)
{
	r->impi = str_dup(a->impi);
	r->aor = str_dup(str_of(a->aor));
	r->contact = str_dup(a->contact);
	r->ids = calloc(1, sizeof(*r->ids));
	if (!r->impi || !r->aor || !r->contact || !r->ids)
		return -ENOMEM;
	r->n_ids = 1;
	r->ids[0].canon = strdup(a->aor);
	r->ids[0].text = malloc(strlen(a->aor) + 3);
	if (!r->ids[0].canon || !r->ids[0].text)
		return -ENOMEM;
	sprintf(r->ids[0].text, "<%s>", a->aor);
	return 0;
}

int reg_new(struct pcscf *p, const struct reg_new_args *a, struct reg **ret)
{
	struct reg *r;
	uint64_t id;
	int e;

	e = reg_token_parse(str_of(a->token), &id);
	if (e < 0)
		return e;
	if (reg_by_id(p, id))
		return -EEXIST;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->p = p;
	r->id = id;
	memcpy(r->token, a->token, sizeof(r->token));
	r->gm = a->gm;
	r->ipsec = a->ipsec;
	r->proto = a->proto;
	r->conn = a->conn;
	r->instance = a->instance;
	gm_addr_of(a->ue, &r->ue);
	r->ue_port = sip_sa_port(a->ue);
	e = set_strings(r, a);
	if (e < 0) {
		free_memory(r);
		return e;
	}
	metric_register(&m_regs);
	m_regs.value++;
	HASH_ADD(hh_id, p->regs, id, sizeof(r->id), r);
	impi_add(r);
	fsm_init(&r->fsm, &reg_fsm, p->loop, REG_AWAIT_AUTH, r->impi);
	*ret = r;
	return 0;
}

void reg_free(struct reg *r)
{
	while (r->sessions)
		session_free(r->sessions, "registration ended");
	for (int i = 0; i < SA_N_ROLES; i++)
		sa_free(r->set[i]);
	rx_reg_end(r);
	persist_reg_gone(r->p, r);
	log_info("%s: registration is gone", r->impi);
	free_memory(r);
}

void reg_free_all(struct pcscf *p)
{
	struct session *s, *stmp;
	struct reg *r, *tmp;

	HASH_ITER (hh, p->sessions, s, stmp)
		session_forget(s);
	HASH_ITER (hh_id, p->regs, r, tmp) {
		for (int i = 0; i < SA_N_ROLES; i++)
			sa_forget(r->set[i]);
		free_memory(r);
	}
}

/* --- what the 200 brings --- */

static char *bracketed(struct str uri)
{
	char *z = malloc(uri.n + 3);

	if (z)
		sprintf(z, "<%.*s>", STR_FMT(uri));
	return z;
}

int reg_add_identity(struct reg *r, struct str text)
{
	struct sip_name_addr na;
	struct identity *id;
	char canon[256];

	if (sip_name_addr_parse(text, &na) || sip_uri_canon(na.uri, canon, sizeof(canon)))
		return 0; /* an identity of a scheme that is not ours harms nobody */
	id = reallocarray(r->ids, r->n_ids + 1, sizeof(*id));
	if (!id)
		return -ENOMEM;
	r->ids = id;
	id += r->n_ids;
	id->canon = strdup(canon);
	id->text = memchr(text.p, '<', text.n) ? line_dup(text) : bracketed(text);
	if (!id->canon || !id->text) {
		free(id->canon);
		free(id->text);
		return -ENOMEM;
	}
	r->n_ids++;
	return 0;
}

static bool same_identities(const struct reg *r, const struct sip_msg *resp)
{
	struct sip_elem e = { 0 };
	size_t n = 0;

	while (sip_msg_next_elem(resp, SIP_H_P_ASSOCIATED_URI, &e)) {
		if (n >= r->n_ids || !str_eqz(e.text, r->ids[n].text))
			return false;
		n++;
	}
	return n == r->n_ids;
}

int reg_set_identities(struct reg *r, const struct sip_msg *resp)
{
	struct sip_elem e = { 0 };

	if (!sip_msg_hf(resp, SIP_H_P_ASSOCIATED_URI) || same_identities(r, resp))
		return 0;
	reg_clear_identities(r);
	while (r->n_ids < REG_MAX_IDS && sip_msg_next_elem(resp, SIP_H_P_ASSOCIATED_URI, &e)) {
		int err = reg_add_identity(r, e.text);

		if (err < 0)
			return err;
	}
	return 0;
}

static bool has_identity(const struct reg *r, const char *canon)
{
	for (size_t i = 0; i < r->n_ids; i++)
		if (!strcmp(r->ids[i].canon, canon))
			return true;
	return false;
}

void reg_merge_identities(struct reg *r, const struct sip_msg *resp, const char *aor)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;
	char canon[256];

	if (!sip_msg_hf(resp, SIP_H_P_ASSOCIATED_URI) && !has_identity(r, aor))
		reg_add_identity(r, str_of(aor));
	while (r->n_ids < REG_MAX_IDS && sip_msg_next_elem(resp, SIP_H_P_ASSOCIATED_URI, &e))
		if (!sip_name_addr_parse(e.text, &na) &&
		    !sip_uri_canon(na.uri, canon, sizeof(canon)) && !has_identity(r, canon))
			reg_add_identity(r, e.text);
}

void reg_remove_identity(struct reg *r, const char *canon)
{
	for (size_t i = 0; i < r->n_ids && r->n_ids > 1; i++) {
		if (strcmp(r->ids[i].canon, canon))
			continue;
		free(r->ids[i].canon);
		free(r->ids[i].text);
		r->ids[i] = r->ids[--r->n_ids];
		return;
	}
}

static int join_service_route(struct reg *r, const struct sip_msg *resp)
{
	struct sip_elem e = { 0 };
	char buf[2048];
	size_t n = 0;
	char *z;

	while (sip_msg_next_elem(resp, SIP_H_SERVICE_ROUTE, &e)) {
		int k = snprintf(buf + n, sizeof(buf) - n, "%s%.*s", n ? ", " : "",
				 STR_FMT(e.text));

		if (k < 0 || (size_t)k >= sizeof(buf) - n)
			return -ENOSPC;
		n += (size_t)k;
	}
	if (r->service_route && !strncmp(r->service_route, buf, n) && !r->service_route[n])
		return 0;
	z = n ? line_dup((struct str){ buf, n }) : NULL;
	if (n && !z)
		return -ENOMEM;
	free(r->service_route);
	r->service_route = z;
	return 0;
}

bool reg_knows_hop(const struct reg *r, struct str host)
{
	struct str rest = str_of(r->service_route), one;
	struct sip_name_addr na;
	struct sip_uri u;

	while (rest.n && str_split(&rest, ',', &one))
		if (!sip_name_addr_parse(str_trim(one), &na) && !sip_uri_parse(na.uri, &u) &&
		    !u.is_tel && str_ieq(u.host, host))
			return true;
	for (size_t i = 0; i < REG_MAX_HOPS && r->hop[i]; i++)
		if (str_ieqz(host, r->hop[i]))
			return true;
	return false;
}

void reg_learn_hop(struct reg *r, struct str host)
{
	char *z;

	if (!host.n || reg_knows_hop(r, host))
		return;
	z = str_dup(host);
	if (!z)
		return;
	free(r->hop[REG_MAX_HOPS - 1]);
	memmove(r->hop + 1, r->hop, (REG_MAX_HOPS - 1) * sizeof(r->hop[0]));
	r->hop[0] = z;
	persist_reg(r);
}

/* Unprotected: from one source each of the identities is known, and the first one also without a name. */
int reg_bind_open(struct reg *r)
{
	for (size_t i = 0; i < r->n_open_binds; i++)
		gm_bind_del(r->p, &r->open_binds[i]);
	free(r->open_binds);
	r->n_open_binds = 0;
	r->open_binds = calloc(r->n_ids + 1, sizeof(*r->open_binds));
	if (!r->open_binds)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_ids + 1; i++) {
		struct gm_bind *b = &r->open_binds[i], *old;
		uint32_t id = i < r->n_ids ? gm_id_hash(r->ids[i].canon) : 0;

		b->reg = r;
		gm_key_make(&b->key, &r->ue, 0, r->gm->open.port, id);
		old = gm_bind_find(r->p, &b->key);
		if (old && id)
			gm_bind_del(r->p, old); /* the newer registration of an identity counts */
		gm_bind_add(r->p, b);
	}
	r->n_open_binds = r->n_ids + 1;
	return 0;
}

static void promote(struct reg *r, struct sa_set *by)
{
	if (by->role == SA_OLD) /* the UE went on with what it had: so do we */
		return;
	if (by->role == SA_TEMP) {
		if (r->set[SA_CUR])
			sa_move(r->set[SA_CUR], SA_OLD);
		sa_move(by, SA_CUR);
		sa_oust(by);
	}
}

int reg_accept(struct reg *r, struct sip_msg *resp, uint32_t expires_s, struct sa_set *by)
{
	int e;

	r->expires = loop_wall(r->p->loop) + expires_s * USEC_PER_SEC;
	e = join_service_route(r, resp);
	if (!e)
		e = reg_set_identities(r, resp);
	if (!e && !r->ipsec)
		e = reg_bind_open(r);
	if (e < 0)
		return e;
	if (by) {
		promote(r, by);
		if (by->role == SA_CUR && r->p->kops)
			sa_lifetime(by, expires_s + SET_GRACE_S);
	}
	return fsm_event(&r->fsm, REG_EV_ACCEPTED, NULL);
}

uint16_t reg_port_ps(const struct reg *r)
{
	const struct sa_set *s = r->set[SA_CUR] ? r->set[SA_CUR] : r->set[SA_TEMP];

	return s ? s->port_ps : r->gm->ps[0].port;
}

void reg_schedule(struct reg *r)
{
	uint64_t now = loop_wall(r->p->loop);

	fsm_set_timer(&r->fsm, r->expires > now ? r->expires - now : 1);
}

static struct reg *oldest_awaiting(struct pcscf *p, struct str impi, int *ret_n)
{
	struct reg *r, *oldest = NULL;

	*ret_n = 0;
	for (r = reg_by_impi(p, impi); r; r = r->impi_next) {
		if (!r->awaiting)
			continue;
		++*ret_n;
		if (!oldest || r->fsm.timer.tick < oldest->fsm.timer.tick)
			oldest = r;
	}
	return oldest;
}

/*
 * Nobody has proved anything yet, and each costs four SAs: a flood must neither fill the kernel nor
 * keep those out who answer within seconds. The S-CSCF knows only the last challenge of a private identity.
 */
void reg_make_room(struct pcscf *p, struct str impi)
{
	struct reg *r;
	int n;

	while ((r = oldest_awaiting(p, impi, &n)) && n >= AWAITING_PER_IMPI_MAX)
		reg_free(r);
	while (p->n_awaiting >= AWAITING_MAX)
		reg_free(p->awaiting);
}

static bool same_ue(const struct reg *a, const struct reg *b)
{
	if (a->instance && b->instance)
		return a->instance == b->instance;
	return gm_addr_eq(&a->ue, &b->ue) && (a->ipsec || a->ue_port == b->ue_port);
}

void reg_replace_same_ue(struct reg *r)
{
	struct reg *o = reg_by_impi(r->p, str_of(r->impi)), *next;

	for (; o; o = next) {
		next = o->impi_next;
		if (o != r && o->fsm.state == REG_REGISTERED && same_ue(r, o) &&
		    !strcmp(o->aor, r->aor))
			reg_leave(o, "the phone registered anew");
	}
}

void reg_leave(struct reg *r, const char *why)
{
	if (r->fsm.state == REG_LEAVING)
		return;
	log_info("%s: registration ends: %s", r->impi, why);
	fsm_event(&r->fsm, REG_EV_TERMINATED, NULL);
}

void reg_set_used(struct sa_set *s)
{
	const struct conf_pcscf *c = &s->p->conf->pcscf;
	struct sa_set *old = s->reg->set[SA_OLD];

	if (s->role != SA_CUR || s->used)
		return;
	s->used = true;
	if (old)
		sa_lifetime(old, MAX(UINT64_C(64) * c->gm_t1_ms / 1000, UINT64_C(1)));
}
