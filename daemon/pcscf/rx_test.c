// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls and registrations with a PCRF that the test plays: TS 29.214 4.4, TS 29.213 annex B, TS 24.229 5.2.7, 5.2.8.
 * What the P-CSCF sends is encoded and decoded again by the tables, and tshark reads all of it at the end.
 */
#include "pcscf/pcscf_call_test.h"

#define PCRF "pcrf.test"
#define ULI  "\202\0\361\20\0\1\0\361\20\1\43\105\147" /* 001 01, TAC 1, ECI 1234567 */

struct req {
	const struct ie_command *cmd;
	char sid[64], host[64];
	struct ie_buf raw;
	struct rx_aar *aar;
	struct rx_str str;
	struct dia_done done;
	bool answered;
};

struct mock {
	struct wire *w;
	bool down, deaf; /* not connected; does not answer STR */
	struct req q[128];
	size_t n;
	unsigned int sid;
	uint32_t state_id;
	int result; /* of the last RAA or ASA */
	struct timer timer;
};

static struct mock mock;
static FILE *hex;
static size_t n_hex;

/* --- the PCRF --- */

static struct ie_env env_of(const char *sid, const char *origin)
{
	return (struct ie_env){ .rules = ie_env_auth_rules,
				.session_id = str_of(sid),
				.origin_host = str_of(origin),
				.origin_realm = STR("test"),
				.dest_realm = STR("test"),
				.auth_app = RX_APP_ID,
				.auth_session_state = -1,
				.origin_state_id = mock.state_id };
}

static void write_hex(const struct ie_buf *b)
{
	for (size_t k = 0; hex && k < b->n; k++)
		fprintf(hex, "%06zx %02x\n", k, b->p[k]);
	n_hex++;
}

static void mock_timer(struct timer *t)
{
	struct ie_env env;
	struct rx_sta a;

	(void)t;
	for (size_t i = 0; i < mock.n; i++) {
		struct req *r = &mock.q[i];

		if (r->cmd != &rx_str_cmd || r->answered || mock.deaf)
			continue;
		r->answered = true;
		ie_init(&rx_sta_cmd, &a);
		a.result = PCC_SUCCESS;
		env = env_of(r->sid, PCRF);
		r->done.fn(r->done.arg, &env, &a);
	}
}

static int mock_request(void *arg, const struct ie_command *cmd, const struct dia_to *to,
			const void *in, struct dia_done done)
{
	struct ie_header h = { .hop_by_hop = 1, .end_to_end = 2 };
	struct req *r = &mock.q[mock.n++];
	struct ie_env env;
	struct ie_error e;

	(void)arg;
	assert_true(mock.n < ARRAY_SIZE(mock.q));
	*r = (struct req){ .cmd = cmd, .done = done };
	assert_int_equal(str_copy(r->sid, sizeof(r->sid), to->session_id), 0);
	if (mock.w->p->store) { /* what a PCRF may know is stored */
		_cleanup_free_ char *z = NULL;
		size_t n;

		assert_int_equal(store_get(mock.w->p->store, "rx", str_of(r->sid), &z, &n), 0);
	}
	if (to->host)
		snprintf(r->host, sizeof(r->host), "%s", to->host);
	env = env_of(r->sid, "pcscf.test");
	assert_int_equal(ie_encode(cmd, &h, &env, in, NULL, &r->raw), 0);
	write_hex(&r->raw);
	r->aar = cmd == &rx_aar_cmd ? calloc(1, sizeof(*r->aar)) : NULL;
	assert_int_equal(ie_decode(cmd, &pcc_dict, r->raw.p, r->raw.n, &env,
				   r->aar ? (void *)r->aar : (void *)&r->str, &e),
			 0);
	if (!r->aar) {
		mock.timer.fn = mock_timer;
		timer_start(mock.w->loop, &mock.timer, 0);
	}
	return 0;
}

static int mock_answer(void *arg, struct dia_token *t, const struct ie_command *cmd, const void *a)
{
	(void)arg;
	(void)t;
	mock.result = cmd == &rx_asa_cmd ? ((const struct rx_asa *)a)->result
					 : ((const struct rx_raa *)a)->result;
	return 0;
}

static struct str mock_sid(void *arg, char *dst)
{
	(void)arg;
	return (struct str){ dst, (size_t)sprintf(dst, "pcscf.test;1;%u;rx", ++mock.sid) };
}

static bool mock_up(void *arg)
{
	(void)arg;
	return !mock.down;
}

static const struct rx_ops mock_ops = { mock_request, mock_answer, mock_sid, mock_up };

static size_t count(const struct ie_command *cmd)
{
	size_t n = 0;

	for (size_t i = 0; i < mock.n; i++)
		n += mock.q[i].cmd == cmd;
	return n;
}

/* The AAR that waits for its answer; there is exactly one. */
static struct req *pending_aar(void)
{
	struct req *found = NULL;

	run(mock.w, 1);
	for (size_t i = 0; i < mock.n; i++)
		if (mock.q[i].cmd == &rx_aar_cmd && !mock.q[i].answered) {
			assert_null(found);
			found = &mock.q[i];
		}
	assert_non_null(found);
	return found;
}

static void no_aar(void)
{
	run(mock.w, 1);
	for (size_t i = 0; i < mock.n; i++)
		assert_true(mock.q[i].cmd != &rx_aar_cmd || mock.q[i].answered);
}

static void answer_with(struct req *r, struct rx_aaa *a)
{
	struct ie_env env = env_of(r->sid, PCRF);

	r->answered = true;
	r->done.fn(r->done.arg, a->result < 0 ? NULL : &env, a);
}

/* result < 0: no answer. */
static struct req *aaa(int result)
{
	struct req *r = pending_aar();
	struct rx_aaa a;

	ie_init(&rx_aaa_cmd, &a);
	a.result = result;
	answer_with(r, &a);
	return r;
}

static void last_str(const char *sid)
{
	run(mock.w, 1);
	for (size_t i = mock.n; i-- > 0;)
		if (mock.q[i].cmd == &rx_str_cmd) {
			assert_string_equal(mock.q[i].sid, sid);
			assert_string_equal(mock.q[i].host, PCRF);
			return;
		}
	fail_msg("no STR");
}

static void asr(const char *sid, int cause)
{
	struct ie_env env = env_of(sid, PCRF);
	struct rx_asr r;

	ie_init(&rx_asr_cmd, &r);
	r.abort_cause = cause;
	mock.result = 0;
	assert_true(rx_on_request(mock.w->p->rx, NULL, &rx_asr_cmd, &env, &r));
	run(mock.w, 1);
}

static void rar_with(const char *sid, uint32_t action, uint32_t component, struct rx_rar *r)
{
	struct ie_env env = env_of(sid, PCRF);

	r->specific_action[0] = action;
	r->n_specific_action = 1;
	if (component) {
		r->flows[0] = (struct pcc_flows){ .component = component, .number = { 1 } };
		r->flows[0].n_number = 1;
		r->n_flows = 1;
	}
	mock.result = 0;
	assert_true(rx_on_request(mock.w->p->rx, NULL, &rx_rar_cmd, &env, r));
	run(mock.w, 1);
}

static void rar(const char *sid, uint32_t action, uint32_t component)
{
	struct rx_rar r;

	ie_init(&rx_rar_cmd, &r);
	rar_with(sid, action, component, &r);
}

/* --- the stage --- */

static struct wire *new_wire(const char *signalling)
{
	struct wire *w = wire_new();

	memset(&mock, 0, sizeof(mock));
	mock.w = w;
	mock.state_id = 100;
	w->rx = &mock_ops;
	w->conf->pcscf.rx = true;
	free(w->conf->pcscf.rx_signalling);
	w->conf->pcscf.rx_signalling = strdup(signalling);
	return w;
}

static int setup_rx(void **state)
{
	struct wire *w = new_wire("off");

	start_pcscf(w);
	*state = w;
	return 0;
}

static int setup_signalling(void **state)
{
	struct wire *w = new_wire("watch");

	start_pcscf(w);
	*state = w;
	return 0;
}

static void free_requests(void)
{
	for (size_t i = 0; i < mock.n; i++) {
		free(mock.q[i].raw.p);
		free(mock.q[i].aar);
	}
	mock.n = 0;
}

static int teardown_rx(void **state)
{
	struct wire *w = *state;

	run(w, 600000); /* also what is repeated has come to its end */
	assert_null(w->p->rx->af);
	assert_null(w->p->rx->orphans);
	assert_int_equal(w->p->rx->n_closing, 0);
	stop_pcscf(w);
	timer_stop(w->loop, &mock.timer);
	wire_free(w);
	free_requests();
	return 0;
}

#define SDP_183 SDP_CORE("10.45.0.99", 5000, QOS)
#define R183	"Require: 100rel\nRSeq: 1\n\n" SDP_183

#define SDP_ANSWER(attrs) SDP_CORE("10.45.0.99", 5000, attrs)
#define ANSWER		  "X: y\n\n" SDP_ANSWER("")

/* A call of phone A, registered. */
static struct call *caller(void **state)
{
	static struct phone u;
	static struct call c;

	c = call_of(*state, &u);
	return &c;
}

static void hears(struct call *c, int status)
{
	sip_msg_unref(expect_status(c->w, EP_GM_PC, NULL, status));
}

static void core_takes(struct call *c, const char *answer)
{
	struct sip_msg *m = expect_request(c->w, EP_MW, SCSCF, "UPDATE");
	char lines[4096];

	snprintf(lines, sizeof(lines), "Contact: <sip:b@10.45.0.99:5070>\n\n%s", answer);
	core_answers(c->w, m, 200, lines);
	sip_msg_unref(m);
}

