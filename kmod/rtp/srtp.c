// SPDX-License-Identifier: GPL-2.0
/*
 * SRTP and SRTCP packets: index, replay, AES-CM with HMAC-SHA1 (RFC 3711 3.3, 3.4, 4.1.1, 4.2;
 * RFC 6188) and AES-GCM (RFC 7714 8, 9).
 *
 *	RTP header | payload (encrypted) [| tag of GCM] [| MKI] [| tag of HMAC]
 *	RTCP header, SSRC | the rest (encrypted) [| tag of GCM] | E, index [| MKI] [| tag of HMAC]
 *
 * A packet that is not authentic changes nothing. What is encrypted never uses an index twice,
 * with whatever sequence numbers it comes: that would give the key stream away, and the key of
 * the tag with GCM. So no SSRC of an encrypting key is ever forgotten; there are
 * KIMS_SRTP_SOURCES_OUT at most. Of a decrypting key the SSRC not heard for longest is forgotten;
 * only who has the key can bring that about.
 */
#include <crypto/aead.h>
#include <crypto/algapi.h>
#include <crypto/hash.h>
#include <crypto/internal/simd.h>
#include <crypto/skcipher.h>
#include <asm/simd.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include "rtp/rtp.h"
#include "rtp/srtp.h"

#define KIMS_SRTP_SOURCES_IN 16
#define KIMS_SRTP_SOURCES_OUT 64

#define SHA1_SIZE 20
#define GCM_TAG 16
#define GCM_IV 12
#define CM_IV 16
#define RTCP_CLEAR 8 /* octets of RTCP that are never encrypted */
#define RTCP_TRAILER 4
#define RTCP_E 0x80000000U
#define RTCP_INDEX_MAX 0x7fffffffU

/* --- sources --- */

static struct kims_srtp_source *kims_srtp_source_find(struct kims_srtp *srtp, u32 ssrc)
{
	struct kims_srtp_source *s;

	list_for_each_entry(s, &srtp->sources, list)
		if (s->ssrc == ssrc)
			return s;
	return NULL;
}

static struct kims_srtp_source *kims_srtp_source_add(struct kims_srtp *srtp, u32 ssrc)
{
	struct kims_srtp_source *s = kzalloc(sizeof(*s), GFP_ATOMIC | __GFP_NOWARN);

	if (!s)
		return NULL;
	s->ssrc = ssrc;
	list_add(&s->list, &srtp->sources);
	srtp->n_sources++;
	return s;
}

/* The source of an authentic packet; NULL: no memory. */
static struct kims_srtp_source *kims_srtp_source_heard(struct kims_srtp *srtp, u32 ssrc)
{
	struct kims_srtp_source *s = kims_srtp_source_find(srtp, ssrc);

	if (s) {
		list_move(&s->list, &srtp->sources);
		return s;
	}
	if (srtp->n_sources < KIMS_SRTP_SOURCES_IN)
		return kims_srtp_source_add(srtp, ssrc);
	s = list_last_entry(&srtp->sources, struct kims_srtp_source, list);
	list_move(&s->list, &srtp->sources);
	*s = (struct kims_srtp_source){ .list = s->list, .ssrc = ssrc };
	return s;
}

void kims_srtp_sources_free(struct kims_srtp *srtp)
{
	struct kims_srtp_source *s, *next;

	list_for_each_entry_safe(s, next, &srtp->sources, list)
		kfree(s);
}

u32 kims_srtp_roc(const struct kims_srtp *srtp)
{
	const struct kims_srtp_source *s;

	if (list_empty(&srtp->sources))
		return 0;
	s = list_first_entry(&srtp->sources, struct kims_srtp_source, list);
	return s->index >> 16;
}

/* --- index and replay --- */

/* RFC 3711 3.3.1, appendix A. Before the first of all there is nothing: ROC stays 0 then. */
static u64 kims_srtp_index(const struct kims_srtp_source *s, u16 seq)
{
	u32 roc = s && s->rtp ? s->index >> 16 : 0;
	u16 last = s && s->rtp ? s->index : seq;

	if (last < 0x8000)
		roc -= roc && seq > last + 0x8000;
	else
		roc += seq < last - 0x8000;
	return (u64)roc << 16 | seq;
}

/* RFC 3711 3.3.2. */
static bool kims_srtp_replayed(const struct kims_srtp_source *s, u64 index)
{
	u64 behind;

	if (!s || !s->rtp || index > s->index)
		return false;
	behind = s->index - index;
	return behind >= 128 || s->window[behind / 64] >> behind % 64 & 1;
}

