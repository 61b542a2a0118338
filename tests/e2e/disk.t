#!/bin/bash
# Disks that are full, fail, take no writes, or have lost or changed what they held: the node accepts
# nothing, or stops, and says why; it loses nothing that was acknowledged, and goes on once the disk
# does, or after what khabardar(8) says.
. tests/tap.sh

shim=$bin/tests/e2e/shim/fault.so
[ -e "$shim" ] || bail "no $shim: run make tests first"
family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
said=()

alive() { kill -0 "$1" 2>/dev/null; }
ended() { ! alive "$1"; }
warned() { khabar "$1" --json status | grep -qE "$2"; }
unwarned() { ! warned "$1" "nothing is stored|cannot follow"; }
has() { khabar "$1" show "$2" --raw; }
# say_at NODE VALUE: what is acknowledged is remembered.
say_at() {
	local id
	id=$(share "$1" "$2") && [ -n "$id" ] && said+=("$id")
}
# all_there NODE: every message that was acknowledged to anybody.
all_there() {
	local id
	for id in "${said[@]}"; do has "$1" "$id" || return; done
}

# endures WORDS SENTENCE: with its disk as it is now, east takes nothing, says why and goes on.
endures() {
	exits 1 "$2: a share is refused" "$1" khabar east share no.example --tlp green --to all --yes
	say_at root "while-$count.example"
	within 90 "$2: what came is not stored, and it says why" warned east "nothing is stored at the moment: [^\"]*$1"
	ok "$2: it goes on" alive "$pid"
}
# recovers SENTENCE: the disk is well again.
recovers() {
	within 90 "$1: what came meanwhile is here" all_there east
	within 90 "$1: nothing is left of the warning" unwarned east
	say_at east "after-$count.example"
	within 90 "$1: it is heard" all_there root
}

say_at east first.example
lab stop east
LD_PRELOAD=$(preload fault) FAULT_OF=$lab/east FAULT_FILE=$work/fault lab start east
pid=$(<"$lab/east/pid")
while read -r fault words sentence; do
	echo "$fault" | tr - ' ' >"$work/fault"
	endures "$words" "$sentence"
	rm "$work/fault"
	recovers "$sentence, and is well again"
done <<-'END'
	all-28 full no space
	sync-5 fails a sync that fails
	write-5 fails a write that fails
	all-30 read-only a read-only disk
END

echo "meta 5" >"$work/fault"
khabar east share no.example --tlp green --to all --yes >/dev/null 2>&1
within 90 "a commit that fails in the middle: the node stops" ended "$pid"
like "and says why" "$(tail -n 4 "$lab/east/log.txt")" 'failed in the middle of a commit'
rm "$work/fault"
ok "it starts again" lab start east
pid=$(<"$lab/east/pid")
recovers "started again"

lab stop east
ok "the store of a node whose disk failed holds together" khabar east check-store
ok "a backup of it is made" khabar east backup "$work/backup"

# refuses WORDS SENTENCE: east does not start, and says why.
refuses() { exits 1 "$2" "$1" timeout 300 "$bin/khabardar" --home "$lab/east"; }
again() {
	rm -rf "${lab:?}/east/log"
	khabar east restore "$work/backup" >/dev/null 2>&1
}
data=$lab/east/log/data.mdb
whole=$(stat -c %s "$data")
for size in $((whole / 2)) 4096 100 0; do
	truncate -s "$size" "$data"
	refuses "$lab/east/log" "a log cut off at $size bytes is refused by name"
	again || bail "no restore" "$(khabar east restore "$work/backup" 2>&1)"
done
rm "$data"
refuses "$lab/east/log: is empty" "so is one that is gone while its index is not"
again
dd if=/dev/zero of="$data" bs=4096 seek=2 count=2 conv=notrunc 2>/dev/null
refuses "$data: page" "so is one with pages of zeros"
again
for damage in "truncate -s 5000" "truncate -s 0" "cp tests/tap.sh"; do
	$damage "$lab/east/index/data.mdb" 2>/dev/null
	ok "an index after $damage is built again" lab start east
	within 90 "and all is there" all_there east
	lab stop east
done
ok "restored from its backup" lab start east
within 90 "it has everything" all_there east
say_at east last.example
within 90 "it is heard" all_there root
ok "its store holds together" khabar east check-store
finish
