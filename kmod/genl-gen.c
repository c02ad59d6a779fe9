// SPDX-License-Identifier: GPL-2.0
/* Policies and operations of the family; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */

#include <net/netlink.h>
#include <net/genetlink.h>
#include "genl-gen.h"

static struct netlink_range_validation kims_range_1_2147483647 = { .min = 1, .max = 2147483647 };
static struct netlink_range_validation kims_range_1_65535 = { .min = 1, .max = 65535 };
static struct netlink_range_validation kims_range_0_86400000 = { .min = 0, .max = 86400000 };
static struct netlink_range_validation kims_range_1000_1000000 = { .min = 1000, .max = 1000000 };

const struct nla_policy kims_rtp_flow_conf_nl_policy[KIMS_RTP_A_CLOCK_RATE + 1] = {
	[KIMS_RTP_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_RTP_A_COOKIE] = { .type = NLA_U64 },
	[KIMS_RTP_A_MEDIA] = NLA_POLICY_RANGE(NLA_U32, 0, 3),
	[KIMS_RTP_A_GATE] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_RTP_A_LOCAL_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_LOCAL_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_RTP_A_PEER_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_PEER_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_PEER_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_RTP_A_SRC_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_SRC_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_SRC_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_RTP_A_DST_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_DST_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_DST_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_RTP_A_PAYLOAD_TYPES] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_TIMEOUT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_86400000),
	[KIMS_RTP_A_DSCP] = NLA_POLICY_RANGE(NLA_U32, 0, 63),
	[KIMS_RTP_A_CLOCK_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1000_1000000),
};

const struct nla_policy kims_top_rtp_new_nl_policy[KIMS_A_RTP_FLOW + 1] = {
	[KIMS_A_RTP_FLOW] = NLA_POLICY_NESTED(kims_rtp_flow_conf_nl_policy),
};

const struct nla_policy kims_rtp_flow_ref_nl_policy[KIMS_RTP_A_COOKIE + 1] = {
	[KIMS_RTP_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_RTP_A_COOKIE] = { .type = NLA_U64 },
};

const struct nla_policy kims_top_rtp_ref_nl_policy[KIMS_A_RTP_FLOW + 1] = {
	[KIMS_A_RTP_FLOW] = NLA_POLICY_NESTED(kims_rtp_flow_ref_nl_policy),
};

const struct nla_policy kims_gm_port_ref_nl_policy[KIMS_GM_PORT_A_PORT + 1] = {
	[KIMS_GM_PORT_A_LOCAL_IPV4] = { .type = NLA_U32 },
	[KIMS_GM_PORT_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_GM_PORT_A_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
};

const struct nla_policy kims_top_gm_port_ref_nl_policy[KIMS_A_GM_PORT + 1] = {
	[KIMS_A_GM_PORT] = NLA_POLICY_NESTED(kims_gm_port_ref_nl_policy),
};

const struct nla_policy kims_sa_set_conf_nl_policy[KIMS_SA_SET_A_REQID + 1] = {
	[KIMS_SA_SET_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_SA_SET_A_UE_ID] = { .type = NLA_U64 },
	[KIMS_SA_SET_A_LABEL] = { .type = NLA_NUL_STRING, .len = 255 },
	[KIMS_SA_SET_A_UE_IPV4] = { .type = NLA_U32 },
	[KIMS_SA_SET_A_UE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_SA_SET_A_LOCAL_IPV4] = { .type = NLA_U32 },
	[KIMS_SA_SET_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_SA_SET_A_PORT_UC] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_SA_SET_A_PORT_US] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_SA_SET_A_PORT_PC] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_SA_SET_A_PORT_PS] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_SA_SET_A_SPI_UC] = NLA_POLICY_MIN(NLA_U32, 256),
	[KIMS_SA_SET_A_SPI_US] = NLA_POLICY_MIN(NLA_U32, 256),
	[KIMS_SA_SET_A_SPI_PC] = NLA_POLICY_MIN(NLA_U32, 256),
	[KIMS_SA_SET_A_SPI_PS] = NLA_POLICY_MIN(NLA_U32, 256),
	[KIMS_SA_SET_A_REQID] = { .type = NLA_U32 },
};

