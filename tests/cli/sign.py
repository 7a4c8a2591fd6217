#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""keygen, sign, show: files, modes, refusals; nothing secret is printed, nothing overwritten."""

import hashlib
import json
import os
import stat

from harness import (EXP, IAT, ISS, ROOT, Vendor, b64, check, claims, done, equal, path,
                     portlic, unb64, write)

# --- keygen
r = portlic("license", "keygen", "--iss", ISS, "--out", path("a"))
check("keygen", r.code == 0 and not r.err, r)
with open(path("a.jwk"), encoding="utf-8") as f:
    private = json.load(f)
with open(path("a.jwks"), encoding="utf-8") as f:
    trust = json.load(f)
equal("the private key is for its owner", stat.S_IMODE(os.stat(path("a.jwk")).st_mode), 0o600)
equal("the trust file is for all", stat.S_IMODE(os.stat(path("a.jwks")).st_mode), 0o644)
equal("the private JWK names its vendor", private["iss"], ISS)
equal("the trust file names the vendor", trust["iss"], ISS)
check("no d in the trust file", all("d" not in k for k in trust["keys"]), trust)
thumb = b64(hashlib.sha256(('{"crv":"Ed25519","kty":"OKP","x":"%s"}' % private["x"]).encode()).digest())
equal("the kid is the RFC 7638 thumbprint", [private["kid"], trust["keys"][0]["kid"]], [thumb, thumb])
check("no secret on the terminal", private["d"] not in r.out, r)
before = open(path("a.jwk"), "rb").read()
r = portlic("license", "keygen", "--iss", ISS, "--out", path("a"))
check("it never overwrites: exit 2", r.code == 2 and "never overwritten" in r.err and
      open(path("a.jwk"), "rb").read() == before, r)
write("b.jwks", "{}")
r = portlic("license", "keygen", "--iss", ISS, "--out", path("b"))
check("both files or none", r.code == 2 and not os.path.exists(path("b.jwk")), r)
os.symlink(path("target"), path("s.jwk"))
r = portlic("license", "keygen", "--iss", ISS, "--out", path("s"))
check("nor does it write through a symbolic link", r.code == 2 and not os.path.exists(path("target")), r)
r = portlic("license", "keygen", "--iss", "", "--out", path("c"))
check("an empty iss: exit 2, no files", r.code == 2 and not os.path.exists(path("c.jwk")), r)
r = portlic("license", "keygen", "--iss", "x" * 257, "--out", path("c"))
check("an iss over 256 bytes: exit 2", r.code == 2 and not os.path.exists(path("c.jwk")), r)
r = portlic("license", "keygen", "--iss", ISS, "--kid", "x" * 129, "--out", path("c"))
check("a kid over 128 bytes: exit 2", r.code == 2 and not os.path.exists(path("c.jwk")), r)
r = portlic("license", "keygen", "--iss", ISS, "--out", path("none", "c"))
check("a directory that isn't there: exit 2", r.code == 2 and "No such file" in r.err, r)
r = portlic("license", "keygen", "--iss", ISS, "--kid", "k", "--out", path("j"), "-o", "json")
equal("keygen -o json", r.json(), {"kid": "k", "private": path("j.jwk"), "trust": path("j.jwks")})

# --- sign
vendor = Vendor()
payload = b'\n\t{ "iss":"%s", ' % ISS.encode() + json.dumps(claims(iss=None))[1:].encode() + b" \r\n"
r = vendor.sign(payload)
token = r.out.strip()
check("sign prints one token and a newline", r.code == 0 and r.out.count("\n") == 1 and token.count(".") == 2, r)
equal("the payload is the bytes of the claims", unb64(token.split(".")[1]), payload.strip())
equal("the header is alg, typ, kid", json.loads(unb64(token.split(".")[0])),
      {"alg": "EdDSA", "typ": "portlic+jwt", "kid": "vendor"})
equal("--alg Ed25519", json.loads(unb64(vendor.sign(payload, "--alg", "Ed25519").out.split(".")[0]))["alg"], "Ed25519")
equal("--alg=EdDSA gives the same token", vendor.sign(payload, "--alg=EdDSA").out.strip(), token)
r = portlic("license", "sign", "--key", vendor.prefix + ".jwk", write("claims.json", payload))
equal("claims from a file", r.out.strip(), token)

REFUSED = [
    ("bad_json", b"{"), ("bad_json", b'{"a":1} x'), ("bad_json", b'{"a":"\xff"}'), ("bad_json", b""),
    ("duplicate_name", json.dumps(claims()).encode()[:-1] + b',"exp":1900000000}'),
    ("too_deep", json.dumps(claims(x=[[[[[[[[[]]]]]]]]])).encode()),
    ("missing_claim", claims(sub=None)), ("missing_claim", claims(ports=None)),
    ("missing_claim", claims(exp=None)), ("missing_claim", claims(ver=None)),
    ("bad_claim", claims(sub=7)), ("bad_claim", claims(seq=-1)), ("bad_claim", claims(aud=[])),
    ("bad_claim", claims(lapse="never")), ("bad_claim", claims(plan="x" * 65)),
    ("bad_time", claims(exp=EXP * 1000)), ("bad_time", claims(iat="now")), ("bad_time", claims(exp=1.8e9)),
    ("exp_before_nbf", claims(exp=IAT)), ("iat_future", claims(iat=4000000000, exp=4100000000)),
    ("bad_port", claims(ports=[{"port": 0}])), ("bad_port", claims(ports=[{"port": 80, "endPort": 79}])),
    ("bad_port", claims(ports=[{"port": 80, "limit": 1}])), ("bad_port", claims(ports=[{"port": 8, "protocol": "ICMP"}])),
    ("unsupported", claims(must=["telepathy"])), ("unsupported", claims(ver=2)),
    ("issuer_mismatch", claims(iss="https://other.example")),
    ("too_big", claims(note="x" * 60000)),
]
for i, (reason, bad) in enumerate(REFUSED):
    r = vendor.sign(bad)
    check(f"refused ({i}): {reason}", r.code == 1 and not r.out and f" {reason}: " in r.err, r)
