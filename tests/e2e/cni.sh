# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# cni.sh - what the tests with real runtimes share: a bed of ../shared/testbeds with directory and namespace of
# its own, the plugin chained into its configuration by its installer.

# bed_up NAME.sh: after configure
bed_up() {
	BEDS=$(readlink -f "${PORTLIC_TESTBEDS:-../shared/testbeds}")
	[ -x "$BEDS/$1" ] || skip_all "there are no test beds in ${PORTLIC_TESTBEDS:-../shared/testbeds} (PORTLIC_TESTBEDS)"
	export TESTBED_DIR=${TESTBED_DIR:-/var/tmp/portlic-testbeds}
	BED=$BEDS/$1 BED_DIR=$T/bed BED_NS=plx$$-bed
	trap 'bed_down; finish' EXIT
	bed up > "$T/bed.log" 2>&1 || bail "the bed comes up" "$(cat "$T/bed.log")"
	mkdir -p "$T/bed/cnibin"
	chain --fail closed > "$T/out" 2>&1 || bail "portlic-cni install" "$(cat "$T/out")"
}
bed() { DIR=$BED_DIR NS=$BED_NS "$BED" "$@"; }
bed_down() {
	local status=$?
	bed down > "$T/bed.log" 2>&1 || bed down >> "$T/bed.log" 2>&1 || sed 's/^/# /' "$T/bed.log"
	return $status
}
in_bed() { nsenter --net="/run/netns/$BED_NS" "$@"; }
chain() {
	portlic-cni install --bin "$BED_DIR/cnibin" --conf "$BED_DIR/cni" --socket "$PORTLIC_SOCKET" \
		--selection "$T/state/cni-selection.json" "$@"
}
policy() { # policy NAME JSON: moved into the directory in one step, in force when this returns
	printf '%s\n' "$2" > "$T/$1.new" && mv "$T/$1.new" "$T/policies.d/$1.json"
	eventually 10 policy_there "$1" || bail "policy $1" "$(portlic policy list 2>&1)"
}
policy_there() { portlic policy list -o json | json '[p["file"] for p in d if p["state"] == "ok"]' | grep -q "'$1.json'"; }
gates() { portlic gate list -o json | json '" ".join(sorted(g["name"] + ":" + g["state"] for g in d))'; }
gates_are() { [ "$(gates)" = "$1" ]; }
tcp() { in_bed "$LIB/net.py" tcp "$1" "$2" 1; }
tcp_is() { [ "$(tcp "$1" "$2")" = "$3" ]; }
