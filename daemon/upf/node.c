// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CP functions (TS 29.244 6.2): associations from either side, features, releases, the end of their
 * sessions when they have restarted or asked for it; and which PFCP message goes to which handler.
 *
 * A CP function is known by its Node ID, as long as the process lives; whether there is an association is
 * lib/pfcp's business, which hands us its peer with each request.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "lib/core/log.h"
#include "lib/core/metrics.h"
#include "upf/upf.h"

#define NODES_MAX 256
#define RETRY_S	  5

METRIC_COUNTER(m_up, "kims_upf_associations_total", "PFCP associations set up");
METRIC_COUNTER(m_restarts, "kims_upf_cp_restarts_total",
	       "CP functions that were found to have restarted");
METRIC_COUNTER(m_stranger, "kims_upf_strangers_total",
	       "PFCP messages of addresses that may not speak");
METRIC_COUNTER(m_malformed, "kims_upf_malformed_total", "PFCP requests that could not be read");

struct upf_cp { /* a CP function that we set up an association with */
	struct upf_cp *next;
	struct upf *upf;
	struct sockaddr_storage addr;
	struct timer timer;
	struct xchg_call *call;
};

void upf_node_metrics(void)
{
	metric_register(&m_up);
	metric_register(&m_restarts);
	metric_register(&m_stranger);
	metric_register(&m_malformed);
}

/* --- nodes --- */

int upf_node_id_encode(const struct sx_node_id *id, struct tlv_buf *b)
{
	uint8_t *p;

	switch ((enum sx_node_type)id->type) {
	case SX_NODE_IPV4:
	case SX_NODE_IPV6:
		p = tlv_grow(b, id->type == SX_NODE_IPV4 ? 5 : 17);
		if (!p)
			return -EMSGSIZE;
		p[0] = id->type;
		if (id->type == SX_NODE_IPV4)
			memcpy(p + 1, &id->ip4, 4);
		else
			memcpy(p + 1, &id->ip6, 16);
		return 0;
	case SX_NODE_FQDN:
		break;
	}
	p = tlv_grow(b, 1);
	if (!p)
		return -EMSGSIZE;
	*p = id->type;
	for (const char *at = id->fqdn.s; *at;) { /* labels */
		size_t n = strcspn(at, ".");

		p = n && n < 64 ? tlv_grow(b, n + 1) : NULL;
		if (!p)
			return -EMSGSIZE;
		p[0] = (uint8_t)n;
		memcpy(p + 1, at, n);
		at += n + (at[n] == '.');
	}
	return 0;
}

struct upf_node *upf_node_find(struct upf *u, struct str id)
{
	struct upf_node *n = u->nodes;

	while (n && !str_eq((struct str){ (char *)n->id, n->id_len }, id))
		n = n->next;
	return n;
}

struct upf_node *upf_node_by_index(struct upf *u, uint32_t index)
{
	struct upf_node *n = u->nodes;

	while (n && n->index != index)
		n = n->next;
	return n;
}

static void on_lost_timer(struct timer *t)
{
	struct upf_node *n = container_of(t, struct upf_node, lost);
	char name[300];

	upf_node_name(n, name, sizeof(name));
	log_warn("%s is silent for too long, its %u sessions go", name, n->n_sessions);
	upf_node_clear(n);
}

struct upf_node *upf_node_new(struct upf *u, struct str id)
{
	struct upf_node *n;

	if (!id.n || id.n > sizeof(n->id) || u->n_nodes == NODES_MAX)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->upf = u;
	n->index = ++u->next_node;
	memcpy(n->id, id.p, id.n);
	n->id_len = id.n;
	n->lost.fn = on_lost_timer;
	n->next = u->nodes;
	u->nodes = n;
	u->n_nodes++;
	return n;
}

void upf_node_name(const struct upf_node *n, char *dst, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sx_name name;

	if (n->id[0] == SX_NODE_IPV4 && n->id_len >= 5)
		inet_ntop(AF_INET, n->id + 1, text, sizeof(text));
	else if (n->id[0] == SX_NODE_IPV6 && n->id_len >= 17)
		inet_ntop(AF_INET6, n->id + 1, text, sizeof(text));
	else if (!sx_network_instance_text((struct str){ (char *)n->id + 1, n->id_len - 1 },
					   &name)) {
		snprintf(dst, size, "%s", name.s);
		return;
	}
	snprintf(dst, size, "%s", *text ? text : "?");
}

