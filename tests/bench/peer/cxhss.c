/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cxhss - a small Diameter Cx HSS for bench rigs.
 *
 * One thread, epoll, TCP only (RFC 6733 over TCP, no TLS, no SCTP).
 * Answers CER, DWR, DPR, UAR, MAR, SAR, LIR (3GPP TS 29.228/29.229).
 * Users come from a CSV file:
 *     impi;impu;tel;auth;password;K;OP;AMF        (auth is MD5 or AKA)
 * K and OP are 32 hex digits, AMF 4 hex digits. Lines that begin with # are skipped.
 *
 * It keeps the registration state and S-CSCF name of each user in memory only.
 */
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/aes.h>
#include <openssl/md5.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define V3GPP 10415u
#define APP_CX 16777216u
#define MAXCONN 64
#define BUFSZ (1 << 20)
#define OUTMAX (1 << 29)

enum { CMD_CER = 257, CMD_DWR = 280, CMD_DPR = 282, CMD_UAR = 300, CMD_SAR = 301, CMD_LIR = 302, CMD_MAR = 303 };

typedef struct {
	char *impi, *impu, *tel, *password;
	uint8_t k[16], opc[16], amf[2];
	uint64_t sqn;
	uint8_t aka;
	uint8_t state; /* 0 not registered, 1 registered, 2 unregistered with a server, 3 auth pending */
	char server[120];
} user_t;

typedef struct {
	int fd;
	uint8_t *in, *out;
	size_t inlen, outlen, outcap;
	int closing;
	uint32_t events;
} conn_t;

typedef struct pend {
	struct pend *next;
	double due;
	int fd;
	uint32_t gen, len;
	uint8_t data[];
} pend_t;

static user_t *users;
static size_t nusers;
static uint32_t *h_impi, *h_impu, hmask;
static conn_t conns[MAXCONN];
static uint32_t gens[MAXCONN];
static const char *bind_ip = "127.0.0.1", *realm = "ims.example", *identity = "hss.ims.example";
static const char *def_scscf = "sip:scscf.ims.example:6060", *csv = "hss.csv", *pidfile;
static int port = 3868, delay_ms = 0, use_caps = 0, assume = 0, nozero = 0;
static volatile sig_atomic_t want_stats, want_quit;
static uint64_t cnt[512], err_cnt;
static pend_t *ph, *pt;

static void die(const char *f, ...)
{
	va_list a;
	va_start(a, f);
	vfprintf(stderr, f, a);
	va_end(a);
	fputc('\n', stderr);
	exit(1);
}
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- users ---- */
static uint32_t fnv(const char *s, size_t n)
{
	uint32_t h = 2166136261u;
	while (n--) h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}
