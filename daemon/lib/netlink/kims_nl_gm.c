// SPDX-License-Identifier: GPL-2.0-or-later
/* Protected ports and SA sets of kims.ko (TS 33.203 7.1); see kims_nl.h. */
#include "lib/netlink/kims_nl_priv.h"

/* --- gm-port --- */

static struct nl_msg *port_request(struct knl *k, uint8_t cmd, const struct xfrm_addr *local,
				   uint16_t port)
{
	struct nl_msg *m = knl_request(k, cmd, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_GM_PORT | NLA_F_NESTED) : NULL;

	if (!nest ||
	    knl_put_addr(m, KIMS_GM_PORT_A_LOCAL_IPV4, KIMS_GM_PORT_A_LOCAL_IPV6, local) ||
	    nla_put_u32(m, KIMS_GM_PORT_A_PORT, port)) {
		nlmsg_free(m);
		return NULL;
	}
	nla_nest_end(m, nest);
	return m;
}

int knl_gm_port_add(struct knl *k, const struct xfrm_addr *local, uint16_t port)
{
	_cleanup_msg_ struct nl_msg *m = port_request(k, KIMS_CMD_GM_PORT_NEW, local, port);
	int r = m ? knl_transact(k, m, NULL, NULL) : knl_fail(k, -ENOMEM, "request");

	return r == -EEXIST ? 0 : r;
}

int knl_gm_port_del(struct knl *k, const struct xfrm_addr *local, uint16_t port)
{
	_cleanup_msg_ struct nl_msg *m = port_request(k, KIMS_CMD_GM_PORT_DEL, local, port);

	return m ? knl_transact(k, m, NULL, NULL) : knl_fail(k, -ENOMEM, "request");
}

struct port_dump {
	int (*fn)(void *arg, const struct knl_gm_port *p);
	void *arg;
};

static int read_port(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct nlattr *tb[KIMS_GM_PORT_A_MAX + 1], *drops[KIMS_DROP_MAX + 1];
	struct port_dump *d = arg;
	struct knl_gm_port p;

	knl_nested(attrs[KIMS_A_GM_PORT], KIMS_GM_PORT_A_MAX, tb);
	knl_nested(tb[KIMS_GM_PORT_A_DROPS], KIMS_DROP_MAX, drops);
	memset(&p, 0, sizeof(p));
	knl_get_end(tb, KIMS_GM_PORT_A_LOCAL_IPV4, KIMS_GM_PORT_A_LOCAL_IPV6, KIMS_GM_PORT_A_PORT,
		    &p.local);
	p.packets = knl_u64(tb, KIMS_GM_PORT_A_PACKETS);
	p.drop_cleartext = knl_drops(drops, KIMS_DROP_CLEARTEXT);
	p.drop_wrong_sa = knl_drops(drops, KIMS_DROP_WRONG_SA);
	p.drop_spoofed = knl_drops(drops, KIMS_DROP_SPOOFED_SOURCE);
	p.drop_unbound = knl_drops(drops, KIMS_DROP_UNBOUND);
	return d->fn(d->arg, &p);
}

int knl_gm_port_dump(struct knl *k, int (*fn)(void *arg, const struct knl_gm_port *p), void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_GM_PORT_GET, NLM_F_DUMP);
	struct port_dump d = { fn, arg };

	return m ? knl_transact(k, m, read_port, &d) : knl_fail(k, -ENOMEM, "request");
}

/* --- sa-set --- */

static int put_sas(struct nl_msg *m, const struct knl_sa_set *s)
{
	return nla_put_u32(m, KIMS_SA_SET_A_PORT_UC, s->port_uc) ||
	       nla_put_u32(m, KIMS_SA_SET_A_PORT_US, s->port_us) ||
	       nla_put_u32(m, KIMS_SA_SET_A_PORT_PC, s->port_pc) ||
	       nla_put_u32(m, KIMS_SA_SET_A_PORT_PS, s->port_ps) ||
	       nla_put_u32(m, KIMS_SA_SET_A_SPI_UC, s->spi_uc) ||
	       nla_put_u32(m, KIMS_SA_SET_A_SPI_US, s->spi_us) ||
	       nla_put_u32(m, KIMS_SA_SET_A_SPI_PC, s->spi_pc) ||
	       nla_put_u32(m, KIMS_SA_SET_A_SPI_PS, s->spi_ps) ||
	       nla_put_u32(m, KIMS_SA_SET_A_REQID, s->reqid) ||
	       (s->gtpu_session &&
		nla_put_u64(m, KIMS_SA_SET_A_GTPU_SESSION, s->gtpu_session));
}

