#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""portlic-cni install and uninstall: files of others stay as they were, whole at each moment, and come back."""

import base64
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from cni_harness import BUILD, PLUGIN, PREVIOUS, Call, entry, selection
from harness import DIR, ROOT, check, done, equal, skip

SAN = "san" in BUILD.split("/")
ENTRY = {"type": "portlic-cni", "fail": "closed", "capabilities": {"io.kubernetes.cri.pod-annotations": True}}
LIST = {"cniVersion": "0.4.0", "name": "net", "disableCheck": False, "x": [1, 1.5, None, "é\u2028"],
        "plugins": [{"type": "bridge", "ipam": {"ranges": [[{"subnet": "10.0.0.0/24"}]]}}, {"type": "portmap"}]}
SINGLE = {"cniVersion": "0.3.1", "name": "flannel", "type": "flannel", "delegate": {"mtu": 1450}}
n = 0


def node(**files):
    """The directories of a runtime; a file's name has _ for its dot."""
    global n
    n += 1
    bin_dir, conf = (os.path.join(DIR, f"node{n}", d) for d in ("bin", "net.d"))
    os.makedirs(bin_dir)
    os.makedirs(conf)
    for name, content in files.items():
        put(os.path.join(conf, name.replace("_", ".")), content)
    return bin_dir, conf


def put(path, content):
    with open(path, "w", encoding="utf-8") as f:
        f.write(content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False))


