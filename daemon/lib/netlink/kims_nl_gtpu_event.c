// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of GTP-U to struct knl_gtpu_event; see kims_nl_gtpu.h. */
#include <netlink/genl/genl.h>

#include "lib/netlink/kims_nl_gtpu_priv.h"

static void read_name(struct knl_gtpu_event *e, struct nlattr *session)
{
	struct nlattr *tb[KIMS_SESSION_A_MAX + 1];

	knl_nested(session, KIMS_SESSION_A_MAX, tb);
	e->session = knl_u64(tb, KIMS_SESSION_A_ID);
	knl_get_string(tb, KIMS_SESSION_A_LABEL, e->label, sizeof(e->label));
	e->pdr = knl_u32(tb, KIMS_SESSION_A_EVENT_PDR);
	e->far = knl_u32(tb, KIMS_SESSION_A_EVENT_FAR);
	e->dscp = tb[KIMS_SESSION_A_EVENT_DSCP] ? (int)knl_u32(tb, KIMS_SESSION_A_EVENT_DSCP) : -1;
	if (tb[KIMS_SESSION_A_URR])
		knl_read_usage(tb[KIMS_SESSION_A_URR], &e->usage);
}

static void read_peer(struct knl_gtpu_event *e, struct nlattr *peer)
{
	struct nlattr *tb[KIMS_GTPU_PEER_A_MAX + 1];

	knl_nested(peer, KIMS_GTPU_PEER_A_MAX, tb);
	e->endpoint = knl_u32(tb, KIMS_GTPU_PEER_A_ENDPOINT);
	e->teid = knl_u32(tb, KIMS_GTPU_PEER_A_TEID);
	knl_get_end(tb, KIMS_GTPU_PEER_A_IPV4, KIMS_GTPU_PEER_A_IPV6, KIMS_GTPU_PEER_A_PORT,
		    &e->peer);
	e->session = knl_u64(tb, KIMS_GTPU_PEER_A_SESSION);
	e->far = knl_u32(tb, KIMS_GTPU_PEER_A_FAR);
	knl_get_string(tb, KIMS_GTPU_PEER_A_LABEL, e->label, sizeof(e->label));
}

static const struct {
	uint8_t cmd;
	enum knl_gtpu_event_kind kind;
	bool peer; /* of a peer, else of a session */
} kinds[] = {
	{ KIMS_CMD_USAGE_NTF, KNL_GTPU_USAGE, false },
	{ KIMS_CMD_DL_DATA_NTF, KNL_GTPU_DL_DATA, false },
	{ KIMS_CMD_SESSION_IDLE_NTF, KNL_GTPU_IDLE, false },
	{ KIMS_CMD_SESSION_DEL_NTF, KNL_GTPU_DELETED, false },
	{ KIMS_CMD_END_MARKER_NTF, KNL_GTPU_END_MARKER, false },
	{ KIMS_CMD_ERROR_INDICATION_NTF, KNL_GTPU_ERROR_INDICATION, true },
	{ KIMS_CMD_ECHO_NTF, KNL_GTPU_ECHO, true },
};

/* Index in kinds, -1: an event that this version does not know. */
static int kind_of(struct knl *k, struct nlmsghdr *h)
{
	size_t i;

	if (h->nlmsg_type != k->family || !genlmsg_valid_hdr(h, 0))
		return -1;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].cmd == genlmsg_hdr(h)->cmd)
			return i;
	return -1;
}

static bool read_event(struct knl *k, struct nlmsghdr *h, struct knl_gtpu_event *e,
		       struct knl_counters *final)
{
	struct nlattr *attrs[KIMS_A_MAX + 1];
	int i = kind_of(k, h);

	if (i < 0 || genlmsg_parse(h, 0, attrs, KIMS_A_MAX, NULL) < 0)
		return false;
	memset(e, 0, sizeof(*e));
	e->kind = kinds[i].kind;
	e->dscp = -1;
	if (kinds[i].peer)
		read_peer(e, attrs[KIMS_A_GTPU_PEER]);
	else
		read_name(e, attrs[KIMS_A_SESSION]);
	if (e->kind != KNL_GTPU_DELETED)
		return true;
	knl_counters_init(final);
	if (attrs[KIMS_A_SESSION])
		knl_read_counters(attrs[KIMS_A_SESSION], final);
	e->final = final;
	return true;
}

int knl_gtpu_events_open(struct knl *k)
{
	return knl_events_join(k, k->group_gtpu, 0);
}

/* The buffer is the requests' too: fn may call into knl, so each event is copied out before. */
int knl_gtpu_events_read(struct knl *k, void (*fn)(void *arg, const struct knl_gtpu_event *e),
			 void *arg)
{
	_cleanup_free_ struct knl_counters *final = malloc(sizeof(*final));
	struct knl_gtpu_event e;
	int n = 0, len;

	if (!final)
		return -ENOMEM;
	for (;;) {
		len = knl_events_receive(k);
		if (len == -EAGAIN)
			return n;
		if (len < 0)
			return len;
		if (!nlmsg_ok((struct nlmsghdr *)k->buffer, len) ||
		    !read_event(k, (struct nlmsghdr *)k->buffer, &e, final))
			continue;
		fn(arg, &e);
		n++;
	}
}
