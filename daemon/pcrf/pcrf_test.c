// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCRF between an SMF and a P-CSCF, each a Diameter node of this process over TCP: sessions, rules, gates, events,
 * what comes too early, twice, crossing, refused, not at all; restarts of either peer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/diameter/node.h"
#include "pcrf/pcrf.h"

#define REALM "pcrf.test"
#define SMF   "smf." REALM
#define AF    "pcscf." REALM

static uint16_t port;
static struct loop *loop;
static struct pcrf pcrf;
static struct dia *smf, *af;

/* --- the SMF --- */

static struct {
	int answers, result, rars;
	struct gx_cca cca;
	struct gx_rar rar;
	char names[64][32]; /* rules that are installed here, by the RARs */
	size_t n_names;
	char last[32]; /* the last one */
	int raa, busy; /* to be answered; how many times 4144 first */
	bool silent;
	const char *refuse;		    /* "last": reports it */
	char in[32], out[64], out_base[64]; /* predefined ones of the last orders */
} s;

static void join(char *dst, size_t size, const struct str *name, size_t n)
{
	size_t at = 0;

	*dst = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(dst + at, size - at, "%s%.*s", i ? " " : "",
				       STR_FMT(name[i]));
	assert_true(at < size);
}

static void keep_names(const struct gx_orders *o)
{
	str_copy(s.in, sizeof(s.in), o->n_install ? o->install[0].name[0] : STR(""));
	join(s.out, sizeof(s.out), o->remove[0].name, o->remove[0].n_name);
	join(s.out_base, sizeof(s.out_base), o->remove[0].base_name, o->remove[0].n_base_name);
}

static void on_cca(void *arg, const struct ie_env *env, const void *a)
{
	(void)arg;
	s.answers++;
	s.result = ((const struct gx_cca *)a)->result;
	if (!env)
		return;
	s.cca = *(const struct gx_cca *)a;
	keep_names(&s.cca.orders);
}

static void forget_name(struct str name)
{
	for (size_t i = 0; i < s.n_names; i++)
		if (str_eqz(name, s.names[i])) {
			memmove(s.names[i], s.names[i + 1],
				(s.n_names - i - 1) * sizeof(s.names[0]));
			s.n_names--;
			return;
		}
}

static void enforce(const struct gx_orders *o)
{
	for (size_t i = 0; i < o->n_remove; i++)
		for (size_t k = 0; k < o->remove[i].n_name; k++)
			forget_name(o->remove[i].name[k]);
	for (size_t i = 0; i < o->n_install; i++)
		for (size_t k = 0; k < o->install[i].n_rule; k++) {
			struct str name = o->install[i].rule[k].name;

			forget_name(name);
			assert_true(s.n_names < 63);
			str_copy(s.names[s.n_names++], 32, name);
			str_copy(s.last, sizeof(s.last), name);
		}
}

static bool on_gx_rar(void *arg, struct dia_token *t, const struct ie_command *cmd,
		      const struct ie_env *env, void *r)
{
	struct gx_raa a;

	(void)arg;
	(void)env;
	assert_ptr_equal(cmd, &gx_rar_cmd);
	s.rars++;
	s.rar = *(struct gx_rar *)r;
	keep_names(&s.rar.orders);
	if (s.silent)
		return true; /* the token stays */
	ie_init(&gx_raa_cmd, &a);
	a.result = s.busy-- > 0 ? GX_PENDING_TRANSACTION : s.raa;
	if (a.result == PCC_SUCCESS)
		enforce(&s.rar.orders);
	if (s.refuse) {
		forget_name(str_of(s.last));
		a.n_report = 1;
		a.report[0] = (struct gx_rule_report){ .status = GX_RULE_INACTIVE,
						       .failure = GX_RESOURCES_LIMITATION,
						       .n_name = 1 };
		a.report[0].name[0] = str_of(s.last);
	}
	dia_answer(t, &gx_raa_cmd, &a, NULL);
	return true;
}

/* --- the P-CSCF --- */

static struct {
	int answers, result, rars, asrs, cause, stas, sta_result;
	struct rx_aaa aaa;
	struct rx_rar rar;
	char uli[32];
} f;

static void on_aaa(void *arg, const struct ie_env *env, const void *a)
{
	(void)arg;
	f.answers++;
	f.result = ((const struct rx_aaa *)a)->result;
	if (!env)
		return;
	f.aaa = *(const struct rx_aaa *)a;
	str_copy(f.uli, sizeof(f.uli), f.aaa.location.uli);
}

static void on_sta(void *arg, const struct ie_env *env, const void *a)
{
	(void)arg;
	(void)env;
	f.stas++;
	f.sta_result = ((const struct rx_sta *)a)->result;
}

static bool on_rx_request(void *arg, struct dia_token *t, const struct ie_command *cmd,
			  const struct ie_env *env, void *r)
{
	struct rx_raa raa;
	struct rx_asa asa;

	(void)arg;
	(void)env;
	if (cmd == &rx_asr_cmd) {
		f.asrs++;
		f.cause = ((struct rx_asr *)r)->abort_cause;
		ie_init(&rx_asa_cmd, &asa);
		asa.result = PCC_SUCCESS;
		dia_answer(t, &rx_asa_cmd, &asa, NULL);
		return true;
	}
	f.rars++;
	f.rar = *(struct rx_rar *)r;
	ie_init(&rx_raa_cmd, &raa);
	raa.result = PCC_SUCCESS;
	dia_answer(t, &rx_raa_cmd, &raa, NULL);
	return true;
}

