// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Security-Client/-Server/-Verify for ipsec-3gpp (RFC 3329 2.2, TS 33.203 annex H).
 *
 * A parameter that stands twice is refused: the two ends could have picked different ones. What is
 * not known to us is kept as a hash, so that two lists can still be compared.
 */
#include <stdio.h>

#include "lib/sip/msg-internal.h"
#include "lib/sip/secagree.h"

static const char *const alg_names[] = {
	[SEC_ALG_NONE] = "null",
	[SEC_HMAC_MD5_96] = "hmac-md5-96",
	[SEC_HMAC_SHA_1_96] = "hmac-sha-1-96",
	[SEC_AES_GMAC] = "aes-gmac",
};

static const char *const ealg_names[] = {
	[SEC_EALG_NULL] = "null",
	[SEC_AES_CBC] = "aes-cbc",
	[SEC_DES_EDE3_CBC] = "des-ede3-cbc",
	[SEC_AES_GCM] = "aes-gcm",
};

const char *sec_alg_name(enum sec_alg a)
{
	return (size_t)a < ARRAY_SIZE(alg_names) ? alg_names[a] : "?";
}

const char *sec_ealg_name(enum sec_ealg e)
{
	return (size_t)e < ARRAY_SIZE(ealg_names) ? ealg_names[e] : "?";
}

bool sec_is_pair(enum sec_alg a, enum sec_ealg e)
{
	if (a == SEC_ALG_NONE || e == SEC_AES_GCM)
		return a == SEC_ALG_NONE && e == SEC_AES_GCM;
	return a != SEC_AES_GMAC || e == SEC_EALG_NULL;
}

