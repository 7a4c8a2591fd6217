#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""license verify: each state and its exit code, each reason, several files, tampered bytes, JSON."""

import json
import os

from harness import (AUDIENCE, EXP, IAT, ISS, Vendor, check, claims, done, equal, path, portlic,
                     skip, write)

DAY, KEYS = 86400, ["file", "state", "reason", "lid", "seq", "plan", "nbf", "exp", "grace",
                    "deadline", "ports"]
CODES = {"ACTIVE": 0, "REJECTED": 1, "PENDING": 3, "GRACE": 4, "LAPSED": 5, "SUPERSEDED": 6,
         "REVOKED": 7, "STALE": 8}
vendor = Vendor()


def judged(text, state, *args, **kw):
    """The last file is in this state, and the exit code says so; its object."""
    table, r = vendor.verify(*args, **kw), vendor.verify("-o", "json", *args, **kw)
    rows = r.lines()
    check(f"{text}: {state}, exit {CODES[state]}", rows[-1]["state"] == state and
          r.code == table.code == CODES[state] and not r.err, f"{r}\n{table}")
    check("... the same in words, one line a file", f": {state}" in table.out.splitlines()[-1] and
          len(table.out.splitlines()) == len(rows), table)
    return rows[-1]


# --- life cycle, to the second
a = vendor.license("a.lic", nbf=IAT + DAY, grace=DAY)
judged("301 s before nbf", "PENDING", a, now=IAT + DAY - 301)
judged("300 s before nbf", "ACTIVE", a, now=IAT + DAY - 300)
judged("in the middle", "ACTIVE", a, now=IAT + 2 * DAY)
judged("the last second", "ACTIVE", a, now=EXP - 1)
judged("at exp", "GRACE", a, now=EXP)
judged("the last second of grace", "GRACE", a, now=EXP + DAY - 1)
judged("at exp + grace", "LAPSED", a, now=EXP + DAY)
b = vendor.license("b.lic", jti="j-2", lid="line-2", plan="gold", ports=[
    {"port": 8080}, {"port": 9000, "endPort": 9010, "protocol": "UDP"}, {"port": 5, "protocol": "SCTP"}])
judged("without grace, at exp", "LAPSED", b, now=EXP)
far = vendor.license("far.lic", exp=253402300799, grace=31622400)
equal("an end beyond year 9999 is null", judged("never", "ACTIVE", far, now=EXP)["deadline"], None)

row = judged("a whole object", "ACTIVE", b, now=IAT + 10 * DAY)
equal("the members, in this order", list(row), KEYS)
equal("... and their values", row, {
    "file": b, "state": "ACTIVE", "reason": None, "lid": "line-2", "seq": 1, "plan": "gold",
    "nbf": "2023-11-14T22:13:20Z", "exp": "2027-01-15T08:00:00Z", "grace": 0,
    "deadline": "2027-01-15T08:00:00Z", "ports": ["8080/tcp", "9000-9010/udp", "5/sctp"]})
equal("plan null where there is none", judged("a", "ACTIVE", a, now=EXP - 1)["plan"], None)
big = vendor.license("big.lic", seq=2**53 - 1)
check("a serial is printed whole", f'"seq":{2**53 - 1},' in vendor.verify("-o", "json", big, now=IAT + DAY).out)
check("an end that is near is told", "RENEW SOON" in vendor.verify(a, now=EXP - 60).out and
      "RENEW SOON" not in vendor.verify(a, now=EXP - 200 * DAY).out)
r = vendor.verify(b)
check("without --now it is judged by the clock", r.code in (0, 5), r)

# --- supersession and several files
renewal = vendor.license("renewal.lic", jti="j-3", seq=2, exp=EXP + 100 * DAY)
for files in ((a, renewal), (renewal, a)):
    r = vendor.verify("-o", "json", *files, now=IAT + 2 * DAY)
    equal("a renewal supersedes, in any order", ({x["file"]: x["state"] for x in r.lines()}, r.code),
          ({a: "SUPERSEDED", renewal: "ACTIVE"}, 6))
later = vendor.license("later.lic", jti="j-4", seq=3, nbf=EXP - DAY, exp=EXP + 10 * DAY)
r = vendor.verify("-o", "json", a, later, now=IAT + 2 * DAY)
equal("one that is pending does not yet", [x["state"] for x in r.lines()] + [r.code], ["ACTIVE", "PENDING", 3])
r = vendor.verify("-o", "json", a, b, now=IAT + 2 * DAY)
equal("another line doesn't", [x["state"] for x in r.lines()] + [r.code], ["ACTIVE", "ACTIVE", 0])
bad = write("bad.lic", open(a, encoding="ascii").read()[:-10])
r = vendor.verify("-o", "json", b, bad, a, now=EXP)
equal("REJECTED outranks all", [x["state"] for x in r.lines()] + [r.code], ["LAPSED", "REJECTED", "GRACE", 1])

