// SPDX-License-Identifier: GPL-2.0
/* Policies and operations of the family; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */

#include <net/netlink.h>
#include <net/genetlink.h>
#include "genl-gen.h"

static struct netlink_range_validation kims_range_1_2147483647 = { .min = 1, .max = 2147483647 };
static struct netlink_range_validation kims_range_1_65535 = { .min = 1, .max = 65535 };
static struct netlink_range_validation kims_range_0_86400000 = { .min = 0, .max = 86400000 };
static struct netlink_range_validation kims_range_1000_1000000 = { .min = 1000, .max = 1000000 };
static struct netlink_range_validation kims_range_0_1048575 = { .min = 0, .max = 1048575 };
static struct netlink_range_validation kims_range_1_4294967295 = { .min = 1, .max = 4294967295 };
static struct netlink_range_validation kims_range_0_65535 = { .min = 0, .max = 65535 };
static struct netlink_range_validation kims_range_0_4294967295 = { .min = 0, .max = 4294967295 };
static struct netlink_range_validation kims_range_0_31536000 = { .min = 0, .max = 31536000 };
static struct netlink_range_validation kims_range_0_16777216 = { .min = 0, .max = 16777216 };
static struct netlink_range_validation kims_range_0_600000 = { .min = 0, .max = 600000 };
static struct netlink_range_validation kims_range_0_2000000 = { .min = 0, .max = 2000000 };

const struct nla_policy kims_srtp_conf_nl_policy[KIMS_SRTP_A_MKI + 1] = {
	[KIMS_SRTP_A_SUITE] = NLA_POLICY_RANGE(NLA_U32, 0, 5),
	[KIMS_SRTP_A_KEY] = { .type = NLA_BINARY, .len = 46 },
	[KIMS_SRTP_A_MKI] = { .type = NLA_BINARY, .len = 16 },
};

const struct nla_policy kims_rtp_flow_conf_nl_policy[KIMS_RTP_A_RECORD_DST_PORT + 1] = {
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
	[KIMS_RTP_A_LATCH] = NLA_POLICY_RANGE(NLA_U32, 0, 2),
	[KIMS_RTP_A_REVERSE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_RTP_A_SSRC] = { .type = NLA_U32 },
	[KIMS_RTP_A_CONTINUITY] = NLA_POLICY_RANGE(NLA_U32, 0, 2),
	[KIMS_RTP_A_TELEPHONE_EVENT] = NLA_POLICY_RANGE(NLA_U32, 0, 127),
	[KIMS_RTP_A_SRTP_IN] = NLA_POLICY_NESTED(kims_srtp_conf_nl_policy),
	[KIMS_RTP_A_SRTP_OUT] = NLA_POLICY_NESTED(kims_srtp_conf_nl_policy),
	[KIMS_RTP_A_RECORD_SRC_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_RECORD_SRC_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_RECORD_SRC_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_RTP_A_RECORD_DST_IPV4] = { .type = NLA_U32 },
	[KIMS_RTP_A_RECORD_DST_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_RTP_A_RECORD_DST_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
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

const struct nla_policy kims_sa_set_conf_nl_policy[KIMS_SA_SET_A_GTPU_SESSION + 1] = {
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
	[KIMS_SA_SET_A_GTPU_SESSION] = { .type = NLA_U64 },
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

const struct nla_policy kims_gtpu_ep_conf_nl_policy[KIMS_GTPU_EP_A_MSS_CLAMP + 1] = {
	[KIMS_GTPU_EP_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_GTPU_EP_A_LOCAL_IPV4] = { .type = NLA_U32 },
	[KIMS_GTPU_EP_A_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_GTPU_EP_A_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_GTPU_EP_A_DEVICE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_GTPU_EP_A_UDP_CHECKSUM] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_GTPU_EP_A_ENTROPY] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_GTPU_EP_A_FRAGMENT_OUTER] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_GTPU_EP_A_STACK] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_GTPU_EP_A_MSS_CLAMP] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
};

const struct nla_policy kims_top_gtpu_ep_new_nl_policy[KIMS_A_GTPU_EP + 1] = {
	[KIMS_A_GTPU_EP] = NLA_POLICY_NESTED(kims_gtpu_ep_conf_nl_policy),
};

