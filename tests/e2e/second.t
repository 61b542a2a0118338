#!/bin/bash
# A second node, written from SPEC.md alone, takes the place of a first one in its federation.
. tests/tap.sh

if ! python3 -c 'import ctypes.util as u; exit(not all(map(u.find_library, ("zmq", "sodium", "zstd"))))'; then
	skip 1 "python3, or the libraries for it, are not here"
	finish
	exit
fi

family upper other second >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop second
coproc SECOND { exec python3 tests/e2e/second-node "$lab/second" upper 2>&1; }
trap 'kill "$SECOND_PID" 2>/dev/null; clean_up' EXIT

# tell WORDS...: what the second node answers is in $said.
tell() {
	echo "$*" >&"${SECOND[1]}" || return
	IFS= read -r -t "$((2 * patience))" said <&"${SECOND[0]}" || said="nothing was said"
	echo "$said"
	[ "${said%% *}" = ok ]
}
# holds SENTENCE WORDS...: the second node has done it.
holds() {
	tell "${@:2}" >/dev/null
	result $? "$1" "$said"
	said=${said#ok }
}
knows() { khabar "$1" check "$2" | grep -qE -- "$2 +known"; }
misses() { khabar "$1" check "$2" | grep -qE -- "$2 +not known"; }

holds "it is greeted and agrees on the topology" link
holds "both ends come to have the same" compare

khabar upper share 198.51.100.7 --tlp green --to all --yes >/dev/null
holds "it hears what is for everybody" hear 198.51.100.7
khabar other share 198.51.100.8 --tlp amber --to second --yes >/dev/null
holds "and opens what is sealed to it and comes over a relay" hear 198.51.100.8

holds "what it says to everybody is acknowledged" post green 192.0.2.1
within 20 "and is known two links from it" knows other 192.0.2.1
holds "so is what it seals to one" post amber 192.0.2.2 other
sealed=$said
within 20 "who opens it" knows other 192.0.2.2
ok "while the relay cannot" misses upper 192.0.2.2
holds "it is told by a receipt" hear-state "$sealed" opened

holds "what it recalls" recall "$sealed"
within 20 "is gone there" misses other 192.0.2.2
holds "and the erasing is confirmed" hear-state "$sealed" erased

holds "after it has hung up" unlink
khabar other share 198.51.100.9 --tlp amber --to second --yes >/dev/null
khabar upper share 198.51.100.10 --tlp clear --to all --yes >/dev/null
holds "and has forgotten everything" forget
holds "it comes back" link
holds "finds what differs" compare
holds "has what was said to all meanwhile" hear 198.51.100.10
holds "and what was said to it" hear 198.51.100.9
holds "its own words are handed back" hear 192.0.2.1

blamed() { khabar upper status --json | sed 's/.*"warnings"//' | grep -F second ||
	grep -E '(forged|malformed|lied|named)' "$lab/upper/log.txt"; }
exits 1 "nobody finds fault with it" '' blamed
finish
