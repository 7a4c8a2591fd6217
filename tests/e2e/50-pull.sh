#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Licenses and revocation lists come by HTTPS from nginx: validators, renewal, restart without a network,
# a second line, a token, a proxy.
. "$(dirname "$0")/lib.sh"
. "$LIB/authority.sh"
need nginx openssl

start_authority() { # nginx with /NAME.lic and /NAME.rl, and what lies below /private for the token only
	mkdir -p "$T/www" "$T/ngx"
	cat > "$T/nginx.conf" << N
user root; daemon off; master_process off; pid $T/ngx/pid; error_log $T/ngx/error.log;
events { worker_connections 64; }
http {
	log_format f '\$request_uri \$status "\$http_if_none_match" "\$http_if_modified_since" "\$http_accept_encoding"';
	access_log $T/access.log f; root $T/www; types { } default_type application/jwt;
	client_body_temp_path $T/ngx/a; proxy_temp_path $T/ngx/b; fastcgi_temp_path $T/ngx/c; uwsgi_temp_path $T/ngx/d; scgi_temp_path $T/ngx/e;
	server {
		listen 127.0.0.1:$HTTPS ssl; ssl_certificate $T/server.pem; ssl_certificate_key $T/server.key;
		location /private/ { if (\$http_authorization != "Bearer s3cret-t0ken") { return 401; } }
	}
}
N
	background nginx -e "$T/ngx/error.log" -c "$T/nginx.conf"
	NGINX=${PIDS[-1]}
	eventually 10 curl -s --cacert "$T/ca.pem" "https://127.0.0.1:$HTTPS/" || bail "nginx" "$(cat "$T/ngx/error.log")"
}

