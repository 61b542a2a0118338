#!/bin/bash
# Bad lines: far, lossy, reordering, narrow, and a neighbour that can only dial and is suddenly
# elsewhere.  Each node is a host in a network namespace of its own.  `make net` runs it with LONG=1:
# more kinds of lines, and more to carry.
. tests/wire.sh

teller=$bin/tests/e2e/teller
[ -x "$teller" ] || bail "no $teller: run make tests first"
wire_up root east west
family root east west | wire_lab
many=${LONG:+3000}
many=${many:-200}

# tells NODE NAME COUNT: so many messages at once; all_know NAME COUNT: every node has the last one
# and as many objects as every other.
tells() { "$teller" "$lab/$1" "$2" "$3"; }
told=0
all_know() {
	local node
	for node in root east west; do
		knows "$node" "$1$2.example" && lists "$node" "$told" || return
	done
}
# carry SENTENCE: what each end says is everywhere.
carry() {
	turn=$((${turn:-0} + 1))
	ok "$1: east says $many things" tells east "e$turn-" "$many"
	ok "$1: west says $many things" tells west "w$turn-" "$many"
	told=$((told + 2 * many))
	within 300 "$1: what west says is everywhere" all_know "w$turn-" "$many"
	ok "$1: what east says, too" all_know "e$turn-" "$many"
}
# Links are not made again and again: so many connections more than before.
calls() { echo $(($(counted east root calls) + $(counted west root calls))); }
quiet() {
	local more=$(($(calls) - before))
	[ "$more" -le "$2" ]
	result $? "$1" "$more more connections"
	before=$(calls)
}
before=$(calls)

everywhere delay=300 jitter=50
carry "far"
quiet "far: the links stand" 2

everywhere delay=20 jitter=30 reorder=30 hold=100 twice=5
carry "out of order"
quiet "out of order: the links stand" 2

everywhere delay=20 loss=5
carry "lossy"
if [ -n "${LONG:-}" ]; then
	everywhere delay=300 jitter=50 loss=3 burst=4
	carry "far, and lossy in bursts"
	many=500
	everywhere delay=50 loss=20
	carry "one packet in five is lost"
fi

# What is urgent goes before what was said sooner.  The line rests while the alert is shared, so that
# the order in which root has kept the two says all, however busy this machine is.
head -c 800000 /dev/urandom | od -An -v -tx1 -w16 | tr -d ' ' | sed 's/$/.example/' >"$work/list"
everywhere
values=$(wc -l <"$work/list")
both_ways east root delay=50 rate=64 queue=30000
before=$(calls)
sent=$(counted east root bytes)
moving() { [ "$(counted east root bytes)" -gt $((sent + 50000)) ]; }
ok "narrow: a list is imported" khabar east import "$work/list" --tlp green --to all --yes
within 300 "narrow: it is on its way" moving
both_ways east root cut=1
sent=$(counted east root bytes)
ok "narrow: an alert is shared" khabar east share alert.example --tlp green --to all --yes --priority 3
both_ways east root delay=50 rate=64 queue=30000
within 300 "narrow: it arrives" knows root alert.example
diag "narrow: after $(($(counted east root bytes) - sent)) bytes"
quiet "narrow: the link stands" 2
everywhere
told=$((told + values + 1))
all_hold() { lists root "$told" && lists east "$told" && lists west "$told"; }
within 300 "the rest, too, once the line is wide again" all_hold
behind=$(khabar root --json list | sed '1,/"alert\.example"/d' | wc -l)
[ "$behind" -gt $((values / 2)) ]
result $? "narrow: it was there before most of the list" "$behind of $values values came behind it"

if [ -n "${LONG:-}" ]; then
	# A text that takes longer than any timer waits: comments make it long.
	cp "$work/text.zpl" "$work/two.zpl"
	head -c 24000 /dev/urandom | od -An -v -tx1 -w32 | sed 's/ //g;s/^/# /' >>"$work/two.zpl"
	both_ways east root delay=300 rate=16 loss=5 queue=30000
	before=$(calls)
	ok "narrow: the council signs 50 kB" lab resign "$work/two.zpl" root
	within 300 "narrow: it arrives all the same" version_at east 2
	within 90 "narrow: and is agreed upon" linked east root
	quiet "narrow: over the same connection" 2

	# Longer than TCP, ZeroMQ and the sessions wait; and then at once.
	parted() { ! linked root east && ! linked east root; }
	refused() { khabar east links | grep -q "does not answer"; }
	for way in both "to east" "to root"; do
		case $way in
		both) both_ways root east cut=1 ;;
		"to east") one_way root east cut=1 ;;
		"to root") one_way east root cut=1 ;;
		esac
		share east "parted-${way/ /-}.example" >/dev/null
		told=$((told + 1))
		within 120 "cut, $way: both see it" parted
		within 60 "cut, $way: who dials says that nobody answers" refused
		if [ "$way" = "to east" ]; then
			calls_in_vain() { at root "$bin/khabar" --home "$lab/root" doctor | grep -q "10.7.0.2 begins to connect"; }
			within 60 "cut, $way: who is dialed hears that it is, and not heard" calls_in_vain
		fi
		everywhere
		begun=$SECONDS
		within 60 "cut, $way: once the line is back they are linked" linked east root
		diag "after $((SECONDS - begun)) seconds"
		within 60 "cut, $way: and know the same" knows root "parted-${way/ /-}.example"
	done

	# A line that drops long packets, and tells nobody, is passed with shorter ones.
	both_ways root east longest=1200
	short() { khabar east status | grep -q "are long packets"; }
	head -c 80000 /dev/urandom | od -An -v -tx1 -w16 | tr -d ' ' | sed 's/$/.example/' >"$work/more"
	ok "long packets are dropped: a list is imported" khabar east import "$work/more" --tlp green --to all --yes
	told=$((told + $(wc -l <"$work/more")))
	within 240 "long packets are dropped: status says so" short
	probe() { at "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_mtu_probing'; }
	ok "long packets are dropped: east shall look for shorter ones" probe east
	within 120 "and finds them" all_hold
	everywhere
fi

# Nobody can dial west, and one day it is elsewhere: its old connection ends without a word, which
# takes half a minute to notice.
if [ -n "${LONG:-}" ]; then
	lab stop west
	sed -i '/^bind/d' "$lab/west/khabardar.zpl"
	ok "west can only dial" lab start west
	within 90 "it is linked" linked west root
	tell_wire move "${host_of[west]}" 99 >/dev/null
	share west moved.example >/dev/null
	told=$((told + 1))
	within 180 "from another address it is linked again" knows root moved.example
	within 90 "and everywhere is the same" all_hold
fi
for node in root east west; do
	lab stop "$node"
	ok "$node: its store holds together" khabar "$node" check-store
done
finish
