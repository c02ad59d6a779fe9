// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PDN connections: tables, addresses, bearers, and the machine that says who is waited for (TS 23.401 5.3.2,
 * 5.3.8, 5.4.4; TS 23.402 7).
 *
 *   POLICY -> USER_PLANE -> ACTIVE -> (DEACTIVATING ->) ENDING -> GONE
 *
 * Invariants: a PDN connection before ACTIVE has a request that waits for its answer, which is answered on the
 * way to ACTIVE or ENDING. In ENDING nobody finds it by user or address; its TEID, its addresses
 * and its record in the store stay until both peers have let go. GONE ones are freed at the end of the round.
 */
#include "smf/smf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/random.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"

#define ANSWER_USEC (30 * USEC_PER_SEC) /* longer than the peers' own timers: those end first */
#define ENDING_USEC (90 * USEC_PER_SEC) /* a UPF that does not answer is asked again (n4.c) */

METRIC_GAUGE(m_pdns, "kims_smf_pdn_connections", "PDN connections");
METRIC_GAUGE(m_bearers, "kims_smf_bearers", "Bearers, default ones included");
METRIC_GAUGE(m_paths, "kims_smf_peers", "SGWs and ePDGs with PDN connections");
METRIC_COUNTER(m_opened, "kims_smf_pdn_opened_total", "PDN connections that became active");
METRIC_COUNTER(m_failed, "kims_smf_pdn_failed_total", "PDN connections that did not");
METRIC_COUNTER(m_released, "kims_smf_pdn_released_total", "PDN connections ended by the network");

void smf_metrics(void)
{
	struct metric *all[] = { &m_pdns, &m_bearers, &m_paths, &m_opened, &m_failed, &m_released };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!all[i]->listed)
			metric_register(all[i]);
	smf_s5_metrics();
	smf_path_metrics();
}

void smf_gauges(const struct smf *s)
{
	m_pdns.value = s->n_pdns;
	m_bearers.value = s->n_bearers;
	m_paths.value = s->n_paths;
}

/* --- the machine --- */

static struct smf_pdn *pdn_of(struct fsm *f)
{
	return container_of(f, struct smf_pdn, fsm);
}

/* Answers what waits, and takes everything back. */
static void end(struct smf_pdn *p, struct s5_cause_ie cause)
{
	smf_s5_refuse(p, cause);
	fsm_go(&p->fsm, SMF_PDN_ENDING);
}

static struct s5_cause_ie reason(const struct s5_cause_ie *cause)
{
	static const struct s5_cause_ie unknown = { .value = S5_NO_RESOURCES };

	return cause && cause->value ? *cause : unknown;
}

static void fail(struct smf_pdn *p, const struct s5_cause_ie *cause)
{
	metric_inc(&m_failed);
	end(p, reason(cause));
}

static void on_opening(struct fsm *f, int event, void *data)
{
	struct smf_pdn *p = pdn_of(f);

	switch ((enum smf_pdn_event)event) {
	case SMF_PDN_EV_POLICY_OK:
		fsm_go(f, SMF_PDN_USER_PLANE);
		break;
	case SMF_PDN_EV_N4_OK:
		if (fsm_go(f, SMF_PDN_ACTIVE))
			break;
		metric_inc(&m_opened);
		smf_s5_answer(p);
		smf_bearers_apply(p);
		smf_s5_flush();
		break;
	case SMF_PDN_EV_POLICY_FAILED:
	case SMF_PDN_EV_N4_FAILED:
		fail(p, data);
		break;
	case SMF_PDN_EV_RELEASE:
	case SMF_PDN_EV_DELETED:
		fail(p, &(struct s5_cause_ie){ .value = S5_REQUEST_REJECTED });
		break;
	case SMF_PDN_EV_GX_CLOSED:
	case SMF_PDN_EV_N4_CLOSED:
		break;
	}
	smf_pdn_changed(p);
}

static void opening_timeout(struct fsm *f)
{
	fail(pdn_of(f), NULL);
}

static void enter_user_plane(struct fsm *f, int prev _unused_)
{
	struct smf_pdn *p = pdn_of(f);

	smf_bearers_apply(p); /* binds the rules: the UPF has what is bound */
	if (smf_n4_sync(p))
		fail(p, NULL);
}

