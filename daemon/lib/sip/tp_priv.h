/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the transport: what tp.c (endpoints, dispatch) shares with the wires (tp_udp.c,
 * tp_tcp.c, tp_mock.c).
 */
#ifndef KIMS_SIP_TP_PRIV_H
#define KIMS_SIP_TP_PRIV_H

#include <sys/epoll.h>

#include "lib/core/htab.h"
#include "lib/sip/tp.h"

#define TP_NAME_MAX 32

struct tp_out;
struct udp_batch;
struct udp_rx;
struct tcp_conn;

struct sip_ep {
	struct sip_tp *tp;
	struct sip_ep *next;
	uint64_t id; /* never used twice */
	char name[TP_NAME_MAX];
	union sip_sa local;
	char sentby[SIP_SA_STRLEN]; /* of local, in text */
	bool wildcard;
	void *user;
	const void *timers; /* of the transaction layer: struct sip_timers, or NULL */
	bool tcp, bind_source, fleeting;
	char device[16];
	struct loop_io udp, listener; /* fd -1: none */
	struct udp_batch *tx;
	struct sip_ep *next_dirty; /* tx waits for the flush; see sip_tp.dirty */
	bool dirty, closing;
};

/* A wire carries bytes: sockets, or the tests' mock. */
struct tp_wire {
	int (*open)(struct sip_ep *ep, const struct sip_ep_opts *o);
	void (*close)(struct sip_ep *ep);
	int (*udp_send)(struct sip_ep *ep, const union sip_sa *peer, const struct tp_out *o);
	int (*tcp_send)(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o,
			uint64_t *ret_conn);
	void (*close_conn)(struct sip_tp *tp, uint64_t conn);
	void (*close_peer)(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer);
	bool (*conn_alive)(struct sip_tp *tp, uint64_t conn);
};

struct sip_tp {
	struct sip_tp *next; /* of the same thread, for the flush at the round's end */
	struct loop *loop;
	const struct tp_wire *wire;
	uint32_t max_message;
	struct sip_tp_limits limits;
	struct sip_tp_shed shed;
	sip_tp_rx_fn rx;
	sip_tp_err_fn err;
	sip_tp_icmp_fn icmp;
	void *arg;
	void (*ep_closed)(void *arg, struct sip_ep *ep); /* of the transaction layer, same arg */
	struct sip_ep *eps;
	struct sip_tp_stats stats;
	uint64_t hash_key[2];
	bool dead; /* sip_tp_free() is on its way: no callbacks */

	struct udp_rx *rx_ring;
	struct timer flush;
	struct sip_ep *dirty;
	uint32_t closings; /* endpoints closed so far */
	uint64_t last_ep;
	uint64_t shed_since, shed_below; /* usec: queue delay over/under the target since */
	uint32_t shed_seq;

	uint64_t last_conn;
	struct htab conns_by_id, conns_by_peer;
	struct tcp_conn *lru_first, *lru_last;
	uint32_t n_conns;
	struct timer sweep;

	void (*mock_fn)(void *arg, const struct sip_path *path, const char *data, size_t len);
	void *mock_arg;
};

extern const struct tp_wire tp_wire_sockets, tp_wire_mock;

/* What is to be sent: a message, or bytes. */
struct tp_out {
	const struct sip_msg *m;
	const char *data;
	size_t len;
};

size_t tp_out_size(const struct tp_out *o);
size_t tp_out_write(const struct tp_out *o, char *dst, size_t size); /* octets, 0: does not fit */

/* Hands one message to the owner, as received. */
void tp_deliver(struct sip_tp *tp, const char *data, size_t len, const struct sip_path *from);
/* The same; shed: a new request is handed on as malformed with status 503 (the stack's business to answer). */
void tp_deliver_shed(struct sip_tp *tp, const char *data, size_t len, const struct sip_path *from,
		     bool shed);
void tp_error(struct sip_tp *tp, const struct sip_path *path, int err);
bool tp_should_shed(struct sip_tp *tp, const char *data, size_t len, uint64_t delay_usec);
void tp_want_flush(struct sip_ep *ep);

int tp_socket(const struct sip_ep *ep, int type);
int tp_bind(int fd, const union sip_sa *a, const char *device);

int tp_udp_open(struct sip_ep *ep, int rcvbuf);
void tp_udp_close(struct sip_ep *ep);
int tp_udp_send(struct sip_ep *ep, const union sip_sa *peer, const struct tp_out *o);
void tp_udp_flush(struct sip_ep *ep);
void tp_udp_free_ring(struct sip_tp *tp);

int tp_tcp_init(struct sip_tp *tp);
void tp_tcp_fini(struct sip_tp *tp);
int tp_tcp_open(struct sip_ep *ep);
void tp_tcp_close(struct sip_ep *ep);
int tp_tcp_send(struct sip_tp *tp, const struct sip_path *path, const struct tp_out *o,
		uint64_t *ret_conn);
void tp_tcp_close_conn(struct sip_tp *tp, uint64_t conn);
/* peer NULL: anybody; port 0: any port. */
static inline bool tp_is_peer(const union sip_sa *have, const union sip_sa *peer)
{
	if (!peer)
		return true;
	return sip_sa_port(peer) ? sip_sa_eq(have, peer) : sip_sa_host_eq(have, peer);
}

void tp_tcp_close_peer(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer);
bool tp_tcp_alive(struct sip_tp *tp, uint64_t conn);

#endif
