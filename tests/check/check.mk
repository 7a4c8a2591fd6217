# SPDX-License-Identifier: MIT
# check.mk - checks of what isn't C.
TESTS_check += tests/check/alerts tests/check/failures
