# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - the cluster under test: a bed of one node, the site's own kustomizations, clients. On top of e2e/lib.sh.
# shellcheck source=tests/e2e/lib.sh
. tests/e2e/lib.sh
BEDS=${PORTLIC_TESTBEDS:-../shared/testbeds}
BED_DIR=${TESTBED_DIR:-/var/tmp/portlic-testbeds}/cluster
SITE=$BUILD/cluster
NODE_NS=portlic-k8s
POLLER=''

C() { "$BEDS/cluster.sh" "$@"; }
K() { C kubectl "$@"; }
KS() { K -n portlic-system "$@"; }
KW() { K -n shop "$@"; }
in_node() { nsenter --net=/run/netns/$NODE_NS "$@"; }
# The agent's own command line, in its pod; beside it on the node: the same socket.
agent() { PORTLIC_SOCKET=/run/portlic/portlicd.sock portlic "$@"; }
agent_pid() { # whether the API server answers or not
	local pid
	for pid in $(pgrep -x portlicd); do
		! grep -q "/$NODE_NS/kubepods/" "/proc/$pid/cgroup" || echo "$pid"
	done | tail -n 1
}

# --- the site's kustomizations: what docs/kubernetes.md tells to write

site() { # site OVERLAY: build/cluster/OVERLAY, with this site's audience and, of -cni, its directories
	local dir=$SITE/$1
	mkdir -p "$dir"
	cat > "$dir/kustomization.yaml" << Y
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
bases:
- ../../../deploy/kubernetes/overlays/$1
configMapGenerator:
- name: portlicd-config
  namespace: portlic-system
  behavior: merge
  files: [portlicd.json]
- name: portlic-trust
  namespace: portlic-system
  files: [vendor.jwks]
Y
	cp "$T/vendor.jwks" "$dir/"
	echo '{"audience": "e2e", "kubernetes": {}}' > "$dir/portlicd.json"
	case $1 in *-cni) patch_cni "$dir" portlicd ;; esac
}
patch_cni() { # patch_cni DIR DAEMONSET: the bed's directories of CNI
	cat >> "$1/kustomization.yaml" << Y
patchesStrategicMerge: [cni.yaml]
Y
	cat > "$1/cni.yaml" << Y
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: $2, namespace: portlic-system}
spec:
  template:
    spec:
      volumes:
      - {name: cni-bin, hostPath: {path: $BED_DIR/containerd/cnibin}}
      - {name: cni-conf, hostPath: {path: $BED_DIR/containerd/cni}}
Y
}
apply() { # apply OVERLAY: and all nodes have it
	site "$1"
	K apply -k "$SITE/$1" > "$T/apply" 2>&1 && KS rollout status ds/portlicd --timeout=120s >> "$T/apply" 2>&1
}

# --- workloads

pod_of() { KW get pod -l "app=$1" --field-selector=status.phase=Running -o jsonpath='{.items[0].metadata.name}'; }
field() { K -n "$1" get "$2" -o jsonpath="{$3}"; } # field NAMESPACE OBJECT JSONPATH
address() { field shop "pod/$(pod_of "$1")" .status.podIP; }
restarts() { field shop "pod/$(pod_of "$1")" '.status.containerStatuses[*].restartCount'; }
is_ready() { [ "$(field shop "pod/$(pod_of "$1")" '.status.conditions[?(@.type=="Ready")].status')" = True ]; }
web() { # web NAME [NAMESPACE] [REPLICAS]: 8080 is what is sold, 9090 the internal one that its probes ask
	cat << Y
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, namespace: ${2:-shop}}
spec:
  replicas: ${3:-1}
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 1
      automountServiceAccountToken: false
      containers:
      - name: web
        image: localhost/bb:1
        imagePullPolicy: Never
        command: [/bin/sh, -c, "httpd -p 9090 -h /etc; exec httpd -f -p 8080 -h /etc"]
        ports: [{containerPort: 8080}]
        readinessProbe: {httpGet: {path: /passwd, port: 9090}, periodSeconds: 1, timeoutSeconds: 5}
        livenessProbe: {httpGet: {path: /passwd, port: 9090}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 2}
Y
}
process_of() { grep -l "pod$1" /proc/[0-9]*/cgroup 2> /dev/null | head -n 1 | cut -d/ -f3; } # process_of UID
pid_of() { process_of "$(field shop "pod/$(pod_of "$1")" .metadata.uid)"; }
client() { CLIENT=/proc/$(process_of "$(field elsewhere pod/client .metadata.uid)")/ns/net; } # the network of the pod elsewhere
knock() { nsenter --net="$CLIENT" "$LIB/net.py" tcp "$1" "$2" "${3:-1}"; } # knock ADDR PORT, from the pod elsewhere
becomes() { [ "$(knock "$2" "$3")" = "$1" ]; }			  # becomes WORD ADDR PORT
# forward POD PORT: what a client of `kubectl port-forward` gets: ok | refused
forward() {
	local pid answer local_port=$((20000 + RANDOM % 20000))
	in_node "$KUBECTL" --kubeconfig "$BED_DIR/admin.kubeconfig" -n shop port-forward "pod/$1" "$local_port:$2" > "$T/forward" 2>&1 &
	pid=$!
	eventually 10 grep -q "Forwarding from" "$T/forward"
	answer=$(in_node curl -s -m 5 -o "$T/forwarded" -w '%{http_code}' "http://127.0.0.1:$local_port/passwd")
	kill "$pid"
	wait "$pid" 2> /dev/null
	case $answer in
	200) echo ok ;;
	*) grep -q "connection refused" "$T/forward" && echo refused || cat "$T/forward" ;;
	esac
}