static int put_set(struct nl_msg *m, const struct knl_sa_set *s)
{
	struct nlattr *nest = nla_nest_start(m, KIMS_A_SA_SET | NLA_F_NESTED);

	if (!nest || (s->id && nla_put_u32(m, KIMS_SA_SET_A_ID, s->id)) ||
	    nla_put_u64(m, KIMS_SA_SET_A_UE_ID, s->ue_id) ||
	    nla_put_string(m, KIMS_SA_SET_A_LABEL, s->label) ||
	    knl_put_addr(m, KIMS_SA_SET_A_UE_IPV4, KIMS_SA_SET_A_UE_IPV6, &s->ue) ||
	    knl_put_addr(m, KIMS_SA_SET_A_LOCAL_IPV4, KIMS_SA_SET_A_LOCAL_IPV6, &s->local) ||
	    put_sas(m, s))
		return -EMSGSIZE;
	nla_nest_end(m, nest);
	return 0;
}

static void read_set(struct nlattr **tb, struct knl_sa_set *s)
{
	memset(s, 0, sizeof(*s));
	s->id = knl_u32(tb, KIMS_SA_SET_A_ID);
	s->ue_id = knl_u64(tb, KIMS_SA_SET_A_UE_ID);
	knl_get_string(tb, KIMS_SA_SET_A_LABEL, s->label, sizeof(s->label));
	knl_get_addr(tb, KIMS_SA_SET_A_UE_IPV4, KIMS_SA_SET_A_UE_IPV6, &s->ue);
	knl_get_addr(tb, KIMS_SA_SET_A_LOCAL_IPV4, KIMS_SA_SET_A_LOCAL_IPV6, &s->local);
	s->port_uc = knl_u32(tb, KIMS_SA_SET_A_PORT_UC);
	s->port_us = knl_u32(tb, KIMS_SA_SET_A_PORT_US);
	s->port_pc = knl_u32(tb, KIMS_SA_SET_A_PORT_PC);
	s->port_ps = knl_u32(tb, KIMS_SA_SET_A_PORT_PS);
	s->spi_uc = knl_u32(tb, KIMS_SA_SET_A_SPI_UC);
	s->spi_us = knl_u32(tb, KIMS_SA_SET_A_SPI_US);
	s->spi_pc = knl_u32(tb, KIMS_SA_SET_A_SPI_PC);
	s->spi_ps = knl_u32(tb, KIMS_SA_SET_A_SPI_PS);
	s->reqid = knl_u32(tb, KIMS_SA_SET_A_REQID);
	s->gtpu_session = knl_u64(tb, KIMS_SA_SET_A_GTPU_SESSION);
}

static void read_stats(struct nlattr **tb, struct knl_sa_stats *s)
{
	struct nlattr *c[KIMS_SA_COUNTERS_A_MAX + 1], *drops[KIMS_DROP_MAX + 1];

	knl_nested(tb[KIMS_SA_SET_A_COUNTERS], KIMS_SA_COUNTERS_A_MAX, c);
	knl_nested(c[KIMS_SA_COUNTERS_A_DROPS], KIMS_DROP_MAX, drops);
	memset(s, 0, sizeof(*s));
	s->packets = knl_u64(c, KIMS_SA_COUNTERS_A_PACKETS_PS) +
		     knl_u64(c, KIMS_SA_COUNTERS_A_PACKETS_PC);
	s->octets = knl_u64(c, KIMS_SA_COUNTERS_A_OCTETS_PS) +
		    knl_u64(c, KIMS_SA_COUNTERS_A_OCTETS_PC);
	s->packets_out = knl_u64(c, KIMS_SA_COUNTERS_A_PACKETS_UC) +
			 knl_u64(c, KIMS_SA_COUNTERS_A_PACKETS_US);
	s->octets_out = knl_u64(c, KIMS_SA_COUNTERS_A_OCTETS_UC) +
			knl_u64(c, KIMS_SA_COUNTERS_A_OCTETS_US);
	s->drop_cleartext = knl_drops(drops, KIMS_DROP_CLEARTEXT);
	s->drop_wrong_sa = knl_drops(drops, KIMS_DROP_WRONG_SA);
	s->drop_spoofed = knl_drops(drops, KIMS_DROP_SPOOFED_SOURCE);
	s->drop_other = knl_drops_sum(drops) - s->drop_cleartext - s->drop_wrong_sa -
			s->drop_spoofed;
}

