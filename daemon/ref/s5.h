/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * S5, S8 and S2b (TS 29.274, Rel-17): GTPv2-C messages and IEs as structs, from list macros. No I/O.
 *
 * One list names the IEs: type, C type, codec, lengths. One list per message and grouped IE names its rows:
 *   ONE(presence, field, IE, instance)		T field; bool has_field;
 *   MANY(presence, field, IE, instance, max)		T field[max]; size_t n_field;
 *   SUB(presence, field, IE, instance, group)		struct s5_group field; bool has_field;
 *   SUBS(presence, field, IE, instance, max, group)	struct s5_group field[max]; size_t n_field;
 * presence: M mandatory (sent whatever has_ says), C conditional, O optional, S mandatory unless the cause of
 * the message is a rejection. Adding an IE is a row here; the rest follows.
 *
 * A struct str is a view into the decoded message or the caller's memory when encoding. Bit rates are
 * kbit/s as on the wire.
 */
#ifndef KIMS_REF_S5_H
#define KIMS_REF_S5_H

#include "ref/nas.h"

/* clang-format off */
enum s5_cause { /* 8.4 */
	S5_LOCAL_DETACH = 2, S5_COMPLETE_DETACH = 3, S5_RAT_3GPP_TO_NON_3GPP = 4, S5_ISR_DEACTIVATION = 5,
	S5_ERROR_INDICATION = 6, S5_IMSI_DETACH_ONLY = 7, S5_REACTIVATION_REQUESTED = 8,
	S5_PDN_RECONNECTION_DISALLOWED = 9, S5_ACCESS_NON_3GPP_TO_3GPP = 10, S5_PDN_INACTIVITY = 11,
	S5_PGW_NOT_RESPONDING = 12, S5_NETWORK_FAILURE = 13, S5_QOS_MISMATCH = 14, S5_EPS_TO_5GS = 15,
	S5_ACCEPTED = 16, S5_ACCEPTED_PARTIALLY = 17, S5_NEW_PDN_TYPE_NETWORK = 18,
	S5_NEW_PDN_TYPE_SINGLE = 19,
	S5_CONTEXT_NOT_FOUND = 64, S5_INVALID_MESSAGE_FORMAT = 65, S5_VERSION_NOT_SUPPORTED_BY_PEER = 66,
	S5_INVALID_LENGTH = 67, S5_SERVICE_NOT_SUPPORTED = 68, S5_MANDATORY_IE_INCORRECT = 69,
	S5_MANDATORY_IE_MISSING = 70, S5_SYSTEM_FAILURE = 72, S5_NO_RESOURCES = 73,
	S5_TFT_SEMANTIC = 74, S5_TFT_SYNTACTIC = 75, S5_FILTER_SEMANTIC = 76, S5_FILTER_SYNTACTIC = 77,
	S5_UNKNOWN_APN = 78, S5_DENIED_IN_RAT = 82, S5_PDN_TYPE_NOT_SUPPORTED = 83,
	S5_ADDRESSES_OCCUPIED = 84, S5_CONTEXT_WITHOUT_TFT = 85, S5_PROTOCOL_NOT_SUPPORTED = 86,
	S5_UE_NOT_RESPONDING = 87, S5_UE_REFUSES = 88, S5_SERVICE_DENIED = 89, S5_UNABLE_TO_PAGE = 90,
	S5_NO_MEMORY = 91, S5_USER_AUTHENTICATION_FAILED = 92, S5_APN_DENIED = 93,
	S5_REQUEST_REJECTED = 94, S5_IMSI_NOT_KNOWN = 96, S5_TAD_SEMANTIC = 97, S5_TAD_SYNTACTIC = 98,
	S5_PEER_NOT_RESPONDING = 100, S5_COLLISION = 101, S5_UNABLE_TO_PAGE_SUSPENDED = 102,
	S5_CONDITIONAL_IE_MISSING = 103, S5_APN_RESTRICTION_INCOMPATIBLE = 104,
	S5_PIGGYBACK_LENGTH = 105, S5_INVALID_REPLY = 107, S5_INVALID_PEER = 109,
	S5_HANDOVER_IN_PROGRESS = 110, S5_APN_CONGESTION = 113, S5_BEARER_HANDLING_NOT_SUPPORTED = 114,
	S5_UE_ALREADY_REATTACHED = 115, S5_MULTIPLE_PDN_NOT_ALLOWED = 116,
	S5_CONGESTION = 120, S5_LATE_OVERLAPPING = 121, S5_TIMED_OUT_REQUEST = 122,
	S5_UE_NOT_AUTHORISED = 125, S5_UE_CAPABILITY = 127,
};
const char *s5_cause_name(uint8_t cause);

enum s5_interface { /* 8.22 */
	S5_IF_S1U_ENB = 0, S5_IF_S1U_SGW = 1, S5_IF_S5U_SGW = 4, S5_IF_S5U_PGW = 5, S5_IF_S5C_SGW = 6,
	S5_IF_S5C_PGW = 7, S5_IF_S11_MME = 10, S5_IF_S11_SGW = 11, S5_IF_S2BC_EPDG = 30,
	S5_IF_S2BU_EPDG = 31, S5_IF_S2BC_PGW = 32, S5_IF_S2BU_PGW = 33, S5_IF_S2AU_TWAN = 34,
	S5_IF_S2AC_TWAN = 35, S5_IF_S2AC_PGW = 36, S5_IF_S2AU_PGW = 37,
};
enum s5_rat { /* 8.17 */
	S5_RAT_UTRAN = 1, S5_RAT_GERAN = 2, S5_RAT_WLAN = 3, S5_RAT_GAN = 4, S5_RAT_HSPA = 5,
	S5_RAT_EUTRAN = 6, S5_RAT_VIRTUAL = 7, S5_RAT_NB_IOT = 8, S5_RAT_LTE_M = 9, S5_RAT_NR = 10,
};
enum s5_pdn_type { S5_PDN_IPV4 = 1, S5_PDN_IPV6 = 2, S5_PDN_IPV4V6 = 3, S5_PDN_NON_IP = 4 };
enum s5_node_type { S5_NODE_MME = 0, S5_NODE_SGSN = 1 };

/* --- C types of IEs --- */
struct s5_digits { char s[17]; };	       /* IMSI, MSISDN, MEI: digits, without TON/NPI */
struct s5_name { char s[256]; };	       /* APN, FQDN: text with dots */
struct s5_cause_ie {
	uint8_t value; /* enum s5_cause */
	bool pce, bce, cs; /* PDN connection, bearer context in error; originated by the remote node */
	bool has_ie; /* offending IE */
	uint8_t ie_type, ie_instance;
};
struct s5_ambr { uint32_t ul, dl; };
struct s5_ip { bool v6; struct in_addr ip4; struct in6_addr ip6; };
#define S5_INDICATION_FLAGS(F)                                                                      \
	F(sgwci) F(israi) F(isrsi) F(oi) F(dfi) F(hi) F(dtf) F(daf)                                 \
	F(msv) F(si) F(pt) F(p) F(crsi) F(cfsi) F(uimsi) F(sqci)                                    \
	F(ccrsi) F(israu) F(mbmdt) F(s4af) F(s6af) F(srni) F(pbic) F(retloc)                        \
	F(cpsr) F(clii) F(csfbi) F(ppsi) F(ppon) F(ppof) F(arrl) F(cprai)                           \
	F(aopi) F(aosi) F(pcri) F(psci) F(bdwi) F(dtci) F(uasi) F(nsi)                              \
	F(wpmsi) F(unaccsi) F(pnsi) F(s11tf) F(pmtsmi) F(cpopci) F(epcosi) F(roaai)                 \
	F(tspcmi) F(enbcrsi) F(ltempi) F(ltemui) F(eevrsi) F(x5gsiwk) F(reprefi) F(x5gsnn26)        \
	F(ethpdn) F(x5srhoi) F(x5gcnri) F(x5gcnrs) F(n5gnmi) F(mtedta) F(mtedtn) F(csrmfi)          \
	F(emci) F(idfupf) F(nsenbi) F(sissme) F(pgwchi) F(rppcsi) F(pgwrnsi) F(nspusi)              \
	F(upipsi) F(srtpi) F(ltemsai)
