#!/bin/bash
# What is held waits in the outbox, can be stopped, survives a kill, and is sent once.
. tests/tap.sh

family national kp punjab >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

hold() { khabar "$1" --json "${@:2}" --yes | sed -n 's/.*"held": *"\([0-9a-f]*\)".*/\1/p'; }
held() { khabar "$1" --json outbox | wc -l; }
holds_none() { [ "$(held "$1")" -eq 0 ]; }
unknown() { ! knows "$1" "$2"; }
audited() { khabar "$1" --json audit | grep -c "\"do\": *\"$2\""; }

# ---- held, shown, stopped ----

id=$(hold kp share 192.0.2.1 --tlp green --to all --hold 1h)
like "what is held has an id" "$id" '^[0-9a-f]{32}$'
ok "the outbox shows it" khabar kp outbox
like "with its time, what and to whom" "$out" "^${id:0:8} +until 20.*Z +share +1 object +to all"
like "with --json too" "$(khabar kp --json outbox)" \
	"^\{\"id\": ?\"$id\", ?\"made\": ?\"20[^\"]*\", ?\"due\": ?\"20[^\"]*\", ?\"uid\": ?[0-9]+, ?\"do\": ?\"share\", ?\"failed\": ?null, ?\"shown\": ?\{.*\"objects\": ?1"
is "it is not here" "$(objects_of kp)" 0
if grep -rqa 192.0.2.1 "$lab/kp/outbox"; then
	result 1 "nor in clear on the disk"
else
	result 0 "nor in clear on the disk"
fi
ok "on a terminal it says how to stop it" khabar kp share 192.0.2.2 --tlp green --to all --hold 30m --yes
like "in one line" "$out" '^held until 20.*Z; to stop it: khabar cancel [0-9a-f]{8}$'
is "two are held" "$(held kp)" 2
ok "the first is stopped" khabar kp cancel "${id:0:6}"
is "one is left" "$(held kp)" 1
is "its file is gone" "$(find "$lab/kp/outbox" -type f | wc -l)" 1
exits 1 "what was stopped cannot be again" 'nothing with the id' khabar kp cancel "$id"
exits 1 "nor what never was" 'at least 4 digits' khabar kp cancel xyz
exits 3 "one id is wanted" 'wanted' khabar kp cancel
exits 3 "a time is wanted" '5m' khabar kp share 192.0.2.3 --tlp green --to all --yes --hold soon
exits 3 "not for ever" '7d' khabar kp share 192.0.2.3 --tlp green --to all --yes --hold 8d
exits 3 "what sends nothing is not held" 'sends nothing' khabar kp status --hold 5m
exits 1 "what would be refused is refused at once" 'amber' \
	khabar kp share 192.0.2.3 --tlp amber --to all --yes --hold 1h
exits 1 "and so is a slip of the pen" 'did you mean "punjab"' \
	khabar kp share 192.0.2.3 --tlp amber --to punjb --yes --hold 1h
is "nothing of that is held" "$(held kp)" 1
ok "the second is stopped" khabar kp cancel "$(khabar kp --json outbox | sed 's/^{"id": *"\([0-9a-f]*\)".*/\1/')"
like "then nothing is" "$(khabar kp outbox)" 'nothing is held'

# ---- sent in its time, once, whatever happens ----

hold kp share 192.0.2.10 --tlp green --to all --hold 2s >/dev/null
within 60 "what is held is sent in its time" knows national 192.0.2.10
within 60 "and is in the outbox no more" holds_none kp
is "the audit has both" "$(audited kp share)" 4
question=$(khabar kp --json ask "all well?" --to punjab --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
asked() { khabar punjab --json inbox | grep -q "$question"; }
within 60 "a question arrives" asked
hold punjab reply "$question" "yes" --hold 1s >/dev/null
answered() { khabar kp show "$question" | grep -q '^answer .*yes'; }
within 60 "an answer is held and sent" answered
sealed=$(khabar national --json share 192.0.2.20 --tlp amber --to kp --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 60 "kp gets something" knows kp 192.0.2.20
hold national withdraw 192.0.2.20 --because wrong --hold 1s >/dev/null
within 60 "a withdrawal is held and sent" unknown kp 192.0.2.20
like "of what was wrong" "$sealed" '^[0-9a-f]{64}$'
incident=$(hold kp incident open --title "held" --class fraud --severity low --hold 1s)
like "so is an incident" "$incident" '^[0-9a-f]{32}$'
reported() { khabar national --json incident list | grep -q '"title": *"held"'; }
within 60 "which is reported in its time" reported

for ((i = 1; i <= 5; i++)); do
	hold kp share "198.51.100.$i" --tlp green --to all --hold 1s >/dev/null
	lab kill kp
	ok "killed and started, time $i" lab start kp
done
for ((i = 1; i <= 5; i++)); do
	within 60 "what was held is sent ($i)" knows punjab "198.51.100.$i"
done
within 60 "all of it" holds_none kp
for ((i = 1; i <= 5; i++)); do
	is "once ($i)" "$(khabar punjab --json check "198.51.100.$i" | grep -o '"object":' | wc -l)" 1
done

# ---- what cannot be sent any more ----

late=$(hold kp forward "$sealed" --to punjab --reason x --hold 1h)
like "nothing is held that could not be sent" "$late" '^$'
printf 'nonsense' >"$lab/kp/outbox/0123456789abcdef0123456789abcdef"
ok "a file that is none does no harm" lab stop kp
ok "kp starts with it" lab start kp
ok "and works" khabar kp outbox
ok "it can be cancelled" khabar kp cancel 01234567
finish
