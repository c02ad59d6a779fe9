// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes SAs in the format of Wireshark's esp_sa file, and in a comment what each one is.
 */
#include "keys.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <stdio.h>

struct keys {
	FILE *f;
};

static const char *const auth_names[] = {
	[XFRM_AUTH_MD5_96] = "HMAC-MD5-96 [RFC2403]",
	[XFRM_AUTH_SHA1_96] = "HMAC-SHA-1-96 [RFC2404]",
	[XFRM_AUTH_AES_GMAC] = "ANY 128 bit authentication [no checking]",
	[XFRM_AUTH_NONE] = "NULL",
};
static const char *const enc_names[] = {
	[XFRM_ENC_NULL] = "NULL",
	[XFRM_ENC_AES_CBC] = "AES-CBC [RFC3602]",
	[XFRM_ENC_DES3_CBC] = "TripleDES-CBC [RFC2451]",
	[XFRM_ENC_AES_GCM] = "AES-GCM with 16 octet ICV [RFC4106]",
};

int keys_open(const char *path, struct keys **ret)
{
	struct keys *k = calloc(1, sizeof(*k));
	int fd, r;

	if (!k)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fchmod(fd, 0600) || !(k->f = fdopen(fd, "w"))) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void keys_close(struct keys *k)
{
	if (!k)
		return;
	fclose(k->f);
	free(k);
}

static void put_key(FILE *f, const uint8_t *key, size_t n)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%02x", i ? "" : "0x", key[i]);
	fputc('"', f);
}

static void put_sa(FILE *f, const struct xfrm_set *s, const struct xfrm_addr *src,
		   const struct xfrm_addr *dst, uint32_t spi)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	inet_ntop(src->family, &src->v4, a, sizeof(a));
	inet_ntop(dst->family, &dst->v4, b, sizeof(b));
	fprintf(f, "\"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",",
		src->family == AF_INET ? "IPv4" : "IPv6", a, b, spi, enc_names[s->enc]);
	put_key(f, s->enc_key, s->enc_key_len);
	fprintf(f, ",\"%s\",", auth_names[s->auth]);
	put_key(f, s->auth_key, s->auth_key_len);
	fputc('\n', f);
}

void keys_write(struct keys *k, const struct xfrm_set *s, const char *who)
{
	if (!k)
		return;
	fprintf(k->f, "# %s: ports uc %u us %u, P-CSCF ps %u pc %u; %s, %s\n", who, s->our_port_c,
		s->our_port_s, s->peer_port_s, s->peer_port_c, auth_names[s->auth],
		enc_names[s->enc]);
	put_sa(k->f, s, &s->our, &s->peer, s->peer_spi_s);
	put_sa(k->f, s, &s->our, &s->peer, s->peer_spi_c);
	put_sa(k->f, s, &s->peer, &s->our, s->our_spi_c);
	put_sa(k->f, s, &s->peer, &s->our, s->our_spi_s);
	fflush(k->f);
}