struct s5_indication { S5_INDICATION_FLAGS(TLV_BOOL) };
struct s5_paa {
	uint8_t type; /* enum s5_pdn_type */
	uint8_t ip6_bits;
	struct in6_addr ip6; /* prefix and interface identifier */
	struct in_addr ip4;
};
struct s5_arp { uint8_t priority; bool pci, pvi; }; /* pci: may NOT pre-empt; pvi: is NOT vulnerable */
struct s5_qos { /* Bearer QoS; Flow QoS has no arp */
	struct s5_arp arp;
	uint8_t qci;
	uint64_t mbr_ul, mbr_dl, gbr_ul, gbr_dl;
};
struct s5_uli { /* what is there: has_x */
	bool has_cgi, has_sai, has_rai, has_tai, has_ecgi, has_lai, has_enb, has_ext_enb;
	struct { struct tlv_plmn plmn; uint16_t lac, ci; } cgi;
	struct { struct tlv_plmn plmn; uint16_t lac, sac; } sai;
	struct { struct tlv_plmn plmn; uint16_t lac, rac; } rai; /* rac: high octet, low 0xff */
	struct { struct tlv_plmn plmn; uint16_t tac; } tai;
	struct { struct tlv_plmn plmn; uint32_t eci; } ecgi; /* 28 bits */
	struct { struct tlv_plmn plmn; uint16_t lac; } lai;
	struct { struct tlv_plmn plmn; uint32_t id; } enb, ext_enb; /* 20 and 21 bits; ext: bit 23 SMeNB */
};
struct s5_fteid {
	uint8_t iface; /* enum s5_interface */
	uint32_t teid;
	bool v4, v6;
	struct in_addr ip4;
	struct in6_addr ip6;
};
struct s5_trace { struct tlv_plmn plmn; uint32_t id; uint8_t triggers[9], ne_types[2], depth, interfaces[12]; struct str collector; };
#define S5_BEARER_FLAGS(F) F(ppc) F(vb) F(vind) F(asi)
struct s5_bearer_flags { S5_BEARER_FLAGS(TLV_BOOL) };
struct s5_time_zone { int8_t quarters; uint8_t dst; }; /* of an hour, east positive; hours of daylight saving */
struct s5_container { uint8_t type; struct str v; };
#define S5_CSIDS_MAX 15
struct s5_fq_csid {
	uint8_t node_type; /* 0: IPv4, 1: IPv6, 2: MCC, MNC and 12 bits */
	uint8_t node[16];  /* 4 or 16 octets */
	uint16_t csid[S5_CSIDS_MAX];
	uint8_t n;
};
struct s5_uci { struct tlv_plmn plmn; uint32_t csg; uint8_t access; bool lcsg, cmi; };
struct s5_ip4cp { uint8_t bits; struct in_addr router; };
struct s5_twan {
	struct str ssid;
	bool has_bssid, has_plmn, has_civic, has_operator, has_relay;
	uint8_t bssid[6], relay_type;
	struct str civic, operator_name, relay, circuit;
	struct tlv_plmn plmn;
};
struct s5_ran_nas_cause { uint8_t protocol, type; struct str v; };
struct s5_twmi { bool mcm, scm; };
struct s5_node_id { struct str name, realm; };
struct s5_apn_capacity { uint8_t capacity; struct str apn; }; /* apn: labels as on the wire */
struct s5_remote_user { struct str imsi, msisdn, imei; }; /* TBCD; msisdn, imei: p NULL: absent */
struct s5_plmn_rate { uint16_t ul, dl; };
struct s5_counter { uint32_t timestamp; uint8_t value; };
struct s5_secondary_rat { bool irpgw, irsgw, srudn; uint8_t rat, ebi; uint32_t start, end; uint64_t dl, ul; };
struct s5_loss { bool has_ul, has_dl; uint16_t ul, dl; }; /* tenths of a percent */
struct s5_apn_rate { uint32_t ul, exceptions, dl; uint64_t until; };
struct s5_pscell { struct tlv_plmn plmn; uint64_t nci; };

