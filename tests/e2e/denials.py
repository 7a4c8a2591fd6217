# SPDX-License-Identifier: MIT
"""denials.py - who denied: a gate's pinned table of denials, read twice."""
import ctypes
import os
import platform
import re
import struct

OBJ_GET, NEXT_KEY, LOOKUP = 7, 4, 1
KEY, VALUE = "<HHBBBB", "<QQQQ"
DENIED = 1
libc = ctypes.CDLL(None, use_errno=True)
bpf_number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
header = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../include/portlic.h")
with open(header) as f:
    REASONS = {int(number): word for number, word in re.findall(r'X\((\d+), \w+, "(\w+)"', f.read())}


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, 128)
    return libc.syscall(bpf_number, command, attr, len(attr))


class Denials:
    def __init__(self, path):
        name = ctypes.create_string_buffer(path.encode())
        self.fd = bpf(OBJ_GET, struct.pack("<QI", ctypes.addressof(name), 0))
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), path)
        self.mark()

    def read(self):
        key, following = (ctypes.create_string_buffer(struct.calcsize(KEY)) for _ in range(2))
        value = ctypes.create_string_buffer(struct.calcsize(VALUE))
        at, found = 0, {}
        while bpf(NEXT_KEY, struct.pack("<IIQQ", self.fd, 0, at, ctypes.addressof(following))) == 0:
            key.raw = following.raw
            at = ctypes.addressof(key)
            if bpf(LOOKUP, struct.pack("<IIQQQ", self.fd, 0, at, ctypes.addressof(value), 0)) == 0:
                found[key.raw] = struct.unpack(VALUE, value.raw)[:2]
        return found

    def mark(self):
        self.before = self.read()

    def since(self):
        """"HOOK REASON" of what was denied since mark(): `wire` counts bytes, `socket` can't know them."""
        told = set()
        for key, (packets, size) in self.read().items():
            packets_before, size_before = self.before.get(key, (0, 0))
            _, _, _, reason, verdict, _ = struct.unpack(KEY, key)
            if packets > packets_before and verdict == DENIED:
                told.add(("wire " if size > size_before else "socket ") + REASONS[reason])
        return ", ".join(sorted(told))
