/* SPDX-License-Identifier: GPL-2.0 */
/* Policies and operations of the family; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */
#ifndef KIMS_GENL_GEN_H
#define KIMS_GENL_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>
#include <uapi/linux/kims.h>

extern const struct nla_policy kims_rtp_flow_conf_nl_policy[KIMS_RTP_A_CLOCK_RATE + 1];
extern const struct nla_policy kims_top_rtp_new_nl_policy[KIMS_A_RTP_FLOW + 1];
extern const struct nla_policy kims_rtp_flow_ref_nl_policy[KIMS_RTP_A_COOKIE + 1];
extern const struct nla_policy kims_top_rtp_ref_nl_policy[KIMS_A_RTP_FLOW + 1];
extern const struct nla_policy kims_gm_port_ref_nl_policy[KIMS_GM_PORT_A_PORT + 1];
extern const struct nla_policy kims_top_gm_port_ref_nl_policy[KIMS_A_GM_PORT + 1];
extern const struct nla_policy kims_sa_set_conf_nl_policy[KIMS_SA_SET_A_REQID + 1];
extern const struct nla_policy kims_top_sa_set_new_nl_policy[KIMS_A_SA_SET + 1];
extern const struct nla_policy kims_sa_set_ref_nl_policy[KIMS_SA_SET_A_UE_ID + 1];
extern const struct nla_policy kims_top_sa_set_ref_nl_policy[KIMS_A_SA_SET + 1];
extern const struct nla_policy kims_settings_nl_policy[KIMS_SETTINGS_A_POSTROUTING + 1];
extern const struct nla_policy kims_top_settings_nl_policy[KIMS_A_SETTINGS + 1];

int kims_nl_rtp_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_rtp_replace_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_rtp_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_rtp_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_rtp_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_gm_port_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gm_port_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gm_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gm_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_sa_set_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_sa_set_replace_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_sa_set_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_sa_set_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_sa_set_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_settings_set_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_settings_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	KIMS_NLGRP_RTP,
	KIMS_NLGRP_GM,
	KIMS_NL_N_MCGRPS
};

#define KIMS_NL_N_OPS	14

extern const struct genl_ops kims_nl_ops[KIMS_NL_N_OPS];
extern const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS];

#endif /* KIMS_GENL_GEN_H */
