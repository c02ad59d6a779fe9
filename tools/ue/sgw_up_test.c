// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user plane of the access side with the kernel: a phone's namespace, the access namespace, a core with a mock PGW
 * whose tunnels end in kims.ko. Packets take the bearer that the template says, come back, wrong tunnels are counted; a
 * move to another SGW; the same phone by gtp.ko.
 *
 *     kut-ue [eth0]---[kut] kut-access [s5 10.47.0.1-4]---[s5 10.47.0.254] kut-core: 10.46.0.5 PGW, .6 tunnels, .1 server
 *
 * Skipped without CAP_NET_ADMIN or kims.ko: run it in User-Mode Linux.
 */
#include "mock_pgw.h"

#include <sys/time.h>

#define SERVER "10.46.0.1"
#define UE     "10.45.0.11"

static struct netns core = { -1 };
static struct knl *knl;
static uint32_t endpoint, device;
static uint32_t voice_teid;
static bool usable;

static const char net_up[] =
	"set -e; "
	"for n in kut-ue kut-access kut-core; do ip netns add $n; ip -n $n link set lo up; done; "
	"ip link add eth0 netns kut-ue type veth peer name kut netns kut-access; "
	"ip link add s5 netns kut-access type veth peer name s5 netns kut-core; "
	"ip -n kut-ue link set eth0 up; ip -n kut-access link set kut up; "
	"ip -n kut-access link set s5 up; ip -n kut-core link set s5 up; "
	"ip -n kut-core addr add 10.47.0.254/24 dev s5; "
	"for a in 1 2 3 4; do ip -n kut-access addr add 10.47.0.$a/24 dev s5; "
	"ip -n kut-access addr add fd47::$a/64 dev s5 nodad; done; "
	"ip -n kut-access route add 10.46.0.0/24 via 10.47.0.254; "
	"ip -n kut-core link add c0 type dummy; ip -n kut-core link set c0 up; "
	"for a in 1 5 6; do ip -n kut-core addr add 10.46.0.$a/32 dev c0; done; "
	"ip -n kut-core link add kims0 type kims; ip -n kut-core link set kims0 up; "
	"ip -n kut-core route add 10.45.0.0/16 dev kims0; "
	"ip netns exec kut-core sysctl -qw net.ipv4.ip_forward=1";
static const char net_down[] =
	"for n in kut-ue kut-access kut-core; do ip netns del $n 2>/dev/null; done; true";

static int run(const char *command)
{
	return system(command); /* NOLINT: the test's own words */
}

static struct xfrm_addr v4(const char *a)
{
	struct xfrm_addr x = { .family = AF_INET };

	inet_pton(AF_INET, a, &x.v4);
	return x;
}

static void enter_core(int *back)
{
	*back = netns_enter(&core);
	assert_true(*back >= -1);
}

/* --- the far end: rules of a UPF --- */