/* --- IEs (table 8.1-1): id, type, name, clause, C type, codec, octets at least, at most (0: extendable) --- */
#define S5_IES(X)                                                                                   \
	X(IMSI, 1, "IMSI", "8.3", struct s5_digits, digits, 3, 8)                                   \
	X(CAUSE, 2, "Cause", "8.4", struct s5_cause_ie, cause, 2, 0)                                \
	X(RECOVERY, 3, "Recovery", "8.5", uint8_t, u8, 1, 0)                                        \
	X(APN, 71, "APN", "8.6", struct s5_name, labels, 1, 100)                                    \
	X(AMBR, 72, "AMBR", "8.7", struct s5_ambr, ambr, 8, 8)                                      \
	X(EBI, 73, "EBI", "8.8", uint8_t, low4, 1, 0)                                               \
	X(IP_ADDRESS, 74, "IP Address", "8.9", struct s5_ip, ip, 4, 16)                             \
	X(MEI, 75, "MEI", "8.10", struct s5_digits, digits, 1, 8)                                   \
	X(MSISDN, 76, "MSISDN", "8.11", struct s5_digits, digits, 1, 8)                             \
	X(INDICATION, 77, "Indication", "8.12", struct s5_indication, indication, 2, 0)             \
	X(PCO, 78, "PCO", "8.13", struct nas_pco, pco, 1, 0)                                        \
	X(PAA, 79, "PAA", "8.14", struct s5_paa, paa, 1, 0)                                         \
	X(BEARER_QOS, 80, "Bearer QoS", "8.15", struct s5_qos, bearer_qos, 22, 0)                   \
	X(FLOW_QOS, 81, "Flow QoS", "8.16", struct s5_qos, flow_qos, 21, 0)                         \
	X(RAT_TYPE, 82, "RAT Type", "8.17", uint8_t, u8, 1, 0)                                      \
	X(SERVING_NETWORK, 83, "Serving Network", "8.18", struct tlv_plmn, plmn, 3, 0)              \
	X(TFT, 84, "Bearer TFT", "8.19", struct nas_tft, tft, 1, 0)                                 \
	X(TAD, 85, "TAD", "8.20", struct nas_tft, tad, 1, 0)                                        \
	X(ULI, 86, "ULI", "8.21", struct s5_uli, uli, 1, 0)                                         \
	X(F_TEID, 87, "F-TEID", "8.22", struct s5_fteid, fteid, 9, 0)                               \
	X(DELAY_VALUE, 92, "Delay Value", "8.27", uint8_t, u8, 1, 0)                                \
	X(BEARER_CONTEXT, 93, "Bearer Context", "8.28", struct s5_group, group, 0, 0)               \
	X(CHARGING_ID, 94, "Charging ID", "8.29", uint32_t, u32, 4, 0)                              \
	X(CHARGING_CHARACTERISTICS, 95, "Charging Characteristics", "8.30", uint16_t, u16, 2, 0)    \
	X(TRACE_INFORMATION, 96, "Trace Information", "8.31", struct s5_trace, trace, 34, 0)        \
	X(BEARER_FLAGS, 97, "Bearer Flags", "8.32", struct s5_bearer_flags, bearer_flags, 1, 0)     \
	X(PDN_TYPE, 99, "PDN Type", "8.34", uint8_t, pdn_type, 1, 0)                                \
	X(PTI, 100, "PTI", "8.35", uint8_t, u8, 1, 0)                                               \
	X(P_TMSI, 111, "P-TMSI", "8.41", uint32_t, u32, 4, 0)                                       \
	X(HOP_COUNTER, 113, "Hop Counter", "8.43", uint8_t, u8, 1, 0)                               \
	X(UE_TIME_ZONE, 114, "UE Time Zone", "8.44", struct s5_time_zone, time_zone, 2, 0)          \
	X(TRACE_REFERENCE, 115, "Trace Reference", "8.45", struct str, rest, 6, 6)                  \
	X(F_CONTAINER, 118, "F-Container", "8.48", struct s5_container, container, 1, 0)            \
	X(PORT_NUMBER, 126, "Port Number", "8.56", uint16_t, u16, 2, 0)                             \
	X(APN_RESTRICTION, 127, "APN Restriction", "8.57", uint8_t, u8, 1, 0)                       \
	X(SELECTION_MODE, 128, "Selection Mode", "8.58", uint8_t, low2, 1, 0)                       \
	X(CHANGE_REPORTING, 131, "Change Reporting Action", "8.61", uint8_t, u8, 1, 0)              \
	X(FQ_CSID, 132, "FQ-CSID", "8.62", struct s5_fq_csid, fq_csid, 5, 0)                        \
	X(NODE_TYPE, 135, "Node Type", "8.65", uint8_t, u8, 1, 0)                                   \
	X(FQDN, 136, "FQDN", "8.66", struct s5_name, labels, 1, 255)                                \
	X(UCI, 145, "UCI", "8.75", struct s5_uci, uci, 8, 0)                                        \
	X(CSG_REPORTING, 146, "CSG Information Reporting Action", "8.76", uint8_t, u8, 1, 0)        \
	X(LDN, 151, "LDN", "8.82", struct str, text, 1, 400)                                        \
	X(NODE_FEATURES, 152, "Node Features", "8.83", uint8_t, u8, 1, 0)                           \
	X(EPC_TIMER, 156, "EPC Timer", "8.87", struct tlv_timer, timer, 1, 0)                       \
	X(SIGNALLING_PRIORITY, 157, "Signalling Priority Indication", "8.88", uint8_t, u8, 1, 0)    \
	X(APCO, 163, "APCO", "8.94", struct nas_pco, pco, 1, 0)                                     \
	X(HENB_REPORTING, 165, "H(e)NB Information Reporting", "8.96", uint8_t, u8, 1, 0)           \
	X(IP4CP, 166, "IP4CP", "8.97", struct s5_ip4cp, ip4cp, 5, 0)                                \
	X(TWAN_IDENTIFIER, 169, "TWAN Identifier", "8.100", struct s5_twan, twan, 2, 0)             \
	X(ULI_TIMESTAMP, 170, "ULI Timestamp", "8.101", uint32_t, u32, 4, 0)                        \
	X(RAN_NAS_CAUSE, 172, "RAN/NAS Cause", "8.103", struct s5_ran_nas_cause, ran_nas, 2, 0)     \
	X(CN_OPERATOR, 173, "CN Operator Selection Entity", "8.104", uint8_t, u8, 1, 0)             \
	X(TWMI, 174, "Trusted WLAN Mode Indication", "8.105", struct s5_twmi, twmi, 1, 0)           \
	X(NODE_IDENTIFIER, 176, "Node Identifier", "8.107", struct s5_node_id, node_id, 2, 0)       \
	X(PRA_ACTION, 177, "Presence Reporting Area Action", "8.108", struct str, rest, 1, 0)       \
	X(PRA_INFO, 178, "Presence Reporting Area Information", "8.109", struct str, rest, 4, 0)    \
	X(TWAN_TIMESTAMP, 179, "TWAN Identifier Timestamp", "8.110", uint32_t, u32, 4, 0)           \
	X(OVERLOAD, 180, "Overload Control Information", "8.111", struct s5_group, group, 0, 0)     \
	X(LOAD, 181, "Load Control Information", "8.112", struct s5_group, group, 0, 0)             \
	X(METRIC, 182, "Metric", "8.113", uint8_t, u8, 1, 1)                                        \
	X(SEQUENCE_NUMBER, 183, "Sequence Number", "8.114", uint32_t, u32, 4, 4)                    \
	X(APN_CAPACITY, 184, "APN and Relative Capacity", "8.115", struct s5_apn_capacity, apn_capacity, 3, 0) \
	X(INTEGER_NUMBER, 187, "Integer Number", "8.118", uint64_t, integer, 1, 8)                  \
	X(MS_TIMESTAMP, 188, "Millisecond Time Stamp", "8.119", uint64_t, u48, 6, 0)                \
	X(REMOTE_UE_CONTEXT, 191, "Remote UE Context", "8.122", struct s5_group, group, 0, 0)       \
	X(REMOTE_USER_ID, 192, "Remote User ID", "8.123", struct s5_remote_user, remote_user, 2, 0) \
	X(REMOTE_UE_IP, 193, "Remote UE IP Information", "8.124", struct str, rest, 1, 0)           \
	X(EPCO, 197, "ePCO", "8.128", struct nas_pco, epco, 1, 0)                                   \
	X(PLMN_RATE, 198, "Serving PLMN Rate Control", "8.129", struct s5_plmn_rate, plmn_rate, 4, 0) \
	X(COUNTER, 199, "Counter", "8.130", struct s5_counter, counter, 5, 0)                       \
	X(USAGE_TYPE, 200, "Mapped UE Usage Type", "8.131", uint16_t, u16, 2, 0)                    \
	X(SECONDARY_RAT, 201, "Secondary RAT Usage Data Report", "8.132", struct s5_secondary_rat, secondary_rat, 27, 0) \
	X(UP_SELECTION, 202, "UP Function Selection Indication Flags", "8.133", uint8_t, u8, 1, 0)  \
	X(MAX_LOSS, 203, "Maximum Packet Loss Rate", "8.134", struct s5_loss, loss, 1, 0)           \
	X(APN_RATE, 204, "APN Rate Control Status", "8.135", struct s5_apn_rate, apn_rate, 20, 0)   \
	X(SGI_PTP, 213, "SGi PtP Tunnel Address", "8.144", struct str, rest, 1, 0)                  \
	X(PGW_CHANGE_INFO, 214, "PGW Change Info", "8.145", struct s5_group, group, 0, 0)           \
	X(PGW_FQDN, 215, "PGW FQDN", "8.146", struct str, rest, 1, 0)                               \
	X(GROUP_ID, 216, "Group Id", "8.147", struct str, rest, 1, 0)                               \
	X(PSCELL_ID, 217, "PSCell ID", "8.148", struct s5_pscell, pscell, 8, 8)                     \
	X(UP_SECURITY, 218, "UP Security Policy", "8.149", uint8_t, u8, 1, 0)

struct s5_group; /* grouped: the C type is in the row of the message */
enum s5_ie_type {
#define X(id, t, n, s, c, f, lo, hi) S5_IE_##id = t,
	S5_IES(X)
#undef X
};

#define S5_BEARERS_MAX 11 /* EBI 5..15 */
#define S5_CONNECTIONS_MAX 8

/* --- grouped IEs --- */
#define S5_overload(ONE, MANY, SUB, SUBS)                                                           \
	ONE(M, seq, SEQUENCE_NUMBER, 0)                                                             \
	ONE(M, reduction, METRIC, 0)                                                                \
	ONE(M, validity, EPC_TIMER, 0)                                                              \
	MANY(C, apn, APN, 0, 4)
#define S5_load(ONE, MANY, SUB, SUBS)                                                               \
	ONE(M, seq, SEQUENCE_NUMBER, 0)                                                             \
	ONE(M, load, METRIC, 0)                                                                     \
	MANY(C, apn, APN_CAPACITY, 0, 10)
