#!/bin/bash
# Who blocks what was said to be blocked says so, once it is so; and which exports had what was taken
# back is known.
. tests/tap.sh

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
# It fails for as long as there is a file that says so.
printf '#!/bin/sh\n[ ! -e %s/refuses ]\n' "$work" >"$work/reload"
chmod +x "$work/reload"
mkdir "$work/out"
# follows NODE: an export of its own.
follows() {
	lab stop "$1"
	cat >>"$lab/$1/khabardar.zpl" <<-END
		export
		    names
		        format = hosts
		        out = $work/out/$1
		        then = $work/reload
		        every = 1
	END
	lab start "$1"
}
ok "east exports names" follows east
ok "root does, too" follows root

send() { khabar "$1" --json share "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
who() { khabar "$1" --json who "$2"; }
sums_up() { who "$1" "$2" | grep -q "\"summary\": *\"$3\""; }
carried() { who "$1" "$2" | grep -qE '"exports": *\[\{"name": *"names", *"at": *"20[^"]*"\}\]'; }
failing() { khabar east status | grep -q 'export names: its command ended with 1'; }
written() { grep -q "$1" "$work"/out/east/*; }

touch "$work/refuses"
id=$(send root evil.example --use block --tlp green --to all --receipt)
within 30 "both have opened it" sums_up root "$id" "2 stored, 2 opened"
within 30 "it is in east's file" written evil.example
within 30 "but the command that reads it fails" failing
ok "so it is not said to be in use" sums_up root "$id" "2 stored, 2 opened"
rm "$work/refuses"
within 60 "the command succeeds, and east says so" sums_up root "$id" "2 stored, 2 opened, 1 blocking"
within 60 "east knows by which export" carried east "$id"
like "which is its own business" "$(khabar east who "$id")" 'carried by the export names since 20'
audited() { khabar east --json audit | grep -qE '"do": *"carried".*"messages": *1'; }
within 60 "and in its audit" audited
is "nothing at root names east's export" "$(khabar root who "$id" | grep -c 'deployed')" 1

seen=$(send root seen.example --tlp green --to all --receipt)
address=$(send root 192.0.2.77 --use block --tlp green --to all --receipt)
amber=$(send root amber.example --use block --tlp amber --to east,west)
within 30 "what is not to be blocked is opened" sums_up root "$seen" "2 stored, 2 opened"
within 30 "and what the format has no place for" sums_up root "$address" "2 stored, 2 opened"
within 30 "and what the export may not have" sums_up root "$amber" "2 stored, 2 opened"
more=$(send root more.example --use block --tlp green --to all --receipt)
within 60 "what comes after them is in use" sums_up root "$more" "2 stored, 2 opened, 1 blocking"
for other in "$seen" "$address" "$amber"; do
	ok "${other:0:8} is not" sums_up root "$other" "2 stored, 2 opened"
done

# ---- again after a crash, and once ----

restart_east() { lab stop east && lab start east; }
touch "$work/refuses"
late=$(send root late.example --use block --tlp green --to all --receipt)
within 30 "another is written" written late.example
ok "east is killed before its command has succeeded" lab kill east
rm "$work/refuses"
ok "and starts again" lab start east
within 60 "it says so then" sums_up root "$late" "2 stored, 2 opened, 1 blocking"
carried_rows() { khabar east --json audit | grep -c '"do": *"carried"'; }
# The exports of a start are told of all they have, before what they take up next.
exported_once() { khabar east --json status | grep -qE '"exports": *\[\{"name": *"names"'; }
# A row is kept once its receipts have been sent.
rows_kept() { [ "$(carried_rows)" -ge "$1" ]; }
within 60 "that is in its audit" rows_kept 3
before=$(carried_rows)
is "each was told once" "$before" 3
ok "east starts once more" restart_east
within 60 "and exports all of it again" exported_once
last=$(send root last.example --use block --tlp green --to all --receipt)
within 60 "what comes next is in use" sums_up root "$last" "2 stored, 2 opened, 1 blocking"
within 60 "and in the audit" rows_kept $((before + 1))
is "what was said before is not said again" "$(carried_rows)" $((before + 1))
ok "east's store is sound" khabar east check-store

# ---- what is taken back ----

within 60 "root's own export has it" carried root "$id"
ok "root may recall it" khabar root withdraw "$id" --because leaked --dry-run
like "and sees that it has left" "$out" 'has left by the export names \(20'
ok "root recalls it" khabar root withdraw "$id" --because leaked --yes
within 30 "both have erased it" sums_up root "$id" "2 stored, 2 opened, 1 deployed, 2 erased"
gone() { ! written evil.example; }
within 60 "it is in east's file no more" gone
ok "east still knows by what it had left" carried east "$id"
finish
