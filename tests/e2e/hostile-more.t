#!/bin/bash
# More of what a member with a valid key can do, and what somebody without one can: lies in
# reconciliation, a thousand connections, a flood of recalls; scans, calls that are held open, other
# mechanisms.  The node names members, lets nobody else in, stays small, and hears its neighbour.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
outsider=$bin/tests/e2e/outsider
for program in "$attacker" "$outsider"; do
	[ -x "$program" ] || bail "no $program: run make tests first"
done
family national punjab gb kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop gb
lab stop kp
pid=$(cat "$lab/national/pid")
port=$(sed -n 's/^bind *= *"\{0,1\}tcp:.*:\([0-9]*\)"\{0,1\}.*/\1/p' "$lab/national/khabardar.zpl")
shared=0

warned() { khabar national --json status | grep -qF "$1"; }
memory() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }

# heard AFTER: punjab's next message reaches national.
heard() {
	shared=$((shared + 1))
	share punjab "h$shared.example" >/dev/null
	within 90 "$1: punjab is heard" knows national "h$shared.example"
}

# named NODE ATTACK WORDS: the node is named with these words.
named() {
	timeout 300 "$attacker" "$lab/$1" national "$2" 45 >/dev/null 2>&1
	within 90 "$2: $1 is named" warned "$1 broke the protocol: $3"
}

# outside WHAT: what came of it is in $said.
outside() { said=$(timeout 300 "$outsider" "$port" "$@" 2>&1); }

heard "before anything"
before=$(memory)

for way in null plain stranger; do
	outside "$way"
	is "a caller with $way is not let in" "$said" "hung up"
done
outside scan 300
like "a scan is borne" "$said" "^[0-9]+ calls$"
heard "a scan"
"$outsider" "$port" half-open 400 600 >"$work/held" 2>&1 &
holding=$!
within 90 "400 calls are held open" grep -q holding "$work/held"
heard "calls that are held open"
lab stop punjab >/dev/null
lab start punjab >/dev/null
within 90 "a neighbour comes in among them" linked national punjab
heard "a neighbour that comes in among them"
[ "$(find "/proc/$pid/fd" | wc -l)" -lt 500 ]
result $? "they hold no more descriptors than there is room for"
kill "$holding"
wait "$holding" 2>/dev/null

named gb lie-unasked "it answered what was never asked"
named kp lie-badly "it broke the rules of reconciliation"
named gb begin-for-ever "it begins to reconcile again and again"
heard "lies in reconciliation"

timeout 300 "$attacker" "$lab/kp" national ask-for-ever 1 >"$work/asked" 2>&1 &
asking=$!
heard "one that asks for everything again and again"
wait "$asking"
like "it is answered" "$(cat "$work/asked")" "it is answered"

timeout 300 "$attacker" "$lab/gb" national recall-all 2 >"$work/recalled" 2>&1 &
recalling=$!
heard "a flood of recalls"
wait "$recalling"
like "recalls of what never was are taken in" "$(cat "$work/recalled")" "^[1-9][0-9]* acknowledged"

files=$(ulimit -Hn)
if [ "$files" = unlimited ] || [ "$files" -ge 4000 ]; then
	timeout 300 "$attacker" "$lab/kp" national crowd 2 >"$work/crowd" 2>&1 &
	crowding=$!
	heard "a thousand connections with one key"
	wait "$crowding"
	like "they were there" "$(cat "$work/crowd")" "gone"
else
	skip 2 "no process may open 4000 files here"
fi
heard "all of it"

grown=$(($(memory) - before))
if sanitized; then
	skip 1 "a sanitizer's memory is not the daemon's"
else
	[ "$grown" -lt $((96 << 10)) ]
	result $? "its own memory has grown by $grown KiB, under 96 MiB"
fi
ok "it is the process that it was" test "$(cat "$lab/national/pid")" = "$pid"
ok "and answers" khabar national status
finish
