# cloudblue-connect: `make help` lists the targets.
#
# Everything made goes into $(BUILD). Variables of use on the command line:
#   CC=clang  WERROR=1  BUILD=dir  PREFIX=dir  DESTDIR=dir  SANITIZE=address,undefined  LTO=  LUA=lua5.4

BUILD   ?= build
PREFIX  ?= /usr/local
OPT     ?= -O2 -g
LUA     ?= $(firstword $(foreach l,lua5.4 lua-5.4 lua54 lua,$(shell command -v $(l) 2>/dev/null)) lua5.4)
PARTS   ?= build busted core rock host install

# ---------------------------------------------------------------- what the system offers
pkg = $(shell pkg-config $(1) 2>/dev/null)

LUA_PC := $(firstword $(foreach p,lua5.4 lua-5.4 lua54 lua,\
            $(shell pkg-config --exists '$(p) >= 5.4' 2>/dev/null && echo $(p))))
ifneq ($(LUA_PC),)
LUA_CFLAGS := $(call pkg,--cflags $(LUA_PC))
LUA_LIBS   := $(call pkg,--libs $(LUA_PC))
else
LUA_H      := $(firstword $(wildcard $(foreach d,/usr/include /usr/local/include /opt/homebrew/include,\
                $(d)/lua5.4/lua.h $(d)/lua54/lua.h $(d)/lua/5.4/lua.h $(d)/lua.h)))
LUA_CFLAGS := $(if $(LUA_H),-I$(patsubst %/lua.h,%,$(LUA_H)))
LUA_LIBS   := $(if $(findstring lua5.4,$(LUA_H)),-llua5.4,-llua)
endif

CURL_CFLAGS := $(or $(call pkg,--cflags libcurl),$(shell curl-config --cflags 2>/dev/null))
CURL_LIBS   := $(or $(call pkg,--libs libcurl),$(shell curl-config --libs 2>/dev/null),-lcurl)
CJSON_LIBS  := $(or $(call pkg,--libs lua5.4-cjson),-llua5.4-cjson)

# ---------------------------------------------------------------- how things are compiled
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
WARN     += $(if $(WERROR),-Werror)
SAN      := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
DARWIN   := $(filter Darwin,$(shell uname))
# Calls of libcurl and Lua go straight to them, not through stubs: those are cold after each wait.
CALLS    := $(if $(DARWIN),,-fno-plt)
# The module is optimised as a whole where the compiler can do that in the link (LTO= : not at all): fewer lines of code
# are then touched in each call. The objects hold machine code besides, for the links of tests and hosts, which NO_LTO
# keeps short.
LTO_FLAGS := -flto=1 -flto-partition=one
LTO      = $(eval LTO := $(if $(SANITIZE),,$(shell echo 'int x;' | $(CC) $(LTO_FLAGS) -shared -fPIC -x c -o /dev/null - \
             2>/dev/null && echo '$(LTO_FLAGS)')))$(LTO)
FAT      = $(if $(LTO),$(LTO) -ffat-lto-objects)
NO_LTO   = $(if $(LTO),-fno-lto)
ALL_CFLAGS   = -std=c11 $(OPT) $(CALLS) -fPIC -fvisibility=hidden -pthread $(WARN) $(SAN) $(CFLAGS)
ALL_CPPFLAGS = -D_POSIX_C_SOURCE=200809L -MMD -MP $(CPPFLAGS)
# Lua's headers are a system's: their macros are not ours to warn about.
LUA_INC  := $(patsubst -I%,-isystem %,$(LUA_CFLAGS))
SHARED   := $(if $(DARWIN),-bundle -undefined dynamic_lookup,-shared)
KEEP_LOADED := $(if $(DARWIN),,-Wl,-z,nodelete)