/* --- steps --- */

static void turn(int n)
{
	while (n--)
		loop_once(loop, 2);
}

#define UNTIL(cond)                                         \
	do {                                                \
		for (int i_ = 0; i_ < 800 && !(cond); i_++) \
			loop_once(loop, 10);                \
		assert_true(cond);                          \
	} while (0)

static void send_ccr(const char *sid, struct gx_ccr *r)
{
	struct dia_to to = { .session_id = str_of(sid) };

	assert_int_equal(
		dia_request(smf, &gx_app, &gx_ccr_cmd, &to, r, (struct dia_done){ .fn = on_cca }),
		0);
}

static int ccr(const char *sid, struct gx_ccr *r)
{
	int before = s.answers;

	send_ccr(sid, r);
	UNTIL(s.answers > before);
	return s.result;
}

static struct gx_ccr ccr_of(int type, uint32_t number)
{
	struct gx_ccr r;

	ie_init(&gx_ccr_cmd, &r);
	r.type = type;
	r.number = number;
	return r;
}

static struct gx_ccr ccr_initial(const char *v4, const char *apn)
{
	struct gx_ccr r = ccr_of(GX_INITIAL_REQUEST, 0);

	r.framed_ip = (struct str){ v4, 4 };
	r.framed_ipv6 = (struct str){ "\0\100\375\0\0\105\0\0\0\1", 10 };
	r.called_station_id = str_of(apn);
	r.subscription[0] = (struct pcc_subscription){ STR("001010000000001"), PCC_IMSI };
	r.n_subscription = 1;
	r.ip_can_type = PCC_3GPP_EPS;
	r.rat_type = PCC_RAT_EUTRAN;
	r.network_request_support = 1;
	r.location.uli = STR("\202tai-and-ecgi");
	return r;
}

static void attach(void)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "ims.mnc001.mcc001.gprs");

	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
}

static struct rx_aar aar_of(const char *v4)
{
	struct rx_aar r;

	ie_init(&rx_aar_cmd, &r);
	if (v4)
		r.framed_ip = (struct str){ v4, 4 };
	return r;
}

static void add_media(struct rx_aar *r, uint32_t number, int type, int status)
{
	struct rx_component *c = &r->component[r->n_component++];

	*c = (struct rx_component){ .number = number,
				    .n_sub = 2,
				    .media_type = type,
				    .max_ul = 40000,
				    .max_dl = 40000,
				    .min_ul = -1,
				    .min_dl = -1,
				    .rs = -1,
				    .rr = -1,
				    .status = status,
				    .reservation_priority = -1 };
	for (uint32_t i = 0; i < 2; i++) {
		c->sub[i] = (struct rx_sub_component){ .number = i + 1,
						       .n_description = 2,
						       .status = -1,
						       .usage = i ? RX_RTCP : -1,
						       .max_ul = -1,
						       .max_dl = -1,
						       .af_signalling_protocol = -1 };
		c->sub[i].description[0] =
			i ? STR("permit out 17 from 10.46.0.1 20001 to 10.45.0.1 5001")
			  : STR("permit out 17 from 10.46.0.1 20000 to 10.45.0.1 5000");
		c->sub[i].description[1] =
			i ? STR("permit in 17 from 10.45.0.1 5001 to 10.46.0.1 20001")
			  : STR("permit in 17 from 10.45.0.1 5000 to 10.46.0.1 20000");
	}
}

static void subscribe(struct rx_aar *r)
{
	static const uint32_t all[] = { 1, 2, 3, 4, 6, 8, 9, 12 };

	memcpy(r->specific_action, all, sizeof(all));
	r->n_specific_action = ARRAY_SIZE(all);
}

static void send_aar(const char *sid, const struct rx_aar *r)
{
	struct dia_to to = { .session_id = str_of(sid) };

	assert_int_equal(
		dia_request(af, &rx_app, &rx_aar_cmd, &to, r, (struct dia_done){ .fn = on_aaa }),
		0);
}

static int aar(const char *sid, const struct rx_aar *r)
{
	int before = f.answers;

	send_aar(sid, r);
	UNTIL(f.answers > before);
	return f.result;
}

static int str_(const char *sid)
{
	struct dia_to to = { .session_id = str_of(sid) };
	int before = f.stas;
	struct rx_str r;

	ie_init(&rx_str_cmd, &r);
	r.termination_cause = RX_LOGOUT;
	r.required_access_info[0] = RX_USER_LOCATION;
	r.n_required_access_info = 1;
	assert_int_equal(
		dia_request(af, &rx_app, &rx_str_cmd, &to, &r, (struct dia_done){ .fn = on_sta }),
		0);
	UNTIL(f.stas > before);
	return f.sta_result;
}

/* A voice call of the attached phone; two rules at the SMF. */
static void call(bool subscribed, int status)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	add_media(&r, 1, RX_AUDIO, status);
	if (subscribed)
		subscribe(&r);
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(s.n_names == 2);
	turn(5);
}

static int gate_of(uint32_t sub)
{
	for (const struct pcrf_rule *r = pcrf.gx->rules; r; r = r->next)
		if (r->sub == sub)
			return r->status;
	return -1;
}