static void upf_session(bool change, bool voice_wrong)
{
	const struct knl_filter voice = { .id = 1,
					  .protocol = IPPROTO_UDP,
					  .n_remote_ports = 1,
					  .remote_ports = { { 20000, 20001 } },
					  .tos = -1,
					  .flow_label = -1 };
	struct knl_pdr pdr[4] = {
		{ .id = 1, .precedence = 9, .source = KNL_ACCESS, .teid = 0x7001, .far = 1 },
		{ .id = 2, .precedence = 9, .source = KNL_ACCESS, .teid = 0x7100, .far = 1 },
		{ .id = 3, .precedence = 1, .source = KNL_CORE, .far = 3, .filters = &voice },
		{ .id = 4, .precedence = 9, .source = KNL_CORE, .far = 2 },
	};
	struct knl_far far[3] = {
		{ .id = 1, .action = KNL_FORW, .destination = KNL_CORE, .dscp = -1 },
		{ .id = 2, .teid = mock.user_teid },
		{ .id = 3, .teid = voice_wrong ? mock.user_teid : voice_teid },
	};
	struct knl_session s = { .id = 77,
				 .idle_timeout = -1,
				 .monitored = -1,
				 .ue4 = v4(UE),
				 .pdrs = pdr,
				 .n_pdrs = 4,
				 .fars = far,
				 .n_fars = 3 };
	char peer[INET_ADDRSTRLEN];
	int r;

	inet_ntop(AF_INET, &((struct sockaddr_in *)&mock.sgw)->sin_addr, peer, sizeof(peer));
	if (phone.conf.gtpu == GTPU_GTP_KO)
		snprintf(peer, sizeof(peer), "10.47.0.4");
	pdr[2].n_filters = 1;
	for (int i = 0; i < 4; i++) {
		pdr[i].qfi = -1;
		pdr[i].endpoint = pdr[i].teid ? endpoint : 0;
	}
	for (int i = 1; i < 3; i++) {
		far[i].action = KNL_FORW;
		far[i].destination = KNL_ACCESS;
		far[i].endpoint = endpoint;
		far[i].dscp = -1;
		far[i].peer.addr = v4(peer);
		if (!far[i].teid)
			far[i].teid = mock.user_teid;
	}
	r = change ? knl_session_change(knl, &s, 1, NULL, NULL) : knl_session_new(knl, &s, 1);
	if (r)
		fail_msg("session of the core: %s", knl_error(knl));
}

static void open_core(void)
{
	struct knl_gtpu_ep ep = { .local.addr = v4("10.46.0.6"), .udp_checksum = -1 };
	struct knl_rt *rt;
	int back;

	enter_core(&back);
	assert_int_equal(knl_open(&knl), 0);
	assert_int_equal(knl_rt_open(&rt), 0);
	assert_int_equal(knl_rt_link(rt, "kims0", &device, NULL), 0);
	knl_rt_close(rt);
	ep.device = device;
	assert_int_equal(knl_gtpu_ep_new(knl, &ep, &endpoint), 0);
	mock_pgw_open(9);
	netns_leave(back);
}

/* --- life --- */

static bool can(void)
{
	struct knl *k = NULL;
	bool yes = !geteuid() && !knl_open(&k);

	knl_close(k);
	return yes;
}