/* --- what we are --- */

static void put_features(struct sx_up_features *f)
{
	*f = (struct sx_up_features){ .ddnd = true,
				      .dlbd = true,
				      .ftup = true,
				      .pfdm = true,
				      .empu = true,
				      .udbc = true,
				      .pfde = true,
				      .ueip = true };
}

static void put_pools(const struct upf *u, struct sx_pool_info *pool, size_t *ret_n, size_t max,
		      uint8_t names[][256])
{
	for (size_t i = 0; i < u->n_pools && i < max; i++) {
		const struct upf_pool *p = &u->pools[i];

		pool[i].n_pool_id = 1;
		pool[i].pool_id[0] = str_of(p->name);
		pool[i].has_network_instance = pool[i].has_ip_version = true;
		pool[i].network_instance = sx_network_instance(p->name, names[i]);
		pool[i].ip_version = (struct sx_ip_version){ .v4 = p->has4, .v6 = p->has6 };
		*ret_n = i + 1;
	}
}

/* --- associations --- */

static bool retains(const struct sx_association_setup_request *m, const struct upf_node *n)
{
	if (!m->has_retention)
		return false;
	if (!m->retention.n_cp_ip)
		return true;
	for (size_t i = 0; i < m->retention.n_cp_ip; i++) {
		const struct sx_ip *ip = &m->retention.cp_ip[i];

		if ((ip->v4 && n->addr.ss_family == AF_INET &&
		     ((const struct sockaddr_in *)&n->addr)->sin_addr.s_addr == ip->ip4.s_addr) ||
		    (ip->v6 && n->addr.ss_family == AF_INET6 &&
		     !memcmp(&((const struct sockaddr_in6 *)&n->addr)->sin6_addr, &ip->ip6, 16)))
			return true;
	}
	return false;
}

/*
 * A set-up over an association, or by one that has restarted: the sessions from before end, unless it wants
 * to keep them (6.2.6.2.2).
 */
static bool keep_sessions(struct upf *u, const struct sx_association_setup_request *m,
			  struct str id)
{
	struct upf_node *n = upf_node_find(u, id);

	if (!n || !n->n_sessions)
		return false;
	if (retains(m, n))
		return true;
	upf_node_clear(n);
	return false;
}

static void on_setup(struct upf *u, struct xchg_token *t, const struct xchg_msg *msg,
		     const struct sx_association_setup_request *m)
{
	struct sx_association_setup_response *r = &u->out.association_setup_response;
	static uint8_t names[UPF_POOLS_MAX][256];
	struct upf_node *n;
	struct str id;

	if (!tlv_find(&tlv_pfcp, msg->p, msg->n, SX_IE_NODE_ID, 0, &id))
		id = (struct str){ 0 };
	n = upf_node_find(u, id) ?: upf_node_new(u, id);
	if (!n || u->leaving) {
		upf_refuse(u, t, SX_ASSOCIATION_SETUP_REQUEST, 0, SX_NO_RESOURCES, 0);
		return;
	}
	sx_init(SX_ASSOCIATION_SETUP_RESPONSE, r);
	if (keep_sessions(u, m, id)) {
		r->has_asrsp_flags = true;
		r->asrsp_flags = 1; /* PSREI: they were retained */
	}
	n->features = m->has_cp_features ? m->cp_features : (struct sx_cp_features){ 0 };
	r->has_node_id = r->has_cause = r->has_recovery_ts = r->has_up_features = true;
	r->node_id = u->node_id;
	r->cause = SX_ACCEPTED;
	r->recovery_ts = u->recovery_ts;
	put_features(&r->up_features);
	put_pools(u, r->pool, &r->n_pool, ARRAY_SIZE(r->pool), names);
	upf_respond(u, t, SX_ASSOCIATION_SETUP_RESPONSE, 0, r);
}

static void on_update(struct upf *u, struct xchg_token *t,
		      const struct sx_association_update_request *m, struct upf_node *n)
{
	struct sx_association_update_response *r = &u->out.association_update_response;

	if (m->has_cp_features)
		n->features = m->cp_features;
	sx_init(SX_ASSOCIATION_UPDATE_RESPONSE, r);
	r->has_node_id = r->has_cause = r->has_up_features = true;
	r->node_id = u->node_id;
	r->cause = SX_ACCEPTED;
	put_features(&r->up_features);
	upf_respond(u, t, SX_ASSOCIATION_UPDATE_RESPONSE, 0, r);
	upf_state_save(u);
}