static user_t *find(const uint32_t *tab, int by_impu, const char *s, size_t n)
{
	uint32_t i = fnv(s, n) & hmask;
	for (; tab[i]; i = (i + 1) & hmask) {
		user_t *u = &users[tab[i] - 1];
		const char *k = by_impu ? u->impu : u->impi;
		if (strlen(k) == n && !memcmp(k, s, n)) return u;
	}
	return NULL;
}
static void put(uint32_t *tab, const char *k, uint32_t idx)
{
	uint32_t i = fnv(k, strlen(k)) & hmask;
	while (tab[i]) i = (i + 1) & hmask;
	tab[i] = idx + 1;
}
static int unhex(const char *s, uint8_t *o, int n)
{
	for (int i = 0; i < n; i++) {
		unsigned v;
		if (sscanf(s + 2 * i, "%2x", &v) != 1) return -1;
		o[i] = v;
	}
	return 0;
}
static void load(const char *file)
{
	FILE *f = fopen(file, "r");
	char line[1024];
	size_t cap = 0;
	if (!f) die("%s: %s", file, strerror(errno));
	while (fgets(line, sizeof line, f)) {
		char *fld[8], *p = line;
		int n = 0;
		uint8_t op[16];
		AES_KEY ks;
		if (*line == '#' || *line == '\n') continue;
		line[strcspn(line, "\r\n")] = 0;
		while (n < 8 && p) fld[n++] = strsep(&p, ";");
		if (n < 8) die("%s: line with %d fields: %s", file, n, line);
		if (nusers == cap) {
			cap = cap ? cap * 2 : 1024;
			users = realloc(users, cap * sizeof *users);
		}
		user_t *u = &users[nusers++];
		memset(u, 0, sizeof *u);
		u->impi = strdup(fld[0]);
		u->impu = strdup(fld[1]);
		u->tel = strdup(fld[2]);
		u->aka = !strcmp(fld[3], "AKA");
		u->password = strdup(fld[4]);
		if (unhex(fld[5], u->k, 16) || unhex(fld[6], op, 16) || unhex(fld[7], u->amf, 2)) die("%s: bad hex for %s", file, u->impi);
		AES_set_encrypt_key(u->k, 128, &ks);
		AES_encrypt(op, u->opc, &ks);
		for (int i = 0; i < 16; i++) u->opc[i] ^= op[i];
		u->sqn = 32;
	}
	fclose(f);
	hmask = 1;
	while (hmask < nusers * 2 + 2) hmask <<= 1;
	h_impi = calloc(hmask, sizeof *h_impi);
	h_impu = calloc(hmask, sizeof *h_impu);
	hmask--;
	for (size_t i = 0; i < nusers; i++) {
		put(h_impi, users[i].impi, i);
		put(h_impu, users[i].impu, i);
	}
}

/* ---- Milenage (TS 35.206) ---- */
static void milenage(const user_t *u, const uint8_t rnd[16], const uint8_t sqn[6], uint8_t mac[8], uint8_t res[8],
		uint8_t ck[16], uint8_t ik[16], uint8_t ak[6])
{
	AES_KEY ks;
	uint8_t tmp[16], t[16], in1[16], o[16];
	AES_set_encrypt_key(u->k, 128, &ks);
	for (int i = 0; i < 16; i++) t[i] = rnd[i] ^ u->opc[i];
	AES_encrypt(t, tmp, &ks); /* TEMP */
	memcpy(in1, sqn, 6);
	memcpy(in1 + 6, u->amf, 2);
	memcpy(in1 + 8, in1, 8);
	for (int i = 0; i < 16; i++) t[(i + 8) & 15] = in1[i] ^ u->opc[i]; /* r1 = 64 */
	for (int i = 0; i < 16; i++) t[i] ^= tmp[i];
	AES_encrypt(t, o, &ks);
	for (int i = 0; i < 8; i++) mac[i] = o[i] ^ u->opc[i];
	static const int rot[3] = {0, 4, 8}; /* r2 = 0, r3 = 32, r4 = 64 */
	for (int f = 0; f < 3; f++) {
		for (int i = 0; i < 16; i++) t[(i + 16 - rot[f]) & 15] = tmp[i] ^ u->opc[i];
		t[15] ^= 1 << f; /* c2 = 1, c3 = 2, c4 = 4 */
		AES_encrypt(t, o, &ks);
		for (int i = 0; i < 16; i++) o[i] ^= u->opc[i];
		if (f == 0) {
			memcpy(res, o + 8, 8);
			memcpy(ak, o, 6);
		} else
			memcpy(f == 1 ? ck : ik, o, 16);
	}
}

