// SPDX-License-Identifier: GPL-2.0-or-later
/* kims-upf: the UPF as a daemon; wires the object to the configuration, to PFCP and to kims.ko. */
#include <net/if.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "lib/core/app.h"
#include "lib/core/log.h"
#include "lib/netlink/rt.h"
#include "upf/upf.h"

static struct upf upf;
static struct knl *knl;
static struct knl_nfq *nfq;
static struct loop_io events, packets;
static int gtpu_fd[2] = { -1, -1 }; /* IPv4, IPv6 */
static char state_path[512];

/* --- the kernel --- */

static void on_readable(struct loop_io *io _unused_, uint32_t revents _unused_)
{
	if (knl_gtpu_events_read(knl, upf_on_event, &upf) == -ENOBUFS)
		upf_reports_lost(&upf);
}

static struct xfrm_addr to_xfrm(const struct conf_addr *a)
{
	struct xfrm_addr r = { .family = a->family };

	if (a->family == AF_INET)
		r.v4 = a->v4;
	else
		r.v6 = a->v6;
	return r;
}

struct find_ep {
	struct xfrm_addr addr;
	uint32_t id;
};

static int match_ep(void *arg, const struct knl_gtpu_ep *ep)
{
	struct find_ep *f = arg;

	if (ep->local.addr.family == f->addr.family &&
	    !memcmp(&ep->local.addr.v4, &f->addr.v4, f->addr.family == AF_INET ? 4 : 16))
		f->id = ep->id;
	return 0;
}

/* The endpoint of this address; *kept stays when it was there. */
static int endpoint(const struct conf *c, const struct conf_addr *a, uint32_t device,
		    uint32_t *ret_id, bool *kept)
{
	struct find_ep f = { .addr = to_xfrm(a) };
	struct knl_gtpu_ep ep = { .local.addr = f.addr,
				  .device = device,
				  .udp_checksum = -1,
				  .stack = c->upf.stack,
				  .mss_clamp = c->upf.mss_clamp };
	int e = knl_gtpu_ep_dump(knl, match_ep, &f);

	*ret_id = f.id;
	if (e || f.id)
		return e;
	*kept = false;
	return knl_gtpu_ep_new(knl, &ep, ret_id);
}

static int open_endpoints(const struct conf *c, uint32_t device, bool *kept, char *err, size_t size)
{
	const struct conf_addr *a4 = c->upf.gtpu4.family ? &c->upf.gtpu4 : &c->upf.addr;
	const struct conf_addr *a6 = c->upf.gtpu6.family ? &c->upf.gtpu6 : &c->upf.addr6;
	int e = 0;

	*kept = true;
	upf.has4 = a4->family == AF_INET;
	upf.has6 = a6->family == AF_INET6;
	if (!upf.has4 && !upf.has6) {
		snprintf(err, size, "upf.addr: the UPF needs an address for GTP-U");
		return -EINVAL;
	}
	if (upf.has4) {
		upf.gtpu4 = a4->v4;
		e = endpoint(c, a4, device, &upf.ep4, kept);
	}
	if (upf.has6 && !e) {
		upf.gtpu6 = a6->v6;
		e = endpoint(c, a6, device, &upf.ep6, kept);
	}
	if (e)
		snprintf(err, size, "GTP-U endpoint: %s", knl_error(knl));
	return e;
}

static int route_pools(struct knl_rt *rt, uint32_t device)
{
	int e = 0;

	for (size_t i = 0; i < upf.n_pools && !e; i++) {
		const struct upf_pool *p = &upf.pools[i];
		struct knl_route r4 = { .dst = { .family = AF_INET, .v4 = p->net4 },
					.bits = p->bits4,
					.index = device };
		struct knl_route r6 = { .dst = { .family = AF_INET6, .v6 = p->net6 },
					.bits = p->bits6,
					.index = device };

		if (p->has4)
			e = knl_rt_route(rt, true, &r4);
		if (p->has6 && !e)
			e = knl_rt_route(rt, true, &r6);
	}
	return e;
}

