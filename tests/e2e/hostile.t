#!/bin/bash
# Two members with valid keys attack a node in every way that their connection gives them.  It names
# them, stays small, keeps what it has acknowledged, and hears its other neighbour all the while.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
[ -x "$attacker" ] || bail "no $attacker: run make tests first"
family national punjab gb kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop gb
lab stop kp
lab stop national
printf 'alarm\n    missing = 0\n' >>"$lab/national/khabardar.zpl"
lab start national
pid=$(cat "$lab/national/pid")
shared=0

# attack NODE ATTACK [SECONDS]: what came of it is in $said.
attack() { said=$(timeout 300 "$attacker" "$lab/$1" national "${@:2}" 2>&1); }

warned() { khabar national --json status | grep -qF "$1"; }

# named NODE ATTACK WORDS: the node is named with these words, and a message of another node arrives.
named() {
	attack "$1" "$2" 2
	within 10 "$2: $1 is named" warned "$1 broke the protocol: $3"
	heard "$2"
}

# heard AFTER: punjab's next message reaches national.
heard() {
	shared=$((shared + 1))
	share punjab "h$shared.example" >/dev/null
	within 20 "$1: punjab is heard" knows national "h$shared.example"
}

# Pages that nobody else has and that cannot be read from a file again.
memory() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }
watch_memory() {
	local most=0 now
	while now=$(memory 2>/dev/null) && [ -n "$now" ]; do
		[ "$now" -gt "$most" ] && most=$now && echo "$most" >"$work/memory"
		sleep 0.05
	done
}
watch_memory &
watching=$!

named gb garbage "it sent a malformed frame"
named kp another-name "it calls itself by a name that is not its key's"
named gb early-push "it pushed before the session was open"
named kp forge "it sent a message of punjab that is not signed by its origin"
named gb change-body "it sent a message of gb that has another body than its header promises"
named kp false-ack "it answered a push that was never made"
# It can answer only what it is sent while it is there.
attack gb second-answer 2 &
attacking=$!
for ((i = 1; i <= 500; i++)); do
	share punjab "second-$i.example" >/dev/null
	kill -0 "$attacking" 2>/dev/null || break
done
wait "$attacking"
within 10 "second-answer: gb is named" warned "gb broke the protocol: it answered a push twice"
heard second-answer
named kp overrun "it pushed beyond its credit"
named gb incomplete "it left too many pushes incomplete"
named kp skip-number "it skipped or repeated the number of a push"
named gb take-credit-back "it took credit back"
named kp greet-for-ever "it greets again and again"
named gb give-a-topology "its topology version 2 is refused"

attack kp replay
is "what is repeated is had already" "$said" "49 of 50 had already, still connected"
attack gb bombs
is "bombs are answered like any message" "$said" "all of them are answered"
heard bombs
attack kp dense
is "so are the densest of posts" "$said" "all of them are answered"
heard dense
attack kp boast 1
like "and beacons about what never was" "$said" "all of them are answered"
within 20 "who tells of them is told of" warned "kp told everyone of"
heard boast

"$attacker" "$lab/gb" national flood 2 >"$work/flood" 2>&1 &
flooding=$!
for _ in 1 2 3; do heard flood; done
wait "$flooding"
flooded=$(sed -n 's/ acknowledged$//p' "$work/flood")
[ "${flooded:-0}" -gt 0 ]
result $? "the flood was taken in: ${flooded:-none} messages of 1 MiB" "$(cat "$work/flood")"

timeout 300 "$attacker" "$lab/gb" national never-ack 2 >/dev/null 2>&1 &
silent=$!
timeout 300 "$attacker" "$lab/kp" national deaf 2 >/dev/null 2>&1 &
deaf=$!
for _ in 1 2 3; do heard "one that never answers, one that never reads"; done
wait "$silent" "$deaf"

kill "$watching"
wait "$watching" 2>/dev/null
most=$(cat "$work/memory")
if sanitized; then
	skip 1 "a sanitizer's memory is not the daemon's"
else
	[ "$most" -lt $((128 << 10)) ]
	result $? "at most $most KiB of memory, under 128 MiB"
fi

before=$(status_of national messages)
lab kill national >/dev/null 2>&1
lab start national >/dev/null 2>&1
counts() { [ "$(status_of "$1" messages)" = "$2" ]; }
within 10 "killed and started again it holds all $before messages" counts national "$before"
[ "$before" -ge $((flooded + shared + 11)) ]
result $? "every one that it acknowledged among them"
finish
