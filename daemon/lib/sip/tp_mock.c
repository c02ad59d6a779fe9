// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mock wire of procedure tests: no sockets, no clock. What is sent goes to the test's function
 * at once; connections are numbers.
 *
 * A test that carries messages between two mock transports inside its function recurses; it should
 * queue them and inject from its own loop.
 */
#include "lib/sip/tp_priv.h"

struct mock_conn {
	struct hnode node; /* by id */
	struct sip_path path;
};

static int mock_open(struct sip_ep *ep, const struct sip_ep_opts *o)
{
	(void)ep;
	(void)o;
	return 0;
}

static void mock_close(struct sip_ep *ep)
{
	(void)ep;
}

static void mock_out(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o)
{
	size_t n = tp_out_size(o);
	_cleanup_free_ char *buf = malloc(n + 1);

	if (!buf)
		return;
	n = tp_out_write(o, buf, n);
	buf[n] = 0;
	tp->mock_fn(tp->mock_arg, path, buf, n);
}

static int mock_udp_send(struct sip_ep *ep, const union sip_sa *peer, const struct tp_out *o)
{
	struct sip_path path = { .ep = ep, .proto = SIP_UDP, .peer = *peer };

	mock_out(ep->tp, &path, o);
	return 0;
}

static struct mock_conn *by_id(struct sip_tp *tp, uint64_t id)
{
	return (struct mock_conn *)htab_find(&tp->conns_by_id, id);
}

static struct mock_conn *by_peer(struct sip_tp *tp, const struct sip_path *path)
{
	for (uint64_t id = 1; id <= tp->last_conn; id++) {
		struct mock_conn *c = by_id(tp, id);

		if (c && c->path.ep == path->ep && sip_sa_eq(&c->path.peer, &path->peer))
			return c;
	}
	return NULL;
}

static struct mock_conn *add(struct sip_tp *tp, const struct sip_path *path, uint64_t id)
{
	struct mock_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->path = *path;
	c->path.conn = id;
	tp->last_conn = MAX(tp->last_conn, id);
	htab_insert(&tp->conns_by_id, &c->node, id);
	return c;
}

static int mock_tcp_send(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o,
			 uint64_t *ret_conn)
{
	struct mock_conn *c = path->conn ? by_id(tp, path->conn) : by_peer(tp, path);
	struct sip_path p;

	if (!c && path->conn)
		return -EPIPE;
	if (!c)
		c = add(tp, path, tp->last_conn + 1);
	if (!c)
		return -ENOMEM;
	if (ret_conn)
		*ret_conn = c->path.conn;
	p = c->path;
	mock_out(tp, &p, o);
	return 0;
}

static void mock_close_conn(struct sip_tp *tp, uint64_t conn)
{
	struct mock_conn *c = by_id(tp, conn);

	if (!c)
		return;
	htab_remove(&tp->conns_by_id, &c->node);
	free(c);
}

static void mock_close_peer(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer)
{
	for (uint64_t id = 1; id <= tp->last_conn; id++) {
		struct mock_conn *c = by_id(tp, id);

		if (c && (!ep || c->path.ep == ep) && tp_is_peer(&c->path.peer, peer))
			mock_close_conn(tp, id);
	}
}

static bool mock_alive(struct sip_tp *tp, uint64_t conn)
{
	return by_id(tp, conn);
}

void sip_tp_inject(struct sip_tp *tp, const struct sip_path *from, const char *data, size_t len)
{
	struct sip_path p = *from;
	struct mock_conn *c;

	if (p.proto == SIP_TCP) {
		c = p.conn ? by_id(tp, p.conn) : by_peer(tp, &p);
		if (!c)
			c = add(tp, &p, p.conn ? p.conn : tp->last_conn + 1);
		if (c)
			p.conn = c->path.conn;
	}
	tp_deliver(tp, data, len, &p);
}

void sip_tp_mock_fail(struct sip_tp *tp, const struct sip_path *path, int err)
{
	struct sip_path p = *path;

	mock_close_conn(tp, p.conn);
	tp_error(tp, &p, err);
}

const struct tp_wire tp_wire_mock = {
	.open = mock_open,
	.close = mock_close,
	.udp_send = mock_udp_send,
	.tcp_send = mock_tcp_send,
	.close_conn = mock_close_conn,
	.close_peer = mock_close_peer,
	.conn_alive = mock_alive,
};