/* An UPDATE of the phone, which the core answers. */
static void update(struct call *c, int cseq, const char *offer, const char *answer)
{
	phone_request(c, "UPDATE", cseq, "a", "", offer);
	core_takes(c, answer);
}

static void bye_one_str(struct call *c, int cseq)
{
	bye(c, cseq);
	assert_int_equal(count(&rx_str_cmd), 1);
}

static const struct rx_component *component(const struct req *r, size_t i)
{
	assert_true(i < r->aar->n_component);
	return &r->aar->component[i];
}

static void flow_is(const struct rx_component *c, size_t sub, size_t i, const char *fmt,
		    uint16_t relay)
{
	char want[200];

	snprintf(want, sizeof(want), fmt, relay);
	assert_true(sub < c->n_sub && i < c->sub[sub].n_description);
	assert_int_equal(c->sub[sub].description[i].n, strlen(want));
	assert_memory_equal(c->sub[sub].description[i].p, want, strlen(want));
}

static void early(struct call *c)
{
	originate(c, SDP_A(4000, QOS));
	core_responds(c, 183, "core", R183);
}

/* The PCRF has taken its media; the AF session. */
static const char *ringing(struct call *c)
{
	const char *sid;

	early(c);
	sid = aaa(PCC_SUCCESS)->sid;
	hears(c, 183);
	return sid;
}

/* An answered call of phone A that the PCRF has taken; its AF session. */
static const char *talking(struct call *c)
{
	const char *sid = ringing(c);

	core_responds(c, 200, "core", "");
	aaa(PCC_SUCCESS);
	hears(c, 200);
	ack(c);
	return sid;
}

/* --- set-up --- */

static void test_originating(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const struct rx_component *m;
	uint16_t port;
	struct req *r;
	const char *sid;

	originate(c, SDP_A(4000, "b=AS:41\r\nb=RS:300\r\nb=RR:900\r\na=crypto:1 secret\r\n" QOS));
	no_aar(); /* one end has spoken */
	core_responds(
		c, 183, "core",
		"Require: 100rel\nRSeq: 1\n\n" SDP_CORE("10.45.0.99", 5000, "b=AS:38\r\n" QOS));
	r = pending_aar();
	expect_nothing(w);
	port = flow_from(w, "10.45.0.11", 4000)->local.port;
	m = component(r, 0);
	assert_int_equal(r->aar->n_component, 1);
	assert_int_equal(m->number, 1);
	assert_int_equal(m->media_type, RX_AUDIO);
	assert_int_equal(m->status, PCC_DISABLED); /* the gates open with the answer */
	assert_int_equal(m->max_dl, 41000);
	assert_int_equal(m->max_ul, 38000);
	assert_int_equal(m->rs, 300);
	assert_int_equal(m->rr, 900);
	assert_int_equal(m->n_sub, 2);
	flow_is(m, 0, 0, "permit out 17 from 10.46.0.1 %u to 10.45.0.11 4000", port);
	flow_is(m, 0, 1, "permit in 17 from 10.45.0.11 4000 to 10.46.0.1 %u", port);
	flow_is(m, 1, 0, "permit out 17 from 10.46.0.1 %u to 10.45.0.11 4001", port + 1);
	assert_int_equal(m->sub[1].usage, RX_RTCP);
	assert_int_equal(m->n_codec_data, 2);
	assert_true(
		str_has_prefix(m->codec_data[0], STR("uplink\noffer\nm=audio 4000 RTP/AVP 97\n")));
	assert_true(str_has_prefix(m->codec_data[1], STR("downlink\nanswer\nm=audio 5000 ")));
	assert_null(memmem(r->raw.p, r->raw.n, "secret", 6));
	assert_memory_equal(r->aar->framed_ip.p, "\12\55\0\13", 4);
	assert_int_equal(r->aar->n_subscription, 2);
	assert_true(str_eqz(r->aar->subscription[0].data, "001010000000001"));
	assert_true(r->aar->af_charging_id.n);
	assert_int_equal(r->aar->n_specific_action, 8);
	sid = r->sid;
	aaa(PCC_SUCCESS);
	hears(c, 183);
	update(c, 3, SDP_A(4000, "b=AS:41\r\nb=RS:300\r\nb=RR:900\r\n"), SDP_ANSWER("b=AS:38\r\n"));
	hears(c, 200);
	no_aar(); /* preconditions alone change no bearer */
	core_responds(c, 200, "core", "");
	r = pending_aar();
	assert_string_equal(r->sid, sid);
	assert_string_equal(r->host, PCRF);
	assert_int_equal(component(r, 0)->status, PCC_ENABLED);
	assert_int_equal(r->aar->n_specific_action, 0);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	ack(c);
	bye_one_str(c, 5);
	last_str(sid);
}

static void test_terminating(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_b(w);
	struct call c = { .w = w, .u = &u };
	const struct rx_component *m;
	struct req *r;
	uint16_t port;

	register_phone(&u, 600000);
	core_invites(w, w->p->regs->token, "sip:001010000000002@[fd45::12]:40004", "");
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 100));
	c.invite = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "INVITE");
	no_aar();
	phone_answers(&u, c.invite, 183, "b", "Contact: <sip:b@[fd45::12]:40004>\n\n" SDP_B(7000));
	r = pending_aar();
	expect_nothing(w);
	port = flow_from(w, "fd45::12", 7000)->local.port;
	m = component(r, 0);
	flow_is(m, 0, 0, "permit out 17 from fd46::1 %u to fd45::12 7000", port);
	flow_is(m, 1, 1, "permit in 17 from fd45::12 7001 to fd46::1 %u", port + 1);
	assert_true(str_has_prefix(m->codec_data[0], STR("uplink\nanswer\n")));
	assert_int_equal(r->aar->framed_ipv6.n, 18);
	assert_int_equal(r->aar->framed_ipv6.p[1], (char)128);
	assert_true(str_has_prefix(r->aar->af_charging_id, STR("AyretyU0dm")));
	aaa(PCC_SUCCESS);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 183));
	phone_answers(&u, c.invite, 486, "b", "");
	sip_msg_unref(expect_request(w, EP_GM_PC, NULL, "ACK"));
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 486));
	run(w, 1);
	end_call(&c);
	assert_int_equal(count(&rx_str_cmd), 1);
}

/* Description and answer come together: the 200 waits. */
static void test_without_preconditions(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	originate(c, SDP_A(4000, ""));
	core_responds(c, 180, "core", "");
	hears(c, 180);
	core_responds(c, 200, "core", ANSWER);
	assert_int_equal(component(pending_aar(), 0)->status, PCC_ENABLED);
	core_responds(c, 200, "core", ANSWER); /* again */
	expect_nothing(w);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	ack(c);
	bye(c, 2);
}

static void test_early_media(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	originate(c, SDP_A(4000, ""));
	core_responds(c, 183, "core",
		      "P-Early-Media: sendonly\n\n" SDP_CORE("10.45.0.99", 5000, ""));
	assert_int_equal(component(pending_aar(), 0)->status, PCC_ENABLED_DOWNLINK);
	aaa(PCC_SUCCESS);
	hears(c, 183);
	core_responds(c, 183, "core", "P-Early-Media: inactive\n");
	hears(c, 183);
	assert_int_equal(component(pending_aar(), 0)->status, PCC_DISABLED);
	aaa(PCC_SUCCESS);
	core_responds(c, 486, "core", "");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	hears(c, 486);
	run(w, 1);
	end_call(c);
}

static void test_fork(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	struct req *r;

	originate(c, SDP_A(4000, ""));
	core_responds(c, 183, "core", "X: y\n\n" SDP_CORE("10.45.0.99", 5000, "b=AS:30\r\n"));
	assert_int_equal(pending_aar()->aar->sip_forking, 0);
	/* another one while the PCRF thinks: both wait, in their order */
	core_responds(c, 183, "two", "X: y\n\n" SDP_CORE("10.45.0.98", 6000, "b=AS:60\r\n"));
	expect_nothing(w);
	aaa(PCC_SUCCESS);
	r = pending_aar();
	assert_int_equal(r->aar->sip_forking, 1);
	assert_int_equal(component(r, 0)->max_ul, 60000);
	expect_nothing(w);
	aaa(PCC_SUCCESS);
	for (int i = 0; i < 2; i++) {
		struct sip_msg *m = expect_status(w, EP_GM_PC, NULL, 183);

		assert_true(str_eqz(sip_msg_to_tag(m), i ? "two" : "core"));
		sip_msg_unref(m);
	}
	core_responds(c, 200, "core", "");
	r = pending_aar();
	assert_int_equal(component(r, 0)->max_ul, 30000);
	assert_int_equal(component(r, 0)->status, PCC_ENABLED);
	assert_int_equal(r->aar->sip_forking, 0);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	ack(c);
	bye_one_str(c, 2);
}

static void test_late_offer(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	struct req *r;

	originate(c, NULL);
	core_responds(c, 200, "core", ANSWER);
	hears(c, 200);
	no_aar();
	phone_request(c, "ACK", 1, "a", "", SDP_A(4000, ""));
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	r = pending_aar();
	assert_true(str_has_prefix(component(r, 0)->codec_data[1], STR("downlink\noffer\n")));
	aaa(PCC_SUCCESS);
	bye(c, 2);
}

/* --- priority --- */

static void allow_mps(struct wire *w, const char *who)
{
	free(w->conf->pcscf.mps);
	w->conf->pcscf.mps = strdup(who);
}

