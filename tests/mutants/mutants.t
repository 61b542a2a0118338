#!/bin/bash
# Proves that the simulator can fail.  Each *.patch beside this file puts one mistake into a copy of
# the shipped sources; the simulator built with it must see the property broken that the patch
# names, within as many seeds as it names; "Watch: 1" says that they are those of relays that drop.
# tests/sim/t_seeds shows that without it they pass.
set -u

work=$(mktemp -d -t khabardar.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP PIPE
build=${BUILD:-build}
count=0
failed=0

field() { sed -n "s/^$2: *//p" "tests/mutants/$1.patch"; }

# broken NAME: "# seed 12: leak: ..." is what the mutant was made for.
broken() { grep -m 1 "^# seed [0-9]*: $(field "$1" Breaks): " "$work/$1"; }

# Builds a mutant and runs its seeds, some at a time until the property is broken; what came of it
# goes into $work/NAME.
try() {
	local program=$build/mutants/$1/t_seeds from seeds watch
	make -s BUILD="$build" "$program" >"$work/$1" 2>&1 || return
	seeds=$(field "$1" Seeds)
	watch=$(field "$1" Watch)
	for ((from = 1; from <= seeds; from += 50)); do
		env ${watch:+WATCH=1} JOBS=1 FROM="$from" SEEDS=50 FAILURES=3 "$program" >>"$work/$1" 2>&1
		! broken "$1" >/dev/null || return
	done
}

report() {
	local seen
	count=$((count + 1))
	if seen=$(broken "$1"); then
		echo "ok $count - $1: ${seen#\# }"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count - $1 does not break \"$(field "$1" Breaks)\" in $(field "$1" Seeds) seeds"
	head -n 20 "$work/$1" | sed 's/^/# /'
}

make -s BUILD="$build" "$build/tests/sim/t_seeds" >"$work/out" 2>&1 || {
	echo "Bail out!  the simulator itself cannot be built"
	exit 1
}
names=()
for patch in tests/mutants/*.patch; do
	name=${patch##*/}
	names+=("${name%.patch}")
done
running=0
for name in "${names[@]}"; do
	if [ "$running" -ge "$(nproc)" ]; then
		wait -n
		running=$((running - 1))
	fi
	try "$name" &
	running=$((running + 1))
done
wait
for name in "${names[@]}"; do
	report "$name"
done
echo "1..$count"
[ "$failed" -eq 0 ]
