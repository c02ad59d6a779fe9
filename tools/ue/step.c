// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running a tree of steps, as declared in step.h.
 */
#include "step.h"

#include <stdarg.h>
#include <stdio.h>

#include "report.h"

#define TICK_USEC USEC_PER_SEC

static const char *const tri_names[] = { "default", "yes", "no", NULL };
static const char *const hangup_names[] = { "from", "to", "no", NULL };
static const char *const node_names[] = { "sgw1", "sgw2", "epdg", NULL }; /* enum sgw_id */
static const char *const pdn_names[] = { "default", "ipv4", "ipv6", "ipv4v6", NULL };
static const char *const rat_names[] = { "default", "utran",   "geran",	 "wlan",  "gan", "hspa",
					 "eutran",  "virtual", "nb-iot", "lte-m", "nr",	 NULL };
static const char *const request_names[] = { "any", "create", "update", "delete", NULL };
static const char *const answer_names[] = { "accept", "refuse", "none", "late", "partial", NULL };
static const char *const codec_names[] = { "default", "amr-wb", "pcma", NULL };

#define F(field) offsetof(struct step_args, field)

const struct opt step_opts[] = {
	{ "name", OPT_STR, F(name), NULL, NULL, "title in the report" },
	{ "timeout", OPT_TIME, F(timeout), "0", NULL, "time limit of the step; 0: the kind's own" },
	{ "phone", OPT_STR, F(phone), NULL, NULL,
	  "which phones: all, numbers, ranges, names (1,3-5,alice); default all" },
	{ "from", OPT_STR, F(from), "1", NULL, "calling or sending phone" },
	{ "to", OPT_STR, F(to), "2", NULL, "called phone, or a sip: or tel: URI" },
	{ "as", OPT_STR, F(as), NULL, NULL, "the phone whose identity, address or SA is misused" },
	{ "expect", OPT_STR, F(expect), NULL, NULL,
	  "what must happen: a status code, timeout, answered, registered, unregistered" },
	{ "text", OPT_STR, F(text), "hello", NULL, "text of a MESSAGE; digits to dial" },
	{ "method", OPT_STR, F(method), "FOO", NULL, "method to send" },
	{ "uri", OPT_STR, F(uri), NULL, NULL, "Request-URI; default the other phone's identity" },
	{ "impu", OPT_STR, F(impu), NULL, NULL, "public user identity to register" },
	{ "event", OPT_STR, F(event), NULL, NULL,
	  "event to wait for: call-ended, call-up, registered, unregistered, message" },
	{ "command", OPT_STR, F(command), NULL, NULL, "shell command to run" },
	{ "duration", OPT_TIME, F(duration), "3s", NULL,
	  "how long a call talks; how long to wait" },
	{ "cancel_after", OPT_TIME, F(cancel_after), "0", NULL,
	  "caller gives up so long after its INVITE" },
	{ "ring", OPT_TIME, F(ring), "200ms", NULL, "callee rings so long" },
	{ "hold", OPT_TIME, F(hold), "1s", NULL, "how long to stay on hold" },
	{ "reject", OPT_UINT, F(reject), "0", NULL, "callee answers with this status" },
	{ "never", OPT_BOOL, F(never), "no", NULL, "callee rings and never answers" },
	{ "hangup", OPT_ENUM, F(hangup), "from", hangup_names,
	  "who ends the call; no: it stays up" },
	{ "pairs", OPT_BOOL, F(pairs), "no", NULL, "phones 1 and 2, 3 and 4 ... all call at once" },
	{ "precondition", OPT_ENUM, F(precondition), "default", tri_names,
	  "QoS preconditions at both ends" },
	{ "rel100", OPT_ENUM, F(rel100), "default", tri_names, "reliable provisional responses" },
	{ "media", OPT_ENUM, F(media), "default", tri_names, "RTP in both directions" },
	{ "codec", OPT_ENUM, F(codec), "default", codec_names, "codec to offer first" },
	{ "session_expires", OPT_UINT, F(session_expires), "0", NULL,
	  "Session-Expires, seconds; 0: the phone's own" },
	{ "max_loss", OPT_REAL, F(max_loss), "1", NULL,
	  "most RTP loss in percent, each direction" },
	{ "min_mos", OPT_REAL, F(min_mos), "0", NULL, "least MOS, each direction" },
	{ "max_delay", OPT_TIME, F(max_delay), "0", NULL,
	  "most one-way delay at the 95th percentile; 0: any" },
	{ "rate", OPT_REAL, F(rate), "0", NULL, "so many phones a second; 0: all at once" },
	{ "window", OPT_UINT, F(window), "0", NULL,
	  "so many phones or calls at once that are not there yet (or, at the end, not gone yet); 0: any" },
	{ "together", OPT_BOOL, F(together), "no", NULL,
	  "the talk of all calls is over when they were all up for that long" },
	{ "count", OPT_UINT, F(count), "1", NULL,
	  "so many packets, bearer requests, bearers or pagings" },
	{ "seqs", OPT_UINT, F(seqs), "1000", NULL, "put the SIM so many SEQ ahead of the network" },
	{ "sas", OPT_UINT, F(sas), "4294967295", NULL,
	  "number of SAs that must be there; default: any" },
	{ "calls", OPT_UINT, F(calls), "4294967295", NULL,
	  "number of calls that must be up; default: any" },
	{ "notifies", OPT_UINT, F(notifies), "0", NULL, "least number of NOTIFYs so far" },
	{ "expires", OPT_UINT, F(expires), "0", NULL,
	  "registration lifetime to ask for; 0: the phone's own" },
	{ "wrong_res", OPT_BOOL, F(wrong_res), "no", NULL,
	  "answer the challenge with a wrong RES" },
	{ "cleartext", OPT_BOOL, F(cleartext), "no", NULL,
	  "send the first REGISTER outside of the SAs" },
	{ "apn", OPT_STR, F(apn), NULL, NULL, "access point name; default: the phone's" },
	{ "node", OPT_ENUM, F(node), "sgw1", node_names, "which node of the access side" },
	{ "pdn_type", OPT_ENUM, F(pdn_type), "default", pdn_names, "PDN type to ask for" },
	{ "paa", OPT_STR, F(paa), NULL, NULL, "static address to ask for; default: the phone's" },
	{ "emergency", OPT_BOOL, F(emergency), "no", NULL, "to the APN sos" },
	{ "no_imsi", OPT_BOOL, F(no_imsi), "no", NULL, "without IMSI, by the IMEI alone" },
	{ "no_pcscf", OPT_BOOL, F(no_pcscf), "no", NULL, "do not ask for a P-CSCF" },
	{ "rat", OPT_ENUM, F(rat), "default", rat_names, "new RAT type" },
	{ "tac", OPT_UINT, F(tac), "0", NULL, "new tracking area; 0: the same" },
	{ "eci", OPT_UINT, F(eci), "0", NULL, "new cell; 0: the same" },
	{ "qci", OPT_UINT, F(qci), "0", NULL, "QCI to ask for or to look for; 0: any" },
	{ "gbr", OPT_UINT, F(gbr), "0", NULL,
	  "guaranteed bit rate in kbit/s, to ask for, or at least; each direction" },
	{ "ambr", OPT_UINT, F(ambr), "50000", NULL, "APN-AMBR in kbit/s, each direction" },
	{ "ebi", OPT_UINT, F(ebi), "0", NULL,
	  "EPS bearer identity; 0: the dedicated one with the lowest" },
	{ "filter", OPT_STR, F(filter), NULL, NULL,
	  "IPFilterRule, out: towards the phone, which is \"assigned\"; none: the bearer is released" },
	{ "request", OPT_ENUM, F(request), "any", request_names,
	  "which requests of the PGW an order is for" },
	{ "answer", OPT_ENUM, F(answer), "refuse", answer_names,
	  "what the SGW does with them; partial: all but the first bearer is refused; idle, paged: none: the phone does not hear it" },
	{ "cause", OPT_UINT, F(cause), "88", NULL, "GTPv2-C cause of a refusal" },
	{ "delay", OPT_TIME, F(delay), "1s", NULL,
	  "how late a late answer is, or that of an idle phone to its paging" },
	{ "bearer", OPT_ENUM, F(bearer), "default", tri_names,
	  "RTP must run on dedicated bearers; default: with phones that attach" },
	{ NULL, OPT_STR, 0, NULL, NULL, NULL },
};

