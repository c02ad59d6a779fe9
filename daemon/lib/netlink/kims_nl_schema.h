/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every attribute set with names and types, for kims_nl_json.c; made by scripts/netlink-gen.py from include/netlink/kims.yaml; do not edit. */
#ifndef KIMS_NETLINK_KIMS_NL_SCHEMA_H
#define KIMS_NETLINK_KIMS_NL_SCHEMA_H

#include <linux/kims.h>

static const char *const knl_names_media[] = { "rtp", "rtcp", "rtp-rtcp", "udp", NULL };
static const char *const knl_names_gate[] = { "open", "closed", NULL };
static const char *const knl_names_interface[] = { "access", "core", "sgi-lan", "cp-function", NULL };
static const char *const knl_names_app_fail[] = { "closed", "open", NULL };
static const char *const knl_names_apply_action[] = { "drop", "forw", "buff", "nocp", "dupl", NULL };
static const char *const knl_names_urr_method[] = { "durat", "volum", "event", NULL };
static const char *const knl_names_urr_trigger[] = { "perio", "volth", "timth", "start", "stopt", "droth", "volqu", "timqu", "monit", "termr", "immer", "evequ", "liusa", NULL };
static const char *const knl_names_latch[] = { "off", "once", "again", NULL };
static const char *const knl_names_continuity[] = { "off", "ssrc", "sequence", NULL };
static const char *const knl_names_srtp_suite[] = { "aes-cm-128-hmac-sha1-80", "aes-cm-128-hmac-sha1-32", "aes-256-cm-hmac-sha1-80", "aes-256-cm-hmac-sha1-32", "aead-aes-128-gcm", "aead-aes-256-gcm", NULL };

static const struct knl_set knl_set_kims;
static const struct knl_set knl_set_rtp_flow;
static const struct knl_set knl_set_rtp_counters;
static const struct knl_set knl_set_drops;
static const struct knl_set knl_set_gm_port;
static const struct knl_set knl_set_sa_set;
static const struct knl_set knl_set_sa_counters;
static const struct knl_set knl_set_violation;
static const struct knl_set knl_set_stats;
static const struct knl_set knl_set_settings;
static const struct knl_set knl_set_gtpu_ep;
static const struct knl_set knl_set_session;
static const struct knl_set knl_set_pdr;
static const struct knl_set knl_set_filter;
static const struct knl_set knl_set_far;
static const struct knl_set knl_set_qer;
static const struct knl_set knl_set_urr;
static const struct knl_set knl_set_bar;
static const struct knl_set knl_set_gtpu_peer;
static const struct knl_set knl_set_app_flow;
static const struct knl_set knl_set_srtp;
static const struct knl_set knl_set_rtcp;
static const struct knl_set knl_set_voip;
static const struct knl_set knl_set_dtmf;
static const struct knl_set knl_set_ingress;

static const struct knl_attr knl_attrs_kims[] = {
	[KIMS_A_RTP_FLOW] = { "rtp-flow", KNL_NEST, .multi = true, .nested = &knl_set_rtp_flow },
	[KIMS_A_GM_PORT] = { "gm-port", KNL_NEST, .nested = &knl_set_gm_port },
	[KIMS_A_SA_SET] = { "sa-set", KNL_NEST, .nested = &knl_set_sa_set },
	[KIMS_A_VIOLATION] = { "violation", KNL_NEST, .nested = &knl_set_violation },
	[KIMS_A_STATS] = { "stats", KNL_NEST, .nested = &knl_set_stats },
	[KIMS_A_REMAINING] = { "remaining", KNL_U32 },
	[KIMS_A_SETTINGS] = { "settings", KNL_NEST, .nested = &knl_set_settings },
	[KIMS_A_GTPU_EP] = { "gtpu-ep", KNL_NEST, .nested = &knl_set_gtpu_ep },
	[KIMS_A_SESSION] = { "session", KNL_NEST, .multi = true, .nested = &knl_set_session },
	[KIMS_A_GTPU_PEER] = { "gtpu-peer", KNL_NEST, .nested = &knl_set_gtpu_peer },
	[KIMS_A_APP_FLOW] = { "app-flow", KNL_NEST, .multi = true, .nested = &knl_set_app_flow },
	[KIMS_A_DTMF] = { "dtmf", KNL_NEST, .nested = &knl_set_dtmf },
	[KIMS_A_INGRESS] = { "ingress", KNL_NEST, .nested = &knl_set_ingress },
};
static const struct knl_set knl_set_kims = { knl_attrs_kims, ARRAY_SIZE(knl_attrs_kims) };