const struct nla_policy kims_gtpu_ep_ref_nl_policy[KIMS_GTPU_EP_A_ID + 1] = {
	[KIMS_GTPU_EP_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_top_gtpu_ep_ref_nl_policy[KIMS_A_GTPU_EP + 1] = {
	[KIMS_A_GTPU_EP] = NLA_POLICY_NESTED(kims_gtpu_ep_ref_nl_policy),
};

const struct nla_policy kims_filter_nl_policy[KIMS_FILTER_A_DIRECTION + 1] = {
	[KIMS_FILTER_A_ID] = { .type = NLA_U32 },
	[KIMS_FILTER_A_PROTOCOL] = NLA_POLICY_RANGE(NLA_U32, 0, 255),
	[KIMS_FILTER_A_UE_IPV4] = { .type = NLA_U32 },
	[KIMS_FILTER_A_UE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_FILTER_A_UE_PREFIX_LEN] = NLA_POLICY_RANGE(NLA_U32, 0, 128),
	[KIMS_FILTER_A_REMOTE_IPV4] = { .type = NLA_U32 },
	[KIMS_FILTER_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_FILTER_A_REMOTE_PREFIX_LEN] = NLA_POLICY_RANGE(NLA_U32, 0, 128),
	[KIMS_FILTER_A_UE_PORTS] = { .type = NLA_U32 },
	[KIMS_FILTER_A_REMOTE_PORTS] = { .type = NLA_U32 },
	[KIMS_FILTER_A_TOS] = NLA_POLICY_RANGE(NLA_U32, 0, 255),
	[KIMS_FILTER_A_TOS_MASK] = NLA_POLICY_RANGE(NLA_U32, 0, 255),
	[KIMS_FILTER_A_SPI] = { .type = NLA_U32 },
	[KIMS_FILTER_A_FLOW_LABEL] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_1048575),
	[KIMS_FILTER_A_DIRECTION] = NLA_POLICY_RANGE(NLA_U32, 1, 3),
};

const struct nla_policy kims_pdr_conf_nl_policy[KIMS_PDR_A_URR_ID + 1] = {
	[KIMS_PDR_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_PDR_A_PRECEDENCE] = { .type = NLA_U32 },
	[KIMS_PDR_A_SOURCE_INTERFACE] = NLA_POLICY_RANGE(NLA_U32, 0, 3),
	[KIMS_PDR_A_ENDPOINT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_PDR_A_TEID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_4294967295),
	[KIMS_PDR_A_QFI] = NLA_POLICY_RANGE(NLA_U32, 0, 63),
	[KIMS_PDR_A_FILTER] = NLA_POLICY_NESTED(kims_filter_nl_policy),
	[KIMS_PDR_A_APP_ID] = { .type = NLA_U32 },
	[KIMS_PDR_A_APP_QUEUE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_65535),
	[KIMS_PDR_A_APP_FAIL] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_PDR_A_KEEP_OUTER_HEADER] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_PDR_A_ANY_SOURCE] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_PDR_A_DEVICE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_PDR_A_FAR_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_PDR_A_QER_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_PDR_A_URR_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_far_conf_nl_policy[KIMS_FAR_A_DUP_ENDPOINT + 1] = {
	[KIMS_FAR_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_FAR_A_APPLY_ACTION] = NLA_POLICY_RANGE(NLA_U32, 0, 31),
	[KIMS_FAR_A_DESTINATION_INTERFACE] = NLA_POLICY_RANGE(NLA_U32, 0, 3),
	[KIMS_FAR_A_ENDPOINT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_FAR_A_TEID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_4294967295),
	[KIMS_FAR_A_PEER_IPV4] = { .type = NLA_U32 },
	[KIMS_FAR_A_PEER_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_FAR_A_PEER_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_FAR_A_DSCP] = NLA_POLICY_RANGE(NLA_U32, 0, 63),
	[KIMS_FAR_A_DEVICE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_FAR_A_SEND_END_MARKER] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_FAR_A_DUP_TEID] = { .type = NLA_U32 },
	[KIMS_FAR_A_DUP_IPV4] = { .type = NLA_U32 },
	[KIMS_FAR_A_DUP_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_FAR_A_DUP_ENDPOINT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_qer_conf_nl_policy[KIMS_QER_A_QFI + 1] = {
	[KIMS_QER_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_QER_A_GATE_UL] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_QER_A_GATE_DL] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_QER_A_MBR_UL] = { .type = NLA_U64 },
	[KIMS_QER_A_MBR_DL] = { .type = NLA_U64 },
	[KIMS_QER_A_GBR_UL] = { .type = NLA_U64 },
	[KIMS_QER_A_GBR_DL] = { .type = NLA_U64 },
	[KIMS_QER_A_BURST] = NLA_POLICY_RANGE(NLA_U32, 0, 10000),
	[KIMS_QER_A_QFI] = NLA_POLICY_RANGE(NLA_U32, 0, 63),
};

