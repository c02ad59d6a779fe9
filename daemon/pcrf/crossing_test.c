// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that cross, come twice, or have no answer (TS 29.212 4.5, TS 29.214 4.4): seeded random sequences between an SMF, a
 * P-CSCF and the PCRF on a virtual clock. AAR before CCR-I, CCR-I for the address of another session, CCR-T and STR
 * while a RAR is under way, reports that cross a RAR, ASR and STR at once.
 *
 * SMF and P-CSCF here are the model: each keeps what it was told. When all is quiet, the PCRF has the Gx sessions of
 * the one and the Rx sessions of the other, no others; the rules at the SMF are those that the PCRF believes to be there; nothing is under way.
 * Then all sessions end, and nothing is left.
 *
 * KIMS_SEED=N runs one sequence, with KIMS_TALK=1 every message; KIMS_SEQUENCES=N so many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/core/log.h"
#include "pcrf/pcrf.h"

enum { UES = 3, SESSIONS = 64, RULES = 64, QUEUE = 512 };
enum side { SMF, AF };
static const char *const hosts[] = { "smf.test", "pcscf.test" };

struct gx_session {
	bool open;
	unsigned int ue;
	uint32_t number;
	char rule[RULES][20];
	size_t n;
};

struct rx_session {
	bool open, leaving;
	unsigned int ue;
};

/* On the way: to the PCRF (token or an answer to it), or from it. */
struct item {
	uint64_t due;
	bool to_pcrf;
	enum side side;
	const struct ie_command *cmd;
	struct ie_buf buf;
	struct dia_done done;
	int result; /* of an answer that never came */
};

struct dia_token {
	enum side side;
	struct ie_buf buf;
	struct ie_env env;
	char session[24];
	void *r;
};

static struct world {
	unsigned int seed, number;
	struct gx_session gx[SESSIONS];
	struct rx_session rx[SESSIONS];
	unsigned int n_gx, n_rx;
	struct item queue[QUEUE];
	size_t n;
	uint64_t until[2][2]; /* connections keep the order */
	int raa;	      /* next results of RARs at the SMF; 0: success */
	bool quiet;
	unsigned int tokens;
} w;

static struct loop *loop;
static struct pcrf pcrf;
static dia_serve_fn serve[2];
static bool talk;

static unsigned int dice(unsigned int n)
{
	return (unsigned int)rand_r(&w.seed) % n;
}

