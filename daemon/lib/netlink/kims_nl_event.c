// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of kims.ko to struct knl_event; see kims_nl.h. */
#include <netlink/genl/genl.h>

#include "lib/netlink/kims_nl_priv.h"

static void read_flow(struct knl_event *e, enum knl_event_kind kind, struct nlattr **attrs)
{
	struct knl_rtp_flow f;

	knl_rtp_read(attrs[KIMS_A_RTP_FLOW], &f, NULL);
	e->kind = kind;
	e->flow_id = f.id;
	e->cookie = f.cookie;
	e->count = 1;
}

static void read_latched(struct knl_event *e, struct nlattr **attrs)
{
	struct knl_rtp_flow f;

	read_flow(e, KNL_EV_RTP_LATCHED, attrs);
	knl_rtp_read(attrs[KIMS_A_RTP_FLOW], &f, NULL);
	e->src = f.latched;
}

static void read_dtmf(struct knl_event *e, struct nlattr **attrs)
{
	struct nlattr *tb[KIMS_DTMF_A_MAX + 1];

	knl_nested(attrs[KIMS_A_DTMF], KIMS_DTMF_A_MAX, tb);
	e->kind = KNL_EV_RTP_DTMF;
	e->flow_id = knl_u32(tb, KIMS_DTMF_A_FLOW_ID);
	e->cookie = knl_u64(tb, KIMS_DTMF_A_COOKIE);
	e->dtmf_event = knl_u32(tb, KIMS_DTMF_A_EVENT);
	e->dtmf_duration = knl_u32(tb, KIMS_DTMF_A_DURATION);
	e->dtmf_timestamp = knl_u32(tb, KIMS_DTMF_A_TIMESTAMP);
	e->count = knl_u32(tb, KIMS_DTMF_A_SUPPRESSED) + 1ULL;
}

static void read_set(struct knl_event *e, struct nlattr **attrs)
{
	struct knl_sa_set s;

	knl_sa_read(attrs[KIMS_A_SA_SET], &s, NULL);
	e->kind = KNL_EV_SA_DELETED;
	e->sa_ue_id = s.ue_id;
	memcpy(e->sa_label, s.label, sizeof(e->sa_label));
	e->count = 1;
}

static enum knl_gm_reason reason_of(uint32_t reason)
{
	if (reason == KIMS_DROP_CLEARTEXT)
		return KNL_GM_CLEARTEXT;
	if (reason == KIMS_DROP_WRONG_SA)
		return KNL_GM_WRONG_SA;
	if (reason == KIMS_DROP_WRONG_TUNNEL)
		return KNL_GM_WRONG_TUNNEL;
	return reason == KIMS_DROP_SPOOFED_SOURCE ? KNL_GM_SPOOFED : KNL_GM_UNBOUND;
}

static void read_violation(struct knl_event *e, struct nlattr **attrs)
{
	struct nlattr *tb[KIMS_VIOLATION_A_MAX + 1];

	knl_nested(attrs[KIMS_A_VIOLATION], KIMS_VIOLATION_A_MAX, tb);
	e->kind = KNL_EV_GM_DROP;
	e->reason = reason_of(knl_u32(tb, KIMS_VIOLATION_A_REASON));
	e->proto = knl_u32(tb, KIMS_VIOLATION_A_PROTOCOL);
	e->spi = knl_u32(tb, KIMS_VIOLATION_A_SPI);
	knl_get_end(tb, KIMS_VIOLATION_A_SRC_IPV4, KIMS_VIOLATION_A_SRC_IPV6,
		    KIMS_VIOLATION_A_SRC_PORT, &e->src);
	knl_get_end(tb, KIMS_VIOLATION_A_DST_IPV4, KIMS_VIOLATION_A_DST_IPV6,
		    KIMS_VIOLATION_A_DST_PORT, &e->dst);
	e->sa_ue_id = knl_u64(tb, KIMS_VIOLATION_A_SA_UE_ID);
	knl_get_string(tb, KIMS_VIOLATION_A_SA_LABEL, e->sa_label, sizeof(e->sa_label));
	e->gtpu_session = knl_u64(tb, KIMS_VIOLATION_A_GTPU_SESSION);
	e->victim_ue_id = knl_u64(tb, KIMS_VIOLATION_A_OWNER_UE_ID);
	knl_get_string(tb, KIMS_VIOLATION_A_OWNER_LABEL, e->victim_label,
		       sizeof(e->victim_label));
	e->count = knl_u32(tb, KIMS_VIOLATION_A_SUPPRESSED) + 1ULL;
}

/* False: an event that this version does not know. */
static bool read_event(struct knl *k, struct nlmsghdr *h, struct knl_event *e)
{
	struct nlattr *attrs[KIMS_A_MAX + 1];

	memset(e, 0, sizeof(*e));
	if (h->nlmsg_type != k->family || !genlmsg_valid_hdr(h, 0) ||
	    genlmsg_parse(h, 0, attrs, KIMS_A_MAX, NULL) < 0)
		return false;
	switch (genlmsg_hdr(h)->cmd) {
	case KIMS_CMD_RTP_ACTIVE_NTF:
		read_flow(e, KNL_EV_RTP_FIRST, attrs);
		return true;
	case KIMS_CMD_RTP_INACTIVE_NTF:
		read_flow(e, KNL_EV_RTP_INACTIVE, attrs);
		return true;
	case KIMS_CMD_RTP_DEL_NTF:
		read_flow(e, KNL_EV_RTP_DELETED, attrs);
		return true;
	case KIMS_CMD_RTP_LATCHED_NTF:
		read_latched(e, attrs);
		return true;
	case KIMS_CMD_RTP_DTMF_NTF:
		read_dtmf(e, attrs);
		return true;
	case KIMS_CMD_SA_SET_DEL_NTF:
		read_set(e, attrs);
		return true;
	case KIMS_CMD_VIOLATION_NTF:
		read_violation(e, attrs);
		return true;
	default:
		return false;
	}
}

/* The buffer is the requests' too: fn may call into knl, so each event is copied out before. */
static int read_datagram(struct knl *k, void (*fn)(void *arg, const struct knl_event *e), void *arg)
{
	struct knl_event e;
	int n = knl_events_receive(k);

	if (n < 0)
		return n;
	if (!nlmsg_ok((struct nlmsghdr *)k->buffer, n) ||
	    !read_event(k, (struct nlmsghdr *)k->buffer, &e))
		return 0;
	fn(arg, &e);
	return 1;
}

int knl_events_read(struct knl *k, void (*fn)(void *arg, const struct knl_event *e), void *arg)
{
	int n = 0, r;

	for (;;) {
		r = read_datagram(k, fn, arg);
		if (r == -EAGAIN)
			return n;
		if (r < 0)
			return r;
		n += r;
	}
}
