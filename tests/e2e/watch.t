#!/bin/bash
# What others have said and what they withhold: restarts, restored nodes, clones, numbers that are
# used twice, a relay that drops messages.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
[ -x "$attacker" ] || bail "no $attacker: run make tests first"

# warns NODE WORDS, and the opposite; says is quiet only of what a node could have heard.
warns() { khabar "$1" --json status | grep -o '"warnings": *\[.*\]' | grep -qE "$2"; }
quiet() { ! warns "$@"; }
# The last heartbeat or beacon that a node has sent: its id.
told() { sed -n "s/^debug: $2 to .* was sent: message //p" "$lab/$1/log.txt" | tail -n 1; }
# restart NODE...: each says its heartbeat, and root has it.
heard() { khabar root show "$(told "$1" 'the heartbeat')" --json; }
attack() { said=$(timeout 300 "$attacker" "$lab/$1" root "${@:2}" 2>&1); }
# A member of the message with that id as a node shows it.
shown() { khabar "$1" --json show "$2" | grep -o "\"$3\": *[^,}]*" | head -n 1; }

{
	family root east west
	printf '    south\n        reports-to = west\n'
	printf 'link\n    side = "root south"\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
for node in root east west south; do
	lab stop "$node"
	printf 'log = debug\nalarm\n    missing = 0\n' >"$work/more"
	sed -i '/^log/d' "$lab/$node/khabardar.zpl"
	cat "$work/more" >>"$lab/$node/khabardar.zpl"
done
lab start root east west south

# ---- a restart is no news ----

begun() { [ -n "$(told "$1" 'the heartbeat')" ]; }
within 60 "a node says that it has begun" begun east
id=$(share east one.example)
before=$(told east 'the heartbeat')
lab kill east
lab start east
begun_again() { [ "$(told "$1" 'the heartbeat')" != "$2" ]; }
within 10 "after kill -9 a node says that it has begun" begun_again east "$before"
within 10 "and everybody hears it" heard east
heartbeat=$(told east 'the heartbeat')
like "it names the one before" "$(shown root "$heartbeat" ref)" "$before"
like "and what that one has said" "$(khabar root show "$heartbeat" --json)" '"last": *2,"live": *\[\[1,1,[0-9]*\],\[2,2,'
within 10 "what was said before the end arrives too" khabar root show "$id" --raw
within 10 "nobody is warned" quiet root '\["'
is "and the heartbeat is not counted as a message" "$(status_of root messages)" 1

# ---- a restored node ----

ok "a backup is made" khabar east backup "$work/backup"
id=$(share east after-the-backup.example)
within 10 "what is said after it arrives" khabar root show "$id" --raw
lab kill east
rm -rf "$lab/east/log" "$lab/east/index"
ok "the backup is restored" khabar east restore "$work/backup"
lab start east
within 30 "a neighbour sees that it was restored" warns root 'east has begun twice'
within 10 "and so does who is further away" warns south 'east has begun twice'
within 10 "and the node itself" warns east 'this node, east has begun twice'
within 10 "it gets back what it has said" khabar east show "$id" --raw
id=$(share east restored.example)
within 10 "and is heard" khabar south show "$id" --raw
ok "nobody is blamed" quiet root 'broke the protocol'

# ---- two that live ----

lab stop west
cp -a "$lab/west" "$work/clone"
sed -i '/^bind/d' "$work/clone/khabardar.zpl"
"$bin/khabardar" --home "$work/clone" >"$work/clone.txt" 2>&1 </dev/null &
clone=$!
trap 'kill "$clone" 2>/dev/null; clean_up' EXIT
# khabar_clone ARGUMENT...
khabar_clone() { "$bin/khabar" --home "$work/clone" "$@"; }
clone_warns() { khabar_clone --json status | grep -q 'this node, west has begun twice'; }
lab start west
within 20 "two with one key are seen by their neighbour" warns root 'west has begun twice'
within 40 "by one of the two" warns west 'this node, west has begun twice'
within 40 "and by the other" clone_warns
within 20 "that they end each other's connection is seen too" warns root \
	'west connects again and again'
kill "$clone"
wait "$clone"
lab stop west

# ---- a number for two messages ----

attack west twice
is "two messages with one number are taken" "$said" "both are answered"
within 10 "and their author is named" warns root 'west has given one number to two messages'
proof=$(khabar root --json evidence list)
like "the evidence names both" "$proof" '"sequence": *1,"messages": *\["[0-9a-f]{64}","[0-9a-f]{64}"\]'
id=$(sed -n 's/^{"id": *"\([0-9a-f]*\)".*/\1/p' <<<"$proof")
ok "it can be taken out" khabar root evidence show "${id:0:10}" --export "$work/evidence"
exits 1 "but not over a file that is there" 'exist' khabar root evidence show "$id" --export "$work/evidence"
exits 1 "what nobody has done has none" 'no evidence' khabar root evidence show 00000000
within 10 "others keep it too" khabar east evidence show "$id"
ok "the store holds together" khabar root check-store
lab stop root
ok "a node that is down can verify it" khabar root verify "$work/evidence"
like "and says who it was" "$out" '^west has given number 1 '
sed 's/\("header":"4b42523101\)01/\102/' "$work/evidence" >"$work/changed"
exits 1 "what was changed proves nothing" 'signature' khabar root verify "$work/changed"
exits 1 "nor does half of it" '.' khabar root verify <(head -c 500 "$work/evidence")
lab start root
within 10 "after a restart it is still known" warns root 'west has given one number to two messages'

# ---- a relay that drops messages ----

# What south says goes through west, and over its own link with root.
lab start west
within 20 "south is linked with west" linked south west
lab stop root
withheld=$(share south withheld.example)
within 10 "west has what south says" khabar west show "$withheld" --raw
before=$(told south 'the heartbeat')
lab kill south
lab start south
within 10 "which says once more that it has begun" begun_again south "$before"
within 10 "west has that, too" khabar west show "$(told south 'the heartbeat')" --raw
khabar west show "$(told south 'the heartbeat')" --raw >"$work/heartbeat"
lab stop south
lab stop west
lab start root
attack west carry "$work/heartbeat"
is "a relay passes on what it likes" "$said" "all of it is taken"
within 10 "what it keeps back is missed, and from whom" warns root \
	'south told everyone of [0-9] messages? that ha(s|ve) not come .*expected from .*south'
exits 1 "it is not there" . khabar root show "$withheld" --raw
lab start south
within 20 "over another way it comes" khabar root show "$withheld" --raw
within 10 "and nothing is missing any more" quiet root 'south told'

# ---- beacons ----

# later SECONDS: east, restarted with a clock that is so far ahead.
later() { lab stop east && LD_PRELOAD=$(preload clock) CLOCK_AHEAD=$1 lab start east; }
beacons() { grep -c 'a beacon to an audience was sent' "$lab/east/log.txt"; }
sent() { [ "$(beacons)" -eq "$1" ]; }
sequence=$(khabar east --json share sealed.example --tlp amber --to south --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 20 "a sealed message arrives" khabar south show "$sequence" --raw
ok "an hour later" later 3660
within 10 "those who got it are told that there is one" sent 1
beacon=$(told east 'a beacon')
within 10 "and hear it" khabar south show "$beacon" --raw
like "in a beacon that is sealed to them" "$(khabar south show "$beacon" --json)" \
	'"flags": *\["sealed"\].*"last": *1,"live": *\[\[1,1,'
like "which a relay carries and cannot read" "$(khabar root show "$beacon" --json)" 'cannot be read here'
later 3700
ok "no second one" sent 1
ok "before six hours have passed" later 21700
within 10 "then there is" sent 2
finish
