/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A phone's subscription to its registration state (TS 24.229 5.1.1.3, 5.1.1.7; RFC 3680, 6665).
 */
#ifndef KIMS_UE_SUB_H
#define KIMS_UE_SUB_H

#include "phone.h"

struct sub;

struct sub_result {
	int status;  /* of SUBSCRIBE; 0: none */
	int err;     /* -ETIMEDOUT: no NOTIFY */
	bool active; /* a NOTIFY came that says our contact is registered */
	unsigned int notifies;
	uint64_t usec;
};

typedef void (*sub_done_fn)(void *arg, struct phone *p, const struct sub_result *r);

int sub_new(struct phone *p, struct sub **ret);
void sub_stop(struct sub *s);
void sub_abandon(struct sub *s); /* nobody is told any more */
void sub_free(struct sub *s);
/* Subscribes; done once, after the first NOTIFY or a failure. -EBUSY, -errno: done is not called. */
int sub_start(struct phone *p, sub_done_fn done, void *arg);
void sub_notify(struct phone *p, struct sip_stx *stx, struct sip_msg *m);
void sub_expect_end(struct sub *s); /* we de-registered: the end is no news */
bool sub_is_active(const struct sub *s);
unsigned int sub_notifies(const struct sub *s);

#endif
