// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SA sets with real traffic: a UE and a P-CSCF in two network namespaces joined by veth, both ends installed through
 * xfrm.h, the sockets of both in this process.
 *
 * Needs root and a kernel with ESP (tests/vm/vm, tests/vm/uml); elsewhere every test is skipped.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/netlink/xfrm.h"

#define LONG_WAIT_MS  3000 /* for what must arrive */
#define SHORT_WAIT_MS 150  /* for what must not */

enum end { UE, PCSCF, ENDS };

static const char *const ns_name[ENDS] = { "kims-xfrm-ue", "kims-xfrm-core" };
static int ns_fd[ENDS] = { -1, -1 }, ns_home = -1;
static struct knl_xfrm *xfrm[ENDS];
static bool ran;

static void enter(enum end e)
{
	assert_int_equal(setns(ns_fd[e], CLONE_NEWNET), 0);
}

static struct xfrm_addr addr(const char *text)
{
	struct xfrm_addr a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(a.family, text, &a.v4), 1);
	return a;
}

static struct xfrm_addr ue_addr(int family, int n)
{
	char text[40];

	snprintf(text, sizeof(text), family == AF_INET ? "10.45.0.%d" : "fd45::%d", n);
	return addr(text);
}

static struct xfrm_addr pcscf_addr(int family)
{
	return addr(family == AF_INET ? "10.45.0.1" : "fd45::1");
}

#define PORT_PS 5064
#define PORT_PC 5063
#define PORT_UC 5101
#define PORT_US 5102

/* The set of UE n (its address ends in n) as the P-CSCF sees it. */
static struct xfrm_set pcscf_set(int family, int n)
{
	struct xfrm_set s = {
		.reqid = 100 + n,
		.our = pcscf_addr(family),
		.peer = ue_addr(family, n),
		.our_port_c = PORT_PC,
		.our_port_s = PORT_PS,
		.peer_port_c = PORT_UC,
		.peer_port_s = PORT_US,
		.our_spi_c = 0x10000 * n + 1,
		.our_spi_s = 0x10000 * n + 2,
		.peer_spi_c = 0x10000 * n + 3,
		.peer_spi_s = 0x10000 * n + 4,
		.auth = XFRM_AUTH_SHA1_96,
		.auth_key_len = 20,
		.enc = XFRM_ENC_NULL,
	};

	memset(s.auth_key, 0xa0 + n, sizeof(s.auth_key));
	return s;
}

static void set_algorithms(struct xfrm_set *s, enum xfrm_auth auth, enum xfrm_enc enc)
{
	static const size_t auth_len[] = { 16, 20, 20, 0 }, enc_len[] = { 0, 16, 24, 20 };
	size_t i;

	s->auth = auth;
	s->auth_key_len = auth_len[auth];
	s->enc = enc;
	s->enc_key_len = enc_len[enc];
	for (i = 0; i < s->enc_key_len; i++)
		s->enc_key[i] = 0x11 * (i + 1);
}

/* The same set from the other end. */
static struct xfrm_set mirrored(const struct xfrm_set *s)
{
	struct xfrm_set m = *s;

	m.our = s->peer;
	m.peer = s->our;
	m.our_port_c = s->peer_port_c;
	m.our_port_s = s->peer_port_s;
	m.peer_port_c = s->our_port_c;
	m.peer_port_s = s->our_port_s;
	m.our_spi_c = s->peer_spi_c;
	m.our_spi_s = s->peer_spi_s;
	m.peer_spi_c = s->our_spi_c;
	m.peer_spi_s = s->our_spi_s;
	return m;
}

static void install(const struct xfrm_set *s)
{
	struct xfrm_set m = mirrored(s);

	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], s), 0);
	assert_int_equal(knl_xfrm_set_add(xfrm[UE], &m), 0);
}

static void uninstall(const struct xfrm_set *s)
{
	struct xfrm_set m = mirrored(s);

	assert_int_equal(knl_xfrm_set_del(xfrm[PCSCF], s), 0);
	assert_int_equal(knl_xfrm_set_del(xfrm[UE], &m), 0);
}

/* --- sockets --- */