static void has_priority(const struct req *r, const char *ns, int priority)
{
	assert_true(str_eqz(r->aar->mps_id, ns));
	assert_int_equal(r->aar->reservation_priority, priority);
}

/* A phone that may: the PCRF hears of it, the core of what was judged. */
static void test_mps(void **state)
{
	struct call *c = caller(state);

	allow_mps(c->w, "00101999* 001010000000001");
	c->more = "Resource-Priority: dsn.flash, ETS.3\r\nResource-Priority: wps.1,ets.9\r\n";
	early(c);
	has(c->invite, SIP_H_RESOURCE_PRIORITY, "wps.1");
	has_priority(pending_aar(), "wps", 4);
	aaa(PCC_SUCCESS);
	hears(c, 183);
	core_responds(c, 200, "core", "");
	has_priority(aaa(PCC_SUCCESS), "wps", 4);
	hears(c, 200);
	ack(c);
	bye(c, 3);
}

/* One that may not, and garbage. */
static void test_mps_refused(void **state)
{
	static const struct {
		const char *who, *value;
	} bad[] = { { "", "ets.0" },
		    { "001010000000002 0010200*", "ets.0" },
		    { "00101000000000", "wps.0" },
		    { "*", "dsn.flash, q735.0, ets, ets., .0, ets.5, ets.0x, ets.-1, ,;" } };
	struct call *c = caller(state);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char lines[128];

		allow_mps(c->w, bad[i].who);
		snprintf(lines, sizeof(lines), "Resource-Priority: %s\r\n", bad[i].value);
		c->more = lines;
		early(c);
		has_not(c->invite, SIP_H_RESOURCE_PRIORITY);
		assert_null(pending_aar()->aar->mps_id.p);
		assert_int_equal(aaa(PCC_SUCCESS)->aar->reservation_priority, -1);
		hears(c, 183);
		core_responds(c, 486, "core", "");
		sip_msg_unref(expect_request(c->w, EP_MW, SCSCF, "ACK"));
		hears(c, 486);
		run(c->w, 200000);
		end_call(c);
		drain(c->w);
	}
}

/* The phone's UPDATE asks for it; more: it has not had as much, and the PCRF hears of it. */
static void asks_for_priority(struct call *c, int cseq, const char *value, bool more)
{
	struct sip_msg *m;
	char line[64];

	snprintf(line, sizeof(line), "Resource-Priority: %s\r\n", value);
	phone_request(c, "UPDATE", cseq, "a", line, NULL);
	m = expect_request(c->w, EP_MW, SCSCF, "UPDATE");
	if (more)
		has_priority(aaa(PCC_SUCCESS), "ets", '5' - value[4]);
	no_aar();
	core_answers(c->w, m, 200, "");
	sip_msg_unref(m);
	hears(c, 200);
}

/* A call becomes one of them; what makes it less is not heard. */
static void test_mps_later(void **state)
{
	struct call *c = caller(state);

	allow_mps(c->w, "*");
	talking(c);
	asks_for_priority(c, 3, "ets.0", true);
	asks_for_priority(c, 4, "ets.4", false);
	bye(c, 6);
}

/* The core knows who may: its word counts for the called phone, whoever that is. */
static void test_mps_terminating(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_b(w);
	struct call c = { .w = w, .u = &u };

	register_phone(&u, 600000);
	core_invites(w, w->p->regs->token, "sip:001010000000002@[fd45::12]:40004",
		     "Resource-Priority: ets.1\r\n");
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 100));
	c.invite = expect_request(w, EP_GM_PC, "[fd45::12]:40004", "INVITE");
	phone_answers(&u, c.invite, 183, "b", "Contact: <sip:b@[fd45::12]:40004>\n\n" SDP_B(7000));
	has_priority(aaa(PCC_SUCCESS), "ets", 4);
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 183));
	phone_answers(&u, c.invite, 486, "b", "");
	sip_msg_unref(expect_request(w, EP_GM_PC, NULL, "ACK"));
	sip_msg_unref(expect_status(w, EP_MW, SCSCF, 486));
	run(w, 1);
	end_call(&c);
}

/* --- changes --- */

#define SDP_A_VIDEO SDP_A(4000, "") "m=video 4100 RTP/AVP 99\r\nb=AS:500\r\n"

/* The phone would have video, too: the PCRF hears of it before the other end does. */
static struct req *wants_video(struct call *c, int cseq)
{
	const struct rx_component *m;
	struct req *r;

	phone_request(c, "UPDATE", cseq, "a", "", SDP_A_VIDEO);
	r = pending_aar();
	expect_nothing(c->w);
	assert_int_equal(r->aar->service_info_status, 1);
	assert_int_equal(r->aar->n_component, 2);
	assert_int_equal(component(r, 0)->n_sub, 2); /* as it is */
	m = component(r, 1);
	assert_int_equal(m->media_type, RX_VIDEO);
	assert_int_equal(m->status, PCC_DISABLED);
	assert_int_equal(m->max_dl, 500000);
	assert_int_equal(m->max_ul, -1);
	assert_int_equal(m->n_sub, 0);
	assert_true(str_has_prefix(m->codec_data[0], STR("uplink\noffer\nm=video 4100")));
	return r;
}

static void offer_is_refused(struct sip_msg *m, int status)
{
	char why[32];

	snprintf(why, sizeof(why), "SIP;cause=%d;text=", status);
	has(m, SIP_H_REASON, why);
	has(m, SIP_H_WARNING, "399 ");
	has_not(m, SIP_H_RETRY_AFTER);
	sip_msg_unref(m);
}

/* Refused alone: the call goes on as it was, and can still be changed. */
static void test_offer_refused(void **state)
{
	static const int results[][2] = { { RX_REQUESTED_SERVICE_NOT_AUTHORIZED, 488 },
					  { RX_UNAUTHORIZED_NON_EMERGENCY_SESSION, 403 },
					  { RX_TEMPORARY_NETWORK_FAILURE, 503 } };
	struct call *c = caller(state);
	const char *sid = talking(c);

	for (int i = 0; i < 3; i++) {
		assert_string_equal(wants_video(c, 3 + i)->sid, sid);
		aaa(results[i][0]);
		offer_is_refused(expect_status(c->w, EP_GM_PC, NULL, results[i][1]), results[i][1]);
		no_aar();
		expect_nothing(c->w);
	}
	assert_int_equal(n_flows(c->w), 4);
	update(c, 6, SDP_A(4000, "a=sendonly\r\n"), SDP_ANSWER("a=recvonly\r\n"));
	assert_int_equal(component(aaa(PCC_SUCCESS), 0)->status, PCC_ENABLED_UPLINK);
	hears(c, 200);
	bye_one_str(c, 7);
	last_str(sid);
}

static void core_updates(struct call *c, const char *sdp)
{
	char text[4096];

	snprintf(
		text, sizeof(text),
		"UPDATE sip:a@10.45.0.11 SIP/2.0\r\nVia: SIP/2.0/UDP 10.46.0.3:5060;branch=z9hG4bKup\r\n"
		"Max-Forwards: 60\r\nRoute: <sip:%s@10.46.0.1:5070;lr>, <sip:%s@10.46.0.1:5064;lr>\r\n"
		"From: <sip:+15550000002@" DOMAIN ">;tag=core\r\nTo: <sip:%s@" DOMAIN
		">;tag=a\r\nCall-ID: call1\r\nCSeq: 50 UPDATE\r\nContact: <sip:b@10.45.0.99>\r\n"
		"Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
		c->token, c->token, c->u->msisdn, strlen(sdp), sdp);
	core_sends(c->w, text);
}

/* The other end asks for more rate, which our phone's bearer does not get. */
static void test_offer_of_core_refused(void **state)
{
	struct call *c = caller(state);
	struct req *r;

	talking(c);
	core_updates(c, SDP_ANSWER("b=AS:300\r\n"));
	r = pending_aar();
	expect_nothing(c->w);
	assert_int_equal(r->aar->n_component, 1);
	assert_int_equal(component(r, 0)->max_ul, 300000);
	aaa(RX_REQUESTED_SERVICE_NOT_AUTHORIZED);
	offer_is_refused(expect_status(c->w, EP_MW, SCSCF, 488), 488);
	bye_one_str(c, 3);
}

/* The other end does not want it: the PCRF hears that all is as before. */
static void test_offer_not_taken(void **state)
{
	struct call *c = caller(state);
	struct sip_msg *m;
	struct req *r;

	talking(c);
	wants_video(c, 3);
	aaa(PCC_SUCCESS);
	m = expect_request(c->w, EP_MW, SCSCF, "UPDATE");
	core_answers(c->w, m, 488, "");
	sip_msg_unref(m);
	r = pending_aar();
	hears(c, 488);
	assert_int_equal(r->aar->service_info_status, 0);
	assert_int_equal(r->aar->n_component, 1);
	aaa(PCC_SUCCESS);
	no_aar();
	bye_one_str(c, 4);
}