#define S5_remote_ue(ONE, MANY, SUB, SUBS)                                                          \
	ONE(M, user, REMOTE_USER_ID, 0)                                                             \
	ONE(M, ip, REMOTE_UE_IP, 0)
#define S5_pgw_change(ONE, MANY, SUB, SUBS)                                                         \
	ONE(O, set_fqdn, PGW_FQDN, 0)                                                               \
	ONE(O, alt_ip, IP_ADDRESS, 0)                                                               \
	ONE(O, alt_fqdn, PGW_FQDN, 1)                                                               \
	ONE(C, new_ip, IP_ADDRESS, 1)                                                               \
	ONE(O, new_sgw_ip, IP_ADDRESS, 3)                                                           \
	ONE(C, csid, FQ_CSID, 0)                                                                    \
	ONE(C, group, GROUP_ID, 0)                                                                  \
	ONE(C, pgw_ip, IP_ADDRESS, 2)                                                               \
	ONE(O, new_group, GROUP_ID, 1)
/* Bearer contexts: of each message its own. u_: user plane. */
#define S5_csr_bearer(ONE, MANY, SUB, SUBS) /* 7.2.1-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(O, tft, TFT, 0)                                                                         \
	ONE(C, s1u_enb, F_TEID, 0)                                                                  \
	ONE(C, s4u_sgsn, F_TEID, 1)                                                                 \
	ONE(C, s5u_sgw, F_TEID, 2)                                                                  \
	ONE(C, s5u_pgw, F_TEID, 3)                                                                  \
	ONE(C, s12_rnc, F_TEID, 4)                                                                  \
	ONE(C, s2bu_epdg, F_TEID, 5)                                                                \
	ONE(C, s2au_twan, F_TEID, 6)                                                                \
	ONE(C, s11u_mme, F_TEID, 7)                                                                 \
	ONE(M, qos, BEARER_QOS, 0)
#define S5_ebi_fteid(ONE, MANY, SUB, SUBS) /* 7.2.1-3 */                                            \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(C, s4u_sgsn, F_TEID, 0)
#define S5_csp_bearer(ONE, MANY, SUB, SUBS) /* 7.2.2-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, s1u_sgw, F_TEID, 0)                                                                  \
	ONE(C, s4u_sgw, F_TEID, 1)                                                                  \
	ONE(C, s5u_pgw, F_TEID, 2)                                                                  \
	ONE(C, s12_sgw, F_TEID, 3)                                                                  \
	ONE(C, s2bu_pgw, F_TEID, 4)                                                                 \
	ONE(C, s2au_pgw, F_TEID, 5)                                                                 \
	ONE(C, s11u_sgw, F_TEID, 6)                                                                 \
	ONE(C, qos, BEARER_QOS, 0)                                                                  \
	ONE(C, charging_id, CHARGING_ID, 0)                                                         \
	ONE(O, flags, BEARER_FLAGS, 0)
#define S5_ebi_cause(ONE, MANY, SUB, SUBS) /* 7.2.2-3, 7.2.8-3, 7.2.9.2-2, 7.2.17.2-2 */            \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)
#define S5_cbr_bearer(ONE, MANY, SUB, SUBS) /* 7.2.3-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, tft, TFT, 0)                                                                         \
	ONE(C, s1u_sgw, F_TEID, 0)                                                                  \
	ONE(C, s5u_pgw, F_TEID, 1)                                                                  \
	ONE(C, s12_sgw, F_TEID, 2)                                                                  \
	ONE(C, s4u_sgw, F_TEID, 3)                                                                  \
	ONE(C, s2bu_pgw, F_TEID, 4)                                                                 \
	ONE(C, s2au_pgw, F_TEID, 5)                                                                 \
	ONE(M, qos, BEARER_QOS, 0)                                                                  \
	ONE(C, charging_id, CHARGING_ID, 0)                                                         \
	ONE(O, flags, BEARER_FLAGS, 0)                                                              \
	ONE(O, pco, PCO, 0)                                                                         \
	ONE(O, epco, EPCO, 0)                                                                       \
	ONE(O, loss, MAX_LOSS, 0)
#define S5_cbp_bearer(ONE, MANY, SUB, SUBS) /* 7.2.4-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, s1u_enb, F_TEID, 0)                                                                  \
	ONE(C, s1u_sgw, F_TEID, 1)                                                                  \
	ONE(C, s5u_sgw, F_TEID, 2)                                                                  \
	ONE(C, s5u_pgw, F_TEID, 3)                                                                  \
	ONE(C, s12_rnc, F_TEID, 4)                                                                  \
	ONE(C, s12_sgw, F_TEID, 5)                                                                  \
	ONE(C, s4u_sgsn, F_TEID, 6)                                                                 \
	ONE(C, s4u_sgw, F_TEID, 7)                                                                  \
	ONE(C, s2bu_epdg, F_TEID, 8)                                                                \
	ONE(C, s2bu_pgw, F_TEID, 9)                                                                 \
	ONE(C, s2au_twan, F_TEID, 10)                                                               \
	ONE(C, s2au_pgw, F_TEID, 11)                                                                \
	ONE(C, pco, PCO, 0)                                                                         \
	MANY(C, ran_nas_cause, RAN_NAS_CAUSE, 0, 2)                                                 \
	ONE(C, epco, EPCO, 0)
#define S5_mbr_bearer(ONE, MANY, SUB, SUBS) /* 7.2.7-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(C, s1u_enb, F_TEID, 0)                                                                  \
	ONE(C, s5u_sgw, F_TEID, 1)                                                                  \
	ONE(C, s12_rnc, F_TEID, 2)                                                                  \
	ONE(C, s4u_sgsn, F_TEID, 3)                                                                 \
	ONE(C, s11u_mme, F_TEID, 4)
#define S5_ebi_only(ONE, MANY, SUB, SUBS) /* 7.2.7-3 */                                             \
	ONE(M, ebi, EBI, 0)
#define S5_mbp_bearer(ONE, MANY, SUB, SUBS) /* 7.2.8-2 */                                           \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, s1u_sgw, F_TEID, 0)                                                                  \
	ONE(C, s12_sgw, F_TEID, 1)                                                                  \
	ONE(C, s4u_sgw, F_TEID, 2)                                                                  \
	ONE(C, s11u_sgw, F_TEID, 3)                                                                 \
	ONE(C, charging_id, CHARGING_ID, 0)                                                         \
	ONE(C, flags, BEARER_FLAGS, 0)
#define S5_dbp_bearer(ONE, MANY, SUB, SUBS) /* 7.2.10.2-2 */                                        \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, pco, PCO, 0)                                                                         \
	MANY(C, ran_nas_cause, RAN_NAS_CAUSE, 0, 2)                                                 \
	ONE(C, epco, EPCO, 0)
#define S5_mbc_bearer(ONE, MANY, SUB, SUBS) /* 7.2.14.1-2 */                                        \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(C, qos, BEARER_QOS, 0)
#define S5_ubr_bearer(ONE, MANY, SUB, SUBS) /* 7.2.15-2 */                                          \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(C, tft, TFT, 0)                                                                         \
	ONE(C, qos, BEARER_QOS, 0)                                                                  \
	ONE(O, flags, BEARER_FLAGS, 0)                                                              \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, apco, APCO, 0)                                                                       \
	ONE(C, epco, EPCO, 0)                                                                       \
	ONE(O, loss, MAX_LOSS, 0)
#define S5_ubp_bearer(ONE, MANY, SUB, SUBS) /* 7.2.16-2 */                                          \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, s4u_sgsn, F_TEID, 0)                                                                 \
	ONE(C, s12_rnc, F_TEID, 1)                                                                  \
	ONE(C, pco, PCO, 0)                                                                         \
	MANY(C, ran_nas_cause, RAN_NAS_CAUSE, 0, 2)                                                 \
	ONE(C, epco, EPCO, 0)
