#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kubeapi.py - a Kubernetes API server as far as a client can see, for tests: objects in memory, nothing runs.

kubeapi.py serve DIR PORT CERT KEY   HTTPS on 127.0.0.1:PORT; the tokens that it takes stand in DIR/tokens, one a line
                                     (none: anybody may), the control socket is DIR/control

Commands come as HTTP by the control socket, a header "Word" each for the command and its arguments (see kube() in
kube.sh); 400 and a line if they can't be done.

Objects: get, list (limit and continue, labelSelector, fieldSelector), watch (bookmarks, timeoutSeconds, 410), POST, PUT
(409 if its resourceVersion isn't the present one, 422 for a Lease without one), PATCH (merge), DELETE (preconditions:
resourceVersion, uid), and the subresource status. Any kind is
known; its resource is the word in the path. A namespace needs no object of its own.

  put                  JSON of one object (or more, one after another) on stdin: created or replaced, whatever its version
  get PATH | delete PATH | list PATH
  event LINE           bytes as they are to every watch
  status PATH          merges the JSON on stdin into the object's status
  close | cut          ends every watch, cleanly or not
  bookmark             to every watch that asked for them
  compact              versions up to now are too old from now on (410), and every watch is cut
  refuse STATUS [SECONDS [PATH-PREFIX]]   answers that to every request, with Retry-After; `refuse 0` ends it
  unknown PREFIX | known PREFIX           404 below that path
  lose METHOD PATH-PREFIX                 the next such request is done, and its answer lost; `lose` alone ends that
  hold | release       watches begin, and say nothing
  restore VERSION      the store is put back to what it was at a version: the counter too
  away | back          nothing listens any more; listens again
  page N               pages have at most that many objects, whatever limit is asked for (0: as asked)
  expire               the next "continue" is too old: 410
  chunk N              bodies of lists and watches are sent in pieces of so many bytes (0: whole)
  count [WORD]         requests since the last `count`, as a line "N METHOD KIND" each, KIND watch, list or one; of those
                       whose line of the log has the word
  log                  the lines of all requests: "SECONDS METHOD PATH STATUS"
  watches              how many there are now
  fronts               the values that the header X-Front had since the last time, which a proxy before it may set
