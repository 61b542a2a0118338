#!/bin/bash
# Advisories down the tree: a report, what to do, indicators, a date; and who has acknowledged them.
. tests/tap.sh

{
	family national punjab kp
	printf '    kp-cerc\n        reports-to = kp\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

advise() { khabar "$1" --json advisory "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
complied() { khabar "$1" --json compliance "$2" | grep -qE "\"compliance\": ?\{.*$3"; }
wants() { khabar "$1" --json inbox | grep -q "\"message\": *\"$2\".*\"wants\": *\"acknowledgement\""; }
later=$(date -u -d '+3 days' +%F)

# ---- composed ----

printf '198.51.100.7\nevil.example\n' >"$work/values.txt"
printf 'Attackers <use> a flaw in "mail".\n' >"$work/text.txt"
id=$(advise national --title "Patch <now>" --text "$work/text.txt" \
	--course-of-action "Install the update" --course-of-action $'Look into the logs\nof the last week' \
	--indicators "$work/values.txt" --tlp amber --to down --ack-by "$later")
like "an advisory is one message" "$id" '^[0-9a-f]{64}$'
shown=$(khabar national --json show "$id")
like "it has a report" "$shown" '"type": ?"report".*"name": ?"Patch <now>".*"published"'
like "that refers to all the rest" "$shown" \
	'"object_refs": ?\["course-of-action--[^"]*", ?"course-of-action--[^"]*", ?"indicator--[^"]*", ?"indicator--[^"]*"\]'
is "no object stands in it twice" "$(khabar national show "$id" --raw | grep -oE '"id": ?"[a-z-]+--[^"]*"' | sort | uniq -d)" ""
like "the date is in the envelope" "$shown" "\"ack-by\": ?\"${later}T23:59:59.000Z\""
for node in punjab kp kp-cerc; do
	within 60 "$node is asked to acknowledge it" wants "$node" "$id"
done
like "by when" "$(khabar kp-cerc inbox)" "ACK +by ${later}T23:59: .*Patch <now>"
like "its indicators are found" "$(khabar kp-cerc check 198.51.100.7)" 'national'

# ---- who has acknowledged ----

within 60 "nobody has at first" complied national "$id" '"readers": ?3, ?"acknowledged": ?0'
ok "kp does" khabar kp ack "$id"
ok "punjab does" khabar punjab ack "$id"
within 60 "that is told" complied national "$id" '"readers": ?3, ?"acknowledged": ?2'
ok "for people" khabar national compliance "${id:0:10}"
like "with the date" "$out" "to be acknowledged by $later 23:59$"
like "by child" "$out" '^ +kp +1 of 2 +missing: kp-cerc \('
like "one is complete" "$out" '^ +punjab +1 of 1$'
like "and as a whole" "$out" '^2 of 3; kp-cerc (silent for|opened it|stored it) '
ok "the last one does" khabar kp-cerc ack "$id"
within 60 "then all have" complied national "$id" '"overdue": ?false, ?"readers": ?3, ?"acknowledged": ?3.*"summary": ?"3 of 3"'
exits 1 "what others wrote is theirs" "not this node's" khabar kp compliance "$id"
exits 1 "what is unknown is named" 'no message' khabar kp compliance 00000000

# ---- what others have made, what is here already ----

cat >"$work/bundle.json" <<'J'
{"type":"bundle","id":"bundle--5f3b1f0e-7a3e-4a0a-9a57-0f0f0f0f0f01","objects":[{"type":"report","spec_version":"2.1",
"id":"report--5f3b1f0e-7a3e-4a0a-9a57-0f0f0f0f0f02","created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z",
"name":"From elsewhere","published":"2026-01-01T00:00:00Z","object_refs":["identity--5f3b1f0e-7a3e-4a0a-9a57-0f0f0f0f0f03"]}]}
J
bundle=$(advise national "$work/bundle.json" --tlp green --to all)
like "a bundle with a report is kept as it is" "$(khabar national --json show "$bundle")" '"name": ?"From elsewhere"'
like "its readers are asked, too" "$(khabar national --json show "$bundle")" '"receipt": ?true'
again=$(advise national --title Again --indicators "$id" --tlp amber --to kp)
like "what one has said can be said again" "$(khabar national --json show "$again")" 'evil\.example'
is "nor is anything there twice" "$(khabar national show "$again" --raw | grep -oE '"id": ?"[a-z-]+--[^"]*"' | sort | uniq -d)" ""
exits 1 "but not to more" 'stricter TLP' khabar national advisory --title x --indicators "$id" --tlp green --to all --yes
exits 1 "nor what others said to few" "another's" khabar kp advisory --title x --indicators "$id" --tlp amber --to kp-cerc --yes
sed 's/report/note/g; s/"object_refs/"content":"x","object_refs/' "$work/bundle.json" >"$work/note.json"
exits 1 "a bundle without a report is none" 'no STIX report' \
	khabar national advisory "$work/note.json" --tlp green --to all --yes
seq 1 1100 | sed 's|.*|host-&.example|' >"$work/many.txt"
exits 1 "what is too large is refused" 'too large for one message' \
	khabar national advisory --title x --indicators "$work/many.txt" --tlp green --to all --yes
exits 1 "a date that is past" 'is past' khabar national advisory --title x --tlp green --to all --ack-by 2020-01-01 --yes
exits 1 "a date after its end" 'expires before' \
	khabar national advisory --title x --tlp green --to all --keep 2d --ack-by 9d --yes
exits 3 "a date that is none" 'ack-by tomorrow' khabar national advisory --title x --tlp green --to all --ack-by tomorrow --yes
exits 3 "a title is wanted" 'title' khabar national advisory --text "$work/text.txt" --tlp green --to all --yes
exits 3 "a file or a title" 'either' khabar national advisory "$work/bundle.json" --title x --tlp green --to all --yes

# ---- one is down ----

ok "kp-cerc is killed" lab kill kp-cerc
late=$(advise national --title Late --tlp amber --to kp,kp-cerc --ack-by 1h)
within 60 "kp is asked" wants kp "$late"
ok "and acknowledges" khabar kp ack "$late"
within 60 "who is down is silent" complied national "$late" '"summary": ?"1 of 2; kp-cerc silent for '
ok "it starts" lab start kp-cerc
within 60 "is asked" wants kp-cerc "$late"
ok "and acknowledges late" khabar kp-cerc ack "$late"
within 60 "which fills in" complied national "$late" '"summary": ?"2 of 2"'
finish
