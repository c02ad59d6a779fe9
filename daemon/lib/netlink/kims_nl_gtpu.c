// SPDX-License-Identifier: GPL-2.0-or-later
/* GTP-U endpoints and sessions of kims.ko: requests and their answers; see kims_nl_gtpu.h. */
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <stdio.h>

#include "lib/netlink/kims_nl_gtpu_priv.h"

#define SESSION_ROOM 1536 /* octets of an ordinary one */
#define BATCH_ROOM (200 << 10)

/* --- endpoints --- */

static int put_ep(struct nl_msg *m, const struct knl_gtpu_ep *ep)
{
	struct nlattr *nest = nla_nest_start(m, KIMS_A_GTPU_EP | NLA_F_NESTED);

	if (!nest || (ep->id && nla_put_u32(m, KIMS_GTPU_EP_A_ID, ep->id)) ||
	    knl_put_end(m, KIMS_GTPU_EP_A_LOCAL_IPV4, KIMS_GTPU_EP_A_LOCAL_IPV6,
			KIMS_GTPU_EP_A_PORT, &ep->local) ||
	    (ep->device && nla_put_u32(m, KIMS_GTPU_EP_A_DEVICE, ep->device)) ||
	    (ep->udp_checksum >= 0 &&
	     nla_put_u32(m, KIMS_GTPU_EP_A_UDP_CHECKSUM, ep->udp_checksum)) ||
	    nla_put_u32(m, KIMS_GTPU_EP_A_ENTROPY, ep->entropy) ||
	    nla_put_u32(m, KIMS_GTPU_EP_A_FRAGMENT_OUTER, ep->fragment_outer) ||
	    nla_put_u32(m, KIMS_GTPU_EP_A_STACK, ep->stack) ||
	    nla_put_u32(m, KIMS_GTPU_EP_A_MSS_CLAMP, ep->mss_clamp))
		return -1;
	nla_nest_end(m, nest);
	return 0;
}

static void read_ep(struct nlattr *nest, struct knl_gtpu_ep *ret)
{
	struct nlattr *tb[KIMS_GTPU_EP_A_MAX + 1], *drops[KIMS_DROP_MAX + 1];

	knl_nested(nest, KIMS_GTPU_EP_A_MAX, tb);
	knl_nested(tb[KIMS_GTPU_EP_A_DROPS], KIMS_DROP_MAX, drops);
	memset(ret, 0, sizeof(*ret));
	ret->id = knl_u32(tb, KIMS_GTPU_EP_A_ID);
	knl_get_end(tb, KIMS_GTPU_EP_A_LOCAL_IPV4, KIMS_GTPU_EP_A_LOCAL_IPV6, KIMS_GTPU_EP_A_PORT,
		    &ret->local);
	ret->device = knl_u32(tb, KIMS_GTPU_EP_A_DEVICE);
	ret->udp_checksum = knl_u32(tb, KIMS_GTPU_EP_A_UDP_CHECKSUM);
	ret->entropy = knl_u32(tb, KIMS_GTPU_EP_A_ENTROPY);
	ret->fragment_outer = knl_u32(tb, KIMS_GTPU_EP_A_FRAGMENT_OUTER);
	ret->stack = knl_u32(tb, KIMS_GTPU_EP_A_STACK);
	ret->mss_clamp = knl_u32(tb, KIMS_GTPU_EP_A_MSS_CLAMP);
	ret->received = knl_u64(tb, KIMS_GTPU_EP_A_RECEIVED);
	ret->forwarded = knl_u64(tb, KIMS_GTPU_EP_A_FORWARDED);
	ret->signalling = knl_u64(tb, KIMS_GTPU_EP_A_SIGNALLING);
	ret->sent = knl_u64(tb, KIMS_GTPU_EP_A_SENT);
	ret->dropped = knl_drops_sum(drops);
	ret->users = knl_u32(tb, KIMS_GTPU_EP_A_USERS);
}

static int ep_row(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	if (arg)
		read_ep(attrs[KIMS_A_GTPU_EP], arg);
	return 0;
}

int knl_gtpu_ep_new(struct knl *k, const struct knl_gtpu_ep *ep, uint32_t *ret_id)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_GTPU_EP_NEW, 0);
	struct knl_gtpu_ep made;
	int r;

	if (!m || put_ep(m, ep))
		return knl_fail(k, -ENOMEM, "request");
	r = knl_transact(k, m, ep_row, &made);
	if (!r && ret_id)
		*ret_id = made.id;
	return r;
}

static int ep_call(struct knl *k, uint8_t cmd, uint32_t id, struct knl_gtpu_ep *ret)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, cmd, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_GTPU_EP | NLA_F_NESTED) : NULL;

	if (!nest || nla_put_u32(m, KIMS_GTPU_EP_A_ID, id))
		return knl_fail(k, -ENOMEM, "request");
	nla_nest_end(m, nest);
	return knl_transact(k, m, ep_row, ret);
}

