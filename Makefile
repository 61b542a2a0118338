# Khabardar.  make all | check | demo | lint | bench | fuzz | sim | install | clean
# V=1 shows commands, SAN=address,undefined builds with sanitizers in a folder of its own, CC=clang works.
CC = gcc
PREFIX = /usr/local
DESTDIR =
SAN =
OPT = -O2 -g
BUILD = build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),/clang)
comma = ,
Q = $(if $(V),,@)

PKGS = libzmq libczmq libsodium lmdb libzstd libcjson libidn2
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDEN = -fPIE -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CFLAGS += -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) \
	-I. $(EXTRA_CFLAGS) $(shell pkg-config --cflags $(PKGS))
LDFLAGS += -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))
# Each layer links the libraries it may use and no others: the linker enforces what style cannot.
LIBS_protocol = $(shell pkg-config --libs libczmq libsodium libzstd libcjson libidn2) -lunistring -lm
LIBS_keys = $(LIBS_protocol)
LIBS_node = $(shell pkg-config --libs libczmq libzmq lmdb) $(LIBS_keys) -lpthread

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
PROTOCOL = $(BUILD)/libprotocol.a
KEYS = $(BUILD)/libkeys.a
NODE = $(BUILD)/libnode.a
PROGRAMS = $(BUILD)/khabardar $(BUILD)/khabar

MAINS = node/main.c node/khabar.c
NODE_SOURCES = $(filter-out $(MAINS),$(wildcard node/*.c node/format/*.c node/gateway/*.c))
TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/protocol/t_*.c tests/keys/t_*.c tests/node/t_*.c tests/sim/t_*.c))

all: $(PROGRAMS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<")
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(PROTOCOL): $(call objects,$(wildcard protocol/*.c))
$(KEYS): $(call objects,$(wildcard keys/*.c))
$(NODE): $(call objects,$(NODE_SOURCES))
%.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/khabardar: $(BUILD)/node/main.o $(NODE) $(KEYS) $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_node)
$(BUILD)/khabar: $(BUILD)/node/khabar.o $(call objects,$(wildcard node/cmd/*.c)) $(NODE) $(KEYS) $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_node)

# A layer's tests link that layer and those below it.
$(BUILD)/tests/protocol/%: $(BUILD)/tests/protocol/%.o $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_protocol)
$(BUILD)/tests/keys/%: $(BUILD)/tests/keys/%.o $(KEYS) $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_keys)
$(BUILD)/tests/sim/%: $(BUILD)/tests/sim/%.o $(call objects,$(filter-out tests/sim/t_%,$(wildcard tests/sim/*.c))) $(KEYS) $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_keys)
$(BUILD)/tests/node/%: $(BUILD)/tests/node/%.o $(NODE) $(KEYS) $(PROTOCOL)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_node)

tests: $(TESTS)

check: all tests lint
	BUILD=$(BUILD) prove --timer $(sort $(TESTS)) $(wildcard tests/e2e/*.t)

demo: all
	BUILD=$(BUILD) scripts/demo --built

clean:
	rm -rf build

.PHONY: all tests check demo lint clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
