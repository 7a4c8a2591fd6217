#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mirror.py ROOT REPO PACKAGE...  -- a small Debian out of the packages that are installed on this machine.

ROOT becomes a tar of a root file system with the required packages and apt alone, as debian:12-slim is, whose apt has
one source: file:/repo. REPO becomes that source: PACKAGE... and all that they need, packed again with their
maintainers' scripts, so that apt-get installs them as it would from a mirror. Exit 77: one isn't installed here."""
import hashlib
import io
import os
import re
import sys
import tarfile

DPKG = "/var/lib/dpkg"
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "triggers", "conffiles", "shlibs", "md5sums", "templates", "config")
ACCOUNTS = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")


def stanzas():
    """{name: {field: value}} of what is installed, and {virtual name: name}."""
    packages, provided = {}, {}
    with open(DPKG + "/status", encoding="utf-8") as f:
        for text in f.read().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*((?:.*)(?:\n[ \t].*)*)", text, re.M))
            if fields.get("Status") == "install ok installed":
                packages[fields["Package"]] = fields
                for name in re.findall(r"[a-z0-9][a-z0-9.+-]+", re.sub(r"\(.*?\)", "", fields.get("Provides", ""))):
                    provided.setdefault(name, fields["Package"])
    return packages, provided


def closure(names):
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        fields = PACKAGES[name]
        for clause in filter(None, ",".join(fields.get(k, "") for k in ("Pre-Depends", "Depends")).split(",")):
            choices = [re.split(r"[ (:]", c.strip())[0] for c in clause.split("|")]
            todo += [c if c in PACKAGES else PROVIDED[c] for c in choices if c in PACKAGES or c in PROVIDED][:1]
    return found


def info(name, what):
    for path in (f"{DPKG}/info/{name}.{what}", f"{DPKG}/info/{name}:{PACKAGES[name]['Architecture']}.{what}"):
        if os.path.exists(path):
            return path
    return None


def real(path):
    """As it is behind the links of a merged /usr."""
    head = path.lstrip("/").split("/")[0]
    return "usr/" + path.lstrip("/") if head in MERGED else path.lstrip("/")


def files(name):
    with open(info(name, "list"), encoding="utf-8") as f:
        for path in f.read().splitlines():
            path = path.lstrip("/").rstrip("/")
            if path not in ("", ".", *MERGED) and os.path.lexists("/" + path):
                yield path


def stanza(name, *, installed=False, **more):
    leave = () if installed else ("Status", "Conffiles")
    fields = {k: v for k, v in PACKAGES[name].items() if k not in leave}
    return "".join(f"{k}: {v}\n" for k, v in {**fields, **more}.items())


def put(tar, path, data, mode=0o644):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def add(tar, path, done):
    """The file of this machine and the directories above it, once."""
    above = ""
    for part in path.split("/"):
        above += ("/" if above else "") + part
        if above not in done:
            done.add(above)
            tar.add("/" + above, above, recursive=False)


def root(out, names):
    done = {""}
    with tarfile.open(out, "w") as tar:
        for name in MERGED:
            if os.path.islink("/" + name):
                tar.add("/" + name, name, recursive=False)
        for name in sorted(names):
            for path in [real(p) for p in files(name)]:
                add(tar, path, done)
            for what in ("list", *SCRIPTS):
                if info(name, what):
                    add(tar, info(name, what).lstrip("/"), done)
        for link in alternatives(done):
            add(tar, link, done)
        for path in (*ACCOUNTS, "usr/bin/sh", "etc/ld.so.cache", "etc/nsswitch.conf"):
            if os.path.lexists("/" + path):
                add(tar, path, done)
        for path in ("tmp", "run", "proc", "sys", "dev", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial",
                     "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/lib/dpkg/alternatives", "var/log/apt", "repo"):
            if path not in done:
                entry = tarfile.TarInfo(path)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if path == "tmp" else 0o755
                tar.addfile(entry)
        put(tar, "var/lib/dpkg/status", "\n".join(stanza(n, installed=True) for n in sorted(names)).encode())
        put(tar, "etc/apt/sources.list", b"deb [trusted=yes] file:/repo ./\n")


def alternatives(done):
    """Those that lead to what is in the root: a link, /etc/alternatives, and the record of both."""
    for name in os.listdir(DPKG + "/alternatives"):
        middle = "etc/alternatives/" + name
        if os.path.islink("/" + middle) and real(os.readlink("/" + middle)) in done:
            with open(f"{DPKG}/alternatives/{name}", encoding="utf-8") as f:
                link = real(f.read().splitlines()[1])
            yield from (middle, link, f"{DPKG.lstrip('/')}/alternatives/{name}")


def member(name, data):
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)


def packed(name):
    control, data = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=control, mode="w", format=tarfile.GNU_FORMAT) as tar:
        put(tar, "./control", stanza(name).encode())
        for what in SCRIPTS:
            if info(name, what):
                with open(info(name, what), "rb") as f:
                    put(tar, "./" + what, f.read(), 0o755 if what in ("preinst", "postinst", "prerm", "postrm", "config") else 0o644)
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in files(name):
            tar.add("/" + path, "./" + path, recursive=False)
    return b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("control.tar", control.getvalue()) + member("data.tar", data.getvalue())


def repository(out, names):
    os.makedirs(out)
    index = []
    for name in sorted(names):
        deb = packed(name)
        with open(f"{out}/{name}.deb", "wb") as f:
            f.write(deb)
        index.append(stanza(name, Filename=f"./{name}.deb", Size=len(deb), SHA256=hashlib.sha256(deb).hexdigest()))
    with open(out + "/Packages", "w", encoding="utf-8") as f:
        f.write("\n".join(index))


if len(sys.argv) < 4:
    sys.exit(__doc__)
PACKAGES, PROVIDED = stanzas()
lacking = [p for p in sys.argv[3:] if p not in PACKAGES]
if lacking:
    print("not installed on this machine:", *lacking)
    sys.exit(77)
slim = closure([n for n, f in PACKAGES.items() if f.get("Essential") == "yes" or f.get("Priority") == "required"] + ["apt"])
root(sys.argv[1], slim)
repository(sys.argv[2], closure(sys.argv[3:]) - slim)