#define CHECK(cond)                                                   \
	do {                                                          \
		if (!(cond))                                          \
			fail_msg("sequence %u: %s", w.number, #cond); \
	} while (0)

/* --- the wire --- */

static struct ie_env env_of(struct str session, const char *from)
{
	return (struct ie_env){ .rules = ie_env_auth_rules,
				.session_id = session,
				.origin_host = str_of(from),
				.origin_realm = STR("test"),
				.dest_realm = STR("test"),
				.auth_app = GX_APP_ID,
				.auth_session_state = -1 };
}

static struct ie_buf encode(const struct ie_command *cmd, const struct ie_env *env, const void *in)
{
	struct ie_header h = {
		.code = cmd->code, .app = GX_APP_ID, .hop_by_hop = 1, .end_to_end = 1
	};
	struct ie_buf b = { 0 };

	h.flags = cmd->request ? IE_FLAG_REQUEST : 0;
	assert_int_equal(ie_encode(cmd, &h, env, in, NULL, &b), 0);
	return b;
}

static void decode(const struct ie_command *cmd, const struct ie_buf *b, struct ie_env *env,
		   void *ret)
{
	struct ie_error e;

	if (ie_decode(cmd, &pcc_dict, b->p, b->n, env, ret, &e))
		fail_msg("sequence %u: %s cannot be read: %s", w.number, cmd->name,
			 e.avp ? e.avp->name : "");
}

static void put(struct item i)
{
	uint64_t *until = &w.until[i.side][i.to_pcrf];
	unsigned int d = dice(100);

	i.due = loop_now(loop) + USEC_PER_MSEC * (d < 80 ? 1 + dice(4) : dice(400));
	if (i.result)
		i.due = loop_now(loop) + 6 * USEC_PER_SEC;
	else
		*until = i.due = MAX(i.due, *until);
	CHECK(w.n < QUEUE);
	w.queue[w.n++] = i;
}

int dia_serve(struct dia *d _unused_, const struct dia_app *app, dia_serve_fn fn,
	      void *arg _unused_)
{
	serve[app == &gx_app ? SMF : AF] = fn;
	return 0;
}

bool dia_peer_up(struct dia *d _unused_, const char *identity _unused_)
{
	return true;
}

int dia_request(struct dia *d _unused_, const struct dia_app *app, const struct ie_command *cmd,
		const struct dia_to *to, const void *r, struct dia_done done)
{
	struct ie_env env = env_of(to->session_id, "pcrf.test");

	put((struct item){ .side = app == &gx_app ? SMF : AF,
			   .cmd = cmd,
			   .buf = encode(cmd, &env, r),
			   .done = done });
	return 0;
}

int dia_answer(struct dia_token *t, const struct ie_command *cmd, const void *a,
	       const struct ie_error *failed _unused_)
{
	struct ie_env env = env_of(str_of(t->session), "pcrf.test");

	put((struct item){ .side = t->side, .cmd = cmd, .buf = encode(cmd, &env, a) });
	free(t->buf.p);
	free(t->r);
	free(t);
	w.tokens--;
	return 0;
}

/* A request of SMF or P-CSCF leaves. */
static void ask(enum side side, const char *session, const struct ie_command *cmd, const void *r)
{
	struct ie_env env = env_of(str_of(session), hosts[side]);

	put((struct item){
		.to_pcrf = true, .side = side, .cmd = cmd, .buf = encode(cmd, &env, r) });
}

/* --- the SMF --- */

static char *name_of(char *dst, const char *what, const void *list, const void *one, size_t size)
{
	sprintf(dst, "%s;%u", what,
		(unsigned int)(((const char *)one - (const char *)list) / size));
	return dst;
}

static unsigned int index_of(struct str session)
{
	char text[32];

	str_copy(text, sizeof(text), session);
	return (unsigned int)strtoul(strchr(text, ';') + 1, NULL, 10);
}

static void drop_rule(struct gx_session *g, struct str name)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eqz(name, g->rule[i])) {
			memmove(g->rule[i], g->rule[--g->n], sizeof(g->rule[0]));
			return;
		}
}

static void enforce(struct gx_session *g, const struct gx_orders *o)
{
	for (size_t i = 0; i < o->n_remove; i++)
		for (size_t k = 0; k < o->remove[i].n_name; k++) {
			if (talk)
				fprintf(stderr, "   - %.*s\n", (int)o->remove[i].name[k].n,
					o->remove[i].name[k].p);
			drop_rule(g, o->remove[i].name[k]);
		}
	for (size_t i = 0; i < o->n_install; i++)
		for (size_t k = 0; k < o->install[i].n_rule; k++) {
			if (talk)
				fprintf(stderr, "   + %.*s\n", (int)o->install[i].rule[k].name.n,
					o->install[i].rule[k].name.p);
			drop_rule(g, o->install[i].rule[k].name);
			CHECK(g->n < RULES);
			str_copy(g->rule[g->n++], sizeof(g->rule[0]), o->install[i].rule[k].name);
		}
}

