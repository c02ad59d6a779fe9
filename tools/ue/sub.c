// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SUBSCRIBE to the "reg" event and its NOTIFYs.
 *
 * A NOTIFY may come before the 200 to SUBSCRIBE (RFC 6665 4.1.2.4): it is matched by Call-ID and
 * our tag, and the dialog is made from whichever is first.
 */
#include "sub.h"

#include <stdio.h>

#include "reg.h"
#include "reginfo.h"
#include "report.h"

#define EXPIRES		 600000
#define NOTIFY_WAIT_USEC (32 * USEC_PER_SEC)

struct sub {
	struct phone *p;
	struct sip_dlg *dlg;
	char *call_id, *tag;
	struct sip_ctx *ctx;
	bool busy, active, ending;
	struct timer wait, report;
	struct sub_result res;
	sub_done_fn done;
	void *arg;
	uint64_t started;
};

static void on_report(struct timer *t)
{
	struct sub *s = container_of(t, struct sub, report);
	sub_done_fn done = s->done;

	s->done = NULL;
	if (done)
		done(s->arg, s->p, &s->res);
}

static void finish(struct sub *s, int err)
{
	if (!s->busy)
		return;
	s->busy = false;
	timer_stop(s->p->ue->loop, &s->wait);
	s->res.err = err;
	s->res.active = s->active;
	s->res.usec = loop_now(s->p->ue->loop) - s->started;
	timer_start(s->p->ue->loop, &s->report, 0);
}

static void on_wait(struct timer *t)
{
	finish(container_of(t, struct sub, wait), -ETIMEDOUT);
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *resp, int err)
{
	struct sub *s = arg;
	int status = resp ? sip_msg_status(resp) : 0;

	if (resp && status < 200)
		return;
	s->ctx = NULL;
	s->res.status = status;
	if (!resp)
		finish(s, err);
	else if (status >= 300)
		finish(s, 0);
	else {
		if (!s->dlg)
			sip_dlg_uac(sip_ctx_request(t), resp, &s->dlg);
		if (s->active)
			finish(s, 0);
	}
}

/* --- SUBSCRIBE --- */

static void forget_dialog(struct sub *s)
{
	sip_dlg_free(s->dlg);
	s->dlg = NULL;
	free(s->call_id);
	free(s->tag);
	s->call_id = s->tag = NULL;
	s->active = s->ending = false;
}

static int add_headers(struct sub *s, struct sip_msg *m)
{
	char contact[PHONE_URI_MAX];
	int r;

	phone_contact(s->p, s->p->current, contact);
	r = sip_msg_set(m, SIP_H_CONTACT, "%s", contact);
	if (!r)
		r = sip_msg_set(m, SIP_H_EVENT, "reg");
	if (!r)
		r = sip_msg_set(m, SIP_H_EXPIRES, "%u", EXPIRES);
	return r ? r : sip_msg_set(m, SIP_H_ACCEPT, "application/reginfo+xml");
}

int sub_start(struct phone *p, sub_done_fn done, void *arg)
{
	struct sub *s = p->sub;
	_cleanup_msg_ struct sip_msg *m = NULL;
	int r;

	if (s->busy || timer_running(&s->report))
		return -EBUSY;
	forget_dialog(s);
	m = phone_new_request(p, "SUBSCRIBE", phone_identity(p));
	if (!m)
		return -ENOMEM;
	s->call_id = str_dup(sip_msg_call_id(m));
	s->tag = str_dup(sip_msg_from_tag(m));
	r = s->call_id && s->tag ? add_headers(s, m) : -ENOMEM;
	if (r)
		return r;
	memset(&s->res, 0, sizeof(s->res));
	s->done = done;
	s->arg = arg;
	s->started = loop_now(p->ue->loop);
	r = phone_request(p, m, on_response, s, &s->ctx);
	if (r)
		return r;
	s->busy = true;
	timer_start(p->ue->loop, &s->wait, NOTIFY_WAIT_USEC);
	return 0;
}

/* --- NOTIFY --- */

static bool is_ours(const struct sub *s, const struct sip_msg *m)
{
	return s->call_id && str_eqz(sip_msg_call_id(m), s->call_id) &&
	       str_eqz(sip_msg_to_tag(m), s->tag);
}

static void bare_contact(const struct phone *p, char dst[PHONE_URI_MAX])
{
	size_t n;

	phone_contact(p, p->current, dst);
	n = strlen(dst);
	memmove(dst, dst + 1, n);
	if (n >= 2)
		dst[n - 2] = '\0';
}

static void network_ended(struct sub *s, const char *event)
{
	char why[64];

	if (s->ending || !reg_is_registered(s->p->reg))
		return;
	snprintf(why, sizeof(why), "network: %s", *event ? event : "terminated");
	reg_network_ended(s->p, why);
}

static void take_state(struct sub *s, const struct reginfo *i, struct str state)
{
	bool over = str_has_prefix(state, STR("terminated"));

	s->active = !over && i->contact_active;
	report_phone(s->p, "notify",
		     json_pack("{s:i, s:b, s:i, s:b, s:s, s:s%}", "version", (int)i->version,
			       "full", i->full, "registrations", (int)i->registrations,
			       "contact_active", i->contact_active, "contact_event",
			       i->contact_event, "subscription", state.p ? state.p : "", state.n));
	if ((i->contact_seen && !i->contact_active) || (i->registrations && !i->active))
		network_ended(s, i->contact_event);
	if (over)
		s->active = false;
}

void sub_notify(struct phone *p, struct sip_stx *stx, struct sip_msg *m)
{
	struct sub *s = p->sub;
	char contact[PHONE_URI_MAX];
	struct reginfo info;

	if (!is_ours(s, m)) {
		phone_reply(p, stx, 481, NULL);
		return;
	}
	phone_reply(p, stx, 200, NULL);
	s->res.notifies++;
	bare_contact(p, contact);
	if (!reginfo_read(sip_msg_body(m), contact, &info))
		take_state(s, &info, sip_msg_value(m, SIP_H_SUBSCRIPTION_STATE));
	if (s->active && s->res.status)
		finish(s, 0);
}

/* --- the rest --- */

void sub_expect_end(struct sub *s)
{
	s->ending = true;
}

bool sub_is_active(const struct sub *s)
{
	return s->active;
}

unsigned int sub_notifies(const struct sub *s)
{
	return s->res.notifies;
}

int sub_new(struct phone *p, struct sub **ret)
{
	struct sub *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->p = p;
	s->wait.fn = on_wait;
	s->report.fn = on_report;
	*ret = s;
	return 0;
}

void sub_stop(struct sub *s)
{
	if (!s)
		return;
	timer_stop(s->p->ue->loop, &s->wait);
	timer_stop(s->p->ue->loop, &s->report);
	if (s->ctx)
		phone_detach(s->p, s->ctx);
	s->ctx = NULL;
}

void sub_abandon(struct sub *s)
{
	s->done = NULL;
}

void sub_free(struct sub *s)
{
	if (!s)
		return;
	forget_dialog(s);
	free(s);
}
