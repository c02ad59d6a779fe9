// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Choice of an S-CSCF by the capabilities that the HSS asks for: TS 29.228 6.7, TS 24.229 5.3.1.2.
 *
 * Invariant: every URI in the list parses as a SIP URI and holds no character that could end a
 * name-addr, so it may be put between '<' and '>'.
 */
#include "icscf/priv.h"

static int parse_caps(struct str list, struct icscf_server *s)
{
	struct str one;
	uint64_t v;

	while (str_split(&list, ',', &one)) {
		if (s->n_caps == CX_CAPS_MAX || str_to_u64(str_trim(one), UINT32_MAX, &v) < 0)
			return -EINVAL;
		s->caps[s->n_caps++] = (uint32_t)v;
	}
	return 0;
}

static int parse_server(struct str entry, struct icscf_server *s)
{
	struct str word;
	struct sip_uri u;

	str_split(&entry, ' ', &word);
	if (sip_uri_parse(word, &u) < 0 || u.is_tel || memchr(word.p, '>', word.n))
		return -EINVAL;
	s->uri = str_dup(word);
	if (!s->uri)
		return -ENOMEM;
	entry = str_trim(entry);
	if (!entry.n)
		return 0;
	if (!str_has_prefix(entry, STR("cap=")))
		return -EINVAL;
	return parse_caps((struct str){ entry.p + 4, entry.n - 4 }, s);
}

int icscf_servers_parse(const char *list, struct icscf_servers *ret)
{
	struct str rest = str_of(list), entry;

	*ret = (struct icscf_servers){ 0 };
	while (str_split(&rest, ';', &entry)) {
		int r;

		entry = str_trim(entry);
		if (!entry.n)
			continue;
		r = ret->n < ICSCF_SERVERS_MAX ? parse_server(entry, &ret->s[ret->n++]) : -E2BIG;
		if (r < 0) {
			icscf_servers_free(ret);
			return r;
		}
	}
	return ret->n ? 0 : -EINVAL;
}

void icscf_servers_free(struct icscf_servers *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->s[i].uri);
	l->n = 0;
}

static size_t count_common(const struct icscf_server *s, const uint32_t *caps, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s->n_caps; k++) {
			if (s->caps[k] == caps[i]) {
				found++;
				break;
			}
		}
	}
	return found;
}

int icscf_server_index(const struct icscf_servers *l, struct str uri)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_ieqz(uri, l->s[i].uri))
			return (int)i;
	}
	return -ENOENT;
}

static int proposed(const struct icscf_servers *l, const struct cx_capabilities *caps,
		    uint32_t tried)
{
	for (size_t i = 0; i < caps->n_server_name; i++) {
		int k = icscf_server_index(l, caps->server_name[i]);

		if (k >= 0 && !(tried & UINT32_C(1) << k))
			return k;
	}
	return -ENOENT;
}

/* The same key meets the same S-CSCF as long as the list is the same. */
static uint32_t weight(struct str key, size_t i)
{
	uint32_t h = 2166136261U ^ (uint32_t)i * 2654435761U; /* FNV-1a */

	for (size_t k = 0; k < key.n; k++)
		h = (h ^ (uint8_t)key.p[k]) * 16777619U;
	return h ^ h >> 15;
}

int icscf_select(const struct icscf_servers *l, const struct cx_capabilities *caps, uint32_t tried,
		 struct str key)
{
	int best = proposed(l, caps, tried);
	size_t best_optional = 0;

	if (best >= 0)
		return best;
	for (size_t i = 0; i < l->n; i++) {
		const struct icscf_server *s = &l->s[i];
		size_t optional = count_common(s, caps->optional, caps->n_optional);

		if (tried & UINT32_C(1) << i)
			continue;
		if (count_common(s, caps->mandatory, caps->n_mandatory) < caps->n_mandatory)
			continue;
		if (best < 0 || optional > best_optional ||
		    (optional == best_optional && weight(key, i) > weight(key, (size_t)best))) {
			best = (int)i;
			best_optional = optional;
		}
	}
	return best;
}