static int report(int status, int failure, int trigger)
{
	struct gx_ccr r = ccr_of(GX_UPDATE_REQUEST, pcrf.gx->number + 1);

	if (trigger >= 0) {
		r.event_trigger[0] = (uint32_t)trigger;
		r.n_event_trigger = 1;
	}
	r.n_report = 1;
	r.report[0] = (struct gx_rule_report){ .status = status,
					       .failure = failure,
					       .n_name = s.n_names };
	for (size_t i = 0; i < s.n_names; i++)
		r.report[0].name[i] = str_of(s.names[i]);
	return ccr("gx;1", &r);
}

/* --- Gx --- */

static void test_session(void **state)
{
	struct gx_ccr r;

	(void)state;
	attach();
	assert_int_equal(s.cca.orders.default_qos.qci, 5);
	assert_int_equal(s.cca.orders.default_qos.arp.level, 8);
	assert_int_equal(s.cca.orders.qos.ambr_dl, 20000000);
	assert_int_equal(s.cca.bearer_control_mode, 2);
	assert_true(s.cca.orders.n_event_trigger > 8);
	assert_int_equal(pcrf.n_gx, 1);
	assert_string_equal(pcrf.gx->apn, "ims");
	attach(); /* repeated: the same session */
	assert_int_equal(pcrf.n_gx, 1);
	r = ccr_of(GX_UPDATE_REQUEST, 1);
	r.rat_type = PCC_RAT_WLAN;
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	assert_int_equal(pcrf.gx->rat, PCC_RAT_WLAN);
	assert_int_equal(ccr("gx;2", &r), PCC_UNKNOWN_SESSION_ID);
	r = ccr_of(GX_TERMINATION_REQUEST, 2);
	r.termination_cause = 1;
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	assert_int_equal(pcrf.n_gx, 0);
	assert_int_equal(ccr("gx;1", &r), PCC_UNKNOWN_SESSION_ID);
}

static void test_duplicate(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "ims");

	(void)state;
	attach();
	assert_int_equal(ccr("gx;9", &r),
			 PCC_SUCCESS); /* the address again: the former one is stale */
	assert_int_equal(pcrf.n_gx, 1);
	assert_string_equal(pcrf.gx->id, "gx;9");
	r = ccr_initial("\12\55\0\1", "internet"); /* another APN may have the same address */
	assert_int_equal(ccr("gx;10", &r), PCC_SUCCESS);
	assert_int_equal(pcrf.n_gx, 2);
}

static void test_wrong(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "ims");
	struct rx_aar a = aar_of(NULL);

	(void)state;
	r.framed_ip.n = 3;
	assert_int_equal(ccr("gx;1", &r), PCC_INVALID_AVP_VALUE);
	r = ccr_of(GX_INITIAL_REQUEST, 0);
	assert_int_equal(ccr("gx;1", &r), PCC_MISSING_AVP);
	assert_int_equal(pcrf.n_gx, 0);
	attach();
	add_media(&a, 1, RX_AUDIO, -1);
	assert_int_equal(aar("rx;1", &a), PCC_MISSING_AVP);
	a.framed_ip = STR("\12\55");
	assert_int_equal(aar("rx;1", &a), PCC_INVALID_AVP_VALUE);
	a.framed_ip = STR("\12\55\0\1");
	a.component[0].sub[1].description[0] = STR("deny out ip from any to any");
	assert_int_equal(aar("rx;1", &a), RX_FILTER_RESTRICTIONS);
	a.component[0].sub[1].description[0] = STR("nonsense");
	assert_int_equal(aar("rx;1", &a), RX_FILTER_RESTRICTIONS);
	assert_int_equal(str_("rx;1"), PCC_UNKNOWN_SESSION_ID);
	assert_null(pcrf.gx->rules);
	assert_int_equal(pcrf.n_rx, 0);
	a.sponsor = STR("nobody");
	assert_int_equal(aar("rx;1", &a), RX_UNAUTHORIZED_SPONSORED_DATA_CONNECTIVITY);
}

static void test_release(void **state)
{
	struct gx_ccr r = ccr_of(GX_TERMINATION_REQUEST, 1);

	(void)state;
	attach();
	call(true, -1);
	assert_int_equal(pcrf_gx_release(pcrf.gx), 0);
	assert_int_equal(pcrf_gx_release(pcrf.gx), -EALREADY);
	UNTIL(s.rars == 2);
	assert_int_equal(s.rar.orders.session_release_cause, GX_UNSPECIFIED_REASON);
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	UNTIL(f.asrs == 1);
	assert_int_equal(pcrf.n_gx, 0);
}

/* --- Rx --- */