const struct step_kind *const step_kinds[] = {
	&step_register,
	&step_reregister,
	&step_deregister,
	&step_subscribe,
	&step_call,
	&step_hangup,
	&step_hold,
	&step_resume,
	&step_update,
	&step_codec,
	&step_stop_media,
	&step_start_media,
	&step_dtmf,
	&step_message,
	&step_options,
	&step_send,
	&step_sqn,
	&step_wait,
	&step_expect,
	&step_run,
	&step_cleartext,
	&step_spoof,
	&step_wrong_sa,
	&step_wrong_port,
	&step_identity,
	&step_attach,
	&step_detach,
	&step_modify,
	&step_handover,
	&step_bearer_resource,
	&step_delete_bearer,
	&step_modify_qos,
	&step_suspend,
	&step_resume_pdn,
	&step_change_notification,
	&step_sgw_restart,
	&step_order,
	&step_bearers,
	&step_path,
	&step_idle,
	&step_paged,
	NULL,
};

/* '-' and '_' are the same. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
			return false;
	}
	return *a == *b;
}

const struct step_kind *step_kind_find(const char *name)
{
	for (size_t i = 0; step_kinds[i]; i++) {
		if (same_name(step_kinds[i]->name, name))
			return step_kinds[i];
	}
	return NULL;
}

/* --- building --- */

