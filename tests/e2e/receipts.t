#!/bin/bash
# What has become of a message: recipients say so, over several hops, when they come back, once; and
# where nothing is known the link is named that leads there.
. tests/tap.sh

lab_up --topology scripts/federation.zpl

send() { khabar "$1" --json share "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
who() { khabar "$1" --json who "$2"; }
# state NODE ID READER: what is known there of the reader.
state() { who "$1" "$2" | grep -o "{\"node\": *\"$3\".*" | grep -o '"state": *[^,]*' | head -n 1 | sed 's/.*: *//; s/"//g'; }
# reader NODE ID READER: all of it.
reader() { who "$1" "$2" | sed "s/.*\({\"node\": *\"$3\"\)/\1/; s/},{\"node\".*//"; }
is_state() { [ "$(state "$1" "$2" "$3")" = "$4" ]; }
summary() { who "$1" "$2" | sed -n 's/.*"summary": *"\([^"]*\)".*/\1/p'; }
sums_up() { [ "$(summary "$1" "$2")" = "$3" ]; }

# ---- over several hops, to a role, to who is away ----

ok "kp and what is behind it are away" lab stop kp kp-cerc
id=$(send telecom two.example --tlp amber --to defense,government,kp-cerc)
within 20 "defense, a neighbour, has opened it" is_state telecom "$id" defense opened
within 20 "so has national" is_state telecom "$id" national opened
like "as the holder of the role" "$(reader telecom "$id" national)" '"as": ?\["government"\]'
like "each has its time" "$(reader telecom "$id" national)" '"at": ?"20[0-9-]*T[0-9:.]*Z"'
is "one is waited for" "$(summary telecom "$id")" "2 stored, 2 opened, 1 waiting"
is "of it nothing is known" "$(state telecom "$id" kp-cerc)" null
told_of() { grep -qE "$3" <<<"$(reader "$1" "$2" kp-cerc)"; }
within 20 "but that it was passed on" told_of telecom "$id" '"why": ?"passed to national at 20[0-9-]*T[0-9:.]*Z"'
within 20 "where it was passed to, the link is named" told_of national "$id" \
	'"peer": ?"kp", ?"state": ?"(connecting|refused)".*"passed": ?false'
like "with why it waits" "$(reader national "$id" kp-cerc)" '"why": ?"waits for kp, .* since 20'
like "others know only their own" "$(khabar national who "$id")" 'receipts go to its author'
ok "for people" khabar telecom who "$id"
like "it is a table" "$out" 'national +opened .*\(as government\)'
like "with the sum below" "$out" '^2 stored, 2 opened, 1 waiting'
ok "kp-cerc comes back, and its receipt late" lab start kp kp-cerc
within 20 "over three hops" is_state telecom "$id" kp-cerc opened
is "nobody is waited for" "$(summary telecom "$id")" "3 stored, 3 opened"

# ---- acknowledging ----

ok "a person at kp-cerc acknowledges" khabar kp-cerc ack "$id"
like "and is told of what" "$out" "${id:0:12} of telecom acknowledged"
within 20 "its author hears of it" is_state telecom "$id" kp-cerc acknowledged
is "which is the more" "$(summary telecom "$id")" "3 stored, 3 opened, 1 acknowledged"
like "saying it again changes nothing" "$(khabar kp-cerc --json ack "${id:0:10}")" '"already": ?true'
like "it is in the audit" "$(khabar kp-cerc --json audit)" '"do": ?"ack"'
exits 1 "who only carries it does not" 'only carries it' khabar kp ack "$id"
exits 1 "nor its author" 'wrote it itself' khabar telecom ack "$id"
exits 1 "what is not here neither" 'no message' khabar punjab ack "$id"
exits 3 "an id is wanted" 'wanted' khabar punjab ack
exits 1 "one of several that cannot stops all" 'no message' khabar kp-cerc ack "$id" 00000000
exits 3 "who has one id or an audience" 'either' khabar telecom who "$id" --to all
exits 1 "who knows no other message" 'no message' khabar punjab who "$id"

# ---- everyone, when asked ----

plain=$(send sindh plain.example --tlp green --to all)
asked=$(send sindh asked.example --tlp green --to all --receipt)
within 20 "everyone answers when asked" sums_up sindh "$asked" "12 stored, 12 opened"
like "and not unasked" "$(who sindh "$plain")" '"answered": ?false.*"stored": ?0'
like "which is said" "$(khabar sindh who "$plain")" 'nobody was asked'
ok "what nobody asked can be acknowledged" khabar gb ack "$plain"
within 20 "and that is told" is_state sindh "$plain" gb acknowledged

# ---- recalls are confirmed ----

ok "it is recalled" khabar sindh withdraw "$asked" --because leaked --yes
within 20 "everyone who read it has erased it" sums_up sindh "$asked" "12 stored, 12 opened, 12 erased"

# ---- forwards are told ----

id=$(send telecom handed.example --tlp amber --to kp)
within 20 "kp has opened it" is_state telecom "$id" kp opened
ok "kp hands it on" khabar kp forward "$id" --to kp-cerc --reason "they run it" --yes
within 20 "which its author is told" sums_up telecom "$id" "1 stored, 1 opened, 1 forwarded"
like "to whom, and why" "$(reader telecom "$id" kp)" \
	'"forwarded": ?\[\{"at": ?"20[^"]*", ?"to": ?\["kp-cerc"\], ?"because": ?"they run it"\}\]'
like "for people too" "$(khabar telecom who "$id")" 'forwarded 20.* to kp-cerc: they run it'
within 20 "who got it knows it" knows kp-cerc handed.example
ok "and can acknowledge it" khabar kp-cerc ack "$id"
forward=$(khabar kp-cerc --json ack "$id" | sed -n 's/.*"message": *"\([0-9a-f]*\)".*/\1/p')
within 20 "to who handed it on" is_state kp "$forward" kp-cerc acknowledged

# ---- many at once, killed in between ----

for ((i = 0; i < 1500; i++)); do echo "10.$((i / 250)).$((i % 250)).9"; done >"$work/list"
for n in 1 2 3 4; do
	split -n "l/$n/4" "$work/list" >"$work/part"
	khabar punjab --json import "$work/part" --tlp amber --to sectors --yes
done >"$work/sent"
mapfile -t ids < <(grep -o '"messages": *\["[0-9a-f]*"' "$work/sent" | grep -o '[0-9a-f]\{64\}')
ok "telecom is killed while it has them" lab kill telecom
ok "and starts again" lab start telecom
for id in "${ids[@]}"; do
	within 20 "both have opened ${id:0:8}" sums_up punjab "$id" "2 stored, 2 opened"
done
# Whatever telecom had still to say of them comes before its word on another, or with it; and the
# number of what it says next to punjab tells how many receipts there were since it started.
last=$(send punjab last.example --tlp amber --to sectors)
within 20 "both have opened one more" sums_up punjab "$last" "2 stored, 2 opened"
next=$(send telecom next.example --tlp amber --to punjab)
told=$(khabar telecom --json show "$next" | sed -n 's/.*"sequence": *\([0-9]*\).*/\1/p')
told=$((told - 1))
# That each was stored, and opened; what comes at once is told at once.
ok "nothing was told twice: $told" test "$told" -ge 1 -a "$told" -le $((2 * (${#ids[@]} + 1)))
ok "an index can be built again" khabar punjab reindex
is "and knows what was stated" "$(summary punjab "${ids[0]}")" "2 stored, 2 opened"
for node in punjab sindh telecom national; do
	ok "the store of $node is sound" khabar "$node" check-store
done
finish
