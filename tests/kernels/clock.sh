#!/bin/bash
# SPDX-License-Identifier: MIT
# clock.sh  the agent under a real clock that is stepped, in a virtual machine: this one's clock stays as it
# is.   CLOCK_KERNEL=trixie   PORTLIC_TESTBEDS=../shared/testbeds
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
. tests/kernels/lib.sh
agent_box
in_agent_box clock_guest.sh
