/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kern.c and kern_tunnel.c share. */
#ifndef KIMS_PCSCF_KERN_PRIV_H
#define KIMS_PCSCF_KERN_PRIV_H

#include <uthash.h>

#include "pcscf/kern.h"

struct kern_tunnel;

struct kern {
	struct loop *loop;
	struct knl *knl;
	struct knl_xfrm *xfrm;
	struct loop_io io, mapping_io;
	int encap[2]; /* sockets of ESP in UDP, by family */
	void (*fn)(void *arg, const struct knl_event *e);
	void *arg;
	const char *error;
	struct kern_tunnel *tunnels; /* as they were when last asked for */
	uint64_t tunnels_next;	     /* not before, usec */
};

uint64_t kern_tunnel_of(void *arg, const struct xfrm_addr *ue);
void kern_tunnels_free(struct kern *k);

#endif