int knl_gtpu_ep_del(struct knl *k, uint32_t id, struct knl_gtpu_ep *ret_final)
{
	return ep_call(k, KIMS_CMD_GTPU_EP_DEL, id, ret_final);
}

int knl_gtpu_ep_get(struct knl *k, uint32_t id, struct knl_gtpu_ep *ret)
{
	return ep_call(k, KIMS_CMD_GTPU_EP_GET, id, ret);
}

struct ep_dump {
	int (*fn)(void *arg, const struct knl_gtpu_ep *ep);
	void *arg;
};

static int ep_dump_row(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct ep_dump *d = arg;
	struct knl_gtpu_ep ep;

	read_ep(attrs[KIMS_A_GTPU_EP], &ep);
	return d->fn(d->arg, &ep);
}

int knl_gtpu_ep_dump(struct knl *k, int (*fn)(void *arg, const struct knl_gtpu_ep *ep), void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_GTPU_EP_GET, NLM_F_DUMP);
	struct ep_dump d = { fn, arg };

	return m ? knl_transact(k, m, ep_dump_row, &d) : knl_fail(k, -ENOMEM, "request");
}

/* --- batches --- */

/* Which session of the request the refused attribute lies in. */
static void find_refused(struct knl *k, struct nl_msg *m, size_t n)
{
	const char *bad = (const char *)nlmsg_hdr(m) + k->error_offset;
	char sentence[sizeof(k->error)];
	struct nlattr *a;
	int rem, i = 0;

	if (!k->error_offset)
		return;
	nlmsg_for_each_attr(a, nlmsg_hdr(m), GENL_HDRLEN, rem) {
		if (nla_type(a) != KIMS_A_SESSION)
			continue;
		if (bad >= (const char *)a && bad < (const char *)a + nla_total_size(nla_len(a)))
			k->error_index = i;
		i++;
	}
	if (k->error_index < 0 || n < 2)
		return;
	memcpy(sentence, k->error, sizeof(sentence));
	snprintf(k->error, sizeof(k->error), "session %d of %zu: %.256s", k->error_index, n,
		 sentence);
}

int knl_error_index(const struct knl *k)
{
	return k->error_index;
}

static struct nl_msg *batch(struct knl *k, uint8_t cmd, size_t n)
{
	size_t room = NLMSG_HDRLEN + GENL_HDRLEN + n * SESSION_ROOM + KNL_BUFFER;

	return knl_request_size(k, cmd, 0, room > BATCH_ROOM ? BATCH_ROOM : room);
}

struct counters_call {
	knl_counters_fn fn;
	void *arg;
	struct knl_counters *c;
};

/* Each session of the answer. */
static int counters_row(void *arg, struct nlattr **attrs _unused_, struct nlmsghdr *h)
{
	struct counters_call *call = arg;
	struct nlattr *a;
	int rem, r = 0;

	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem) {
		if (nla_type(a) != KIMS_A_SESSION || r || !call->fn)
			continue;
		knl_counters_init(call->c);
		knl_read_counters(a, call->c);
		r = call->fn(call->arg, call->c);
	}
	return r;
}

static int transact_batch(struct knl *k, struct nl_msg *m, size_t n, knl_counters_fn fn, void *arg)
{
	_cleanup_free_ struct knl_counters *c = fn ? malloc(sizeof(*c)) : NULL;
	struct counters_call call = { fn, arg, c };
	int r;

	if (fn && !c)
		return knl_fail(k, -ENOMEM, "request");
	r = knl_transact(k, m, counters_row, &call);
	if (r)
		find_refused(k, m, n);
	return r;
}

static int send_sessions(struct knl *k, uint8_t cmd, const struct knl_session *s, size_t n,
			 knl_counters_fn fn, void *arg)
{
	_cleanup_msg_ struct nl_msg *m = NULL;
	size_t i;

	if (!n || n > KNL_SESSIONS)
		return knl_fail(k, -EINVAL, "number of sessions");
	m = batch(k, cmd, n);
	if (!m)
		return knl_fail(k, -ENOMEM, "request");
	for (i = 0; i < n; i++)
		if (knl_put_session(m, &s[i]))
			return knl_fail(k, -EMSGSIZE, "sessions");
	return transact_batch(k, m, n, fn, arg);
}

int knl_session_new(struct knl *k, const struct knl_session *s, size_t n)
{
	return send_sessions(k, KIMS_CMD_SESSION_NEW, s, n, NULL, NULL);
}

int knl_session_change(struct knl *k, const struct knl_session *s, size_t n, knl_counters_fn fn,
		       void *arg)
{
	return send_sessions(k, KIMS_CMD_SESSION_CHANGE, s, n, fn, arg);
}