/* CANCEL while the PCRF thinks; what it says then ends nothing. */
static void test_offer_withdrawn(void **state)
{
	static const int results[] = { PCC_SUCCESS, RX_REQUESTED_SERVICE_NOT_AUTHORIZED };
	struct call *c = caller(state);
	char text[1024], at[ANY_UE_LEN];

	talking(c);
	for (int i = 0; i < 2; i++) {
		phone_request(c, "INVITE", 3 + i, "a", "", SDP_A_VIDEO);
		pending_aar();
		drain(c->w);
		from_addr(c->u, c->u->us, at);
		snprintf(
			text, sizeof(text),
			"CANCEL sip:+15550000002@10.46.0.3 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKINVITE%d\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:%s@" DOMAIN
			">;tag=a\r\nTo: <sip:+15550000002@" DOMAIN
			">;tag=core\r\nCall-ID: call1\r\nCSeq: %d CANCEL\r\nContent-Length: 0\r\n\r\n",
			at, 3 + i, c->u->msisdn, 3 + i);
		phone_sends(c->u, text);
		hears(c, 200);
		hears(c, 487);
		aaa(results[i]);
		if (results[i] == PCC_SUCCESS) /* it took what is withdrawn now */
			assert_int_equal(aaa(PCC_SUCCESS)->aar->n_component, 1);
		no_aar();
		run(c->w, 200000); /* its 487 is repeated, since no ACK comes */
		drain(c->w);
	}
	bye_one_str(c, 6);
}

/* Of one that has no offer nothing is asked, also while that of another is not answered. */
static void test_offer_of_another(void **state)
{
	struct call *c = caller(state);
	struct sip_msg *m[2];

	talking(c);
	wants_video(c, 3);
	aaa(PCC_SUCCESS);
	m[0] = expect_request(c->w, EP_MW, SCSCF, "UPDATE");
	phone_request(c, "UPDATE", 4, "a", "", NULL);
	no_aar();
	m[1] = expect_request(c->w, EP_MW, SCSCF, "UPDATE");
	for (int i = 1; i >= 0; i--) {
		core_answers(c->w, m[i], 491, "");
		sip_msg_unref(m[i]);
		hears(c, 491);
		if (i)
			no_aar();
	}
	assert_int_equal(aaa(PCC_SUCCESS)->aar->n_component, 1);
	bye_one_str(c, 6);
}

/* The phone hangs up while the PCRF thinks. */
static void test_offer_crosses_bye(void **state)
{
	struct call *c = caller(state);
	struct sip_msg *m;

	talking(c);
	wants_video(c, 3);
	phone_request(c, "BYE", 4, "a", "", NULL);
	hears(c, 487);
	m = expect_request(c->w, EP_MW, SCSCF, "BYE");
	core_answers(c->w, m, 200, "");
	sip_msg_unref(m);
	hears(c, 200);
	run(c->w, 1);
	end_call(c);
	assert_int_equal(count(&rx_str_cmd), 0);
	aaa(PCC_SUCCESS);
	run(c->w, 1);
	assert_int_equal(count(&rx_str_cmd), 1);
}

/* A PCRF that needs longer than anybody waits: the offer goes on, what is agreed is judged. */
static void test_offer_slow(void **state)
{
	struct call *c = caller(state);

	talking(c);
	wants_video(c, 3);
	run(c->w, 2100);
	core_takes(c, SDP_ANSWER("") "m=video 5100 RTP/AVP 99\r\n");
	expect_nothing(c->w);
	aaa(RX_REQUESTED_SERVICE_NOT_AUTHORIZED);
	assert_int_equal(aaa(PCC_SUCCESS)->aar->n_component, 2);
	hears(c, 200);
	bye_one_str(c, 4);
}

/* One that says nothing, or has forgotten the call. */
static void test_offer_unjudged(void **state)
{
	struct call *c = caller(state);
	const char *sid = talking(c);

	wants_video(c, 3);
	aaa(DIA_TIMEOUT);
	core_takes(c, SDP_ANSWER("") "m=video 0 RTP/AVP 99\r\n");
	assert_string_equal(aaa(PCC_SUCCESS)->sid, sid);
	hears(c, 200);
	wants_video(c, 4);
	aaa(PCC_UNKNOWN_SESSION_ID);
	assert_string_not_equal(aaa(PCC_SUCCESS)->sid, sid);
	core_takes(c, SDP_ANSWER("") "m=video 0 RTP/AVP 99\r\n");
	hears(c, 200);
	c->w->conf->pcscf.rx_required = true;
	wants_video(c, 5);
	aaa(DIA_TIMEOUT);
	offer_is_refused(expect_status(c->w, EP_GM_PC, NULL, 503), 503);
	bye_one_str(c, 6);
}

static void test_changes(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	struct sip_msg *m;
	const char *sid = talking(c);
	struct req *r;

	phone_request(c, "INVITE", 2, "a", "", SDP_A(4000, "a=sendonly\r\n"));
	hears(c, 100);
	m = expect_request(w, EP_MW, SCSCF, "INVITE");
	core_answers(w, m, 200, "Contact: <sip:b@10.45.0.99>\n\n" SDP_ANSWER("a=recvonly\r\n"));
	sip_msg_unref(m);
	r = pending_aar();
	assert_string_equal(r->sid, sid);
	assert_int_equal(component(r, 0)->status, PCC_ENABLED_UPLINK);
	expect_nothing(w);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	phone_request(c, "ACK", 2, "a", "", NULL);
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	/* a stream more, by UPDATE of the other side's kind: the phone asks */
	wants_video(c, 3);
	aaa(PCC_SUCCESS);
	core_takes(c, SDP_ANSWER("") "m=video 5100 RTP/AVP 99\r\n");
	r = pending_aar();
	assert_int_equal(r->aar->service_info_status, 0);
	assert_int_equal(r->aar->n_component, 2);
	assert_int_equal(component(r, 1)->media_type, RX_VIDEO);
	assert_int_equal(component(r, 1)->number, 2);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	/* and goes; the PCRF refuses nothing, so nothing ends */
	update(c, 4, SDP_A(4000, "") "m=video 0 RTP/AVP 99\r\n",
	       SDP_ANSWER("") "m=video 0 RTP/AVP 99\r\n");
	r = pending_aar();
	assert_int_equal(component(r, 1)->status, PCC_REMOVED);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	bye(c, 5);
	last_str(sid);
}

/* --- refused --- */

static void ended_early(struct call *c, int status)
{
	struct sip_msg *m = expect_status(c->w, EP_GM_PC, NULL, status);
	char why[32];

	snprintf(why, sizeof(why), "SIP;cause=%d;text=", status);
	has(m, SIP_H_REASON, why);
	has(m, SIP_H_WARNING, "399 ");
	sip_msg_unref(m);
	m = expect_request(c->w, EP_MW, SCSCF, "CANCEL");
	core_answers(c->w, m, 200, "");
	sip_msg_unref(m);
	core_responds(c, 487, "core", "");
	sip_msg_unref(expect_request(c->w, EP_MW, SCSCF, "ACK"));
	run(c->w, 1);
	end_call(c);
	drain(c->w);
}

static void released(struct call *c, const char *reason)
{
	struct sip_msg *m = expect_request(c->w, EP_MW, SCSCF, "BYE");

	has(m, SIP_H_REASON, reason);
	core_answers(c->w, m, 200, "");
	sip_msg_unref(m);
	m = expect_request(c->w, EP_GM_PC, NULL, "BYE");
	has(m, SIP_H_REASON, reason);
	phone_answers(c->u, m, 200, "a", "");
	sip_msg_unref(m);
	run(c->w, 1);
	end_call(c);
	drain(c->w);
}

static void test_refused_early(void **state)
{
	static const int results[][2] = { { RX_REQUESTED_SERVICE_NOT_AUTHORIZED, 488 },
					  { RX_FILTER_RESTRICTIONS, 488 },
					  { RX_UNAUTHORIZED_NON_EMERGENCY_SESSION, 403 },
					  { RX_IP_CAN_SESSION_NOT_AVAILABLE, 503 },
					  { PCC_UNABLE_TO_COMPLY, 503 } };
	struct call *c = caller(state);
	struct wire *w = c->w;

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		early(c);
		aaa(results[i][0]);
		ended_early(c, results[i][1]);
		run(w, 200000);
		drain(w);
	}
	assert_int_equal(count(&rx_str_cmd), 0); /* what was refused is no session */
}

static void test_refused_answer(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	originate(c, SDP_A(4000, ""));
	core_responds(c, 200, "core", ANSWER);
	aaa(RX_REQUESTED_SERVICE_NOT_AUTHORIZED);
	hears(c, 200); /* cannot be refused any more */
	run(w, 2000);  /* the other end's P-CSCF may keep the 2xx: no BYE overtakes it */
	expect_nothing(w);
	ack(c);
	run(w, 1);
	released(c, "cause=488");
}

static void test_refused_change(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);

	update(c, 3, SDP_A(4002, ""), SDP_ANSWER(""));
	aaa(RX_TEMPORARY_NETWORK_FAILURE);
	hears(c, 200);
	run(w, 600);
	released(c, "cause=503");
	last_str(sid);
}

/* A PCRF that says no twice: the answer that is on its way still comes first. */
static void test_refused_twice(void **state)
{
	struct call *c = caller(state);
	const char *sid = talking(c);

	update(c, 3, SDP_A(4002, ""), SDP_ANSWER(""));
	aaa(RX_TEMPORARY_NETWORK_FAILURE);
	hears(c, 200);
	asr(sid, RX_BEARER_RELEASED);
	expect_nothing(c->w);
	run(c->w, 600);
	released(c, "Temporary network failure");
	last_str(sid);
}

/* --- without a PCRF --- */

static void test_down(void **state)
{
	struct call *c = caller(state);

	mock.down = true;
	early(c);
	hears(c, 183);
	mock.down = false; /* back for the answer */
	core_responds(c, 200, "core", "");
	assert_int_equal(component(pending_aar(), 0)->status, PCC_ENABLED);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	ack(c);
	bye_one_str(c, 3);
}

