#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# An end that surprises nobody: license_ends daily from WARN on, hourly on the last day, through the grace;
# each once, over restarts and late ticks. Metrics. The clock goes on at will (fakeclock.c).
. "$(dirname "$0")/lib.sh"
need curl

configure
vendor
fake_clock 0 1
agent_start
DAY=86400
end=$(in_s $((100 * DAY)))
drop a.lic '"lid":"a"' "\"exp\":$end" '"grace":172800'
drop b.lic '"lid":"b"' "\"exp\":$(in_s $((3 * DAY)))" "\"nbf\":$(in_s -$((60 * DAY)))" '"ports":[{"port":8081}]'
drop ever.lic '"lid":"ever"' '"exp":253402300799' '"lapse":"report"'
said() { grep -c " license_ends .*lid=\"$1\"" "$T/agent.log"; }
comes() { eventually 10 sh -c "[ \$(grep -c ' license_ends .*lid=\"$1\"' $T/agent.log) -ge $2 ]"; }
# to SECONDS: the clock of the agent shows so long before the end of a (after it: negative)
to() { fake_clock $((end - $(date +%s) - $1)) 1; }
settled() { eventually 10 sh -c "portlic status -o json | grep -q '\"effective\":[^,]*$(date -u -d "@$((end - $1))" +%Y-%m-%dT%H:%M)'"; sleep 0.3; }

check "b is in its last 14 days: told at once" comes b 1
has "... with what to do" "$(grep ' license_ends ' "$T/agent.log")" 'within 3 days: load a renewal before'
is "a has 100 days: nothing is told" "$(said a)" 0
is "metrics: warn" "$(metric portlic_license_warn 'lid="a"') $(metric portlic_license_warn 'lid="b"')" "0 1"
is "... deadline is exp + grace" "$(metric portlic_license_deadline_timestamp_seconds 'lid="a"')" $((end + 172800))

# a renewal that is loaded ahead makes b's end no news
drop b2.lic '"lid":"b"' '"seq":2' "\"nbf\":$(in_s $((2 * DAY)))" "\"exp\":$(in_s $((300 * DAY)))" '"ports":[{"port":8081}]'
check "a renewal is loaded ahead: no warning any more" eventually 10 sh -c "curl -sf http://$METRICS/metrics | grep -q 'portlic_license_warn{lid=\"b\"} 0'"

steps=0
for left in $((13 * DAY - 60)) $((12 * DAY + 3600)) $((12 * DAY - 60)) $((5 * DAY - 60)) $((DAY - 60)) $((23 * 3600 - 60)) $((3600 - 60)); do
	case $left in 1040400) ;; *) steps=$((steps + 1)) ;; esac
	to $left
	comes a $steps
	settled $left
	is "$((left / 3600)) hours before the end: $steps told in all" "$(said a)" $steps
done
agent_end KILL
agent_start
sleep 1.2
is "over a restart none is told twice" "$(said a)" $steps
is "b was told no more" "$(said b)" 1
is "warn" "$(metric portlic_license_warn 'lid="a"')" 1
to -60
check "grace: told at once" comes a $((steps + 1))
has "... as such" "$(grep ' license_ends ' "$T/agent.log" | tail -n 1)" 'has ended, and its grace ends within 2 days'
is "... the state" "$(metric portlic_license_info 'lid="a"' 'state="grace"')" 1
to $((-172800 + 3600 - 60))
check "... hourly on its last day" comes a $((steps + 2))
to -172801
check "lapsed" eventually 10 sh -c "curl -sf http://$METRICS/metrics | grep -q 'lid=\"a\".*state=\"lapsed\"'"
is "... is a state, no reminder" "$(said a)" $((steps + 2))
is "one that ends in year 9999 has a deadline too" "$(metric portlic_license_deadline_timestamp_seconds 'lid="ever"')" 253402300799
