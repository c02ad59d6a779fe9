/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one configuration file of the whole network, /etc/kims/kims.yaml.
 *
 * Every key has a default, so that an empty or absent file is a working lab. One table
 * (conf_schema.c) has a row per key: name, type, range, default, one line of documentation; from
 * it come the loader, "kimsctl config check", the commented sample file and the man page.
 * A wrong key, type or range is refused with "FILE:LINE: KEY: why".
 */
#ifndef KIMS_CORE_CONF_H
#define KIMS_CORE_CONF_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/core/base.h"

/* An address without port; family AF_UNSPEC: not configured ("none" in the file). */
struct conf_addr {
	sa_family_t family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

struct conf_network {
	char *domain;	      /* home network domain name, TS 23.003 13.2 */
	char *visited;	      /* P-Visited-Network-ID */
	struct conf_addr dns; /* resolver of lib/sip */
	uint16_t dns_port;
	uint32_t t1_ms, t2_ms, t4_ms; /* RFC 3261 timers of the core */
	bool static_names;	/* names of this file resolve without DNS too */
	char *trusted; /* addresses and prefixes that may speak on Mw, besides those of this file */
};

struct conf_pcscf {
	char *name;		   /* host name: pcscf.DOMAIN when empty */
	struct conf_addr gm4, gm6; /* Gm addresses */
	struct conf_addr mw;	   /* Mw address */
	uint16_t gm_port;	   /* unprotected, 5060 */
	uint16_t port_ps, port_pc; /* protected server and client ports, TS 33.203 7.1 */
	uint16_t mw_port;
	uint32_t gm_t1_ms, gm_t2_ms, gm_t4_ms; /* TS 24.229 7.7: 2000, 16000, 17000 */
	struct conf_addr media4, media6; /* RTP relay addresses; unset: gm4, gm6 */
	uint16_t rtp_port_min, rtp_port_max;
	uint32_t media_timeout_s; /* no RTP for so long ends the call; 0: never */
	char *ipsec_algs;  /* "hmac-sha-1-96 hmac-md5-96", in order of preference */
	char *ipsec_ealgs; /* "aes-cbc null des-ede3-cbc" */
	bool ipsec_required; /* REGISTER without Security-Client is refused (421) */
	bool reg_event; /* subscribe to the reg event package (TS 24.229 5.2.3) */
	bool kernel;	   /* use kims.ko and XFRM; false: no IPsec and no media anchoring (benchmarks, labs without the module) */
	uint32_t reg_await_auth_s; /* TS 24.229 7.8: 240 */
	uint32_t max_message;	   /* octets */
	char *entry;		   /* next hop for REGISTER when not the home domain: sip URI, or empty */
	bool rx;		   /* ask a PCRF for the bearers of calls (TS 29.214) */
	char *rx_peers;		   /* "IDENTITY ADDRESS [PORT]" separated by ';'; empty: the PCRF of this file */
	bool rx_required;	   /* calls without an answer of the PCRF are refused */
	char *rx_signalling;	   /* off, watch, remove: what the loss of the signalling bearer does */
	uint32_t rx_loss_s;	   /* a lost bearer may come back for so long */
	bool early_media;	   /* gates are open before the answer also without P-Early-Media */
	char *mps;		   /* IMSIs, or their beginnings with '*', that may ask for priority (RFC 4412) */
};

struct conf_icscf {
	char *name;
	struct conf_addr addr, addr6;
	uint16_t port;
	char *scscf_list; /* "sip:scscf.DOMAIN:5060 cap=1,2" entries separated by ';' : capabilities of each S-CSCF */
};

struct conf_scscf {
	char *name;
	struct conf_addr addr, addr6;
	uint16_t port;
	uint32_t min_expires_s, max_expires_s, default_expires_s; /* 60, 600000, 600000 */
	uint32_t reg_await_auth_s;
	uint32_t session_expires_s, min_se_s; /* RFC 4028: 1800, 90 */
	uint32_t no_answer_s;		      /* timer C like: 180 */
	uint32_t reauth_s; /* a re-registration is challenged when the last authentication is so old; 0: always */
	char *scheme;			      /* SIP-Authentication-Scheme asked for: Digest-AKAv1-MD5 */
};

struct conf_hss {
	char *db;	/* path; empty: STATEDIR/hss.db */
	uint32_t sqn_ind_len; /* bits of IND, TS 33.102 C.3.2: 5 */
};

/* Diameter node of this process: identity is NAME.DOMAIN. */
struct conf_diameter {
	struct conf_addr hss_addr; /* where HSS listens and CSCFs connect to */
	uint16_t hss_port;
	uint16_t icscf_port, scscf_port; /* where these listen (HSS may be first to connect) */
	uint32_t watchdog_s;
	uint32_t timeout_ms; /* answer of a request: 6000 */
	uint32_t reconnect_s;
};

struct conf_pcrf {
	struct conf_addr addr; /* where SMFs and P-CSCFs connect to */
	uint16_t port;
	char *apns;	/* what each APN gets, see pcrf/qos.h */
	char *policies; /* what each media type and application gets */
	char *sponsors; /* of sponsored data */
	char *profiles; /* path; empty: STATEDIR/profiles.db */
	uint32_t aar_wait_ms;
};

/* SMF: PGW-C (S5, S8, S2b), CP function of Sxb and N4. */
struct conf_smf {
	struct conf_addr addr, addr6; /* GTPv2-C and PFCP; AF_UNSPEC: none */
	uint16_t gtpc_port, pfcp_port;
	char *upfs; /* addresses of UPFs that associations are set up with, separated by spaces */
	char *apns; /* pools and what phones are told, see smf/apn.h */
	char *predefined; /* PCC rules that are installed by name, see smf/predefined.h */
	bool gx;    /* ask a PCRF; false: rules of apns only */
	char *db;   /* path; empty: STATEDIR/smf.db */
	char *interface_types; /* 3GPP Interface Types that the UPF is told: none, eps, 5gs */
	uint32_t max_sessions;
	bool piggyback; /* Create Bearer Request behind the Create Session Response */
};

struct conf_upf {
	struct conf_addr addr, addr6;	/* PFCP; AF_UNSPEC: none */
	struct conf_addr gtpu4, gtpu6;	/* GTP-U; unset: addr, addr6 */
	char *device;			/* the kims device */
	char *pools;	 /* addresses of UEs, see upf/alloc.c: also the routes to the device */
	char *instances; /* devices of network instances */
	char *cps;	 /* addresses of CP functions that associations are set up with */
	uint32_t heartbeat_s, lost_s, max_sessions, app_queue, ra_mtu;
	bool stack, mss_clamp;
};

struct conf {
	char *path; /* as loaded; NULL: defaults only */
	char *log_level;
	struct conf_network network;
	struct conf_pcscf pcscf;
	struct conf_icscf icscf;
	struct conf_scscf scscf;
	struct conf_hss hss;
	struct conf_diameter diameter;
	struct conf_pcrf pcrf;
	struct conf_smf smf;
	struct conf_upf upf;
};

/* path NULL: defaults. -errno with "FILE:LINE: KEY: why" in err; *ret untouched then. */
int conf_load(const char *path, struct conf **ret, char *err, size_t errsize);
void conf_free(struct conf *c);
int conf_sample(FILE *f) _must_check_; /* the commented sample file */
int conf_man(FILE *f) _must_check_;	/* kims.yaml(5), man source */

/* Do both name the same network: domain, names, addresses and ports of the SIP functions? */
bool conf_same_network(const struct conf *a, const struct conf *b);

/* addr + port -> sockaddr; returns its length, 0 when family is AF_UNSPEC. */
socklen_t conf_sockaddr(const struct conf_addr *a, uint16_t port, struct sockaddr_storage *ret);
int conf_addr_parse(const char *s, struct conf_addr *ret); /* -EINVAL */
bool conf_addr_is(const struct conf_addr *a, struct str host); /* host, numeric, is this address */

struct conf_prefix {
	struct conf_addr addr;
	unsigned int bits;
};
bool conf_prefix_has(const struct conf_prefix *p, const struct conf_addr *a);

/*
 * Who belongs to the trust domain: this host, the functions of this file, network.trusted. *ret is
 * the caller's to free. -ENOMEM.
 */
int conf_trusted(const struct conf *c, struct conf_prefix **ret, size_t *ret_n);
/*
 * May this address speak on Mw (TS 33.210, TS 24.229 4.4: the trust domain)? The host itself, the
 * SIP functions of this file, and network.trusted.
 */
bool conf_trusts(const struct conf *c, const struct sockaddr *from);

/*
 * The host names that this file gives addresses to (P-, I-, S-CSCF; the home domain is the
 * I-CSCF), for a resolver that shall not need DNS for them; none when network.static_names is no.
 * Stops at the first error of fn and returns it.
 */
int conf_each_host(const struct conf *c,
		   int (*fn)(void *arg, const char *host, const struct conf_addr *addr), void *arg);

#endif
