#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that somebody put ahead of the gate's own: `check` finds it.
. "$(dirname "$0")/lib.sh"

setup
cat > "$T/ahead.py" << 'P'
import ctypes, socket, struct, time
bpf = lambda cmd, attr: libc.syscall({"x86_64": 321, "aarch64": 280}[__import__("platform").machine()], cmd, attr, len(attr))
libc = ctypes.CDLL(None, use_errno=True)
code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xb7, 0, 0, -1) + struct.pack("<BBhi", 0x95, 0, 0, 0))  # return TCX_NEXT
text = ctypes.create_string_buffer(b"MIT")
PROG_LOAD, LINK_CREATE, SCHED_CLS, TCX_INGRESS, F_BEFORE = 5, 28, 3, 46, 8
prog = bpf(PROG_LOAD, ctypes.create_string_buffer(struct.pack("<IIQQ", SCHED_CLS, 2, ctypes.addressof(code), ctypes.addressof(text)) + bytes(104)))
link = bpf(LINK_CREATE, ctypes.create_string_buffer(struct.pack("<IIII", prog, socket.if_nametoindex("eth0"), TCX_INGRESS, F_BEFORE) + bytes(48)))
print("ahead" if prog >= 0 and link >= 0 else "no tcx: %d" % ctypes.get_errno(), flush=True)
time.sleep(60)
P
check "check passes" portlic check
in_pod /usr/bin/python3 "$T/ahead.py"
eventually 5 grep -q . "$T/background.log"
grep -q '^ahead$' "$T/background.log" || skip_all "$(cat "$T/background.log")"
is "with a foreign program ahead: exit status 1" "$(portlic check > "$T/out" 2>&1; echo $?)" 1
has "... naming hook and interface" "$(cat "$T/out")" 'runs ahead of it on eth0'
is "... and gates show it" "$(curl -s --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/gates |
	json '[(a["hook"], a["interface"]) for a in d[0]["attachments"] if a["overtaken"]]')" "[('wire', 'eth0')]"
kill "${PIDS[-1]}"
check "it is gone: check passes" eventually 3 portlic check