static void kims_srtp_window_shift(u64 window[2], u64 n)
{
	if (n >= 128) {
		window[0] = window[1] = 0;
	} else if (n >= 64) {
		window[1] = window[0] << (n - 64);
		window[0] = 0;
	} else if (n) {
		window[1] = window[1] << n | window[0] >> (64 - n);
		window[0] <<= n;
	}
}

static void kims_srtp_seen(struct kims_srtp_source *s, u64 index)
{
	if (!s->rtp || index > s->index) {
		kims_srtp_window_shift(s->window, s->rtp ? index - s->index : 128);
		s->index = index;
		s->rtp = true;
	}
	s->window[(s->index - index) / 64] |= BIT_ULL((s->index - index) % 64);
}

static bool kims_srtcp_replayed(const struct kims_srtp_source *s, u32 index)
{
	u32 behind;

	if (!s || !s->rtcp || index > s->rtcp_index)
		return false;
	behind = s->rtcp_index - index;
	return behind >= 64 || s->rtcp_window >> behind & 1;
}

static void kims_srtcp_seen(struct kims_srtp_source *s, u32 index)
{
	u32 ahead;

	if (!s->rtcp || index > s->rtcp_index) {
		ahead = s->rtcp ? index - s->rtcp_index : 64;
		s->rtcp_window = ahead < 64 ? s->rtcp_window << ahead : 0;
		s->rtcp_index = index;
		s->rtcp = true;
	}
	s->rtcp_window |= BIT_ULL(s->rtcp_index - index);
}

/* --- AES-CM and HMAC-SHA1 --- */

/* RFC 3711 4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16). */
static void kims_srtp_cm_iv(const u8 *salt, u32 ssrc, u64 index, u8 iv[CM_IV])
{
	memcpy(iv, salt, 14);
	iv[14] = iv[15] = 0;
	put_unaligned_be32(get_unaligned_be32(iv + 4) ^ ssrc, iv + 4);
	put_unaligned_be64(get_unaligned_be64(iv + 8) ^ index << 16, iv + 8);
}

static int kims_srtp_which(const void *simd)
{
	return simd && crypto_simd_usable() ? KIMS_SRTP_SIMD : KIMS_SRTP_ANY;
}

/* Encrypts, or decrypts, in place. -errno never happens with a cipher that is not a device's. */
static int kims_srtp_cm(struct kims_srtp_session *s, u32 ssrc, u64 index, u8 *data, int len)
{
	struct skcipher_request *req = s->ctr_req[kims_srtp_which(s->ctr_req[KIMS_SRTP_SIMD])];
	struct scatterlist sg;
	u8 iv[CM_IV];

	if (!len)
		return 0;
	kims_srtp_cm_iv(s->salt, ssrc, index, iv);
	sg_init_one(&sg, data, len);
	skcipher_request_set_crypt(req, &sg, &sg, len, iv);
	return crypto_skcipher_encrypt(req) ? KIMS_DROP_SRTP_AUTH : 0;
}

/* The tag over len octets and, for SRTP, the ROC. */
static int kims_srtp_hmac(struct kims_srtp_session *s, const u8 *data, int len, const __be32 *roc,
			  u8 tag[SHA1_SIZE])
{
	int err = crypto_shash_init(s->hmac) ?: crypto_shash_update(s->hmac, data, len);

	if (!err)
		err = roc ? crypto_shash_finup(s->hmac, (const u8 *)roc, sizeof(*roc), tag) :
			    crypto_shash_final(s->hmac, tag);
	return err ? KIMS_DROP_SRTP_AUTH : 0;
}

static int kims_srtp_hmac_check(struct kims_srtp_session *s, const u8 *data, int len,
				const __be32 *roc, const u8 *tag, int tag_len)
{
	u8 right[SHA1_SIZE];

	if (kims_srtp_hmac(s, data, len, roc, right) || crypto_memneq(right, tag, tag_len))
		return KIMS_DROP_SRTP_AUTH;
	return 0;
}

/* --- AES-GCM --- */

/* RFC 7714 8.1, 9.1: 0, SSRC, index of 48 bits, XOR salt. */
static void kims_srtp_gcm_iv(const u8 *salt, u32 ssrc, u64 index, u8 iv[GCM_IV])
{
	memcpy(iv, salt, GCM_IV);
	put_unaligned_be32(get_unaligned_be32(iv + 2) ^ ssrc, iv + 2);
	put_unaligned_be32(get_unaligned_be32(iv + 8) ^ (u32)index, iv + 8);
	put_unaligned_be16(get_unaligned_be16(iv + 6) ^ (u16)(index >> 32), iv + 6);
}