static void on_release(struct upf *u, struct xchg_token *t, struct upf_node *n)
{
	struct sx_association_release_response *r = &u->out.association_release_response;

	upf_node_clear(n);
	sx_init(SX_ASSOCIATION_RELEASE_RESPONSE, r);
	r->has_node_id = r->has_cause = true;
	r->node_id = u->node_id;
	r->cause = SX_ACCEPTED;
	upf_respond(u, t, SX_ASSOCIATION_RELEASE_RESPONSE, 0, r);
}

static bool in_set(void *arg, const struct upf_session *s)
{
	const struct sx_session_set_deletion_request *m = arg;

	for (size_t i = 0; i < m->n_csid; i++)
		for (uint8_t k = 0; k < m->csid[i].n; k++)
			for (uint8_t j = 0; j < s->n_csids; j++) {
				const struct upf_csid *q = &s->csids[j];

				if (q->csid == m->csid[i].csid[k] &&
				    q->node_type == m->csid[i].node_type &&
				    !memcmp(q->node, m->csid[i].node, q->node_type == 1 ? 16 : 4))
					return true;
			}
	return false;
}

static void on_set_deletion(struct upf *u, struct xchg_token *t,
			    struct sx_session_set_deletion_request *m)
{
	struct sx_session_set_deletion_response *r = &u->out.session_set_deletion_response;

	upf_sessions_end(u, in_set, m);
	sx_init(SX_SESSION_SET_DELETION_RESPONSE, r);
	r->has_node_id = r->has_cause = true;
	r->node_id = u->node_id;
	r->cause = SX_ACCEPTED;
	upf_respond(u, t, SX_SESSION_SET_DELETION_RESPONSE, 0, r);
}

/* --- requests --- */

static bool may_speak(const struct upf *u, const struct sockaddr_storage *from)
{
	struct conf_addr a = { .family = from->ss_family };

	if (!u->from)
		return true;
	if (a.family == AF_INET)
		a.v4 = ((const struct sockaddr_in *)from)->sin_addr;
	else
		a.v6 = ((const struct sockaddr_in6 *)from)->sin6_addr;
	for (size_t i = 0; i < u->n_from; i++)
		if (conf_prefix_has(&u->from[i], &a))
			return true;
	return false;
}

/* The SEID of whoever asked, as far as it can be known. */
static uint64_t seid_of(const struct upf *u, const struct xchg_msg *m)
{
	const struct upf_session *s;
	struct str v;
	uint64_t seid = 0;

	if (m->hdr->type == SX_SESSION_ESTABLISHMENT_REQUEST) {
		if (!tlv_find(&tlv_pfcp, m->p, m->n, SX_IE_F_SEID, 0, &v) || v.n < 9)
			return 0;
		for (int i = 1; i < 9; i++)
			seid = seid << 8 | (uint8_t)v.p[i];
		return seid;
	}
	s = m->hdr->has_id ? upf_session_find(u, m->hdr->id) : NULL;
	return s ? s->cp_seid : 0;
}

static void on_node_message(struct upf *u, struct xchg_token *t, const struct xchg_msg *m,
			    struct upf_node *n)
{
	uint8_t type = m->hdr->type;

	if (type == SX_ASSOCIATION_SETUP_REQUEST)
		on_setup(u, t, m, &u->in.association_setup_request);
	else if (type == SX_ASSOCIATION_UPDATE_REQUEST)
		on_update(u, t, &u->in.association_update_request, n);
	else if (type == SX_ASSOCIATION_RELEASE_REQUEST)
		on_release(u, t, n);
	else if (type == SX_SESSION_SET_DELETION_REQUEST)
		on_set_deletion(u, t, &u->in.session_set_deletion_request);
	else if (type == SX_PFD_MANAGEMENT_REQUEST)
		upf_pfd_manage(u, t, &u->in.pfd_management_request);
	else /* of a UP function, or nobody's */
		upf_refuse(u, t, type, 0, SX_SERVICE_NOT_SUPPORTED, 0);
}

static void on_session_message(struct upf *u, struct xchg_token *t, const struct xchg_msg *m,
			       struct upf_node *n)
{
	uint8_t type = m->hdr->type;