static void on_gx_rar(const struct item *i, const struct ie_env *env, const struct gx_rar *r)
{
	struct gx_session *g = &w.gx[index_of(env->session_id)];
	static struct gx_raa a;
	struct ie_env me = env_of(env->session_id, hosts[SMF]);
	char name[20] = "";

	if (talk)
		fprintf(stderr, "   RAR at the SMF: open %d, result %d\n", g->open, w.raa);
	ie_init(&gx_raa_cmd, &a);
	a.result = !g->open ? PCC_UNKNOWN_SESSION_ID : w.raa ? w.raa : PCC_SUCCESS;
	w.raa = 0;
	if (a.result == PCC_SUCCESS)
		enforce(g, &r->orders);
	if (a.result == PCC_SUCCESS && g->n && !w.quiet && !dice(8)) {
		memcpy(name, g->rule[g->n - 1], sizeof(name));
		a.n_report = 1;
		a.report[0] = (struct gx_rule_report){ .status = GX_RULE_INACTIVE,
						       .failure = GX_RESOURCES_LIMITATION,
						       .n_name = 1 };
		a.report[0].name[0] = str_of(name);
		drop_rule(g, str_of(name));
	}
	put((struct item){ .to_pcrf = true,
			   .side = SMF,
			   .cmd = &gx_raa_cmd,
			   .buf = encode(&gx_raa_cmd, &me, &a),
			   .done = i->done });
}

static void ccr(struct gx_session *g, int type, bool lost)
{
	static struct gx_ccr r;
	static const char *const v4[] = { "\12\55\0\1", "\12\55\0\2", "\12\55\0\3" };
	char id[24];

	ie_init(&gx_ccr_cmd, &r);
	r.type = type;
	r.number = type == GX_INITIAL_REQUEST ? 0 : ++g->number;
	if (type == GX_INITIAL_REQUEST) {
		r.framed_ip = (struct str){ v4[g->ue], 4 };
		r.called_station_id = STR("ims");
		r.ip_can_type = PCC_3GPP_EPS;
		r.rat_type = PCC_RAT_EUTRAN;
		r.network_request_support = 1;
		r.subscription[0] = (struct pcc_subscription){ STR("001010000000001"), PCC_IMSI };
		r.n_subscription = 1;
	}
	if (lost && g->n) {
		r.n_report = 1;
		r.report[0] = (struct gx_rule_report){ .status = GX_RULE_INACTIVE,
						       .failure = GX_RESOURCE_ALLOCATION_FAILURE,
						       .n_name = 1 };
		r.report[0].name[0] = str_of(g->rule[0]);
	}
	ask(SMF, name_of(id, "gx", w.gx, g, sizeof(*g)), &gx_ccr_cmd, &r);
	if (lost && g->n)
		drop_rule(g, str_of(g->rule[0]));
	if (type == GX_TERMINATION_REQUEST)
		g->open = false;
}

/* --- the P-CSCF --- */

static void aar(struct rx_session *x)
{
	static struct rx_aar r;
	static const char *const v4[] = { "\12\55\0\1", "\12\55\0\2", "\12\55\0\3" };
	struct rx_component *c = &r.component[0];
	char id[24];

	ie_init(&rx_aar_cmd, &r);
	r.framed_ip = (struct str){ v4[x->ue], 4 };
	r.n_component = 1;
	memset(c, 0, sizeof(*c));
	c->number = 1 + dice(2);
	c->media_type = dice(2) ? RX_AUDIO : RX_VIDEO;
	c->max_ul = c->max_dl = 40000;
	c->min_ul = c->min_dl = c->rs = c->rr = c->reservation_priority = -1;
	c->status = dice(5) ? PCC_ENABLED : PCC_REMOVED;
	c->n_sub = 1;
	c->sub[0] = (struct rx_sub_component){ .number = 1,
					       .n_description = 1,
					       .status = -1,
					       .usage = -1,
					       .max_ul = -1,
					       .max_dl = -1,
					       .af_signalling_protocol = -1 };
	c->sub[0].description[0] =
		dice(2) ? STR("permit out 17 from 10.46.0.1 20000 to 10.45.0.1 5000")
			: STR("permit out 17 from 10.46.0.1 20002 to 10.45.0.1 5002");
	if (dice(2))
		for (uint32_t i = 0; i < 4; i++)
			r.specific_action[r.n_specific_action++] =
				(const uint32_t[]){ 2, 3, 4, 9 }[i];
	ask(AF, name_of(id, "rx", w.rx, x, sizeof(*x)), &rx_aar_cmd, &r);
}

