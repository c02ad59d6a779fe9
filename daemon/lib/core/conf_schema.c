// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of all configuration keys: type, range, default, documentation.
 *
 * Invariants: every key has a default, and the defaults together are a working lab; rows of one
 * section stand together, in the order of conf_sections.
 */
#include "lib/core/conf_schema.h"

#define AT(m) offsetof(struct conf, m)

#define S_STR(s, k, d, doc)                                   \
	{                                                     \
#s, #k, CONF_STR, AT(s.k), 0, 0, d, NULL, doc \
	}
#define S_NAME(s, k, d, doc)                                   \
	{                                                      \
#s, #k, CONF_NAME, AT(s.k), 0, 0, d, NULL, doc \
	}
#define S_ADDR(s, k, d, doc)                                   \
	{                                                      \
#s, #k, CONF_ADDR, AT(s.k), 0, 0, d, NULL, doc \
	}
#define S_PORT(s, k, d, doc)                                       \
	{                                                          \
#s, #k, CONF_PORT, AT(s.k), 1, 65535, d, NULL, doc \
	}
#define S_U32(s, k, f, lo, hi, d, doc)                         \
	{                                                      \
#s, k, CONF_U32, AT(s.f), lo, hi, d, NULL, doc \
	}
#define S_BOOL(s, k, d, doc)                                   \
	{                                                      \
#s, #k, CONF_BOOL, AT(s.k), 0, 0, d, NULL, doc \
	}
#define S_WORDS(s, k, c, d, doc)                             \
	{                                                    \
#s, #k, CONF_WORDS, AT(s.k), 0, 0, d, c, doc \
	}
#define S_CHOICE(s, k, c, d, doc)                             \
	{                                                     \
#s, #k, CONF_CHOICE, AT(s.k), 0, 0, d, c, doc \
	}

const struct conf_section conf_sections[] = {
	{ "", "What holds for every daemon." },
	{ "network", "The home network and what all SIP functions share." },
	{ "pcscf", "The P-CSCF (TS 24.229 5.2): Gm towards phones, Mw towards the core, media." },
	{ "icscf", "The I-CSCF (TS 24.229 5.3)." },
	{ "scscf", "The S-CSCF (TS 24.229 5.4)." },
	{ "hss", "The HSS (TS 29.228, TS 33.102)." },
	{ "diameter", "The Diameter nodes (RFC 6733); the identity of each is NAME.DOMAIN." },
	{ "pcrf", "The PCRF (TS 29.212, TS 29.214)." },
	{ "smf", "The SMF as PGW-C (TS 29.274, TS 29.244)." },
	{ "upf", "The UPF, a PGW-U (TS 29.244, TS 29.281): the user plane of kims.ko." },
};

