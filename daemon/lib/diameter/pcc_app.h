/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gx (TS 29.212) and Rx (TS 29.214) as applications of a Diameter node, for both ends of each. */
#ifndef KIMS_DIAMETER_PCC_APP_H
#define KIMS_DIAMETER_PCC_APP_H

#include "lib/diameter/call.h"

extern const struct dia_app gx_app, rx_app;

#endif
