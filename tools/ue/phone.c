// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of a phone: from its configuration to open sockets, and back.
 */
#include "phone.h"

#include <stdio.h>

#include "call.h"
#include "lib/core/log.h"
#include "reg.h"
#include "sgw.h"
#include "sub.h"

int phone_open_ep(struct phone *p, struct sip_ep_opts *o, struct sip_ep **ret)
{
	struct sip_timers t = { p->conf.t1_ms, 8 * p->conf.t1_ms, 17 * p->conf.t1_ms / 2 };
	_cleanup_netns_ int back = netns_enter(&p->ns);
	int r;

	if (back < -1)
		return back + 1;
	o->user = p;
	r = sip_ep_open(p->ue->tp, o, ret);
	if (!r)
		sip_stack_set_timers(p->ue->stack, *ret, &t);
	return r;
}

static int open_plain(struct phone *p, char *err, size_t errsize)
{
	struct sip_ep_opts o = {
		.name = "plain", .local = p->local, .tcp = true, .rcvbuf = 1 << 18
	};
	char a[SIP_SA_STRLEN];
	int r;

	sip_sa_set_port(&o.local, (uint16_t)p->conf.port);
	r = phone_open_ep(p, &o, &p->plain);
	if (r == -EADDRINUSE) { /* several phones on one address */
		sip_sa_set_port(&o.local, 0);
		r = phone_open_ep(p, &o, &p->plain);
	}
	if (r)
		snprintf(err, errsize, "cannot listen on %s: %s", sip_sa_str(&o.local, a),
			 strerror(-r));
	return r;
}

static int open_xfrm(struct phone *p, char *err, size_t errsize)
{
	_cleanup_netns_ int back = -1;
	int r;

	if (!p->conf.ipsec)
		return 0;
	back = netns_enter(&p->ns);
	if (back < -1)
		return back + 1;
	r = knl_xfrm_open(&p->xfrm);
	if (r)
		snprintf(err, errsize,
			 "IPsec needs CAP_NET_ADMIN and XFRM in the kernel: %s; or say ipsec: no",
			 strerror(-r));
	return r;
}

static int set_up(struct phone *p, char *err, size_t errsize)
{
	int r;

	p->attaches = p->conf.apn && *p->conf.apn;
	p->online = !p->attaches;
	p->own_pcscf = p->conf.pcscf && *p->conf.pcscf;
	r = phone_conf_complete(&p->conf, err, errsize);
	if (!r)
		r = sim_init(&p->sim, &p->conf, err, errsize);
	if (r)
		return r;
	r = netns_open(p->conf.netns, &p->ns);
	if (r) {
		snprintf(err, errsize, "network namespace %s: %s", p->conf.netns, strerror(-r));
		return r;
	}
	if (!p->attaches)
		r = phone_locate(p, err, errsize);
	if (!r && !p->attaches)
		r = open_plain(p, err, errsize);
	if (!r)
		r = open_xfrm(p, err, errsize);
	if (!r)
		r = reg_new(p, &p->reg);
	return r ? r : sub_new(p, &p->sub);
}

int phone_new(struct ue *ue, struct phone_conf *conf, unsigned int number, struct phone **ret,
	      char *err, size_t errsize)
{
	struct phone *p = calloc(1, sizeof(*p));
	char why[400] = "out of memory";
	int r;

	if (!p)
		return -ENOMEM;
	p->ue = ue;
	p->number = number;
	p->ns.fd = -1;
	p->conf = *conf;
	memset(conf, 0, sizeof(*conf));
	snprintf(p->name, sizeof(p->name), "%s", p->conf.name ? p->conf.name : "");
	if (!*p->name)
		snprintf(p->name, sizeof(p->name), "ue%u", number);
	p->rtp_next = p->conf.rtp_port;
	r = set_up(p, why, sizeof(why));
	if (r) {
		snprintf(err, errsize, "phone %s: %s", p->name, why);
		phone_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

/* --- a phone that attaches --- */

/* Transactions may still point at what the phone had at another address: it stays for a while. */
static void put_plain_away(struct phone *p)
{
	struct sip_ep **oldest = &p->closed[p->n_closed++ % ARRAY_SIZE(p->closed)];

	if (*oldest)
		sip_ep_close(*oldest);
	*oldest = p->plain;
	p->plain = NULL;
}

int phone_online(struct phone *p, const struct pdn *n, char *err, size_t errsize)
{
	union sip_sa was = p->local;
	int r = 0;

	if (p->own_pcscf)
		r = phone_locate(p, err, errsize);
	else if (!pdn_sip_addresses(n, p->conf.family, p->conf.pcscf_port, &p->local, &p->pcscf))
		return 0; /* an APN without IMS */
	p->online = !r;
	if (r || (p->plain && sip_sa_host_eq(&was, &p->local)))
		return r;
	if (p->plain)
		put_plain_away(p);
	return open_plain(p, err, errsize);
}

void phone_offline(struct phone *p)
{
	if (!p->online)
		return;
	p->online = false;
	call_lost_all(p);
	reg_network_ended(p, "the phone has no address any more");
}

void phone_forget_set(struct phone *p, struct sa_set *s)
{
	if (p->current == s)
		p->current = NULL;
	if (p->reg)
		reg_forget_set(p->reg, s);
}

void phone_shutdown(struct phone *p)
{
	call_free_all(p);
	if (p->ue->access)
		access_forget(p);
	sub_stop(p->sub);
	reg_stop(p->reg);
	while (p->sets)
		sa_remove(p->sets);
}

void phone_free(struct phone *p)
{
	if (!p)
		return;
	while (p->sets)
		sa_destroy(p->sets);
	while (p->retired)
		sa_destroy(p->retired);
	reg_free(p->reg);
	sub_free(p->sub);
	phone_free_sent(p);
	sip_ep_close(p->plain);
	for (size_t i = 0; i < ARRAY_SIZE(p->closed); i++)
		sip_ep_close(p->closed[i]);
	knl_xfrm_close(p->xfrm);
	sim_fini(&p->sim);
	netns_close(&p->ns);
	opt_free(phone_opts, &p->conf);
	free(p);
}