static int setup(void **state)
{
	(void)state;
	usable = can();
	if (!usable)
		return 0;
	run(net_down);
	assert_int_equal(run(net_up), 0);
	voice_teid = 0;
	mock_begin(true);
	mock.conf.netns = strdup("kut-access");
	assert_int_equal(netns_open("kut-ue", &phone.ns), 0);
	assert_int_equal(netns_open("kut-core", &core), 0);
	open_core();
	mock_access_open();
	mock_run(100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (!usable)
		return 0;
	mock_end();
	knl_close(knl);
	netns_close(&phone.ns);
	netns_close(&core);
	run(net_down);
	return 0;
}

static struct pdn *attaching(int pdn_type)
{
	char err[300] = "";

	if (pdn_attach(&phone, &(struct pdn_attach){ .node = SGW_1, .pdn_type = pdn_type },
		       mock_done, NULL, err, sizeof(err)))
		fail_msg("%s", err);
	return pdn_of(&phone, NULL);
}

static struct pdn *attached(int pdn_type)
{
	attaching(pdn_type);
	mock_run(600);
	if (!mock.done || mock.result.err)
		fail_msg("attach: %s", mock.result.why);
	upf_session(false, false);
	return pdn_of(&phone, NULL);
}

/* --- packets --- */

static int open_socket(const struct netns *ns, const char *addr, uint16_t port)
{
	struct timeval limit = { .tv_sec = 3 };
	int back = netns_enter(ns), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union sip_sa a;

	assert_true(back >= 0 && fd >= 0);
	netns_leave(back);
	assert_int_equal(sip_sa_parse(addr, port, &a), 0);
	if (bind(fd, &a.sa, sip_sa_len(&a)))
		fail_msg("bind %s: %s", addr, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Both ways between the phone and a port of the server. */
static void talk(uint16_t port, int count)
{
	int ue = open_socket(&phone.ns, UE, 4000), server = open_socket(&core, SERVER, port);
	union sip_sa to, from;
	char buf[100];

	assert_int_equal(sip_sa_parse(SERVER, port, &to), 0);
	for (int i = 0; i < count; i++) {
		socklen_t len = sizeof(from.ss);

		assert_int_equal(sendto(ue, "hello", 5, 0, &to.sa, sip_sa_len(&to)), 5);
		if (recvfrom(server, buf, sizeof(buf), 0, &from.sa, &len) != 5)
			fail_msg("nothing arrives at port %u", port);
		assert_int_equal(sendto(server, "hi", 2, 0, &from.sa, len), 2);
		if (recv(ue, buf, sizeof(buf), 0) != 2)
			fail_msg("nothing comes back from port %u", port);
	}
	close(ue);
	close(server);
}

static void voice_bearer(void)
{
	static struct s5_create_bearer_request q;
	struct nas_filter *f = q.bearer[0].tft.filter;

	memset(&q, 0, sizeof(q));
	q.lbi = EBI_FIRST;
	q.n_bearer = 1;
	q.bearer[0].qos = (struct s5_qos){ .qci = 1, .gbr_ul = 40, .gbr_dl = 40 };
	q.bearer[0].tft = (struct nas_tft){ .op = NAS_TFT_CREATE, .n_filter = 1 };
	*f = (struct nas_filter){ .dir = NAS_DIR_BOTH,
				  .precedence = 5,
				  .has = NAS_REMOTE4 | NAS_PROTO | NAS_REMOTE_PORT,
				  .proto = IPPROTO_UDP,
				  .remote_low = 20000,
				  .remote_high = 20001 };
	inet_pton(AF_INET, SERVER, &f->remote4);
	f->remote4_mask.s_addr = 0xffffffff;
	q.bearer[0].has_s5u_pgw = true;
	mock_fteid(&q.bearer[0].s5u_pgw, S5_IF_S5U_PGW, 0x7100, "10.46.0.6");
	mock_ask(S5_CREATE_BEARER_REQUEST, &q);
	mock_run(100);
	assert_int_equal(mock.answer.create_bearer_response.cause.value, S5_ACCEPTED);
	voice_teid = mock.answer.create_bearer_response.bearer[0].s5u_sgw.teid;
	upf_session(true, false);
}

static struct bearer_count count[BEARERS], gone;

static void counters(struct pdn *n)
{
	int r = pdn_count(n, count, &gone);

	if (r)
		fail_msg("counters: %s", strerror(-r));
}

/* --- cases --- */

static void test_bearers(void **state)
{
	static struct s5_delete_bearer_request d;
	struct pdn *n;

	(void)state;
	if (!usable)
		skip();
	n = attached(S5_PDN_IPV4);
	talk(5060, 3);
	talk(20000, 2);
	counters(n);
	assert_int_equal(count[0].ul_packets, 5);
	assert_int_equal(count[0].dl_packets, 5);
	voice_bearer();
	talk(5060, 1);
	talk(20001, 4);
	counters(n);
	assert_int_equal(count[0].ul_packets, 6);
	assert_int_equal(count[1].ul_packets, 4);
	assert_int_equal(count[1].dl_packets, 4);
	assert_int_equal(count[0].dl_wrong + count[1].dl_wrong, 0);
	upf_session(true, true); /* the PGW takes the default bearer for voice */
	talk(20001, 2);
	counters(n);
	assert_int_equal(count[0].dl_wrong, 2);
	assert_int_equal(count[1].ul_packets, 6);
	memset(&d, 0, sizeof(d));
	d.n_ebi = 1;
	d.ebi[0] = 6;
	mock_ask(S5_DELETE_BEARER_REQUEST, &d);
	mock_run(100);
	talk(20001, 1);
	counters(n);
	assert_int_equal(gone.ul_packets, 6);
	assert_int_equal(count[0].ul_packets, 7);
	assert_int_equal(pdn_detach(n, mock_done, NULL), 0);
	mock_run(100);
	assert_null(phone.pdns);
	assert_int_equal(run("test -z \"$(ip -n kut-ue -4 -o addr show dev eth0)\""), 0);
}

static void test_other_sgw(void **state)
{
	struct pdn *n;

	(void)state;
	if (!usable)
		skip();
	n = attached(S5_PDN_IPV4);
	voice_bearer();
	talk(20000, 1);
	assert_int_equal(pdn_modify(n, &(struct pdn_modify){ .node = SGW_2 }, mock_done, NULL), 0);
	mock_run(100);
	assert_int_equal(mock.result.err, 0);
	mock.user_teid = n->bearer[0].teid;
	voice_teid = n->bearer[1].teid;
	upf_session(true, false);
	talk(20000, 2);
	talk(5060, 2);
	counters(n);
	assert_int_equal(count[1].ul_packets, 3);
	assert_int_equal(count[0].ul_packets, 2);
	assert_int_equal(count[0].dl_wrong + count[1].dl_wrong, 0);
}

static void test_ipv4v6(void **state)
{
	(void)state;
	if (!usable)
		skip();
	attached(S5_PDN_IPV4V6); /* nobody advertises: the prefix of the PAA */
	assert_int_equal(run("ip -n kut-ue -6 addr show dev eth0 | grep -q fd45:0:0:b::5"), 0);
	talk(5060, 2);
}

static void test_gtp_ko(void **state)
{
	(void)state;
	if (!usable)
		skip();
	run("modprobe -q gtp");
	if (run("ip link add kut0 type gtp role sgsn 2>/dev/null"))
		skip();
	run("ip link del kut0");
	phone.conf.gtpu = GTPU_GTP_KO;
	attached(S5_PDN_IPV4);
	talk(5060, 3);
}

/* A G-PDU with nothing in it that anybody would read, from an address that is no endpoint: is its tunnel unknown? */
static bool is_unknown(uint32_t teid)
{
	_cleanup_close_ int fd = open_socket(&core, "10.46.0.5", GTPU_PORT);
	struct timeval limit = { .tv_sec = 1 };
	uint8_t g[36] = { 0x30, 255, 0, 28 }, answer[100];
	union sip_sa to;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	memcpy(g + 4, &(uint32_t){ htonl(teid) }, 4);
	memcpy(g + 8, (uint8_t[]){ 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17 }, 10);
	assert_int_equal(sip_sa_parse("10.47.0.1", GTPU_PORT, &to), 0);
	assert_int_equal(sendto(fd, g, sizeof(g), 0, &to.sa, sip_sa_len(&to)), sizeof(g));
	return recv(fd, answer, sizeof(answer), 0) > 2 && answer[1] == 26;
}

/* A PGW that sends before its answer has come does not hear that the tunnel is unknown. */
static void test_faster_than_the_answer(void **state)
{
	struct pdn *n;

	(void)state;
	if (!usable)
		skip();
	n = attaching(S5_PDN_IPV4);
	assert_true(is_unknown(n->bearer[0].teid + 0x100));
	assert_false(is_unknown(n->bearer[0].teid));
	mock_run(600);
	assert_int_equal(mock.result.err, 0);
	upf_session(false, false);
	talk(5060, 2);
	assert_int_equal(pdn_detach(n, mock_done, NULL), 0);
	mock_run(100);
	assert_true(is_unknown(mock.user_teid));
}

/* A refused attach leaves nothing: its tunnel is unknown again. */
static void test_refused(void **state)
{
	struct pdn *n;
	uint32_t teid;

	(void)state;
	if (!usable)
		skip();
	mock.refuse = S5_NO_RESOURCES;
	n = attaching(S5_PDN_IPV4);
	teid = n->bearer[0].teid;
	assert_false(is_unknown(teid));
	mock_run(600);
	assert_null(phone.pdns);
	assert_true(is_unknown(teid));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_bearers),
		T(test_other_sgw),
		T(test_ipv4v6),
		T(test_gtp_ko),
		T(test_faster_than_the_answer),
		T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
