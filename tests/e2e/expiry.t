#!/bin/bash
# What expires goes, at its time and not before, whatever the clocks say.
. tests/tap.sh

clock_begin
day=86400
# pass HOURS
pass() { clock_pass $(($1 * 3600)); }

unknown() { ! knows "$1" "$2"; }
messages() { status_of "$1" messages; }
fewer() { [ "$(messages "$1")" -lt "$was" ]; }
removed() { khabar "$1" --json show "$2" 2>&1 | grep -q 'no message'; }
floor_of() { date -d "$(khabar "$1" --json status | grep -o '"floor": *"[^"]*' | cut -d'"' -f4)" +%s; }
# The floor rises at most a day an hour, with the clocks of neighbours that have greeted.
risen() { [ "$(($(floor_of "$1") + 49 * 3600))" -ge "$(($(date +%s)))" ]; }
links_up() { linked west root && linked east root; }
log_bytes() {
	rm -rf "$work/copy"
	khabar "$1" backup "$work/copy" >/dev/null && stat -c %s "$work/copy/data.mdb"
}

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
for ((i = 0; i < 2000; i++)); do echo "10.$((i / 250)).$((i % 250)).9"; done >"$work/list"
stays=$(share east stays.example)
ok "a list is shared for three days" \
	khabar east import "$work/list" --tlp green --to all --keep 3d --yes
short=$(khabar east --json share short.example --tlp green --to all --keep 3d --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
sealed=$(khabar east --json share sealed.example --tlp amber --to root --keep 3d --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 20 "west has it" knows west short.example
within 10 "root reads what is for it" knows root sealed.example
within 20 "and all of the list" holds west 2002
before=$(log_bytes west)
was=$(messages west)

pass 72
within 30 "three days later links are up" links_up
share east later.example >/dev/null
within 10 "and the next message passes" knows west later.example
ok "what has expired is shown until the floor has passed it" knows west short.example

pass 50
within 30 "two days later still" links_up
pass 2
within 30 "they greet" links_up
within 20 "the floor has risen" risen west
share east wake.example >/dev/null
for node in east root west; do
	within 20 "$node does not know it any more" unknown "$node" short.example
	within 20 "nor has the message" removed "$node" "$short"
done
within 20 "nor what was sealed" unknown root sealed.example
within 10 "nor who only carried it" removed root "$sealed"
is "the list is gone from what is listed" "$(khabar west --json list --all | grep -c '"10\.')" 0
is "from the search" "$(khabar west --json search 10.1.1.9)" ""
is "and from exports" "$(khabar west export --format list --out - | grep -c '^10\.')" 0
ok "what lives on is here" knows west stays.example
like "as a message" "$(khabar west --json show "$stays")" '"has_body": *true'
within 10 "the counts know" fewer west
shrunk() { [ "$(log_bytes west)" -lt "$((before - 20000))" ]; }
within 20 "and the disk" shrunk
for node in east root west; do
	ok "the store of $node is sound" khabar "$node" check-store
done
ok "an index can be built again" khabar west reindex
ok "it is the same" khabar west check-store
ok "without what has expired" unknown west short.example
lab kill west
lab start west
ok "nor after a restart" unknown west short.example
within 20 "west is linked again" linked west root
heard=$(share west more.example)
within 30 "and is heard" knows east more.example
ok "with what it says" test -n "$heard"

# ---- a clock that jumps by ten years ----

before=$(floor_of west)
lab stop west
years=$((10 * 365 * day))
CLOCK_AHEAD=$years lab start west
within 20 "a node that is ten years ahead is linked" linked west root
pass 3
within 30 "and is again three hours later" links_up
share east yet.example >/dev/null
within 20 "it takes what others say" knows west yet.example
ok "it has lost nothing" knows west stays.example
ok "nor has who hears it" knows root stays.example
ok "its floor has risen by no more than time has passed" \
	test "$(($(floor_of west) - before))" -le "$((4 * 3600))"
lab stop west
CLOCK_AHEAD=-$years lab start west
within 20 "one that is ten years behind is linked" linked west root
pass 3
within 30 "and again" links_up
ok "it has lost nothing" knows west yet.example
ok "nor have others" knows east yet.example
lab stop west
for i in 1 2 3; do
	lab stop west root
	CLOCK_AHEAD=$years lab start west root
	within 20 "two of three are wrong, start $i" linked west root
	pass 1
done
lab stop west root
lab start west root
within 20 "all clocks are right again" links_up
ok "nothing is lost" knows west stays.example
ok "anywhere" knows root yet.example
same() { [ "$(listed west)" = "$(listed east)" ]; }
within 60 "all have the same" same
finish
