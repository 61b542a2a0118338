#!/bin/bash
# What the council makes void leaves every store, by incarnation and by key, and does not come back. A
# pilot of one member grows into a council, and a fork is healed by a version that names both.
. tests/tap.sh

{
	family root east west
	printf '    far\n        reports-to = west\n'
	printf 'council\n    threshold = 1\n'
} >"$work/1.zpl"
lab_up --topology "$work/1.zpl"

of() { # of NODE ID KEY: a string or number of a message's header
	khabar "$1" --json show "$2" | grep -o "\"$3\": *\"\{0,1\}[0-9a-z-]*" | head -n 1 | sed 's/.*[": ]//'
}
knows_not() { ! knows "$1" "$2"; }
gone() { ! khabar "$1" show "$2" >/dev/null 2>&1; }
# Both ends of every link agree, as far as the last reconciliation tells.
east_key() { sed -n '/^    east$/,/^    [a-z]/p' "$lab/.lab/topology-1.signed" | sed -n '/sign/{n;s/.*"\(.*\)"/\1/p}'; }

ok "a council of one" grep -q 'threshold = 1' "$lab/.lab/topology-1.signed"
good=$(share east good.example)
lab stop east >/dev/null
lab start east >/dev/null
within 10 "east is back" linked east root
for i in 1 2 3 4 5; do share east "flood$i.example" >/dev/null; done
flood=$(share east flood6.example)
within 10 "the flood is everywhere" knows far flood6.example
incarnation=$(of far "$flood" incarnation)
like "it has an incarnation of its own" "$incarnation" '^[0-9a-f]{16}$'
[ "$incarnation" != "$(of far "$good" incarnation)" ]
result $? "which is not that of before"

# The pilot grows: version 2 names five members, of whom three sign, and makes the incarnation void.
sed '/^council/,$d' "$work/1.zpl" |
	sed "/^    east/a\\        void = $incarnation" >"$work/2.zpl"
{
	printf 'council\n    threshold = 3\n    members\n'
	printf '        %s = "%s"\n' ministry "$(tail -n 1 "$lab/.lab/council/ministry.pub")"
	for member in defence interior academia industry; do
		minisign -G -W -p "$lab/.lab/council/$member.pub" -s "$lab/.lab/council/$member.key" >/dev/null
		printf '        %s = "%s"\n' "$member" "$(tail -n 1 "$lab/.lab/council/$member.pub")"
	done
} >"$work/council"
cat "$work/council" >>"$work/2.zpl"
ok "version 2 makes it void, and has a council of five" lab resign "$work/2.zpl" far
for node in root east west far; do
	within 10 "$node has it" version_at "$node" 2
	within 10 "$node has none of the flood" knows_not "$node" flood6.example
	within 10 "and the message is gone" gone "$node" "$flood"
done
ok "what was said before stays" knows far good.example
exits 1 "east cannot go on in that incarnation" 'void|start it again' \
	khabar east share more.example --tlp green --to all --yes
ok "it is started again" lab stop east
ok "and" lab start east
within 10 "linked" linked east root
share east again.example >/dev/null
within 10 "and speaks" knows far again.example
for node in root east far; do
	ok "$node: the store is whole" khabar "$node" check-store
done
ok "far starts again" lab stop far
ok "and" lab start far
ok "nothing of it has come back" knows_not far flood6.example

# A council that is split signs two versions 3; the fourth names both.
ok "root is stopped" lab stop root
{ cat "$work/2.zpl"; printf 'group\n    one = "west far"\n'; } >"$work/3a.zpl"
{ printf 'federation\n    version = 3\n'; cat "$work/2.zpl"; printf 'group\n    two = "root far"\n'; } >"$work/3b.zpl"
ok "one version 3 is handed to west" lab resign "$work/3a.zpl" west
within 10 "and reaches far" version_at far 3
lab stop west >/dev/null
lab stop far >/dev/null
ok "root comes back" lab start root
ok "and is handed another one" lab resign "$work/3b.zpl" root
hash_at() { khabar "$1" --json topology show | grep -o '"hash": *"[0-9a-f]*"' | head -n 1 | grep -o '[0-9a-f]\{64\}'; }
b=$(hash_at root)
within 10 "which east hears" version_at east 3
ok "west comes back" lab start west
ok "far comes back" lab start far
a=$(hash_at west)
[ "$a" != "$b" ]
result $? "they hold different ones"
within 10 "and are linked under the version before" linked root west
share west forked.example >/dev/null
within 10 "what names a version 3 goes to those who hold that one" knows far forked.example
{ printf 'federation\n    version = 4\n    previous = "%s %s"\n' "$a" "$b"; cat "$work/2.zpl"; } >"$work/4.zpl"
ok "a version 4 that follows both is handed to west" lab resign "$work/4.zpl" west
within 10 "it is in force at far" version_at far 4
within 10 "and at root, which held another version 3" version_at root 4
within 10 "and in force at east" version_at east 4
within 10 "root and west agree" linked root west
within 10 "what was said in the fork arrives" knows east forked.example
share far healed.example >/dev/null
within 10 "and go on" knows east healed.example

# A key that somebody else had: nothing that it ever signed stays.
sed "/^    east/a\\        sign\\n            1 = \"$(east_key) void\"" "$work/2.zpl" >"$work/5.zpl"
ok "its key is void" lab resign "$work/5.zpl" root
for node in root west far; do
	within 10 "$node forgets what it ever said" knows_not "$node" good.example
done
within 10 "and nobody is linked with east" bash -c "! $bin/khabar --home $lab/root --json status |
	grep -qE '\"peer\": *\"east\"[^}]*\"state\": *\"up\"'"
for node in root far; do
	ok "$node: the store is whole" khabar "$node" check-store
done
like "the topology says what is void" "$(khabar root topology show)" 'sign key 1 is void, 1 incarnations are void'
finish
