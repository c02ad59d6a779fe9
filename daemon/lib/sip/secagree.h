/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Security-Client, Security-Server, Security-Verify for ipsec-3gpp (RFC 3329, TS 33.203 annex H).
 * Parsing is tolerant as handsets need it: order, spaces, case, missing ealg (null), q anywhere.
 */
#ifndef KIMS_SIP_SECAGREE_H
#define KIMS_SIP_SECAGREE_H

#include "lib/sip/msg.h"

enum sec_alg { SEC_ALG_NONE, SEC_HMAC_MD5_96, SEC_HMAC_SHA_1_96, SEC_AES_GMAC };
enum sec_ealg { SEC_EALG_NULL, SEC_AES_CBC, SEC_DES_EDE3_CBC, SEC_AES_GCM };

struct sec_mech {
	bool ipsec_3gpp;      /* false: another mechanism, kept for comparison only */
	enum sec_alg alg;
	enum sec_ealg ealg;
	bool esp, transport;  /* prot=esp (default), mod=trans (default) */
	bool udp_tunnel;      /* mod=UDP-enc-tun (TS 33.203 annex M) */
	bool known;	      /* all of it is something that we can do */
	uint32_t spi_c, spi_s;
	uint16_t port_c, port_s;
	uint32_t q_milli;     /* 0..1000; 0: absent */
	uint32_t other;	      /* hash of what we do not know (mechanism, alg, ealg); 0 when known */
};

#define SEC_MECH_MAX 32
struct sec_list {
	size_t n;
	struct sec_mech m[SEC_MECH_MAX];
};

/*
 * Reads all fields of the kind; -ENOENT absent, -EINVAL malformed (alg missing, SPI 0 or twice the
 * same, ports missing or 0, a parameter twice, over 32 entries).
 */
int sec_list_read(const struct sip_msg *m, enum sip_hdr id, struct sec_list *ret);
bool sec_mech_equal(const struct sec_mech *a, const struct sec_mech *b); /* all but q */
bool sec_list_equal(const struct sec_list *a, const struct sec_list *b); /* as sets: TS 24.229 5.2.2.2 compares what it means */
int sec_mech_write(const struct sec_mech *m, char *dst, size_t size);	 /* one element; -ENOSPC */
const char *sec_alg_name(enum sec_alg a);
const char *sec_ealg_name(enum sec_ealg e);
/* AES-GCM protects integrity itself, AES-GMAC nothing else: no other pairs of theirs (annex H). */
bool sec_is_pair(enum sec_alg a, enum sec_ealg e);
int sec_alg_parse(struct str s, enum sec_alg *ret);
int sec_ealg_parse(struct str s, enum sec_ealg *ret);

#endif
