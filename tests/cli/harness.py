# SPDX-License-Identifier: MIT
"""What the CLI tests share: a temporary directory, runs of portlic, a vendor, TAP."""

import atexit
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTLIC = os.path.abspath(os.path.join(os.environ.get("PORTLIC_BUILD", "build"), "portlic"))
DIR = tempfile.mkdtemp(prefix="portlic-cli.")
atexit.register(shutil.rmtree, DIR, ignore_errors=True)
os.environ.pop("PORTLIC_SOCKET", None)

ISS, AUDIENCE = "https://vendor.example", "prod-1"
IAT, EXP = 1700000000, 1800000000  # 2023-11-14, 2027-01-15

_cases = _failed = 0


def check(text, ok, why=""):
    """One case; why (any value) is shown if it failed."""
    global _cases, _failed
    _cases += 1
    print(f"{'ok' if ok else 'not ok'} {_cases} - {text}", flush=True)
    if not ok:
        _failed += 1
        for line in str(why).splitlines()[:12]:
            print(f"# {line}")
    return ok


def equal(text, got, want):
    return check(text, got == want, f"got  {got!r}\nwant {want!r}")


def skip(text, why):
    global _cases
    _cases += 1
    print(f"ok {_cases} - {text} # SKIP {why}", flush=True)


def done():
    sys.exit(1 if _failed else 0)


class Run:
    def __init__(self, args, stdin=b"", env=None):
        p = subprocess.run([PORTLIC, *args], input=stdin, capture_output=True, timeout=60,
                           env={**os.environ, **(env or {})}, check=False)
        self.args, self.code = args, p.returncode
        self.out, self.err = p.stdout.decode(), p.stderr.decode()

    def __str__(self):
        return f"portlic {' '.join(self.args)}: exit {self.code}\n{self.out}{self.err}"

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def portlic(*args, **kw):
    return Run([str(a) for a in args], **kw)


def path(*names):
    return os.path.join(DIR, *names)


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path(name)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(**fields):
    """The claims of a good license; a field of None is left out."""
    base = {"iss": ISS, "sub": "customer", "aud": AUDIENCE, "jti": "j-1", "iat": IAT, "exp": EXP,
            "ver": 1, "lid": "line-1", "seq": 1, "ports": [{"port": 8080}]}
    return {k: v for k, v in {**base, **fields}.items() if v is not None}


class Vendor:
    """Keys made by keygen: NAME.jwk, NAME.jwks and a trust directory NAME.d."""

    def __init__(self, name="vendor", iss=ISS):
        self.prefix = path(name)
        r = portlic("license", "keygen", "--iss", iss, "--kid", name, "--out", self.prefix)
        assert r.code == 0, r
        self.trust = path(name + ".d")
        os.mkdir(self.trust)
        shutil.copy(self.prefix + ".jwks", self.trust)
        with open(self.prefix + ".jwk", encoding="utf-8") as f:
            self.jwk = json.load(f)

    def sign(self, payload, *options):
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return portlic("license", "sign", "--key", self.prefix + ".jwk", *options, "-", stdin=text)

    def license(self, name, **fields):
        r = self.sign(claims(**fields))
        assert r.code == 0, r
        return write(name, r.out)

    def raw(self, header, payload):
        """A token that sign would refuse, rightly signed."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        text = f"{b64(header)}.{b64(payload)}"
        key = Ed25519PrivateKey.from_private_bytes(unb64(self.jwk["d"]))
        return f"{text}.{b64(key.sign(text.encode()))}"

    def verify(self, *args, now=None, audience=AUDIENCE):
        when = ["--now", now] if now is not None else []
        return portlic("license", "verify", "--trust", self.trust, "--audience", audience, *when,
                       *args)