make_pod
configure
vendor
certificate ca
certificate server ca
start_authority
base=https://127.0.0.1:$HTTPS
cp "$T/portlicd.json" "$T/plain.json"
configure_with "\"pull\":[{\"name\":\"acme\",\"url\":\"$base/acme.lic\",\"ca\":\"$T/ca.pem\",\"interval\":3600},
 {\"name\":\"revoked\",\"revocations\":\"$base/acme.rl\",\"ca\":\"$T/ca.pem\",\"interval\":3600}]"
start_echo tcp 8080 8081 8082 8083
serve acme.lic '"jti":"first"'
serve_list acme.rl 1 '[]'
began=$(date +%s)
agent_start
gate_up

# the first pull
check "a license comes by itself soon after the start" opens 8080
is "its source tells" "$(pull_of acme 'p["kind"], p["result"], p["failures"], p["error"], bool(p["last_success"] and p["next"])')" "('license', 'new', 0, None, True)"
has "license list names the source" "$(portlic license list)" "pulled from acme"
is "... and the API says which" "$(portlic license list -o json | json '[(l["source"], l["state"], l["detail"]) for l in d]')" "[('acme', 'active', None)]"
is "the list has come, too" "$(pull_of revoked 'p["result"], len(p["files"])')" "('new', 1)"
is "a metric counts" "$(metric portlic_pull_total 'source="acme"' 'result="new"')" 1
between "... and tells the last success" "$(metric portlic_pull_last_success_timestamp_seconds 'source="acme"')" "$began" $(($(date +%s) + 1))
has "status has a line" "$(portlic status)" "acme: new"
is "... and no warning" "$(portlic status -o json | json 'd["warnings"]')" "[]"

# 304
is "pulled again: the same" "$(pulled acme)" same
has "nginx answered 304 to the ETag" "$(tail -n 1 "$T/access.log")" '/acme.lic 304 "\x22'
is "... and to If-Modified-Since; no compression was offered" "$(tail -n 1 "$T/access.log" | grep -c 'GMT" "-"$')" 1
is "a list that didn't change: 304" "$(pulled revoked) $(tail -n 1 "$T/access.log" | cut -d' ' -f1,2)" "same /acme.rl 304"
touch -d "2 hours ago" "$T/www/acme.lic" # another Last-Modified and ETag, the same bytes
is "the same bytes under a new ETag are the same" "$(pulled acme) $(tail -n 1 "$T/access.log" | cut -d' ' -f2)" "same 200"
is "... and the new ETag is sent from then on" "$(pulled acme) $(tail -n 1 "$T/access.log" | cut -d' ' -f2)" "same 304"

# certificates and configurations
cp "$T/ca.pem" "$T/saved.pem"
certificate ca
is "another CA in the file counts at once: failed" "$(pulled acme)" failed
cp "$T/saved.pem" "$T/ca.pem"
is "... and so does the old one" "$(pulled acme)" same
refuses() { # refuses KEY WORDS
	{ printf '{%s, ' "$1" && tail -c +2 "$T/plain.json"; } > "$T/bad.json"
	timeout 5 "$BUILD/portlicd" --config "$T/bad.json" > "$T/out" 2>&1
	is "refused with file and key: $1" "$? $(grep -c "bad.json.*$2" "$T/out")" "2 1"
}
refuses '"pull":[{"name":"a","url":"http://h/"}]' '"pull"\[0\]: "url" must begin with https'
refuses '"pull":{"name":"a"}' '"pull" must be an array'
refuses '"notify":[{"exec":["x"]}]' '"notify"\[0\]: "exec" must begin'

# renewal, a license ahead of its time
out "$LIB/net.py" loop $POD4 8080 4 > "$T/loop" &
loop=$!
serve acme.lic '"seq":2' '"jti":"second"' '"ports":[{"port":8080},{"port":8081}]'
is "a renewal is new" "$(pulled acme)" new
check "... and opens its ports" opens 8081
serve acme.lic '"seq":3' '"jti":"third"' "\"nbf\":$(in_s 3000)" "\"exp\":$(in_s 9000)" '"ports":[{"port":8080},{"port":8082}]'
is "one that begins later is new, too" "$(pulled acme)" new
is "... and waits, the present one stays" "$(portlic license list -o json | json 'sorted((l["seq"], l["state"]) for l in d)')" "[(1, 'superseded'), (2, 'active'), (3, 'pending')]"
wait $loop
is "a connect loop saw no failure" "$(awk '{ print ($1 > 100) " " $2 }' "$T/loop")" "1 0"

# another line from the same address
serve acme.lic '"lid":"line-2"' '"jti":"other"' '"ports":[{"port":8083}]'
is "another line is new" "$(pulled acme)" new
check "... and opens its port" opens 8083
is "... and takes nothing from the earlier one" "$(out "$LIB/net.py" tcp $POD4 8081)" ok

check "unload takes a pulled license away at once" portlic license unload line-2
is "... the port is shut" "$(out "$LIB/net.py" tcp $POD4 8083)" refused
is "... and the next pull asks for the whole file and brings it back" "$(pulled acme) $(tail -n 1 "$T/access.log" | cut -d' ' -f2)" "new 200"

# a restart without a network
kill "$NGINX"
wait "$NGINX" 2> /dev/null
agent_end TERM
agent_start
is "after a restart without the authority the ports are open" "$(out "$LIB/net.py" tcp $POD4 8081) $(out "$LIB/net.py" tcp $POD4 8083)" "ok ok"
is "... and no copy counts as a file that is gone" "$(portlic license list -o json | json 'len(d), [l for l in d if l["detail"]]')" "4 []"
is "a failing source" "$(pulled acme)" failed
is "... is a warning that names it" "$(portlic status -o json | json 'sum("\"acme\" fails" in w for w in d["warnings"])')" 1
between "... tried again after 10 s, not at the interval" "$(pull_of acme '__import__("datetime").datetime.fromisoformat(p["next"][:-1]).timestamp() - __import__("datetime").datetime.fromisoformat(p["last_attempt"][:-1]).timestamp()')" 7 25
start_authority
kill -HUP "$AGENT"
check "SIGHUP pulls now" eventually 10 sh -c "curl -s --unix-socket $T/portlicd.sock http://portlic/v1/pull | grep -q '\"source\":\"acme\".*\"result\":\"same\".*\"failures\":0'"
has "... with the ETag from before the restart" "$(grep '^/acme.lic' "$T/access.log" | tail -n 1)" '/acme.lic 304'