r = vendor.sign(claims(exp=IAT), "-o", "json")
check("a refusal as JSON has the reason", r.code == 1 and r.json()["reason"] == "exp_before_nbf" and not r.err, r)

with open(os.path.join(ROOT, "docs/man/portlic-license.5"), encoding="utf-8") as f:
    example = f.read().split(".Sh EXAMPLES")[1].split("-offset indent\n")[1].split(".Ed")[0]
acme = Vendor("acme", "https://acme.example")
r = acme.sign(example.encode())
check("the claims in portlic-license(5) are good", r.code == 0, r)

plain = {k: v for k, v in vendor.jwk.items() if k not in ("iss", "kid")}
os.chmod(write("plain.jwk", json.dumps(plain)), 0o600)
r = portlic("license", "sign", "--key", path("plain.jwk"), path("claims.json"))
check("a key of another tool signs (no iss, no kid)", r.code == 0 and not r.err, r)
os.chmod(path("plain.jwk"), 0o644)
r = portlic("license", "sign", "--key", path("plain.jwk"), path("claims.json"))
check("a key that others may read is warned about", r.code == 0 and "chmod 600" in r.err, r)
r = portlic("license", "sign", "--key", vendor.prefix + ".jwks", path("claims.json"))
check("a trust file is no key: exit 2", r.code == 2 and not r.out, r)
r = portlic("license", "sign", "--key", path("no.jwk"), path("claims.json"))
check("a key that isn't there: exit 2", r.code == 2 and "no.jwk" in r.err, r)
r = portlic("license", "sign", "--key", vendor.prefix + ".jwk", path("no.json"))
check("claims that aren't there: exit 2", r.code == 2 and "no.json" in r.err, r)

rl = {"iss": ISS, "iat": IAT, "exp": EXP, "seq": 1, "revoked": [{"jti": "j-1", "at": IAT + 5, "why": "x"}]}
r = vendor.sign(rl, "--revocation-list")
check("a revocation list", r.code == 0 and json.loads(unb64(r.out.split(".")[0]))["typ"] == "portlic-rl+jwt", r)
write("good.rl", r.out)
for reason, bad in (("missing_claim", claims()), ("bad_claim", {**rl, "revoked": [{"at": 1}]}),
                    ("issuer_mismatch", {**rl, "iss": "https://other.example"}),
                    ("bad_time", {**rl, "iat": 0})):
    r = vendor.sign(bad, "--revocation-list")
    check(f"a list refused: {reason}", r.code == 1 and f" {reason}: " in r.err, r)

# --- show
write("a.lic", token + "\r\n")
r = portlic("license", "show", path("a.lic"))
check("show says that nothing was verified", r.code == 0 and r.out.startswith("NOT VERIFIED"), r)
check("... with times in words", "2027-01-15T08:00:00Z" in r.out, r)
r = portlic("license", "show", "-", "-o", "json", stdin=token.encode())
equal("show -o json", r.json(), {"file": "-", "verified": False, "claims": json.loads(payload),
                                 "header": {"alg": "EdDSA", "typ": "portlic+jwt", "kid": "vendor"}})
forged = token[:-6] + "AAAAAA"
r = portlic("license", "show", "-", stdin=forged.encode())
check("a forged one is shown too, unverified", r.code == 0 and r.out.startswith("NOT VERIFIED"), r)
r = portlic("license", "show", path("good.rl"))
check("show of a revocation list", r.code == 0 and "portlic-rl+jwt" in r.out and "j-1" in r.out, r)
r = vendor.sign(claims(sub="\u001b[31mred"))
check("control characters are refused", r.code == 1 and "\033" not in r.err, r)
head, _, tail = token.split(".")
evil = b64(json.dumps(claims(sub="x\033[31m\x85y")).encode())
r = portlic("license", "show", "-", stdin=f"{head}.{evil}.{tail}".encode())
check("... and don't reach the terminal", r.code == 0 and "x?[31m?y" in r.out and "\033" not in r.out, r)
for secret in (vendor.prefix + ".jwk", write("set.json", json.dumps({"keys": [vendor.jwk]}))):
    r = portlic("license", "show", secret)
    check(f"show refuses a private key ({os.path.basename(secret)}) and prints nothing of it",
          r.code == 1 and vendor.jwk["d"] not in r.out + r.err and "private key" in r.err, r)
for name, junk in (("empty", b""), ("text", b"hello"), ("binary", bytes(range(256))), ("dots", b"..")):
    r = portlic("license", "show", "-", stdin=junk)
    check(f"show of {name}: exit 1 with a reason", r.code == 1 and "bad_" in r.err, r)
done()
