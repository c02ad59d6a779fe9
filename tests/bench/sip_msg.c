// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a SIP message costs: parse, a proxy's edits, encode, response, typed views; ns per operation for a
 * 2 kB IMS INVITE and a 1.2 kB REGISTER. For instructions:
 *   valgrind --tool=callgrind build/bench/sip_msg 1000
 */
#include <stdio.h>
#include <time.h>

#include "lib/sip/msg.h"

#define IMS "ims.mnc001.mcc001.3gppnetwork.org"

static const char sdp[] =
	"v=0\r\no=- 42 42 IN IP4 10.45.0.11\r\ns=-\r\nc=IN IP4 10.45.0.11\r\nb=AS:49\r\nt=0 0\r\n"
	"m=audio 49120 RTP/AVP 96 97\r\nb=AS:49\r\nb=RS:600\r\nb=RR:2000\r\n"
	"a=rtpmap:96 AMR-WB/16000/1\r\na=fmtp:96 mode-change-capability=2;max-red=220\r\n"
	"a=rtpmap:97 telephone-event/16000\r\na=curr:qos local none\r\na=curr:qos remote none\r\n"
	"a=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\na=maxptime:240\r\na=ptime:20\r\na=sendrecv\r\n";

static const char invite_head[] =
	"INVITE sip:+15550000002@" IMS ";user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.46.0.1:5070;branch=z9hG4bK3b1a54.7f0;i=71\r\n"
	"Via: SIP/2.0/UDP 10.45.0.11:5063;rport=5062;received=10.45.0.11;branch=z9hG4bK-524287-1---4d1f6a3c\r\n"
	"Max-Forwards: 69\r\n"
	"Route: <sip:orig@scscf." IMS ":5060;lr>\r\n"
	"Record-Route: <sip:mo@10.46.0.1:5070;lr;ftag=i1>\r\n"
	"From: \"Alice\" <sip:+15550000001@" IMS ">;tag=i1-9847254\r\n"
	"To: <sip:+15550000002@" IMS ";user=phone>\r\n"
	"Call-ID: 8f3kd9f8sdk3jk4h5j@10.45.0.11\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:001010000000001@10.45.0.11:5063>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\";+g.3gpp.smsip\r\n"
	"Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"\r\n"
	"P-Asserted-Identity: <sip:+15550000001@" IMS ">\r\n"
	"P-Asserted-Identity: <tel:+15550000001>\r\n"
	"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=0010100010000101\r\n"
	"P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel\r\n"
	"P-Charging-Vector: icid-value=f81d4fae7dec11d0a76500a0c91e6bf6;orig-ioi=" IMS "\r\n"
	"P-Early-Media: supported\r\n"
	"Supported: 100rel, timer, precondition, histinfo\r\n"
	"Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, MESSAGE, REFER, NOTIFY, INFO, OPTIONS\r\n"
	"Session-Expires: 1800;refresher=uac\r\n"
	"Min-SE: 90\r\n"
	"User-Agent: kims-ue\r\n"
	"Content-Type: application/sdp\r\n";

static const char reg[] =
	"REGISTER sip:" IMS " SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.45.0.11:5063;branch=z9hG4bKr1-2384723;rport\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:001010000000001@" IMS ">;tag=r1\r\n"
	"To: <sip:001010000000001@" IMS ">\r\n"
	"Call-ID: reg1@10.45.0.11\r\n"
	"CSeq: 2 REGISTER\r\n"
	"Contact: <sip:001010000000001@10.45.0.11:5063>;+sip.instance=\"<urn:gsma:imei:35622410-483840-0>\";expires=600000\r\n"
	"Require: sec-agree\r\n"
	"Proxy-Require: sec-agree\r\n"
	"Supported: path, sec-agree\r\n"
	"Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans;spi-c=4096;spi-s=4097;port-c=5062;port-s=5063\r\n"
	"Security-Verify: ipsec-3gpp;q=0.5;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans;spi-c=5000;spi-s=5001;port-c=5063;port-s=5064\r\n"
	"Authorization: Digest username=\"001010000000001@" IMS "\",realm=\"" IMS
	"\",uri=\"sip:" IMS "\",nonce=\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\","
	"response=\"6629fae49393a05397450978507c4ef1\",algorithm=AKAv1-MD5\r\n"
	"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=0010100010000101\r\n"
	"Expires: 600000\r\n"
	"Content-Length: 0\r\n\r\n";

