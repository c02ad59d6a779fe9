/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/diameter.
 *
 *   call.c          calls: requests, answers, tokens; cx_link.c: with the types of Cx
 *   node.c          a node: configuration, which transport, who is up
 *   direct.c        transport in the loop: the peer state machine of RFC 6733 5 over TCP
 *   freediameter.c  transport over freeDiameter and its threads; dict.c, armour.c belong to it
 *
 * Only octets cross between call.c and a transport. Downwards a struct dia_out; upwards the functions
 * dia_link_*(), called on the loop's thread.
 */
#ifndef KIMS_DIAMETER_NODE_H
#define KIMS_DIAMETER_NODE_H

#include "lib/diameter/cx_link.h"

struct dia_out {
	struct dia_out *next;
	uint8_t *
		buf; /* a whole message; end-to-end and hop-by-hop identifiers are those of the call */
	size_t n;
	uint64_t id;	       /* request: returned with the answer */
	const char *dest_host; /* request: valid during dia_submit() */
	void *req;	       /* answer: what it answers, the transport's own */
};

struct dia_link; /* state of call.c */

/* A way to the other nodes. Its struct begins with a struct dia. */
struct dia_transport {
	int (*open)(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err,
		    size_t errsize);
	void (*quit)(struct dia *d);  /* quick: nothing goes up any more */
	void (*close)(struct dia *d); /* frees d, or what is in it */
	/* Takes o. *ret_via: the connection, for dia_link_lost(); 0: not told. -EBUSY: queue full. */
	int (*submit)(struct dia *d, struct dia_out *o, uint64_t *ret_via);
	void (*release)(struct dia *d, void *req); /* a request that will not be answered */
	void (*request_done)(struct dia *d);	   /* one request less in our hands */
	bool (*route_up)(struct dia *d,
			 const char *dest_host); /* can a request leave now? NULL: to anybody */
	bool (*peer_up)(struct dia *d, const char *identity);
	void (*each_peer)(struct dia *d, void (*fn)(void *arg, const char *identity, bool up),
			  void *arg);
};
extern const struct dia_transport dia_direct, dia_freediameter;

struct dia {
	const struct dia_transport *tr;
	struct loop *loop;
	struct dia_conf conf; /* strings and lists are copies */
	uint32_t state_id;    /* Origin-State-Id */
	struct cx_server {
		const struct cx_server_ops *ops;
		void *arg;
	} cx; /* cx_link.c */
	struct dia_link *link;
	void (*on_peer)(void *arg, const char *identity, bool up);
	void *on_peer_arg;
	bool closed;
};

int dia_init(struct dia *d, const struct dia_transport *tr, struct loop *l,
	     const struct dia_conf *c); /* -ENOMEM */
void dia_fini(struct dia *d);
void dia_report(struct dia *d, const char *identity, bool up);

/* gate.c: may a connection come from there, by conf.from? Nothing in the list: from anywhere. */
bool dia_gate_admits(const struct dia_conf *c, const struct sockaddr_storage *peer);
/* accept() of this process lets in only whom c admits at its port; c must last; NULL: no gate. */
void dia_gate_accept(const struct dia_conf *c);

struct dia_link *dia_link_new(struct dia *d);
void dia_link_free(struct dia_link *k); /* ends every call with DIA_NO_PEER first */
void dia_link_answer(struct dia_link *k, uint64_t id, const uint8_t *buf, size_t n);
void dia_link_failed(struct dia_link *k, uint64_t id, int result);
void dia_link_lost(struct dia_link *k,
		   uint64_t via); /* calls over this connection end with DIA_NO_PEER, soon */
void dia_link_request(struct dia_link *k, uint8_t *buf, size_t n,
		      void *req); /* takes buf and req */

/*
 * The identifiers of a message (RFC 6733 3) and the id of its call are the same thing: slot in the low 24 bits,
 * which is the hop-by-hop identifier, and a number that counts up, which is the end-to-end identifier.
 */
#define DIA_SLOT_BITS 24
static inline uint64_t dia_id(uint32_t end_to_end, uint32_t hop_by_hop)
{
	return (uint64_t)end_to_end << DIA_SLOT_BITS |
	       (hop_by_hop & ((UINT32_C(1) << DIA_SLOT_BITS) - 1));
}

/* dict.c: announces the tables of an application to freeDiameter. 0 or -errno. */
struct dict_object;
int dia_dict_load(const struct dia_app *a, struct dict_object **ret_app,
		  struct dict_object **ret_vendor);

#endif
