/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP transport (RFC 3261 18): UDP and TCP sockets of one process.
 *
 * An endpoint is a local address and port of ours with UDP and, if asked for, TCP; Gm of a P-CSCF
 * has three: unprotected, port_ps (server) and port_pc (client), TS 33.203 7.1. Everything that
 * leaves is sent by a struct sip_path: from which endpoint, by which protocol, to whom, over
 * which connection. TCP connections may originate from the endpoint's own port (SO_REUSEPORT on
 * listener and clients), which Gm needs.
 *
 * Invariants: a connection id is never used twice, so that a path to a dead connection fails
 * instead of reaching somebody else; input and output buffers are bounded; a message over the
 * bound is answered 513 and the connection closed; keep-alives (CRLFCRLF, RFC 5626 3.5.1 and
 * single CRLF) are answered/ignored here.
 */
#ifndef KIMS_SIP_TP_H
#define KIMS_SIP_TP_H

#include <sys/socket.h>

#include "lib/core/loop.h"
#include "lib/sip/msg.h"

enum sip_proto { SIP_UDP, SIP_TCP };

struct sip_tp;
struct sip_ep;

union sip_sa { /* every socket address that we handle */
	struct sockaddr sa;
	struct sockaddr_storage ss;
};

struct sip_path {
	struct sip_ep *ep; /* local endpoint; NULL: not set */
	enum sip_proto proto;
	union sip_sa peer; /* remote address and port */
	uint64_t conn;	   /* TCP connection to use; 0: find one to peer, else connect */
};

struct sip_ep_opts {
	const char *name; /* "gm-ps": for logs and traces */
	union sip_sa local;
	bool tcp;
	bool bind_source;   /* TCP connections that we open come from this address and port */
	int rcvbuf;	    /* 0: 4 MB (SO_RCVBUFFORCE where allowed) */
	const char *device; /* SO_BINDTODEVICE or NULL */
	bool fleeting;	    /* connections may lose what carries them (SAs): none ends by a long FIN */
	void *user;	    /* the owner's tag, see sip_ep_user() */
};

struct sip_tp_stats {
	uint64_t rx_udp, rx_tcp, tx_udp, tx_tcp, rx_garbage, rx_bad, tx_errors, conns_opened,
		conns_accepted, conns_closed, shed;
};

/*
 * Handler of what comes in. m is borrowed. path tells where it came from, so that an answer can
 * go back: ep = where received, peer = source, conn. For a malformed request (r->error ==
 * SIP_PARSE_BAD) m is what could be indexed.
 */
typedef void (*sip_tp_rx_fn)(void *arg, struct sip_msg *m, const struct sip_parse_result *r,
			     const struct sip_path *from);
/* Sending failed later (connection refused, reset; ICMP): err is -errno. */
typedef void (*sip_tp_err_fn)(void *arg, const struct sip_path *path, int err);

/*
 * ICMP said that a datagram did not arrive; quoted is the begin of it as the ICMP message quotes
 * it (n may be 0). Anybody on the path can forge it: trust it only as far as quoted proves itself.
 */
typedef void (*sip_tp_icmp_fn)(void *arg, const struct sip_path *path, int err, struct str quoted);

/* 0 keeps the default. */
struct sip_tp_limits {
	uint32_t max_conns;	     /* 16,384; the longest idle one makes room */
	uint32_t max_conns_per_peer; /* accepted ones of one address: 1,024 */
	uint32_t connect_ms;	     /* 8,000 */
	uint32_t partial_ms; /* a message that began must be complete: 16,000; first one too */
	uint32_t idle_ms;    /* no octet either way: 3,700,000 */
	uint32_t out_bytes;  /* queued per connection: 1 MB */
};

/*
 * Shedding of new requests (RFC 7339's case without the control loop), decided per datagram before
 * parsing from the time that it waited in the socket's buffer. Responses, ACK, PRACK, UPDATE, BYE
 * and CANCEL always pass: they end work. Once the delay has been over target for interval, new
 * requests are refused with a probability that rises from 0 at target to 1 at limit.
 * All in ms; target_ms 0: never shed (default). UDP only; TCP has its own back-pressure.
 */
struct sip_tp_shed {
	uint32_t target_ms, limit_ms, interval_ms;
	uint32_t retry_after_s; /* 0: silent drop; else 503 with Retry-After of up to twice this */
};

int sip_tp_new(struct loop *l, uint32_t max_message,
	       struct sip_tp **ret); /* max_message 0: 65,535 */
void sip_tp_free(
	struct sip_tp *tp); /* closes endpoints and connections without callbacks; NULL is fine */
