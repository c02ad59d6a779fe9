// SPDX-License-Identifier: GPL-2.0-or-later
/* Security-Client: what is read and understood is written and read as the same. */
#include "lib/sip/secagree.h"
#include "tests/fuzz/fuzz.h"

static bool secagree_read(const char *text, int n, struct sec_list *l)
{
	struct sip_msg *m = sip_msg_new_request("REGISTER", "sip:x");
	bool ok = !sip_msg_add(m, SIP_H_SECURITY_CLIENT, "%.*s", n, text) &&
		  !sec_list_read(m, SIP_H_SECURITY_CLIENT, l);

	sip_msg_unref(m);
	return ok;
}

FUZZ_TARGET(secagree)
{
	static struct sec_list l, again;
	char buf[256];

	if (size > 16384 || !secagree_read((const char *)data, (int)size, &l))
		return 0;
	MUST(l.n > 0 && l.n <= SEC_MECH_MAX && sec_list_equal(&l, &l));
	for (size_t i = 0; i < l.n; i++) {
		if (!l.m[i].known)
			continue;
		MUST(l.m[i].spi_c && l.m[i].spi_s && l.m[i].port_c && l.m[i].port_s);
		MUST(!sec_mech_write(&l.m[i], buf, sizeof(buf)));
		MUST(secagree_read(buf, (int)strlen(buf), &again) && again.n == 1);
		MUST(sec_mech_equal(&l.m[i], &again.m[0]) && again.m[0].q_milli == l.m[i].q_milli);
	}
	return 0;
}
