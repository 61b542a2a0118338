#!/bin/bash
# What an attack costs the others: how long an honest neighbour waits for its acknowledgements without
# and during each of them, what memory the node that is attacked takes, which stays below a bound,
# and who is newly named for it.
#
# An attacker computes on a machine of its own, which this one is not: where the kernel lets it, the
# node and its neighbour go before the attacker, so that what it computes is not taken from them.
# What else this machine does is in every figure, so without and during take turns, ROUNDS=3 times,
# and their medians are compared.  TIME=SECONDS is how long each attack lasts in all, ATTACKS="flood
# crowd": only these.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
outsider=$bin/tests/e2e/outsider
for program in "$attacker" "$outsider"; do
	[ -x "$program" ] || bail "no $program: run make tests first"
done
rounds=${ROUNDS:-3}
seconds=$(((${TIME:-12} + rounds - 1) / rounds))
idle_ms=2500
memory_bound=$((128 * 1024)) # KiB of its own
family national punjab gb kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop gb
lab stop kp
lab stop punjab
pid=$(<"$lab/national/pid")
port=$(sed -n 's/^bind *= *"\{0,1\}tcp:.*:\([0-9]*\)"\{0,1\}.*/\1/p' "$lab/national/khabardar.zpl")

# at NICE COMMAND...: in a session of its own, since sessions share a machine among them first.  What
# this machine does besides is neither the attacker's doing nor the node's, where that may be said.
# Its id is in at.NICE.
at() {
	setsid -w sh -c "{ echo $1 >/proc/self/autogroup; renice -n $1 -p \$\$; } >/dev/null 2>&1
		echo \$\$ >\"$work/at.$1\"; exec \"\$@\"" at "${@:2}"
}
{ echo -15 >"/proc/$pid/autogroup"; } 2>/dev/null
for task in "/proc/$pid/task/"*; do renice -n -15 -p "${task##*/}"; done >/dev/null 2>&1

