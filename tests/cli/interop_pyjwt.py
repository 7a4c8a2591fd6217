# SPDX-License-Identifier: MIT
"""PyJWT both ways: its tokens verify here, ours there. Run by interop.sh."""

import json
import os

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives import serialization

from harness import AUDIENCE, EXP, IAT, ISS, Vendor, b64, check, claims, done, equal, path, portlic, write

HEADERS = {"typ": "portlic+jwt"}
LONG = claims(exp=4000000000)  # PyJWT judges by its own clock


def raw(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


# PyJWT signs, with a key of python3-cryptography; portlic verifies.
key = Ed25519PrivateKey.generate()
os.mkdir(path("t"))
write("t/py.jwks", json.dumps({"iss": ISS, "keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "py", "x": b64(raw(key))}]}))
token = jwt.encode(LONG, key, algorithm="EdDSA", headers={**HEADERS, "kid": "py"})
verify = ["license", "verify", "--trust", path("t"), "--audience", AUDIENCE, "-o", "json", "--now", IAT + 5]
r = portlic(*verify, write("py.lic", token))
check("a token signed by PyJWT is ACTIVE", r.code == 0 and r.lines()[0]["lid"] == "line-1", r)
r = portlic(*verify, write("py.lic", token + "\n"))
check("... with a newline", r.code == 0, r)
stranger = jwt.encode(LONG, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={**HEADERS, "kid": "py"})
r = portlic(*verify, write("py.lic", stranger))
check("one by another key is not", r.code == 1 and r.lines()[0]["reason"] == "bad_signature", r)
r = portlic(*verify, write("py.lic", jwt.encode(LONG, key, algorithm="EdDSA", headers={"kid": "py"})))
check("typ JWT is not", r.code == 1 and r.lines()[0]["reason"] == "bad_typ", r)
r = portlic(*verify, write("py.lic", jwt.encode(LONG, "secret" * 8, algorithm="HS256", headers={**HEADERS, "kid": "py"})))
check("HS256 is not", r.code == 1 and r.lines()[0]["reason"] == "bad_alg", r)
listed = jwt.encode({"iss": ISS, "iat": IAT, "exp": EXP, "seq": 1, "revoked": [{"jti": "j-1", "at": IAT}]}, key,
                    algorithm="EdDSA", headers={"typ": "portlic-rl+jwt", "kid": "py"})
r = portlic(*verify, "--revocations", write("py.rl", listed), write("py.lic", token))
check("a revocation list signed by PyJWT holds", r.code == 7, r)

# portlic signs; PyJWT verifies with the trust file as its JWK Set.
vendor = Vendor()
ours = vendor.sign(LONG).out.strip()
with open(vendor.prefix + ".jwks", encoding="utf-8") as f:
    public = {k.key_id: k for k in jwt.PyJWKSet.from_dict(json.load(f)).keys}
kid = jwt.get_unverified_header(ours)["kid"]
equal("PyJWT reads our token and trust file",
      jwt.decode(ours, public[kid].key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISS), LONG)
try:
    jwt.decode(ours[:-8] + "AAAAAAAA", public[kid].key, algorithms=["EdDSA"], audience=AUDIENCE)
    check("... and refuses it tampered", False)
except jwt.InvalidSignatureError:
    check("... and refuses it tampered", True)
private = jwt.PyJWK(vendor.jwk).key
back = jwt.encode(LONG, private, algorithm="EdDSA", headers={**HEADERS, "kid": kid})
r = vendor.verify(write("back.lic", back), now=IAT + 5)
check("PyJWT signs with our private JWK", r.code == 0, r)
done()