void sip_tp_handler(struct sip_tp *tp, sip_tp_rx_fn rx, sip_tp_err_fn err, void *arg);
void sip_tp_icmp_handler(struct sip_tp *tp, sip_tp_icmp_fn fn); /* same arg; NULL: to err() */
void sip_tp_set_limits(struct sip_tp *tp, const struct sip_tp_limits *l);
void sip_tp_set_shed(struct sip_tp *tp, const struct sip_tp_shed *s);
int sip_ep_open(struct sip_tp *tp, const struct sip_ep_opts *o,
		struct sip_ep **ret); /* -errno of socket/bind/listen */
/* Transactions that use it end: client ones with -ENETDOWN, server ones send no more. */
void sip_ep_close(struct sip_ep *ep);
void *sip_ep_user(const struct sip_ep *ep);
const char *sip_ep_name(const struct sip_ep *ep);
const union sip_sa *sip_ep_local(const struct sip_ep *ep);
/* First endpoint whose local address has the family; for choosing the way out. NULL: none. */
struct sip_ep *sip_tp_ep_for(struct sip_tp *tp, sa_family_t family);

/*
 * Sends m. UDP: now (batched to the round's end). TCP: over path->conn, or an open connection to
 * peer from ep, or a new one; queued while connecting. ret_conn (may be NULL): connection used.
 * -EHOSTUNREACH no endpoint of the family, -EPIPE connection gone, -ENOBUFS queue full, -EMSGSIZE.
 */
int sip_tp_send(struct sip_tp *tp, const struct sip_path *path, const struct sip_msg *m,
		uint64_t *ret_conn);
int sip_tp_send_raw(struct sip_tp *tp, const struct sip_path *path, const char *data, size_t len,
		    uint64_t *ret_conn);
void sip_tp_close_conn(struct sip_tp *tp, uint64_t conn);
/*
 * Closes every TCP connection between ep and a peer (port 0: any port): when an SA set dies. By RST, while the SAs are there
 * still: what is repeated later would go nowhere, or unprotected.
 */
void sip_tp_close_peer(struct sip_tp *tp, struct sip_ep *ep, const union sip_sa *peer);
bool sip_tp_conn_alive(struct sip_tp *tp, uint64_t conn);
/*
 * UDP or TCP for a request of so many octets (sip_msg_size() plus our Via) by RFC 3261 18.1.1: TCP when it
 * is within 200 octets of the path MTU (mtu 0, unknown: over 1,300 octets) and ep can do TCP, else
 * UDP. Nobody here switches by himself.
 */
enum sip_proto sip_tp_proto_for(const struct sip_ep *ep, size_t size, uint32_t mtu);
const char *
sip_ep_sentby(const struct sip_ep *ep); /* "10.0.0.1:5060", as in Via; NULL for a wildcard */
/* Address that ep is seen with by peer: its own, or for a wildcard what the routing picks. -errno. */
int sip_ep_local_for(const struct sip_ep *ep, const union sip_sa *peer, union sip_sa *ret);
const struct sip_tp_stats *sip_tp_get_stats(const struct sip_tp *tp);

/*
 * The mock wire of procedure tests: no sockets; what is sent goes to fn, sip_tp_inject() receives.
 * Endpoints are opened as usual (no socket is made). Works with a virtual loop.
 */
int sip_tp_new_mock(struct loop *l,
		    void (*fn)(void *arg, const struct sip_path *path, const char *data,
			       size_t len),
		    void *arg, struct sip_tp **ret);
void sip_tp_inject(struct sip_tp *tp, const struct sip_path *from, const char *data, size_t len);
/* Mock: as if path (ep, proto, peer, conn) had broken; a connection is dead from then on. */
void sip_tp_mock_fail(struct sip_tp *tp, const struct sip_path *path, int err);

int sip_sa_parse_str(struct str host, uint16_t port, union sip_sa *ret); /* the same of a view */
bool sip_sa_is_any(const union sip_sa *a); /* wildcard, or no address at all */
int sip_sa_parse(const char *addr, uint16_t port,
		 union sip_sa *ret); /* numeric v4/v6, with or without [] */
socklen_t sip_sa_len(const union sip_sa *a);
uint16_t sip_sa_port(const union sip_sa *a);
void sip_sa_set_port(union sip_sa *a, uint16_t port);
bool sip_sa_eq(const union sip_sa *a, const union sip_sa *b);	   /* address and port */
bool sip_sa_host_eq(const union sip_sa *a, const union sip_sa *b); /* address only */
#define SIP_SA_STRLEN 64
const char *sip_sa_str(const union sip_sa *a,
		       char buf[SIP_SA_STRLEN]); /* "10.0.0.1:5060", "[::1]:5060" */
const char *sip_sa_host_str(const union sip_sa *a,
			    char buf[SIP_SA_STRLEN]); /* "10.0.0.1", "[fd46::1]" as in a URI */

#endif
