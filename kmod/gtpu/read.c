// SPDX-License-Identifier: GPL-2.0
/*
 * Rules of a session as a request gives them (TS 29.244 7.5.2): one PDR, filter, FAR, QER, URR,
 * BAR from its attributes. What is wrong by itself is refused here, what it names is looked for
 * in rules.c.
 *
 * Types, lengths and ranges have been checked, down to the innermost nest, by the policy of the
 * command (genl-gen.c), so that the nests are only taken apart here.
 */
#include <linux/inetdevice.h>
#include "gtpu/control.h"

#define KIMS_REFUSE_IN(extack, attr, msg) KIMS_REFUSE_ATTR(extack, -EINVAL, attr, msg)

/* Attributes of a nest by type, of equal ones the last. */
static int kims_parse(struct nlattr **tb, int max, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	return nla_parse_nested(tb, max, attr, NULL, extack);
}

static u64 kims_nl_u64(struct nlattr **tb, int attr)
{
	return tb[attr] ? nla_get_u64(tb[attr]) : 0;
}

int kims_read_id(const struct nlattr *attr, u32 *ret_id, struct netlink_ext_ack *extack)
{
	const struct nlattr *a, *id = NULL;
	int rem;

	BUILD_BUG_ON(KIMS_PDR_A_ID != 1 || KIMS_FAR_A_ID != 1 || KIMS_QER_A_ID != 1 ||
		     KIMS_URR_A_ID != 1);
	nla_for_each_nested(a, attr, rem) {
		if (nla_type(a) != 1) /* of all rules */
			continue;
		/* The first would be asked whether there is such a rule, the last be its id. */
		if (id)
			return KIMS_REFUSE_IN(extack, a, "a rule has two ids");
		id = a;
	}
	if (!id)
		return KIMS_REFUSE_IN(extack, attr, "id of a rule is missing");
	*ret_id = nla_get_u32(id);
	return 0;
}

/* --- filters --- */

static void kims_mask4(struct in6_addr *addr, struct in6_addr *mask, u32 len)
{
	mask->s6_addr32[0] = inet_make_mask(len);
	addr->s6_addr32[0] &= mask->s6_addr32[0];
}

static void kims_mask6(struct in6_addr *addr, struct in6_addr *mask, u32 len)
{
	struct in6_addr ones, whole = *addr; /* ipv6_addr_prefix() clears its result first */

	memset(&ones, 0xff, sizeof(ones));
	ipv6_addr_prefix(mask, &ones, len);
	ipv6_addr_prefix(addr, &whole, len);
}

/* The attribute of the IPv6 address follows that of the IPv4 one, then the prefix length. */
static int kims_read_prefix(struct nlattr **tb, int attr4, u8 *family, struct in6_addr *addr,
			    struct in6_addr *mask, struct netlink_ext_ack *extack)
{
	const struct nlattr *a4 = tb[attr4], *a6 = tb[attr4 + 1], *len = tb[attr4 + 2];
	u8 fam = a4 ? AF_INET : AF_INET6;
	u32 bits = a4 ? 32 : 128;

	if (a4 && a6)
		return KIMS_REFUSE_IN(extack, a6, "address given as IPv4 and as IPv6");
	if (!a4 && !a6)
		return len ? KIMS_REFUSE_IN(extack, len, "prefix length without an address") : 0;
	if (*family != AF_UNSPEC && *family != fam)
		return KIMS_REFUSE_IN(extack, a4 ?: a6, "addresses of a filter are of different families");
	if (len && nla_get_u32(len) > bits)
		return KIMS_REFUSE_IN(extack, len, "prefix length is longer than the address");
	*family = fam;
	bits = len ? nla_get_u32(len) : bits;
	if (a4) {
		addr->s6_addr32[0] = nla_get_in_addr(a4);
		kims_mask4(addr, mask, bits);
	} else {
		*addr = nla_get_in6_addr(a6);
		kims_mask6(addr, mask, bits);
	}
	return 0;
}