static void leave(struct rx_session *x)
{
	struct rx_str r;
	char id[24];

	if (x->leaving)
		return;
	ie_init(&rx_str_cmd, &r);
	r.termination_cause = RX_LOGOUT;
	x->leaving = true;
	x->open = false;
	ask(AF, name_of(id, "rx", w.rx, x, sizeof(*x)), &rx_str_cmd, &r);
}

static void on_asr(const struct item *i, const struct ie_env *env)
{
	struct rx_session *x = &w.rx[index_of(env->session_id)];
	struct ie_env me = env_of(env->session_id, hosts[AF]);
	struct rx_asa a;

	ie_init(&rx_asa_cmd, &a);
	a.result = x->leaving ? PCC_UNKNOWN_SESSION_ID : PCC_SUCCESS;
	put((struct item){ .to_pcrf = true,
			   .side = AF,
			   .cmd = &rx_asa_cmd,
			   .buf = encode(&rx_asa_cmd, &me, &a),
			   .done = i->done });
	if (dice(6))
		leave(x);
	x->open = false; /* without STR the PCRF ends it after a while */
}

static void on_rx_rar(const struct item *i, const struct ie_env *env)
{
	struct ie_env me = env_of(env->session_id, hosts[AF]);
	struct rx_raa a;

	ie_init(&rx_raa_cmd, &a);
	a.result = w.rx[index_of(env->session_id)].leaving ? PCC_UNKNOWN_SESSION_ID : PCC_SUCCESS;
	put((struct item){ .to_pcrf = true,
			   .side = AF,
			   .cmd = &rx_raa_cmd,
			   .buf = encode(&rx_raa_cmd, &me, &a),
			   .done = i->done });
}

/* --- delivery --- */

static void at_pcrf(struct item *i)
{
	struct dia_token *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->side = i->side;
	t->buf = i->buf;
	i->buf.p = NULL;
	t->r = calloc(1, i->cmd->size);
	decode(i->cmd, &t->buf, &t->env, t->r);
	str_copy(t->session, sizeof(t->session), t->env.session_id);
	w.tokens++;
	CHECK(serve[i->side](&pcrf, t, i->cmd, &t->env, t->r));
}

static void answer_at_pcrf(struct item *i)
{
	void *a = calloc(1, i->cmd->size);
	struct ie_env env;

	ie_init(i->cmd, a);
	if (!i->result)
		decode(i->cmd, &i->buf, &env, a);
	else if (i->cmd == &gx_raa_cmd)
		((struct gx_raa *)a)->result = i->result;
	i->done.fn(i->done.arg, i->result ? NULL : &env, a);
	free(a);
}

static void answered(const struct item *i, const struct ie_env *env, const void *a)
{
	unsigned int n = index_of(env->session_id);

	if (i->cmd == &gx_cca_cmd) {
		const struct gx_cca *c = a;

		if (c->result == PCC_SUCCESS && w.gx[n].open)
			enforce(&w.gx[n], &c->orders);
		else if (c->result != PCC_SUCCESS)
			w.gx[n].open = false;
	} else if (i->cmd == &rx_aaa_cmd && ((const struct rx_aaa *)a)->result != PCC_SUCCESS &&
		   ((const struct rx_aaa *)a)->result != RX_REQUESTED_SERVICE_NOT_AUTHORIZED) {
		w.rx[n].open = false;
		leave(&w.rx[n]); /* whether it was the first one or not */
	}
}

static void at_peer(struct item *i)
{
	void *r = calloc(1, i->cmd->size);
	struct ie_env env;

	decode(i->cmd, &i->buf, &env, r);
	if (!i->cmd->request)
		answered(i, &env, r);
	else if (i->cmd == &gx_rar_cmd && !w.quiet && !dice(12))
		put((struct item){ .to_pcrf = true,
				   .side = SMF,
				   .cmd = &gx_raa_cmd,
				   .done = i->done,
				   .result = DIA_TIMEOUT });
	else if (i->cmd == &gx_rar_cmd)
		on_gx_rar(i, &env, r);
	else if (i->cmd == &rx_asr_cmd)
		on_asr(i, &env);
	else
		on_rx_rar(i, &env);
	free(r);
}

