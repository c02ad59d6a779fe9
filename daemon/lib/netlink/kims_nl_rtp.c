// SPDX-License-Identifier: GPL-2.0-or-later
/* Media flows of kims.ko: struct knl_rtp_flow to attributes and back; see kims_nl.h. */
#include <linux/genetlink.h>

#include "lib/netlink/kims_nl_priv.h"

/* --- writing --- */

static uint32_t media_of(const struct knl_rtp_flow *f)
{
	if (f->any_udp)
		return KIMS_MEDIA_UDP;
	if (f->rtcp_mux)
		return KIMS_MEDIA_RTP_RTCP;
	return f->rtcp ? KIMS_MEDIA_RTCP : KIMS_MEDIA_RTP;
}

static int put_ends(struct nl_msg *m, const struct knl_rtp_flow *f)
{
	if (knl_put_end(m, KIMS_RTP_A_LOCAL_IPV4, KIMS_RTP_A_LOCAL_IPV6, KIMS_RTP_A_LOCAL_PORT,
			&f->local) ||
	    knl_put_end(m, KIMS_RTP_A_SRC_IPV4, KIMS_RTP_A_SRC_IPV6, KIMS_RTP_A_SRC_PORT,
			&f->out_local) ||
	    knl_put_end(m, KIMS_RTP_A_DST_IPV4, KIMS_RTP_A_DST_IPV6, KIMS_RTP_A_DST_PORT,
			&f->out_peer))
		return -EMSGSIZE;
	if (f->peer.addr.family == AF_UNSPEC)
		return 0;
	return knl_put_end(m, KIMS_RTP_A_PEER_IPV4, KIMS_RTP_A_PEER_IPV6, KIMS_RTP_A_PEER_PORT,
			   &f->peer) ?
		       -EMSGSIZE :
		       0;
}

size_t knl_srtp_key_len(enum knl_srtp_suite suite)
{
	switch (suite) {
	case KNL_SRTP_NONE:
		return 0;
	case KNL_SRTP_AES_CM_128_HMAC_SHA1_80:
	case KNL_SRTP_AES_CM_128_HMAC_SHA1_32:
		return 16 + 14;
	case KNL_SRTP_AES_256_CM_HMAC_SHA1_80:
	case KNL_SRTP_AES_256_CM_HMAC_SHA1_32:
		return 32 + 14;
	case KNL_SRTP_AEAD_AES_128_GCM:
		return 16 + 12;
	case KNL_SRTP_AEAD_AES_256_GCM:
		return 32 + 12;
	}
	return 0;
}

/* The kernel's numbers begin with the first suite. */
static int put_srtp(struct nl_msg *m, int attr, const struct knl_srtp *s)
{
	struct nlattr *nest;

	if (s->suite == KNL_SRTP_NONE)
		return 0;
	nest = nla_nest_start(m, attr | NLA_F_NESTED);
	if (!nest || nla_put_u32(m, KIMS_SRTP_A_SUITE, s->suite - 1) ||
	    nla_put(m, KIMS_SRTP_A_KEY, knl_srtp_key_len(s->suite), s->key) ||
	    (s->mki_len && nla_put(m, KIMS_SRTP_A_MKI, s->mki_len, s->mki)))
		return -EMSGSIZE;
	nla_nest_end(m, nest);
	return 0;
}

static int put_record(struct nl_msg *m, const struct knl_rtp_flow *f)
{
	if (f->record_peer.addr.family == AF_UNSPEC)
		return 0;
	if (knl_put_end(m, KIMS_RTP_A_RECORD_SRC_IPV4, KIMS_RTP_A_RECORD_SRC_IPV6,
			KIMS_RTP_A_RECORD_SRC_PORT, &f->record_local) ||
	    knl_put_end(m, KIMS_RTP_A_RECORD_DST_IPV4, KIMS_RTP_A_RECORD_DST_IPV6,
			KIMS_RTP_A_RECORD_DST_PORT, &f->record_peer))
		return -EMSGSIZE;
	return 0;
}

