# SPDX-License-Identifier: MIT
# vmlinux.h holds the kernel types that the ledger reads, and no others: CO-RE finds each field by name
# in the running kernel, so a build needs no BTF. To read a new field, add it to vmlinux.h by hand
# (anywhere in its struct), use it, and renew: the type information of this kernel is cut down to what
# the compiled ledger refers to. bpftool's padding goes, for no offset of this header is ever used.

VMLINUX_BTF ?= /sys/kernel/btf/vmlinux

vmlinux: $(B)/bpf/ledger.bpf.o ## renew vmlinux/vmlinux.h from this kernel's BTF
	$(Q)$(BPFTOOL) gen min_core_btf $(VMLINUX_BTF) $(B)/vmlinux.btf $<
	$(Q){ echo '/* SPDX-License-Identifier: MIT */'; \
		echo '/* vmlinux.h - what bpf/ledger.bpf.c reads of the kernel; made by "make vmlinux". */'; \
		$(BPFTOOL) btf dump file $(B)/vmlinux.btf format c | \
		sed -E '/^\s*(long|int|short|char): [0-9]+;$$/d'; } > $(B)/vmlinux.h
	$(Q)cp $(B)/vmlinux.h vmlinux/vmlinux.h

.PHONY: vmlinux
