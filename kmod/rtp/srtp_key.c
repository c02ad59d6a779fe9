// SPDX-License-Identifier: GPL-2.0
/*
 * SRTP keys: read from netlink, session keys derived (RFC 3711 4.3 with key derivation rate 0,
 * RFC 6188 3, RFC 7714 11), ciphers made ready. All of that when a flow is configured; a packet
 * finds everything there.
 *
 * Only synchronous ciphers: a packet is done when the call returns. Those of x86 with AES-NI are
 * behind an asynchronous wrapper, for contexts where SIMD registers are in use, or internal; the
 * internal one is taken as the second cipher of a session, and the packet looks which it may use.
 *
 * Keys are in no reply, and memory that had them is cleared.
 */
#include <crypto/aead.h>
#include <crypto/aes.h>
#include <crypto/algapi.h>
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/slab.h>
#include "genl.h"
#include "rtp/rtp.h"
#include "rtp/srtp.h"

#define CM_SALT 14
#define GCM_SALT 12
#define HMAC_KEY 20
#define GCM_TAG 16

static const struct kims_srtp_profile kims_srtp_profiles[] = {
	[KIMS_SRTP_SUITE_AES_CM_128_HMAC_SHA1_80] = { 16, CM_SALT, 10, 10, false },
	[KIMS_SRTP_SUITE_AES_CM_128_HMAC_SHA1_32] = { 16, CM_SALT, 4, 10, false },
	[KIMS_SRTP_SUITE_AES_256_CM_HMAC_SHA1_80] = { 32, CM_SALT, 10, 10, false },
	[KIMS_SRTP_SUITE_AES_256_CM_HMAC_SHA1_32] = { 32, CM_SALT, 4, 10, false },
	[KIMS_SRTP_SUITE_AEAD_AES_128_GCM] = { 16, GCM_SALT, GCM_TAG, GCM_TAG, true },
	[KIMS_SRTP_SUITE_AEAD_AES_256_GCM] = { 32, GCM_SALT, GCM_TAG, GCM_TAG, true },
};

/* RFC 3711 4.3.2; that of SRTCP is each 3 more. */
enum { LABEL_KEY, LABEL_AUTH, LABEL_SALT, LABELS_RTP };

/* --- derivation --- */

struct kims_srtp_kdf {
	struct crypto_aes_ctx aes; /* of the master key */
	u8 salt[AES_BLOCK_SIZE];   /* master salt, zeros behind */
};

/* RFC 3711 4.3.3: the key stream of AES-CM under the master key from (label XOR salt) * 2^16. */
static void kims_srtp_derive(const struct kims_srtp_kdf *kdf, u8 label, u8 *ret, unsigned int len)
{
	u8 counter[AES_BLOCK_SIZE], block[AES_BLOCK_SIZE];
	unsigned int n;

	memcpy(counter, kdf->salt, sizeof(counter));
	counter[7] ^= label;
	for (; len; len -= n, ret += n) {
		aes_encrypt(&kdf->aes, block, counter);
		n = min_t(unsigned int, len, sizeof(block));
		memcpy(ret, block, n);
		counter[15]++;
	}
	memzero_explicit(block, sizeof(block));
	memzero_explicit(counter, sizeof(counter));
}

/* --- ciphers --- */

/* Looked for once: a name that is not there costs a call of modprobe each time. */
static bool kims_srtp_no_simd_gcm __read_mostly;
static bool kims_srtp_no_simd_ctr __read_mostly;

static int kims_srtp_gcm_new(struct kims_srtp_session *s, int which, const char *name, u32 type,
			     u32 mask, const u8 *key, unsigned int len)
{
	struct crypto_aead *tfm = crypto_alloc_aead(name, type, mask);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	s->aead[which] = tfm;
	err = crypto_aead_setauthsize(tfm, GCM_TAG) ?: crypto_aead_setkey(tfm, key, len);
	if (err)
		return err;
	s->aead_req[which] = aead_request_alloc(tfm, GFP_KERNEL);
	if (!s->aead_req[which])
		return -ENOMEM;
	aead_request_set_callback(s->aead_req[which], 0, NULL, NULL);
	return 0;
}

static int kims_srtp_ctr_new(struct kims_srtp_session *s, int which, const char *name, u32 type,
			     u32 mask, const u8 *key, unsigned int len)
{
	struct crypto_sync_skcipher *tfm = crypto_alloc_sync_skcipher(name, type, mask);
	int err;

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	s->ctr[which] = tfm;
	err = crypto_sync_skcipher_setkey(tfm, key, len);
	if (err)
		return err;
	s->ctr_req[which] = skcipher_request_alloc(&tfm->base, GFP_KERNEL);
	if (!s->ctr_req[which])
		return -ENOMEM;
	skcipher_request_set_callback(s->ctr_req[which], 0, NULL, NULL);
	return 0;
}

