/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of TS 24.008 and TS 24.301 that travel inside GTPv2-C: traffic flow templates (10.5.6.12) and
 * protocol configuration options (10.5.6.3; extended: 10.5.6.3A). Structs and octets, no I/O.
 */
#ifndef KIMS_REF_NAS_H
#define KIMS_REF_NAS_H

#include "lib/ie/tlv.h"

/* --- traffic flow template, traffic flow aggregate description --- */
enum nas_tft_op {
	NAS_TFT_CREATE = 1,
	NAS_TFT_DELETE = 2,
	NAS_TFT_ADD = 3,
	NAS_TFT_REPLACE = 4,
	NAS_TFT_DELETE_FILTERS = 5, /* uses filter[].id only */
	NAS_TFT_NO_OP = 6,
};
enum nas_filter_dir { NAS_DIR_PRE_REL7 = 0, NAS_DIR_DL = 1, NAS_DIR_UL = 2, NAS_DIR_BOTH = 3 };

enum nas_component { /* bits of nas_filter.has, in the order in which they are sent */
		     NAS_REMOTE4 = 1 << 0,     /* 0x10 */
		     NAS_LOCAL4 = 1 << 1,      /* 0x11 */
		     NAS_REMOTE6 = 1 << 2,     /* 0x21; 0x20 (address and mask) is understood */
		     NAS_LOCAL6 = 1 << 3,      /* 0x23 */
		     NAS_PROTO = 1 << 4,       /* 0x30: protocol, next header */
		     NAS_LOCAL_PORT = 1 << 5,  /* 0x40 when low == high, else 0x41 */
		     NAS_REMOTE_PORT = 1 << 6, /* 0x50, 0x51 */
		     NAS_SPI = 1 << 7,	       /* 0x60 */
		     NAS_TOS = 1 << 8,	       /* 0x70 */
		     NAS_FLOW_LABEL = 1 << 9,  /* 0x80 */
		     NAS_DST_MAC = 1 << 10,    /* 0x81 */
		     NAS_SRC_MAC = 1 << 11,    /* 0x82 */
		     NAS_CTAG_VID = 1 << 12,   /* 0x83 */
		     NAS_STAG_VID = 1 << 13,   /* 0x84 */
		     NAS_CTAG_PCP = 1 << 14,   /* 0x85 */
		     NAS_STAG_PCP = 1 << 15,   /* 0x86 */
		     NAS_ETHERTYPE = 1 << 16,  /* 0x87 */
};

struct nas_filter {
	uint8_t id;	    /* 0..15 */
	uint8_t dir;	    /* enum nas_filter_dir */
	uint8_t precedence; /* 0: looked at first */
	uint32_t has;	    /* enum nas_component */
	struct in_addr remote4, remote4_mask, local4, local4_mask;
	struct in6_addr remote6, local6;
	uint8_t remote6_bits, local6_bits;
	uint8_t proto;
	uint16_t local_low, local_high, remote_low, remote_high;
	uint32_t spi;
	uint8_t tos, tos_mask;
	uint32_t flow_label;
	uint8_t dst_mac[6], src_mac[6];
	uint16_t ctag_vid, stag_vid;
	uint8_t ctag_pcp, stag_pcp;
	uint16_t ethertype;
};

struct nas_tft_param {
	uint8_t id; /* 1: authorization token, 2: flow id, 3: packet filter id */
	struct str v;
};

#define NAS_FILTERS_MAX	   15
#define NAS_TFT_PARAMS_MAX 4
struct nas_tft {
	uint8_t op;
	struct nas_filter filter[NAS_FILTERS_MAX];
	uint8_t n_filter;
	struct nas_tft_param param[NAS_TFT_PARAMS_MAX]; /* sent with the E bit when there is one */
	uint8_t n_param;
};
void nas_io_tft(struct tlv_io *io, void *tft); /* errors: GTPv2-C causes 75, 77 */
void nas_io_tad(struct tlv_io *io, void *tft); /* the same octets; errors: 98, 77 */
/* Octets alone (a NAS message, Rx or Gx): encode: length or -EMSGSIZE; decode: 0 or -EBADMSG. */
ssize_t nas_tft_encode(const struct nas_tft *t, uint8_t *dst, size_t size);
int nas_tft_decode(const uint8_t *p, size_t n, struct nas_tft *ret);

