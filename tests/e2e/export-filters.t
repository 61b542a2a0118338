#!/bin/bash
# Every format, every filter: what is wanted is in the files, whatever else is not, and what has run
# out, was taken back, muted or is an exercise never is.
. tests/tap.sh

formats=(stix misp-feed csv list suricata zeek rpz nftables hosts)
blocking='rpz nftables hosts'
family root east west >"$work/text.zpl"
printf '%s\n' role '    office' '        reports-to = root' '        holders = west' \
	group '    western = office' '    others = "root east"' >>"$work/text.zpl"
lab_up --topology "$work/text.zpl"

# Everything that is said has a number, and three values: a name, an address and a hash.
name_of() { echo "$1.example"; }
hash_of() { printf %s "$1" | md5sum | cut -c1-32; }
address_of() { echo "203.0.113.$2"; }
say() { khabar "$1" share "$(name_of "$2")" "$(address_of "$2" "$3")" "$(hash_of "$2")" "${@:4}" --yes; }

numbers='first=11 second=12 third=13 wrong=21 leaked=22 muted=23 drill=24 amber=25 red=26 expired=27'
# As they stand, and as a format writes them: for each word the spellings of its values.
declare -A spellings
for word in $numbers; do
	number=${word#*=} word=${word%=*}
	spellings[$word]="$(name_of "$word") $(address_of "$word" "$number") $(hash_of "$word")"
	for value in ${spellings[$word]}; do
		spellings[$word]+=" $(printf %s "$value" | base64 -w0) $(hash_of "$value")"
	done
	spellings[$word]+=" 32.$number.113.0.203.rpz-ip"
done
# holds_word WORD: one of its values is in what was exported.
holds_word() {
	local spelling
	for spelling in ${spellings[$1]}; do
		[[ $exported != *"$spelling"* ]] || return 0
	done
	return 1
}
# export_as FORMAT OPTION...: into a folder of its own; all that is in it is in $exported.
export_as() {
	local code
	rm -rf "$work/out"
	khabar east export --format "$1" --out "$work/out" "${@:2}"
	code=$?
	exported=$(cat "$work"/out/* 2>/dev/null | tr -d '\0')
	return "$code"
}

ok "root says" say root first 11 --tlp green --use block --label spring --confidence 90 --to all
ok "west says" say west second 12 --tlp clear --use block --label autumn --confidence 10 --to all
ok "root says for detection" say root third 13 --tlp green --to all
ok "root says what is wrong" say root wrong 21 --tlp green --use block --to all
ok "and what it should not have said" say root leaked 22 --tlp green --use block --to all
ok "and what east mutes" say root muted 23 --tlp green --use block --to all
ok "and an exercise" say root drill 24 --tlp green --use block --exercise --to all
ok "and what is for members only" say root amber 25 --tlp amber --use block --to east
ok "and what is for their eyes only" say root red 26 --tlp red --use block --to east
indicator() {
	printf '{"type": "indicator", "spec_version": "2.1", "id": "indicator--5b2cfb04-3b5f-4c58-8a4a-0d3a3a0f8a0%s",
	"created": "2020-01-01T00:00:00Z", "modified": "2020-01-01T00:00:00Z", "pattern": "[%s]", "pattern_type": "stix",
	"valid_from": "2020-01-01T00:00:00Z", "valid_until": "2020-01-02T00:00:00Z"}' "$1" "$2"
}
printf '{"type": "bundle", "id": "bundle--5b2cfb04-3b5f-4c58-8a4a-0d3a3a0f8a01", "objects": [%s, %s, %s]}' \
	"$(indicator 1 "domain-name:value = 'expired.example'")" \
	"$(indicator 2 "ipv4-addr:value = '203.0.113.27'")" \
	"$(indicator 3 "file:hashes.MD5 = '$(hash_of expired)'")" >"$work/expired.json"
ok "and what has run out" khabar root --json import "$work/expired.json" --tlp green --to all --use block --yes
expired=$(sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p' <<<"$out")

within 60 "east has what west said" knows east second.example
for word in first third wrong leaked muted amber red drill; do
	within 60 "east has what is $word" knows east "$word.example"
done
within 60 "and what has run out" khabar east show "$expired"
export_as list >/dev/null 2>&1
for word in wrong leaked muted; do
	ok "$word is exported before" holds_word "$word"
done
for value in wrong.example 203.0.113.21 "$(hash_of wrong)"; do
	ok "root withdraws $value" khabar root withdraw "$value" --because wrong --yes
done
ok "root recalls" khabar root withdraw leaked.example --because leaked --yes
ok "east mutes" khabar east mute muted.example 203.0.113.23 "$(hash_of muted)"
unknown() { ! knows east "$1"; }
for value in wrong.example 203.0.113.21 "$(hash_of wrong)" leaked.example; do
	within 60 "east has heard that $value is taken back" unknown "$value"
done

no_address() { [[ $exported != *203.0.113.* && $exported != *.rpz-ip* ]]; }
# wanted FORMAT SENTENCE WORDS: these of all that was said are in the files, and no others.
wanted() {
	local word there=''
	for word in $numbers; do
		! holds_word "${word%=*}" || there+="${word%=*} "
	done
	is "$1: $2" "${there% }" "$3"
}
tried() {
	local expected=$3
	export_as "$1" "${@:4}" >"$work/said" 2>&1 || expected="exported: $(<"$work/said")"
	wanted "$1" "$2" "$expected"
}

for format in "${formats[@]}"; do
	all='first second third'
	[[ " $blocking " != *" $format "* ]] || all='first second'
	tried "$format" "nothing but what holds" "$all"
	tried "$format" "amber when asked" "$all amber" --tlp-max amber
	tried "$format" "clear" second --tlp-max clear
	tried "$format" "of west" second --node west
	tried "$format" "of a group, a role of which west holds" second --group western
	tried "$format" "of both" "" --group others --node west
	tried "$format" "with a label" first --label spring
	tried "$format" "with one of two" "first second" --label spring --label autumn
	tried "$format" "of confidence" first --min-confidence 50
	tried "$format" "of confidence, however little" "first second" --min-confidence 10
	tried "$format" "not too old" "$all" --max-age 1d
	tried "$format" "for blocking" "first second" --use block
	if [[ " $blocking " == *" $format "* ]]; then
		exits 3 "$format: never what is for detection" 'blocking' export_as "$format" --use detect
	else
		tried "$format" "for detection" third --use detect
	fi
	tried "$format" "two filters at once" "" --node west --label spring
	export_as "$format" --type domain >/dev/null 2>&1
	ok "$format: names alone" no_address
done
exits 1 "a group that is none is refused" 'did you mean "western"' export_as list --group westen
finish
