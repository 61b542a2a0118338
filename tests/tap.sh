# shellcheck shell=bash
# TAP for end-to-end tests that `prove` runs from the project's root; each test file sources this.
# Whatever federation a test makes under $work is ended and removed with it, however the test ends;
# KEEP=FOLDER keeps what its nodes have logged, when it has failed.
set -u

top=$PWD
bin=$top/${BUILD:-build}
work=$(mktemp -d -t khabardar.XXXXXX) || exit 1
count=0
failed=0
lab=$work/lab
# What a test preloads comes before the sanitizer, which would end the program for that.
export ASAN_OPTIONS=verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

# What a sanitizer reports without ending the daemon is in its log.  Leaks are not looked for there:
# libzmq 4.3.4 loses a message that is on its way when the other end goes.
reports() {
	sanitized || return
	find "$work" -name log.txt -exec grep -aE -A 12 'WARNING: ThreadSanitizer: |ERROR: AddressSanitizer: |runtime error: ' {} +
}

clean_up() {
	local made found
	for made in "$work"/*/.lab; do
		[ ! -d "$made" ] || scripts/lab down "${made%/.lab}" >/dev/null 2>&1
	done
	found=$(reports)
	[ -z "$found" ] || failed=$((failed + 1))
	if [ "$failed" -gt 0 ] && [ -n "${KEEP:-}" ]; then
		mkdir -p "$KEEP" && (cd "$work" && cp --parents ./*/*/log.txt "$KEEP")
	fi
	rm -rf "$work"
	[ -n "$found" ] || return 0
	diag "a sanitizer has found something:" "$found"
	exit 1
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP PIPE

diag() { printf '%s\n' "$@" | head -n 20 | sed 's/^/# /'; }

# result CODE SENTENCE [WORDS...]: the words are shown when the code is not 0.
result() {
	count=$((count + 1))
	[ "$1" -eq 0 ] && echo "ok $count - $2" && return 0
	echo "not ok $count - $2"
	failed=$((failed + 1))
	diag "${@:3}"
	return 1
}

# ok SENTENCE COMMAND...: it succeeds.  What it prints is in $out.
ok() {
	local code
	"${@:2}" >"$work/.out" 2>&1 </dev/null
	code=$?
	out=$(tr -d '\0' <"$work/.out")
	result "$code" "$1" "exit $code: ${*:2}" "$out"
}

# is SENTENCE GOT WANTED
is() {
	[ "$2" = "$3" ]
	result $? "$1" "got    $2" "wanted $3"
}

# like SENTENCE TEXT PATTERN: extended regular expression.
like() {
	grep -qE -e "$3" <<<"$2"
	result $? "$1" "nothing like $3 in:" "$2"
}

# exits CODE SENTENCE PATTERN COMMAND...: it ends with that code, and says so in words.
exits() {
	local code
	"${@:4}" >"$work/.out" 2>&1 </dev/null
	code=$?
	out=$(tr -d '\0' <"$work/.out")
	[ "$code" -eq "$1" ] && grep -qE -e "$3" <<<"$out"
	result $? "$2" "exit $code, wanted $1 with words like: $3" "$out"
}

# within SECONDS SENTENCE COMMAND...: it succeeds by then, where nothing else runs; any machine has
# this many seconds, and what took longer than it should is told.
patience=${PATIENCE:-150}
export LAB_WAIT=${LAB_WAIT:-$((2 * patience))}
within() {
	local begun=$SECONDS limit=$(($1 > patience ? $1 : patience))
	until "${@:3}" >/dev/null 2>&1 </dev/null; do
		if [ "$((SECONDS - begun))" -ge "$limit" ]; then
			result 1 "$2" "not within $limit seconds: ${*:3}" "$("${@:3}" 2>&1 </dev/null | tr -d '\0')"
			return
		fi
		sleep 0.05
	done
	[ "$((SECONDS - begun))" -le "$1" ] || diag "slow: $((SECONDS - begun)) seconds, not $1: $2"
	result 0 "$2"
}

