// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables and progress lines of kimsctl.
 *
 * Invariant: a table prints the same whatever the terminal; colour and progress only where
 * somebody looks.
 */
#include <stdio.h>
#include <time.h>

#include "commands.h"

struct kc_table {
	size_t n_cols, n_rows, room;
	char **cells; /* row-major, heads first */
};

static void append(struct kc_table *t, const char *const *cells)
{
	if (t->n_rows == t->room) {
		size_t room = t->room ? t->room * 2 : 16;
		char **p = reallocarray(t->cells, room * t->n_cols, sizeof(*p));

		if (!p)
			return;
		t->cells = p;
		t->room = room;
	}
	for (size_t i = 0; i < t->n_cols; i++)
		t->cells[t->n_rows * t->n_cols + i] = strdup(cells[i] ? cells[i] : "-");
	t->n_rows++;
}

struct kc_table *kc_table_new(const char *const *heads, size_t n)
{
	struct kc_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->n_cols = n;
	append(t, heads);
	return t;
}

void kc_table_row(struct kc_table *t, const char *const *cells)
{
	if (t)
		append(t, cells);
}

static size_t col_width(const struct kc_table *t, size_t col)
{
	size_t w = 0;

	for (size_t r = 0; r < t->n_rows; r++) {
		const char *c = t->cells[r * t->n_cols + col];

		w = MAX(w, c ? strlen(c) : 0);
	}
	return w;
}

void kc_table_print(struct kc_table *t)
{
	if (!t)
		return;
	for (size_t r = 0; r < t->n_rows; r++) {
		for (size_t c = 0; c < t->n_cols; c++) {
			char *cell = t->cells[r * t->n_cols + c];
			bool last = c + 1 == t->n_cols;

			printf("%-*s%s", last ? 0 : (int)col_width(t, c), cell ? cell : "",
			       last ? "\n" : "  ");
		}
	}
	for (size_t i = 0; i < t->n_rows * t->n_cols; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void kc_progress(const char *what, uint64_t done, uint64_t total)
{
	static time_t begun, last;
	bool tty = isatty(STDERR_FILENO), end = total && done >= total;
	time_t now = time(NULL);

	if (!begun)
		begun = last = now;
	if (now - begun < 2 || (!end && now - last < (tty ? 1 : 5)))
		return;
	last = now;
	if (total)
		fprintf(stderr, "%s%s: %ju of %ju (%ju %%)%s", tty ? "\r" : "", what,
			(uintmax_t)done, (uintmax_t)total, (uintmax_t)(done * 100 / total),
			tty && !end ? "" : "\n");
	else
		fprintf(stderr, "%s%s: %ju%s", tty ? "\r" : "", what, (uintmax_t)done,
			tty ? "" : "\n");
	fflush(stderr);
}
