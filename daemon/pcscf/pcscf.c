// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The P-CSCF's beginning and end, and who gets what comes in.
 *
 * TS 24.229 4.1, 5.2.1; the procedures are in the files named in pcscf.h. Invariant: ports are
 * protected in the kernel before anything listens on them, and what a former run left is read back before the
 * first message is taken.
 */
#include <stdarg.h>
#include <sys/random.h>
#include <utlist.h>

#include "pcscf/pcscf.h"

/* --- shared by all files --- */

METRIC_COUNTER(m_refused, "kims_pcscf_refused_total", "requests refused by a procedure");

void refuse(struct pcscf *p, struct sip_stx *stx, const struct reg *r, int status, const char *fmt,
	    ...)
{
	const struct sip_msg *m = sip_stx_request(stx);
	char why[256], who[SIP_SA_STRLEN];
	va_list ap;

	(void)p;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	metric_register(&m_refused);
	metric_inc(&m_refused);
	log_notice("%s: %.*s refused with %d: %s",
		   r ? r->impi : sip_sa_str(&sip_stx_from(stx)->peer, who),
		   STR_FMT(sip_msg_method_name(m)), status, why);
	sip_stx_reply(stx, status, NULL, why);
}

void pending_add(struct pcscf *p, struct pending *w, void (*drop)(struct pending *w))
{
	w->drop = drop;
	DL_APPEND(p->pending, w);
}

void pending_del(struct pcscf *p, struct pending *w)
{
	if (w->prev)
		DL_DELETE(p->pending, w);
	w->prev = NULL;
}

char *line_dup(struct str s)
{
	char *z = str_dup(s);

	for (char *c = z; c && *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	return z;
}

/* Unique without asking anybody: what is random of this run, and a number. */
void icid_make(struct pcscf *p, char dst[ICID_LEN])
{
	snprintf(dst, ICID_LEN, "%016llx%x", (unsigned long long)p->icid_boot,
		 (uint32_t)++p->icid_seq);
}

const char *visited_network(const struct pcscf *p)
{
	const struct conf_network *n = &p->conf->network;

	return n->visited && *n->visited ? n->visited : n->domain;
}

/* --- requests of our own --- */

struct core_req {
	struct pcscf *p;
	struct sip_msg *m;
	sip_ctx_fn fn;
	void *arg;
};

static void core_resolved(void *arg, const struct sip_hop *hops, size_t n, int err)
{
	struct core_req *c = arg;
	struct sip_path path = { .ep = c->p->mw.ep };
	struct sip_ctx *ctx;

	if (!err && !n)
		err = -ENOENT;
	if (!err) {
		path.proto = hops[0].proto;
		path.peer = hops[0].addr;
		err = sip_ctx_start(c->p->stack, c->m, &path, NULL, c->fn, c->arg, &ctx);
	}
	if (err)
		c->fn(c->arg, NULL, NULL, err);
	sip_msg_unref(c->m);
	free(c);
}

static struct str way_of(const struct sip_msg *m)
{
	struct sip_elem e = { 0 };
	struct sip_name_addr na;

	if (sip_msg_next_elem(m, SIP_H_ROUTE, &e) && !sip_name_addr_parse(e.text, &na))
		return na.uri;
	return sip_msg_ruri(m);
}

int core_send(struct pcscf *p, struct sip_msg *m, sip_ctx_fn fn, void *arg)
{
	struct core_req *c = malloc(sizeof(*c));
	struct sip_query *q;
	int r;

	if (!c) {
		sip_msg_unref(m);
		return -ENOMEM;
	}
	*c = (struct core_req){ p, m, fn, arg };
	r = sip_resolve(p->resolver, way_of(m), core_resolved, c, &q);
	if (r < 0) {
		sip_msg_unref(m);
		free(c);
	}
	return r;
}

/* --- what comes in --- */

static void on_request(void *arg, struct sip_stx *stx, struct sip_msg *m,
		       const struct sip_path *from)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	struct pcscf *p = arg;
	struct gm_bind *b;

	if (e->kind == EP_MW) {
		request_from_core(p, stx, m);
		return;
	}
	b = p->admit_msg == m ? p->admit_bind : gm_lookup(p, m, from);
	p->admit_msg = NULL;
	if (sip_msg_method(m) == SIP_M_REGISTER) {
		register_request(p, stx, m, from, b);
		return;
	}
	if (b)
		request_from_ue(p, stx, m, b);
	else if (stx)
		refuse(p, stx, NULL, 403, "Not registered");
}

