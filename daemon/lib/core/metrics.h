/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters and gauges of a daemon: static objects in a list, printed as JSON by the control
 * socket's "metrics" and in the Prometheus text format by "metrics-text".
 */
#ifndef KIMS_CORE_METRICS_H
#define KIMS_CORE_METRICS_H

#include <jansson.h>

#include "lib/core/base.h"

struct metric {
	const char *name; /* kims_pcscf_register_total */
	const char *help;
	const char *labels; /* "code=\"401\"" or NULL */
	bool gauge;
	uint64_t value;
	struct metric *next; /* owned */
	bool listed;
};

void metric_register(struct metric *m); /* once; static lifetime */
static inline void metric_inc(struct metric *m)
{
	m->value++;
}
json_t *metrics_json(void);
char *metrics_text(void); /* caller frees */

#define METRIC_COUNTER(var, n, h) static struct metric var = { .name = (n), .help = (h) }
#define METRIC_GAUGE(var, n, h) static struct metric var = { .name = (n), .help = (h), .gauge = true }

#endif
