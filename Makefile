# Khabardar.  make all | check | demo | lint | bench | fuzz | sim | install | deb | clean
#
#   make V=1                        shows the commands
#   make CC=clang                   builds in build/clang
#   make SAN=address,undefined ...  builds in build/san-address-undefined
#   make check                      everything that must hold; make lint is its part that runs nothing
#   make fuzz TIME=60               so many seconds a target, with clang; FUZZERS="post card": these
#   make fuzz-keep                  what that has found goes into tests/fuzz/found
#   make fuzz-afl TIME=60           the same targets under AFL++; scripts/deps afl++
#   make coverage                   how much of protocol/ and keys/ the corpus of the fuzzers reaches
#   make check SAN=thread           the same under the sanitizer for threads
#   make resume SAN=thread          its tests, but for those that these programs have passed
#   make analyze                    gcc -fanalyzer, clang-tidy, cppcheck
#   make valgrind                   tests and daemons; scripts/deps clang-tidy llvm valgrind
#   make faults                     every single call that can fail, failing; make check: some
#   make storm TIME=600 SEED=1      thirteen nodes killed at random; then nothing may be missing
#   make attack                     how long others wait while a node is attacked; TIME each
#   make damage                     every file of a home, damaged in every way; ONLY="node.key log"
#   make steady TIME=600 SEED=1     the end-to-end tests while the daemons are held at random
#   make net                        lines that are far, lossy, narrow, one way only, parted for long
#   make exports VALUES=1000000     memory of every exporter with so many values; FILES="LIST...": those
#   make bench                      how fast, beside the limits; BIG=1: ten million
#   make scale NODES=1000           a day of a federation of so many nodes, simulated
#   make sim SEEDS=1000 FROM=1      so many runs of the simulator
#   make deb                        a package for Debian in build/deb
#   make deb-check                  the same on a bare system: installed, upgraded, purged; as root
CC = gcc
PREFIX = /usr/local
UNITS = $(PREFIX)/lib/systemd/system
DESTDIR =
SAN =
V =
TIME = 20
SEEDS = 1000
FROM = 1
NODES = 1000
HOURS = 24
SEED = 1
OPT = -O2 -g
comma = ,
BUILD = build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))$(if $(filter clang%,$(CC)),/clang)
Q = $(if $(V),,@)
say = @$(if $(V),true,echo "  $(1)	$(2)")

# Each layer links the libraries it may use and no others: the linker enforces what style cannot.
libs = $(shell pkg-config --libs $(1))
PKGS = libsodium libzstd libcjson libczmq libidn2 libzmq lmdb zlib
LIBS_protocol := $(call libs,libsodium libzstd libcjson libczmq libidn2) -lunistring -lm
LIBS_keys := $(LIBS_protocol)
LIBS_node := $(LIBS_protocol) $(call libs,libzmq lmdb) -lpthread
LIBS_khabar := $(LIBS_node) $(call libs,zlib)

