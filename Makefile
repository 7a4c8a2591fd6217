# portlic: make help

VERSION := 0.1.0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
, := ,
BUILD := build
B := $(BUILD)$(if $(SAN),/san)

# Debian packages, the one list: to build; what the demo runs besides; what the tests run besides;
# what only "make test-kernels" needs.
PACKAGES_BUILD := gcc libc6-dev make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev \
	libsodium-dev libcjson-dev libmicrohttpd-dev libcurl4-openssl-dev libuv1-dev libmnl-dev
PACKAGES_DEMO := iproute2 nftables nginx-light curl procps
PACKAGES_TEST := libcmocka-dev libclang-rt-14-dev redis-server redis-tools prometheus dnsmasq-base \
	bind9-dnsutils haproxy iputils-ping openssl python3 python3-jwt python3-cryptography python3-yaml mandoc clang-format cppcheck shellcheck \
	podman runc containerd containernetworking-plugins conmon iptables busybox-static python3-grpcio
PACKAGES_KERNELS := qemu-system-x86 busybox-static dash cpio zstd lz4 xz-utils

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
LIBS_CLI := libsodium libcjson libcurl
LIBS_AGENT := libbpf libelf zlib libsodium libcjson libmicrohttpd libcurl libuv libmnl
WERROR ?= $(CI)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wno-unused-parameter $(if $(WERROR),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARN) $(SANFLAGS) -fstack-protector-strong
override CPPFLAGS += -D_GNU_SOURCE $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) -DPORTLIC_VERSION='"$(VERSION)"' \
	-Iinclude -Iuser/core -Iuser/kernel -I$(B)/bpf