int step_new(const struct step_kind *kind, enum step_group g, struct step **ret)
{
	struct step *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->kind = kind;
	s->group = g;
	opt_defaults(step_opts, &s->a);
	*ret = s;
	return 0;
}

static void drop_priv(struct step *s);

void step_free(struct step *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_child; i++)
		step_free(s->child[i]);
	free(s->child);
	opt_free(step_opts, &s->a);
	json_decref(s->detail);
	drop_priv(s);
	free(s);
}

int step_add(struct step *group, struct step *child)
{
	struct step **grown = reallocarray(group->child, group->n_child + 1, sizeof(struct step *));

	if (!grown)
		return -ENOMEM;
	group->child = grown;
	grown[group->n_child++] = child;
	child->parent = group;
	return 0;
}

static bool key_allowed(const struct step *s, const char *name)
{
	struct str keys = str_of(s->kind->keys), k;

	if (!strcmp(name, "name") || !strcmp(name, "timeout"))
		return true;
	while (str_split(&keys, ' ', &k)) {
		if (str_eqz(k, name))
			return true;
	}
	return false;
}

int step_set(struct step *s, const char *key, const char *value, char *err, size_t errsize)
{
	const struct opt *o = opt_find(step_opts, key);

	if (!o || !key_allowed(s, o->name)) {
		snprintf(err, errsize, "%s takes no \"%s\"; it takes: name timeout %s",
			 s->kind->name, key, s->kind->keys);
		return -ENOENT;
	}
	if (!strcmp(o->name, "ring"))
		s->a.has_ring = true;
	return opt_set(step_opts, &s->a, key, value, err, errsize);
}

int scenario_new(struct ue *ue, struct scenario **ret)
{
	struct scenario *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return -ENOMEM;
	sc->ue = ue;
	if (step_new(NULL, GROUP_SEQUENCE, &sc->root)) {
		free(sc);
		return -ENOMEM;
	}
	*ret = sc;
	return 0;
}

void scenario_free(struct scenario *sc)
{
	if (!sc)
		return;
	step_free(sc->root);
	free(sc->title);
	free(sc);
}

static void make_title(struct step *s)
{
	const struct step_args *a = &s->a;

	if (a->name)
		snprintf(s->title, sizeof(s->title), "%s", a->name);
	else if (strstr(s->kind->keys, "from") && !a->pairs)
		snprintf(s->title, sizeof(s->title), "%s %s to %s", s->kind->name, a->from, a->to);
	else if (a->phone)
		snprintf(s->title, sizeof(s->title), "%s %s", s->kind->name, a->phone);
	else
		snprintf(s->title, sizeof(s->title), "%s", s->kind->name);
}

static void finish_tree(struct scenario *sc, struct step *s)
{
	s->sc = sc;
	if (s->kind) {
		s->number = ++sc->n_leaves;
		make_title(s);
		sc->title_width = MAX(sc->title_width, strlen(s->title));
	}
	for (size_t i = 0; i < s->n_child; i++)
		finish_tree(sc, s->child[i]);
}