static int kims_read_range(const struct nlattr *attr, struct kims_ports *ret,
			   struct netlink_ext_ack *extack)
{
	u32 range = nla_get_u32(attr);

	ret->low = range >> 16;
	ret->high = range;
	return ret->low <= ret->high ? 0 :
				       KIMS_REFUSE_IN(extack, attr, "range of ports is reversed");
}

/* The ranges of one of the two attributes, from *ports on. */
static int kims_read_ports(const struct nlattr *attr, int type, struct kims_ports *ports,
			   u8 *ret_n, struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	u32 n = 0;
	int rem, err;

	nla_for_each_nested(a, attr, rem) {
		if (nla_type(a) != type)
			continue;
		if (n == KIMS_FILTER_PORTS)
			return KIMS_REFUSE_IN(extack, a, "too many ranges of ports in a filter");
		err = kims_read_range(a, &ports[n++], extack);
		if (err)
			return err;
	}
	*ret_n = n;
	return 0;
}

static int kims_read_filter_ports(const struct nlattr *attr, struct kims_filter *f,
				  struct netlink_ext_ack *extack)
{
	int err;

	err = kims_read_ports(attr, KIMS_FILTER_A_UE_PORTS, f->ports, &f->n_ue_ports, extack) ?:
	      kims_read_ports(attr, KIMS_FILTER_A_REMOTE_PORTS, f->ports + f->n_ue_ports,
			      &f->n_remote_ports, extack);
	if (err)
		return err;
	switch (f->protocol) {
	case -1:
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 0;
	}
	return f->n_ue_ports || f->n_remote_ports ?
		       KIMS_REFUSE_IN(extack, attr, "the protocol of a filter has no ports") : 0;
}

static int kims_read_filter_more(struct nlattr **tb, const struct nlattr *attr,
				 struct kims_filter *f, struct netlink_ext_ack *extack)
{
	f->id = kims_nl_u32(tb, KIMS_FILTER_A_ID, 0);
	f->protocol = tb[KIMS_FILTER_A_PROTOCOL] ? (s16)nla_get_u32(tb[KIMS_FILTER_A_PROTOCOL]) : -1;
	f->directions = kims_nl_u32(tb, KIMS_FILTER_A_DIRECTION, 3);
	f->spi = kims_nl_u32(tb, KIMS_FILTER_A_SPI, 0);
	f->flow_label = kims_nl_u32(tb, KIMS_FILTER_A_FLOW_LABEL, ~0U);
	if (tb[KIMS_FILTER_A_TOS_MASK] && !tb[KIMS_FILTER_A_TOS])
		return KIMS_REFUSE_IN(extack, attr, "tos-mask without tos");
	if (tb[KIMS_FILTER_A_TOS]) {
		f->tos_mask = kims_nl_u32(tb, KIMS_FILTER_A_TOS_MASK, 0xff);
		f->tos = nla_get_u32(tb[KIMS_FILTER_A_TOS]) & f->tos_mask;
	}
	if (f->flow_label == ~0U)
		return 0;
	if (f->family == AF_INET)
		return KIMS_REFUSE_IN(extack, attr, "IPv4 has no flow label");
	f->family = AF_INET6;
	return 0;
}

int kims_read_filter(const struct nlattr *attr, struct kims_filter *f, size_t *ret_size,
		     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_FILTER_A_MAX + 1];
	int err;

	BUILD_BUG_ON(KIMS_FILTER_A_UE_PREFIX_LEN != KIMS_FILTER_A_UE_IPV4 + 2);
	BUILD_BUG_ON(KIMS_FILTER_A_REMOTE_PREFIX_LEN != KIMS_FILTER_A_REMOTE_IPV4 + 2);
	err = kims_parse(tb, KIMS_FILTER_A_MAX, attr, extack) ?:
	      kims_read_prefix(tb, KIMS_FILTER_A_UE_IPV4, &f->family, &f->ue, &f->ue_mask, extack) ?:
	      kims_read_prefix(tb, KIMS_FILTER_A_REMOTE_IPV4, &f->family, &f->remote,
			       &f->remote_mask, extack) ?:
	      kims_read_filter_more(tb, attr, f, extack) ?:
	      kims_read_filter_ports(attr, f, extack);
	*ret_size = kims_filter_size(f->n_ue_ports + f->n_remote_ports);
	return err;
}

