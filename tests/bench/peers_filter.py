# SPDX-License-Identifier: MIT
"""peers_filter.py - portlic as filters of the peer benchmark: loaded by the copy of its filters.py that `peers` makes.

A filter gets a pod's namespace (e.p) and the rules that are to pass; everything else must not. For each pod there is
an agent with every path of its own, one vendor, and licenses for exactly the rules. The agent is killed once the gate
is up: the kernel goes on alone, and the agent's CPU time stays out of the figures. The pins are in the bpffs that
the benchmark mounts for itself."""
import json
import os
import subprocess
import time

from env import HERE
from filters import filt

PORTS_A_LICENSE = 1024  # entries that the format allows
CLAIMS = {"iss": "https://bench.example", "sub": "bench", "aud": "bench", "ver": 1, "seq": 1}


def portlic(e, *args, text=None):
    """Runs the command line of portlic against the agent of e; its stdout."""
    run = subprocess.run([HERE + "/portlic", "--socket", e.tmp + "/sock", *args], input=text, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError("portlic %s: %s" % (" ".join(args[:2]), run.stderr.strip()))
    return run.stdout


def entries(rules):
    for proto, lo, hi in rules.ents:
        yield {"port": lo, "protocol": proto.upper(), **({"endPort": hi} if hi != lo else {})}


def sign(e, rules):
    """Licenses for the rules, one lid for each 1024 of them, by a vendor whom the agent trusts."""
    portlic(e, "license", "keygen", "--iss", CLAIMS["iss"], "--kid", "bench-1", "--out", e.tmp + "/vendor")
    os.rename(e.tmp + "/vendor.jwks", e.tmp + "/trust.d/vendor.jwks")
    ports, now = list(entries(rules)), int(time.time())
    for i in range(0, len(ports), PORTS_A_LICENSE):
        name = "bench-%d" % (i // PORTS_A_LICENSE)
        claims = {**CLAIMS, "iat": now - 10, "exp": now + 86400, "jti": name, "lid": name, "ports": ports[i : i + PORTS_A_LICENSE]}
        token = portlic(e, "license", "sign", "--key", e.tmp + "/vendor.jwk", "-", text=json.dumps(claims, separators=(",", ":")))
        with open("%s/licenses.d/%s.lic" % (e.tmp, name), "w") as f:
            f.write(token)


def configure(e, pins):
    for d in ("trust.d", "licenses.d", "policies.d", "state"):
        os.mkdir(e.tmp + "/" + d)
    config = {"audience": "bench", "trust_dir": e.tmp + "/trust.d", "license_dir": e.tmp + "/licenses.d", "metrics": None,
              "policy_dir": e.tmp + "/policies.d", "state_dir": e.tmp + "/state", "socket": e.tmp + "/sock", "bpffs": pins,
              "entitlements_dir": None}
    with open(e.tmp + "/portlicd.json", "w") as f:
        json.dump(config, f)


def start(e):
    agent = e.spawn(["setpriv", "--pdeathsig", "KILL", "sh", "-c", 'exec "$0" --config "$1/portlicd.json" 2> "$1/agent.log"', HERE + "/portlicd", e.tmp])
    for _ in range(500):
        try:
            portlic(e, "status")
            return agent
        except RuntimeError:
            if agent.poll() is not None:
                break
            time.sleep(0.02)
    with open(e.tmp + "/agent.log") as log:
        raise RuntimeError("portlicd doesn't start: " + log.read()[-300:])


def gate(e, rules, deny):
    """Puts the gate up and returns once it is in force with every rule; the returned function takes it down."""
    pins = "/sys/fs/bpf/portlic-" + e.tag
    configure(e, pins)
    sign(e, rules)
    policy = e.tmp + "/gate.json"
    with open(policy, "w") as f:
        json.dump({"name": "bench", "match": {"gates": ["pod"]}, "mode": "enforce", "deny": deny}, f)
    agent = start(e)
    portlic(e, "gate", "add", "pod", "--netns", "/run/netns/" + e.p, "--policy", policy)
    (up,) = json.loads(portlic(e, "gate", "list", "-o", "json"))
    e.stop(agent)
    want = len({(proto, port) for proto, lo, hi in rules.ents for port in range(lo, hi + 1)})
    if up["ports_allowed"] != want or set(up["hooks"]) != {"wire", "socket", "egress", "ledger"}:
        raise RuntimeError("the gate isn't whole: %d ports of %d, hooks %s" % (up["ports_allowed"], want, up["hooks"]))

    def down():
        subprocess.run(["rm", "-rf", pins], check=True)  # the last reference to the links is the pin

    return down


@filt("portlic", scale=True, ranges=True)  # as it comes: refuses by RST and ICMP, rate-limited
def refusing(e, rules):
    return gate(e, rules, "refuse")


@filt("portlic-drop", scale=True, ranges=True)  # what the peers do with what they deny
def dropping(e, rules):
    return gate(e, rules, "drop")
