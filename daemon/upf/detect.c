// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that kims.ko asks us of (NFQUEUE): the first ones of a flow, for PDRs with an application (TS 29.244 5.4.11),
 * and router solicitations of phones.
 *
 * Application: by addresses with the first packet, else by a name once the client has said one; a flow that says
 * none is of no application. What was found is kept for a moment, for the report of the application's start.
 *
 * Router advertisement (TS 23.401 5.3.1.2.2, RFC 4861 6.2): each session with a prefix has a PDR of our own (rules.c)
 * which takes what its phone sends to all routers by the default bearer. The answer goes, as a G-PDU, where
 * downlink packets of that session go that match no filter.
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <stdio.h>

#include "lib/core/metrics.h"
#include "upf/upf.h"

#define OPT_PREFIX 3
#define OPT_MTU	   5
#define G_PDU	   255

METRIC_COUNTER(m_asked, "kims_upf_flows_asked_total",
	       "Packets of flows whose application was looked for");
METRIC_COUNTER(m_known, "kims_upf_flows_known_total", "Flows whose application was found");
METRIC_COUNTER(m_ra, "kims_upf_router_advertisements_total",
	       "Router advertisements sent to phones");

void upf_detect_metrics(void)
{
	metric_register(&m_asked);
	metric_register(&m_known);
	metric_register(&m_ra);
}

/* --- whose? --- */

struct upf_session *upf_session_by_ue(const struct upf *u, const struct xfrm_addr *a)
{
	struct hnode *n = htab_find(a->family == AF_INET ? &u->by_ue4 : &u->by_ue6, upf_ue_key(a));

	if (!n)
		return NULL;
	return a->family == AF_INET ? container_of(n, struct upf_session, by_ue4)
				    : container_of(n, struct upf_session, by_ue6);
}

static struct upf_session *session_of(const struct upf *u, const struct knl_nfq_packet *p)
{
	struct hnode *n = p->uplink ? htab_find(&u->teids, p->teid) : NULL;

	if (p->uplink)
		return n ? container_of(n, struct upf_teid, node)->s : NULL;
	return upf_session_by_ue(u, &p->flow.ue.addr);
}

/* --- router advertisement --- */

struct advert {
	uint8_t gtp[8];
	struct ip6_hdr ip;
	struct nd_router_advert ra;
	struct nd_opt_prefix_info prefix;
	struct nd_opt_mtu mtu;
} __attribute__((packed));

