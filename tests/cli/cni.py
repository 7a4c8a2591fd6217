#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""portlic-cni as a runtime calls it, against a stand-in for the agent: what it passes by, what it asks, what
it refuses, in which words. The real agent and real runtimes are in tests/e2e."""

import concurrent.futures
import itertools
import json
import os
import time

from cni_harness import PLUGIN, POD, PREVIOUS, SELECTION, SOCKET, Agent, Call, cni_args, entry, environment, selection
from harness import check, done, equal, skip


def asked_pod(agent):
    path, body = agent.asked[-1]
    return path, body


def without(namespace, **more):
    return cni_args({**POD, "K8S_POD_NAMESPACE": namespace, **more})


# --- what is passed by, and that nobody is asked about it
selection(unknown="asked", globs=["prod-*"], namespaces={"kube-system": "never", "shop": "may"})
agent = Agent()
call = Call(args=without("dev"))
equal("a namespace that nothing selects: its pods pass", (call.code, call.json), (0, PREVIOUS))
equal("... and the system's", Call(args=without("kube-system")).code, 0)
equal("... and containers that aren't Kubernetes'", Call(args="IgnoreUnknown=1;K8S_POD_NAME=brave_shaw").code, 0)
equal("... and CHECK and DEL of them", [Call(c, args=without("dev")).code for c in ("CHECK", "DEL")], [0, 0])
equal("... and nobody is asked", agent.connections, 0)

# --- what is asked
call = Call()
equal("a pod that may be selected: the agent is asked, and prevResult goes on", (call.code, call.json), (0, PREVIOUS))
equal("... with all that the runtime says", asked_pod(agent),
      ("/v1/cni", {"command": "ADD", "namespace": "shop", "name": "web-1", "uid": "0f0e-1", "container": "5e1f",
                   "netns": "/var/run/netns/cni-1", "ifname": "eth0"}))
Call(args=without("prod-7"))
equal("a new namespace that a glob fits: asked", asked_pod(agent)[1]["namespace"], "prod-7")
annotated = entry(runtimeConfig={"io.kubernetes.cri.pod-annotations": {"portlic.dev/policy": "acme", "x": "{\"a\":\n1}"}})
Call(conf=annotated, args=without("dev", K8S_POD_NAME="asks"))
equal("a pod whose annotation asks for a policy: asked", asked_pod(agent)[1]["name"], "asks")
n = agent.connections
Call(conf=entry(capabilities=None), args=without("dev"))
equal("annotations that the entry doesn't ask for aren't seen: asked", agent.connections, n + 1)
Call(conf=annotated, args=without("kube-system"))
equal("... but not in the system's namespaces", agent.connections, n + 1)
selection(gates=True)
Call(args="IgnoreUnknown=1;K8S_POD_NAME=brave_shaw")
equal("a policy names gates: podman's containers are asked about, without a namespace",
      {k: asked_pod(agent)[1].get(k) for k in ("namespace", "name", "uid")}, {"namespace": None, "name": "brave_shaw", "uid": None})
selection(namespaces={"shop": "may"})

orders = list(itertools.permutations([("IgnoreUnknown", "1"), *POD.items(), ("K8S_POD_OTHER", "x")]))[::12]
agent.asked.clear()
codes = {Call(args=";".join("=".join(pair) for pair in order)).code for order in orders}
equal(f"CNI_ARGS in {len(orders)} orders are one pod", (codes, {json.dumps(b, sort_keys=True) for _, b in agent.asked}),
      ({0}, {json.dumps({"command": "ADD", "namespace": "shop", "name": "web-1", "uid": "0f0e-1", "container": "5e1f",
                         "netns": "/var/run/netns/cni-1", "ifname": "eth0"}, sort_keys=True)}))

# --- versions
for version in ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"):
    call = Call(conf=entry(version, {**PREVIOUS, "cniVersion": version}))
    equal(f"{version}: prevResult in the version that was asked for", (call.code, call.json["cniVersion"]), (0, version))
call = Call(conf=entry("1.0.0"))
equal("a result of 0.4.0 becomes one of 1.0.0", (call.json["cniVersion"], call.json["ips"]),
      ("1.0.0", [{k: v for k, v in PREVIOUS["ips"][0].items() if k != "version"}]))
versions = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
dummy = {"CNI_CONTAINERID": None, "CNI_IFNAME": "dummy", "CNI_NETNS": "dummy", "CNI_PATH": "dummy"}
equal("VERSION as podman asks", Call("VERSION", {"cniVersion": "1.0.0"}, "", **dummy).json,
      {"cniVersion": "1.0.0", "supportedVersions": versions})
equal("VERSION without a question, and of a version to come",
      [Call("VERSION", c, "", **dummy).json["cniVersion"] for c in (b"", {"cniVersion": "9.0.0"})], ["1.1.0", "1.1.0"])
equal("portMappings of both dialects", Call(conf=entry(runtimeConfig={"portMappings": [
    {"HostPort": 1, "ContainerPort": 2, "Protocol": "tcp"}, {"hostPort": 1, "containerPort": 2, "protocol": "tcp"}]})).code, 0)

# --- what is refused, by code
for text, want, call in (
        ("no command", 4, Call("ADD", CNI_COMMAND="")),
        ("an unknown command", 4, Call("RUN")),
        ("no CNI_CONTAINERID", 4, Call(CNI_CONTAINERID=None)),
        ("no CNI_NETNS", 4, Call(CNI_NETNS="")),
        ("no CNI_IFNAME", 4, Call(CNI_IFNAME=None)),
        ("CNI_ARGS that are none", 4, Call(args="IgnoreUnknown=1;K8S_POD_NAME")),
        ("an unknown key without IgnoreUnknown", 4, Call(args="K8S_POD_NAME=a;OTHER=1")),
        ("no JSON", 6, Call(conf=b"{")),
        ("nothing on stdin", 6, Call(conf=b"")),
        ("a member that stands twice", 6, Call(conf=b'{"cniVersion":"1.0.0","cniVersion":"0.4.0"}')),
        ("more than stdin may be", 5, Call(conf=b" " * (4 * 2 ** 20 + 1))),
        ("a version before chains", 1, Call(conf=entry("0.2.0"))),
        ("a version to come", 1, Call(conf=entry("2.0.0"))),
        ("no prevResult", 7, Call(conf=entry(previous=None))),
        ("CHECK without prevResult", 7, Call("CHECK", entry(previous=None))),
        ("a bad \"fail\"", 7, Call(conf=entry(fail="shut"))),
        ("GC with attachments that are none", 7, Call("GC", entry(**{"cni.dev/valid-attachments": [{"containerID": "a"}]})))):
    equal(f"{text}: code {want}", call.error, want)

# --- the agent says no, or what nobody understands
agent.status, agent.answer = 422, b'{"error":"portlic: pod \\"shop/web-1\\" can\'t be gated: no room; remove gates"}'
call = Call()
equal("the agent refuses: code 100", call.error, 100)
check("... in a sentence for kubectl describe pod", call.json and call.json["msg"] ==
      'portlic: pod "shop/web-1" can\'t be gated: no room; remove gates', call)
equal("... CHECK the same", Call("CHECK").error, 100)
equal("... and DEL goes well", Call("DEL").code, 0)
agent.status, agent.answer = 503, b'{"error":"the agent is stopping"}'
equal("an agent that stops: try again later, code 11", Call().error, 11)
for status, answer in ((404, b'{"error":"there is no \\"/v1/cni\\""}'), (200, b"{}"), (200, b'{"result":"x"}'), (200, b"<html>"), (500, b"")):
    agent.status, agent.answer = status, answer
    equal(f"an answer that is none of ours ({status} {answer.decode()}): code 101", Call().error, 101)
agent.status, agent.answer = 200, b'{"result":"unselected","gate":null}'
equal("a pod that isn't selected after all passes", (Call().code, Call("CHECK").code), (0, 0))
agent.status, agent.answer = 422, b'{"error":"no room"}'
call = Call(conf=entry(fail="open"))
check("\"fail\": \"open\": it starts, and stderr says ungated and why", call.json == PREVIOUS and "isn't gated" in call.err and "no room" in call.err, call)
agent.status, agent.answer, agent.wait = 200, b'{"result":"gated","gate":"g"}', 20
start = time.monotonic()
call = Call("DEL")
check("DEL waits 5 s for an agent that hangs, and goes well", call.code == 0 and 4.5 < time.monotonic() - start < 15, (call, time.monotonic() - start))
agent.wait = 0
agent.end()

# --- no agent
call = Call()
equal("no agent: a pod that may be selected is refused, code 11", call.error, 11)
check("... and told why and what to do", call.json and 'pod "web-1" of namespace "shop" may have to be gated' in call.json["msg"] and
      SOCKET in call.json["msg"] and "No such file" in call.json["msg"] and "portlicd" in call.json["details"], call)
equal("... others start", (Call(args=without("dev")).json, Call("CHECK", args=without("dev")).code), (PREVIOUS, 0))
equal("... CHECK fails the same way", Call("CHECK").error, 11)
call = Call(conf=entry(fail="open"))
check("... open: it starts, and stderr says so", call.json == PREVIOUS and "isn't gated" in call.err, call)
equal("STATUS: available, for others start", Call("STATUS").code, 0)
os.unlink(SELECTION)
call = Call(args=without("dev"))
equal("no selection either: every pod is refused, code 11", call.error, 11)
check("... and told so", call.json and SELECTION in call.json["msg"], call)
equal("... but the system's", [Call(args=without(ns)).code for ns in ("kube-system", "kube-public", "kube-node-lease")], [0, 0, 0])
equal("... STATUS: not available, code 50", Call("STATUS").error, 50)
equal("... open: available, and all start", (Call("STATUS", entry(fail="open")).code, Call(conf=entry(fail="open"), args=without("dev")).code), (0, 0))
selection(text='{"version":9}')
call = Call(args=without("dev"))
check("a broken selection is none", call.error == 11 and "version" in call.json["msg"], call)
agent = Agent(answer=b'{"result":"unselected","gate":null}')
equal("... but the agent can be asked", (Call(args=without("dev")).code, agent.connections, Call("STATUS").code), (0, 1, 0))
agent.end()

# --- DEL: any number of times, with nothing, at the same time, nobody there
selection(namespaces={"shop": "may"})
bare = entry(previous=None)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    dels = [pool.submit(Call, "DEL", bare if i % 2 else entry(), None, CNI_NETNS="" if i % 2 else "/gone") for i in range(16)]
    equal("16 DELs, half without namespace and prevResult, no agent: all go well", {d.result().code for d in dels}, {0})
agent = Agent()
equal("DEL without a namespace asks", (Call("DEL", bare, CNI_NETNS="").code, asked_pod(agent)[1]),
      (0, {"command": "DEL", "namespace": "shop", "name": "web-1", "uid": "0f0e-1", "container": "5e1f", "ifname": "eth0"}))
equal("DEL with a mistake in our entry goes well", Call("DEL", entry(fail="shut")).code, 0)
agent.end()
gc = entry(previous=None, version="1.1.0", **{"cni.dev/valid-attachments": [{"containerID": "5e1f", "ifname": "eth0"}]})
equal("GC goes well, agent or not", Call("GC", gc, CNI_CONTAINERID=None, CNI_NETNS=None, CNI_IFNAME=None).code, 0)

# --- what it costs a pod that isn't selected
selection(unknown="asked", namespaces={f"team-{i}": "may" for i in range(300)})
conf = os.path.join(os.path.dirname(SELECTION), "stdin")
with open(conf, "w", encoding="utf-8") as f:
    json.dump(entry(runtimeConfig={"io.kubernetes.cri.pod-annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x" * 20000}}), f)


def spawn(program, env):
    stdin = os.open(conf, os.O_RDONLY)
    start = time.perf_counter()
    pid = os.posix_spawn(program, [program], env, file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    status = os.waitpid(pid, 0)[1]
    took = time.perf_counter() - start
    os.close(stdin)
    return took, status


env = environment("ADD", without("dev"))
runs = [(spawn("/bin/true", env), spawn(PLUGIN, env)) for _ in range(300)]
# The machine has other work: one run in ten is left alone by it.
true, plugin = (sorted(r[i][0] * 1e3 for r in runs)[len(runs) // 10] for i in (0, 1))
check("each of 300 runs went well", all(r[1][1] == 0 for r in runs))
if "san" in PLUGIN.split("/"):
    skip("a pod that isn't selected costs less than 2 ms", "the plugin is sanitized")
else:
    check(f"a pod that isn't selected: {plugin:.2f} ms, exec included (/bin/true: {true:.2f} ms), less than 2 ms more", plugin - true < 2, (plugin, true))
done()
