/* SPDX-License-Identifier: GPL-2.0 */
/* Packets taken at the ingress of devices; see ingress.c. */
#ifndef KIMS_INGRESS_H
#define KIMS_INGRESS_H

#include "kims.h"

int kims_ingress_init(void); /* once per module */
void kims_ingress_exit(void);
void kims_ingress_net_exit(struct kims_net *kn);

#endif /* KIMS_INGRESS_H */