static u32 kims_count_ports(const struct nlattr *filter)
{
	const struct nlattr *a;
	u32 n = 0;
	int rem;

	nla_for_each_nested(a, filter, rem)
		n += nla_type(a) == KIMS_FILTER_A_UE_PORTS ||
		     nla_type(a) == KIMS_FILTER_A_REMOTE_PORTS;
	return n;
}

int kims_read_filters_size(const struct nlattr *pdr, u32 *ret_n, size_t *ret_size,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	size_t size = 0;
	u32 n = 0;
	int rem;

	nla_for_each_nested(a, pdr, rem) {
		if (nla_type(a) != KIMS_PDR_A_FILTER)
			continue;
		if (n++ == KIMS_PDR_FILTERS)
			return KIMS_REFUSE_IN(extack, a, "too many filters in a PDR");
		size += kims_filter_size(kims_count_ports(a));
	}
	*ret_n = n;
	*ret_size = size;
	return 0;
}

/* --- PDR --- */

static bool kims_among(u32 id, const u32 *ids, u32 n)
{
	while (n--)
		if (ids[n] == id)
			return true;
	return false;
}

/* The ids in the attributes of a type. */
static int kims_read_refs(const struct nlattr *attr, int type, u32 *ids, u32 max, u8 *ret_n,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *a;
	u32 n = 0;
	int rem;

	nla_for_each_nested(a, attr, rem) {
		if (nla_type(a) != type)
			continue;
		if (n == max)
			return KIMS_REFUSE_IN(extack, a, "a PDR names too many QERs or URRs");
		if (kims_among(nla_get_u32(a), ids, n))
			return KIMS_REFUSE_IN(extack, a, "a PDR names a QER or URR twice");
		ids[n++] = nla_get_u32(a);
	}
	*ret_n = n;
	return 0;
}

static int kims_read_pdr_tunnel(struct nlattr **tb, const struct nlattr *attr, struct kims_pdr *p,
				struct kims_pdr_refs *refs, struct netlink_ext_ack *extack)
{
	bool tunnel = tb[KIMS_PDR_A_TEID];

	if (tunnel != !!tb[KIMS_PDR_A_ENDPOINT])
		return KIMS_REFUSE_IN(extack, attr, "a PDR has both of endpoint and teid or none");
	refs->endpoint = kims_nl_u32(tb, KIMS_PDR_A_ENDPOINT, 0);
	refs->teid = htonl(kims_nl_u32(tb, KIMS_PDR_A_TEID, 0));
	p->source = kims_nl_u32(tb, KIMS_PDR_A_SOURCE_INTERFACE,
				tunnel ? KIMS_INTERFACE_ACCESS : KIMS_INTERFACE_CORE);
	p->direction = p->source == KIMS_INTERFACE_ACCESS ? KIMS_UPLINK : KIMS_DOWNLINK;
	p->decap = !kims_nl_u32(tb, KIMS_PDR_A_KEEP_OUTER_HEADER, 0);
	if (!tunnel && !p->decap)
		return KIMS_REFUSE_IN(extack, tb[KIMS_PDR_A_KEEP_OUTER_HEADER],
				      "keep-outer-header is for a PDR with a teid");
	return 0;
}

