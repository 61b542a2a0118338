#!/bin/bash
# A store that is full while its disk is not, for its map is small: the node takes nothing, says why
# and goes on; with a larger map it has everything that was acknowledged, and what came meanwhile.
. tests/tap.sh

[ -e "$bin/tests/e2e/shim/map.so" ] || bail "no map.so: run make tests first"
teller=$bin/tests/e2e/teller
[ -x "$teller" ] || bail "no $teller: run make tests first"
family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
said=()

say_at() {
	local id
	id=$(share "$1" "$2") && [ -n "$id" ] && said+=("$id")
}
has() { khabar "$1" show "$2" --raw; }
all_there() {
	local id
	for id in "${said[@]}"; do has "$1" "$id" || return; done
}
warned() { khabar east --json status | grep -q "nothing is stored at the moment: [^\"]*full"; }
unwarned() { ! khabar east --json status | grep -qE "nothing is stored|cannot follow"; }
same() { [ -n "$(listed root)" ] && [ "$(listed root)" = "$(listed east)" ]; }

say_at east first.example
within 60 "root hears of it" all_there root
lab stop east
LD_PRELOAD=$(preload map) MAP_BYTES=$((2 << 20)) lab start east
timeout 600 "$teller" "$lab/east" many 8000 >"$work/told" 2>&1
is "more than it has room for is refused" "$?" 1
like "and it says why" "$(<"$work/told")" 'full'
exits 1 "so is one more" 'full: make room' khabar east share no.example --tlp green --to all --yes
within 60 "status says so" warned
say_at root meanwhile.example
ok "it still answers" khabar east links
ok "and is told to end" lab stop east

ok "with a larger map it starts" lab start east
within 90 "and has what was said meanwhile" all_there east
within 90 "it warns no more" unwarned
say_at east after.example
within 90 "it is heard" all_there root
within 90 "what it has acknowledged is at both" same
like "that is not little" "$(objects_of east)" '^[1-9][0-9]{3}$'
lab stop east
ok "its store holds together" khabar east check-store
finish
