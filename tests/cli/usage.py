#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Help, usage errors and their exit codes; the man page and the completion say what the table says."""

import os
import re
import subprocess

from harness import ROOT, check, done, equal, path, portlic

help_text = portlic("--help")
block = help_text.out.split("Commands:\n")[1].split("\n\n")[0]
VERBS = [line[2:18].strip() for line in block.splitlines()]
BARE = "|".join(v for v in VERBS if " " not in v)
NOUNS = "|".join(sorted({v.split()[0] for v in VERBS if " " in v}))

check("--help exits 0, on stdout", help_text.code == 0 and not help_text.err, help_text)
check("the table has the verbs of the contract", set(VERBS) == {
    "status", "check", "rehearse", "explain", "observe", "cleanup", "license keygen", "license sign", "license verify", "license show",
    "license load", "license unload", "license list", "gate add", "gate set", "gate del",
    "gate list", "policy check", "policy diff", "policy apply", "policy confirm", "policy rollback", "policy list", "policy del",
    "port list", "port show", "clock reset"}, VERBS)


def examples(text):
    lines = text.rstrip("\n").split("\nEXAMPLES\n")[-1].splitlines()
    return lines and all(re.match(r"  portlic .*\S +# \S", line) for line in lines)


for name in [""] + VERBS + NOUNS.split("|"):
    r = portlic(*name.split(), "--help")
    check(f"portlic {name} --help: exit 0, stdout, ends with explained examples",
          r.code == 0 and not r.err and examples(r.out), r)
    check(f"... fits in 132 columns but for usage", all(
        len(line) <= 132 for line in r.out.splitlines() if "Usage" not in line and "#" not in line), r)

version = portlic("--version")
check("--version", version.code == 0 and re.fullmatch(r"portlic \d+\.\d+\.\d+\n", version.out), version)

# A mistake: exit 2, stderr, a remedy.
MISTAKES = [
    ([], "--help"),
    (["license"], "verb"),
    (["statsu"], "portlic status"),
    (["licence", "list"], "portlic license"),
    (["license", "verfy", "x"], "portlic license verify"),
    (["frobnicate"], "there are: status"),
    (["status", "--sockt", "x"], "--socket"),
    (["status", "--bogus"], "--help"),
    (["status", "extra"], "too many arguments"),
    (["status", "--mode", "audit"], "no option --mode"),
    (["status", "-o", "xml"], "table|json"),
    (["status", "-o"], "table|json"),
    (["status", "--help=x"], "no value"),
    (["status", "--socket", "a", "--socket", "b"], "twice"),
    (["status", "--socket", "/" + "x" * 200], "107"),
    (["gate", "add"], "too few arguments"),
    (["gate", "add", "web"], "--netns"),
    (["gate", "add", "web", "--netns", "a", "--pid", "1"], "one of"),
    (["gate", "add", "web", "--pid", "0"], "process id"),
    (["gate", "add", "web", "--pid", "12x"], "process id"),
    (["gate", "add", "web", "--netns", "a", "--policy", path("none.json")], "none.json"),
    (["gate", "set", "web"], "--mode"),
    (["gate", "set", "web", "--mode", "maybe"], "enforce|audit|off"),
    (["gate", "set", "web", "--shield", "maybe"], "off|on|auto"),
    (["gate", "set", "web", "--shield", "on", "--for", "1h", "--why", "x"], "--for goes with --mode"),
    (["port", "show", "web"], "too few"),
    (["port", "show", "web", "http"], "no port"),
    (["port", "show", "web", "0"], "no port"),
    (["port", "show", "web", "65536"], "no port"),
    (["port", "show", "web", "80/icmp"], "tcp, udp or sctp"),
    (["license", "keygen", "--out", "x"], "--iss"),
    (["license", "keygen", "--iss", "x"], "--out"),
    (["license", "sign", "c.json"], "--key"),
    (["license", "sign", "--key", "k", "--alg", "RS256", "c.json"], "EdDSA|Ed25519"),
    (["license", "verify", "x.lic"], "--trust"),
    (["license", "verify", "--trust", "t", "--audience", "a"], "too few"),
    (["license", "verify", "--trust", "t", "--audience", "a", "--now", "yesterday", "x"], "seconds"),
    (["license", "verify", "--trust", "t", "--audience", "a", "--now", "-1", "x"], "seconds"),
    (["license", "verify", "--trust", "t", "--audience", "a", "--now", "1e9", "x"], "seconds"),
    (["license", "verify", "--trust", "t", "--audience", "a", "--bind", "host=1", "x"], "cluster=UID"),
    (["license", "load", "-"], "name"),
    (["rehearse"], "one of --at"),
    (["rehearse", "--with", path("none.lic")], "none.lic"),
    (["policy", "check"], "too few"),
    (["policy", "check", path("none.json")], "none.json"),
    (["policy", "check", "--trust", path("none.d"), path("none.json")], "trust directory"),
    (["policy", "diff"], "too few"),
    (["policy", "apply", "a.json", "b.json"], "too many"),
    (["policy", "apply", path("none.json")], "none.json"),
    (["policy", "apply", "-"], "name"),
    (["cleanup", "all"], "too many"),
    (["cleanup", "--state=yes"], "no value"),
    (["cleanup", "--cni-bin", "/opt/cni/bin"], "give both" if os.geteuid() == 0 else "root"),
    (["cleanup", "--config", path("none.json")], "none.json" if os.geteuid() == 0 else "root"),
]
for args, remedy in MISTAKES:
    r = portlic(*args)
    check(f"`{' '.join(args)[:60]}`: exit 2, says \"{remedy}\"",
          r.code == 2 and not r.out and remedy in r.err and r.err.startswith("portlic: "), r)
    if args[:1] != ["status"] or "-o" not in args:
        j = portlic(*args, "-o", "json")
        check("... and as JSON on stdout", j.code == 2 and not j.err and
              remedy in j.json()["error"], j)