static int put_options(struct nl_msg *m, const struct knl_rtp_flow *f)
{
	if ((f->latch && nla_put_u32(m, KIMS_RTP_A_LATCH, f->latch)) ||
	    (f->reverse && nla_put_u32(m, KIMS_RTP_A_REVERSE, f->reverse)) ||
	    (f->has_ssrc && nla_put_u32(m, KIMS_RTP_A_SSRC, f->ssrc)) ||
	    (f->continuity && nla_put_u32(m, KIMS_RTP_A_CONTINUITY, f->continuity)) ||
	    (f->dtmf && nla_put_u32(m, KIMS_RTP_A_TELEPHONE_EVENT, f->dtmf_pt)) ||
	    put_srtp(m, KIMS_RTP_A_SRTP_IN, &f->srtp_in) ||
	    put_srtp(m, KIMS_RTP_A_SRTP_OUT, &f->srtp_out) || put_record(m, f))
		return -EMSGSIZE;
	return 0;
}

static int put_flow(struct nl_msg *m, const struct knl_rtp_flow *f, uint32_t id)
{
	struct nlattr *nest = nla_nest_start(m, KIMS_A_RTP_FLOW | NLA_F_NESTED);

	if (!nest || (id && nla_put_u32(m, KIMS_RTP_A_ID, id)) ||
	    nla_put_u64(m, KIMS_RTP_A_COOKIE, f->cookie) ||
	    nla_put_u32(m, KIMS_RTP_A_MEDIA, media_of(f)) ||
	    nla_put_u32(m, KIMS_RTP_A_GATE,
			f->gate == KNL_GATE_OPEN ? KIMS_GATE_OPEN : KIMS_GATE_CLOSED) ||
	    nla_put_u32(m, KIMS_RTP_A_TIMEOUT, f->inactivity_ms) || put_ends(m, f))
		return -EMSGSIZE;
	if ((f->dscp >= 0 && nla_put_u32(m, KIMS_RTP_A_DSCP, f->dscp)) ||
	    (f->clock_rate && nla_put_u32(m, KIMS_RTP_A_CLOCK_RATE, f->clock_rate)) ||
	    (f->filter_pt && nla_put(m, KIMS_RTP_A_PAYLOAD_TYPES, sizeof(f->pt), f->pt)) ||
	    put_options(m, f))
		return -EMSGSIZE;
	nla_nest_end(m, nest);
	return 0;
}

/* --- reading --- */

static void read_conf(struct nlattr **tb, struct knl_rtp_flow *f)
{
	uint32_t media = knl_u32(tb, KIMS_RTP_A_MEDIA);

	memset(f, 0, sizeof(*f));
	f->id = knl_u32(tb, KIMS_RTP_A_ID);
	f->cookie = knl_u64(tb, KIMS_RTP_A_COOKIE);
	f->rtcp = media == KIMS_MEDIA_RTCP;
	f->rtcp_mux = media == KIMS_MEDIA_RTP_RTCP;
	f->any_udp = media == KIMS_MEDIA_UDP;
	f->gate = knl_u32(tb, KIMS_RTP_A_GATE) == KIMS_GATE_OPEN ? KNL_GATE_OPEN : KNL_GATE_CLOSED;
	f->inactivity_ms = knl_u32(tb, KIMS_RTP_A_TIMEOUT);
	f->dscp = tb[KIMS_RTP_A_DSCP] ? (int)knl_u32(tb, KIMS_RTP_A_DSCP) : -1;
	f->clock_rate = knl_u32(tb, KIMS_RTP_A_CLOCK_RATE);
	f->filter_pt = tb[KIMS_RTP_A_PAYLOAD_TYPES] &&
		       nla_len(tb[KIMS_RTP_A_PAYLOAD_TYPES]) == sizeof(f->pt);
	if (f->filter_pt)
		memcpy(f->pt, nla_data(tb[KIMS_RTP_A_PAYLOAD_TYPES]), sizeof(f->pt));
}

static void read_srtp(struct nlattr *nest, struct knl_srtp *s)
{
	struct nlattr *tb[KIMS_SRTP_A_MAX + 1];
	int len;

	if (!nest)
		return;
	knl_nested(nest, KIMS_SRTP_A_MAX, tb);
	s->suite = knl_u32(tb, KIMS_SRTP_A_SUITE) + 1;
	s->roc = knl_u32(tb, KIMS_SRTP_A_ROC);
	len = tb[KIMS_SRTP_A_MKI] ? nla_len(tb[KIMS_SRTP_A_MKI]) : 0;
	if (len <= 0 || (size_t)len > sizeof(s->mki))
		return;
	s->mki_len = len;
	memcpy(s->mki, nla_data(tb[KIMS_SRTP_A_MKI]), len);
}