static struct aead_request *kims_srtp_gcm_request(struct kims_srtp_session *s)
{
	return s->aead_req[kims_srtp_which(s->aead_req[KIMS_SRTP_SIMD])];
}

/* Header and what is encrypted lie one behind the other; len without the tag. */
static int kims_srtp_gcm_seal(struct kims_srtp_session *s, u32 ssrc, u64 index, u8 *data,
			      int header, int len)
{
	struct aead_request *req = kims_srtp_gcm_request(s);
	struct scatterlist sg;
	u8 iv[GCM_IV];

	kims_srtp_gcm_iv(s->salt, ssrc, index, iv);
	sg_init_one(&sg, data, len + GCM_TAG);
	aead_request_set_ad(req, header);
	aead_request_set_crypt(req, &sg, &sg, len - header, iv);
	return crypto_aead_encrypt(req) ? KIMS_DROP_NO_MEMORY : 0;
}

static int kims_srtp_gcm_open(struct kims_srtp_session *s, u32 ssrc, u64 index,
			      struct scatterlist *sg, int ad, int len)
{
	struct aead_request *req = kims_srtp_gcm_request(s);
	u8 iv[GCM_IV];

	kims_srtp_gcm_iv(s->salt, ssrc, index, iv);
	aead_request_set_ad(req, ad);
	aead_request_set_crypt(req, sg, sg, len, iv);
	return crypto_aead_decrypt(req) ? KIMS_DROP_SRTP_AUTH : 0;
}

/* --- MKI --- */

static void kims_srtp_mki_put(const struct kims_srtp *srtp, u8 *end)
{
	memcpy(end, srtp->mki, srtp->mki_len);
}

static bool kims_srtp_mki_is(const struct kims_srtp *srtp, const u8 *at)
{
	return !memcmp(at, srtp->mki, srtp->mki_len);
}

/* --- SRTP --- */

unsigned int kims_srtp_overhead(const struct kims_srtp *srtp, bool rtcp)
{
	return rtcp ? srtp->profile->rtcp_tag + RTCP_TRAILER + srtp->mki_len :
		      srtp->profile->tag + srtp->mki_len;
}

static int kims_srtp_decrypt_cm(struct kims_srtp *srtp, u8 *payload, int header, int len, u32 ssrc,
				u64 index)
{
	__be32 roc = cpu_to_be32(index >> 16);

	if (!kims_srtp_mki_is(srtp, payload + len))
		return KIMS_DROP_SRTP_AUTH;
	return kims_srtp_hmac_check(&srtp->rtp, payload, len, &roc, payload + len + srtp->mki_len,
				    srtp->profile->tag) ?:
	       kims_srtp_cm(&srtp->rtp, ssrc, index, payload + header, len - header);
}

static int kims_srtp_decrypt_gcm(struct kims_srtp *srtp, u8 *payload, int header, int len,
				 u32 ssrc, u64 index)
{
	struct scatterlist sg;

	if (!kims_srtp_mki_is(srtp, payload + len + GCM_TAG))
		return KIMS_DROP_SRTP_AUTH;
	sg_init_one(&sg, payload, len + GCM_TAG);
	return kims_srtp_gcm_open(&srtp->rtp, ssrc, index, &sg, header, len + GCM_TAG - header);
}

int kims_srtp_decrypt(struct kims_srtp *srtp, u8 *payload, int *len)
{
	const struct kims_rtp_header *h = (const struct kims_rtp_header *)payload;
	int plain = *len - (int)kims_srtp_overhead(srtp, false), why;
	unsigned int header = kims_rtp_header_len(payload, max(plain, 0));
	struct kims_srtp_source *s;
	u32 ssrc;
	u64 index;

	if (!header)
		return KIMS_DROP_SRTP_AUTH;
	ssrc = ntohl(h->ssrc);
	s = kims_srtp_source_find(srtp, ssrc);
	index = kims_srtp_index(s, ntohs(h->seq));
	if (kims_srtp_replayed(s, index))
		return KIMS_DROP_SRTP_REPLAY;
	why = srtp->profile->aead ?
		      kims_srtp_decrypt_gcm(srtp, payload, header, plain, ssrc, index) :
		      kims_srtp_decrypt_cm(srtp, payload, header, plain, ssrc, index);
	if (why)
		return why;
	s = kims_srtp_source_heard(srtp, ssrc);
	if (!s)
		return KIMS_DROP_NO_MEMORY;
	kims_srtp_seen(s, index);
	*len = plain;
	return 0;
}

