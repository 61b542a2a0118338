#!/bin/bash
# Who cannot open a message says so, and why; once it has a newer key the author seals it again, and
# nothing shows twice; what is recalled is recalled with all that was sealed again.
. tests/tap.sh

{
	family root east west
	printf 'role\n    desk\n        reports-to = root\n        holders = west\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

who() { khabar "$1" --json who "$2"; }
is_state() { who east "$1" | grep -qE "\"node\": ?\"west\"[^{]*\"state\": ?\"$2\""; }
send() { khabar east --json share "$1" --tlp amber --to desk --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
unknown() { ! knows west "$1"; }
# The messages of east that say the same as that one.
again() { khabar east --json search "$1" --all | wc -l; }
card_key() { sed -n "s/^ *$2 = *\"\([0-9a-f]*\)\".*/\1/p" "$lab/west/role-desk-$2.card"; }

before=$(send before.example)
within 20 "the holder of the role reads what is sealed to it" knows west before.example
within 20 "and says so" is_state "$before" opened

ok "west loses the role's key" lab stop west
mv "$lab/west/role-desk-1.key" "$work/"
ok "and goes on without" lab start west
id=$(send lost.example)
send second.example >"$work/second"
within 20 "it says that it cannot open this" is_state "$id" cannot-open
like "and why" "$(who east "$id")" '"reason": ?"gone"'
like "which is not opened" "$(who east "$id")" '"summary": ?"1 stored, 1 cannot open it"'
ok "for people" khabar east who "$id"
like "in words" "$out" 'west +cannot-open .*sealed to a key that is not there'
ok "it does not know the value" unknown lost.example
exits 1 "and acknowledges nothing" "key is missing" khabar west ack "$id"
is "what it said before stays" "$(who east "$before" | grep -c '"state": *"opened"')" 1

ok "west makes another key for the role" khabar west keys role desk --number 2
{
	family root east west
	printf 'role\n    desk\n        reports-to = root\n        holders = west\n        seal\n'
	printf '            1 = "%s"\n            2 = "%s"\n' "$(card_key west 1)" "$(card_key west 2)"
} >"$work/2.zpl"
rm "$lab/west/role-desk-1.card" # which fills in what the text leaves out
ok "the council lists it" lab resign "$work/2.zpl" root
within 20 "east hears of it" version_at east 2
ok "west takes it into use" lab stop west
ok "at its next start" lab start west
within 20 "east has sealed it again, and west opens it" knows west lost.example
within 20 "the other one too" knows west second.example
within 20 "the original counts as opened" is_state "$id" opened
like "for one reader" "$(who east "$id")" '"summary": ?"1 stored, 1 opened"'
is "at west it shows once" "$(khabar west --json list | grep -c lost.example)" 1
is "and at east" "$(khabar east --json list | grep -c lost.example)" 1
is "as two messages" "$(again lost.example)" 2
like "what can be opened is acknowledged" "$(khabar west --json ack \
	"$(khabar west --json list | grep lost.example | sed 's/.*"message": *"\([0-9a-f]*\).*/\1/')")" '"already": ?false'
within 20 "for the original" is_state "$id" acknowledged

ok "east is killed" lab kill east
ok "and starts again" lab start east
ok "west too" lab stop west
ok "after it" lab start west
within 20 "they are linked" linked root west
# Whatever they still had to say, another message and its answer come behind it.
last=$(send last.example)
within 20 "and answer again" is_state "$last" opened
is "nothing is sealed a third time" "$(again lost.example)" 2

ok "it is recalled" khabar east withdraw "$id" --because leaked --yes
within 20 "with what was sealed again" unknown lost.example
within 20 "which west confirms" is_state "$id" erased
ok "the other stays" knows west second.example
for node in east west; do
	ok "the store of $node is sound" khabar "$node" check-store
done
finish
