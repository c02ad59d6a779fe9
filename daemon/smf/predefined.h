/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predefined PCC rules (TS 23.203 6.3.2, TS 29.212 4.5.2): what the configuration says a Charging-Rule-Name or a
 * Charging-Rule-Base-Name stands for. No I/O.
 *
 * conf smf.predefined: "NAME WORD...; NAME WORD...", a word is one of
 *   base=NAME			  installed by this Charging-Rule-Base-Name, too
 *   flow="permit out ..."	  an IPFilterRule (TS 29.212 5.4.2) for both directions; up=, down= for one of them; eight in all
 *   app=NAME			  an application that the UPF detects (PFD management), in place of flows
 *   qci=N arp=LEVEL[/CAPABILITY/VULNERABILITY]   as in Gx; without them those of the default bearer
 *   mbr=UP/DOWN gbr=UP/DOWN	  kbit/s
 *   precedence=N rating=N service=N key=MONITORING-KEY gate=open|closed|uplink|downlink
 *
 * Invariants: a name is there once; the flows of each rule can be read. Views are of the text, which stays.
 */
#ifndef KIMS_SMF_PREDEFINED_H
#define KIMS_SMF_PREDEFINED_H

#include "ref/gx.h"

#define SMF_PREDEFINED_MAX 256

struct smf_predefined {
	struct str base; /* p NULL: none */
	struct gx_rule rule;
};

/* -EINVAL with a sentence in err, -ENOMEM. *ret is the caller's to free(). */
int smf_predefined_parse(const char *text, struct smf_predefined **ret, size_t *ret_n, char *err,
			 size_t size);
const struct smf_predefined *smf_predefined_find(const struct smf_predefined *list, size_t n,
						 struct str name); /* NULL: there is none */

#endif