void scenario_finish(struct scenario *sc)
{
	sc->n_leaves = 0;
	finish_tree(sc, sc->root);
}

/* --- running --- */

static void start(struct step *s);

struct loop *step_loop(const struct step *s)
{
	return s->sc->ue->loop;
}

static void count(struct scenario *sc, enum verdict v)
{
	switch (v) {
	case STEP_HELD:
		sc->held++;
		break;
	case STEP_FAILED:
		sc->failed++;
		sc->broken = sc->broken || !sc->keep_going;
		break;
	case STEP_SKIPPED:
		sc->skipped++;
		break;
	case STEP_WAITING:
	case STEP_RUNNING:
		break;
	}
}

static void skip_tree(struct step *s)
{
	if (s->kind && s->verdict == STEP_WAITING) {
		s->verdict = STEP_SKIPPED;
		count(s->sc, STEP_SKIPPED);
		report_step_end(s->sc->ue->report, s);
	}
	for (size_t i = 0; i < s->n_child; i++)
		skip_tree(s->child[i]);
}

static void reset_tree(struct step *s)
{
	if (s->kind) {
		s->verdict = STEP_WAITING;
		json_decref(s->detail);
		s->detail = NULL;
		s->seen[0] = '\0';
	}
	s->rounds = 0;
	for (size_t i = 0; i < s->n_child; i++)
		reset_tree(s->child[i]);
}

static void group_start(struct step *g)
{
	g->at = g->n_ended = 0;
	if (g->group == GROUP_PARALLEL) {
		for (size_t i = 0; i < g->n_child; i++)
			start(g->child[i]);
	} else if (g->n_child) {
		start(g->child[0]);
	}
}

static void ended(struct step *s);

static void group_ended(struct step *g)
{
	if (++g->rounds < g->repeat && !g->sc->broken) {
		uint32_t rounds = g->rounds;

		reset_tree(g);
		g->rounds = rounds;
		group_start(g);
		return;
	}
	if (g->parent)
		ended(g);
	else if (g->sc->done)
		g->sc->done(g->sc);
}

/* s, a leaf or a group, is over: what does its parent do next? */
static void ended(struct step *s)
{
	struct step *g = s->parent;

	g->n_ended++;
	if (g->n_ended == g->n_child) {
		group_ended(g);
	} else if (g->group == GROUP_SEQUENCE) {
		if (g->sc->broken) {
			for (size_t i = g->at + 1; i < g->n_child; i++)
				skip_tree(g->child[i]);
			group_ended(g);
			return;
		}
		start(g->child[++g->at]);
	}
}

static void drop_priv(struct step *s)
{
	if (s->kind && s->kind->clean)
		s->kind->clean(s);
	free(s->priv);
	s->priv = NULL;
}

static void on_later(struct timer *t)
{
	struct step *s = container_of(t, struct step, later);

	drop_priv(s);
	report_step_end(s->sc->ue->report, s);
	ended(s);
}

static void end_with(struct step *s, bool held)
{
	struct loop *l = step_loop(s);

	timer_stop(l, &s->limit);
	timer_stop(l, &s->tick);
	s->verdict = held ? STEP_HELD : STEP_FAILED;
	s->ended = loop_now(l);
	count(s->sc, s->verdict);
	s->later.fn = on_later;
	timer_start(l, &s->later, 0);
}

void step_end(struct step *s, bool held, const char *fmt, ...)
{
	va_list ap;

	if (s->verdict != STEP_RUNNING)
		return;
	va_start(ap, fmt);
	vsnprintf(s->seen, sizeof(s->seen), fmt, ap);
	va_end(ap);
	end_with(s, held);
}

void step_expects(struct step *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->expected, sizeof(s->expected), fmt, ap);
	va_end(ap);
}

static void on_limit(struct timer *t)
{
	struct step *s = container_of(t, struct step, limit);
	char progress[128] = "";

	if (s->kind->tick)
		s->kind->tick(s, progress, sizeof(progress));
	if (s->kind->abort)
		s->kind->abort(s);
	step_end(s, false, "nothing within the time limit%s%s", *progress ? "; " : "", progress);
}

static void on_tick(struct timer *t)
{
	struct step *s = container_of(t, struct step, tick);
	char text[128] = "";

	if (s->kind->tick)
		s->kind->tick(s, text, sizeof(text));
	report_progress(s->sc->ue->report, s, text);
	timer_start(step_loop(s), &s->tick, TICK_USEC);
}

