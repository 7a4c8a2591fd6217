/* SPDX-License-Identifier: MIT */
/* origin.c - the words for where a connection came from. */
#include "origin.h"

#include <stddef.h>
#include <string.h>

static const char *const words[PLIC_N_ORIGINS] = {[PLIC_ORIGIN_UNKNOWN] = "unknown",
#define ORIGIN_WORD(number, name, word) [PLIC_ORIGIN_##name] = (word),
						  PLIC_ORIGINS(ORIGIN_WORD)
#undef ORIGIN_WORD
};

const char *origin_word(unsigned int origin)
{
	return words[origin < PLIC_N_ORIGINS ? origin : PLIC_ORIGIN_UNKNOWN];
}

int origin_of_word(const char *word)
{
	for (size_t i = 0; i < PLIC_N_ORIGINS; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}