static const struct knl_attr knl_attrs_rtp_flow[] = {
	[KIMS_RTP_A_ID] = { "id", KNL_U32 },
	[KIMS_RTP_A_COOKIE] = { "cookie", KNL_U64 },
	[KIMS_RTP_A_MEDIA] = { "media", KNL_ENUM, .names = knl_names_media },
	[KIMS_RTP_A_GATE] = { "gate", KNL_ENUM, .names = knl_names_gate },
	[KIMS_RTP_A_LOCAL_IPV4] = { "local-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_LOCAL_IPV6] = { "local-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_LOCAL_PORT] = { "local-port", KNL_U32 },
	[KIMS_RTP_A_PEER_IPV4] = { "peer-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_PEER_IPV6] = { "peer-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_PEER_PORT] = { "peer-port", KNL_U32 },
	[KIMS_RTP_A_SRC_IPV4] = { "src-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_SRC_IPV6] = { "src-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_SRC_PORT] = { "src-port", KNL_U32 },
	[KIMS_RTP_A_DST_IPV4] = { "dst-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_DST_IPV6] = { "dst-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_DST_PORT] = { "dst-port", KNL_U32 },
	[KIMS_RTP_A_PAYLOAD_TYPES] = { "payload-types", KNL_BINARY },
	[KIMS_RTP_A_TIMEOUT] = { "timeout", KNL_U32 },
	[KIMS_RTP_A_DSCP] = { "dscp", KNL_U32 },
	[KIMS_RTP_A_CLOCK_RATE] = { "clock-rate", KNL_U32 },
	[KIMS_RTP_A_COUNTERS] = { "counters", KNL_NEST, .nested = &knl_set_rtp_counters },
	[KIMS_RTP_A_IDLE] = { "idle", KNL_U32 },
	[KIMS_RTP_A_PAD] = { "pad", KNL_NONE },
	[KIMS_RTP_A_LATCH] = { "latch", KNL_ENUM, .names = knl_names_latch },
	[KIMS_RTP_A_REVERSE] = { "reverse", KNL_U32 },
	[KIMS_RTP_A_LATCHED_IPV4] = { "latched-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_LATCHED_IPV6] = { "latched-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_LATCHED_PORT] = { "latched-port", KNL_U32 },
	[KIMS_RTP_A_SSRC] = { "ssrc", KNL_U32 },
	[KIMS_RTP_A_CONTINUITY] = { "continuity", KNL_ENUM, .names = knl_names_continuity },
	[KIMS_RTP_A_TELEPHONE_EVENT] = { "telephone-event", KNL_U32 },
	[KIMS_RTP_A_SRTP_IN] = { "srtp-in", KNL_NEST, .nested = &knl_set_srtp },
	[KIMS_RTP_A_SRTP_OUT] = { "srtp-out", KNL_NEST, .nested = &knl_set_srtp },
	[KIMS_RTP_A_RECORD_SRC_IPV4] = { "record-src-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_RECORD_SRC_IPV6] = { "record-src-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_RECORD_SRC_PORT] = { "record-src-port", KNL_U32 },
	[KIMS_RTP_A_RECORD_DST_IPV4] = { "record-dst-ipv4", KNL_IPV4 },
	[KIMS_RTP_A_RECORD_DST_IPV6] = { "record-dst-ipv6", KNL_IPV6 },
	[KIMS_RTP_A_RECORD_DST_PORT] = { "record-dst-port", KNL_U32 },
};
static const struct knl_set knl_set_rtp_flow = { knl_attrs_rtp_flow, ARRAY_SIZE(knl_attrs_rtp_flow) };

static const struct knl_attr knl_attrs_rtp_counters[] = {
	[KIMS_RTP_COUNTERS_A_PACKETS] = { "packets", KNL_U64 },
	[KIMS_RTP_COUNTERS_A_OCTETS] = { "octets", KNL_U64 },
	[KIMS_RTP_COUNTERS_A_LOST] = { "lost", KNL_S64 },
	[KIMS_RTP_COUNTERS_A_JITTER] = { "jitter", KNL_U32 },
	[KIMS_RTP_COUNTERS_A_SSRC] = { "ssrc", KNL_U32 },
	[KIMS_RTP_COUNTERS_A_MAX_SEQ] = { "max-seq", KNL_U32 },
	[KIMS_RTP_COUNTERS_A_SSRC_CHANGES] = { "ssrc-changes", KNL_U32 },
	[KIMS_RTP_COUNTERS_A_DROPS] = { "drops", KNL_NEST, .nested = &knl_set_drops },
	[KIMS_RTP_COUNTERS_A_RTCP_PACKETS] = { "rtcp-packets", KNL_U64 },
	[KIMS_RTP_COUNTERS_A_PAD] = { "pad", KNL_NONE },
	[KIMS_RTP_COUNTERS_A_COPIES] = { "copies", KNL_U64 },
	[KIMS_RTP_COUNTERS_A_COPIES_LOST] = { "copies-lost", KNL_U64 },
	[KIMS_RTP_COUNTERS_A_RTCP] = { "rtcp", KNL_NEST, .nested = &knl_set_rtcp },
};
static const struct knl_set knl_set_rtp_counters = { knl_attrs_rtp_counters, ARRAY_SIZE(knl_attrs_rtp_counters) };

