/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocol configuration options of a PDN connection (TS 24.008 10.5.6.3, 10.5.6.3A; TS 29.061 11.2.1): what
 * the UE asks for in a PCO, an APCO or an ePCO, and what it is told in the same kind of container. No I/O.
 *
 * Told is only what was asked for, of the address family that the UE got.
 */
#ifndef KIMS_SMF_PCO_H
#define KIMS_SMF_PCO_H

#include "ref/nas.h"
#include "smf/apn.h"

enum smf_pco_container { SMF_PCO = 1 << 0, SMF_APCO = 1 << 1, SMF_EPCO = 1 << 2 };
enum smf_pco_asked {
	SMF_ASK_PCSCF4 = 1 << 0,
	SMF_ASK_PCSCF6 = 1 << 1,
	SMF_ASK_DNS4 = 1 << 2,
	SMF_ASK_DNS6 = 1 << 3,
	SMF_ASK_MTU = 1 << 4,
	SMF_ASK_BCM = 1 << 5,	      /* bearer control mode */
	SMF_ASK_RESELECTION = 1 << 6, /* can be told of another P-CSCF later (TS 24.008, 0012H) */
	SMF_ASK_IPCP = 1 << 7,
	SMF_ASK_PAP = 1 << 8,
	SMF_ASK_CHAP = 1 << 9,
};

struct smf_pco {
	uint16_t asked; /* enum smf_pco_asked */
	uint8_t container; /* enum smf_pco_container: where the UE's options were, and the answer goes */
	uint8_t ipcp_id, pap_id, chap_id;
	bool ipcp_dns1, ipcp_dns2, ipcp_addr;
};

/* Adds what is in a container of this kind. */
void smf_pco_read(struct smf_pco *p, enum smf_pco_container c, const struct nas_pco *in);
/* The UE's address, v4: 0 when it has none. Octets of the options are in room, which must last as long as *ret. */
#define SMF_PCO_ROOM 64
void smf_pco_write(const struct smf_pco *p, const struct smf_apn *apn, bool v4, bool v6,
		   struct in_addr ue, uint8_t room[SMF_PCO_ROOM], struct nas_pco *ret);

#endif
