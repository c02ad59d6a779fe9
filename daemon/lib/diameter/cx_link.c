// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cx over the node (TS 29.228 6, TS 29.229 5): the calls of call.h with the types of ref/cx.h.
 */
#include "lib/diameter/cx_link.h"

#include "lib/diameter/node.h"
#include "ref/cx_tables.h"

const struct dia_app cx_app = {
	.name = "Cx",
	.id = CX_APP_ID,
	.vendor = CX_VENDOR,
	.dict = &cx_dict,
	.find = cx_find_command,
	.first = CX_UAR,
	.last = CX_PPR,
	.env = ie_env_rules,
	.session_state = 1, /* NO_STATE_MAINTAINED */
};

/* --- sending --- */

#define SEND(lower)                                                                            \
	static void lower##a_done(void *arg, const struct ie_env *env _unused_, const void *a) \
	{                                                                                      \
		const struct dia_done *done = arg;                                             \
                                                                                               \
		((cx_##lower##a_fn)done->typed)(done->arg, a);                                 \
	}                                                                                      \
	int cx_send_##lower##r(struct dia *d, const char *dest, const struct cx_##lower##r *r, \
			       cx_##lower##a_fn fn, void *arg)                                 \
	{                                                                                      \
		struct dia_done done = { lower##a_done, arg, (void (*)(void))fn };             \
                                                                                               \
		return dia_request(d, &cx_app, &cx_##lower##r_cmd,                             \
				   &(struct dia_to){ .host = dest }, r, done);                 \
	}
SEND(ua)
SEND(ma)
SEND(sa)
SEND(li)
SEND(rt)
SEND(pp)

/* --- serving --- */

#define ANSWER(lower)                                                             \
	int cx_answer_##lower(struct dia_token *t, const struct cx_##lower##a *a) \
	{                                                                         \
		return dia_answer(t, &cx_##lower##a_cmd, a, NULL);                \
	}
ANSWER(ua)
ANSWER(ma)
ANSWER(sa)
ANSWER(li)
ANSWER(rt)
ANSWER(pp)

#define SERVE(lower)                                   \
	if (!o->lower)                                 \
		return false;                          \
	o->lower(arg, t, env->origin_host, &r->lower); \
	return true

static bool serve(void *cx, struct dia_token *t, const struct ie_command *cmd,
		  const struct ie_env *env, void *in)
{
	const struct cx_server *s = cx;
	const struct cx_server_ops *o = s->ops;
	union cx_any *r = in;
	void *arg = s->arg;

	switch ((enum cx_command)cmd->code) {
	case CX_UAR:
		SERVE(uar);
	case CX_MAR:
		SERVE(mar);
	case CX_SAR:
		SERVE(sar);
	case CX_LIR:
		SERVE(lir);
	case CX_RTR:
		r->rtr.destination_host = env->dest_host;
		SERVE(rtr);
	case CX_PPR:
		r->ppr.destination_host = env->dest_host;
		SERVE(ppr);
	}
	return false;
}

void cx_serve(struct dia *d, const struct cx_server_ops *ops, void *arg)
{
	d->cx = (struct cx_server){ ops, arg };
	dia_serve(d, &cx_app, serve, &d->cx);
}