memory() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }
# Of the node and of all threads of it, in hundredths of a second.
used() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
ms() { awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'; }
wall() { date +%s%3N; }
names() {
	khabar national --json status | grep -oE "(gb|kp) (broke the protocol: [^\"]*|told everyone[^\"]*|goes on[^\"]*|connects again[^\"]*)" |
		sort -u | tr '\n' ';'
}
# newly NAMES: those besides them.
newly() { names | tr ';' '\n' | grep -vxF -e "$(tr ';' '\n' <<<"$1")" | tr '\n' ';'; }

# The neighbour, all the time.
export BEGINS=$work/begins
at -15 "$attacker" "$lab/punjab" national probe 100000 >"$work/waits" 2>"$work/probe" &
# answers FROM TO: how long it waited for each that it asked for between, in microseconds, sorted.
answers() { awk -v from="$1" -v to="$2" '$1 >= from && $1 < to { print $2 }' "$work/waits" | sort -n; }
# percent N: of sorted lines.
percent() { awk -v n="$1" '{ line[NR] = $1 } END { print line[int((NR - 1) * n / 100) + 1] }'; }
probing() { [ -s "$work/waits" ]; }
within 60 "the neighbour is answered" probing
# What an attack has left to do is done: the node does little but answer the neighbour.
quiet() {
	local was
	was=$(used)
	sleep 0.5
	[ $(($(used) - was)) -le 8 ]
}
lasts() { [ "$(wall)" -ge "$1" ]; }
# await SECONDS COMMAND...: it succeeds by then.
await() {
	local end=$((SECONDS + $1))
	until "${@:2}" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.02
	done
}

# Does it again and again, until the file is gone: most are cut off for it, and are then kept out for
# a while, in which they knock.
member() {
	while [ -e "$work/goes-on" ]; do
		at 0 timeout $((seconds + 60)) "$attacker" "$lab/$1" national "$2" "$seconds" 2>&1
	done >"$work/attack.$2"
}
outside() {
	while [ -e "$work/goes-on" ]; do
		at 0 timeout "$seconds" "$outsider" "$port" "$@" 2>&1
	done >"$work/attack.$1"
}

# one_round COMMAND...: without and during; appends what came of it to the files of the attack.
one_round() {
	local from to cpu attacking watching
	await 300 quiet || return
	from=$(wall)
	await 600 lasts $((from + idle_ms))
	to=$(wall)
	answers "$from" "$to" >"$work/without"
	rm -f "$work/begins" "$work/at.0"
	touch "$work/goes-on"
	"$@" &
	attacking=$!
	while [ -e "$work/goes-on" ]; do
		memory >>"$work/memory"
		sleep 0.1
	done 2>/dev/null &
	watching=$!
	# Later it may be kept out for what it did before.
	[ -s "$work/during.p50" ] || await 90 test -e "$work/begins" || return
	cpu=$(used)
	from=$(wall)
	await 600 lasts $((from + 1000 * seconds))
	to=$(wall)
	echo "$(($(used) - cpu))" >>"$work/cpu"
	rm "$work/goes-on"
	kill "$(<"$work/at.0")" 2>/dev/null
	wait "$watching" "$attacking" 2>/dev/null
	answers "$from" "$to" >"$work/during"
	for figure in without during; do
		percent 50 <"$work/$figure" >>"$work/$figure.p50"
		percent 99 <"$work/$figure" >>"$work/$figure.p99"
		wc -l <"$work/$figure" >>"$work/$figure.count"
	done
}
median() { sort -n "$work/$1" | percent 50; }

# attack WHAT WORDS COMMAND...: without and during it, and who was named.
attack() {
	local i most known
	[ -z "${ATTACKS:-}" ] || grep -qw -- "$1" <<<"$ATTACKS" || return
	rm -f "$work/"*.p50 "$work/"*.p99 "$work/"*.count "$work/cpu"
	known=$(names)
	memory >"$work/memory"
	for ((i = 0; i < rounds; i++)); do
		one_round "${@:3}" || break
	done
	rm -f "$work/goes-on"
	[ "$(grep -cx '[0-9]\+' "$work/during.p50")" = "$rounds" ] && [ "$(grep -cx '[0-9]\+' "$work/without.p50")" = "$rounds" ]
	result $? "$1: the neighbour is answered without and during it" "$(head -n 20 "$work/"*.count)" \
		"$(tail -n 3 "$work/attack.$1")" "$(tail -n 3 "$work/probe")" || return
	most=$(sort -n "$work/memory" | tail -n 1)
	printf '# %-16s p50 %6s -> %6s ms, p99 %6s -> %6s ms, %5s answers, %3d %% of a core, %6d KiB; %s\n' "$1" \
		"$(ms "$(median without.p50)")" "$(ms "$(median during.p50)")" \
		"$(ms "$(median without.p99)")" "$(ms "$(median during.p99)")" "$(median during.count)" \
		$(($(median cpu) / seconds)) "$most" "$(newly "$known")"
	[ "$(median during.p50)" -le $((2 * $(median without.p50))) ]
	result $? "$1: it waits at most twice as long" "$(ms "$(median during.p50)") ms, not $(ms "$(median without.p50)")"
	[ "$2" = - ] || like "$1: who does it is named" "$(names)" "$2"
	[ "$most" -le "$memory_bound" ]
	result $? "$1: the memory of the node stays bounded" "$most KiB, not $memory_bound"
	ok "$1: it is the process that it was" test "$(<"$lab/national/pid")" = "$pid"
}

attack drizzle - member gb drizzle
attack flood - member gb flood
attack bombs - member kp bombs
attack dense - member gb dense
attack replay - member kp replay
attack garbage "gb broke the protocol: it sent a malformed" member gb garbage
attack forge "kp broke the protocol: it sent a message of punjab" member kp forge
attack overrun "gb broke the protocol: it pushed beyond its credit" member gb overrun
attack incomplete "kp broke the protocol: it left too many" member kp incomplete
attack greet-for-ever "gb broke the protocol: it greets" member gb greet-for-ever
attack begin-for-ever "kp broke the protocol: it begins to reconcile" member kp begin-for-ever
attack lie-badly "gb broke the protocol: it broke the rules" member gb lie-badly
attack ask-for-ever - member kp ask-for-ever
attack recall-all - member gb recall-all
attack never-ack - member kp never-ack
attack deaf - member gb deaf
attack crowd - member kp crowd
attack half-open - outside half-open 400 600
attack scan - outside scan 2000
attack stranger - outside stranger
kill "$(<"$work/at.-15")"
finish
