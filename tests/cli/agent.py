#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The verbs that talk to the agent, against a stand-in that speaks docs/api.md: what they ask, what
they print, how they exit. The real agent is in tests/e2e."""

import http.server
import json
import os
import socket
import socketserver
import threading
import time
import urllib.parse

from harness import Run, Vendor, check, done, equal, path, skip, write


START = time.time()


def at(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + days * 86400 + 30))


STATUS = {"version": "0.1.0", "audience": "prod-1", "started": at(-3), "generation": 7,
          "features": {"tcx": True, "tracing": True}, "trust": {"vendors": 1, "keys": 2},
          "licenses": {"active": 2, "rejected": 1, "grace": 0},
          "gates": {"enforce": 1, "audit": 0, "off": 0, "waiting": 0}, "warnings": ["disk is full"],
          "pull": [{"source": "acme", "result": "same", "last_success": at(-3), "next": at(2)},
                   {"source": "vendor-2", "result": None, "last_success": None, "next": None}]}
GATE = {"name": "web", "netns": "/run/netns/web", "mode": "enforce", "generation": 7,
        "hooks": ["wire", "socket", "egress", "ledger"], "ports_allowed": 2, "state": "attached",
        "policy": None, "since": at(-1), "unlicensed_listeners": [{"port": 9090, "protocol": "TCP"}],
        "unprotected_seconds": 0, "error": None,
        "attachments": [{"hook": "wire", "interface": "eth0", "kind": "tcx", "removable": False, "present": True}]}
COUNT = {"allowed": 11, "denied": 22, "audit": 33}
PORT = {"gate": "web", "port": 9000, "end_port": 9010, "protocol": "UDP", "name": "media", "state": "licensed",
        "lid": "line-1", "deadline": at(12), "packets": COUNT, "bytes": COUNT, "connections": COUNT,
        "denied": {"lapsed": 20, "fragment": 2}, "last_access": at(-2), "last_origin": None}
OTHER = {**PORT, "port": None, "end_port": None, "protocol": None, "name": "other", "state": "unlicensed",
         "lid": None, "deadline": None, "last_access": None}
LICENSE = {"file": "a.lic", "source": "acme", "state": "active", "reason": None, "detail": None, "lid": "line-1", "seq": 1,
           "iss": "v", "sub": "c", "plan": "gold", "jti": "j", "nbf": at(-9), "exp": at(12), "grace": 0,
           "deadline": at(26), "lapse": "block-new", "cut_at": at(26), "held": None, "covered": False, "seats": None,
           "features": [], "warn": True, "ports": ["1/tcp", "2/tcp", "3/tcp", "4/tcp", "5/tcp", "6/tcp"]}
REJECTED = {**dict.fromkeys(LICENSE), "file": "bad\033.lic", "state": "rejected", "reason": "bad_signature",
            "detail": "not by this key", "ports": [], "warn": False, "held": None}
SOON = {**LICENSE, "file": "s.lic", "lid": "soon", "exp": at(3), "deadline": at(3), "lapse": "block", "warn": False, "ports": []}

answers, seen = {}, []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen.append((self.command, self.path, body))
        status, value = answers.get((self.command, urllib.parse.urlsplit(self.path).path), (404, {"error": "no such thing"}))
        text = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if text:
            self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *args):
        pass

    def address_string(self):
        return "unix"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


SOCKET = path("agent.sock")
server = Server(SOCKET, Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
# A proxy of the environment must not see what goes over the socket.
ENV = {"PORTLIC_SOCKET": SOCKET, "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}


def portlic(*args):
    seen.clear()
    return Run([str(a) for a in args], env=ENV)


def asked(text, r, *want):
    equal(text, [(m, p) for m, p, _ in seen], list(want))
    return r


# --- status
answers["GET", "/v1/status"], answers["GET", "/v1/gates"] = (200, STATUS), (200, [GATE])
r = asked("status asks for status and gates", portlic("status"), ("GET", "/v1/status"), ("GET", "/v1/gates"))
check("status in words", r.code == 0 and all(w in r.out for w in (
    "started 2d ago", "prod-1", "1 vendors, 2 keys", "2 active, 1 rejected", "WARNING      disk is full", "web: enforce",
    "pull         acme: same, good 2d ago, next in 2d", "vendor-2: not yet tried, good never, next now")), r)
check("... the wire gate is a link", "wire         link" in r.out and "removable" not in r.out, r)
equal("status -o json", {k: v for k, v in portlic("status", "-o", "json").json().items() if k != "wire"}, STATUS)
for text, status, gates in (("a clsact filter", STATUS, [{**GATE, "attachments": [
        {"hook": "wire", "interface": "eth0", "kind": "clsact", "removable": True, "present": True}]}]),
        ("a kernel without tcx", {**STATUS, "features": {"tcx": False}}, [])):
    answers["GET", "/v1/status"], answers["GET", "/v1/gates"] = (200, status), (200, gates)
    r, j = portlic("status"), portlic("status", "-o", "json")
    check(f"{text}: wire: removable", "removable" in r.out and j.json()["wire"] == "removable", f"{r}\n{j}")
check("... in gate list too", "wire(removable) socket" in (answers.update({("GET", "/v1/gates"): (200, [{**GATE, "attachments": [
    {"hook": "wire", "kind": "clsact", "removable": True, "present": True}]}])}) or portlic("gate", "list").out))
answers["GET", "/v1/gates"] = (200, [{**GATE, "attachments": [{"hook": "wire", "removable": False, "present": False}]}])
check("an attachment that is gone", "wire(GONE)" in portlic("gate", "list").out)
answers["GET", "/v1/gates"] = (200, [GATE, {**GATE, "name": "db", "error": "namespace is gone", "state": "failed"}])

# --- clock
CLOCK = {"effective": at(0), "wall": at(0), "mark": at(0), "synchronised": True, "suspect": False, "resets": 0, "last_reset": None}
for text, clock, words in (("a good clock", CLOCK, ", synchronised\n"), ("a suspect one", {**CLOCK, "suspect": True}, ", SUSPECT\n"),
                           ("one by itself", {**CLOCK, "synchronised": False, "resets": 2}, ", not synchronised, reset 2 times\n")):
    answers["GET", "/v1/status"] = (200, {**STATUS, "clock": clock})
    check(f"status: {text}", any(l.startswith("clock ") and (l + "\n").endswith(words) for l in portlic("status").out.splitlines()), portlic("status"))
answers["GET", "/v1/status"] = (200, STATUS)
answers["POST", "/v1/clock/reset"] = (200, {**CLOCK, "resets": 1, "last_reset": {"before": "2026-01-01T00:00:00Z", "after": "2025-01-01T00:00:00Z"}})
r = asked("clock reset", portlic("clock", "reset"), ("POST", "/v1/clock/reset"))
equal("... says from when to when", (r.code, r.out), (0, "clock: reset from 2026-01-01T00:00:00Z to 2025-01-01T00:00:00Z\n"))
equal("... -o json", portlic("clock", "reset", "-o", "json").json(), answers["POST", "/v1/clock/reset"][1])
del answers["POST", "/v1/clock/reset"]
check("... refused", portlic("clock", "reset").code == 2)

# --- gates
r = asked("gate list", portlic("gate", "list"), ("GET", "/v1/gates"))
rows = [line.split() for line in r.out.splitlines()]
equal("... a title and a line a gate", [rows[0][0], rows[1][:6], rows[2][0]],
      ["GATE", ["web", "enforce", "attached", "7", "2", "1"], "db"])
check("... columns are aligned", r.out.splitlines()[0].index("NETNS") == r.out.splitlines()[1].index("/run/netns/web"), r)
equal("gate list -o json is the agent's array", portlic("gate", "list", "-o", "json").json(), answers["GET", "/v1/gates"][1])
answers["POST", "/v1/gates"] = (201, GATE)
for args, netns in ((["--netns", "web"], "/run/netns/web"), (["--netns=/proc/7/ns/net"], "/proc/7/ns/net"),
                    (["--pid", "4711"], "/proc/4711/ns/net"), (["--netns", "./ns"], os.getcwd() + "/./ns")):
    r = asked(f"gate add {args}", portlic("gate", "add", "web", *args), ("POST", "/v1/gates"))
    equal("... its body", json.loads(seen[0][2]), {"name": "web", "netns": netns})
    check("... is said", r.code == 0 and r.out == "gate web: enforce, attached\n", r)
policy = {"name": "p", "match": {"gates": ["web"]}, "open": [{"port": 1}]}
portlic("gate", "add", "web", "--netns", "web", "--policy", write("p.json", json.dumps(policy, indent=1)))
equal("the policy goes along", json.loads(seen[0][2])["policy"], policy)
r = portlic("gate", "add", "web", "--netns", "web", "--policy", write("p.json", '{"a":1,"a":2}'))
check("a policy with two readings: exit 2, not sent", r.code == 2 and not seen and "p.json" in r.err, r)
for status, code in ((400, 2), (404, 2), (409, 2), (422, 1), (500, 2)):
    answers["POST", "/v1/gates"] = (status, {"error": 'gate "web": because'})
    r, j = portlic("gate", "add", "web", "--netns", "web"), portlic("gate", "add", "web", "--netns", "web", "-o", "json")
    check(f"HTTP {status}: exit {code}, the agent's words", r.code == code and r.err == 'portlic: gate "web": because\n' and
          (j.code, j.json(), j.err) == (code, {"error": 'gate "web": because'}, ""), f"{r}\n{j}")
answers["PATCH", "/v1/gates/a%20b%2Fc"] = (200, {**GATE, "mode": "audit"})
r = asked("gate set escapes the name", portlic("gate", "set", "a b/c", "--mode", "audit"), ("PATCH", "/v1/gates/a%20b%2Fc"))
check("... and says the mode", r.code == 0 and json.loads(seen[0][2]) == {"mode": "audit"} and "audit" in r.out, r)
shield = {"setting": "auto", "attached": True, "detail": None}
answers["PATCH", "/v1/gates/web"] = (200, {**GATE, "shield": shield})
r = asked("gate set --shield", portlic("gate", "set", "web", "--shield", "auto"), ("PATCH", "/v1/gates/web"))
check("... alone, and says it", r.code == 0 and json.loads(seen[0][2]) == {"shield": "auto"} and "shield auto (attached)" in r.out, r)
portlic("gate", "set", "web", "--shield", "off", "--mode", "audit")
equal("... beside a mode", json.loads(seen[0][2]), {"mode": "audit", "shield": "off"})
answers["PATCH", "/v1/gates/web"] = (200, {**GATE, "shield": {**shield, "attached": False, "detail": "no way"}})
r = portlic("gate", "set", "web", "--shield", "on")
check("... that can't be: done, with a warning", r.code == 0 and "no way" in r.err, r)
answers["DELETE", "/v1/gates/web"] = (204, None)
r = asked("gate del", portlic("gate", "del", "web"), ("DELETE", "/v1/gates/web"))
equal("... in words and as JSON", (r.code, r.out, portlic("gate", "del", "web", "-o", "json").json()),
      (0, "gate web: deleted\n", {"deleted": "web"}))
check("gate del of nobody: exit 2", portlic("gate", "del", "nobody").code == 2)

# --- ports
answers["GET", "/v1/ports"] = (200, [PORT, OTHER])
r = asked("port list", portlic("port", "list"), ("GET", "/v1/ports"))
lines = r.out.splitlines()
equal("... its columns", lines[0].split(), "GATE PORT PROTO NAME STATE LICENSE ENDS ALLOWED DENIED AUDIT CONNS LAST".split())
equal("... a range", lines[1].split(), "web 9000-9010 UDP media licensed line-1 in 12d 11 22 33 11 47h ago".split())
equal("... the rest", lines[2].split()[:5], ["web", "other", "-", "-", "unlicensed"])
check("... no blanks at the ends", not any(line.endswith(" ") for line in lines), r)
answers["GET", "/v1/ports"] = (200, [{**PORT, "seats": {"used": 7, "limit": 5}}, OTHER])
lines = portlic("port", "list").out.splitlines()
equal("... a column of seats, where a port has some", [lines[0].split()[6:9], lines[1].split()[6:10], lines[2].split()[6:9]],
      [["ENDS", "SEATS", "ALLOWED"], ["in", "12d", "7/5", "11"], ["-", "-", "11"]])
answers["GET", "/v1/ports"] = (200, [PORT, OTHER])
asked("port list GATE", portlic("port", "list", "a&b"), ("GET", "/v1/ports?gate=a%26b"))
equal("port list -o json is the agent's array", portlic("port", "list", "-o", "json").json(), [PORT, OTHER])
PEER = {"port": 9000, "protocol": "UDP", "remote": "10.0.0.7", "last": PORT["last_access"], "connections": 0, "connected": 0}
PEERS = {"gate": "web", "since": PORT["last_access"], "clients": 12,
         "peers": [{**PEER, "connected": 2, "connections": 1}] + [{**PEER, "last": None, "remote": f"fd00::{i}"} for i in range(11)]}
answers["GET", "/v1/peers"] = (200, PEERS)
asked("port show asks for the port and its clients", portlic("port", "show", "web", "9005/udp"), ("GET", "/v1/ports?gate=web"), ("GET", "/v1/peers?gate=web&port=9005/udp"))
for port in ("9000/udp", "9005/UDP", "9010/udp"):
    r = portlic("port", "show", "web", port)
    check(f"port show {port}", r.code == 0 and "20 lapsed (the license for this port has ended)" in r.out and "in 12d" in r.out, r)
    check("... with its clients", "12 in the last day" in r.out and "10.0.0.7: 2 connected, 1 connection, last 47h ago\n" in r.out, r)
    check("... up to 8", "fd00::6\n" in r.out and "fd00::7" not in r.out and r.out.endswith("...\n"), r)
equal("port show -o json", portlic("port", "show", "web", "9001/udp", "-o", "json").json(), {**PORT, "clients": 12, "peers": PEERS["peers"]})
for port in ("9005", "8999/udp", "9011/udp", "9000/sctp"):
    r = portlic("port", "show", "web", port)
    check(f"port show {port}: exit 1", r.code == 1 and "port list web" in r.err, r)

# --- licenses
answers["GET", "/v1/licenses"] = (200, [REJECTED, LICENSE, SOON])
r = asked("license list", portlic("license", "list"), ("GET", "/v1/licenses"), ("GET", "/v1/status"))
lines = r.out.splitlines()
equal("... its columns", lines[0].split(), "STATE LID SEQ PLAN ENDS GRACE UNTIL THEN PORTS FILE NOTE".split())
equal("... the soonest end first, rejected last", [line.split()[:2] for line in lines[1:4]],
      [["active", "soon"], ["active!", "line-1"], ["rejected", "-"]])
check("... what ends when, what happens then, which ports", all(w in lines[2] for w in (
    " 1 ", "gold", LICENSE["exp"] + " in 12d", LICENSE["deadline"], "block-new", "1/tcp, 2/tcp, 3/tcp, 4/tcp, +2 more", "a.lic", "pulled from acme; ends soon")), r)
check("... no grace", SOON["exp"] + " in 3d" in lines[1] and lines[1].split()[7:9] == ["-", "block"], r)
check("... why rejected", "bad_signature: not by this key" in lines[3] and "\033" not in r.out, r)
equal("license list -o json", portlic("license", "list", "-o", "json").json(), [REJECTED, LICENSE, SOON])


def listed(text, licenses, *lines):
    """The last lines of the table have these words, in order."""
    answers["GET", "/v1/licenses"] = (200, licenses)
    got = portlic("license", "list")
    last = got.out.splitlines()[-len(lines):]
    check(text, got.code == 0 and len(last) == len(lines) and all(all(w in line for w in words) for line, words in zip(last, lines)), got)


THEN = "new connections are refused, established ones cut 300 s later"
listed("the next end in one line", [LICENSE], [f"next: line-1 ends in 12d ({at(12)}), then grace until {at(26)}, then block-new: {THEN}"])
listed("... without grace", [SOON], [f"next: soon ends in 3d ({at(3)}), then block: connections are refused, established ones cut at once"])
GRACE = {**LICENSE, "state": "grace", "exp": at(-2), "warn": False, "lapse": "report"}
listed("... past its end: what remains is grace", [GRACE, SOON], ["active", "soon"], ["grace", f"{at(-2)} 47h ago", at(26)], ["next: soon ends"])
listed("... and it is loud", [GRACE], [f"next: line-1 HAS ENDED ({at(-2)}), its grace ends in 26d ({at(26)}), then report: its ports are let through and counted"])
listed("... of a stale one", [{**LICENSE, "state": "stale", "exp": at(90), "deadline": at(5)}], ["stale", "revocation list is too old"],
       [f"next: the revocation list of line-1 is too old, its rights end in 5d ({at(5)})"])
RENEWAL = {**LICENSE, "file": "b.lic", "seq": 2, "state": "pending", "nbf": at(10), "exp": at(99), "deadline": at(99)}
listed("a renewal is loaded: no alarm", [{**LICENSE, "covered": True}, RENEWAL], ["others go on with all of it"], ["pending", "begins in 10d"],
       ["next: nothing is lost"])
listed("... so the next end is another's", [{**LICENSE, "covered": True}, RENEWAL, {**LICENSE, "lid": "z", "exp": at(40), "deadline": at(40)}],
       ["line-1"], ["z"], ["pending"], ["next: z ends in 40d"])
LAPSED = {**LICENSE, "state": "lapsed", "lid": "old", "exp": at(-9), "deadline": at(-9), "cut_at": at(0), "warn": False}
listed("ended, superseded and rejected ones follow", [REJECTED, {**LICENSE, "state": "superseded", "warn": False}, LAPSED, SOON],
       ["active", "soon"], ["lapsed", "8d ago", "what is left is cut in"], ["superseded", "replaced by a higher seq"], ["rejected"], ["next: soon"])
listed("a kept copy is told", [{**LICENSE, "held": "file_gone", "detail": "gone", "warn": False}, {**LICENSE, "held": "file_bad", "reason": "bad_framing",
       "detail": "three segments"}], ["held: its file is gone"], ["last good copy, its file is bad_framing: three segments; ends soon"], ["next: "])
listed("a license that never ends", [{**LICENSE, "exp": None, "deadline": None, "warn": False}], ["active"], ["next: nothing ends"])
listed("none in force", [REJECTED], ["next: no license is in force"])
listed("none at all", [], ["next: no license is in force"])
listed("members of the wrong type", [{}, {"state": 7, "lid": [], "exp": "x", "ports": {"a": 1}, "seq": "y"}, 3, None], ["next: no license"])
answers["POST", "/v1/licenses"] = (201, {**LICENSE, "warnings": ["it ends earlier than before"]})
token = write("my license.lic", "token\n")
r = asked("license load", portlic("license", "load", token), ("POST", "/v1/licenses?file=my%20license.lic"))
check("... the file's bytes, a line, the warning", seen[0][2] == b"token\n" and r.code == 0 and "line-1" in r.out and
      "in 26d" in r.out and "warning: " in r.err and "it ends earlier than before" in r.err, r)
asked("a file of another name gets .lic", portlic("license", "load", write("x.jwt", "t")), ("POST", "/v1/licenses?file=x.jwt.lic"))
r = portlic("license", "load", write("x.rl", "t"))
check("a revocation list belongs into the directory: exit 2, not sent", r.code == 2 and not seen and "license_dir" in r.err, r)
r = portlic("license", "load", write("big.lic", "e" * 65537))
check("one that is too big isn't sent: exit 1", r.code == 1 and not seen and "65536" in r.err, r)
r = portlic("license", "load", token, path("none.lic"), token)
check("one that can't be read: the others load, exit 2", r.code == 2 and len(seen) == 2 and "none.lic" in r.err, r)
answers["POST", "/v1/licenses"] = (422, {"error": '"x.lic" is rejected', "reason": "wrong_audience", "detail": "aud is b"})
r, j = portlic("license", "load", token), portlic("license", "load", "-o", "json", token)
check("refused: exit 1, reason and detail", r.code == 1 and '"x.lic" is rejected: wrong_audience: aud is b' in r.err, r)
equal("... as JSON", (j.code, j.json()["reason"]), (1, "wrong_audience"))
answers["DELETE", "/v1/licenses/line%2F1"] = answers["DELETE", "/v1/licenses/a.lic"] = (204, None)
asked("unload by lid", portlic("license", "unload", "line/1"), ("DELETE", "/v1/licenses/line%2F1"))
r = asked("unload by file, wherever it lies", portlic("license", "unload", "/tmp/a.lic"), ("DELETE", "/v1/licenses/a.lic"))
check("... exit 0", r.code == 0, r)
answers["DELETE", "/v1/licenses/b.lic"] = (200, {"warnings": ['"a.lic" has no effect: seq 2']})
r = portlic("license", "unload", "b.lic")
check("unload passes warnings on", r.code == 0 and "unloaded" in r.out and 'a.lic" has no effect: seq 2' in r.err, r)
check("unload of nobody: exit 2", portlic("license", "unload", "nobody").code == 2)

# --- check
RESULT = {"gate": "web", "check": "wire", "ok": True, "text": "removable: clsact filter on eth0"}
answers["POST", "/v1/check"] = (200, {"ok": True, "results": [RESULT]})
r = asked("check --gate", portlic("check", "--gate", "web"), ("POST", "/v1/check?gate=web"))
check("... exit 0, and the text", r.code == 0 and "removable: clsact filter on eth0" in r.out, r)
answers["POST", "/v1/check"] = (200, {"ok": False, "results": [RESULT, {**RESULT, "ok": False}]})
r, j = asked("check of all", portlic("check"), ("POST", "/v1/check")), portlic("check", "-o", "json")
check("... failed: exit 1", r.code == j.code == 1 and "FAILED" in r.out and j.json() == answers["POST", "/v1/check"][1], r)

# --- policies
def condition(state, **other):
    return {"state": state, "mode": "enforce", "deny": "refuse", "lid": None, **other}


PIECE = {"port": 9000, "end_port": 9010, "protocol": "UDP", "name": "media", "before": condition("licensed", lid="line-1"),
         "after": condition("audit", mode="audit"), "effect": "keeps", "in_use": True, "live": 2, "clients_last_day": 12, "last_access": at(-2)}
ANSWER = {"file": "p.json", "name": "p", "gains": ["web"], "loses": [], "warnings": ["it is late"], "changes": [{
    "gate": "web", "state": "attached", "policy": {"before": None, "after": "p"}, "mode": {"before": "enforce", "after": "audit"},
    "deny": {"before": "refuse", "after": "refuse"}, "ports": [PIECE, {**PIECE, "port": None, "end_port": None, "protocol": None,
    "name": "other", "live": None, "clients_last_day": None, "in_use": False}, {**PIECE, "port": None, "protocol": "47", "live": None,
    "clients_last_day": None}]}]}
answers["POST", "/v1/policies"] = (200, ANSWER)
policy = write("p.json", '{"name": "p"}')
for args, query in ((("diff", policy), "file=p.json&dry=1"), (("apply", policy), "file=p.json"),
                    (("apply", write("a b.policy", "{}")), "file=a%20b.policy.json")):
    r = asked(f"policy {args[0]}: {query}", portlic("policy", *args), ("POST", "/v1/policies?" + query))
    with open(args[1], "rb") as f:
        check("... the file's own bytes", seen[0][2] == f.read(), seen)
    check("... what changes, of a gate and a port", r.code == 0 and all(w in r.out for w in (
        "gate web: policy none -> p\n", "gate web: mode enforce -> audit\n", "12 clients, 2 now", "licensed (enforce, line-1)  audit (audit)")) and
        "deny" not in r.out, r)
    equal("... ranges, the rest, a protocol", [line.split()[:3] for line in r.out.splitlines()[-3:]],
          [["web", "9000-9010", "UDP"], ["web", "other", "-"], ["web", "*", "47"]])
    check("... in use by its last access where nobody counted", "47h ago" in r.out.splitlines()[-1], r)
    check("... the warning", f'portlic: warning: "{args[1]}": it is late\n' == r.err, r)
    check("... apply says that it is in force", ("in force as p.json" in r.out) == (args[0] == "apply"), r)
equal("policy diff -o json is the agent's object", portlic("policy", "diff", policy, "-o", "json").json(), ANSWER)
r = portlic("policy", "apply", write("big.json", "x" * ((1 << 20) + 1)))
check("one that is too big isn't sent: exit 1", r.code == 1 and not seen and "1048576" in r.err, r)
answers["POST", "/v1/policies"] = (200, {**ANSWER, "changes": []})
check("nothing changes: it says so", portlic("policy", "diff", policy).out == "no gate changes\n")
answers["POST", "/v1/policies"] = (422, {"error": 'policy "p.json": "match" is empty'})
r, j = portlic("policy", "apply", policy), portlic("policy", "apply", policy, "-o", "json")
check("refused: exit 1, the agent's words", r.code == j.code == 1 and "is empty" in r.err and "is empty" in j.json()["error"], r)
HELD = {"file": "p.json", "name": "p", "state": "held", "detail": "it is gone", "mode": "audit", "gates": ["web", "db"], "in_force": ["db"]}
answers["GET", "/v1/policies"] = (200, [HELD, {**dict.fromkeys(HELD), "file": "x\033.json", "state": "refused", "detail": "broken"}])
r = asked("policy list", portlic("policy", "list"), ("GET", "/v1/policies"))
check("... who matches, for whom it holds, why not", "web, db  db         it is gone" in r.out and "broken" in r.out and "\033" not in r.out, r)
equal("policy list -o json", portlic("policy", "list", "-o", "json").json(), answers["GET", "/v1/policies"][1])
answers["DELETE", "/v1/policies/p.json"] = (204, None)
r = asked("policy del by file, wherever it lies", portlic("policy", "del", "/tmp/p.json"), ("DELETE", "/v1/policies/p.json"))
check("... in words", r.code == 0 and r.out == "policy p.json: deleted\n", r)

# --- rehearse
ROW = {"gate": "web", "port": 9443, "from": "licensed", "to": "lapsed", "effect": "closes", "text": "T: 9443/tcp would refuse; 12 clients in the last day"}
SAME = {**ROW, "port": 80, "to": "licensed", "effect": "keeps", "text": "T: 80/tcp stays licensed"}
GRACE = {**SAME, "to": "grace", "text": "T: 80/tcp becomes grace"}
answers["POST", "/v1/rehearse"] = (200, {"at": "T", "ok": False, "results": [ROW, SAME, GRACE], "warnings": ["db isn't up"]})
r = asked("rehearse --at", portlic("rehearse", "--at", "+30d", "--gate", "web", "--without", "l"), ("POST", "/v1/rehearse"))
equal("... its body", json.loads(seen[0][2]), {"at": "+30d", "gate": "web", "without": "l"})
check("... what changes, by gate; exit 1", r.code == 1 and r.out == f"gate web: {ROW['text']}\ngate web: {GRACE['text']}\n" and
      r.err == "portlic: warning: db isn't up\n", r)
check("... with --all everything", len(portlic("rehearse", "--at", "+30d", "--all").out.splitlines()) == 3)
r = portlic("rehearse", "--at", "+30d", "-o", "json")
check("... and in JSON", r.code == 1 and r.json() == answers["POST", "/v1/rehearse"][1] and not r.err, r)
answers["POST", "/v1/rehearse"] = (200, {"at": "T", "ok": True, "results": [SAME], "warnings": []})
r = portlic("rehearse", "--at", "+30d")
check("nothing changes: exit 0, it says so", r.code == 0 and r.out == "T: no port changes\n", r)
token = Vendor().license("renewal.jwt")
r = asked("rehearse --with", portlic("rehearse", "--with", token), ("POST", "/v1/rehearse"))
with open(token, encoding="ascii") as f:
    equal("... the token, and the name that the agent would give it", json.loads(seen[0][2]), {"with": f.read().strip(), "file": "renewal.jwt.lic"})
for text in ("no token", "a\0b", "a.b.c\n\n", "\u00e9.b.c"):
    r = portlic("rehearse", "--with", write("bad.lic", text), "-o", "json")
    check(f"{text!r} is no token: exit 1, not sent", r.code == 1 and not seen and r.json()["reason"], r)

# --- a strange agent
for text, value in (("no JSON", b"<html>"), ("another shape", {"a": 1}), ("nothing", None)):
    answers["GET", "/v1/gates"] = (200, value)
    r = portlic("gate", "list")
    check(f"{text} for an answer: exit 2", r.code == 2 and not r.out and r.err, r)
answers["GET", "/v1/ports"] = (200, [{}, {"port": "x", "packets": 7, "deadline": 5}, 3, None])
r = portlic("port", "list")
check("members of the wrong type don't crash it", r.code == 0, r)
answers["GET", "/v1/ports"] = (200, [{**PORT, "denied": denied} for denied in ([1, 2],)])
check("... nor one port", portlic("port", "show", "web", "9000/udp").code == 0)
answers["GET", "/v1/ports"] = (200, [{**PORT, "denied": {"novel": 3, "lapsed": "x"}}])
r = portlic("port", "show", "web", "9000/udp")
check("... a reason of a later version is told", r.code == 0 and "3 novel" in r.out, r)
for peers in ({}, {"clients": "x", "peers": 3}, {"peers": [3, None, {}, {"remote": 7, "last": [], "connected": "x"}]}):
    answers["GET", "/v1/peers"] = (200, peers)
    r = portlic("port", "show", "web", "9000/udp")
    check("... nor peers", r.code == 0 and "0 in the last day" in r.out, r)
answers["GET", "/v1/peers"] = (200, [])
check("... a list of them: exit 2", portlic("port", "show", "web", "9000/udp").code == 2)
answers["GET", "/v1/gates"] = (200, [{}, {"hooks": [1, None], "attachments": [3, {}]}])
answers["POST", "/v1/policies"] = (200, {"changes": [3, {}, {"policy": 5, "ports": [1, {}, {"before": 3, "in_use": True}]}], "warnings": [7]})
check("... nor changes", portlic("policy", "diff", policy).code == 0)
answers["GET", "/v1/policies"] = (200, [{}, 7, {"gates": [1, None], "in_force": 3}])
check("... nor policies", portlic("policy", "list").code == 0)
answers["POST", "/v1/rehearse"] = (200, {"ok": 1, "results": [{}, 3, {"effect": 9}], "warnings": [None]})
check("... nor a rehearsal", portlic("rehearse", "--at", "1").code == 1)
check("... nor gates", portlic("gate", "list").code == 0)
answers["GET", "/v1/status"] = (200, {"licenses": [1], "warnings": {"a": 2}})
check("... nor status", portlic("status").code == 0)
with socket.socket(socket.AF_UNIX) as deaf:
    deaf.bind(path("deaf.sock"))
    r = Run(["status", "--socket", path("deaf.sock")])
    check("a socket without a listener: exit 4", r.code == 4 and "refused" in r.err, r)
if os.getuid() == 0:
    os.chmod(path(), 0o711)
    os.chmod(SOCKET, 0o600)
    pid = os.fork()
    if not pid:
        os.setgid(65534)
        os.setuid(65534)
        try:
            r = Run(["status", "--socket", SOCKET])
        except OSError:
            os._exit(77)
        os._exit(0 if r.code == 4 and "run as root" in r.err else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == 77:
        skip("not root: exit 4, run as root", "the program lies where only root may go")
    else:
        equal("not root: exit 4, run as root", status, 0)
done()
