// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The P-CSCF against the kims-pcrf binary, with an SMF that the test plays (TS 29.213 4.3.1, annex B): a call's media
 * become rules at the SMF, their gates open with the answer, a bearer that is released ends the call. SIP runs on the
 * mock wire and the virtual clock, Diameter over TCP. Skipped where the binary was not built.
 */
#include <signal.h>
#include <sys/wait.h>

#include "pcscf/pcscf_call_test.h"
#include "ref/gx_tables.h"

static struct {
	struct wire *w;
	struct loop *net; /* of Diameter */
	struct dia *af, *smf;
	pid_t pcrf;
	char dir[64];
	uint16_t port;
	int cca;	     /* result of the last CCA */
	int installs, gates; /* rules installed; the last gate of an RTP rule */
	struct pcc_arp arp;  /* of the last rule */
	int n_rules;
	char rule[16][32];
	char sid[128];
} t;

/* --- Diameter on its own loop --- */

static void turn(void)
{
	loop_once(t.net, 5);
	run(t.w, 0);
}

#define UNTIL(cond)                                          \
	do {                                                 \
		for (int i_ = 0; i_ < 1000 && !(cond); i_++) \
			turn();                              \
		assert_true(cond);                           \
	} while (0)

static int af_request(void *arg, const struct ie_command *cmd, const struct dia_to *to,
		      const void *r, struct dia_done done)
{
	(void)arg;
	str_copy(t.sid, sizeof(t.sid), to->session_id);
	return dia_request(t.af, &rx_app, cmd, to, r, done);
}

static int af_answer(void *arg, struct dia_token *tok, const struct ie_command *cmd, const void *a)
{
	(void)arg;
	return dia_answer(tok, cmd, a, NULL);
}

static struct str af_session_id(void *arg, char *dst)
{
	(void)arg;
	return dia_session_id(t.af, &rx_app, dst);
}

static bool af_is_up(void *arg)
{
	(void)arg;
	return dia_peer_up(t.af, NULL);
}

static const struct rx_ops af_ops = { af_request, af_answer, af_session_id, af_is_up };

static bool af_serve(void *arg, struct dia_token *tok, const struct ie_command *cmd,
		     const struct ie_env *env, void *r)
{
	(void)arg;
	return rx_on_request(t.w->p->rx, tok, cmd, env, r);
}

/* --- the SMF --- */

static void enforce(const struct gx_rar *r)
{
	for (size_t i = 0; i < r->orders.n_remove; i++)
		t.n_rules -= (int)r->orders.remove[i].n_name;
	for (size_t i = 0; i < r->orders.n_install; i++)
		for (size_t k = 0; k < r->orders.install[i].n_rule; k++) {
			const struct gx_rule *rule = &r->orders.install[i].rule[k];
			int n = 0;

			while (n < t.n_rules && !str_eqz(rule->name, t.rule[n]))
				n++;
			if (n == t.n_rules)
				str_copy(t.rule[t.n_rules++], 32, rule->name);
			if (rule->qos.mbr_ul > 10000)
				t.gates = rule->flow_status;
			t.arp = rule->qos.arp;
		}
}

static bool smf_serve(void *arg, struct dia_token *tok, const struct ie_command *cmd,
		      const struct ie_env *env, void *r)
{
	static struct gx_raa a;

	(void)arg;
	(void)env;
	assert_ptr_equal(cmd, &gx_rar_cmd);
	enforce(r);
	ie_init(&gx_raa_cmd, &a);
	a.result = PCC_SUCCESS;
	return !dia_answer(tok, &gx_raa_cmd, &a, NULL);
}

static void on_cca(void *arg, const struct ie_env *env, const void *a)
{
	(void)arg;
	(void)env;
	t.cca = ((const struct gx_cca *)a)->result;
}

static struct gx_ccr *ccr(int type, uint32_t number)
{
	static struct gx_ccr r;

	ie_init(&gx_ccr_cmd, &r);
	r.type = type;
	r.number = number;
	return &r;
}

static void send_ccr(const struct gx_ccr *r)
{
	struct dia_to to = { .session_id = STR("smf;gx;1") };

	t.cca = 0;
	assert_int_equal(
		dia_request(t.smf, &gx_app, &gx_ccr_cmd, &to, r, (struct dia_done){ .fn = on_cca }),
		0);
	UNTIL(t.cca);
	assert_int_equal(t.cca, PCC_SUCCESS);
}