static void test_call(void **state)
{
	struct rx_aar r = aar_of(NULL);
	const struct gx_rule *rule;

	(void)state;
	attach();
	call(false, PCC_DISABLED);
	assert_int_equal(s.rars, 1);
	assert_int_equal(f.aaa.ip_can_type, PCC_3GPP_EPS);
	rule = &s.rar.orders.install[0].rule[0];
	assert_int_equal(rule->qos.qci, 1);
	assert_int_equal(rule->n_flow, 1);
	assert_int_equal(rule->flow[0].direction, GX_BIDIRECTIONAL);
	assert_int_equal(gate_of(1), PCC_DISABLED);
	assert_int_equal(gate_of(2), PCC_ENABLED); /* RTCP */
	add_media(&r, 1, RX_AUDIO, PCC_ENABLED);   /* the gate opens */
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(s.rars == 2);
	assert_int_equal(s.rar.orders.install[0].n_rule, 1);
	assert_int_equal(s.rar.orders.install[0].rule[0].flow_status, PCC_ENABLED);
	turn(5);
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS); /* nothing new: no RAR */
	turn(10);
	assert_int_equal(s.rars, 2);
	r.component[0].status = PCC_ENABLED_UPLINK; /* hold, without the flows */
	r.component[0].n_sub = 0;
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(s.rars == 3);
	turn(5);
	r.n_component = 0;
	add_media(&r, 2, RX_VIDEO, PCC_ENABLED); /* video is added */
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(s.n_names == 4);
	turn(5);
	r.component[0].status = PCC_REMOVED; /* and leaves */
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(s.n_names == 2);
	turn(5);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS);
	UNTIL(s.n_names == 0);
	turn(5);
	assert_null(pcrf.gx->rules);
	assert_int_equal(pcrf.n_rx, 0);
	assert_int_equal(pcrf.gx->fsm.state, GXS_IDLE);
}

static void test_ipv6_binding(void **state)
{
	struct rx_aar r = aar_of(NULL);

	(void)state;
	attach();
	r.framed_ipv6 = (struct str){ "\0\200\375\0\0\105\0\0\0\1\0\0\0\0\0\0\0\1", 18 };
	r.called_station_id = STR("ims");
	add_media(&r, 1, RX_AUDIO, -1);
	r.required_access_info[0] = RX_USER_LOCATION;
	r.n_required_access_info = 1;
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	assert_string_equal(f.uli, "\202tai-and-ecgi");
	r.called_station_id = STR("other");
	assert_int_equal(aar("rx;2", &r), RX_IP_CAN_SESSION_NOT_AVAILABLE);
	assert_int_equal(pcrf.n_rx, 1);
}

static void test_aar_before_ccr(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	add_media(&r, 1, RX_AUDIO, -1);
	send_aar("rx;1", &r);
	UNTIL(pcrf.n_rx == 1);
	assert_int_equal(f.answers, 0);
	assert_int_equal(aar("rx;1", &r), RX_DUPLICATED_AF_SESSION);
	attach();
	UNTIL(f.answers == 2);
	assert_int_equal(f.result, PCC_SUCCESS);
	UNTIL(s.n_names == 2);
}

static void test_aar_without_ccr(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	add_media(&r, 1, RX_AUDIO, -1);
	assert_int_equal(aar("rx;1", &r), RX_IP_CAN_SESSION_NOT_AVAILABLE);
	assert_int_equal(pcrf.n_rx, 0);
	send_aar("rx;2", &r);
	UNTIL(pcrf.n_rx == 1);
	assert_int_equal(str_("rx;2"), PCC_SUCCESS); /* given up before its CCR */
	UNTIL(f.answers == 2);
	assert_int_equal(pcrf.n_rx, 0);
}

static void test_signalling(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");
	struct gx_ccr t = ccr_of(GX_TERMINATION_REQUEST, 1);

	(void)state;
	attach();
	add_media(&r, 0, -1, -1);
	r.component[0].n_sub = 1;
	r.component[0].sub[0].usage = RX_AF_SIGNALLING;
	r.component[0].sub[0].n_description = 0;
	r.component[0].max_ul = r.component[0].max_dl = -1;
	subscribe(&r);
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	turn(5);
	assert_int_equal(s.rars, 0); /* the default bearer carries it */
	assert_int_equal(ccr("gx;1", &t), PCC_SUCCESS);
	UNTIL(f.asrs == 1);
	assert_int_equal(f.cause, RX_BEARER_RELEASED);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS);
	assert_int_equal(pcrf.n_rx, 0);
}

static void test_emergency(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "sos");
	struct rx_aar a = aar_of("\12\55\0\1");

	(void)state;
	r.n_subscription = 0; /* without IMSI */
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	add_media(&a, 1, RX_AUDIO, -1);
	assert_int_equal(aar("rx;1", &a), RX_UNAUTHORIZED_NON_EMERGENCY_SESSION);
	a.service_urn = STR("sos.police");
	assert_int_equal(aar("rx;1", &a), PCC_SUCCESS);
	UNTIL(s.n_names == 2);
	assert_int_equal(s.rar.orders.install[0].rule[0].qos.arp.level, 1);
}

/* --- events --- */

static void test_events(void **state)
{
	struct gx_ccr r = ccr_of(GX_UPDATE_REQUEST, 7);

	(void)state;
	attach();
	call(true, -1);
	assert_int_equal(report(GX_RULE_ACTIVE, -1, GX_SUCCESSFUL_RESOURCE_ALLOCATION),
			 PCC_SUCCESS);
	UNTIL(f.rars == 1);
	assert_int_equal(f.rar.specific_action[0],
			 RX_INDICATION_OF_SUCCESSFUL_RESOURCES_ALLOCATION);
	assert_int_equal(f.rar.flows[0].n_number, 2);
	assert_int_equal(report(GX_RULE_TEMPORARILY_INACTIVE, -1, GX_LOSS_OF_BEARER), PCC_SUCCESS);
	UNTIL(f.rars == 2);
	assert_int_equal(f.rar.specific_action[0], RX_INDICATION_OF_LOSS_OF_BEARER);
	assert_int_equal(report(GX_RULE_ACTIVE, -1, GX_RECOVERY_OF_BEARER), PCC_SUCCESS);
	UNTIL(f.rars == 3);
	assert_int_equal(f.rar.specific_action[0], RX_INDICATION_OF_RECOVERY_OF_BEARER);
	r.rat_type = PCC_RAT_WLAN;
	r.ip_can_type = PCC_NON_3GPP_EPS;
	r.location.uli = STR("\202elsewhere...");
	r.n_charging_id = 1;
	r.charging_id[0].value = STR("\1\2\3\4");
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	UNTIL(f.rars == 6); /* IP-CAN, location, charging */
	assert_int_equal(report(GX_RULE_INACTIVE, -1, GX_LOSS_OF_BEARER), PCC_SUCCESS);
	UNTIL(f.asrs == 1); /* nothing is left */
	assert_int_equal(f.cause, RX_BEARER_RELEASED);
	assert_null(pcrf.gx->rules);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS);
	assert_int_equal(pcrf.n_rx, 0);
}

