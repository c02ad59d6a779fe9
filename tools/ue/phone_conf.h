/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a phone is told about itself and its network: SIM, identities, access, habits.
 *
 * Identities follow TS 23.003 13: what is not given is derived from the IMSI.
 */
#ifndef KIMS_UE_PHONE_CONF_H
#define KIMS_UE_PHONE_CONF_H

#include "opt.h"

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_AUTO };
enum codec { CODEC_AMR_WB, CODEC_PCMA };
enum answer { ANSWER_YES, ANSWER_BUSY, ANSWER_NEVER };

struct phone_conf {
	char *name;
	/* SIM */
	char *imsi, *k, *op, *opc, *amf, *state, *password;
	uint32_t mnc_len, sqn, ind_len;
	/* identities */
	char *msisdn, *impi, *impu, *domain, *imei;
	/* access */
	char *netns, *addr, *pcscf, *dns;
	uint32_t port, pcscf_port, family, rtp_port;
	int transport;
	char *access; /* P-Access-Network-Info */
	/* attachment; apn NULL: the phone sits on a plain address */
	char *apn, *dev, *paa;
	int pdn_type, gtpu;
	uint32_t tac, eci;
	/* IPsec */
	bool ipsec, new_port_us;
	char *algs, *ealgs;
	/* registration */
	uint32_t expires;
	bool reg_event;
	/* calls */
	bool precondition, rel100, media;
	int codec, answer;
	uint64_t ring, qos_delay, bearer_wait, audio_delay, ptime;
	uint32_t session_expires, min_se;
	uint32_t t1_ms;
};

extern const struct opt phone_opts[];

/* Fills what follows from the IMSI (domain, impi, impu); 0, -EINVAL with a sentence, -ENOMEM. */
int phone_conf_complete(struct phone_conf *c, char *err, size_t errsize);

#endif
