#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""evasion_table.py [FILE]  the table of docs/evasion.md, an attempt a line: NAME, without a gate, with one, script; tabs between.
The first cell is a list of names and, behind a colon, words for people; a name may stand for several attempts: `headers x{1..40}`,
`{udp,tcp} plain`."""
import itertools
import re
import sys


def names(word):
    parts = [[part] for part in re.split(r"\{[^}]*\}", word)]
    choices = []
    for brace in re.findall(r"\{([^}]*)\}", word):
        ends = re.fullmatch(r"(\d+)\.\.(\d+)", brace)
        choices.append([str(n) for n in range(int(ends[1]), int(ends[2]) + 1)] if ends else brace.split(","))
    slots = [slot for pair in itertools.zip_longest(parts, choices, fillvalue=[""]) for slot in pair]
    return map("".join, itertools.product(*slots))


with open(sys.argv[1] if len(sys.argv) > 1 else "docs/evasion.md") as f:
    for line in f:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| `") or len(cells) != 4:
            continue
        for word in re.findall(r"`([^`]*)`", re.match(r"(`[^`]*`(, )?)*", cells[0])[0]):
            for name in names(word):
                print(name, cells[1], cells[2], cells[3].strip("`"), sep="\t")