override LDFLAGS += $(SANFLAGS) -Wl,-z,relro,-z,now
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v2 -Wall -Wextra $(if $(WERROR),-Werror) -Iinclude -Ivmlinux -Ibpf \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(patsubst $(BUILD)/%,%,$@))
objects = $(patsubst user/%.c,$(B)/%.o,$(wildcard $(1)))
CORE := $(call objects,user/core/*.c)
KERNEL := $(call objects,user/kernel/*.c)
AGENT := $(call objects,user/agent/*.c)
CLI := $(call objects,user/cli/*.c)
CNI := $(filter-out %/launch.o %/main.o,$(call objects,user/cni/*.c))
GATE_BPF := $(B)/bpf/wire.bpf.o $(B)/bpf/egress.bpf.o $(B)/bpf/socket.bpf.o
CGROUP_BPF := $(patsubst %,$(B)/bpf/%.bpf.o,host sent bind handshake)
SKELETONS := $(patsubst %,$(B)/bpf/%.skel.h,gate cgroup ledger shield kubelet)

all: $(B)/portlic $(B)/portlicd $(B)/portlic-cni ## build the programs into build/
bpf: $(SKELETONS) ## compile the BPF programs only

$(B)/portlic: $(CLI) $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$($(PKG_CONFIG) --libs $(LIBS_CLI))
$(B)/portlicd: $(AGENT) $(B)/libkernel.a $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$($(PKG_CONFIG) --libs $(LIBS_AGENT))
$(B)/portlic-cni: $(B)/cni/main.o $(B)/libcni.a $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcjson
$(B)/portlic-cni-launch: user/cni/launch.c
	$(call say,LD)
	$(Q)mkdir -p $(@D) && $(CC) $(WARN) -std=gnu11 -O2 -D_GNU_SOURCE -s -static -o $@ $<
cni-bundle: $(B)/portlic-cni $(B)/portlic-cni-launch ## build/cni-bundle: portlic-cni for nodes of another libc
	$(Q)deploy/cni-bundle $(B) $(B)/cni-bundle
$(B)/libcore.a: $(CORE)
$(B)/libcni.a: $(CNI)
$(B)/libkernel.a: $(KERNEL)
$(B)/lib%.a:
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: user/%.c | tools
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(KERNEL): | $(SKELETONS)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c | tools
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $< && $(LLVM_STRIP) -g $@
$(B)/bpf/gate.bpf.o: $(GATE_BPF)
$(B)/bpf/cgroup.bpf.o: $(CGROUP_BPF)
$(B)/bpf/gate.bpf.o $(B)/bpf/cgroup.bpf.o:
	$(call say,LINK)
	$(Q)$(BPFTOOL) gen object $@ $^
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

install: all ## programs, man pages, systemd unit, completion [DESTDIR= PREFIX=]
	$(Q)install -Dm755 -t $(DESTDIR)$(BINDIR) $(B)/portlic $(B)/portlicd $(B)/portlic-cni
	$(Q)for page in docs/man/*.[1-8]; do install -Dm644 -t $(DESTDIR)$(MANDIR)/man$${page##*.} $$page || exit; done
	$(Q)install -d $(DESTDIR)$(UNITDIR)
	$(Q)sed 's|/usr/local/bin|$(BINDIR)|' deploy/systemd/portlicd.service > $(DESTDIR)$(UNITDIR)/portlicd.service
	$(Q)install -Dm644 deploy/completion/portlic.bash $(DESTDIR)$(COMPDIR)/portlic
	@echo '  INSTALL $(DESTDIR)$(BINDIR)/portlic $(DESTDIR)$(BINDIR)/portlicd'
uninstall: ## removes what install put there
	$(Q)rm -f $(addprefix $(DESTDIR)$(BINDIR)/,portlic portlicd portlic-cni) $(DESTDIR)$(UNITDIR)/portlicd.service $(DESTDIR)$(COMPDIR)/portlic
	$(Q)for page in docs/man/*.[1-8]; do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
clean: ## removes build/
	$(Q)rm -rf $(BUILD)

# A build as root by sudo leaves build/ to who called it.
own = $(if $(SUDO_UID),chown -R $(SUDO_UID):$(SUDO_GID) $(BUILD),:)
deps: ## installs the packages that are lacking (root)
	$(Q)deploy/deps $(PACKAGES_BUILD) $(PACKAGES_DEMO) $(PACKAGES_TEST)
demo: ## the product in a namespace, 30 s (root)
	$(Q)deploy/deps $(PACKAGES_BUILD) $(PACKAGES_DEMO)
	$(Q)$(MAKE) --no-print-directory all && $(own)
	$(Q)deploy/demo/run
test: deps ## every rung of the ladder (root); test-RUNG for one, make V=1 to see it all
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) climb

-include $(wildcard tests/*/*.mk vmlinux/*.mk deploy/*/*.mk)
TESTS_check += tests/check/style
TESTS_e2e += $(sort $(wildcard tests/e2e/[0-9]*.sh))
TESTS_san += $(patsubst $(B)/%,$(B)/san/%,$(filter $(B)/%,$(TESTS_unit)))
NEEDS_cli := $(B)/portlic $(B)/portlic-cni
NEEDS_e2e := all
RUNGS := check unit san cli bpf kernel e2e fuzz
# Of these programs nothing is measured in time: they run side by side (of e2e those that say so themselves).
beside = $(if $(filter-out e2e,$(1)),--beside)
programs-unit: $(TESTS_unit)
$(TESTS_san): sanitized ;
sanitized:
	$(Q)$(MAKE) --no-print-directory SAN=1 programs-unit
climb: all $(foreach r,$(RUNGS),$(TESTS_$(r)))
	$(Q)PORTLIC_BUILD=$(B) V=$(V) tests/run $(foreach r,$(RUNGS),--rung=$(r) $(call beside,$(r)) $(TESTS_$(r))); s=$$?; $(own); exit $$s
check: test-check ## style, static analysis, man pages, arrows between the rooms
.SECONDEXPANSION:
$(addprefix test-,$(RUNGS)): test-%: $$(NEEDS_$$*) $$(TESTS_$$*)
	$(Q)PORTLIC_BUILD=$(B) V=$(V) tests/run $(call beside,$*) $(TESTS_$*)

tools:
	$(Q)$(PKG_CONFIG) --exists $(LIBS_AGENT) 2>/dev/null && command -v $(CLANG) $(BPFTOOL) >/dev/null || \
		{ echo 'portlic: build packages are lacking: run "sudo make deps"' >&2; exit 1; }
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(filter-out %.d,$(MAKEFILE_LIST))
	@echo "  options    V=1 verbose, SAN=1 ASan and UBSan, WERROR=1, DESTDIR=, PREFIX=$(PREFIX)"

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all bpf cni-bundle install uninstall clean deps demo test climb check sanitized programs-unit tools help $(addprefix test-,$(RUNGS))
