#!/bin/bash
# A list that is imported again and again: the difference is shared, and what left it is revoked.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

# list VALUE...: what is in it from now on.
list() { printf '%s.example\n' "$@" >"$work/list"; }
sync() { khabar solo --json import "$work/list" --sync feed --tlp green --to all --yes "$@"; }
# forgets NODE VALUE
forgets() { khabar "$1" --json check "$2" | grep -q '"known": *false'; }

list a b c
ok "a list is shared" sync
like "all of it" "$out" '"objects": *3'
within 10 "and known elsewhere" knows pair c.example
ok "the same list again" sync
like "is unchanged" "$out" '"unchanged":3,"withdrawn":0'
is "and no message is sent" "$(grep -c messages <<<"$out")" 0

list a c d
ok "--dry-run says what would be done" sync --dry-run
like "one is new, two are not, one would go" "$out" '"unchanged":2,"withdrawn":1'
ok "and does nothing" knows solo b.example
ok "a list that has changed" sync
like "shares what is new" "$out" '"objects": *1'
like "and withdraws what left" "$out" '"unchanged":2,"withdrawn":1'
within 10 "what is new is known elsewhere" knows pair d.example
within 10 "what left is not" forgets pair b.example
ok "what stayed is" knows pair a.example
list a b c
ok "what comes back" sync
within 10 "is known again" knows pair b.example

ok "solo mutes one of its own list" khabar solo mute a.example
ok "the list again" sync
like "is unchanged: a mute is no other list" "$out" '"unchanged":3,"withdrawn":0'
list b c
ok "and when that leaves the list" sync
like "it is withdrawn, muted or not" "$out" '"unchanged":2,"withdrawn":1'
within 10 "which is seen elsewhere" forgets pair a.example
ok "it comes back" khabar solo unmute a.example
list a b c
ok "into the list" sync

exits 1 "for another use it is another list" 'another name' sync --use block
exits 1 "for others, too" 'another name' \
	khabar solo import "$work/list" --sync feed --tlp green --to pair --yes
for time in first second; do
	ok "to one party, the $time time" \
		khabar solo --json import "$work/list" --sync one --tlp amber --to pair --yes
done
like "is the same list" "$out" '"unchanged":3,"withdrawn":0'

exits 3 "what waits in the outbox cannot be a difference" 'hold' sync --hold 5m
list v1 v2 v3 v4 v5 v6 v7 v8 v9 v10
ok "a long list" khabar solo import "$work/list" --sync long --tlp green --to all --yes
list v1 v2
exits 1 "of which most is missing one day" 'more than half of long' \
	khabar solo import "$work/list" --sync long --tlp green --to all --yes
ok "keeps what there is" knows solo v9.example
ok "unless that is meant" \
	khabar solo --json import "$work/list" --sync long --shrink --tlp green --to all --yes
like "and said" "$out" '"unchanged":2,"withdrawn":8'
exits 1 "a bundle is not shared so" 'cannot be shared with --sync' \
	khabar solo import tests/data/content/novispy.stix2 --sync b --tlp green --to all --yes
finish