const struct nla_policy kims_top_sa_set_new_nl_policy[KIMS_A_SA_SET + 1] = {
	[KIMS_A_SA_SET] = NLA_POLICY_NESTED(kims_sa_set_conf_nl_policy),
};

const struct nla_policy kims_sa_set_ref_nl_policy[KIMS_SA_SET_A_UE_ID + 1] = {
	[KIMS_SA_SET_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_SA_SET_A_UE_ID] = { .type = NLA_U64 },
};

const struct nla_policy kims_top_sa_set_ref_nl_policy[KIMS_A_SA_SET + 1] = {
	[KIMS_A_SA_SET] = NLA_POLICY_NESTED(kims_sa_set_ref_nl_policy),
};

const struct nla_policy kims_settings_nl_policy[KIMS_SETTINGS_A_POSTROUTING + 1] = {
	[KIMS_SETTINGS_A_POSTROUTING] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
};

const struct nla_policy kims_top_settings_nl_policy[KIMS_A_SETTINGS + 1] = {
	[KIMS_A_SETTINGS] = NLA_POLICY_NESTED(kims_settings_nl_policy),
};

const struct genl_ops kims_nl_ops[KIMS_NL_N_OPS] = {
	{
		.cmd = KIMS_CMD_RTP_NEW,
		.doit = kims_nl_rtp_new_doit,
		.policy = kims_top_rtp_new_nl_policy,
		.maxattr = KIMS_A_RTP_FLOW,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_RTP_REPLACE,
		.doit = kims_nl_rtp_replace_doit,
		.policy = kims_top_rtp_new_nl_policy,
		.maxattr = KIMS_A_RTP_FLOW,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_RTP_DEL,
		.doit = kims_nl_rtp_del_doit,
		.policy = kims_top_rtp_ref_nl_policy,
		.maxattr = KIMS_A_RTP_FLOW,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_RTP_GET,
		.doit = kims_nl_rtp_get_doit,
		.dumpit = kims_nl_rtp_get_dumpit,
		.policy = kims_top_rtp_ref_nl_policy,
		.maxattr = KIMS_A_RTP_FLOW,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_GM_PORT_NEW,
		.doit = kims_nl_gm_port_new_doit,
		.policy = kims_top_gm_port_ref_nl_policy,
		.maxattr = KIMS_A_GM_PORT,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_GM_PORT_DEL,
		.doit = kims_nl_gm_port_del_doit,
		.policy = kims_top_gm_port_ref_nl_policy,
		.maxattr = KIMS_A_GM_PORT,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_GM_PORT_GET,
		.doit = kims_nl_gm_port_get_doit,
		.dumpit = kims_nl_gm_port_get_dumpit,
		.policy = kims_top_gm_port_ref_nl_policy,
		.maxattr = KIMS_A_GM_PORT,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SA_SET_NEW,
		.doit = kims_nl_sa_set_new_doit,
		.policy = kims_top_sa_set_new_nl_policy,
		.maxattr = KIMS_A_SA_SET,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SA_SET_REPLACE,
		.doit = kims_nl_sa_set_replace_doit,
		.policy = kims_top_sa_set_new_nl_policy,
		.maxattr = KIMS_A_SA_SET,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SA_SET_DEL,
		.doit = kims_nl_sa_set_del_doit,
		.policy = kims_top_sa_set_ref_nl_policy,
		.maxattr = KIMS_A_SA_SET,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SA_SET_GET,
		.doit = kims_nl_sa_set_get_doit,
		.dumpit = kims_nl_sa_set_get_dumpit,
		.policy = kims_top_sa_set_ref_nl_policy,
		.maxattr = KIMS_A_SA_SET,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_STATS_GET,
		.doit = kims_nl_stats_get_doit,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SETTINGS_SET,
		.doit = kims_nl_settings_set_doit,
		.policy = kims_top_settings_nl_policy,
		.maxattr = KIMS_A_SETTINGS,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SETTINGS_GET,
		.doit = kims_nl_settings_get_doit,
		.flags = GENL_UNS_ADMIN_PERM,
	},
};

const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS] = {
	[KIMS_NLGRP_RTP] = { .name = KIMS_MCGRP_RTP, .flags = GENL_MCAST_CAP_NET_ADMIN },
	[KIMS_NLGRP_GM] = { .name = KIMS_MCGRP_GM, .flags = GENL_MCAST_CAP_NET_ADMIN },
};
