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
.PHONY: email-imap fixture all deps test test-build test-all fuzz-complete power-build peers-deps sms-day demo run bench bench-scale bench-sms bench-pos bench-voice bench-build torture fuzz clang-fuzz lint install clean help unit behave hostile peers cli till voice check-layers

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
CSTD     := -std=c17 -D_GNU_SOURCE -DHILO_VERSION='"$(VERSION)"' -DHILO_PLUGIN_DIR='"$(PREFIX)/lib/hilo/plugins"'
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
CORE_ASM := $(wildcard core/api/*.S)
CORE_OBJ := $(CORE_SRC:%.c=$O/%.o) $(CORE_ASM:%.S=$O/%.o)
WORKER_LAYERS := base model loop conf plug
WORKER_OBJ := $(filter $(WORKER_LAYERS:%=$O/core/%/%),$(CORE_OBJ))
MAIN_SRC := $(filter-out core/worker.c,$(wildcard core/*.c))
MAIN_OBJ := $(MAIN_SRC:%.c=$O/%.o)

PLUGINS    := $(notdir $(patsubst %/,%,$(dir $(wildcard plugins/*/plugin.c))))
PLUGIN_SO  := $(PLUGINS:%=$O/plugins/%.so)
CLI_SRC    := $(wildcard tools/hilo/*.c)
HILOTILL   := $(if $(wildcard tools/hilotill/*.c),$O/libhilotill.a $O/libhilotill.so)
TILL_SRC   := $(wildcard tools/hilo-till/*.c)
TILL_PARTS := by person text util# of it, that tests link
SIMS       := $(patsubst tools/sim/%/main.c,$O/sim/hilo-sim-%,$(wildcard tools/sim/*/main.c))

all: check-layers $(if $(MAIN_SRC),$O/hilod) $O/hilo-worker $(PLUGIN_SO) $(if $(CLI_SRC),$O/hilo) $(SIMS) $(HILOTILL) $(if $(TILL_SRC),$O/hilo-till)

$O/core/%.o: core/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_INC) $(PKG_CFLAGS) -fPIE -c $< -o $@

# The folder of plugins is compiled in: another PREFIX, another object.
.PHONY: force
$O/prefix: force
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@
$O/core/conf/settings.o: $O/prefix

# A file as bytes of the program (.incbin).
$O/core/%.o: core/%.S core/%.json
	@mkdir -p $(@D)
	$(CC) -c $< -o $@

$O/libcore.a: $(CORE_OBJ)
	@rm -f $@
	ar rcs $@ $^

$O/hilod: $(MAIN_OBJ) $O/libcore.a
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(CORE_LIBS) -o $@

# A worker has what runs a plugin: no store, no HTTP server, so neither library either.
$O/libworker.a: $(WORKER_OBJ)
	@rm -f $@
	ar rcs $@ $^

$O/hilo-worker: $O/core/worker.o $O/libworker.a
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(shell pkg-config --libs libevent_core libcurl libcrypto) -lunistring -lpthread -ldl -o $@

# A plugin sees include/ and its own folder, and exports one symbol.
$O/plugins/%.o: plugins/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

