/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the network itself says of a UE's access, from the PCRF's words: into P-Access-Network-Info as
 * "network-provided" and into P-Charging-Vector (TS 24.229 5.2.6, 5.2.7, 7.2A.4, 7.2A.5).
 */
#ifndef KIMS_PCSCF_ACCESS_H
#define KIMS_PCSCF_ACCESS_H

#include "lib/core/base.h"
#include "ref/rx.h"

struct reg;
struct session;
struct sip_msg;

struct access {
	int ip_can, rat; /* -1: not known */
	uint8_t uli[32], timezone[2];
	uint8_t n_uli, n_timezone;
	char local_ip[48]; /* of an untrusted access, or "" */
};

/* The value of P-Access-Network-Info; "": nothing is known. Returns dst. */
char *access_pani(const struct access *a, char *dst, size_t size);

/* s may be NULL. */
void access_from_aaa(struct reg *r, struct session *s, const struct rx_aaa *a);
void access_from_rar(struct reg *r, struct session *s, const struct rx_rar *a);

/*
 * A message of a UE on its way into the core: what it says to be the network's word goes, its own word stays, and
 * the network's is added when it is known. r may be NULL: nothing is added.
 */
int access_stamp(const struct reg *r, struct sip_msg *m);

#endif
