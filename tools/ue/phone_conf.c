// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keys of a phone and what follows from its IMSI (TS 23.003 13.2 home network domain name,
 * 13.3 private, 13.4B temporary public user identity).
 */
#include "phone_conf.h"

#include <ctype.h>
#include <stdarg.h>

static const char *const transports[] = { "udp", "tcp", "auto", NULL };
static const char *const codecs[] = { "amr-wb", "pcma", NULL };
static const char *const answers[] = { "yes", "busy", "never", NULL };

static const char *const pdn_types[] = { "ipv4", "ipv6", "ipv4v6", NULL }; /* S5_PDN_x - 1 */
/* enum gtpu_kind */
static const char *const gtpu_kinds[] = { "kims", "gtp.ko", "none", "pfcp", NULL };

#define F(field) offsetof(struct phone_conf, field)

const struct opt phone_opts[] = {
	{ "name", OPT_STR, F(name), NULL, NULL, "name in steps and reports; default: its number" },
	{ "imsi", OPT_STR, F(imsi), NULL, NULL, "IMSI, 6 to 15 digits" },
	{ "k", OPT_STR, F(k), NULL, NULL, "K, 32 hexadecimal digits" },
	{ "opc", OPT_STR, F(opc), NULL, NULL, "OPc, 32 hexadecimal digits" },
	{ "op", OPT_STR, F(op), NULL, NULL, "OP instead of OPc" },
	{ "amf", OPT_STR, F(amf), "8000", NULL, "AMF, 4 hexadecimal digits" },
	{ "sqn", OPT_UINT, F(sqn), "0", NULL,
	  "highest SEQ that the SIM has accepted at the start" },
	{ "ind_len", OPT_UINT, F(ind_len), "5", NULL, "bits of IND in SQN (TS 33.102 C.3.2)" },
	{ "state", OPT_STR, F(state), NULL, NULL, "file that keeps the SIM's SQN between runs" },
	{ "password", OPT_STR, F(password), NULL, NULL,
	  "digest password, when the network does not challenge with AKA" },
	{ "mnc_len", OPT_UINT, F(mnc_len), "2", NULL, "digits of the MNC in the IMSI, 2 or 3" },
	{ "msisdn", OPT_STR, F(msisdn), NULL, NULL,
	  "telephone number with +; only used to be called by" },
	{ "impi", OPT_STR, F(impi), NULL, NULL, "private user identity; default IMSI@DOMAIN" },
	{ "impu", OPT_STR, F(impu), NULL, NULL,
	  "public user identity to register; default sip:IMSI@DOMAIN" },
	{ "domain", OPT_STR, F(domain), NULL, NULL,
	  "home network domain; default ims.mncMNC.mccMCC.3gppnetwork.org" },
	{ "imei", OPT_STR, F(imei), NULL, NULL,
	  "IMEI for +sip.instance, 15 digits; default made from the IMSI" },
	{ "netns", OPT_STR, F(netns), NULL, NULL,
	  "network namespace (name or path); default: the process's own" },
	{ "addr", OPT_STR, F(addr), NULL, NULL,
	  "own address; default: the one that the route to the P-CSCF uses" },
	{ "pcscf", OPT_STR, F(pcscf), NULL, NULL, "P-CSCF: address or name; default pcscf.DOMAIN" },
	{ "pcscf_port", OPT_UINT, F(pcscf_port), "5060", NULL, "P-CSCF's unprotected port" },
	{ "dns", OPT_STR, F(dns), NULL, NULL,
	  "DNS server for the P-CSCF's name; default: from /etc/resolv.conf" },
	{ "family", OPT_UINT, F(family), "0", NULL,
	  "4 or 6: which address of a P-CSCF's name to take; 0: the first" },
	{ "port", OPT_UINT, F(port), "5060", NULL, "own unprotected port; 0: any free one" },
	{ "rtp_port", OPT_UINT, F(rtp_port), "0", NULL, "first RTP port; 0: any free pair" },
	{ "transport", OPT_ENUM, F(transport), "auto", transports,
	  "SIP transport; auto: UDP, and TCP over 1300 octets" },
	{ "access", OPT_STR, F(access), "3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=0010100010000001",
	  NULL, "P-Access-Network-Info; empty: not sent" },
	{ "apn", OPT_STR, F(apn), NULL, NULL,
	  "access point name; with it the phone has no address until the step attach" },
	{ "pdn_type", OPT_ENUM, F(pdn_type), "ipv4v6", pdn_types, "PDN type to ask for" },
	{ "paa", OPT_STR, F(paa), NULL, NULL, "static address to ask for" },
	{ "dev", OPT_STR, F(dev), "eth0", NULL,
	  "device in netns towards the access side, which gets the phone's addresses" },
	{ "gtpu", OPT_ENUM, F(gtpu), "kims", gtpu_kinds,
	  "user plane of the access side; gtp.ko: the kernel's own, IPv4 and the default bearer only; pfcp: a SGW-U" },
	{ "tac", OPT_UINT, F(tac), "1", NULL, "tracking area code" },
	{ "eci", OPT_UINT, F(eci), "257", NULL, "E-UTRAN cell identifier" },
	{ "ipsec", OPT_BOOL, F(ipsec), "yes", NULL, "security agreement with IPsec (TS 33.203)" },
	{ "new_port_us", OPT_BOOL, F(new_port_us), "no", NULL,
	  "a re-registration changes the protected server port too" },
	{ "algs", OPT_STR, F(algs), "hmac-sha-1-96 hmac-md5-96", NULL,
	  "integrity algorithms to offer" },
	{ "ealgs", OPT_STR, F(ealgs), "aes-cbc des-ede3-cbc null", NULL,
	  "encryption algorithms to offer" },
	{ "expires", OPT_UINT, F(expires), "600000", NULL,
	  "registration lifetime to ask for, seconds" },
	{ "reg_event", OPT_BOOL, F(reg_event), "yes", NULL,
	  "subscribe to the registration state after registering" },
	{ "precondition", OPT_BOOL, F(precondition), "yes", NULL, "QoS preconditions (RFC 3312)" },
	{ "rel100", OPT_BOOL, F(rel100), "yes", NULL, "reliable provisional responses (RFC 3262)" },
	{ "media", OPT_BOOL, F(media), "yes", NULL, "send RTP in calls" },
	{ "codec", OPT_ENUM, F(codec), "amr-wb", codecs, "preferred codec" },
	{ "answer", OPT_ENUM, F(answer), "yes", answers, "what to do with an incoming call" },
	{ "ring", OPT_TIME, F(ring), "200ms", NULL, "time from 180 to 200" },
	{ "qos_delay", OPT_TIME, F(qos_delay), "20ms", NULL, "time that the local bearer takes" },
	{ "bearer_wait", OPT_TIME, F(bearer_wait), "5s", NULL,
	  "time that a phone that attaches waits for the bearer of its media; then it goes on without" },
	{ "audio_delay", OPT_TIME, F(audio_delay), "0ms", NULL,
	  "time from the answer to the first RTP packet; gates that open with the answer drop what comes before" },
	{ "ptime", OPT_TIME, F(ptime), "20ms", NULL,
	  "audio in an RTP packet, 20 to 240 ms (TS 26.114): longer ones let a slow machine carry more calls" },
	{ "session_expires", OPT_UINT, F(session_expires), "1800", NULL,
	  "Session-Expires, seconds; 0: no session timer" },
	{ "min_se", OPT_UINT, F(min_se), "90", NULL, "smallest Session-Expires accepted" },
	{ "t1_ms", OPT_UINT, F(t1_ms), "2000", NULL, "T1 on Gm (TS 24.229 7.7); T2 and T4 follow" },
	{ NULL, OPT_STR, 0, NULL, NULL, NULL },
};