static void release(struct smf_pdn *p, const uint8_t *cause)
{
	p->release_cause = cause ? *cause : 0;
	metric_inc(&m_released);
	smf_s5_refuse(p, (struct s5_cause_ie){ .value = S5_REQUEST_REJECTED });
	fsm_go(&p->fsm, SMF_PDN_DEACTIVATING);
}

/* A handover that the UPF did not follow: the UE is in neither access any more. */
static void handover_failed(struct smf_pdn *p, const struct s5_cause_ie *cause)
{
	smf_s5_left(p);
	end(p, reason(cause));
}

static void on_active(struct fsm *f, int event, void *data)
{
	struct smf_pdn *p = pdn_of(f);

	switch ((enum smf_pdn_event)event) {
	case SMF_PDN_EV_N4_OK:
		smf_s5_answer(p);
		smf_bearers_apply(p);
		smf_s5_flush();
		break;
	case SMF_PDN_EV_N4_FAILED:
		if (p->request && p->request_type == S5_CREATE_SESSION_REQUEST) {
			handover_failed(p, data);
			break;
		}
		smf_s5_refuse(p, reason(data));
		smf_bearers_apply(p);
		break;
	case SMF_PDN_EV_RELEASE:
		release(p, data);
		break;
	case SMF_PDN_EV_DELETED:
		end(p, (struct s5_cause_ie){ .value = S5_CONTEXT_NOT_FOUND });
		break;
	case SMF_PDN_EV_POLICY_OK:
	case SMF_PDN_EV_POLICY_FAILED:
	case SMF_PDN_EV_GX_CLOSED:
	case SMF_PDN_EV_N4_CLOSED:
		break;
	}
	smf_pdn_changed(p);
}

static void enter_deactivating(struct fsm *f, int prev _unused_)
{
	struct smf_pdn *p = pdn_of(f);

	smf_bearers_cancel(p);
	if (smf_s5_deactivate(p))
		fsm_go(f, SMF_PDN_ENDING);
}

static void on_deactivating(struct fsm *f, int event, void *data _unused_)
{
	if (event == SMF_PDN_EV_DELETED)
		end(pdn_of(f), (struct s5_cause_ie){ .value = S5_CONTEXT_NOT_FOUND });
}

static void deactivating_timeout(struct fsm *f)
{
	fsm_go(f, SMF_PDN_ENDING);
}

static void unlink_user(struct smf_pdn *p)
{
	struct smf *s = p->smf;

	if (!p->linked)
		return;
	p->linked = false;
	htab_remove(&s->by_user, &p->by_user);
	if (p->type != S5_PDN_IPV6)
		htab_remove(&s->by_v4, &p->by_v4);
	if (p->type != S5_PDN_IPV4)
		htab_remove(&s->by_v6, &p->by_v6);
}

/* The user plane first: its last figures go into the last CCR. */
static void enter_ending(struct fsm *f, int prev _unused_)
{
	struct smf_pdn *p = pdn_of(f);

	p->smf->n_ending++;
	smf_bearers_cancel(p);
	gtpc_cancel(p->call);
	p->call = NULL;
	smf_path_leave(p);
	unlink_user(p);
	smf_pdn_changed(p);
	if (p->n4)
		smf_n4_close(p);
	else
		fsm_event(f, SMF_PDN_EV_N4_CLOSED, NULL);
}

static void on_ending(struct fsm *f, int event, void *data _unused_)
{
	struct smf_pdn *p = pdn_of(f);

	if (event == SMF_PDN_EV_N4_CLOSED && p->gx)
		smf_gx_close(p);
	else
		fsm_go(f, SMF_PDN_GONE);
}

static void ending_timeout(struct fsm *f)
{
	fsm_go(f, SMF_PDN_GONE);
}

static void free_addresses(struct smf_pdn *p)
{
	uint64_t now = loop_now(p->smf->loop);
	struct conf_addr a = { .family = AF_INET, .v4 = p->v4 };

	if (p->pool4)
		smf_pool_put(&p->apn->pool4, now, &a);
	a = (struct conf_addr){ .family = AF_INET6, .v6 = p->v6 };
	if (p->pool6)
		smf_pool_put(&p->apn->pool6, now, &a);
	p->pool4 = p->pool6 = false;
}

