#!/bin/bash
# What share acknowledged survives kill -9 of its author at once, and kill -9 of a relay on the way.
. tests/tap.sh

{
	family root west
	printf '    east\n        reports-to = root\n    far\n        reports-to = west\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

ids=()
for round in 1 2 3; do
	for i in 1 2 3 4; do
		ids+=("$(share east "203.0.113.$((round * 10 + i))")")
	done
	lab kill east
	lab start east
done
is "twelve messages were acknowledged" "$(grep -cE '^[0-9a-f]{64}$' <<<"$(printf '%s\n' "${ids[@]}")")" 12
for id in "${ids[@]}"; do
	khabar east show "$id" --raw >/dev/null 2>&1 || lost=$id
done
is "their author still has every one" "${lost:-none}" none

list=$(data lists/ipsum-level3.txt ipsum.txt)
lines=$(grep -cE '^[0-9]' "$list")
ok "a list is imported at east" khabar east --json import "$list" --tlp green --to all --yes
for round in 1 2 3; do
	lab kill west
	lab start west
done
for node in root west far; do
	within 30 "$node has everything, though west was killed three times meanwhile" \
		holds "$node" $((lines + 12))
done
is "far has what east has" "$(listed far)" "$(listed east)"
for node in east west; do
	ok "the store of $node holds together" khabar "$node" check-store
done

# Many writers at once, and the end comes between two of them.
for i in 1 2 3 4; do
	(
		for n in $(seq 1 50); do
			id=$(share east "198.51.100.$((i * 50 + n - 50))" 2>/dev/null)
			[ -z "$id" ] || echo "$id"
		done >"$work/writer.$i"
	) &
done
written() { [ "$(cat "$work"/writer.* 2>/dev/null | wc -l)" -ge "$1" ]; }
within 20 "four writers are at work" written 10
lab kill east
wait
lab start east
missing=0
while read -r id; do
	khabar east show "$id" --raw >/dev/null 2>&1 || missing=$((missing + 1))
done < <(cat "$work"/writer.*)
is "of what was acknowledged nothing is missing after kill -9" "$missing" 0
finish
