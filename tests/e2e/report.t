#!/bin/bash
# A month in numbers: what each has said, what came of it, and nothing of what it was.
. tests/tap.sh
clock_calm

family national kp punjab >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

month=$(date -u +%Y-%m)
report() { khabar "$1" --json report --month "$month"; }
says() { report "$1" | grep -qE "$2"; }
message() { khabar "$1" --json "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }

first=$(message kp share 192.0.2.1 --tlp green --to all)
message kp share 192.0.2.2 192.0.2.3 --tlp green --to all >/dev/null
message kp share 192.0.2.4 --tlp green --to all --exercise >/dev/null
message kp incident open --title "Ransom at Victim Bank" --class intrusions --type system-compromise \
	--severity high --affected punjab >/dev/null
message kp incident open --title "Only a drill" --class intrusions --type system-compromise \
	--severity low --exercise >/dev/null
within 60 "national has it all" says national '"node": ?"kp", ?"posts": ?3, ?"recalls": ?0, ?"forwards": ?0, ?"exercises": ?2'
like "objects are counted by type, without exercises" "$(report national)" '"types": ?\{[^}]*"indicator": ?3[,}]'
like "incidents by class and severity" "$(report national)" \
	'"incidents": ?\{"opened": ?1, ?"closed": ?0, ?"exercises": ?1, ?"by_class": ?\{"intrusions": ?1\}, ?"by_severity": ?\{"high": ?1\}'
like "deadlines, where any are due this month" "$(report national)" '"deadlines": ?\{'
ok "kp takes one back" khabar kp withdraw "$first" --because leaked --yes
within 60 "which is counted" says national '"node": ?"kp", ?"posts": ?3, ?"recalls": ?1'
within 90 "and who has confirmed it" says kp '"own_recalls": ?\[\{"message": ?"[0-9a-f]{64}", ?"readers": ?2, ?"confirmed": ?2'
like "of what is gone nothing is counted but that it was" "$(report national)" '"closed": ?1, ?"objects"'
like "who is silent is listed" "$(report national)" '"node": ?"punjab", ?"posts": ?0,[^}]*"silent_days": ?0'
ok "for people" khabar national report --month "$month"
like "it has the members" "$out" '^ +kp +3 +1 +0 '
if report national | grep -qE '192\.0\.2|Victim|affected|Ransom'; then
	result 1 "it names neither values nor victims" "$(report national)"
else
	result 0 "it names neither values nor victims"
fi

# A sighting says how often in all: told again, it is not more.
ok "punjab has seen it" khabar punjab sight 192.0.2.2 --count 40 --yes
within 90 "which kp tells all" says national '"node": ?"kp",[^}]*"sightings": ?40,'
ok "punjab sees it again" khabar punjab sight 192.0.2.2 --count 2 --yes
within 120 "as often as it was seen" says national '"node": ?"kp",[^}]*"sightings": ?42,'

like "another month has nothing" "$(khabar national --json report --month 2001-02)" '"posts": ?0, ?"recalls": ?0'
like "December ends in January" "$(khabar national --json report --month 2025-12)" '"until": ?"2026-01-01T00:00:00Z"'
exits 3 "a month is wanted" '2026-11' khabar national report
exits 3 "a real one" '2026-11' khabar national report --month 2026-13
exits 3 "and nothing else" 'not wanted' khabar national report --month "$month" all
finish