static int kims_read_pdr_app(struct nlattr **tb, const struct nlattr *attr, struct kims_pdr *p,
			     struct netlink_ext_ack *extack)
{
	p->app_id = kims_nl_u32(tb, KIMS_PDR_A_APP_ID, 0);
	p->queue = kims_nl_u32(tb, KIMS_PDR_A_APP_QUEUE, 0);
	p->fail_open = kims_nl_u32(tb, KIMS_PDR_A_APP_FAIL, KIMS_APP_FAIL_CLOSED) ==
		       KIMS_APP_FAIL_OPEN;
	if (!p->app_id != !tb[KIMS_PDR_A_APP_QUEUE])
		return KIMS_REFUSE_IN(extack, attr,
				      "a PDR has both of app-id and app-queue or none");
	return 0;
}

int kims_read_pdr(const struct nlattr *attr, struct kims_pdr *p, struct kims_pdr_refs *refs,
		  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_PDR_A_URR_ID + 1];
	int err;

	err = kims_parse(tb, KIMS_PDR_A_URR_ID, attr, extack);
	if (err)
		return err;
	if (!tb[KIMS_PDR_A_PRECEDENCE])
		return KIMS_REFUSE_IN(extack, attr, "precedence of a PDR is missing");
	if (!tb[KIMS_PDR_A_FAR_ID])
		return KIMS_REFUSE_IN(extack, attr, "far-id of a PDR is missing");
	p->id = nla_get_u32(tb[KIMS_PDR_A_ID]);
	p->precedence = nla_get_u32(tb[KIMS_PDR_A_PRECEDENCE]);
	p->qfi = tb[KIMS_PDR_A_QFI] ? (s16)nla_get_u32(tb[KIMS_PDR_A_QFI]) : -1;
	p->any_source = kims_nl_u32(tb, KIMS_PDR_A_ANY_SOURCE, 0);
	p->ifindex = kims_nl_u32(tb, KIMS_PDR_A_DEVICE, 0);
	refs->far = nla_get_u32(tb[KIMS_PDR_A_FAR_ID]);
	return kims_read_pdr_tunnel(tb, attr, p, refs, extack) ?:
	       kims_read_pdr_app(tb, attr, p, extack) ?:
	       kims_read_refs(attr, KIMS_PDR_A_QER_ID, refs->qers, KIMS_PDR_QERS, &p->n_qers,
			      extack) ?:
	       kims_read_refs(attr, KIMS_PDR_A_URR_ID, refs->urrs, KIMS_PDR_URRS, &p->n_urrs,
			      extack);
}

/* --- FAR --- */

#define KIMS_APPLY_ONE (KIMS_APPLY_ACTION_DROP | KIMS_APPLY_ACTION_FORW | KIMS_APPLY_ACTION_BUFF)

static int kims_read_far_action(struct nlattr **tb, const struct nlattr *attr, struct kims_far *f,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *action = tb[KIMS_FAR_A_APPLY_ACTION];

	if (!action)
		return KIMS_REFUSE_IN(extack, attr, "apply-action of a FAR is missing");
	f->action = nla_get_u32(action);
	if (hweight32(f->action & KIMS_APPLY_ONE) != 1)
		return KIMS_REFUSE_IN(extack, action,
				      "apply-action has not exactly one of drop, forw and buff");
	if (f->action & KIMS_APPLY_ACTION_NOCP && !(f->action & KIMS_APPLY_ACTION_BUFF))
		return KIMS_REFUSE_IN(extack, action, "apply-action nocp is for buff");
	return 0;
}

static int kims_read_far_outer(struct nlattr **tb, const struct nlattr *attr, struct kims_far *f,
			       struct kims_far_refs *refs, struct netlink_ext_ack *extack)
{
	int err;

