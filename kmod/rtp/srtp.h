/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SRTP and SRTCP of one direction (RFC 3711, RFC 6188, RFC 7714): a master key, the session keys
 * made of it, and what is kept for each SSRC. Used under kims_rtp.lock of the flow that has it;
 * a flow that replaces another with the same key goes on with the same object.
 */
#ifndef KIMS_RTP_SRTP_H
#define KIMS_RTP_SRTP_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <uapi/linux/kims.h>

#define KIMS_SRTP_KEY_MAX 46 /* master key and salt */
#define KIMS_SRTP_MKI_MAX 16
#define KIMS_SRTP_SALT_MAX 14

struct crypto_aead;
struct crypto_sync_skcipher;
struct netlink_ext_ack;
struct nlattr;
struct sk_buff;
struct aead_request;
struct skcipher_request;
struct shash_desc;

/* RFC 4568 6.2, RFC 6188 2, RFC 7714 14.2; octets. */
struct kims_srtp_profile {
	u8 key;
	u8 salt;
	u8 tag;	     /* of SRTP; with AEAD a part of the ciphertext */
	u8 rtcp_tag;
	bool aead;
};

/* The same cipher twice: for any context, and with SIMD instructions, which may be missing. */
enum { KIMS_SRTP_ANY, KIMS_SRTP_SIMD, KIMS_SRTP_N };

/* Session keys of SRTP, or of SRTCP. */
struct kims_srtp_session {
	struct crypto_aead *aead[KIMS_SRTP_N];
	struct aead_request *aead_req[KIMS_SRTP_N];
	struct crypto_sync_skcipher *ctr[KIMS_SRTP_N];
	struct skcipher_request *ctr_req[KIMS_SRTP_N];
	struct shash_desc *hmac;
	u8 salt[KIMS_SRTP_SALT_MAX];
};

/* Rollover counter and replay windows of one SSRC (RFC 3711 3.2.3, 3.3.2). */
struct kims_srtp_source {
	struct list_head list;
	u64 index;	/* highest, ROC * 2^16 + sequence number */
	u64 window[2];	/* bit n of the 128: index - n was there */
	u64 rtcp_window;
	u32 rtcp_index; /* highest */
	u32 ssrc;
	bool rtp;  /* index is set */
	bool rtcp; /* rtcp_index is set */
};

struct kims_srtp {
	refcount_t users;
	u32 suite; /* enum kims_srtp_suite */
	const struct kims_srtp_profile *profile;
	struct kims_srtp_session rtp, rtcp;
	struct list_head sources; /* last heard first */
	unsigned int n_sources;
	u32 rtcp_sent; /* next index of SRTCP that is encrypted, of all SSRCs */
	u8 key_len;
	u8 mki_len;
	u8 key[KIMS_SRTP_KEY_MAX];
	u8 mki[KIMS_SRTP_MKI_MAX];
};

/* srtp_key.c */

/* Reads KIMS_SRTP_A_* under attr; may sleep and load modules. NULL attr gives NULL. */
int kims_srtp_read(const struct nlattr *attr, struct kims_srtp **ret,
		   struct netlink_ext_ack *extack);
/* Everything but the key. -EMSGSIZE. */
int kims_srtp_put(struct sk_buff *skb, int attr, const struct kims_srtp *srtp);
/* Takes what a flow before had, when it is of the same key: *srtp becomes that, else stays. */
void kims_srtp_carry(struct kims_srtp **srtp, struct kims_srtp *before);
/* -EINVAL for a replace that would use the key stream of the key again. NULL is allowed. */
int kims_srtp_check_out(const struct kims_srtp *srtp, const struct kims_srtp *before,
			struct netlink_ext_ack *extack);
/* NULL is allowed for both. */
struct kims_srtp *kims_srtp_get(struct kims_srtp *srtp);
void kims_srtp_put_ref(struct kims_srtp *srtp);

/* srtp.c; of a payload of *len octets. Return 0 and the new *len, or the reason of drop. */

int kims_srtp_decrypt(struct kims_srtp *srtp, u8 *payload, int *len);
int kims_srtcp_decrypt(struct kims_srtp *srtp, u8 *payload, int *len);
/* There is room for this many octets behind. */
unsigned int kims_srtp_overhead(const struct kims_srtp *srtp, bool rtcp);
int kims_srtp_encrypt(struct kims_srtp *srtp, u8 *payload, int *len);
int kims_srtcp_encrypt(struct kims_srtp *srtp, u8 *payload, int *len);
/* Of the SSRC heard last. */
u32 kims_srtp_roc(const struct kims_srtp *srtp);
void kims_srtp_sources_free(struct kims_srtp *srtp);

#endif /* KIMS_RTP_SRTP_H */