static const struct knl_attr knl_attrs_drops[] = {
	[KIMS_DROP_MALFORMED] = { "malformed", KNL_U64 },
	[KIMS_DROP_SOURCE] = { "source", KNL_U64 },
	[KIMS_DROP_GATE] = { "gate", KNL_U64 },
	[KIMS_DROP_PAYLOAD_TYPE] = { "payload-type", KNL_U64 },
	[KIMS_DROP_TTL] = { "ttl", KNL_U64 },
	[KIMS_DROP_NO_ROUTE] = { "no-route", KNL_U64 },
	[KIMS_DROP_NO_MEMORY] = { "no-memory", KNL_U64 },
	[KIMS_DROP_CLEARTEXT] = { "cleartext", KNL_U64 },
	[KIMS_DROP_UNBOUND] = { "unbound", KNL_U64 },
	[KIMS_DROP_WRONG_SA] = { "wrong-sa", KNL_U64 },
	[KIMS_DROP_SPOOFED_SOURCE] = { "spoofed-source", KNL_U64 },
	[KIMS_DROP_PAD] = { "pad", KNL_NONE },
	[KIMS_DROP_UNKNOWN_TEID] = { "unknown-teid", KNL_U64 },
	[KIMS_DROP_NO_PDR] = { "no-pdr", KNL_U64 },
	[KIMS_DROP_SPOOFED_UE] = { "spoofed-ue", KNL_U64 },
	[KIMS_DROP_FAR] = { "far", KNL_U64 },
	[KIMS_DROP_RATE] = { "rate", KNL_U64 },
	[KIMS_DROP_QUOTA] = { "quota", KNL_U64 },
	[KIMS_DROP_BUFFER_FULL] = { "buffer-full", KNL_U64 },
	[KIMS_DROP_BUFFER_TIMEOUT] = { "buffer-timeout", KNL_U64 },
	[KIMS_DROP_TOO_BIG] = { "too-big", KNL_U64 },
	[KIMS_DROP_EXTENSION_HEADER] = { "extension-header", KNL_U64 },
	[KIMS_DROP_APP] = { "app", KNL_U64 },
	[KIMS_DROP_NO_DEVICE] = { "no-device", KNL_U64 },
	[KIMS_DROP_SSRC] = { "ssrc", KNL_U64 },
	[KIMS_DROP_SEQUENCE] = { "sequence", KNL_U64 },
	[KIMS_DROP_SRTP_AUTH] = { "srtp-auth", KNL_U64 },
	[KIMS_DROP_SRTP_REPLAY] = { "srtp-replay", KNL_U64 },
	[KIMS_DROP_SRTP_LIMIT] = { "srtp-limit", KNL_U64 },
	[KIMS_DROP_WRONG_TUNNEL] = { "wrong-tunnel", KNL_U64 },
};
static const struct knl_set knl_set_drops = { knl_attrs_drops, ARRAY_SIZE(knl_attrs_drops) };

