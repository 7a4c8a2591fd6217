# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# crowd.sh - clients that come, stay and go (crowd.py), for tests of seats. Sourced behind lib.sh.
#
#   crowd NAME PORT [ADDR]   its clients are in the namespace $OUT, each with an address 10.77.0.N of its own, 11 to 40
#   tell NAME open|close|forget|hush SOURCE...      addresses FROM TO: such sources
#   count NAME STATE; state NAME N; count_is, state_is: for eventually
#   gets_in SECONDS NAME N   tries again until it sits; turned_away NAME N: tries once, and is refused or reset

declare -A CROWDS=()

crowd() {
	[ ${#CROWDS[@]} -gt 0 ] || for n in $(seq 11 40); do out ip addr add 10.77.0.$n/24 dev "$VETH"; done
	mkfifo "$T/$1.fifo"
	in_crowd "$T/$1.fifo" "$LIB/crowd.py" "${3:-$POD4}" "$2" "$T/$1"
	exec {FD}> "$T/$1.fifo"
	CROWDS[$1]=$FD
}
in_crowd() { # as in_out, with its stdin from a file
	nsenter --net="/run/netns/$OUT" "${@:2}" < "$1" >> "$T/background.log" 2>&1 &
	PIDS+=($!)
	disown
}
tell() { echo "${*:2}" >&"${CROWDS[$1]}"; }
addresses() { seq -f '10.77.0.%.0f' "$1" "$2" | tr '\n' ' '; }
count() { grep -c " $2\$" "$T/$1" 2> /dev/null; }
count_is() { [ "$(count "$1" "$2")" = "$3" ]; }
state() { awk -v s="10.77.0.$2" '$1 == s { print $2 }' "$T/$1"; }
state_is() { [ "$(state "$1" "$2")" = "$3" ]; }
tried() { # false once its last try has failed, and it tries again
	case $(state "$1" "$2") in
	open) sleep 0.3 && state_is "$1" "$2" open && return ;; # who only shook hands is reset at once
	connecting) ;;
	*) tell "$1" open "10.77.0.$2" && sleep 0.2 ;;
	esac
	return 1
}
gets_in() { eventually "$1" tried "$2" "$3"; }
was_turned_away() { state_is "$1" "$2" refused || state_is "$1" "$2" reset; }
turned_away() {
	tell "$1" forget "10.77.0.$2"
	eventually 5 state_is "$1" "$2" '' || return 1
	tell "$1" open "10.77.0.$2"
	eventually 5 was_turned_away "$1" "$2" && return
	echo "# it is \"$(state "$1" "$2")\" instead"
	return 1
}