void knl_sa_read(struct nlattr *nest, struct knl_sa_set *ret, struct knl_sa_stats *ret_stats)
{
	struct nlattr *tb[KIMS_SA_SET_A_MAX + 1];

	knl_nested(nest, KIMS_SA_SET_A_MAX, tb);
	if (ret)
		read_set(tb, ret);
	if (ret_stats)
		read_stats(tb, ret_stats);
}

struct one {
	struct knl_sa_set *set;
	struct knl_sa_stats *stats;
};

static int read_one(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct one *o = arg;

	knl_sa_read(attrs[KIMS_A_SA_SET], o->set, o->stats);
	return 0;
}

static int change(struct knl *k, const struct knl_sa_set *s, uint8_t cmd, uint32_t *ret_id)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, cmd, 0);
	struct knl_sa_set answer = { 0 };
	struct one o = { .set = &answer };
	int r;

	if (!m || put_set(m, s))
		return knl_fail(k, -ENOMEM, "request");
	r = knl_transact(k, m, read_one, &o);
	if (!r && ret_id)
		*ret_id = answer.id;
	return r;
}

int knl_sa_new(struct knl *k, const struct knl_sa_set *s, uint32_t *ret_id)
{
	return change(k, s, KIMS_CMD_SA_SET_NEW, ret_id);
}

int knl_sa_replace(struct knl *k, const struct knl_sa_set *s)
{
	return s->id ? change(k, s, KIMS_CMD_SA_SET_REPLACE, NULL) :
		       knl_fail(k, -EINVAL, "set without id");
}

static int by_id(struct knl *k, uint8_t cmd, uint32_t id, struct one *o)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, cmd, 0);
	struct nlattr *nest = m ? nla_nest_start(m, KIMS_A_SA_SET | NLA_F_NESTED) : NULL;

	if (!nest || nla_put_u32(m, KIMS_SA_SET_A_ID, id))
		return knl_fail(k, -ENOMEM, "request");
	nla_nest_end(m, nest);
	return knl_transact(k, m, read_one, o);
}

int knl_sa_del(struct knl *k, uint32_t id, struct knl_sa_stats *ret_final)
{
	struct one o = { .stats = ret_final };

	return by_id(k, KIMS_CMD_SA_SET_DEL, id, &o);
}

int knl_sa_get(struct knl *k, uint32_t id, struct knl_sa_set *ret, struct knl_sa_stats *ret_stats)
{
	struct one o = { ret, ret_stats };

	return by_id(k, KIMS_CMD_SA_SET_GET, id, &o);
}

struct set_dump {
	int (*fn)(void *arg, const struct knl_sa_set *s, const struct knl_sa_stats *st);
	void *arg;
};

static int read_dump(void *arg, struct nlattr **attrs, struct nlmsghdr *h _unused_)
{
	struct knl_sa_stats stats;
	struct set_dump *d = arg;
	struct knl_sa_set set;

	knl_sa_read(attrs[KIMS_A_SA_SET], &set, &stats);
	return d->fn(d->arg, &set, &stats);
}

int knl_sa_dump(struct knl *k,
		int (*fn)(void *arg, const struct knl_sa_set *s, const struct knl_sa_stats *st),
		void *arg)
{
	_cleanup_msg_ struct nl_msg *m = knl_request(k, KIMS_CMD_SA_SET_GET, NLM_F_DUMP);
	struct set_dump d = { fn, arg };

	return m ? knl_transact(k, m, read_dump, &d) : knl_fail(k, -ENOMEM, "request");
}
