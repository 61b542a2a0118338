#!/bin/bash
# What a node takes back is known nowhere and in no export; what others say stays.
. tests/tap.sh

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

send() { khabar "$1" --json share "${@:2}" --yes; }
take() { khabar "$1" withdraw "$2" --because wrong --yes; }
unknown() { ! knows "$1" "$2"; }
in_zone() { khabar "$1" export --format rpz --out - 2>/dev/null | grep -q "^$2 "; }
message_of() { sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p' <<<"$1"; }

ok "east shares" send east bad.example evil.example good.example --tlp green --to all --use block
first=$(message_of "$out")
ok "west says of one of them the same" send west evil.example --tlp green --to all --use block
for node in root east west; do
	within 20 "$node knows" knows "$node" bad.example
	within 20 "and has west's word" holds "$node" 4
done
ok "it is in a zone" in_zone west bad.example

exits 3 "a reason is wanted" 'because' khabar east withdraw bad.example
exits 1 "without a terminal nobody is asked" 'say --yes' \
	khabar east withdraw bad.example --because wrong
exits 1 "only its author can" 'only they' take root bad.example
exits 1 "what nobody said cannot be taken back" 'nothing' take east never.example
exits 1 "nor a message of another" 'of east: only its author' take west "$first"
ok "a dry run takes nothing back" khabar east withdraw bad.example --because wrong --dry-run
like "and says what it would" "$out" 'would withdraw 1 object'
ok "it is known as before" knows east bad.example

ok "east withdraws" khabar east --json withdraw BAD[.]example --because wrong --yes
like "what was taken back, and from whom" "$out" '"withdrawn": ?\[\{.*bad\.example.*"audience": ?\["all"\]'
second=$(message_of "$out")
for node in root east west; do
	within 20 "$node does not know it any more" unknown "$node" bad.example
done
out_of_zone() { ! in_zone "$@"; }
ok "nor is it in a zone" out_of_zone west bad.example
ok "its neighbour is" in_zone west good.example
exits 1 "it cannot be taken back twice" 'nothing' take east bad.example
like "the next version is revoked" "$(khabar west show "$second")" '"revoked":[[:space:]]*true'
versions() { khabar west --json list --all | grep 'bad\.example'; }
is "there are two of it" "$(versions | wc -l)" 2
is "with one id" "$(versions | grep -o '"object": *"[^"]*"' | sort -u | wc -l)" 1
created() {
	khabar west --json show "$1" | grep -o 'indicator--[^}]*bad\.example[^}]*' |
		grep -o '"created": *"[^"]*"' | sort -u
}
is "made at the same time" "$(created "$second")" "$(created "$first")"
like "which is a time" "$(created "$second")" 'T.*Z'

ok "east withdraws what west says too" take east evil.example
said_once() { [ "$(khabar "$1" --json list | grep -c "$2")" -eq 1 ]; }
within 20 "root has heard of it" said_once root evil.example
ok "west's word stays" knows root evil.example
ok "the rest of a message can be withdrawn by its id" take east "${first:0:16}"
like "one object is left of it" "$out" 'withdrew 1 object'
within 20 "and goes" unknown west good.example
ok "shared again it is known again" send east good.example --tlp green --to all
within 20 "everywhere" knows west good.example
object=$(khabar east --json list | sed -n 's/.*"object": *"\([^"]*\)".*good\.example.*/\1/p')
ok "an object can be withdrawn by its id" take east "$object"
within 20 "everywhere" unknown west good.example

# To each audience what it has been told.
ok "east tells root alone" send east moved.example --tlp amber --to root --label secret
ok "and then all" send east moved.example --tlp green --to all --label public
within 20 "west knows" knows west moved.example
ok "both are told when it was wrong" khabar east --json withdraw moved.example --because wrong --yes
is "in a message each" "$(grep -o '"audience"' <<<"$out" | wc -l)" 2
within 20 "west does not know it" unknown west moved.example
within 20 "nor does root" unknown root moved.example
is "nothing of the other is in west's" "$(khabar west --json search secret)" ""

ok "everything sealed is taken back too" send east sealed.example --tlp amber --to west
within 20 "west knows it" knows west sealed.example
ok "east withdraws" take east sealed.example
like "from its reader" "$out" 'to west '
within 20 "and west does not know it" unknown west sealed.example
is "nothing of it is held" "$(khabar west --json held)" ""
for node in root east west; do
	ok "the store of $node is sound" khabar "$node" check-store
done
like "it is in the audit" "$(khabar east --json audit)" '"do": ?"withdraw"'
finish