static int kims_srtp_encrypt_cm(struct kims_srtp *srtp, u8 *payload, int header, int len, u32 ssrc,
				u64 index)
{
	__be32 roc = cpu_to_be32(index >> 16);
	u8 tag[SHA1_SIZE];
	int why;

	why = kims_srtp_cm(&srtp->rtp, ssrc, index, payload + header, len - header) ?:
	      kims_srtp_hmac(&srtp->rtp, payload, len, &roc, tag);
	if (why)
		return why;
	kims_srtp_mki_put(srtp, payload + len);
	memcpy(payload + len + srtp->mki_len, tag, srtp->profile->tag);
	return 0;
}

static int kims_srtp_encrypt_gcm(struct kims_srtp *srtp, u8 *payload, int header, int len,
				 u32 ssrc, u64 index)
{
	int why = kims_srtp_gcm_seal(&srtp->rtp, ssrc, index, payload, header, len);

	if (!why)
		kims_srtp_mki_put(srtp, payload + len + GCM_TAG);
	return why;
}

/* The source of an RTP packet to be encrypted, or NULL and *ret_why. */
static struct kims_srtp_source *kims_srtp_source_out(struct kims_srtp *srtp, u32 ssrc,
						     int *ret_why)
{
	struct kims_srtp_source *s = kims_srtp_source_find(srtp, ssrc);

	if (likely(s)) {
		list_move(&s->list, &srtp->sources);
		return s;
	}
	*ret_why = KIMS_DROP_SRTP_LIMIT;
	if (srtp->n_sources >= KIMS_SRTP_SOURCES_OUT)
		return NULL;
	*ret_why = KIMS_DROP_NO_MEMORY;
	return kims_srtp_source_add(srtp, ssrc);
}

int kims_srtp_encrypt(struct kims_srtp *srtp, u8 *payload, int *len)
{
	const struct kims_rtp_header *h = (const struct kims_rtp_header *)payload;
	unsigned int header = kims_rtp_header_len(payload, *len);
	struct kims_srtp_source *s;
	u32 ssrc = ntohl(h->ssrc);
	u64 index;
	int why;

	if (!header)
		return KIMS_DROP_MALFORMED;
	s = kims_srtp_source_out(srtp, ssrc, &why);
	if (!s)
		return why;
	index = kims_srtp_index(s, ntohs(h->seq));
	if (kims_srtp_replayed(s, index))
		return KIMS_DROP_SRTP_REPLAY;
	if (index >> 48)
		return KIMS_DROP_SRTP_LIMIT;
	/* Also when it fails: the key stream may have been used. */
	kims_srtp_seen(s, index);
	why = srtp->profile->aead ?
		      kims_srtp_encrypt_gcm(srtp, payload, header, *len, ssrc, index) :
		      kims_srtp_encrypt_cm(srtp, payload, header, *len, ssrc, index);
	if (!why)
		*len += kims_srtp_overhead(srtp, false);
	return why;
}

/* --- SRTCP --- */

static int kims_srtcp_decrypt_cm(struct kims_srtp *srtp, u8 *payload, int len, u32 ssrc, u32 word)
{
	const u8 *mki = payload + len + RTCP_TRAILER;
	int why;

	if (!kims_srtp_mki_is(srtp, mki))
		return KIMS_DROP_SRTP_AUTH;
	why = kims_srtp_hmac_check(&srtp->rtcp, payload, len + RTCP_TRAILER, NULL,
				   mki + srtp->mki_len, srtp->profile->rtcp_tag);
	if (why || !(word & RTCP_E))
		return why;
	return kims_srtp_cm(&srtp->rtcp, ssrc, word & RTCP_INDEX_MAX, payload + RTCP_CLEAR,
			    len - RTCP_CLEAR);
}

/* RFC 7714 9.2, 9.3: what is authenticated and not encrypted ends with the word behind the tag. */
static int kims_srtcp_decrypt_gcm(struct kims_srtp *srtp, u8 *payload, int len, u32 ssrc, u32 word)
{
	int clear = word & RTCP_E ? RTCP_CLEAR : len;
	u8 *trailer = payload + len + GCM_TAG;
	struct scatterlist sg[3];

	if (!kims_srtp_mki_is(srtp, trailer + RTCP_TRAILER))
		return KIMS_DROP_SRTP_AUTH;
	sg_init_table(sg, ARRAY_SIZE(sg));
	sg_set_buf(&sg[0], payload, clear);
	sg_set_buf(&sg[1], trailer, RTCP_TRAILER);
	sg_set_buf(&sg[2], payload + clear, len - clear + GCM_TAG);
	return kims_srtp_gcm_open(&srtp->rtcp, ssrc, word & RTCP_INDEX_MAX, sg,
				  clear + RTCP_TRAILER, len - clear + GCM_TAG);
}