static char invite[4096];
static char out[65536];
static const char *text;
static size_t text_n;

static struct sip_msg *parsed(void)
{
	struct sip_msg *m;
	struct sip_parse_result r = sip_msg_parse(text, text_n, true, &m);

	if (r.error) {
		fprintf(stderr, "sip_msg: own message refused: %s\n",
			r.reason ? r.reason : "garbage");
		exit(1);
	}
	return m;
}

static void op_parse(void)
{
	sip_msg_unref(parsed());
}

static void edit(struct sip_msg *m)
{
	sip_msg_remove_first_elem(m, SIP_H_ROUTE);
	sip_msg_set(m, SIP_H_MAX_FORWARDS, "%u", 68u);
	sip_msg_prepend(m, SIP_H_RECORD_ROUTE, "<sip:%s:%u;lr;x=%s>", "10.46.0.3", 5060, "orig");
	sip_msg_prepend(m, SIP_H_VIA, "SIP/2.0/UDP %s;branch=z9hG4bK%s", "10.46.0.3:5060",
			"0000004f.1a2b3c4d");
}

static void op_proxy(void)
{
	struct sip_msg *m = parsed();

	edit(m);
	sip_msg_encode(m, out, sizeof(out));
	sip_msg_unref(m);
}

static void op_encode(void)
{
	static struct sip_msg *m;

	if (!m || sip_msg_size(m) < text_n) {
		sip_msg_unref(m);
		m = parsed();
		edit(m);
	}
	sip_msg_encode(m, out, sizeof(out));
}

static void op_clone(void)
{
	struct sip_msg *m = parsed();

	sip_msg_unref(sip_msg_clone(m));
	sip_msg_unref(m);
}

static void op_response(void)
{
	struct sip_msg *m = parsed(), *r = sip_msg_new_response(m, 180, NULL, "abc");

	sip_msg_encode(r, out, sizeof(out));
	sip_msg_unref(r);
	sip_msg_unref(m);
}

static void op_read(void)
{
	struct sip_msg *m = parsed();
	struct sip_via_view v;
	struct sip_elem e = { 0 };
	volatile size_t sum = 0;

	sip_msg_top_via(m, &v);
	while (sip_msg_next_elem(m, SIP_H_SUPPORTED, &e))
		sum += e.text.n;
	sum += sip_msg_call_id(m).n + sip_msg_from_tag(m).n + sip_msg_to_tag(m).n + v.branch.n;
	sip_msg_unref(m);
}

static void op_typed(void)
{
	struct sip_msg *m = parsed();

	sip_msg_contact(m);
	sip_msg_unref(m);
}

static void measure(const char *name, void (*op)(void), unsigned long n)
{
	struct timespec a, b;
	double best = 1e18;

	for (int round = 0; round < 5; round++) {
		double ns;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		for (unsigned long i = 0; i < n; i++)
			op();
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
		     (double)n;
		best = MIN(best, ns);
	}
	printf("  %-34s %8.0f ns\n", name, best);
}

static void measure_all(const char *what, const char *t, unsigned long n)
{
	text = t;
	text_n = strlen(t);
	printf("%s, %zu octets\n", what, text_n);
	measure("parse", op_parse, n);
	measure("parse, read Via, tags, Supported", op_read, n);
	measure("parse, 4 edits, encode", op_proxy, n);
	measure("encode after edits", op_encode, n);
	measure("parse, clone", op_clone, n);
	measure("parse, response, encode", op_response, n);
	measure("parse, typed Contact (sofia-sip)", op_typed, n);
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;

	snprintf(invite, sizeof(invite), "%sContent-Length: %zu\r\n\r\n%s", invite_head,
		 sizeof(sdp) - 1, sdp);
	measure_all("INVITE", invite, n);
	measure_all("REGISTER", reg, n);
	return 0;
}
