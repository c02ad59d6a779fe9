// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The real kernel behind struct kern_ops: XFRM for ESP (TS 33.203 6.3), kims.ko for bound SA sets
 * and media flows.
 *
 * Invariants: XFRM's policies are made first and removed last, since they alone keep the ports
 * closed when kims.ko is not there; what one of the two refuses is taken back from the other.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/core/log.h"
#include "pcscf/kern_priv.h"

static int from_xfrm(struct kern *k, int r)
{
	if (r < 0)
		k->error = knl_xfrm_error(k->xfrm);
	return r;
}

static int from_knl(struct kern *k, int r)
{
	if (r < 0)
		k->error = knl_error(k->knl);
	return r;
}

static const char *k_error(void *arg)
{
	struct kern *k = arg;

	return k->error ? k->error : "";
}

static int k_port_add(void *arg, const struct xfrm_addr *local, uint16_t port)
{
	struct kern *k = arg;
	int r = from_xfrm(k, knl_xfrm_guard_add(k->xfrm, local, port));

	return r < 0 ? r : from_knl(k, knl_gm_port_add(k->knl, local, port));
}

static int k_port_del(void *arg, const struct xfrm_addr *local, uint16_t port)
{
	struct kern *k = arg;
	int r = from_knl(k, knl_gm_port_del(k->knl, local, port));

	return r < 0 && r != -ENOENT ? r : from_xfrm(k, knl_xfrm_guard_del(k->xfrm, local, port));
}

static int k_set_add(void *arg, const struct xfrm_set *x, const struct knl_sa_set *b,
		     uint32_t *ret_id)
{
	struct kern *k = arg;
	int r = from_xfrm(k, knl_xfrm_set_add(k->xfrm, x));

	if (r < 0)
		return r;
	r = from_knl(k, knl_sa_new(k->knl, b, ret_id));
	if (r < 0)
		knl_xfrm_set_del(k->xfrm, x);
	return r;
}

static int k_set_del(void *arg, const struct xfrm_set *x, uint32_t id, struct knl_sa_stats *ret)
{
	struct kern *k = arg;
	int r = from_knl(k, knl_sa_del(k->knl, id, ret));
	int e = from_xfrm(k, knl_xfrm_set_del(k->xfrm, x));

	return e < 0 ? e : r == -ENOENT ? 0 : r;
}

static int k_set_rebind(void *arg, const struct knl_sa_set *b)
{
	struct kern *k = arg;

	return from_knl(k, knl_sa_replace(k->knl, b));
}

static int each_set(void *arg, const struct knl_sa_set *s, const struct knl_sa_stats *st _unused_)
{
	struct {
		int (*fn)(void *fn_arg, const struct knl_sa_set *s);
		void *fn_arg;
	} *c = arg;

	return c->fn(c->fn_arg, s);
}

static int k_set_dump(void *arg, int (*fn)(void *fn_arg, const struct knl_sa_set *s), void *fn_arg)
{
	struct kern *k = arg;
	struct {
		int (*fn)(void *fn_arg, const struct knl_sa_set *s);
		void *fn_arg;
	} c = { fn, fn_arg };

	return from_knl(k, knl_sa_dump(k->knl, each_set, &c));
}

static int k_set_stats(void *arg, uint32_t id, struct knl_sa_stats *ret)
{
	struct kern *k = arg;
	struct knl_sa_set s;

	return from_knl(k, knl_sa_get(k->knl, id, &s, ret));
}

static int k_set_lifetime(void *arg, const struct xfrm_set *x, uint64_t seconds)
{
	struct kern *k = arg;

	return from_xfrm(k, knl_xfrm_set_lifetime(k->xfrm, x, seconds));
}

static int k_xfrm_dump(void *arg, int (*fn)(void *fn_arg, const struct xfrm_state_info *i),
		       void *fn_arg)
{
	struct kern *k = arg;

	return from_xfrm(k, knl_xfrm_dump(k->xfrm, KERN_REQID_MIN, KERN_REQID_MAX, fn, fn_arg));
}

static int k_xfrm_flush(void *arg, uint32_t reqid)
{
	struct kern *k = arg;

	return from_xfrm(k, knl_xfrm_flush(k->xfrm, reqid, reqid));
}

static int k_rtp_new(void *arg, const struct knl_rtp_flow *f, uint32_t *ret_id)
{
	struct kern *k = arg;

	return from_knl(k, knl_rtp_new(k->knl, f, ret_id));
}

static int k_rtp_replace(void *arg, const struct knl_rtp_flow *f)
{
	struct kern *k = arg;

	return from_knl(k, knl_rtp_replace(k->knl, f));
}

static int k_rtp_del(void *arg, uint32_t id, struct knl_rtp_stats *ret)
{
	struct kern *k = arg;

	return from_knl(k, knl_rtp_del(k->knl, id, ret));
}

static int k_rtp_get(void *arg, uint32_t id, struct knl_rtp_stats *ret)
{
	struct kern *k = arg;
	struct knl_rtp_flow f;

	return from_knl(k, knl_rtp_get(k->knl, id, &f, ret));
}

static int each_flow(void *arg, const struct knl_rtp_flow *f,
		     const struct knl_rtp_stats *s _unused_)
{
	struct {
		int (*fn)(void *fn_arg, const struct knl_rtp_flow *f);
		void *fn_arg;
	} *c = arg;

	return c->fn(c->fn_arg, f);
}

