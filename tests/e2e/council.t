#!/bin/bash
# The council changes what is, in front of running nodes: a version spreads over the links, the
# council itself rotates, an old version and a fork are refused in words.
. tests/tap.sh

family root east west >"$work/text.zpl"
cp "$work/text.zpl" "$work/1.zpl"
lab_up --topology "$work/1.zpl"
share east before.example >/dev/null

{
	cat "$work/text.zpl"
	printf 'group\n    both = "east west"\n'
} >"$work/2.zpl"
ok "version 2 is signed and handed to east" lab resign "$work/2.zpl" east
for node in root east west; do
	within 10 "version 2 is in force at $node" version_at "$node" 2
done
share west second.example >/dev/null
within 10 "messages travel under it" knows east second.example

# Version 3 has another council, of one; versions after it need that one only.
minisign -G -W -p "$work/new.pub" -s "$work/new.key" >/dev/null
{
	cat "$work/2.zpl"
	printf 'council\n    threshold = 1\n    members\n        parliament = "%s"\n' \
		"$(tail -n 1 "$work/new.pub")"
} >"$work/3.zpl"
exits 1 "without the new council's signature version 3 is refused" 'sign' \
	lab resign "$work/3.zpl" east
cp "$work/new.key" "$lab/.lab/council/parliament.key"
ok "with both councils' it is taken" lab resign "$work/3.zpl" east
for node in root west; do
	within 10 "and is in force at $node" version_at "$node" 3
done
mkdir "$work/old"
mv "$lab"/.lab/council/[!p]*.key "$work/old/"
ok "from now on the new council signs alone" lab resign "$work/2.zpl" west
within 10 "and root follows" version_at root 4
mv "$lab"/.lab/council/parliament.key "$work/"
mv "$work"/old/*.key "$lab/.lab/council/"
exits 1 "the old one does not" 'sign' lab resign "$work/2.zpl" west

exits 1 "a rollback is refused in words" 'version' \
	khabar west topology accept "$lab/.lab/topology-2.signed"
ok "and changes nothing" version_at west 4

# A second version 4 with good signatures: what a split council would make.
mv "$lab"/.lab/council/*.key "$work/old/"
cp "$work/parliament.key" "$lab/.lab/council/"
{
	printf 'federation\n    version = 4\n'
	cat "$work/text.zpl"
	printf 'group\n    other = "west"\n'
} >"$work/fork.zpl"
exits 1 "a fork is refused in words" 'fork|another|other|second' lab resign "$work/fork.zpl" east
ok "version 4 stays" version_at east 4
two_signed() { khabar "$1" --json status | grep -qE '"warnings": ?\["[^]]*two different versions 4'; }
within 10 "and east raises an alarm" two_signed east
share east after.example >/dev/null
within 10 "the links go on" knows west after.example

# Somebody new.
{
	cat "$work/text.zpl"
	printf '    north\n        reports-to = west\n'
} >"$work/5.zpl"
ok "version 5 has a new node" lab resign "$work/5.zpl" root
within 15 "it is in force there" version_at north 5
share east new.example >/dev/null
within 15 "the new node gets what is shared from now on" knows north new.example
within 15 "and what was shared before it came" knows north before.example

# And somebody who goes.
sed '/^    east/a\        left = 2026-01-01' "$work/5.zpl" >"$work/6.zpl"
ok "in version 6 east has left" lab resign "$work/6.zpl" root
within 10 "which north hears over the links" version_at north 6
share root not-for-east.example >/dev/null
within 10 "the others go on" knows north not-for-east.example
share east from-outside.example >/dev/null 2>&1 # it may not have heard yet
ok "east is handed the version in which it has left" \
	khabar east topology accept "$lab/.lab/topology-6.signed"
exits 1 "and shares nothing any more" 'east|left|member' \
	khabar east share last.example --tlp green --to all --yes
is "nor did it hear anything" \
	"$(khabar east --json check not-for-east.example | grep -c '"known": *true')" 0
is "nor was it heard" \
	"$(khabar root --json check from-outside.example | grep -c '"known": *true')" 0

# A council that is split hands two versions to two nodes that do not see each other.
ok "root is stopped" lab stop root
{
	cat "$work/6.zpl"
	printf 'group\n    one = "west north"\n'
} >"$work/7a.zpl"
{
	printf 'federation\n    version = 7\n'
	cat "$work/6.zpl"
	printf 'group\n    two = "root north"\n'
} >"$work/7b.zpl"
ok "a version 7 is handed to west" lab resign "$work/7a.zpl" west
within 10 "and reaches north" version_at north 7
lab stop west
ok "root comes back" lab start root
ok "and is handed another one" lab resign "$work/7b.zpl" root
ok "west comes back" lab start west
alarmed() { khabar "$1" --json status | grep -qE '"warnings": ?\["[^]]*(signed twice|two different)'; }
within 10 "root raises an alarm" alarmed root
within 10 "so does west" alarmed west
within 10 "their link is up, under the version before" linked root west
ok "each stays with its own" version_at west 7
finish