static void read_options(struct nlattr **tb, struct knl_rtp_flow *f)
{
	f->latch = knl_u32(tb, KIMS_RTP_A_LATCH);
	f->reverse = knl_u32(tb, KIMS_RTP_A_REVERSE);
	f->continuity = knl_u32(tb, KIMS_RTP_A_CONTINUITY);
	f->has_ssrc = tb[KIMS_RTP_A_SSRC];
	f->ssrc = knl_u32(tb, KIMS_RTP_A_SSRC);
	f->dtmf = tb[KIMS_RTP_A_TELEPHONE_EVENT];
	f->dtmf_pt = knl_u32(tb, KIMS_RTP_A_TELEPHONE_EVENT);
	read_srtp(tb[KIMS_RTP_A_SRTP_IN], &f->srtp_in);
	read_srtp(tb[KIMS_RTP_A_SRTP_OUT], &f->srtp_out);
	knl_get_end(tb, KIMS_RTP_A_LATCHED_IPV4, KIMS_RTP_A_LATCHED_IPV6, KIMS_RTP_A_LATCHED_PORT,
		    &f->latched);
	knl_get_end(tb, KIMS_RTP_A_RECORD_SRC_IPV4, KIMS_RTP_A_RECORD_SRC_IPV6,
		    KIMS_RTP_A_RECORD_SRC_PORT, &f->record_local);
	knl_get_end(tb, KIMS_RTP_A_RECORD_DST_IPV4, KIMS_RTP_A_RECORD_DST_IPV6,
		    KIMS_RTP_A_RECORD_DST_PORT, &f->record_peer);
}

static void read_ends(struct nlattr **tb, struct knl_rtp_flow *f)
{
	knl_get_end(tb, KIMS_RTP_A_LOCAL_IPV4, KIMS_RTP_A_LOCAL_IPV6, KIMS_RTP_A_LOCAL_PORT,
		    &f->local);
	knl_get_end(tb, KIMS_RTP_A_PEER_IPV4, KIMS_RTP_A_PEER_IPV6, KIMS_RTP_A_PEER_PORT,
		    &f->peer);
	knl_get_end(tb, KIMS_RTP_A_SRC_IPV4, KIMS_RTP_A_SRC_IPV6, KIMS_RTP_A_SRC_PORT,
		    &f->out_local);
	knl_get_end(tb, KIMS_RTP_A_DST_IPV4, KIMS_RTP_A_DST_IPV6, KIMS_RTP_A_DST_PORT,
		    &f->out_peer);
}

static void read_drops(struct nlattr **drops, struct knl_rtp_stats *s)
{
	s->drop_source = knl_drops(drops, KIMS_DROP_SOURCE);
	s->drop_gate = knl_drops(drops, KIMS_DROP_GATE);
	s->drop_malformed = knl_drops(drops, KIMS_DROP_MALFORMED);
	s->drop_pt = knl_drops(drops, KIMS_DROP_PAYLOAD_TYPE);
	s->drop_ssrc = knl_drops(drops, KIMS_DROP_SSRC);
	s->drop_sequence = knl_drops(drops, KIMS_DROP_SEQUENCE);
	s->drop_srtp = knl_drops(drops, KIMS_DROP_SRTP_AUTH) +
		       knl_drops(drops, KIMS_DROP_SRTP_REPLAY) +
		       knl_drops(drops, KIMS_DROP_SRTP_LIMIT);
	s->drop_other = knl_drops_sum(drops) - s->drop_source - s->drop_gate - s->drop_malformed -
			s->drop_pt - s->drop_ssrc - s->drop_sequence - s->drop_srtp;
}

static void read_voip(struct nlattr *nest, struct knl_rtcp *r)
{
	struct nlattr *tb[KIMS_VOIP_A_MAX + 1];

	r->has_voip = nest;
	knl_nested(nest, KIMS_VOIP_A_MAX, tb);
	r->r_factor = knl_u32(tb, KIMS_VOIP_A_R_FACTOR);
	r->mos_lq = knl_u32(tb, KIMS_VOIP_A_MOS_LQ);
	r->mos_cq = knl_u32(tb, KIMS_VOIP_A_MOS_CQ);
	r->end_system_delay_ms = knl_u32(tb, KIMS_VOIP_A_END_SYSTEM_DELAY);
}

