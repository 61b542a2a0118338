#!/bin/bash
# Thirteen nodes: real indicators imported at two provinces are at every node, and the same ones.
. tests/tap.sh

all=(national punjab sindh kp balochistan ajk gb kp-cerc telecom defense community nadra fbr)
list=$(data lists/ipsum-level3.txt ipsum.txt)
address=$(grep -oE '^[0-9.]+' "$list" | tail -n 1)
lines=$(grep -cE '^[0-9]' "$list")
bundles=()
for name in android-campaign cytrox novispy; do
	bundle=$(data "stix/$name.stix2" novispy.stix2)
	[[ " ${bundles[*]} " == *" $bundle "* ]] || bundles+=("$bundle")
done

lab_up --topology scripts/federation.zpl

ok "STIX bundles are shared at punjab" \
	khabar punjab --json import "${bundles[@]}" --tlp green --to all --yes
stix=$(sed -n 's/.*"objects": *\([0-9]*\).*/\1/p' <<<"$out")
like "with the answer that scripts read" "$out" \
	'^\{"messages": ?\["[0-9a-f]{64}".*\], ?"objects": ?[0-9]+, ?"audience": ?\["all"\]\}$'

ok "a list of addresses is shared at sindh" \
	khabar sindh --json import "$list" --tlp green --to all --yes
is "every line of it" "$(sed -n 's/.*"objects": *\([0-9]*\).*/\1/p' <<<"$out")" "$lines"

for node in "${all[@]}"; do
	within 40 "$node holds them all" holds "$node" $((stix + lines))
done
listed punjab >"$work/punjab"
is "as many as were shared" "$(wc -l <"$work/punjab")" $((stix + lines))
for node in "${all[@]}"; do
	ok "$node lists the same objects of the same messages" \
		diff -q "$work/punjab" <(listed "$node")
done

ok "gb, at the other end, knows the last address" knows gb "$address"
ok "and whose it is" khabar gb --json check "$address"
like "from sindh, green, exactly" "$out" \
	'"node": ?"sindh", ?"tlp": ?"green", ?"since": ?"20[0-9T:.-]*Z", ?"how": ?"exact"'
ok "it does not know what nobody shared" khabar gb --json check 198.51.100.250
like "and says so" "$out" '"known": ?false'

ok "an hour later the same list" khabar sindh --json import "$list" --tlp green --to all --yes
within 20 "changes nothing for who reads it" lists gb $((stix + lines))
finish
