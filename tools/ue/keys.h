/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of the SAs for Wireshark, only when asked for: lines of its "esp_sa" table (preferences,
 * Protocols, ESP), file mode 0600.
 */
#ifndef KIMS_UE_KEYS_H
#define KIMS_UE_KEYS_H

#include "lib/netlink/xfrm.h"

struct keys;

int keys_open(const char *path, struct keys **ret); /* truncates; -errno */
void keys_close(struct keys *k);
/* The four SAs of a set; who: label in a comment, e.g. "alice". */
void keys_write(struct keys *k, const struct xfrm_set *s, const char *who);

#endif