static void read_rtcp(struct nlattr *nest, struct knl_rtcp *r)
{
	struct nlattr *tb[KIMS_RTCP_A_MAX + 1];

	knl_nested(nest, KIMS_RTCP_A_MAX, tb);
	r->reports = knl_u64(tb, KIMS_RTCP_A_REPORTS);
	r->reporter = knl_u32(tb, KIMS_RTCP_A_REPORTER);
	r->source = knl_u32(tb, KIMS_RTCP_A_SOURCE);
	r->fraction_lost = knl_u32(tb, KIMS_RTCP_A_FRACTION_LOST);
	r->lost = (int64_t)knl_u64(tb, KIMS_RTCP_A_LOST);
	r->max_seq = knl_u32(tb, KIMS_RTCP_A_MAX_SEQ);
	r->jitter = knl_u32(tb, KIMS_RTCP_A_JITTER);
	r->has_round_trip = tb[KIMS_RTCP_A_ROUND_TRIP];
	r->round_trip_us = knl_u32(tb, KIMS_RTCP_A_ROUND_TRIP);
	r->has_sr = tb[KIMS_RTCP_A_SR_SSRC];
	r->sr_ntp = knl_u64(tb, KIMS_RTCP_A_SR_NTP);
	r->sr_packets = knl_u32(tb, KIMS_RTCP_A_SR_PACKETS);
	r->sr_octets = knl_u32(tb, KIMS_RTCP_A_SR_OCTETS);
	read_voip(tb[KIMS_RTCP_A_VOIP], r);
}

static void read_stats(struct nlattr **tb, struct knl_rtp_stats *s)
{
	struct nlattr *c[KIMS_RTP_COUNTERS_A_MAX + 1], *drops[KIMS_DROP_MAX + 1];

	knl_nested(tb[KIMS_RTP_A_COUNTERS], KIMS_RTP_COUNTERS_A_MAX, c);
	knl_nested(c[KIMS_RTP_COUNTERS_A_DROPS], KIMS_DROP_MAX, drops);
	memset(s, 0, sizeof(*s));
	s->packets = knl_u64(c, KIMS_RTP_COUNTERS_A_PACKETS);
	s->octets = knl_u64(c, KIMS_RTP_COUNTERS_A_OCTETS);
	s->rtcp_packets = knl_u64(c, KIMS_RTP_COUNTERS_A_RTCP_PACKETS);
	/* Duplicates can make it negative; who shows it wants no huge number then. */
	s->lost = (int64_t)knl_u64(c, KIMS_RTP_COUNTERS_A_LOST) < 0 ?
			  0 :
			  knl_u64(c, KIMS_RTP_COUNTERS_A_LOST);
	s->jitter = knl_u32(c, KIMS_RTP_COUNTERS_A_JITTER);
	s->ssrc = knl_u32(c, KIMS_RTP_COUNTERS_A_SSRC);
	s->ssrc_changes = knl_u32(c, KIMS_RTP_COUNTERS_A_SSRC_CHANGES);
	s->max_seq = knl_u32(c, KIMS_RTP_COUNTERS_A_MAX_SEQ);
	s->last_seen_ms = tb[KIMS_RTP_A_IDLE] ? knl_u32(tb, KIMS_RTP_A_IDLE) : UINT64_MAX;
	s->copies = knl_u64(c, KIMS_RTP_COUNTERS_A_COPIES);
	s->copies_lost = knl_u64(c, KIMS_RTP_COUNTERS_A_COPIES_LOST);
	read_rtcp(c[KIMS_RTP_COUNTERS_A_RTCP], &s->rtcp);
	read_drops(drops, s);
}

void knl_rtp_read(struct nlattr *nest, struct knl_rtp_flow *ret, struct knl_rtp_stats *ret_stats)
{
	struct nlattr *tb[KIMS_RTP_A_MAX + 1];

	knl_nested(nest, KIMS_RTP_A_MAX, tb);
	if (ret) {
		read_conf(tb, ret);
		read_ends(tb, ret);
		read_options(tb, ret);
	}
	if (ret_stats)
		read_stats(tb, ret_stats);
}

/* --- new, replace --- */

struct ids {
	struct knl_rtp_flow *flows;
	size_t n;
};

/* One id of each flow, in the order of the request, all in one message. */
static int read_ids(void *arg, struct nlattr **attrs _unused_, struct nlmsghdr *h)
{
	struct nlattr *a, *tb[KIMS_RTP_A_MAX + 1];
	struct ids *ids = arg;
	size_t i = 0;
	int rem;

	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem) {
		if (nla_type(a) != KIMS_A_RTP_FLOW || i == ids->n)
			continue;
		knl_nested(a, KIMS_RTP_A_MAX, tb);
		ids->flows[i++].id = knl_u32(tb, KIMS_RTP_A_ID);
	}
	return i == ids->n ? 0 : -EBADMSG;
}