define PLUGIN_RULE
$O/plugins/$(1).so: $$(patsubst %.c,$O/%.o,$$(wildcard plugins/$(1)/*.c)) plugins/exports.map
	$$(CC) $$(LMODE) $$(LDFLAGS) -shared $$(if $$(filter release,$$(BUILD)),-Wl$$(comma)-z$$(comma)defs) \
	    -Wl,--version-script=plugins/exports.map $$(filter %.o,$$^) $$($(1)_LIBS) -o $$@
endef
comma := ,
whatsapp_LIBS = $(shell pkg-config --libs libcjson libcrypto) -lm
sms_LIBS = $(shell pkg-config --libs libcares libssl libcrypto libcjson)
pos_LIBS = $(shell pkg-config --libs libssl libcrypto libcjson) -lm
# Slips: text by libunistring, dates by ICU, codes by libzint, pictures by FreeType and libgd.
pos_LIBS += $(shell pkg-config --libs libcjson icu-i18n freetype2 gdlib) -lzint -lunistring
# Connections: WebSocket frames by wslay, HTTP heads by http_parser.
pos_LIBS += -lwslay -lhttp_parser -lpthread
# The menu, the gateway's API: JSON. A number's time zones by ICU's list.
voice_LIBS = $(shell pkg-config --libs libcjson icu-i18n)
# Signalling by sofia-sip, whose headers are not written for our warnings.
voice_LIBS += $(shell pkg-config --libs sofia-sip-ua libcrypto libssl) -lpthread
$O/plugins/voice/%.o build/fuzz/plugins/voice/%.o build/fuzz/fuzz_voice% $O/tests/unit/test_voice%: PKG_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags sofia-sip-ua))
# Media: tones and G.711 by spandsp, SRTP by libsrtp2.
voice_LIBS += $(shell pkg-config --libs spandsp libsrtp2) -lm
# Speech: prompts read by expat, sound resampled by speexdsp, known by its digest.
voice_LIBS += $(shell pkg-config --libs expat speexdsp libcrypto)
# Mails: MIME by GMime, HTML by libxml2, calendars by libical.
email_LIBS = $(shell pkg-config --libs gmime-3.0 libxml-2.0 libical libcrypto libcjson libidn2 libcurl) -lpthread
$O/plugins/email/%.o build/fuzz/plugins/email/%.o $O/tests/unit/test_email_%: PKG_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags gmime-3.0 libxml-2.0 libical))
# The mailbox: IMAP by libetpan, whose headers may have to be fetched (tools/etpan.sh); TLS by OpenSSL.
email_LIBS += -l:libetpan.so.20 $(shell pkg-config --libs libssl)
ETPAN := $(if $(wildcard /usr/include/libetpan/libetpan.h),,build/etpan)
IMAP_OBJ := $(patsubst %,plugins/email/%.o,imap imap_box imap_wire)
$(IMAP_OBJ:%=$O/%) $(IMAP_OBJ:%=build/fuzz/%): PKG_CFLAGS += $(ETPAN:%=-isystem %/usr/include)
$(IMAP_OBJ:%=$O/%) $(IMAP_OBJ:%=build/fuzz/%): | $(ETPAN:%=%/complete)
build/etpan/complete: tools/etpan.sh
	sh tools/etpan.sh build/etpan

$(foreach p,$(PLUGINS),$(eval $(call PLUGIN_RULE,$(p))))
$O/plugins/pos/render_png.o build/fuzz/plugins/pos/render_png.o: PKG_CFLAGS += $(shell pkg-config --cflags freetype2)

$O/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -fPIE -c $< -o $@

$O/hilo: $(CLI_SRC:%.c=$O/%.o)
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(shell pkg-config --libs libcurl libcjson libqrencode) -o $@

# A till's side of the POS channel, for vendors: it sees nothing of Hilo. And the program on it.
HILOTILL_OBJ  := $(patsubst %.c,$O/%.o,$(wildcard tools/hilotill/*.c))
HILOTILL_LIBS  = $(shell pkg-config --libs libcjson libssl libcrypto sqlite3 libcares)
$O/tools/hilotill/%.o: tools/hilotill/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@
# In the static library, too, only what its header has can be seen.
$O/libhilotill.a: $(HILOTILL_OBJ)
	@rm -f $@
	ld -r -o $(@D)/hilotill.o $^
	objcopy --localize-hidden $(@D)/hilotill.o
	ar rcs $@ $(@D)/hilotill.o
$O/libhilotill.so: $(HILOTILL_OBJ)
	$(CC) $(LMODE) $(LDFLAGS) -shared $(if $(filter release,$(BUILD)),-Wl$(comma)-z$(comma)defs) \
	    -Wl,-soname,libhilotill.so.1 $^ $(HILOTILL_LIBS) -o $@
$O/tools/hilo-till/%.o: tools/hilo-till/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Itools/hilotill $(PKG_CFLAGS) $(shell pkg-config --cflags ncursesw) -fPIE -c $< -o $@
$O/hilo-till: $(TILL_SRC:%.c=$O/%.o) $O/libhilotill.a
	$(CC) $(LMODE) $(LDFLAGS) -pie $^ $(HILOTILL_LIBS) $(shell pkg-config --libs ncursesw) -o $@

# A simulator is a folder of its own: it sees neither include/ nor core/.
$O/tools/sim/%.o: tools/sim/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -fPIE -c $< -o $@

define SIM_RULE
$O/sim/hilo-sim-$(1): $$(patsubst %.c,$O/%.o,$$(wildcard tools/sim/$(1)/*.c))
	@mkdir -p $$(@D)
	$$(CC) $$(LMODE) $$(LDFLAGS) -pie $$^ $$(shell pkg-config --libs libcurl libcjson libmicrohttpd libssl libcrypto) -lpthread -o $$@
endef
$(foreach s,$(patsubst tools/sim/%/main.c,%,$(wildcard tools/sim/*/main.c)),$(eval $(call SIM_RULE,$(s))))

# ---- tests -------------------------------------------------------------------------
# They mostly wait, for a disk or for each other, so twice as many run at a time as there are processors
# (tests/run.sh). Each X_RUN below is a list of quoted commands.
JOBS ?= $(shell echo $$((2 * $$(nproc))))
RUN   = @JOBS=$(JOBS) LOGS=$O/logs bash tests/run.sh
# Calls last as long as they are spoken and take little of a processor, the torture waits for syncs, and a fuzzer ends by
# the clock: twice as many of these.
RUN_MANY = @JOBS=$(shell echo $$((2 * $(JOBS)))) LOGS=$O/logs bash tests/run.sh

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:%.c=$O/%)

$O/tests/unit/%: tests/unit/%.c $O/libcore.a
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_INC) $(PKG_CFLAGS) $< $O/libcore.a $(LMODE) $(CORE_LIBS) -lcmocka -o $@

