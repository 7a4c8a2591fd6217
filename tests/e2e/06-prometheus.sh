#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A real Prometheus scrapes the agent.
. "$(dirname "$0")/lib.sh"
need bpftool nginx prometheus promtool

setup
start_nginx pod 8080 9090
end=$(in_s 3600)
drop app.lic '"lid":"line-1"' '"plan":"team"' "\"exp\":$end"
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
printf 'not a license\n' > "$T/licenses.d/bad.lic"
before=$(port 8080 'p["connections"]["allowed"]')
out curl -s -H 'Connection: close' "http://$POD4:8080/small?[1-20]" > "$T/out"
for _ in 1 2 3; do out "$LIB/net.py" tcp $POD4 9090 > "$T/out"; done

port=$((30000 + $$ % 2700))
cat > "$T/prometheus.yml" << Y
global: { scrape_interval: 1s }
scrape_configs: [ { job_name: portlic, static_configs: [ { targets: [ "$METRICS" ] } ] } ]
Y
background prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" --web.listen-address=127.0.0.1:$port
query() {
	curl -sfG "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" |
		json '" ".join(str(float(r["value"][1])) for r in d["data"]["result"])'
}
asks() { [ "$(query "$1")" = "$2" ]; }
check "the target is up" eventually 30 asks 'up{job="portlic"}' 1.0
sleep 1.2
allowed='sum(portlic_port_connections_total{gate="pod",port="8080",verdict="allowed"})'
check "allowed connections, exactly" eventually 10 asks "$allowed" "$((before + 20)).0"
denied='sum(portlic_port_connections_total{gate="pod",verdict="denied"})'
check "denied connections, exactly" eventually 10 asks "$denied" "$(portlic port list pod -o json | json 'sum(p["connections"]["denied"] for p in d)').0"
is "... three of them at 9090" "$(port 9090 'p["connections"]["denied"]')" 3
check "denials by reason" eventually 10 sh -c "curl -sf http://$METRICS/metrics | grep -q '^portlic_port_denied_total{.*reason=\"unlicensed\"'"
between "expiry of the license" "$(query 'portlic_license_expiry_timestamp_seconds{lid="line-1"}')" "$end" "$end"
has "license info" "$(query 'portlic_license_info{lid="line-1",plan="team"}')" 1.0
between "rejected licenses by reason" "$(query 'sum(portlic_license_rejected_total)')" 1 100
between "gates" "$(query 'sum(portlic_gates)')" 1 1
between "last access" "$(query 'max(portlic_port_last_access_timestamp_seconds{port="8080"})')" $(($(date +%s) - 60)) $(($(date +%s) + 2))
for m in portlic_port_packets_total portlic_port_bytes_total portlic_generation portlic_build_info; do
	between "$m is there" "$(query "count($m)")" 1 100
done
# programs, rule set and counters have no pin of their own
pinned=0
for pin in "$T"/bpf/portlic/gates/pod/plic_*; do
	((pinned += $(bpftool -j map show pinned "$pin" | json 'd["bytes_memlock"]')))
done
between "memory of the gate, as bpftool adds up its maps" "$(query 'portlic_gate_memory_bytes{gate="pod"}' | sed 's/\.0$//')" $pinned $((pinned + (8 << 20)))

curl -sf "http://$METRICS/metrics" > "$T/metrics"
check "promtool finds nothing to object to" sh -c "promtool check metrics < $T/metrics"
is "labels are bounded: 9090 is not among the ports" "$(grep -c 'port="9090"' "$T/metrics")" 0
is "/healthz" "$(curl -s -o "$T/out" -w '%{http_code}' "http://$METRICS/healthz")" 200
is "/readyz" "$(curl -s -o "$T/out" -w '%{http_code}' "http://$METRICS/readyz")" 200