static void test_required(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	w->conf->pcscf.rx_required = true;
	mock.down = true;
	early(c);
	run(w, 1);
	ended_early(c, 503);
	mock.down = false;
}

/* Neither end has said where a BYE would reach it: the call is gone at once. */
static void test_required_no_contacts(void **state)
{
	struct call *c = caller(state);
	struct session *s;

	c->w->conf->pcscf.rx_required = true;
	talking(c);
	rx_on_peer(c->w->p->rx, PCRF, true); /* so it is asked, and nothing waits for the answer */
	run(c->w, 4000);
	s = c->w->p->sessions;
	free(s->caller_contact);
	free(s->callee_contact);
	s->caller_contact = s->callee_contact = NULL;
	aaa(DIA_TIMEOUT);
	run(c->w, 1);
	end_call(c);
	drain(c->w);
}

static void test_silent(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid;

	early(c);
	sid = pending_aar()->sid;
	run(w, 2100);
	hears(c, 183); /* nobody waits for ever */
	core_responds(c, 200, "core", "");
	hears(c, 200);
	ack(c);
	aaa(DIA_TIMEOUT);
	run(w, 1);
	assert_int_equal(count(&rx_str_cmd), 1); /* it may have heard */
	assert_string_equal(mock.q[1].sid, sid);
	bye_one_str(c, 3);
}

/* A PCRF that answers nothing at all gets each STR again, but not for ever. */
static void test_str_again(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	struct rx_sta a;

	talking(c);
	mock.deaf = true;
	bye(c, 3);
	run(w, 1);
	assert_int_equal(count(&rx_str_cmd), 1);
	for (int i = 1; i < RX_TRIES; i++) {
		struct req *r = &mock.q[mock.n - 1];

		ie_init(&rx_sta_cmd, &a);
		a.result = DIA_TIMEOUT;
		r->answered = true;
		r->done.fn(r->done.arg, NULL, &a);
		run(w, 70000);
		assert_int_equal(count(&rx_str_cmd), i + 1);
	}
	mock.q[mock.n - 1].done.fn(mock.q[mock.n - 1].done.arg, NULL, &a);
	run(w, 70000);
	assert_null(w->p->rx->af);
}

static void test_str_when_back(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);

	mock.down = true;
	bye(c, 3);
	run(w, 3600000); /* however long it is away */
	drain(w);
	assert_int_equal(count(&rx_str_cmd), 0);
	mock.down = false;
	rx_on_peer(w->p->rx, PCRF, true);
	run(w, 5);
	last_str(sid);
	assert_null(w->p->rx->af);
}

/* The call ends while its AAR is under way: the STR follows the answer. */
static void test_end_crosses(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	originate(c, SDP_A(4000, ""));
	core_responds(c, 183, "core", ANSWER);
	pending_aar();
	core_responds(c, 486, "core", "");
	sip_msg_unref(expect_request(w, EP_MW, SCSCF, "ACK"));
	run(w, 1);
	drain(w);
	sip_msg_unref(c->invite);
	assert_null(w->p->sessions);
	assert_int_equal(count(&rx_str_cmd), 0);
	aaa(PCC_SUCCESS);
	run(w, 1);
	assert_int_equal(count(&rx_str_cmd), 1);
	assert_null(w->p->rx->af);
}

static void test_forgotten(void **state)
{
	struct call *c = caller(state);
	const char *sid = talking(c);

	update(c, 3, SDP_A(4002, ""), SDP_ANSWER(""));
	aaa(PCC_UNKNOWN_SESSION_ID);
	assert_string_not_equal(pending_aar()->sid, sid); /* told anew */
	assert_int_equal(pending_aar()->aar->n_specific_action, 8);
	aaa(PCC_SUCCESS);
	hears(c, 200);
	bye_one_str(c, 4);
}

static void test_pcrf_restart(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);

	mock.state_id = 101;
	rar("nobody's", RX_IP_CAN_CHANGE, 0);
	assert_int_equal(mock.result, PCC_UNKNOWN_SESSION_ID);
	assert_true(w->p->rx->af->stale);
	update(c, 3, SDP_A(4002, ""), SDP_ANSWER(""));
	assert_string_not_equal(aaa(PCC_SUCCESS)->sid, sid);
	hears(c, 200);
	bye(c, 4);
}

/* The PCRF came back without its memory: it is told anew, until the SMF has told it, too. */
static void test_renewal(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);

	rx_on_peer(w->p->rx, PCRF, true);
	no_aar();
	run(w, 4000);
	assert_int_equal(pending_aar()->aar->n_specific_action, 8);
	assert_string_equal(aaa(PCC_SUCCESS)->sid, sid); /* it only was disconnected */
	run(w, 20000);
	no_aar();
	rx_on_peer(w->p->rx, PCRF, true);
	run(w, 4000);
	mock.state_id++;
	assert_string_equal(aaa(PCC_UNKNOWN_SESSION_ID)->sid, sid);
	assert_string_not_equal(aaa(RX_IP_CAN_SESSION_NOT_AVAILABLE)->sid, sid);
	expect_nothing(w); /* the call is not to blame */
	run(w, 6000);
	aaa(RX_IP_CAN_SESSION_NOT_AVAILABLE);
	run(w, 6000);
	aaa(PCC_SUCCESS);
	assert_int_equal(w->p->sessions->fsm.state, SES_CONFIRMED);
	bye_one_str(c, 4);
}

/* It was slow once, when the gates should have opened: it hears of it again, or the call stays mute. */
static void test_told_again(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = ringing(c);
	struct req *r;

	core_responds(c, 200, "core", "");
	aaa(DIA_TIMEOUT);
	hears(c, 200);
	ack(c);
	no_aar();
	run(w, 5100);
	r = aaa(3004); /* too busy */
	assert_string_equal(r->sid, sid);
	run(w, 5100);
	r = aaa(PCC_SUCCESS);
	assert_string_equal(r->sid, sid);
	assert_int_equal(component(r, 0)->status, PCC_ENABLED);
	run(w, 60000);
	no_aar();
	bye_one_str(c, 3);
}

/* A PCRF that comes up in the middle of a call. */
static void test_late_pcrf(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;

	mock.down = true;
	early(c);
	hears(c, 183);
	core_responds(c, 200, "core", "");
	hears(c, 200);
	ack(c);
	run(w, 1);
	mock.down = false;
	rx_on_peer(w->p->rx, PCRF, true);
	run(w, 4000);
	aaa(RX_IP_CAN_SESSION_NOT_AVAILABLE); /* the SMF has not told it yet */
	expect_nothing(w);
	run(w, 5100);
	assert_int_equal(component(aaa(PCC_SUCCESS), 0)->status, PCC_ENABLED);
	bye_one_str(c, 3);
}

/* A clock that was set back: its Session-Ids have been there before. */
static void test_id_again(void **state)
{
	struct wire *w = *state;
	struct phone u, b = phone_b(w);
	struct call c = call_of(w, &u);
	const char *sid;

	sid = talking(&c);
	free(w->conf->pcscf.rx_signalling);
	w->conf->pcscf.rx_signalling = strdup("watch");
	mock.sid = 0;
	register_phone(&b, 600000);
	assert_string_not_equal(aaa(PCC_SUCCESS)->sid, sid);
	assert_int_equal(HASH_COUNT(w->p->rx->af), 2);
	reg_leave(b.w->p->regs->hh_id.next, "test");
	bye(&c, 3);
	assert_int_equal(count(&rx_str_cmd), 2);
}

/* --- what the PCRF says --- */

/* The SGW's refusal is faster than the answer to the AAR that asked. */
static void test_rar_crosses(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid;

	early(c);
	sid = pending_aar()->sid;
	rar(sid, RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION, 1);
	assert_int_equal(mock.result, PCC_SUCCESS);
	ended_early(c, 503); /* and the 183 that waited has gone */
	assert_int_equal(count(&rx_str_cmd), 0);
	rar(sid, RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION, 1); /* again, and too late */
	assert_int_equal(mock.result, PCC_UNKNOWN_SESSION_ID);
	aaa(PCC_SUCCESS);
	run(w, 1);
	last_str(sid);
	assert_int_equal(count(&rx_str_cmd), 1);
}

/* An UPDATE changes the media while the answer to the AAR before it is on its way. */
static void test_update_crosses(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	struct sip_msg *m;
	struct req *r;
	const char *sid = talking(c);

	update(c, 3, SDP_A(4002, ""), SDP_ANSWER(""));
	pending_aar();
	update(c, 4, SDP_A(4004, ""), SDP_ANSWER(""));
	expect_nothing(w);
	aaa(PCC_SUCCESS);
	r = pending_aar();
	assert_string_equal(r->sid, sid);
	assert_true(memmem(component(r, 0)->sub[0].description[0].p,
			   component(r, 0)->sub[0].description[0].n, "10.45.0.11 4004", 15));
	aaa(PCC_SUCCESS);
	for (int i = 3; i < 5; i++) {
		m = expect_status(w, EP_GM_PC, NULL, 200);
		assert_int_equal(sip_msg_cseq(m), i);
		sip_msg_unref(m);
	}
	bye_one_str(c, 5);
}

static void test_asr(void **state)
{
	struct call *c = caller(state);
	const char *sid = talking(c);

	asr("nobody's", RX_BEARER_RELEASED);
	assert_int_equal(mock.result, PCC_UNKNOWN_SESSION_ID);
	asr(sid, RX_BEARER_RELEASED);
	assert_int_equal(mock.result, PCC_SUCCESS);
	last_str(sid);
	asr(sid, RX_BEARER_RELEASED); /* again */
	released(c, "SIP;cause=503;text=\"Bearer released\"");
	assert_int_equal(count(&rx_str_cmd), 1);
}

