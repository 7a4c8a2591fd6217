# SPDX-License-Identifier: MIT
"""The programs themselves, behind judge.c: see judge.h, whose structs these are."""

import os
import struct
import subprocess
from dataclasses import dataclass

from model import MAPPED

SET, WRITE, DUMP, SOCKETS, JUDGE = range(1, 6)
FLOWS, CLIENTS, MARKS, SOURCES, SENDERS = range(5)
WIRE, EGRESS, SOCKET = range(3)

REQUEST = struct.Struct("=IIII")
QUESTION = struct.Struct("=QIIII")
LOOKUP = struct.Struct("=16s16sHHII")
ANSWER = struct.Struct("=QiIII")
COUNT = struct.Struct("=HHBBBxQQQQ")
FLOW = struct.Struct("=16sHHB3xQ")
MARK = struct.Struct("=16s16sHH4xQ")
SOURCE = struct.Struct("=II16sI")
SENDER = struct.Struct("=16s16sHHIB7xQI4x")
GATE = 7  # BOX_GATE
SOME_CGROUP = 0xABCDEF
TUPLE = struct.Struct("=16s16sHH")


@dataclass
class Question:
    """body: a frame, or for SOCKET a tuple (remote, local, remote port, local port, proto)."""
    now: int
    program: int
    body: object
    on_lo: bool = False
    segments: int = 0

    def packed(self):
        body = self.body
        if self.program == SOCKET:
            remote, local, remote_port, local_port, proto = body
            v4 = remote[:12] == MAPPED and local[:12] == MAPPED
            body = LOOKUP.pack(remote[12:] if v4 else remote, local[12:] if v4 else local,
                               remote_port, local_port, 2 if v4 else 10, proto)
        return QUESTION.pack(self.now, self.program, self.on_lo, self.segments, len(body)) + body


@dataclass
class Answer:
    now: int
    verdict: int
    counts: list  # (verdict, slot, port, proto, reason, packets, bytes, connections, last)
    frame: bytes  # empty: as it was


class Judge:
    def __init__(self):
        path = os.path.join(os.environ.get("PORTLIC_BUILD", "build"), "tests/differential/judge")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.layout, self.ended = {}, ""
        for line in iter(self.process.stdout.readline, b"end\n"):
            if not line.startswith((b"field ", b"constant ")):
                self.ended = line.decode().strip()  # its own word on why it can't
                break
            kind, rest = line.decode().split(None, 1)
            if kind == "field":
                name, offset, size = rest.split()
                self.layout[name] = int(offset), int(size)
            else:
                name, value = rest.rsplit(None, 1)
                self.layout[name] = int(value)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()

    def request(self, op, n, payload=b"", table=0):
        self.process.stdin.write(REQUEST.pack(op, table, n, len(payload)) + payload)
        self.process.stdin.flush()

    def read(self, n):
        data = self.process.stdout.read(n)
        if len(data) != n:
            raise SystemExit("judge ended")
        return data

    def publish(self, cells, rebuilt=False):
        """None: no set. rebuilt: user/core/ruleset.c reads it and writes its own."""
        self.request(SET, len(cells or b"") // self.layout["PLIC_CELL_SIZE"], cells or b"", rebuilt)

    def write(self, flows, clients, marks, senders):
        """
        Tables of keys: (proto, local port, remote, remote port) -> ns, sets of tuples, and
        (proto, sender, receiver, its port, the other's) -> mask of origins.
        """
        for table, entries in ((FLOWS, flows), (CLIENTS, clients)):
            self.request(WRITE, len(entries), b"".join(
                FLOW.pack(remote, remote_port, local_port, proto, since)
                for (proto, local_port, remote, remote_port), since in entries.items()), table)
        self.request(WRITE, len(marks), b"".join(MARK.pack(*mark, 1) for mark in marks), MARKS)
        self.request(WRITE, len(senders), b"".join(
            SENDER.pack(*who, GATE, proto, SOME_CGROUP, origins)
            for (proto, *who), origins in senders.items()), SENDERS)

    def write_sources(self, sets):
        """Set -> (address, length of the prefix) -> value."""
        entries = [SOURCE.pack(32 + length, number, address, value)
                   for number, prefixes in sets.items()
                   for (address, length), value in prefixes.items()]
        self.request(WRITE, len(entries), b"".join(entries), SOURCES)

    def dump(self):
        """What write() took."""
        flows, clients = ({(e[3], e[2], e[0], e[1]): e[4] for e in self.entries(table, FLOW)}
                          for table in (FLOWS, CLIENTS))
        marks = {e[:4] for e in self.entries(MARKS, MARK)}
        return flows, clients, marks, {(e[5], *e[:4]): e[7] for e in self.entries(SENDERS, SENDER)}

    def entries(self, table, kind):
        self.request(DUMP, 0, table=table)
        n = int.from_bytes(self.read(4), "little")
        return list(kind.iter_unpack(self.read(n * kind.size)))

    def connect(self, tuples):
        """Connected UDP sockets: tuples (remote, local, remote port, local port)."""
        self.request(SOCKETS, len(tuples), b"".join(TUPLE.pack(*t) for t in tuples))
        assert int.from_bytes(self.read(4), "little") == len(tuples)

    def ask(self, questions):
        self.request(JUDGE, len(questions), b"".join(q.packed() for q in questions))
        return [self.answer() for _ in questions]

    def answer(self):
        now, verdict, n, size, _ = ANSWER.unpack(self.read(ANSWER.size))
        counts = []
        for slot, port, proto, reason, kind, *moved in COUNT.iter_unpack(self.read(n * COUNT.size)):
            counts.append((kind, slot, port, proto, reason, *moved))
        return Answer(now, verdict, counts, self.read(size))
