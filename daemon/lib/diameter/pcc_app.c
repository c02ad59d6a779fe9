// SPDX-License-Identifier: GPL-2.0-or-later
/* Gx (TS 29.212 5.1) and Rx (TS 29.214 5.1) over the node: sessions are kept, so Auth-Session-State is not sent. */
#include "lib/diameter/pcc_app.h"

#include "ref/gx_tables.h"
#include "ref/rx_tables.h"

const struct dia_app gx_app = {
	.name = "Gx",
	.id = GX_APP_ID,
	.vendor = PCC_VENDOR,
	.dict = &pcc_dict,
	.find = gx_find_command,
	.first = GX_RAR,
	.last = GX_CCR,
	.env = ie_env_auth_rules,
	.session_state = -1,
};

const struct dia_app rx_app = {
	.name = "Rx",
	.id = RX_APP_ID,
	.vendor = PCC_VENDOR,
	.dict = &pcc_dict,
	.find = rx_find_command,
	.first = RX_RAR,
	.last = RX_STR,
	.env = ie_env_auth_rules,
	.session_state = -1,
};