static void test_asr_early(void **state)
{
	struct call *c = caller(state);

	early(c);
	asr(aaa(PCC_SUCCESS)->sid, RX_INSUFFICIENT_BEARER_RESOURCES);
	hears(c, 183);
	ended_early(c, 503);
	assert_int_equal(count(&rx_str_cmd), 1);
}

static void test_bearer_lost(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);

	rar(sid, RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION, 1);
	assert_true(w->p->sessions->rx.allocated);
	rar(sid, RX_INDICATION_OF_LOSS_OF_BEARER, 1);
	assert_int_equal(mock.result, PCC_SUCCESS);
	run(w, 4000);
	rar(sid, RX_INDICATION_OF_RECOVERY_OF_BEARER, 1);
	run(w, 4000);
	expect_nothing(w);
	rar(sid, RX_INDICATION_OF_RELEASE_OF_BEARER, 2); /* not the voice's */
	expect_nothing(w);
	rar(sid, RX_INDICATION_OF_LOSS_OF_BEARER, 1);
	run(w, 3000);
	rar(sid, RX_INDICATION_OF_LOSS_OF_BEARER, 1);	  /* again: it does not live on by that */
	rar(sid, RX_INDICATION_OF_RECOVERY_OF_BEARER, 2); /* nor by another one's recovery */
	run(w, 2500);
	released(c, "Bearer lost");
	last_str(sid);
}

static void test_allocation_failed(void **state)
{
	struct call *c = caller(state);

	early(c);
	rar(aaa(PCC_SUCCESS)->sid, RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION, 1);
	hears(c, 183);
	ended_early(c, 503);
}

static void located(struct rx_rar *r)
{
	ie_init(&rx_rar_cmd, r);
	r->rat_type = PCC_RAT_EUTRAN;
	r->ip_can_type = PCC_3GPP_EPS;
	r->location.uli = STR(ULI);
	r->location.timezone = STR("\100\1");
}

#define NP                                                           \
	"3GPP-E-UTRAN;utran-cell-id-3gpp=0010100011234567;"          \
	"local-time-zone=\"UTC+01:00\";daylight-saving-time=\"01\";" \
	"network-provided"

static void test_location_and_charging(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	const char *sid = talking(c);
	struct sip_msg *m;
	struct rx_rar r;

	located(&r);
	rar_with(sid, RX_ACCESS_NETWORK_INFO_REPORT, 0, &r);
	ie_init(&rx_rar_cmd, &r);
	r.charging_id[0].value = STR("\1\2\3\4");
	r.charging_id[0].flows[0] = (struct pcc_flows){ 1, { 1, 2 }, 2, -1 };
	r.charging_id[0].n_flows = 1;
	r.n_charging_id = 1;
	r.charging_address = STR("\0\1\12\56\0\5");
	rar_with(sid, RX_CHARGING_CORRELATION_EXCHANGE, 0, &r);
	phone_request(c, "UPDATE", 3, "a",
		      "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=9, "
		      "3GPP-NR;network-provided\r\n",
		      NULL);
	m = expect_request(w, EP_MW, SCSCF, "UPDATE");
	has(m, SIP_H_P_ACCESS_NETWORK_INFO, "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=9");
	has(m, SIP_H_P_ACCESS_NETWORK_INFO, NP);
	has(m, SIP_H_P_CHARGING_VECTOR,
	    ";pdngw=10.46.0.5;eps-info=\"eps-item=1;eps-sig=no;ecid=01020304;flow-id=({1,1},{1,2})\"");
	for (const struct sip_hf *h = NULL; (h = sip_msg_next(m, SIP_H_P_ACCESS_NETWORK_INFO, h));)
		assert_null(memmem(h->value.p, h->value.n, "3GPP-NR", 7));
	core_answers(w, m, 200, "Contact: <sip:b@10.45.0.99>\n");
	sip_msg_unref(m);
	hears(c, 200);
	bye(c, 4);
}

static void test_pani(void **state)
{
	static const struct {
		int rat;
		struct str uli;
		const char *want;
	} t[] = {
		{ -1, { NULL, 0 }, "" },
		{ PCC_RAT_EUTRAN, { NULL, 0 }, "3GPP-E-UTRAN;network-provided" },
		{ PCC_RAT_EUTRAN, STR(ULI "x"),
		  "3GPP-E-UTRAN;utran-cell-id-3gpp=0010100011234567;network-provided" },
		{ PCC_RAT_EUTRAN, STR("\202\0\361\20\0"), "3GPP-E-UTRAN;network-provided" },
		{ PCC_RAT_EUTRAN, STR("\202\0\361\20\0\1\0\301\253\1\43\105\147"),
		  "3GPP-E-UTRAN;network-provided" },
		{ -1, STR("\211\21\42\63\0\0\7\21\42\63\1\43\105\147\211"),
		  "3GPP-NR;utran-cell-id-3gpp=112332000007123456789;network-provided" },
		{ PCC_RAT_UTRAN, STR("\1\0\361\20\0\2\0\3"),
		  "3GPP-UTRAN;utran-sai-3gpp=0010100020003;network-provided" },
		{ PCC_RAT_WLAN, { NULL, 0 }, "IEEE-802.11;network-provided" },
	};
	char text[320];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct access a = { .rat = t[i].rat, .n_uli = (uint8_t)t[i].uli.n };

		if (t[i].uli.n)
			memcpy(a.uli, t[i].uli.p, t[i].uli.n);
		assert_string_equal(access_pani(&a, text, sizeof(text)), t[i].want);
	}
}

/* --- registrations --- */

static void registered(struct phone *u)
{
	struct req *r;
	struct rx_aaa a;

	register_phone(u, 600000);
	r = pending_aar();
	assert_int_equal(r->aar->n_component, 1);
	assert_int_equal(component(r, 0)->number, 0);
	assert_int_equal(component(r, 0)->sub[0].usage, RX_AF_SIGNALLING);
	assert_int_equal(component(r, 0)->sub[0].n_description, 0);
	assert_int_equal(r->aar->n_required_access_info, 2);
	ie_init(&rx_aaa_cmd, &a);
	a.result = PCC_SUCCESS;
	a.rat_type = PCC_RAT_EUTRAN;
	a.location.uli = STR(ULI);
	answer_with(r, &a);
}

/* REGISTER of a phone that is registered; lines: of the 200. */
static struct sip_msg *registers_again(struct phone *u, int expires, const char *lines)
{
	struct wire *w = u->w;
	struct sip_msg *m;

	phone_registers(u, &(struct reg_opts){ .expires = expires });
	m = expect_request(w, EP_MW, CORE, "REGISTER");
	core_answers(w, m, 200, lines);
	sip_msg_unref(expect_status(w, EP_GM_PC, NULL, 200));
	return m;
}

static void deregister(struct phone *u)
{
	struct sip_msg *m = registers_again(u, 0, "");

	has(m, SIP_H_P_ACCESS_NETWORK_INFO, "utran-cell-id-3gpp=0010100011234567");
	sip_msg_unref(m);
	run(u->w, 8000);
	assert_null(u->w->p->regs);
}

static void renew(struct phone *u)
{
	sip_msg_unref(registers_again(u, 600000, accepted_lines(u, 600000)));
}

/* The registration ends, and with it the one AF session that it has. */
static void leaves(struct wire *w)
{
	assert_non_null(w->p->regs->rx);
	reg_leave(w->p->regs, "test");
	run(w, 8000);
	assert_int_equal(count(&rx_str_cmd), 1);
}

static void test_signalling(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	const char *sid;

	registered(&u);
	sid = mock.q[0].sid;
	renew(&u); /* nothing new is to be told */
	no_aar();
	deregister(&u);
	assert_int_equal(count(&rx_str_cmd), 1);
	last_str(sid);
}

static void test_signalling_refused(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	register_phone(&u, 600000);
	aaa(RX_IP_CAN_SESSION_NOT_AVAILABLE);
	assert_int_equal(w->p->regs->fsm.state, REG_REGISTERED);
	renew(&u); /* asked again */
	aaa(PCC_SUCCESS);
	leaves(w);
}

/* Registered; the PCRF was away and is asked whether it knows the AF session, whose id is returned. */
static const char *registered_and_asked(struct wire *w, struct phone *u)
{
	const char *sid;

	registered(u);
	sid = mock.q[0].sid;
	rx_on_peer(w->p->rx, PCRF, true);
	return sid;
}

/* It does not: there is a new one, with this result. */
static void does_not_know(struct wire *w, const char *sid, int result)
{
	assert_string_equal(aaa(PCC_UNKNOWN_SESSION_ID)->sid, sid);
	run(w, 200);
	assert_string_not_equal(aaa(result)->sid, sid);
}

/* The PCRF has come back without its memory, and finds the SMF without it, too, at first. */
static void test_signalling_renewed(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	const char *sid = registered_and_asked(w, &u);

	assert_string_equal(aaa(PCC_SUCCESS)->sid, sid); /* it only was disconnected */
	run(w, 60000);
	no_aar();
	mock.state_id++;
	rx_on_peer(w->p->rx, PCRF, true);
	does_not_know(w, sid, RX_IP_CAN_SESSION_NOT_AVAILABLE);
	run(w, 5100);
	assert_int_equal(pending_aar()->aar->n_required_access_info, 2);
	aaa(PCC_SUCCESS);
	run(w, 60000);
	no_aar();
	leaves(w);
}

