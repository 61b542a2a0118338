#!/bin/bash
# A storm: thirteen nodes under load, killed, cut off from their power and stopped at random, and some
# that lose their index.  Afterwards every message that was acknowledged is at every carrier, every
# store holds together, all hold the same, and nobody was blamed.
#
# TIME=SECONDS is how long it blows, SEED=NUMBER which storm it is: make storm TIME=600 SEED=7.
. tests/tap.sh

shim=$bin/tests/e2e/shim/shadow.so
[ -e "$shim" ] || bail "no $shim: run make tests first"
all=(national punjab sindh kp balochistan ajk gb kp-cerc telecom defense community nadra fbr)
seconds=${TIME:-20}
RANDOM=${SEED:-1}

# begin NODE...: with a shadow of its log, where power may be cut.
begin() {
	local node
	for node; do
		mkdir -p "$work/shadow/$node"
		LD_PRELOAD=$shim SHADOW_OF=$lab/$node/log SHADOW_IN=$work/shadow/$node \
			SHADOW_SEED=$((RANDOM % 2 * RANDOM)) lab start "$node" || return
	done
}

# What a power cut leaves of a node's log is its shadow.
cut_power() {
	lab kill "$1"
	rm -rf "${lab:?}/$1/log"
	cp -r --sparse=always "$work/shadow/$1" "$lab/$1/log"
	rm -f "$lab/$1/log/"{lock,lock.mdb,unnamed-*}
}

# One stroke of the storm.
strike() {
	local node=${all[RANDOM % ${#all[@]}]} other=${all[RANDOM % ${#all[@]}]}
	case $((RANDOM % 8)) in
	0 | 1 | 2) lab kill "$node" ;;
	3 | 4) cut_power "$node" ;;
	5) lab stop "$node" ;;
	6)
		lab kill "$node"
		rm -rf "${lab:?}/$node/index"
		;;
	7)
		lab kill "$node" "$other"
		begin "$other" || return
		;;
	esac
	begin "$node"
}

# writer NUMBER: says something at some node again and again; what is acknowledged is written down as
# "id node audience".
writer() {
	local n=0 node other said
	RANDOM=$((${SEED:-1} * 10 + $1))
	while [ -e "$work/blows" ]; do
		n=$((n + 1))
		node=${all[RANDOM % ${#all[@]}]}
		other=${all[RANDOM % ${#all[@]}]}
		if [ $((RANDOM % 4)) -ne 0 ] || [ "$node" = "$other" ]; then
			other=all
		fi
		said=$(khabar "$node" --json share "w$1-$n.example" --to "$other" --yes \
			--tlp "$([ "$other" = all ] && echo green || echo amber)" 2>/dev/null)
		said=$(sed -n 's/.*"messages": *\["\([0-9a-f]\{64\}\)".*/\1/p' <<<"$said")
		[ -z "$said" ] || echo "$said $node $other"
		sleep 0.05
	done >"$work/writer.$1"
}

# ids_of NODE: of the posts that it can read, in order.
ids_of() { khabar "$1" --json list | grep -o '"message": *"[0-9a-f]*"' | grep -oE '[0-9a-f]{64}' | LC_ALL=C sort -u; }
acknowledged() { cat "$work"/writer.*; }
for_all() { acknowledged | awk '$3 == "all" { print $1 }' | LC_ALL=C sort -u; }
lacks() { LC_ALL=C comm -23 "$work/for-all" <(ids_of "$1"); }
has_all() { [ -z "$(lacks "$1")" ]; }

# carriers NODE OTHER: of what the one says to the other: who reads it, and who is on the way.
carriers() {
	local file=$work/carriers.$1.$2
	[ -s "$file" ] || khabar "$1" --json who --to "$2" --tlp amber |
		sed 's/.*"nodes": *\[//; s/"links":.*//' | grep -o '"node": *"[^"]*"' | cut -d '"' -f 4 >"$file"
	cat "$file"
}

# Of the sealed messages: those that a carrier lacks.
sealed_lost() {
	local id node other carrier
	acknowledged | while read -r id node other; do
		[ "$other" != all ] || continue
		[ -n "$(carriers "$node" "$other")" ] || echo "$node cannot say who carries $id"
		for carrier in $(carriers "$node" "$other"); do
			khabar "$carrier" show "$id" --raw >/dev/null 2>&1 || echo "$carrier lacks $id of $node"
		done
	done
}
none_lost() {
	sealed_lost >"$work/lost"
	cat "$work/lost"
	[ ! -s "$work/lost" ]
}

lab_up --topology scripts/federation.zpl
lab stop "${all[@]}"
for node in "${all[@]}"; do
	mkdir -p "$work/shadow"
	cp -r --sparse=always "$lab/$node/log" "$work/shadow/$node"
done
begin "${all[@]}" || bail "a node does not start"

touch "$work/blows"
for i in 1 2 3 4; do writer "$i" & done
strokes=0
good=true
end=$((SECONDS + seconds))
while $good && [ "$SECONDS" -lt "$end" ]; do
	strike >"$work/said" 2>&1 || good=false
	strokes=$((strokes + 1))
	sleep "0.$((RANDOM % 5))"
done
rm "$work/blows"
wait
$good
result $? "every node starts again after each of $strokes strokes" "$(<"$work/said")"

for_all >"$work/for-all"
diag "seed ${SEED:-1}, $seconds s: $(acknowledged | wc -l) messages acknowledged, $(wc -l <"$work/for-all") for all"
[ "$(acknowledged | wc -l)" -gt 0 ]
result $? "there was load meanwhile"
for node in "${all[@]}"; do
	within 120 "$node has all that was acknowledged to anybody" has_all "$node"
done
within 600 "what is sealed is at every carrier" none_lost
for node in "${all[@]}"; do
	ok "the store of $node holds together" khabar "$node" check-store
done
is "nobody was blamed" "$(grep -lE 'broke the protocol|damaged|panic' "$lab"/*/log.txt)" ""
finish
