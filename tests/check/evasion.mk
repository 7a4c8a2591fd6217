# SPDX-License-Identifier: MIT
# evasion.mk - the table of the evasion suite against its tests.
TESTS_check += tests/check/evasion