	refs->endpoint = kims_nl_u32(tb, KIMS_FAR_A_ENDPOINT, 0);
	f->teid = htonl(kims_nl_u32(tb, KIMS_FAR_A_TEID, 0));
	f->way.dst.port = htons(kims_nl_u32(tb, KIMS_FAR_A_PEER_PORT, KIMS_GTPU_PORT));
	err = kims_nl_get_addr(tb, KIMS_FAR_A_PEER_IPV4, KIMS_FAR_A_PEER_IPV6, &f->way.dst.addr,
			       extack);
	if (err)
		return err;
	f->encap = refs->endpoint;
	if (f->encap != !!tb[KIMS_FAR_A_TEID] ||
	    f->encap != (f->way.dst.addr.family != AF_UNSPEC))
		return KIMS_REFUSE_IN(extack, attr,
				      "a FAR has all of endpoint, teid and peer address or none");
	if (!f->encap && tb[KIMS_FAR_A_PEER_PORT])
		return KIMS_REFUSE_IN(extack, attr, "peer-port of a FAR without a peer address");
	return 0;
}

static int kims_read_far_dup(struct nlattr **tb, const struct nlattr *attr, struct kims_far *f,
			     struct kims_far_refs *refs, struct netlink_ext_ack *extack)
{
	bool dup = f->action & KIMS_APPLY_ACTION_DUPL;
	int err;

	refs->dup_endpoint = kims_nl_u32(tb, KIMS_FAR_A_DUP_ENDPOINT, 0);
	f->dup_teid = htonl(kims_nl_u32(tb, KIMS_FAR_A_DUP_TEID, 0));
	f->dup.dst.port = htons(KIMS_GTPU_PORT);
	err = kims_nl_get_addr(tb, KIMS_FAR_A_DUP_IPV4, KIMS_FAR_A_DUP_IPV6, &f->dup.dst.addr,
			       extack);
	if (err)
		return err;
	if (dup != !!refs->dup_endpoint || dup != !!tb[KIMS_FAR_A_DUP_TEID] ||
	    dup != (f->dup.dst.addr.family != AF_UNSPEC))
		return KIMS_REFUSE_IN(extack, attr,
				      "apply-action dupl needs, and alone has, dup-endpoint, dup-teid and dup address");
	return 0;
}

int kims_read_far(const struct nlattr *attr, struct kims_far *f, struct kims_far_refs *refs,
		  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_FAR_A_MAX + 1];
	int err;

	err = kims_parse(tb, KIMS_FAR_A_MAX, attr, extack) ?:
	      kims_read_far_action(tb, attr, f, extack) ?:
	      kims_read_far_outer(tb, attr, f, refs, extack) ?:
	      kims_read_far_dup(tb, attr, f, refs, extack);
	if (err)
		return err;
	f->id = nla_get_u32(tb[KIMS_FAR_A_ID]);
	f->dst_interface = kims_nl_u32(tb, KIMS_FAR_A_DESTINATION_INTERFACE,
				       f->encap ? KIMS_INTERFACE_ACCESS : KIMS_INTERFACE_CORE);
	f->dscp = tb[KIMS_FAR_A_DSCP] ? (s16)nla_get_u32(tb[KIMS_FAR_A_DSCP]) : -1;
	f->ifindex = kims_nl_u32(tb, KIMS_FAR_A_DEVICE, 0);
	f->way.oif = f->ifindex;
	refs->end_marker = kims_nl_u32(tb, KIMS_FAR_A_SEND_END_MARKER, 0);
	return 0;
}

/* --- QER, URR, BAR --- */

int kims_read_qer(const struct nlattr *attr, struct kims_qer *q, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_QER_A_QFI + 1];
	int err;

	err = kims_parse(tb, KIMS_QER_A_QFI, attr, extack);
	if (err)
		return err;
	q->id = nla_get_u32(tb[KIMS_QER_A_ID]);
	q->gate[KIMS_UPLINK] = kims_nl_u32(tb, KIMS_QER_A_GATE_UL, KIMS_GATE_OPEN);
	q->gate[KIMS_DOWNLINK] = kims_nl_u32(tb, KIMS_QER_A_GATE_DL, KIMS_GATE_OPEN);
	q->qfi = tb[KIMS_QER_A_QFI] ? (s16)nla_get_u32(tb[KIMS_QER_A_QFI]) : -1;
	q->burst = kims_nl_u32(tb, KIMS_QER_A_BURST, 0);
	q->gbr[KIMS_UPLINK] = kims_nl_u64(tb, KIMS_QER_A_GBR_UL);
	q->gbr[KIMS_DOWNLINK] = kims_nl_u64(tb, KIMS_QER_A_GBR_DL);
	kims_qer_limit_set(&q->mbr[KIMS_UPLINK], kims_nl_u64(tb, KIMS_QER_A_MBR_UL), q->burst);
	kims_qer_limit_set(&q->mbr[KIMS_DOWNLINK], kims_nl_u64(tb, KIMS_QER_A_MBR_DL), q->burst);
	return 0;
}

