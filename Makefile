# Hilo: one non-recursive Makefile. `make help` lists the targets.
#
#   BUILD=debug (default; ASan and UBSan) or release; CC=gcc or clang.
#   Objects of each pair live apart: build/debug-gcc, build/release-clang …

BUILD   ?= debug
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
PKGS    := libevent_core libmicrohttpd yaml-0.1 libcurl openssl lmdb libcjson

O := build/$(BUILD)-$(notdir $(CC))

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all deps test demo run bench torture fuzz lint install clean help unit behave check-layers

# ---- flags ---------------------------------------------------------------------
WARN := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wcast-qual -Wvla -Wformat=2 -Wwrite-strings -Wundef -Werror
ifeq ($(BUILD),release)
  MODE  := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
  LMODE := -Wl,-z,relro,-z,now
else
  MODE  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
  LMODE := -fsanitize=address,undefined
endif
CSTD     := -std=c17 -D_GNU_SOURCE -DHILO_VERSION='"$(VERSION)"'
CFLAGS   ?=
LDFLAGS  ?=
CORE_INC := -Iinclude -Icore
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CORE_LIBS  = $(PKG_LIBS) -lunistring -lisal -lpthread -ldl -lm
COMPILE    = $(CC) $(CSTD) $(WARN) $(MODE) -MMD -MP $(CFLAGS)

# ---- the core ---------------------------------------------------------------------
CORE_SRC := $(sort $(wildcard core/base/*.c core/model/*.c core/loop/*.c core/conf/*.c core/store/*.c \
              core/store/journal/*.c core/plug/*.c core/services/*.c core/api/*.c))
CORE_OBJ := $(CORE_SRC:%.c=$O/%.o)
MAIN_SRC := $(wildcard core/*.c)
MAIN_OBJ := $(MAIN_SRC:%.c=$O/%.o)

PLUGINS    := $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/plugin.c))))
PLUGIN_SO  := $(PLUGINS:%=$O/plugins/%.so)
CLI_SRC    := $(wildcard tools/hilo/*.c)
SIMS       := $(patsubst tools/sim/%/main.c,$O/sim/hilo-sim-%,$(wildcard tools/sim/*/main.c))

all: $(if $(MAIN_SRC),$O/hilod) $(PLUGIN_SO) $(if $(CLI_SRC),$O/hilo) $(SIMS)

$O/core/%.o: core/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_INC) $(PKG_CFLAGS) -fPIE -c $< -o $@

$O/libcore.a: $(CORE_OBJ)
	@rm -f $@
	ar rcs $@ $^

$O/hilod: $(MAIN_OBJ) $O/libcore.a
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(CORE_LIBS) -o $@

# A plugin sees include/ and its own folder, and exports one symbol.
$O/plugins/%.o: plugins/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

define PLUGIN_RULE
$O/plugins/$(1).so: $$(patsubst %.c,$O/%.o,$$(wildcard plugins/$(1)/*.c))
	$$(CC) $$(LMODE) $$(LDFLAGS) -shared $$(if $$(filter release,$$(BUILD)),-Wl$$(comma)-z$$(comma)defs) $$^ $$($(1)_LIBS) -o $$@
endef
comma := ,
whatsapp_LIBS = $(shell pkg-config --libs libcjson libcrypto) -lm
$(foreach p,$(PLUGINS),$(eval $(call PLUGIN_RULE,$(p))))

$O/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -fPIE -c $< -o $@

$O/hilo: $(CLI_SRC:%.c=$O/%.o)
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(shell pkg-config --libs libcurl libcjson) -o $@

# A simulator is a folder of its own: it sees neither include/ nor core/.
$O/tools/sim/%.o: tools/sim/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -fPIE -c $< -o $@

define SIM_RULE
$O/sim/hilo-sim-$(1): $$(patsubst %.c,$O/%.o,$$(wildcard tools/sim/$(1)/*.c))
	@mkdir -p $$(@D)
	$$(CC) $$(LMODE) $$(LDFLAGS) -pie $$^ $$(shell pkg-config --libs libcurl libcjson libmicrohttpd libcrypto) -lpthread -o $$@
endef
$(foreach s,$(patsubst tools/sim/%/main.c,%,$(wildcard tools/sim/*/main.c)),$(eval $(call SIM_RULE,$(s))))

# ---- tests -------------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$O/%)

$O/tests/unit/%: tests/unit/%.c $O/libcore.a
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_INC) $(PKG_CFLAGS) $< $O/libcore.a $(LMODE) $(CORE_LIBS) -lcmocka -o $@

# Plugins for the tests of core/plug: echo and rogue, broken.c once for each BROKEN_x in it,
# without sanitizers (they pad objects, and the loader looks at sizes), and echo again against
# every frozen copy of include/ (tests/abi/README.md).
TEST_BROKEN := $(shell grep -oh 'BROKEN_[a-z_]*' tests/plugins/broken.c | sort -u)
TEST_ABI    := $(notdir $(wildcard tests/abi/v*))
TEST_SO     := $(patsubst %,$O/tests/plugins/%.so,echo rogue $(TEST_BROKEN) $(TEST_ABI:%=echo_%))
TEST_PLUGIN  = @mkdir -p $(@D) && $(COMPILE) -fPIC -fvisibility=hidden -shared $< $(LMODE) -lpthread -o $@

$O/tests/plugins/BROKEN_%.so: tests/plugins/broken.c
	$(TEST_PLUGIN) -Iinclude -DBROKEN_$* -fno-sanitize=all
$O/tests/plugins/echo_v%.so: tests/plugins/echo.c
	$(TEST_PLUGIN) -Itests/abi/v$*
$O/tests/plugins/%.so: tests/plugins/%.c
	$(TEST_PLUGIN) -Iinclude
$O/tests/abi/layout.o: tests/abi/layout.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude -c $< -o $@
$(filter $O/tests/unit/test_plug_%,$(UNIT_BIN)): $(TEST_SO) $O/tests/abi/layout.o

unit: $(UNIT_BIN)
	@for t in $^; do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
