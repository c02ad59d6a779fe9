// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A session description with our relay's addresses in it (TS 24.229 6.7, IMS-ALG; RFC 3264 lets an
 * intermediary do this). Line by line: what is not named here is copied.
 *
 * A media section gets a c= line of its own when it had one, or when its relay address is not the
 * one that the session's c= line now has.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/sip/sdp-internal.h"

struct relay {
	const struct sdp_rewrite *rw;
	const struct sdp_info *info;
	size_t n;
	ssize_t media;		  /* -1: session level */
	const union sip_sa *sess; /* address for the session's lines; NULL: leave them */
	bool sess_conn;		  /* the session had a c= line */
	bool conn_due, rtcp_due;  /* lines that the section still needs */
	char *p;
	size_t len, size;
	bool failed;
};

static void put(struct relay *r, struct str s)
{
	if (r->failed)
		return;
	if (r->len + s.n > r->size) {
		size_t size = (r->len + s.n) * 2;
		char *p = realloc(r->p, size);

		if (!p) {
			r->failed = true;
			return;
		}
		r->p = p;
		r->size = size;
	}
	if (s.n)
		memcpy(r->p + r->len, s.p, s.n);
	r->len += s.n;
}

static void _printf_(2, 3) putf(struct relay *r, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		r->failed = true;
	else
		put(r, (struct str){ line, (size_t)n });
}

static const char *addr_str(const union sip_sa *a, char buf[SIP_SA_STRLEN])
{
	char *close;

	sip_sa_host_str(a, buf);
	if (buf[0] != '[')
		return buf;
	close = strchr(buf, ']');
	if (close)
		*close = '\0';
	return buf + 1;
}

static const char *addr_type(const union sip_sa *a)
{
	return a->sa.sa_family == AF_INET6 ? "IP6" : "IP4";
}

static void put_conn(struct relay *r, const union sip_sa *a, bool zero)
{
	char buf[SIP_SA_STRLEN];

	if (zero)
		putf(r, "c=IN %s %s\r\n", addr_type(a),
		     a->sa.sa_family == AF_INET6 ? "::" : "0.0.0.0");
	else
		putf(r, "c=IN %s %s\r\n", addr_type(a), addr_str(a, buf));
}

static const struct sdp_rewrite *current(const struct relay *r)
{
	return r->media >= 0 && sip_sa_port(&r->rw[r->media].rtp) ? &r->rw[r->media] : NULL;
}

/* o=<username> <sess-id> <sess-version> IN IP4 <address> */
static void relay_origin(struct relay *r, const struct sdp_line *l)
{
	struct str rest = l->value, user, id, version;
	char buf[SIP_SA_STRLEN];

	if (!r->sess || !sdp_word(&rest, &user) || !sdp_word(&rest, &id) ||
	    !sdp_word(&rest, &version)) {
		put(r, l->whole);
		return;
	}
	put(r, STR("o="));
	put(r, user);
	put(r, STR(" "));
	put(r, id);
	put(r, STR(" "));
	put(r, version);
	putf(r, " IN %s %s\r\n", addr_type(r->sess), addr_str(r->sess, buf));
}

static bool conn_is_zero(struct str value)
{
	union sip_sa a;

	return !sdp_addr(&value, &a) && sdp_addr_is_zero(&a);
}

static void relay_conn(struct relay *r, const struct sdp_line *l)
{
	const struct sdp_rewrite *rw = current(r);
	const union sip_sa *a = r->media < 0 ? r->sess : rw ? &rw->rtp : NULL;

	if (r->media < 0)
		r->sess_conn = true;
	if (!a)
		put(r, l->whole);
	else
		put_conn(r, a, conn_is_zero(l->value));
}

/* Lines between m= and where c= belongs: only i= (RFC 4566 5). */
static void flush_conn(struct relay *r, char next_type)
{
	const struct sdp_rewrite *rw = current(r);
	const struct sdp_media *m = r->media >= 0 ? &r->info->m[r->media] : NULL;

	if (!m || !r->conn_due || next_type == 'i')
		return;
	r->conn_due = false;
	if (!rw) { /* left as it is: the session's c= line has changed under it */
		if (m->port && r->sess)
			put_conn(r, &m->rtp, false);
		return;
	}
	if (!r->sess_conn || !r->sess || !sip_sa_host_eq(r->sess, &rw->rtp))
		put_conn(r, &rw->rtp, m->conn_zero);
}