/* It answers late, and says that it knows just this AF session no more. */
static void test_signalling_probe_late(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	const char *sid = registered_and_asked(w, &u);

	run(w, 20000);
	does_not_know(w, sid, PCC_SUCCESS);
	leaves(w);
}

/* It has too much to do for the question at first; and one that never has time is not asked for ever. */
static void test_signalling_probe_busy(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	mock.state_id = 0;
	registered(&u);
	rx_on_peer(w->p->rx, PCRF, true);
	aaa(3004);
	run(w, 5200);
	aaa(DIA_TIMEOUT);
	run(w, 5200);
	aaa(PCC_UNKNOWN_SESSION_ID);
	run(w, 200);
	aaa(PCC_SUCCESS);
	rx_on_peer(w->p->rx, PCRF, true);
	for (int i = 0; i < 7; i++) {
		aaa(3004);
		run(w, 5200);
	}
	run(w, 60000);
	no_aar();
	leaves(w);
}

/* One that does not count its starts. */
static void test_signalling_forgotten(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w), b = phone_b(w);

	mock.state_id = 0;
	registered(&u);
	register_phone(&b, 600000);
	aaa(PCC_SUCCESS);
	rx_on_peer(w->p->rx, PCRF, true);
	aaa(PCC_UNKNOWN_SESSION_ID);
	run(w, 150);
	for (size_t i = 0, n = mock.n; i < n; i++)
		if (mock.q[i].cmd == &rx_aar_cmd && !mock.q[i].answered) {
			struct rx_aaa a;

			ie_init(&rx_aaa_cmd, &a);
			a.result = PCC_SUCCESS;
			answer_with(&mock.q[i], &a);
		}
	run(w, 60000);
	no_aar();
	assert_int_equal(count(&rx_aar_cmd), 5);
	assert_int_equal(HASH_COUNT(w->p->rx->af), 2);
	reg_leave(w->p->regs->hh_id.next, "test");
	reg_leave(w->p->regs, "test");
	run(w, 8000);
	drain(w);
}

/* It was down when the phone registered; and goes on refusing, which is not asked for ever. */
static void test_signalling_late(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);

	mock.down = true;
	register_phone(&u, 600000);
	assert_int_equal(count(&rx_aar_cmd), 0);
	mock.down = false;
	rx_on_peer(w->p->rx, PCRF, true);
	run(w, 150);
	for (int i = 0; i < 6; i++) {
		aaa(RX_IP_CAN_SESSION_NOT_AVAILABLE);
		run(w, 5100);
	}
	run(w, 60000);
	no_aar();
	assert_int_equal(count(&rx_aar_cmd), 6);
	rx_on_peer(w->p->rx, PCRF, true);
	run(w, 150);
	reg_leave(w->p->regs, "test"); /* while it is asked */
	aaa(PCC_SUCCESS);
	run(w, 8000);
	assert_int_equal(count(&rx_str_cmd), 1);
}

static void call_of_registered(struct wire *w, struct phone *u, struct call *c)
{
	*u = phone_a(w);
	registered(u);
	*c = (struct call){ .w = w, .u = u };
	talking(c);
	has(c->invite, SIP_H_P_ACCESS_NETWORK_INFO, "utran-cell-id-3gpp=1");
	has(c->invite, SIP_H_P_ACCESS_NETWORK_INFO, "0010100011234567;network-provided");
}

static void test_signalling_released(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c;

	call_of_registered(w, &u, &c);
	rar(mock.q[0].sid, RX_INDICATION_OF_LOSS_OF_BEARER, 0);
	rar(mock.q[0].sid, RX_INDICATION_OF_RELEASE_OF_BEARER, 0);
	released(&c, "Signalling bearer lost");		   /* at once */
	assert_false(timer_running(&w->p->regs->rx_loss)); /* later calls have no part in it */
	rar(mock.q[0].sid, RX_INDICATION_OF_LOSS_OF_BEARER, 0);
	deregister(&u); /* while the loss is waited for */
}

static void test_signalling_lost(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct call c;

	call_of_registered(w, &u, &c);
	rar(mock.q[0].sid, RX_INDICATION_OF_LOSS_OF_BEARER, 0);
	run(w, 4000);
	rar(mock.q[0].sid, RX_INDICATION_OF_RECOVERY_OF_BEARER, 0);
	run(w, 4000);
	expect_nothing(w);
	rar(mock.q[0].sid, RX_INDICATION_OF_LOSS_OF_BEARER, 0);
	expect_nothing(w);
	run(w, 3000);
	rar(mock.q[0].sid, RX_INDICATION_OF_LOSS_OF_BEARER, 0); /* again */
	run(w, 2500);
	released(&c, "Signalling bearer lost");
	assert_int_equal(w->p->regs->fsm.state, REG_REGISTERED); /* it is watched only */
	deregister(&u);
}

static void test_signalling_removes(void **state)
{
	struct wire *w = *state;
	struct phone u;
	struct sip_msg *m;
	struct call c;
	char flow[40];

	free(w->conf->pcscf.rx_signalling);
	w->conf->pcscf.rx_signalling = strdup("remove");
	call_of_registered(w, &u, &c);
	asr(mock.q[0].sid, RX_BEARER_RELEASED);
	assert_int_equal(mock.result, PCC_SUCCESS);
	snprintf(flow, sizeof(flow), "flow=%s", w->p->regs->token);
	released(&c, "Signalling bearer lost");
	/* who calls it now tells the S-CSCF by that */
	core_invites(w, w->p->regs->token, "sip:001010000000001@10.45.0.11", "");
	m = expect_status(w, EP_MW, SCSCF, 480);
	has(m, SIP_H_REASON, flow);
	sip_msg_unref(m);
	run(w, 8000);
	assert_null(w->p->regs);
	assert_int_equal(count(&rx_str_cmd), 2);
	drain(w);
}

/* --- restart --- */

static int setup_store(void **state)
{
	struct wire *w = new_wire("watch");
	int fd;

	strcpy(w->db, "/tmp/kims-pcscf-test-XXXXXX");
	fd = mkstemp(w->db);
	assert_true(fd >= 0);
	close(fd);
	start_pcscf(w);
	*state = w;
	return 0;
}

static void restart(struct wire *w)
{
	run(w, 1);
	drain(w);
	stop_pcscf(w);
	start_pcscf(w);
	drain(w);
}

static void test_restart(void **state)
{
	struct wire *w = *state;
	uint32_t state_id;
	struct phone u;
	struct call c;
	char sid[64];

	allow_mps(w, "*");
	call_of_registered(w, &u, &c);
	asks_for_priority(&c, 3, "ets.1", true);
	snprintf(sid, sizeof(sid), "%s", w->p->sessions->rx.af->id);
	state_id = persist_rx_state(w->p);
	run(w, 5000);
	restart(w);
	/* RFC 6733 8.16: another one would tell the PCRF to forget what we remember */
	assert_int_equal(persist_rx_state(w->p), state_id);
	no_aar();
	assert_int_equal(count(&rx_str_cmd), 0);
	assert_int_equal(HASH_COUNT(w->p->rx->af), 2);
	assert_string_equal(w->p->sessions->priority.ns, "ets");
	assert_int_equal(w->p->sessions->priority.reservation, 4);
	asr(sid, RX_BEARER_RELEASED); /* it is known as before */
	assert_int_equal(mock.result, PCC_SUCCESS);
	released(&c, "Bearer released");
	last_str(sid);
	drain(w);
	deregister(&u);
	assert_int_equal(count(&rx_str_cmd), 2);
	drain(w);
}

/* A call that was not answered does not come back: the PCRF hears of it. */
static void test_restart_early(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	struct call c = { .w = w, .u = &u };
	const char *sid;

	registered(&u);
	early(&c);
	sid = aaa(PCC_SUCCESS)->sid;
	sip_msg_unref(c.invite);
	mock.down = true;
	restart(w);
	assert_int_equal(HASH_COUNT(w->p->rx->af), 2);
	restart(w); /* the PCRF is away for longer */
	mock.down = false;
	rx_on_peer(w->p->rx, PCRF, true);
	aaa(PCC_SUCCESS); /* of the registration: it is asked whether it is known still */
	run(w, 5);
	last_str(sid);
	restart(w);
	assert_int_equal(HASH_COUNT(w->p->rx->af), 1);
	drain(w);
	deregister(&u);
	drain(w);
}

/* --- many --- */

/* Answers what waits, with anything. */
static void answer_any(unsigned int *seed)
{
	static const int results[] = { PCC_SUCCESS,
				       PCC_SUCCESS,
				       PCC_UNKNOWN_SESSION_ID,
				       RX_REQUESTED_SERVICE_NOT_AUTHORIZED,
				       DIA_TIMEOUT,
				       DIA_NO_PEER,
				       DIA_BAD_ANSWER,
				       3002,
				       RX_TEMPORARY_NETWORK_FAILURE };

	for (size_t i = 0; i < mock.n; i++)
		if (mock.q[i].cmd == &rx_aar_cmd && !mock.q[i].answered) {
			struct rx_aaa a;

			ie_init(&rx_aaa_cmd, &a);
			a.result = results[(size_t)rand_r(seed) % ARRAY_SIZE(results)];
			if (a.result == PCC_SUCCESS)
				a.location.uli = (struct str){ ULI, (size_t)rand_r(seed) % 14 };
			answer_with(&mock.q[i], &a);
		}
}

