// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Strings, configuration, control socket, metrics, state machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "lib/core/base.h"
#include "lib/core/conf.h"
#include "lib/core/ctl.h"
#include "lib/core/fsm.h"
#include "lib/core/metrics.h"
#include "lib/core/sbuf.h"

static void test_str(void **state _unused_)
{
	struct str rest = STR(" a, b ,"), head;
	uint8_t buf[4];
	uint64_t v;
	char z[4];

	assert_true(str_split(&rest, ',', &head));
	assert_true(str_eqz(str_trim(head), "a"));
	assert_true(str_split(&rest, ',', &head));
	assert_true(str_eqz(str_trim(head), "b"));
	assert_true(str_split(&rest, ',', &head));
	assert_int_equal(head.n, 0);
	assert_false(str_split(&rest, ',', &head));
	assert_int_equal(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v), 0);
	assert_int_equal(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v), -ERANGE);
	assert_int_equal(str_to_u64(STR("-1"), UINT64_MAX, &v), -EINVAL);
	assert_int_equal(str_to_u64(STR(""), UINT64_MAX, &v), -EINVAL);
	assert_int_equal(str_to_u64(STR("11"), 10, &v), -ERANGE);
	assert_int_equal(hex_decode(STR("0aFf"), buf, sizeof(buf)), 2);
	assert_int_equal(buf[1], 0xff);
	assert_int_equal(hex_decode(STR("0g"), buf, sizeof(buf)), -EINVAL);
	assert_int_equal(hex_decode(STR("001122334455"), buf, sizeof(buf)), -ENOSPC);
	assert_int_equal(str_copy(z, sizeof(z), STR("abcd")), -ENOSPC);
	assert_string_equal(z, "");
}

static void test_sbuf(void **state _unused_)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 300, UINT64_MAX };
	_cleanup_sbuf_ struct sbuf b = { 0 };
	struct cursor c;

	sbuf_addf(&b, "%d %s", 5, "apples");
	sbuf_xml(&b, STR("<a&b>\x01\""));
	assert_string_equal(b.p, "5 apples&lt;a&amp;b&gt;&quot;");
	sbuf_clear(&b);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sbuf_put_u64(&b, numbers[i]);
	sbuf_put_str(&b, STR("x"));
	sbuf_put_str(&b, (struct str){ NULL, 0 });
	sbuf_put_str(&b, STR(""));
	c = (struct cursor){ .s = sbuf_str(&b) };
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(cur_u64(&c) == numbers[i]);
	assert_true(str_eqz(cur_str(&c), "x"));
	assert_null(cur_str(&c).p);
	assert_non_null(cur_str(&c).p);
	assert_false(c.failed);
	assert_null(cur_str(&c).p);
	assert_true(c.failed);
	c = (struct cursor){ .s = STR("\x05"
				      "ab") };
	assert_null(cur_str(&c).p);
	assert_true(c.failed);
}

/* ---- configuration ---- */

static int load_text(const char *text, struct conf **ret, char *err, size_t size)
{
	char path[] = "/tmp/kims-conf-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = conf_load(path, ret, err, size);
	unlink(path);
	return r;
}

static void expect_refusal(const char *text, const char *why)
{
	struct conf *c = NULL;
	char err[256];

	assert_int_equal(load_text(text, &c, err, sizeof(err)), -EINVAL);
	assert_null(c);
	if (!strstr(err, why))
		fail_msg("\"%s\" does not say \"%s\"", err, why);
}

static void test_conf_defaults(void **state _unused_)
{
	struct conf *c;
	char err[256];

	assert_int_equal(conf_load(NULL, &c, err, sizeof(err)), 0);
	assert_string_equal(c->network.domain, "ims.mnc001.mcc001.3gppnetwork.org");
	assert_string_equal(c->scscf.name, "scscf.ims.mnc001.mcc001.3gppnetwork.org");
	assert_int_equal(c->pcscf.port_ps, 5064);
	assert_int_equal(c->pcscf.media4.family, AF_INET);
	conf_free(c);
	assert_int_equal(load_text("# only a comment\n", &c, err, sizeof(err)), 0);
	conf_free(c);
	assert_int_equal(load_text("", &c, err, sizeof(err)), 0);
	conf_free(c);
	assert_int_equal(conf_load("/nonexistent/kims.yaml", &c, err, sizeof(err)), -ENOENT);
}