int sec_alg_parse(struct str s, enum sec_alg *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(alg_names); i++) {
		if (str_ieqz(s, alg_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

int sec_ealg_parse(struct str s, enum sec_ealg *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(ealg_names); i++) {
		if (str_ieqz(s, ealg_names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* FNV-1a without regard to case, never 0. Only tells unknown things apart; nothing trusts it. */
static uint32_t hash_add(uint32_t h, struct str s)
{
	if (!h)
		h = 2166136261u;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ ((unsigned char)s.p[i] | 0x20)) * 16777619u;
	return h ? h : 1;
}

/* qvalue: "0", "0.123", "1", "1.000" */
static int parse_q(struct str s, uint32_t *ret)
{
	uint32_t v = 0, scale = 100;

	if (!s.n || (s.p[0] != '0' && s.p[0] != '1') || s.n > 5 || (s.n > 1 && s.p[1] != '.'))
		return -EINVAL;
	v = s.p[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < s.n; i++, scale /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		v += (uint32_t)(s.p[i] - '0') * scale;
	}
	*ret = v;
	return v <= 1000 ? 0 : -EINVAL;
}

static int parse_num(struct str s, uint64_t max, uint64_t *ret)
{
	return str_to_u64(s, max, ret) || !*ret ? -EINVAL : 0;
}

enum param { P_ALG, P_EALG, P_PROT, P_MOD, P_SPI_C, P_SPI_S, P_PORT_C, P_PORT_S, P_Q, P_MAX };

static enum param param_find(struct str name)
{
	static const char *const names[] = { "alg",   "ealg",	"prot",	  "mod", "spi-c",
					     "spi-s", "port-c", "port-s", "q" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_ieqz(name, names[i]))
			return i;
	return P_MAX;
}

static int set_param(struct sec_mech *m, enum param p, struct str v)
{
	uint64_t num = 0;
	int r = 0;

	switch (p) {
	case P_ALG:
		if (sec_alg_parse(v, &m->alg))
			m->other = hash_add(m->other, v);
		break;
	case P_EALG:
		if (sec_ealg_parse(v, &m->ealg))
			m->other = hash_add(m->other, v);
		break;
	case P_PROT:
		m->esp = str_ieqz(v, "esp");
		break;
	case P_MOD:
		m->transport = str_ieqz(v, "trans");
		m->udp_tunnel = str_ieqz(v, "UDP-enc-tun");
		break;
	case P_SPI_C:
	case P_SPI_S:
		r = parse_num(v, UINT32_MAX, &num);
		*(p == P_SPI_C ? &m->spi_c : &m->spi_s) = (uint32_t)num;
		break;
	case P_PORT_C:
	case P_PORT_S:
		r = parse_num(v, UINT16_MAX, &num);
		*(p == P_PORT_C ? &m->port_c : &m->port_s) = (uint16_t)num;
		break;
	case P_Q:
		r = parse_q(v, &m->q_milli);
		break;
	case P_MAX:
		break;
	}
	return r;
}

/* Splits "name = value" of one parameter; value without quotes. */
static int split_param(struct str s, struct str *ret_name, struct str *ret_value)
{
	const char *eq = s.n ? memchr(s.p, '=', s.n) : NULL;

	*ret_name = str_trim(eq ? (struct str){ s.p, (size_t)(eq - s.p) } : s);
	*ret_value = eq ? str_trim((struct str){ eq + 1, (size_t)(s.p + s.n - eq) - 1 })
			: (struct str){ s.p, 0 };
	if (ret_value->n >= 2 && ret_value->p[0] == '"' && ret_value->p[ret_value->n - 1] == '"')
		*ret_value = (struct str){ ret_value->p + 1, ret_value->n - 2 };
	return sip_is_token(*ret_name) ? 0 : -EINVAL;
}

static int read_ipsec(struct str params, struct sec_mech *m)
{
	struct str rest = params, one, name, value;
	uint32_t seen = 0;
	int r;

	m->esp = m->transport = true;
	while (str_split(&rest, ';', &one)) {
		enum param p;

		one = str_trim(one);
		if (!one.n)
			continue;
		r = split_param(one, &name, &value);
		if (r)
			return r;
		p = param_find(name);
		if (p != P_MAX && (seen & 1u << p))
			return -EINVAL;
		seen |= 1u << p;
		r = set_param(m, p, value);
		if (r)
			return r;
	}
	if (!(seen & 1u << P_ALG) || !m->spi_c || !m->spi_s || m->spi_c == m->spi_s || !m->port_c ||
	    !m->port_s)
		return -EINVAL;
	m->known = !m->other && m->esp && (m->transport || m->udp_tunnel) &&
		   sec_is_pair(m->alg, m->ealg);
	return 0;
}

static int read_one(struct str elem, struct sec_mech *ret)
{
	struct sec_mech m = { 0 };
	struct str rest = elem, name;
	int r = 0;

	str_split(&rest, ';', &name);
	name = str_trim(name);
	if (!sip_is_token(name))
		return -EINVAL;
	m.ipsec_3gpp = str_ieqz(name, "ipsec-3gpp");
	if (m.ipsec_3gpp)
		r = read_ipsec(rest, &m);
	else
		m.other = hash_add(0, name);
	*ret = m;
	return r;
}

int sec_list_read(const struct sip_msg *m, enum sip_hdr id, struct sec_list *ret)
{
	struct sip_elem e = { 0 };
	struct sec_list l;

	l.n = 0;
	if (!sip_msg_hf(m, id))
		return -ENOENT;
	while (sip_msg_next_elem(m, id, &e)) {
		int r;

		if (l.n == SEC_MECH_MAX)
			return -EINVAL;
		r = read_one(e.text, &l.m[l.n++]);
		if (r)
			return r;
	}
	if (!l.n)
		return -EINVAL;
	ret->n = l.n;
	memcpy(ret->m, l.m, l.n * sizeof(l.m[0]));
	return 0;
}

bool sec_mech_equal(const struct sec_mech *a, const struct sec_mech *b)
{
	return a->ipsec_3gpp == b->ipsec_3gpp && a->alg == b->alg && a->ealg == b->ealg &&
	       a->esp == b->esp && a->transport == b->transport && a->udp_tunnel == b->udp_tunnel &&
	       a->spi_c == b->spi_c && a->spi_s == b->spi_s && a->port_c == b->port_c &&
	       a->port_s == b->port_s && a->other == b->other;
}

static bool subset(const struct sec_list *a, const struct sec_list *b)
{
	for (size_t i = 0; i < a->n; i++) {
		size_t j = 0;

		while (j < b->n && !sec_mech_equal(&a->m[i], &b->m[j]))
			j++;
		if (j == b->n)
			return false;
	}
	return true;
}

bool sec_list_equal(const struct sec_list *a, const struct sec_list *b)
{
	return subset(a, b) && subset(b, a);
}

int sec_mech_write(const struct sec_mech *m, char *dst, size_t size)
{
	char q[16] = "";
	int n;

	if (m->q_milli)
		snprintf(q, sizeof(q), ";q=%u.%03u", m->q_milli / 1000 % 10, m->q_milli % 1000);
	n = snprintf(
		dst, size,
		"ipsec-3gpp%s;alg=%s;ealg=%s;prot=esp;mod=%s;spi-c=%u;spi-s=%u;port-c=%u;port-s=%u",
		q, sec_alg_name(m->alg), sec_ealg_name(m->ealg),
		m->udp_tunnel ? "UDP-enc-tun" : "trans", m->spi_c, m->spi_s, m->port_c, m->port_s);
	return n >= 0 && (size_t)n < size ? 0 : -ENOSPC;
}
