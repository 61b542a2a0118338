#!/bin/bash
# What meets in one night: an incident of a role whose holder is not the one above it, an owner that is
# suspended, and a message that is sealed again and passed on, recalled while a reader is restored.
. tests/tap.sh
clock_calm

text() { # text [SECTION]: the federation, with more of the role desk
	family root gov-cert
	printf '    east\n        reports-to = government\n    west\n        reports-to = government\n'
	printf '    leaf\n        reports-to = west\n'
	printf 'policy\n    early-warning-hours = 1\n'
	printf 'role\n    government\n        reports-to = root\n        holders = gov-cert\n'
	printf '    desk\n        reports-to = root\n        holders = west\n%s' "${1:-}"
}
text >"$work/1.zpl"
lab_up --topology "$work/1.zpl"

year=$(date -u +%Y)
incident() { khabar "$1" incident "${@:2}" --yes; }
open() { incident "$1" open --class intrusions --severity high --title "$2"; }
shows() { khabar "$1" incident show "$2" | grep -qE -e "$3"; }
warns() { khabar "$1" status | grep -qE "^warning: $2"; }
warns_not() { ! warns "$@"; }
unknown() { ! knows "$@"; }
serial_at() { khabar "$1" --json status | grep -q "\"suspension\":{\"serial\":$2[,}]"; }
# statement NAME WORDS...: the council's on who is suspended, in NAME.signed.
statement() {
	local member signatures=()
	khabar root topology suspend "${@:2}" -o "$work/$1" >/dev/null 2>&1
	for member in ministry academia defence; do
		minisign -S -s "$lab/.lab/council/$member.key" -m "$work/$1" -x "$work/$1.$member" >/dev/null </dev/null
		signatures+=("$work/$1.$member")
	done
	khabar root topology assemble "$work/$1" "${signatures[@]}" -o "$work/$1.signed" >/dev/null 2>&1
}
holds_nothing() { [ -z "$(khabar "$1" --json held 2>/dev/null)" ]; }
tells() { khabar east who "$1" | grep -qE -e "$2"; }

# ---- an incident of a role ----

n=east-$year-1
ok "east opens an incident" open east 'Break-in'
within 20 "the node above the role hears of it" shows root "$n" 'owner +east'
within 20 "east is told in its status what is due" warns east "incident $n of east: its early-warning"
ok "it reports" incident east update "$n" --stage early-warning --text 'a shell was found'
within 20 "and is reminded no more" warns_not east "incident $n of east: its early-warning"
ok "it offers the incident to the role" incident east transfer "$n" --to government
within 20 "whose holder sees it" shows gov-cert "$n" 'offered to +government'
within 20 "and the answer is due" warns gov-cert "incident $n of east has not been acknowledged"
ok "the holder takes the offer" incident gov-cert accept "$n"
within 20 "which the node above sees" shows root "$n" 'owner +government'
exits 1 "and does not take over what a role attends to" 'government has spoken' \
	khabar root incident take "$n" --reason 'no word of it' --yes
within 20 "who no longer owes an answer is reminded no more" warns_not gov-cert "incident $n of east"

# ---- of an owner that is suspended ----

n=east-$year-2
ok "east opens another" open east 'Stolen laptop'
within 20 "root hears of it" shows root "$n" 'owner +east'
exits 1 "nobody takes over what has just been said" 'east has spoken' \
	khabar root incident take "$n" --reason 'its laptop is gone' --yes
statement s east --until 2h
ok "east is suspended" khabar root topology accept "$work/s.signed"
within 20 "gov-cert hears of it" serial_at gov-cert 1
ok "what a suspended node owns is taken over at once" \
	khabar root incident take "$n" --reason 'its laptop is gone' --yes
within 20 "which the role sees" shows gov-cert "$n" 'owner +root'
statement l --lift
ok "the suspension is lifted" khabar root topology accept "$work/l.signed"
within 30 "east sees who owns it now" shows east "$n" 'owner +root'
within 20 "and is linked" linked east gov-cert

# ---- sealed again, passed on, recalled while a reader is restored ----

lab stop west
mv "$lab/west/role-desk-1.key" "$work/"
lab start west
id=$(khabar east --json share lost.example --tlp amber --to desk --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 20 "west cannot open what is for its role" tells "$id" '1 cannot open it'
khabar west keys role desk --number 2 >/dev/null
card_key() { sed -n "s/^ *$1 = *\"\([0-9a-f]*\)\".*/\1/p" "$lab/west/role-desk-$1.card"; }
text "$(printf '        seal\n            1 = "%s"\n            2 = "%s"\n' "$(card_key 1)" "$(card_key 2)")
" >"$work/2.zpl"
rm "$lab/west/role-desk-1.card"
ok "the council lists another key of the role" lab resign "$work/2.zpl" root
within 20 "west has the version" version_at west 2
lab stop west
lab start west
within 20 "west opens what was sealed again" knows west lost.example
again=$(khabar west --json list | grep lost.example | sed 's/.*"message": *"\([0-9a-f]*\).*/\1/')
ok "it passes that on" khabar west forward "$again" --to leaf --reason 'theirs' --yes
within 20 "leaf reads it" knows leaf lost.example
within 20 "the author is told, by the message that it sent first" tells "$id" 'forwarded 20.* to leaf: theirs'
is "once" "$(khabar east who "$id" | grep -c 'to leaf')" 1
ok "west makes a backup" khabar west backup "$work/backup"
lab stop west
rm -rf "${lab:?}/west/log" "$lab/west/index"
ok "the author recalls it while west is away" khabar east withdraw "$id" --because leaked --yes
ok "west is restored" khabar west restore "$work/backup"
lab start west
ok "it does not show what is recalled" unknown west lost.example
within 30 "and recalls what it passed on" unknown leaf lost.example
within 20 "which its author is told" tells "$id" 'west +erased'
ok "it is not here again" unknown west lost.example
for node in root gov-cert east west leaf; do
	ok "the store of $node is sound" khabar "$node" check-store
	within 20 "it holds nothing back" holds_nothing "$node"
done
finish
