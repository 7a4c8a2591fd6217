# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# kubewatch.sh - the client of the API server alone, and what it says. Sourced behind kube.sh.

[ -x "$BUILD/tests/e2e/kubewatch" ] || skip_all "no kubewatch: run \"make test-e2e\""
PODS='/api/v1/pods?fieldSelector=spec.nodeName%3Dn1'
export ORDERS=$T/orders SAID=$T/said

client() { # client WHAT=PATH...: kubewatch in the background; what it says is in $T/said, what it is told comes by `tell`
	: > "$SAID"
	rm -f "$ORDERS" && mkfifo "$ORDERS"
	# shellcheck disable=SC2016
	background sh -c 'exec "$0" "$@" < "$ORDERS" >> "$SAID" 2>&1' "$BUILD/tests/e2e/kubewatch" "$T/client.json" "$@"
	CLIENT=${PIDS[-1]}
	exec 7> "$ORDERS"
}
tell() { echo "$*" >&7; }
said() { grep -qE "$1" "$SAID"; }
says() { # says TEXT PATTERN [SECONDS]: a line that matches comes, or came since the last `forget`
	if eventually "${3:-12}" said "$2"; then ok "$1"; else not_ok "$1" "no line like \"$2\" in: $(tail -n 8 "$SAID")"; fi
}
forget() { : > "$SAID"; }
heard() { grep -E "^$1 (begin|present|gone|end)" "$SAID" | cut -d' ' -f2,3 | tr '\n' ',' | tr -d ' '; } # heard WHAT
client_end() {
	exec 7>&-
	eventually 10 dead "$CLIENT" || not_ok "the client ends" "$(tail -n 5 "$SAID")"
}
dead() { ! kill -0 "$1"; }
answer() { # answer METHOD PATH [BODY]: status and body
	forget
	tell "$*"
	eventually 12 said '^answer' && sed -n 's/^answer //p' "$SAID"
}
more() { [ "$(grep -cE "$1" "$SAID")" -gt "$2" ]; }
ask() { # ask COMMAND PATTERN: tells it, prints the line that it answers with
	local n
	n=$(grep -cE "$2" "$SAID")
	tell "$1"
	eventually 10 more "$2" "$n" && grep -E "$2" "$SAID" | tail -n 1
}
kube_state() { ask status '^{"api"' | json "[($1) for s in [d]][0]"; } # kube_state EXPRESSION: of the object s of `status`
errors() { ask metrics "_errors_total{reason=\"$1\"}" | cut -d' ' -f2; } # errors REASON
watches() { [ "$(kube watches)" = "$1" ]; }
TICK=0
settle() { # the watch of the pods works: it brings a change
	TICK=$((TICK + 1))
	kube_pod shop tick n1 "tick$TICK" | kube_put -
	eventually 20 said "^pods present tick $(kube get /api/v1/namespaces/shop/pods/tick | sed 's/.*"resourceVersion": *"\([0-9]*\)".*/\1/')" ||
		not_ok "the watch works" "$(tail -n 5 "$SAID")"
	forget
}
