/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * application/reginfo+xml (RFC 3680), as much as a phone needs: the state of the document, and of
 * the registration and contact that are its own.
 */
#ifndef KIMS_UE_REGINFO_H
#define KIMS_UE_REGINFO_H

#include "lib/core/base.h"

struct reginfo {
	uint32_t version;
	bool full;
	unsigned int registrations, active; /* registration elements; those in state active */
	bool contact_seen;		    /* a contact with our URI */
	bool contact_active;
	char contact_event[24]; /* "registered", "deactivated", "rejected" ... of our contact */
};

/* contact: our Contact URI without <>; compared as a substring of the contact's uri. -EINVAL: no reginfo document. */
int reginfo_read(struct str xml, const char *contact, struct reginfo *ret);

#endif