#define S5_dbc_bearer(ONE, MANY, SUB, SUBS) /* 7.2.17.1-2 */                                        \
	ONE(M, ebi, EBI, 0)                                                                         \
	ONE(C, flags, BEARER_FLAGS, 0)                                                              \
	MANY(C, ran_nas_cause, RAN_NAS_CAUSE, 0, 2)

#define S5_GROUPS(X)                                                                                \
	X(overload) X(load) X(remote_ue) X(pgw_change) X(csr_bearer) X(ebi_fteid) X(csp_bearer)     \
	X(ebi_cause) X(cbr_bearer) X(cbp_bearer) X(mbr_bearer) X(ebi_only) X(mbp_bearer)            \
	X(dbp_bearer) X(mbc_bearer) X(ubr_bearer) X(ubp_bearer) X(dbc_bearer)

/* Rows that many messages share. */
#define S5_PGW_LOAD(SUB, SUBS)                                                                      \
	SUB(O, pgw_load, LOAD, 0, load)                                                             \
	SUBS(O, pgw_apn_load, LOAD, 1, 4, load)                                                     \
	SUB(O, sgw_load, LOAD, 2, load)
#define S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	SUBS(O, pgw_overload, OVERLOAD, 0, 4, overload)                                             \
	SUB(O, sgw_overload, OVERLOAD, 1, overload)
#define S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, mme_overload, OVERLOAD, 0, overload)                                                 \
	SUB(O, sgw_overload, OVERLOAD, 1, overload)
#define S5_UE_CSIDS(ONE)                                                                            \
	ONE(C, mme_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(C, epdg_csid, FQ_CSID, 2)                                                               \
	ONE(C, twan_csid, FQ_CSID, 3)
#define S5_WLAN(ONE)                                                                                \
	ONE(C, wlan_location, TWAN_IDENTIFIER, 1)                                                   \
	ONE(C, wlan_timestamp, TWAN_TIMESTAMP, 1)                                                   \
	ONE(C, ue_local_ip, IP_ADDRESS, 0)                                                          \
	ONE(C, ue_udp_port, PORT_NUMBER, 0)                                                         \
	ONE(C, ue_tcp_port, PORT_NUMBER, 1)

/* --- messages --- */
#define S5_echo_request(ONE, MANY, SUB, SUBS) /* 7.1.1 */                                           \
	ONE(M, recovery, RECOVERY, 0)                                                               \
	ONE(C, features, NODE_FEATURES, 0)
#define S5_echo_response S5_echo_request
#define S5_version_not_supported(ONE, MANY, SUB, SUBS)
#define S5_create_session_request(ONE, MANY, SUB, SUBS) /* 7.2.1 */                                 \
	ONE(C, imsi, IMSI, 0)                                                                       \
	ONE(C, msisdn, MSISDN, 0)                                                                   \
	ONE(C, mei, MEI, 0)                                                                         \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, serving_network, SERVING_NETWORK, 0)                                                 \
	ONE(M, rat_type, RAT_TYPE, 0)                                                               \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(M, sender, F_TEID, 0)                                                                   \
	ONE(C, pgw, F_TEID, 1)                                                                      \
	ONE(M, apn, APN, 0)                                                                         \
	ONE(C, selection_mode, SELECTION_MODE, 0)                                                   \
	ONE(C, pdn_type, PDN_TYPE, 0)                                                               \
	ONE(C, paa, PAA, 0)                                                                         \
	ONE(C, max_apn_restriction, APN_RESTRICTION, 0)                                             \
	ONE(C, ambr, AMBR, 0)                                                                       \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, twmi, TWMI, 0)                                                                       \
	ONE(C, pco, PCO, 0)                                                                         \
	SUBS(M, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, csr_bearer)                              \
	SUBS(C, removed, BEARER_CONTEXT, 1, S5_BEARERS_MAX, ebi_fteid)                              \
	ONE(C, trace, TRACE_INFORMATION, 0)                                                         \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	S5_UE_CSIDS(ONE)                                                                            \
	ONE(C, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, uci, UCI, 0)                                                                         \
	ONE(C, charging_characteristics, CHARGING_CHARACTERISTICS, 0)                               \
	ONE(O, mme_ldn, LDN, 0)                                                                     \
	ONE(O, sgw_ldn, LDN, 1)                                                                     \
	ONE(O, epdg_ldn, LDN, 2)                                                                    \
	ONE(O, twan_ldn, LDN, 3)                                                                    \
	ONE(C, signalling_priority, SIGNALLING_PRIORITY, 0)                                         \
	ONE(C, ue_local_ip, IP_ADDRESS, 0)                                                          \
	ONE(C, ue_udp_port, PORT_NUMBER, 0)                                                         \
	ONE(C, ue_tcp_port, PORT_NUMBER, 2)                                                         \
	ONE(C, apco, APCO, 0)                                                                       \
	ONE(C, henb_ip, IP_ADDRESS, 1)                                                              \
	ONE(C, henb_port, PORT_NUMBER, 1)                                                           \
	ONE(C, mme_ip, IP_ADDRESS, 2)                                                               \
	ONE(C, twan, TWAN_IDENTIFIER, 0)                                                            \
	ONE(O, epdg_ip, IP_ADDRESS, 3)                                                              \
	ONE(C, cn_operator, CN_OPERATOR, 0)                                                         \
	MANY(C, pra_info, PRA_INFO, 0, 4)                                                           \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	ONE(C, origination, MS_TIMESTAMP, 0)                                                        \
	ONE(C, max_wait, INTEGER_NUMBER, 0)                                                         \
	ONE(C, wlan_location, TWAN_IDENTIFIER, 1)                                                   \
	ONE(C, wlan_timestamp, TWAN_TIMESTAMP, 0)                                                   \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	SUBS(C, remote_ue, REMOTE_UE_CONTEXT, 0, 4, remote_ue)                                      \
	ONE(O, aaa_server, NODE_IDENTIFIER, 0)                                                      \
	ONE(C, epco, EPCO, 0)                                                                       \
	ONE(C, plmn_rate, PLMN_RATE, 0)                                                             \
	ONE(C, mo_exceptions, COUNTER, 0)                                                           \
	ONE(C, usage_type, USAGE_TYPE, 0)                                                           \
	ONE(C, uli_sgw, ULI, 1)                                                                     \
	ONE(C, sgwu_name, FQDN, 0)                                                                  \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, up_selection, UP_SELECTION, 0)                                                       \
	ONE(C, apn_rate, APN_RATE, 0)