static socklen_t to_sockaddr(const struct xfrm_addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = a->family;
	if (a->family == AF_INET) {
		in->sin_addr = a->v4;
		in->sin_port = htons(port);
		return sizeof(*in);
	}
	in6->sin6_addr = a->v6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static int bound(enum end e, int type, const struct xfrm_addr *a, uint16_t port)
{
	/* A closed connection is reset: the next test takes the same ports, and an SA may be gone by then. */
	struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage ss;
	int fd, one = 1;

	enter(e);
	fd = socket(a->family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	assert_int_equal(bind(fd, (void *)&ss, to_sockaddr(a, port, &ss)), 0);
	return fd;
}

static bool readable(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, wait_ms) == 1;
}

/* Whether a datagram of fd "from" arrives at fd "to", which is bound to a:port. */
static bool udp_passes(int from, int to, const struct xfrm_addr *a, uint16_t port, int wait_ms)
{
	static uint32_t serial;
	struct sockaddr_storage ss;
	uint32_t sent = ++serial, got = 0;
	socklen_t len = to_sockaddr(a, port, &ss);
	char big[1200] = { 0 };

	memcpy(big, &sent, sizeof(sent));
	/* The first datagram may be refused while the neighbour is being resolved; never in these tests' namespaces. */
	if (sendto(from, big, sizeof(big), 0, (void *)&ss, len) != sizeof(big))
		return false;
	while (got != sent && readable(to, wait_ms))
		if (recv(to, big, sizeof(big), 0) == sizeof(big))
			memcpy(&got, big, sizeof(got));
	return got == sent;
}

/* Whether a TCP connection from fd "from" to the listening fd comes up and carries octets both ways. */
static bool tcp_passes(int from, int listener, const struct xfrm_addr *a, uint16_t port,
		       int wait_ms)
{
	_cleanup_close_ int accepted = -1;
	struct sockaddr_storage ss;
	char buf[3000] = "there";

	connect(from, (void *)&ss, to_sockaddr(a, port, &ss));
	if (!readable(listener, wait_ms))
		return false;
	accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(accepted >= 0);
	assert_int_equal(send(from, buf, sizeof(buf), 0), sizeof(buf));
	if (!readable(accepted, wait_ms) || recv(accepted, buf, sizeof(buf), 0) <= 0)
		return false;
	assert_int_equal(send(accepted, "back", 4, 0), 4);
	return readable(from, wait_ms) && recv(from, buf, sizeof(buf), 0) == 4;
}

static uint64_t xfrm_stat(enum end e, const char *name)
{
	char key[64];
	uint64_t value;
	FILE *f;

	enter(e);
	f = fopen("/proc/thread-self/net/xfrm_stat", "re");
	if (!f)
		return 0;
	while (fscanf(f, "%63s %" SCNu64, key, &value) == 2)
		if (!strcmp(key, name))
			break;
	fclose(f);
	return value;
}

/* --- set-up --- */

static void run(const char *fmt, ...)
{
	char command[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

static bool have_esp(void)
{
	struct xfrm_set s = pcscf_set(AF_INET, 2);
	struct knl_xfrm *x;
	int r;

	if (unshare(CLONE_NEWNET) || knl_xfrm_open(&x))
		return false;
	r = knl_xfrm_set_add(x, &s);
	if (r)
		fprintf(stderr, "no ESP in this kernel: %s\n", knl_xfrm_error(x));
	knl_xfrm_close(x);
	return !r;
}

static int teardown(void **state _unused_)
{
	enum end e;

	for (e = UE; e < ENDS; e++) {
		knl_xfrm_close(xfrm[e]);
		xfrm[e] = NULL;
		closep(&ns_fd[e]);
		ns_fd[e] = -1;
	}
	if (ns_home >= 0 && setns(ns_home, CLONE_NEWNET))
		return -1;
	return system(
		"for n in kims-xfrm-ue kims-xfrm-core; do ip netns del $n 2>/dev/null; done; true");
}

static int setup(void **state _unused_)
{
	char path[64];
	enum end e;
	int n;

	ns_home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!have_esp() || setns(ns_home, CLONE_NEWNET))
		return 0; /* xfrm[] stays NULL: skipped */
	teardown(NULL);
	for (e = UE; e < ENDS; e++)
		run("ip netns add %s && ip -n %s link set lo up", ns_name[e], ns_name[e]);
	run("ip -n %s link add gm type veth peer name gm netns %s", ns_name[UE], ns_name[PCSCF]);
	run("ip -n %s link set gm up && ip -n %s link set gm up", ns_name[UE], ns_name[PCSCF]);
	run("ip -n %s addr add 10.45.0.1/24 dev gm && ip -n %s addr add fd45::1/64 dev gm nodad",
	    ns_name[PCSCF], ns_name[PCSCF]);
	for (n = 2; n <= 3; n++)
		run("ip -n %s addr add 10.45.0.%d/24 dev gm && ip -n %s addr add fd45::%d/64 dev gm nodad",
		    ns_name[UE], n, ns_name[UE], n);
	for (e = UE; e < ENDS; e++) {
		snprintf(path, sizeof(path), "/run/netns/%s", ns_name[e]);
		ns_fd[e] = open(path, O_RDONLY | O_CLOEXEC);
		enter(e);
		assert_int_equal(knl_xfrm_open(&xfrm[e]), 0);
	}
	ran = true;
	return 0;
}

#define NEED_ESP                  \
	do {                      \
		if (!xfrm[PCSCF]) \
			skip();   \
	} while (0)

/* --- looking --- */

static int count_state(void *arg, const struct xfrm_state_info *i)
{
	int *counts = arg;

	counts[0]++;
	counts[1] += i->packets > 0;
	return 0;
}

static void assert_states(enum end e, int all, int used)
{
	int counts[2] = { 0 };

	assert_int_equal(knl_xfrm_dump(xfrm[e], 1, UINT32_MAX, count_state, counts), 0);
	assert_int_equal(counts[0], all);
	if (used >= 0)
		assert_int_equal(counts[1], used);
}

static int policies(enum end e)
{
	char command[100];
	int n = -1;
	FILE *p;

	enter(e);
	snprintf(command, sizeof(command), "ip -n %s xfrm policy list | grep -c dir", ns_name[e]);
	p = popen(command, "re");
	if (p && fscanf(p, "%d", &n) != 1)
		n = -1;
	if (p)
		pclose(p);
	return n;
}

static void guard_all(int family)
{
	struct xfrm_addr a = pcscf_addr(family);

	assert_int_equal(knl_xfrm_guard_add(xfrm[PCSCF], &a, PORT_PS), 0);
	assert_int_equal(knl_xfrm_guard_add(xfrm[PCSCF], &a, PORT_PC), 0);
	assert_int_equal(knl_xfrm_guard_add(xfrm[PCSCF], &a, PORT_PS), 0); /* idempotent */
}

static void unguard_all(int family)
{
	struct xfrm_addr a = pcscf_addr(family);

	assert_int_equal(knl_xfrm_guard_del(xfrm[PCSCF], &a, PORT_PS), 0);
	assert_int_equal(knl_xfrm_guard_del(xfrm[PCSCF], &a, PORT_PC), 0);
	assert_int_equal(knl_xfrm_guard_del(xfrm[PCSCF], &a, PORT_PC), 0);
}

/* --- tests --- */

/* All four SAs carry UDP: a request each way and what could answer it on the same pair of ports. */
static void udp_through_set(const struct xfrm_set *s)
{
	_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &s->peer, PORT_UC);
	_cleanup_close_ int us = bound(UE, SOCK_DGRAM, &s->peer, PORT_US);
	_cleanup_close_ int pc = bound(PCSCF, SOCK_DGRAM, &s->our, PORT_PC);
	_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &s->our, PORT_PS);

	assert_true(udp_passes(uc, ps, &s->our, PORT_PS, LONG_WAIT_MS));
	assert_true(udp_passes(ps, uc, &s->peer, PORT_UC, LONG_WAIT_MS));
	assert_true(udp_passes(pc, us, &s->peer, PORT_US, LONG_WAIT_MS));
	assert_true(udp_passes(us, pc, &s->our, PORT_PC, LONG_WAIT_MS));
	assert_states(PCSCF, 4, 4);
	assert_states(UE, 4, 4);
}