/* ---- Diameter encoding ---- */
typedef struct {
	uint8_t *b;
	size_t n;
} msg_t;
static void p32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, 4);
}
static uint32_t g32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return ntohl(v);
}
static size_t avp_open(msg_t *m, uint32_t code, uint32_t vendor, int mflag)
{
	size_t at = m->n;
	p32(m->b + at, code);
	m->b[at + 4] = (vendor ? 0x80 : 0) | (mflag ? 0x40 : 0);
	m->n += 8;
	if (vendor) {
		p32(m->b + m->n, vendor);
		m->n += 4;
	}
	return at;
}
static void avp_close(msg_t *m, size_t at)
{
	uint32_t len = m->n - at;
	m->b[at + 5] = len >> 16;
	m->b[at + 6] = len >> 8;
	m->b[at + 7] = len;
	while (m->n & 3) m->b[m->n++] = 0;
}
static void avp(msg_t *m, uint32_t code, uint32_t vendor, int mflag, const void *d, size_t n)
{
	size_t at = avp_open(m, code, vendor, mflag);
	memcpy(m->b + m->n, d, n);
	m->n += n;
	avp_close(m, at);
}
static void avp_s(msg_t *m, uint32_t code, uint32_t vendor, const char *s) { avp(m, code, vendor, 1, s, strlen(s)); }
static void avp_u(msg_t *m, uint32_t code, uint32_t vendor, uint32_t v)
{
	uint8_t b[4];
	p32(b, v);
	avp(m, code, vendor, 1, b, 4);
}
static void result(msg_t *m, uint32_t rc, int experimental)
{
	if (!experimental) {
		avp_u(m, 268, 0, rc);
		return;
	}
	size_t at = avp_open(m, 297, 0, 1);
	avp_u(m, 266, 0, V3GPP);
	avp_u(m, 298, 0, rc);
	avp_close(m, at);
}

/* find an AVP in [p, e); returns data pointer and length */
static const uint8_t *get(const uint8_t *p, const uint8_t *e, uint32_t code, uint32_t vendor, size_t *n)
{
	while (p + 8 <= e) {
		uint32_t c = g32(p), len = g32(p + 4) & 0xffffff, v = 0, h = 8;
		if (len < 8 || p + len > e) return NULL;
		if (p[4] & 0x80) {
			if (len < 12) return NULL;
			v = g32(p + 8);
			h = 12;
		}
		if (c == code && v == vendor) {
			*n = len - h;
			return p + h;
		}
		p += (len + 3) & ~3u;
	}
	return NULL;
}

static void common(msg_t *m)
{
	size_t at = avp_open(m, 260, 0, 1);
	avp_u(m, 266, 0, V3GPP);
	avp_u(m, 258, 0, APP_CX);
	avp_close(m, at);
	avp_u(m, 277, 0, 1);
	avp_s(m, 264, 0, identity);
	avp_s(m, 296, 0, realm);
}

static void md5hex(const char *a, const char *b, const char *c, char out[33])
{
	uint8_t d[16];
	MD5_CTX x;
	MD5_Init(&x);
	MD5_Update(&x, a, strlen(a));
	MD5_Update(&x, ":", 1);
	MD5_Update(&x, b, strlen(b));
	MD5_Update(&x, ":", 1);
	MD5_Update(&x, c, strlen(c));
	MD5_Final(d, &x);
	for (int i = 0; i < 16; i++) sprintf(out + 2 * i, "%02x", d[i]);
}

static void put_server(user_t *u, const uint8_t *s, size_t n)
{
	if (n >= sizeof u->server) n = sizeof u->server - 1;
	memcpy(u->server, s, n);
	u->server[n] = 0;
}

