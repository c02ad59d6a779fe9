/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sxb and N4 (TS 29.244, Rel-16, and of Rel-17 what is of use here): PFCP messages and IEs as structs, from
 * list macros. No I/O. How the lists read: see ref/s5.h; PFCP has no instances.
 *
 * Left out (known, ignored): Ethernet, TSC, ATSSS, MBS, L2TP, RDS, packet rate, redundant transmission.
 *
 * A struct str is a view into the decoded message or the caller's memory when encoding. Bit rates are
 * kbit/s, volumes octets, time stamps seconds since 1900 (pfcp_time()), durations seconds, as on the wire.
 */
#ifndef KIMS_REF_SX_H
#define KIMS_REF_SX_H

#include "lib/ie/tlv.h"

/* clang-format off */
enum sx_cause { /* 8.2.1 */
	SX_ACCEPTED = 1, SX_MORE_USAGE_REPORTS = 2, SX_ACCEPTED_PARTIALLY = 3,
	SX_REJECTED = 64, SX_SESSION_NOT_FOUND = 65, SX_MANDATORY_IE_MISSING = 66,
	SX_CONDITIONAL_IE_MISSING = 67, SX_INVALID_LENGTH = 68, SX_MANDATORY_IE_INCORRECT = 69,
	SX_INVALID_FORWARDING_POLICY = 70, SX_INVALID_FTEID_ALLOCATION = 71, SX_NO_ASSOCIATION = 72,
	SX_RULE_FAILURE = 73, SX_CONGESTION = 74, SX_NO_RESOURCES = 75, SX_SERVICE_NOT_SUPPORTED = 76,
	SX_SYSTEM_FAILURE = 77, SX_REDIRECTION_REQUESTED = 78, SX_ADDRESSES_OCCUPIED = 79,
	SX_UNKNOWN_PREDEFINED_RULE = 80, SX_UNKNOWN_APPLICATION = 81,
};
const char *sx_cause_name(uint8_t cause);

enum sx_interface { SX_ACCESS = 0, SX_CORE = 1, SX_SGI_LAN = 2, SX_CP_FUNCTION = 3, SX_LI = 4 };
enum sx_3gpp_interface {
	SX_S1U = 0, SX_S5U = 1, SX_S4U = 2, SX_S11U = 3, SX_S12U = 4, SX_GNU = 5, SX_S2AU = 6, SX_S2BU = 7,
	SX_N3 = 11, SX_N9 = 15, SX_SGI = 16, SX_N6 = 17, SX_S8U = 19, SX_SXBU = 25,
};
enum sx_pdn_type { SX_PDN_IPV4 = 1, SX_PDN_IPV6 = 2, SX_PDN_IPV4V6 = 3, SX_PDN_NON_IP = 4, SX_PDN_ETHERNET = 5 };
enum sx_node_type { SX_NODE_IPV4 = 0, SX_NODE_IPV6 = 1, SX_NODE_FQDN = 2 };
enum sx_gate { SX_GATE_OPEN = 0, SX_GATE_CLOSED = 1 };
enum sx_removal_desc { SX_REMOVE_GTPU4 = 0, SX_REMOVE_GTPU6 = 1, SX_REMOVE_UDP4 = 2, SX_REMOVE_UDP6 = 3, SX_REMOVE_IP4 = 4, SX_REMOVE_IP6 = 5, SX_REMOVE_GTPU = 6 };
enum sx_creation_desc { /* bits of Outer Header Creation Description, first octet high */
	SX_CREATE_GTPU4 = 0x0100, SX_CREATE_GTPU6 = 0x0200, SX_CREATE_UDP4 = 0x0400,
	SX_CREATE_UDP6 = 0x0800, SX_CREATE_IP4 = 0x1000, SX_CREATE_IP6 = 0x2000,
};
enum sx_rule_type { SX_RULE_PDR = 0, SX_RULE_FAR = 1, SX_RULE_QER = 2, SX_RULE_URR = 3, SX_RULE_BAR = 4 };
enum sx_redirect_type { SX_REDIRECT_IPV4 = 0, SX_REDIRECT_IPV6 = 1, SX_REDIRECT_URL = 2, SX_REDIRECT_SIP = 3, SX_REDIRECT_IPV4_IPV6 = 4 };

/* --- C types of IEs; flags in the order of the bits, bit 1 of the first octet first --- */
struct sx_name { char s[256]; }; /* APN/DNN: text with dots */
struct sx_fteid {
	bool v4, v6, ch, chid; /* ch: the UP function chooses; v4, v6 then say which; no teid, no addresses */
	uint8_t choose_id;     /* the same one in several PDRs: the same F-TEID */
	uint32_t teid;
	struct in_addr ip4;
	struct in6_addr ip6;
};
struct sx_fseid { uint64_t seid; bool v4, v6; struct in_addr ip4; struct in6_addr ip6; };
struct sx_node_id { uint8_t type; struct in_addr ip4; struct in6_addr ip6; struct sx_name fqdn; };
struct sx_ue_ip {
	bool v6, v4, sd, ip6d, chv4, chv6, ip6pl; /* sd: it is the destination; chv4, chv6: the UP function chooses */
	struct in_addr ip4;
	struct in6_addr ip6;
	uint8_t delegation_bits, prefix_len; /* ip6d, ip6pl */
};
struct sx_sdf_filter {
	bool fd, ttc, spi, fl, bid; /* which of the fields are there */
	struct str flow;	    /* IPFilterRule, as in Flow-Description AVP (TS 29.212 5.4.2) */
	uint8_t tos, tos_mask;
	uint32_t spi_value, flow_label, id;
};
struct sx_gate_status { uint8_t ul, dl; }; /* enum sx_gate */
struct sx_rate { uint64_t ul, dl; };	   /* MBR, GBR */
struct sx_volume { /* thresholds, quotas, and (packets) Volume Measurement */
	bool has_total, has_ul, has_dl, has_total_packets, has_ul_packets, has_dl_packets;
	uint64_t total, ul, dl, total_packets, ul_packets, dl_packets;
};
struct sx_dropped { bool has_packets, has_octets; uint64_t packets, octets; };
#define SX_TRIGGERS(F) /* Reporting Triggers */                                                     \
	F(perio) F(volth) F(timth) F(quhti) F(start) F(stopt) F(droth) F(liusa)                     \
	F(volqu) F(timqu) F(envcl) F(macar) F(eveth) F(evequ) F(ipmjl) F(quvti)                     \
	F(reemr) F(upint)
struct sx_triggers { SX_TRIGGERS(TLV_BOOL) };
#define SX_REPORT_TRIGGERS(F) /* Usage Report Trigger */                                            \
	F(perio) F(volth) F(timth) F(quhti) F(start) F(stopt) F(droth) F(immer)                     \
	F(volqu) F(timqu) F(liusa) F(termr) F(monit) F(envcl) F(macar) F(eveth)                     \
	F(evequ) F(tebur) F(ipmjl) F(quvti) F(emrre) F(upint)
struct sx_report_triggers { SX_REPORT_TRIGGERS(TLV_BOOL) };
struct sx_redirect { uint8_t type; struct str address, other; };
#define SX_REPORT_TYPE(F) F(dldr) F(usar) F(erir) F(upir) F(tmir) F(sesr) F(uisr)
struct sx_report_type { SX_REPORT_TYPE(TLV_BOOL) };
#define SX_UP_FEATURES(F)                                                                           \
	F(bucp) F(ddnd) F(dlbd) F(trst) F(ftup) F(pfdm) F(heeu) F(treu)                             \
	F(empu) F(pdiu) F(udbc) F(quoac) F(trace) F(frrt) F(pfde) F(epfar)                          \
	F(dpdra) F(adpdp) F(ueip) F(sset) F(mnop) F(mte) F(bundl) F(gcom)                           \
	F(mpas) F(rttl) F(vtime) F(norp) F(iptv) F(ip6pl) F(tscu) F(mptcp)                          \
	F(atsss_ll) F(qfqm) F(gpqm) F(mt_edt) F(ciot) F(ethar) F(ddds) F(rds)                       \
	F(rttwp) F(quasf) F(nspoc) F(l2tp) F(upber) F(resps) F(iprep) F(dnsts)                      \
	F(drqos) F(mbsn4) F(psuprm) F(epppi) F(ratp) F(upidp)
struct sx_up_features { SX_UP_FEATURES(TLV_BOOL) };
#define SX_CP_FEATURES(F)                                                                           \
	F(load) F(ovrl) F(epfar) F(sset) F(bundl) F(mpas) F(ardr) F(uiaur) F(psucc) F(rpgur)
struct sx_cp_features { SX_CP_FEATURES(TLV_BOOL) };
#define SX_ACTION(F)                                                                                \
	F(drop) F(forw) F(buff) F(nocp) F(dupl) F(ipma) F(ipmd) F(dfrt)                             \
	F(edrt) F(bdpn) F(ddpn) F(fssm) F(mbsu)