static const struct knl_attr knl_attrs_gm_port[] = {
	[KIMS_GM_PORT_A_LOCAL_IPV4] = { "local-ipv4", KNL_IPV4 },
	[KIMS_GM_PORT_A_LOCAL_IPV6] = { "local-ipv6", KNL_IPV6 },
	[KIMS_GM_PORT_A_PORT] = { "port", KNL_U32 },
	[KIMS_GM_PORT_A_PACKETS] = { "packets", KNL_U64 },
	[KIMS_GM_PORT_A_DROPS] = { "drops", KNL_NEST, .nested = &knl_set_drops },
	[KIMS_GM_PORT_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_gm_port = { knl_attrs_gm_port, ARRAY_SIZE(knl_attrs_gm_port) };

static const struct knl_attr knl_attrs_sa_set[] = {
	[KIMS_SA_SET_A_ID] = { "id", KNL_U32 },
	[KIMS_SA_SET_A_UE_ID] = { "ue-id", KNL_U64 },
	[KIMS_SA_SET_A_LABEL] = { "label", KNL_STRING },
	[KIMS_SA_SET_A_UE_IPV4] = { "ue-ipv4", KNL_IPV4 },
	[KIMS_SA_SET_A_UE_IPV6] = { "ue-ipv6", KNL_IPV6 },
	[KIMS_SA_SET_A_LOCAL_IPV4] = { "local-ipv4", KNL_IPV4 },
	[KIMS_SA_SET_A_LOCAL_IPV6] = { "local-ipv6", KNL_IPV6 },
	[KIMS_SA_SET_A_PORT_UC] = { "port-uc", KNL_U32 },
	[KIMS_SA_SET_A_PORT_US] = { "port-us", KNL_U32 },
	[KIMS_SA_SET_A_PORT_PC] = { "port-pc", KNL_U32 },
	[KIMS_SA_SET_A_PORT_PS] = { "port-ps", KNL_U32 },
	[KIMS_SA_SET_A_SPI_UC] = { "spi-uc", KNL_U32 },
	[KIMS_SA_SET_A_SPI_US] = { "spi-us", KNL_U32 },
	[KIMS_SA_SET_A_SPI_PC] = { "spi-pc", KNL_U32 },
	[KIMS_SA_SET_A_SPI_PS] = { "spi-ps", KNL_U32 },
	[KIMS_SA_SET_A_REQID] = { "reqid", KNL_U32 },
	[KIMS_SA_SET_A_COUNTERS] = { "counters", KNL_NEST, .nested = &knl_set_sa_counters },
	[KIMS_SA_SET_A_PAD] = { "pad", KNL_NONE },
	[KIMS_SA_SET_A_GTPU_SESSION] = { "gtpu-session", KNL_U64 },
};
static const struct knl_set knl_set_sa_set = { knl_attrs_sa_set, ARRAY_SIZE(knl_attrs_sa_set) };

static const struct knl_attr knl_attrs_sa_counters[] = {
	[KIMS_SA_COUNTERS_A_PACKETS_UC] = { "packets-uc", KNL_U64 },
	[KIMS_SA_COUNTERS_A_OCTETS_UC] = { "octets-uc", KNL_U64 },
	[KIMS_SA_COUNTERS_A_PACKETS_US] = { "packets-us", KNL_U64 },
	[KIMS_SA_COUNTERS_A_OCTETS_US] = { "octets-us", KNL_U64 },
	[KIMS_SA_COUNTERS_A_PACKETS_PC] = { "packets-pc", KNL_U64 },
	[KIMS_SA_COUNTERS_A_OCTETS_PC] = { "octets-pc", KNL_U64 },
	[KIMS_SA_COUNTERS_A_PACKETS_PS] = { "packets-ps", KNL_U64 },
	[KIMS_SA_COUNTERS_A_OCTETS_PS] = { "octets-ps", KNL_U64 },
	[KIMS_SA_COUNTERS_A_DROPS] = { "drops", KNL_NEST, .nested = &knl_set_drops },
	[KIMS_SA_COUNTERS_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_sa_counters = { knl_attrs_sa_counters, ARRAY_SIZE(knl_attrs_sa_counters) };

static const struct knl_attr knl_attrs_violation[] = {
	[KIMS_VIOLATION_A_REASON] = { "reason", KNL_U32 },
	[KIMS_VIOLATION_A_PROTOCOL] = { "protocol", KNL_U32 },
	[KIMS_VIOLATION_A_SRC_IPV4] = { "src-ipv4", KNL_IPV4 },
	[KIMS_VIOLATION_A_SRC_IPV6] = { "src-ipv6", KNL_IPV6 },
	[KIMS_VIOLATION_A_SRC_PORT] = { "src-port", KNL_U32 },
	[KIMS_VIOLATION_A_DST_IPV4] = { "dst-ipv4", KNL_IPV4 },
	[KIMS_VIOLATION_A_DST_IPV6] = { "dst-ipv6", KNL_IPV6 },
	[KIMS_VIOLATION_A_DST_PORT] = { "dst-port", KNL_U32 },
	[KIMS_VIOLATION_A_SPI] = { "spi", KNL_U32 },
	[KIMS_VIOLATION_A_SA_SET_ID] = { "sa-set-id", KNL_U32 },
	[KIMS_VIOLATION_A_SA_UE_ID] = { "sa-ue-id", KNL_U64 },
	[KIMS_VIOLATION_A_SA_LABEL] = { "sa-label", KNL_STRING },
	[KIMS_VIOLATION_A_OWNER_SET_ID] = { "owner-set-id", KNL_U32 },
	[KIMS_VIOLATION_A_OWNER_UE_ID] = { "owner-ue-id", KNL_U64 },
	[KIMS_VIOLATION_A_OWNER_LABEL] = { "owner-label", KNL_STRING },
	[KIMS_VIOLATION_A_SUPPRESSED] = { "suppressed", KNL_U32 },
	[KIMS_VIOLATION_A_PAD] = { "pad", KNL_NONE },
	[KIMS_VIOLATION_A_GTPU_SESSION] = { "gtpu-session", KNL_U64 },
};
static const struct knl_set knl_set_violation = { knl_attrs_violation, ARRAY_SIZE(knl_attrs_violation) };

static const struct knl_attr knl_attrs_stats[] = {
	[KIMS_STATS_A_RTP_FLOWS] = { "rtp-flows", KNL_U32 },
	[KIMS_STATS_A_GM_PORTS] = { "gm-ports", KNL_U32 },
	[KIMS_STATS_A_SA_SETS] = { "sa-sets", KNL_U32 },
	[KIMS_STATS_A_RTP_PACKETS] = { "rtp-packets", KNL_U64 },
	[KIMS_STATS_A_GM_PACKETS] = { "gm-packets", KNL_U64 },
	[KIMS_STATS_A_DROPS] = { "drops", KNL_NEST, .nested = &knl_set_drops },
	[KIMS_STATS_A_PAD] = { "pad", KNL_NONE },
	[KIMS_STATS_A_GTPU_EPS] = { "gtpu-eps", KNL_U32 },
	[KIMS_STATS_A_SESSIONS] = { "sessions", KNL_U32 },
	[KIMS_STATS_A_GTPU_RECEIVED] = { "gtpu-received", KNL_U64 },
	[KIMS_STATS_A_GTPU_FORWARDED] = { "gtpu-forwarded", KNL_U64 },
	[KIMS_STATS_A_GTPU_SIGNALLING] = { "gtpu-signalling", KNL_U64 },
	[KIMS_STATS_A_DOWNLINK_RECEIVED] = { "downlink-received", KNL_U64 },
	[KIMS_STATS_A_GTPU_SENT] = { "gtpu-sent", KNL_U64 },
	[KIMS_STATS_A_BUFFERED_PACKETS] = { "buffered-packets", KNL_U32 },
	[KIMS_STATS_A_ACCESS_RECEIVED] = { "access-received", KNL_U64 },
};
static const struct knl_set knl_set_stats = { knl_attrs_stats, ARRAY_SIZE(knl_attrs_stats) };

static const struct knl_attr knl_attrs_settings[] = {
	[KIMS_SETTINGS_A_POSTROUTING] = { "postrouting", KNL_U32 },
};
static const struct knl_set knl_set_settings = { knl_attrs_settings, ARRAY_SIZE(knl_attrs_settings) };

static const struct knl_attr knl_attrs_gtpu_ep[] = {
	[KIMS_GTPU_EP_A_ID] = { "id", KNL_U32 },
	[KIMS_GTPU_EP_A_LOCAL_IPV4] = { "local-ipv4", KNL_IPV4 },
	[KIMS_GTPU_EP_A_LOCAL_IPV6] = { "local-ipv6", KNL_IPV6 },
	[KIMS_GTPU_EP_A_PORT] = { "port", KNL_U32 },
	[KIMS_GTPU_EP_A_DEVICE] = { "device", KNL_U32 },
	[KIMS_GTPU_EP_A_UDP_CHECKSUM] = { "udp-checksum", KNL_U32 },
	[KIMS_GTPU_EP_A_ENTROPY] = { "entropy", KNL_U32 },
	[KIMS_GTPU_EP_A_FRAGMENT_OUTER] = { "fragment-outer", KNL_U32 },
	[KIMS_GTPU_EP_A_STACK] = { "stack", KNL_U32 },
	[KIMS_GTPU_EP_A_MSS_CLAMP] = { "mss-clamp", KNL_U32 },
	[KIMS_GTPU_EP_A_RECEIVED] = { "received", KNL_U64 },
	[KIMS_GTPU_EP_A_FORWARDED] = { "forwarded", KNL_U64 },
	[KIMS_GTPU_EP_A_SIGNALLING] = { "signalling", KNL_U64 },
	[KIMS_GTPU_EP_A_SENT] = { "sent", KNL_U64 },
	[KIMS_GTPU_EP_A_DROPS] = { "drops", KNL_NEST, .nested = &knl_set_drops },
	[KIMS_GTPU_EP_A_USERS] = { "users", KNL_U32 },
	[KIMS_GTPU_EP_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_gtpu_ep = { knl_attrs_gtpu_ep, ARRAY_SIZE(knl_attrs_gtpu_ep) };

static const struct knl_attr knl_attrs_session[] = {
	[KIMS_SESSION_A_ID] = { "id", KNL_U64 },
	[KIMS_SESSION_A_LABEL] = { "label", KNL_STRING },
	[KIMS_SESSION_A_UE_IPV4] = { "ue-ipv4", KNL_IPV4 },
	[KIMS_SESSION_A_UE_IPV6] = { "ue-ipv6", KNL_IPV6 },
	[KIMS_SESSION_A_IDLE_TIMEOUT] = { "idle-timeout", KNL_U32 },
	[KIMS_SESSION_A_MONITORED] = { "monitored", KNL_U32 },
	[KIMS_SESSION_A_PDR] = { "pdr", KNL_NEST, .multi = true, .nested = &knl_set_pdr },
	[KIMS_SESSION_A_FAR] = { "far", KNL_NEST, .multi = true, .nested = &knl_set_far },
	[KIMS_SESSION_A_QER] = { "qer", KNL_NEST, .multi = true, .nested = &knl_set_qer },
	[KIMS_SESSION_A_URR] = { "urr", KNL_NEST, .multi = true, .nested = &knl_set_urr },
	[KIMS_SESSION_A_BAR] = { "bar", KNL_NEST, .nested = &knl_set_bar },
	[KIMS_SESSION_A_DEL_PDR] = { "del-pdr", KNL_U32, .multi = true },
	[KIMS_SESSION_A_DEL_FAR] = { "del-far", KNL_U32, .multi = true },
	[KIMS_SESSION_A_DEL_QER] = { "del-qer", KNL_U32, .multi = true },
	[KIMS_SESSION_A_DEL_URR] = { "del-urr", KNL_U32, .multi = true },
	[KIMS_SESSION_A_BUFFERED_PACKETS] = { "buffered-packets", KNL_U32 },
	[KIMS_SESSION_A_BUFFERED_OCTETS] = { "buffered-octets", KNL_U32 },
	[KIMS_SESSION_A_IDLE] = { "idle", KNL_U32 },
	[KIMS_SESSION_A_EVENT_PDR] = { "event-pdr", KNL_U32 },
	[KIMS_SESSION_A_EVENT_FAR] = { "event-far", KNL_U32 },
	[KIMS_SESSION_A_EVENT_DSCP] = { "event-dscp", KNL_U32 },
	[KIMS_SESSION_A_ERROR] = { "error", KNL_U32 },
	[KIMS_SESSION_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_session = { knl_attrs_session, ARRAY_SIZE(knl_attrs_session) };

static const struct knl_attr knl_attrs_pdr[] = {
	[KIMS_PDR_A_ID] = { "id", KNL_U32 },
	[KIMS_PDR_A_PRECEDENCE] = { "precedence", KNL_U32 },
	[KIMS_PDR_A_SOURCE_INTERFACE] = { "source-interface", KNL_ENUM, .names = knl_names_interface },
	[KIMS_PDR_A_ENDPOINT] = { "endpoint", KNL_U32 },
	[KIMS_PDR_A_TEID] = { "teid", KNL_U32 },
	[KIMS_PDR_A_QFI] = { "qfi", KNL_U32 },
	[KIMS_PDR_A_FILTER] = { "filter", KNL_NEST, .multi = true, .nested = &knl_set_filter },
	[KIMS_PDR_A_APP_ID] = { "app-id", KNL_U32 },
	[KIMS_PDR_A_APP_QUEUE] = { "app-queue", KNL_U32 },
	[KIMS_PDR_A_APP_FAIL] = { "app-fail", KNL_ENUM, .names = knl_names_app_fail },
	[KIMS_PDR_A_KEEP_OUTER_HEADER] = { "keep-outer-header", KNL_U32 },
	[KIMS_PDR_A_ANY_SOURCE] = { "any-source", KNL_U32 },
	[KIMS_PDR_A_DEVICE] = { "device", KNL_U32 },
	[KIMS_PDR_A_FAR_ID] = { "far-id", KNL_U32 },
	[KIMS_PDR_A_QER_ID] = { "qer-id", KNL_U32, .multi = true },
	[KIMS_PDR_A_URR_ID] = { "urr-id", KNL_U32, .multi = true },
	[KIMS_PDR_A_PACKETS] = { "packets", KNL_U64 },
	[KIMS_PDR_A_OCTETS] = { "octets", KNL_U64 },
	[KIMS_PDR_A_DROPPED] = { "dropped", KNL_U64 },
	[KIMS_PDR_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_pdr = { knl_attrs_pdr, ARRAY_SIZE(knl_attrs_pdr) };

static const struct knl_attr knl_attrs_filter[] = {
	[KIMS_FILTER_A_ID] = { "id", KNL_U32 },
	[KIMS_FILTER_A_PROTOCOL] = { "protocol", KNL_U32 },
	[KIMS_FILTER_A_UE_IPV4] = { "ue-ipv4", KNL_IPV4 },
	[KIMS_FILTER_A_UE_IPV6] = { "ue-ipv6", KNL_IPV6 },
	[KIMS_FILTER_A_UE_PREFIX_LEN] = { "ue-prefix-len", KNL_U32 },
	[KIMS_FILTER_A_REMOTE_IPV4] = { "remote-ipv4", KNL_IPV4 },
	[KIMS_FILTER_A_REMOTE_IPV6] = { "remote-ipv6", KNL_IPV6 },
	[KIMS_FILTER_A_REMOTE_PREFIX_LEN] = { "remote-prefix-len", KNL_U32 },
	[KIMS_FILTER_A_UE_PORTS] = { "ue-ports", KNL_U32, .multi = true },
	[KIMS_FILTER_A_REMOTE_PORTS] = { "remote-ports", KNL_U32, .multi = true },
	[KIMS_FILTER_A_TOS] = { "tos", KNL_U32 },
	[KIMS_FILTER_A_TOS_MASK] = { "tos-mask", KNL_U32 },
	[KIMS_FILTER_A_SPI] = { "spi", KNL_U32 },
	[KIMS_FILTER_A_FLOW_LABEL] = { "flow-label", KNL_U32 },
	[KIMS_FILTER_A_DIRECTION] = { "direction", KNL_U32 },
};
static const struct knl_set knl_set_filter = { knl_attrs_filter, ARRAY_SIZE(knl_attrs_filter) };

static const struct knl_attr knl_attrs_far[] = {
	[KIMS_FAR_A_ID] = { "id", KNL_U32 },
	[KIMS_FAR_A_APPLY_ACTION] = { "apply-action", KNL_FLAGS, .names = knl_names_apply_action },
	[KIMS_FAR_A_DESTINATION_INTERFACE] = { "destination-interface", KNL_ENUM, .names = knl_names_interface },
	[KIMS_FAR_A_ENDPOINT] = { "endpoint", KNL_U32 },
	[KIMS_FAR_A_TEID] = { "teid", KNL_U32 },
	[KIMS_FAR_A_PEER_IPV4] = { "peer-ipv4", KNL_IPV4 },
	[KIMS_FAR_A_PEER_IPV6] = { "peer-ipv6", KNL_IPV6 },
	[KIMS_FAR_A_PEER_PORT] = { "peer-port", KNL_U32 },
	[KIMS_FAR_A_DSCP] = { "dscp", KNL_U32 },
	[KIMS_FAR_A_DEVICE] = { "device", KNL_U32 },
	[KIMS_FAR_A_SEND_END_MARKER] = { "send-end-marker", KNL_U32 },
	[KIMS_FAR_A_DUP_TEID] = { "dup-teid", KNL_U32 },
	[KIMS_FAR_A_DUP_IPV4] = { "dup-ipv4", KNL_IPV4 },
	[KIMS_FAR_A_DUP_IPV6] = { "dup-ipv6", KNL_IPV6 },
	[KIMS_FAR_A_DUP_ENDPOINT] = { "dup-endpoint", KNL_U32 },
};
static const struct knl_set knl_set_far = { knl_attrs_far, ARRAY_SIZE(knl_attrs_far) };

static const struct knl_attr knl_attrs_qer[] = {
	[KIMS_QER_A_ID] = { "id", KNL_U32 },
	[KIMS_QER_A_GATE_UL] = { "gate-ul", KNL_ENUM, .names = knl_names_gate },
	[KIMS_QER_A_GATE_DL] = { "gate-dl", KNL_ENUM, .names = knl_names_gate },
	[KIMS_QER_A_MBR_UL] = { "mbr-ul", KNL_U64 },
	[KIMS_QER_A_MBR_DL] = { "mbr-dl", KNL_U64 },
	[KIMS_QER_A_GBR_UL] = { "gbr-ul", KNL_U64 },
	[KIMS_QER_A_GBR_DL] = { "gbr-dl", KNL_U64 },
	[KIMS_QER_A_BURST] = { "burst", KNL_U32 },
	[KIMS_QER_A_QFI] = { "qfi", KNL_U32 },
	[KIMS_QER_A_OCTETS_UL] = { "octets-ul", KNL_U64 },
	[KIMS_QER_A_OCTETS_DL] = { "octets-dl", KNL_U64 },
	[KIMS_QER_A_DROPPED_UL] = { "dropped-ul", KNL_U64 },
	[KIMS_QER_A_DROPPED_DL] = { "dropped-dl", KNL_U64 },
	[KIMS_QER_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_qer = { knl_attrs_qer, ARRAY_SIZE(knl_attrs_qer) };

static const struct knl_attr knl_attrs_urr[] = {
	[KIMS_URR_A_ID] = { "id", KNL_U32 },
	[KIMS_URR_A_METHOD] = { "method", KNL_FLAGS, .names = knl_names_urr_method },
	[KIMS_URR_A_TRIGGERS] = { "triggers", KNL_FLAGS, .names = knl_names_urr_trigger },
	[KIMS_URR_A_VOLUME_THRESHOLD] = { "volume-threshold", KNL_U64 },
	[KIMS_URR_A_VOLUME_THRESHOLD_UL] = { "volume-threshold-ul", KNL_U64 },
	[KIMS_URR_A_VOLUME_THRESHOLD_DL] = { "volume-threshold-dl", KNL_U64 },
	[KIMS_URR_A_VOLUME_QUOTA] = { "volume-quota", KNL_U64 },
	[KIMS_URR_A_VOLUME_QUOTA_UL] = { "volume-quota-ul", KNL_U64 },
	[KIMS_URR_A_VOLUME_QUOTA_DL] = { "volume-quota-dl", KNL_U64 },
	[KIMS_URR_A_TIME_THRESHOLD] = { "time-threshold", KNL_U32 },
	[KIMS_URR_A_TIME_QUOTA] = { "time-quota", KNL_U32 },
	[KIMS_URR_A_PERIOD] = { "period", KNL_U32 },
	[KIMS_URR_A_MONITORING_TIME] = { "monitoring-time", KNL_U64 },
	[KIMS_URR_A_INACTIVITY] = { "inactivity", KNL_U32 },
	[KIMS_URR_A_BEFORE_QOS] = { "before-qos", KNL_U32 },
	[KIMS_URR_A_LINKED_URR] = { "linked-urr", KNL_U32 },
	[KIMS_URR_A_OCTETS] = { "octets", KNL_U64 },
	[KIMS_URR_A_OCTETS_UL] = { "octets-ul", KNL_U64 },
	[KIMS_URR_A_OCTETS_DL] = { "octets-dl", KNL_U64 },
	[KIMS_URR_A_PACKETS] = { "packets", KNL_U64 },
	[KIMS_URR_A_PACKETS_UL] = { "packets-ul", KNL_U64 },
	[KIMS_URR_A_PACKETS_DL] = { "packets-dl", KNL_U64 },
	[KIMS_URR_A_DURATION] = { "duration", KNL_U64 },
	[KIMS_URR_A_FIRST_PACKET] = { "first-packet", KNL_U64 },
	[KIMS_URR_A_LAST_PACKET] = { "last-packet", KNL_U64 },
	[KIMS_URR_A_EXHAUSTED] = { "exhausted", KNL_U32 },
	[KIMS_URR_A_SEQ] = { "seq", KNL_U32 },
	[KIMS_URR_A_TRIGGER] = { "trigger", KNL_U32 },
	[KIMS_URR_A_REPORTED_OCTETS] = { "reported-octets", KNL_U64 },
	[KIMS_URR_A_REPORTED_OCTETS_UL] = { "reported-octets-ul", KNL_U64 },
	[KIMS_URR_A_REPORTED_OCTETS_DL] = { "reported-octets-dl", KNL_U64 },
	[KIMS_URR_A_REPORTED_DURATION] = { "reported-duration", KNL_U64 },
	[KIMS_URR_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_urr = { knl_attrs_urr, ARRAY_SIZE(knl_attrs_urr) };

static const struct knl_attr knl_attrs_bar[] = {
	[KIMS_BAR_A_PACKETS] = { "packets", KNL_U32 },
	[KIMS_BAR_A_OCTETS] = { "octets", KNL_U32 },
	[KIMS_BAR_A_TIMEOUT] = { "timeout", KNL_U32 },
	[KIMS_BAR_A_DELAY] = { "delay", KNL_U32 },
};
static const struct knl_set knl_set_bar = { knl_attrs_bar, ARRAY_SIZE(knl_attrs_bar) };

static const struct knl_attr knl_attrs_gtpu_peer[] = {
	[KIMS_GTPU_PEER_A_ENDPOINT] = { "endpoint", KNL_U32 },
	[KIMS_GTPU_PEER_A_IPV4] = { "ipv4", KNL_IPV4 },
	[KIMS_GTPU_PEER_A_IPV6] = { "ipv6", KNL_IPV6 },
	[KIMS_GTPU_PEER_A_PORT] = { "port", KNL_U32 },
	[KIMS_GTPU_PEER_A_TEID] = { "teid", KNL_U32 },
	[KIMS_GTPU_PEER_A_RECOVERY] = { "recovery", KNL_U32 },
	[KIMS_GTPU_PEER_A_SESSION] = { "session", KNL_U64 },
	[KIMS_GTPU_PEER_A_FAR] = { "far", KNL_U32 },
	[KIMS_GTPU_PEER_A_LABEL] = { "label", KNL_STRING },
	[KIMS_GTPU_PEER_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_gtpu_peer = { knl_attrs_gtpu_peer, ARRAY_SIZE(knl_attrs_gtpu_peer) };

static const struct knl_attr knl_attrs_app_flow[] = {
	[KIMS_APP_FLOW_A_SESSION] = { "session", KNL_U64 },
	[KIMS_APP_FLOW_A_APP_ID] = { "app-id", KNL_U32 },
	[KIMS_APP_FLOW_A_PROTOCOL] = { "protocol", KNL_U32 },
	[KIMS_APP_FLOW_A_UE_IPV4] = { "ue-ipv4", KNL_IPV4 },
	[KIMS_APP_FLOW_A_UE_IPV6] = { "ue-ipv6", KNL_IPV6 },
	[KIMS_APP_FLOW_A_UE_PORT] = { "ue-port", KNL_U32 },
	[KIMS_APP_FLOW_A_REMOTE_IPV4] = { "remote-ipv4", KNL_IPV4 },
	[KIMS_APP_FLOW_A_REMOTE_IPV6] = { "remote-ipv6", KNL_IPV6 },
	[KIMS_APP_FLOW_A_REMOTE_PORT] = { "remote-port", KNL_U32 },
	[KIMS_APP_FLOW_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_app_flow = { knl_attrs_app_flow, ARRAY_SIZE(knl_attrs_app_flow) };

static const struct knl_attr knl_attrs_srtp[] = {
	[KIMS_SRTP_A_SUITE] = { "suite", KNL_ENUM, .names = knl_names_srtp_suite },
	[KIMS_SRTP_A_KEY] = { "key", KNL_NONE },
	[KIMS_SRTP_A_MKI] = { "mki", KNL_BINARY },
	[KIMS_SRTP_A_ROC] = { "roc", KNL_U32 },
};
static const struct knl_set knl_set_srtp = { knl_attrs_srtp, ARRAY_SIZE(knl_attrs_srtp) };

static const struct knl_attr knl_attrs_rtcp[] = {
	[KIMS_RTCP_A_REPORTS] = { "reports", KNL_U64 },
	[KIMS_RTCP_A_REPORTER] = { "reporter", KNL_U32 },
	[KIMS_RTCP_A_SOURCE] = { "source", KNL_U32 },
	[KIMS_RTCP_A_FRACTION_LOST] = { "fraction-lost", KNL_U32 },
	[KIMS_RTCP_A_LOST] = { "lost", KNL_S64 },
	[KIMS_RTCP_A_MAX_SEQ] = { "max-seq", KNL_U32 },
	[KIMS_RTCP_A_JITTER] = { "jitter", KNL_U32 },
	[KIMS_RTCP_A_LSR] = { "lsr", KNL_U32 },
	[KIMS_RTCP_A_DLSR] = { "dlsr", KNL_U32 },
	[KIMS_RTCP_A_ROUND_TRIP] = { "round-trip", KNL_U32 },
	[KIMS_RTCP_A_SR_SSRC] = { "sr-ssrc", KNL_U32 },
	[KIMS_RTCP_A_SR_NTP] = { "sr-ntp", KNL_U64 },
	[KIMS_RTCP_A_SR_TIMESTAMP] = { "sr-timestamp", KNL_U32 },
	[KIMS_RTCP_A_SR_PACKETS] = { "sr-packets", KNL_U32 },
	[KIMS_RTCP_A_SR_OCTETS] = { "sr-octets", KNL_U32 },
	[KIMS_RTCP_A_VOIP] = { "voip", KNL_NEST, .nested = &knl_set_voip },
	[KIMS_RTCP_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_rtcp = { knl_attrs_rtcp, ARRAY_SIZE(knl_attrs_rtcp) };

static const struct knl_attr knl_attrs_voip[] = {
	[KIMS_VOIP_A_SOURCE] = { "source", KNL_U32 },
	[KIMS_VOIP_A_LOSS_RATE] = { "loss-rate", KNL_U32 },
	[KIMS_VOIP_A_DISCARD_RATE] = { "discard-rate", KNL_U32 },
	[KIMS_VOIP_A_BURST_DENSITY] = { "burst-density", KNL_U32 },
	[KIMS_VOIP_A_GAP_DENSITY] = { "gap-density", KNL_U32 },
	[KIMS_VOIP_A_BURST_DURATION] = { "burst-duration", KNL_U32 },
	[KIMS_VOIP_A_GAP_DURATION] = { "gap-duration", KNL_U32 },
	[KIMS_VOIP_A_ROUND_TRIP_DELAY] = { "round-trip-delay", KNL_U32 },
	[KIMS_VOIP_A_END_SYSTEM_DELAY] = { "end-system-delay", KNL_U32 },
	[KIMS_VOIP_A_SIGNAL_LEVEL] = { "signal-level", KNL_U32 },
	[KIMS_VOIP_A_NOISE_LEVEL] = { "noise-level", KNL_U32 },
	[KIMS_VOIP_A_RERL] = { "rerl", KNL_U32 },
	[KIMS_VOIP_A_GMIN] = { "gmin", KNL_U32 },
	[KIMS_VOIP_A_R_FACTOR] = { "r-factor", KNL_U32 },
	[KIMS_VOIP_A_EXT_R_FACTOR] = { "ext-r-factor", KNL_U32 },
	[KIMS_VOIP_A_MOS_LQ] = { "mos-lq", KNL_U32 },
	[KIMS_VOIP_A_MOS_CQ] = { "mos-cq", KNL_U32 },
	[KIMS_VOIP_A_RX_CONFIG] = { "rx-config", KNL_U32 },
	[KIMS_VOIP_A_JB_NOMINAL] = { "jb-nominal", KNL_U32 },
	[KIMS_VOIP_A_JB_MAXIMUM] = { "jb-maximum", KNL_U32 },
	[KIMS_VOIP_A_JB_ABS_MAX] = { "jb-abs-max", KNL_U32 },
};
static const struct knl_set knl_set_voip = { knl_attrs_voip, ARRAY_SIZE(knl_attrs_voip) };

static const struct knl_attr knl_attrs_dtmf[] = {
	[KIMS_DTMF_A_FLOW_ID] = { "flow-id", KNL_U32 },
	[KIMS_DTMF_A_COOKIE] = { "cookie", KNL_U64 },
	[KIMS_DTMF_A_SSRC] = { "ssrc", KNL_U32 },
	[KIMS_DTMF_A_EVENT] = { "event", KNL_U32 },
	[KIMS_DTMF_A_DURATION] = { "duration", KNL_U32 },
	[KIMS_DTMF_A_TIMESTAMP] = { "timestamp", KNL_U32 },
	[KIMS_DTMF_A_VOLUME] = { "volume", KNL_U32 },
	[KIMS_DTMF_A_SUPPRESSED] = { "suppressed", KNL_U32 },
	[KIMS_DTMF_A_PAD] = { "pad", KNL_NONE },
};
static const struct knl_set knl_set_dtmf = { knl_attrs_dtmf, ARRAY_SIZE(knl_attrs_dtmf) };

static const struct knl_attr knl_attrs_ingress[] = {
	[KIMS_INGRESS_A_DEVICE] = { "device", KNL_U32 },
};
static const struct knl_set knl_set_ingress = { knl_attrs_ingress, ARRAY_SIZE(knl_attrs_ingress) };

#endif