static void mar(msg_t *m, user_t *u, const uint8_t *p, const uint8_t *e)
{
	size_t n, in;
	const uint8_t *item = get(p, e, 612, V3GPP, &in), *sch = NULL;
	const uint8_t *sn = get(p, e, 602, V3GPP, &n);
	int aka = u->aka;
	if (sn) put_server(u, sn, n);
	if (u->state == 0) u->state = 3;
	if (item && (sch = get(item, item + in, 608, V3GPP, &n))) {
		if (n == 16 && !memcmp(sch, "Digest-AKAv1-MD5", 16)) aka = 1;
		else if (n == 10 && (!memcmp(sch, "SIP Digest", 10) || !memcmp(sch, "Digest-MD5", 10))) aka = 0;
		/* resynchronisation: SIP-Authorization holds RAND || AUTS; take SQN from AUTS */
		const uint8_t *az = get(item, item + in, 610, V3GPP, &n);
		if (aka && az && n >= 30) {
			uint8_t t[16], tmp[16], o[16];
			AES_KEY ks; /* f5* : r5 = 96, c5 = 8 */
			AES_set_encrypt_key(u->k, 128, &ks);
			for (int i = 0; i < 16; i++) t[i] = az[i] ^ u->opc[i];
			AES_encrypt(t, tmp, &ks);
			for (int i = 0; i < 16; i++) t[(i + 4) & 15] = tmp[i] ^ u->opc[i];
			t[15] ^= 8;
			AES_encrypt(t, o, &ks);
			uint64_t s = 0;
			for (int i = 0; i < 6; i++) s = (s << 8) | (az[16 + i] ^ o[i] ^ u->opc[i]);
			u->sqn = s + 32;
		}
	}
	result(m, 2001, 0);
	avp_s(m, 1, 0, u->impi);
	avp_s(m, 601, V3GPP, u->impu);
	avp_u(m, 607, V3GPP, 1);
	size_t g = avp_open(m, 612, V3GPP, 1);
	avp_u(m, 613, V3GPP, 1);
	if (aka) {
		uint8_t rnd[16], sqn[6], mac[8], res[8] = {0}, ck[16], ik[16], ak[6], nonce[32];
		u->sqn += 32;
		for (int i = 0; i < 6; i++) sqn[i] = u->sqn >> (8 * (5 - i));
		do {
			if (getrandom(rnd, 16, 0) != 16) die("getrandom");
			milenage(u, rnd, sqn, mac, res, ck, ik, ak);
		} while (nozero && memchr(res, 0, 8));
		memcpy(nonce, rnd, 16);
		for (int i = 0; i < 6; i++) nonce[16 + i] = sqn[i] ^ ak[i];
		memcpy(nonce + 22, u->amf, 2);
		memcpy(nonce + 24, mac, 8);
		avp_s(m, 608, V3GPP, "Digest-AKAv1-MD5");
		avp(m, 609, V3GPP, 1, nonce, 32);
		avp(m, 610, V3GPP, 1, res, 8);
		avp(m, 625, V3GPP, 1, ck, 16);
		avp(m, 626, V3GPP, 1, ik, 16);
	} else {
		char ha1[33];
		md5hex(u->impi, realm, u->password, ha1);
		avp_s(m, 608, V3GPP, "SIP Digest");
		size_t d = avp_open(m, 635, V3GPP, 1);
		avp_s(m, 104, 0, realm);
		avp_s(m, 111, 0, "MD5");
		avp_s(m, 110, 0, "auth");
		avp_s(m, 121, 0, ha1);
		avp_close(m, d);
	}
	avp_close(m, g);
}

static void sar(msg_t *m, user_t *u, const uint8_t *p, const uint8_t *e)
{
	size_t n;
	const uint8_t *t = get(p, e, 614, V3GPP, &n), *sn, *have;
	uint32_t type = t && n == 4 ? g32(t) : 1;
	if ((sn = get(p, e, 602, V3GPP, &n))) put_server(u, sn, n);
	have = get(p, e, 624, V3GPP, &n);
	int give = !(have && n == 4 && g32(have) == 1);
	switch (type) {
	case 1: case 2: u->state = 1; break;
	case 3: u->state = 2; break;
	case 0: break;
	case 6: case 7: u->state = 2; give = 0; break; /* dereg, store server name */
	default: u->state = 0; u->server[0] = 0; give = 0;
	}
	result(m, 2001, 0);
	avp_s(m, 1, 0, u->impi);
	if (give) {
		char x[1200];
		int l = snprintf(x, sizeof x,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription><PrivateID>%s</PrivateID><ServiceProfile>"
			"<PublicIdentity><BarringIndication>0</BarringIndication><Identity>%s</Identity></PublicIdentity>"
			"%s%s%s"
			"</ServiceProfile></IMSSubscription>",
			u->impi, u->impu,
			*u->tel ? "<PublicIdentity><BarringIndication>0</BarringIndication><Identity>" : "", u->tel,
			*u->tel ? "</Identity></PublicIdentity>" : "");
		avp(m, 606, V3GPP, 1, x, l);
	}
}