static void tcp_through_set(const struct xfrm_set *s)
{
	_cleanup_close_ int uc = bound(UE, SOCK_STREAM, &s->peer, PORT_UC);
	_cleanup_close_ int us = bound(UE, SOCK_STREAM, &s->peer, PORT_US);
	_cleanup_close_ int pc = bound(PCSCF, SOCK_STREAM, &s->our, PORT_PC);
	_cleanup_close_ int ps = bound(PCSCF, SOCK_STREAM, &s->our, PORT_PS);

	assert_int_equal(listen(ps, 5), 0);
	assert_int_equal(listen(us, 5), 0);
	assert_true(tcp_passes(uc, ps, &s->our, PORT_PS, LONG_WAIT_MS));
	assert_true(tcp_passes(pc, us, &s->peer, PORT_US, LONG_WAIT_MS));
	assert_states(PCSCF, 4, 4);
	assert_states(UE, 4, 4);
}

static void traffic_through(struct xfrm_set *s)
{
	install(s);
	udp_through_set(s);
	uninstall(s);
	install(s);
	tcp_through_set(s);
	uninstall(s);
}

static void test_algorithms(void **state _unused_)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const struct {
		enum xfrm_auth auth;
		enum xfrm_enc enc;
	} pairs[] = {
		{ XFRM_AUTH_MD5_96, XFRM_ENC_NULL },	 { XFRM_AUTH_MD5_96, XFRM_ENC_AES_CBC },
		{ XFRM_AUTH_MD5_96, XFRM_ENC_DES3_CBC }, { XFRM_AUTH_SHA1_96, XFRM_ENC_NULL },
		{ XFRM_AUTH_SHA1_96, XFRM_ENC_AES_CBC }, { XFRM_AUTH_SHA1_96, XFRM_ENC_DES3_CBC },
		{ XFRM_AUTH_AES_GMAC, XFRM_ENC_NULL },	 { XFRM_AUTH_NONE, XFRM_ENC_AES_GCM },
	};
	struct xfrm_set s;
	size_t f, i;

	NEED_ESP;
	for (f = 0; f < ARRAY_SIZE(families); f++) {
		guard_all(families[f]);
		for (i = 0; i < ARRAY_SIZE(pairs); i++) {
			s = pcscf_set(families[f], 2);
			set_algorithms(&s, pairs[i].auth, pairs[i].enc);
			traffic_through(&s);
		}
		unguard_all(families[f]);
	}
	assert_states(PCSCF, 0, 0);
	assert_states(UE, 0, 0);
	assert_int_equal(policies(PCSCF), 0);
	assert_int_equal(policies(UE), 0);
}

