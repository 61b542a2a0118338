#!/bin/bash
# The end-to-end tests on a machine that holds the daemon, and with COMMANDS=1 the command too, for
# random times at random calls (tests/e2e/shim/jitter.c): only a wrong program may fail them.
#
# For TIME seconds every test is run again and again, each time with another seed from SEED on, JOBS
# of them at once; ONLY="watch sync" runs only these.  What a failing run has said is shown, and kept
# in build/steady with what its nodes have logged.
. tests/tap.sh

shim=$bin/tests/e2e/shim/jitter.so
[ -e "$shim" ] || bail "no $shim: run make tests first"
kept=$top/build/steady
mkdir -p "$kept"
# One call in so many, for up to so many milliseconds.
held=${HELD:-50 300}
read -ra names <<<"${ONLY:-$(basename -s .t tests/e2e/*.t | paste -s -d ' ')}"

# run NAME SEED: its output in a file that stays when it fails.
run() {
	local said=$kept/$1.$2
	KEEP=$said.nodes JITTER="$2 $held" JITTER_OF="khabardar${COMMANDS:+ khabar}" LD_PRELOAD=$shim \
		"tests/e2e/$1.t" >"$said" 2>&1 </dev/null || return
	! grep -q '^not ok' "$said" && rm "$said"
}

# told NAME SEED CODE
told() {
	local said=''
	[ "$3" -eq 0 ] || said=$(grep -A 8 -E '^(not ok|Bail)' "$kept/$1.$2" || tail -n 8 "$kept/$1.$2")
	result "$3" "$1, seed $2" "$said"
}

# in_order SEED: the lines, shuffled.
in_order() { awk -v seed="$1" 'BEGIN { srand(seed) } { print rand(), $1 }' | sort | cut -d ' ' -f 2; }

# Waits for a run to end, and tells of it.
one_ends() {
	local pid code words
	wait -n -p pid "${!running[@]}"
	code=$?
	read -ra words <<<"${running[$pid]}"
	told "${words[@]}" "$code"
	unset "running[$pid]"
}

declare -A running=()
end=$((SECONDS + ${TIME:-600}))
for ((seed = ${SEED:-1}; SECONDS < end; seed++)); do
	# In another order each time: a short campaign is not always about the first ones.
	for name in $(printf '%s\n' "${names[@]}" | in_order "$seed"); do
		[ "$SECONDS" -lt "$end" ] || break
		[ "${#running[@]}" -lt "${JOBS:-1}" ] || one_ends
		run "$name" "$seed" &
		running[$!]="$name $seed"
	done
done
while [ "${#running[@]}" -gt 0 ]; do
	one_ends
done
finish
