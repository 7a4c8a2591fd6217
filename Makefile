# portlic: make help

VERSION := 0.1.0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= /etc
B := build

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(shell command -v bpftool 2>/dev/null) /usr/sbin/bpftool)

# Debian packages, the one list. BUILD: to make; TEST: what the tests and the demo run besides.
PACKAGES_BUILD := gcc libc6-dev make pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev \
	libsodium-dev libcjson-dev libmicrohttpd-dev libcurl4-openssl-dev libuv1-dev libmnl-dev
PACKAGES_TEST := libcmocka-dev libclang-rt-14-dev iproute2 nftables nginx-light redis-server \
	redis-tools prometheus python3 python3-jwt python3-cryptography curl procps mandoc \
	clang-format clang-tidy cppcheck

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(patsubst $(B)/%,%,$@))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-unused-parameter \
	$(if $(WERROR)$(CI),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
, := ,
ifdef SAN
B := build/san
endif
LIBS := libbpf libelf zlib libsodium libcjson libmicrohttpd libcurl libuv libmnl
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARN) $(SANFLAGS) -fstack-protector-strong
override CPPFLAGS += -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -DPORTLIC_VERSION='"$(VERSION)"' -Iinclude -Iuser/core \
	-Iuser/kernel -I$(B)/bpf $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
override LDFLAGS += $(SANFLAGS) -Wl,-z,relro,-z,now
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v2 -Wall -Wextra $(if $(WERROR)$(CI),-Werror) -Iinclude -Ivmlinux -Ibpf \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

objects = $(patsubst user/%.c,$(B)/%.o,$(wildcard $(1)))
CORE := $(call objects,user/core/*.c)
KERNEL := $(call objects,user/kernel/*.c)
AGENT := $(call objects,user/agent/*.c)
CLI := $(call objects,user/cli/*.c)
GATE_BPF := $(B)/bpf/wire.bpf.o $(B)/bpf/egress.bpf.o $(B)/bpf/socket.bpf.o
SKELETONS := $(B)/bpf/gate.skel.h $(B)/bpf/ledger.skel.h

all: $(B)/portlic $(B)/portlicd ## build both programs into build/
bpf: $(SKELETONS) ## compile the BPF programs only

$(B)/portlic: $(CLI) $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libsodium libcjson libcurl)
$(B)/portlicd: $(AGENT) $(KERNEL) $(B)/libcore.a
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $$(pkg-config --libs libbpf libelf zlib libsodium libcjson libmicrohttpd libcurl libuv libmnl)
$(B)/libcore.a: $(CORE)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libkernel.a: $(KERNEL)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: user/%.c | deps-check
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(KERNEL): | $(SKELETONS)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c | deps-check
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $< && $(LLVM_STRIP) -g $@
$(B)/bpf/gate.bpf.o: $(GATE_BPF)
	$(call say,LINK)
	$(Q)$(BPFTOOL) gen object $@ $^
$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

-include $(shell find build -name '*.d' 2>/dev/null)
include tests/tests.mk

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  options        V=1 verbose, SAN=1 ASan and UBSan, WERROR=1, DESTDIR=, PREFIX=$(PREFIX)"

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all bpf help deps-check
deps-check: ;