const struct nla_policy kims_urr_conf_nl_policy[KIMS_URR_A_LINKED_URR + 1] = {
	[KIMS_URR_A_ID] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_URR_A_METHOD] = NLA_POLICY_RANGE(NLA_U32, 1, 7),
	[KIMS_URR_A_TRIGGERS] = NLA_POLICY_RANGE(NLA_U32, 0, 4095),
	[KIMS_URR_A_VOLUME_THRESHOLD] = { .type = NLA_U64 },
	[KIMS_URR_A_VOLUME_THRESHOLD_UL] = { .type = NLA_U64 },
	[KIMS_URR_A_VOLUME_THRESHOLD_DL] = { .type = NLA_U64 },
	[KIMS_URR_A_VOLUME_QUOTA] = { .type = NLA_U64 },
	[KIMS_URR_A_VOLUME_QUOTA_UL] = { .type = NLA_U64 },
	[KIMS_URR_A_VOLUME_QUOTA_DL] = { .type = NLA_U64 },
	[KIMS_URR_A_TIME_THRESHOLD] = { .type = NLA_U32 },
	[KIMS_URR_A_TIME_QUOTA] = { .type = NLA_U32 },
	[KIMS_URR_A_PERIOD] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_31536000),
	[KIMS_URR_A_MONITORING_TIME] = { .type = NLA_U64 },
	[KIMS_URR_A_INACTIVITY] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_31536000),
	[KIMS_URR_A_BEFORE_QOS] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_URR_A_LINKED_URR] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_bar_nl_policy[KIMS_BAR_A_DELAY + 1] = {
	[KIMS_BAR_A_PACKETS] = NLA_POLICY_RANGE(NLA_U32, 0, 4096),
	[KIMS_BAR_A_OCTETS] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_16777216),
	[KIMS_BAR_A_TIMEOUT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_600000),
	[KIMS_BAR_A_DELAY] = NLA_POLICY_RANGE(NLA_U32, 0, 12750),
};

const struct nla_policy kims_session_conf_nl_policy[KIMS_SESSION_A_BAR + 1] = {
	[KIMS_SESSION_A_ID] = { .type = NLA_U64 },
	[KIMS_SESSION_A_LABEL] = { .type = NLA_NUL_STRING, .len = 255 },
	[KIMS_SESSION_A_UE_IPV4] = { .type = NLA_U32 },
	[KIMS_SESSION_A_UE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_SESSION_A_IDLE_TIMEOUT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_2000000),
	[KIMS_SESSION_A_MONITORED] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_SESSION_A_PDR] = NLA_POLICY_NESTED(kims_pdr_conf_nl_policy),
	[KIMS_SESSION_A_FAR] = NLA_POLICY_NESTED(kims_far_conf_nl_policy),
	[KIMS_SESSION_A_QER] = NLA_POLICY_NESTED(kims_qer_conf_nl_policy),
	[KIMS_SESSION_A_URR] = NLA_POLICY_NESTED(kims_urr_conf_nl_policy),
	[KIMS_SESSION_A_BAR] = NLA_POLICY_NESTED(kims_bar_nl_policy),
};