int knl_rtp_new_all(struct knl *k, struct knl_rtp_flow *f, size_t n)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_RTP_NEW, 0);
	struct ids ids = { f, n };
	size_t i;

	if (!n || n > KNL_RTP_BATCH)
		return knl_fail(k, -EINVAL, "number of flows");
	for (i = 0; m && i < n; i++)
		if (put_flow(m, &f[i], f[i].id))
			return knl_fail(k, -EMSGSIZE, "flows");
	return m ? knl_transact(k, m, read_ids, &ids) : knl_fail(k, -ENOMEM, "request");
}

int knl_rtp_new(struct knl *k, const struct knl_rtp_flow *f, uint32_t *ret_id)
{
	struct knl_rtp_flow copy = *f;
	int r = knl_rtp_new_all(k, &copy, 1);

	if (!r && ret_id)
		*ret_id = copy.id;
	return r;
}

int knl_rtp_replace(struct knl *k, const struct knl_rtp_flow *f)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_RTP_REPLACE, 0);

	if (!f->id)
		return knl_fail(k, -EINVAL, "flow without id");
	if (!m || put_flow(m, f, f->id))
		return knl_fail(k, -ENOMEM, "request");
	return knl_transact(k, m, NULL, NULL);
}

/* --- get, delete, dump --- */

struct one {
	struct knl_rtp_flow *flow;
	struct knl_rtp_stats *stats;
};

static int read_one(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct one *o = arg;

	knl_rtp_read(attrs[KIMS_A_RTP_FLOW], o->flow, o->stats);
	return 0;
}

static int by_id(struct knl *k, uint8_t cmd, uint32_t id, struct one *o)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, cmd, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_RTP_FLOW | NLA_F_NESTED) : NULL;

	if (!nest || nla_put_u32(m, KIMS_RTP_A_ID, id))
		return knl_fail(k, -ENOMEM, "request");
	nla_nest_end(m, nest);
	return knl_transact(k, m, read_one, o);
}

int knl_rtp_del(struct knl *k, uint32_t id, struct knl_rtp_stats *ret_final)
{
	struct one o = { .stats = ret_final };

	return by_id(k, KIMS_CMD_RTP_DEL, id, &o);
}

int knl_rtp_get(struct knl *k, uint32_t id, struct knl_rtp_flow *ret,
		struct knl_rtp_stats *ret_stats)
{
	struct one o = { ret, ret_stats };

	return by_id(k, KIMS_CMD_RTP_GET, id, &o);
}

struct deleted {
	uint32_t count, left;
};

static int read_deleted(void *arg, struct nlattr **attrs, struct nlmsghdr *h)
{
	struct deleted *d = arg;
	struct nlattr *a;
	int rem;

	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem)
		d->count += nla_type(a) == KIMS_A_RTP_FLOW;
	d->left = knl_u32(attrs, KIMS_A_REMAINING);
	return 0;
}

/* One request deletes as many as fit into an answer. */
static int delete_some(struct knl *k, uint64_t cookie, struct deleted *d)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_RTP_DEL, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_RTP_FLOW | NLA_F_NESTED) : NULL;

	if (!nest || nla_put_u64(m, KIMS_RTP_A_COOKIE, cookie))
		return knl_fail(k, -ENOMEM, "request");
	nla_nest_end(m, nest);
	d->left = 0;
	return knl_transact(k, m, read_deleted, d);
}

int knl_rtp_del_cookie(struct knl *k, uint64_t cookie, uint32_t *ret_count)
{
	struct deleted d = { 0 };
	int r;

	do {
		r = delete_some(k, cookie, &d);
	} while (!r && d.left);
	if (!r && ret_count)
		*ret_count = d.count;
	return r;
}

struct dump {
	int (*fn)(void *arg, const struct knl_rtp_flow *f, const struct knl_rtp_stats *s);
	void *arg;
};

static int read_dump(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct knl_rtp_stats stats;
	struct knl_rtp_flow flow;
	struct dump *d = arg;

	knl_rtp_read(attrs[KIMS_A_RTP_FLOW], &flow, &stats);
	return d->fn(d->arg, &flow, &stats);
}

int knl_rtp_dump(struct knl *k,
		 int (*fn)(void *arg, const struct knl_rtp_flow *f, const struct knl_rtp_stats *s),
		 void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_RTP_GET, NLM_F_DUMP);
	struct dump d = { fn, arg };

	return m ? knl_transact(k, m, read_dump, &d) : knl_fail(k, -ENOMEM, "request");
}
