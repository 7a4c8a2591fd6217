# SPDX-License-Identifier: MIT
# The container image, without a registry; for those who have one: Containerfile.
IMAGE ?= localhost/portlic:$(VERSION)
IMAGE_PROGRAMS := $(B)/portlicd $(B)/portlic $(B)/portlic-cni
image: all cni-bundle ## the container image, build/portlic-image.tar, for `ctr images import` and `podman load`
	$(Q)deploy/image/build $(B)/portlic-image.tar $(IMAGE) $(IMAGE_PROGRAMS) $(B)/cni-bundle=/usr/lib/portlic/cni /usr/bin/sleep
.PHONY: image