# Tests of a plugin's parts link its objects: its .so exports only its descriptor. (Found by
# the folder's name: tests/unit/test_whatsapp_*.c, tests/fuzz/fuzz_whatsapp*.c.)
PLUGIN_PARTS := $(notdir $(patsubst %/,%,$(wildcard plugins/*/)))
define PLUGIN_TEST_RULE
$(1)_OBJ := $(patsubst %.c,$O/%.o,$(wildcard plugins/$(1)/*.c))
$(filter $O/tests/unit/test_$(1)_%,$(UNIT_BIN)): $O/tests/unit/%: tests/unit/%.c $$($(1)_OBJ) $O/libcore.a
	@mkdir -p $$(@D)
	$$(COMPILE) $$(CORE_INC) $$(PKG_CFLAGS) $$< $$($(1)_OBJ) $O/libcore.a $$(LMODE) $$(CORE_LIBS) $$($(1)_LIBS) $$(UNIT_LIBS) -lcmocka -o $$@
endef
$(foreach p,$(PLUGIN_PARTS),$(eval $(call PLUGIN_TEST_RULE,$(p))))
# Its signalling, media and speech are the test's.
$O/tests/unit/test_voice_flow: voice_OBJ := $(filter-out $(patsubst %,$O/plugins/voice/%.o,plugin out% recover transcri% command ua% media% speech%),$(voice_OBJ))
# What writes mails and hands them to relays needs nothing of the rest of the plugin.
$O/tests/unit/test_email_compose $O/tests/unit/test_email_dkim $O/tests/unit/test_email_smtp: email_OBJ := $(patsubst plugins/email/%.c,$O/plugins/email/%.o,$(wildcard plugins/email/mail*.c plugins/email/compose*.c plugins/email/ical*.c plugins/email/dkim*.c plugins/email/smtp*.c))
# Its parts that stand alone.
$O/tests/unit/test_email_lmtp $O/tests/unit/test_email_lmtp_parse: email_OBJ := $(patsubst %,$O/plugins/email/%.o,lmtp lmtp_parse)
# Reading mails and tokens needs no other part.
$O/tests/unit/test_email_mail $O/tests/unit/test_email_token: email_OBJ := $(filter $O/plugins/email/mail% $O/plugins/email/token%,$(email_OBJ))
# Its mail server, mailbox, relays and composing are the test's.
$O/tests/unit/test_email_flow: email_OBJ := $(filter-out $(patsubst %,$O/plugins/email/%.o,smtp% lmtp% imap% compose% ical% dkim%),$(email_OBJ))
# Another's codec judges ours.
$O/tests/unit/test_sms_judge: UNIT_LIBS = -lsmpp34
# Another's numbers judge ours.
$O/tests/unit/test_voice_say: UNIT_LIBS = $(shell pkg-config --libs icu-i18n)

# Plugins for the tests of core/plug: echo, rogue, hostile, counter and phone, broken.c once for each BROKEN_x in it,
# without sanitizers (they pad objects, and the loader looks at sizes), and echo again against
# every frozen copy of include/ (tests/abi/README.md).
TEST_BROKEN := $(shell grep -oh 'BROKEN_[a-z_]*' tests/plugins/broken.c | sort -u)
TEST_ABI    := $(notdir $(wildcard tests/abi/v*))
TEST_SO     := $(patsubst %,$O/tests/plugins/%.so,echo rogue hostile counter phone letter $(TEST_BROKEN) $(TEST_ABI:%=echo_%))
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
$(filter $O/tests/unit/test_plug_%,$(UNIT_BIN)): $(TEST_SO) $O/tests/abi/layout.o | $O/hilo-worker

# The gateway from outside: tests/behave, hostile and torture share a harness.
OUTSIDE_SRC := $(wildcard tests/behave/test_*.c tests/hostile/test_*.c tests/torture/test_*.c)
OUTSIDE_BIN := $(OUTSIDE_SRC:%.c=$O/%)
$O/tests/behave/harness.o: tests/behave/harness.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$O/tests/behave/hooksink.o: tests/behave/hooksink.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$(filter $O/tests/behave/test_webhooks%,$(OUTSIDE_BIN)): $O/tests/behave/hooksink.o
$O/tests/torture/%.o: tests/torture/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Itests/behave $(PKG_CFLAGS) -c $< -o $@
# Preloaded into the gateway, sanitizers or not.
$O/tests/torture/disk.so: tests/torture/disk.c
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -fno-sanitize=all -U_FORTIFY_SOURCE $< -ldl -lpthread -o $@
$O/tests/torture/power.so: tests/torture/power_shim.c tests/torture/power_log.h
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -fno-sanitize=all -U_FORTIFY_SOURCE $< -ldl -lpthread -o $@
$(filter $O/tests/torture/%,$(OUTSIDE_BIN)): | $O/tests/torture/disk.so $O/tests/torture/power.so
# Power cuts look into stores by the core itself.
POWER_BIN := $(filter $O/tests/torture/test_power%,$(OUTSIDE_BIN))
$O/tests/torture/power_check.o: COMPILE += $(CORE_INC)
$(POWER_BIN): $(patsubst %.c,$O/%.o,$(filter-out %_shim.c,$(wildcard tests/torture/power_*.c))) $O/libcore.a
$(POWER_BIN): OUTSIDE_LIBS = $(CORE_LIBS)
$O/tests/behave/nospace.so: tests/behave/nospace.c tests/behave/nospace.h
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -fno-sanitize=all -U_FORTIFY_SOURCE $< -ldl -lpthread -o $@
$O/tests/behave/test_full $O/tests/behave/test_backup $O/tests/behave/test_calls $O/tests/behave/test_email: | $O/tests/behave/nospace.so
$O/tests/behave/settime.so: tests/behave/settime.c tests/behave/settime.h
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -fno-sanitize=all -U_FORTIFY_SOURCE $< -o $@
$O/tests/behave/test_clock $O/tests/behave/test_webhooks_time $O/tests/behave/test_schedule \
  $O/tests/behave/test_appointments $O/tests/behave/test_stock: | $O/tests/behave/settime.so
$(filter $O/tests/torture/%,$(OUTSIDE_BIN)): $O/tests/torture/load.o $O/tests/torture/verify.o
$(OUTSIDE_BIN): $O/tests/%: tests/%.c $O/tests/behave/harness.o
	@mkdir -p $(@D)
	$(COMPILE) -Itests/behave $(PKG_CFLAGS) $(filter %.c %.o %.a,$^) $(LMODE) $(shell pkg-config --libs libcurl libcjson libcrypto) $(OUTSIDE_LIBS) -lcmocka -lpthread -o $@
$(OUTSIDE_BIN): | all
$O/tests/behave/test_config $O/tests/behave/test_worker $O/tests/behave/test_inner $O/tests/behave/test_calls: | $(TEST_SO)
# These write and read the message model's bytes.
LETTER_BIN := $O/tests/behave/test_letter $O/tests/behave/test_links
$O/tests/behave/letter.o: tests/behave/letter.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -c $< -o $@
$(LETTER_BIN): COMPILE += -Iinclude
$(LETTER_BIN): $O/tests/behave/letter.o | $O/tests/plugins/letter.so
$O/tests/behave/sms.o: tests/behave/sms.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$(filter $O/tests/behave/test_sms% $O/tests/behave/test_schedule $O/tests/behave/test_appointments,$(OUTSIDE_BIN)): $O/tests/behave/sms.o
$O/tests/behave/pos.o: tests/behave/pos.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
# Those that judge it use another till, which shares nothing with the channel's own tests.
POS_JUDGES := $O/tests/behave/test_pos_shift $(filter $O/tests/hostile/test_pos%,$(OUTSIDE_BIN))
$(filter-out $(POS_JUDGES),$(filter $O/tests/behave/test_pos%,$(OUTSIDE_BIN))): $O/tests/behave/pos.o
$(filter $O/tests/behave/test_pos% $O/tests/hostile/test_pos%,$(OUTSIDE_BIN)): OUTSIDE_LIBS = -lssl
$O/tests/behave/post.o: tests/behave/post.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$O/tests/behave/test_email: $O/tests/behave/post.o
$O/tests/behave/till_client.o: tests/behave/till_client.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$(POS_JUDGES): $O/tests/behave/till_client.o
$O/tests/behave/till_keep.o $O/tests/behave/pos_proxy.o: $O/tests/behave/%.o: tests/behave/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$O/tests/behave/test_pos_shift: $O/tests/behave/till_keep.o $O/tests/behave/pos_proxy.o
$O/tests/hostile/wire.o: tests/hostile/wire.c
	@mkdir -p $(@D)
	$(COMPILE) -Itests/behave $(PKG_CFLAGS) -c $< -o $@
$(filter $O/tests/hostile/%,$(OUTSIDE_BIN)): $O/tests/hostile/wire.o
$O/tests/hostile/shop.o: tests/hostile/shop.c
	@mkdir -p $(@D)
	$(COMPILE) -Itests/behave $(PKG_CFLAGS) -c $< -o $@
$(filter $O/tests/hostile/test_pos%,$(OUTSIDE_BIN)): $O/tests/hostile/shop.o

# Fuzz targets (tests/fuzz/README.md): clang with its fuzzer, ASan and UBSan, in a build folder
# of their own. What they find to be new goes to build/fuzz/found, what crashes too.
FUZZ_CC   ?= clang-14
FUZZ_SECS ?= 5
F         := build/fuzz
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ      := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_BIN  := $(FUZZ:%=$F/fuzz_%)
FUZZ_RUN  := $(FUZZ:%='sh tests/fuzz/run.sh $F % $(FUZZ_SECS)')
FUZZ_MODE := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_LOST := $(filter-out $(FUZZ),$(notdir $(wildcard tests/fuzz/corpus/*)) $(basename $(notdir $(wildcard tests/fuzz/*.dict)))) \
             $(foreach t,$(FUZZ),$(if $(wildcard tests/fuzz/corpus/$t/*),,$t))
$F/core/%.o: core/%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_MODE) -MMD -MP $(CORE_INC) $(PKG_CFLAGS) -c $< -o $@
$F/core/%.o: core/%.S core/%.json
	@mkdir -p $(@D)
	$(FUZZ_CC) -c $< -o $@
$F/libcore.a: $(CORE_SRC:%.c=$F/%.o) $(CORE_ASM:%.S=$F/%.o)
	@rm -f $@
	ar rcs $@ $^
$F/fuzz_%: tests/fuzz/fuzz_%.c $F/libcore.a
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_MODE) -fsanitize=fuzzer -MMD -MP $(CORE_INC) $(PKG_CFLAGS) $< $F/libcore.a $(CORE_LIBS) -o $@

# Those of a plugin see its headers and link its objects; they need no core.
$F/plugins/%.o: plugins/%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_MODE) -MMD -MP -Iinclude $(PKG_CFLAGS) -c $< -o $@
define PLUGIN_FUZZ_RULE
$(filter $F/fuzz_$(1)%,$(FUZZ_BIN)): $F/fuzz_%: tests/fuzz/fuzz_%.c $($(1)_OBJ:$O/%=$F/%)
	@mkdir -p $$(@D)
	$$(FUZZ_CC) $$(CSTD) $$(FUZZ_MODE) -fsanitize=fuzzer -MMD -MP -Iinclude $$(PKG_CFLAGS) $$< $($(1)_OBJ:$O/%=$F/%) \
	    $$($(1)_LIBS) -o $$@
endef
$(foreach p,$(PLUGIN_PARTS),$(if $(filter $F/fuzz_$(p)%,$(FUZZ_BIN)),$(eval $(call PLUGIN_FUZZ_RULE,$(p)))))

$F/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_MODE) -MMD -MP -Itools/hilotill $(PKG_CFLAGS) -c $< -o $@
$(filter $F/fuzz_till%,$(FUZZ_BIN)): $F/fuzz_%: tests/fuzz/fuzz_%.c $(HILOTILL_OBJ:$O/%=$F/%) $(TILL_PARTS:%=$F/tools/hilo-till/%.o)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CSTD) $(FUZZ_MODE) -fsanitize=fuzzer -MMD -MP -Itools/hilotill -Itools/hilo-till $(PKG_CFLAGS) $(filter %.c %.o,$^) $(HILOTILL_LIBS) -o $@

fuzz-complete:
	@[ -z "$(strip $(FUZZ_LOST))" ] || { echo "tests/fuzz: corpus, dictionary and fuzz_*.c do not match: $(strip $(FUZZ_LOST))"; exit 1; }
clang-fuzz: $(FUZZ_BIN) fuzz-complete
	$(RUN) $(FUZZ_RUN)
# Ten minutes a target; a night: make fuzz FUZZ_SECS=3600
fuzz:
	@$(MAKE) --no-print-directory clang-fuzz $(if $(filter file,$(origin FUZZ_SECS)),FUZZ_SECS=600)

# The fixture of the present format, once at its release (tests/fixtures/README.md):
#     make fixture FIXTURE=store-v1
fixture: $O/tests/unit/test_store_fixture
	HILO_FIXTURE=tests/fixtures/$(FIXTURE) $<
	$<

UNIT_RUN := $(UNIT_BIN:%='%')
unit: $(UNIT_BIN)
	$(RUN) $(UNIT_RUN)
# What drives a channel runs twice: on a thread, and in a worker.
TWICE := consent doubt inbound infobip log order pos pos_counter pos_enroll pos_print pos_refused receipts reload retry sms sms_infobip sms_link sms_trouble sms_twilio story whatsapp_account whatsapp_types
# And the demo as it is, and every API example of the README by curl.
BEHAVE_BIN := $(filter $O/tests/behave/%,$(OUTSIDE_BIN))
BEHAVE_RUN := $(BEHAVE_BIN:%='HILO_BUILD=$O %') \
              $(TWICE:%='HILO_ISOLATION=process HILO_BUILD=$O $O/tests/behave/test_%') 'HILO_BUILD=$O sh tests/behave/readme.sh'
behave: all $(BEHAVE_BIN)
	$(RUN) $(BEHAVE_RUN)
HOSTILE_BIN := $(filter $O/tests/hostile/%,$(OUTSIDE_BIN))
HOSTILE_RUN := $(HOSTILE_BIN:%='HILO_BUILD=$O %') 'HILO_ISOLATION=process HILO_BUILD=$O $O/tests/hostile/test_webhook' \
               'HILO_ISOLATION=process HILO_BUILD=$O $O/tests/hostile/test_pos_crowd'
hostile: all $(HOSTILE_BIN)
	$(RUN) $(HOSTILE_RUN)

# A day of the SMS channel in seconds: the plugin's .so in a host of the test's own, the simulated SMSC in the same process.
SMS_TEST_OBJ := $(patsubst %.c,$O/%.o,$(wildcard tests/sms/*.c) $(filter-out %/main.c %/net.c %/tls.c %/control.c,$(wildcard tools/sim/smsc/*.c)))
$O/tests/sms/%.o: tests/sms/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude -Itools/sim/smsc $(PKG_CFLAGS) -c $< -o $@
$O/tests/sms/test_day: $(SMS_TEST_OBJ) | $O/plugins/sms.so
	$(CC) $(LMODE) $(LDFLAGS) $^ $(shell pkg-config --libs libcjson) -ldl -lcmocka -o $@
DAY_RUN := 'HILO_BUILD=$O $O/tests/sms/test_day'
sms-day: all $O/tests/sms/test_day
	$(RUN) $(DAY_RUN)

# Signalling of the voice channel alone, against sipp and kamailio.
UA_TEST_OBJ := $(patsubst %.c,$O/%.o,$(wildcard tests/voice/ua_*.c) $(wildcard plugins/voice/ua*.c))
UA_TEST_BIN := $(patsubst %.c,$O/%,$(wildcard tests/voice/test_ua*.c))
$O/tests/voice/ua_%.o: tests/voice/ua_%.c
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) -c $< -o $@
$(UA_TEST_BIN): $O/tests/%: tests/%.c $(UA_TEST_OBJ)
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) $< $(UA_TEST_OBJ) $(LMODE) $(voice_LIBS) -lcmocka -o $@
UA_RUN := $(UA_TEST_BIN:%='HILO_BUILD=$O %')

# The mailbox of the email channel alone, against Dovecot.
$O/tests/email/test_imap: tests/email/test_imap.c $(IMAP_OBJ:%=$O/%)
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(filter %.c %.o,$^) $(LMODE) $(email_LIBS) -lcmocka -o $@
build/dovecot/complete:
	@sh tests/email/dovecot.sh >/dev/null
EMAIL_IMAP_RUN := 'HILO_BUILD=$O $O/tests/email/test_imap'
email-imap: $O/tests/email/test_imap build/dovecot/complete
	$(RUN) $(EMAIL_IMAP_RUN)

# The command line against a scripted gateway.
CLI_TEST_SRC := $(wildcard tests/cli/test_*.c)
CLI_TEST_BIN := $(CLI_TEST_SRC:%.c=$O/%)
$O/tests/cli/rig.o: tests/cli/rig.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
$(CLI_TEST_BIN): $O/tests/%: tests/%.c $O/tests/cli/rig.o
	@mkdir -p $(@D)
	$(COMPILE) -Itests/cli $(PKG_CFLAGS) $^ $(LMODE) $(shell pkg-config --libs libmicrohttpd libcjson) -lcmocka -lpthread -lutil -o $@
CLI_RUN := $(CLI_TEST_BIN:%='HILO_BUILD=$O %') 'HILO_BUILD=$O sh tests/cli/test_manuals.sh'
cli: all $(CLI_TEST_BIN)
	$(RUN) $(CLI_RUN)

# libhilotill and hilo-till against a gateway of the test's own.
TILL_TEST_BIN := $(patsubst %.c,$O/%,$(wildcard tests/till/test_*.c))
TILL_TEST_OBJ := $(patsubst %.c,$O/%.o,$(filter-out tests/till/test_%,$(wildcard tests/till/*.c)))
$O/tests/till/%.o: tests/till/%.c
	@mkdir -p $(@D)
	$(COMPILE) -Itools/hilotill $(PKG_CFLAGS) -c $< -o $@
$(TILL_TEST_BIN): $O/tests/%: tests/%.c $(TILL_TEST_OBJ) $(HILOTILL_OBJ) $(TILL_PARTS:%=$O/tools/hilo-till/%.o)
	@mkdir -p $(@D)
	$(COMPILE) -Itests/till -Itools/hilotill -Itools/hilo-till $(PKG_CFLAGS) $(filter %.c %.o,$^) $(LMODE) $(HILOTILL_LIBS) -lvterm -lcmocka -lpthread -lutil -o $@
TILL_RUN := $(TILL_TEST_BIN:%='HILO_BUILD=$O %')
till: all $(TILL_TEST_BIN)
	$(RUN) $(TILL_RUN)

# The voice channel and telephones that we did not write: baresip, sipp, Kamailio (unpacked, not installed), tshark.
VOICE_TEST_BIN := $(filter-out $O/tests/voice/test_ua%,$(patsubst %.c,$O/%,$(wildcard tests/voice/test_*.c)))
VOICE_TEST_OBJ := $(patsubst %,$O/tests/voice/%.o,lab peers phone sound rig) $O/tests/behave/harness.o
$(VOICE_TEST_OBJ): COMPILE += -Itests/behave -DHILO_MULTIARCH='"$(shell $(CC) -print-multiarch)"'
$O/tests/voice/%.o: tests/voice/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) -c $< -o $@
# Comparing sounds is slow without it.
$O/tests/voice/sound.o: MODE := $(MODE) -O2
$(VOICE_TEST_BIN): $O/tests/%: tests/%.c $(VOICE_TEST_OBJ)
	@mkdir -p $(@D)
	$(COMPILE) -Itests/behave -Itests/voice $(PKG_CFLAGS) $^ $(LMODE) $(shell pkg-config --libs libcurl libcjson libcrypto) -lcmocka -lpthread -lm -o $@
$(VOICE_TEST_BIN): | all
VOICE_RUN := $(VOICE_TEST_BIN:%='HILO_BUILD=$O %') \
             $(patsubst %,'HILO_ISOLATION=process HILO_BUILD=$O $O/tests/voice/test_%',call call_kill call_out)
build/kamailio/complete:
	@tests/voice/kamailio.sh >/dev/null
voice: all $(VOICE_TEST_BIN) $(UA_TEST_BIN) build/kamailio/complete
	$(RUN_MANY) $(VOICE_RUN) $(UA_RUN)

# 50 kills and 1,000 power cuts in make test; make torture KILLS=5000 STATES=100000 DAYS=100 for a night.
KILLS  ?= 500
STATES ?= 10000
DAYS   ?= 7
# Power is cut from the release build: a gateway starts on each state, and that one in a few milliseconds.
R := build/release-$(notdir $(CC))
TORTURE_RUN = $(POWER_BIN:$O/%='HILO_BUILD=$R HILO_STATES=$(STATES) $R/%') \
              'HILO_BUILD=$O HILO_KILLS=$(KILLS) $O/tests/torture/test_kill'
power-build: all $(filter $O/tests/torture/%,$(OUTSIDE_BIN))
	$(if $(filter release,$(BUILD)),,@$(MAKE) --no-print-directory BUILD=release all $(POWER_BIN:$O/%=$R/%))
torture: power-build $O/tests/sms/test_day
	$(RUN) $(TORTURE_RUN) $(if $(filter-out 0,$(DAYS)),'HILO_BUILD=$O HILO_RUNS=3 HILO_DAYS=$(DAYS) HILO_MESSAGES=20000 $O/tests/sms/test_day' \
	    'HILO_BUILD=$O HILO_CUTS=5000 HILO_OPERATIONS=20000 $O/tests/behave/test_pos_shift')

# Speed, as ratios within one run, release build (tests/bench/README.md).
BENCH_BIN := $(patsubst %.c,$O/%,$(wildcard tests/bench/bench_*.c))
$O/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) $< $(LMODE) $(shell pkg-config --libs libmicrohttpd) -o $@
$O/tests/bench/bench_pos_find $O/tests/bench/bench_pos_idle: $O/tests/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(COMPILE) $(PKG_CFLAGS) $< $(LMODE) $(shell pkg-config --libs libssl libcrypto libcjson) -o $@
$O/tests/bench/bench_voice_load: tests/bench/bench_voice_load.c
	@mkdir -p $(@D)
	$(COMPILE) $< $(LMODE) -lm -o $@
# The media of calls alone, without a gateway around them.
$O/tests/bench/bench_voice_media: tests/bench/bench_voice_media.c $(voice_OBJ)
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) $< $(voice_OBJ) $(LMODE) $(voice_LIBS) -o $@
$O/tests/bench/bench_fill: tests/bench/bench_fill.c $O/libcore.a
	@mkdir -p $(@D)
	$(COMPILE) $(CORE_INC) $(PKG_CFLAGS) $< $O/libcore.a $(LMODE) $(CORE_LIBS) -o $@
bench-build: all $(BENCH_BIN)
bench: deps
	@$(MAKE) --no-print-directory BUILD=release bench-build
	@HILO_BUILD=build/release-$(notdir $(CC)) bash tests/bench/run.sh
# Half an hour, 20 GB of disk: a filled store, a long load, a long restart, process mode.
bench-scale: deps
	@$(MAKE) --no-print-directory BUILD=release bench-build
	@HILO_BUILD=build/release-$(notdir $(CC)) bash tests/bench/scale.sh
# A quarter of an hour: SMS out and in against Kannel, which is fetched and unpacked, not installed.
bench-sms: deps
	@$(MAKE) --no-print-directory BUILD=release bench-build
	@HILO_BUILD=build/release-$(notdir $(CC)) bash tests/bench/sms.sh
# A quarter of an hour, 10 GB of disk: a till's look-up among a million customers, and 10,000 idle tills.
bench-pos: deps
	@$(MAKE) --no-print-directory BUILD=release bench-build
	@HILO_BUILD=build/release-$(notdir $(CC)) bash tests/bench/pos.sh

# Ten minutes: calls by the hundred, sound both ways, with sipp's UAS as the limit.
bench-voice: deps
	@$(MAKE) --no-print-directory BUILD=release bench-build
	@HILO_BUILD=build/release-$(notdir $(CC)) bash tests/bench/voice.sh

# Programs that we did not write judge the simulators and the plugins (npm packages, pinned).
PEERS_RUN := $(patsubst %,'node % $O/sim/hilo-sim-whatsapp',$(wildcard tests/peers/whatsapp*.mjs) tests/peers/events.mjs tests/peers/webhooks.mjs) \
             $(patsubst %,'node % $O/sim/hilo-sim-smsc',$(wildcard tests/peers/smpp*.mjs)) \
             'node tests/peers/twilio.mjs $O/sim/hilo-sim-twilio' \
             'node tests/peers/escpos.mjs $O/tests/peers/slip' 'node tests/peers/email.mjs $O/tests/peers/mail' \
             'node tests/peers/pos-ws.mjs $O/sim/hilo-sim-whatsapp' 'bash tests/peers/pos-shell.sh $O'
$O/tests/peers/slip: tests/peers/slip.c $(pos_OBJ)
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $< $(pos_OBJ) $(LMODE) $(pos_LIBS) -o $@
$O/tests/peers/mail: tests/peers/mail.c $(filter $O/plugins/email/mail% $O/plugins/email/compose% $O/plugins/email/ical% $O/plugins/email/dkim%,$(email_OBJ))
	@mkdir -p $(@D)
	$(COMPILE) -Iinclude $(PKG_CFLAGS) $(filter %.c %.o,$^) $(LMODE) $(email_LIBS) -o $@
peers-deps:
	@[ -d tests/peers/node_modules/mailparser ] || npm ci --ignore-scripts --no-audit --no-fund --prefix tests/peers
peers: all peers-deps $O/tests/peers/slip $O/tests/peers/mail
	$(RUN) $(PEERS_RUN)

# Layers (core/README.md): base < model, loop, conf < store, plug < services < api < main;
# plugins and tools include hilo/ and their own folder; only core/store sees LMDB.
check-layers:
	@sh tools/check-layers.sh

lint: check-layers
	@clang-format-14 --dry-run -Werror $(shell git ls-files '*.c' '*.h' | grep -vE '^(include/|tests/abi/v)')
	mandoc -Tlint -Wwarning tools/man/*.[1578]
	@for t in $$(grep -o 'tests/[a-z]*/test_[a-z_]*\.c' core/README.md | sort -u); do \
	    [ -f $$t ] || { echo "core/README.md names $$t, which is not there"; exit 1; }; done

deps:
	@sh tools/deps.sh

# What a newcomer and CI run: all of it, on a bare machine, in well under 25 minutes.
test: deps
	@$(MAKE) --no-print-directory -j$$(($$(nproc) + 1)) peers-deps build/kamailio/complete build/dovecot/complete test-build
	@$(MAKE) --no-print-directory test-all
test-build: all $(UNIT_BIN) $(OUTSIDE_BIN) $(CLI_TEST_BIN) $(TILL_TEST_BIN) $(VOICE_TEST_BIN) $(UA_TEST_BIN) $O/tests/email/test_imap $(FUZZ_BIN) $O/tests/sms/test_day $O/tests/peers/slip $O/tests/peers/mail power-build
# The long ones first.
test-all: KILLS = 50
test-all: STATES = 1000
test-all: check-layers test-build fuzz-complete peers-deps build/kamailio/complete build/dovecot/complete
	$(RUN_MANY) $(VOICE_RUN) $(UA_RUN) $(TORTURE_RUN) $(EMAIL_IMAP_RUN)
	$(RUN) $(BEHAVE_RUN) $(DAY_RUN) $(HOSTILE_RUN) $(CLI_RUN) $(TILL_RUN) $(PEERS_RUN) $(UNIT_RUN)
	$(RUN_MANY) $(FUZZ_RUN)
	@echo "All tests passed."

demo: deps
	@$(MAKE) --no-print-directory BUILD=release all
	@HILO_BUILD=build/release-$(notdir $(CC)) sh tools/demo.sh

# The gateway with the example configuration, in the foreground, data in build/run.
run: deps
	@$(MAKE) --no-print-directory BUILD=release all
	@sh tools/run.sh build/release-$(notdir $(CC))

install:
	@$(MAKE) --no-print-directory BUILD=release all
	@BUILD_DIR=build/release-$(notdir $(CC)) VERSION=$(VERSION) PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" sh tools/install.sh

help:
	@echo "make              build (BUILD=debug|release, CC=gcc|clang)"
	@echo "make demo         the whole story against a simulator, then stays up for you"
	@echo "make test         every test; installs what it needs (as root or with sudo)"
	@echo "make unit behave hostile cli till voice peers   a part of the tests (tests/README.md)"
	@echo "make run          run the gateway with conf/hilo.yaml, its data in build/run"
	@echo "make install      under PREFIX (/usr/local), below DESTDIR if it is set"
	@echo "make bench        speed, as ratios to peers and to the machine's limits"
	@echo "make bench-scale  the same on a store of 3 million messages, half an hour"
	@echo "make bench-sms    SMS against Kannel, by the same SMSC and the same HTTP load"
	@echo "make bench-pos    a till's look-up among a million customers, and 10,000 idle tills"
	@echo "make bench-voice  calls a second and calls at a time, with sipp as the limit"
	@echo "make torture      kill it KILLS times, cut its power STATES times, and look for losses"
	@echo "make fuzz         fuzz each parser for FUZZ_SECS seconds"
	@echo "make lint         layers, format, manual pages"
	@echo "make deps clean   install the packages that all this needs; remove build/"

clean:
	rm -rf build

-include $(shell find build -name '*.d' -type f 2>/dev/null)