static void kims_read_volumes(struct nlattr **tb, int total, u64 *ret)
{
	ret[KIMS_VOLUME_TOTAL] = kims_nl_u64(tb, total);
	ret[KIMS_VOLUME_UL] = kims_nl_u64(tb, total + 1);
	ret[KIMS_VOLUME_DL] = kims_nl_u64(tb, total + 2);
}

int kims_read_urr(const struct nlattr *attr, struct kims_urr *u, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_URR_A_LINKED_URR + 1];
	int err;

	BUILD_BUG_ON(KIMS_URR_A_VOLUME_THRESHOLD_DL != KIMS_URR_A_VOLUME_THRESHOLD + 2);
	BUILD_BUG_ON(KIMS_URR_A_VOLUME_QUOTA_DL != KIMS_URR_A_VOLUME_QUOTA + 2);
	err = kims_parse(tb, KIMS_URR_A_LINKED_URR, attr, extack);
	if (err)
		return err;
	u->id = nla_get_u32(tb[KIMS_URR_A_ID]);
	u->method = kims_nl_u32(tb, KIMS_URR_A_METHOD, KIMS_URR_METHOD_VOLUM);
	u->triggers = kims_nl_u32(tb, KIMS_URR_A_TRIGGERS, 0);
	u->before_qos = kims_nl_u32(tb, KIMS_URR_A_BEFORE_QOS, 0);
	kims_read_volumes(tb, KIMS_URR_A_VOLUME_THRESHOLD, u->threshold);
	kims_read_volumes(tb, KIMS_URR_A_VOLUME_QUOTA, u->quota);
	u->time_threshold = kims_nl_u32(tb, KIMS_URR_A_TIME_THRESHOLD, 0);
	u->time_quota = kims_nl_u32(tb, KIMS_URR_A_TIME_QUOTA, 0);
	u->period = kims_nl_u32(tb, KIMS_URR_A_PERIOD, 0);
	u->inactivity = kims_nl_u32(tb, KIMS_URR_A_INACTIVITY, 0);
	u->monitoring = kims_nl_u64(tb, KIMS_URR_A_MONITORING_TIME);
	u->linked = kims_nl_u32(tb, KIMS_URR_A_LINKED_URR, 0);
	if (u->linked == u->id)
		return KIMS_REFUSE_IN(extack, attr, "linked-urr of a URR is itself");
	if (u->triggers & KIMS_URR_TRIGGER_PERIO && !u->period)
		return KIMS_REFUSE_IN(extack, attr, "trigger perio without period");
	return 0;
}

void kims_read_bar(const struct nlattr *attr, struct kims_bar *ret)
{
	const struct nlattr *a;
	int rem;

	*ret = (struct kims_bar){};
	nla_for_each_nested(a, attr, rem) {
		switch (nla_type(a)) {
		case KIMS_BAR_A_PACKETS:
			ret->packets = nla_get_u32(a);
			break;
		case KIMS_BAR_A_OCTETS:
			ret->octets = nla_get_u32(a);
			break;
		case KIMS_BAR_A_TIMEOUT:
			ret->timeout = nla_get_u32(a);
			break;
		case KIMS_BAR_A_DELAY:
			ret->delay = nla_get_u32(a);
			break;
		}
	}
}
