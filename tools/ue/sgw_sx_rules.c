// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules of a connection to IEs of Sxa (TS 29.244 7.5.2, 7.5.4; TS 23.214 5.2): see sgw_sx.h. No I/O.
 *
 * The uplink of a phone comes plain over its link, no F-TEID of S1-U: its PDRs have source interface Access and the
 * phone's address as the source. Downlink PDRs have the F-TEIDs of S5-U and source interface Core; their FAR forwards to
 * Access without a header.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "ref/ipfilter.h"
#include "sgw_sx.h"

static struct rules r;
static char flow[2][FILTERS_MAX][200];

/* Endpoints are told apart by family only: both nodes have the same SGW-U. */
static int family_of(struct sgw *s _unused_, bool v6, uint32_t *ret)
{
	*ret = v6 ? AF_INET6 : AF_INET;
	return 0;
}

/* --- filters --- */

static void put_end(struct ipf_end *e, enum ipf_host none, const struct knl_prefix *p,
		    const struct knl_ports *ports, uint8_t n_ports)
{
	*e = (struct ipf_end){ .host = p->addr.family ? IPF_ADDR : none,
			       .v6 = p->addr.family == AF_INET6,
			       .bits = p->len,
			       .n_port = n_ports };
	if (e->v6)
		e->ip6 = p->addr.v6;
	else if (e->host == IPF_ADDR)
		e->ip4 = p->addr.v4;
	for (uint8_t i = 0; i < n_ports; i++) {
		e->port[i].low = ports[i].low;
		e->port[i].high = ports[i].high;
	}
}

/* As TS 29.212 5.4.2 has it: "out", to the UE, whichever the direction of the PDR is. */
static int write_flow(const struct knl_filter *k, char *dst, size_t size)
{
	struct ipfilter f = { .has_proto = k->protocol >= 0, .proto = (uint8_t)k->protocol };

	put_end(&f.from, IPF_ANY, &k->remote, k->remote_ports, k->n_remote_ports);
	put_end(&f.to, IPF_ASSIGNED, &k->ue, k->ue_ports, k->n_ue_ports);
	return ipfilter_format(&f, dst, size);
}

static int write_flows(void)
{
	int e = 0;

	for (int down = 0; down < 2; down++)
		for (size_t i = 0; e >= 0 && i < r.n_filter[down]; i++)
			e = write_flow(&r.filter[down][i], flow[down][i], sizeof(flow[down][i]));
	return e < 0 ? e : 0;
}

static void put_filter(const struct knl_filter *k, struct sx_sdf_filter *f)
{
	bool down = k >= r.filter[1];

	*f = (struct sx_sdf_filter){ .fd = true,
				     .flow = str_of(flow[down][k - r.filter[down]]),
				     .ttc = k->tos >= 0,
				     .tos = (uint8_t)k->tos,
				     .tos_mask = (uint8_t)k->tos_mask,
				     .spi = k->spi,
				     .spi_value = k->spi,
				     .fl = k->flow_label >= 0,
				     .flow_label = (uint32_t)k->flow_label };
}

/* --- IEs --- */

static void put_fteid(const struct sockaddr_storage user[2], const struct knl_pdr *p,
		      struct sx_fteid *f)
{
	*f = (struct sx_fteid){ .teid = p->teid,
				.v4 = p->endpoint == AF_INET,
				.v6 = p->endpoint == AF_INET6 };
	if (f->v4)
		f->ip4 = ((const struct sockaddr_in *)&user[0])->sin_addr;
	else
		f->ip6 = ((const struct sockaddr_in6 *)&user[1])->sin6_addr;
}