static void note_mapping(void *arg, const struct xfrm_mapping *m)
{
	*(struct xfrm_mapping *)arg = *m;
}

/*
 * ESP in UDP (RFC 3948). The NAT's port is not the one that the P-CSCF expected, of which the first
 * packet tells it; the lifetime can be moved there, too.
 */
static void encap(int family, bool tunnel)
{
	_cleanup_close_ int at_ue = -1, at_pcscf = -1;
	struct xfrm_set s = pcscf_set(family, 2), m;
	struct xfrm_mapping got = { 0 };
	int fd;

	guard_all(family);
	s.tunnel = tunnel;
	s.our_encap_port = 4500;
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EINVAL);
	s.peer_encap_port = 4500;
	m = mirrored(&s);
	m.our_encap_port = 40000;
	m.peer_encap_port = 4500;
	enter(PCSCF);
	assert_int_equal(knl_xfrm_mapping_open(xfrm[PCSCF], &fd), 0);
	assert_int_equal(knl_xfrm_encap_open(&s.our, 4500, &at_pcscf), 0);
	enter(UE);
	assert_int_equal(knl_xfrm_encap_open(&m.our, 40000, &at_ue), 0);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), 0);
	assert_int_equal(knl_xfrm_set_add(xfrm[UE], &m), 0);
	{
		_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &s.peer, PORT_UC);
		_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &s.our, PORT_PS);

		assert_true(udp_passes(uc, ps, &s.our, PORT_PS, LONG_WAIT_MS));
		assert_true(readable(fd, LONG_WAIT_MS));
		assert_int_equal(knl_xfrm_mapping_read(xfrm[PCSCF], note_mapping, &got), 0);
		assert_int_equal(got.port, 40000);
		assert_int_equal(got.spi, s.our_spi_s);
		assert_int_equal(got.reqid, s.reqid);
		assert_memory_equal(&got.peer, &s.peer, sizeof(s.peer));
		assert_false(udp_passes(ps, uc, &s.peer, PORT_UC, SHORT_WAIT_MS));
		s.peer_encap_port = got.port;
		assert_int_equal(knl_xfrm_set_encap(xfrm[PCSCF], &s), 0);
		assert_true(udp_passes(ps, uc, &s.peer, PORT_UC, LONG_WAIT_MS));
	}
	assert_int_equal(knl_xfrm_set_lifetime(xfrm[PCSCF], &s, 1000), 0);
	udp_through_set(&s);
	tcp_through_set(&s);
	assert_false(readable(fd, 0)); /* nothing has changed since */
	uninstall(&s);
	unguard_all(family);
}

