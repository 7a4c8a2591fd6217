# SPDX-License-Identifier: MIT
# image.mk - the Containerfile by buildah, without a registry or a network: no rung of "make test".
PACKAGES_IMAGE := buildah podman runc conmon
test-image: image ## the Containerfile by buildah, both images in podman (root, 5 min)
	$(Q)PORTLIC_BUILD=$(B) V=$(V) TEST_TIMEOUT=1800 tests/run tests/image/run
deps-image: ## installs what test-image runs on
	$(Q)deploy/deps $(PACKAGES_IMAGE)
.PHONY: test-image deps-image