# --- revocation and stale lists
rl = {"iss": ISS, "iat": IAT, "exp": EXP, "seq": 1,
      "revoked": [{"jti": "j-1", "at": IAT + 9 * DAY, "why": "refund"}]}
listed = write("list.rl", vendor.sign(rl, "--revocation-list").out)
judged("after the entry's time", "REVOKED", "--revocations", listed, a, now=IAT + 9 * DAY)
judged("before it", "ACTIVE", "--revocations", listed, a, now=IAT + 9 * DAY - 1)
judged("not named", "ACTIVE", "--revocations", listed, b, now=IAT + 9 * DAY)
by_kid = write("kid.rl", vendor.sign({**rl, "revoked": [{"kid": "vendor", "at": IAT}]}, "--revocation-list").out)
judged("by kid", "REVOKED", "--revocations", by_kid, b, now=IAT + DAY)
stale = vendor.license("stale.lic", lid="line-5", jti="j-5", rl_max_age=3600, grace=DAY)
judged("a fresh list", "ACTIVE", "--revocations", listed, stale, now=IAT + 3600)
judged("a list too old", "STALE", "--revocations", listed, stale, now=IAT + 3601 + 60)
judged("... and past its grace", "LAPSED", "--revocations", listed, stale, now=IAT + 3600 + DAY)
r = vendor.verify("-o", "json", "--revocations", by_kid, a, stale, now=IAT + 2 * DAY)
equal("the largest code of several", r.code, 7)
r = vendor.verify("--revocations", a, b)
check("a license is no list: exit 2, named", r.code == 2 and not r.out and "bad_typ" in r.err, r)
other = Vendor("other", "https://other.example")
r = vendor.verify("--revocations", write("other.rl", other.sign({**rl, "iss": "https://other.example"}, "--revocation-list").out), b)
check("a stranger's list: exit 2", r.code == 2 and "unknown_kid" in r.err, r)


# --- each reason, by tokens that sign refuses to make
def rejected(text, reason, token, **kw):
    row = judged(text, "REJECTED", write("r.lic", token), **{"now": IAT + DAY, **kw})
    equal(f"... {reason}, the claims null", (row["reason"], {k: row[k] for k in KEYS[3:]}),
          (reason, dict.fromkeys(KEYS[3:])))


good = open(b, encoding="ascii").read()
rejected("64 KiB and more", "too_big", "e" * 70000)
rejected("two segments", "bad_framing", "e30.e30")
rejected("two newlines", "bad_framing", good + "\n")
rejected("padding", "bad_base64", good.replace(".", "=.", 1))
rejected("another vendor", "unknown_kid", other.sign(claims(iss="https://other.example")).out)
rejected("another audience", "wrong_audience", good, audience="prod-2")
rejected("issued tomorrow", "iat_future", good, now=IAT - 301)
check("300 s of skew are taken", vendor.verify(b, now=IAT - 300).code == 0)
try:
    HEADER = b'{"alg":"EdDSA","typ":"portlic+jwt","kid":"vendor"}'
    body = json.dumps(claims()).encode()
    vendor.raw(HEADER, body)
except ImportError as e:
    skip("tokens made by hand", f"python3-cryptography: {e}")
else:
    for reason, header in (("bad_alg", b'{"alg":"none","typ":"portlic+jwt","kid":"vendor"}'),
                           ("bad_alg", b'{"alg":"HS256","typ":"portlic+jwt","kid":"vendor"}'),
                           ("bad_typ", b'{"alg":"EdDSA","typ":"JWT","kid":"vendor"}'),
                           ("bad_header", b'{"alg":"EdDSA","typ":"portlic+jwt","kid":"vendor","crit":[]}'),
                           ("bad_header", b'{"alg":"EdDSA","typ":"portlic+jwt"}'),
                           ("bad_json", b'{"alg":"EdDSA",}'),
                           ("unknown_kid", b'{"alg":"EdDSA","typ":"portlic+jwt","kid":"../vendor"}')):
        rejected(f"header {header.decode()}", reason, vendor.raw(header, body))
    for reason, fields in (("missing_claim", {"jti": None}), ("bad_claim", {"grace": -1}),
                           ("bad_time", {"exp": EXP * 1000}), ("exp_before_nbf", {"nbf": EXP}),
                           ("bad_port", {"ports": [{"port": 65536}]}), ("unsupported", {"must": ["x"]}),
                           ("issuer_mismatch", {"iss": "https://other.example"})):
        rejected(f"claims {fields}", reason, vendor.raw(HEADER, json.dumps(claims(**fields)).encode()))
    rejected("a payload that is no JSON", "bad_json", vendor.raw(HEADER, b"{"))
    rejected("two exp", "duplicate_name", vendor.raw(HEADER, body[:-1] + b',"exp":1900000000}'))
    rejected("nine levels", "too_deep", vendor.raw(HEADER, b'{"a":[[[[[[[[]]]]]]]]}'))
    check("the hint about milliseconds", "milliseconds" in vendor.verify(
        write("ms.lic", vendor.raw(HEADER, json.dumps(claims(exp=EXP * 1000)).encode())), now=IAT).out)

