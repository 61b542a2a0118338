#!/bin/bash
# A node that may open few files, of which strangers want more than there are: its links stay, its
# operator is answered, and nothing ends it.  With fewer than it needs it does not start.
. tests/tap.sh

outsider=$bin/tests/e2e/outsider
[ -x "$outsider" ] || bail "no $outsider: run make tests first"
family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
port=$(sed -n 's/.*bind *=.*:\([0-9]*\)".*/\1/p' "$lab/root/khabardar.zpl")
lab stop root

# limited FILES COMMAND...
limited() (
	ulimit -n "$1"
	"${@:2}"
)
for files in 12 24 63; do
	exits 1 "with $files files it does not start, and says why" "only $files files may be open" \
		limited "$files" timeout 300 "$bin/khabardar" --home "$lab/root"
done

if grep -qz __tsan_init "$bin/khabardar"; then
	few=128
else
	few=64
fi
ok "with $few it does" limited "$few" scripts/lab start "$lab" root
pid=$(<"$lab/root/pid")
within 60 "it is linked" linked root east
within 60 "with all" linked root west
"$outsider" "$port" half-open 400 600 >"$work/held" 2>&1 &
holding=$!
within 90 "400 calls are held open" grep -q holding "$work/held"
share east first.example >/dev/null
within 60 "what a neighbour says arrives" knows root first.example
within 60 "and goes on to the next" knows west first.example
ok "its links are what they were" linked root east
ok "and so is the other" linked root west
lab stop west
lab start west
within 90 "a neighbour that comes anew is let in" linked root west
ok "it takes what is shared" khabar root share here.example --tlp green --to all --yes
within 60 "and passes it on" knows west here.example
kill "$holding"
wait "$holding" 2>/dev/null
ok "it answers" khabar root status

# Each of them polls, over a connection that it would keep.
watching=()
for ((i = 0; i < 60; i++)); do
	"$bin/khabar" --home "$lab/root" watch >/dev/null 2>&1 &
	watching+=($!)
done
listened() { khabar root --json status && khabar root check first.example; }
for _ in 1 2 3; do
	within 60 "among 60 who watch its operator is answered" listened
done
share east second.example >/dev/null
within 60 "and its links are" knows root second.example
kill "${watching[@]}" 2>/dev/null
wait "${watching[@]}" 2>/dev/null
is "it is the process that it was" "$(<"$lab/root/pid")" "$pid"
ok "and runs" kill -0 "$pid"
ok "its store holds together" khabar root check-store
finish