const struct conf_row conf_rows[] = {
	{ "", "log_level", CONF_CHOICE, AT(log_level), 0, 0, "notice", "err warn notice info debug",
	  "Least important lines that are logged" },

	S_NAME(network, domain, "ims.mnc001.mcc001.3gppnetwork.org",
	       "Home network domain name (TS 23.003 13.2)"),
	S_NAME(network, visited, "", "P-Visited-Network-ID of the P-CSCF; empty: the home domain"),
	S_ADDR(network, dns, "10.46.0.53", "DNS server that names are asked from"),
	S_PORT(network, dns_port, "53", "Its port"),
	S_U32(network, "t1_ms", t1_ms, 10, 60000, "500", "Timer T1 in the core (RFC 3261 17)"),
	S_U32(network, "t2_ms", t2_ms, 10, 120000, "4000", "Timer T2 in the core"),
	S_U32(network, "t4_ms", t4_ms, 10, 120000, "5000", "Timer T4 in the core"),
	S_BOOL(network, static_names, "yes",
	       "Names and addresses of this file are known without asking DNS"),
	S_STR(network, trusted, "",
	      "Addresses and prefixes (10.1.0.0/16) that may speak to the core by SIP (Mw) and "
	      "Diameter, besides this host and the functions of this file; all others are dropped"),

	S_NAME(pcscf, name, "", "Host name; empty: pcscf.DOMAIN"),
	S_ADDR(pcscf, gm4, "10.46.0.1", "IPv4 address towards phones, or none"),
	S_ADDR(pcscf, gm6, "fd46::1", "IPv6 address towards phones, or none"),
	S_ADDR(pcscf, mw, "10.46.0.1", "Address towards the core"),
	S_PORT(pcscf, gm_port, "5060", "Unprotected port on Gm"),
	S_PORT(pcscf, port_ps, "5064", "Protected server port (TS 33.203 7.1)"),
	S_PORT(pcscf, port_pc, "5063", "Protected client port (TS 33.203 7.1)"),
	S_PORT(pcscf, mw_port, "5070", "Port on Mw"),
	S_U32(pcscf, "gm_t1_ms", gm_t1_ms, 10, 60000, "2000", "Timer T1 on Gm (TS 24.229 7.7)"),
	S_U32(pcscf, "gm_t2_ms", gm_t2_ms, 10, 120000, "16000", "Timer T2 on Gm"),
	S_U32(pcscf, "gm_t4_ms", gm_t4_ms, 10, 120000, "17000", "Timer T4 on Gm"),
	S_ADDR(pcscf, media4, "none", "IPv4 address of the RTP relay; none: gm4"),
	S_ADDR(pcscf, media6, "none", "IPv6 address of the RTP relay; none: gm6"),
	S_PORT(pcscf, rtp_port_min, "20000", "First port of the RTP relay (even)"),
	S_PORT(pcscf, rtp_port_max, "39999", "Last port of the RTP relay"),
	S_U32(pcscf, "media_timeout_s", media_timeout_s, 0, 86400, "60",
	      "A call without RTP for so many seconds is ended; 0: never"),
	S_WORDS(pcscf, ipsec_algs, "hmac-sha-1-96 hmac-md5-96 aes-gmac null",
		"hmac-sha-1-96 hmac-md5-96",
		"Integrity algorithms offered, the preferred one first (TS 33.203 annex H); null goes with aes-gcm"),
	S_WORDS(pcscf, ipsec_ealgs, "aes-cbc des-ede3-cbc aes-gcm null",
		"aes-cbc null des-ede3-cbc",
		"Encryption algorithms offered, the preferred one first; aes-gmac goes with null"),
	S_BOOL(pcscf, ipsec_required, "yes",
	       "REGISTER without Security-Client is refused with 421"),
	S_BOOL(pcscf, reg_event, "yes",
	       "Subscribe to the registration state of each user (TS 24.229 5.2.3)"),
	S_BOOL(pcscf, kernel, "yes", "Use kims.ko and XFRM; no: neither IPsec nor a media relay"),
	S_U32(pcscf, "reg_await_auth_s", reg_await_auth_s, 1, 3600, "240",
	      "Seconds that an authentication may take (TS 24.229 7.8)"),
	S_U32(pcscf, "max_message", max_message, 2048, 65535, "65535",
	      "Octets of the longest SIP message taken"),
	S_STR(pcscf, entry, "", "SIP URI that REGISTER goes to; empty: the home domain, by DNS"),
	S_BOOL(pcscf, rx, "no", "Ask the PCRF for the bearers of calls (Rx, TS 29.214)"),
	S_STR(pcscf, rx_peers, "",
	      "PCRFs, \"IDENTITY ADDRESS [PORT]; ...\"; empty: the PCRF of this file"),
	S_BOOL(pcscf, rx_required, "no",
	       "Calls that no PCRF answers for are refused with 503; no: they go on without bearers of their own"),
	S_CHOICE(pcscf, rx_signalling, "off watch remove", "watch",
		 "When the signalling bearer of a phone is gone (TS 29.214 4.4.5): watch ends its calls, "
		 "remove its registration, too; off: the PCRF is not asked"),
	S_U32(pcscf, "rx_loss_s", rx_loss_s, 0, 3600, "5",
	      "Seconds for which a lost bearer may come back before its call is ended"),
	S_BOOL(pcscf, early_media, "no",
	       "Gates of bearers are open before the answer also without P-Early-Media (RFC 5009)"),
	S_STR(pcscf, mps, "",
	      "Phones that may use Resource-Priority (RFC 4412: ets, wps): IMSIs, or with \"*\" how they begin"),

	S_NAME(icscf, name, "", "Host name; empty: icscf.DOMAIN"),
	S_ADDR(icscf, addr, "10.46.0.2", "IPv4 address"),
	S_ADDR(icscf, addr6, "fd46::2", "IPv6 address, or none"),
	S_PORT(icscf, port, "5060", "Port"),
	S_STR(icscf, scscf_list, "",
	      "S-CSCFs to choose from, \"URI cap=1,2; URI ...\"; empty: the S-CSCF of this file"),

	S_NAME(scscf, name, "", "Host name; empty: scscf.DOMAIN"),
	S_ADDR(scscf, addr, "10.46.0.3", "IPv4 address"),
	S_ADDR(scscf, addr6, "fd46::3", "IPv6 address, or none"),
	S_PORT(scscf, port, "5060", "Port"),
	S_U32(scscf, "min_expires_s", min_expires_s, 1, 86400, "60",
	      "Shortest registration in seconds; less is refused with 423"),
	S_U32(scscf, "max_expires_s", max_expires_s, 60, 16777215, "600000",
	      "Longest registration in seconds; more is cut"),
	S_U32(scscf, "default_expires_s", default_expires_s, 60, 16777215, "600000",
	      "Length of a registration that asks for none"),
	S_U32(scscf, "reg_await_auth_s", reg_await_auth_s, 1, 3600, "240",
	      "Seconds that an authentication may take (TS 24.229 7.8)"),
	S_U32(scscf, "session_expires_s", session_expires_s, 90, 86400, "1800",
	      "Session timer asked for in seconds (RFC 4028)"),
	S_U32(scscf, "min_se_s", min_se_s, 90, 86400, "90",
	      "Shortest session timer in seconds (RFC 4028)"),
	S_U32(scscf, "no_answer_s", no_answer_s, 10, 3600, "180",
	      "Seconds that a call may ring (timer C of RFC 3261 16.6)"),
	S_U32(scscf, "reauth_s", reauth_s, 0, 16777215, "0",
	      "A re-registration is challenged when the last authentication is so many seconds "
	      "old; 0: always"),
	S_STR(scscf, scheme, "Digest-AKAv1-MD5",
	      "SIP-Authentication-Scheme asked from the HSS (TS 29.228 6.3.9)"),

	S_STR(hss, db, "", "Path of the subscriber database; empty: STATEDIR/hss.db"),
	S_U32(hss, "sqn_ind_len", sqn_ind_len, 1, 16, "5", "Bits of IND in SQN (TS 33.102 C.3.2)"),

	S_ADDR(diameter, hss_addr, "10.46.0.4", "Address that the HSS listens on"),
	S_PORT(diameter, hss_port, "3868", "Port that the HSS listens on (TCP)"),
	S_PORT(diameter, icscf_port, "3869", "Port that the I-CSCF listens on"),
	S_PORT(diameter, scscf_port, "3870", "Port that the S-CSCF listens on"),
	S_U32(diameter, "watchdog_s", watchdog_s, 6, 600, "30",
	      "Watchdog timer Tw in seconds (RFC 3539)"),
	S_U32(diameter, "timeout_ms", timeout_ms, 100, 30000, "6000", "Longest wait for an answer"),
	S_U32(diameter, "reconnect_s", reconnect_s, 1, 600, "2",
	      "Timer Tc: seconds between attempts to connect"),

	S_ADDR(pcrf, addr, "10.46.0.7", "Address that the PCRF listens on (Gx, Rx)"),
	S_PORT(pcrf, port, "3868", "Port that the PCRF listens on (TCP)"),
	S_STR(pcrf, apns,
	      "ims qci=5 arp=8 ambr=5000/20000; internet qci=9 arp=9 ambr=50000/200000; "
	      "sos qci=5 arp=1; * qci=9 arp=10 ambr=5000/20000",
	      "What the default bearer of each APN gets: \"NAME qci= arp= ambr=UP/DOWN (kbit/s) rule= base= "
	      "(predefined) quota= (MB, usage monitoring)\", separated by ';'; \"*\": all others"),
	S_STR(pcrf, policies, "",
	      "What goes before TS 29.213 table 6.3.1: \"audio|video|application|text|control|data|message|"
	      "other|app:AF-APPLICATION qci= arp= max=UP/DOWN (kbit/s)\", separated by ';'"),
	S_STR(pcrf, sponsors, "", "Sponsor-Identities that are accepted (TS 29.214 4.4.1), separated by spaces"),
	S_STR(pcrf, profiles, "",
	      "Database of session profiles (\"kimsctl subscriber session\"), for PCRF and SMF; empty: profiles.db in the state directory"),
	S_U32(pcrf, "aar_wait_ms", aar_wait_ms, 0, 5000, "500",
	      "An AAR waits so long for the IP-CAN session that it belongs to"),

	S_ADDR(smf, addr, "10.46.0.5", "IPv4 address of the SMF (GTPv2-C, PFCP), or none"),
	S_ADDR(smf, addr6, "fd46::5", "IPv6 address of the SMF, or none"),
	S_PORT(smf, gtpc_port, "2123", "GTPv2-C port (UDP)"),
	S_PORT(smf, pfcp_port, "8805", "PFCP port (UDP)"),
	S_STR(smf, upfs, "10.46.0.6",
	      "Addresses of UPFs that associations are set up with, separated by spaces; others may set one up themselves"),
	S_STR(smf, apns,
	      "ims pool=10.45.0.0/16 pool6=fd45::/48 pcscf=10.46.0.1,fd46::1 dns=10.46.0.53 mtu=1400; "
	      "internet pool=10.48.0.0/16 pool6=fd48::/48 dns=10.46.0.53 mtu=1400; "
	      "sos pool=10.49.0.0/16 pool6=fd49::/48 pcscf=10.46.0.1,fd46::1 mtu=1400 emergency",
	      "The APNs: \"NAME pool= pool6= (a /64 each) pcscf= dns= mtu= static= (imsi:address) instance= "
	      "(network instance at the UPF) reuse= (seconds) emergency\", separated by ';'"),
	S_STR(smf, predefined, "",
	      "Predefined PCC rules, which the PCRF installs by name: \"NAME base= (Charging-Rule-Base-Name) flow=, up=, down= "
	      "(quoted IPFilterRule, permit out ...) app= qci= arp= mbr=UP/DOWN gbr=UP/DOWN (kbit/s) precedence= rating= service= "
	      "key= (monitoring) gate=open|closed|uplink|downlink\", separated by ';'"),
	S_BOOL(smf, gx, "yes", "Asks the PCRF for rules and QoS; no: those of the request, and no dedicated bearers"),
	S_STR(smf, db, "", "Database of sessions; empty: smf.db in the state directory"),
	S_U32(smf, "max_sessions", max_sessions, 1, 10000000, "1000000",
	      "PDN connections at most; more are refused, a tenth on top is for emergencies"),
	S_CHOICE(smf, interface_types, "none eps 5gs", "none",
		 "The 3GPP Interface Types that UPFs are told (TS 29.244 8.2.118): none; eps: S5/S8-U or S2b-U, and SGi; "
		 "5gs: N3 and N6, for UPFs that forward nothing without these"),
	S_BOOL(smf, piggyback, "no",
	       "A Create Bearer Request leaves behind the Create Session Response, in one datagram"),

	S_ADDR(upf, addr, "10.46.0.6", "IPv4 address of the UPF for PFCP, or none"),
	S_ADDR(upf, addr6, "fd46::6", "IPv6 address of the UPF for PFCP, or none"),
	S_ADDR(upf, gtpu4, "none", "IPv4 address for GTP-U; none: addr"),
	S_ADDR(upf, gtpu6, "none", "IPv6 address for GTP-U; none: addr6"),
	S_STR(upf, device, "upf0",
	      "Device of kind kims: made when it is not there, the pools are routed to it"),
	S_STR(upf, pools,
	      "ims 10.45.0.0/16 fd45::/48; internet 10.48.0.0/16 fd48::/48; sos 10.49.0.0/16 fd49::/48",
	      "Addresses of UEs: \"NETWORK-INSTANCE PREFIX4 PREFIX6 (a /64 each)\", separated by ';'; routed to the "
	      "device, and given out where the CP function leaves that to the UPF"),
	S_STR(upf, instances, "",
	      "Devices of network instances: \"NAME=DEVICE\" (a VRF, for instance), separated by spaces; others go by the routes"),
	S_STR(upf, cps, "",
	      "Addresses of CP functions that associations are set up with, separated by spaces; others may set one up themselves"),
	S_U32(upf, "heartbeat_s", heartbeat_s, 1, 3600, "10", "Seconds between heartbeats (PFCP)"),
	S_U32(upf, "lost_s", lost_s, 0, 604800, "0",
	      "Sessions of a CP function that has been silent so many seconds are deleted; 0: they stay until it says so"),
	S_U32(upf, "max_sessions", max_sessions, 1, 10000000, "1000000",
	      "PFCP sessions at most; the load that is reported is the part of it"),
	S_U32(upf, "app_queue", app_queue, 0, 65535, "100",
	      "NFQUEUE for application detection and router solicitations"),
	S_U32(upf, "ra_mtu", ra_mtu, 0, 65535, "1400", "MTU in router advertisements; 0: none is told"),
	S_BOOL(upf, stack, "no", "Packets pass the whole network stack, and so the rules of nftables"),
	S_BOOL(upf, mss_clamp, "yes", "The MSS of TCP is lowered to what fits into the tunnel"),
};

const size_t conf_n_rows = ARRAY_SIZE(conf_rows);
const size_t conf_n_sections = ARRAY_SIZE(conf_sections);