# skip N WHY: so many results that this machine cannot give.
skip() {
	local n
	for ((n = 0; n < $1; n++)); do
		count=$((count + 1))
		echo "ok $count # skip $2"
	done
}

# The programs were built with a sanitizer that wants memory.
sanitized() { grep -qzE '__[at]san_init' "$bin/khabardar"; }

bail() {
	echo "Bail out!  $1"
	shift
	diag "$@"
	exit 1
}

finish() {
	echo "1..$count"
	[ "$failed" -eq 0 ]
}

# preload LIBRARY: what LD_PRELOAD is to be, for that one of tests/e2e/shim behind those there are.
preload() { echo "${LD_PRELOAD:+$LD_PRELOAD:}$bin/tests/e2e/shim/$1.so"; }

# ---- time ----

# clock_begin: from here on every program is told by clock_pass what time it is.
clock_begin() {
	[ -e "$bin/tests/e2e/shim/clock.so" ] || bail "no $bin/tests/e2e/shim: run make tests first"
	ahead=0
	export CLOCK_FILE=$work/clock
	echo "0 0" >"$CLOCK_FILE"
	LD_PRELOAD=$(preload clock)
	export LD_PRELOAD
}

# clock_pass SECONDS: so much time passes at once, for every node.
clock_pass() {
	ahead=$((ahead + $1))
	echo "$ahead $ahead" >"$CLOCK_FILE.new"
	mv "$CLOCK_FILE.new" "$CLOCK_FILE"
}

# clock_calm: before anything else, where words have the month or the year in them: neither ends
# within the next ten minutes, for any program.
clock_calm() {
	[ "$(date -u +%m)" != "$(date -u -d '10 minutes' +%m)" ] || return 0
	[ -n "${CLOCK_FILE:-}" ] || clock_begin
	clock_pass 600
}

# ---- a federation to work with ----

# khabar NODE ARGUMENT...
khabar() { "$bin/khabar" --home "$lab/$1" "${@:2}"; }

lab() { scripts/lab "$1" "$lab" "${@:2}"; }

# lab_up [--topology FILE]: without it nothing else makes sense.
lab_up() {
	local said
	said=$(lab up "$@" 2>&1) || bail "no federation" "$said"
}

# family NODE...: the text of a topology in which all report to the first.
family() {
	local node
	printf 'node\n    %s\n' "$1"
	for node in "${@:2}"; do
		printf '    %s\n        reports-to = %s\n' "$node" "$1"
	done
}

# What a node shows for one value or one key of its status, and everything it lists.
knows() { khabar "$1" --json check "$2" | grep -q '"known": *true'; }
status_of() { khabar "$1" --json status | sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p"; }
objects_of() { khabar "$1" --json list | wc -l; }
# Without the order, which is each node's own.
listed() {
	khabar "$1" --json list | LC_ALL=C grep -o '"object": *"[^"]*"\|"message": *"[^"]*"' |
		paste - - | LC_ALL=C sort
}

lists() { [ "$(objects_of "$1")" -eq "$2" ]; }
holds() { [ "$(objects_of "$1")" -ge "$2" ]; }
version_at() { khabar "$1" --json status | grep -o '"topology": *{[^}]*}' | grep -q "\"version\": *$2[,}]"; }

# linked NODE PEER: their link is up.
linked() { khabar "$1" --json status | grep -qE "\"peer\": *\"$2\"[^}]*\"state\": *\"up\""; }

# share NODE VALUE: prints the id of the message.
share() {
	khabar "$1" --json share "$2" --tlp green --to all --yes |
		sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'
}

# The real data beside the project, or the excerpt that ships.
data() {
	local beside=$top/../shared/data/$1
	[ -r "$beside" ] && echo "$beside" || echo "$top/tests/data/content/$2"
}
