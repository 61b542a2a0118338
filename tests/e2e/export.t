#!/bin/bash
# What is known becomes files that other programs read, and nothing else gets into them.
. tests/tap.sh

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
dir=$work/out
mkdir "$dir"

send() { khabar "$1" --json share "${@:2}" --yes; }
export_to() { khabar "$1" export --format "$2" --out "$dir" "${@:3}"; }
lines() { khabar east export --format list --out - "$@" 2>/dev/null | paste -sd ' '; }

ok "root shares what is to be blocked" send root bad.example 198.51.100.7 198.51.100.0/24 \
	2001:db8::1 203.0.113.5:8080 d41d8cd98f00b204e9800998ecf8427e http://evil.example/x \
	10.1.2.3 10.0.0.0/8 --tlp green --to all --use block --label campaign --confidence 80
ok "and what is to be detected" send root detect.example a@b.example --tlp clear --to all
ok "something for east alone" send root amber.example --tlp amber --to east --use block
ok "something for its eyes only" send root red.example --tlp red --to east --use block
ok "an exercise" send root drill.example --tlp green --to all --use block --exercise
ok "west says something else" send west west.example --tlp green --to all
for name in bad detect amber red drill west; do
	within 20 "east has $name.example" knows east "$name.example"
done
for name in bad detect drill; do
	within 20 "west has $name.example" knows west "$name.example"
done

is "a list has everything, sorted" "$(lines)" "10.0.0.0/8 10.1.2.3 198.51.100.0/24 198.51.100.7 2001:db8::1 203.0.113.5:8080 a@b.example bad.example d41d8cd98f00b204e9800998ecf8427e detect.example http://evil.example/x west.example"
is "only green and clear unless asked" "$(lines --tlp-max clear)" "a@b.example detect.example"
is "amber when asked" "$(lines --tlp-max amber | grep -o '[a-z]*er.example')" "amber.example"
exits 3 "never red" 'amber' export_to east list --tlp-max red
is "by type of value" "$(lines --type domain)" "bad.example detect.example west.example"
is "by origin" "$(lines --node west)" "west.example"
is "by use" "$(lines --use detect)" "a@b.example detect.example west.example"
is "by label" "$(lines --label other --label campaign --type url)" "http://evil.example/x"
is "by confidence" "$(lines --min-confidence 80 --type md5)" "d41d8cd98f00b204e9800998ecf8427e"
is "which must be stated" "$(lines --min-confidence 81)" ""
is "by age" "$(lines --max-age 1d --node west)" "west.example"
exits 1 "an unknown node is named" 'wst.*did you mean "west"' \
	khabar east export --format list --out - --node wst

exits 1 "and an unknown type" 'domian.*did you mean "domain"' \
	khabar east export --format rpz --out - --type domian

exits 3 "no format" 'stix, misp-feed' khabar east export --out -
exits 3 "an unknown format" 'rpz' khabar east export --format bind --out -
exits 3 "no place to write to" 'out' khabar east export --format list
exits 3 "several files on one output" 'folder' khabar east export --format suricata --out -
exits 3 "what is for detection is not for a zone" 'blocking' export_to east rpz --use detect
exits 1 "a zone for hosts" 'no zone' export_to east hosts --zone a.example

zone=$(khabar east export --format rpz --out - 2>"$work/said")
like "a zone has the name" "$zone" '^bad\.example CNAME \.$'
like "what is below it" "$zone" '^\*\.bad\.example CNAME \.$'
is "and no other name" "$(grep -c '^[a-z].*CNAME' <<<"$zone")" 1
like "what must never be blocked is counted" "$(<"$work/said")" 'private.*: 2$'
is "and not in it" "$(grep -c '10\.rpz-ip' <<<"$zone")" 0

for format in stix misp-feed csv list suricata zeek rpz nftables hosts; do
	ok "$format makes its files" export_to east "$format"
done
ok "in JSON it says what it did" khabar east --json export --format csv --out "$dir"
like "with counts" "$out" '"written": ?12'
mkdir "$work/again"
for format in stix misp-feed csv list suricata zeek nftables hosts; do
	khabar west export --format "$format" --out "$work/again" 2>/dev/null
done
rm -f "$dir/khabardar.rpz"
ok "another node writes the same files, to the byte" diff -r "$dir" "$work/again"

if command -v python3 >/dev/null; then
	ok "the bundle, the manifest and the events are JSON" python3 -c '
import json, sys, os
for name in os.listdir(sys.argv[1]):
    if name.endswith(".json"):
        json.load(open(os.path.join(sys.argv[1], name)))
' "$dir"
else
	skip 1 "python3 is not here"
fi

khabar east export --format rpz --out "$dir" --zone rpz.example.org 2>/dev/null
if command -v named-checkzone >/dev/null; then
	ok "BIND loads the zone" named-checkzone rpz.example.org "$dir/khabardar.rpz"
else
	skip 1 "named-checkzone is not here"
fi
if command -v unbound-checkconf >/dev/null; then
	printf 'server:\n\tmodule-config: "respip validator iterator"\n\tchroot: ""\n\tusername: ""\n\tdirectory: "%s"\nrpz:\n\tname: rpz.example.org\n\tzonefile: "%s"\n' \
		"$work" "$dir/khabardar.rpz" >"$work/unbound.conf"
	ok "Unbound takes the zone" unbound-checkconf "$work/unbound.conf"
else
	skip 1 "unbound-checkconf is not here"
fi
if command -v nft >/dev/null && unshare -n true 2>/dev/null; then
	# Rules that use the sets stay when the sets are filled again.
	cat >"$work/load" <<'END'
nft -f "$1" && nft add chain inet khabardar in &&
	nft add rule inet khabardar in ip saddr @block4 drop && nft -f "$1" && nft list ruleset
END
	ok "nft loads the sets, and again" unshare -n sh "$work/load" "$dir/khabardar.nft"
	like "the network covers the address" "$out" 'elements = \{ 198\.51\.100\.0/24 \}'
	like "with its port" "$out" '203\.0\.113\.5 \. 8080'
	like "the rule is there" "$out" '@block4 drop'
else
	skip 4 "nft, or a network of our own to try it in, is not here"
fi
# Neither is in Debian.
ok "Suricata's manual has such rules and lists" tests/e2e/read-as-sensor suricata "$dir"
ok "and Zeek's such a table" tests/e2e/read-as-sensor zeek "$dir/khabardar.intel"
finish
