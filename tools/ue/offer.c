// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing and reading of the phones' SDP, as declared in offer.h.
 *
 * Preconditions (RFC 3312 5): the status "local" is that of the writer's access, so that the
 * reader's "remote" is the writer's "local".
 */
#include "offer.h"

#include <arpa/inet.h>
#include <stdio.h>

#define PT_AMR_WB    96
#define PT_AMR_WB_TE 97
#define PT_PCMA	     8
#define PT_PCMA_TE   101

static const char *const dir_names[] = {
	[SDP_SENDRECV] = "sendrecv",
	[SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly",
	[SDP_INACTIVE] = "inactive",
};

/* --- writing --- */

static const char *host(const union sip_sa *a, char dst[INET6_ADDRSTRLEN])
{
	if (a->sa.sa_family == AF_INET6)
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, dst,
				 INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, dst,
			 INET6_ADDRSTRLEN);
}

static void put_codec(FILE *f, enum codec c, unsigned int pt, unsigned int te)
{
	switch (c) {
	case CODEC_AMR_WB:
		fprintf(f,
			"a=rtpmap:%u AMR-WB/16000/1\r\na=fmtp:%u mode-change-capability=2;max-red=0\r\n",
			pt, pt);
		break;
	case CODEC_PCMA:
		fprintf(f, "a=rtpmap:%u PCMA/8000/1\r\n", pt);
		break;
	}
	if (te)
		fprintf(f, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u 0-15\r\n", te,
			c == CODEC_AMR_WB ? 16000U : 8000U, te);
}

static void put_media_line(FILE *f, const struct sdp_ours *o, bool answer)
{
	bool wb = o->codec == CODEC_AMR_WB;

	fprintf(f, "m=audio %u RTP/AVP", sip_sa_port(&o->rtp));
	if (answer) {
		fprintf(f, " %u", o->pt);
		if (o->te_pt)
			fprintf(f, " %u", o->te_pt);
	} else if (o->only) {
		fprintf(f, " %d %d", wb ? PT_AMR_WB : PT_PCMA, wb ? PT_AMR_WB_TE : PT_PCMA_TE);
	} else {
		fprintf(f, wb ? " %d %d %d %d" : " %3$d %4$d %1$d %2$d", PT_AMR_WB, PT_AMR_WB_TE,
			PT_PCMA, PT_PCMA_TE);
	}
	fputs("\r\nb=AS:41\r\nb=RS:512\r\nb=RR:1537\r\n", f);
}

static void put_codecs(FILE *f, const struct sdp_ours *o, bool answer)
{
	if (answer) {
		put_codec(f, o->codec, o->pt, o->te_pt);
		return;
	}
	if (!o->only || o->codec == CODEC_AMR_WB)
		put_codec(f, CODEC_AMR_WB, PT_AMR_WB, PT_AMR_WB_TE);
	if (!o->only || o->codec == CODEC_PCMA)
		put_codec(f, CODEC_PCMA, PT_PCMA, PT_PCMA_TE);
}

static void put_qos(FILE *f, const struct sdp_ours *o)
{
	fprintf(f, "a=curr:qos local %s\r\na=curr:qos remote %s\r\n",
		o->local_ready ? "sendrecv" : "none", o->remote_ready ? "sendrecv" : "none");
	fprintf(f, "a=des:qos mandatory local sendrecv\r\na=des:qos %s remote sendrecv\r\n",
		o->remote_mandatory ? "mandatory" : "optional");
	if (o->confirm)
		fputs("a=conf:qos remote sendrecv\r\n", f);
}