static void say(const struct item *i)
{
	struct ie_env env;
	void *r = calloc(1, i->cmd->size);

	if (i->result)
		fprintf(stderr, "%8.3f no %s\n", (double)loop_now(loop) / USEC_PER_SEC,
			i->cmd->abbrev);
	else {
		decode(i->cmd, &i->buf, &env, r);
		fprintf(stderr, "%8.3f %s %.*s\n", (double)loop_now(loop) / USEC_PER_SEC,
			i->cmd->abbrev, (int)env.session_id.n, env.session_id.p);
	}
	free(r);
}

static void deliver(struct item i)
{
	if (talk)
		say(&i);
	if (!i.to_pcrf)
		at_peer(&i);
	else if (i.cmd->request)
		at_pcrf(&i);
	else
		answer_at_pcrf(&i);
	free(i.buf.p);
	loop_advance(loop, 0);
}

static void run(uint64_t usec)
{
	uint64_t until = loop_now(loop) + usec;

	for (;;) {
		uint64_t now = loop_now(loop), next = MIN(until, now + 100 * USEC_PER_MSEC);
		size_t at = 0;

		for (size_t i = 1; i < w.n; i++) /* the first of equals: the list is in order */
			if (w.queue[i].due < w.queue[at].due)
				at = i;
		if (w.n && w.queue[at].due <= now) {
			struct item i = w.queue[at];

			memmove(&w.queue[at], &w.queue[at + 1], (--w.n - at) * sizeof(w.queue[0]));
			deliver(i);
			continue;
		}
		if (now >= until)
			return;
		if (w.n)
			next = MIN(next, w.queue[at].due);
		loop_advance(loop, next - now);
	}
}

/* --- what happens --- */

static struct gx_session *gx_of(unsigned int ue)
{
	for (unsigned int i = 0; i < w.n_gx; i++)
		if (w.gx[i].open && w.gx[i].ue == ue)
			return &w.gx[i];
	return NULL;
}

static struct rx_session *any_rx(void)
{
	unsigned int start = w.n_rx ? dice(w.n_rx) : 0;

	for (unsigned int i = 0; i < w.n_rx; i++)
		if (w.rx[(start + i) % w.n_rx].open)
			return &w.rx[(start + i) % w.n_rx];
	return NULL;
}

static void do_attach(void)
{
	unsigned int ue = dice(UES);
	struct gx_session *old = gx_of(ue), *g = &w.gx[w.n_gx];

	if (w.n_gx == SESSIONS)
		return;
	if (old && dice(2))
		ccr(old, GX_TERMINATION_REQUEST, false);
	else if (old) /* it is lost without a word */
		old->open = false;
	w.n_gx++;
	*g = (struct gx_session){ .open = true, .ue = ue };
	ccr(g, GX_INITIAL_REQUEST, false);
	if (!dice(5))
		ccr(g, GX_INITIAL_REQUEST, false); /* twice */
}

static void do_gx(void)
{
	struct gx_session *g = gx_of(dice(UES));

	if (g && dice(4))
		ccr(g, GX_UPDATE_REQUEST, dice(2));
	else if (g)
		ccr(g, GX_TERMINATION_REQUEST, false);
}

static void do_call(void)
{
	struct rx_session *x = &w.rx[w.n_rx];

	if (w.n_rx == SESSIONS)
		return;
	w.n_rx++;
	*x = (struct rx_session){ .open = true, .ue = dice(UES) };
	aar(x);
}

static void do_rx(void)
{
	struct rx_session *x = any_rx();

	if (x && dice(3))
		aar(x);
	else if (x)
		leave(x);
}

static void do_raa(void)
{
	static const int results[] = { GX_PENDING_TRANSACTION, PCC_UNABLE_TO_COMPLY, 0 };

	w.raa = results[dice(ARRAY_SIZE(results))];
}