static int kims_srtp_hmac_new(struct kims_srtp_session *s, const u8 *key)
{
	struct crypto_shash *tfm = crypto_alloc_shash("hmac(sha1)", 0, 0);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	s->hmac = kzalloc(sizeof(*s->hmac) + crypto_shash_descsize(tfm), GFP_KERNEL);
	if (!s->hmac) {
		crypto_free_shash(tfm);
		return -ENOMEM;
	}
	s->hmac->tfm = tfm;
	return crypto_shash_setkey(tfm, key, HMAC_KEY);
}

/* The second cipher: that it is missing is no error. */
static int kims_srtp_gcm_pair(struct kims_srtp_session *s, const u8 *key, unsigned int len)
{
	int err = kims_srtp_gcm_new(s, KIMS_SRTP_ANY, "gcm(aes)", 0, CRYPTO_ALG_ASYNC, key, len);

	if (err || READ_ONCE(kims_srtp_no_simd_gcm))
		return err;
	err = kims_srtp_gcm_new(s, KIMS_SRTP_SIMD, "__gcm(aes)", CRYPTO_ALG_INTERNAL,
				CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC, key, len);
	if (!err || err == -ENOMEM)
		return err;
	WRITE_ONCE(kims_srtp_no_simd_gcm, true);
	return 0;
}

static int kims_srtp_ctr_pair(struct kims_srtp_session *s, const u8 *key, unsigned int len)
{
	int err = kims_srtp_ctr_new(s, KIMS_SRTP_ANY, "ctr(aes)", 0, 0, key, len);

	if (err || READ_ONCE(kims_srtp_no_simd_ctr))
		return err;
	err = kims_srtp_ctr_new(s, KIMS_SRTP_SIMD, "__ctr(aes)", CRYPTO_ALG_INTERNAL,
				CRYPTO_ALG_INTERNAL, key, len);
	if (!err || err == -ENOMEM)
		return err;
	WRITE_ONCE(kims_srtp_no_simd_ctr, true);
	return 0;
}

static int kims_srtp_session_init(struct kims_srtp_session *s,
				  const struct kims_srtp_profile *profile,
				  const struct kims_srtp_kdf *kdf, u8 label)
{
	u8 key[AES_MAX_KEY_SIZE], auth[HMAC_KEY];
	int err;

	kims_srtp_derive(kdf, label + LABEL_KEY, key, profile->key);
	kims_srtp_derive(kdf, label + LABEL_SALT, s->salt, profile->salt);
	if (profile->aead) {
		err = kims_srtp_gcm_pair(s, key, profile->key);
	} else {
		kims_srtp_derive(kdf, label + LABEL_AUTH, auth, sizeof(auth));
		err = kims_srtp_ctr_pair(s, key, profile->key) ?: kims_srtp_hmac_new(s, auth);
		memzero_explicit(auth, sizeof(auth));
	}
	memzero_explicit(key, sizeof(key));
	return err;
}

static void kims_srtp_session_free(struct kims_srtp_session *s)
{
	int i;

	for (i = 0; i < KIMS_SRTP_N; i++) {
		if (s->aead_req[i])
			aead_request_free(s->aead_req[i]);
		if (s->aead[i])
			crypto_free_aead(s->aead[i]);
		if (s->ctr_req[i])
			skcipher_request_free(s->ctr_req[i]);
		if (s->ctr[i])
			crypto_free_sync_skcipher(s->ctr[i]);
	}
	if (s->hmac) {
		crypto_free_shash(s->hmac->tfm);
		kfree_sensitive(s->hmac);
	}
}

/* --- the object --- */

static void kims_srtp_free(struct kims_srtp *srtp)
{
	kims_srtp_session_free(&srtp->rtp);
	kims_srtp_session_free(&srtp->rtcp);
	kims_srtp_sources_free(srtp);
	kfree_sensitive(srtp);
}

struct kims_srtp *kims_srtp_get(struct kims_srtp *srtp)
{
	if (srtp)
		refcount_inc(&srtp->users);
	return srtp;
}

void kims_srtp_put_ref(struct kims_srtp *srtp)
{
	if (srtp && refcount_dec_and_test(&srtp->users))
		kims_srtp_free(srtp);
}

static int kims_srtp_sessions_init(struct kims_srtp *srtp)
{
	struct kims_srtp_kdf *kdf = kzalloc(sizeof(*kdf), GFP_KERNEL);
	int err;

	if (!kdf)
		return -ENOMEM;
	memcpy(kdf->salt, srtp->key + srtp->profile->key, srtp->profile->salt);
	err = aes_expandkey(&kdf->aes, srtp->key, srtp->profile->key) ?:
	      kims_srtp_session_init(&srtp->rtp, srtp->profile, kdf, 0) ?:
	      kims_srtp_session_init(&srtp->rtcp, srtp->profile, kdf, LABELS_RTP);
	kfree_sensitive(kdf);
	return err;
}

