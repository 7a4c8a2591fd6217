# SPDX-License-Identifier: MIT
# alerts.mk - the alert rules, each with a test of its own.
TESTS_check += tests/check/alerts
