/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between bearer.c and command.c. */
#ifndef KIMS_SMF_BEARER_H
#define KIMS_SMF_BEARER_H

#include "smf/smf.h"

struct smf_bearer *smf_bearer_by_n4_id(const struct smf_pdn *p, uint16_t id);
void smf_bearer_mark_lost(struct smf_bearer *b); /* its rules fail; it goes with the next step */
void smf_bearer_metrics(void);
/* Answers the command that waits with its failure indication. */
void smf_command_refuse(struct smf_pdn *p, uint8_t cause);

#endif