static void enter_gone(struct fsm *f, int prev _unused_)
{
	struct smf_pdn *p = pdn_of(f);
	struct smf *s = p->smf;

	s->n_ending--;
	s->n_pdns--;
	*p->pprev = p->next;
	if (p->next)
		p->next->pprev = p->pprev;
	htab_remove(&s->by_teid, &p->by_teid);
	free_addresses(p);
	smf_profile_left(s, p->imsi);
	smf_persist_gone(p);
	p->next = s->dead;
	s->dead = p;
}

#define OPENING_EVENTS (FSM_BIT(SMF_PDN_EV_RELEASE) | FSM_BIT(SMF_PDN_EV_DELETED))

static const struct fsm_state states[] = {
	[SMF_PDN_POLICY] = {
		.name = "policy",
		.doc = "CCR-I sent (TS 29.212 4.5.1)",
		.events = OPENING_EVENTS | FSM_BIT(SMF_PDN_EV_POLICY_OK) |
			  FSM_BIT(SMF_PDN_EV_POLICY_FAILED),
		.next = FSM_BIT(SMF_PDN_USER_PLANE) | FSM_BIT(SMF_PDN_ENDING) |
			FSM_BIT(SMF_PDN_ACTIVE) | FSM_BIT(SMF_PDN_GONE),
		.waiting = true,
		.timer_usec = ANSWER_USEC,
		.on_event = on_opening,
		.on_timeout = opening_timeout,
	},
	[SMF_PDN_USER_PLANE] = {
		.name = "user-plane",
		.doc = "rules on their way to the UPF (TS 29.244 6.3.2)",
		.events = OPENING_EVENTS | FSM_BIT(SMF_PDN_EV_N4_OK) |
			  FSM_BIT(SMF_PDN_EV_N4_FAILED),
		.next = FSM_BIT(SMF_PDN_ACTIVE) | FSM_BIT(SMF_PDN_ENDING),
		.waiting = true,
		.timer_usec = ANSWER_USEC,
		.on_enter = enter_user_plane,
		.on_event = on_opening,
		.on_timeout = opening_timeout,
	},
	[SMF_PDN_ACTIVE] = {
		.name = "active",
		.doc = "Create Session Response sent (TS 29.274 7.2.2)",
		.events = FSM_BIT(SMF_PDN_EV_N4_OK) | FSM_BIT(SMF_PDN_EV_N4_FAILED) |
			  FSM_BIT(SMF_PDN_EV_RELEASE) | FSM_BIT(SMF_PDN_EV_DELETED),
		.next = FSM_BIT(SMF_PDN_DEACTIVATING) | FSM_BIT(SMF_PDN_ENDING),
		.on_event = on_active,
	},
	[SMF_PDN_DEACTIVATING] = {
		.name = "deactivating",
		.doc = "Delete Bearer Request for the default bearer sent (TS 23.401 5.4.4.1)",
		.events = FSM_BIT(SMF_PDN_EV_DELETED),
		.next = FSM_BIT(SMF_PDN_ENDING),
		.waiting = true,
		.timer_usec = ANSWER_USEC,
		.on_enter = enter_deactivating,
		.on_event = on_deactivating,
		.on_timeout = deactivating_timeout,
	},
	[SMF_PDN_ENDING] = {
		.name = "ending",
		.doc = "PFCP Session Deletion, then CCR-T under way (TS 29.244 6.3.4, TS 29.212 4.5.7)",
		.events = FSM_BIT(SMF_PDN_EV_N4_CLOSED) | FSM_BIT(SMF_PDN_EV_GX_CLOSED),
		.next = FSM_BIT(SMF_PDN_GONE),
		.waiting = true,
		.timer_usec = ENDING_USEC,
		.on_enter = enter_ending,
		.on_event = on_ending,
		.on_timeout = ending_timeout,
	},
	[SMF_PDN_GONE] = {
		.name = "gone",
		.doc = "to be freed at the end of the round",
		.on_enter = enter_gone,
	},
};

static const char *const event_names[] = {
	[SMF_PDN_EV_POLICY_OK] = "policy ok", [SMF_PDN_EV_POLICY_FAILED] = "policy failed",
	[SMF_PDN_EV_N4_OK] = "n4 ok",	      [SMF_PDN_EV_N4_FAILED] = "n4 failed",
	[SMF_PDN_EV_RELEASE] = "release",     [SMF_PDN_EV_DELETED] = "deleted",
	[SMF_PDN_EV_GX_CLOSED] = "gx closed", [SMF_PDN_EV_N4_CLOSED] = "n4 closed",
};

