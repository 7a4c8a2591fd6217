# SPDX-License-Identifier: MIT
# e2e.mk - what scripts of this rung need besides both programs.
$(B)/tests/e2e/fakeclock.so: tests/e2e/fakeclock.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -O2 -g -std=gnu11 $(WARN) -fPIC -shared -MMD -MP -o $@ $<
tests/e2e/40-clock.sh tests/e2e/41-history.sh tests/e2e/42-sticky-seq.sh tests/e2e/43-ends.sh tests/e2e/50-pull.sh tests/e2e/65-kube-day.sh: $(B)/tests/e2e/fakeclock.so ;
$(B)/tests/e2e/flood: tests/e2e/flood.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -O2 -g -std=gnu11 $(WARN) -MMD -MP -o $@ $<
tests/e2e/32-flows.sh: $(B)/tests/e2e/flood ;
# The agent's client of the API server without the rest of it.
$(B)/tests/e2e/kubewatch: tests/e2e/kubewatch.c $(filter-out %/main.o,$(AGENT)) $(B)/libkernel.a $(B)/libcore.a
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -Iuser/agent $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $(filter %.c %.o %.a,$^) $$($(PKG_CONFIG) --libs $(LIBS_AGENT))
tests/e2e/68-cni-containerd.sh: $(B)/portlic-cni-launch ;
tests/e2e/65-kube-api.sh tests/e2e/65-kube-away.sh tests/e2e/65-kube-agent.sh tests/e2e/65-kube-trust.sh: $(B)/tests/e2e/kubewatch ;
