/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of bearer.c and command.c, for one another, gx.c and s5.c. */
#ifndef KIMS_SMF_BEARER_H
#define KIMS_SMF_BEARER_H

#include "smf/smf.h"

struct smf_bearer *smf_bearer_by_n4_id(const struct smf_pdn *p, uint16_t id);
void smf_bearer_mark_lost(struct smf_bearer *b); /* its rules fail; it goes with the next step */
void smf_bearer_metrics(void);
/* As IEs: kbit/s, rounded up (TS 29.274 8.7, 8.15). */
struct s5_qos smf_wire_qos(const struct smf_qos *q);
struct s5_ambr smf_wire_ambr(const struct smf_pdn *p);
/* Answers the command that waits with its failure indication. */
void smf_command_refuse(struct smf_pdn *p, uint8_t cause);

#endif
