// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The link between a phone and the access namespace: the phone's addresses on its device with a default route, and in the
 * access namespace the way back. The access end of every such link has the same two addresses, which the
 * phones have as their next hop.
 *
 * Many phones may share a namespace and its device: nothing here is taken away that another one could use.
 */
#include <stdio.h>

#include "sgw_priv.h"

#define TABLE_OF(n) (100u + (n)->lbi) /* routes of a connection besides the phone's first */

static struct xfrm_addr next_hop(bool v6)
{
	struct xfrm_addr a = { .family = v6 ? AF_INET6 : AF_INET };

	if (v6) /* fe80::1 */
		a.v6 = (struct in6_addr){ .s6_addr = { 0xfe, 0x80, [15] = 1 } };
	else /* 169.254.0.1 */
		a.v4.s_addr = htonl(0xa9fe0001);
	return a;
}

static struct xfrm_addr address(const struct pdn *n, bool v6)
{
	struct xfrm_addr a = { .family = v6 ? AF_INET6 : AF_INET };

	if (v6)
		a.v6 = n->paa.ip6;
	else
		a.v4 = n->paa.ip4;
	return a;
}

static bool is_first(const struct pdn *n)
{
	return !n->p->conf.apn || !strcasecmp(n->apn, n->p->conf.apn);
}

/* In the phone's namespace. */
static int phone_side(struct pdn *n, struct knl_rt *r, bool v6, bool add)
{
	struct xfrm_addr own = address(n, v6);
	struct knl_route way = { .dst.family = own.family,
				 .via = next_hop(v6),
				 .index = n->link,
				 .table = is_first(n) ? 0 : TABLE_OF(n),
				 .mtu = n->mtu };
	int e = knl_rt_addr(r, add, n->link, &own, v6 ? 128 : 32);

	if (!e && add)
		e = knl_rt_route(r, true, &way);
	if (!e && !is_first(n))
		e = knl_rt_rule(r, add, &own, TABLE_OF(n));
	return e;
}

/* In the access namespace. */
static int access_side(struct pdn *n, struct knl_rt *r, bool v6, bool add)
{
	struct xfrm_addr hop = next_hop(v6);
	struct knl_route back = { .dst = address(n, v6),
				  .bits = v6 ? 64 : 32,
				  .index = n->peer_link };
	int e = 0;

	if (v6)
		memset(&back.dst.v6.s6_addr[8], 0, 8);
	if (add)
		e = knl_rt_addr(r, true, n->peer_link, &hop, v6 ? 64 : 32);
	return e ? e : knl_rt_route(r, add, &back);
}

static int each_family(struct pdn *n, struct knl_rt *r, bool add,
		       int (*fn)(struct pdn *n, struct knl_rt *r, bool v6, bool add))
{
	int e = n->paa.type & S5_PDN_IPV4 ? fn(n, r, false, add) : 0;

	if (!e && (n->paa.type & S5_PDN_IPV6))
		e = fn(n, r, true, add);
	return e;
}

static int in_phone(struct pdn *n, bool add, char *err, size_t size)
{
	_cleanup_netns_ int back = netns_enter(&n->p->ns);
	struct knl_rt *r = NULL;
	int e = back < -1 ? back + 1 : knl_rt_open(&r);

	if (!e && !n->link)
		e = knl_rt_link(r, n->p->conf.dev, &n->link, &n->peer_link);
	if (!e)
		e = each_family(n, r, add, phone_side);
	if (e)
		snprintf(err, size, "namespace %s: %s", n->p->conf.netns ? n->p->conf.netns : "",
			 r ? knl_rt_error(r) : strerror(-e));
	knl_rt_close(r);
	return e;
}

int addr_set(struct pdn *n, char *err, size_t size)
{
	int e;

	if (n->a->send || n->gtpu == GTPU_NONE)
		return 0;
	e = in_phone(n, true, err, size);
	if (!e) {
		n->addressed = true;
		e = each_family(n, n->a->rt, true, access_side);
		if (e)
			snprintf(err, size, "access namespace: %s", knl_rt_error(n->a->rt));
	}
	return e;
}

void addr_clear(struct pdn *n)
{
	char err[160];

	if (!n->addressed)
		return;
	n->addressed = false;
	in_phone(n, false, err, sizeof(err));
	each_family(n, n->a->rt, false, access_side);
}