/* --- protocol configuration options --- */
enum nas_pco_id {
	NAS_PCO_IPCP = 0x8021,
	NAS_PCO_PAP = 0xc023,
	NAS_PCO_CHAP = 0xc223,
	NAS_PCO_PCSCF6 = 0x0001,	   /* up: request (empty); down: P-CSCF IPv6 address */
	NAS_PCO_IM_CN_SIGNALLING = 0x0002, /* IM CN Subsystem Signaling Flag */
	NAS_PCO_DNS6 = 0x0003,
	NAS_PCO_NOT_SUPPORTED = 0x0004,
	NAS_PCO_BEARER_CONTROL =
		0x0005, /* down: selected bearer control mode; up: MS support of network requested */
	NAS_PCO_DSMIPV6_HA = 0x0007,
	NAS_PCO_IP_VIA_NAS = 0x000a,
	NAS_PCO_IPV4_VIA_DHCP = 0x000b,
	NAS_PCO_PCSCF4 = 0x000c,
	NAS_PCO_DNS4 = 0x000d,
	NAS_PCO_MSISDN = 0x000e,
	NAS_PCO_IFOM = 0x000f,
	NAS_PCO_IPV4_MTU = 0x0010,
	NAS_PCO_LOCAL_TFT = 0x0011,
	NAS_PCO_PCSCF_RESELECTION = 0x0012, /* up: P-CSCF Re-selection support */
	NAS_PCO_NBIFOM_REQ = 0x0013,
	NAS_PCO_NBIFOM_MODE = 0x0014,
	NAS_PCO_NON_IP_MTU = 0x0015,
	NAS_PCO_APN_RATE = 0x0016,
	NAS_PCO_3GPP_PS_OFF = 0x0017,
	NAS_PCO_RELIABLE_DATA = 0x0018,
	NAS_PCO_ADD_APN_RATE = 0x0019,
	NAS_PCO_PDU_SESSION_ID = 0x001a,
	NAS_PCO_ETHERNET_MTU = 0x0020,
	NAS_PCO_UNSTRUCTURED_MTU = 0x0021,
	NAS_PCO_QOS_RULES_2 = 0x0023, /* its length has two octets, also in */
	NAS_PCO_QOS_FLOWS_2 = 0x0024, /* these four */
	NAS_PCO_ATSSS_2 = 0x0030,
	NAS_PCO_DS_TT_2 = 0x0031,
	NAS_PCO_PORT_MGMT_2 = 0x0032,
};

struct nas_pco_opt {
	uint16_t id;
	struct str v; /* view; its memory must last until encoding */
};
#define NAS_PCO_MAX 24
struct nas_pco {			     /* PCO, APCO, ePCO */
	uint8_t protocol;		     /* configuration protocol: 0, PPP for use with IP */
	struct nas_pco_opt opt[NAS_PCO_MAX]; /* more are ignored */
	uint8_t n;
};
void nas_io_pco(struct tlv_io *io, void *pco);
void nas_io_epco(struct tlv_io *io, void *pco); /* some lengths of two octets */
int nas_pco_add(struct nas_pco *p, uint16_t id, const void *v, size_t n); /* -ENOSPC */
/* From *pos (0 at first) on; true: *ret_v is the value and *pos behind it. */
bool nas_pco_next(const struct nas_pco *p, uint16_t id, size_t *pos, struct str *ret_v);
bool nas_pco_has(const struct nas_pco *p, uint16_t id);

/* IPCP inside PCO (RFC 1332, RFC 1877): what phones ask for and get. */
struct nas_ipcp {
	uint8_t code; /* 1: Configure-Request, 2: Ack, 3: Nak, 4: Reject */
	uint8_t id;
	bool has_addr, has_dns1, has_dns2; /* options 3, 129, 131 */
	struct in_addr addr, dns1, dns2;
};
int nas_ipcp_decode(struct str v, struct nas_ipcp *ret); /* -EBADMSG */
size_t nas_ipcp_encode(const struct nas_ipcp *i, uint8_t dst[22]);

#endif