struct sx_action { SX_ACTION(TLV_BOOL) };
struct sx_dl_service { bool has_ppi, has_qfi; uint8_t ppi, qfi; };
#define SX_SMREQ_FLAGS(F) F(drobu) F(sndem) F(qaurr) F(sumpc) F(rumuc) F(deteid)
struct sx_smreq_flags { SX_SMREQ_FLAGS(TLV_BOOL) };
#define SX_METHOD(F) F(durat) F(volum) F(event)
struct sx_method { SX_METHOD(TLV_BOOL) };
#define SX_USAGE_INFO(F) F(bef) F(aft) F(uae) F(ube)
struct sx_usage_info { SX_USAGE_INFO(TLV_BOOL) };
#define SX_MEASUREMENT_INFO(F) F(mbqe) F(inam) F(radi) F(istm) F(mnop) F(sspoc) F(aspoc) F(ciam)
struct sx_measurement_info { SX_MEASUREMENT_INFO(TLV_BOOL) };
#define SX_NODE_REPORT(F) F(upfr) F(uprr) F(ckdr) F(gpqr) F(purr) F(vsr)
struct sx_node_report { SX_NODE_REPORT(TLV_BOOL) };
#define SX_RELEASE(F) F(sarr) F(urss)
struct sx_release { SX_RELEASE(TLV_BOOL) };
#define SX_CSIDS_MAX 15
struct sx_fq_csid {
	uint8_t node_type; /* 0: IPv4, 1: IPv6, 2: MCC, MNC and 12 bits */
	uint8_t node[16];
	uint16_t csid[SX_CSIDS_MAX];
	uint8_t n;
	uint8_t role; /* 0: MME, 1: SGW-C, 2: PGW-C/SMF, 3: ePDG, 4: TWAN, 5: PGW-U/SGW-U/UPF */
};
struct sx_creation {
	uint16_t desc; /* enum sx_creation_desc */
	uint32_t teid;
	struct in_addr ip4;
	struct in6_addr ip6;
	uint16_t port;
	uint32_t ctag, stag;
};
struct sx_removal { uint8_t desc; bool has_ext; uint8_t ext; }; /* ext: GTP-U Extension Header Deletion */
struct sx_flow_info { uint8_t direction; struct str flow; }; /* 1: downlink, 2: uplink, 3: both */
struct sx_marking { bool has_tos, has_sci; uint8_t tos, tos_mask; uint16_t sci; }; /* DL Flow Level Marking */
struct sx_header_enrichment { uint8_t type; struct str name, value; };
struct sx_gtpu_peer { bool v6, v4, di, ni; struct in_addr ip4; struct in6_addr ip6; uint8_t interface; struct str network_instance; };
struct sx_failed_rule { uint8_t type; uint32_t id; };
struct sx_pfd { /* PFD Contents: p NULL: not there */
	struct str flow, url, domain, custom, domain_protocol;
	struct str more_flows, more_urls, more_domains; /* lists with lengths, as on the wire */
};
struct sx_reports_info { bool auri; uint16_t number; };
struct sx_user_id { struct str imsi, imei, msisdn, nai, supi, gpsi, pei; }; /* the first three: TBCD */
struct sx_ip { bool v6, v4, ppe; struct in_addr ip4; struct in6_addr ip6; }; /* ppe: preferred entity */
struct sx_source_ip { bool v6, v4, mpl; struct in_addr ip4; struct in6_addr ip6; uint8_t len; };
struct sx_ue_ips { bool v4, v6; uint32_t n4, n6; };
struct sx_offending { uint16_t type; struct str value; };
struct sx_time_quota { uint8_t type; uint32_t interval; };
struct sx_snssai { uint8_t sst; uint32_t sd; };
struct sx_ip_version { bool v4, v6; };
struct sx_uint { uint64_t v; uint8_t octets; };