/* Phone A at 10.45.0.11, in a cell. */
static void attach(void)
{
	struct gx_ccr *r = ccr(GX_INITIAL_REQUEST, 0);

	r->framed_ip = STR("\12\55\0\13");
	r->called_station_id = STR("ims");
	r->subscription[0] = (struct pcc_subscription){ STR("001010000000001"), PCC_IMSI };
	r->n_subscription = 1;
	r->ip_can_type = PCC_3GPP_EPS;
	r->rat_type = PCC_RAT_EUTRAN;
	r->network_request_support = 1;
	r->location.uli = STR("\202\0\361\20\0\1\0\361\20\1\43\105\147");
	send_ccr(r);
}

static void detach(uint32_t number)
{
	struct gx_ccr *r = ccr(GX_TERMINATION_REQUEST, number);

	r->termination_cause = 1;
	send_ccr(r);
}

/* --- the stage --- */

static const char *binary(void)
{
	static const char *const paths[] = { "build/asan/bin/kims-pcrf", "build/bin/kims-pcrf" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	return NULL;
}

static void start_pcrf(const char *path)
{
	char conf[96], text[256];
	FILE *f;

	strcpy(t.dir, "/tmp/kims-rx-pcrf-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(conf, sizeof(conf), "%s/kims.yaml", t.dir);
	f = fopen(conf, "we");
	fprintf(f, "pcrf:\n  addr: 127.0.0.1\n  port: %u\n", t.port);
	fclose(f);
	t.pcrf = fork();
	if (!t.pcrf) {
		snprintf(text, sizeof(text), "%s/log", t.dir);
		if (!freopen(text, "we", stderr) || !freopen("/dev/null", "we", stdout))
			_exit(1);
		execl(path, path, "-c", conf, "-r", t.dir, "-s", t.dir, (char *)NULL);
		_exit(127);
	}
}

static struct dia *open_node(const char *identity, const struct dia_app *const *app)
{
	struct dia_peer_conf peer = { "pcrf." DOMAIN, "127.0.0.1", t.port };
	struct dia_conf c = { .identity = identity,
			      .realm = DOMAIN,
			      .peers = &peer,
			      .n_peers = 1,
			      .watchdog_s = 30,
			      .reconnect_s = 1,
			      .timeout_ms = 3000,
			      .apps = app,
			      .n_apps = 1 };
	struct dia *d;
	char err[256];

	if (dia_open(t.net, &c, &d, err, sizeof(err)))
		fail_msg("%s", err);
	return d;
}

static int setup_pcrf(void **state)
{
	static const struct dia_app *const rx[] = { &rx_app }, *const gx[] = { &gx_app };
	const char *path = binary();

	memset(&t, 0, sizeof(t));
	*state = NULL;
	if (!path)
		return 0;
	t.w = wire_new();
	t.w->conf->pcscf.rx = true;
	t.w->rx = &af_ops;
	t.port = (uint16_t)(21000 + getpid() % 20000);
	assert_int_equal(loop_new(&t.net), 0);
	start_pcrf(path);
	t.af = open_node("pcscf." DOMAIN, rx);
	t.smf = open_node("smf." DOMAIN, gx);
	dia_serve(t.af, &rx_app, af_serve, NULL);
	dia_serve(t.smf, &gx_app, smf_serve, NULL);
	start_pcscf(t.w);
	for (int i = 0; i < 1000 && !(dia_peer_up(t.af, NULL) && dia_peer_up(t.smf, NULL)); i++)
		turn();
	*state = t.w;
	return 0;
}

static int teardown_pcrf(void **state)
{
	char cmd[128];

	if (!*state)
		return 0;
	run(t.w, 200000);
	UNTIL(!t.w->p->rx->af);
	stop_pcscf(t.w);
	dia_close(t.af);
	dia_close(t.smf);
	kill(t.pcrf, SIGTERM);
	waitpid(t.pcrf, NULL, 0);
	wire_free(t.w);
	loop_free(t.net);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", t.dir);
	return system(cmd);
}

/* Waits for what the P-CSCF sends next: it may wait for the PCRF. */
static struct sip_msg *wait_status(enum gm_kind kind, int status)
{
	UNTIL(t.w->head < t.w->tail);
	return expect_status(t.w, kind, NULL, status);
}

static void talking(struct call *c)
{
	register_phone(c->u, 600000);
	UNTIL(t.w->p->regs->rx && t.w->p->regs->rx->fsm.state == RXS_OPEN);
	originate(c, SDP_A(4000, "b=AS:41\r\n" QOS));
	has(c->invite, SIP_H_P_ACCESS_NETWORK_INFO,
	    "3GPP-E-UTRAN;utran-cell-id-3gpp=0010100011234567;network-provided");
	core_responds(
		c, 183, "core",
		"Require: 100rel\nRSeq: 1\n\n" SDP_CORE("10.45.0.99", 5000, "b=AS:41\r\n" QOS));
	sip_msg_unref(wait_status(EP_GM_PC, 183));
	UNTIL(t.n_rules == 2);
	assert_int_equal(t.gates, PCC_DISABLED);
	core_responds(c, 200, "core", "");
	sip_msg_unref(wait_status(EP_GM_PC, 200));
	UNTIL(t.gates == PCC_ENABLED);
	ack(c);
}

static void whole_call(struct wire *w, const char *more)
{
	struct phone u = phone_a(w);
	struct call c = { .w = w, .u = &u, .more = more };

	attach();
	talking(&c);
	bye(&c, 3);
	UNTIL(t.n_rules == 0);
	reg_leave(t.w->p->regs, "test");
	run(t.w, 8000);
	detach(1);
}

static void test_call(void **state)
{
	if (!*state)
		skip();
	whole_call(*state, NULL);
	assert_int_equal(t.arp.level, 6);
}

/* A call with priority: its bearer may pre-empt others, and no one it. */
static void test_mps(void **state)
{
	struct wire *w = *state;

	if (!w)
		skip();
	free(w->conf->pcscf.mps);
	w->conf->pcscf.mps = strdup("001010000000001");
	whole_call(w, "Resource-Priority: ets.0\r\n");
	assert_int_equal(t.arp.level, 2);
	assert_int_equal(t.arp.capability, 0);
	assert_int_equal(t.arp.vulnerability, 1);
}

/* Video in a call: the PCRF takes the offer, and has rules for it when it is answered. */
static void test_video(void **state)
{
	struct phone u;
	struct call c = { .w = *state, .u = &u };
	struct sip_msg *m;

	if (!c.w)
		skip();
	u = phone_a(c.w);
	attach();
	talking(&c);
	phone_request(&c, "UPDATE", 3, "a", "",
		      SDP_A(4000, "b=AS:41\r\n") "m=video 4100 RTP/AVP 99\r\n");
	expect_nothing(t.w);
	UNTIL(t.w->head < t.w->tail);
	m = expect_request(t.w, EP_MW, SCSCF, "UPDATE");
	assert_int_equal(t.n_rules, 2);
	core_answers(t.w, m, 200,
		     "Contact: <sip:b@10.45.0.99:5070>\n\n" SDP_CORE(
			     "10.45.0.99", 5000, "b=AS:41\r\n") "m=video 5100 RTP/AVP 99\r\n");
	sip_msg_unref(m);
	sip_msg_unref(wait_status(EP_GM_PC, 200));
	UNTIL(t.n_rules == 4);
	bye(&c, 4);
	UNTIL(t.n_rules == 0);
	reg_leave(t.w->p->regs, "test");
	run(t.w, 8000);
	detach(1);
}

/* The SGW gave the bearer up: both rules are inactive. */
static void test_bearer_released(void **state)
{
	struct phone u;
	struct call c = { .w = *state, .u = &u };
	struct sip_msg *m;
	struct gx_ccr *r;

	if (!c.w)
		skip();
	u = phone_a(c.w);
	attach();
	talking(&c);
	r = ccr(GX_UPDATE_REQUEST, 1);
	r->event_trigger[0] = GX_LOSS_OF_BEARER;
	r->n_event_trigger = 1;
	r->n_report = 1;
	r->report[0] = (struct gx_rule_report){ .status = GX_RULE_INACTIVE, .failure = -1 };
	for (int i = 0; i < t.n_rules; i++)
		r->report[0].name[r->report[0].n_name++] = str_of(t.rule[i]);
	send_ccr(r);
	UNTIL(t.w->head < t.w->tail);
	m = expect_request(t.w, EP_MW, SCSCF, "BYE");
	has(m, SIP_H_REASON, "Bearer released");
	core_answers(t.w, m, 200, "");
	sip_msg_unref(m);
	m = expect_request(t.w, EP_GM_PC, NULL, "BYE");
	phone_answers(&u, m, 200, "a", "");
	sip_msg_unref(m);
	run(t.w, 1);
	end_call(&c);
	/* the phone is gone: so is its registration's AF session */
	detach(2);
	UNTIL(!t.w->p->regs->rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call, setup_pcrf, teardown_pcrf),
		cmocka_unit_test_setup_teardown(test_mps, setup_pcrf, teardown_pcrf),
		cmocka_unit_test_setup_teardown(test_video, setup_pcrf, teardown_pcrf),
		cmocka_unit_test_setup_teardown(test_bearer_released, setup_pcrf, teardown_pcrf),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