/* The output buffer grows as needed: a peer that reads slowly must not stop us from reading it,
 * or two sides that both block on a full socket would wait for ever. */
static void queue(conn_t *c, const uint8_t *b, size_t n)
{
	if (c->outlen + n > c->outcap) {
		size_t cap = c->outcap * 2;
		uint8_t *p = cap <= OUTMAX ? realloc(c->out, cap) : NULL;
		if (!p) {
			err_cnt++;
			return;
		}
		c->out = p;
		c->outcap = cap;
	}
	memcpy(c->out + c->outlen, b, n);
	c->outlen += n;
}

static void answer(conn_t *c, const uint8_t *q, size_t qlen)
{
	static uint8_t buf[16384];
	msg_t M = {buf, 20}, *m = &M;
	const uint8_t *p = q + 20, *e = q + qlen, *v;
	uint32_t cmd = g32(q + 4) & 0xffffff;
	size_t n;
	user_t *u = NULL;
	if (!(q[4] & 0x80)) return; /* an answer: nothing pending here */
	memcpy(buf, q, 20);
	buf[4] &= 0x40; /* keep P only */
	if (cmd < 512) cnt[cmd]++;
	if ((v = get(p, e, 263, 0, &n))) avp(m, 263, 0, 1, v, n);
	switch (cmd) {
	case CMD_CER: {
		uint8_t ip[6] = {0, 1};
		inet_pton(AF_INET, bind_ip, ip + 2);
		result(m, 2001, 0);
		avp_s(m, 264, 0, identity);
		avp_s(m, 296, 0, realm);
		avp(m, 257, 0, 1, ip, 6);
		avp_u(m, 266, 0, 0);
		avp(m, 269, 0, 0, "cxhss", 5);
		avp_u(m, 265, 0, V3GPP);
		size_t at = avp_open(m, 260, 0, 1);
		avp_u(m, 266, 0, V3GPP);
		avp_u(m, 258, 0, APP_CX);
		avp_close(m, at);
		break;
	}
	case CMD_DPR: c->closing = 1; /* fall through */
	case CMD_DWR:
		result(m, 2001, 0);
		avp_s(m, 264, 0, identity);
		avp_s(m, 296, 0, realm);
		break;
	case CMD_UAR: case CMD_MAR: case CMD_SAR: case CMD_LIR: {
		common(m);
		size_t pn;
		const uint8_t *pub = get(p, e, 601, V3GPP, &pn);
		if (cmd != CMD_LIR && (v = get(p, e, 1, 0, &n))) u = find(h_impi, 0, (const char *)v, n);
		if (!u && pub && (cmd == CMD_LIR || cmd == CMD_SAR)) u = find(h_impu, 1, (const char *)pub, pn);
		if (!u) {
			err_cnt++;
			result(m, 5001, 1);
			break;
		}
		if (pub && cmd != CMD_LIR && (strlen(u->impu) != pn || memcmp(u->impu, pub, pn))
				&& (strlen(u->tel) != pn || memcmp(u->tel, pub, pn))) {
			err_cnt++;
			result(m, 5002, 1);
			break;
		}
		if (cmd == CMD_UAR) {
			int known = (u->state == 1 || u->state == 2) && u->server[0];
			result(m, known ? 2002 : 2001, 1);
			if (known)
				avp_s(m, 602, V3GPP, u->server);
			else if (use_caps) {
				size_t at = avp_open(m, 603, V3GPP, 1);
				avp_u(m, 604, V3GPP, 0);
				avp_close(m, at);
			} else
				avp_s(m, 602, V3GPP, def_scscf);
		} else if (cmd == CMD_LIR) {
			if ((u->state == 1 || u->state == 2) && u->server[0]) {
				result(m, 2001, 0);
				avp_s(m, 602, V3GPP, u->server);
			} else
				result(m, 5003, 1);
		} else if (cmd == CMD_MAR)
			mar(m, u, p, e);
		else
			sar(m, u, p, e);
		break;
	}
	default:
		err_cnt++;
		result(m, 3001, 0);
		buf[4] |= 0x20;
		avp_s(m, 264, 0, identity);
		avp_s(m, 296, 0, realm);
	}
	buf[0] = 1;
	buf[1] = m->n >> 16;
	buf[2] = m->n >> 8;
	buf[3] = m->n;
	if (delay_ms && cmd >= 300) {
		pend_t *d = malloc(sizeof *d + m->n);
		d->next = NULL;
		d->due = now() + delay_ms / 1e3;
		d->fd = c - conns;
		d->gen = gens[c - conns];
		d->len = m->n;
		memcpy(d->data, buf, m->n);
		if (pt) pt->next = d; else ph = d;
		pt = d;
	} else
		queue(c, buf, m->n);
}

