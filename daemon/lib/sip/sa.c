// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Socket addresses: parse, compare, print (RFC 3261 25.1 host and port, RFC 5954 for IPv6).
 *
 * Invariant: only AF_INET and AF_INET6 are known; everything else compares unequal and prints "?".
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "lib/sip/tp.h"

static const struct sockaddr_in *v4(const union sip_sa *a)
{
	return (const struct sockaddr_in *)&a->ss;
}

static const struct sockaddr_in6 *v6(const union sip_sa *a)
{
	return (const struct sockaddr_in6 *)&a->ss;
}

/* addr without brackets, or -EINVAL. */
static int host_copy(const char *addr, char *dst, size_t size)
{
	struct str s = str_of(addr);

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		s.p++;
		s.n -= 2;
	}
	return str_copy(dst, size, s) ? -EINVAL : 0;
}

int sip_sa_parse(const char *addr, uint16_t port, union sip_sa *ret)
{
	union sip_sa sa = { 0 };
	struct sockaddr_in *s4 = (struct sockaddr_in *)&sa.ss;
	struct sockaddr_in6 *s6 = (struct sockaddr_in6 *)&sa.ss;
	char host[INET6_ADDRSTRLEN + 2];

	if (!addr || host_copy(addr, host, sizeof(host)))
		return -EINVAL;
	if (inet_pton(AF_INET, host, &s4->sin_addr) == 1) {
		s4->sin_family = AF_INET;
		s4->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, host, &s6->sin6_addr) == 1) {
		s6->sin6_family = AF_INET6;
		s6->sin6_port = htons(port);
	} else {
		return -EINVAL;
	}
	*ret = sa;
	return 0;
}

int sip_sa_parse_str(struct str host, uint16_t port, union sip_sa *ret)
{
	char buf[INET6_ADDRSTRLEN + 2];

	if (str_copy(buf, sizeof(buf), host))
		return -EINVAL;
	return sip_sa_parse(buf, port, ret);
}

socklen_t sip_sa_len(const union sip_sa *a)
{
	if (a->sa.sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	if (a->sa.sa_family == AF_INET6)
		return sizeof(struct sockaddr_in6);
	return 0;
}

uint16_t sip_sa_port(const union sip_sa *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohs(v4(a)->sin_port);
	if (a->sa.sa_family == AF_INET6)
		return ntohs(v6(a)->sin6_port);
	return 0;
}

void sip_sa_set_port(union sip_sa *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		((struct sockaddr_in *)&a->ss)->sin_port = htons(port);
	else if (a->sa.sa_family == AF_INET6)
		((struct sockaddr_in6 *)&a->ss)->sin6_port = htons(port);
}

bool sip_sa_host_eq(const union sip_sa *a, const union sip_sa *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return v4(a)->sin_addr.s_addr == v4(b)->sin_addr.s_addr;
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&v6(a)->sin6_addr, &v6(b)->sin6_addr, sizeof(struct in6_addr));
	return false;
}

bool sip_sa_eq(const union sip_sa *a, const union sip_sa *b)
{
	return sip_sa_host_eq(a, b) && sip_sa_port(a) == sip_sa_port(b);
}

bool sip_sa_is_any(const union sip_sa *a)
{
	if (a->sa.sa_family == AF_INET)
		return v4(a)->sin_addr.s_addr == htonl(INADDR_ANY);
	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&v6(a)->sin6_addr);
	return true;
}

const char *sip_sa_host_str(const union sip_sa *a, char buf[SIP_SA_STRLEN])
{
	char ip[INET6_ADDRSTRLEN];
	uint8_t o[4];

	if (a->sa.sa_family == AF_INET) {
		memcpy(o, &v4(a)->sin_addr, sizeof(o));
		str_fmt(buf, SIP_SA_STRLEN, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
		return buf;
	}
	if (a->sa.sa_family == AF_INET6 && inet_ntop(AF_INET6, &v6(a)->sin6_addr, ip, sizeof(ip)))
		str_fmt(buf, SIP_SA_STRLEN, "[%s]", ip);
	else
		snprintf(buf, SIP_SA_STRLEN, "?");
	return buf;
}

const char *sip_sa_str(const union sip_sa *a, char buf[SIP_SA_STRLEN])
{
	size_t n;

	sip_sa_host_str(a, buf);
	n = strlen(buf);
	str_fmt(buf + n, SIP_SA_STRLEN - n, ":%u", sip_sa_port(a));
	return buf;
}