static int open_device(const struct conf *c, uint32_t *ret, char *err, size_t size)
{
	struct knl_rt *rt = NULL;
	uint32_t peer;
	int e = knl_rt_open(&rt);

	if (!e && knl_rt_link(rt, c->upf.device, ret, &peer))
		e = knl_rt_link_new(rt, c->upf.device, "kims", ret);
	if (!e)
		e = route_pools(rt, *ret);
	if (e)
		snprintf(err, size, "upf.device %s: %s", c->upf.device,
			 rt ? knl_rt_error(rt) : strerror(-e));
	knl_rt_close(rt);
	return e;
}

static int open_kernel(struct app *a, bool *kept, char *err, size_t size)
{
	uint32_t device = 0;
	int e = knl_open(&knl);

	if (e) {
		snprintf(err, size, "kims.ko: %s",
			 e == -ENOENT ? "the module is not loaded" : strerror(-e));
		return e;
	}
	e = open_device(a->conf, &device, err, size);
	if (!e)
		e = open_endpoints(a->conf, device, kept, err, size);
	if (e)
		return e;
	upf.ops = &upf_kernel;
	upf.k = knl;
	e = knl_gtpu_events_open(knl);
	if (e) {
		snprintf(err, size, "events of kims.ko: %s", strerror(-e));
		return e;
	}
	events = (struct loop_io){ .fd = knl_events_fd(knl), .events = EPOLLIN, .fn = on_readable };
	return loop_io_add(a->loop, &events);
}

/* --- packets that the kernel asks of --- */

static void on_packets(struct loop_io *io _unused_, uint32_t revents _unused_)
{
	knl_nfq_read(nfq, 64);
}

/* Port 2152 is the kernel's; the source port of a G-PDU is free (TS 29.281 4.4.2.3). */
static int open_gtpu(int family)
{
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr = upf.gtpu4;
	else
		((struct sockaddr_in6 *)&a)->sin6_addr = upf.gtpu6;
	if (!bind(fd, (struct sockaddr *)&a,
		  family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)))
		return fd;
	close(fd);
	return -1;
}

static void send_gtpu(struct upf *u _unused_, const struct knl_end *peer, const void *p, size_t n)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_addr = peer->addr.v6,
				   .sin6_port = htons(peer->port ? peer->port : 2152) };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr = peer->addr.v4,
				  .sin_port = a6.sin6_port };

	if (peer->addr.family == AF_INET)
		sendto(gtpu_fd[0], p, n, MSG_DONTWAIT, (struct sockaddr *)&a4, sizeof(a4));
	else
		sendto(gtpu_fd[1], p, n, MSG_DONTWAIT, (struct sockaddr *)&a6, sizeof(a6));
}

/* Without the queue there is neither application detection nor router advertisement; all else works. */
static void open_queue(struct app *a)
{
	int e = knl_nfq_open(upf.app_queue, 2152, upf_on_packet, &upf, &nfq);

	if (e) {
		log_warn("NFQUEUE %u: %s: no application detection, no router advertisements",
			 upf.app_queue, e == -EBUSY ? "somebody else reads it" : strerror(-e));
		return;
	}
	packets = (struct loop_io){ .fd = knl_nfq_fd(nfq), .events = EPOLLIN, .fn = on_packets };
	upf.queue = !loop_io_add(a->loop, &packets);
	gtpu_fd[0] = upf.has4 ? open_gtpu(AF_INET) : -1;
	gtpu_fd[1] = upf.has6 ? open_gtpu(AF_INET6) : -1;
	upf.send_gtpu = send_gtpu;
}

/* --- configuration --- */