/* A UE knows our branch and could send on what it likes to whom it likes: RFC 6026 7.3 drops it, too. */
static void on_stray(void *arg, struct sip_msg *m, const struct sip_path *from)
{
	const struct gm_ep *e = sip_ep_user(from->ep);
	struct pcscf *p = arg;

	if (e->kind == EP_MW)
		sip_proxy_stray_response(p->stack, m);
}

static const struct sip_stack_ops stack_ops = {
	.request = on_request,
	.stray_response = on_stray,
	.admit = gm_admit,
	.reply_path = gm_reply_path,
};

/* --- the kernel's events --- */

const char *gm_reason_str(enum knl_gm_reason r)
{
	switch (r) {
	case KNL_GM_CLEARTEXT:
		return "cleartext";
	case KNL_GM_WRONG_SA:
		return "wrong-sa";
	case KNL_GM_SPOOFED:
		return "spoofed-source";
	case KNL_GM_UNBOUND:
		return "unbound";
	case KNL_GM_WRONG_TUNNEL:
		return "wrong-tunnel";
	}
	return "?";
}

static void note_drop(struct pcscf *p, const struct knl_event *e)
{
	struct drop_note *n = &p->drops[p->n_drops++ % DROP_RING];
	char src[SIP_SA_STRLEN], dst[SIP_SA_STRLEN];

	n->time = loop_wall(p->loop);
	n->ev = *e;
	log_warn("Gm: %s packet from %s port %u to %s port %u dropped (%llu): under the SA of %s, "
		 "address of %s",
		 gm_reason_str(e->reason), gm_addr_str(&e->src.addr, src), e->src.port,
		 gm_addr_str(&e->dst.addr, dst), e->dst.port, (unsigned long long)e->count,
		 *e->sa_label ? e->sa_label : "nobody",
		 *e->victim_label ? e->victim_label : "nobody");
}

void pcscf_kernel_event(void *arg, const struct knl_event *e)
{
	struct pcscf *p = arg;

	switch (e->kind) {
	case KNL_EV_RTP_FIRST:
		session_media_event(p, e->cookie, e->flow_id, false);
		break;
	case KNL_EV_RTP_INACTIVE:
		session_media_event(p, e->cookie, e->flow_id, true);
		break;
	case KNL_EV_GM_DROP:
		note_drop(p, e);
		if (e->reason == KNL_GM_WRONG_TUNNEL)
			sa_wrong_tunnel(p, e);
		break;
	case KNL_EV_ESP_MAPPED:
		sa_mapped(p, e);
		break;
	case KNL_EV_RTP_DELETED: /* ours are known here before the event comes */
	case KNL_EV_RTP_LATCHED:
	case KNL_EV_RTP_DTMF:
	case KNL_EV_SA_DELETED:
		break;
	}
}

/* --- wiring --- */

static int add_host(struct pcscf *p, const char *host, const struct conf_addr *a, uint16_t port)
{
	union sip_sa sa = { 0 };

	if (!conf_sockaddr(a, port, &sa.ss))
		return 0;
	return sip_resolver_host(p->resolver, host, &sa);
}

static int add_named(struct pcscf *p, const char *name, const char *fallback,
		     const struct conf_addr *a, uint16_t port)
{
	char host[300];

	if (name && *name)
		return add_host(p, name, a, port);
	snprintf(host, sizeof(host), "%s.%s", fallback, p->conf->network.domain);
	return add_host(p, host, a, port);
}