int kims_srtcp_decrypt(struct kims_srtp *srtp, u8 *payload, int *len)
{
	const struct kims_rtcp_header *h = (const struct kims_rtcp_header *)payload;
	int plain = *len - (int)kims_srtp_overhead(srtp, true), why;
	int trailer = plain + (srtp->profile->aead ? GCM_TAG : 0);
	struct kims_srtp_source *s;
	u32 word, index, ssrc;

	if (plain < RTCP_CLEAR)
		return KIMS_DROP_SRTP_AUTH;
	ssrc = ntohl(h->ssrc);
	word = get_unaligned_be32(payload + trailer);
	index = word & RTCP_INDEX_MAX;
	if (kims_srtcp_replayed(kims_srtp_source_find(srtp, ssrc), index))
		return KIMS_DROP_SRTP_REPLAY;
	why = srtp->profile->aead ? kims_srtcp_decrypt_gcm(srtp, payload, plain, ssrc, word) :
				    kims_srtcp_decrypt_cm(srtp, payload, plain, ssrc, word);
	if (why)
		return why;
	s = kims_srtp_source_heard(srtp, ssrc);
	if (!s)
		return KIMS_DROP_NO_MEMORY;
	kims_srtcp_seen(s, index);
	*len = plain;
	return 0;
}

static int kims_srtcp_encrypt_cm(struct kims_srtp *srtp, u8 *payload, int len, u32 ssrc, u32 index)
{
	u8 *trailer = payload + len, tag[SHA1_SIZE];
	int why;

	put_unaligned_be32(RTCP_E | index, trailer);
	why = kims_srtp_cm(&srtp->rtcp, ssrc, index, payload + RTCP_CLEAR, len - RTCP_CLEAR) ?:
	      kims_srtp_hmac(&srtp->rtcp, payload, len + RTCP_TRAILER, NULL, tag);
	if (why)
		return why;
	kims_srtp_mki_put(srtp, trailer + RTCP_TRAILER);
	memcpy(trailer + RTCP_TRAILER + srtp->mki_len, tag, srtp->profile->rtcp_tag);
	return 0;
}

static int kims_srtcp_encrypt_gcm(struct kims_srtp *srtp, u8 *payload, int len, u32 ssrc, u32 index)
{
	struct aead_request *req = kims_srtp_gcm_request(&srtp->rtcp);
	u8 *trailer = payload + len + GCM_TAG, iv[GCM_IV];
	struct scatterlist sg[3];

	put_unaligned_be32(RTCP_E | index, trailer);
	kims_srtp_mki_put(srtp, trailer + RTCP_TRAILER);
	kims_srtp_gcm_iv(srtp->rtcp.salt, ssrc, index, iv);
	sg_init_table(sg, ARRAY_SIZE(sg));
	sg_set_buf(&sg[0], payload, RTCP_CLEAR);
	sg_set_buf(&sg[1], trailer, RTCP_TRAILER);
	sg_set_buf(&sg[2], payload + RTCP_CLEAR, len - RTCP_CLEAR + GCM_TAG);
	aead_request_set_ad(req, RTCP_CLEAR + RTCP_TRAILER);
	aead_request_set_crypt(req, sg, sg, len - RTCP_CLEAR, iv);
	return crypto_aead_encrypt(req) ? KIMS_DROP_NO_MEMORY : 0;
}

/* One count for all SSRCs of the key: no index comes twice whoever sends. */
int kims_srtcp_encrypt(struct kims_srtp *srtp, u8 *payload, int *len)
{
	const struct kims_rtcp_header *h = (const struct kims_rtcp_header *)payload;
	u32 ssrc = ntohl(h->ssrc), index;
	int why;

	if (srtp->rtcp_sent > RTCP_INDEX_MAX)
		return KIMS_DROP_SRTP_LIMIT;
	index = srtp->rtcp_sent++;
	why = srtp->profile->aead ? kims_srtcp_encrypt_gcm(srtp, payload, *len, ssrc, index) :
				    kims_srtcp_encrypt_cm(srtp, payload, *len, ssrc, index);
	if (!why)
		*len += kims_srtp_overhead(srtp, true);
	return why;
}
