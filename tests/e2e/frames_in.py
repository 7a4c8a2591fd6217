#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""frames_in.py FROM TO  until it is ended: what comes in on FROM goes out on TO as XDP frames, as a CNI with XDP does it.

Prints "ready". It is XDP_REDIRECT in four instructions, on a link that goes with this process.
"""
import ctypes
import platform
import socket
import struct
import sys
import time

PROG_LOAD, LINK_CREATE, XDP, ATTACH_XDP, DRV_MODE, REDIRECT = 5, 28, 6, 37, 1 << 2, 23
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    fd = libc.syscall({"x86_64": 321, "aarch64": 280}[platform.machine()], command, ctypes.create_string_buffer(attributes, 128), 128)
    return fd if fd >= 0 else sys.exit("bpf %d: errno %d" % (command, ctypes.get_errno()))


def instruction(code, registers, immediate):
    return struct.pack("<BBhi", code, registers, 0, immediate)


ingress, egress = map(socket.if_nametoindex, sys.argv[1:])
code = ctypes.create_string_buffer(instruction(0xb7, 1, egress) + instruction(0xb7, 2, 0) + instruction(0x85, 0, REDIRECT) +
                                   instruction(0x95, 0, 0))
text = ctypes.create_string_buffer(b"GPL")
program = bpf(PROG_LOAD, struct.pack("<IIQQ", XDP, 4, ctypes.addressof(code), ctypes.addressof(text)))
link = bpf(LINK_CREATE, struct.pack("<IIII", program, ingress, ATTACH_XDP, DRV_MODE))
print("ready", flush=True)
time.sleep(600)
