/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a media component to the QoS of its flows (TS 29.213 6.3), and the operator's policies that
 * go before it. No I/O.
 */
#ifndef KIMS_PCRF_QOS_H
#define KIMS_PCRF_QOS_H

#include "ref/gx.h"
#include "ref/rx.h"

#define PCRF_POLICIES_MAX 32

/*
 * A line of pcrf.apns ("ims qci=5 arp=8 ambr=5000/20000 rule=NAME base=NAME quota=MB") or of pcrf.policies
 * ("audio qci=1 arp=6", "app:NAME ..."): what the operator says of an APN, a media type or an application.
 */
struct pcrf_policy {
	char name[64];		 /* "*": of all others */
	int qci;		 /* -1: as the tables say */
	uint32_t arp;		 /* level; 0: as the tables say */
	int ambr_ul, ambr_dl;	 /* kbit/s; -1: none. Of a policy: the highest bit rate */
	char rule[48], base[48]; /* predefined rules; "" none */
	uint64_t quota;		 /* octets after which usage is reported; 0: no monitoring */
};
struct pcrf_policies {
	struct pcrf_policy p[PCRF_POLICIES_MAX];
	size_t n;
};
/* Entries separated by ';'. -EINVAL with a sentence. */
int pcrf_policies_parse(const char *text, struct pcrf_policies *ret, char *err, size_t errsize);
/* The same of pcrf.apns: the QCI of a default bearer is none with a guaranteed bit rate (TS 23.401 4.7.2.1). */
int pcrf_apns_parse(const char *text, struct pcrf_policies *ret, char *err, size_t errsize);
/* The entry of this name, without case, else that of "*", else NULL. */
const struct pcrf_policy *pcrf_policy_find(const struct pcrf_policies *l, struct str name);

/* What of the AF session counts for priority and policies. */
struct pcrf_service {
	bool emergency; /* Service-URN sos (TS 29.214 5.3.23) */
	bool mps;	/* MPS-Identifier */
	int priority;	/* Reservation-Priority, -1: none */
	struct str app; /* AF-Application-Identifier */
	bool v6;	/* of the UE's flows, for the header in codec rates */
};
struct pcrf_qos {
	int qci;
	struct pcc_arp arp;
	int mbr_ul, mbr_dl, gbr_ul, gbr_dl; /* bit/s; gbr -1: a non-GBR bearer */
};

/* up, down: which directions the flow descriptions of the sub-component allow. */
void pcrf_qos(const struct pcrf_policies *l, const struct pcrf_service *s,
	      const struct rx_component *c, const struct rx_sub_component *f, bool up, bool down,
	      struct pcrf_qos *ret);
/*
 * The highest bit rate on IP of the speech codecs that the codec data name (AMR, AMR-WB: RFC 4867; EVS: TS 26.445
 * annex A; one frame a packet), bit/s; -1: none is known.
 */
int pcrf_codec_rate(const struct rx_component *c, bool v6);

#endif