static void put_rtcp(struct relay *r, const struct sdp_rewrite *rw)
{
	char buf[SIP_SA_STRLEN];
	uint16_t port = sip_sa_port(&rw->rtcp);

	if (!port)
		return;
	if (sip_sa_host_eq(&rw->rtp, &rw->rtcp))
		putf(r, "a=rtcp:%u\r\n", port);
	else
		putf(r, "a=rtcp:%u IN %s %s\r\n", port, addr_type(&rw->rtcp),
		     addr_str(&rw->rtcp, buf));
}

/* At the end of a section: tell RTCP's address when the usual port + 1 would be wrong. */
static void flush_rtcp(struct relay *r)
{
	const struct sdp_rewrite *rw = current(r);

	if (!rw || !r->rtcp_due || r->info->m[r->media].rtcp_mux)
		return;
	if (sip_sa_port(&rw->rtcp) != sip_sa_port(&rw->rtp) + 1 ||
	    !sip_sa_host_eq(&rw->rtp, &rw->rtcp))
		put_rtcp(r, rw);
}

static void relay_media(struct relay *r, const struct sdp_line *l)
{
	const struct sdp_rewrite *rw;
	struct str rest = l->value, type, port;

	flush_conn(r, 'm');
	flush_rtcp(r);
	r->media++;
	r->conn_due = !r->info->m[r->media].own_conn;
	r->rtcp_due = true;
	rw = current(r);
	if (!rw) {
		put(r, l->whole);
		return;
	}
	sdp_word(&rest, &type);
	sdp_word(&rest, &port);
	put(r, STR("m="));
	put(r, type);
	putf(r, " %u", sip_sa_port(&rw->rtp));
	put(r, rest);
	put(r, STR("\r\n"));
}

static void relay_attr(struct relay *r, const struct sdp_line *l)
{
	/* Ways around the relay, and addresses that it would contradict (RFC 8839, 4570, 6947). */
	static const char *const dropped[] = { "candidate",    "remote-candidates", "ice-ufrag",
					       "ice-pwd",      "ice-options",	    "ice-lite",
					       "ice-mismatch", "end-of-candidates", "altc",
					       "source-filter" };
	const struct sdp_rewrite *rw = current(r);
	struct str v;

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (sdp_attr(l->value, dropped[i], &v))
			return;
	if (rw && sdp_attr(l->value, "rtcp", &v)) {
		if (r->rtcp_due)
			put_rtcp(r, rw);
		r->rtcp_due = false;
		return;
	}
	put(r, l->whole);
}

static void relay_line(struct relay *r, const struct sdp_line *l)
{
	if (l->type != 'm')
		flush_conn(r, l->type);
	switch (l->type) {
	case 'o':
		relay_origin(r, l);
		break;
	case 'c':
		relay_conn(r, l);
		break;
	case 'm':
		relay_media(r, l);
		break;
	case 'a':
		relay_attr(r, l);
		break;
	case '\0': /* empty lines end here */
		break;
	default:
		put(r, l->whole);
	}
}

int sdp_relay(struct str text, const struct sdp_rewrite *rw, size_t n, char **ret, size_t *ret_len)
{
	struct sdp_info info;
	struct relay r = { .rw = rw, .info = &info, .n = n, .media = -1 };
	struct sdp_line l;
	int e = sdp_read(text, &info);

	if (e)
		return e;
	if (info.n != n)
		return -EINVAL;
	for (size_t i = 0; i < n && !r.sess; i++)
		if (sip_sa_port(&rw[i].rtp))
			r.sess = &rw[i].rtp;
	r.size = text.n + 256;
	r.p = malloc(r.size);
	if (!r.p)
		return -ENOMEM;
	while (sdp_next_line(&text, &l))
		relay_line(&r, &l);
	flush_conn(&r, '\0');
	flush_rtcp(&r);
	if (r.failed) {
		free(r.p);
		return -ENOMEM;
	}
	*ret = r.p;
	*ret_len = r.len;
	return 0;
}
