# SPDX-License-Identifier: GPL-2.0-or-later
#
# kims: build, test, install. "make help" lists what there is.
#
# Sources are found by folder, so that a new file needs no line here:
#   daemon/lib/X/*.c   build/lib/libkims-X.a        daemon/ref/*.c   build/lib/libkims-ref.a
#   daemon/NF/*.c      build/lib/libkims-NF.a and, with main.c, build/bin/kims-NF
#   tools/T/*.c        the same: build/bin/kimsctl, build/bin/kims-ue
#   x_test.c           build/test/.../x_test (cmocka), linked with its folder's library
#   tests/bench/*.c    build/bench/*
#   kmod/              build/kmod/KERNEL/kims.ko
# SAN=1 builds everything with ASan and UBSan under build/asan.

B := build$(if $(SAN),/asan)
Q := $(if $(V),,@)
MAKEFLAGS += --no-print-directory

CC ?= gcc
OPT ?= -O2 -g
# Optimised across files at the link: about a twelfth of the CSCFs' processor time (docs/bench.md). "make LTO=" links at once, for who edits. At the link GCC forgets
# that -errno is negative, and takes what a function returns besides for uninitialized; each file is checked for that when it is compiled.
LTO ?= $(if $(findstring clang,$(CC)),,-flto=auto)
VERSION := 0.1.0
CPPFLAGS += -D_GNU_SOURCE -DKIMS_VERSION=\"$(VERSION)\" -Idaemon -I. -Iinclude/uapi
CFLAGS += -std=gnu11 $(OPT) -fno-strict-aliasing -fPIE -fstack-protector-strong -pthread
CFLAGS += -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wformat-security -Wundef -Wvla
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread
ifdef SAN
OPT := -O1 -g
CFLAGS += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
else
CPPFLAGS += -D_FORTIFY_SOURCE=2
ifneq ($(LTO),)
CFLAGS += $(LTO)
LDFLAGS += -Wno-maybe-uninitialized
AR := gcc-ar
endif
endif
CFLAGS += $(WERROR)

PKGS := libcyaml yaml-0.1 sofia-sip-ua libnl-3.0 libnl-genl-3.0 libnl-xfrm-3.0 libnl-route-3.0 \
	libnetfilter_queue libcrypto sqlite3 jansson libsystemd libcares
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lfdcore -lfdproto -lexpat -lm