#define S5_create_session_response(ONE, MANY, SUB, SUBS) /* 7.2.2 */                                \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, change_reporting, CHANGE_REPORTING, 0)                                               \
	ONE(C, csg_reporting, CSG_REPORTING, 0)                                                     \
	ONE(C, henb_reporting, HENB_REPORTING, 0)                                                   \
	ONE(C, sender, F_TEID, 0)                                                                   \
	ONE(C, pgw, F_TEID, 1)                                                                      \
	ONE(C, paa, PAA, 0)                                                                         \
	ONE(C, apn_restriction, APN_RESTRICTION, 0)                                                 \
	ONE(C, ambr, AMBR, 0)                                                                       \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, pco, PCO, 0)                                                                         \
	SUBS(S, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, csp_bearer)                              \
	SUBS(C, removed, BEARER_CONTEXT, 1, S5_BEARERS_MAX, ebi_cause)                              \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(C, charging_gateway_name, FQDN, 0)                                                      \
	ONE(C, charging_gateway, IP_ADDRESS, 0)                                                     \
	ONE(C, pgw_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(O, sgw_ldn, LDN, 0)                                                                     \
	ONE(O, pgw_ldn, LDN, 1)                                                                     \
	ONE(O, back_off, EPC_TIMER, 0)                                                              \
	ONE(C, apco, APCO, 0)                                                                       \
	ONE(C, ip4cp, IP4CP, 0)                                                                     \
	ONE(C, indication, INDICATION, 0)                                                           \
	MANY(C, pra_action, PRA_ACTION, 0, 4)                                                       \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	ONE(C, charging_id, CHARGING_ID, 0)                                                         \
	ONE(C, epco, EPCO, 0)                                                                       \
	ONE(C, pgw_name, FQDN, 1)                                                                   \
	ONE(C, sgi_ptp, SGI_PTP, 0)                                                                 \
	SUBS(C, pgw_change, PGW_CHANGE_INFO, 0, 2, pgw_change)                                      \
	ONE(O, alt_pgw_fqdn, FQDN, 3)                                                               \
	ONE(O, alt_pgw_ip, IP_ADDRESS, 1)                                                           \
	ONE(C, up_security, UP_SECURITY, 0)
#define S5_create_bearer_request(ONE, MANY, SUB, SUBS) /* 7.2.3 */                                  \
	ONE(C, pti, PTI, 0)                                                                         \
	ONE(M, lbi, EBI, 0)                                                                         \
	ONE(O, pco, PCO, 0)                                                                         \
	SUBS(M, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, cbr_bearer)                              \
	ONE(C, pgw_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(C, change_reporting, CHANGE_REPORTING, 0)                                               \
	ONE(C, csg_reporting, CSG_REPORTING, 0)                                                     \
	ONE(C, henb_reporting, HENB_REPORTING, 0)                                                   \
	MANY(C, pra_action, PRA_ACTION, 0, 4)                                                       \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	SUBS(C, pgw_change, PGW_CHANGE_INFO, 0, 2, pgw_change)
#define S5_create_bearer_response(ONE, MANY, SUB, SUBS) /* 7.2.4 */                                 \
	ONE(M, cause, CAUSE, 0)                                                                     \
	SUBS(S, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, cbp_bearer)                              \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	S5_UE_CSIDS(ONE)                                                                            \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(O, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, twan, TWAN_IDENTIFIER, 0)                                                            \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	MANY(C, pra_info, PRA_INFO, 0, 4)                                                           \
	S5_WLAN(ONE)                                                                                \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_bearer_resource_command(ONE, MANY, SUB, SUBS) /* 7.2.5 */                                \
	ONE(M, lbi, EBI, 0)                                                                         \
	ONE(M, pti, PTI, 0)                                                                         \
	ONE(C, flow_qos, FLOW_QOS, 0)                                                               \
	ONE(M, tad, TAD, 0)                                                                         \
	ONE(C, rat_type, RAT_TYPE, 0)                                                               \
	ONE(O, serving_network, SERVING_NETWORK, 0)                                                 \
	ONE(O, uli, ULI, 0)                                                                         \
	ONE(C, ebi, EBI, 1)                                                                         \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(C, s4u_sgsn, F_TEID, 0)                                                                 \
	ONE(C, s12_rnc, F_TEID, 1)                                                                  \
	ONE(O, pco, PCO, 0)                                                                         \
	ONE(C, signalling_priority, SIGNALLING_PRIORITY, 0)                                         \
	S5_MME_OVERLOAD(SUB)                                                                        \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	ONE(O, epco, EPCO, 0)                                                                       \
	ONE(C, sender, F_TEID, 2)                                                                   \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_bearer_resource_failure(ONE, MANY, SUB, SUBS) /* 7.2.6 */                                \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(M, lbi, EBI, 0)                                                                         \
	ONE(M, pti, PTI, 0)                                                                         \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(O, recovery, RECOVERY, 0)                                                               \
	ONE(C, nbifom, F_CONTAINER, 0)
#define S5_modify_bearer_request(ONE, MANY, SUB, SUBS) /* 7.2.7 */                                  \
	ONE(C, mei, MEI, 0)                                                                         \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, serving_network, SERVING_NETWORK, 0)                                                 \
	ONE(C, rat_type, RAT_TYPE, 0)                                                               \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(C, sender, F_TEID, 0)                                                                   \
	ONE(C, ambr, AMBR, 0)                                                                       \
	ONE(C, delay, DELAY_VALUE, 0)                                                               \
	SUBS(C, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, mbr_bearer)                              \
	SUBS(C, removed, BEARER_CONTEXT, 1, S5_BEARERS_MAX, ebi_only)                               \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(C, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, mme_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(C, uci, UCI, 0)                                                                         \
	ONE(C, ue_local_ip, IP_ADDRESS, 1)                                                          \
	ONE(C, ue_udp_port, PORT_NUMBER, 1)                                                         \
	ONE(O, mme_ldn, LDN, 0)                                                                     \
	ONE(O, sgw_ldn, LDN, 1)                                                                     \
	ONE(C, henb_ip, IP_ADDRESS, 0)                                                              \
	ONE(C, henb_port, PORT_NUMBER, 0)                                                           \
	ONE(C, mme_ip, IP_ADDRESS, 2)                                                               \
	ONE(C, cn_operator, CN_OPERATOR, 0)                                                         \
	MANY(C, pra_info, PRA_INFO, 0, 4)                                                           \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	ONE(C, plmn_rate, PLMN_RATE, 0)                                                             \
	ONE(C, mo_exceptions, COUNTER, 0)                                                           \
	ONE(O, imsi, IMSI, 0)                                                                       \
	ONE(C, uli_sgw, ULI, 1)                                                                     \
	ONE(C, wlan_location, TWAN_IDENTIFIER, 0)                                                   \
	ONE(C, wlan_timestamp, TWAN_TIMESTAMP, 0)                                                   \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_modify_bearer_response(ONE, MANY, SUB, SUBS) /* 7.2.8 */                                 \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, msisdn, MSISDN, 0)                                                                   \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, apn_restriction, APN_RESTRICTION, 0)                                                 \
	ONE(C, pco, PCO, 0)                                                                         \
	SUBS(C, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, mbp_bearer)                              \
	SUBS(C, removed, BEARER_CONTEXT, 1, S5_BEARERS_MAX, ebi_cause)                              \
	ONE(C, change_reporting, CHANGE_REPORTING, 0)                                               \
	ONE(C, csg_reporting, CSG_REPORTING, 0)                                                     \
	ONE(C, henb_reporting, HENB_REPORTING, 0)                                                   \
	ONE(C, charging_gateway_name, FQDN, 0)                                                      \
	ONE(C, charging_gateway, IP_ADDRESS, 0)                                                     \
	ONE(C, pgw_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(O, sgw_ldn, LDN, 0)                                                                     \
	ONE(O, pgw_ldn, LDN, 1)                                                                     \
	ONE(C, indication, INDICATION, 0)                                                           \
	MANY(C, pra_action, PRA_ACTION, 0, 4)                                                       \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, charging_id, CHARGING_ID, 0)                                                         \
	SUBS(C, pgw_change, PGW_CHANGE_INFO, 0, 2, pgw_change)
#define S5_delete_session_request(ONE, MANY, SUB, SUBS) /* 7.2.9.1 */                               \
	ONE(C, cause, CAUSE, 0)                                                                     \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, node, NODE_TYPE, 0)                                                                  \
	ONE(O, sender, F_TEID, 0)                                                                   \
	ONE(C, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, uli_timestamp, ULI_TIMESTAMP, 0)                                                     \
	MANY(C, ran_nas_cause, RAN_NAS_CAUSE, 0, 2)                                                 \
	ONE(C, twan, TWAN_IDENTIFIER, 0)                                                            \
	ONE(C, twan_timestamp, TWAN_TIMESTAMP, 0)                                                   \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	S5_WLAN(ONE)                                                                                \
	ONE(C, epco, EPCO, 0)                                                                       \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_delete_session_response(ONE, MANY, SUB, SUBS) /* 7.2.10.1 */                             \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, epco, EPCO, 0)                                                                       \
	ONE(C, apn_rate, APN_RATE, 0)
