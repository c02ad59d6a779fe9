/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside lib/diameter: node.c is freeDiameter's life and its threads, cx_link.c the calls of Cx.
 *
 * Only octets cross between them. Downwards a struct dia_out goes to the sender's queue; upwards
 * the functions dia_link_*() are called on the loop's thread.
 */
#ifndef KIMS_DIAMETER_NODE_H
#define KIMS_DIAMETER_NODE_H

#include "lib/diameter/cx_link.h"
#include "lib/ie/ie.h"

struct msg; /* freeDiameter's */

struct dia_out {
	struct dia_out *next;
	uint8_t *buf; /* a whole message; handed to freeDiameter */
	size_t n;
	uint64_t id;	 /* request: returned with the answer */
	struct msg *req; /* answer: what it answers */
};

struct dia_link; /* state of cx_link.c */

struct dia_link *dia_link_of(struct dia *d);
struct loop *dia_loop(struct dia *d);
const struct dia_conf *dia_configuration(const struct dia *d);
uint32_t dia_end_to_end(void);
bool dia_route_up(struct dia *d, const char *dest_host); /* can a request leave now? */
int dia_submit(struct dia *d, struct dia_out *o); /* takes o; -EBUSY: queue full (o is freed) */
void dia_release(struct msg *req);		  /* a request that will not be answered */
void dia_request_done(struct dia *d);		  /* one request less in our hands */

struct dia_link *dia_link_new(struct dia *d);
void dia_link_free(struct dia_link *k); /* ends every call with CX_NO_PEER first */
void dia_link_answer(struct dia_link *k, uint64_t id, const uint8_t *buf, size_t n);
void dia_link_failed(struct dia_link *k, uint64_t id, int result);
void dia_link_request(struct dia_link *k, uint8_t *buf, size_t n,
		      struct msg *req); /* takes buf and req */

/* dict.c: announces the tables to freeDiameter. 0 or -errno. */
struct dict_object;
int dia_dict_load(struct dict_object **ret_app, struct dict_object **ret_vendor);

#endif
