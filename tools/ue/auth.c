// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Digest AKA of a phone, as declared in auth.h.
 *
 * RES is octets and may contain 0: the password is never a C string.
 */
#include "auth.h"

#include <stdio.h>

#include "lib/sip/authhdr.h"

void auth_reset(struct auth *a)
{
	free(a->realm);
	free(a->nonce);
	free(a->opaque);
	free(a->algorithm);
	free(a->last);
	aka_wipe(a, sizeof(*a));
}

static bool has_word(struct str list, const char *word)
{
	struct str w;

	while (str_split(&list, ',', &w)) {
		if (str_ieqz(str_trim(w), word))
			return true;
	}
	return false;
}

int auth_read(struct auth *a, struct sip_msg *resp)
{
	struct str value = sip_msg_value(resp, SIP_H_WWW_AUTHENTICATE);
	struct sip_digest d;

	if (!value.n)
		value = sip_msg_value(resp, SIP_H_PROXY_AUTHENTICATE);
	if (!value.n)
		return -ENOENT;
	if (sip_digest_read(value, &d))
		return -EINVAL;
	auth_reset(a);
	a->realm = str_dup(d.realm);
	a->nonce = str_dup(d.nonce);
	a->opaque = d.opaque.n ? str_dup(d.opaque) : NULL;
	a->algorithm = str_dup(d.algorithm.n ? d.algorithm : STR("MD5"));
	a->qop_auth = has_word(d.qop, "auth");
	return a->realm && a->nonce && a->algorithm ? 0 : -ENOMEM;
}

static bool is_aka(const struct auth *a)
{
	return !strncasecmp(a->algorithm, "AKAv", 4);
}

int auth_challenge(struct auth *a, struct sim *s, struct aka_vector *v, uint8_t auts[14])
{
	uint8_t nonce[512];
	int n;

	if (!is_aka(a))
		return 0;
	n = b64_decode(str_of(a->nonce), nonce, sizeof(nonce));
	if (n < AKA_RAND_LEN + AKA_AUTN_LEN)
		return -EINVAL;
	return sim_auth(s, nonce, nonce + AKA_RAND_LEN, v, auts);
}

int auth_password(struct auth *a, const struct aka_vector *v, const struct phone_conf *c)
{
	int n;

	if (!is_aka(a)) {
		a->password_len = c->password ? strlen(c->password) : 0;
		if (!a->password_len || a->password_len > sizeof(a->password))
			return -EINVAL;
		memcpy(a->password, c->password, a->password_len);
		return 0;
	}
	if (!strncasecmp(a->algorithm, "AKAv2", 5)) {
		n = aka_v2_password(v, (char *)a->password, sizeof(a->password));
		if (n < 0)
			return -EINVAL;
		a->password_len = strlen((char *)a->password);
		return 0;
	}
	a->password_len = v->xres_len;
	memcpy(a->password, v->xres, v->xres_len);
	return 0;
}

void auth_no_password(struct auth *a)
{
	a->password_len = 0;
}

static int digest(const struct auth *a, const struct phone_conf *c, const char *method,
		  const char *uri, const char *nc, const char *cnonce, char hex[33])
{
	struct aka_digest_in in = {
		.username = str_of(c->impi),
		.realm = str_of(a->realm),
		.nonce = str_of(a->nonce),
		.uri = str_of(uri),
		.method = str_of(method),
		.password = a->password,
		.password_len = a->password_len,
	};

	if (a->qop_auth) {
		in.qop = STR("auth");
		in.nc = str_of(nc);
		in.cnonce = str_of(cnonce);
	}
	return aka_digest_md5(&in, hex);
}

static void put_auts(FILE *f, const uint8_t *auts)
{
	char text[32];

	if (auts && b64_encode(auts, AKA_AUTS_LEN, text, sizeof(text)) > 0)
		fprintf(f, ", auts=\"%s\"", text);
}

char *auth_credentials(struct auth *a, const struct phone_conf *c, const char *method,
		       const uint8_t *auts)
{
	char uri[300], nc[9], cnonce[17], hex[33], *text = NULL;
	size_t n;
	FILE *f;

	snprintf(uri, sizeof(uri), "sip:%s", c->domain);
	snprintf(nc, sizeof(nc), "%08x", ++a->nc);
	sip_random_token(cnonce, sizeof(cnonce) - 1);
	if (is_aka(a) && !a->password_len && !auts)
		*hex = '\0'; /* MAC failure: no AUTS, empty response (TS 24.229 5.1.1.5.3) */
	else if (digest(a, c, method, uri, nc, cnonce, hex))
		return NULL;
	f = open_memstream(&text, &n);
	if (!f)
		return NULL;
	fprintf(f,
		"Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=%s",
		c->impi, a->realm, a->nonce, uri, hex, a->algorithm);
	if (a->qop_auth)
		fprintf(f, ", qop=auth, nc=%s, cnonce=\"%s\"", nc, cnonce);
	if (a->opaque)
		fprintf(f, ", opaque=\"%s\"", a->opaque);
	put_auts(f, auts);
	fclose(f);
	free(a->last);
	a->last = auts || !text ? NULL : strdup(text);
	return text;
}

char *auth_initial(const struct auth *a, const struct phone_conf *c)
{
	char *text = NULL;

	if (a->last)
		return strdup(a->last);
	if (asprintf(
		    &text,
		    "Digest username=\"%s\", realm=\"%s\", nonce=\"\", uri=\"sip:%s\", response=\"\"",
		    c->impi, c->domain, c->domain) < 0)
		return NULL;
	return text;
}
