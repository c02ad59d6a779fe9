// SPDX-License-Identifier: GPL-2.0-or-later
/* DNS answers: the first octet chooses the type asked for. */
#include "lib/sip/dns.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(dns)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };
	struct dns_answer *a;
	uint32_t ttl;

	if (!size || size > 4096)
		return 0;
	a = dns_parse(data + 1, size - 1, types[data[0] & 3], &ttl);
	if (a) {
		for (size_t i = 0; i < a->n; i++)
			MUST(memchr(a->rr[i].name, '\0', sizeof(a->rr[i].name)) &&
			     memchr(a->rr[i].service, '\0', sizeof(a->rr[i].service)));
		dns_answer_unref(a);
	}
	return 0;
}