const struct fsm_desc smf_pdn_fsm = {
	.name = "pdn",
	.states = states,
	.n_states = ARRAY_SIZE(states),
	.event_names = event_names,
	.n_events = ARRAY_SIZE(event_names),
};

void smf_pdn_release(struct smf_pdn *p, uint8_t cause)
{
	fsm_event(&p->fsm, SMF_PDN_EV_RELEASE, &cause);
}

/* --- tables --- */

uint64_t smf_hash(const struct smf *s, const void *data, size_t n)
{
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add(&h, data, n);
	return siphash_end(&h);
}

struct smf_pdn *smf_pdn_by_teid(const struct smf *s, uint32_t teid)
{
	struct hnode *n = htab_find(&s->by_teid, teid); /* we chose them: nothing to hash */

	return n ? container_of(n, struct smf_pdn, by_teid) : NULL;
}

struct smf_pdn *smf_pdn_by_seid(const struct smf *s, uint64_t seid)
{
	return seid && seid <= UINT32_MAX ? smf_pdn_by_teid(s, (uint32_t)seid) : NULL;
}

const char *smf_pdn_user(const struct smf_pdn *p)
{
	return *p->imsi && !p->unauthenticated ? p->imsi : p->mei;
}

void smf_pdn_set_name(struct smf_pdn *p)
{
	const char *user = smf_pdn_user(p);
	size_t n = strlen(user);

	memcpy(p->name, user, n);
	p->name[n] = '/';
	str_copy(p->name + n + 1, sizeof(p->name) - n - 1,
		 (struct str){ p->apn->name, MIN(strlen(p->apn->name), sizeof(p->name) - n - 2) });
}

static uint64_t user_key(const struct smf *s, const char *user, const struct smf_apn *apn)
{
	struct siphash h;

	siphash_init(&h, s->key);
	siphash_add_str(&h, str_of(user));
	siphash_add_str(&h, str_of(apn->name));
	return siphash_end(&h);
}

struct smf_pdn *smf_pdn_by_user(const struct smf *s, const char *user, const struct smf_apn *apn,
				const struct smf_pdn *after)
{
	struct hnode *n =
		after ? htab_next(&after->by_user) : htab_find(&s->by_user, user_key(s, user, apn));

	for (; n; n = htab_next(n)) {
		struct smf_pdn *p = container_of(n, struct smf_pdn, by_user);

		if (p->apn == apn && !strcmp(smf_pdn_user(p), user))
			return p;
	}
	return NULL;
}

struct smf_pdn *smf_pdn_by_v4(const struct smf *s, struct in_addr a)
{
	struct hnode *n = htab_find(&s->by_v4, smf_hash(s, &a, sizeof(a)));

	for (; n; n = htab_next(n)) {
		struct smf_pdn *p = container_of(n, struct smf_pdn, by_v4);

		if (p->v4.s_addr == a.s_addr)
			return p;
	}
	return NULL;
}

struct smf_pdn *smf_pdn_by_v6(const struct smf *s, const struct in6_addr *a)
{
	struct hnode *n = htab_find(&s->by_v6, smf_hash(s, a, 8));

	for (; n; n = htab_next(n)) {
		struct smf_pdn *p = container_of(n, struct smf_pdn, by_v6);

		if (!memcmp(&p->v6, a, 8))
			return p;
	}
	return NULL;
}

void smf_pdn_link(struct smf_pdn *p)
{
	struct smf *s = p->smf;

	htab_insert(&s->by_user, &p->by_user, user_key(s, smf_pdn_user(p), p->apn));
	if (p->type != S5_PDN_IPV6)
		htab_insert(&s->by_v4, &p->by_v4, smf_hash(s, &p->v4, sizeof(p->v4)));
	if (p->type != S5_PDN_IPV4)
		htab_insert(&s->by_v6, &p->by_v6, smf_hash(s, &p->v6, 8));
	p->linked = true;
}

/* --- addresses --- */

static bool given(const struct in6_addr *a)
{
	static const struct in6_addr none;

	return memcmp(a, &none, 8);
}

static bool is_set(const struct conf_addr *a)
{
	return a->family == AF_INET ? a->v4.s_addr : given(&a->v6);
}

