# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# kube.sh - a Kubernetes API server for tests that need one (kubeapi.py). Sourced behind lib.sh.
#
#   kube_start                     it listens on 127.0.0.1:$KUBE_PORT, with a CA and a token of its own in $KUBE
#   kube_config [NODE [NAMESPACE]] the configuration's member "kubernetes" for it; kube_configure puts it into portlicd.json
#   kube_put FILE|-                creates or replaces an object
#   kube_get PATH                  as JSON; kube_delete PATH
#   kube COMMAND ARG...            anything else that kubeapi.py can do: away, back, compact, refuse 403, count, ...
#   kube_pod NAMESPACE NAME NODE [UID [LABELS-JSON [STATUS-JSON]]]   a Pod's JSON; kube_namespace NAME [LABELS-JSON]

KUBE=$T/kube
KUBE_PORT=$((19000 + $$ % 1000)) # authority.sh has 15000 to 18999, lib.sh's metrics 20000 on

kube() {
	local words=() word
	for word; do words+=(-H "Word: $word"); done
	case $1$# in
	put* | status* | event1) curl -sS --fail-with-body --unix-socket "$KUBE/control" "${words[@]}" --data-binary @- http://kube/ ;;
	*) curl -sS --fail-with-body --unix-socket "$KUBE/control" "${words[@]}" -d '' http://kube/ ;;
	esac
}
kube_get() { kube get "$1"; }
kube_delete() { kube delete "$1"; }
kube_put() {
	if [ "$1" = - ]; then kube put; else kube put < "$1"; fi
}
kube_certificate() { # kube_certificate NAME [CA]: NAME.key, NAME.pem in $KUBE for 127.0.0.1, by CA or by itself
	local by=()
	[ -z "${2:-}" ] || by=(-CA "$KUBE/$2.pem" -CAkey "$KUBE/$2.key")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" "${by[@]}" \
		-addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$KUBE/$1.key" -out "$KUBE/$1.pem" 2> "$KUBE/openssl.log" ||
		bail "a certificate" "$(cat "$KUBE/openssl.log")"
}
kube_start() {
	command -v openssl > /dev/null || skip_all "openssl is not installed"
	mkdir -p "$KUBE"
	kube_certificate ca
	kube_certificate server ca
	printf 'token-1' > "$KUBE/token"
	printf 'token-1\n' > "$KUBE/tokens"
	background "$LIB/kubeapi.py" serve "$KUBE" "$KUBE_PORT" "$KUBE/server.pem" "$KUBE/server.key"
	eventually 40 kube version || bail "the API server" "$(cat "$T/background.log")"
}
kube_config() {
	printf '"kubernetes":{"api":"https://127.0.0.1:%s","token_file":"%s","ca_file":"%s","node":"%s","namespace":"%s"}' \
		"$KUBE_PORT" "$KUBE/token" "$KUBE/ca.pem" "${1:-n1}" "${2:-portlic}"
}
kube_configure() { # kube_configure [NODE [NAMESPACE]]: behind configure
	{ printf '{%s, ' "$(kube_config "$@")" && tail -c +2 "$T/portlicd.json"; } > "$T/kube.json" && mv "$T/kube.json" "$T/portlicd.json"
}
kube_namespace() { printf '{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"%s","labels":%s}}\n' "$1" "${2:-{\}}"; }
kube_pod() {
	printf '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"%s","namespace":"%s","uid":"%s","labels":%s},' \
		"$2" "$1" "${4:-$(cat /proc/sys/kernel/random/uuid)}" "${5:-{\}}"
	printf '"spec":{"nodeName":"%s","containers":[{"name":"c","image":"i"}]},"status":%s}\n' "$3" "${6:-{\"phase\":\"Running\"\}}"
}