static void drop(int ep, conn_t *c)
{
	epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->fd = -1;
	c->inlen = c->outlen = 0;
	c->closing = 0;
	gens[c - conns]++;
}
static void flush(int ep, conn_t *c)
{
	size_t o = 0;
	while (o < c->outlen) {
		ssize_t w = send(c->fd, c->out + o, c->outlen - o, MSG_NOSIGNAL);
		if (w <= 0) break;
		o += w;
	}
	memmove(c->out, c->out + o, c->outlen - o);
	c->outlen -= o;
	struct epoll_event ev = {.events = EPOLLIN | (c->outlen ? EPOLLOUT : 0), .data.u32 = c - conns};
	if (c->events != ev.events) {
		epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
		c->events = ev.events;
	}
	if (c->closing && !c->outlen) drop(ep, c);
}
/* answers what lies in the input buffer; 1 on a broken stream */
static int pump(conn_t *c)
{
	size_t at = 0;
	while (c->inlen - at >= 20) {
		uint32_t len = g32(c->in + at) & 0xffffff;
		if (c->in[at] != 1 || len < 20 || len > BUFSZ / 2) return 1;
		if (c->inlen - at < len) break;
		answer(c, c->in + at, len);
		at += len;
	}
	memmove(c->in, c->in + at, c->inlen - at);
	c->inlen -= at;
	return 0;
}
static void stats(void)
{
	size_t reg = 0;
	for (size_t i = 0; i < nusers; i++) reg += users[i].state == 1;
	fprintf(stderr, "cxhss users=%zu registered=%zu CER=%lu DWR=%lu UAR=%lu MAR=%lu SAR=%lu LIR=%lu err=%lu\n", nusers, reg,
		cnt[CMD_CER], cnt[CMD_DWR], cnt[CMD_UAR], cnt[CMD_MAR], cnt[CMD_SAR], cnt[CMD_LIR], err_cnt);
}
static void on_sig(int s)
{
	if (s == SIGUSR1) want_stats = 1;
	else want_quit = 1;
}

