/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of a scenario: what each kind takes (one option table for all), and the run of a tree of
 * them: sequences, parallel groups, repetitions.
 *
 * Invariants: a started step ends exactly once, by step_end() or by its time limit; step_end() may
 * be called from anywhere, the next step starts from the loop. After a step that failed the rest
 * is skipped, unless the scenario keeps going.
 */
#ifndef KIMS_UE_STEP_H
#define KIMS_UE_STEP_H

#include <jansson.h>

#include "phone.h"

enum verdict { STEP_WAITING, STEP_RUNNING, STEP_HELD, STEP_FAILED, STEP_SKIPPED };
enum tri { TRI_DEFAULT, TRI_YES, TRI_NO };
enum hangup_by { HANGUP_FROM, HANGUP_TO, HANGUP_NONE };

struct step_args {
	char *name, *phone, *from, *to, *as, *expect, *text, *method, *uri, *impu, *event, *command;
	uint64_t duration, timeout, cancel_after, ring, hold;
	uint32_t reject, count, seqs, sas, calls, expires, session_expires, notifies;
	int precondition, media, rel100, hangup, codec;
	bool wrong_res, cleartext, never, pairs, together, has_ring, keep_server_port;
	uint32_t window;
	double rate, max_loss, min_mos;
	uint64_t max_delay;
	/* attachment (step_gtp.c) */
	char *apn, *paa, *filter;
	int node, pdn_type, request, answer, rat, bearer;
	bool emergency, no_imsi, no_pcscf;
	uint32_t qci, gbr, ebi, tac, eci, cause, ambr;
	uint64_t delay;
};

struct step;

struct step_kind {
	const char *name;
	const char *keys; /* of step_opts, separated by spaces, besides "name" and "timeout" */
	const char *doc;
	uint64_t timeout; /* usec; 0: none */
	void (*start)(struct step *s);
	void (*tick)(struct step *s, char *text,
		     size_t size); /* progress, about once a second; may be NULL */
	void (*abort)(
		struct step
			*s); /* time limit: nothing may call step_end() afterwards; may be NULL */
	void (*clean)(struct step *s); /* frees what priv points at, after the end; may be NULL */
};

enum step_group { GROUP_NONE, GROUP_SEQUENCE, GROUP_PARALLEL };

struct scenario;

struct step {
	const struct step_kind *kind; /* NULL: a group */
	enum step_group group;
	struct step **child;
	size_t n_child, n_ended, at;
	uint32_t repeat; /* groups: times to run; 0 and 1: once */
	uint32_t rounds;
	struct step *parent;
	struct scenario *sc;
	struct step_args a;
	unsigned int number; /* of leaves, from 1 */
	int line;	     /* in the scenario file; 0: command line */
	char title[64], expected[64], seen[400];
	enum verdict verdict;
	uint64_t began, ended;
	json_t *detail;
	struct timer limit, tick, later;
	void *priv; /* kind's own; freed with free() at the step's end */
};

struct scenario {
	struct ue *ue;
	char *title;
	struct step *root;
	bool keep_going;
	bool broken; /* a step failed: skip the rest */
	size_t title_width;
	unsigned int n_leaves, held, failed, skipped;
	void (*done)(struct scenario *sc);
};

extern const struct opt step_opts[];
extern const struct step_kind *const step_kinds[]; /* ends with NULL */
extern const struct step_kind step_register, step_reregister, step_deregister, step_subscribe;
extern const struct step_kind step_call, step_hangup, step_hold, step_resume, step_update,
	step_codec, step_stop_media, step_start_media, step_dtmf;
extern const struct step_kind step_wait, step_expect, step_message, step_options, step_send,
	step_sqn, step_run;
extern const struct step_kind step_attach, step_detach, step_modify, step_handover,
	step_bearer_resource, step_delete_bearer, step_modify_qos, step_suspend, step_resume_pdn,
	step_change_notification, step_sgw_restart, step_order, step_bearers, step_path, step_idle,
	step_paged;
extern const struct step_kind step_cleartext, step_spoof, step_wrong_sa, step_wrong_port,
	step_identity;

const struct step_kind *step_kind_find(const char *name);
int step_new(const struct step_kind *kind, enum step_group g,
	     struct step **ret); /* kind NULL: group */
void step_free(struct step *s);
int step_add(struct step *group, struct step *child);
/* One argument; -ENOENT, -EINVAL with a sentence. */
int step_set(struct step *s, const char *key, const char *value, char *err, size_t errsize);

int scenario_new(struct ue *ue, struct scenario **ret);
void scenario_free(struct scenario *sc);
/* Numbers the steps; call when all are added. */
void scenario_finish(struct scenario *sc);
void scenario_start(struct scenario *sc);
void scenario_abort(struct scenario *sc,
		    const char *why); /* fails what runs, skips the rest, calls done */

void step_expects(struct step *s, const char *fmt, ...) _printf_(2, 3);
void step_end(struct step *s, bool held, const char *fmt, ...) _printf_(3, 4);
const char *step_verdict_name(enum verdict v);
struct loop *step_loop(const struct step *s);

/* "all", "1", "1,3", "2-5", names; malloc'd array. -ENOENT with the step ended as failed. */
int step_phones(struct step *s, const char *text, struct phone ***ret, size_t *ret_n);
struct phone *step_phone(struct step *s,
			 const char *text); /* exactly one; NULL: step ended as failed */

#endif
