#!/bin/bash
# What is not for everyone: who is named reads it, who is between carries it, and its text is nowhere
# else, and nowhere in the clear.
. tests/tap.sh

lab_up --topology scripts/federation.zpl
mapfile -t nodes <"$lab/.lab/nodes"

# A value that is nowhere else.
mark() { echo "zx$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n').example"; }
# send NODE VALUE OPTION...: prints the id of the message.
send() {
	khabar "$1" --json share "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'
}
member() { khabar "$1" --json show "$2" | grep -o "\"$3\": *\(\[[^]]*\]\|\"[^\"]*\"\|[0-9]*\)" | head -n 1; }
# Those that know a value, and those whose home has it in clear text, on one line.
known_at() {
	local node
	for node in "${nodes[@]}"; do
		! knows "$node" "$1" || printf '%s ' "$node"
	done
}
plain_at() { grep -rlaF "$1" "$lab" | wc -l; }
cannot_open() { ! python3 tests/data/make-vectors open "$lab/$1"/*.key <"$work/carried"; }
has() { khabar "$1" show "$2" >/dev/null; }

# ---- a sectoral CERT to another ----

who=$(khabar telecom --json who --to defense --tlp amber)
like "before sending it is said who would read" "$who" '"readers": ?\["telecom", ?"defense"\]'
like "who would carry" "$who" '"carriers": ?\["national"\]'
like "why" "$who" '"node": ?"national"[^}]*"why": ?"on the way to defense, as cii"'
like "and over which links" "$who" '"a": ?"telecom", ?"b": ?"defense", ?"kind": ?"bilateral"'

value=$(mark)
ok "nothing has been sent by that" test "$(objects_of telecom)" -eq 0
id=$(send telecom "$value" --tlp amber --to defense)
like "telecom sends to defense" "$id" '^[0-9a-f]{64}$'
within 20 "defense can look it up" knows defense "$value"
within 20 "national carries it" has national "$id"
is "telecom and defense know it, and nobody else" "$(known_at "$value")" "telecom defense "
is "no file of any home has it in clear text" "$(plain_at "$value")" 0
like "a relay says that it cannot read it" "$(member national "$id" closed)" \
	'sealed to 2 parties, carried here, cannot be read here'
is "and lists nothing of it" "$(objects_of national)" 0
exits 1 "who is not on the way does not even have it" 'no message' khabar punjab show "$id"
like "the reader sees whom it is for" "$(member defense "$id" to)" \
	'("telecom", ?"defense"|"defense", ?"telecom")'
khabar telecom show "$id" --raw >"$work/sent"
khabar national show "$id" --raw >"$work/carried"
ok "what is carried is what was signed" cmp "$work/sent" "$work/carried"
if command -v python3 >/dev/null && python3 tests/data/make-vectors open "$lab/defense/node.key" \
	<"$work/carried" >"$work/data" 2>/dev/null; then
	is "a second implementation opens it with the reader's key" \
		"$(head -c 4 "$work/data" | od -An -tx1 | tr -d ' ')" 28b52ffd
	ok "and not with the relay's" cannot_open national
else
	skip 2 "python3 or libsodium for it is not here"
fi

ok "defense is restarted" lab stop defense
ok "and starts" lab start defense
ok "and still knows it" knows defense "$value"
ok "its index is what its log says" khabar defense check-store
send telecom "$(mark)" --tlp amber --to defense >"$work/second"
like "every audience is counted by itself" "$(member telecom "$(<"$work/second")" sequence)" ': ?2$'
like "everyone, too, with what the node says by itself" \
	"$(member telecom "$(share telecom "$(mark)")" sequence)" ': ?[1-9]$'

# ---- to a role ----

value=$(mark)
id=$(send kp "$value" --tlp amber --to government)
within 20 "who holds the role reads it" knows national "$value"
is "who reports to the role does not" "$(known_at "$value")" "national kp "
exits 1 "nor does it carry it" 'no message' khabar sindh show "$id"

value=$(mark)
id=$(send kp-cerc "$value" --tlp amber+strict --to up)
within 20 "up is the whole line" knows national "$value"
within 20 "and everybody on it" knows kp "$value"
is "and nobody else" "$(known_at "$value")" "national kp kp-cerc "

value=$(mark)
id=$(send national "$value" --tlp amber --to provinces --to kp-cerc --no-forward)
for node in punjab sindh kp balochistan ajk gb kp-cerc; do
	within 20 "a group: $node" knows "$node" "$value"
done
is "a group is its members" "$(known_at "$value" | wc -w)" 8
like "it says that it may not be passed on" "$(member punjab "$id" flags)" '"no-forward"'
is "no file has any of this in clear text" "$(plain_at "$value")" 0

printf 'alias\n    neighbours = "sindh kp"\n    provinces = sindh\n' >>"$lab/punjab/khabardar.zpl"
ok "a node gets aliases" lab stop punjab
ok "at its next start" lab start punjab
like "an alias is what its words are" "$(khabar punjab --json who --to neighbours --tlp amber)" \
	'"audience": ?\["sindh", ?"kp"\]'
exits 1 "one that hides a name of the federation is refused" 'give the alias another one' \
	khabar punjab who --to provinces --tlp amber

# ---- directly ----

value=$(mark)
id=$(send telecom "$value" --tlp amber --to defense --direct)
within 20 "directly it goes over the bilateral link" knows defense "$value"
exits 1 "and past who is above both" 'no message' khabar national show "$id"
exits 1 "without a link it goes nowhere" 'sindh has no link' \
	khabar punjab share "$value" --tlp amber --to sindh --direct --yes

# ---- RED ----

value=$(mark)
amber=$(mark)
id=$(send telecom "$value" --tlp red --to defense)
send telecom "$amber" --tlp amber --to defense >"$work/id"
within 20 "RED goes to who is named" knows defense "$value"
within 20 "AMBER, too" knows defense "$amber"
like "opening RED is in the audit" "$(khabar defense --json audit)" '"red": ?[0-9]'

# Somebody who may read, and is not in the group red.
outsider() { setpriv --reuid nobody --regid nogroup --clear-groups "$bin/khabar" --home "$lab/defense" "$@"; }
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && chmod 711 "$work" "$lab" &&
	setpriv --reuid nobody --regid nogroup --clear-groups test -x "$bin/khabar"; then
	printf 'rights\n    read = nogroup\n' >>"$lab/defense/khabardar.zpl"
	ok "a group gets the right to read" lab stop defense
	ok "at its next start" lab start defense
	like "who is not in the group red is told of AMBER" "$(outsider --json check "$amber")" \
		'"known": ?true'
	like "not of RED" "$(outsider --json check "$value")" '"known": ?false'
	like "lists AMBER" "$(outsider --json list)" "$amber"
	is "not RED" "$(outsider --json list | grep -c "$value")" 0
	like "and is told why" "$(outsider --json show "$id")" '"closed": ?"TLP:RED is opened only'
	is "and not shown it" "$(outsider --json show "$id" | grep -c "$value")" 0
	ok "the owner sees it" knows defense "$value"
else
	skip 9 "only root can look from outside"
fi
value=$(mark)
exits 1 "not to a group" 'RED goes only to parties that are named one by one' \
	khabar punjab share "$value" --tlp red --to sectors --yes
exits 1 "not to a line" 'named one by one' khabar punjab share "$value" --tlp red --to up --yes
exits 1 "AMBER not to all" 'never goes to everyone' \
	khabar punjab share "$value" --tlp amber --to all --yes
exits 1 "a slip of the pen to nobody" 'did you mean "defense"' \
	khabar punjab share "$value" --tlp amber --to defence --yes
exits 1 "nor to oneself" 'nobody but punjab' \
	khabar punjab share "$value" --tlp amber --to punjab --yes
is "and nothing of it was kept" "$(known_at "$value")" ""
finish
