#!/bin/bash
# When an emergency stays unacknowledged, who is above the silent reader hears that, once, and nothing
# of what it says.
. tests/tap.sh

clock_begin
# pass MINUTES
pass() { clock_pass $(($1 * 60)); }

cat >"$work/text.zpl" <<'END'
node
    root
    east
        reports-to = root
    kp
        reports-to = root
    kp-cerc
        reports-to = kp
    office
        reports-to = kp
END
lab_up --topology "$work/text.zpl"

# A message a line.
inbox() { khabar "$1" --json inbox | sed 's/{"message"/\n&/g'; }
noticed() { inbox "$1" | grep -q "has not been acknowledged there"; }
notices() { inbox "$1" | grep -o 'has not been acknowledged there' | wc -l; }
acknowledged() { khabar east --json who "$id" | grep -q "\"acknowledged\": *$1,"; }
ask() { khabar east --json ask "$1" --to kp,kp-cerc,office,root --priority emergency "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
opened() { khabar "$1" show "$id"; }

ok "there is a backup of east" khabar east backup "$work/backup"
ok "kp-cerc is away" lab stop kp-cerc
id=$(ask "the secret plan")
for node in kp root office; do
	within 30 "$node has the emergency" opened "$node"
	[ "$node" = office ] || ok "$node acknowledges it" khabar "$node" ack "$id"
done
within 30 "east hears of that" acknowledged 2
pass 50
ok "before its time nobody is told" test "$(notices kp)" = 0
pass 15
within 60 "then kp is told" noticed kp
like "who is silent" "$(inbox kp)" '"text": *"kp-cerc, office: an emergency of east has not|"text": *"office, kp-cerc: an emergency of east has not'
like "of which message" "$(inbox kp)" "its id is $id"
is "but nothing of what it says" "$(inbox kp | grep 'not been acknowledged' | grep -o '"text": *"[^"]*"' | grep -c 'acknowledged.*secret plan')" 0
like "people see it in their inbox" "$(khabar kp inbox)" 'east .*(kp-cerc|office), (kp-cerc|office): an emergency of east'
ok "root, whose own have answered, is not told" test "$(notices root)" = 0

# ---- once, whatever happens to the author ----

id=$(ask "another")
within 30 "kp has another emergency" opened kp
pass 61
ok "its author is killed" lab kill east
ok "and starts again" lab start east
two() { [ "$(notices kp)" -ge 2 ]; }
within 60 "kp is told of that, too" two
within 60 "root is told of kp" noticed root
ok "east is killed once more" lab kill east
ok "and starts" lab start east
pass 61
id=$(ask "a third")
within 60 "a later one reaches kp" opened kp
pass 61
three() { [ "$(notices kp)" -ge 3 ]; }
within 60 "which is told of it" three
is "each was told once" "$(inbox kp | grep -o 'its id is [0-9a-f]*' | sort | uniq -d | wc -l)" 0
is "and there are three" "$(notices kp)" 3

# ---- an author whose store is older than what it has said ----

ok "east ends" lab stop east
mv "$lab/east/log" "$work/log"
mv "$lab/east/index" "$work/index"
ok "its backup is restored" khabar east restore "$work/backup"
ok "it starts" lab start east
settled() { khabar east --json status | grep -q '"unreconciled": *0,'; }
within 60 "what it had said is handed back" settled
within 60 "all of it" opened east
id=$(ask "a drill" --exercise)
within 60 "an exercise has emergencies, too" opened kp
within 60 "root has it" opened root
pass 61
four() { [ "$(notices kp)" -ge 4 ]; }
within 60 "kp is told of that one" four
is "and of none again" "$(inbox kp | grep -o 'its id is [0-9a-f]*' | sort | uniq -d | wc -l)" 0
of_drill() { inbox kp | grep "its id is $id"; }
like "that it is an exercise is in the notice" "$(of_drill)" '"exercise": *true'
is "and in no other" "$(inbox kp | grep 'its id is' | grep -c '"exercise": *true')" 1
id=$(ask "of long ago")
within 60 "another is sent" opened kp
ok "east is down" lab stop east
pass $((9 * 24 * 60))
ok "for nine days" lab start east
id=$(ask "of today")
within 60 "and sends one more" opened kp
pass 61
five() { inbox kp | grep -q "its id is $id"; }
within 60 "of which kp is told" five
is "and not of what is over" "$(notices kp)" 5

# ---- what is taken back, and what is one's own ----

id=$(ask "taken back")
within 60 "a last one is there" opened kp
khabar east withdraw "$id" --because leaked --yes >/dev/null
own=$(khabar kp --json ask "from kp" --to office --priority emergency --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
pass 61
warned() { khabar kp status | grep -q "emergency ${own:0:12} has not been acknowledged by office"; }
within 60 "who is above the silent one itself is warned" warned
is "what is recalled is not asked for" "$(notices kp)" 5
finish
