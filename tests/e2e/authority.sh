# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# authority.sh - what the tests of `pull` share: a private CA, a web server of the vendor's, questions
# to the agent about its sources. Sourced behind lib.sh; everything is on 127.0.0.1.

HTTPS=$((15000 + $$ * 4 % 4000)) # and the three ports behind it

# certificate NAME [CA]: NAME.key, NAME.pem for 127.0.0.1 and localhost, by CA (ca) or by itself
certificate() {
	local name=$1 ca=${2:-} by=()
	[ -z "$ca" ] || by=(-CA "$T/$ca.pem" -CAkey "$T/$ca.key")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" "${by[@]}" \
		-addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$T/$name.key" -out "$T/$name.pem" 2> "$T/openssl.log" ||
		bail "a certificate" "$(cat "$T/openssl.log")"
}
# configure_with MEMBERS: portlicd.json with more members
configure_with() {
	{ printf '{%s, ' "$1" && tail -c +2 "$T/portlicd.json"; } > "$T/token" && mv "$T/token" "$T/portlicd.json"
}
# serve FILE FIELD...: signs and puts a license where the authority serves it, in one step
serve() {
	local file=$1
	shift
	sign "$@" > "$T/token" && mv "$T/token" "$T/www/$file" || bail "sign"
}
# serve_list FILE SEQ ENTRIES: the same for a revocation list
serve_list() {
	python3 - "$2" "$3" << 'P' | portlic license sign --key "$T/${VENDOR:-vendor}.jwk" --revocation-list - > "$T/token" || bail "sign a list"
import json, sys, time
now = int(time.time())
print(json.dumps({"iss": "https://vendor.example", "iat": now - 100 + int(sys.argv[1]), "exp": now + 9999, "seq": int(sys.argv[1]),
                  "revoked": json.loads(sys.argv[2])}))
P
	mv "$T/token" "$T/www/$1"
}
# hostile_start: the authority that answers as $T/mode says, out of $T/www; it has a certificate of the CA's and a
# stranger's
hostile_start() {
	certificate ca
	certificate server ca
	certificate stranger
	background "$LIB/hostile.py" "$HTTPS" "$T"
	eventually 10 curl -s --cacert "$T/ca.pem" "https://127.0.0.1:$HTTPS/" || bail "the authority" "$(cat "$T/background.log")"
}
api() { curl -sS --max-time 5 --unix-socket "$T/portlicd.sock" "${@:2}" "http://portlic$1"; }
# source_is NAME EXPRESSION: of the object p in GET /v1/pull
pull_of() { api /v1/pull | json "next((($2) for p in d if p['source'] == '$1'), None)"; }
# pulled NAME [EXPRESSION]: pulls, waits until it was tried, prints the result (or what p says then)
pulled() {
	python3 - "$T/portlicd.sock" "$1" "${2:-p[\"result\"]}" << 'P'
import http.client, json, socket, sys, time
path, name, expression = sys.argv[1:]
def ask(method, url):
    c = http.client.HTTPConnection("portlic", timeout=5)
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(path)
    c.request(method, url)
    return next(p for p in json.load(c.getresponse()) if p["source"] == name)
before = ask("GET", "/v1/pull")["tries"]
p = ask("POST", "/v1/pull?source=" + name)
end = time.monotonic() + 30
while p["tries"] == before and time.monotonic() < end:
    time.sleep(0.02)
    p = ask("GET", "/v1/pull")
print(eval(expression) if p["tries"] > before else "not tried")
P
}
opens() { [ "$(out "$LIB/net.py" wait ok $POD4 "$1" "${2:-10}")" != never ]; }
