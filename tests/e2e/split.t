#!/bin/bash
# A role gets a CERT of its own, in three versions: prepare, switch, retire.  Its keys are handed over the
# links, its children follow by themselves, and no message to it stays unread, although nodes are killed
# and everybody goes on talking.
. tests/tap.sh

text() { # text GOVERNMENT_HOLDERS CII_HOLDERS: the federation at that time
	printf 'node\n    national\n'
	printf '    punjab\n        reports-to = government\n'
	printf '    sindh\n        reports-to = government\n'
	printf '    telecom\n        reports-to = cii\n'
	printf '    community\n        reports-to = national\n'
	printf 'role\n    government\n        reports-to = national\n        holders = "%s"\n' "$1"
	printf '    cii\n        reports-to = national\n        holders = "%s"\n' "$2"
}
say_to() { # say_to NODE ROLE VALUE
	khabar "$1" --json share "$3" --tlp amber --to "$2" --yes >/dev/null 2>&1
}
# What both provinces go on telling the role while everything changes; who is down tells it later.
talk() {
	local i=0 node said
	while [ -e "$work/talking" ]; do
		for node in punjab sindh; do
			said="m$((++i)).$node.example"
			say_to "$node" government "$said" && echo "$said" >>"$work/said"
		done
		sleep 0.2
	done
}
reads() { khabar "$1" --json check "$2" | grep -q '"known": *true'; }
reads_all() {
	khabar "$1" --json check --file "$work/said" | grep -c '"known": *true' |
		grep -qx "$(wc -l <"$work/said")"
}
drained() { khabar "$1" topology drain "$2"; }

text national national >"$work/1.zpl"
lab_up --topology "$work/1.zpl"
: >"$work/said"
ok "before anything changes punjab writes to the role" say_to punjab government old.punjab.example
within 10 "national reads it" reads national old.punjab.example
touch "$work/talking"
talk &
talker=$!

# Prepare.
text 'national gov-cert' national |
	sed 's/^    community$/    gov-cert\n        reports-to = national\n    community/' >"$work/2.zpl"
ok "prepare: two hold government" lab resign "$work/2.zpl" national
within 15 "the new one has joined" version_at gov-cert 2
within 15 "and reads what was said before it came" reads gov-cert old.punjab.example
ok "its key file is there" test -e "$lab/gov-cert/role-government-1.key"
like "and private" "$(stat -c %a "$lab/gov-cert/role-government-1.key")" '^600$'
ok "sindh is killed" lab kill sindh
ok "national is killed" lab kill national
say_to punjab government while-down.punjab.example && echo while-down.punjab.example >>"$work/said"
unlinked() { ! linked "$@"; }
within 15 "gov-cert sees that national is away" unlinked gov-cert national
exits 1 "nothing is drained while the other is away" 'not linked|no link|is down' drained gov-cert government
ok "national comes back" lab start national
ok "and sindh" lab start sindh
within 30 "both hold the same of every audience" drained national government
# What is said meanwhile is at one of them before it is at the other.
shown() { khabar national topology drain government | grep -q 'government: .*the same'; }
for_programs() { khabar gov-cert --json topology drain government | grep -q '"drained":true'; }
within 30 "which is shown" shown
within 30 "for programs too" for_programs

# Switch.  The new one makes a key, and hands it to the old one, which holds the role still.
ok "gov-cert makes a key" khabar gov-cert keys role government
old=$(grep -o '[0-9a-f]\{64\}' "$lab/national/role-government-1.card")
new=$(grep -o '[0-9a-f]\{64\}' "$lab/gov-cert/role-government-2.card")
keys="        seal\\n            1 = \"$old revoked\"\\n            2 = \"$new\""
text 'gov-cert national' national | sed "/holders = \"gov-cert/a\\$keys" |
	sed 's/^    community$/    gov-cert\n        reports-to = national\n    community/' >"$work/3.zpl"
ok "switch: the new one acts" lab resign "$work/3.zpl" gov-cert
within 15 "punjab has heard" version_at punjab 3
within 15 "and is linked with it" linked punjab gov-cert
ok "gov-cert is killed" lab kill gov-cert
ok "and comes back" lab start gov-cert
within 30 "both hold the same again" drained gov-cert government
within 15 "the new key too" test -e "$lab/national/role-government-2.key"

# Retire, while they talk.  The key of that version the old one never had.
ok "gov-cert makes another key" khabar gov-cert keys role government
third=$(grep -o '[0-9a-f]\{64\}' "$lab/gov-cert/role-government-3.card")
keys="        seal\\n            1 = \"$old revoked\"\\n            2 = \"$new revoked\""
keys+="\\n            3 = \"$third\""
text gov-cert national | sed "/holders = \"gov-cert/a\\$keys" |
	sed 's/^    community$/    gov-cert\n        reports-to = national\n    community/' >"$work/4.zpl"
ok "retire: national holds it no more" lab resign "$work/4.zpl" gov-cert
for node in punjab sindh national telecom; do
	within 15 "$node has heard" version_at "$node" 4
done
within 15 "sindh is linked with gov-cert" linked sindh gov-cert
ok "sindh writes to the role" say_to sindh government new.sindh.example
rm "$work/talking"
wait "$talker"
echo new.sindh.example >>"$work/said"
within 30 "gov-cert reads all that was ever said to it" reads_all gov-cert
ok "national never got the last key" test ! -e "$lab/national/role-government-3.key"
is "national does not read what was said since" \
	"$(khabar national --json check new.sindh.example | grep -c '"known": *true')" 0
ok "telecom's role is where it was" say_to telecom cii t.telecom.example
within 10 "and is read there" reads national t.telecom.example
for node in national gov-cert punjab; do
	ok "$node: the store is whole" khabar "$node" check-store
done

# Called off: the arrangement of before is signed again.
text gov-cert 'national gov-cert' | sed "/holders = \"gov-cert\"/a\\$keys" |
	sed 's/^    community$/    gov-cert\n        reports-to = national\n    community/' >"$work/5.zpl"
ok "cii is prepared for gov-cert" lab resign "$work/5.zpl" national
within 15 "which gets its key" test -e "$lab/gov-cert/role-cii-1.key"
ok "and called off" lab resign "$work/4.zpl" national
within 15 "at gov-cert too" version_at gov-cert 6
within 15 "and at telecom" version_at telecom 6
ok "telecom writes to cii" say_to telecom cii again.telecom.example
within 10 "national reads it" reads national again.telecom.example
is "gov-cert does not" \
	"$(khabar gov-cert --json check again.telecom.example | grep -c '"known": *true')" 0
finish