int main(int argc, char **argv)
{
	int o, one = 1;
	while ((o = getopt(argc, argv, "b:p:r:i:s:u:d:P:CAZ")) != -1) switch (o) {
	case 'b': bind_ip = optarg; break;
	case 'p': port = atoi(optarg); break;
	case 'r': realm = optarg; break;
	case 'i': identity = optarg; break;
	case 's': def_scscf = optarg; break;
	case 'u': csv = optarg; break;
	case 'd': delay_ms = atoi(optarg); break;
	case 'P': pidfile = optarg; break;
	case 'C': use_caps = 1; break;
	case 'A': assume = 1; break;
	case 'Z': nozero = 1; break;
	default:
		die("usage: cxhss -b ip -p port -i identity -r realm -s scscf-uri -u users.csv [-d answer-delay-ms] [-P pidfile] [-C] [-A] [-Z]\n"
		    "  -C  answer a first UAR with Server-Capabilities (the I-CSCF picks) in place of Server-Name\n"
		    "  -A  every user starts registered at the scscf-uri (as an HSS that kept its state over a restart)\n"
		    "  -Z  AKA: only vectors with no zero byte in RES (sipp 3.6.1 takes RES as a C string: 3 %% would fail)\n"
		    "  SIGUSR1 prints the counters");
	}
	load(csv);
	for (size_t i = 0; assume && i < nusers; i++) {
		users[i].state = 1;
		put_server(&users[i], (const uint8_t *)def_scscf, strlen(def_scscf));
	}
	signal(SIGUSR1, on_sig);
	signal(SIGTERM, on_sig);
	signal(SIGINT, on_sig);
	for (int i = 0; i < MAXCONN; i++) conns[i].fd = -1;
	int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, bind_ip, &a.sin_addr);
	if (bind(ls, (void *)&a, sizeof a) || listen(ls, 16)) die("bind %s:%d: %s", bind_ip, port, strerror(errno));
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = UINT32_MAX}, evs[32];
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	if (pidfile) {
		FILE *f = fopen(pidfile, "w");
		if (f) {
			fprintf(f, "%d\n", getpid());
			fclose(f);
		}
	}
	fprintf(stderr, "cxhss %s realm %s on %s:%d, %zu users\n", identity, realm, bind_ip, port, nusers);
	while (!want_quit) {
		int tmo = 1000;
		if (ph) {
			double d = (ph->due - now()) * 1e3;
			tmo = d <= 0 ? 0 : (int)d + 1;
		}
		int k = epoll_wait(ep, evs, 32, tmo);
		if (want_stats) {
			want_stats = 0;
			stats();
		}
		for (int i = 0; i < k; i++) {
			if (evs[i].data.u32 == UINT32_MAX) {
				int fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), j;
				if (fd < 0) continue;
				for (j = 0; j < MAXCONN && conns[j].fd >= 0; j++);
				if (j == MAXCONN) {
					close(fd);
					continue;
				}
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				conns[j].fd = fd;
				if (!conns[j].in) {
					conns[j].in = malloc(BUFSZ);
					conns[j].out = malloc(conns[j].outcap = BUFSZ);
				}
				ev.events = conns[j].events = EPOLLIN;
				ev.data.u32 = j;
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				continue;
			}
			conn_t *c = &conns[evs[i].data.u32];
			if (c->fd < 0) continue;
			if (c->inlen < BUFSZ && (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
				ssize_t r = recv(c->fd, c->in + c->inlen, BUFSZ - c->inlen, 0);
				if (r == 0 || (r < 0 && errno != EAGAIN)) {
					drop(ep, c);
					continue;
				}
				if (r > 0) c->inlen += r;
			}
			flush(ep, c);
			if (c->fd < 0) continue;
			if (pump(c)) {
				err_cnt++;
				drop(ep, c);
				continue;
			}
			flush(ep, c);
		}
		while (ph && ph->due <= now()) {
			pend_t *d = ph;
			ph = d->next;
			if (!ph) pt = NULL;
			conn_t *c = &conns[d->fd];
			if (c->fd >= 0 && gens[d->fd] == d->gen) {
				queue(c, d->data, d->len);
				flush(ep, c);
			}
			free(d);
		}
	}
	stats();
	return 0;
}
