# SPDX-License-Identifier: MIT
# kubernetes.mk - deploy/kubernetes without a cluster.
TESTS_check += tests/check/kubernetes
