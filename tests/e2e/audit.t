#!/bin/bash
# The audit: what is in it, that it is one chain, and that others remember how long it was.
. tests/tap.sh

family national kp punjab >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

# Alarms are rows too, and may come at any time: nothing here counts on there being none.
members() { khabar "$1" --json audit list | sed -n "s/.*\"$2\": *\"\{0,1\}\([0-9a-f]*\).*/\1/p"; }
rows() { members "$1" number | wc -l; }
last_head() { khabar "$1" audit heads | sed -n "s/^$2  *\([0-9]*:[0-9a-f]*\).*/\1/p" | sort -n | tail -n 1; }
tells() { local head; head=$(last_head "$1" "$2"); [ "${head%%:*}" -ge "$3" ]; }
warned() { khabar "$1" --json status | grep -qE "$2"; }
not_whole() { khabar "$1" audit verify 2>&1 | grep -qE "$2"; }
restart() { lab stop "$1" && lab start "$1"; }
alarmed() { khabar "$1" --json audit | grep -qE '"do": *"alarm".*"what": *"raised".*this node.s audit is not'; }

# ---- a chain ----

ok "an audit with nothing done is whole" khabar kp audit verify
like "it says so" "$out" 'whole: [0-9]+ rows'
share kp 192.0.2.1 >/dev/null
share kp 192.0.2.2 >/dev/null
is "what was done is a row" "$(khabar kp --json audit | grep -c '"do": *"share"')" 2
like "the first follows nothing" "$(members kp before | head -n 1)" '^0{64}$'
chain=$(khabar kp --json audit)
is "each other the one before, by its hash" \
	"$(sed -n 's/.*"before": *"\([0-9a-f]*\)".*/\1/p' <<<"$chain" | tail -n +2)" \
	"$(sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' <<<"$chain" | head -n -1)"
ok "it is whole" khabar kp audit verify
like "with --json too" "$(khabar kp --json audit verify)" '^\{"rows": ?[0-9]+, ?"hash": ?"[0-9a-f]{64}", ?"unchained": ?0, ?"told": ?[0-9]+\}$'
exits 3 "another word is not known" 'list, verify or heads' khabar kp audit shred
exits 3 "one alone" 'not wanted' khabar kp audit list verify
exits 3 "a head has a form" 'NUMBER:HASH' khabar kp audit verify --head 2:xyz
exits 3 "and is for verify" 'for verify' khabar kp audit list --head 2:xyz

# ---- others are told ----

known=$(rows kp)
ok "kp ends" lab stop kp
cp -r "$lab/kp/log" "$work/older"
ok "kp begins again" lab start kp
within 60 "national knows how many rows there were" tells national kp "$known"
within 60 "punjab too, over national" tells punjab kp "$known"
for address in 3 4 5 6; do
	share kp "192.0.2.$address" >/dev/null
	known=$(rows kp)
	ok "the next time, $address" restart kp
done
within 60 "there are more" tells national kp "$known"
head=$(last_head national kp)
ok "kp can be held against it" khabar kp audit verify --head "$head"
exits 1 "another row is another" "row ${head%%:*} is not the one" khabar kp audit verify --head "${head%????????}01234567"
exits 1 "more rows are more" '9999 rows, and [0-9]+ are here' khabar kp audit verify --head "9999:${head#*:}"
ok "nobody is named" bash -c "! $bin/khabar --home $lab/national --json status | grep -q 'the audit of'"

# ---- an older copy ----

ok "kp ends once more" lab stop kp
mv "$lab/kp/log" "$work/newer"
cp -r "$work/older" "$lab/kp/log"
ok "and begins with an older log" lab start kp
within 90 "its own words come back and tell of what is missing" not_whole kp \
	'told everyone in message [0-9a-f]{12} that there are [0-9]+ rows, and [0-9]+ are here|row [0-9]+ is not'
within 90 "and kp is the first to say so" warned kp "this node's audit is not what it has told others"
within 90 "which is an alarm in its own audit" alarmed kp
exits 1 "so it is not what national remembers" 'rows|not the one' khabar kp audit verify --head "$head"
ok "kp's own rows are one chain all the same" bash -c "$bin/khabar --home $lab/kp audit verify 2>&1 | grep -q 'does not follow it' && exit 1 || true"
ok "so are national's, alarms included" khabar national audit verify
finish