static void test_encap(void **state _unused_)
{
	NEED_ESP;
	encap(AF_INET, false);
	encap(AF_INET6, false);
}

static void test_encap_tunnel(void **state _unused_)
{
	NEED_ESP;
	encap(AF_INET, true);
	encap(AF_INET6, true);
}

/* A port that no guard watches takes cleartext: so what the other tests see refused is refused by us. */
static void test_cleartext_dropped(int family)
{
	struct xfrm_set s = pcscf_set(family, 2), m = mirrored(&s);
	struct xfrm_addr other = ue_addr(family, 3);
	_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &s.peer, PORT_UC);
	_cleanup_close_ int stranger = bound(UE, SOCK_DGRAM, &other, PORT_UC);
	_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &s.our, PORT_PS);
	_cleanup_close_ int tcp = bound(UE, SOCK_STREAM, &other, PORT_UC);
	_cleanup_close_ int tcp_ps = bound(PCSCF, SOCK_STREAM, &s.our, PORT_PS);
	uint64_t blocked, mismatched;

	assert_int_equal(listen(tcp_ps, 5), 0);
	assert_true(udp_passes(stranger, ps, &s.our, PORT_PS, LONG_WAIT_MS));
	guard_all(family);
	blocked = xfrm_stat(PCSCF, "XfrmInPolBlock");
	assert_false(udp_passes(stranger, ps, &s.our, PORT_PS, SHORT_WAIT_MS));
	assert_false(tcp_passes(tcp, tcp_ps, &s.our, PORT_PS, SHORT_WAIT_MS));
	assert_true(xfrm_stat(PCSCF, "XfrmInPolBlock") >= blocked + 2);
	/* Outwards: nothing leaves a protected port in the clear. */
	assert_false(udp_passes(ps, stranger, &other, PORT_UC, SHORT_WAIT_MS));

	/* With a set, its own five-tuple is held to it. */
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), 0);
	mismatched = xfrm_stat(PCSCF, "XfrmInTmplMismatch");
	assert_false(udp_passes(uc, ps, &s.our, PORT_PS, SHORT_WAIT_MS));
	assert_true(xfrm_stat(PCSCF, "XfrmInTmplMismatch") > mismatched);
	assert_int_equal(knl_xfrm_set_add(xfrm[UE], &m), 0);
	assert_true(udp_passes(uc, ps, &s.our, PORT_PS, LONG_WAIT_MS));
	uninstall(&s);
	unguard_all(family);
}

static void test_cleartext(void **state _unused_)
{
	NEED_ESP;
	test_cleartext_dropped(AF_INET);
	test_cleartext_dropped(AF_INET6);
}

/*
 * UE 3 sends with the address of UE 2 under its own SA (ESP in transport mode does not protect the IP header): at UE's
 * end the set of UE 2 is installed with SPI and keys of UE 3.
 */
static void spoof(int family)
{
	struct xfrm_set s2 = pcscf_set(family, 2), s3 = pcscf_set(family, 3), forged;
	_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &s2.peer, PORT_UC);
	_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &s2.our, PORT_PS);
	uint64_t before;

	guard_all(family);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s2), 0);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s3), 0);
	forged = mirrored(&s3);
	forged.our = s2.peer;
	assert_int_equal(knl_xfrm_set_add(xfrm[UE], &forged), 0);
	before = xfrm_stat(PCSCF, "XfrmInStateMismatch") + xfrm_stat(PCSCF, "XfrmInTmplMismatch");
	assert_false(udp_passes(uc, ps, &s2.our, PORT_PS, SHORT_WAIT_MS));
	assert_true(xfrm_stat(PCSCF, "XfrmInStateMismatch") +
			    xfrm_stat(PCSCF, "XfrmInTmplMismatch") >
		    before);
	assert_int_equal(knl_xfrm_set_del(xfrm[UE], &forged), 0);
	assert_int_equal(knl_xfrm_flush(xfrm[PCSCF], 102, 103), 0);
	assert_states(PCSCF, 0, 0);
	assert_int_equal(policies(PCSCF), 4); /* the guards stay */
	assert_int_equal(knl_xfrm_guard_flush(xfrm[PCSCF]), 0);
	assert_int_equal(policies(PCSCF), 0);
}