/*
 * The one of the subscriber's profile, of the configuration, of the subscription (asked: in the PAA), or the next of the
 * pool.
 */
static int get_address(struct smf_pdn *p, struct smf_pool *pool, const struct conf_addr *own,
		       const struct conf_addr *asked, struct conf_addr *ret, bool *ret_pool)
{
	const struct conf_addr *fixed =
		is_set(own) ? own : smf_apn_static(p->apn, p->imsi, asked->family);
	bool v4 = asked->family == AF_INET;
	int e;

	if (fixed) {
		*ret = *fixed;
		return (v4 ? smf_pdn_by_v4(p->smf, fixed->v4) : smf_pdn_by_v6(p->smf, &fixed->v6))
			       ? -EADDRINUSE
			       : 0;
	}
	if (is_set(asked)) {
		*ret = *asked;
		e = smf_pool_take(pool, asked);
	} else {
		e = smf_pool_get(pool, loop_now(p->smf->loop), ret);
	}
	*ret_pool = !e;
	return e;
}

/* RFC 4291 2.5.1, TS 23.401 5.3.1.2.2: of one link only, so any that is not the UPF's; bit u is 0. */
static void set_interface_id(struct smf_pdn *p)
{
	uint64_t id = smf_hash(p->smf, &p->v6, 8);

	memcpy(&p->v6.s6_addr[8], &id, 8);
	p->v6.s6_addr[8] &= 0xfd;
	p->v6.s6_addr[15] |= 2; /* neither 0 nor fe80::1 */
}

int smf_pdn_address(struct smf_pdn *p, const struct s5_paa *asked)
{
	struct conf_addr a = { .family = AF_INET, .v4 = asked->ip4 }, got;
	struct conf_addr own4 = { .family = AF_INET }, own6 = { .family = AF_INET6 };
	int e = 0;

	smf_profile_address(p, &own4.v4, &own6.v6);
	if (p->type != S5_PDN_IPV6) {
		e = get_address(p, &p->apn->pool4, &own4, &a, &got, &p->pool4);
		if (!e)
			p->v4 = got.v4;
	}
	a = (struct conf_addr){ .family = AF_INET6 };
	memcpy(&a.v6, &asked->ip6, 8);
	if (!e && p->type != S5_PDN_IPV4) {
		e = get_address(p, &p->apn->pool6, &own6, &a, &got, &p->pool6);
		if (!e)
			p->v6 = got.v6;
		set_interface_id(p);
	}
	if (e == -ENOSPC)
		return S5_ADDRESSES_OCCUPIED;
	return e ? S5_REQUEST_REJECTED : 0;
}

/* --- bearers --- */

struct smf_bearer *smf_pdn_default(const struct smf_pdn *p)
{
	return p->bearers;
}

struct smf_bearer *smf_bearer_by_ebi(const struct smf_pdn *p, uint8_t ebi)
{
	for (struct smf_bearer *b = p->bearers; b; b = b->next)
		if (ebi && b->ebi == ebi)
			return b;
	return NULL;
}

struct smf_bearer *smf_bearer_new(struct smf_pdn *p)
{
	struct smf_bearer **at = &p->bearers, *b;
	int n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	b = n < SMF_BEARERS_MAX ? calloc(1, sizeof(*b)) : NULL;
	if (!b)
		return NULL;
	b->n4_id = n ? smf_new_n4_id(p) : SMF_DEFAULT_ID;
	if (!b->n4_id) {
		free(b);
		return NULL;
	}
	b->pdn = p;
	b->charging_id = ++p->smf->next_charging_id;
	*at = b;
	p->smf->n_bearers++;
	return b;
}

void smf_bearer_free(struct smf_bearer *b)
{
	struct smf_pdn *p = b->pdn;
	struct smf_bearer **at = &p->bearers;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	for (struct smf_rule *r = p->rules; r; r = r->next)
		if (r->bearer == b)
			r->bearer = NULL;
	free(b);
	p->smf->n_bearers--;
}

/* --- life --- */

void smf_pdn_changed(struct smf_pdn *p)
{
	if (p->dirty || !p->smf->store || p->fsm.state == SMF_PDN_GONE)
		return;
	p->dirty = true;
	p->dirty_next = p->smf->dirty;
	p->smf->dirty = p;
}

