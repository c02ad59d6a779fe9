// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The topmost Via without building a header object: RFC 3261 18.2.1 and 20.42, RFC 3581.
 *
 * Invariant: after via_set_received() the received and rport parameters of the topmost Via are what
 * the packet's source was, never what its sender claimed.
 */
#include <stdio.h>

#include "lib/sip/tx_priv.h"

static void skip_space(struct str *s)
{
	while (s->n && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n')) {
		s->p++;
		s->n--;
	}
}

/* A run without separators of the Via grammar. */
static struct str take_word(struct str *s)
{
	static const bool ends[256] = {
		[0] = true,   [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true,
		['/'] = true, [';'] = true, [':'] = true,  [','] = true
	};
	struct str w = { s->p, 0 };

	while (w.n < s->n && !ends[(uint8_t)s->p[w.n]])
		w.n++;
	s->p += w.n;
	s->n -= w.n;
	skip_space(s);
	return w;
}

static bool take_char(struct str *s, char c)
{
	if (!s->n || *s->p != c)
		return false;
	s->p++;
	s->n--;
	skip_space(s);
	return true;
}

static int take_host(struct str *s, struct str *ret)
{
	const char *end;

	if (s->n && *s->p == '[') {
		end = memchr(s->p, ']', s->n);
		if (!end)
			return -EINVAL;
		*ret = (struct str){ s->p + 1, end - s->p - 1 };
		s->n -= end + 1 - s->p;
		s->p = end + 1;
		skip_space(s);
	} else {
		*ret = take_word(s);
	}
	return ret->n ? 0 : -EINVAL;
}

int via_read(struct str elem, struct via *ret)
{
	struct via v = { .elem = elem };
	struct str s = elem, rport;
	uint64_t port;

	skip_space(&s);
	if (!str_ieqz(take_word(&s), "SIP") || !take_char(&s, '/') ||
	    !str_eqz(take_word(&s), "2.0") || !take_char(&s, '/'))
		return -EINVAL;
	v.proto = take_word(&s);
	if (!v.proto.n || take_host(&s, &v.host))
		return -EINVAL;
	if (take_char(&s, ':')) {
		if (str_to_u64(take_word(&s), UINT16_MAX, &port) || !port)
			return -EINVAL;
		v.port = port;
	}
	if (s.n && *s.p != ';')
		return -EINVAL;
	v.params = s;
	sip_param(s, "branch", &v.branch);
	v.has_rport = sip_param(s, "rport", &rport);
	*ret = v;
	return 0;
}

int via_top(const struct sip_msg *m, struct via *ret)
{
	struct sip_elem e = { 0 };

	if (!sip_msg_next_elem(m, SIP_H_VIA, &e))
		return -ENOENT;
	return via_read(e.text, ret);
}

static bool is_source(struct str host, const union sip_sa *source)
{
	union sip_sa a;

	return !sip_sa_parse_str(host, 0, &a) && sip_sa_host_eq(&a, source);
}

/* Next parameter with its ';', quotes respected. */
static struct str take_param(struct str *s)
{
	struct str p = { s->p, 0 };
	bool quoted = false;

	for (p.n = 1; p.n < s->n && (quoted || s->p[p.n] != ';'); p.n++) {
		if (s->p[p.n] == '"')
			quoted = !quoted;
		else if (quoted && s->p[p.n] == '\\' && p.n + 1 < s->n)
			p.n++;
	}
	p.n = MIN(p.n, s->n);
	s->p += p.n;
	s->n -= p.n;
	return p;
}

static bool param_is(struct str param, const char *name)
{
	struct str v;

	return sip_param(param, name, &v);
}

/* Parameters without received and rport, into dst of params.n octets. */
static size_t filter_params(struct str params, char *dst)
{
	size_t n = 0;

	while (params.n) {
		struct str p = take_param(&params);

		if (param_is(p, "received") || param_is(p, "rport"))
			continue;
		memcpy(dst + n, p.p, p.n);
		n += p.n;
	}
	return n;
}

int via_set_received(struct sip_msg *m, const union sip_sa *source, struct via *ret)
{
	_cleanup_free_ char *keep = NULL;
	struct sip_elem e = { 0 };
	char host[SIP_SA_STRLEN], rport[16] = "";
	struct str before, after, ip;
	struct via v;
	size_t n;
	int r;

	if (!sip_msg_next_elem(m, SIP_H_VIA, &e))
		return -ENOENT;
	r = via_read(e.text, &v);
	if (r < 0)
		return r;
	*ret = v;
	if (!v.has_rport && !param_is(v.params, "received") && is_source(v.host, source))
		return 0;
	keep = malloc(v.params.n + 1);
	if (!keep)
		return -ENOMEM;
	n = filter_params(v.params, keep);
	before = (struct str){ v.elem.p, v.params.n ? (size_t)(v.params.p - v.elem.p) : v.elem.n };
	after = (struct str){ v.elem.p + v.elem.n,
			      e.hf->value.p + e.hf->value.n - (v.elem.p + v.elem.n) };
	ip = str_of(sip_sa_host_str(source, host));
	if (ip.n && *ip.p == '[') /* RFC 3261 25.1: via-received has no brackets */
		ip = (struct str){ ip.p + 1, ip.n - 2 };
	if (v.has_rport)
		snprintf(rport, sizeof(rport), ";rport=%u", sip_sa_port(source));
	r = sip_hf_set(m, e.hf, "%.*s%.*s;received=%.*s%s%.*s", STR_FMT(before), (int)n, keep,
		       STR_FMT(ip), rport, STR_FMT(after));
	return r < 0 ? r : via_top(m, ret);
}

int via_response_addr(const struct via *v, enum sip_proto *ret_proto, union sip_sa *ret)
{
	struct str host = v->host, value;
	uint64_t port = v->port ? v->port : 5060, n;

	if (str_ieqz(v->proto, "UDP"))
		*ret_proto = SIP_UDP;
	else if (str_ieqz(v->proto, "TCP"))
		*ret_proto = SIP_TCP;
	else
		return -EPROTONOSUPPORT;
	if (sip_param(v->params, "received", &value))
		host = value;
	if (sip_param(v->params, "rport", &value) && !str_to_u64(value, UINT16_MAX, &n) && n)
		port = n;
	return sip_sa_parse_str(host, port, ret);
}
