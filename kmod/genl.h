/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family and what the message handlers of all objects share.
 *
 * Every refusal sets a sentence: KIMS_REFUSE() for what the policy cannot say.
 */
#ifndef KIMS_GENL_H
#define KIMS_GENL_H

#include "genl-gen.h"
#include "kims.h"

extern struct genl_family kims_genl_family;

int kims_genl_init(void);
void kims_genl_exit(void);

/* Sets the sentence and gives the error. */
#define KIMS_REFUSE(extack, err, msg)             \
	({                                        \
		NL_SET_ERR_MSG_MOD(extack, msg);  \
		(err);                            \
	})

/* The attribute as the object of the sentence. */
#define KIMS_REFUSE_ATTR(extack, err, attr, msg)                                   \
	({                                                                         \
		NL_SET_ERR_MSG_ATTR(extack, attr, KBUILD_MODNAME ": " msg);        \
		(err);                                                             \
	})

/*
 * Reads the address that is in one of the two attributes; neither: AF_UNSPEC. -EINVAL with a
 * sentence for both, or for an address that no packet can be sent to or from (unspecified,
 * multicast, broadcast, link-local).
 */
int kims_nl_get_addr(struct nlattr **tb, int attr4, int attr6, struct kims_addr *ret,
		     struct netlink_ext_ack *extack);
/* Nothing for AF_UNSPEC. -EMSGSIZE. */
int kims_nl_put_addr(struct sk_buff *skb, int attr4, int attr6, const struct kims_addr *addr);
/* Reasons that occurred, nested under attr; drops has an entry for each of n reasons. -EMSGSIZE. */
int kims_nl_put_drops(struct sk_buff *skb, int attr, const u64 *drops, unsigned int n);

static inline u32 kims_nl_u32(struct nlattr **tb, int attr, u32 otherwise)
{
	return tb[attr] ? nla_get_u32(tb[attr]) : otherwise;
}

static inline __be16 kims_nl_port(struct nlattr **tb, int attr)
{
	return htons(kims_nl_u32(tb, attr, 0));
}

/* An event message, or NULL when nobody listens or there is no memory; for use with BH off. */
struct sk_buff *kims_nl_event_new(struct kims_net *kn, u8 cmd, unsigned int group, void **ret_hdr);
/* Sends it, or frees it when err says that it did not fit. */
void kims_nl_event_send(struct kims_net *kn, struct sk_buff *skb, void *hdr, unsigned int group,
			int err);

/*
 * A reply with room for size octets of attributes, NULL: no memory. reply_send() sends it, or
 * frees it and gives err back when that is not 0.
 */
struct sk_buff *kims_nl_reply_new(struct genl_info *info, size_t size, void **ret_hdr);
int kims_nl_reply_send(struct genl_info *info, struct sk_buff *skb, void *hdr, int err);
/* The header of one message of a dump; NULL: no room. */
void *kims_nl_dump_hdr(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);

#endif /* KIMS_GENL_H */
