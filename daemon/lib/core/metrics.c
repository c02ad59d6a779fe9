// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of a daemon's counters and gauges and its two printed forms (JSON, and the text format
 * of Prometheus, version 0.0.4).
 *
 * Invariant: rows of one name follow one another, so that HELP and TYPE stand once before them.
 */
#include "lib/core/metrics.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>

METRIC_GAUGE(m_heap, "kims_heap_bytes", "Memory that the process has allocated, bytes (mallinfo2)");

static struct metric *list;

void metric_register(struct metric *m)
{
	struct metric **at = &list, **same = NULL;

	if (m->listed)
		return;
	for (; *at; at = &(*at)->next) {
		if (!strcmp((*at)->name, m->name))
			same = &(*at)->next;
	}
	if (same)
		at = same;
	m->next = *at;
	m->listed = true;
	*at = m;
}

static void look_at_heap(void)
{
	struct mallinfo2 i = mallinfo2();

	metric_register(&m_heap);
	m_heap.value = i.uordblks + i.hblkhd;
}

json_t *metrics_json(void)
{
	json_t *o = json_object();

	look_at_heap();
	for (const struct metric *m = list; o && m; m = m->next) {
		char key[256];

		snprintf(key, sizeof(key), "%s%s%s%s", m->name, m->labels ? "{" : "",
			 m->labels ? m->labels : "", m->labels ? "}" : "");
		json_object_set_new(o, key, json_integer((json_int_t)m->value));
	}
	return o;
}

static void print_metric(FILE *f, const struct metric *m, const char *prev_name)
{
	if (!prev_name || strcmp(prev_name, m->name))
		fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
			m->gauge ? "gauge" : "counter");
	if (m->labels)
		fprintf(f, "%s{%s} %" PRIu64 "\n", m->name, m->labels, m->value);
	else
		fprintf(f, "%s %" PRIu64 "\n", m->name, m->value);
}

char *metrics_text(void)
{
	const char *prev = NULL;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return NULL;
	look_at_heap();
	for (const struct metric *m = list; m; m = m->next) {
		print_metric(f, m, prev);
		prev = m->name;
	}
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