static void (*const things[])(void) = { do_attach, do_attach, do_gx, do_call, do_call,
					do_rx,	   do_rx,     do_rx, do_raa };

/* --- the verdict --- */

static size_t check_rules(const struct pcrf_gx *g, const struct gx_session *s)
{
	size_t n = 0;

	for (const struct pcrf_rule *r = g->rules; r; r = r->next, n++) {
		bool there = false;

		CHECK(r->wanted && !r->dirty && !r->inflight && r->rx);
		for (size_t i = 0; i < s->n; i++)
			there |= !strcmp(s->rule[i], r->name);
		CHECK(there);
	}
	return n;
}

static void check_all(void)
{
	unsigned int n_gx = 0, n_rx = 0;

	CHECK(!w.n && !w.tokens);
	for (unsigned int i = 0; i < w.n_gx; i++)
		n_gx += w.gx[i].open;
	for (unsigned int i = 0; i < w.n_rx; i++)
		n_rx += w.rx[i].open;
	CHECK(pcrf.n_gx == n_gx && pcrf.gx_by_id.n == n_gx && pcrf.gx_by_v4.n == n_gx);
	CHECK(pcrf.n_rx == n_rx && pcrf.rx_by_id.n == n_rx);
	for (const struct pcrf_gx *g = pcrf.gx; g; g = g->next) {
		const struct gx_session *s = &w.gx[index_of(str_of(g->id))];

		CHECK(s->open && g->fsm.state == GXS_IDLE);
		CHECK(check_rules(g, s) == s->n);
	}
	for (const struct pcrf_rx *x = pcrf.rx; x; x = x->next) {
		const struct rx_session *s = &w.rx[index_of(str_of(x->id))];

		CHECK(s->open && x->fsm.state == RXS_OPEN && x->gx);
	}
}

static void leave_nothing(void)
{
	for (unsigned int i = 0; i < w.n_rx; i++)
		if (w.rx[i].open)
			leave(&w.rx[i]);
	run(2 * USEC_PER_SEC);
	for (unsigned int i = 0; i < w.n_gx; i++)
		if (w.gx[i].open) {
			CHECK(w.gx[i].n == 0);
			ccr(&w.gx[i], GX_TERMINATION_REQUEST, false);
		}
	run(15 * USEC_PER_SEC);
	check_all();
	CHECK(!pcrf.n_gx && !pcrf.n_rx);
}

static void sequence(unsigned int number)
{
	char err[200];
	int steps;

	w = (struct world){ .seed = number * 2654435761u, .number = number };
	memset(&pcrf, 0, sizeof(pcrf));
	assert_int_equal(loop_new_virtual(&loop), 0);
	assert_int_equal(pcrf_init(&pcrf, loop), 0);
	pcrf.aar_wait_ms = 500;
	assert_int_equal(pcrf_policies_parse("* qci=5 arp=8", &pcrf.apns, err, sizeof(err)), 0);
	pcrf_serve(&pcrf);
	for (steps = 5 + (int)dice(45); steps--;) {
		things[dice(ARRAY_SIZE(things))]();
		if (dice(3))
			run(USEC_PER_MSEC * (dice(10) ? dice(8) : dice(2000)));
	}
	w.quiet = true;
	w.raa = 0;
	run(60 * USEC_PER_SEC);
	check_all();
	leave_nothing();
	pcrf_fini(&pcrf);
	loop_free(loop);
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
	const char *v = getenv(name);

	return v ? strtoul(v, NULL, 10) : otherwise;
}

static void test_sequences(void **state)
{
	unsigned long one = number_of("KIMS_SEED", 0), n = number_of("KIMS_SEQUENCES", 2000);

	(void)state;
	talk = number_of("KIMS_TALK", 0);
	for (unsigned long i = one ? one : 1; i <= (one ? one : n); i++)
		sequence((unsigned int)i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sequences) };

	log_set_level(LOG_LVL_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
