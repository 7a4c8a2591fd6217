/* SPDX-License-Identifier: MIT */
/* table.h - rows of text in aligned columns. */
#ifndef PORTLIC_TABLE_H
#define PORTLIC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table {
	const char *const *columns; /* titles; one that begins with > is aligned to the right */
	size_t n_columns, n_rows;
	char **cells;	/* n_rows * n_columns copies */
	bool exhausted; /* memory ran out: table_print will say so */
};

/* Adds a row: as many texts as there are columns; NULL or "" shows as "-". */
void table_row(struct table *table, const char *const *cells);
/* Titles and rows, two spaces between columns, none at the end of a line. 0 or -ENOMEM. */
int table_print(const struct table *table, FILE *out);
void table_free(struct table *table);

#define _table_ __attribute__((cleanup(table_free)))

#endif