static void leaf_start(struct step *s)
{
	uint64_t limit = s->a.timeout ? s->a.timeout : s->kind->timeout;
	struct loop *l = step_loop(s);

	s->verdict = STEP_RUNNING;
	s->began = loop_now(l);
	if (s->a.expect)
		step_expects(s, "%s", s->a.expect);
	s->limit.fn = on_limit;
	s->tick.fn = on_tick;
	if (limit)
		timer_start(l, &s->limit, limit);
	timer_start(l, &s->tick, TICK_USEC);
	s->kind->start(s); /* says what it expects */
	report_step_begin(s->sc->ue->report, s);
}

static void start(struct step *s)
{
	if (s->kind)
		leaf_start(s);
	else if (s->n_child)
		group_start(s);
	else if (s->parent)
		ended(s);
	else if (s->sc->done)
		s->sc->done(s->sc);
}

void scenario_start(struct scenario *sc)
{
	report_begin(sc->ue->report, sc->title ? sc->title : "kims-ue", sc->n_leaves,
		     sc->title_width);
	start(sc->root);
}

static void abort_tree(struct step *s, const char *why)
{
	if (s->kind && s->verdict == STEP_RUNNING) {
		if (s->kind->abort)
			s->kind->abort(s);
		step_end(s, false, "%s", why);
	}
	for (size_t i = 0; i < s->n_child; i++)
		abort_tree(s->child[i], why);
}

void scenario_abort(struct scenario *sc, const char *why)
{
	sc->broken = true;
	sc->keep_going = false;
	abort_tree(sc->root, why);
}

const char *step_verdict_name(enum verdict v)
{
	switch (v) {
	case STEP_WAITING:
		return "waiting";
	case STEP_RUNNING:
		return "running";
	case STEP_HELD:
		return "held";
	case STEP_FAILED:
		return "FAILED";
	case STEP_SKIPPED:
		return "skipped";
	}
	return "";
}

/* --- phones --- */

static bool take_range(const struct ue *ue, struct str w, struct phone **dst, size_t *n)
{
	struct str rest = w, first;
	uint64_t a, b;

	if (!str_split(&rest, '-', &first) || str_to_u64(str_trim(first), ue->n_phones, &a) || !a)
		return false;
	b = a;
	if (rest.p && str_to_u64(str_trim(rest), ue->n_phones, &b))
		return false;
	for (; a <= b; a++)
		dst[(*n)++] = ue->phones[a - 1];
	return true;
}

static bool take_name(const struct ue *ue, struct str w, struct phone **dst, size_t *n)
{
	for (size_t i = 0; i < ue->n_phones; i++) {
		if (str_eqz(w, ue->phones[i]->name)) {
			dst[(*n)++] = ue->phones[i];
			return true;
		}
	}
	return false;
}

int step_phones(struct step *s, const char *text, struct phone ***ret, size_t *ret_n)
{
	const struct ue *ue = s->sc->ue;
	struct str list = str_of(text ? text : "all"), w;
	size_t words = 1, n = 0;
	struct phone **all;

	for (const char *q = list.p; *q; q++)
		words += *q == ',';
	all = calloc(words * ue->n_phones + 1, sizeof(struct phone *));
	while (all && str_split(&list, ',', &w)) {
		w = str_trim(w);
		if (str_eqz(w, "all")) {
			for (size_t i = 0; i < ue->n_phones; i++)
				all[n++] = ue->phones[i];
		} else if (!take_name(ue, w, all, &n) && !take_range(ue, w, all, &n)) {
			step_end(s, false, "there is no phone %.*s", STR_FMT(w));
			free(all);
			return -ENOENT;
		}
	}
	if (!all || !n) {
		free(all);
		step_end(s, false, all ? "there is no phone" : "out of memory");
		return -ENOENT;
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

struct phone *step_phone(struct step *s, const char *text)
{
	_cleanup_free_ struct phone **list = NULL;
	size_t n;

	if (step_phones(s, text, &list, &n))
		return NULL;
	if (n == 1)
		return list[0];
	step_end(s, false, "one phone is needed, \"%s\" is %zu", text ? text : "all", n);
	return NULL;
}
