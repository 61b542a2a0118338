#!/bin/bash
# Who was away gets what it missed; who is between others is not needed where a bilateral link is.
. tests/tap.sh

list=$(data lists/ipsum-level3.txt ipsum.txt)
lines=$(grep -cE '^[0-9]' "$list")
{
	family root east west
	printf '    far\n        reports-to = west\n'
	printf 'link\n    east-west = "east west"\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

ok "far is stopped" lab stop far
ok "while it is away, east imports a list" \
	khabar east --json import "$list" --tlp green --to all --yes
within 20 "west, its neighbour, has it" holds west "$lines"
waits() { khabar west --json status | grep -qE '"peer": ?"far"[^}]*"state": ?"(connecting|refused)"'; }
within 20 "west says what far waits for" waits
ok "far starts again" lab start far
within 20 "and catches up" holds far "$lines"
is "with the same messages" "$(listed far)" "$(listed east)"

ok "root is stopped" lab stop root
id=$(share east evil.example)
like "east shares all the same" "$id" '^[0-9a-f]{64}$'
within 20 "over the bilateral link it reaches west and far" knows far evil.example
ok "root starts again" lab start root
within 20 "and has it as well" knows root evil.example

ok "root and west are killed" lab kill root west
share far between.example >"$work/id" # west, through which it must go, is down
share east apart.example >>"$work/id"
ok "they start again" lab start root west
for node in root east west; do
	within 20 "$node gets what was shared at far meanwhile" knows "$node" between.example
done
within 20 "far what was shared at east" knows far apart.example
settled() { ! khabar "$1" --json status | grep -q '"waiting": *[1-9]'; }
within 10 "nothing waits any longer" settled west
finish