static void test_allocation_failed(void **state)
{
	(void)state;
	attach();
	call(true, -1);
	assert_int_equal(report(GX_RULE_INACTIVE, GX_RESOURCE_ALLOCATION_FAILURE, -1), PCC_SUCCESS);
	UNTIL(f.rars == 1);
	assert_int_equal(f.rar.specific_action[0], RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION);
	assert_null(pcrf.gx->rules);
	assert_int_equal(f.asrs, 0);
}

static void test_refused_rule(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	s.refuse = "last";
	add_media(&r, 1, RX_AUDIO, -1);
	subscribe(&r);
	assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
	UNTIL(f.rars == 1);
	assert_int_equal(f.rar.flows[0].n_number, 1);
	assert_int_equal(f.rar.specific_action[0], RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION);
	s.refuse = NULL;
	s.raa = PCC_UNABLE_TO_COMPLY; /* all of it, and the AF did not ask to be told */
	r.n_specific_action = 0;
	assert_int_equal(aar("rx;2", &r), PCC_SUCCESS);
	UNTIL(f.asrs == 1);
	assert_int_equal(f.cause, RX_INSUFFICIENT_BEARER_RESOURCES);
	assert_int_equal(str_("rx;2"), PCC_SUCCESS);
}

static void test_busy_and_silent(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	s.busy = 2; /* pending transaction: tried again */
	call(true, -1);
	assert_int_equal(s.rars, 3);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS);
	UNTIL(s.n_names == 0);
	turn(5);
	s.silent = true; /* tried twice, then the AF is told, and the removal is tried */
	s.rars = 0;
	add_media(&r, 1, RX_AUDIO, -1);
	subscribe(&r);
	assert_int_equal(aar("rx;2", &r), PCC_SUCCESS);
	UNTIL(f.rars == 1);
	assert_int_equal(f.rar.specific_action[0], RX_INDICATION_OF_FAILED_RESOURCES_ALLOCATION);
	assert_true(s.rars >= 2);
	s.silent = false;
	UNTIL(!pcrf.gx->rules);
	assert_int_equal(pcrf.gx->fsm.state, GXS_IDLE);
}

/* --- crossing --- */

static void test_crossing(void **state)
{
	struct gx_ccr t = ccr_of(GX_TERMINATION_REQUEST, 1);
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	add_media(&r, 1, RX_AUDIO, -1);
	s.silent = true; /* the RAR is under way when the session ends */
	send_aar("rx;1", &r);
	send_ccr("gx;1", &t);
	UNTIL(s.answers == 2 && f.answers == 1);
	UNTIL(pcrf.n_gx == 0);
	if (f.result == PCC_SUCCESS) { /* it was first */
		UNTIL(f.asrs == 1);
		assert_int_equal(str_("rx;1"), PCC_SUCCESS);
	}
	assert_int_equal(pcrf.n_rx, 0);
	for (int i = 0; i < 60; i++) /* the late end of the RAR */
		loop_once(loop, 10);
}

static void test_change_while_pushing(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	add_media(&r, 1, RX_AUDIO, PCC_DISABLED);
	s.busy = 1;
	send_aar("rx;1", &r);
	UNTIL(s.rars == 1);
	r.component[0].status = PCC_ENABLED;
	send_aar("rx;1", &r);
	UNTIL(f.answers == 2);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS); /* and away, all while the first RAR waits */
	UNTIL(!pcrf.gx->rules);
	assert_int_equal(s.n_names, 0);
}

/* --- restarts --- */

static void test_smf_restart(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\2", "ims");

	(void)state;
	attach();
	call(true, -1);
	smf->state_id++;
	r.framed_ipv6 = (struct str){ NULL, 0 };
	assert_int_equal(ccr("gx;new", &r), PCC_SUCCESS);
	assert_int_equal(pcrf.n_gx, 1);
	UNTIL(f.asrs == 1);
	assert_int_equal(str_("rx;1"), PCC_SUCCESS);
}

static void test_af_restart(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	call(true, -1);
	af->state_id++;
	add_media(&r, 1, RX_AUDIO, -1);
	assert_int_equal(aar("rx;new", &r), PCC_SUCCESS);
	assert_int_equal(pcrf.n_rx, 1);
	turn(10);
	UNTIL(s.n_names == 2); /* the old ones are gone, the new ones are there */
	assert_int_equal(str_("rx;1"), PCC_UNKNOWN_SESSION_ID);
}