LIBS := $(patsubst daemon/lib/%/,%,$(sort $(dir $(wildcard daemon/lib/*/*.c)))) $(if $(wildcard daemon/ref/*.c),ref)
NFS := $(patsubst daemon/%/main.c,%,$(wildcard daemon/*/main.c))
TOOLS := $(patsubst tools/%/main.c,%,$(wildcard tools/*/main.c))
BINS := $(NFS:%=$(B)/bin/kims-%) $(foreach t,$(TOOLS),$(B)/bin/$(if $(filter kimsctl,$t),,kims-)$t)

srcs = $(filter-out %_test.c $1/main.c,$(wildcard $1/*.c))
objs = $(patsubst %.c,$(B)/obj/%.o,$(call srcs,$1))
libdir = $(if $(filter ref,$1),daemon/ref,daemon/lib/$1)
LIB_A := $(LIBS:%=$(B)/lib/libkims-%.a)

TEST_SRCS := $(sort $(wildcard daemon/lib/*/*_test.c daemon/ref/*_test.c daemon/*/*_test.c tools/*/*_test.c))
TESTS := $(TEST_SRCS:%.c=$(B)/test/%)
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))

KVERS ?= $(notdir $(patsubst %/build,%,$(wildcard /lib/modules/6.1.*-amd64/build /lib/modules/6.12.*-amd64/build)))

.PHONY: all help daemons kmod check check-vm check-e2e check-static test demo soak bench bench-kernel fuzz docs packages \
	install uninstall dkms-install dkms-remove netlink format clean
.SECONDARY:
.DELETE_ON_ERROR:

all: daemons kmod
daemons: $(BINS)
kmod: $(KVERS:%=kmod-%)
kmod-%:
	$(Q)scripts/kmod-build.sh $*

help:
	@sed -n 's/^## //p' Makefile
## make demo          install what is missing, build, boot a VM, run the main job, show verdicts
##                    UES=1000 [CALLS=200]: so many phones instead, with a live view
## make test          install what is missing, run every test; last line: N passed, N failed, N skipped
## make all           daemons, tools, kims.ko for every Debian kernel with headers here
## make check         unit and procedure tests with ASan and UBSan, layering, contract, style (T=path part selects)
## make check-vm      kims.ko's tests in stock 6.1 and 6.12 kernels, and User-Mode Linux with KASAN
## make check-e2e     call flows with the UE simulator, in the VM
## make soak          attach, call, detach again and again: nothing may be left (CYCLES=10000, PHONES=40)
## make bench         CPU time and memory: calls beside Kamailio's, attaches and PFCP beside Open5GS's
## make bench-kernel  instructions per packet in kims.ko beside ip_forward (qemu -icount)
## make fuzz          libFuzzer over every parser (SECONDS=60 for each)
## make install       daemons, units, man pages (DESTDIR, PREFIX); make dkms-install: the module
## make docs          generated documentation

# --- userspace ---

$(B)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

define LIB_RULE
$(B)/lib/libkims-$1.a: $(call objs,$2)
	$(Q)mkdir -p $$(@D)
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call LIB_RULE,$l,$(call libdir,$l))))
$(foreach n,$(NFS),$(eval $(call LIB_RULE,$n,daemon/$n)))
$(foreach t,$(TOOLS),$(eval $(call LIB_RULE,$t,tools/$t)))

define BIN_RULE
$(B)/bin/$1: $(B)/obj/$2/main.o $(B)/lib/libkims-$3.a $(LIB_A)
	$(Q)mkdir -p $$(@D)
	$(if $(Q),@echo "  LD      $$@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $(B)/obj/$2/main.o -Wl,--start-group $(B)/lib/libkims-$3.a $(LIB_A) -Wl,--end-group $(PKG_LIBS)
endef
$(foreach n,$(NFS),$(eval $(call BIN_RULE,kims-$n,daemon/$n,$n)))
$(foreach t,$(TOOLS),$(eval $(call BIN_RULE,$(if $(filter kimsctl,$t),,kims-)$t,tools/$t,$t)))

# A test sees its own folder's library (functions, tools) and all of lib and ref.
own_lib = $(filter $(B)/lib/libkims-$(notdir $(patsubst %/,%,$(dir $1))).a,$(NFS:%=$(B)/lib/libkims-%.a) $(TOOLS:%=$(B)/lib/libkims-%.a))
define TEST_RULE
$(B)/test/$1: $(B)/obj/$1.o $(call own_lib,$1) $(LIB_A)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $$@ $(B)/obj/$1.o -Wl,--start-group $(call own_lib,$1) $(LIB_A) -Wl,--end-group $(PKG_LIBS) -lcmocka
endef
$(foreach t,$(TEST_SRCS:%.c=%),$(eval $(call TEST_RULE,$t)))

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(LIB_A)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(LIB_A) -Wl,--end-group $(PKG_LIBS)

.PHONY: tests benches
tests: $(if $(T),$(foreach t,$(TESTS),$(if $(findstring $(T),$t),$t)),$(TESTS))
benches: $(BENCHES)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# --- tests ---

check:
	$(Q)scripts/packages.sh build test
	$(Q)$(MAKE) SAN=1 tests T=$(T)
	$(Q)scripts/check.sh "$(T)"
check-static:
	$(Q)scripts/static.sh
check-vm: packages kmod
	$(Q)tests/vm/check-vm
check-e2e: packages all
	$(Q)tests/e2e/run
test: packages
	$(Q)scripts/test.sh
soak: packages all
	$(Q)tests/soak/run $(or $(CYCLES),10000) $(or $(PHONES),40)
fuzz: packages
	$(Q)tests/fuzz/run $(or $(SECONDS),60)
bench: packages all benches kmod
	$(Q)tests/bench/all
bench-kernel: packages kmod
	$(Q)tests/bench/kernel/run
demo:
	$(Q)scripts/packages.sh build vm
	$(Q)$(MAKE) all
	$(Q)tests/demo/run VM=$(or $(VM),yes) KERNEL=$(or $(KERNEL),6.1) SUMMARY=$(SUMMARY) \
		$(foreach v,UES CALLS WINDOW TALK PTIME JSON,$(if $($v),$v=$($v)))
packages:
	$(Q)scripts/packages.sh build vm test

# --- contract, docs ---

netlink:
	$(Q)scripts/netlink-gen.py
docs: netlink daemons
	$(Q)scripts/docs.sh
format:
	$(Q)clang-format -i $$(git ls-files 'daemon/*.[ch]' 'tools/*.[ch]' 'tests/*.c')

# --- installation ---

install: daemons
	$(Q)DESTDIR=$(DESTDIR) PREFIX=$(or $(PREFIX),/usr) scripts/install.sh install
uninstall:
	$(Q)DESTDIR=$(DESTDIR) PREFIX=$(or $(PREFIX),/usr) scripts/install.sh uninstall
dkms-install:
	$(Q)scripts/dkms.sh install
dkms-remove:
	$(Q)scripts/dkms.sh remove

clean:
	$(Q)rm -rf build
