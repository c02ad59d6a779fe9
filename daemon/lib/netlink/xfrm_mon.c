// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watches XFRM states with their keys: a dump, then the multicast group XFRMNLGRP_SA.
 *
 * Invariants: the group is joined before the dump, so that no SA falls between; every attribute's
 * length is checked before it is read, though the kernel wrote it; keys are wiped when the caller had them.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/netlink/xfrm_mon.h"

struct knl_xfrm_mon {
	int fd;
	knl_xfrm_key_fn fn;
	void *arg;
	bool dump_done;
};

static void addr_from(struct xfrm_addr *dst, const xfrm_address_t *a, uint16_t family)
{
	dst->family = family;
	if (family == AF_INET)
		memcpy(&dst->v4, a, sizeof(dst->v4));
	else
		memcpy(&dst->v6, a, sizeof(dst->v6));
}

static void take_key(uint8_t *dst, size_t *ret_len, size_t room, const char *key, uint32_t bits,
		     size_t have)
{
	size_t n = (bits + 7) / 8;

	if (n > room || n > have)
		return;
	memcpy(dst, key, n);
	*ret_len = n;
}

/* AES-GCM is encryption, AES-GMAC (RFC 4543) integrity; the key has the salt at its end. */
static void take_aead(struct xfrm_key_info *i, const struct xfrm_algo_aead *a, size_t len)
{
	if (strstr(a->alg_name, "rfc4543")) {
		snprintf(i->auth_name, sizeof(i->auth_name), "%.63s", a->alg_name);
		i->auth_trunc_bits = a->alg_icv_len;
		take_key(i->auth_key, &i->auth_key_len, sizeof(i->auth_key), a->alg_key,
			 a->alg_key_len, len);
		return;
	}
	snprintf(i->enc_name, sizeof(i->enc_name), "%.63s", a->alg_name);
	take_key(i->enc_key, &i->enc_key_len, sizeof(i->enc_key), a->alg_key, a->alg_key_len, len);
}

static void take_attr(struct xfrm_key_info *i, const struct rtattr *a)
{
	size_t len = RTA_PAYLOAD(a);
	const struct xfrm_algo *algo = RTA_DATA(a);
	const struct xfrm_algo_auth *auth = RTA_DATA(a);

	if (a->rta_type == XFRMA_ALG_AUTH_TRUNC && len >= sizeof(*auth)) {
		snprintf(i->auth_name, sizeof(i->auth_name), "%.63s", auth->alg_name);
		i->auth_trunc_bits = auth->alg_trunc_len;
		take_key(i->auth_key, &i->auth_key_len, sizeof(i->auth_key), auth->alg_key,
			 auth->alg_key_len, len - sizeof(*auth));
	} else if (a->rta_type == XFRMA_ALG_CRYPT && len >= sizeof(*algo)) {
		snprintf(i->enc_name, sizeof(i->enc_name), "%.63s", algo->alg_name);
		take_key(i->enc_key, &i->enc_key_len, sizeof(i->enc_key), algo->alg_key,
			 algo->alg_key_len, len - sizeof(*algo));
	} else if (a->rta_type == XFRMA_ALG_AEAD && len >= sizeof(struct xfrm_algo_aead)) {
		take_aead(i, RTA_DATA(a), len - sizeof(struct xfrm_algo_aead));
	}
}

static void take_state(struct knl_xfrm_mon *m, const struct nlmsghdr *h)
{
	const struct xfrm_usersa_info *s = NLMSG_DATA(h);
	struct xfrm_key_info i = { 0 };
	const struct rtattr *a;
	int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(sizeof(*s));

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*s)) || s->id.proto != IPPROTO_ESP)
		return;
	addr_from(&i.src, &s->saddr, s->family);
	addr_from(&i.dst, &s->id.daddr, s->family);
	i.spi = ntohl(s->id.spi);
	for (a = (const void *)((const char *)s + NLMSG_ALIGN(sizeof(*s))); RTA_OK(a, left);
	     a = RTA_NEXT(a, left))
		take_attr(&i, a);
	m->fn(m->arg, &i);
	explicit_bzero(&i, sizeof(i));
}

static int take_messages(struct knl_xfrm_mon *m, const char *buf, size_t n)
{
	const struct nlmsghdr *h = (const void *)buf;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_type == NLMSG_DONE)
			m->dump_done = true;
		else if (h->nlmsg_type == XFRM_MSG_NEWSA || h->nlmsg_type == XFRM_MSG_UPDSA)
			take_state(m, h);
		else if (h->nlmsg_type == NLMSG_ERROR &&
			 h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
	}
	return 0;
}

static int receive(struct knl_xfrm_mon *m, int flags)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n = recv(m->fd, buf, sizeof(buf), flags);
	int r;

	if (n < 0)
		return -errno;
	r = take_messages(m, buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	return r;
}

int knl_xfrm_mon_read(struct knl_xfrm_mon *m)
{
	int r;

	do
		r = receive(m, MSG_DONTWAIT);
	while (!r);
	return r == -EAGAIN ? 0 : r;
}

static int dump(struct knl_xfrm_mon *m)
{
	struct {
		struct nlmsghdr h;
		struct xfrm_usersa_id id;
	} req = { .h = { .nlmsg_len = NLMSG_LENGTH(0),
			 .nlmsg_type = XFRM_MSG_GETSA,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	int r = 0;

	if (send(m->fd, &req, req.h.nlmsg_len, 0) < 0)
		return -errno;
	while (!r && !m->dump_done)
		r = receive(m, 0);
	return r;
}

int knl_xfrm_mon_open(knl_xfrm_key_fn fn, void *arg, struct knl_xfrm_mon **ret)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = 1u << (XFRMNLGRP_SA - 1) };
	struct knl_xfrm_mon *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->fn = fn;
	m->arg = arg;
	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
	r = m->fd < 0 || bind(m->fd, (struct sockaddr *)&me, sizeof(me)) < 0 ? -errno : dump(m);
	if (r < 0) {
		knl_xfrm_mon_close(m);
		return r;
	}
	*ret = m;
	return 0;
}

int knl_xfrm_mon_fd(const struct knl_xfrm_mon *m)
{
	return m->fd;
}

void knl_xfrm_mon_close(struct knl_xfrm_mon *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}