# revocation
serve_list acme.rl 2 '[{"lid":"line-2","at":1000000000}]'
is "a newer list is new" "$(pulled revoked)" new
check "... and shuts the port" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8083) = refused ]"
serve_list acme.rl 1 '[]'
is "an older list is rejected" "$(pulled revoked)" rejected
is "... and the port stays shut" "$(out "$LIB/net.py" tcp $POD4 8083)" refused
agent_end TERM
agent_start
is "... after a restart, too" "$(portlic license list -o json | json '[l["state"] for l in d if l["lid"] == "line-2"]')" "['revoked']"

# a token, a proxy
mkdir -p "$T/www/private"
serve private/p.lic '"lid":"private"' '"jti":"p"' '"ports":[{"port":8083}]'
printf 'wrong\n' > "$T/secret"
agent_end TERM
cp "$T/plain.json" "$T/portlicd.json"
background "$LIB/proxy.py" $((HTTPS + 1)) "$T/proxy.log"
configure_with "\"pull\":[{\"name\":\"private\",\"url\":\"$base/private/p.lic\",\"ca\":\"$T/ca.pem\",\"token_file\":\"$T/secret\",\"proxy\":\"http://127.0.0.1:$((HTTPS + 1))\"}]"
eventually 10 test -s "$T/proxy.log"
agent_start
check "a wrong token fails" eventually 10 sh -c "curl -s --unix-socket $T/portlicd.sock http://portlic/v1/pull | grep -q 'answered 401'"
is "what an earlier source gave is held and said to go" "$(portlic license list -o json | json '{l["detail"] for l in d if l["lid"] == "line-1"}')" "{'the file is gone: its rights are withdrawn soon'}"
printf 's3cret-t0ken\n' > "$T/secret"
is "the token is read anew, and the license is new" "$(pulled private)" new
check "... and opens its port" opens 8083
has "the proxy was used" "$(cat "$T/proxy.log")" "CONNECT 127.0.0.1:$HTTPS"
is "... and saw no token" "$(grep -c 's3cret' "$T/proxy.log")" 0
is "no log has the token" "$(grep -c 's3cret' "$T/agent.log")" 0

# a vendor who gives the same seq twice, the second one ahead of its time; an unload
serve private/p.lic '"lid":"private"' '"jti":"again"' "\"nbf\":$(in_s 1000)" '"ports":[{"port":8083}]'
is "the same seq, not yet begun: taken" "$(pulled private)" new
is "... beside what is in force" "$(portlic license list -o json | json 'sorted(l["state"] for l in d if l["lid"] == "private")')" "['active', 'pending']"
is "... whose port stays open" "$(out "$LIB/net.py" tcp $POD4 8083)" ok
check "... with an alarm" grep -q 'license_equivocation.*lid="private"' "$T/agent.log"
has "unloaded: a warning that the source brings it back" "$(portlic license unload private 2>&1)" 'the next pull brings it back'

# a clock behind what is proven: a list that is pulled is proof of its time, as one in the directory is
agent_end TERM
cp "$T/plain.json" "$T/portlicd.json"
fake_clock 2000 1
agent_start
agent_end TERM
fake_clock 0 1
configure_with "\"pull\":[{\"name\":\"revoked\",\"revocations\":\"$base/acme.rl\",\"ca\":\"$T/ca.pem\"}]"
at_clock 4000 serve_list acme.rl 9 '[]'
agent_start
is "the clock is suspect" "$(portlic status -o json | json 'd["clock"]["suspect"]')" True
ahead() { portlic status -o json | json '__import__("datetime").datetime.fromisoformat(d["clock"]["effective"].replace("Z","+00:00")).timestamp()' | awk -v now="$(date +%s)" '{ exit !($1 - now > 3800) }'; }
pulled revoked > "$T/out"
check "a pulled list from ahead moves effective time" eventually 10 ahead