static bool kims_srtp_same_key(const struct kims_srtp *a, const struct kims_srtp *b)
{
	return a->key_len == b->key_len && !crypto_memneq(a->key, b->key, a->key_len);
}

static bool kims_srtp_same(const struct kims_srtp *a, const struct kims_srtp *b)
{
	return a->suite == b->suite && a->mki_len == b->mki_len &&
	       !memcmp(a->mki, b->mki, a->mki_len) && kims_srtp_same_key(a, b);
}

/* With another suite of the same ciphers, or another MKI, the indices would begin anew. */
int kims_srtp_check_out(const struct kims_srtp *srtp, const struct kims_srtp *before,
			struct netlink_ext_ack *extack)
{
	if (!srtp || !before || kims_srtp_same(srtp, before) || !kims_srtp_same_key(srtp, before))
		return 0;
	return KIMS_REFUSE(extack, -EINVAL,
			   "an encrypting key goes on only with the same suite and mki");
}

void kims_srtp_carry(struct kims_srtp **srtp, struct kims_srtp *before)
{
	if (!*srtp || !before || !kims_srtp_same(*srtp, before))
		return;
	kims_srtp_put_ref(*srtp);
	*srtp = kims_srtp_get(before);
}

/* --- netlink --- */

static int kims_srtp_read_key(struct nlattr **tb, struct kims_srtp *srtp,
			      struct netlink_ext_ack *extack)
{
	const struct nlattr *key = tb[KIMS_SRTP_A_KEY], *mki = tb[KIMS_SRTP_A_MKI];

	srtp->suite = nla_get_u32(tb[KIMS_SRTP_A_SUITE]);
	srtp->profile = &kims_srtp_profiles[srtp->suite];
	if (nla_len(key) != srtp->profile->key + srtp->profile->salt)
		return KIMS_REFUSE_ATTR(extack, -EINVAL, key,
					"key and salt have another length in this suite");
	srtp->key_len = nla_len(key);
	memcpy(srtp->key, nla_data(key), srtp->key_len);
	if (!mki)
		return 0;
	if (!nla_len(mki))
		return KIMS_REFUSE_ATTR(extack, -EINVAL, mki, "empty mki");
	srtp->mki_len = nla_len(mki);
	memcpy(srtp->mki, nla_data(mki), srtp->mki_len);
	return 0;
}

static int kims_srtp_make(struct nlattr **tb, struct kims_srtp *srtp,
			  struct netlink_ext_ack *extack)
{
	int err = kims_srtp_read_key(tb, srtp, extack);

	if (err)
		return err;
	err = kims_srtp_sessions_init(srtp);
	if (err == -ENOENT)
		return KIMS_REFUSE(extack, -EOPNOTSUPP, "the kernel lacks a cipher of this suite");
	return err ? KIMS_REFUSE(extack, err, "the ciphers of this suite cannot be made ready") : 0;
}

int kims_srtp_read(const struct nlattr *attr, struct kims_srtp **ret,
		   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KIMS_SRTP_A_MKI + 1];
	struct kims_srtp *srtp;
	int err;

	*ret = NULL;
	if (!attr)
		return 0;
	err = nla_parse_nested(tb, KIMS_SRTP_A_MKI, attr, kims_srtp_conf_nl_policy, extack);
	if (err)
		return err;
	if (!tb[KIMS_SRTP_A_SUITE] || !tb[KIMS_SRTP_A_KEY])
		return KIMS_REFUSE_ATTR(extack, -EINVAL, attr, "suite or key is missing");
	srtp = kzalloc(sizeof(*srtp), GFP_KERNEL_ACCOUNT);
	if (!srtp)
		return -ENOMEM;
	refcount_set(&srtp->users, 1);
	INIT_LIST_HEAD(&srtp->sources);
	err = kims_srtp_make(tb, srtp, extack);
	if (err)
		kims_srtp_free(srtp);
	else
		*ret = srtp;
	return err;
}

int kims_srtp_put(struct sk_buff *skb, int attr, const struct kims_srtp *srtp)
{
	struct nlattr *nest;

	if (!srtp)
		return 0;
	nest = nla_nest_start(skb, attr);
	if (!nest || nla_put_u32(skb, KIMS_SRTP_A_SUITE, srtp->suite) ||
	    (srtp->mki_len && nla_put(skb, KIMS_SRTP_A_MKI, srtp->mki_len, srtp->mki)) ||
	    nla_put_u32(skb, KIMS_SRTP_A_ROC, kims_srtp_roc(srtp)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}
