/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Security mechanism agreement on Gm (TS 24.229 5.2.2.2, TS 33.203 7.2, annex H, RFC 3329).
 */
#ifndef KIMS_PCSCF_SEC_H
#define KIMS_PCSCF_SEC_H

#include "pcscf/reg.h"

#define SEC_POLICY_MAX 8

struct sec_policy {
	size_t n;
	struct {
		enum sec_alg alg;
		enum sec_ealg ealg;
	} m[SEC_POLICY_MAX]; /* in order of preference */
};

int sec_policy_read(const char *algs, const char *ealgs,
		    struct sec_policy *ret); /* -EINVAL: unknown name */
/* The UE's entry that our order prefers; NULL: nothing in common. */
/* nat: rather one of ESP in UDP (annex M). */
const struct sec_mech *sec_choose(const struct sec_policy *pol, const struct sec_list *client,
				  bool nat);
/* What we offer for a set: every mechanism that we can do, with this set's SPIs and ports. */
void sec_offer(const struct sec_policy *pol, const struct sa_set *s, struct sec_list *ret);
int sec_add_server(const struct sec_policy *pol, const struct sa_set *s, struct sip_msg *resp);
/*
 * A REGISTER under set s: Security-Verify must be what was offered; on a temporary set
 * Security-Client must be repeated. NULL, or the sentence of the refusal.
 */
const char *sec_verify(const struct sec_policy *pol, const struct sa_set *s,
		       const struct sip_msg *m);
/* Removes Security-Client, Security-Verify and the option tag sec-agree: they end at this hop. */
void sec_strip(struct sip_msg *m);
struct sec_list *sec_list_dup(const struct sec_list *l); /* only its n entries; NULL: no memory */

#endif