#define S5_delete_bearer_request(ONE, MANY, SUB, SUBS) /* 7.2.9.2 */                                \
	ONE(C, lbi, EBI, 0)                                                                         \
	MANY(C, ebi, EBI, 1, S5_BEARERS_MAX)                                                        \
	SUBS(O, failed, BEARER_CONTEXT, 0, S5_BEARERS_MAX, ebi_cause)                               \
	ONE(C, pti, PTI, 0)                                                                         \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, pgw_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	ONE(C, cause, CAUSE, 0)                                                                     \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	ONE(C, apn_rate, APN_RATE, 0)                                                               \
	ONE(C, epco, EPCO, 0)                                                                       \
	SUBS(C, pgw_change, PGW_CHANGE_INFO, 0, 2, pgw_change)
#define S5_delete_bearer_response(ONE, MANY, SUB, SUBS) /* 7.2.10.2 */                              \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, lbi, EBI, 0)                                                                         \
	SUBS(C, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, dbp_bearer)                              \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	S5_UE_CSIDS(ONE)                                                                            \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, uli_timestamp, ULI_TIMESTAMP, 0)                                                     \
	ONE(C, twan, TWAN_IDENTIFIER, 0)                                                            \
	ONE(C, twan_timestamp, TWAN_TIMESTAMP, 0)                                                   \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	S5_WLAN(ONE)                                                                                \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_modify_bearer_command(ONE, MANY, SUB, SUBS) /* 7.2.14.1 */                               \
	ONE(M, ambr, AMBR, 0)                                                                       \
	SUB(M, bearer, BEARER_CONTEXT, 0, mbc_bearer)                                               \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	ONE(C, sender, F_TEID, 0)
#define S5_modify_bearer_failure(ONE, MANY, SUB, SUBS) /* 7.2.14.2 */                               \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_OVERLOAD(SUB, SUBS)
#define S5_update_bearer_request(ONE, MANY, SUB, SUBS) /* 7.2.15 */                                 \
	SUBS(M, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, ubr_bearer)                              \
	ONE(C, pti, PTI, 0)                                                                         \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(M, ambr, AMBR, 0)                                                                       \
	ONE(C, change_reporting, CHANGE_REPORTING, 0)                                               \
	ONE(C, csg_reporting, CSG_REPORTING, 0)                                                     \
	ONE(C, henb_reporting, HENB_REPORTING, 0)                                                   \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(C, pgw_csid, FQ_CSID, 0)                                                                \
	ONE(C, sgw_csid, FQ_CSID, 1)                                                                \
	MANY(C, pra_action, PRA_ACTION, 0, 4)                                                       \
	S5_PGW_LOAD(SUB, SUBS)                                                                      \
	S5_PGW_OVERLOAD(SUB, SUBS)                                                                  \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	SUBS(C, pgw_change, PGW_CHANGE_INFO, 0, 2, pgw_change)
#define S5_update_bearer_response(ONE, MANY, SUB, SUBS) /* 7.2.16 */                                \
	ONE(M, cause, CAUSE, 0)                                                                     \
	SUBS(S, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, ubp_bearer)                              \
	ONE(C, pco, PCO, 0)                                                                         \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	S5_UE_CSIDS(ONE)                                                                            \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(O, time_zone, UE_TIME_ZONE, 0)                                                          \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, twan, TWAN_IDENTIFIER, 0)                                                            \
	S5_MME_OVERLOAD(SUB)                                                                        \
	SUB(O, epdg_overload, OVERLOAD, 2, overload)                                                \
	MANY(C, pra_info, PRA_INFO, 0, 4)                                                           \
	S5_WLAN(ONE)                                                                                \
	ONE(C, nbifom, F_CONTAINER, 0)                                                              \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_delete_bearer_command(ONE, MANY, SUB, SUBS) /* 7.2.17.1 */                               \
	SUBS(M, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, dbc_bearer)                              \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, uli_timestamp, ULI_TIMESTAMP, 0)                                                     \
	ONE(C, time_zone, UE_TIME_ZONE, 0)                                                          \
	S5_MME_OVERLOAD(SUB)                                                                        \
	ONE(C, sender, F_TEID, 0)                                                                   \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_delete_bearer_failure(ONE, MANY, SUB, SUBS) /* 7.2.17.2 */                               \
	ONE(M, cause, CAUSE, 0)                                                                     \
	SUBS(M, bearer, BEARER_CONTEXT, 0, S5_BEARERS_MAX, ebi_cause)                               \
	ONE(C, recovery, RECOVERY, 0)                                                               \
	ONE(C, indication, INDICATION, 0)                                                           \
	S5_PGW_OVERLOAD(SUB, SUBS)
#define S5_change_notification_request(ONE, MANY, SUB, SUBS) /* 7.3.14 */                           \
	ONE(C, imsi, IMSI, 0)                                                                       \
	ONE(C, mei, MEI, 0)                                                                         \
	ONE(C, indication, INDICATION, 0)                                                           \
	ONE(M, rat_type, RAT_TYPE, 0)                                                               \
	ONE(C, uli, ULI, 0)                                                                         \
	ONE(C, uci, UCI, 0)                                                                         \
	ONE(C, pgw_ip, IP_ADDRESS, 0)                                                               \
	ONE(C, lbi, EBI, 0)                                                                         \
	MANY(C, pra_info, PRA_INFO, 0, 4)                                                           \
	ONE(C, mo_exceptions, COUNTER, 0)                                                           \
	MANY(C, secondary_rat, SECONDARY_RAT, 0, 4)                                                 \
	ONE(C, pscell, PSCELL_ID, 0)
#define S5_change_notification_response(ONE, MANY, SUB, SUBS) /* 7.3.15 */                          \
	ONE(C, imsi, IMSI, 0)                                                                       \
	ONE(C, mei, MEI, 0)                                                                         \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, change_reporting, CHANGE_REPORTING, 0)                                               \
	ONE(C, csg_reporting, CSG_REPORTING, 0)                                                     \
	MANY(C, pra_action, PRA_ACTION, 0, 4)
#define S5_suspend_notification(ONE, MANY, SUB, SUBS) /* 7.4.1 */                                   \
	ONE(C, imsi, IMSI, 0)                                                                       \
	ONE(C, rai, ULI, 0)                                                                         \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, ptmsi, P_TMSI, 0)                                                                    \
	ONE(C, node, NODE_TYPE, 0)                                                                  \
	ONE(C, cp_ip, IP_ADDRESS, 0)                                                                \
	ONE(C, cp_port, PORT_NUMBER, 0)                                                             \
	ONE(O, hops, HOP_COUNTER, 0)                                                                \
	ONE(C, sender, F_TEID, 0)
#define S5_suspend_acknowledge(ONE, MANY, SUB, SUBS) /* 7.4.2 */                                    \
	ONE(M, cause, CAUSE, 0)
#define S5_resume_notification(ONE, MANY, SUB, SUBS) /* 7.4.3 */                                    \
	ONE(M, imsi, IMSI, 0)                                                                       \
	ONE(C, lbi, EBI, 0)                                                                         \
	ONE(C, node, NODE_TYPE, 0)                                                                  \
	ONE(C, sender, F_TEID, 0)
#define S5_resume_acknowledge S5_suspend_acknowledge /* 7.4.4 */
#define S5_delete_pdn_set_request(ONE, MANY, SUB, SUBS) /* 7.9.1 */                                 \
	MANY(C, mme_csid, FQ_CSID, 0, 4)                                                            \
	MANY(C, sgw_csid, FQ_CSID, 1, 4)                                                            \
	MANY(C, pgw_csid, FQ_CSID, 2, 4)                                                            \
	MANY(C, epdg_csid, FQ_CSID, 3, 4)                                                           \
	MANY(C, twan_csid, FQ_CSID, 4, 4)