int sdp_write(const struct sdp_ours *o, bool answer, char dst[SDP_TEXT_MAX])
{
	char addr[INET6_ADDRSTRLEN];
	const char *net = o->rtp.sa.sa_family == AF_INET6 ? "IP6" : "IP4";
	FILE *f = fmemopen(dst, SDP_TEXT_MAX, "w");
	long n;

	if (!f)
		return -ENOMEM;
	host(&o->rtp, addr);
	fprintf(f, "v=0\r\no=- %llu %llu IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		(unsigned long long)o->id, (unsigned long long)o->version, net, addr, net, addr);
	put_media_line(f, o, answer);
	put_codecs(f, o, answer);
	if (o->qos)
		put_qos(f, o);
	fprintf(f, "a=ptime:%u\r\na=maxptime:240\r\na=%s\r\n", o->ptime ? o->ptime : 20,
		dir_names[o->dir]);
	n = ftell(f);
	if (fclose(f) || n < 0 || n >= SDP_TEXT_MAX - 1)
		return -ENOSPC;
	return (int)n;
}

/* --- reading --- */

static bool next_line(struct str *rest, struct str *ret)
{
	if (!str_split(rest, '\n', ret))
		return false;
	*ret = str_trim(*ret);
	return true;
}

static struct str after(struct str line, struct str prefix)
{
	return str_trim((struct str){ line.p + prefix.n, line.n - prefix.n });
}

/* "a=curr:qos local sendrecv" */
static void read_qos(struct str line, struct sdp_theirs *t)
{
	static const struct str curr = { "a=curr:qos ", 11 };
	struct str rest, who;

	if (!str_has_prefix(line, curr))
		return;
	rest = after(line, curr);
	if (!str_split(&rest, ' ', &who) || !rest.p)
		return;
	t->qos = true;
	if (str_eqz(who, "local") || str_eqz(who, "e2e"))
		t->local_ready = str_eqz(str_trim(rest), "sendrecv");
	if (str_eqz(who, "remote") || str_eqz(who, "e2e"))
		t->remote_ready = str_eqz(str_trim(rest), "sendrecv");
}

/* Encoding name and clock of a payload type in the first audio section; n == 0: no rtpmap. */
static struct str rtpmap(struct str text, uint64_t pt)
{
	static const struct str map = { "a=rtpmap:", 9 };
	struct str line, num;
	uint64_t v;

	while (next_line(&text, &line)) {
		if (!str_has_prefix(line, map))
			continue;
		line = after(line, map);
		if (str_split(&line, ' ', &num) && line.p && !str_to_u64(num, 127, &v) && v == pt)
			return str_trim(line);
	}
	return (struct str){ NULL, 0 };
}

static bool has_prefix_nocase(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && !strncasecmp(s.p, prefix, n);
}

static bool known_codec(struct str name, uint64_t pt, enum codec *ret)
{
	if (has_prefix_nocase(name, "AMR-WB/16000"))
		*ret = CODEC_AMR_WB;
	else if (has_prefix_nocase(name, "PCMA/8000") || (!name.n && pt == PT_PCMA))
		*ret = CODEC_PCMA;
	else
		return false;
	return true;
}

static int read_formats(struct str text, struct str fmt, struct sdp_theirs *t)
{
	bool found = false;
	const char *te;
	struct str w;
	uint64_t pt;

	for (struct str rest = fmt; !found && str_split(&rest, ' ', &w);) {
		if (str_to_u64(w, 127, &pt))
			continue;
		found = known_codec(rtpmap(text, pt), pt, &t->codec);
		t->pt = (uint8_t)pt;
	}
	if (!found)
		return -EOPNOTSUPP;
	te = t->codec == CODEC_AMR_WB ? "telephone-event/16000" : "telephone-event/8000";
	for (struct str rest = fmt; !t->te_pt && str_split(&rest, ' ', &w);) {
		if (!str_to_u64(w, 127, &pt) && has_prefix_nocase(rtpmap(text, pt), te))
			t->te_pt = (uint8_t)pt;
	}
	return 0;
}

int sdp_understand(struct str text, struct sdp_theirs *ret)
{
	const struct sdp_media *m = NULL;
	struct str rest = text, line;
	struct sdp_info info;
	int r = sdp_read(text, &info);

	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; !m && i < info.n; i++) {
		if (str_eqz(info.m[i].type, "audio"))
			m = &info.m[i];
	}
	if (!m)
		return -ENOENT;
	ret->rtp = m->rtp;
	ret->rtcp = m->rtcp;
	ret->dir = m->dir;
	ret->rejected = !m->port;
	ret->hold = m->conn_zero;
	while (next_line(&rest, &line))
		read_qos(line, ret);
	return ret->rejected ? 0 : read_formats(text, m->fmt, ret);
}

enum sdp_dir sdp_answer_dir(enum sdp_dir offered, enum sdp_dir wanted)
{
	bool send = (offered == SDP_SENDRECV || offered == SDP_RECVONLY) &&
		    (wanted == SDP_SENDRECV || wanted == SDP_SENDONLY);
	bool recv = (offered == SDP_SENDRECV || offered == SDP_SENDONLY) &&
		    (wanted == SDP_SENDRECV || wanted == SDP_RECVONLY);

	return send ? (recv ? SDP_SENDRECV : SDP_SENDONLY) : (recv ? SDP_RECVONLY : SDP_INACTIVE);
}

bool sdp_may_send(const struct sdp_ours *o, const struct sdp_theirs *t)
{
	return !t->rejected && !t->hold && sip_sa_port(&t->rtp) &&
	       (o->dir == SDP_SENDRECV || o->dir == SDP_SENDONLY) &&
	       (t->dir == SDP_SENDRECV || t->dir == SDP_RECVONLY);
}
