# SPDX-License-Identifier: MIT
# failures.mk - the failure table against its tests.
TESTS_check += tests/check/failures
