// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IPsec SA sets of Gm in the kernel's XFRM (TS 33.203 6.3, 7.1, annex H), over NETLINK_XFRM.
 *
 * The four SAs of a set, seen from our end ("c" the client port, "s" the server port, TS 33.203 7.1):
 *
 *     SPI          from                   to
 *     our_spi_s    peer, peer_port_c      our, our_port_s       in
 *     our_spi_c    peer, peer_port_s      our, our_port_c       in
 *     peer_spi_c   our, our_port_s        peer, peer_port_c     out
 *     peer_spi_s   our, our_port_c        peer, peer_port_s     out
 *
 * Invariants:
 *  - Every SA has the selector of its row, so that what comes under it with another address or port is dropped by
 *    the kernel (XfrmInStateMismatch), and every policy names both SPI and reqid of its row with "level required"
 *    (optional = 0), so that cleartext or another UE's SA is dropped (XfrmInTmplMismatch).
 *  - Selectors leave the protocol open: one policy serves UDP and TCP.
 *  - A set's policies go in after its states and out before them: there is no moment at which a policy lets cleartext
 *    through, nor one at which the kernel sends acquire messages for a state that is just leaving.
 *  - An expired state leaves its policy behind, which then drops everything (fail closed) until the set is deleted.
 *  - Keys are wiped from the messages that carry them to the kernel.
 */
#include <arpa/inet.h>
#include <linux/ipsec.h>
#include <linux/netlink.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "lib/netlink/xfrm.h"

#define PRIORITY_SET   1000 /* smaller wins */
#define PRIORITY_GUARD 2000
#define REPLAY_WINDOW  32  /* RFC 4303 3.4.3: the most that the plain state holds */
#define ICV_BITS       96  /* RFC 2403, RFC 2404 */
#define AEAD_ICV_BITS  128 /* RFC 4106 6, RFC 4543 3.3 */

struct knl_xfrm {
	struct nl_sock *sock, *mappings; /* mappings: NULL until somebody asks */
	char error[256];
};

/* One row of the table above. */
struct sa {
	const struct xfrm_set *set;
	const struct xfrm_addr *src, *dst;
	uint16_t sport, dport;
	uint32_t spi;
	int dir; /* XFRM_POLICY_IN, XFRM_POLICY_OUT */
};

#define SAS_PER_SET 4

static void set_rows(const struct xfrm_set *s, struct sa rows[SAS_PER_SET])
{
	const struct xfrm_addr *our = &s->our, *peer = &s->peer;

	rows[0] = (struct sa){
		s, peer, our, s->peer_port_c, s->our_port_s, s->our_spi_s, XFRM_POLICY_IN
	};
	rows[1] = (struct sa){
		s, peer, our, s->peer_port_s, s->our_port_c, s->our_spi_c, XFRM_POLICY_IN
	};
	rows[2] = (struct sa){
		s, our, peer, s->our_port_s, s->peer_port_c, s->peer_spi_c, XFRM_POLICY_OUT
	};
	rows[3] = (struct sa){
		s, our, peer, s->our_port_c, s->peer_port_s, s->peer_spi_s, XFRM_POLICY_OUT
	};
}

/* --- requests --- */

static int fail(struct knl_xfrm *x, int r, const char *what)
{
	snprintf(x->error, sizeof(x->error), "%s: %s", what, strerror(-r));
	return r;
}

struct request {
	struct knl_xfrm *x;
	int status;				   /* of the acknowledgement */
	char sentence[160];			   /* the kernel's own, where it has one */
	int (*row)(void *arg, struct nlmsghdr *h); /* one message of a reply */
	void *arg;
	bool done;
};

static void msg_wipe(struct nl_msg **m)
{
	if (!*m)
		return;
	explicit_bzero(nlmsg_data(nlmsg_hdr(*m)), nlmsg_datalen(nlmsg_hdr(*m)));
	nlmsg_free(*m);
}