static int read_instances(const char *text, char *err, size_t size)
{
	struct str rest = str_of(text), one, name;

	while (str_split(&rest, ' ', &one)) {
		struct upf_instance *i = &upf.instances[upf.n_instances];
		char device[IFNAMSIZ];

		if (!one.n)
			continue;
		if (upf.n_instances == UPF_POOLS_MAX || !str_split(&one, '=', &name) ||
		    str_copy(i->name, sizeof(i->name), name) ||
		    str_copy(device, sizeof(device), one) ||
		    !(i->device = if_nametoindex(device))) {
			snprintf(err, size, "upf.instances: \"%.*s\": no such device",
				 STR_FMT(one));
			return -EINVAL;
		}
		upf.n_instances++;
	}
	return 0;
}

static void set_identity(const struct conf_upf *c)
{
	upf.has_pfcp4 = c->addr.family == AF_INET;
	upf.has_pfcp6 = c->addr6.family == AF_INET6;
	upf.pfcp4 = c->addr.v4;
	upf.pfcp6 = c->addr6.v6;
	if (upf.has_pfcp4)
		upf.node_id = (struct sx_node_id){ .type = SX_NODE_IPV4, .ip4 = c->addr.v4 };
	else
		upf.node_id = (struct sx_node_id){ .type = SX_NODE_IPV6, .ip6 = c->addr6.v6 };
	upf.lost_s = c->lost_s;
	upf.ra_mtu = c->ra_mtu;
	upf.max_sessions = c->max_sessions;
	upf.app_queue = (uint16_t)c->app_queue;
	upf.state_path = state_path;
}

static int open_pfcp(struct app *a, char *err, size_t size)
{
	const struct conf_upf *c = &a->conf->upf;
	struct pfcp_conf pc = { .heartbeat_s = c->heartbeat_s, .recovery_ts = upf.recovery_ts };
	int e;

	conf_sockaddr(&c->addr, PFCP_PORT, &pc.local[0]);
	conf_sockaddr(&c->addr6, PFCP_PORT, &pc.local[1]);
	e = pfcp_open(a->loop, &pc, &upf_pfcp_ops, &upf, &upf.pfcp);
	if (e)
		snprintf(err, size, "PFCP, UDP port %d of upf.addr, upf.addr6: %s", PFCP_PORT,
			 strerror(-e));
	return e;
}

/* --- life --- */

static void fini(struct app *a)
{
	pfcp_close(upf.pfcp);
	upf.pfcp = NULL;
	loop_io_del(a->loop, &events);
	loop_io_del(a->loop, &packets);
	if (nfq)
		knl_nfq_close(nfq);
	nfq = NULL;
	for (int i = 0; i < 2; i++)
		closep(&gtpu_fd[i]);
	if (upf.loop)
		upf_fini(&upf);
	if (knl)
		knl_close(knl);
	knl = NULL;
}

static int start(struct app *a, char *err, size_t size)
{
	bool kept = false;
	int e;

	snprintf(state_path, sizeof(state_path), "%s/upf%s.state", a->state_dir, a->instance);
	upf_metrics();
	upf_node_metrics();
	upf_report_metrics();
	upf_detect_metrics();
	set_identity(&a->conf->upf);
	a->nf = &upf;
	e = upf_init(&upf, a->loop) ?: conf_trusted(a->conf, &upf.from, &upf.n_from) ?:
	    upf_pools_parse(&upf, a->conf->upf.pools, err, size) ?:
	    read_instances(a->conf->upf.instances, err, size) ?: open_kernel(a, &kept, err, size);
	if (!e) {
		open_queue(a);
		upf_state_load(&upf, kept);
		e = open_pfcp(a, err, size);
	}
	if (!e) {
		upf_state_peers(&upf);
		e = upf_state_sessions(&upf) ?: upf_cps_parse(&upf, a->conf->upf.cps, err, size);
	}
	if (!e)
		upf_state_save(&upf);
	else
		fini(a);
	return e;
}

static const struct app_desc desc = {
	.name = "upf",
	.summary = "UPF: sessions of CP functions (PFCP) in the user plane of kims.ko.",
	.cmds = upf_cmds,
	.start = start,
	.fini = fini,
};

int main(int argc, char **argv)
{
	return app_main(argc, argv, &desc);
}
