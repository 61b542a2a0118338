#!/bin/bash
# All or nothing: of an input that is wrong somewhere nothing is shared, and the place is named.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

import() { khabar solo import "$@" --tlp green --to all --yes; }
# refused SENTENCE PATTERN FILE
refused() { exits 1 "$1" "$2" import "$3"; }

misp=tests/data/content/turla-crutch.json
stix=tests/data/content/novispy.stix2

sed '20s/,/;/;20s/":/" /' "$misp" >"$work/malformed.json"
refused "a malformed MISP event: line and column" '(line )?(20|21)[ ,:].*[0-9]' "$work/malformed.json"
head -c 9000 "$misp" >"$work/truncated.json"
refused "a truncated one" 'truncated\.json.*line [0-9]+' "$work/truncated.json"
sed '0,/malware/s//mal\xff\xfeware/' "$stix" >"$work/bytes.stix2"
printf '{"type":"bundle","id":"bundle--\xff"}' >>"$work/bytes.stix2"
refused "text that is not UTF-8" 'UTF-8' "$work/bytes.stix2"
printf '{"type":"bundle","id":"bundle--e3e3e3e3-0000-4000-8000-000000000000","type":"bundle","objects":[]}' \
	>"$work/twice.json"
refused "a key that stands twice" 'type' "$work/twice.json"
printf '{"type":"bundle","id":"bundle--e3e3e3e3-0000-4000-8000-000000000000","objects":%s1%s}' \
	"$(printf '[%.0s' {1..100})" "$(printf ']%.0s' {1..100})" >"$work/deep.json"
refused "what is nested a hundred times" 'deep|nest|level|64' "$work/deep.json"
: >"$work/empty.json"
refused "an empty file" '.' "$work/empty.json"
printf '198.51.100.1\nnot an indicator at all\n198.51.100.2\n' >"$work/list.txt"
refused "a list with a line that is nothing: its number" '(line |:)2' "$work/list.txt"
head -c 4096 /dev/urandom >"$work/noise"
refused "noise" '.' "$work/noise"
refused "a folder" '.' "$work"
refused "a file that is not there" 'nowhere' "$work/nowhere"
exits 1 "one bad file among good ones" 'truncated\.json' import "$stix" "$work/truncated.json" "$misp"
is "of all that nothing was shared" "$(objects_of solo)" 0
is "not even a message" "$(status_of solo messages)" 0

ok "--dry-run says what would be shared" import "$misp" --dry-run
is "and shares nothing" "$(objects_of solo)" 0

exits 1 "TLP:AMBER to all is refused in words" 'AMBER|amber' \
	khabar solo share 198.51.100.1 --tlp amber --to all --yes
exits 1 "so is an audience that does not exist" 'nobody' \
	khabar solo share 198.51.100.1 --tlp green --to nobody --yes
for arguments in '--to all' '--tlp green' '--tlp purple --to all'; do
	read -ra words <<<"$arguments"
	khabar solo share 198.51.100.1 "${words[@]}" --yes >"$work/said" 2>&1 </dev/null
	like "share with only $arguments is a mistake that is explained" "$?$(<"$work/said")" \
		'^[13].*(tlp|TLP|--to)'
done
exits 1 "without --yes and without a terminal nothing is sent" '--yes' \
	khabar solo share 198.51.100.1 --tlp green --to all
is "still nothing was shared" "$(objects_of solo)" 0

ok "what is right is shared" khabar solo --json import "$misp" "$stix" --tlp green --to all --yes
shared=$(sed -n 's/.*"objects": *\([0-9]*\).*/\1/p' <<<"$out")
is "as many objects as it said" "$(objects_of solo)" "$shared"
within 10 "and reaches the other node" holds pair "$shared"

is "a defanged value is understood" \
	"$(khabar solo --json share 'hxxp://bad[.]example/x' --tlp green --to all --yes | grep -c messages)" 1
within 10 "and found as it is" knows pair http://bad.example/x
printf '%s a line of a log with 203.0.113.7 in it\n' 1 2 3 >"$work/log"
share solo 203.0.113.0/24 >/dev/null
within 10 "a network is known by its addresses" knows pair 203.0.113.7
is "a log is checked line by line" \
	"$(khabar pair --json check --file "$work/log" | grep -c '"how": *"cidr"')" 3

# What one program writes another reads: each export comes back whole, and is recognised.
for format in zeek misp-feed; do
	ok "export as $format" khabar solo export --format "$format" --out "$work/$format"
done

values=$(grep -vc '^#' "$work/zeek/khabardar.intel")
ok "the file for Zeek is read" khabar pair --json import "$work/zeek/khabardar.intel" \
	--tlp green --to all --dry-run
like "with all its values" "$out" "\"objects\": *${values}[,}]"
ok "the folder for MISP is read by its manifest" \
	khabar pair import "$work/misp-feed" --tlp green --to all --dry-run
printf '0.0.0.0 hosts.example\n' >"$work/hosts"
printf '{"classification.type":"c2-server","source.ip":"198.51.100.77"}\n' >"$work/events.json"
ok "a hosts file and an event of IntelMQ are shared together" import "$work/hosts" "$work/events.json"
within 10 "and reach the other node" knows pair hosts.example
within 10 "both of them" knows pair 198.51.100.77
printf 'We saw evil[.]prose.example; see https://vendor.example/blog\n' >"$work/report.txt"
ok "of a report --dry-run lists what it would share" \
	khabar solo import "$work/report.txt" --format text --tlp green --to all --dry-run
like "the defanged name" "$out" '^ *evil\.prose\.example$'
is "and not the reference" "$(grep -c '^ *https*://vendor' <<<"$out")" 0
printf 'TLP:RED\nevil[.]prose.example\n' >"$work/red.txt"
exits 1 "a report that says TLP:RED goes nowhere as GREEN" 'red.txt: line 1: marked TLP:red' \
	import "$work/red.txt" --format text
finish