static void test_conf_values(void **state _unused_)
{
	struct sockaddr_storage ss;
	struct conf *c, *d;
	char err[256];

	assert_int_equal(load_text("network: {domain: ims.example}\npcscf:\n  gm6: none\n"
				   "  kernel: no\nscscf:\n  min_expires_s: 120\n",
				   &c, err, sizeof(err)),
			 0);
	assert_string_equal(c->pcscf.name, "pcscf.ims.example");
	assert_int_equal(c->pcscf.gm6.family, AF_UNSPEC);
	assert_false(c->pcscf.kernel);
	assert_int_equal(c->scscf.min_expires_s, 120);
	assert_int_equal(conf_load(NULL, &d, err, sizeof(err)), 0);
	assert_false(conf_same_network(c, d));
	assert_true(conf_same_network(c, c));
	conf_free(d);
	assert_int_equal(conf_sockaddr(&c->pcscf.gm6, 1, &ss), 0);
	assert_int_equal(conf_sockaddr(&c->pcscf.gm4, 1, &ss), sizeof(struct sockaddr_in));
	conf_free(c);
}

static bool trusts(const struct conf *c, const char *addr)
{
	struct sockaddr_storage ss;
	struct conf_addr a;

	assert_int_equal(conf_addr_parse(addr, &a), 0);
	assert_true(conf_sockaddr(&a, 1234, &ss) > 0);
	return conf_trusts(c, (const struct sockaddr *)&ss);
}

static void test_conf_trusted(void **state _unused_)
{
	struct conf *c;
	char err[256];

	assert_int_equal(load_text("network: {trusted: '192.0.2.1 10.9.128.0/17 2001:db8::/33'}\n",
				   &c, err, sizeof(err)),
			 0);
	assert_true(trusts(c, "10.46.0.1") && trusts(c, "10.46.0.3") && trusts(c, "fd46::2"));
	assert_true(trusts(c, "127.0.0.9") && trusts(c, "::1") && trusts(c, "192.0.2.1"));
	assert_true(trusts(c, "10.9.128.0") && trusts(c, "10.9.255.255"));
	assert_true(trusts(c, "2001:db8:7fff::1"));
	assert_false(trusts(c, "10.9.127.255") || trusts(c, "192.0.2.2"));
	assert_false(trusts(c, "2001:db8:8000::1") || trusts(c, "10.45.0.11"));
	conf_free(c);
	expect_refusal("network: {trusted: 10.0.0.0/33}\n", ":1: network.trusted: \"10.0.0.0/33\"");
	expect_refusal("network: {trusted: '10.0.0.1 x'}\n", "is neither address nor prefix");
}

static void test_conf_refusals(void **state _unused_)
{
	expect_refusal("pcscf:\n  nonsense: 1\n", ":2: pcscf.nonsense: unknown key");
	expect_refusal("nonsense: 1\n", ":1: nonsense: unknown key");
	expect_refusal("pcscf:\n  gm_port: 0\n", ":2: pcscf.gm_port: \"0\" is not within 1..65535");
	expect_refusal("pcscf:\n  gm_port: [1]\n", ":2: pcscf.gm_port: a single value");
	expect_refusal("pcscf:\n  gm4: fd46::1\n", ":2: pcscf.gm4: is no IPv4");
	expect_refusal("pcscf:\n  kernel: maybe\n", "is neither yes nor no");
	expect_refusal("pcscf:\n  ipsec_algs: rot13\n", "is not made of");
	expect_refusal("log_level: loud\n", ":1: log_level: \"loud\" is not one of");
	expect_refusal("pcscf: 5\n", ":1: pcscf: a section");
	expect_refusal("- a\n", "the file is no list");
	expect_refusal("pcscf:\n  gm_port: 1\n  gm_port: 2\n", ":3: pcscf.gm_port: given twice");
	expect_refusal("a: [\n", "?:");
	expect_refusal("scscf:\n  min_expires_s: 6000\n  max_expires_s: 600\n",
		       ":2: scscf.min_expires_s: is more than");
}

