// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the P-CSCF is and with which address it is reached (TS 24.229 9.2.1; RFC 3263).
 *
 * A name is resolved in the phone's namespace on a loop of its own, before the phone starts.
 */
#include <stdio.h>

#include "lib/sip/resolve.h"
#include "phone.h"

#define RESOLVE_TIMEOUT_MS 5000

struct lookup {
	sa_family_t family; /* AF_UNSPEC: any */
	union sip_sa found;
	int r;
	bool done;
};

static sa_family_t wanted_family(const struct phone *p)
{
	return p->conf.family == 4 ? AF_INET : p->conf.family == 6 ? AF_INET6 : AF_UNSPEC;
}

static void on_hops(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct lookup *q = arg;

	q->done = true;
	q->r = err ? err : -ENOENT;
	for (size_t i = 0; i < n; i++) {
		if (q->family == AF_UNSPEC || hops[i].addr.sa.sa_family == q->family) {
			q->found = hops[i].addr;
			q->r = 0;
			return;
		}
	}
}

static int system_dns(union sip_sa *ret)
{
	char line[256], addr[128];
	FILE *f = fopen("/etc/resolv.conf", "re");
	int r = -ENOENT;

	if (!f)
		return -errno;
	while (r && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %127s", addr) == 1)
			r = sip_sa_parse(addr, 53, ret);
	}
	fclose(f);
	return r;
}

static int lookup_name(struct phone *p, const union sip_sa *dns, struct lookup *q)
{
	struct sip_resolver *res = NULL;
	struct sip_query *query = NULL;
	struct loop *l = NULL;
	char uri[300];
	int r = loop_new(&l);

	if (!r)
		r = sip_resolver_new(l, dns, &res);
	snprintf(uri, sizeof(uri), "sip:%s", p->conf.pcscf);
	if (!r)
		r = sip_resolve(res, str_of(uri), on_hops, q, &query);
	for (int ms = 0; !r && !q->done && ms < RESOLVE_TIMEOUT_MS; ms += 20)
		loop_once(l, 20);
	if (!r && !q->done) {
		sip_query_cancel(query);
		r = -ETIMEDOUT;
	}
	sip_resolver_free(res);
	loop_free(l);
	return r ? r : q->r;
}

static int resolve(struct phone *p, char *err, size_t errsize)
{
	struct lookup q = { .family = wanted_family(p), .r = -ENOENT };
	union sip_sa dns;
	int r = p->conf.dns ? sip_sa_parse(p->conf.dns, 53, &dns) : system_dns(&dns);

	if (r) {
		snprintf(err, errsize,
			 "no DNS server to look %s up with: give pcscf an address or set dns",
			 p->conf.pcscf);
		return r;
	}
	r = lookup_name(p, &dns, &q);
	if (r) {
		snprintf(err, errsize, "P-CSCF %s: %s", p->conf.pcscf,
			 r == -ENOENT ? "no such name" : strerror(-r));
		return r;
	}
	p->pcscf = q.found;
	return 0;
}

static int source_for(const union sip_sa *peer, union sip_sa *ret)
{
	_cleanup_close_ int fd = socket(peer->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(ret->ss);

	if (fd < 0 || connect(fd, &peer->sa, sip_sa_len(peer)) || getsockname(fd, &ret->sa, &len))
		return -errno;
	sip_sa_set_port(ret, 0);
	return 0;
}

static int own_address(struct phone *p, char *err, size_t errsize)
{
	char peer[SIP_SA_STRLEN];
	int r;

	if (p->conf.addr) {
		r = sip_sa_parse(p->conf.addr, 0, &p->local);
		if (r || p->local.sa.sa_family != p->pcscf.sa.sa_family) {
			snprintf(err, errsize, "addr %s is no address of the P-CSCF's family",
				 p->conf.addr);
			return -EINVAL;
		}
		return 0;
	}
	r = source_for(&p->pcscf, &p->local);
	if (r)
		snprintf(err, errsize, "no route to the P-CSCF %s: %s", sip_sa_str(&p->pcscf, peer),
			 strerror(-r));
	return r;
}

int phone_locate(struct phone *p, char *err, size_t errsize)
{
	_cleanup_netns_ int back = netns_enter(&p->ns);
	int r;

	if (back < -1) {
		snprintf(err, errsize, "network namespace %s: %s", p->conf.netns,
			 strerror(-(back + 1)));
		return back + 1;
	}
	r = sip_sa_parse(p->conf.pcscf, (uint16_t)p->conf.pcscf_port, &p->pcscf);
	if (r)
		r = resolve(p, err, errsize);
	if (!r && !sip_sa_port(&p->pcscf))
		sip_sa_set_port(&p->pcscf, (uint16_t)p->conf.pcscf_port);
	return r ? r : own_address(p, err, errsize);
}