static void test_spoofed(void **state _unused_)
{
	NEED_ESP;
	spoof(AF_INET);
	spoof(AF_INET6);
}

/* TS 33.203 7.4: the new set comes with new client ports; both work until the old one goes. */
static void test_make_before_break(void **state _unused_)
{
	struct xfrm_set old, new;

	NEED_ESP;
	old = pcscf_set(AF_INET, 2);
	new = pcscf_set(AF_INET, 3);
	new.peer = old.peer;
	new.our_port_c = PORT_PC + 10;
	new.peer_port_c = PORT_UC + 10;
	install(&old);
	install(&new);
	{
		_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &old.peer, PORT_UC);
		_cleanup_close_ int uc_new = bound(UE, SOCK_DGRAM, &old.peer, PORT_UC + 10);
		_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &old.our, PORT_PS);

		assert_true(udp_passes(uc, ps, &old.our, PORT_PS, LONG_WAIT_MS));
		assert_true(udp_passes(uc_new, ps, &old.our, PORT_PS, LONG_WAIT_MS));
		uninstall(&old);
		assert_true(udp_passes(uc_new, ps, &old.our, PORT_PS, LONG_WAIT_MS));
	}
	uninstall(&new);
	assert_states(PCSCF, 0, 0);
}

/* Whatever goes wrong, a set is there as a whole or not at all. */
/* A second set with the peer's same ports and other ports of ours: the first one goes on as it was. */
static void test_same_peer_ports(void **state _unused_)
{
	struct xfrm_set old, new;

	NEED_ESP;
	guard_all(AF_INET);
	old = pcscf_set(AF_INET, 2);
	new = pcscf_set(AF_INET, 3);
	new.peer = old.peer;
	install(&old);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &new), -EEXIST);
	new.our_port_s = PORT_PS + 1;
	new.our_port_c = PORT_PC - 1;
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &new), 0);
	{
		_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &old.peer, PORT_UC);
		_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &old.our, PORT_PS);

		assert_true(udp_passes(uc, ps, &old.our, PORT_PS, LONG_WAIT_MS));
		assert_true(udp_passes(ps, uc, &old.peer, PORT_UC, LONG_WAIT_MS));
		assert_int_equal(knl_xfrm_set_del(xfrm[PCSCF], &new), 0);
		assert_true(udp_passes(uc, ps, &old.our, PORT_PS, LONG_WAIT_MS));
	}
	uninstall(&old);
	unguard_all(AF_INET);
	assert_states(PCSCF, 0, 0);
}

static void test_all_or_nothing(void **state _unused_)
{
	struct xfrm_set s, clash;

	NEED_ESP;
	s = pcscf_set(AF_INET, 2);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), 0);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EEXIST);
	assert_states(PCSCF, 4, 0);

	/* The same five-tuples under other SPIs: states are possible, the policies are taken. */
	clash = pcscf_set(AF_INET, 3);
	clash.peer = s.peer;
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &clash), -EEXIST);
	assert_non_null(strstr(knl_xfrm_error(xfrm[PCSCF]), "policy"));
	assert_states(PCSCF, 4, 0);
	assert_int_equal(policies(PCSCF), 4);

	/* Deleting the set that never was leaves the policies of the one that is. */
	assert_int_equal(knl_xfrm_set_del(xfrm[PCSCF], &clash), 0);
	assert_int_equal(policies(PCSCF), 4);

	assert_int_equal(knl_xfrm_spi_free(xfrm[PCSCF], &s.our, s.our_spi_c), -EEXIST);
	assert_int_equal(knl_xfrm_spi_free(xfrm[PCSCF], &s.our, 0x7777), 0);
	assert_int_equal(knl_xfrm_set_del(xfrm[PCSCF], &s), 0);
	assert_int_equal(knl_xfrm_set_del(xfrm[PCSCF], &s), 0); /* nothing left to delete */
	assert_int_equal(policies(PCSCF), 0);
}