/* Every line that the sample shows as a default is accepted and changes nothing. */
static void test_conf_sample(void **state _unused_)
{
	char *text = NULL, err[256];
	struct conf *c;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_int_equal(conf_sample(f), 0);
	fclose(f);
	for (char *p = text; (p = strchr(p, '#')); p++) {
		if (p[1] != ' ')
			*p = ' ';
	}
	for (char *p = strstr(text, " log_level"); p; p = NULL)
		memmove(p, p + 1, strlen(p));
	if (load_text(text, &c, err, sizeof(err)) < 0)
		fail_msg("%s\n%s", err, text);
	conf_free(c);
	free(text);
	f = open_memstream(&text, &n);
	assert_int_equal(conf_man(f), 0);
	fclose(f);
	free(text);
}

/* ---- control socket ---- */

static int cmd_echo(void *arg, const json_t *req, json_t **ret, char *err, size_t size)
{
	if (!json_object_get(req, "text")) {
		snprintf(err, size, "say something");
		return -EINVAL;
	}
	*ret = json_pack("{s:O,s:s}", "text", json_object_get(req, "text"), "arg", arg);
	return 0;
}

static const struct ctl_cmd cmds[] = {
	{ .name = "show echo", .help = "repeats", .fn = cmd_echo },
	{ .name = NULL },
};

static struct loop *loop;

static void stop_loop(void *arg _unused_)
{
	loop_stop(loop, 0);
}

static void *client(void *path)
{
	json_t *req = json_pack("{s:s,s:s,s:s}", "cmd", "show", "what", "echo", "text", "hi"), *res;
	char err[128];

	assert_int_equal(ctl_call(path, req, 2000, &res, err, sizeof(err)), 0);
	assert_string_equal(json_string_value(json_object_get(res, "text")), "hi");
	json_decref(res);
	json_object_del(req, "text");
	assert_int_equal(ctl_call(path, req, 2000, &res, err, sizeof(err)), -EREMOTEIO);
	assert_string_equal(err, "say something");
	json_decref(req);
	req = json_pack("{s:s}", "cmd", "ping");
	assert_int_equal(ctl_call(path, req, 2000, &res, err, sizeof(err)), 0);
	json_decref(res);
	json_decref(req);
	req = json_pack("{s:s}", "cmd", "dance");
	assert_int_equal(ctl_call(path, req, 2000, &res, err, sizeof(err)), -EREMOTEIO);
	json_decref(req);
	loop_post(loop, stop_loop, NULL);
	return NULL;
}

static void test_ctl(void **state _unused_)
{
	char path[] = "/tmp/kims-ctl-XXXXXX", err[128];
	json_t *req = json_pack("{s:s}", "cmd", "ping"), *res;
	struct ctl *c, *second;
	pthread_t th;

	close(mkstemp(path));
	unlink(path);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(ctl_call(path, req, 100, &res, err, sizeof(err)), -ENOENT);
	assert_int_equal(ctl_listen(loop, path, cmds, "x", &c), 0);
	assert_int_equal(ctl_listen(loop, path, cmds, "x", &second), -EADDRINUSE);
	assert_int_equal(pthread_create(&th, NULL, client, path), 0);
	assert_int_equal(loop_run(loop), 0);
	pthread_join(th, NULL);
	ctl_free(c);
	assert_int_equal(access(path, F_OK), -1);
	loop_free(loop);
	json_decref(req);
}

static void test_metrics(void **state _unused_)
{
	METRIC_COUNTER(m, "kims_test_total", "Tests");
	char *text;

	metric_register(&m);
	metric_register(&m);
	metric_inc(&m);
	text = metrics_text();
	assert_non_null(strstr(text, "# TYPE kims_test_total counter\nkims_test_total 1\n"));
	free(text);
}

/* ---- state machines ---- */

enum { IDLE, RINGING, DONE };
enum { EV_CALL, EV_ANSWER };

static int timeouts;

static void ring_event(struct fsm *f, int event _unused_, void *data _unused_)
{
	fsm_go(f, DONE);
}