# gcc takes what the sanitizers insert for conversions of ours.
WARN = -Wall -Wextra -Wpedantic $(if $(SAN),,-Wconversion) -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)),-fcf-protection) \
	$(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANITIZE = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -I. $(OPT) $(WARN) $(HARDEN) $(SANITIZE) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
link = $(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(1)
PROTOCOL = $(BUILD)/libprotocol.a
KEYS = $(BUILD)/libkeys.a $(PROTOCOL)
NODE = $(BUILD)/libnode.a $(KEYS)
MAINS = node/main.c node/khabar.c
NODE_FOLDERS = node node/store node/link node/admin node/duty node/format node/detect
NODE_SOURCES = $(filter-out $(MAINS),$(foreach d,$(NODE_FOLDERS),$(wildcard $(d)/*.c)))
PROGRAMS = $(if $(wildcard node/main.c),$(BUILD)/khabardar) $(if $(wildcard node/khabar.c),$(BUILD)/khabar)
C_FILES = $(foreach d,protocol keys $(NODE_FOLDERS) node/cmd tests tests/protocol \
	tests/keys tests/node tests/sim tests/fault tests/fuzz tests/bench tests/e2e tests/e2e/attack,$(wildcard $(d)/*.[ch]))
SHELL_FILES = $(shell grep -lsE '^\#!.*[ /](ba)?sh' scripts/* .ci/run tests/*.sh tests/fuzz/keep tests/e2e/* tests/storm/*.t tests/mutants/*.t)
# t_*.c are tests; other C files beside them are linked to every test of their folder.
TESTS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/t_*.c tests/fuzz/fuzz_*.c))
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
helpers = $(call objects,$(filter-out tests/$(1)/t_%,$(wildcard tests/$(1)/*.c)))

all: $(PROGRAMS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/libprotocol.a: $(call objects,$(wildcard protocol/*.c))
$(BUILD)/libkeys.a: $(call objects,$(wildcard keys/*.c))
$(BUILD)/libnode.a: $(call objects,$(NODE_SOURCES))
$(BUILD)/lib%.a:
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/khabardar: $(BUILD)/node/main.o $(NODE)
	$(call link,$(LIBS_node))
$(BUILD)/khabar: $(BUILD)/node/khabar.o $(call objects,$(wildcard node/cmd/*.c)) $(NODE)
	$(call link,$(LIBS_khabar))

$(BUILD)/tests/protocol/%: $(BUILD)/tests/protocol/%.o $(call helpers,protocol) $(PROTOCOL)
	$(call link,$(LIBS_protocol))
$(BUILD)/tests/keys/%: $(BUILD)/tests/keys/%.o $(call helpers,keys) $(KEYS)
	$(call link,$(LIBS_keys))
# Most runs of the simulator put something quick in the place of these (tests/sim/world_keys.c).
REPLACED = crypto_sign_detached crypto_sign_verify_detached crypto_core_ed25519_is_valid_point \
	crypto_scalarmult
$(BUILD)/tests/sim/%: $(BUILD)/tests/sim/%.o $(call helpers,sim) $(KEYS)
	$(call link,$(REPLACED:%=-Wl$(comma)--wrap=%) $(LIBS_keys))
$(BUILD)/tests/node/%: $(BUILD)/tests/node/%.o $(call helpers,node) $(NODE)
	$(call link,$(LIBS_node))
# The product with what it calls, LMDB and zstd included, in the hands of tests/fault/fault.c.
FAULTY = $(patsubst %,$(BUILD)/tests/fault/lib%.a,node keys protocol lmdb zstd)
$(BUILD)/tests/fault/%: $(BUILD)/tests/fault/%.o $(BUILD)/tests/fault/fault.o \
		$(filter %/memory_store.o %/memory_store_fate.o,$(call helpers,sim)) $(FAULTY)
	$(call link,$(LIBS_node))
faulty = $(Q)mkdir -p $(@D) && objcopy $(patsubst %,--redefine-syms=%,$(filter-out %.a,$^)) \
	$(filter %.a,$^) $@
$(FAULTY): tests/fault/replaced
$(BUILD)/tests/fault/lib%.a: $(BUILD)/lib%.a tests/fault/replaced-store
	$(faulty)
$(BUILD)/tests/fault/liblmdb.a $(BUILD)/tests/fault/libzstd.a: $(BUILD)/tests/fault/%.a:
	$(Q)mkdir -p $(@D) && objcopy --redefine-syms=$< $$($(CC) -print-file-name=$*.a) $@
# The same source is a fuzz target (libFuzzer has the main) and a test that replays its corpus.
$(foreach t,exchange pair,$(BUILD)/tests/fuzz/fuzz_$(t) $(BUILD)/fuzz/$(t)): \
	$(filter %/memory_store.o %/memory_store_fate.o,$(call helpers,sim))
$(BUILD)/tests/fuzz/fuzz_world $(BUILD)/fuzz/world: $(call helpers,sim)
$(BUILD)/tests/fuzz/fuzz_world $(BUILD)/fuzz/world: LIBS_node += $(REPLACED:%=-Wl$(comma)--wrap=%)
$(BUILD)/tests/fuzz/fuzz_reply $(BUILD)/fuzz/reply: $(call objects,$(wildcard node/cmd/*.c))
$(BUILD)/tests/fuzz/fuzz_reply $(BUILD)/fuzz/reply: \
	LIBS_node = $(LIBS_khabar) -Wl,--wrap=ask -Wl,--wrap=ask_open -Wl,--wrap=ask_close
$(BUILD)/tests/fuzz/fuzz_duty $(BUILD)/fuzz/duty: LIBS_node += -Wl,--wrap=duties_run -Wl,--wrap=say
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(NODE)
	$(call link,$(LIBS_node))
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/fuzz_%.o $(NODE)
	$(call link,$(LIBS_node))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(call objects,$(wildcard tests/bench/limit*.c tests/bench/peer.c)) $(NODE)
	$(call link,$(LIBS_node))
$(BUILD)/tests/bench/scale: $(BUILD)/tests/bench/scale.o $(call helpers,sim) $(KEYS)
	$(call link,$(LIBS_keys))
# Helpers of the end-to-end tests: programs, and libraries to preload, into any program: without
# sanitizers.
$(BUILD)/tests/e2e/%: $(BUILD)/tests/e2e/%.o $(NODE)
	$(call link,$(LIBS_node))
$(BUILD)/tests/e2e/attacker: $(call objects,$(wildcard tests/e2e/attack/*.c))
$(BUILD)/%.so: %.c tests/e2e/shim/real.h Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fPIE $(SANITIZE),$(CFLAGS_ALL)) -fPIC -shared -o $@ $< -ldl -lpthread

# The simulator with one patch to the sources: only what the patch touches is compiled again.
$(BUILD)/mutants/%/t_seeds: tests/mutants/%.patch $(BUILD)/tests/sim/t_seeds.o \
		$(call helpers,sim) $(KEYS)
	$(Q)rm -rf $(@D) && mkdir -p $(@D)
	$(Q)cp --parents $$(sed -n 's|^+++ b/||p' $<) $(@D)
	$(Q)patch --quiet -d $(@D) -p1 <$< || \
		{ echo "$< no longer applies: make its mistake in the sources of today"; exit 1; }
	$(Q)for c in $$(cd $(@D) && find . -name '*.c'); do \
		$(CC) $(CFLAGS_ALL) -w -O1 -c $(@D)/$$c -o $(@D)/$$c.o || exit 1; \
	done
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $$(find $(@D) -name '*.o') $(filter %.o %.a,$^) \
		$(REPLACED:%=-Wl$(comma)--wrap=%) $(LIBS_keys)

tests: $(TESTS) $(patsubst %.c,$(BUILD)/%,$(wildcard tests/e2e/*.c)) \
	$(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/e2e/shim/*.c))

# What takes hours can be interrupted: what passed is not run again while its files are the same.
once = $(Q)mkdir -p $(@D) && sha256sum $(1) >$@.new && \
	{ cmp -s $@.new $@ || { $(2); } && mv $@.new $@; }

# Suppressed: what libraries do that were built without the sanitizer for threads: it sees half of it.
check resume: export TSAN_OPTIONS ?= ignore_noninstrumented_modules=1
# Programs two at a time, for they test the same however long it takes; then scripts, each of which
# has the machine to itself.
check: all tests lint
	prove --timer -j2 $(sort $(CHECKED))
	BUILD=$(BUILD) prove --timer $(sort $(SCRIPTS))

# Of programs that have no threads the sanitizer for threads has nothing to say; and that mutants are
# caught is proven without any sanitizer.
THREADLESS = $(if $(findstring thread,$(SAN)),$(filter-out %/fuzz_admin %/fuzz_clients %/fuzz_duty, \
	$(filter $(foreach d,protocol sim fault fuzz,$(BUILD)/tests/$(d)/%),$(TESTS))))
CHECKED = $(filter-out $(THREADLESS),$(TESTS))
SCRIPTS = $(wildcard tests/e2e/*.t) $(if $(SAN),,$(wildcard tests/mutants/*.t))
resume: $(CHECKED:$(BUILD)/%=$(BUILD)/passed/%) $(SCRIPTS:%=$(BUILD)/passed/%)
$(BUILD)/passed/%.t: %.t all tests
	$(call once,$(PROGRAMS) tests/tap.sh $<,BUILD=$(BUILD) prove --timer $<)
$(BUILD)/passed/%: $(BUILD)/% all tests
	$(call once,$<,prove --timer $<)

# Suppressed: uninitialized variables, for it does not see that a function fills what it is given;
# compilers, sanitizers and valgrind do.
CPPCHECK = --library=tests/cppcheck.cfg --suppress=uninitvar --suppress=ctuuninitvar
lint:
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	scripts/check-layers
	scripts/check-spec
	@mkdir -p build/cppcheck
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 -I. -j2 $(CPPCHECK) \
		--cppcheck-build-dir=build/cppcheck --enable=warning,performance,portability \
		$(filter %.c,$(C_FILES))
	$(Q)shellcheck -x $(SHELL_FILES)

sim: $(BUILD)/tests/sim/t_seeds
	$(Q)SEEDS=$(SEEDS) FROM=$(FROM) $<

storm: all $(BUILD)/tests/e2e/shim/shadow.so
	BUILD=$(BUILD) TIME=$(TIME) SEED=$(SEED) prove -v tests/storm/storm.t

attack: all $(BUILD)/tests/e2e/attacker $(BUILD)/tests/e2e/outsider
	BUILD=$(BUILD) TIME=$(TIME) ATTACKS="$(ATTACKS)" prove -v tests/storm/attack.t

damage: all $(BUILD)/tests/e2e/spoil
	BUILD=$(BUILD) LONG=1 ONLY="$(ONLY)" prove -v --timer tests/storm/damage.t tests/e2e/values.t

steady: all tests
	BUILD=$(BUILD) TIME=$(TIME) SEED=$(SEED) prove -v tests/storm/steady.t

exports: all
	BUILD=$(BUILD) FILES="$(FILES)" VALUES=$(VALUES) prove -v tests/storm/exports.t

net: all $(BUILD)/tests/e2e/wire $(BUILD)/tests/e2e/teller
	BUILD=$(BUILD) LONG=1 prove -v --timer tests/e2e/net.t tests/storm/wire.t

faults: all $(BUILD)/tests/e2e/shim/calls.so $(BUILD)/tests/e2e/shim/memory.so $(filter $(BUILD)/tests/fault/%,$(TESTS))
	EVERY=1 prove --timer $(filter $(BUILD)/tests/fault/%,$^)
	BUILD=$(BUILD) LONG=1 prove --timer tests/e2e/calls.t tests/e2e/starved.t

bench: all $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
	@rm -f build/bench.jsonl
	$(Q)for bench in $(filter $(BUILD)/tests/bench/%,$^); do \
		PATH=$(CURDIR)/build/peers:$$PATH $$bench build/bench.jsonl || exit 1; \
	done

scale: $(BUILD)/tests/bench/scale
	$(Q)NODES=$(NODES) HOURS=$(HOURS) SEED=$(SEED) $<

# What reads the sources without running them; one line a file that is new or has changed.
ANALYZED = $(filter-out tests/%,$(filter %.c,$(C_FILES)))
# Suppressed: gcc 12 takes what a growing array holds for leaked; the other tools look for leaks.
GCC_ANALYZER = -fanalyzer -Wno-analyzer-malloc-leak
analyze: $(ANALYZED:%.c=build/analyze/%.gcc) $(ANALYZED:%.c=build/analyze/%.tidy) lint
build/analyze/%.gcc: %.c
	@mkdir -p $(@D)
	$(call say,ANALYZE,$<)
	$(Q)gcc $(CFLAGS_ALL) $(GCC_ANALYZER) -Werror -MMD -MP -MF $@.d -MT $@ -c $< -o $@.o
	@rm $@.o && touch $@
build/analyze/%.tidy: %.c build/analyze/%.gcc .clang-tidy
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- -std=c11 -D_GNU_SOURCE -I. $(PKG_CFLAGS) 2>/dev/null
	@touch $@

# Real daemons first; commands, which begin anew so often, in what reads and writes files.  A corpus
# is only whole, and seeds and kills are fewer: at a thirtieth of the speed.
VALGRIND = valgrind --quiet --fair-sched=yes --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite --show-leak-kinds=definite
# Unfit: what bounds or measures memory, descriptors and the sandbox, of which valgrind has its part,
# and what has calls fail that are its own too; so are tests of failing allocations, which ask glibc
# what is left of them.
UNFIT = calls descriptors hostile hostile-more quota sandbox starved
VALGRIND_TESTS = $(filter-out $(BUILD)/tests/fault/%,$(TESTS))
VALGRIND_SCRIPTS = $(filter-out $(UNFIT:%=tests/e2e/%.t),$(wildcard tests/e2e/*.t))
valgrind: $(VALGRIND_SCRIPTS:%=$(BUILD)/valgrind/%) $(VALGRIND_TESTS:$(BUILD)/%=$(BUILD)/valgrind/%)
$(patsubst %,$(BUILD)/valgrind/tests/e2e/%.t,commands export folder imports init misp topology): \
	export COMMANDS = 1
$(BUILD)/valgrind/%.t: %.t all tests
	$(call once,$(PROGRAMS) tests/tap.sh $<,BUILD=$(BUILD) VALGRIND='$(VALGRIND)' \
		tests/e2e/under-valgrind $<)
$(BUILD)/valgrind/%: $(BUILD)/% all tests
	$(call once,$<,WHOLE=1 FROM=1 SEEDS=5 KILLS=20 prove --timer --exec '$(VALGRIND)' $<)

# Where a fuzzer begins: the corpus, and what was found before (an archive a target).
begin = mkdir -p build/corpus/$(1) && if [ -f tests/fuzz/found/$(1).a ]; then \
	cd build/corpus/$(1) && ar x $(CURDIR)/tests/fuzz/found/$(1).a && cd $(CURDIR); fi
fuzz fuzz-keep:
	+$(Q)$(MAKE) CC=clang SAN=fuzzer,address,undefined $@-run
fuzz-run: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)for target in $(FUZZERS); do \
		$(call begin,$$target); \
		printf '  FUZZ	%s: ' $$target; \
		$(BUILD)/fuzz/$$target -max_total_time=$(TIME) -max_len=8192 -timeout=30 -print_final_stats=1 \
			-artifact_prefix=build/corpus/$$target- build/corpus/$$target \
			tests/fuzz/corpus/$$target >build/corpus/$$target.log 2>&1 || \
			{ tail -40 build/corpus/$$target.log; exit 1; }; \
		sed -n 's/^stat::number_of_executed_units: *\(.*\)/\1 runs/p' \
			build/corpus/$$target.log; \
	done
fuzz-keep-run: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)for target in $(FUZZERS); do \
		$(call begin,$$target); \
		tests/fuzz/keep $$target $(BUILD)/fuzz/$$target || exit 1; \
	done

# The same targets under AFL++ (scripts/deps afl++).
AFL = AFL_QUIET=1 AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 \
	AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
fuzz-afl:
	+$(Q)AFL_QUIET=1 $(MAKE) CC=afl-clang-fast SAN=fuzzer BUILD=build/afl fuzz-afl-run
fuzz-afl-run: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)for target in $(FUZZERS); do \
		mkdir -p $(BUILD)/out && rm -rf $(BUILD)/out/$$target; \
		printf '  AFL	%s: ' $$target; \
		$(AFL) afl-fuzz -V $(TIME) -t 5000+ -m none -i tests/fuzz/corpus/$$target \
			-o $(BUILD)/out/$$target -- $(BUILD)/fuzz/$$target >$(BUILD)/out/$$target.log 2>&1 || \
			{ tail -20 $(BUILD)/out/$$target.log; exit 1; }; \
		awk -F' *: *' '{ v[$$1] = $$2 } END { print v["execs_done"] " runs, " \
			v["corpus_found"] " paths found, " v["saved_crashes"] " crashes"; \
			exit v["saved_crashes"] > 0 }' $(BUILD)/out/$$target/default/fuzzer_stats || exit 1; \
	done

# How much of protocol/ and keys/ the corpus reaches, without what a fuzzer would add.
coverage:
	+$(Q)$(MAKE) CC=clang BUILD=build/coverage LDFLAGS=-fprofile-instr-generate \
		CFLAGS='-fprofile-instr-generate -fcoverage-mapping' coverage-run
coverage-run: $(FUZZERS:%=$(BUILD)/tests/fuzz/fuzz_%)
	$(Q)for target in $(FUZZERS); do \
		WHOLE=1 LLVM_PROFILE_FILE=$(BUILD)/$$target.profraw $(BUILD)/tests/fuzz/fuzz_$$target \
			>/dev/null || exit 1; \
	done
	$(Q)llvm-profdata merge -o $(BUILD)/all.profdata $(FUZZERS:%=$(BUILD)/%.profraw)
	$(Q)for layer in protocol keys; do \
		llvm-cov report -use-color=0 -instr-profile=$(BUILD)/all.profdata $(firstword $^) \
			$(patsubst %,-object %,$(wordlist 2,999,$^)) $$layer | \
			awk '/^Filename/ { print $$1, $$2, "Functions", "Lines" } \
			/\.c / { print $$1, $$4, $$7, $$10 } \
			/^TOTAL/ { print "'$$layer'/", $$4, $$7, $$10 }' | column -t; \
	done

demo: all
	BUILD=$(BUILD) scripts/demo --built

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	for page in $(wildcard node/man/*.[1-8]); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	install -d $(DESTDIR)$(UNITS) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	sed 's|/usr/local/bin|$(PREFIX)/bin|' node/systemd/khabardar.service \
		>$(DESTDIR)$(UNITS)/khabardar.service
	$(BUILD)/khabar help --bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/khabar
	chmod 644 $(DESTDIR)$(UNITS)/khabardar.service \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/khabar

# The package is made from a copy: its folder debian/ is not one of the top level.
deb:
	scripts/deps dpkg-dev debhelper lintian
	rm -rf build/deb
	install -d build/deb/khabardar
	cp -a keys node protocol Makefile LICENSE README.md SPEC.md build/deb/khabardar
	install -d build/deb/khabardar/scripts
	cp -a scripts/debian scripts/federation.zpl build/deb/khabardar/scripts
	cp -a scripts/debian build/deb/khabardar/debian
	cd build/deb/khabardar && dpkg-buildpackage --unsigned-source --unsigned-changes --build=binary
	lintian --fail-on error,warning build/deb/*.changes

deb-check: all deb
	scripts/deps debootstrap minisign
	BUILD=$(BUILD) prove -v tests/storm/package.t

clean:
	rm -rf build

.PHONY: all tests check lint sim storm attack damage steady exports net faults bench scale fuzz fuzz-run demo install deb deb-check clean
.PHONY: analyze valgrind resume coverage coverage-run fuzz-keep fuzz-keep-run fuzz-afl fuzz-afl-run
.SECONDARY:
-include $(shell find $(BUILD) -path 'build/deb*' -prune -o -name '*.d' -print 2>/dev/null)