/* --- IEs (table 8.1.2-1): id, type, name, clause, C type, codec, octets at least, at most (0: extendable) --- */
#define SX_IES(X)                                                                                   \
	X(CREATE_PDR, 1, "Create PDR", "7.5.2.2", struct sx_group, group, 0, 0)                     \
	X(PDI, 2, "PDI", "7.5.2.2", struct sx_group, group, 0, 0)                                   \
	X(CREATE_FAR, 3, "Create FAR", "7.5.2.3", struct sx_group, group, 0, 0)                     \
	X(FORWARDING, 4, "Forwarding Parameters", "7.5.2.3", struct sx_group, group, 0, 0)          \
	X(DUPLICATING, 5, "Duplicating Parameters", "7.5.2.3", struct sx_group, group, 0, 0)        \
	X(CREATE_URR, 6, "Create URR", "7.5.2.4", struct sx_group, group, 0, 0)                     \
	X(CREATE_QER, 7, "Create QER", "7.5.2.5", struct sx_group, group, 0, 0)                     \
	X(CREATED_PDR, 8, "Created PDR", "7.5.3.2", struct sx_group, group, 0, 0)                   \
	X(UPDATE_PDR, 9, "Update PDR", "7.5.4.2", struct sx_group, group, 0, 0)                     \
	X(UPDATE_FAR, 10, "Update FAR", "7.5.4.3", struct sx_group, group, 0, 0)                    \
	X(UPDATE_FORWARDING, 11, "Update Forwarding Parameters", "7.5.4.3", struct sx_group, group, 0, 0) \
	X(UPDATE_BAR_REPORT, 12, "Update BAR (Session Report Response)", "7.5.9.2", struct sx_group, group, 0, 0) \
	X(UPDATE_URR, 13, "Update URR", "7.5.4.4", struct sx_group, group, 0, 0)                    \
	X(UPDATE_QER, 14, "Update QER", "7.5.4.5", struct sx_group, group, 0, 0)                    \
	X(REMOVE_PDR, 15, "Remove PDR", "7.5.4.6", struct sx_group, group, 0, 0)                    \
	X(REMOVE_FAR, 16, "Remove FAR", "7.5.4.7", struct sx_group, group, 0, 0)                    \
	X(REMOVE_URR, 17, "Remove URR", "7.5.4.8", struct sx_group, group, 0, 0)                    \
	X(REMOVE_QER, 18, "Remove QER", "7.5.4.9", struct sx_group, group, 0, 0)                    \
	X(CAUSE, 19, "Cause", "8.2.1", uint8_t, u8, 1, 1)                                           \
	X(SOURCE_INTERFACE, 20, "Source Interface", "8.2.2", uint8_t, low4, 1, 0)                   \
	X(F_TEID, 21, "F-TEID", "8.2.3", struct sx_fteid, fteid, 1, 0)                              \
	X(NETWORK_INSTANCE, 22, "Network Instance", "8.2.4", struct str, rest, 1, 0)                \
	X(SDF_FILTER, 23, "SDF Filter", "8.2.5", struct sx_sdf_filter, sdf, 2, 0)                   \
	X(APPLICATION_ID, 24, "Application ID", "8.2.6", struct str, text, 1, 0)                    \
	X(GATE_STATUS, 25, "Gate Status", "8.2.7", struct sx_gate_status, gate, 1, 0)               \
	X(MBR, 26, "MBR", "8.2.8", struct sx_rate, rate, 10, 0)                                     \
	X(GBR, 27, "GBR", "8.2.9", struct sx_rate, rate, 10, 0)                                     \
	X(QER_CORRELATION, 28, "QER Correlation ID", "8.2.10", uint32_t, u32, 4, 0)                 \
	X(PRECEDENCE, 29, "Precedence", "8.2.11", uint32_t, u32, 4, 0)                              \
	X(MARKING, 30, "Transport Level Marking", "8.2.12", uint16_t, u16, 2, 0)                    \
	X(VOLUME_THRESHOLD, 31, "Volume Threshold", "8.2.13", struct sx_volume, volume, 1, 0)       \
	X(TIME_THRESHOLD, 32, "Time Threshold", "8.2.14", uint32_t, u32, 4, 0)                      \
	X(MONITORING_TIME, 33, "Monitoring Time", "8.2.15", uint32_t, u32, 4, 0)                    \
	X(SUB_VOLUME_THRESHOLD, 34, "Subsequent Volume Threshold", "8.2.16", struct sx_volume, volume, 1, 0) \
	X(SUB_TIME_THRESHOLD, 35, "Subsequent Time Threshold", "8.2.17", uint32_t, u32, 4, 0)       \
	X(INACTIVITY, 36, "Inactivity Detection Time", "8.2.18", uint32_t, u32, 4, 0)               \
	X(TRIGGERS, 37, "Reporting Triggers", "8.2.19", struct sx_triggers, triggers, 2, 0)         \
	X(REDIRECT, 38, "Redirect Information", "8.2.20", struct sx_redirect, redirect, 3, 0)       \
	X(REPORT_TYPE, 39, "Report Type", "8.2.21", struct sx_report_type, report_type, 1, 0)       \
	X(OFFENDING_IE, 40, "Offending IE", "8.2.22", uint16_t, u16, 2, 2)                          \
	X(FORWARDING_POLICY, 41, "Forwarding Policy", "8.2.23", struct str, lv8, 1, 0)              \
	X(DESTINATION_INTERFACE, 42, "Destination Interface", "8.2.24", uint8_t, low4, 1, 0)        \
	X(UP_FEATURES, 43, "UP Function Features", "8.2.25", struct sx_up_features, up_features, 1, 0) \
	X(APPLY_ACTION, 44, "Apply Action", "8.2.26", struct sx_action, action, 1, 0)               \
	X(DL_SERVICE, 45, "Downlink Data Service Information", "8.2.27", struct sx_dl_service, dl_service, 1, 0) \
	X(DDN_DELAY, 46, "Downlink Data Notification Delay", "8.2.28", uint8_t, u8, 1, 0)           \
	X(DL_DURATION, 47, "DL Buffering Duration", "8.2.29", struct tlv_timer, timer, 1, 0)        \
	X(DL_PACKETS, 48, "DL Buffering Suggested Packet Count", "8.2.30", struct sx_uint, uint, 1, 2) \
	X(SMREQ_FLAGS, 49, "PFCPSMReq-Flags", "8.2.31", struct sx_smreq_flags, smreq_flags, 1, 0)   \
	X(SRRSP_FLAGS, 50, "PFCPSRRsp-Flags", "8.2.32", uint8_t, u8, 1, 0)                          \
	X(LOAD, 51, "Load Control Information", "7.5.3.3", struct sx_group, group, 0, 0)            \
	X(SEQUENCE_NUMBER, 52, "Sequence Number", "8.2.33", uint32_t, u32, 4, 4)                    \
	X(METRIC, 53, "Metric", "8.2.34", uint8_t, u8, 1, 1)                                        \
	X(OVERLOAD, 54, "Overload Control Information", "7.5.3.4", struct sx_group, group, 0, 0)    \
	X(TIMER, 55, "Timer", "8.2.35", struct tlv_timer, timer, 1, 0)                              \
	X(PDR_ID, 56, "PDR ID", "8.2.36", uint16_t, u16, 2, 0)                                      \
	X(F_SEID, 57, "F-SEID", "8.2.37", struct sx_fseid, fseid, 9, 0)                             \
	X(APPLICATION_PFDS, 58, "Application ID's PFDs", "7.4.3.1", struct sx_group, group, 0, 0)   \
	X(PFD_CONTEXT, 59, "PFD context", "7.4.3.1", struct sx_group, group, 0, 0)                  \
	X(NODE_ID, 60, "Node ID", "8.2.38", struct sx_node_id, node_id, 1, 0)                       \
	X(PFD_CONTENTS, 61, "PFD contents", "8.2.39", struct sx_pfd, pfd, 2, 0)                     \
	X(METHOD, 62, "Measurement Method", "8.2.40", struct sx_method, method, 1, 0)               \
	X(REPORT_TRIGGER, 63, "Usage Report Trigger", "8.2.41", struct sx_report_triggers, report_triggers, 2, 0) \
	X(PERIOD, 64, "Measurement Period", "8.2.42", uint32_t, u32, 4, 0)                          \
	X(FQ_CSID, 65, "FQ-CSID", "8.2.43", struct sx_fq_csid, fq_csid, 1, 0)                       \
	X(VOLUME, 66, "Volume Measurement", "8.2.44", struct sx_volume, measured, 1, 0)             \
	X(DURATION, 67, "Duration Measurement", "8.2.45", uint32_t, u32, 4, 0)                      \
	X(APPLICATION_DETECTION, 68, "Application Detection Information", "7.5.8.3", struct sx_group, group, 0, 0) \
	X(TIME_FIRST, 69, "Time of First Packet", "8.2.46", uint32_t, u32, 4, 0)                    \
	X(TIME_LAST, 70, "Time of Last Packet", "8.2.47", uint32_t, u32, 4, 0)                      \
	X(QUOTA_HOLDING, 71, "Quota Holding Time", "8.2.48", uint32_t, u32, 4, 0)                   \
	X(DROPPED_THRESHOLD, 72, "Dropped DL Traffic Threshold", "8.2.49", struct sx_dropped, dropped, 1, 0) \
	X(VOLUME_QUOTA, 73, "Volume Quota", "8.2.50", struct sx_volume, volume, 1, 0)               \
	X(TIME_QUOTA, 74, "Time Quota", "8.2.51", uint32_t, u32, 4, 0)                              \
	X(START_TIME, 75, "Start Time", "8.2.52", uint32_t, u32, 4, 0)                              \
	X(END_TIME, 76, "End Time", "8.2.53", uint32_t, u32, 4, 0)                                  \
	X(QUERY_URR, 77, "Query URR", "7.5.4.10", struct sx_group, group, 0, 0)                     \
	X(USAGE_REPORT_MOD, 78, "Usage Report (Session Modification Response)", "7.5.5.2", struct sx_group, group, 0, 0) \
	X(USAGE_REPORT_DEL, 79, "Usage Report (Session Deletion Response)", "7.5.7.2", struct sx_group, group, 0, 0) \
	X(USAGE_REPORT, 80, "Usage Report (Session Report Request)", "7.5.8.3", struct sx_group, group, 0, 0) \
	X(URR_ID, 81, "URR ID", "8.2.54", uint32_t, u32, 4, 0)                                      \
	X(LINKED_URR, 82, "Linked URR ID", "8.2.55", uint32_t, u32, 4, 0)                           \
	X(DL_DATA_REPORT, 83, "Downlink Data Report", "7.5.8.2", struct sx_group, group, 0, 0)      \
	X(CREATION, 84, "Outer Header Creation", "8.2.56", struct sx_creation, creation, 2, 0)      \
	X(CREATE_BAR, 85, "Create BAR", "7.5.2.6", struct sx_group, group, 0, 0)                    \
	X(UPDATE_BAR, 86, "Update BAR (Session Modification Request)", "7.5.4.11", struct sx_group, group, 0, 0) \
	X(REMOVE_BAR, 87, "Remove BAR", "7.5.4.12", struct sx_group, group, 0, 0)                   \
	X(BAR_ID, 88, "BAR ID", "8.2.57", uint8_t, u8, 1, 0)                                        \
	X(CP_FEATURES, 89, "CP Function Features", "8.2.58", struct sx_cp_features, cp_features, 1, 0) \
	X(USAGE_INFO, 90, "Usage Information", "8.2.59", struct sx_usage_info, usage_info, 1, 0)    \
	X(APPLICATION_INSTANCE, 91, "Application Instance ID", "8.2.60", struct str, text, 1, 0)    \
	X(FLOW_INFO, 92, "Flow Information", "8.2.61", struct sx_flow_info, flow_info, 3, 0)        \
	X(UE_IP, 93, "UE IP Address", "8.2.62", struct sx_ue_ip, ue_ip, 1, 0)                       \
	X(REMOVAL, 95, "Outer Header Removal", "8.2.64", struct sx_removal, removal, 1, 0)          \
	X(RECOVERY_TS, 96, "Recovery Time Stamp", "8.2.65", uint32_t, u32, 4, 0)                    \
	X(DL_FLOW_MARKING, 97, "DL Flow Level Marking", "8.2.66", struct sx_marking, marking, 1, 0) \
	X(HEADER_ENRICHMENT, 98, "Header Enrichment", "8.2.67", struct sx_header_enrichment, enrichment, 1, 0) \
	X(ERROR_INDICATION, 99, "Error Indication Report", "7.5.8.4", struct sx_group, group, 0, 0) \
	X(MEASUREMENT_INFO, 100, "Measurement Information", "8.2.68", struct sx_measurement_info, measurement_info, 1, 0) \
	X(NODE_REPORT_TYPE, 101, "Node Report Type", "8.2.69", struct sx_node_report, node_report, 1, 0) \
	X(PATH_FAILURE, 102, "User Plane Path Failure Report", "7.4.5.1", struct sx_group, group, 0, 0) \
	X(GTPU_PEER, 103, "Remote GTP-U Peer", "8.2.70", struct sx_gtpu_peer, gtpu_peer, 1, 0)      \
	X(UR_SEQN, 104, "UR-SEQN", "8.2.71", uint32_t, u32, 4, 4)                                   \
	X(UPDATE_DUPLICATING, 105, "Update Duplicating Parameters", "7.5.4.3", struct sx_group, group, 0, 0) \
	X(ACTIVATE_RULES, 106, "Activate Predefined Rules", "8.2.72", struct str, text, 1, 0)       \
	X(DEACTIVATE_RULES, 107, "Deactivate Predefined Rules", "8.2.73", struct str, text, 1, 0)   \
	X(FAR_ID, 108, "FAR ID", "8.2.74", uint32_t, u32, 4, 0)                                     \
	X(QER_ID, 109, "QER ID", "8.2.75", uint32_t, u32, 4, 0)                                     \
	X(OCI_FLAGS, 110, "OCI Flags", "8.2.76", uint8_t, u8, 1, 0)                                 \
	X(RELEASE_REQUEST, 111, "PFCP Association Release Request", "8.2.77", struct sx_release, release, 1, 0) \
	X(GRACEFUL_PERIOD, 112, "Graceful Release Period", "8.2.78", struct tlv_timer, timer, 1, 0) \
	X(PDN_TYPE, 113, "PDN Type", "8.2.79", uint8_t, low3, 1, 0)                                 \
	X(FAILED_RULE, 114, "Failed Rule ID", "8.2.80", struct sx_failed_rule, failed_rule, 2, 0)   \
	X(TIME_QUOTA_MECHANISM, 115, "Time Quota Mechanism", "8.2.81", struct sx_time_quota, time_quota, 5, 0) \
	X(UP_INACTIVITY, 117, "User Plane Inactivity Timer", "8.2.83", uint32_t, u32, 4, 0)         \
	X(SUB_VOLUME_QUOTA, 121, "Subsequent Volume Quota", "8.2.86", struct sx_volume, volume, 1, 0) \
	X(SUB_TIME_QUOTA, 122, "Subsequent Time Quota", "8.2.87", uint32_t, u32, 4, 0)              \
	X(RQI, 123, "RQI", "8.2.88", uint8_t, u8, 1, 0)                                             \
	X(QFI, 124, "QFI", "8.2.89", uint8_t, low6, 1, 0)                                           \
	X(QUERY_REFERENCE, 125, "Query URR Reference", "8.2.90", uint32_t, u32, 4, 0)               \
	X(REPORTS_INFO, 126, "Additional Usage Reports Information", "8.2.91", struct sx_reports_info, reports_info, 2, 0) \
	X(CREATE_ENDPOINT, 127, "Create Traffic Endpoint", "7.5.2.7", struct sx_group, group, 0, 0) \
	X(CREATED_ENDPOINT, 128, "Created Traffic Endpoint", "7.5.3.5", struct sx_group, group, 0, 0) \
	X(UPDATE_ENDPOINT, 129, "Update Traffic Endpoint", "7.5.4.13", struct sx_group, group, 0, 0) \
	X(REMOVE_ENDPOINT, 130, "Remove Traffic Endpoint", "7.5.4.14", struct sx_group, group, 0, 0) \
	X(ENDPOINT_ID, 131, "Traffic Endpoint ID", "8.2.92", uint8_t, u8, 1, 0)                     \
	X(SUGGESTED_PACKETS, 140, "Suggested Buffering Packets Count", "8.2.100", uint8_t, u8, 1, 0) \
	X(USER_ID, 141, "User ID", "8.2.101", struct sx_user_id, user_id, 1, 0)                     \
	X(ADDITIONAL_MONITORING, 147, "Additional Monitoring Time", "7.5.2.4", struct sx_group, group, 0, 0) \
	X(EVENT_QUOTA, 148, "Event Quota", "8.2.112", uint32_t, u32, 4, 0)                          \
	X(EVENT_THRESHOLD, 149, "Event Threshold", "8.2.113", uint32_t, u32, 4, 0)                  \
	X(SUB_EVENT_QUOTA, 150, "Subsequent Event Quota", "8.2.106", uint32_t, u32, 4, 0)           \
	X(SUB_EVENT_THRESHOLD, 151, "Subsequent Event Threshold", "8.2.107", uint32_t, u32, 4, 0)   \
	X(TRACE_INFORMATION, 152, "Trace Information", "8.2.108", struct str, rest, 7, 0)           \
	X(FRAMED_ROUTE, 153, "Framed-Route", "8.2.109", struct str, text, 1, 0)                     \
	X(FRAMED_ROUTING, 154, "Framed-Routing", "8.2.110", uint32_t, u32, 4, 4)                    \
	X(FRAMED_IPV6_ROUTE, 155, "Framed-IPv6-Route", "8.2.111", struct str, text, 1, 0)           \
	X(TIME_STAMP, 156, "Time Stamp", "8.2.114", uint32_t, u32, 4, 0)                            \
	X(AVERAGING_WINDOW, 157, "Averaging Window", "8.2.115", uint32_t, u32, 4, 0)                \
	X(PAGING_POLICY, 158, "Paging Policy Indicator", "8.2.116", uint8_t, low3, 1, 0)            \
	X(APN_DNN, 159, "APN/DNN", "8.2.117", struct sx_name, labels, 1, 255)                       \
	X(INTERFACE_3GPP, 160, "3GPP Interface Type", "8.2.118", uint8_t, low6, 1, 0)               \
	X(SRREQ_FLAGS, 161, "PFCPSRReq-Flags", "8.2.119", uint8_t, u8, 1, 0)                        \
	X(AUREQ_FLAGS, 162, "PFCPAUReq-Flags", "8.2.120", uint8_t, u8, 1, 0)                        \
	X(ACTIVATION_TIME, 163, "Activation Time", "8.2.121", uint32_t, u32, 4, 0)                  \
	X(DEACTIVATION_TIME, 164, "Deactivation Time", "8.2.122", uint32_t, u32, 4, 0)              \
	X(POOL_ID, 177, "UE IP address Pool Identity", "8.2.128", struct str, lv16, 2, 0)           \
	X(ALT_SMF_IP, 178, "Alternative SMF IP Address", "8.2.129", struct sx_ip, ip, 1, 0)         \
	X(SMF_SET_ID, 180, "SMF Set ID", "8.2.131", struct str, rest, 1, 0)                         \
	X(QUOTA_VALIDITY, 181, "Quota Validity Time", "8.2.132", uint32_t, u32, 4, 0)               \
	X(NUMBER_OF_REPORTS, 182, "Number of Reports", "8.2.133", uint16_t, u16, 2, 2)              \
	X(SESSION_RETENTION, 183, "PFCP Session Retention Information", "7.4.4.1", struct sx_group, group, 0, 0) \
	X(ASRSP_FLAGS, 184, "PFCPASRsp-Flags", "8.2.134", uint8_t, u8, 1, 0)                        \
	X(CP_ENTITY_IP, 185, "CP PFCP Entity IP Address", "8.2.135", struct sx_ip, ip, 1, 0)        \
	X(SEREQ_FLAGS, 186, "PFCPSEReq-Flags", "8.2.136", uint8_t, u8, 1, 0)                        \
	X(PATH_RECOVERY, 187, "User Plane Path Recovery Report", "7.4.5.1", struct sx_group, group, 0, 0) \
	X(SOURCE_IP, 192, "Source IP Address", "8.2.138", struct sx_source_ip, source_ip, 1, 0)     \
	X(POOL_INFO, 233, "UE IP address Pool Information", "7.4.4.1", struct sx_group, group, 0, 0) \
	X(DL_PACKET_SIZE, 250, "DL Data Packets Size", "8.2.173", uint16_t, u16, 2, 0)              \
	X(QER_CONTROL, 251, "QER Control Indications", "8.2.174", uint8_t, u8, 1, 0)                \
	X(NF_INSTANCE, 253, "NF Instance ID", "8.2.175", struct str, rest, 16, 16)                  \
	X(S_NSSAI, 257, "S-NSSAI", "8.2.176", struct sx_snssai, snssai, 4, 4)                       \
	X(IP_VERSION, 258, "IP version", "8.2.177", struct sx_ip_version, ip_version, 1, 0)         \
	X(ASREQ_FLAGS, 259, "PFCPASReq-Flags", "8.2.178", uint8_t, u8, 1, 0)                        \
	X(DATA_STATUS, 260, "Data Status", "8.2.179", uint8_t, u8, 1, 0)                            \
	X(POOL_USAGE, 267, "UE IP Address Usage Information", "7.4.4.3.1", struct sx_group, group, 0, 0) \
	X(NUMBER_OF_UE_IPS, 268, "Number of UE IP Addresses", "8.2.183", struct sx_ue_ips, ue_ips, 1, 0) \
	X(VALIDITY, 269, "Validity Timer", "8.2.184", uint16_t, u16, 2, 0)                          \
	X(PARTIAL_FAILURE, 272, "Partial Failure Information", "7.5.3.1", struct sx_group, group, 0, 0) \
	X(OFFENDING_INFO, 274, "Offending IE Information", "8.2.185", struct sx_offending, offending, 2, 0) \
	X(RAT_TYPE, 275, "RAT Type", "8.2.186", uint8_t, u8, 1, 0)                                  \
	X(GROUP_ID, 291, "Group Id", "8.2.198", struct str, rest, 1, 0)                             \
	X(RULES_NAME, 299, "Predefined Rules Name", "8.2.205", struct str, text, 1, 0)              \
	X(PEER_RESTART, 315, "Peer UP Restart Report", "7.4.5.1.7", struct sx_group, group, 0, 0)

