#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Tokens and certificates of the API server's change, its store is put back, a kind is unknown, it speaks HTTP/2.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/kubewatch.sh"
need openssl

kube_start
echo "{$(kube_config n1)}" > "$T/client.json"
kube_pod shop web n1 | kube_put -
client "pods=$PODS"
says "a list comes" '^pods end'

# tokens
settle
echo token-2 > "$KUBE/tokens"
kube cut
says "a token that isn't valid any more: told" 'kube_failed.*reason="unauthorized".*token_file'
printf 'token-2\n' > "$KUBE/token"
kube_pod shop with-token-2 n1 | kube_put -
says "it is renewed on disk: taken" '^pods present with-token-2 '
echo token-3 > "$KUBE/tokens"
printf token-3 > "$KUBE/token"
has "... for single requests, too" "$(answer GET /version)" '200 '
settle
mv "$KUBE/token" "$KUBE/token.away"
kube cut
says "no token: told, with the file" "kube_failed.*reason=\"token\".*$KUBE/token"
has "... by requests, too" "$(answer GET /version)" "none token_file"
mv "$KUBE/token.away" "$KUBE/token"
forget
kube_pod shop with-token-3 n1 | kube_put -
says "... and back" '^pods present with-token-3 '

# the store is put back to an older state
settle
forget
version=$(kube version)
for i in 1 2 3; do kube_pod shop "later$i" n1; done | kube_put -
says "more pods" '^pods present later3 '
kube restore "$version"
kube cut
eventually 20 watches 0 && eventually 20 watches 1
forget
kube close # a watch from the future: nothing comes by it
says "the store was put back: listed as it is now" '^pods end'
is "... without what is no more" "$(grep -c '^pods present later' <(sed '0,/^pods begin/d' "$SAID"))" 0
kube_pod shop newer n1 | kube_put -
says "... and watched from there" '^pods present newer '

# a kind that this server doesn't know
client_end
kube unknown /apis/portlic.dev
client "?licenses=/apis/portlic.dev/v1/portlicenses" "pods=$PODS"
says "a kind that is unknown, and may be: said once" 'info kube_absent'
says "... beside others" '^pods end'
is "... no failure" "$(kube_state 's["connected"], [(w["what"], w["absent"], w["synced"]) for w in s["watches"]]')" \
	"(True, [('pods', False, True), ('licenses', True, False)])"
is "... and nothing is said of its objects" "$(heard licenses)" "begin,"
client_end
kube known /apis/portlic.dev

# another authority
cp "$KUBE/ca.pem" "$T/ca.good"
kube_certificate stranger
cp "$KUBE/stranger.pem" "$KUBE/ca.pem"
client "pods=$PODS"
says "a certificate of another authority: told" 'kube_failed.*certificate'
cp "$T/ca.good" "$KUBE/ca.pem"
says "... the CA file is mended: taken" '^pods end'
client_end

# HTTP/2 and HTTP/1.1, by a front that has both
need nginx
front() { # front [http2]: nginx before the API server
	cat > "$T/nginx.conf" << N
user root; daemon off; master_process off; pid $T/nginx.pid; error_log $T/nginx.log;
events { worker_connections 64; }
http {
	log_format f '\$server_protocol \$uri'; access_log off; proxy_buffering off; proxy_read_timeout 600s;
	client_body_temp_path $T/na; proxy_temp_path $T/nb; fastcgi_temp_path $T/nc; uwsgi_temp_path $T/nd; scgi_temp_path $T/ne;
	server {
		listen 127.0.0.1:$((KUBE_PORT + 1000)) ssl ${1:-}; ssl_certificate $KUBE/server.pem; ssl_certificate_key $KUBE/server.key;
		location / {
			proxy_pass https://127.0.0.1:$KUBE_PORT; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header X-Front \$server_protocol;
		}
	}
}
N
	background nginx -e "$T/nginx.log" -c "$T/nginx.conf"
	FRONT=${PIDS[-1]}
	eventually 10 curl -so /dev/null --cacert "$KUBE/ca.pem" "https://127.0.0.1:$((KUBE_PORT + 1000))/" || bail "nginx" "$(cat "$T/nginx.log")"
}
sed "s/:$KUBE_PORT/:$((KUBE_PORT + 1000))/" "$T/client.json" > "$T/direct" && mv "$T/direct" "$T/client.json"
for version in http2 ''; do
	front $version
	protocol=$([ -n "$version" ] && echo HTTP/2.0 || echo HTTP/1.1)
	kube fronts > /dev/null
	client "pods=$PODS" "ns=/api/v1/namespaces"
	says "$protocol: lists" '^pods end'
	settle
	is "... by that protocol" "$(kube fronts)" "$protocol"
	kube_pod shop "by-$version" n1 | kube_put -
	says "... events" "^pods present by-$version "
	has "... requests" "$(answer GET /api/v1/pods)" '200 {"kind":"PodList"'
	kube chunk 7
	kube compact
	says "... lists anew, in small pieces" '^pods end'
	kube chunk 0
	settle
	kill -TERM "$FRONT"
	says "... the front goes: told" 'kube_failed'
	client_end
	eventually 10 dead "$FRONT"
done
