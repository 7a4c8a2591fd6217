#!/bin/bash
# SPDX-License-Identifier: MIT
# Frames of more than 64 KB on `lo`, whose headers can't say how long they are: read, counted, cut.
. "$(dirname "$0")/lib.sh"

setup
big() { "$LIB/bigtcp.py" "$POD" "$@"; }
word=$(big ::1 7070 2> "$T/err") # not licensed: without an answer to its SYN it ends
case $word in skip*) skip_all "no BIG TCP: ${word#skip }" ;; esac
has "a port that no license opens is refused" "$(cat "$T/err")" ConnectionRefused
drop app.lic '"lid":"app"' '"ports":[{"port":8080},{"port":8081}]'
check "the license is in force" eventually 10 sh -c "portlic port list pod | grep -q '8080.* licensed'"
for a in ::1 fd77::2 127.0.0.1; do
	before=$(port 8080 'p["bytes"]["allowed"]')
	is "200 MB in big frames, $a" "$(big $a 8080)" "whole big"
	between "... are counted, byte for byte" "$(($(port 8080 'p["bytes"]["allowed"]') - before))" 200000000 230000000
done
drop short.lic '"lid":"short"' '"lapse":"block"' "\"exp\":$(in_s 5)" '"ports":[{"port":8090}]'
check "a license that ends soon" eventually 10 sh -c "portlic port list pod | grep '8090.*licensed'"
kill -STOP "$AGENT" # so that the kernel cuts, and not the agent by ending the sockets
is "a transfer in big frames is cut with it" "$(big ::1 8090 8)" "cut big"
kill -CONT "$AGENT"
