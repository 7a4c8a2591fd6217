#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# license list at a glance: what ends when and what happens then, renewals loaded ahead, kept copies,
# and the one line that says what is next.
. "$(dirname "$0")/lib.sh"

configure
vendor
agent_start
list() { portlic license list; }
line() { list | grep -- "$1"; }
next() { list | tail -n 1; }
# member LID-OR-FILE EXPRESSION of l
member() { portlic license list -o json | json "next((($2) for l in d if '$1' in (l['lid'], l['file'])), None)"; }
becomes() { [ "$(member "$1" "$2")" = "$3" ]; }
stamp() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

is "no license" "$(next)" "next: no license is in force"
late=$(in_s 8000000) soon=$(in_s 1000000)
drop late.lic '"lid":"late"' '"exp":'"$late" '"iat":'"$(in_s -1000000)" '"seats":3' '"features":["sso"]'
check "a license is listed" eventually 10 becomes late 'l["state"]' active
is "members of the API" "$(member late '[l["lapse"], l["seats"], l["features"], l["held"], l["covered"], l["deadline"] == l["exp"], l["ports"]]')" \
	"['block-new', 3, ['sso'], None, False, True, ['8080/tcp']]"
is "... cut 300 s after its end" "$(member late 'l["cut_at"]')" "$(stamp $((late + 300)))"
drop soon.lic '"lid":"soon"' '"exp":'"$soon" '"iat":'"$(in_s -9000000)" '"grace":86400' '"lapse":"block"' '"plan":"gold"' '"seq":7' '"ports":[{"port":9443}]'
check "a second one" eventually 10 becomes soon 'l["state"]' active
is "the soonest end first" "$(list | awk 'NR > 1 && NR < 4 { print $2 }' | xargs)" "soon late"
has "... near its end: marked" "$(line soon.lic)" 'active!'
has "... seq, plan, end and grace" "$(line soon.lic | tr -s ' ')" "soon 7 gold $(stamp "$soon") in 11d $(stamp $((soon + 86400))) block 9443/tcp soon.lic ends soon"
is "the next end in one line" "$(next)" \
	"next: soon ends in 11d ($(stamp "$soon")), then grace until $(stamp $((soon + 86400))), then block: connections are refused, established ones cut at once"
is "... block: cut at its end" "$(member soon 'l["cut_at"] == l["deadline"]')" True

# renewal, ahead of time
drop renewal.lic '"lid":"soon"' '"exp":'"$(in_s 9000000)" '"nbf":'"$(in_s 900000)" '"seq":8' '"ports":[{"port":9443}]'
check "a renewal loaded ahead: the old end takes nothing away" eventually 10 becomes soon.lic 'l["covered"]' True
has "... and says so" "$(line soon.lic)" "others go on with all of it"
has "... when it begins" "$(line renewal.lic)" "begins in 10d"
has "... so the next end is another's" "$(next)" "next: late ends in 92d ($(stamp "$late")), then block-new: new connections are refused, established ones cut 300 s later"
drop renewal.lic '"lid":"soon"' '"exp":'"$(in_s 9000000)" '"nbf":'"$(in_s 900000)" '"seq":8' '"ports":[{"port":9444}]'
check "one with other ports: the old end does" eventually 10 becomes soon.lic 'l["covered"]' False
has "... and is the next one" "$(next)" "next: soon ends"

# the end
drop end.lic '"lid":"end"' '"exp":'"$(in_s 2)" '"grace":3' '"lapse":"report"' '"ports":[{"port":8085}]'
check "in grace" eventually 10 becomes end 'l["state"]' grace
has "... is loud" "$(next)" "next: end HAS ENDED ("
has "... with what comes then" "$(next)" "then report: its ports are let through and counted"
check "lapsed" eventually 10 becomes end 'l["state"]' lapsed
is "... comes after those in force" "$(list | awk 'NR > 1 { print $2 }' | head -n 4 | tail -n 1)" end
has "... and isn't next" "$(next)" "next: soon ends"

# kept copies
printf 'torn' > "$T/token" && mv "$T/token" "$T/licenses.d/soon.lic"
check "bytes that turn bad: the last good copy" eventually 10 becomes soon.lic 'l["held"]' file_bad
has "... the line says why" "$(line soon.lic)" "last good copy, its file is bad_framing"
mv "$T/licenses.d/late.lic" "$T/late.lic"
check "a file that is gone is held" eventually 10 becomes late.lic 'l["held"]' file_gone
has "... the line says so" "$(line late.lic)" "held: its file is gone"
printf 'junk' > "$T/token" && mv "$T/token" "$T/licenses.d/junk.lic"
check "a file that never was good" eventually 10 becomes junk.lic 'l["state"]' rejected
has "... is the last row, with its reason" "$(list | tail -n 2 | head -n 1)" "bad_framing: "

# one of two files can't be removed: what is left is judged anew
drop pair-a.lic '"lid":"pair"'
drop pair-b.lic '"lid":"pair"' '"jti":"other"' '"seq":2'
check "a line in two files" eventually 10 becomes pair-b.lic 'l["state"]' active
mount --bind "$T/late.lic" "$T/licenses.d/pair-b.lic"
is "unload fails on the second: exit status 2" "$(portlic license unload pair > "$T/out" 2>&1; echo $?)" 2
has "... naming it" "$(cat "$T/out")" pair-b.lic
is "... the first is out of the list" "$(member pair-a.lic 'l["state"]')" None
umount "$T/licenses.d/pair-b.lic"
check "... the agent lives" portlic status