static void ring_timeout(struct fsm *f)
{
	timeouts++;
	fsm_go(f, IDLE);
}

static void idle_event(struct fsm *f, int event _unused_, void *data _unused_)
{
	fsm_go(f, RINGING);
}

static const struct fsm_state states[] = {
	[IDLE] = { .name = "idle",
		   .events = FSM_BIT(EV_CALL),
		   .next = FSM_BIT(RINGING),
		   .on_event = idle_event },
	[RINGING] = { .name = "ringing",
		      .events = FSM_BIT(EV_ANSWER),
		      .next = FSM_BIT(DONE) | FSM_BIT(IDLE),
		      .waiting = true,
		      .timer_usec = 1000000,
		      .on_event = ring_event,
		      .on_timeout = ring_timeout },
	[DONE] = { .name = "done" },
};
static const char *const events[] = { "call", "answer" };
static const struct fsm_desc desc = { "bell", states, 3, events, 2 };

static void test_fsm(void **state _unused_)
{
	struct fsm f;
	char why[128];

	assert_int_equal(fsm_check(&desc, why, sizeof(why)), 0);
	assert_int_equal(loop_new_virtual(&loop), 0);
	fsm_init(&f, &desc, loop, IDLE, "x");
	assert_int_equal(fsm_event(&f, EV_ANSWER, NULL), -EPROTO);
	assert_int_equal(fsm_go(&f, DONE), -EPROTO);
	assert_int_equal(fsm_event(&f, EV_CALL, NULL), 0);
	loop_advance(loop, 2 * USEC_PER_SEC);
	assert_int_equal(timeouts, 1);
	assert_string_equal(fsm_state_name(&f), "idle");
	assert_int_equal(fsm_event(&f, EV_CALL, NULL), 0);
	assert_int_equal(fsm_event(&f, EV_ANSWER, NULL), 0);
	loop_advance(loop, 2 * USEC_PER_SEC);
	assert_int_equal(timeouts, 1);
	assert_int_equal(f.state, DONE);
	fsm_fini(&f);
	loop_free(loop);
}

static void _printf_(1, 2) same_as_stdio(const char *fmt, ...)
{
	char ours[32], theirs[32];
	va_list ap;

	for (size_t size = 0; size <= sizeof(ours); size++) {
		int a, b;

		memset(ours, 'x', sizeof(ours));
		memset(theirs, 'x', sizeof(theirs));
		va_start(ap, fmt);
		a = str_vfmt(ours, size, fmt, ap);
		va_end(ap);
		va_start(ap, fmt);
		b = vsnprintf(theirs, size, fmt, ap);
		va_end(ap);
		assert_int_equal(a, b);
		if (size) {
			assert_string_equal(ours, theirs);
		}
		for (size_t i = size; i < sizeof(ours); i++)
			assert_int_equal(ours[i], 'x');
	}
}

static void test_fmt(void **state)
{
	(void)state;
	same_as_stdio("plain");
	same_as_stdio("%s", "");
	same_as_stdio("<sip:%s@%.*s>;x=%u%%", "a", 3, "bcdef", 0u);
	same_as_stdio("%d %d %d", INT32_MIN, -1, INT32_MAX);
	same_as_stdio("%u %zu %lu", UINT32_MAX, SIZE_MAX, 0ul);
	same_as_stdio("%llu;%c", (unsigned long long)UINT64_MAX, 'c');
	same_as_stdio("%.*s|%.*s", 9, "a\0b", -1, "all");
	same_as_stdio("a long text that does not fit into the thing: %s", "and more");
	same_as_stdio("%s and %08x", "known", 255u); /* %08x: stdio does all of it */
	same_as_stdio("%.*s.", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str),	      cmocka_unit_test(test_sbuf),
		cmocka_unit_test(test_conf_defaults), cmocka_unit_test(test_conf_values),
		cmocka_unit_test(test_conf_trusted),  cmocka_unit_test(test_conf_refusals),
		cmocka_unit_test(test_conf_sample),   cmocka_unit_test(test_ctl),
		cmocka_unit_test(test_metrics),	      cmocka_unit_test(test_fsm),
		cmocka_unit_test(test_fmt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