static void test_refusals(void **state _unused_)
{
	struct xfrm_set s;

	NEED_ESP;
	s = pcscf_set(AF_INET, 2);
	s.enc = XFRM_ENC_AES_CBC; /* without a key */
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EINVAL);
	s = pcscf_set(AF_INET, 2);
	set_algorithms(&s, XFRM_AUTH_SHA1_96, XFRM_ENC_AES_GCM);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EINVAL);
	s = pcscf_set(AF_INET, 2);
	s.our_spi_s = 255;
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EINVAL);
	s = pcscf_set(AF_INET, 2);
	s.peer = ue_addr(AF_INET6, 2);
	assert_int_equal(knl_xfrm_set_add(xfrm[PCSCF], &s), -EINVAL);
	assert_states(PCSCF, 0, 0);
}

/* The lifetime can be moved while the set is in use; at its end the states go and the policies stay, closed. */
static void test_lifetime(void **state _unused_)
{
	struct xfrm_set s;
	int tries;

	NEED_ESP;
	s = pcscf_set(AF_INET, 2);
	s.lifetime_s = 3600;
	install(&s);
	assert_int_equal(knl_xfrm_set_lifetime(xfrm[PCSCF], &s, 1), 0);
	{
		_cleanup_close_ int uc = bound(UE, SOCK_DGRAM, &s.peer, PORT_UC);
		_cleanup_close_ int ps = bound(PCSCF, SOCK_DGRAM, &s.our, PORT_PS);
		int counts[2] = { 4, 0 };

		assert_true(udp_passes(uc, ps, &s.our, PORT_PS, LONG_WAIT_MS));
		for (tries = 0; tries < 100 && counts[0]; tries++) {
			counts[0] = 0;
			assert_int_equal(
				knl_xfrm_dump(xfrm[PCSCF], 1, UINT32_MAX, count_state, counts), 0);
			usleep(50000);
		}
		assert_states(PCSCF, 0, 0);
		assert_int_equal(policies(PCSCF), 4);
		assert_false(udp_passes(uc, ps, &s.our, PORT_PS, SHORT_WAIT_MS));
	}
	assert_int_equal(knl_xfrm_set_lifetime(xfrm[PCSCF], &s, 10), -ESRCH);
	uninstall(&s);
	assert_int_equal(policies(PCSCF), 0);
}

static int check_ports(void *arg _unused_, const struct xfrm_state_info *i)
{
	if (i->spi == 0x30002) { /* our_spi_s */
		assert_int_equal(i->sport, PORT_UC);
		assert_int_equal(i->dport, PORT_PS);
	}
	return 0;
}

static int stop_at_once(void *arg, const struct xfrm_state_info *i _unused_)
{
	++*(int *)arg;
	return 7;
}

static void test_dump_range(void **state _unused_)
{
	struct xfrm_set s2, s3;
	int counts[2] = { 0 }, calls = 0;

	NEED_ESP;
	s2 = pcscf_set(AF_INET, 2);
	s3 = pcscf_set(AF_INET6, 3);
	install(&s2);
	install(&s3);
	assert_int_equal(knl_xfrm_dump(xfrm[PCSCF], 103, 103, count_state, counts), 0);
	assert_int_equal(counts[0], 4);
	assert_int_equal(knl_xfrm_dump(xfrm[PCSCF], 103, 103, check_ports, NULL), 0);
	assert_int_equal(knl_xfrm_dump(xfrm[PCSCF], 1, 200, stop_at_once, &calls), 7);
	assert_int_equal(calls, 1);
	assert_int_equal(knl_xfrm_flush(xfrm[PCSCF], 102, 102), 0);
	assert_states(PCSCF, 4, 0);
	assert_int_equal(policies(PCSCF), 4);
	uninstall(&s3);
	uninstall(&s2);
	assert_int_equal(policies(PCSCF), 0);
	assert_int_equal(policies(UE), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithms),	cmocka_unit_test(test_cleartext),
		cmocka_unit_test(test_encap),		cmocka_unit_test(test_encap_tunnel),
		cmocka_unit_test(test_spoofed),		cmocka_unit_test(test_make_before_break),
		cmocka_unit_test(test_same_peer_ports), cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_refusals),	cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_dump_range),
	};
	int failed = cmocka_run_group_tests_name("xfrm", tests, setup, teardown);

	if (!failed && !ran) {
		fputs("needs root and a kernel with ESP\n", stderr);
		return 77; /* skipped */
	}
	return failed;
}