static uint32_t new_teid(struct smf *s)
{
	do
		s->next_teid++;
	while (!s->next_teid || smf_pdn_by_teid(s, s->next_teid));
	return s->next_teid;
}

struct smf_pdn *smf_pdn_new(struct smf *s, uint32_t teid)
{
	struct smf_pdn *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->smf = s;
	p->teid = teid ? teid : new_teid(s);
	fsm_init(&p->fsm, &smf_pdn_fsm, s->loop, SMF_PDN_POLICY, p->name);
	htab_insert(&s->by_teid, &p->by_teid, p->teid);
	p->next = s->pdns;
	p->pprev = &s->pdns;
	if (p->next)
		p->next->pprev = &p->next;
	s->pdns = p;
	s->n_pdns++;
	return p;
}

void smf_pdn_discard(struct smf_pdn *p)
{
	smf_path_leave(p);
	unlink_user(p);
	p->smf->n_ending++;
	fsm_go(&p->fsm, SMF_PDN_GONE);
}

static void pdn_free(struct smf_pdn *p)
{
	fsm_fini(&p->fsm);
	smf_bearers_cancel(p);
	smf_gx_free(p); /* with rules and monitors */
	smf_n4_free(p);
	while (p->bearers)
		smf_bearer_free(p->bearers);
	gtpc_cancel(p->call);
	free(p);
}

static void reap(struct smf *s)
{
	struct smf_pdn *p;

	while ((p = s->dead)) {
		s->dead = p->next;
		pdn_free(p);
	}
}

static void on_round_end(void *arg)
{
	struct smf *s = arg;

	if (s->dirty)
		smf_persist_flush(s);
	if (s->dead)
		reap(s);
	smf_gauges(s);
}

static void own_address(const struct conf_addr *a, struct s5_fteid *v4, struct s5_fteid *v6)
{
	if (a->family == AF_INET)
		*v4 = (struct s5_fteid){ .v4 = true, .ip4 = a->v4 };
	else if (a->family == AF_INET6)
		*v6 = (struct s5_fteid){ .v6 = true, .ip6 = a->v6 };
}

static int init_tables(struct smf *s)
{
	struct htab *all[] = {
		&s->by_teid, &s->by_user, &s->by_v4, &s->by_v6, &s->paths, &s->held
	};
	int e = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && !e; i++)
		e = htab_init(all[i], i < 4 ? 1024 : 64);
	return e;
}

static int read_conf(struct smf *s, const struct conf *c, char *err, size_t size)
{
	int n = snprintf(err, size, "smf.apns: "), e;

	e = smf_apns_parse(c->smf.apns, &s->apns, &s->n_apns, err + n, size - (size_t)n);
	if (e)
		return e;
	n = snprintf(err, size, "smf.predefined: ");
	return smf_predefined_parse(c->smf.predefined, &s->predefined, &s->n_predefined, err + n,
				    size - (size_t)n);
}

int smf_init(struct smf *s, struct loop *l, const struct conf *c, char *err, size_t size)
{
	int e;

	s->loop = l;
	s->conf = c;
	s->max_pdns = c->smf.max_sessions;
	own_address(&c->smf.addr, &s->c_v4, &s->c_v6);
	own_address(&c->smf.addr6, &s->c_v4, &s->c_v6);
	if (getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key) ||
	    getrandom(&s->next_teid, sizeof(s->next_teid), 0) != sizeof(s->next_teid) ||
	    getrandom(&s->next_charging_id, sizeof(s->next_charging_id), 0) < 0)
		return -EIO;
	e = read_conf(s, c, err, size);
	if (!e)
		e = init_tables(s);
	if (!e)
		e = loop_on_round_end(l, on_round_end, s);
	return e;
}

void smf_fini(struct smf *s)
{
	struct htab *all[] = {
		&s->by_teid, &s->by_user, &s->by_v4, &s->by_v6, &s->paths, &s->held
	};
	struct smf_pdn *p;

	if (!s->loop)
		return;
	loop_off_round_end(s->loop, on_round_end, s);
	if (s->dirty)
		smf_persist_flush(s);
	reap(s);
	while ((p = s->pdns)) {
		s->pdns = p->next;
		smf_path_leave(p);
		pdn_free(p);
	}
	smf_profiles_close(s);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		htab_fini(all[i]);
	smf_apns_free(s->apns, s->n_apns);
	free(s->predefined);
	smf_n4_fini(s);
}