struct sx_group; /* grouped: the C type is in the row of the message */
enum sx_ie_type {
#define X(id, t, n, s, c, f, lo, hi) SX_IE_##id = t,
	SX_IES(X)
#undef X
};

#define SX_RULES_MAX 32   /* PDRs, FARs, QERs, URRs in one message */
#define SX_FILTERS_MAX 16 /* SDF filters of a PDR */
#define SX_REFS_MAX 8	  /* URR IDs, QER IDs of a PDR */

/* --- grouped IEs --- */
#define SX_pdi(ONE, MANY, SUB, SUBS) /* 7.5.2.2-2 */                                                \
	ONE(M, source, SOURCE_INTERFACE)                                                            \
	ONE(O, fteid, F_TEID)                                                                       \
	ONE(O, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(O, ue_ip, UE_IP)                                                                        \
	MANY(C, endpoint_id, ENDPOINT_ID, 2)                                                        \
	MANY(C, sdf, SDF_FILTER, SX_FILTERS_MAX)                                                    \
	ONE(O, application_id, APPLICATION_ID)                                                      \
	MANY(O, qfi, QFI, 4)                                                                        \
	MANY(O, framed_route, FRAMED_ROUTE, 4)                                                      \
	ONE(O, framed_routing, FRAMED_ROUTING)                                                      \
	MANY(O, framed_ipv6_route, FRAMED_IPV6_ROUTE, 4)                                            \
	ONE(O, source_type, INTERFACE_3GPP)
#define SX_create_pdr(ONE, MANY, SUB, SUBS) /* 7.5.2.2-1 */                                         \
	ONE(M, id, PDR_ID)                                                                          \
	ONE(M, precedence, PRECEDENCE)                                                              \
	SUB(M, pdi, PDI, pdi)                                                                       \
	ONE(C, removal, REMOVAL)                                                                    \
	ONE(C, far_id, FAR_ID)                                                                      \
	MANY(C, urr_id, URR_ID, SX_REFS_MAX)                                                        \
	MANY(C, qer_id, QER_ID, SX_REFS_MAX)                                                        \
	MANY(C, activate, ACTIVATE_RULES, 4)                                                        \
	ONE(O, activation, ACTIVATION_TIME)                                                         \
	ONE(O, deactivation, DEACTIVATION_TIME)                                                     \
	MANY(O, pool_id, POOL_ID, 2)                                                                \
	ONE(O, rat_type, RAT_TYPE)
#define SX_update_pdr(ONE, MANY, SUB, SUBS) /* 7.5.4.2-1 */                                         \
	ONE(M, id, PDR_ID)                                                                          \
	ONE(C, removal, REMOVAL)                                                                    \
	ONE(C, precedence, PRECEDENCE)                                                              \
	SUB(C, pdi, PDI, pdi)                                                                       \
	ONE(C, far_id, FAR_ID)                                                                      \
	MANY(C, urr_id, URR_ID, SX_REFS_MAX)                                                        \
	MANY(C, qer_id, QER_ID, SX_REFS_MAX)                                                        \
	MANY(C, activate, ACTIVATE_RULES, 4)                                                        \
	MANY(C, deactivate, DEACTIVATE_RULES, 4)                                                    \
	ONE(O, activation, ACTIVATION_TIME)                                                         \
	ONE(O, deactivation, DEACTIVATION_TIME)                                                     \
	ONE(O, rat_type, RAT_TYPE)
#define SX_remove_pdr(ONE, MANY, SUB, SUBS)                                                         \
	ONE(M, id, PDR_ID)
#define SX_created_pdr(ONE, MANY, SUB, SUBS) /* 7.5.3.2-1 */                                        \
	ONE(M, id, PDR_ID)                                                                          \
	ONE(C, fteid, F_TEID)                                                                       \
	MANY(C, ue_ip, UE_IP, 2)
#define SX_forwarding(ONE, MANY, SUB, SUBS) /* 7.5.2.3-2 */                                         \
	ONE(M, destination, DESTINATION_INTERFACE)                                                  \
	ONE(O, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(C, redirect, REDIRECT)                                                                  \
	ONE(C, creation, CREATION)                                                                  \
	ONE(C, marking, MARKING)                                                                    \
	ONE(C, policy, FORWARDING_POLICY)                                                           \
	MANY(O, enrichment, HEADER_ENRICHMENT, 4)                                                   \
	ONE(C, endpoint_id, ENDPOINT_ID)                                                            \
	ONE(O, destination_type, INTERFACE_3GPP)
#define SX_update_forwarding(ONE, MANY, SUB, SUBS) /* 7.5.4.3-2 */                                  \
	ONE(C, destination, DESTINATION_INTERFACE)                                                  \
	ONE(C, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(C, redirect, REDIRECT)                                                                  \
	ONE(C, creation, CREATION)                                                                  \
	ONE(C, marking, MARKING)                                                                    \
	ONE(C, policy, FORWARDING_POLICY)                                                           \
	MANY(C, enrichment, HEADER_ENRICHMENT, 4)                                                   \
	ONE(C, smreq_flags, SMREQ_FLAGS)                                                            \
	ONE(C, endpoint_id, ENDPOINT_ID)                                                            \
	ONE(C, destination_type, INTERFACE_3GPP)
#define SX_duplicating(ONE, MANY, SUB, SUBS) /* 7.5.2.3-3 */                                        \
	ONE(M, destination, DESTINATION_INTERFACE)                                                  \
	ONE(C, creation, CREATION)                                                                  \
	ONE(C, marking, MARKING)                                                                    \
	ONE(C, policy, FORWARDING_POLICY)
#define SX_update_duplicating(ONE, MANY, SUB, SUBS) /* 7.5.4.3-3 */                                 \
	ONE(C, destination, DESTINATION_INTERFACE)                                                  \
	ONE(C, creation, CREATION)                                                                  \
	ONE(C, marking, MARKING)                                                                    \
	ONE(C, policy, FORWARDING_POLICY)
#define SX_create_far(ONE, MANY, SUB, SUBS) /* 7.5.2.3-1 */                                         \
	ONE(M, id, FAR_ID)                                                                          \
	ONE(M, action, APPLY_ACTION)                                                                \
	SUB(C, forwarding, FORWARDING, forwarding)                                                  \
	SUBS(C, duplicating, DUPLICATING, 2, duplicating)                                           \
	ONE(O, bar_id, BAR_ID)
#define SX_update_far(ONE, MANY, SUB, SUBS) /* 7.5.4.3-1 */                                         \
	ONE(M, id, FAR_ID)                                                                          \
	ONE(C, action, APPLY_ACTION)                                                                \
	SUB(C, forwarding, UPDATE_FORWARDING, update_forwarding)                                    \
	SUBS(C, duplicating, UPDATE_DUPLICATING, 2, update_duplicating)                             \
	ONE(C, bar_id, BAR_ID)
#define SX_remove_far(ONE, MANY, SUB, SUBS)                                                         \
	ONE(M, id, FAR_ID)
#define SX_additional_monitoring(ONE, MANY, SUB, SUBS) /* 7.5.2.4-3 */                              \
	ONE(M, time, MONITORING_TIME)                                                               \
	ONE(O, volume_threshold, SUB_VOLUME_THRESHOLD)                                              \
	ONE(O, time_threshold, SUB_TIME_THRESHOLD)                                                  \
	ONE(O, volume_quota, SUB_VOLUME_QUOTA)                                                      \
	ONE(O, time_quota, SUB_TIME_QUOTA)                                                          \
	ONE(O, event_threshold, EVENT_THRESHOLD)                                                    \
	ONE(O, event_quota, EVENT_QUOTA)
/* What Create URR and Update URR (7.5.4.4-1) share. */
#define SX_URR_ROWS(ONE, MANY, SUB, SUBS)                                                           \
	ONE(C, period, PERIOD)                                                                      \
	ONE(C, volume_threshold, VOLUME_THRESHOLD)                                                  \
	ONE(C, volume_quota, VOLUME_QUOTA)                                                          \
	ONE(C, event_threshold, EVENT_THRESHOLD)                                                    \
	ONE(C, event_quota, EVENT_QUOTA)                                                            \
	ONE(C, time_threshold, TIME_THRESHOLD)                                                      \
	ONE(C, time_quota, TIME_QUOTA)                                                              \
	ONE(C, quota_holding, QUOTA_HOLDING)                                                        \
	ONE(C, dropped_threshold, DROPPED_THRESHOLD)                                                \
	ONE(C, quota_validity, QUOTA_VALIDITY)                                                      \
	ONE(O, monitoring_time, MONITORING_TIME)                                                    \
	ONE(O, sub_volume_threshold, SUB_VOLUME_THRESHOLD)                                          \
	ONE(O, sub_time_threshold, SUB_TIME_THRESHOLD)                                              \
	ONE(O, sub_volume_quota, SUB_VOLUME_QUOTA)                                                  \
	ONE(O, sub_time_quota, SUB_TIME_QUOTA)                                                      \
	ONE(O, sub_event_threshold, SUB_EVENT_THRESHOLD)                                            \
	ONE(O, sub_event_quota, SUB_EVENT_QUOTA)                                                    \
	ONE(C, inactivity, INACTIVITY)                                                              \
	MANY(C, linked_urr, LINKED_URR, SX_REFS_MAX)                                                \
	ONE(C, measurement_info, MEASUREMENT_INFO)                                                  \
	ONE(C, time_quota_mechanism, TIME_QUOTA_MECHANISM)                                          \
	ONE(C, quota_far, FAR_ID)                                                                   \
	SUBS(O, additional_monitoring, ADDITIONAL_MONITORING, 2, additional_monitoring)             \
	ONE(O, number_of_reports, NUMBER_OF_REPORTS)
#define SX_create_urr(ONE, MANY, SUB, SUBS) /* 7.5.2.4-1 */                                         \
	ONE(M, id, URR_ID)                                                                          \
	ONE(M, method, METHOD)                                                                      \
	ONE(M, triggers, TRIGGERS)                                                                  \
	SX_URR_ROWS(ONE, MANY, SUB, SUBS)
#define SX_update_urr(ONE, MANY, SUB, SUBS)                                                         \
	ONE(M, id, URR_ID)                                                                          \
	ONE(C, method, METHOD)                                                                      \
	ONE(C, triggers, TRIGGERS)                                                                  \
	SX_URR_ROWS(ONE, MANY, SUB, SUBS)
#define SX_remove_urr(ONE, MANY, SUB, SUBS) /* Remove URR, Query URR */                             \
	ONE(M, id, URR_ID)
#define SX_QER_ROWS(ONE, MANY, SUB, SUBS)                                                           \
	ONE(C, mbr, MBR)                                                                            \
	ONE(C, gbr, GBR)                                                                            \
	ONE(C, marking, DL_FLOW_MARKING)                                                            \
	ONE(C, qfi, QFI)                                                                            \
	ONE(C, rqi, RQI)                                                                            \
	ONE(C, paging_policy, PAGING_POLICY)                                                        \
	ONE(O, averaging_window, AVERAGING_WINDOW)                                                  \
	ONE(C, control, QER_CONTROL)
#define SX_create_qer(ONE, MANY, SUB, SUBS) /* 7.5.2.5-1 */                                         \
	ONE(M, id, QER_ID)                                                                          \
	ONE(C, correlation, QER_CORRELATION)                                                        \
	ONE(M, gate, GATE_STATUS)                                                                   \
	SX_QER_ROWS(ONE, MANY, SUB, SUBS)
#define SX_update_qer(ONE, MANY, SUB, SUBS) /* 7.5.4.5-1 */                                         \
	ONE(M, id, QER_ID)                                                                          \
	ONE(C, correlation, QER_CORRELATION)                                                        \
	ONE(C, gate, GATE_STATUS)                                                                   \
	SX_QER_ROWS(ONE, MANY, SUB, SUBS)
#define SX_remove_qer(ONE, MANY, SUB, SUBS)                                                         \
	ONE(M, id, QER_ID)
#define SX_create_bar(ONE, MANY, SUB, SUBS) /* Create BAR, Update BAR: 7.5.2.6-1, 7.5.4.11-1 */     \
	ONE(M, id, BAR_ID)                                                                          \
	ONE(C, delay, DDN_DELAY)                                                                    \
	ONE(C, packets, SUGGESTED_PACKETS)
#define SX_report_bar(ONE, MANY, SUB, SUBS) /* Update BAR of a Session Report Response: 7.5.9.2-1 */ \
	ONE(M, id, BAR_ID)                                                                          \
	ONE(C, delay, DDN_DELAY)                                                                    \
	ONE(C, duration, DL_DURATION)                                                               \
	ONE(O, dl_packets, DL_PACKETS)                                                              \
	ONE(C, packets, SUGGESTED_PACKETS)
#define SX_remove_bar(ONE, MANY, SUB, SUBS)                                                         \
	ONE(M, id, BAR_ID)
#define SX_create_endpoint(ONE, MANY, SUB, SUBS) /* Create, Update Traffic Endpoint: 7.5.2.7, 7.5.4.13 */ \
	ONE(M, id, ENDPOINT_ID)                                                                     \
	ONE(O, fteid, F_TEID)                                                                       \
	ONE(O, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(O, ue_ip, UE_IP)                                                                        \
	MANY(O, framed_route, FRAMED_ROUTE, 4)                                                      \
	ONE(O, framed_routing, FRAMED_ROUTING)                                                      \
	MANY(O, framed_ipv6_route, FRAMED_IPV6_ROUTE, 4)                                            \
	MANY(O, qfi, QFI, 4)                                                                        \
	ONE(O, source_type, INTERFACE_3GPP)                                                         \
	ONE(O, rat_type, RAT_TYPE)
#define SX_created_endpoint(ONE, MANY, SUB, SUBS) /* 7.5.3.5-1 */                                   \
	ONE(M, id, ENDPOINT_ID)                                                                     \
	ONE(C, fteid, F_TEID)                                                                       \
	MANY(C, ue_ip, UE_IP, 2)
#define SX_remove_endpoint(ONE, MANY, SUB, SUBS)                                                    \
	ONE(M, id, ENDPOINT_ID)
#define SX_load(ONE, MANY, SUB, SUBS)                                                               \
	ONE(M, seq, SEQUENCE_NUMBER)                                                                \
	ONE(M, load, METRIC)
#define SX_overload(ONE, MANY, SUB, SUBS)                                                           \
	ONE(M, seq, SEQUENCE_NUMBER)                                                                \
	ONE(M, reduction, METRIC)                                                                   \
	ONE(M, validity, TIMER)                                                                     \
	ONE(C, flags, OCI_FLAGS)
#define SX_partial_failure(ONE, MANY, SUB, SUBS) /* 7.5.3.1-2 */                                    \
	ONE(M, rule, FAILED_RULE)                                                                   \
	ONE(M, cause, CAUSE)                                                                        \
	MANY(M, offending, OFFENDING_INFO, 4)
#define SX_application_detection(ONE, MANY, SUB, SUBS) /* 7.5.8.3-2 */                              \
	ONE(M, application_id, APPLICATION_ID)                                                      \
	ONE(C, instance, APPLICATION_INSTANCE)                                                      \
	ONE(C, flow, FLOW_INFO)                                                                     \
	ONE(O, pdr_id, PDR_ID)
#define SX_usage_report(ONE, MANY, SUB, SUBS) /* 7.5.5.2-1, 7.5.7.2-1, 7.5.8.3-1 */                 \
	ONE(M, urr_id, URR_ID)                                                                      \
	ONE(M, seqn, UR_SEQN)                                                                       \
	ONE(M, trigger, REPORT_TRIGGER)                                                             \
	ONE(C, start, START_TIME)                                                                   \
	ONE(C, end, END_TIME)                                                                       \
	ONE(C, volume, VOLUME)                                                                      \
	ONE(C, duration, DURATION)                                                                  \
	SUB(C, application, APPLICATION_DETECTION, application_detection)                           \
	ONE(C, ue_ip, UE_IP)                                                                        \
	ONE(C, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(C, first, TIME_FIRST)                                                                   \
	ONE(C, last, TIME_LAST)                                                                     \
	ONE(C, info, USAGE_INFO)                                                                    \
	ONE(C, query_reference, QUERY_REFERENCE)                                                    \
	MANY(C, event, TIME_STAMP, 8)                                                               \
	MANY(O, rules_name, RULES_NAME, 4)
#define SX_dl_data_report(ONE, MANY, SUB, SUBS) /* 7.5.8.2-1 */                                     \
	MANY(M, pdr_id, PDR_ID, 8)                                                                  \
	MANY(C, service, DL_SERVICE, 8)                                                             \
	ONE(O, size, DL_PACKET_SIZE)                                                                \
	ONE(O, status, DATA_STATUS)
#define SX_error_indication(ONE, MANY, SUB, SUBS) /* 7.5.8.4-1 */                                   \
	MANY(M, fteid, F_TEID, 8)
#define SX_gtpu_peers(ONE, MANY, SUB, SUBS) /* 7.4.5.1.2-1, 7.4.5.1.3-1, 7.4.5.1.7-1 */             \
	MANY(M, peer, GTPU_PEER, 8)
#define SX_pfd_context(ONE, MANY, SUB, SUBS) /* 7.4.3.1-3 */                                        \
	MANY(M, pfd, PFD_CONTENTS, 16)
#define SX_application_pfds(ONE, MANY, SUB, SUBS) /* 7.4.3.1-2 */                                   \
	ONE(M, application_id, APPLICATION_ID)                                                      \
	SUBS(C, context, PFD_CONTEXT, 4, pfd_context)
#define SX_retention(ONE, MANY, SUB, SUBS) /* 7.4.4.1-2 */                                          \
	MANY(O, cp_ip, CP_ENTITY_IP, 4)
#define SX_pool_info(ONE, MANY, SUB, SUBS) /* 7.4.4.1-3 */                                          \
	MANY(M, pool_id, POOL_ID, 4)                                                                \
	ONE(O, network_instance, NETWORK_INSTANCE)                                                  \
	MANY(O, s_nssai, S_NSSAI, 4)                                                                \
	ONE(O, ip_version, IP_VERSION)
#define SX_pool_usage(ONE, MANY, SUB, SUBS) /* 7.4.4.3.1-1 */                                       \
	ONE(M, seq, SEQUENCE_NUMBER)                                                                \
	ONE(M, metric, METRIC)                                                                      \
	ONE(M, validity, VALIDITY)                                                                  \
	ONE(M, number, NUMBER_OF_UE_IPS)                                                            \
	ONE(M, network_instance, NETWORK_INSTANCE)                                                  \
	ONE(O, pool_id, POOL_ID)                                                                    \
	ONE(O, s_nssai, S_NSSAI)

#define SX_GROUPS(X) /* inner ones first */                                                         \
	X(pdi) X(create_pdr) X(update_pdr) X(remove_pdr) X(created_pdr) X(forwarding)               \
	X(update_forwarding) X(duplicating) X(update_duplicating) X(create_far) X(update_far)       \
	X(remove_far) X(additional_monitoring) X(create_urr) X(update_urr) X(remove_urr)            \
	X(create_qer) X(update_qer) X(remove_qer) X(create_bar) X(report_bar) X(remove_bar)         \
	X(create_endpoint) X(created_endpoint) X(remove_endpoint) X(load) X(overload)               \
	X(partial_failure) X(application_detection) X(usage_report) X(dl_data_report)               \
	X(error_indication) X(gtpu_peers) X(pfd_context) X(application_pfds) X(retention)           \
	X(pool_info) X(pool_usage)

/* --- messages --- */
#define SX_heartbeat_request(ONE, MANY, SUB, SUBS) /* 7.4.2.1 */                                    \
	ONE(M, recovery_ts, RECOVERY_TS)                                                            \
	ONE(O, source_ip, SOURCE_IP)
#define SX_heartbeat_response(ONE, MANY, SUB, SUBS) /* 7.4.2.2 */                                   \
	ONE(M, recovery_ts, RECOVERY_TS)
#define SX_pfd_management_request(ONE, MANY, SUB, SUBS) /* 7.4.3.1 */                               \
	SUBS(C, application, APPLICATION_PFDS, 8, application_pfds)                                 \
	ONE(O, node_id, NODE_ID)
#define SX_pfd_management_response(ONE, MANY, SUB, SUBS) /* 7.4.3.2 */                              \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)                                                             \
	ONE(O, node_id, NODE_ID)
#define SX_association_setup_request(ONE, MANY, SUB, SUBS) /* 7.4.4.1 */                            \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, recovery_ts, RECOVERY_TS)                                                            \
	ONE(C, up_features, UP_FEATURES)                                                            \
	ONE(C, cp_features, CP_FEATURES)                                                            \
	MANY(O, alt_smf_ip, ALT_SMF_IP, 4)                                                          \
	ONE(C, smf_set, SMF_SET_ID)                                                                 \
	SUB(O, retention, SESSION_RETENTION, retention)                                             \
	SUBS(O, pool, POOL_INFO, 8, pool_info)                                                      \
	ONE(O, upf_instance, NF_INSTANCE)                                                           \
	ONE(O, asreq_flags, ASREQ_FLAGS)
#define SX_association_setup_response(ONE, MANY, SUB, SUBS) /* 7.4.4.2 */                           \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(M, recovery_ts, RECOVERY_TS)                                                            \
	ONE(C, up_features, UP_FEATURES)                                                            \
	ONE(C, cp_features, CP_FEATURES)                                                            \
	MANY(O, alt_smf_ip, ALT_SMF_IP, 4)                                                          \
	ONE(C, smf_set, SMF_SET_ID)                                                                 \
	ONE(O, asrsp_flags, ASRSP_FLAGS)                                                            \
	SUBS(O, pool, POOL_INFO, 8, pool_info)                                                      \
	ONE(O, upf_instance, NF_INSTANCE)
#define SX_association_update_request(ONE, MANY, SUB, SUBS) /* 7.4.4.3 */                           \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(O, up_features, UP_FEATURES)                                                            \
	ONE(O, cp_features, CP_FEATURES)                                                            \
	ONE(C, release, RELEASE_REQUEST)                                                            \
	ONE(C, graceful, GRACEFUL_PERIOD)                                                           \
	ONE(O, aureq_flags, AUREQ_FLAGS)                                                            \
	MANY(O, alt_smf_ip, ALT_SMF_IP, 4)                                                          \
	ONE(O, smf_set, SMF_SET_ID)                                                                 \
	SUBS(O, pool, POOL_INFO, 8, pool_info)                                                      \
	SUBS(O, pool_usage, POOL_USAGE, 4, pool_usage)
#define SX_association_update_response(ONE, MANY, SUB, SUBS) /* 7.4.4.4 */                          \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(O, up_features, UP_FEATURES)                                                            \
	ONE(O, cp_features, CP_FEATURES)                                                            \
	SUBS(O, pool_usage, POOL_USAGE, 4, pool_usage)
#define SX_association_release_request(ONE, MANY, SUB, SUBS) /* 7.4.4.5 */                          \
	ONE(M, node_id, NODE_ID)
#define SX_association_release_response(ONE, MANY, SUB, SUBS) /* 7.4.4.6 */                         \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cause, CAUSE)
#define SX_version_not_supported(ONE, MANY, SUB, SUBS) /* 7.4.4.7 */
#define SX_node_report_request(ONE, MANY, SUB, SUBS) /* 7.4.5.1 */                                  \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, type, NODE_REPORT_TYPE)                                                              \
	SUB(C, path_failure, PATH_FAILURE, gtpu_peers)                                              \
	SUB(C, path_recovery, PATH_RECOVERY, gtpu_peers)                                            \
	SUB(C, peer_restart, PEER_RESTART, gtpu_peers)
#define SX_node_report_response(ONE, MANY, SUB, SUBS) /* 7.4.5.2, 7.4.6.2 */                        \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)
#define SX_session_set_deletion_request(ONE, MANY, SUB, SUBS) /* 7.4.6.1 */                         \
	ONE(M, node_id, NODE_ID)                                                                    \
	MANY(C, csid, FQ_CSID, 6)
#define SX_session_set_deletion_response SX_node_report_response
#define SX_session_establishment_request(ONE, MANY, SUB, SUBS) /* 7.5.2 */                          \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cp_fseid, F_SEID)                                                                    \
	SUBS(M, create_pdr, CREATE_PDR, SX_RULES_MAX, create_pdr)                                   \
	SUBS(M, create_far, CREATE_FAR, SX_RULES_MAX, create_far)                                   \
	SUBS(C, create_urr, CREATE_URR, SX_RULES_MAX, create_urr)                                   \
	SUBS(C, create_qer, CREATE_QER, SX_RULES_MAX, create_qer)                                   \
	SUBS(O, create_bar, CREATE_BAR, 4, create_bar)                                              \
	SUBS(C, create_endpoint, CREATE_ENDPOINT, 8, create_endpoint)                               \
	ONE(C, pdn_type, PDN_TYPE)                                                                  \
	MANY(C, csid, FQ_CSID, 5)                                                                   \
	ONE(O, up_inactivity, UP_INACTIVITY)                                                        \
	ONE(O, user_id, USER_ID)                                                                    \
	ONE(O, trace, TRACE_INFORMATION)                                                            \
	ONE(O, apn, APN_DNN)                                                                        \
	ONE(C, sereq_flags, SEREQ_FLAGS)                                                            \
	ONE(O, recovery_ts, RECOVERY_TS)                                                            \
	ONE(O, s_nssai, S_NSSAI)                                                                    \
	ONE(O, rat_type, RAT_TYPE)                                                                  \
	ONE(O, group_id, GROUP_ID)
#define SX_session_establishment_response(ONE, MANY, SUB, SUBS) /* 7.5.3 */                         \
	ONE(M, node_id, NODE_ID)                                                                    \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)                                                             \
	ONE(S, up_fseid, F_SEID)                                                                    \
	SUBS(C, created_pdr, CREATED_PDR, SX_RULES_MAX, created_pdr)                                \
	SUB(O, load, LOAD, load)                                                                    \
	SUB(O, overload, OVERLOAD, overload)                                                        \
	MANY(C, csid, FQ_CSID, 2)                                                                   \
	ONE(C, failed_rule, FAILED_RULE)                                                            \
	SUBS(C, created_endpoint, CREATED_ENDPOINT, 8, created_endpoint)                            \
	SUBS(C, partial_failure, PARTIAL_FAILURE, 8, partial_failure)
#define SX_session_modification_request(ONE, MANY, SUB, SUBS) /* 7.5.4 */                           \
	ONE(C, cp_fseid, F_SEID)                                                                    \
	SUBS(C, remove_pdr, REMOVE_PDR, SX_RULES_MAX, remove_pdr)                                   \
	SUBS(C, remove_far, REMOVE_FAR, SX_RULES_MAX, remove_far)                                   \
	SUBS(C, remove_urr, REMOVE_URR, SX_RULES_MAX, remove_urr)                                   \
	SUBS(C, remove_qer, REMOVE_QER, SX_RULES_MAX, remove_qer)                                   \
	SUBS(C, remove_bar, REMOVE_BAR, 4, remove_bar)                                              \
	SUBS(C, remove_endpoint, REMOVE_ENDPOINT, 8, remove_endpoint)                               \
	SUBS(C, create_pdr, CREATE_PDR, SX_RULES_MAX, create_pdr)                                   \
	SUBS(C, create_far, CREATE_FAR, SX_RULES_MAX, create_far)                                   \
	SUBS(C, create_urr, CREATE_URR, SX_RULES_MAX, create_urr)                                   \
	SUBS(C, create_qer, CREATE_QER, SX_RULES_MAX, create_qer)                                   \
	SUBS(C, create_bar, CREATE_BAR, 4, create_bar)                                              \
	SUBS(C, create_endpoint, CREATE_ENDPOINT, 8, create_endpoint)                               \
	SUBS(C, update_pdr, UPDATE_PDR, SX_RULES_MAX, update_pdr)                                   \
	SUBS(C, update_far, UPDATE_FAR, SX_RULES_MAX, update_far)                                   \
	SUBS(C, update_urr, UPDATE_URR, SX_RULES_MAX, update_urr)                                   \
	SUBS(C, update_qer, UPDATE_QER, SX_RULES_MAX, update_qer)                                   \
	SUBS(C, update_bar, UPDATE_BAR, 4, create_bar)                                              \
	SUBS(C, update_endpoint, UPDATE_ENDPOINT, 8, create_endpoint)                               \
	ONE(C, smreq_flags, SMREQ_FLAGS)                                                            \
	SUBS(C, query_urr, QUERY_URR, SX_RULES_MAX, remove_urr)                                     \
	MANY(C, csid, FQ_CSID, 5)                                                                   \
	ONE(C, up_inactivity, UP_INACTIVITY)                                                        \
	ONE(O, query_reference, QUERY_REFERENCE)                                                    \
	ONE(O, trace, TRACE_INFORMATION)                                                            \
	ONE(C, node_id, NODE_ID)                                                                    \
	ONE(O, s_nssai, S_NSSAI)                                                                    \
	ONE(O, rat_type, RAT_TYPE)                                                                  \
	ONE(C, group_id, GROUP_ID)
#define SX_session_modification_response(ONE, MANY, SUB, SUBS) /* 7.5.5 */                          \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)                                                             \
	SUBS(C, created_pdr, CREATED_PDR, SX_RULES_MAX, created_pdr)                                \
	SUB(O, load, LOAD, load)                                                                    \
	SUB(O, overload, OVERLOAD, overload)                                                        \
	SUBS(C, usage_report, USAGE_REPORT_MOD, SX_RULES_MAX, usage_report)                         \
	ONE(C, failed_rule, FAILED_RULE)                                                            \
	ONE(C, reports_info, REPORTS_INFO)                                                          \
	SUBS(C, created_endpoint, CREATED_ENDPOINT, 8, created_endpoint)                            \
	SUBS(C, partial_failure, PARTIAL_FAILURE, 8, partial_failure)
#define SX_session_deletion_request(ONE, MANY, SUB, SUBS) /* 7.5.6 */
#define SX_session_deletion_response(ONE, MANY, SUB, SUBS) /* 7.5.7 */                              \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)                                                             \
	SUB(O, load, LOAD, load)                                                                    \
	SUB(O, overload, OVERLOAD, overload)                                                        \
	SUBS(C, usage_report, USAGE_REPORT_DEL, SX_RULES_MAX, usage_report)                         \
	ONE(C, reports_info, REPORTS_INFO)
#define SX_session_report_request(ONE, MANY, SUB, SUBS) /* 7.5.8 */                                 \
	ONE(M, type, REPORT_TYPE)                                                                   \
	SUB(C, dl_data, DL_DATA_REPORT, dl_data_report)                                             \
	SUBS(C, usage_report, USAGE_REPORT, SX_RULES_MAX, usage_report)                             \
	SUB(C, error_indication, ERROR_INDICATION, error_indication)                                \
	SUB(O, load, LOAD, load)                                                                    \
	SUB(O, overload, OVERLOAD, overload)                                                        \
	ONE(C, reports_info, REPORTS_INFO)                                                          \
	ONE(C, srreq_flags, SRREQ_FLAGS)                                                            \
	ONE(C, old_cp_fseid, F_SEID)                                                                \
	ONE(O, cause, CAUSE)
#define SX_session_report_response(ONE, MANY, SUB, SUBS) /* 7.5.9 */                                \
	ONE(M, cause, CAUSE)                                                                        \
	ONE(C, offending, OFFENDING_IE)                                                             \
	SUBS(C, update_bar, UPDATE_BAR_REPORT, 4, report_bar)                                       \
	ONE(C, srrsp_flags, SRRSP_FLAGS)                                                            \
	ONE(O, cp_fseid, F_SEID)                                                                    \
	ONE(O, n4u_fteid, F_TEID)                                                                   \
	ONE(O, alt_smf_ip, ALT_SMF_IP)

/* id, struct, type, name, clause, NODE or SESSION (SEID in the header), REQ or RSP (has a cause) */
#define SX_MESSAGES(X)                                                                              \
	X(HEARTBEAT_REQUEST, heartbeat_request, 1, "Heartbeat Request", "7.4.2.1", NODE, REQ)       \
	X(HEARTBEAT_RESPONSE, heartbeat_response, 2, "Heartbeat Response", "7.4.2.2", NODE, REQ)    \
	X(PFD_MANAGEMENT_REQUEST, pfd_management_request, 3, "PFD Management Request", "7.4.3.1", NODE, REQ) \
	X(PFD_MANAGEMENT_RESPONSE, pfd_management_response, 4, "PFD Management Response", "7.4.3.2", NODE, RSP) \
	X(ASSOCIATION_SETUP_REQUEST, association_setup_request, 5, "Association Setup Request", "7.4.4.1", NODE, REQ) \
	X(ASSOCIATION_SETUP_RESPONSE, association_setup_response, 6, "Association Setup Response", "7.4.4.2", NODE, RSP) \
	X(ASSOCIATION_UPDATE_REQUEST, association_update_request, 7, "Association Update Request", "7.4.4.3", NODE, REQ) \
	X(ASSOCIATION_UPDATE_RESPONSE, association_update_response, 8, "Association Update Response", "7.4.4.4", NODE, RSP) \
	X(ASSOCIATION_RELEASE_REQUEST, association_release_request, 9, "Association Release Request", "7.4.4.5", NODE, REQ) \
	X(ASSOCIATION_RELEASE_RESPONSE, association_release_response, 10, "Association Release Response", "7.4.4.6", NODE, RSP) \
	X(VERSION_NOT_SUPPORTED, version_not_supported, 11, "Version Not Supported Response", "7.4.4.7", NODE, REQ) \
	X(NODE_REPORT_REQUEST, node_report_request, 12, "Node Report Request", "7.4.5.1", NODE, REQ) \
	X(NODE_REPORT_RESPONSE, node_report_response, 13, "Node Report Response", "7.4.5.2", NODE, RSP) \
	X(SESSION_SET_DELETION_REQUEST, session_set_deletion_request, 14, "Session Set Deletion Request", "7.4.6.1", NODE, REQ) \
	X(SESSION_SET_DELETION_RESPONSE, session_set_deletion_response, 15, "Session Set Deletion Response", "7.4.6.2", NODE, RSP) \
	X(SESSION_ESTABLISHMENT_REQUEST, session_establishment_request, 50, "Session Establishment Request", "7.5.2", SESSION, REQ) \
	X(SESSION_ESTABLISHMENT_RESPONSE, session_establishment_response, 51, "Session Establishment Response", "7.5.3", SESSION, RSP) \
	X(SESSION_MODIFICATION_REQUEST, session_modification_request, 52, "Session Modification Request", "7.5.4", SESSION, REQ) \
	X(SESSION_MODIFICATION_RESPONSE, session_modification_response, 53, "Session Modification Response", "7.5.5", SESSION, RSP) \
	X(SESSION_DELETION_REQUEST, session_deletion_request, 54, "Session Deletion Request", "7.5.6", SESSION, REQ) \
	X(SESSION_DELETION_RESPONSE, session_deletion_response, 55, "Session Deletion Response", "7.5.7", SESSION, RSP) \
	X(SESSION_REPORT_REQUEST, session_report_request, 56, "Session Report Request", "7.5.8", SESSION, REQ) \
	X(SESSION_REPORT_RESPONSE, session_report_response, 57, "Session Report Response", "7.5.9", SESSION, RSP)

enum sx_message {
#define X(id, s, t, n, c, h, k) SX_##id = t,
	SX_MESSAGES(X)
#undef X
};

/* --- structs from the lists --- */
#define X(id, t, n, s, c, f, lo, hi) typedef c sx_t_##id;
SX_IES(X)
#undef X
#define SX_F_ONE(p, f, ie) sx_t_##ie f; bool has_##f;
#define SX_F_MANY(p, f, ie, max) sx_t_##ie f[max]; size_t n_##f;
#define SX_F_SUB(p, f, ie, g) struct sx_##g f; bool has_##f;
#define SX_F_SUBS(p, f, ie, max, g) struct sx_##g f[max]; size_t n_##f;
#define X(g) struct sx_##g { SX_##g(SX_F_ONE, SX_F_MANY, SX_F_SUB, SX_F_SUBS) };
SX_GROUPS(X)
#undef X
#define X(id, s, t, n, c, h, k) struct sx_##s { SX_##s(SX_F_ONE, SX_F_MANY, SX_F_SUB, SX_F_SUBS) };
SX_MESSAGES(X)
#undef X

/* Room for any message (large: static or on the heap). */
union sx_any {
#define X(id, s, t, n, c, h, k) struct sx_##s s;
	SX_MESSAGES(X)
#undef X
};

/* clang-format on */

/* --- calls: as those of ref/s5.h --- */
const struct tlv_msg *sx_msg(uint8_t type); /* NULL: not one of these */
int sx_decode(const uint8_t *p, size_t n, struct tlv_hdr *ret_hdr, void *ret,
	      struct tlv_error *ret_err);
/* seid: of the receiver; not used for node messages. Sequence number 0: the endpoint sets it. */
int sx_encode(enum sx_message type, uint64_t seid, const void *in, struct tlv_buf *b);
void sx_init(enum sx_message type, void *in);
bool sx_is_session(uint8_t type); /* a message with a SEID in its header */
/*
 * An answer that has nothing but Node ID (where it must be), cause and offending IE (0: none): to a
 * request that is refused. 0, -ENOENT, -EMSGSIZE.
 */
int sx_encode_refusal(uint8_t request_type, uint64_t seid, const struct sx_node_id *node,
		      uint8_t cause, uint16_t offending, struct tlv_buf *b);
/*
 * A Network Instance (8.2.4) as text: labels as of an APN, or plain text, as peers send both. -EBADMSG. And
 * back, as labels: the octets in dst.
 */
int sx_network_instance_text(struct str v, struct sx_name *ret);
struct str sx_network_instance(const char *text, uint8_t dst[256]);
char *sx_print(const uint8_t *p, size_t n, char *dst, size_t size);
void sx_doc(FILE *f); /* docs/ref/sx.md */

#endif
