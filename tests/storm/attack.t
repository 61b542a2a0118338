#!/bin/bash
# What an attack costs the others: how long an honest neighbour waits for its acknowledgements before
# and during each of them, what memory the node that is attacked takes, which stays below a bound,
# and who is newly named for it.
#
# An attacker computes on a machine of its own, which this one is not: where the kernel lets it, the
# node and its neighbour go before the attacker, so that what it computes is not taken from them.
# TIME=SECONDS is how long each lasts, ATTACKS="flood crowd": only these.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
outsider=$bin/tests/e2e/outsider
for program in "$attacker" "$outsider"; do
	[ -x "$program" ] || bail "no $program: run make tests first"
done
seconds=${TIME:-8}
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
at() {
	setsid -w sh -c "echo $1 >/proc/self/autogroup; renice -n $1 -p \$\$; exec \"\$@\"" at "${@:2}" 2>/dev/null
}
{ echo -15 >"/proc/$pid/autogroup"; } 2>/dev/null
for task in "/proc/$pid/task/"*; do renice -n -15 -p "${task##*/}"; done >/dev/null 2>&1

memory() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }
# Of the node and of all threads of it, in hundredths of a second.
used() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
probe() { at -15 timeout 300 "$attacker" "$lab/punjab" national probe "$1" 2>&1 | tail -n 1; }
ms() { awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'; }
names() {
	khabar national --json status | grep -oE "(gb|kp) (broke the protocol: [^\"]*|told everyone[^\"]*|goes on[^\"]*|connects again[^\"]*)" |
		sort -u | tr '\n' ';'
}
# newly NAMES: those besides them.
newly() { names | tr ';' '\n' | grep -vxF -e "$(tr ';' '\n' <<<"$1")" | tr '\n' ';'; }

# Does it again and again, until the file is gone: most are cut off for it.
member() {
	while [ -e "$work/goes-on" ]; do
		at 0 timeout 300 "$attacker" "$lab/$1" national "$2" "$seconds"
	done >"$work/attack.$2" 2>&1
}
outside() {
	while [ -e "$work/goes-on" ]; do
		at 0 timeout "$seconds" "$outsider" "$port" "$@"
	done >"$work/attack.$1" 2>&1
}

# attack WHAT WORDS COMMAND...: before, during it, and who was named.
attack() {
	local before during most=0 now idle_p50 idle_p99 p50 p99 begun cpu watching known
	[ -z "${ATTACKS:-}" ] || grep -qw -- "$1" <<<"$ATTACKS" || return
	read -r idle_p50 idle_p99 before < <(probe 3)
	known=$(names)
	memory >"$work/memory"
	touch "$work/goes-on"
	"${@:3}" &
	while [ -e "$work/goes-on" ] && now=$(memory); do
		[ "$now" -le "$most" ] || most=$now && echo "$most" >"$work/memory"
		sleep 0.1
	done &
	watching=$!
	sleep 1
	begun=$(used)
	read -r p50 p99 during < <(probe "$seconds")
	cpu=$(($(used) - begun))
	rm "$work/goes-on"
	wait "$watching" "$!" 2>/dev/null
	wait
	[[ ${idle_p50:-} =~ ^[0-9]+$ && ${p50:-} =~ ^[0-9]+$ ]]
	result $? "$1: the neighbour is answered before and during it" "$idle_p50 $idle_p99 $before" \
		"$p50 $p99 $during" "$(tail -n 3 "$work/attack."*)" || return
	printf '# %-16s p50 %6s -> %6s ms, p99 %6s -> %6s ms, %5s answers, %3d %% of a core, %6d KiB; %s\n' "$1" \
		"$(ms "$idle_p50")" "$(ms "$p50")" "$(ms "$idle_p99")" "$(ms "$p99")" "$during" \
		$((cpu / seconds)) "$(<"$work/memory")" "$(newly "$known")"
	[ "$p50" -le $((2 * idle_p50)) ]
	result $? "$1: it waits at most twice as long" "$(ms "$p50") ms, not $(ms "$idle_p50")"
	[ "$2" = - ] || like "$1: who does it is named" "$(names)" "$2"
	[ "$(<"$work/memory")" -le "$memory_bound" ]
	result $? "$1: the memory of the node stays bounded" "$(<"$work/memory") KiB, not $memory_bound"
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
finish