static void test_usage(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "metered");

	(void)state;
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	assert_int_equal(s.cca.orders.n_usage, 1);
	assert_int_equal(s.cca.orders.usage[0].granted_total, 7000000);
	assert_int_equal(s.cca.orders.install[0].n_name, 1);
	r = ccr_of(GX_UPDATE_REQUEST, 1);
	r.n_usage = 1;
	r.usage[0] = (struct gx_usage){ .key = STR("session"),
					.used_total = 7000100,
					.level = -1,
					.report = -1,
					.support = -1 };
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS); /* repeated: counted once */
	assert_int_equal(pcrf.gx->used, 7000100);
}

static void open_client(const char *identity, struct dia **ret);

/* The connection of an AF breaks while its AAR waits. */
static void test_af_leaves(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	add_media(&r, 1, RX_AUDIO, -1);
	send_aar("rx;1", &r);
	UNTIL(pcrf.n_rx == 1);
	dia_close(af);
	assert_int_equal(f.result, DIA_NO_PEER);
	UNTIL(pcrf.n_rx == 0);
	open_client(AF, &af);
	dia_serve(af, &rx_app, on_rx_request, NULL);
	UNTIL(dia_peer_up(af, NULL));
	attach();
	call(false, -1);
}

/* The SMF is away when a call is to be set up. */
static void test_smf_leaves(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	dia_close(smf);
	UNTIL(!dia_peer_up(pcrf.dia, SMF));
	add_media(&r, 1, RX_AUDIO, -1);
	assert_int_equal(aar("rx;1", &r), RX_TEMPORARY_NETWORK_FAILURE);
	assert_int_equal(pcrf.n_rx, 0);
	assert_null(pcrf.gx->rules);
	open_client(SMF, &smf);
	dia_serve(smf, &gx_app, on_gx_rar, NULL);
	UNTIL(dia_peer_up(pcrf.dia, SMF));
	call(false, -1);
}

/* Attach, call, detach, in every order of the last two: nothing stays. */
static void test_cycles(void **state)
{
	struct gx_ccr t = ccr_of(GX_TERMINATION_REQUEST, 1);
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	add_media(&r, 1, RX_AUDIO, -1);
	for (int i = 0; i < 300; i++) {
		attach();
		s.n_names = 0;
		assert_int_equal(aar("rx;1", &r), PCC_SUCCESS);
		if (i % 2)
			assert_int_equal(str_("rx;1"), PCC_SUCCESS);
		assert_int_equal(ccr("gx;1", &t), PCC_SUCCESS);
		if (!(i % 2))
			assert_int_equal(str_("rx;1"), PCC_SUCCESS);
		assert_int_equal(pcrf.n_gx + pcrf.n_rx, 0);
	}
	assert_int_equal(pcrf.gx_by_id.n + pcrf.gx_by_v4.n + pcrf.gx_by_v6.n + pcrf.rx_by_id.n, 0);
}

static void test_tables(void **state)
{
	char why[200] = "";

	(void)state;
	if (fsm_check(&pcrf_gx_fsm, why, sizeof(why)) || fsm_check(&pcrf_rx_fsm, why, sizeof(why)))
		fail_msg("%s", why);
}

/* --- the stage --- */

static void open_client(const char *identity, struct dia **ret)
{
	static const struct dia_app *const apps[] = { &gx_app, &rx_app };
	struct dia_peer_conf peer = { "pcrf." REALM, "127.0.0.1", port };
	struct dia_conf c = { .identity = identity,
			      .realm = REALM,
			      .peers = &peer,
			      .n_peers = 1,
			      .watchdog_s = 30,
			      .reconnect_s = 1,
			      .timeout_ms = 3000,
			      .apps = apps,
			      .n_apps = 2 };
	char err[256];

	if (dia_open(loop, &c, ret, err, sizeof(err)))
		fail_msg("%s", err);
}