static int fill(char **field, const char *fmt, ...) _printf_(2, 3);

static int fill(char **field, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (*field && **field)
		return 0;
	free(*field);
	va_start(ap, fmt);
	n = vasprintf(field, fmt, ap);
	va_end(ap);
	if (n < 0) {
		*field = NULL;
		return -ENOMEM;
	}
	return 0;
}

static bool all_digits(const char *s)
{
	for (; *s; s++) {
		if (!isdigit((unsigned char)*s))
			return false;
	}
	return true;
}

static int check_imsi(const struct phone_conf *c, char *err, size_t errsize)
{
	size_t n = c->imsi ? strlen(c->imsi) : 0;

	if (n >= 6 && n <= 15 && all_digits(c->imsi))
		return 0;
	snprintf(err, errsize, "phone %s: imsi must be 6 to 15 digits",
		 c->name ? c->name : "without name");
	return -EINVAL;
}

static int check_ptime(const struct phone_conf *c, char *err, size_t errsize)
{
	uint64_t frame = 20 * USEC_PER_MSEC;

	if (c->ptime >= frame && c->ptime <= 12 * frame && !(c->ptime % frame))
		return 0;
	snprintf(err, errsize, "phone %s: ptime must be a multiple of 20 ms up to 240 ms",
		 c->name ? c->name : c->imsi);
	return -EINVAL;
}

/* IMSI = MCC (3) MNC (2 or 3) MSIN; a two-digit MNC is written with a leading zero. */
static int fill_domain(struct phone_conf *c)
{
	int len = c->mnc_len == 3 ? 3 : 2;

	return fill(&c->domain, "ims.mnc%s%.*s.mcc%.3s.3gppnetwork.org", len == 2 ? "0" : "", len,
		    c->imsi + 3, c->imsi);
}

int phone_conf_complete(struct phone_conf *c, char *err, size_t errsize)
{
	int r = check_imsi(c, err, errsize);

	if (!r)
		r = check_ptime(c, err, errsize);
	if (r)
		return r;
	r = fill_domain(c);
	if (!r)
		r = fill(&c->impi, "%s@%s", c->imsi, c->domain);
	if (!r)
		r = fill(&c->impu, "sip:%s@%s", c->imsi, c->domain);
	if (!r)
		r = fill(&c->pcscf, "pcscf.%s", c->domain);
	if (!r) /* TAC of a test device, then the IMSI's last six digits */
		r = fill(&c->imei, "35624711%s0", c->imsi + strlen(c->imsi) - 6);
	if (r)
		snprintf(err, errsize, "out of memory");
	return r;
}
