#!/bin/bash
# A clock that is wrong by years destroys nothing, neither its owner's store nor anybody else's.
. tests/tap.sh

# start_at SECONDS NODE: with its clock so far ahead.
start_at() { LD_PRELOAD=$(preload clock) CLOCK_AHEAD=$1 lab start "$2"; }
warns_of_clock() { khabar root --json status | grep -q '"warnings": *\["[^]]*clock'; }
links_up() { linked root west && linked root east; }
agree() { [ "$(listed west)" = "$(listed root)" ] && [ "$(listed east)" = "$(listed root)" ]; }
years=$((5 * 366 * 86400))

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
first=$(share east first.example)
within 10 "west has a message while all clocks are right" khabar west show "$first" --raw

for wrong in $years -$years; do
	lab stop west
	ok "west starts with a clock that is wrong by $wrong seconds" start_at "$wrong" west
	within 10 "a neighbour warns of it" warns_of_clock
	id=$(share east "while$wrong.example")
	within 10 "it still gets what others share" khabar west show "$id" --raw
	ok "and keeps what it had" khabar west show "$first" --raw
	within 10 "so do the others" khabar root show "$id" --raw
	within 10 "both links are up" links_up
done

lab stop west
ok "the clock is right again" lab start west
share west right.example >/dev/null
within 10 "and west is heard" knows east right.example
within 10 "all three hold the same" agree
finish
