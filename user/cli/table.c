/* SPDX-License-Identifier: MIT */
/* table.c - rows of text in aligned columns. */
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "output.h"
#include "table.h"

void table_row(struct table *table, const char *const *cells)
{
	size_t n = table->n_columns;
	char **grown = reallocarray(table->cells, (table->n_rows + 1) * n, sizeof(*grown));

	if (!grown) {
		table->exhausted = true;
		return;
	}
	table->cells = grown;
	for (size_t i = 0; i < n; i++) {
		const char *text = cells[i] && cells[i][0] ? cells[i] : "-";

		grown[table->n_rows * n + i] = printable(text);
		if (!grown[table->n_rows * n + i])
			table->exhausted = true;
	}
	table->n_rows++;
}

/* Characters, not bytes: customers have names outside ASCII. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_right(const struct table *table, size_t column)
{
	return table->columns[column][0] == '>';
}

static const char *title(const struct table *table, size_t column)
{
	return table->columns[column] + is_right(table, column);
}

static void print_cell(FILE *out, const char *text, int columns, bool right, bool last)
{
	int pad = columns - width(text);

	if (right)
		fprintf(out, "%*s%s", pad, "", text);
	else
		fprintf(out, "%s%*s", text, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", out);
}

int table_print(const struct table *table, FILE *out)
{
	size_t n = table->n_columns;
	_free_ int *widths = calloc(n, sizeof(*widths));

	if (!widths || table->exhausted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		widths[i] = width(title(table, i));
	for (size_t i = 0; i < table->n_rows * n; i++)
		if (width(table->cells[i]) > widths[i % n])
			widths[i % n] = width(table->cells[i]);
	for (size_t i = 0; i < n; i++)
		print_cell(out, title(table, i), widths[i], is_right(table, i), i == n - 1);
	for (size_t i = 0; i < table->n_rows * n; i++)
		print_cell(out, table->cells[i], widths[i % n], is_right(table, i % n),
			   i % n == n - 1);
	return 0;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->n_rows * table->n_columns; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){};
}
