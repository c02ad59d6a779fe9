/* SPDX-License-Identifier: GPL-2.0 */
/* Policies and operations of the family; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */
#ifndef KIMS_GENL_GEN_H
#define KIMS_GENL_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>
#include <uapi/linux/kims.h>

extern const struct nla_policy kims_srtp_conf_nl_policy[KIMS_SRTP_A_MKI + 1];
extern const struct nla_policy kims_rtp_flow_conf_nl_policy[KIMS_RTP_A_RECORD_DST_PORT + 1];
extern const struct nla_policy kims_top_rtp_new_nl_policy[KIMS_A_RTP_FLOW + 1];
extern const struct nla_policy kims_rtp_flow_ref_nl_policy[KIMS_RTP_A_COOKIE + 1];
extern const struct nla_policy kims_top_rtp_ref_nl_policy[KIMS_A_RTP_FLOW + 1];
extern const struct nla_policy kims_gm_port_ref_nl_policy[KIMS_GM_PORT_A_PORT + 1];
extern const struct nla_policy kims_top_gm_port_ref_nl_policy[KIMS_A_GM_PORT + 1];
extern const struct nla_policy kims_sa_set_conf_nl_policy[KIMS_SA_SET_A_GTPU_SESSION + 1];
extern const struct nla_policy kims_top_sa_set_new_nl_policy[KIMS_A_SA_SET + 1];
extern const struct nla_policy kims_sa_set_ref_nl_policy[KIMS_SA_SET_A_UE_ID + 1];
extern const struct nla_policy kims_top_sa_set_ref_nl_policy[KIMS_A_SA_SET + 1];
extern const struct nla_policy kims_settings_nl_policy[KIMS_SETTINGS_A_POSTROUTING + 1];
extern const struct nla_policy kims_top_settings_nl_policy[KIMS_A_SETTINGS + 1];
extern const struct nla_policy kims_gtpu_ep_conf_nl_policy[KIMS_GTPU_EP_A_MSS_CLAMP + 1];
extern const struct nla_policy kims_top_gtpu_ep_new_nl_policy[KIMS_A_GTPU_EP + 1];
extern const struct nla_policy kims_gtpu_ep_ref_nl_policy[KIMS_GTPU_EP_A_ID + 1];
extern const struct nla_policy kims_top_gtpu_ep_ref_nl_policy[KIMS_A_GTPU_EP + 1];
extern const struct nla_policy kims_filter_nl_policy[KIMS_FILTER_A_DIRECTION + 1];
extern const struct nla_policy kims_pdr_conf_nl_policy[KIMS_PDR_A_URR_ID + 1];
extern const struct nla_policy kims_far_conf_nl_policy[KIMS_FAR_A_DUP_ENDPOINT + 1];
extern const struct nla_policy kims_qer_conf_nl_policy[KIMS_QER_A_QFI + 1];
extern const struct nla_policy kims_urr_conf_nl_policy[KIMS_URR_A_LINKED_URR + 1];
extern const struct nla_policy kims_bar_nl_policy[KIMS_BAR_A_DELAY + 1];
extern const struct nla_policy kims_session_conf_nl_policy[KIMS_SESSION_A_BAR + 1];
extern const struct nla_policy kims_top_session_new_nl_policy[KIMS_A_SESSION + 1];
extern const struct nla_policy kims_session_diff_nl_policy[KIMS_SESSION_A_DEL_URR + 1];
extern const struct nla_policy kims_top_session_change_nl_policy[KIMS_A_SESSION + 1];
extern const struct nla_policy kims_session_ref_nl_policy[KIMS_SESSION_A_ID + 1];
extern const struct nla_policy kims_top_session_ref_nl_policy[KIMS_A_SESSION + 1];
extern const struct nla_policy kims_gtpu_peer_ref_nl_policy[KIMS_GTPU_PEER_A_TEID + 1];
extern const struct nla_policy kims_top_gtpu_peer_nl_policy[KIMS_A_GTPU_PEER + 1];
extern const struct nla_policy kims_app_flow_conf_nl_policy[KIMS_APP_FLOW_A_REMOTE_PORT + 1];
extern const struct nla_policy kims_top_app_flow_nl_policy[KIMS_A_APP_FLOW + 1];
extern const struct nla_policy kims_ingress_nl_policy[KIMS_INGRESS_A_DEVICE + 1];
extern const struct nla_policy kims_top_ingress_nl_policy[KIMS_A_INGRESS + 1];

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
int kims_nl_gtpu_ep_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gtpu_ep_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gtpu_ep_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_gtpu_ep_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_session_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_session_change_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_session_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_session_get_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_session_flush_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_end_marker_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_echo_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_app_flow_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_app_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kims_nl_ingress_new_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_ingress_del_doit(struct sk_buff *skb, struct genl_info *info);
int kims_nl_ingress_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	KIMS_NLGRP_RTP,
	KIMS_NLGRP_GM,
	KIMS_NLGRP_GTPU,
	KIMS_NL_N_MCGRPS
};

#define KIMS_NL_N_OPS	29

extern const struct genl_ops kims_nl_ops[KIMS_NL_N_OPS];
extern const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS];

#endif /* KIMS_GENL_GEN_H */
