#!/bin/bash
# What one CERT mutes is in none of its exports, and only in its own; check says so.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

in_list() { khabar "$1" export --format list --out - 2>/dev/null | grep -qxF "$2"; }
in_zone() { khabar "$1" export --format rpz --out - 2>/dev/null | grep -q "^$2 "; }
in_stix() { khabar "$1" export --format stix --out - 2>/dev/null | grep -qF "$2"; }
not() { ! "$@"; }

ok "root shares" khabar root share bad.example www.fine.example fine.example 192.0.2.0/24 \
	198.51.100.7 evil.example:8080 --tlp green --to all --use block --yes
within 60 "east has it" holds east 6
ok "it is in east's zone" in_zone east bad.example

exits 1 "what is no value cannot be muted" 'no value|not' khabar east mute 'not a value'
exits 1 "what is not muted cannot be unmuted" 'is not muted' khabar east unmute bad.example
exits 3 "a value is wanted" 'values are wanted' khabar east unmute
ok "east mutes" khabar east --json mute BAD[.]example --because "our own mail relay"
like "in its canonical spelling" "$out" '"value": ?"bad\.example"'
ok "it is not in the zone" not in_zone east bad.example
ok "nor in a list" not in_list east bad.example
ok "nor in STIX" not in_stix east bad.example
ok "others stay" in_zone east fine.example
ok "root's exports are its own" in_zone root bad.example
ok "it is known as before" knows east bad.example
like "and check says that it is muted, and why" "$(khabar east check bad.example)" \
	'muted +since .* as bad\.example: our own mail relay'
like "with --json too" "$(khabar east --json check bad.example)" '"muted": ?\{"value": ?"bad.example"'
is "what is not has none" "$(khabar east --json check fine.example | grep -c muted)" 0
exits 1 "it cannot be muted twice" 'muted already' khabar east mute bad.example

ok "an address hides the network that holds it" khabar east mute 192.0.2.77
ok "which is in no list" not in_list east 192.0.2.0/24
ok "a network hides the addresses in it" khabar east mute 198.51.100.0/24
ok "which are in no list" not in_list east 198.51.100.7
ok "a name hides the one above it, which would block it" khabar east mute www.fine.example
ok "both are gone" not in_zone east fine.example
ok "a host hides its endpoints" khabar east mute evil.example
ok "which are in no list" not in_list east evil.example:8080

is "mute without values lists them" "$(khabar east --json mute | wc -l)" 5
like "by whom and why" "$(khabar east mute)" 'bad\.example .*by uid [0-9]+ +our own mail relay'
is "nothing of it is on the disk" "$(grep -rlF 'our own mail relay' "$lab/east/log" "$lab/east/index")" ""
lab kill east
ok "killed and started again" lab start east
is "all are muted still" "$(khabar east --json mute | wc -l)" 5
ok "it is in no zone" not in_zone east bad.example
ok "east unmutes" khabar east unmute bad.example 192.0.2.77
ok "it is in the zone again" in_zone east bad.example
ok "and the network too" in_list east 192.0.2.0/24
like "both are in the audit" "$(khabar east --json audit | tr '\n' ' ')" '"do": ?"mute".*"do": ?"unmute"'
ok "the store is sound" khabar east check-store
finish
