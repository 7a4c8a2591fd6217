# SPDX-License-Identifier: MIT
# check.mk - checks beside the style.
TESTS_check += tests/check/failures