	if (type == SX_SESSION_ESTABLISHMENT_REQUEST)
		upf_establish(u, t, &u->in.session_establishment_request, n);
	else if (type == SX_SESSION_MODIFICATION_REQUEST)
		upf_modify(u, t, m->hdr->id, &u->in.session_modification_request);
	else if (type == SX_SESSION_DELETION_REQUEST)
		upf_delete(u, t, m->hdr->id);
	else
		upf_refuse(u, t, type, 0, SX_SERVICE_NOT_SUPPORTED, 0);
}

/* An association with this Node ID by another address of the CP function serves as well (6.2.6.1). */
static struct upf_node *node_of(struct upf *u, const struct xchg_msg *m, struct pfcp_peer *peer)
{
	struct upf_node *n = peer ? pfcp_peer_user(peer) : NULL;
	struct str id;

	if (n || !tlv_find(&tlv_pfcp, m->p, m->n, SX_IE_NODE_ID, 0, &id))
		return n;
	n = upf_node_find(u, id);
	return n && n->up ? n : NULL;
}

static void on_request(void *arg, struct xchg_token *t, const struct xchg_msg *m,
		       struct pfcp_peer *peer)
{
	struct upf *u = arg;
	struct upf_node *n;
	struct tlv_error e;

	if (!may_speak(u, m->from)) {
		metric_inc(&m_stranger);
		pfcp_drop(t);
		return;
	}
	n = node_of(u, m, peer);
	if (!sx_msg(m->hdr->type)) {
		pfcp_drop(t);
		return;
	}
	if (!n && m->hdr->type != SX_ASSOCIATION_SETUP_REQUEST) {
		upf_refuse(u, t, m->hdr->type, seid_of(u, m), SX_NO_ASSOCIATION, 0);
		return;
	}
	if (sx_decode(m->p, m->n, NULL, &u->in, &e)) {
		metric_inc(&m_malformed);
		upf_refuse(u, t, m->hdr->type, seid_of(u, m), e.cause, e.has_ie ? e.type : 0);
		return;
	}
	if (sx_is_session(m->hdr->type))
		on_session_message(u, t, m, n);
	else
		on_node_message(u, t, m, n);
}

/* --- peers --- */

static void peer_up(struct upf *u, struct pfcp_peer *p, struct upf_node *n)
{
	char name[300];

	n->up = true;
	n->releasing = false;
	n->addr = *pfcp_peer_addr(p);
	n->recovery_ts = pfcp_peer_recovery_ts(p);
	timer_stop(u->loop, &n->lost);
	pfcp_peer_set_user(p, n);
	metric_inc(&m_up);
	upf_node_name(n, name, sizeof(name));
	log_notice("association with %s", name);
	upf_state_save(u);
}

static void on_peer(void *arg, struct pfcp_peer *p, enum pfcp_event ev)
{
	struct upf *u = arg;
	struct upf_node *n =
		upf_node_find(u, pfcp_peer_node_id(p)) ?: upf_node_new(u, pfcp_peer_node_id(p));
	char name[300];

	if (!n)
		return;
	upf_node_name(n, name, sizeof(name));
	switch (ev) {
	case PFCP_UP:
		peer_up(u, p, n);
		break;
	case PFCP_DOWN:
		n->up = false;
		log_notice("association with %s was released", name);
		upf_node_clear(n);
		upf_state_save(u);
		break;
	case PFCP_LOST:
		log_warn("%s does not answer, its %u sessions stay", name, n->n_sessions);
		if (u->lost_s)
			timer_start(u->loop, &n->lost, u->lost_s * USEC_PER_SEC);
		break;
	case PFCP_BACK:
		log_notice("%s answers again", name);
		timer_stop(u->loop, &n->lost);
		upf_reports_again(n);
		break;
	case PFCP_RESTARTED:
		log_warn("%s has restarted, its %u sessions go", name, n->n_sessions);
		metric_inc(&m_restarts);
		timer_stop(u->loop, &n->lost);
		n->up = false;
		upf_node_clear(n);
		upf_state_save(u);
		break;
	}
}

const struct pfcp_ops upf_pfcp_ops = { .request = on_request, .peer = on_peer };

/* --- associations that we set up --- */