static int put_pdi(const struct pdn *n, const struct sockaddr_storage user[2],
		   const struct knl_pdr *p, struct sx_pdi *d)
{
	if (p->n_filters > SX_FILTERS_MAX)
		return -ENOSPC;
	d->source = p->source == KNL_ACCESS ? SX_ACCESS : SX_CORE;
	d->has_fteid = p->teid;
	if (p->teid)
		put_fteid(user, p, &d->fteid);
	d->has_ue_ip = true;
	d->ue_ip = (struct sx_ue_ip){ .v4 = n->paa.type & S5_PDN_IPV4,
				      .v6 = n->paa.type & S5_PDN_IPV6,
				      .sd = p->source != KNL_ACCESS,
				      .ip4 = n->paa.ip4,
				      .ip6 = n->paa.ip6 };
	for (size_t i = 0; i < p->n_filters; i++)
		put_filter(&p->filters[i], &d->sdf[d->n_sdf++]);
	return 0;
}

/* Create and Update have the same rows here; each element is zero before. */
#define FILL_PDR(e, n, user, p, d)                           \
	do {                                                 \
		(d)->id = (uint16_t)(p)->id;                 \
		(d)->precedence = (p)->precedence;           \
		(d)->has_precedence = (d)->has_pdi = true;   \
		(d)->has_removal = (p)->teid;                \
		(d)->removal.desc = SX_REMOVE_GTPU;          \
		(d)->has_far_id = true;                      \
		(d)->far_id = (p)->far;                      \
		(d)->n_urr_id = 1;                           \
		(d)->urr_id[0] = (p)->urrs[0];               \
		(e) = (e) ?: put_pdi(n, user, p, &(d)->pdi); \
	} while (0)

static void put_creation(const struct knl_far *f, struct sx_creation *c)
{
	bool v6 = f->peer.addr.family == AF_INET6;

	*c = (struct sx_creation){ .desc = v6 ? SX_CREATE_GTPU6 : SX_CREATE_GTPU4,
				   .teid = f->teid };
	if (v6)
		c->ip6 = f->peer.addr.v6;
	else
		c->ip4 = f->peer.addr.v4;
}

#define FILL_FAR(f, d)                                                                   \
	do {                                                                             \
		(d)->id = (f)->id;                                                       \
		(d)->has_action = true;                                                  \
		(d)->action.forw = (f)->action & KNL_FORW;                               \
		(d)->action.buff = (f)->action & KNL_BUFF;                               \
		(d)->action.nocp = (f)->action & KNL_NOCP;                               \
		(d)->has_bar_id = (f)->id == FAR_DOWN;                                   \
		(d)->bar_id = BAR_ID;                                                    \
		(d)->has_forwarding = true;                                              \
		(d)->forwarding.has_destination = true;                                  \
		(d)->forwarding.destination = (f)->id == FAR_DOWN ? SX_ACCESS : SX_CORE; \
		(d)->forwarding.has_creation = (f)->id != FAR_DOWN;                      \
		if ((d)->forwarding.has_creation)                                        \
			put_creation(f, &(d)->forwarding.creation);                      \
	} while (0)

#define NEXT(list, n) ((n) == SX_RULES_MAX ? NULL : memset(&(list)[(n)++], 0, sizeof((list)[0])))

static int create_pdr(struct pdn *n, const struct sockaddr_storage user[2], const struct knl_pdr *p,
		      struct sx_create_pdr *list, size_t *count)
{
	struct sx_create_pdr *d = NEXT(list, *count);
	int e = 0;

	if (!d)
		return -ENOSPC;
	FILL_PDR(e, n, user, p, d);
	return e;
}

static int update_pdr(struct pdn *n, const struct sockaddr_storage user[2], const struct knl_pdr *p,
		      struct sx_session_modification_request *q)
{
	struct sx_update_pdr *d = NEXT(q->update_pdr, q->n_update_pdr);
	int e = 0;

	if (!d)
		return -ENOSPC;
	FILL_PDR(e, n, user, p, d);
	return e;
}

/* There are fewer bearers than a message has room for. */
static void create_far(const struct knl_far *f, struct sx_create_far *list, size_t *count)
{
	struct sx_create_far *d = NEXT(list, *count);

	if (d)
		FILL_FAR(f, d);
}

