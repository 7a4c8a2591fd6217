# SPDX-License-Identifier: MIT
"""Writes a rule set as include/portlic.h lays it out: a second writer beside user/core/ruleset.c.

Cells stand in any order but for those that have a number: the contract says no more.
"""

from model import LOST, SCTP, TCP, UDP

PROTOS = (TCP, UDP, SCTP)  # enum plic_proto
NOWHERE = 0xFFF0  # a number of no cell


class Writer:
    """layout: "struct.field" -> (offset, size), and the constants by name."""

    def __init__(self, layout, rng):
        self.layout, self.rng = layout, rng
        self.size = layout["PLIC_CELL_SIZE"]
        self.grant_size = layout["sizeof(struct plic_grant)"]

    def cells(self, rules):
        """The set's cells, as one run of bytes."""
        first = self.layout["PLIC_CELL_FIRST_FREE"]
        self.made = {n: bytearray(self.size) for n in range(first)}
        self.free = list(range(first, first + 40 + 200 * len(rules.ports)))
        self.rng.shuffle(self.free)
        self.numbers, self.keep = {}, []
        header = self.made[self.layout["PLIC_CELL_HEADER"]]
        self.header(header, rules.header)
        self.put(header, "plic_header.generation", self.rng.getrandbits(63))
        self.rule(self.made[self.layout["PLIC_CELL_DEFAULT"]], rules.default)
        self.index(rules)
        n = max(self.made) + 1
        self.put(header, "plic_header.n_cells", n)
        return b"".join(bytes(self.made.get(i) or self.size) for i in range(n))

    def put(self, cell, name, value, at=0):
        offset, size = self.layout[name]
        cell[at + offset:at + offset + size] = value.to_bytes(size, "little") \
            if isinstance(value, int) else value

    def new(self):
        number = self.free.pop()
        cell = self.made[number] = bytearray(self.size)
        return number, cell

    def number_of(self, thing, write):
        """Of the cell of a rule or a header, which may be shared."""
        if thing == LOST:
            return NOWHERE
        if id(thing) not in self.numbers:
            self.keep.append(thing)
            self.numbers[id(thing)], cell = self.new()
            write(cell, thing)
        return self.numbers[id(thing)]

    def interim(self, cell, struct, thing, write):
        if thing.interim:
            self.put(cell, struct + ".interim", self.number_of(thing.interim, write))
            self.put(cell, struct + ".until_ns", thing.until_ns)

    def header(self, cell, header):
        bits = sum(1 << p for p in header.ip_open)
        self.put(cell, "plic_header.ip_open", bits.to_bytes(32, "little"))
        self.put(cell, "plic_header.mode", header.mode)
        self.put(cell, "plic_header.deny", header.deny)
        self.interim(cell, "plic_header", header, self.header)

    def rule(self, cell, rule):
        self.put(cell, "plic_rule.mode", rule.mode)
        self.put(cell, "plic_rule.deny", rule.deny)
        self.put(cell, "plic_rule.n_grants", len(rule.grants))
        self.put(cell, "plic_rule.origins", rule.origins)
        self.put(cell, "plic_rule.sources", rule.sources)
        self.put(cell, "plic_rule.flags", self.flags(rule))
        at = self.layout["plic_rule.grants"][0]
        for grant in rule.grants:
            for name in ("from_ns", "new_until_ns", "cut_at_ns", "step_ns", "salt", "lapse",
                         "ended_reason", "origins", "sources"):
                self.put(cell, "plic_grant." + name, getattr(grant, name), at)
            at += self.grant_size
        self.interim(cell, "plic_rule", rule, self.rule)

    def flags(self, rule):
        asks = any(r.origins or r.sources for r in [rule] + rule.grants)
        return asks * self.layout["PLIC_RULE_NARROW"] | rule.via * self.layout["PLIC_RULE_VIA"]

    def index(self, rules):
        """Directory and index cells. Blocks that one range fills share a cell."""
        block_ports, entries = self.layout["PLIC_BLOCK_PORTS"], self.layout["PLIC_DIR_ENTRIES"]
        blocks, whole = {}, {}
        for p in rules.ports:
            entry = self.number_of(p.rule, self.rule).to_bytes(2, "little") + \
                p.slot.to_bytes(2, "little")
            for block in range(p.first // block_ports, p.last // block_ports + 1):
                start = block * block_ports
                lo, hi = max(p.first, start), min(p.last, start + block_ports - 1)
                if hi - lo + 1 == block_ports:
                    if entry not in whole:
                        whole[entry], cell = self.new()
                        cell[:] = entry * block_ports
                    blocks[p.proto, block] = whole[entry]
                    continue
                if (p.proto, block) not in blocks:
                    blocks[p.proto, block] = self.new()[0]
                cell = self.made[blocks[p.proto, block]]
                cell[(lo - start) * 4:(hi - start + 1) * 4] = entry * (hi - lo + 1)
        for key in rules.lost_blocks:
            blocks[key] = NOWHERE
        for (proto, block), number in blocks.items():
            dir_cell = self.layout["PLIC_CELL_DIR"] + block // entries + \
                PROTOS.index(proto) * self.layout["PLIC_DIR_CELLS"]
            at = block % entries * 2
            self.made[dir_cell][at:at + 2] = number.to_bytes(2, "little")