# Options stand anywhere, with a blank or with =.
NO_AGENT = path("nobody.sock")
for args in (["--socket", NO_AGENT, "status"], ["status", "--socket=" + NO_AGENT],
             ["gate", "--socket", NO_AGENT, "list"], ["port", "list", "web", "--socket", NO_AGENT],
             ["-o", "table", "license", "list", "--socket", NO_AGENT]):
    r = portlic(*args)
    check(f"no agent: `{' '.join(args).replace(NO_AGENT, 'SOCKET')}` exits 4 and says what to do",
          r.code == 4 and NO_AGENT in r.err and "start portlicd" in r.err, r)
r = portlic("status", env={"PORTLIC_SOCKET": NO_AGENT})
check("PORTLIC_SOCKET names the agent", r.code == 4 and NO_AGENT in r.err, r)
r = portlic("status", "--socket", path("other.sock"), env={"PORTLIC_SOCKET": NO_AGENT})
check("--socket goes before PORTLIC_SOCKET", r.code == 4 and "other.sock" in r.err, r)
r = portlic("status", "-o", "json", "--socket", NO_AGENT)
check("no agent, as JSON", r.code == 4 and list(r.json()) == ["error"] and not r.err, r)
r = portlic("license", "show", "--", "-h")
check("behind -- nothing is an option", r.code == 2 and '"-h"' in r.err, r)
if os.path.exists("/dev/full"):
    with open("/dev/full", "w", encoding="ascii") as full:
        p = subprocess.run([os.path.abspath(os.environ.get("PORTLIC_BUILD", "build") + "/portlic"),
                            "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
    check("output that can't be written: exit 2", p.returncode == 2 and b"can't write" in p.stderr, p)

# The man page lists the same verbs and options.
with open(os.path.join(ROOT, "docs/man/portlic.1"), encoding="utf-8") as f:
    page = f.read()
listed = [" ".join(m.split()[1:]) if m.startswith("Cm ") else m
          for m in re.findall(rf"^\.It (Cm (?:{BARE}|(?:{NOUNS}) \w+))", page, re.M)]
equal("portlic(1) lists the verbs of the table, in its order", listed, VERBS)
for verb in VERBS:
    text = portlic(*verb.split(), "--help").out.split("Options of all")[0]
    wanted = set(re.findall(r"^  (?:-\w, )?--([\w-]+)", text, re.M))
    item = re.search(rf"^\.It Cm {verb}\b(.*?)(?=^\.It Cm (?:{BARE}|{NOUNS})\b|^\.El\n\.Sh)",
                     page, re.M | re.S)
    equal(f"portlic(1) has the options of `{verb}`",
          set(re.findall(r"Fl -([\w-]+)", item.group(1))) if item else None, wanted)

with open(os.path.join(ROOT, "deploy/completion/portlic.bash"), encoding="utf-8") as f:
    equal("deploy/completion/portlic.bash is what the table makes (make completion)",
          f.read(), portlic("__complete").out)


def complete(*words):
    script = (f". {ROOT}/deploy/completion/portlic.bash; COMP_WORDS=({' '.join(repr(w) for w in words)}); "
              f"COMP_CWORD={len(words) - 1}; _portlic; echo \"${{COMPREPLY[*]}}\"")
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()


equal("completion of a noun", complete("portlic", "lic"), ["license"])
equal("completion of a verb", complete("portlic", "--socket", "x", "gate", ""), ["add", "set", "del", "list"])
equal("completion of an option", complete("portlic", "license", "sign", "--k"), ["--key"])
equal("completion of a choice", complete("portlic", "gate", "set", "web", "--mode", "a"), ["audit"])
done()