# poll ADDR:PORT...: from the pod elsewhere, every 20 ms, until poll_end; then polled ADDR:PORT says {'refused': 123}
poll() {
	rm -f "$T/polled"
	nsenter --net="$CLIENT" tests/cluster/poll.py "$T/polled" "$@" &
	POLLER=$!
	PIDS+=("$POLLER")
	sleep 0.3
}
poll_end() {
	kill "$POLLER"
	wait "$POLLER" 2> /dev/null
}
words() { json "' '.join(sorted(d['$1']))" < "$T/polled"; }    # the kinds of answers that there were
tries() { json "sum(d['$1'].values())" < "$T/polled"; }

# --- licenses

license() { # license NAME FIELD...: the Secret NAME with a signed token
	local name=$1
	shift
	sign "$@" > "$T/$name.lic"
	KS create secret generic "$name" --from-file="$name.lic=$T/$name.lic" --dry-run=client -o yaml |
		K label -f - --dry-run=client -o yaml --local portlic.dev/license=true | K apply -f - > "$T/out" 2>&1 ||
		not_ok "secret $name" "$(cat "$T/out")"
}

# --- the bed

in_node_metric() {
	local name=$1
	shift
	in_node curl -sf "http://10.88.0.1:9754/metrics" | python3 -c '
import sys
name, *labels = sys.argv[1:]
rows = [l.rsplit(" ", 1) for l in sys.stdin if l.startswith((name + "{", name + " ")) and all(x in l for x in labels)]
print(sum(float(v) for _, v in rows) if rows else "absent")' "$name" "$@" | sed 's/\.0$//'
}
is_agent_up() { [ "$(in_node curl -s -m 1 http://10.88.0.1:9754/readyz)" = ready ]; }
gates() { agent gate list -o json; }
gate_modes() { gates | json "' '.join(sorted(g['mode'] for g in d if g['name'].startswith('$1.')))"; } # gate_modes NAMESPACE
unprotected() { gates | json "float(sum(g['unprotected_seconds'] for g in d if g['name'].startswith('$1')))"; } # of gates so named
pins() { find /sys/fs/bpf/portlic/gates -mindepth 1 -maxdepth 1 2> /dev/null | wc -l; }
node_ready() { [ "$(K get node n1 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }
# As on a machine with systemd, where it has a cgroup of its own: by that its probes are known.
kubelet_cgroup() {
	V2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	mkdir -p "$V2/portlic-k8s/kubelet"
}
house_kubelet() { # the one that runs
	local pid
	read -r pid _ < "$BED_DIR/kubelet.pid"
	kubelet_cgroup && echo "$pid" > "$V2/portlic-k8s/kubelet/cgroup.procs"
}
start_kubelet() { # it is there from its first connection on
	kubelet_cgroup
	(echo $BASHPID > "$V2/portlic-k8s/kubelet/cgroup.procs" && C start kubelet)
}
bed_up() {
	[ -x "$BEDS/cluster.sh" ] || skip_all "no test beds in $BEDS: set PORTLIC_TESTBEDS"
	KUBECTL=$(find "${TESTBED_DIR:-/var/tmp/portlic-testbeds}"/k8s-*/bin/kubectl 2> /dev/null | head -n 1)
	[ -n "$KUBECTL" ] || skip_all "no Kubernetes: run $BEDS/k8s-build.sh (6 min, once)"
	[ -s "$BUILD/portlic-image.tar" ] || skip_all "no image: run \"make image\""
	mountpoint -q /sys/fs/bpf || skip_all "/sys/fs/bpf is not mounted"
	if [ -e "$BED_DIR/pki" ]; then
		[ -n "${KEEP:-}" ] || bail "a cluster is up" "$BEDS/cluster.sh down takes it down; KEEP=1 goes on with it"
		return
	fi
	for p in /sys/fs/bpf/portlic /var/lib/portlic /run/portlic; do
		[ ! -e $p ] || bail "nothing of portlic is on this machine" "$p is there: this machine has an agent"
	done
	C up > "$T/up" 2>&1 || bail "cluster.sh up" "$(tail "$T/up")"
	C load "$BUILD/portlic-image.tar" > "$T/up" 2>&1 || bail "the image is imported" "$(tail "$T/up")"
}
bed_down() {
	local pid
	[ -z "${KEEP:-}" ] || return 0
	C down > "$T/down" 2>&1 || not_ok "cluster.sh down" "$(cat "$T/down")"
	portlic cleanup --state > "$T/down" 2>&1 # after a test that broke off
}
end() {
	local status=$?
	bed_down
	(exit $status)
	finish
}
trap end EXIT
