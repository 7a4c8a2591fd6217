# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# selection.sh - the plugin as a runtime calls it, and the agent's file that it goes by. Sourced behind lib.sh.

FILE=$T/state/cni-selection.json
says() { json "$1" < "$FILE"; } # says EXPRESSION of d
says_is() { [ "$(says "$1" 2> /dev/null)" = "$2" ]; }
follows() { # follows TEXT EXPRESSION WANT: within two seconds
	if eventually 10 says_is "$2" "$3"; then ok "$1"; else not_ok "$1" "got \"$(says "$2")\", want \"$3\"; $(cat "$FILE")"; fi
}
# listed NAME: an expression, the list that has it
listed() { printf 'next((w for w in ("never", "asked", "watched", "may") if "%s" in d[w]), "as unknown")' "$1"; }
# cni COMMAND NAMESPACE NAME UID KEY [ANNOTATIONS]: as a runtime; KEY: of the sandbox, "": no namespace. R: its status, O: stdout
cni() {
	O=$(env -i CNI_COMMAND="$1" CNI_CONTAINERID="c$4" CNI_IFNAME=eth0 CNI_NETNS="${5:+/run/netns/plx$$-$5}" \
		CNI_ARGS="IgnoreUnknown=1;K8S_POD_UID=$4;K8S_POD_NAME=$3;K8S_POD_NAMESPACE=$2" "$BUILD/portlic-cni" 2> "$T/cni.err" << J
{"cniVersion":"1.0.0","name":"n","type":"portlic-cni","socket":"$PORTLIC_SOCKET","selection":"$FILE","capabilities":{"io.kubernetes.cri.pod-annotations":true},
 "runtimeConfig":{"io.kubernetes.cri.pod-annotations":${6:-{\}}},"prevResult":{"cniVersion":"1.0.0","ips":[]}}
J
	)
	R=$?
}
post() { curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" -d "$1" http://portlic/v1/cni; }
