#!/bin/bash
# Networks that lose, delay, reorder and squeeze what they carry, that part for a while, that work one
# way only, and nodes that can only dial: in a network namespace of this test's own, which ends with it.
if [ -z "${NET_INSIDE:-}" ]; then
	for tool in ip nft unshare; do
		command -v "$tool" >/dev/null && continue
		echo "1..0 # SKIP there is no $tool"
		exit 0
	done
	if ! unshare -rn sh -c 'ip link set lo mtu 1500 up && nft add table inet t' 2>/dev/null; then
		echo "1..0 # SKIP a network of one's own may not be made here"
		exit 0
	fi
	NET_INSIDE=yes exec unshare -rn "$0"
fi
# A network card's packets, not loopback's of 64 KiB.
ip link set lo mtu 1500 up || exit 1
. tests/tap.sh

# A chain, so that what one end says goes over both links.
{
	family root east
	printf '    west\n        reports-to = east\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
all=(root east west)
list=tests/data/content/ipsum.txt
port_of() { sed -n 's/.*bind *=.*:\([0-9]*\)".*/\1/p' "$lab/$1/khabardar.zpl"; }
listens() { grep -qi ":$(printf %04X "$1") 00000000:0000 0A " /proc/net/tcp; }
port=$(port_of root)
like "root listens" "$port" '^[0-9]+$'

# weather RULE: what happens to packets from now on.
fair() {
	nft delete table inet weather 2>/dev/null
	tc qdisc del dev lo root 2>/dev/null
}
weather() {
	fair
	nft "table inet weather { chain in { type filter hook input priority 0; $1; }; }"
}
say_one() {
	turn=$((${turn:-0} + 1))
	share "$1" "n$turn.example" >/dev/null
}
know_it() {
	local node
	for node in "${all[@]}"; do knows "$node" "n$turn.example" || return; done
}
parted() { ! linked root east || ! linked east root; }
joined() { linked root east && linked east root && linked east west; }
agree() { [ "$(listed west)" = "$(listed root)" ] && [ "$(listed east)" = "$(listed root)" ]; }
# arrives SENTENCE: what each end says reaches the other.
arrives() {
	say_one west
	within 90 "$1: what west says is everywhere" know_it
	say_one root
	within 90 "$1: what root says too" know_it
}

ok "one packet in twenty is lost" weather 'meta l4proto tcp numgen random mod 20 == 0 drop'
ok "a list is imported" khabar west import "$list" --tlp green --to all --yes
arrives "lossy"
within 90 "lossy: the list is at root" agree

fair
if tc qdisc add dev lo root tbf rate 512kbit burst 4kb latency 1s 2>/dev/null; then
	ok "narrow: an import of STIX" khabar west import tests/data/content/novispy.stix2 --tlp green --to all --yes
	arrives "narrow"
	within 90 "narrow: all of it is at root" agree
else
	skip 4 "this kernel cannot make a link narrow"
fi

fair
if tc qdisc add dev lo root netem delay 150ms 50ms reorder 25% loss 1% 2>/dev/null; then
	arrives "far, reordered and lossy"
else
	skip 2 "this kernel cannot delay packets"
fi

ok "root and east are parted" weather "tcp dport $port drop; tcp sport $port drop"
[ -z "${LONG:-}" ] || within 90 "both know it" parted
say_one west
for i in 1 2 3 4 5; do share root "apart-$i.example" >/dev/null; done
ok "each side goes on: west" knows west "n$turn.example"
ok "and root" knows root apart-5.example
fair
within 90 "together again" joined
within 90 "all hold the same" agree

# The answers of the one that was dialed are lost, what is said to it arrives.
ok "the link works one way only" weather "tcp sport $port drop"
[ -z "${LONG:-}" ] || within 90 "it is not taken for one that stands" parted
say_one west
fair
within 90 "when it works again both ways it stands" joined
within 90 "and what was said meanwhile is everywhere" know_it
within 90 "all hold the same" agree

west=$(port_of west)
ok "west listens too" listens "$west"
lab stop west
sed -i '/^bind/d' "$lab/west/khabardar.zpl"
ok "west can only dial" lab start west
silent() { ! listens "$west"; }
ok "it listens no more" silent
within 90 "and is linked" joined
arrives "only dialing"
within 90 "all hold the same at the end" agree
finish