# The core gets no path to Lua's headers: code that slips in an #include <lua.h> does not compile.
core_flags    = $(ALL_CPPFLAGS) -Isrc/core $(CURL_CFLAGS) $(ALL_CFLAGS)
binding_flags = $(ALL_CPPFLAGS) -Isrc/core -Isrc/binding $(LUA_INC) $(ALL_CFLAGS)
test_flags    = $(ALL_CPPFLAGS) -Isrc/core -Ispec/core $(CURL_CFLAGS) $(ALL_CFLAGS)
host_flags    = $(binding_flags)

objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_OBJ    := $(call objs,$(wildcard src/core/*.c))
BINDING_OBJ := $(call objs,$(wildcard src/binding/*.c))
MODULE      := $(BUILD)/lib/cloudblue/connect/core.so

CORE_TEST_SRC := $(wildcard spec/core/*_test.c)
CORE_TESTS    := $(patsubst spec/core/%.c,$(BUILD)/spec/core/%,$(CORE_TEST_SRC))
CORE_TEST_OBJ := $(call objs,$(filter-out $(CORE_TEST_SRC),$(wildcard spec/core/*.c)))
SPEC_MODULES  := $(patsubst spec/support/%.c,$(BUILD)/spec/%.so,$(wildcard spec/support/*.c))
FUZZ_SRC      := $(wildcard spec/fuzz/*_fuzz.c)
FUZZERS       := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
HOST_SRC      := $(wildcard examples/host*.c)
HOSTS         := $(patsubst %.c,$(BUILD)/%,$(HOST_SRC))

# ---------------------------------------------------------------- building
.PHONY: all help core-tests fuzzers hosts FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(MODULE)  ## build the module into build/ (the default)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { gsub(/[$$]+/, "$$", $$2); printf "  make %-11s %s\n", $$1, $$2 }' Makefile

$(MODULE): $(BINDING_OBJ) $(CORE_OBJ) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(ALL_CFLAGS) $(LTO) $(LDFLAGS) -o $@ $(BINDING_OBJ) $(CORE_OBJ) $(CURL_LIBS) -lm

$(BUILD)/keep-loaded.so: tools/keep-loaded.c
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -o $@ $<

$(BUILD)/obj/src/core/%.o: src/core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(core_flags) $(FAT) -c -o $@ $<

$(BUILD)/obj/src/binding/%.o: src/binding/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(binding_flags) $(FAT) -c -o $@ $<

$(BUILD)/obj/spec/core/%.o: spec/core/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(test_flags) -c -o $@ $<

$(BUILD)/obj/spec/fuzz/%.o: spec/fuzz/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(binding_flags) $(CURL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/examples/%.o: examples/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(host_flags) -c -o $@ $<

$(BUILD)/spec/core/%: $(BUILD)/obj/spec/core/%.o $(CORE_TEST_OBJ) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $^ -lcmocka $(CURL_LIBS) -lm

# The Lua modules in C that the specs use. They stay loaded: a client may be collected after them.
$(BUILD)/spec/%.so: spec/support/%.c $(BUILD)/obj/src/core/cbc_env.o $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(binding_flags) $(CURL_CFLAGS) $(NO_LTO) $(LDFLAGS) $(KEEP_LOADED) -o $@ $< \
	  $(BUILD)/obj/src/core/cbc_env.o $(CURL_LIBS)

# A host links the whole module statically, and lua-cjson's library beside it.
$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(BINDING_OBJ) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $^ $(CJSON_LIBS) $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

# A fuzz target has libFuzzer's main (LIBFUZZER=1, with clang), or that of corpus.c.
$(BUILD)/spec/fuzz/%: $(BUILD)/obj/spec/fuzz/%.o $(if $(LIBFUZZER),,$(BUILD)/obj/spec/fuzz/corpus.o) \
                      $(BINDING_OBJ) $(CORE_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(NO_LTO) $(if $(LIBFUZZER),-fsanitize=fuzzer) $(LDFLAGS) -o $@ $^ \
	  $(CJSON_LIBS) $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

# Rewritten only when the compiler or its flags change, so that objects never mix two settings.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(core_flags) $(FAT) $(LUA_INC) $(LDFLAGS) $(CURL_LIBS)' | cmp -s - $@ || \
	  echo '$(CC) $(core_flags) $(FAT) $(LUA_INC) $(LDFLAGS) $(CURL_LIBS)' > $@

core-tests: $(CORE_TESTS) $(SPEC_MODULES)  ## build the C tests of the core
fuzzers: $(FUZZERS)  ## build the fuzz targets (LIBFUZZER=1 CC=clang SANITIZE=... for libFuzzer)
hosts: $(HOSTS)  ## build the host programs that embed the module

-include $(wildcard $(BUILD)/obj/*/*/*.d $(BUILD)/obj/*/*.d $(BUILD)/spec/*.d)

# ---------------------------------------------------------------- the two commands, and the rest
.PHONY: demo run-demo test lint format env bench memcheck tsan torture mutants deps deps-ci install install-client install-sandbox install-command uninstall clean
TOOL = BUILD='$(BUILD)' LUA='$(LUA)' MAKE='$(MAKE)' CC='$(CC)' WERROR='$(WERROR)' sh

# The packages may only now be there, so what the system offers is asked again by a second make.
demo:  ## install what is missing, build, and close records against a local Connect
	@sh tools/deps.sh demo
	@$(MAKE) -s --no-print-directory run-demo

run-demo: all
	@$(TOOL) tools/with-env.sh $(LUA) examples/demo.lua

test:  ## install what is missing, build, and run every test (PARTS="busted core" for some)
	@sh tools/deps.sh demo test
	@$(TOOL) tools/test.sh $(PARTS)

lint:  ## luacheck, clang-tidy, cppcheck and the format of the C files
	@sh tools/deps.sh demo lint
	@$(TOOL) tools/test.sh lint

format:  ## lay the C files out as .clang-format says
	clang-format -i $(wildcard src/*/*.[ch] spec/core/*.[ch] spec/fuzz/*.[ch] spec/support/*.c examples/*.c bench/*.[ch] bench/*/*.c)

print-%:
	@echo '$($*)'

env:  ## print the exports a shell needs for the built tree: eval "$$(make -s env)"
	@$(TOOL) tools/env.sh

bench:  ## measure against bare libcurl and other clients (ROWS="close" for some)
	@sh tools/deps.sh demo bench
	@$(MAKE) -s --no-print-directory all hosts
	@$(TOOL) bench/run.sh $(ROWS)

memcheck:  ## the specs that run C under valgrind, under ASan and UBSan, and with an aggressive collector
	@sh tools/deps.sh demo test memcheck
	@HASTY=all LIMIT=7200 $(TOOL) tools/test.sh valgrind sanitizers hasty

tsan:  ## the hosts with threads under TSan
	@sh tools/deps.sh demo test memcheck
	@$(TOOL) tools/test.sh threads

torture:  ## the long tests of spec/torture, and the fuzz targets for a minute each
	@sh tools/deps.sh demo test torture
	@$(TOOL) tools/test.sh torture

mutants:  ## change the sources at random and see whether the tests notice (MUTANTS=100 SEED=n FILES=pattern)
	@sh tools/deps.sh demo test
	@$(TOOL) -c 'exec "$$LUA" tools/mutants.lua'

deps:  ## install every package that any target needs
	@sh tools/deps.sh demo test lint memcheck torture bench

deps-ci:
	@sh tools/deps.sh demo test lint

WHERE = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LUADIR='$(LUADIR)' LIBDIR='$(LIBDIR)'

install: all  ## install below PREFIX (and DESTDIR)
	@$(WHERE) $(TOOL) tools/install.sh install

uninstall:  ## remove what install put there
	@$(WHERE) $(TOOL) tools/install.sh uninstall

# What the rockspecs ask for: LuaRocks says where, and installs the command itself.
install-client: all
	@$(WHERE) $(TOOL) tools/install.sh client

install-sandbox:
	@$(WHERE) $(TOOL) tools/install.sh sandbox

install-command:
	@$(WHERE) $(TOOL) tools/install.sh command

clean:  ## remove build/
	rm -rf '$(BUILD)'