def get(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return json.load(f)


def run(verb, dirs, *options):
    if verb == "uninstall" and "--cache" not in options:
        options = (*options, "--cache", os.path.join(DIR, "no-cache"))
    p = subprocess.run([PLUGIN, verb, "--bin", dirs[0], "--conf", dirs[1], *options], capture_output=True, timeout=60, check=False, text=True)
    return p.returncode, p.stderr


def state(*dirs):
    """Everything in them: name, bytes or link, mode, inode."""
    out = {}
    for top in dirs:
        for where, _, names in os.walk(top):
            for name in names:
                path = os.path.join(where, name)
                st = os.lstat(path)
                with open(path, "rb") as f:
                    out[path] = (f.read(), st.st_mode, st.st_ino)
    return out


def eventually(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, ValueError):
            pass
        time.sleep(0.01)
    return False


# --- a list
dirs = node(**{"10-a_conflist": LIST, "20-b_conflist": {"name": "other"}, "05-old_conflist_bak": "no JSON"})
os.chmod(os.path.join(dirs[1], "10-a.conflist"), 0o600)
code, err = run("install", dirs, "--fail", "closed")
check("a list: chained into the first in order of names", code == 0 and "10-a.conflist" in err, err)
equal("... at its end, all else as it was", get(dirs[1], "10-a.conflist"), {**LIST, "plugins": [*LIST["plugins"], ENTRY]})
equal("... with its mode", os.stat(os.path.join(dirs[1], "10-a.conflist")).st_mode & 0o777, 0o600)
equal("... nothing else was made", sorted(os.listdir(dirs[1])), ["05-old.conflist.bak", "10-a.conflist", "20-b.conflist"])
equal("the plugin is there", subprocess.run([os.path.join(dirs[0], "portlic-cni"), "--version"], capture_output=True, check=False).returncode, 0)
before = state(*dirs)
code, err = run("install", dirs, "--fail", "closed")
check("once more: nothing is written", code == 0 and state(*dirs) == before and "already" in err, err)
run("install", dirs, "--fail", "open", "--socket", "/s", "--selection", "/f")
equal("other options: the entry is changed in its place", get(dirs[1], "10-a.conflist")["plugins"][2:],
      [{**ENTRY, "fail": "open", "socket": "/s", "selection": "/f"}])
equal("uninstall: the list is as it was", (run("uninstall", dirs)[0], get(dirs[1], "10-a.conflist")), (0, LIST))
equal("... the plugin is gone", os.listdir(dirs[0]), [])
equal("... and once more is fine", run("uninstall", dirs)[0], 0)

# --- containers that were started with it: CRI-O and podman end them by the chain that they were started with
CACHE = os.path.join(DIR, "cache")
os.makedirs(os.path.join(CACHE, "results"))
for pad in range(3):
    dirs = node(**{"10-a_conflist": LIST})
    run("install", dirs)
    config = " " * pad + json.dumps(get(dirs[1], "10-a.conflist"))
    put(os.path.join(CACHE, "results", "net-5e1f-eth0"), {"kind": "cniCacheV1", "config": base64.b64encode(config.encode()).decode()})
    put(os.path.join(CACHE, "results", "portlic-cri-5e1f-eth0"), {"kind": "cniCacheV1", "config": base64.b64encode(b'{"name":"portlic-cri"}').decode()})
    code, err = run("uninstall", dirs, "--cache", CACHE)
    check(f"uninstall while one runs ({pad}): out of the chain, the program stays for its end", code == 0 and get(dirs[1], "10-a.conflist") == LIST and
          os.listdir(dirs[0]) == ["portlic-cni"] and "1 container" in err, err)
equal("... --force takes it all", (run("uninstall", dirs, "--cache", CACHE, "--force")[0], os.listdir(dirs[0])), (0, []))
run("install", dirs)
os.unlink(os.path.join(CACHE, "results", "net-5e1f-eth0"))
equal("... and so does one after the last has ended", (run("uninstall", dirs, "--cache", CACHE)[0], os.listdir(dirs[0])), (0, []))

# --- one plugin alone
dirs = node(**{"10-flannel_conf": SINGLE})
single = state(dirs[1])
run("install", dirs, "--fail", "closed")
equal("a single plugin: a list comes before it", get(dirs[1], "00-portlic.conflist"),
      {"plugins": [SINGLE, ENTRY], "cniVersion": "0.3.1", "name": "flannel", "portlic.dev/wraps": "10-flannel.conf"})
check("... which stays", {k: v for k, v in state(dirs[1]).items() if "flannel" in k} == single)
before = state(*dirs)
run("install", dirs, "--fail", "closed")
check("... once more: nothing is written", state(*dirs) == before)
put(os.path.join(dirs[1], "10-flannel.conf"), {**SINGLE, "delegate": {"mtu": 9000}})
run("install", dirs, "--fail", "closed")
equal("... its file changes: so does the list", get(dirs[1], "00-portlic.conflist")["plugins"][0]["delegate"], {"mtu": 9000})
put(os.path.join(dirs[1], "05-new.conflist"), LIST)
run("install", dirs, "--fail", "closed")
equal("... a list comes before: it is the one now", (get(dirs[1], "05-new.conflist")["plugins"][2], os.path.exists(os.path.join(dirs[1], "00-portlic.conflist"))),
      (ENTRY, False))
run("uninstall", dirs)
equal("... uninstall leaves both as they were", (get(dirs[1], "05-new.conflist"), sorted(os.listdir(dirs[1]))), (LIST, ["05-new.conflist", "10-flannel.conf"]))
dirs = node(**{"00-multus_conf": SINGLE})
run("install", dirs)
check("a name that comes before 00-multus.conf is found", sorted(os.listdir(dirs[1]))[0] == "+portlic.conflist", os.listdir(dirs[1]))
run("uninstall", dirs)
equal("... and goes", os.listdir(dirs[1]), ["00-multus.conf"])

# --- what can't be done is said, and nothing is touched
for text, files, says in (
        ("no configuration", {}, "--watch"),
        ("no JSON", {"10-a_conflist": "{"}, "10-a.conflist"),
        ("a member that stands twice", {"10-a_conflist": '{"cniVersion":"1.0.0","name":"a","name":"b"}'}, "twice"),
        ("a version before chains", {"10-a_conflist": {**LIST, "cniVersion": "0.2.0"}}, "cniVersion"),
        ("no plugins", {"10-a_conflist": {**LIST, "plugins": []}}, "plugins")):
    dirs = node(**files)
    before = state(dirs[1])
    code, err = run("install", dirs)
    check(f"{text}: refused, and said so", code == 1 and says in err and state(dirs[1]) == before, (code, err))
for options in ((), ("--bin", "/b"), ("--bin", "/b", "--conf", "/c", "--fail", "x"), ("--bin", "/b", "--conf", "/c", "--socket", "s"),
                ("--bin", "/b", "--conf", "/c", "more"), ("--no",)):
    equal(f"usage: install {' '.join(options)}", subprocess.run([PLUGIN, "install", *options], capture_output=True, check=False).returncode, 2)
equal("usage: an unknown verb", subprocess.run([PLUGIN, "remove"], capture_output=True, check=False).returncode, 2)

# --- whole at each moment
dirs = node(**{"10-a_conflist": LIST})
run("install", dirs)
stop, torn, names, reads = threading.Event(), [], set(), 0


def reader():
    global reads
    while not stop.is_set():
        try:
            if get(dirs[1], "10-a.conflist")["name"] != "net":
                torn.append("another list")
        except (OSError, ValueError) as e:
            torn.append(repr(e))
        names.update(os.listdir(dirs[1]))
        reads += 1


thread = threading.Thread(target=reader)
thread.start()
codes = [run("install", dirs, "--socket", f"/{i}")[0] for i in range(30)]
stop.set()
thread.join()
check(f"30 changes under {reads} reads: never torn, never gone", not torn and set(codes) == {0} and reads > 30, torn[:3])
equal("... and no name in between that a runtime would read", [x for x in names if x != "10-a.conflist" and x.endswith((".conf", ".conflist", ".json"))], [])
programs = [subprocess.Popen([os.path.join(dirs[0], "portlic-cni"), "--version"], stdout=subprocess.DEVNULL) for _ in range(5)]
os.unlink(os.path.join(dirs[0], "portlic-cni"))
run("install", dirs)
equal("a plugin that was removed is put back", [p.wait() for p in programs] + [os.access(os.path.join(dirs[0], "portlic-cni"), os.X_OK)], [0] * 5 + [True])

# --- watch
dirs = node()
with open(os.path.join(DIR, "watch.log"), "w", encoding="utf-8") as log:
    watch = subprocess.Popen([PLUGIN, "install", "--bin", dirs[0], "--conf", dirs[1], "--fail", "closed", "--watch"], stderr=log)
chained = {**LIST, "plugins": [*LIST["plugins"], ENTRY]}
check("watch: without a configuration it waits", eventually(5, lambda: os.path.exists(os.path.join(dirs[0], "portlic-cni"))) and watch.poll() is None)
put(os.path.join(dirs[1], "10-a.conflist"), LIST)
check("... one comes: chained", eventually(5, lambda: get(dirs[1], "10-a.conflist") == chained))
put(os.path.join(dirs[1], "tmp"), {**LIST, "name": "upgraded"})
start = time.monotonic()
os.rename(os.path.join(dirs[1], "tmp"), os.path.join(dirs[1], "10-a.conflist"))
check("... the network plugin writes it anew: put back", eventually(5, lambda: get(dirs[1], "10-a.conflist") == {**chained, "name": "upgraded"}))
check("... within a second", time.monotonic() - start < 1, time.monotonic() - start)
os.unlink(os.path.join(dirs[0], "portlic-cni"))
check("... the program is removed: put back", eventually(5, lambda: os.access(os.path.join(dirs[0], "portlic-cni"), os.X_OK)))
put(os.path.join(dirs[1], "10-a.conflist"), "{")
check("... a file that is broken: said", eventually(5, lambda: "no JSON" in open(log.name, encoding="utf-8").read()))
put(os.path.join(dirs[1], "10-a.conflist"), LIST)
check("... and mended: chained again", eventually(5, lambda: get(dirs[1], "10-a.conflist") == chained))
time.sleep(0.5)
before = state(*dirs)
time.sleep(0.7)
check("... it writes nothing when nothing changes", state(*dirs) == before)
watch.send_signal(signal.SIGTERM)
equal("... SIGTERM ends it, the chain stays", (watch.wait(5), get(dirs[1], "10-a.conflist")), (0, chained))

# --- libraries of its own
BUNDLE = os.path.join(DIR, "bundle")
made = subprocess.run([os.path.join(ROOT, "deploy/cni-bundle"), BUILD, BUNDLE], capture_output=True, check=False, text=True) if not SAN else None
if SAN:
    skip("the launcher and its libraries", "the plugin is sanitized")
elif not check("a bundle is made", made.returncode == 0, made.stderr):
    done()
else:
    dirs = node(**{"10-a_conflist": LIST})
    program, libs = (os.path.join(dirs[0], x) for x in ("portlic-cni", "portlic-lib"))
    equal("with libraries of its own", run("install", dirs, "--lib", BUNDLE)[0], 0)
    selection(unknown="never")
    call = Call(program=program)
    equal("... the plugin runs", (call.code, call.json), (0, PREVIOUS))
    maps = subprocess.run([os.path.join(libs, "ld.so"), "--inhibit-cache", "--library-path", os.path.realpath(libs), "--list", os.path.join(libs, "portlic-cni")],
                          capture_output=True, check=False, text=True).stdout
    check("... with them alone", "libc.so.6 => " + os.path.realpath(libs) in maps and " /lib/" not in maps.replace("/lib64/ld-linux", ""), maps)
    selection(namespaces={"shop": "may"})
    call = Call(program=program)
    check("... libcurl too", call.error == 11 and "there is no agent" in call.json["msg"], call)
    before = state(*dirs)
    run("install", dirs, "--lib", BUNDLE)
    check("... once more: nothing is written", state(*dirs) == before)
    first = os.readlink(libs)
    put(os.path.join(BUNDLE, "more"), "x")
    run("install", dirs, "--lib", BUNDLE)
    second = os.readlink(libs)
    put(os.path.join(BUNDLE, "more"), "y")
    run("install", dirs, "--lib", BUNDLE)
    check("... an upgrade keeps the set before, for calls that run, and no other",
          sorted(x for x in os.listdir(dirs[0]) if x.startswith("portlic-lib-")) == sorted([second, os.readlink(libs)]) and first not in os.listdir(dirs[0]), os.listdir(dirs[0]))
    os.rename(os.path.join(os.path.realpath(libs), "ld.so"), os.path.join(DIR, "ld.so"))
    equal("a set that isn't whole: ADD is refused, code 5", (Call(program=program).error, Call("STATUS", program=program).error), (5, 5))
    equal("... and pods can end", Call("DEL", program=program).code, 0)
    shutil.move(os.path.join(DIR, "ld.so"), os.path.join(os.path.realpath(libs), "ld.so"))
    equal("uninstall leaves nothing", (run("uninstall", dirs)[0], os.listdir(dirs[0]), get(dirs[1], "10-a.conflist")), (0, [], LIST))
    dirs = node(**{"10-a_conflist": LIST})
    code, err = run("install", dirs, "--lib", DIR)
    check("--lib that is none: refused", code == 1 and "cni-bundle" in err and os.listdir(dirs[0]) == [], err)
done()