#define S5_delete_pdn_set_response(ONE, MANY, SUB, SUBS) /* 7.9.2 */                                \
	ONE(M, cause, CAUSE, 0)                                                                     \
	ONE(C, recovery, RECOVERY, 0)

/* id, struct, type, name, clause, REQ (initial, or without cause) or RSP (has a cause of its own) */
#define S5_MESSAGES(X)                                                                              \
	X(ECHO_REQUEST, echo_request, 1, "Echo Request", "7.1.1", REQ)                              \
	X(ECHO_RESPONSE, echo_response, 2, "Echo Response", "7.1.2", REQ)                           \
	X(VERSION_NOT_SUPPORTED, version_not_supported, 3, "Version Not Supported Indication", "7.1.3", REQ) \
	X(CREATE_SESSION_REQUEST, create_session_request, 32, "Create Session Request", "7.2.1", REQ) \
	X(CREATE_SESSION_RESPONSE, create_session_response, 33, "Create Session Response", "7.2.2", RSP) \
	X(MODIFY_BEARER_REQUEST, modify_bearer_request, 34, "Modify Bearer Request", "7.2.7", REQ)  \
	X(MODIFY_BEARER_RESPONSE, modify_bearer_response, 35, "Modify Bearer Response", "7.2.8", RSP) \
	X(DELETE_SESSION_REQUEST, delete_session_request, 36, "Delete Session Request", "7.2.9.1", REQ) \
	X(DELETE_SESSION_RESPONSE, delete_session_response, 37, "Delete Session Response", "7.2.10.1", RSP) \
	X(CHANGE_NOTIFICATION_REQUEST, change_notification_request, 38, "Change Notification Request", "7.3.14", REQ) \
	X(CHANGE_NOTIFICATION_RESPONSE, change_notification_response, 39, "Change Notification Response", "7.3.15", RSP) \
	X(MODIFY_BEARER_COMMAND, modify_bearer_command, 64, "Modify Bearer Command", "7.2.14.1", REQ) \
	X(MODIFY_BEARER_FAILURE, modify_bearer_failure, 65, "Modify Bearer Failure Indication", "7.2.14.2", RSP) \
	X(DELETE_BEARER_COMMAND, delete_bearer_command, 66, "Delete Bearer Command", "7.2.17.1", REQ) \
	X(DELETE_BEARER_FAILURE, delete_bearer_failure, 67, "Delete Bearer Failure Indication", "7.2.17.2", RSP) \
	X(BEARER_RESOURCE_COMMAND, bearer_resource_command, 68, "Bearer Resource Command", "7.2.5", REQ) \
	X(BEARER_RESOURCE_FAILURE, bearer_resource_failure, 69, "Bearer Resource Failure Indication", "7.2.6", RSP) \
	X(CREATE_BEARER_REQUEST, create_bearer_request, 95, "Create Bearer Request", "7.2.3", REQ)  \
	X(CREATE_BEARER_RESPONSE, create_bearer_response, 96, "Create Bearer Response", "7.2.4", RSP) \
	X(UPDATE_BEARER_REQUEST, update_bearer_request, 97, "Update Bearer Request", "7.2.15", REQ) \
	X(UPDATE_BEARER_RESPONSE, update_bearer_response, 98, "Update Bearer Response", "7.2.16", RSP) \
	X(DELETE_BEARER_REQUEST, delete_bearer_request, 99, "Delete Bearer Request", "7.2.9.2", REQ) \
	X(DELETE_BEARER_RESPONSE, delete_bearer_response, 100, "Delete Bearer Response", "7.2.10.2", RSP) \
	X(DELETE_PDN_SET_REQUEST, delete_pdn_set_request, 101, "Delete PDN Connection Set Request", "7.9.1", REQ) \
	X(DELETE_PDN_SET_RESPONSE, delete_pdn_set_response, 102, "Delete PDN Connection Set Response", "7.9.2", RSP) \
	X(SUSPEND_NOTIFICATION, suspend_notification, 162, "Suspend Notification", "7.4.1", REQ)    \
	X(SUSPEND_ACKNOWLEDGE, suspend_acknowledge, 163, "Suspend Acknowledge", "7.4.2", RSP)       \
	X(RESUME_NOTIFICATION, resume_notification, 164, "Resume Notification", "7.4.3", REQ)       \
	X(RESUME_ACKNOWLEDGE, resume_acknowledge, 165, "Resume Acknowledge", "7.4.4", RSP)

enum s5_message {
#define X(id, s, t, n, c, k) S5_##id = t,
	S5_MESSAGES(X)
#undef X
};

/* --- structs from the lists --- */
#define X(id, t, n, s, c, f, lo, hi) typedef c s5_t_##id;
S5_IES(X)
#undef X
#define S5_F_ONE(p, f, ie, i) s5_t_##ie f; bool has_##f;
#define S5_F_MANY(p, f, ie, i, max) s5_t_##ie f[max]; size_t n_##f;
#define S5_F_SUB(p, f, ie, i, g) struct s5_##g f; bool has_##f;
#define S5_F_SUBS(p, f, ie, i, max, g) struct s5_##g f[max]; size_t n_##f;
#define X(g) struct s5_##g { S5_##g(S5_F_ONE, S5_F_MANY, S5_F_SUB, S5_F_SUBS) };
S5_GROUPS(X)
#undef X
#define X(id, s, t, n, c, k) struct s5_##s { S5_##s(S5_F_ONE, S5_F_MANY, S5_F_SUB, S5_F_SUBS) };
S5_MESSAGES(X)
#undef X

/* Room for any message. */
union s5_any {
#define X(id, s, t, n, c, k) struct s5_##s s;
	S5_MESSAGES(X)
#undef X
};

/* clang-format on */

/* --- calls --- */
const struct tlv_msg *s5_msg(uint8_t type); /* NULL: not one of these */
/*
 * Decodes a message of this type into its struct (or union s5_any). 0; -EBADMSG with *ret_err: cause and
 * offending IE for the answer; -ENOENT: no such message here.
 */
int s5_decode(const uint8_t *p, size_t n, struct tlv_hdr *ret_hdr, void *ret,
	      struct tlv_error *ret_err);
/*
 * Encodes a message with this TEID in its header (no TEID field in Echo and Version Not Supported) and
 * sequence number 0: the endpoint sets it. 0 or -EMSGSIZE.
 */
int s5_encode(enum s5_message type, uint32_t teid, const void *in, struct tlv_buf *b);
void s5_init(enum s5_message type, void *in); /* everything absent */
/* The cause of an answer to what could not be decoded. */
struct s5_cause_ie s5_cause_of(const struct tlv_error *e);
/*
 * What a PGW must find of the conditional IEs (7.7.6), whatever its sessions are: who it is for, an address or
 * a type of it, APN-AMBR, the tunnel endpoints of each bearer. 0, or -EBADMSG with cause 103.
 */
int s5_check_create_session(const struct s5_create_session_request *r, struct tlv_error *ret_err);
int s5_check_create_bearer(const struct s5_create_bearer_response *r, struct tlv_error *ret_err);
/* An answer that has nothing but a cause: to a request that is refused. 0, -ENOENT, -EMSGSIZE. */
int s5_encode_refusal(uint8_t request_type, uint32_t teid, struct s5_cause_ie cause,
		      struct tlv_buf *b);
char *s5_print(const uint8_t *p, size_t n, char *dst, size_t size); /* one line for the log */
void s5_doc(FILE *f);						    /* docs/ref/s5.md */

#endif
