// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kimsctl kernel clear: takes everything of kims out of this network namespace: media flows, bound
 * SA sets and protected ports of kims.ko, the P-CSCF's IPsec states and policies, and the guards
 * of its protected ports; GTP-U sessions and endpoints, and the UPF's device with its routes.
 *
 * A stopped P-CSCF or UPF leaves these on purpose: registrations and calls outlive a restart and the ports stay
 * closed meanwhile. This is for taking it out of service, after which kims.ko can be unloaded. Invariant: refused
 * while a P-CSCF or a UPF answers.
 */
#include <stdio.h>

#include "commands.h"
#include "lib/core/ctl.h"
#include "lib/netlink/kims_nl.h"
#include "lib/netlink/kims_nl_gtpu.h"
#include "lib/netlink/rt.h"

/* Copies of what a dump reported, since nothing can be deleted while it is being read. */
struct list {
	void *items;
	size_t n, room;
};

static int list_add(struct list *l, const void *item, size_t size)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void *items = reallocarray(l->items, room, size);

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->room = room;
	}
	memcpy((char *)l->items + l->n++ * size, item, size);
	return 0;
}

static int add_flow(void *arg, const struct knl_rtp_flow *f, const struct knl_rtp_stats *s _unused_)
{
	return list_add(arg, &f->id, sizeof(f->id));
}

static int add_set(void *arg, const struct knl_sa_set *s, const struct knl_sa_stats *st _unused_)
{
	return list_add(arg, &s->id, sizeof(s->id));
}

static int add_port(void *arg, const struct knl_gm_port *p)
{
	return list_add(arg, &p->local, sizeof(p->local));
}

static int clear_flows(struct knl *k, size_t *ret_n)
{
	struct list l = { 0 };
	int r = knl_rtp_dump(k, add_flow, &l), one;

	for (size_t i = 0; i < l.n; i++) {
		one = knl_rtp_del(k, ((uint32_t *)l.items)[i], NULL);
		r = one < 0 && one != -ENOENT ? one : r;
	}
	*ret_n = l.n;
	free(l.items);
	return r;
}

static int clear_sets(struct knl *k, size_t *ret_n)
{
	struct list l = { 0 };
	int r = knl_sa_dump(k, add_set, &l), one;

	for (size_t i = 0; i < l.n; i++) {
		one = knl_sa_del(k, ((uint32_t *)l.items)[i], NULL);
		r = one < 0 && one != -ENOENT ? one : r;
	}
	*ret_n = l.n;
	free(l.items);
	return r;
}

static int clear_ports(struct knl *k, size_t *ret_n)
{
	struct list l = { 0 };
	int r = knl_gm_port_dump(k, add_port, &l), one;

	for (size_t i = 0; i < l.n; i++) {
		const struct knl_end *e = (struct knl_end *)l.items + i;

		one = knl_gm_port_del(k, &e->addr, e->port);
		r = one < 0 && one != -ENOENT ? one : r;
	}
	*ret_n = l.n;
	free(l.items);
	return r;
}

static int add_endpoint(void *arg, const struct knl_gtpu_ep *ep)
{
	return list_add(arg, &ep->id, sizeof(ep->id));
}

/* An endpoint can go when no session uses it any more. */
static int clear_gtpu(struct knl *k, size_t *ret_n)
{
	struct list l = { 0 };
	int r = knl_session_flush(k), one;

	r = r < 0 ? r : knl_gtpu_ep_dump(k, add_endpoint, &l);
	for (size_t i = 0; i < l.n; i++) {
		one = knl_gtpu_ep_del(k, ((uint32_t *)l.items)[i], NULL);
		r = one < 0 && one != -ENOENT ? one : r;
	}
	*ret_n = l.n;
	free(l.items);
	return r;
}

/* Its routes go with it. */
static int clear_device(const char *name)
{
	struct knl_rt *rt;
	int r = knl_rt_open(&rt);

	if (r < 0)
		return kc_fail("routes: %s", strerror(-r));
	r = knl_rt_link_del(rt, name); /* 0 when there is none */
	if (r < 0)
		kc_fail("%s: %s", name, knl_rt_error(rt));
	knl_rt_close(rt);
	return r < 0;
}

static int clear_module(void)
{
	size_t flows, sets, ports, endpoints;
	struct knl *k;
	int r = knl_open(&k);

	if (r == -ENOENT)
		return 0; /* not loaded: nothing there */
	if (r < 0)
		return kc_fail("kims.ko: %s", strerror(-r));
	r = clear_flows(k, &flows);
	r = r < 0 ? r : clear_sets(k, &sets);
	r = r < 0 ? r : clear_ports(k, &ports);
	r = r < 0 ? r : clear_gtpu(k, &endpoints);
	if (r < 0)
		kc_fail("kims.ko: %s", knl_error(k));
	else
		printf("kims.ko: %zu flows, %zu SA sets, %zu protected ports, %zu GTP-U endpoints removed\n",
		       flows, sets, ports, endpoints);
	knl_close(k);
	return r < 0;
}

static int clear_ipsec(void)
{
	struct knl_xfrm *x;
	int r = knl_xfrm_open(&x);

	if (r == -EPROTONOSUPPORT)
		return 0; /* a kernel without IPsec */
	if (r < 0)
		return kc_fail("IPsec: %s", strerror(-r));
	r = knl_xfrm_flush(x, XFRM_REQID_MIN, XFRM_REQID_MAX);
	if (!r)
		r = knl_xfrm_guard_flush(x);
	if (r < 0)
		kc_fail("IPsec: %s", knl_xfrm_error(x));
	knl_xfrm_close(x);
	return r < 0;
}

static bool answers(const struct kimsctl *k, const char *nf)
{
	json_t *request = json_pack("{s:s}", "cmd", "ping"), *result = NULL;
	char path[256], err[256];
	int r;

	snprintf(path, sizeof(path), "%s/%s.sock", k->run_dir, nf);
	r = ctl_call(path, request, 2000, &result, err, sizeof(err));
	json_decref(request);
	json_decref(result);
	return r == 0;
}

int cmd_kernel_clear(struct kimsctl *k, int argc, char **argv _unused_)
{
	const struct conf *c = kc_conf(k);

	if (argc > 0) {
		fputs("usage: kimsctl kernel clear\n", stderr);
		return 2;
	}
	if (!c)
		return 1;
	if (answers(k, "pcscf") || answers(k, "upf"))
		return kc_fail(
			"the P-CSCF or the UPF is running: systemctl stop kims.target first");
	return clear_module() | clear_device(c->upf.device) | clear_ipsec();
}