static int put_session_id(struct nl_msg *m, uint64_t id)
{
	struct nlattr *nest = knl_nest(m, KIMS_A_SESSION);

	if (!nest || knl_put_u64(m, KIMS_SESSION_A_ID, id))
		return -1;
	knl_nest_end(m, nest);
	return 0;
}

int knl_session_del(struct knl *k, const uint64_t *ids, size_t n, knl_counters_fn fn, void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_SESSION_DEL, 0);
	size_t i;

	if (!n || n > KNL_SESSIONS)
		return knl_fail(k, -EINVAL, "number of sessions");
	for (i = 0; m && i < n; i++)
		if (put_session_id(m, ids[i]))
			return knl_fail(k, -EMSGSIZE, "sessions");
	return m ? transact_batch(k, m, n, fn, arg) : knl_fail(k, -ENOMEM, "request");
}

int knl_session_flush(struct knl *k)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_SESSION_FLUSH, 0);

	return m ? knl_transact(k, m, NULL, NULL) : knl_fail(k, -ENOMEM, "request");
}

/* --- get, dump --- */

static int session_row(void *arg, struct nlattr **attrs _unused_, struct nlmsghdr *h)
{
	struct nlattr *a;
	int rem, r = 0;

	nlmsg_for_each_attr(a, h, GENL_HDRLEN, rem)
		if (nla_type(a) == KIMS_A_SESSION && !r)
			r = knl_read_session(arg, a);
	return r;
}

int knl_session_get(struct knl *k, uint64_t id, knl_session_fn fn, void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_SESSION_GET, 0);
	struct knl_sessions s = { .fn = fn, .arg = arg };

	if (!m || put_session_id(m, id))
		return knl_fail(k, -ENOMEM, "request");
	return knl_sessions_end(&s, knl_transact(k, m, session_row, &s));
}

int knl_session_dump(struct knl *k, knl_session_fn fn, void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_SESSION_GET, NLM_F_DUMP);
	struct knl_sessions s = { .fn = fn, .arg = arg };

	if (!m)
		return knl_fail(k, -ENOMEM, "request");
	return knl_sessions_end(&s, knl_transact(k, m, session_row, &s));
}

/* --- messages to peers, flows of applications --- */

static int peer_call(struct knl *k, uint8_t cmd, uint32_t endpoint, const struct knl_end *peer,
		     const uint32_t *teid)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, cmd, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_GTPU_PEER | NLA_F_NESTED) : NULL;

	if (!nest || nla_put_u32(m, KIMS_GTPU_PEER_A_ENDPOINT, endpoint) ||
	    knl_put_end(m, KIMS_GTPU_PEER_A_IPV4, KIMS_GTPU_PEER_A_IPV6, KIMS_GTPU_PEER_A_PORT,
			peer) ||
	    (teid && nla_put_u32(m, KIMS_GTPU_PEER_A_TEID, *teid)))
		return knl_fail(k, -ENOMEM, "request");
	nla_nest_end(m, nest);
	return knl_transact(k, m, NULL, NULL);
}

int knl_end_marker(struct knl *k, uint32_t endpoint, const struct knl_end *peer, uint32_t teid)
{
	return peer_call(k, KIMS_CMD_END_MARKER, endpoint, peer, &teid);
}

int knl_echo(struct knl *k, uint32_t endpoint, const struct knl_end *peer)
{
	return peer_call(k, KIMS_CMD_ECHO, endpoint, peer, NULL);
}

static int put_app_flow(struct nl_msg *m, const struct knl_app_flow *f)
{
	struct nlattr *nest = nla_nest_start(m, KIMS_A_APP_FLOW | NLA_F_NESTED);

	if (!nest || nla_put_u64(m, KIMS_APP_FLOW_A_SESSION, f->session) ||
	    nla_put_u32(m, KIMS_APP_FLOW_A_APP_ID, f->app_id) ||
	    nla_put_u32(m, KIMS_APP_FLOW_A_PROTOCOL, f->protocol) ||
	    knl_put_end(m, KIMS_APP_FLOW_A_UE_IPV4, KIMS_APP_FLOW_A_UE_IPV6,
			KIMS_APP_FLOW_A_UE_PORT, &f->ue) ||
	    knl_put_end(m, KIMS_APP_FLOW_A_REMOTE_IPV4, KIMS_APP_FLOW_A_REMOTE_IPV6,
			KIMS_APP_FLOW_A_REMOTE_PORT, &f->remote))
		return -1;
	nla_nest_end(m, nest);
	return 0;
}

int knl_app_flow_new(struct knl *k, const struct knl_app_flow *flows, size_t n)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_APP_FLOW_NEW, 0);
	size_t i;

	for (i = 0; m && i < n; i++)
		if (put_app_flow(m, &flows[i]))
			return knl_fail(k, -EMSGSIZE, "flows");
	return m ? knl_transact(k, m, NULL, NULL) : knl_fail(k, -ENOMEM, "request");
}