static void update_far(const struct knl_far *f, struct sx_session_modification_request *q)
{
	struct sx_update_far *d = NEXT(q->update_far, q->n_update_far);

	if (d)
		FILL_FAR(f, d);
}

static void create_urr(const struct knl_urr *u, struct sx_create_urr *list, size_t *count)
{
	struct sx_create_urr *d = NEXT(list, *count);

	if (!d)
		return;
	d->id = u->id;
	d->has_method = d->method.volum = true;
	d->has_triggers = true;
}

/* --- the whole --- */

static int build(struct pdn *n, struct sx_have *ret)
{
	int e = rules_build(n, &r, family_of);

	if (!e)
		e = write_flows();
	*ret = (struct sx_have){ r.s.n_pdrs, r.bearers };
	return e;
}

int sx_rules_all(struct pdn *n, const struct sockaddr_storage user[2],
		 struct sx_session_establishment_request *q, struct sx_have *ret)
{
	int e = build(n, ret);

	for (size_t i = 0; !e && i < r.s.n_pdrs; i++)
		e = create_pdr(n, user, &r.pdr[i], q->create_pdr, &q->n_create_pdr);
	for (size_t i = 0; !e && i < r.s.n_fars; i++)
		create_far(&r.far[i], q->create_far, &q->n_create_far);
	for (size_t i = 0; !e && i < r.s.n_urrs; i++)
		create_urr(&r.urr[i], q->create_urr, &q->n_create_urr);
	q->n_create_bar = 1;
	q->create_bar[0] =
		(struct sx_create_bar){ .id = BAR_ID, .has_packets = true, .packets = BAR_PACKETS };
	return e;
}

static void put_removals(struct sx_session_modification_request *q)
{
	for (size_t i = 0; i < r.s.n_del_pdrs && q->n_remove_pdr < SX_RULES_MAX; i++)
		q->remove_pdr[q->n_remove_pdr++].id = (uint16_t)r.del_pdr[i];
	for (size_t i = 0; i < r.s.n_del_fars; i++)
		q->remove_far[q->n_remove_far++].id = r.del_far[i];
	for (size_t i = 0; i < r.s.n_del_urrs; i++)
		q->remove_urr[q->n_remove_urr++].id = r.del_urr[i];
}

static bool had(const struct sx_have *have, uint32_t ebi)
{
	return have->bearers >> ebi & 1;
}

int sx_rules_change(struct pdn *n, const struct sockaddr_storage user[2],
		    const struct sx_have *have, struct sx_session_modification_request *q,
		    struct sx_have *ret)
{
	int e = build(n, ret);

	if (!e)
		rules_remove_rest(&r, have->n_pdrs, have->bearers);
	if (!e)
		put_removals(q);
	for (size_t i = 0; !e && i < r.s.n_pdrs; i++)
		e = r.pdr[i].id <= have->n_pdrs
			    ? update_pdr(n, user, &r.pdr[i], q)
			    : create_pdr(n, user, &r.pdr[i], q->create_pdr, &q->n_create_pdr);
	for (size_t i = 0; !e && i < r.s.n_fars; i++) {
		if (r.far[i].id == FAR_DOWN || had(have, r.far[i].id))
			update_far(&r.far[i], q);
		else
			create_far(&r.far[i], q->create_far, &q->n_create_far);
	}
	for (size_t i = 0; !e && i < r.s.n_urrs; i++)
		if (!had(have, r.urr[i].id > EBI_LAST ? r.urr[i].id - 16 : r.urr[i].id))
			create_urr(&r.urr[i], q->create_urr, &q->n_create_urr);
	return e;
}

void sx_rules_radio(const struct pdn *n, struct sx_session_modification_request *q)
{
	struct knl_far f = { .id = FAR_DOWN, .action = rules_radio(n) };

	update_far(&f, q);
}
