/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside sgw_sx.c, sgw_sx_rules.c: rules of a connection as IEs of PFCP. Ids are those of the rules; the SGW-U chooses nothing,
 * F-TEIDs are ours (TS 29.244 5.5.2).
 */
#ifndef KIMS_UE_SGW_SX_H
#define KIMS_UE_SGW_SX_H

#include "ref/sx.h"
#include "sgw_rules.h"

#define BAR_ID 1

/* What a session at the SGW-U has: PDRs 1..n_pdrs, and of each bearer FAR and URRs. */
struct sx_have {
	size_t n_pdrs;
	uint32_t bearers; /* bit of each EBI */
};

/*
 * All rules, to be set up: into q, whose other fields are the caller's. user: the SGW-U's addresses for GTP-U (IPv4,
 * IPv6). Views into static memory: encode it before the next call. -ENOSPC: more than a message can say.
 */
int sx_rules_all(struct pdn *n, const struct sockaddr_storage user[2],
		 struct sx_session_establishment_request *q, struct sx_have *ret);
/* All rules in place of what it has. */
int sx_rules_change(struct pdn *n, const struct sockaddr_storage user[2],
		    const struct sx_have *have, struct sx_session_modification_request *q,
		    struct sx_have *ret);
/* The radio's FAR only: forward, or buffer and notify. */
void sx_rules_radio(const struct pdn *n, struct sx_session_modification_request *q);

#endif