const struct nla_policy kims_top_session_new_nl_policy[KIMS_A_SESSION + 1] = {
	[KIMS_A_SESSION] = NLA_POLICY_NESTED(kims_session_conf_nl_policy),
};

const struct nla_policy kims_session_diff_nl_policy[KIMS_SESSION_A_DEL_URR + 1] = {
	[KIMS_SESSION_A_ID] = { .type = NLA_U64 },
	[KIMS_SESSION_A_LABEL] = { .type = NLA_NUL_STRING, .len = 255 },
	[KIMS_SESSION_A_UE_IPV4] = { .type = NLA_U32 },
	[KIMS_SESSION_A_UE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_SESSION_A_IDLE_TIMEOUT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_2000000),
	[KIMS_SESSION_A_MONITORED] = NLA_POLICY_RANGE(NLA_U32, 0, 1),
	[KIMS_SESSION_A_PDR] = NLA_POLICY_NESTED(kims_pdr_conf_nl_policy),
	[KIMS_SESSION_A_FAR] = NLA_POLICY_NESTED(kims_far_conf_nl_policy),
	[KIMS_SESSION_A_QER] = NLA_POLICY_NESTED(kims_qer_conf_nl_policy),
	[KIMS_SESSION_A_URR] = NLA_POLICY_NESTED(kims_urr_conf_nl_policy),
	[KIMS_SESSION_A_BAR] = NLA_POLICY_NESTED(kims_bar_nl_policy),
	[KIMS_SESSION_A_DEL_PDR] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_SESSION_A_DEL_FAR] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_SESSION_A_DEL_QER] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_SESSION_A_DEL_URR] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_top_session_change_nl_policy[KIMS_A_SESSION + 1] = {
	[KIMS_A_SESSION] = NLA_POLICY_NESTED(kims_session_diff_nl_policy),
};

const struct nla_policy kims_session_ref_nl_policy[KIMS_SESSION_A_ID + 1] = {
	[KIMS_SESSION_A_ID] = { .type = NLA_U64 },
};

const struct nla_policy kims_top_session_ref_nl_policy[KIMS_A_SESSION + 1] = {
	[KIMS_A_SESSION] = NLA_POLICY_NESTED(kims_session_ref_nl_policy),
};