"""
import base64, collections, copy, http.server, json, os, socket, socketserver, ssl, sys, threading, time, urllib.parse, uuid

PLURALS = {"NetworkPolicy": "networkpolicies", "PortPolicy": "portpolicies", "Endpoints": "endpoints"}
CLUSTER = {"Namespace", "Node", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PortPolicy"}
BOOKMARK_S = 1.0


class Refused(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message

    def body(self):
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
                "reason": self.reason, "code": self.code}


Path = collections.namedtuple("Path", "group resource namespace name sub")


def parse(path):
    """/api/v1/[namespaces/NS/]RESOURCE[/NAME[/SUB]] or /apis/GROUP/VERSION/..."""
    parts = [urllib.parse.unquote(p) for p in path.strip("/").split("/")]
    n = {"api": 2, "apis": 3}.get(parts[0], 0)
    if not n or len(parts) <= n:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    group, rest, namespace = "/".join(parts[:n]), parts[n:], None
    if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in ("status", "finalize")):
        namespace, rest = rest[1], rest[2:]
    rest += [None] * (3 - len(rest))
    return Path(group, rest[0], namespace, rest[1], rest[2])


def path_of(obj):
    version, kind, meta = obj["apiVersion"], obj["kind"], obj["metadata"]
    resource = PLURALS.get(kind, kind.lower() + "s")
    namespace = None if kind in CLUSTER and not meta.get("namespace") else meta.get("namespace", "default")
    return Path(("apis/" if "/" in version else "api/") + version, resource, namespace, meta["name"], None)


def merge(into, patch):
    if not isinstance(patch, dict):
        return patch
    out = dict(into) if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merge(out.get(name), value)
    return out


def labels_match(selector, labels):
    depth, term, terms = 0, "", []
    for c in selector + ",":
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            terms.append(term.strip())
            term = ""
        else:
            term += c
    for t in filter(None, terms):
        if " notin " in t or " in " in t:
            key, op, values = t.split(None, 2)
            found = labels.get(key) in [v.strip() for v in values.strip("() ").split(",")]
            if found != (op == "in"):
                return False
        elif "!=" in t:
            key, value = t.split("!=")
            if labels.get(key) == value:
                return False
        elif "=" in t:
            key, value = t.replace("==", "=").split("=")
            if labels.get(key) != value:
                return False
        elif (t.lstrip("!") in labels) == t.startswith("!"):
            return False
    return True


def fields_match(selector, obj):
    for t in filter(None, selector.split(",")):
        op = "!=" if "!=" in t else "="
        key, value = t.replace("==", "=").split(op)
        at = obj
        for part in key.split("."):
            at = at.get(part) if isinstance(at, dict) else None
        if ((at or "") == value) != (op == "="):
            return False
    return True


class Store:
    def __init__(self):
        self.lock = threading.Condition()
        self.version, self.compacted = 100, 0
        self.objects = {}  # (group, resource, namespace, name): object
        self.history = []  # (version, key, before, after)

    def write(self, key, obj):
        """obj None: deleted. The lock is held."""
        before = self.objects.get(key)
        self.version += 1
        if obj is None:
            after = copy.deepcopy(before)
            del self.objects[key]
        else:
            after = copy.deepcopy(obj)
            meta = after.setdefault("metadata", {})
            old = before["metadata"] if before else {}
            meta["uid"] = meta.get("uid") or old.get("uid") or str(uuid.uuid4())
            if "spec" in after:  # as a kind with a status subresource has it
                same = before and before.get("spec") == after["spec"]
                meta["generation"] = old.get("generation", 0) + (not same)
            meta["creationTimestamp"] = old.get("creationTimestamp") or meta.get("creationTimestamp") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.objects[key] = after
        after["metadata"]["resourceVersion"] = str(self.version)
        if obj is None:
            self.history.append((self.version, key, before, None, after))
        else:
            self.history.append((self.version, key, before, after, after))
        self.lock.notify_all()
        return after

    def restore(self, version):
        with self.lock:
            self.objects = {}
            for v, key, _, after, _ in self.history:
                if v <= version and after is not None:
                    self.objects[key] = after
                elif v <= version:
                    self.objects.pop(key, None)
            self.history = [h for h in self.history if h[0] <= version]
            self.version = version
            self.lock.notify_all()


class Selection:
    def __init__(self, path, query):
        self.path, self.labels, self.fields = path, query.get("labelSelector", ""), query.get("fieldSelector", "")

    def __call__(self, key, obj):
        p = self.path
        return (obj is not None and key[:2] == (p.group, p.resource) and (p.namespace is None or key[2] == p.namespace) and
                (p.name is None or key[3] == p.name) and labels_match(self.labels, obj["metadata"].get("labels") or {}) and
                fields_match(self.fields, obj))


class Api:
    """What all requests and the control socket share."""
    def __init__(self, directory, port, cert, key):
        self.dir, self.port = directory, port
        self.store = Store()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.context.set_alpn_protocols(["http/1.1"])
        self.server = None
        self.refusal, self.unknown, self.log, self.counted = None, set(), [], 0
        self.held, self.page, self.chunk = False, 0, 0
        self.fronts, self.expire, self.losing = set(), False, []
        self.watches = {}  # handler: [closing, raw bytes]
        self.connections = set()

    def listen(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.api = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def leave(self):
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def tell(self, what, value=True):
        with self.store.lock:
            for watch in self.watches.values():
                watch[what] = watch[what] + value if what == "raw" else value
            self.store.lock.notify_all()

    def tokens(self):
        try:
            return open(self.dir + "/tokens").read().split()
        except FileNotFoundError:
            return []


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def finish_request(self, request, address):
        self.api.connections.add(request)
        try:
            request.settimeout(600)
            request = self.api.context.wrap_socket(request, server_side=True)
            self.api.connections.add(request)
            self.RequestHandlerClass(request, address, self)
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.api.connections.discard(request)

    def handle_error(self, request, address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *args):
        pass

    # --- answers

    def answer(self, code, body, retry=None):
        data = json.dumps(body, indent=2 if code >= 400 else None).encode()
        self.logged(code)
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if retry:
            self.send_header("Retry-After", str(retry))
        self.end_headers()
        step = self.server.api.chunk or len(data) or 1
        for i in range(0, len(data), step):
            self.wfile.write(data[i:i + step])
            self.wfile.flush()

    def logged(self, code):
        self.server.api.log.append("%.3f %s %s %d" % (time.monotonic(), self.command, self.path, code))

    def send_piece(self, data):
        step = self.server.api.chunk or len(data)
        for i in range(0, len(data), step):
            piece = data[i:i + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    # --- requests

    def handle_any(self):
        api = self.server.api
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        api.fronts.add(self.headers.get("X-Front") or "none")
        try:
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
            refusal = api.refusal
            if refusal and url.path.startswith(refusal[2]):
                raise Refused(refusal[0], "Refused", "refused by the test")
            tokens = api.tokens()
            if tokens and self.headers.get("Authorization", "")[7:] not in tokens:
                raise Refused(401, "Unauthorized", "Unauthorized")
            if any(url.path.startswith(p) for p in api.unknown):
                raise Refused(404, "NotFound", "the server could not find the requested resource")
            if url.path in ("/version", "/healthz", "/readyz"):
                return self.answer(200, {"major": "1", "minor": "20", "gitVersion": "v1.20.2"})
            path = parse(url.path)
            if self.command == "GET" and query.get("watch") in ("1", "true"):
                return self.watch(path, query)
            if self.command == "GET" and path.name is None:
                return self.list(path, query)
            return self.one(path, raw)
        except Refused as e:
            self.answer(e.code, e.body(), api.refusal[1] if api.refusal else None)
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def list(self, path, query):
        api, store, select = self.server.api, self.server.api.store, Selection(path, query)
        limit = self.server.api.page or int(query.get("limit", 0))
        asked, start = query.get("resourceVersion", ""), ""
        with store.lock:
            if "continue" in query:
                version, start = json.loads(base64.urlsafe_b64decode(query["continue"]))
                expire, api.expire = api.expire, False
                if version < store.compacted or expire:
                    raise Refused(410, "Expired", "The provided continue parameter is too old")
            elif asked.isdigit() and int(asked) > store.version:
                raise Refused(504, "Timeout", "Too large resource version: %s, current: %d" % (asked, store.version))
            else:
                version = store.version
            found = sorted((k for k, o in store.objects.items() if select(k, o)), key=str)
            found = [k for k in found if str(k) > start]
            meta = {"resourceVersion": str(version)}
            if limit and len(found) > limit:
                meta["continue"] = base64.urlsafe_b64encode(json.dumps([version, str(found[limit - 1])]).encode()).decode()
                meta["remainingItemCount"] = len(found) - limit
                found = found[:limit]
            items = [{k: v for k, v in store.objects[key].items() if k not in ("kind", "apiVersion")} for key in found]
        kind = path.resource[:-1].capitalize() + "List"
        self.answer(200, {"kind": kind, "apiVersion": path.group.split("/", 1)[1], "metadata": meta, "items": items or None})

    def one(self, path, raw):
        store = self.server.api.store
        key = path[:4]
        body = json.loads(raw) if raw else None
        with store.lock:
            old = store.objects.get(key) if path.name else None
            if self.command == "POST":
                obj, code = self.created(path, body), 201
                key = (path.group, path.resource, path.namespace, obj["metadata"]["name"])
                if key in store.objects:
                    raise Refused(409, "AlreadyExists", '%s "%s" already exists' % (path.resource, key[3]))
                return self.later(code, store.write(key, obj))
            if old is None:
                raise Refused(404, "NotFound", '%s "%s" not found' % (path.resource, path.name))
            if self.command == "GET":
                return self.later(200, old)
            if self.command == "DELETE":
                wanted = (body or {}).get("preconditions") or {}
                self.conflict(path, old, wanted.get("resourceVersion"))
                if wanted.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
                    raise Refused(409, "Conflict", "Precondition failed: UID in precondition: %s" % wanted["uid"])
                store.write(key, None)
                return self.later(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
            new, wanted = merge(old, body) if self.command == "PATCH" else body, (body.get("metadata") or {}).get("resourceVersion")
            if self.command == "PUT" and path.resource == "leases" and not wanted:
                raise Refused(422, "Invalid", "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update")
            self.conflict(path, old, wanted)
            if path.sub == "status":
                new = {**old, "status": new.get("status")}
            elif "status" in old and path.group != "api/v1":
                new = {**new, "status": old["status"]}
            return self.later(200, store.write(key, new))

    def later(self, code, obj):
        api = self.server.api
        if api.losing and self.command == api.losing[0] and self.path.startswith(api.losing[1]):
            api.losing = []
            self.logged(0)
            raise ConnectionError
        self.answer(code, copy.deepcopy(obj))

    def created(self, path, body):
        meta = body.setdefault("metadata", {})
        if path.namespace:
            meta.setdefault("namespace", path.namespace)
        if not meta.get("name"):
            meta["name"] = meta.get("generateName", "x-") + uuid.uuid4().hex[:5]
        body["metadata"] = {k: v for k, v in meta.items() if k != "resourceVersion"}
        return body

    def conflict(self, path, old, wanted):
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
                          "changes to the latest version and try again" % (path.resource, path.name))

    # --- watches

    def watch(self, path, query):
        api, store, select = self.server.api, self.server.api.store, Selection(path, query)
        asked = query.get("resourceVersion", "")
        with store.lock:
            state = api.watches[self] = {"closed": False, "cut": False, "raw": b"", "bookmark": False}
            at = int(asked) if asked not in ("", "0") else store.version
            first = [store.objects[k] for k in sorted(store.objects, key=str) if select(k, store.objects[k])] if asked in ("", "0") else []
            expired = at < store.compacted
        try:
            self.logged(200)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for obj in first:
                self.event("ADDED", obj)
            if expired:
                self.event("ERROR", Refused(410, "Expired", "too old resource version: %d (%d)" % (at, store.compacted)).body())
            else:
                self.follow(state, select, at, query)
            if state["cut"]:
                self.close_connection = True
                return self.connection.shutdown(socket.SHUT_RDWR)
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except (OSError, ssl.SSLError):
            self.close_connection = True
        finally:
            with store.lock:
                del api.watches[self]

    def follow(self, state, select, at, query):
        api, store = self.server.api, self.server.api.store
        end = time.monotonic() + float(query.get("timeoutSeconds", 1800))
        bookmarks = query.get("allowWatchBookmarks") == "true"
        quiet = time.monotonic()
        kind = select.path.resource[:-1].capitalize()
        while True:
            with store.lock:
                news = [] if api.held else [h for h in store.history if h[0] > at]
                if not (news or state["closed"] or state["cut"] or state["raw"] or state["bookmark"]):
                    store.lock.wait(max(0.01, min(end - time.monotonic(), 0.25)))
                raw, state["raw"] = state["raw"], b""
                asked, state["bookmark"] = state["bookmark"], False
                version, cut = store.version, state["cut"]
            for v, key, before, after, last in news:
                at = v
                had, has = select(key, before), select(key, after)
                if had or has:
                    self.event("MODIFIED" if had and has else "ADDED" if has else "DELETED", last)
                    quiet = time.monotonic()
            if raw:
                self.send_piece(raw)
            over = time.monotonic() >= end or state["closed"]
            if bookmarks and not api.held and not cut and at <= version and (asked or (not news and time.monotonic() - quiet > BOOKMARK_S)):
                quiet = time.monotonic()
                at = version if not any(h[0] > at for h in store.history) else at
                self.event("BOOKMARK", {"kind": kind, "apiVersion": select.path.group.split("/", 1)[1],
                                        "metadata": {"resourceVersion": str(at), "creationTimestamp": None}, "spec": {"containers": None}, "status": {}})
            if over or cut:
                return

    def event(self, kind, obj):
        self.send_piece(json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n")


# --- control

def parse_all(text):
    decoder, at, out = json.JSONDecoder(), 0, []
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return out
        obj, at = decoder.raw_decode(text, at)
        out += obj["items"] if obj.get("kind") == "List" else [obj]


def control(api, words, text):
    store, what, args = api.store, words[0], words[1:]
    if what == "put":
        for obj in parse_all(text):
            with store.lock:
                path = path_of(obj)
                if path.namespace:
                    obj["metadata"].setdefault("namespace", path.namespace)
                old = store.objects.get(path[:4], {})
                if "status" in old and path.group.startswith("apis/"):
                    obj.setdefault("status", old["status"])
                store.write(path[:4], obj)
    elif what in ("get", "delete", "status"):
        path = parse(args[0])
        with store.lock:
            if path[:4] not in store.objects:
                raise Refused(404, "NotFound", args[0] + " isn't there")
            if what == "get":
                return json.dumps(store.objects[path[:4]])
            obj = store.objects[path[:4]]
            store.write(path[:4], None if what == "delete" else {**obj, "status": merge(obj.get("status"), json.loads(text))})
    elif what == "list":
        select = Selection(parse(args[0]), {})
        with store.lock:
            return json.dumps([o for k, o in sorted(store.objects.items(), key=str) if select(k, o)])
    elif what == "event":
        api.tell("raw", (args[0] if args else text).encode())
    elif what in ("close", "cut", "bookmark"):
        api.tell({"close": "closed"}.get(what, what))
    elif what == "compact":
        with store.lock:
            store.version += 1
            store.compacted = store.version
        api.tell("cut")
    elif what == "refuse":
        api.refusal = (int(args[0]), args[1] if len(args) > 1 and args[1] != "0" else None, args[2] if len(args) > 2 else "/") if int(args[0]) else None
    elif what == "unknown":
        api.unknown.add(args[0])
    elif what == "lose":
        api.losing = args
    elif what == "known":
        api.unknown.discard(args[0])
    elif what in ("hold", "release"):
        api.held = what == "hold"
    elif what == "restore":
        store.restore(int(args[0]))
    elif what == "away":
        api.leave()
    elif what == "back":
        if not api.server:
            api.listen()
    elif what == "expire":
        api.expire = True
    elif what in ("page", "chunk"):
        setattr(api, what, int(args[0]))
    elif what == "count":
        new, api.counted = api.log[api.counted:], len(api.log)
        kinds = collections.Counter()
        for line in new:
            if not args or args[0] in line:
                _, method, path, _ = line.split()
                p = parse(path.split("?")[0]) if path.startswith("/api") else None
                kinds[method + " " + ("watch" if "watch=1" in path else "list" if method == "GET" and p and not p.name else "one")] += 1
        return "\n".join("%d %s" % (n, k) for k, n in sorted(kinds.items()))
    elif what == "log":
        return "\n".join(api.log)
    elif what == "version":
        return str(store.version)
    elif what == "fronts":
        found, api.fronts = sorted(api.fronts), set()
        return " ".join(found)
    elif what == "watches":
        return str(len(api.watches))
    else:
        raise Refused(400, "BadRequest", "no such command: " + what)
    return ""


class Control(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return "control"

    def do_POST(self):
        words = [w.encode("latin-1").decode() for w in self.headers.get_all("Word")]
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        code = 200
        try:
            reply = control(self.server.api, words, text)
        except Refused as e:
            code, reply = 400, e.message
        except Exception as e:  # a mistake of the test's: told, not fatal
            code, reply = 400, "%s: %s" % (type(e).__name__, e)
        data = (reply + "\n" if reply else "").encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class ControlServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def main(args):
    if len(args) != 5 or args[0] != "serve":
        sys.exit(__doc__)
    api = Api(args[1], int(args[2]), args[3], args[4])
    api.listen()
    server = ControlServer(api.dir + "/control", Control)
    server.api = api
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
