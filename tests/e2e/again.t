#!/bin/bash
# What a node has said already an import does not say again; what is too much for one request goes in
# several, and nothing of it before all is known to be right.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

import() { khabar solo --json import "$@" --tlp green --to all --yes; }
# counted SENTENCE OBJECTS UNCHANGED: of what was said last.
counted() {
	local unchanged=
	[ "$3" = 0 ] || unchanged=",\"unchanged\": *$3"
	like "$1" "$out" "\"objects\": *$2,\"audience\": *\[[^]]*\]${unchanged}[,}]"
}
# says SENTENCE OBJECTS UNCHANGED ARGUMENT...: so many are shared, and so many were.
says() {
	ok "$1" import "${@:4}"
	counted "... $2 are shared, $3 are not" "$2" "$3"
}

printf '%s.example\n' a b c >"$work/list"
says "a list" 3 0 "$work/list"
within 10 "is known elsewhere" knows pair c.example
says "the same list" 0 3 "$work/list"
is "is no message at all" "$(status_of solo messages)" 1
ok "which people are told" khabar solo import "$work/list" --tlp green --to all --yes
like "in words" "$out" 'nothing new'
echo d.example >>"$work/list"
says "a list with one line more" 1 3 "$work/list"
says "with a label that was not there" 4 0 "$work/list" --label botnet
says "to be blocked" 4 0 "$work/list" --use block
says "for longer than twice what is left" 4 0 "$work/list" --use block --valid 300d
says "with more confidence" 4 0 "$work/list" --use block --valid 300d --confidence 90
says "more urgently" 4 0 "$work/list" --use block --valid 300d --confidence 90 --priority 3
ok "to one party" khabar solo --json import "$work/list" --tlp green --to pair --yes
counted "all of it is new" 4 0
ok "with a receipt all of it is sent" import "$work/list" --receipt
like "whatever was said" "$out" '"objects": *4'
ok "what is withdrawn" khabar solo withdraw a.example --because wrong --yes
says "is new again" 1 3 "$work/list"
for file in tests/data/content/novispy.stix2 tests/data/content/turla-crutch.json; do
	ok "${file##*/}" import "$file"
	ok "... again" import "$file"
	like "... is nothing new" "$out" '"messages":\[\],"objects": *0,'
done

# Two lists with a value in common.
sync() { khabar solo --json import "$work/$1" --sync "$1" --tlp green --to all --yes; }
# forgets NODE VALUE
forgets() { khabar "$1" --json check "$2" | grep -q '"known": *false'; }
printf '%s.sync.example\n' both one >"$work/one"
printf '%s.sync.example\n' both two >"$work/two"
ok "one list" sync one
ok "another, with one of its values" sync two
for list in one two one; do
	ok "list $list again" sync "$list"
	like "... is unchanged, whatever the other says" "$out" '^\{"sync":"'"$list"'","unchanged":2,"withdrawn":0\}$'
done
echo two.sync.example >"$work/two"
ok "the value leaves one of them" sync two
like "... and only that is withdrawn" "$out" '"unchanged":1,"withdrawn":1'
within 10 "it is still known" knows pair both.sync.example
echo one.sync.example >"$work/one"
ok "the value leaves the other" sync one
within 10 "it is known no more" forgets pair both.sync.example

# Too much for one request.
awk 'BEGIN { for (i = 0; i < 130000; i++) print "h" i ".of-a-list-that-is-large.example" }' >"$work/large"
{ cat "$work/large" && echo 'neither fish nor fowl'; } >"$work/wrong"
before=$(status_of solo messages)
exits 1 "a large list with a bad line at its end" 'line 130001' import "$work/wrong"
exits 1 "a large list is not held" 'held' import "$work/large" --hold 5m
ok "--dry-run of a large list" import "$work/large" --dry-run
counted "... counts all of it" 130000 0
is "of all that nothing was sent" "$(status_of solo messages)" "$before"
head -n 30000 "$work/large" >"$work/part"
says "a part of it, as if interrupted" 30000 0 "$work/part"
says "the whole" 100000 30000 "$work/large"
first=$(grep -o '"messages":\["[0-9a-f]*' <<<"$out" | grep -o '[0-9a-f]*$')
from_input() { shuf --random-source="$work/large" "$work/large" | import -; }
ok "the whole, from standard input and in another order" from_input
counted "... is nothing new" 0 130000
within 60 "its last line is known elsewhere" knows pair h129999.of-a-list-that-is-large.example
ok "what several requests have sent" khabar solo withdraw "$first" --import --because leaked --yes
within 60 "is withdrawn as one: its end" forgets pair h129999.of-a-list-that-is-large.example
within 60 "and its beginning" forgets pair h30000.of-a-list-that-is-large.example
ok "but not what was shared before" knows solo h29999.of-a-list-that-is-large.example
finish