const struct nla_policy kims_gtpu_peer_ref_nl_policy[KIMS_GTPU_PEER_A_TEID + 1] = {
	[KIMS_GTPU_PEER_A_ENDPOINT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
	[KIMS_GTPU_PEER_A_IPV4] = { .type = NLA_U32 },
	[KIMS_GTPU_PEER_A_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_GTPU_PEER_A_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_65535),
	[KIMS_GTPU_PEER_A_TEID] = { .type = NLA_U32 },
};

const struct nla_policy kims_top_gtpu_peer_nl_policy[KIMS_A_GTPU_PEER + 1] = {
	[KIMS_A_GTPU_PEER] = NLA_POLICY_NESTED(kims_gtpu_peer_ref_nl_policy),
};

const struct nla_policy kims_app_flow_conf_nl_policy[KIMS_APP_FLOW_A_REMOTE_PORT + 1] = {
	[KIMS_APP_FLOW_A_SESSION] = { .type = NLA_U64 },
	[KIMS_APP_FLOW_A_APP_ID] = { .type = NLA_U32 },
	[KIMS_APP_FLOW_A_PROTOCOL] = NLA_POLICY_RANGE(NLA_U32, 0, 255),
	[KIMS_APP_FLOW_A_UE_IPV4] = { .type = NLA_U32 },
	[KIMS_APP_FLOW_A_UE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_APP_FLOW_A_UE_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_65535),
	[KIMS_APP_FLOW_A_REMOTE_IPV4] = { .type = NLA_U32 },
	[KIMS_APP_FLOW_A_REMOTE_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[KIMS_APP_FLOW_A_REMOTE_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_0_65535),
};

const struct nla_policy kims_top_app_flow_nl_policy[KIMS_A_APP_FLOW + 1] = {
	[KIMS_A_APP_FLOW] = NLA_POLICY_NESTED(kims_app_flow_conf_nl_policy),
};

const struct nla_policy kims_ingress_nl_policy[KIMS_INGRESS_A_DEVICE + 1] = {
	[KIMS_INGRESS_A_DEVICE] = NLA_POLICY_FULL_RANGE(NLA_U32, &kims_range_1_2147483647),
};

const struct nla_policy kims_top_ingress_nl_policy[KIMS_A_INGRESS + 1] = {
	[KIMS_A_INGRESS] = NLA_POLICY_NESTED(kims_ingress_nl_policy),
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
	{
		.cmd = KIMS_CMD_GTPU_EP_NEW,
		.doit = kims_nl_gtpu_ep_new_doit,
		.policy = kims_top_gtpu_ep_new_nl_policy,
		.maxattr = KIMS_A_GTPU_EP,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_GTPU_EP_DEL,
		.doit = kims_nl_gtpu_ep_del_doit,
		.policy = kims_top_gtpu_ep_ref_nl_policy,
		.maxattr = KIMS_A_GTPU_EP,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_GTPU_EP_GET,
		.doit = kims_nl_gtpu_ep_get_doit,
		.dumpit = kims_nl_gtpu_ep_get_dumpit,
		.policy = kims_top_gtpu_ep_ref_nl_policy,
		.maxattr = KIMS_A_GTPU_EP,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SESSION_NEW,
		.doit = kims_nl_session_new_doit,
		.policy = kims_top_session_new_nl_policy,
		.maxattr = KIMS_A_SESSION,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SESSION_CHANGE,
		.doit = kims_nl_session_change_doit,
		.policy = kims_top_session_change_nl_policy,
		.maxattr = KIMS_A_SESSION,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SESSION_DEL,
		.doit = kims_nl_session_del_doit,
		.policy = kims_top_session_ref_nl_policy,
		.maxattr = KIMS_A_SESSION,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SESSION_GET,
		.doit = kims_nl_session_get_doit,
		.dumpit = kims_nl_session_get_dumpit,
		.policy = kims_top_session_ref_nl_policy,
		.maxattr = KIMS_A_SESSION,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_SESSION_FLUSH,
		.doit = kims_nl_session_flush_doit,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_END_MARKER,
		.doit = kims_nl_end_marker_doit,
		.policy = kims_top_gtpu_peer_nl_policy,
		.maxattr = KIMS_A_GTPU_PEER,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_ECHO,
		.doit = kims_nl_echo_doit,
		.policy = kims_top_gtpu_peer_nl_policy,
		.maxattr = KIMS_A_GTPU_PEER,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_APP_FLOW_NEW,
		.doit = kims_nl_app_flow_new_doit,
		.policy = kims_top_app_flow_nl_policy,
		.maxattr = KIMS_A_APP_FLOW,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_APP_FLOW_GET,
		.dumpit = kims_nl_app_flow_get_dumpit,
		.policy = kims_top_session_ref_nl_policy,
		.maxattr = KIMS_A_SESSION,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_INGRESS_NEW,
		.doit = kims_nl_ingress_new_doit,
		.policy = kims_top_ingress_nl_policy,
		.maxattr = KIMS_A_INGRESS,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_INGRESS_DEL,
		.doit = kims_nl_ingress_del_doit,
		.policy = kims_top_ingress_nl_policy,
		.maxattr = KIMS_A_INGRESS,
		.flags = GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd = KIMS_CMD_INGRESS_GET,
		.dumpit = kims_nl_ingress_get_dumpit,
		.flags = GENL_UNS_ADMIN_PERM,
	},
};

const struct genl_multicast_group kims_nl_mcgrps[KIMS_NL_N_MCGRPS] = {
	[KIMS_NLGRP_RTP] = { .name = KIMS_MCGRP_RTP, .flags = GENL_MCAST_CAP_NET_ADMIN },
	[KIMS_NLGRP_GM] = { .name = KIMS_MCGRP_GM, .flags = GENL_MCAST_CAP_NET_ADMIN },
	[KIMS_NLGRP_GTPU] = { .name = KIMS_MCGRP_GTPU, .flags = GENL_MCAST_CAP_NET_ADMIN },
};
