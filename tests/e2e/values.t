#!/bin/bash
# The disk has changed a value in which the log remembers something.  What can be found out again is,
# and the node goes on; without the rest it does not start, says what is damaged, and goes on from a
# backup.  Nothing that was acknowledged is lost.  LONG=1: each value by itself.
. tests/tap.sh

spoil=$bin/tests/e2e/spoil
[ -x "$spoil" ] || bail "no $spoil: run make tests first"
family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
said=()
# Without these a node does not start.
needed='^(floor|quarantine|suspension|restored.*|topology/.*|mute/.*)$'

say_at() {
	local id
	id=$(share "$1" "$2") && [ -n "$id" ] && said+=("$id")
}
has() { khabar "$1" show "$2" --raw; }
all_there() {
	local id
	for id in "${said[@]}"; do has "$1" "$id" || return; done
}
# One that was restored has said of more rows than it has.
audit_is_whole() { [ "$name" = restored ] || khabar east audit verify; }
remembers() { "$spoil" "$lab/east" | grep -qE "$1"; }
# spoil_one KEY: somewhere in it.
spoil_one() { "$spoil" "$lab/east" "$1" "$((RANDOM % 64))"; }
keys() { "$spoil" "$lab/east"; }

say_at east first.example
say_at root second.example
within 60 "east has both" all_there east
within 60 "root too" all_there root
ok "a value is muted" khabar east mute muted.example --because "it is ours"
ok "a link is cut for a moment" khabar east links quarantine root --for 1h
ok "and stands again" khabar east links release root
ok "there is an incident" khabar east incident open --title T --class intrusions \
	--type system-compromise --severity high --to root --yes
within 60 "it talks with root" linked east root
# Each of them is written a moment after there is something to remember.
floor_known() { khabar east --json status | grep -qE '"floor": *"?[1-9]'; }
within 60 "it knows what has expired" floor_known
lab stop east
ok "a backup is made" khabar east backup "$work/backup"

# goes_on SENTENCE: with what is spoilt.
goes_on() {
	local name=$1
	ok "$1: it starts" lab start east
	within 60 "$1: all that was acknowledged is there" all_there east
	within 60 "$1: it talks with root" linked east root
	within 60 "$1: the audit is whole" audit_is_whole
	say_at east "after-$count.example"
	within 60 "$1: it is heard" all_there root
	lab stop east
}

count_spoilt=0
for key in $(keys | grep -vE "$needed"); do
	ok "$key is spoilt" spoil_one "$key"
	count_spoilt=$((count_spoilt + 1))
	[ -z "${LONG:-}" ] || goes_on "without $key"
done
[ "$count_spoilt" -ge 3 ]
result $? "there is something to find out again" "$(keys)"
[ -n "${LONG:-}" ] || goes_on "without what can be found out again"

# refused KEY: it does not start, and goes on from a backup.
refused() {
	ok "$1 is spoilt" spoil_one "$1"
	exits 1 "without $1 it does not start, and says what is to be done" \
		'(what it remembers of|in the log).*: damaged; bring a backup back' \
		timeout 300 "$bin/khabardar" --home "$lab/east"
	exits 1 "check-store names $1" "value $1: is damaged" khabar east check-store
	mv "$lab/east/log" "$work/damaged-$count"
	ok "a backup is brought back" khabar east restore "$work/backup"
}

for key in $(keys | grep -E "$needed"); do
	[ -n "${LONG:-}" ] || [ "$key" = floor ] || continue
	refused "$key"
	[ -z "${LONG:-}" ] || goes_on "restored"
done
remembers '^floor$'
result $? "there was a floor" "$(keys)"
ok "restored it starts" lab start east
within 60 "and gets what was said since" all_there east
lab stop east
ok "its store holds together" khabar east check-store
finish