static void on_cp_answer(void *arg, const struct xchg_msg *m)
{
	struct upf_cp *c = arg;
	struct upf *u = c->upf;
	struct pfcp_peer *p = pfcp_peer_by_addr(u->pfcp, &c->addr);
	struct tlv_error e;

	c->call = NULL;
	timer_start(u->loop, &c->timer, RETRY_S * USEC_PER_SEC);
	if (!m || !p || !pfcp_peer_user(p) || m->hdr->type != SX_ASSOCIATION_SETUP_RESPONSE ||
	    sx_decode(m->p, m->n, NULL, &u->in, &e))
		return;
	if (u->in.association_setup_response.has_cp_features)
		((struct upf_node *)pfcp_peer_user(p))->features =
			u->in.association_setup_response.cp_features;
	upf_state_save(u);
}

static void cp_setup(struct upf_cp *c)
{
	struct upf *u = c->upf;
	struct sx_association_setup_request *m = &u->out.association_setup_request;
	struct tlv_buf b = TLV_BUF(u->buf);

	sx_init(SX_ASSOCIATION_SETUP_REQUEST, m);
	m->has_node_id = m->has_recovery_ts = m->has_up_features = true;
	m->node_id = u->node_id;
	m->recovery_ts = u->recovery_ts;
	put_features(&m->up_features);
	if (sx_encode(SX_ASSOCIATION_SETUP_REQUEST, 0, m, &b) ||
	    pfcp_request(u->pfcp, &c->addr, b.p, b.n, on_cp_answer, c, &c->call))
		timer_start(u->loop, &c->timer, RETRY_S * USEC_PER_SEC);
}

static void on_cp_timer(struct timer *t)
{
	struct upf_cp *c = container_of(t, struct upf_cp, timer);

	if (pfcp_peer_by_addr(c->upf->pfcp, &c->addr) || c->upf->leaving)
		timer_start(c->upf->loop, &c->timer, RETRY_S * USEC_PER_SEC);
	else
		cp_setup(c);
}

int upf_cps_parse(struct upf *u, const char *text, char *err, size_t size)
{
	struct str rest = str_of(text), one;
	struct conf_addr a;
	struct upf_cp *c;
	char s[64];

	while (str_split(&rest, ' ', &one)) {
		if (!one.n)
			continue;
		if (str_copy(s, sizeof(s), one) || conf_addr_parse(s, &a)) {
			snprintf(err, size, "upf.cps: \"%.*s\" is no address", STR_FMT(one));
			return -EINVAL;
		}
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->upf = u;
		conf_sockaddr(&a, PFCP_PORT, &c->addr);
		c->timer.fn = on_cp_timer;
		c->next = u->cps;
		u->cps = c;
		timer_start(u->loop, &c->timer, USEC_PER_MSEC);
	}
	return 0;
}

void upf_cps_free(struct upf *u)
{
	while (u->cps) {
		struct upf_cp *c = u->cps;

		u->cps = c->next;
		timer_stop(u->loop, &c->timer);
		free(c);
	}
}

/* --- graceful release (6.2.7.3) --- */

struct release {
	struct upf *u;
	uint8_t graceful_s;
};

static void on_released(void *arg _unused_, const struct xchg_msg *m _unused_)
{
}

static void ask_release(void *arg, struct pfcp_peer *p)
{
	struct release *r = arg;
	struct upf *u = r->u;
	struct sx_association_update_request *m = &u->out.association_update_request;
	struct upf_node *n = pfcp_peer_user(p);
	struct tlv_buf b = TLV_BUF(u->buf);

	if (n)
		n->releasing = true;
	sx_init(SX_ASSOCIATION_UPDATE_REQUEST, m);
	m->has_node_id = m->has_release = true;
	m->node_id = u->node_id;
	m->release.sarr = true;
	if (r->graceful_s) {
		m->has_graceful = true;
		m->graceful =
			(struct tlv_timer){ .unit = 0,
					    .value = (uint8_t)MIN(r->graceful_s / 2 + 1, 31) };
	}
	if (!sx_encode(SX_ASSOCIATION_UPDATE_REQUEST, 0, m, &b))
		pfcp_request(u->pfcp, pfcp_peer_addr(p), b.p, b.n, on_released, NULL, NULL);
}

void upf_release_all(struct upf *u, uint8_t graceful_s)
{
	struct release r = { u, graceful_s };

	u->leaving = true;
	pfcp_each_peer(u->pfcp, ask_release, &r);
}