# --- bindings
bound = vendor.license("bound.lic", bind={"cluster": "c-1", "nodes": ["n-1", "n-2"]})
r = vendor.verify(bound, now=EXP - 1)
check("bound elsewhere: wrong_binding, and --bind is named", r.code == 1 and "wrong_binding" in r.out and "--bind" in r.out, r)
judged("--bind both", "ACTIVE", "--bind", "cluster=c-1,node=n-2", bound, now=EXP - 1)
judged("--bind skip", "ACTIVE", "--bind=skip", bound, now=EXP - 1)
judged("the wrong node", "REJECTED", "--bind", "cluster=c-1,node=n-3", bound, now=EXP - 1)
judged("the wrong cluster", "REJECTED", "--bind", "cluster=c-2,node=n-1", bound, now=EXP - 1)
try:
    machine = open("/etc/machine-id", encoding="ascii").read().strip()
except OSError:
    machine = ""
if machine:
    own = vendor.license("own.lic", bind={"nodes": [machine]})
    judged("bound to this machine", "ACTIVE", own, now=EXP - 1)
else:
    skip("bound to this machine", "/etc/machine-id is empty or not there")

# --- trust files
def limited(name, **members):
    with open(vendor.prefix + ".jwks", encoding="utf-8") as f:
        jwks = json.load(f)
    os.mkdir(path(name))
    write(name + "/vendor.jwks", json.dumps({**jwks, **members}))
    return portlic("license", "verify", "--trust", path(name), "--audience", AUDIENCE, "--now", IAT + DAY,
                   "-o", "json", b)


equal("ports past the vendor's allow", limited("narrow", allow={"ports": "8000-9999"}).lines()[0]["reason"], "not_allowed")
equal("within it", limited("wide", allow={"ports": "1-10000"}).lines()[0]["state"], "ACTIVE")
os.rename(vendor.trust + "/vendor.jwks", vendor.trust + "/m.jwks")
write("vendor.d/a.jwks", "{ not JSON")
write("vendor.d/z.jwks", json.dumps({"iss": ISS, "keys": [vendor.jwk]}))
write("vendor.d/p.jwks", json.dumps(vendor.jwk))
os.mkfifo(vendor.trust + "/fifo.jwks")
write("vendor.d/notes.txt", "not a trust file")
r = vendor.verify("-o", "json", b, now=IAT + DAY)
check("bad trust files are named and don't unload the others", r.code == 0 and "a.jwks" in r.err and
      "z.jwks" in r.err and "notes" not in r.err and r.lines()[0]["state"] == "ACTIVE", r)
check("... and a private key is not repeated", vendor.jwk["d"] not in r.out + r.err, r)
check("... a private key by itself is named as one", "p.jwks" in r.err and r.err.count("PRIVATE key") == 2, r)
check("... nor is a FIFO waited for", "fifo.jwks\" is no regular file" in r.err, r)
for name in ("a", "z", "p", "fifo"):
    os.unlink(vendor.trust + f"/{name}.jwks")
os.mkdir(path("empty"))
r = portlic("license", "verify", "--trust", path("empty"), "--audience", AUDIENCE, b)
check("no trust file: unknown_kid, and a warning", r.code == 1 and "unknown_kid" in r.out and "no key" in r.err, r)
r = portlic("license", "verify", "--trust", path("nowhere"), "--audience", AUDIENCE, b)
check("no trust directory: exit 2", r.code == 2 and not r.out and "nowhere" in r.err, r)

# --- files
r = vendor.verify(b, path("none.lic"), now=IAT + DAY)
check("a file that can't be read: exit 2, nothing is judged", r.code == 2 and not r.out and "none.lic" in r.err, r)
r = vendor.verify(path("empty"), now=IAT + DAY)
check("a directory: exit 2", r.code == 2 and not r.out, r)
r = portlic("license", "verify", "--trust", vendor.trust, "--audience", AUDIENCE, "--now", IAT + DAY, "-", stdin=good.encode())
check("- is stdin", r.code == 0 and r.out.startswith("-: ACTIVE"), r)
for end in ("", "\n", "\r\n"):
    judged(f"ends with {end!r}", "ACTIVE", write("end.lic", good.strip() + end), now=IAT + DAY)

# --- every byte counts: one bit flipped at each place, and each prefix
files = []
raw = good.strip().encode()
for i in range(len(raw)):
    for bit in (0x01, 0x20):
        files.append(write(f"t{i}.{bit}", raw[:i] + bytes([raw[i] ^ bit]) + raw[i + 1:]))
    files.append(write(f"p{i}", raw[:i]))
r = vendor.verify("-o", "json", *files, now=IAT + DAY)
taken = [x["file"] for x in r.lines() if x["state"] != "REJECTED"]
equal(f"{len(files)} tampered files are all REJECTED", (taken, len(r.lines()), r.code), ([], len(files), 1))
done()