static struct nl_msg *msg_new(int type, int flags, const void *payload, size_t len)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (m && len && nlmsg_append(m, (void *)payload, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static void take_sentence(struct request *q, struct nlmsghdr *h)
{
	struct nlmsgerr *e = nlmsg_data(h);
	size_t skip = sizeof(*e);
	struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	a = nlmsg_find_attr(h, NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
	if (a)
		nla_strlcpy(q->sentence, a, sizeof(q->sentence));
}

/* Every message of an answer comes by here, errors and the end of a dump included. */
static int on_message(struct nl_msg *m, void *arg)
{
	struct request *q = arg;
	struct nlmsghdr *h = nlmsg_hdr(m);
	int r;

	switch (h->nlmsg_type) {
	case NLMSG_ERROR:
		q->status = ((struct nlmsgerr *)nlmsg_data(h))->error;
		take_sentence(q, h);
		q->done = true;
		break;
	case NLMSG_DONE:
		q->done = true;
		break;
	default:
		/* After a refusal by the caller the rest of the dump is read and thrown away. */
		r = q->row && !q->status ? q->row(q->arg, h) : 0;
		if (r)
			q->status = r;
		/* The answer to a GET of one object is not followed by an acknowledgement. */
		q->done = !(h->nlmsg_flags & NLM_F_MULTI);
		break;
	}
	return NL_SKIP;
}

static int request_error(struct request *q, const char *what)
{
	struct knl_xfrm *x = q->x;

	if (q->status < 0 && *q->sentence)
		snprintf(x->error, sizeof(x->error), "%s: %s (%s)", what, q->sentence,
			 strerror(-q->status));
	else if (q->status < 0)
		fail(x, q->status, what);
	return q->status;
}

/* Sends m, wipes and frees it, reads the whole answer. row sees each object; what it returns ends up as our result. */
static int transact(struct knl_xfrm *x, struct nl_msg *m, const char *what,
		    int (*row)(void *, struct nlmsghdr *), void *arg)
{
	_cleanup_(msg_wipe) struct nl_msg *msg = m;
	struct request q = { .x = x, .row = row, .arg = arg };
	struct nl_cb *cb;
	int r;

	if (!msg)
		return fail(x, -ENOMEM, what);
	if (!row)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	cb = nl_cb_alloc(NL_CB_CUSTOM);
	if (!cb)
		return fail(x, -ENOMEM, what);
	nl_cb_set(cb, NL_CB_MSG_IN, NL_CB_CUSTOM, on_message, &q);
	r = nl_send_auto(x->sock, msg);
	while (r >= 0 && !q.done)
		r = nl_recvmsgs(x->sock, cb);
	nl_cb_put(cb);
	if (r < 0)
		return fail(x, r == -NLE_NOMEM ? -ENOBUFS : -EIO, what);
	return request_error(&q, what);
}

/* --- pieces of messages --- */

static void to_xfrm_address(const struct xfrm_addr *a, xfrm_address_t *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET)
		ret->a4 = a->v4.s_addr;
	else
		memcpy(ret->a6, &a->v6, sizeof(a->v6));
}

static void from_xfrm_address(const xfrm_address_t *a, sa_family_t family, struct xfrm_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = family;
	if (family == AF_INET)
		ret->v4.s_addr = a->a4;
	else
		memcpy(&ret->v6, a->a6, sizeof(ret->v6));
}

static uint8_t host_prefix(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

static struct xfrm_selector sa_selector(const struct sa *sa)
{
	struct xfrm_selector sel = {
		.family = sa->src->family,
		.sport = htons(sa->sport),
		.sport_mask = 0xffff,
		.dport = htons(sa->dport),
		.dport_mask = 0xffff,
		.prefixlen_s = host_prefix(sa->src->family),
		.prefixlen_d = host_prefix(sa->src->family),
	};

	to_xfrm_address(sa->src, &sel.saddr);
	to_xfrm_address(sa->dst, &sel.daddr);
	return sel;
}

static struct xfrm_lifetime_cfg lifetime(uint64_t seconds)
{
	return (struct xfrm_lifetime_cfg){
		.soft_byte_limit = XFRM_INF,
		.hard_byte_limit = XFRM_INF,
		.soft_packet_limit = XFRM_INF,
		.hard_packet_limit = XFRM_INF,
		.hard_add_expires_seconds = seconds,
	};
}

struct algorithm {
	const char *name;
	size_t key_len; /* octets, TS 33.203 annex H */
};

static const struct algorithm auth_algs[] = {
	[XFRM_AUTH_MD5_96] = { "hmac(md5)", 16 },
	[XFRM_AUTH_SHA1_96] = { "hmac(sha1)", 20 },
	[XFRM_AUTH_AES_GMAC] = { "rfc4543(gcm(aes))", 20 },
	[XFRM_AUTH_NONE] = { "none", 0 },
};

static const struct algorithm enc_algs[] = {
	[XFRM_ENC_NULL] = { "ecb(cipher_null)", 0 },
	[XFRM_ENC_AES_CBC] = { "cbc(aes)", 16 },
	[XFRM_ENC_DES3_CBC] = { "cbc(des3_ede)", 24 },
	[XFRM_ENC_AES_GCM] = { "rfc4106(gcm(aes))", 20 },
};

static bool is_aead(const struct xfrm_set *s)
{
	return s->auth == XFRM_AUTH_AES_GMAC || s->enc == XFRM_ENC_AES_GCM;
}

static int put_auth(struct nl_msg *m, const struct xfrm_set *s)
{
	uint8_t buf[sizeof(struct xfrm_algo_auth) + sizeof(s->auth_key)] = { 0 };
	struct xfrm_algo_auth *a = (void *)buf;
	int r;

	strcpy(a->alg_name, auth_algs[s->auth].name);
	a->alg_key_len = s->auth_key_len * 8;
	a->alg_trunc_len = ICV_BITS;
	memcpy(a->alg_key, s->auth_key, s->auth_key_len);
	r = nla_put(m, XFRMA_ALG_AUTH_TRUNC, sizeof(*a) + s->auth_key_len, a);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

static int put_enc(struct nl_msg *m, const struct xfrm_set *s)
{
	uint8_t buf[sizeof(struct xfrm_algo) + sizeof(s->enc_key)] = { 0 };
	struct xfrm_algo *a = (void *)buf;
	int r;

	strcpy(a->alg_name, enc_algs[s->enc].name);
	a->alg_key_len = s->enc_key_len * 8;
	memcpy(a->alg_key, s->enc_key, s->enc_key_len);
	r = nla_put(m, XFRMA_ALG_CRYPT, sizeof(*a) + s->enc_key_len, a);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

static int put_aead(struct nl_msg *m, const struct xfrm_set *s)
{
	const struct algorithm *alg =
		s->enc == XFRM_ENC_AES_GCM ? &enc_algs[s->enc] : &auth_algs[s->auth];
	const uint8_t *key = s->enc == XFRM_ENC_AES_GCM ? s->enc_key : s->auth_key;
	uint8_t buf[sizeof(struct xfrm_algo_aead) + sizeof(s->enc_key)] = { 0 };
	struct xfrm_algo_aead *a = (void *)buf;
	int r;

	strcpy(a->alg_name, alg->name);
	a->alg_key_len = alg->key_len * 8;
	a->alg_icv_len = AEAD_ICV_BITS;
	memcpy(a->alg_key, key, alg->key_len);
	r = nla_put(m, XFRMA_ALG_AEAD, sizeof(*a) + alg->key_len, a);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

static int put_algorithms(struct nl_msg *m, const struct xfrm_set *s)
{
	if (is_aead(s))
		return put_aead(m, s);
	return put_auth(m, s) < 0 || put_enc(m, s) < 0 ? -NLE_NOMEM : 0;
}

static int put_encap(struct nl_msg *m, const struct sa *sa)
{
	const struct xfrm_set *s = sa->set;
	bool in = sa->dir == XFRM_POLICY_IN;
	struct xfrm_encap_tmpl e = {
		.encap_type = UDP_ENCAP_ESPINUDP,
		.encap_sport = htons(in ? s->peer_encap_port : s->our_encap_port),
		.encap_dport = htons(in ? s->our_encap_port : s->peer_encap_port),
	};

	return s->our_encap_port ? nla_put(m, XFRMA_ENCAP, sizeof(e), &e) : 0;
}

/* --- states --- */

static uint8_t mode_of(const struct xfrm_set *s)
{
	return s->tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
}

static int state_add(struct knl_xfrm *x, const struct sa *sa)
{
	const struct xfrm_set *s = sa->set;
	struct xfrm_usersa_info info = {
		.sel = sa_selector(sa),
		.id = { .spi = htonl(sa->spi), .proto = IPPROTO_ESP },
		.lft = lifetime(s->lifetime_s),
		.reqid = s->reqid,
		.family = sa->src->family,
		.mode = mode_of(s),
		.replay_window = REPLAY_WINDOW,
	};
	struct nl_msg *m;

	to_xfrm_address(sa->dst, &info.id.daddr);
	to_xfrm_address(sa->src, &info.saddr);
	m = msg_new(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	if (m && (put_algorithms(m, s) < 0 || put_encap(m, sa) < 0))
		msg_wipe(&m), m = NULL;
	return transact(x, m, "add SA", NULL, NULL);
}

static struct nl_msg *state_id_msg(int type, const struct xfrm_addr *dst, uint32_t spi)
{
	struct xfrm_usersa_id id = { .spi = htonl(spi),
				     .family = dst->family,
				     .proto = IPPROTO_ESP };

	to_xfrm_address(dst, &id.daddr);
	return msg_new(type, 0, &id, sizeof(id));
}

static int state_del(struct knl_xfrm *x, const struct xfrm_addr *dst, uint32_t spi)
{
	int r = transact(x, state_id_msg(XFRM_MSG_DELSA, dst, spi), "delete SA", NULL, NULL);

	return r == -ESRCH ? 0 : r;
}

struct state_copy {
	struct xfrm_usersa_info info;
	struct nl_msg *update;
	bool set_lifetime;
	uint64_t lifetime_s;
	const struct sa *encap; /* its ports, not those that the state has; NULL: those */
};

/* The update message needs the algorithms again; they come from the kernel, so that the caller need not keep keys. */
static int copy_attrs(struct state_copy *c, struct nlattr **attrs)
{
	static const int types[] = { XFRMA_ALG_AUTH_TRUNC, XFRMA_ALG_CRYPT, XFRMA_ALG_AEAD,
				     XFRMA_ENCAP };
	struct nlattr *a;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		a = attrs[types[i]];
		if (!a || (types[i] == XFRMA_ENCAP && c->encap))
			continue;
		if (nla_put(c->update, types[i], nla_len(a), nla_data(a)) < 0)
			return -ENOMEM;
	}
	return c->encap && put_encap(c->update, c->encap) < 0 ? -ENOMEM : 0;
}

static int copy_state(void *arg, struct nlmsghdr *h)
{
	struct state_copy *c = arg;
	struct nlattr *attrs[XFRMA_MAX + 1];

	if (h->nlmsg_type != XFRM_MSG_NEWSA ||
	    nlmsg_parse(h, sizeof(c->info), attrs, XFRMA_MAX, NULL) < 0)
		return -EPROTO;
	c->info = *(struct xfrm_usersa_info *)nlmsg_data(h);
	if (c->set_lifetime) /* counted by the kernel from add_time */
		c->info.lft =
			lifetime(c->lifetime_s ? (uint64_t)time(NULL) - c->info.curlft.add_time +
							 c->lifetime_s
					       : 0);
	c->update = msg_new(XFRM_MSG_UPDSA, 0, &c->info, sizeof(c->info));
	return c->update ? copy_attrs(c, attrs) : -ENOMEM;
}

static int state_update(struct knl_xfrm *x, const struct sa *sa, struct state_copy *c,
			const char *what)
{
	int r;

	r = transact(x, state_id_msg(XFRM_MSG_GETSA, sa->dst, sa->spi), "read SA", copy_state, c);
	if (r) {
		msg_wipe(&c->update);
		return r;
	}
	return transact(x, c->update, what, NULL, NULL);
}

/* --- policies --- */

static int policy_add(struct knl_xfrm *x, const struct sa *sa)
{
	struct xfrm_userpolicy_info info = {
		.sel = sa_selector(sa),
		.lft = lifetime(
			0), /* the set's end is ours to decide: an expired policy would open the port */
		.priority = PRIORITY_SET,
		.dir = sa->dir,
		.action = XFRM_POLICY_ALLOW,
		.share = XFRM_SHARE_ANY,
	};
	struct xfrm_user_tmpl tmpl = {
		.id = { .spi = htonl(sa->spi), .proto = IPPROTO_ESP },
		.family = sa->src->family,
		.reqid = sa->set->reqid,
		.mode = mode_of(sa->set),
		.aalgos = ~0u,
		.ealgos = ~0u,
		.calgos = ~0u,
	};
	struct nl_msg *m;

	to_xfrm_address(sa->src, &tmpl.saddr);
	to_xfrm_address(sa->dst, &tmpl.id.daddr);
	m = msg_new(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	if (m && nla_put(m, XFRMA_TMPL, sizeof(tmpl), &tmpl) < 0)
		msg_wipe(&m), m = NULL;
	return transact(x, m, "add policy", NULL, NULL);
}

/* reqid of a policy's first template; 0: it has none (a guard, or somebody else's). */
static uint32_t policy_reqid(struct nlmsghdr *h)
{
	struct nlattr *attrs[XFRMA_MAX + 1];

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    nlmsg_parse(h, sizeof(struct xfrm_userpolicy_info), attrs, XFRMA_MAX, NULL) < 0 ||
	    !attrs[XFRMA_TMPL] || nla_len(attrs[XFRMA_TMPL]) < (int)sizeof(struct xfrm_user_tmpl))
		return 0;
	return ((struct xfrm_user_tmpl *)nla_data(attrs[XFRMA_TMPL]))->reqid;
}

static int take_reqid(void *arg, struct nlmsghdr *h)
{
	*(uint32_t *)arg = policy_reqid(h);
	return 0;
}

/* Deletes the policy of a row, but not one that another set has put under the same selector since. */
static int policy_del(struct knl_xfrm *x, const struct sa *sa)
{
	struct xfrm_userpolicy_id id = { .sel = sa_selector(sa), .dir = sa->dir };
	uint32_t reqid = 0;
	int r;

	r = transact(x, msg_new(XFRM_MSG_GETPOLICY, 0, &id, sizeof(id)), "read policy", take_reqid,
		     &reqid);
	if (r == -ENOENT || (!r && reqid != sa->set->reqid))
		return 0;
	if (r)
		return r;
	r = transact(x, msg_new(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id)), "delete policy", NULL,
		     NULL);
	return r == -ENOENT ? 0 : r;
}

/* --- sets --- */

static int set_check(struct knl_xfrm *x, const struct xfrm_set *s)
{
	if (s->our.family != s->peer.family ||
	    (s->our.family != AF_INET && s->our.family != AF_INET6))
		return fail(x, -EINVAL,
			    "addresses of an SA set are of different or unknown families");
	if (!s->reqid || !s->our_port_c || !s->our_port_s || !s->peer_port_c || !s->peer_port_s)
		return fail(x, -EINVAL, "an SA set needs a reqid and four ports");
	/* RFC 4303 2.1: SPIs below 256 are reserved. */
	if (s->our_spi_c < 256 || s->our_spi_s < 256 || s->peer_spi_c < 256 || s->peer_spi_s < 256)
		return fail(x, -EINVAL, "an SPI below 256 is reserved");
	if (s->our_spi_c == s->our_spi_s || s->peer_spi_c == s->peer_spi_s)
		return fail(x, -EINVAL, "the two SPIs of one end must differ");
	if (!s->our_encap_port != !s->peer_encap_port)
		return fail(x, -EINVAL, "ESP in UDP needs the ports of both ends");
	return 0;
}

static int keys_check(struct knl_xfrm *x, const struct xfrm_set *s)
{
	if ((size_t)s->auth >= ARRAY_SIZE(auth_algs) || (size_t)s->enc >= ARRAY_SIZE(enc_algs))
		return fail(x, -EINVAL, "unknown algorithm");
	if ((s->auth == XFRM_AUTH_NONE) != (s->enc == XFRM_ENC_AES_GCM) ||
	    (s->auth == XFRM_AUTH_AES_GMAC && s->enc != XFRM_ENC_NULL))
		return fail(x, -EINVAL, "algorithms that do not go together");
	if (s->auth_key_len != auth_algs[s->auth].key_len)
		return fail(x, -EINVAL, "length of the integrity key");
	if (s->enc_key_len != enc_algs[s->enc].key_len)
		return fail(x, -EINVAL, "length of the encryption key");
	return 0;
}

int knl_xfrm_set_add(struct knl_xfrm *x, const struct xfrm_set *s)
{
	char error[sizeof(x->error)];
	struct sa rows[SAS_PER_SET];
	int r, states, policies = 0;

	r = set_check(x, s);
	if (!r)
		r = keys_check(x, s);
	if (r)
		return r;
	set_rows(s, rows);
	for (states = 0; !r && states < SAS_PER_SET; states += !r)
		r = state_add(x, &rows[states]);
	for (; !r && policies < SAS_PER_SET; policies += !r)
		r = policy_add(x, &rows[policies]);
	if (!r)
		return 0;
	memcpy(error, x->error, sizeof(error)); /* what went wrong, not what undoing it said */
	while (policies > 0)
		policy_del(x, &rows[--policies]);
	while (states > 0)
		state_del(x, rows[states - 1].dst, rows[states - 1].spi), states--;
	memcpy(x->error, error, sizeof(error));
	return r;
}

int knl_xfrm_set_del(struct knl_xfrm *x, const struct xfrm_set *s)
{
	struct sa rows[SAS_PER_SET];
	int i, r, first = 0;

	r = set_check(x, s);
	if (r)
		return r;
	set_rows(s, rows);
	for (i = 0; i < SAS_PER_SET; i++) {
		r = policy_del(x, &rows[i]);
		first = first ? first : r;
	}
	for (i = 0; i < SAS_PER_SET; i++) {
		r = state_del(x, rows[i].dst, rows[i].spi);
		first = first ? first : r;
	}
	return first;
}

int knl_xfrm_set_lifetime(struct knl_xfrm *x, const struct xfrm_set *s, uint64_t lifetime_s)
{
	struct sa rows[SAS_PER_SET];
	int i, r;

	r = set_check(x, s);
	set_rows(s, rows);
	for (i = 0; !r && i < SAS_PER_SET; i++) {
		struct state_copy c = { .set_lifetime = true, .lifetime_s = lifetime_s };

		r = state_update(x, &rows[i], &c, "change lifetime of SA");
	}
	return r;
}

int knl_xfrm_set_encap(struct knl_xfrm *x, const struct xfrm_set *s)
{
	struct sa rows[SAS_PER_SET];
	int i, r;

	r = set_check(x, s);
	if (!r && !s->our_encap_port)
		r = fail(x, -EINVAL, "plain ESP has no ports");
	set_rows(s, rows);
	for (i = 0; !r && i < SAS_PER_SET; i++) {
		struct state_copy c = { .encap = &rows[i] };

		r = state_update(x, &rows[i], &c, "change UDP port of SA");
	}
	return r;
}

static int ignore_row(void *arg _unused_, struct nlmsghdr *h _unused_)
{
	return 0;
}

int knl_xfrm_spi_free(struct knl_xfrm *x, const struct xfrm_addr *our, uint32_t spi)
{
	int r = transact(x, state_id_msg(XFRM_MSG_GETSA, our, spi), "look up SPI", ignore_row,
			 NULL);

	if (r == -ESRCH)
		return 0;
	return r ? r : -EEXIST;
}

static socklen_t to_sockaddr(const struct xfrm_addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = a->family;
	if (a->family == AF_INET) {
		in->sin_addr = a->v4;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_addr = a->v6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

int knl_xfrm_encap_open(const struct xfrm_addr *our, uint16_t port, int *ret)
{
	_cleanup_close_ int fd = -1;
	int type = UDP_ENCAP_ESPINUDP;
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(our, port, &ss);

	fd = socket(our->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (void *)&ss, len) ||
	    setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)))
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

static int open_error(int nl_error)
{
	switch (nl_error) {
	case -NLE_PERM:
		return -EPERM;
	case -NLE_NOMEM:
		return -ENOMEM;
	case -NLE_PROTO_MISMATCH:
	case -NLE_AF_NOSUPPORT:
		return -EPROTONOSUPPORT;
	default:
		return -EIO;
	}
}

struct mapping_reader {
	void (*fn)(void *arg, const struct xfrm_mapping *m);
	void *arg;
};

static int on_mapping(struct nl_msg *msg, void *arg)
{
	struct mapping_reader *r = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct xfrm_user_mapping *u = nlmsg_data(h);
	struct xfrm_mapping m;

	if (h->nlmsg_type != XFRM_MSG_MAPPING || nlmsg_datalen(h) < (int)sizeof(*u))
		return NL_SKIP;
	m = (struct xfrm_mapping){ .spi = ntohl(u->id.spi),
				   .reqid = u->reqid,
				   .port = ntohs(u->new_sport) };
	from_xfrm_address(&u->id.daddr, u->id.family, &m.our);
	from_xfrm_address(&u->new_saddr, u->id.family, &m.peer);
	r->fn(r->arg, &m);
	return NL_SKIP;
}

int knl_xfrm_mapping_open(struct knl_xfrm *x, int *ret_fd)
{
	int r;

	nl_socket_free(x->mappings);
	x->mappings = nl_socket_alloc();
	if (!x->mappings)
		return fail(x, -ENOMEM, "watch for changes of ports");
	nl_socket_disable_seq_check(x->mappings);
	r = nl_connect(x->mappings, NETLINK_XFRM);
	if (!r)
		r = nl_socket_add_membership(x->mappings, XFRMNLGRP_MAPPING);
	if (!r)
		r = nl_socket_set_nonblocking(x->mappings);
	if (r < 0)
		return fail(x, open_error(r), "watch for changes of ports");
	*ret_fd = nl_socket_get_fd(x->mappings);
	return 0;
}

int knl_xfrm_mapping_read(struct knl_xfrm *x, void (*fn)(void *arg, const struct xfrm_mapping *m),
			  void *arg)
{
	struct mapping_reader reader = { fn, arg };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int r = 0;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_MSG_IN, NL_CB_CUSTOM, on_mapping, &reader);
	while (!r)
		r = nl_recvmsgs(x->mappings, cb);
	nl_cb_put(cb);
	return r == -NLE_AGAIN ? 0 : r == -NLE_NOMEM ? -ENOBUFS : -EIO;
}

/* --- guards --- */

/* Matches addr:port at our end, whoever is at the other. */
static struct xfrm_selector guard_selector(const struct xfrm_addr *addr, uint16_t port, int dir)
{
	struct xfrm_selector sel = { .family = addr->family };

	if (dir == XFRM_POLICY_IN) {
		to_xfrm_address(addr, &sel.daddr);
		sel.prefixlen_d = host_prefix(addr->family);
		sel.dport = htons(port);
		sel.dport_mask = 0xffff;
	} else {
		to_xfrm_address(addr, &sel.saddr);
		sel.prefixlen_s = host_prefix(addr->family);
		sel.sport = htons(port);
		sel.sport_mask = 0xffff;
	}
	return sel;
}

static int guard_add_dir(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port, int dir)
{
	struct xfrm_userpolicy_info info = {
		.sel = guard_selector(addr, port, dir),
		.lft = lifetime(0),
		.priority = PRIORITY_GUARD,
		.dir = dir,
		.action = XFRM_POLICY_BLOCK,
		.share = XFRM_SHARE_ANY,
	};
	int r = transact(
		x, msg_new(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info)),
		"add guard", NULL, NULL);

	return r == -EEXIST ? 0 : r;
}

static int guard_del_dir(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port, int dir)
{
	struct xfrm_userpolicy_id id = { .sel = guard_selector(addr, port, dir), .dir = dir };
	int r = transact(x, msg_new(XFRM_MSG_DELPOLICY, 0, &id, sizeof(id)), "delete guard", NULL,
			 NULL);

	return r == -ENOENT ? 0 : r;
}

static int guard_check(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port)
{
	if ((addr->family != AF_INET && addr->family != AF_INET6) || !port)
		return fail(x, -EINVAL, "a guard needs an address and a port");
	return 0;
}

int knl_xfrm_guard_add(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port)
{
	int r = guard_check(x, addr, port);

	if (!r)
		r = guard_add_dir(x, addr, port, XFRM_POLICY_IN);
	return r ? r : guard_add_dir(x, addr, port, XFRM_POLICY_OUT);
}

int knl_xfrm_guard_del(struct knl_xfrm *x, const struct xfrm_addr *addr, uint16_t port)
{
	int r = guard_check(x, addr, port), r2;

	if (r)
		return r;
	r = guard_del_dir(x, addr, port, XFRM_POLICY_OUT);
	r2 = guard_del_dir(x, addr, port, XFRM_POLICY_IN);
	return r ? r : r2;
}

/* --- reading back --- */

struct dump {
	uint32_t min, max;
	int (*fn)(void *arg, const struct xfrm_state_info *i);
	void *arg;
};

static int dump_row(void *arg, struct nlmsghdr *h)
{
	const struct xfrm_usersa_info *u = nlmsg_data(h);
	struct xfrm_state_info i;
	struct dump *d = arg;

	if (h->nlmsg_type != XFRM_MSG_NEWSA || nlmsg_datalen(h) < (int)sizeof(*u))
		return -EPROTO;
	if (u->id.proto != IPPROTO_ESP || u->reqid < d->min || u->reqid > d->max)
		return 0;
	i = (struct xfrm_state_info){
		.sport = ntohs(u->sel.sport),
		.dport = ntohs(u->sel.dport),
		.spi = ntohl(u->id.spi),
		.reqid = u->reqid,
		.packets = u->curlft.packets,
		.octets = u->curlft.bytes,
		.add_time = u->curlft.add_time,
		.use_time = u->curlft.use_time,
		.replay = u->stats.replay,
		.integrity_failed = u->stats.integrity_failed,
	};
	from_xfrm_address(&u->saddr, u->family, &i.src);
	from_xfrm_address(&u->id.daddr, u->family, &i.dst);
	return d->fn(d->arg, &i);
}

/* Without a payload: the kernel would take one for attributes. */
static struct nl_msg *dump_msg(int type)
{
	return msg_new(type, NLM_F_DUMP, NULL, 0);
}

int knl_xfrm_dump(struct knl_xfrm *x, uint32_t reqid_min, uint32_t reqid_max,
		  int (*fn)(void *arg, const struct xfrm_state_info *i), void *arg)
{
	struct dump d = { reqid_min, reqid_max, fn, arg };

	return transact(x, dump_msg(XFRM_MSG_GETSA), "read SAs", dump_row, &d);
}

/* What a flush found: identifiers are collected first, because nothing can be deleted while a dump is being read. */
struct found {
	uint32_t min, max;
	void *ids;
	size_t n, room;
};

static int found_add(struct found *f, const void *id, size_t size)
{
	size_t room = f->room ? f->room * 2 : 64;
	void *ids;

	if (f->n == f->room) {
		ids = reallocarray(f->ids, room, size);
		if (!ids)
			return -ENOMEM;
		f->ids = ids;
		f->room = room;
	}
	memcpy((char *)f->ids + f->n++ * size, id, size);
	return 0;
}

static int find_policy(void *arg, struct nlmsghdr *h)
{
	const struct xfrm_userpolicy_info *p = nlmsg_data(h);
	struct xfrm_userpolicy_id id;
	struct found *f = arg;
	uint32_t reqid = policy_reqid(h);

	if (!reqid || reqid < f->min || reqid > f->max)
		return 0;
	id = (struct xfrm_userpolicy_id){ .index = p->index, .dir = p->dir };
	return found_add(f, &id, sizeof(id));
}

static int find_state(void *arg, const struct xfrm_state_info *i)
{
	return found_add(arg, i, sizeof(*i));
}

static int find_guard(void *arg, struct nlmsghdr *h)
{
	const struct xfrm_userpolicy_info *p = nlmsg_data(h);
	struct xfrm_userpolicy_id id;

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY || nlmsg_datalen(h) < (int)sizeof(*p))
		return -EPROTO;
	if (p->action != XFRM_POLICY_BLOCK || p->priority != PRIORITY_GUARD || policy_reqid(h))
		return 0;
	id = (struct xfrm_userpolicy_id){ .index = p->index, .dir = p->dir };
	return found_add(arg, &id, sizeof(id));
}

/* Deletes the policies that find, called with f for each, has put into f. */
static int delete_policies(struct knl_xfrm *x, int (*find)(void *arg, struct nlmsghdr *h),
			   struct found *f)
{
	struct xfrm_userpolicy_id *id;
	int r, one;

	r = transact(x, dump_msg(XFRM_MSG_GETPOLICY), "read policies", find, f);
	for (id = f->ids; id < (struct xfrm_userpolicy_id *)f->ids + f->n; id++) {
		one = transact(x, msg_new(XFRM_MSG_DELPOLICY, 0, id, sizeof(*id)), "delete policy",
			       NULL, NULL);
		r = r || one == -ENOENT ? r : one;
	}
	free(f->ids);
	return r;
}

static int flush_states(struct knl_xfrm *x, uint32_t min, uint32_t max)
{
	struct found f = { 0 };
	struct xfrm_state_info *i;
	int r, one;

	r = knl_xfrm_dump(x, min, max, find_state, &f);
	for (i = f.ids; i < (struct xfrm_state_info *)f.ids + f.n; i++) {
		one = state_del(x, &i->dst, i->spi);
		r = r ? r : one;
	}
	free(f.ids);
	return r;
}

int knl_xfrm_guard_flush(struct knl_xfrm *x)
{
	struct found f = { 0 };

	return delete_policies(x, find_guard, &f);
}

int knl_xfrm_flush(struct knl_xfrm *x, uint32_t reqid_min, uint32_t reqid_max)
{
	struct found f = { .min = reqid_min, .max = reqid_max };
	int r = delete_policies(x, find_policy, &f);
	int r2 = flush_states(x, reqid_min, reqid_max);

	return r ? r : r2;
}

/* --- the socket --- */

/* Asks for the number of SAs: refused at once to who may not do anything else either. */
static int check_permission(struct knl_xfrm *x)
{
	uint32_t flags = 0;

	return transact(x, msg_new(XFRM_MSG_GETSADINFO, 0, &flags, sizeof(flags)), "open XFRM",
			ignore_row, NULL);
}

int knl_xfrm_open(struct knl_xfrm **ret)
{
	struct knl_xfrm *x = calloc(1, sizeof(*x));
	int r, one = 1;

	if (!x)
		return -ENOMEM;
	x->sock = nl_socket_alloc();
	if (!x->sock) {
		free(x);
		return -ENOMEM;
	}
	nl_socket_disable_auto_ack(x->sock);
	r = nl_connect(x->sock, NETLINK_XFRM);
	if (r < 0) {
		r = open_error(r);
		knl_xfrm_close(x);
		return r;
	}
	setsockopt(nl_socket_get_fd(x->sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	nl_socket_set_msg_buf_size(x->sock, 64 * 1024);
	r = check_permission(x);
	if (r) {
		knl_xfrm_close(x);
		return r;
	}
	*ret = x;
	return 0;
}

void knl_xfrm_close(struct knl_xfrm *x)
{
	if (!x)
		return;
	nl_socket_free(x->sock);
	nl_socket_free(x->mappings);
	free(x);
}

const char *knl_xfrm_error(const struct knl_xfrm *x)
{
	return x->error;
}
