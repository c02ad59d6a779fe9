/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/diameter: what every stack (node.c over freeDiameter, peer.c on the loop) shares.
 *
 * Only octets cross between a stack and cx_link.c. Downwards a struct dia_out; upwards the functions
 * dia_link_*(), always on the loop's thread.
 */
#ifndef KIMS_DIAMETER_DIA_H
#define KIMS_DIAMETER_DIA_H

#include "lib/diameter/cx_link.h"
#include "lib/ie/ie.h"

#define DIA_REQUESTS_MAX 4096 /* requests in our hands: beyond, DIAMETER_TOO_BUSY */

struct dia_out {
	struct dia_out *next;
	uint8_t *buf; /* a whole message */
	size_t n;
	const char *dest; /* request: host that it goes to, or NULL; valid during dia_submit() */
	uint64_t id;	  /* request: returned with the answer */
	void *req;	  /* answer: the stack's handle of what it answers */
};

struct dia_stack {
	bool (*peer_up)(struct dia *d, const char *identity); /* NULL: any */
	bool (*route_up)(struct dia *d, const char *dest_host);
	void (*each_peer)(struct dia *d, void (*fn)(void *arg, const char *identity, bool up),
			  void *arg);
	int (*submit)(struct dia *d, struct dia_out *o);
	void (*release)(struct dia *d, void *req);
	void (*request_done)(struct dia *d);
	void (*quit)(struct dia *d); /* after the calls have ended */
	void (*close)(struct dia *d);
};

struct dia_link; /* state of cx_link.c */

/* First member of what a stack keeps. */
struct dia {
	const struct dia_stack *stack;
	struct loop *loop;
	struct dia_conf conf; /* strings are copies */
	struct dia_peer_conf *peers;
	struct dia_link *link; /* NULL: quit */
	uint32_t end_to_end;
	void (*on_peer)(void *arg, const char *identity, bool up);
	void *on_peer_arg;
};

int dia_init(struct dia *d, const struct dia_stack *s, struct loop *l, const struct dia_conf *c);
void dia_fini(struct dia *d);
int dia_freediameter_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err,
			  size_t errsize);
int dia_loop_open(struct loop *l, const struct dia_conf *c, struct dia **ret, char *err,
		  size_t errsize);

uint32_t dia_end_to_end(struct dia *d);	  /* RFC 6733 3 */
bool dia_route_up(struct dia *d, const char *dest_host); /* can a request leave now? */
int dia_submit(struct dia *d, struct dia_out *o); /* takes o; -EBUSY: queue full (o is freed) */
void dia_release(struct dia *d, void *req);	  /* a request that will not be answered */
void dia_request_done(struct dia *d);		  /* one request less in our hands */

struct dia_link *dia_link_new(struct dia *d);
void dia_link_free(struct dia_link *k); /* ends every call with CX_NO_PEER first */
void dia_link_answer(struct dia_link *k, uint64_t id, const uint8_t *buf, size_t n);
void dia_link_failed(struct dia_link *k, uint64_t id, int result);
void dia_link_request(struct dia_link *k, uint8_t *buf, size_t n, void *req); /* takes both */

#endif
