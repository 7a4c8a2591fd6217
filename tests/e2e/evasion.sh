# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# evasion.sh - what the tests of the evasion suite share. Each attempt is made twice, without a gate and with one, and what
# came of it is held against the table in docs/evasion.md: delivered or not, and which hook stopped it. Sourced behind lib.sh.
#
#   licensed: 5353/UDP, 4789/UDP, 8080/TCP    not: 5354 and 9090, UDP and TCP

ATTEMPTS=() ROWS=()
declare -A COMMANDS UNGATED EXPECT_UNGATED EXPECT
need nft setpriv
while IFS=$'\t' read -r name ungated gated script; do
	EXPECT_UNGATED[$name]=$ungated EXPECT[$name]=$gated
	[ "$script" != "e2e/$(basename "$0")" ] || ROWS+=("$name")
done < <("$LIB/evasion_table.py")

# root in the pod, with the capabilities that a pod may have
jail() { pod setpriv --bounding-set=-all,+net_admin,+net_raw,+setuid,+setgid,+chown,+dac_override "$@"; }

# attempt NAME COMMAND...: prints "delivered", "nothing" or "skip WHY", and leaves the pod as it was
attempt() { ATTEMPTS+=("$1") && COMMANDS[$1]=${*:2}; }
evade() { # evade COMMAND...: of evade.py
	echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"
}
tried() { # tried STATE: of net.py, as an attempt tells it
	if [ "$1" = ok ]; then echo delivered; else echo nothing; fi
}

fresh() { # fresh COMMAND...: before the agent has noticed
	[ -z "$AGENT" ] || kill -STOP "$AGENT"
	"$@"
	[ -z "$AGENT" ] || kill -CONT "$AGENT"
}

covered() { # covered INTERFACE: waits until the agent knows of it
	[ -z "$AGENT" ] || eventually 10 known "$1"
}
# By its number: an earlier one of that name may still be listed.
known() {
	local index
	index=$(pod ip -o link show dev "$1" | cut -d: -f1)
	curl -s --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/gates |
		json "any(a['ifindex'] == ${index:-0} and a['hook'] == 'wire' for a in d[0]['attachments'])" | grep True
}

evasion_pod() {
	make_pod
	pod sysctl -qw net.ipv4.tcp_fastopen=515 net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.eth0.accept_source_route=1 \
		net.ipv4.conf.eth0.route_localnet=1 net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.eth0.seg6_enabled=1 2> "$T/err"
	local mac
	mac=$(out ip -br link show dev "$VETH" | awk '{ print $3 }')
	pod ip neigh add 10.77.0.66 lladdr "$mac" dev eth0
	pod ip neigh add fd77::66 lladdr "$mac" dev eth0
	mac=$(pod ip -br link show dev eth0 | awk '{ print $3 }')
	coproc EVADE { exec "$LIB/evade.py" "$POD" "$OUT" "$VETH" "$mac" 2>> "$T/background.log"; }
	PIDS+=("$EVADE_PID")
	exec 3>&"${EVADE[1]}" 4<&"${EVADE[0]}"
}

# Behind the gate's own program, in front of the stack: what got as far as that.
witness() {
	pod nft -f - << 'N'
table netdev witness {
	counter passed { }
	chain in {
		type filter hook ingress device eth0 priority 0;
		ether type { arp, 0x88cc } return
		meta l4proto icmpv6 return
		udp dport 5353 return
		counter name passed
	}
}
N
}
passed() { pod nft -j list counters table netdev witness | json 'sum(c["counter"]["packets"] for c in d["nftables"] if "counter" in c)'; }

# Who stopped it, where nobody counted: the frame is for another device, or the stack makes nothing of it.
uncounted() { # uncounted COMMAND...
	local before
	before=$(passed)
	"$@" > "$T/again"
	if [ "$(passed)" = "$before" ]; then echo "wire, uncounted"; else echo "the stack"; fi
}

stopped_by() { # stopped_by NAME RESULT
	local hooks
	[ "$2" = nothing ] || {
		echo "$2"
		return
	}
	hooks=$(evade hooks)
	# shellcheck disable=SC2086
	echo "${hooks:-$(uncounted ${COMMANDS[$1]})}"
}

evasion_gate() {
	configure
	vendor
	agent_start
	gate_up
	drop app.lic '"ports":[{"port":5353,"protocol":"UDP"},{"port":4789,"protocol":"UDP"},{"port":8080}]'
	eventually 10 licensed || bail "the license is in force"
	witness || bail "the witness"
	is "the tests see the gate's denials" "$(evade gate "$T/bpf/portlic/gates/pod/plic_denials")" ok
}
licensed() { [ "$(port 5353/udp 'p["state"]')" = licensed ]; }

evasion_run() {
	local name result by table=''
	for name in "${ATTEMPTS[@]}"; do
		# shellcheck disable=SC2086
		UNGATED[$name]=$(${COMMANDS[$name]})
	done
	evasion_gate
	for name in "${ATTEMPTS[@]}"; do
		case ${UNGATED[$name]} in
		skip*)
			skip "$name" "${UNGATED[$name]#skip }"
			continue
			;;
		esac
		evade mark > "$T/out"
		# shellcheck disable=SC2086
		result=$(${COMMANDS[$name]})
		by=$(stopped_by "$name" "${result%% *}")
		is "$name" "${UNGATED[$name]%% *} | $by" "${EXPECT_UNGATED[$name]:-no row} | ${EXPECT[$name]:-in the table}"
		table+="# $name | ${UNGATED[$name]} | $by"$'\n'
	done
	is "every row of the table was tried" "$(printf '%s\n' "${ATTEMPTS[@]}" | sort)" "$(printf '%s\n' "${ROWS[@]}" | sort)"
	printf '# attempt | without a gate | with one\n%s' "$table"
}