static uint16_t checksum(const struct ip6_hdr *ip, const void *body, size_t n)
{
	const uint8_t *a = (const uint8_t *)&ip->ip6_src, *p = body;
	uint32_t sum = (uint32_t)n + IPPROTO_ICMPV6;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(a[i] << 8 | a[i + 1]);
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The tunnel of what matches no filter: that of the downlink PDR that is tried last. */
struct way_back {
	struct knl_far far;
	bool found;
};

static int find_way(void *arg, const struct knl_session *k, const struct knl_counters *c _unused_)
{
	struct way_back *w = arg;
	uint32_t last = 0;

	for (size_t i = 0; i < k->n_pdrs; i++) {
		const struct knl_pdr *p = &k->pdrs[i];

		if (p->source != KNL_CORE || p->teid || (w->found && p->precedence <= last))
			continue;
		for (size_t f = 0; f < k->n_fars; f++) {
			if (k->fars[f].id != p->far || !k->fars[f].endpoint)
				continue;
			w->far = k->fars[f];
			w->found = true;
			last = p->precedence;
		}
	}
	return 0;
}

static size_t write_advert(const struct upf *u, const struct upf_session *s,
			   const struct in6_addr *to, uint32_t teid, struct advert *a)
{
	size_t body = sizeof(a->ra) + sizeof(a->prefix) + (u->ra_mtu ? sizeof(a->mtu) : 0);
	uint32_t teid_be = htonl(teid);
	uint16_t len = htons((uint16_t)(sizeof(a->ip) + body));
	struct ip6_hdr ip = { .ip6_src = { .s6_addr = { 0xfe, 0x80, [15] = 1 } } };

	memset(a, 0, sizeof(*a));
	a->gtp[0] = 0x30;
	a->gtp[1] = G_PDU;
	memcpy(&a->gtp[2], &len, 2);
	memcpy(&a->gtp[4], &teid_be, 4);
	if (!memcmp(&to->s6_addr[8], &ip.ip6_src.s6_addr[8], 8))
		ip.ip6_src.s6_addr[15] = 2; /* not the phone's own */
	ip.ip6_vfc = 0x60;
	ip.ip6_plen = htons((uint16_t)body);
	ip.ip6_nxt = IPPROTO_ICMPV6;
	ip.ip6_hlim = 255;
	ip.ip6_dst = IN6_IS_ADDR_UNSPECIFIED(to)
			     ? (struct in6_addr){ .s6_addr = { 0xff, 2, [15] = 1 } }
			     : *to;
	a->ip = ip;
	a->ra.nd_ra_type = ND_ROUTER_ADVERT;
	a->ra.nd_ra_curhoplimit = 64;
	a->ra.nd_ra_router_lifetime = 0xffff;
	a->prefix = (struct nd_opt_prefix_info){ .nd_opt_pi_type = OPT_PREFIX,
						 .nd_opt_pi_len = 4,
						 .nd_opt_pi_prefix_len = 64,
						 .nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_AUTO,
						 .nd_opt_pi_valid_time = UINT32_MAX,
						 .nd_opt_pi_preferred_time = UINT32_MAX,
						 .nd_opt_pi_prefix = s->ue6 };
	a->mtu = (struct nd_opt_mtu){ .nd_opt_mtu_type = OPT_MTU,
				      .nd_opt_mtu_len = 1,
				      .nd_opt_mtu_mtu = htonl(u->ra_mtu) };
	a->ra.nd_ra_cksum = checksum(&ip, &a->ra, body);
	return sizeof(a->gtp) + sizeof(a->ip) + body;
}

static void advertise(struct upf *u, struct upf_session *s, const struct in6_addr *to)
{
	struct way_back w = { 0 };
	struct advert a;
	size_t n;

	if (!s->has_ue6 || !u->send_gtpu ||
	    u->ops->session_get(u->k, s->by_seid.key, find_way, &w) || !w.found)
		return;
	n = write_advert(u, s, to, w.far.teid, &a);
	metric_inc(&m_ra);
	u->send_gtpu(u, &w.far.peer, &a, n);
}

static bool is_solicitation(const struct knl_nfq_packet *p)
{
	const struct ip6_hdr *ip = (const struct ip6_hdr *)p->inner;

	return p->uplink && p->inner_len >= sizeof(*ip) + sizeof(struct nd_router_solicit) &&
	       p->inner[0] >> 4 == 6 && ip->ip6_nxt == IPPROTO_ICMPV6 && ip->ip6_hlim == 255 &&
	       p->inner[sizeof(*ip)] == ND_ROUTER_SOLICIT &&
	       (IN6_IS_ADDR_LINKLOCAL(&ip->ip6_src) || IN6_IS_ADDR_UNSPECIFIED(&ip->ip6_src));
}

/* --- applications --- */

static void flow_text(const struct knl_app_flow *f, char *dst, size_t size)
{
	char ue[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	inet_ntop(f->ue.addr.family, &f->ue.addr.v4, ue, sizeof(ue));
	inet_ntop(f->remote.addr.family, &f->remote.addr.v4, remote, sizeof(remote));
	if (f->ue.port || f->remote.port)
		snprintf(dst, size, "permit out %u from %s %u to %s %u", f->protocol, remote,
			 f->remote.port, ue, f->ue.port);
	else
		snprintf(dst, size, "permit out %u from %s to %s", f->protocol, remote, ue);
}

static void remember(struct upf *u, const struct knl_app_flow *f)
{
	struct upf_detected *d = &u->detected[u->next_detected++ % UPF_DETECTED];

	d->seid = f->session;
	d->app = f->app_id;
	flow_text(f, d->flow, sizeof(d->flow));
}

const struct upf_detected *upf_detected_find(const struct upf *u, uint64_t seid, uint32_t app)
{
	for (size_t i = 1; i <= UPF_DETECTED; i++) {
		const struct upf_detected *d = &u->detected[(u->next_detected - i) % UPF_DETECTED];

		if (d->seid == seid && d->app == app)
			return d;
	}
	return NULL;
}

static enum knl_nfq_verdict detect(struct upf *u, struct upf_session *s,
				   const struct knl_nfq_packet *p)
{
	struct knl_app_flow f = p->flow;
	struct upf_name name;
	enum upf_name_kind kind;

	metric_inc(&m_asked);
	kind = upf_name_find(p->payload, p->payload_len, f.protocol, f.remote.port, &name);
	f.session = s->by_seid.key;
	f.app_id = upf_pfd_match(u, &f, kind, &name);
	if (!f.app_id && kind == UPF_NAME_MORE)
		return KNL_NFQ_UNDECIDED; /* a SYN, or the first part of a hello: the next packet may say more */
	if (f.app_id)
		metric_inc(&m_known);
	if (u->ops->app_flow_new(u->k, &f, 1))
		return KNL_NFQ_UNDECIDED;
	if (f.app_id)
		remember(u, &f);
	return KNL_NFQ_AGAIN;
}

enum knl_nfq_verdict upf_on_packet(void *arg, const struct knl_nfq_packet *p)
{
	struct upf *u = arg;
	struct upf_session *s = session_of(u, p);
	struct in6_addr from;

	if (!s || s->pending)
		return KNL_NFQ_UNDECIDED;
	if (is_solicitation(p)) {
		memcpy(&from, p->inner + 8, sizeof(from));
		advertise(u, s, &from);
		return KNL_NFQ_DROP;
	}
	return detect(u, s, p);
}