/* What the configuration says of the network is known without asking DNS. */
static int static_names(struct pcscf *p)
{
	const struct conf *c = p->conf;
	int r;

	if (!c->network.static_names)
		return 0;
	r = add_host(p, c->network.domain, &c->icscf.addr, c->icscf.port);
	if (!r)
		r = add_named(p, c->icscf.name, "icscf", &c->icscf.addr, c->icscf.port);
	if (!r)
		r = add_named(p, c->scscf.name, "scscf", &c->scscf.addr, c->scscf.port);
	return r;
}

static int open_resolver(struct pcscf *p, char *err, size_t errsize)
{
	const struct conf *c = p->conf;
	union sip_sa dns = { 0 };
	bool have = conf_sockaddr(&c->network.dns, c->network.dns_port, &dns.ss);
	int r;

	r = sip_resolver_new(p->loop, have ? &dns : NULL, &p->resolver);
	if (!r) {
		sip_resolver_families(p->resolver, c->pcscf.mw.family == AF_INET6 ? 2 : 1,
				      c->pcscf.mw.family);
		r = static_names(p);
	}
	if (r < 0)
		snprintf(err, errsize, "resolver: %s", strerror(-r));
	return r;
}

static int open_stack(struct pcscf *p, struct sip_tp *tp, char *err, size_t errsize)
{
	const struct conf_network *n = &p->conf->network;
	const struct sip_timers t = { n->t1_ms, n->t2_ms, n->t4_ms };
	int r = 0;

	p->tp = tp;
	if (!tp)
		r = sip_tp_new(p->loop, p->conf->pcscf.max_message, &p->tp);
	if (!r)
		r = sip_stack_new(p->loop, p->tp, &stack_ops, p, &p->stack);
	if (r < 0) {
		snprintf(err, errsize, "SIP stack: %s", strerror(-r));
		return r;
	}
	sip_stack_set_timers(p->stack, NULL, &t);
	sip_stack_server_header(p->stack, "kims-pcscf/" KIMS_VERSION);
	return 0;
}

static int open_kernel(struct pcscf *p, const struct pcscf_opts *o, char *err, size_t errsize)
{
	int r;

	if (!p->conf->pcscf.kernel)
		return 0;
	p->kops = o->kops ? o->kops : &kern_real_ops;
	p->karg = o->karg;
	if (o->kops)
		return 0;
	r = kern_open(p->loop, pcscf_kernel_event, p, &p->kern, err, errsize);
	p->karg = p->kern;
	return r;
}

/* Every port is told apart by its number where addresses are the same; the second ones are not in the file. */
static int check_ports(const struct conf_pcscf *c, char *err, size_t errsize)
{
	const uint16_t port[] = { c->gm_port, c->mw_port,
				  c->port_ps, (uint16_t)(c->port_ps + 1),
				  c->port_pc, (uint16_t)(c->port_pc - 1) };

	for (size_t i = 0; i < ARRAY_SIZE(port); i++)
		for (size_t j = 0; j < i; j++)
			if (!port[i] || port[i] == port[j]) {
				snprintf(
					err, errsize,
					"pcscf.gm_port, mw_port, port_ps, port_ps + 1, port_pc and port_pc - 1 must differ: %u",
					port[i]);
				return -EINVAL;
			}
	return 0;
}