static int k_rtp_dump(void *arg, int (*fn)(void *fn_arg, const struct knl_rtp_flow *f),
		      void *fn_arg)
{
	struct kern *k = arg;
	struct {
		int (*fn)(void *fn_arg, const struct knl_rtp_flow *f);
		void *fn_arg;
	} c = { fn, fn_arg };

	return from_knl(k, knl_rtp_dump(k->knl, each_flow, &c));
}

static int k_encap_open(void *arg, const struct xfrm_addr *local, uint16_t port)
{
	struct kern *k = arg;
	int *fd = &k->encap[local->family == AF_INET6];
	int r;

	if (*fd >= 0)
		return -EEXIST;
	r = knl_xfrm_encap_open(local, port, fd);
	if (r < 0)
		k->error = strerror(-r);
	return r;
}

static int k_set_encap(void *arg, const struct xfrm_set *x)
{
	struct kern *k = arg;

	return from_xfrm(k, knl_xfrm_set_encap(k->xfrm, x));
}

const struct kern_ops kern_real_ops = {
	.port_add = k_port_add,
	.port_del = k_port_del,
	.set_add = k_set_add,
	.set_del = k_set_del,
	.set_stats = k_set_stats,
	.set_lifetime = k_set_lifetime,
	.set_dump = k_set_dump,
	.xfrm_dump = k_xfrm_dump,
	.xfrm_flush = k_xfrm_flush,
	.rtp_new = k_rtp_new,
	.rtp_replace = k_rtp_replace,
	.rtp_del = k_rtp_del,
	.rtp_get = k_rtp_get,
	.rtp_dump = k_rtp_dump,
	.error = k_error,
	.encap_open = k_encap_open,
	.set_encap = k_set_encap,
	.tunnel_of = kern_tunnel_of,
	.set_rebind = k_set_rebind,
};

static void on_events(struct loop_io *io, uint32_t revents _unused_)
{
	struct kern *k = container_of(io, struct kern, io);
	int r = knl_events_read(k->knl, k->fn, k->arg);

	if (r == -ENOBUFS)
		log_warn("some of the kernel's events were lost");
	else if (r < 0)
		log_warn("events of kims.ko: %s", strerror(-r));
}

static void take_mapping(void *arg, const struct xfrm_mapping *m)
{
	struct knl_event e = { .kind = KNL_EV_ESP_MAPPED, .spi = m->spi, .count = 1 };
	struct kern *k = arg;

	e.src.addr = m->peer;
	e.src.port = m->port;
	e.dst.addr = m->our;
	k->fn(k->arg, &e);
}

static void on_mappings(struct loop_io *io, uint32_t revents _unused_)
{
	struct kern *k = container_of(io, struct kern, mapping_io);
	int r = knl_xfrm_mapping_read(k->xfrm, take_mapping, k);

	if (r < 0) /* the next packet tells it again */
		log_info("changes of NAT ports: %s", strerror(-r));
}

static int open_mappings(struct kern *k, char *err, size_t errsize)
{
	int r, fd;

	r = knl_xfrm_mapping_open(k->xfrm, &fd);
	if (!r) {
		k->mapping_io = (struct loop_io){ .fd = fd, .events = EPOLLIN, .fn = on_mappings };
		r = loop_io_add(k->loop, &k->mapping_io);
	}
	if (r < 0)
		snprintf(err, errsize, "XFRM: %s", knl_xfrm_error(k->xfrm));
	return r;
}

static int open_events(struct kern *k, char *err, size_t errsize)
{
	int r = knl_events_open(k->knl);

	if (!r) {
		k->io = (struct loop_io){ .fd = knl_events_fd(k->knl),
					  .events = EPOLLIN,
					  .fn = on_events };
		r = loop_io_add(k->loop, &k->io);
	}
	if (r < 0)
		snprintf(err, errsize, "events of kims.ko: %s", strerror(-r));
	return r;
}

int kern_open(struct loop *l, void (*fn)(void *arg, const struct knl_event *e), void *arg,
	      struct kern **ret, char *err, size_t errsize)
{
	struct kern *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->loop = l;
	k->fn = fn;
	k->arg = arg;
	k->encap[0] = k->encap[1] = -1;
	r = knl_xfrm_open(&k->xfrm);
	if (r < 0) {
		snprintf(err, errsize, "XFRM: %s%s", strerror(-r),
			 r == -EPERM ? " (CAP_NET_ADMIN is needed)" : "");
		goto fail;
	}
	r = knl_open(&k->knl);
	if (r < 0) {
		snprintf(err, errsize, "kims.ko: %s",
			 r == -ENOENT ? "the module is not loaded" : strerror(-r));
		goto fail;
	}
	r = open_events(k, err, errsize);
	if (!r)
		r = open_mappings(k, err, errsize);
	if (r < 0)
		goto fail;
	*ret = k;
	return 0;
fail:
	kern_close(k);
	return r;
}

void kern_close(struct kern *k)
{
	if (!k)
		return;
	kern_tunnels_free(k);
	loop_io_del(k->loop, &k->io);
	loop_io_del(k->loop, &k->mapping_io);
	for (size_t i = 0; i < ARRAY_SIZE(k->encap); i++)
		if (k->encap[i] >= 0)
			close(k->encap[i]);
	if (k->knl)
		knl_close(k->knl);
	if (k->xfrm)
		knl_xfrm_close(k->xfrm);
	free(k);
}
