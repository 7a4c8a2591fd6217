#!/bin/bash
# SPDX-License-Identifier: MIT
# portlic-cni as the specification's own implementation calls it (cnitool, libcni 1.2 or later), version 1.1.0 of the specification: ADD, CHECK and
# DEL, and what no runtime of Debian 12 calls: STATUS, and GC with the DELs that libcni puts before it.
. "$(dirname "$0")/lib.sh"

CNITOOL=${CNITOOL:-$(command -v cnitool || echo "${TESTBED_DIR:-/var/tmp/portlic-testbeds}/bin/cnitool")}
[ -x "$CNITOOL" ] || skip_all "no cnitool of libcni 1.2 or later (CNITOOL)"
"$CNITOOL" 2>&1 | grep -q ' gc ' || skip_all "$CNITOOL is older than version 1.1.0 of the specification"
NET=portlic-ref$$ A=plx$$-a B=plx$$-b
trap 'rm -f /var/lib/cni/results/$NET-*; finish' EXIT
gates() { portlic gate list -o json | json '" ".join(sorted(g["name"] + ":" + g["state"] for g in d))'; }
gates_are() { [ "$(gates)" = "$1" ]; }
UID_OF=([1]=11111111-0000-4000-8000-000000000001 [2]=22222222-0000-4000-8000-000000000002)
cni() { # cni VERB [NAMESPACE-FILE POD NUMBER]
	local verb=$1
	shift
	CNI_PATH=$T/bin NETCONFPATH=$T/conf \
		CNI_ARGS="K8S_POD_UID=${UID_OF[${3:-1}]};IgnoreUnknown=1;K8S_POD_NAME=${2:-web};K8S_POD_NAMESPACE=shop" \
		"$CNITOOL" "$verb" "$NET" "/run/netns/${1:-$A}" 2>&1
}
calls() { xargs < "$T/calls"; }

# The first of the chain: it makes no network, and notes what it is called for.
mkdir -p "$T/bin" "$T/conf"
cat > "$T/bin/first" << S
#!/bin/sh
cat > /dev/null
case \$CNI_COMMAND in
VERSION) echo '{"cniVersion":"1.1.0","supportedVersions":["1.0.0","1.1.0"]}' && exit ;;
ADD) echo '{"cniVersion":"1.1.0","interfaces":[],"ips":[],"routes":[],"dns":{}}' ;;
esac
echo "\$CNI_COMMAND" >> $T/calls
S
chmod +x "$T/bin/first"
echo "{\"cniVersion\":\"1.1.0\",\"name\":\"$NET\",\"plugins\":[{\"type\":\"first\"}]}" > "$T/conf/10-ref.conflist"
configure
check "the plugin is chained" portlic-cni install --bin "$T/bin" --conf "$T/conf" --fail closed --socket "$PORTLIC_SOCKET" --selection "$T/state/cni-selection.json"
out=$(cni status) && not_ok "STATUS: neither agent nor selection" "$out" || has "STATUS: neither agent nor selection: not available, and why" "$out" "$PORTLIC_SOCKET"

vendor
agent_start
printf '{"name":"shop","match":{"namespaces":["shop"]}}\n' > "$T/shop.new" && mv "$T/shop.new" "$T/policies.d/shop.json"
selected() { grep -q '"shop"' "$T/state/cni-selection.json"; }
check "the agent's selection has the namespace" eventually 5 selected
ip netns add "$A" && ip netns add "$B" || bail "network namespaces"
check "STATUS: available" cni status
for n in 1 2; do
	space=$([ $n = 1 ] && echo "$A" || echo "$B")
	out=$(cni add "$space" "web-$n" $n) && has "ADD of pod $n: the result of the plugins before goes on" "$(tr -d ' \n' <<< "$out")" '"cniVersion":"1.1.0"' || not_ok "ADD of pod $n" "$out"
done
ONE=shop.web-1.11111111:attached TWO=shop.web-2.22222222:attached
is "... the gates of both stand" "$(gates)" "$ONE $TWO"
check "CHECK: it does" cni check "$A" web-1 1
check "DEL" cni del "$B" web-2 2
check "... the gate goes" eventually 5 gates_are "$ONE"
check "DEL once more" cni del "$B" web-2 2

: > "$T/calls"
check "GC, with no attachment that is valid" cni gc
is "... libcni ends what it remembers, and then asks for the collection" "$(calls)" "DEL GC"
check "... the gate goes" eventually 5 gates_are ""

out=$(cni add "$A" web-1 1) || not_ok "ADD again" "$out"
is "ADD again" "$(gates)" "$ONE"
agent_end KILL
check "no agent: STATUS: available, for pods that nothing selects start" cni status
out=$(cni add "$B" web-2 2) && not_ok "... ADD of a selected pod is refused" "$out" || has "... ADD of a selected pod is refused" "$out" "may have to be gated"
out=$(cni check "$A" web-1 1) && not_ok "... CHECK fails" "$out" || has "... CHECK fails" "$out" "$PORTLIC_SOCKET"
: > "$T/calls"
check "... GC goes well" cni gc
has "... to its end" "$(calls)" "GC"
ip netns del "$A"
agent_start
check "the agent starts: it collects the gate" eventually 10 gates_are ""
