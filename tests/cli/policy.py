#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""policy check: what a node would take, without one."""

import json
import os

from harness import ROOT, Vendor, check, equal, done, path, portlic, write

good = write("shop.json", '{"name":"shop","match":{"gates":["shop","shop-*"]},"mode":"audit","deny":"drop",'
             '"open":[{"port":6379}],"ports":[{"port":9000,"mode":"enforce"},{"port":9001}]}')
r = portlic("policy", "check", good)
check("a good one: exit 0, a line", r.code == 0 and not r.err and r.out ==
      f"{good}: ok, policy shop, audit, drop, 1 open, 2 ports, gates shop shop-*\n", r)
r = portlic("policy", "check", "-o", "json", good)
equal("... as JSON", (r.code, r.json()), (0, {"file": good, "state": "ok", "name": "shop", "mode": "audit", "deny": "drop",
                                              "gates": ["shop", "shop-*"], "open": 1, "ports": 2}))
for text, member in (('{"name":"x","match":{}}', '"match"'), ('{"name":"x","ports":[{"port":1,"seats":0}]}', '"seats"'),
                     ('{"name":"x","name":"y"}', "name"), ("{", "shut"), ('{"mode":"audit"}', '"name" is missing')):
    bad = write("bad.json", text)
    r, j = portlic("policy", "check", bad), portlic("policy", "check", "-o", "json", bad)
    check(f"{text}: exit 1, file and member", r.code == 1 and bad in r.err and (member in r.err or member == "shut"), r)
    equal("... as JSON", (j.code, j.json()["state"], bad in j.json()["detail"], j.err), (1, "refused", True, ""))
r = portlic("policy", "check", write("big.json", " " * (1 << 20) + '{"name":"x"}'))
check("one that is too big: exit 1", r.code == 1 and "1048576" in r.err, r)
r = portlic("policy", "check", bad, good, "-o", "json")
equal("each of several is told, the worst counts", (r.code, [x["state"] for x in r.lines()]), (1, ["refused", "ok"]))
r = portlic("policy", "check", good, path("none.json"))
check("one that can't be read: exit 2", r.code == 2 and "none.json" in r.err, r)
r = portlic("policy", "check", write("idle.json", '{"name":"idle"}'))
check("one without a match: a warning", r.code == 0 and "gates none" in r.out and "holds for no gate" in r.err, r)
r = portlic("policy", "check", write("odd.json", '{"name":"x","match":{"gates":["a\\u001b[31m"]}}'))
check("what others wrote can't fool a terminal", "\033" not in r.out + r.err, r)

# What a trust file reserves.
vendor = Vendor()
trust = os.path.join(vendor.trust, "vendor.jwks")
with open(trust, encoding="utf-8") as f:
    store = json.load(f)
store["reserve"] = {"ports": "6379"}
with open(trust, "w", encoding="utf-8") as f:
    json.dump(store, f)
r = portlic("policy", "check", "--trust", vendor.trust, good)
check("an open of a reserved port: exit 1, whose it is", r.code == 1 and "vendor.example" in r.err and "6379" in r.err, r)
r = portlic("policy", "check", good)
check("... known only with --trust", r.code == 0, r)

examples = [os.path.join(ROOT, "policies", n) for n in sorted(os.listdir(os.path.join(ROOT, "policies"))) if n.endswith(".policy.json")]
r = portlic("policy", "check", *examples)
check("the examples pass", r.code == 0 and len(r.out.splitlines()) == len(examples) > 4, r)
done()