static int setup(void **state)
{
	static const struct dia_app *const apps[] = { &gx_app, &rx_app };
	struct dia_conf c = { .identity = "pcrf." REALM,
			      .realm = REALM,
			      .listen_addr = "127.0.0.1",
			      .watchdog_s = 30,
			      .reconnect_s = 1,
			      .timeout_ms = 300,
			      .accept_realm = true,
			      .apps = apps,
			      .n_apps = 2 };
	char err[256] = "";

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&f, 0, sizeof(f));
	memset(&pcrf, 0, sizeof(pcrf));
	s.raa = PCC_SUCCESS;
	port = c.listen_port = (uint16_t)(21000 + getpid() % 20000);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pcrf_init(&pcrf, loop), 0);
	pcrf.aar_wait_ms = 150;
	assert_int_equal(
		pcrf_policies_parse(
			"ims qci=5 arp=8 ambr=5000/20000; metered qci=9 quota=7 rule=basic; "
			"* qci=9 arp=10",
			&pcrf.apns, err, sizeof(err)),
		0);
	if (dia_open(loop, &c, &pcrf.dia, err, sizeof(err)))
		fail_msg("%s", err);
	pcrf_serve(&pcrf);
	open_client(SMF, &smf);
	open_client(AF, &af);
	dia_serve(smf, &gx_app, on_gx_rar, NULL);
	dia_serve(af, &rx_app, on_rx_request, NULL);
	UNTIL(dia_peer_up(smf, NULL) && dia_peer_up(af, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dia_close(af);
	dia_close(smf);
	turn(5);
	dia_close(pcrf.dia);
	pcrf_fini(&pcrf);
	loop_free(loop);
	return 0;
}

/* TS 23.380 5.3: another P-CSCF tells, by address or by subscription; no session comes of it. */
static void test_pcscf_restoration(void **state)
{
	struct rx_aar r = aar_of("\12\55\0\1");

	(void)state;
	attach();
	r.rx_request_type = RX_PCSCF_RESTORATION_REQUEST;
	r.pcscf_restoration = 0;
	assert_int_equal(aar("rx;r1", &r), PCC_SUCCESS);
	UNTIL(s.rars == 1);
	assert_int_equal(s.rar.pcscf_restoration, 0);
	turn(5);
	assert_int_equal(pcrf.n_rx, 0);
	r = aar_of(NULL);
	r.rx_request_type = RX_PCSCF_RESTORATION_REQUEST;
	r.called_station_id = STR("ims");
	r.subscription[0] = (struct pcc_subscription){ STR("001010000000001"), PCC_IMSI };
	r.n_subscription = 1;
	s.busy = 2; /* the PCEF is: again */
	assert_int_equal(aar("rx;r2", &r), PCC_SUCCESS);
	UNTIL(s.rars == 4 && pcrf.gx->fsm.state == GXS_IDLE);
	assert_int_equal(s.rar.pcscf_restoration, 0);
	r.subscription[0].data = STR("001010000000077");
	assert_int_equal(aar("rx;r3", &r), RX_IP_CAN_SESSION_NOT_AVAILABLE);
	r.n_subscription = 0;
	assert_int_equal(aar("rx;r4", &r), RX_IP_CAN_SESSION_NOT_AVAILABLE);
	call(false, PCC_ENABLED); /* the next RAR has it no more */
	assert_int_equal(s.rar.pcscf_restoration, -1);
}

/* --- the profile of the subscriber --- */

static void put_profile(const char *apn, const char *keys)
{
	struct str rest = str_of(keys), word, key;
	struct profile p;
	char err[256];

	profile_init(&p, "001010000000001", apn);
	while (str_split(&rest, ' ', &word)) {
		str_split(&word, '=', &key);
		assert_int_equal(profile_set(&p, key, word, err, sizeof(err)), 0);
	}
	assert_int_equal(profiles_put(pcrf.profiles, &p), 0);
}

static int open_profiles(void **state)
{
	char err[256];

	setup(state);
	snprintf(pcrf.profiles_path, sizeof(pcrf.profiles_path), "/tmp/kims-pcrf-%d.db",
		 (int)getpid());
	pcrf_profile_open(&pcrf); /* not there: no harm */
	assert_null(pcrf.profiles);
	assert_int_equal(profiles_open(pcrf.profiles_path, true, &pcrf.profiles, err, sizeof(err)),
			 0);
	return 0;
}

static int close_profiles(void **state)
{
	profiles_close(pcrf.profiles);
	unlink(pcrf.profiles_path);
	return teardown(state);
}

static void test_profile(void **state)
{
	struct gx_ccr r = ccr_initial("\12\55\0\1", "ims");

	(void)state;
	put_profile("ims", "qci=7 ambr=100/200 rule=gold");
	assert_int_equal(ccr("gx;1", &r), PCC_SUCCESS);
	assert_int_equal(s.cca.orders.default_qos.qci, 7);
	assert_int_equal(s.cca.orders.default_qos.arp.level, 8); /* the APN's */
	assert_int_equal(s.cca.orders.qos.ambr_ul, 100000);
	assert_int_equal(s.cca.orders.qos.ambr_dl, 200000);
	assert_int_equal(s.cca.orders.n_install, 1);
	assert_string_equal(s.in, "gold");
	r = ccr_initial("\12\55\0\2", "ims");
	r.framed_ipv6 = (struct str){ NULL, 0 };
	r.subscription[0].data = STR("001010000000002"); /* one without a profile */
	assert_int_equal(ccr("gx;2", &r), PCC_SUCCESS);
	assert_int_equal(s.cca.orders.default_qos.qci, 5);
	assert_int_equal(s.cca.orders.n_install, 0);
	r = ccr_initial("\12\55\0\3", "metered");
	r.framed_ipv6 = (struct str){ NULL, 0 };
	put_profile("*", "quota=0 rule=-"); /* of all other APNs, and less than they have */
	assert_int_equal(ccr("gx;3", &r), PCC_SUCCESS);
	assert_int_equal(s.cca.orders.default_qos.qci, 9);
	assert_int_equal(s.cca.orders.n_usage, 0);
	assert_int_equal(s.cca.orders.n_install, 0);
	r = ccr_initial("\12\55\0\4", "ims");
	r.framed_ipv6 = (struct str){ NULL, 0 };
	put_profile("ims", "qci=65 ambr=100/200"); /* of a GBR bearer: the APN's instead */
	assert_int_equal(ccr("gx;4", &r), PCC_SUCCESS);
	assert_int_equal(s.cca.orders.default_qos.qci, 5);
	assert_int_equal(s.cca.orders.qos.ambr_ul, 100000);
}

static int change_profile(const char *keys)
{
	put_profile("ims", keys);
	return pcrf_profile_changed(&pcrf, STR("001010000000001"));
}

/* The profile of the RAR under way is replaced: what that one installs goes with the next. */
static void test_profile_change_while_pushing(void **state)
{
	(void)state;
	put_profile("ims", "rule=gold base=media");
	attach();
	assert_int_equal(change_profile("rule=silver base=media"), 1); /* its RAR has left */
	assert_int_equal(change_profile("rule=bronze base=media"), 1);
	UNTIL(s.rars == 2 && pcrf.gx->fsm.state == GXS_IDLE);
	assert_string_equal(s.out, "silver");
	assert_string_equal(s.out_base, "");
	assert_string_equal(s.in, "bronze");
	assert_null(pcrf.gx->former);
	s.busy = 1; /* and what may be there, or not */
	assert_int_equal(change_profile("rule=tin"), 1);
	UNTIL(pcrf.gx->fsm.state == GXS_BACKOFF);
	assert_int_equal(change_profile("rule=lead"), 1);
	UNTIL(pcrf.gx->fsm.state == GXS_IDLE);
	assert_string_equal(s.out, "tin bronze");
	assert_string_equal(s.out_base, "media");
	assert_string_equal(s.in, "lead");
	assert_null(pcrf.gx->former);
}

/* A change that the PCEF refuses: it has what it had, and that goes with the next one. */
static void test_profile_change_refused(void **state)
{
	(void)state;
	put_profile("ims", "rule=gold");
	attach();
	s.raa = PCC_UNABLE_TO_COMPLY;
	assert_int_equal(change_profile("rule=silver"), 1);
	UNTIL(s.rars == 1 && pcrf.gx->fsm.state == GXS_IDLE);
	s.raa = PCC_SUCCESS;
	assert_int_equal(change_profile("rule=bronze"), 1);
	UNTIL(s.rars == 2 && pcrf.gx->fsm.state == GXS_IDLE);
	assert_string_equal(s.out, "gold");
	assert_string_equal(s.in, "bronze");
	assert_null(pcrf.gx->former);
}

/* TS 29.212 4.5.16: usage is reported to who asked for it; a list of triggers takes the place of the one before. */
static void test_profile_quota(void **state)
{
	const struct gx_orders *o = &s.rar.orders;
	bool usage = false, rat = false;

	(void)state;
	put_profile("ims", "quota=0");
	attach();
	assert_int_equal(change_profile("quota=5"), 1);
	UNTIL(s.rars == 1);
	assert_int_equal(o->n_usage, 1);
	assert_int_equal(o->usage[0].granted_total, 5000000);
	for (size_t i = 0; i < o->n_event_trigger; i++) {
		usage |= o->event_trigger[i] == GX_USAGE_REPORT;
		rat |= o->event_trigger[i] == GX_RAT_CHANGE;
	}
	assert_true(usage && rat);
	turn(5);
	assert_int_equal(change_profile("quota=0"), 1);
	UNTIL(s.rars == 2);
	assert_int_equal(o->usage[0].support, 0);
}

static void test_profile_changes(void **state)
{
	(void)state;
	put_profile("ims", "qci=7 rule=gold base=media");
	attach();
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000001")), 0); /* the same */
	put_profile("ims", "arp=3 ambr=1/2 rule=silver");
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000002")), 0);
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000001")), 1);
	UNTIL(s.rars == 1);
	assert_int_equal(s.rar.orders.default_qos.qci, 5);
	assert_int_equal(s.rar.orders.default_qos.arp.level, 3);
	assert_int_equal(s.rar.orders.qos.ambr_dl, 2000);
	assert_int_equal(s.rar.orders.n_remove, 1);
	assert_string_equal(s.out, "gold");
	assert_string_equal(s.out_base, "media");
	assert_string_equal(s.in, "silver");
	turn(5);
	assert_null(pcrf.gx->former);
	s.busy = 1; /* the PCEF is: once more, with what it is by then */
	put_profile("ims", "rule=bronze");
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000001")), 1);
	put_profile("ims", "rule=tin");
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000001")), 1);
	UNTIL(pcrf.gx->fsm.state == GXS_IDLE && !pcrf.gx->changed);
	assert_string_equal(s.in, "tin");
	assert_null(pcrf.gx->former);
	assert_int_equal(profiles_del(pcrf.profiles, "001010000000001", NULL), 0);
	assert_int_equal(pcrf_profile_changed(&pcrf, STR("001010000000001")), 1);
	UNTIL(pcrf.gx->fsm.state == GXS_IDLE && !pcrf.gx->changed);
	assert_int_equal(s.rar.orders.n_install, 0);
	assert_null(pcrf.gx->own);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define P(fn) cmocka_unit_test_setup_teardown(fn, open_profiles, close_profiles)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		T(test_session),
		T(test_duplicate),
		T(test_wrong),
		T(test_release),
		T(test_call),
		T(test_ipv6_binding),
		T(test_aar_before_ccr),
		T(test_aar_without_ccr),
		T(test_signalling),
		T(test_emergency),
		T(test_events),
		T(test_allocation_failed),
		T(test_refused_rule),
		T(test_busy_and_silent),
		T(test_crossing),
		T(test_change_while_pushing),
		T(test_smf_restart),
		T(test_af_restart),
		T(test_usage),
		T(test_af_leaves),
		T(test_smf_leaves),
		T(test_pcscf_restoration),
		T(test_cycles),
		P(test_profile),
		P(test_profile_changes),
		P(test_profile_change_while_pushing),
		P(test_profile_change_refused),
		P(test_profile_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
