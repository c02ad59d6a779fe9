// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose requests I-CSCF and S-CSCF take on Mw; see mw.h. */
#include "lib/cscf/mw.h"

#include "lib/core/log.h"

int cscf_mw_admit(const struct conf *c, const struct sip_path *from, struct metric *refused)
{
	char who[SIP_SA_STRLEN];

	if (conf_trusts(c, &from->peer.sa))
		return 0;
	metric_inc(refused);
	log_info("%s: request from outside of the trust domain dropped",
		 sip_sa_str(&from->peer, who));
	return -1;
}
