// SPDX-License-Identifier: GPL-2.0
/*
 * The same path at the ingress of a device, before the IP stack; an option per device.
 */
#include "flow.h"