static void say_any(unsigned int *seed, const struct call *c)
{
	const char *sid = mock.n ? mock.q[(size_t)rand_r(seed) % mock.n].sid : "";
	struct phone *u = c->u;

	switch (rand_r(seed) % 12) {
	case 10:
	case 11:
		phone_request((struct call *)c, rand_r(seed) % 2 ? "UPDATE" : "INVITE",
			      10 + rand_r(seed) % 100, "a", "", SDP_A_VIDEO);
		break;
	case 0:
		asr(sid, rand_r(seed) % 6);
		break;
	case 1:
	case 2:
		rar(sid, (uint32_t)rand_r(seed) % 14, (uint32_t)rand_r(seed) % 3);
		break;
	case 3:
		mock.down = !mock.down;
		break;
	case 4:
		phone_request((struct call *)c, "UPDATE", 10 + rand_r(seed) % 100, "a", "",
			      SDP_A(4002, "a=sendonly\r\n"));
		break;
	case 5:
		core_responds((struct call *)c, 200, "core", "");
		break;
	case 6:
		core_responds((struct call *)c, 486, "core", "");
		break;
	case 7:
		mock.state_id += (uint32_t)rand_r(seed) % 2;
		break;
	case 8:
		phone_request((struct call *)c, "ACK", 1, "a", "", NULL);
		break;
	case 9:
		rx_on_peer(c->w->p->rx, PCRF, !mock.down);
		break;
	}
	(void)u;
}

/* Whatever comes in whatever order: nothing is left, and nobody waits for ever. */
static void test_any_order(void **state)
{
	struct call *c = caller(state);
	struct wire *w = c->w;
	unsigned int seed = 1;

	for (int i = 0; i < 300; i++) {
		mock.down = false;
		originate(c, SDP_A(4000, ""));
		core_responds(c, i % 2 ? 200 : 183, "core", ANSWER);
		for (int k = rand_r(&seed) % 8; k > 0; k--) {
			say_any(&seed, c);
			if (rand_r(&seed) % 2)
				answer_any(&seed);
		}
		answer_any(&seed);
		run(w, 1);
		answer_any(&seed);
		if (w->p->sessions)
			session_release(w->p->sessions, "test", "SIP;cause=503");
		drain(w);
		for (int k = 0; k < 20; k++) {
			run(w, 20000);
			answer_any(&seed);
			mock.down = false;
			drain(w);
		}
		sip_msg_unref(c->invite);
		assert_null(w->p->sessions);
		assert_null(w->p->rx->af);
		assert_null(w->p->rx->orphans);
		assert_int_equal(n_flows(w), 0);
		assert_int_equal(w->p->ports.family[0].n_used, 0);
		free_requests();
	}
}

static bool all_answered(void)
{
	for (size_t i = 0; i < mock.n; i++)
		if (!mock.q[i].answered)
			return false;
	return true;
}

static void any_of_registration(unsigned int *seed, struct phone *u)
{
	const char *sid = mock.n ? mock.q[(size_t)rand_r(seed) % mock.n].sid : "";
	struct rx *rx = u->w->p->rx;

	switch (rand_r(seed) % 8) {
	case 0:
	case 1:
		rx_on_peer(rx, PCRF, !mock.down);
		break;
	case 2:
		mock.down = !mock.down;
		break;
	case 3:
		mock.state_id += (uint32_t)rand_r(seed) % 2;
		break;
	case 4:
		asr(sid, RX_BEARER_RELEASED);
		break;
	case 5:
		rar(sid, (uint32_t)rand_r(seed) % 14, 0);
		break;
	case 6:
		renew(u);
		break;
	case 7:
		run(u->w, (uint64_t)rand_r(seed) % 8000);
		break;
	}
}

/* A PCRF that comes, goes, forgets, refuses and says anything: a registration has one AF session at most, and in the end none. */
static void test_any_order_signalling(void **state)
{
	struct wire *w = *state;
	struct phone u = phone_a(w);
	unsigned int seed = 7;

	registered(&u);
	for (int i = 0; i < 1500; i++) {
		any_of_registration(&seed, &u);
		if (rand_r(&seed) % 2)
			answer_any(&seed);
		drain(w);
		assert_true(HASH_COUNT(w->p->rx->af) < 40);
		if (mock.n < 90)
			continue;
		for (int k = 0; k < 20 && (k < 2 || !all_answered()); k++) {
			mock.down = false;
			answer_any(&seed);
			run(w, 1);
		}
		assert_true(all_answered());
		free_requests();
	}
	mock.down = false;
	reg_leave(w->p->regs, "test");
	for (int k = 0; k < 10; k++) {
		answer_any(&seed);
		run(w, 20000);
	}
	drain(w);
}

/* --- the rest --- */

static void refused_conf(struct wire *w, char **key, const char *value, const char *name)
{
	struct pcscf_opts o = { .loop = w->loop, .conf = w->conf };
	char err[256];

	free(*key);
	*key = strdup(value);
	o.kops = &mock_kernel;
	o.karg = w;
	assert_int_equal(sip_tp_new_mock(w->loop, on_sent, w, &o.tp), 0);
	assert_int_equal(pcscf_new(&o, &w->p, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, name));
}

/* What cannot be is refused with the key's name. */
static void test_conf(void **state)
{
	static const char *const peers[] = { "pcrf.test", "pcrf.test 10.46.0.7 0", "pcrf.test ten",
					     "pcrf.test 10.46.0.7 99999", "a 10.0.0.1 1 2" };
	static const char *const mps[] = { "alice", "0010*1", "001010000000001,2",
					   "0010100000000012", "1 **" };
	struct wire *w = new_wire("off");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		refused_conf(w, &w->conf->pcscf.rx_peers, peers[i], "pcscf.rx_peers");
	for (size_t i = 0; i < ARRAY_SIZE(mps); i++)
		refused_conf(w, &w->conf->pcscf.mps, mps[i], "pcscf.mps");
	wire_free(w);
}

static void test_fsm(void **state)
{
	char why[200] = "";

	(void)state;
	if (fsm_check(&rx_fsm, why, sizeof(why)))
		fail_msg("%s", why);
}

static int open_hex(void **state)
{
	(void)state;
	hex = tmpfile();
	return 0;
}

/* Wireshark's dictionary and dissector find nothing wrong in anything that was sent. */
static void test_tshark(void **state)
{
	char dir[] = "/tmp/kims-rx-XXXXXX", path[64], cmd[512], out[1024] = "", want[32], line[64];
	FILE *f;
	size_t n;

	(void)state;
	if (system("command -v tshark text2pcap >/dev/null 2>&1") || !mkdtemp(dir))
		skip();
	snprintf(path, sizeof(path), "%s/hex", dir);
	f = fopen(path, "we");
	rewind(hex);
	while (fgets(line, sizeof(line), hex))
		fputs(line, f);
	fclose(f);
	fclose(hex);
	hex = NULL;
	snprintf(
		cmd, sizeof(cmd),
		"cd %s && text2pcap -q -T 40000,3868 hex p.pcap >/dev/null 2>&1 && "
		"tshark -n -r p.pcap -Y diameter -T fields -e diameter.cmd.code 2>/dev/null | wc -l; "
		"tshark -n -r p.pcap -Y '_ws.malformed || _ws.expert.severity >= 6291456' -T fields "
		"-e frame.number -e _ws.expert.message 2>/dev/null; rm -r %s",
		dir, dir);
	f = popen(cmd, "re");
	n = fread(out, 1, sizeof(out) - 1, f);
	pclose(f);
	out[n] = '\0';
	snprintf(want, sizeof(want), "%zu\n", n_hex);
	assert_string_equal(out, want);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_rx, teardown_rx)
#define R(fn) cmocka_unit_test_setup_teardown(fn, setup_signalling, teardown_rx)
#define S(fn) cmocka_unit_test_setup_teardown(fn, setup_store, teardown_rx)
	const struct CMUnitTest tests[] = {
		T(test_originating),
		T(test_terminating),
		T(test_without_preconditions),
		T(test_early_media),
		T(test_fork),
		T(test_late_offer),
		T(test_mps),
		T(test_mps_refused),
		T(test_mps_later),
		T(test_mps_terminating),
		T(test_changes),
		T(test_offer_refused),
		T(test_offer_of_core_refused),
		T(test_offer_not_taken),
		T(test_offer_withdrawn),
		T(test_offer_of_another),
		T(test_offer_crosses_bye),
		T(test_offer_slow),
		T(test_offer_unjudged),
		T(test_refused_early),
		T(test_refused_answer),
		T(test_refused_change),
		T(test_refused_twice),
		T(test_down),
		T(test_required),
		T(test_required_no_contacts),
		T(test_silent),
		T(test_str_again),
		T(test_str_when_back),
		T(test_end_crosses),
		T(test_forgotten),
		T(test_pcrf_restart),
		T(test_renewal),
		T(test_told_again),
		T(test_late_pcrf),
		T(test_id_again),
		T(test_rar_crosses),
		T(test_update_crosses),
		T(test_asr),
		T(test_asr_early),
		T(test_bearer_lost),
		T(test_allocation_failed),
		T(test_location_and_charging),
		R(test_signalling),
		R(test_signalling_refused),
		R(test_signalling_renewed),
		R(test_signalling_probe_late),
		R(test_signalling_probe_busy),
		R(test_signalling_forgotten),
		R(test_signalling_late),
		R(test_signalling_lost),
		R(test_signalling_released),
		R(test_signalling_removes),
		S(test_restart),
		S(test_restart_early),
		T(test_any_order),
		R(test_any_order_signalling),
		cmocka_unit_test(test_pani),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_fsm),
		cmocka_unit_test(test_tshark),
	};

	return cmocka_run_group_tests(tests, open_hex, NULL);
}
