#!/bin/bash
# Sightings go to the author of an indicator alone; all its readers learn how many there are.
. tests/tap.sh

cat >"$work/text.zpl" <<'END'
node
    root
    east
        reports-to = root
    far
        reports-to = east
    west
        reports-to = root
END
lab_up --topology "$work/text.zpl"

in_json() { grep -o "\"$2\": *[0-9]*" <<<"$1" | head -n 1 | grep -o '[0-9]*$'; }
# seen NODE VALUE CERTS SECTORS COUNT
seen() {
	local said
	said=$(khabar "$1" --json check "$2")
	[ "$(in_json "$said" certs)" = "$3" ] && [ "$(in_json "$said" sectors)" = "$4" ] &&
		[ "$(in_json "$said" count)" = "$5" ]
}
wrong() { [ "$(in_json "$(khabar "$1" --json check "$2")" false_positives)" = "$3" ]; }

ok "west shares" khabar west share bad.example 192.0.2.0/24 --tlp green --to all --yes
for node in root east far; do
	within 90 "$node has it" holds "$node" 2
done
is "nobody has seen it" "$(khabar root --json check bad.example | grep -c sightings)" 0

exits 1 "what nobody speaks of was not sighted" 'no indicator' khabar far sight other.example
exits 1 "nor is what is no value" 'sight' khabar far sight 'no value'
exits 3 "nor nothing" 'missing' khabar far sight
exits 3 "nor a count of none" 'count' khabar far sight bad.example --count 0
ok "a dry run" khabar far sight bad.example --dry-run
like "says whom it would tell" "$out" 'would tell west'
is "and tells nobody" "$(khabar far --json check bad.example | grep -c sightings)" 0

ok "far has seen it" khabar far --json sight bad.example --count 200
like "and told its author" "$out" '"to": ?"west"'
message=$(sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p' <<<"$out")
for node in root east far west; do
	within 90 "$node learns how often, not by whom" seen "$node" bad.example 1 1 200
done
is "no name is told" "$(khabar root --json check bad.example | grep -o '"named": *\[[^]]*\]' | tr -d ' ')" '"named":[]'
like "people read it so" "$(khabar root check bad.example)" 'seen +200 times by 1 CERT in 1 sector'
like "what far said is sealed to others" "$(khabar root show "$message")" 'cannot be read here'
like "its author can read it" "$(khabar west show "$message")" '"sighting_of_ref"'

ok "east has seen it too, with its name" khabar east sight www.bad.example --name-us
ok "root twice: it adds up" khabar root sight bad.example --count 5
ok "the second time" khabar root sight bad.example --count 6
ok "west itself" khabar west sight bad.example
# far reports to east: they are of one sector.
for node in root far west; do
	within 90 "$node counts all of them" seen "$node" bad.example 4 3 213
done
like "one has given its name" "$(khabar far check bad.example)" '213 times by 4 CERTs in 3 sectors, .*\(east\)'
like "each knows its own" "$(khabar root check bad.example)" 'seen here +11 times'
like "an object shows it too" "$(khabar far --json show "$(khabar far --json list | sed -n 's/.*"object": *"\(indicator[^"]*\)".*bad\.example.*/\1/p')")" '"sightings": ?\{"count": ?213'
is "the network beside it was not seen" "$(khabar far --json check 192.0.2.1 | grep -c sightings)" 0

ok "far finds another to be wrong" khabar far sight 192.0.2.7 --false-positive
within 90 "which all learn" wrong root 192.0.2.7 1
like "in words" "$(khabar root check 192.0.2.7)" 'a false positive for 1 CERT'
exits 1 "its author alone can take a sighting back" 'author|others|nothing' khabar west withdraw "$message" --because wrong --yes
ok "far takes its sighting back" khabar far withdraw "$message" --because wrong --yes
for node in root east; do
	within 90 "it is counted no more at $node" seen "$node" bad.example 3 3 13
done
for node in root east far west; do
	ok "the store of $node is sound" khabar "$node" check-store
done
like "it is in the audit" "$(khabar root --json audit)" '"do": ?"sight"'
finish