static int read_conf(struct pcscf *p, char *err, size_t errsize)
{
	const struct conf_pcscf *c = &p->conf->pcscf;
	char name[300];

	if (c->name && *c->name)
		snprintf(name, sizeof(name), "%s", c->name);
	else
		snprintf(name, sizeof(name), "pcscf.%s", p->conf->network.domain);
	p->name = strdup(name);
	if (!p->name)
		return -ENOMEM;
	if (check_ports(c, err, errsize) < 0)
		return -EINVAL;
	if (sec_policy_read(c->ipsec_algs, c->ipsec_ealgs, &p->policy) < 0) {
		snprintf(err, errsize, "pcscf.ipsec_algs, pcscf.ipsec_ealgs: no usable algorithm");
		return -EINVAL;
	}
	if (ports_init(&p->ports, c->rtp_port_min, c->rtp_port_max) < 0) {
		snprintf(err, errsize, "pcscf.rtp_port_min, rtp_port_max: no room for a port pair");
		return -EINVAL;
	}
	if (priority_check(c) < 0) {
		snprintf(err, errsize, "pcscf.mps: \"%s\" is no list of IMSIs", c->mps);
		return -EINVAL;
	}
	if (getrandom(&p->icid_boot, sizeof(p->icid_boot), 0) != sizeof(p->icid_boot))
		return -EIO;
	p->next_reqid = KERN_REQID_MIN;
	return 0;
}

int pcscf_new(const struct pcscf_opts *o, struct pcscf **ret, char *err, size_t errsize)
{
	struct pcscf *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->loop = o->loop;
	p->conf = o->conf;
	p->store = o->store;
	p->reg_event = p->conf->pcscf.reg_event;
	r = read_conf(p, err, errsize);
	if (!r)
		r = open_kernel(p, o, err, errsize);
	if (!r)
		r = open_resolver(p, err, errsize);
	if (!r)
		r = open_stack(p, o->tp, err, errsize);
	if (!r)
		r = gm_open(p, err, errsize);
	if (!r)
		r = rx_new(p, o->rx, o->rx_arg, &p->rx, err, errsize);
	if (r < 0) {
		pcscf_free(p);
		return r;
	}
	persist_load(p);
	*ret = p;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_addresses(const struct conf_pcscf *a, const struct conf_pcscf *b)
{
	return !memcmp(&a->gm4, &b->gm4, sizeof(a->gm4)) &&
	       !memcmp(&a->gm6, &b->gm6, sizeof(a->gm6)) &&
	       !memcmp(&a->mw, &b->mw, sizeof(a->mw)) &&
	       !memcmp(&a->media4, &b->media4, sizeof(a->media4)) &&
	       !memcmp(&a->media6, &b->media6, sizeof(a->media6)) && a->gm_port == b->gm_port &&
	       a->port_ps == b->port_ps && a->port_pc == b->port_pc && a->mw_port == b->mw_port &&
	       a->rtp_port_min == b->rtp_port_min && a->rtp_port_max == b->rtp_port_max;
}

int pcscf_reload(struct pcscf *p, const struct conf *c)
{
	const struct conf_pcscf *a = &p->conf->pcscf, *b = &c->pcscf;

	/* What was offered in Security-Server is computed from the algorithms: they stay, too. */
	if (!same_addresses(a, b) || a->kernel != b->kernel || !same_text(a->name, b->name) ||
	    !same_text(a->ipsec_algs, b->ipsec_algs) ||
	    !same_text(a->ipsec_ealgs, b->ipsec_ealgs) || a->rx != b->rx ||
	    !same_text(a->rx_peers, b->rx_peers) ||
	    !same_text(p->conf->network.domain, c->network.domain))
		return -EBUSY;
	p->conf = c;
	return 0;
}

void pcscf_free(struct pcscf *p)
{
	if (!p)
		return;
	rx_quit(p->rx);
	if (p->stack)
		sip_stack_free(p->stack);
	while (p->pending)
		p->pending->drop(p->pending);
	persist_flush(p);
	reg_free_all(p);
	rx_free(p->rx);
	gm_close(p);
	if (p->tp)
		sip_tp_free(p->tp);
	if (p->resolver)
		sip_resolver_free(p->resolver);
	if (p->store)
		store_close(p->store);
	kern_close(p->kern);
	ports_fini(&p->ports);
	free(p->name);
	free(p);
}
