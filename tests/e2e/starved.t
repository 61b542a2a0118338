#!/bin/bash
# The command khabar has no memory for one thing, or from then on for none: it ends with words and
# one of its exit codes, never by a signal, and never shows a part of what there is as all of it.
# LONG=1: whichever allocation it is.
. tests/tap.sh

if sanitized; then
	echo "1..0 # SKIP its allocations are the sanitizer's"
	exit 0
fi
[ -e "$bin/tests/e2e/shim/memory.so" ] || bail "no memory.so: run make tests first"
family solo >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
seq -f 'h%g.example' 20 >"$work/list"
id=$(share solo 198.51.100.7)
ok "a list is shared" khabar solo import "$work/list" --tlp green --to all --label botnet --yes
within 60 "and searchable" lists solo 21
khabar solo show "$id" --raw >"$work/raw"
topology=$lab/.lab/topology-1.signed

# Which allocations, while there are as many.
turns() { [ -n "${LONG:-}" ] && seq 20000 || printf '%s\n' 1 2 5 13 34 89 233 610 1597; }

# endures ONE: it has ended with $code.
endures() {
	[ "$code" -le 3 ] || return
	[ "$code" -ne 0 ] || { cmp -s "$work/all" "$work/some" && return; }
	[ "$code" -ne 0 ] && grep -v '^memory fails$' "$work/some" "$work/words" | grep -q '[a-z][a-z][a-z]'
}

# starved ARGUMENT...: what it prints is the same every time.
starved() {
	local nth how code struck=0 wrong=()
	khabar solo "$@" >"$work/all" 2>/dev/null </dev/null || bail "khabar $* does not work at all"
	for nth in $(turns); do
		for how in once on; do
			LD_PRELOAD=$(preload memory) MEMORY_FAULT="$nth $how" khabar solo "$@" \
				>"$work/some" 2>"$work/words" </dev/null
			code=$?
			grep -q '^memory fails$' "$work/words" || break 2
			struck=$nth
			endures || wrong+=("allocation $nth, $how: exit $code: $(tail -n 1 "$work/words")")
		done
	done
	[ "${#wrong[@]}" -eq 0 ] && [ "$struck" -gt 0 ]
	result $? "${*:1:3}: whichever allocation fails" "${wrong[@]}" "struck $struck"
}

starved list
starved --json list
starved check 198.51.100.7 h3.example nowhere.example
starved --json check h1.example
starved check --file "$work/list"
starved show "$id"
starved --json show "$id"
starved show "$id" --raw
starved who --to all
starved search h1
starved keys show
starved topology tree
starved topology check "$topology"
starved topology show
starved verify "$work/raw"
starved export --format list --out -
starved export --format csv --out -
starved import "$work/list" --tlp green --to all --label bots --dry-run
starved card show
finish
