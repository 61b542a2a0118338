#!/bin/bash
# An incident rises to those who must know, is handed over, and is the same wherever it is known.
. tests/tap.sh
clock_calm

lab_up --topology scripts/federation.zpl

incident() { khabar "$1" --json incident "${@:2}"; }
say() { incident "$@" --yes; }
field() { incident "$1" show "$2" 2>/dev/null | grep -oE "\"$3\": *(\"[^\"]*\"|null|true|false|[0-9]+)" | head -n 1 | sed 's/^[^:]*: *//; s/"//g'; }
has() { [ "$(field "$1" "$2" "$3")" = "$4" ]; }
lists() { incident "$1" list | grep -q "\"number\": *\"$2\""; }
lists_not() { ! lists "$@"; }
# What every node makes of it, without what is its own business.
state() { incident "$1" show "$2" | sed 's/.*"state": *//; s/,"said".*//'; }
same_at() { [ "$(state "$2" "$1")" = "$(state "$3" "$1")" ]; }

# ---- it rises ----

exits 3 "a class is one of the taxonomy" "khabar incident classes" \
	khabar nadra incident open --title x --class intrusion --severity low --yes
exits 3 "a type is one of its class" "no type of intrusions" \
	khabar nadra incident open --title x --class intrusions --type phishing --severity low --yes
exits 1 "nothing is sent without a yes" "say --yes" \
	khabar nadra incident open --title x --class intrusions --severity low
exits 1 "nobody is aware of what is yet to come" "yet to come" \
	khabar nadra incident open --title x --class intrusions --severity low --aware 2090-01-01T00:00:00Z --yes
ok "nadra opens one" khabar nadra incident open --class intrusions --type system-compromise \
	--severity high --critical-infrastructure --title "Break-in at the register" \
	--description "A shell was found" --affected "Registration offices" --early-warning --yes
like "it has a number that can be spoken" "$out" "^nadra-$(date -u +%Y)-1 "
n=nadra-$(date -u +%Y)-1
within 20 "national knows of it" lists national "$n"
ok "a province does not" lists_not punjab "$n"
exits 1 "nor can it ask" "no incident" khabar punjab incident show "$n"
like "the sealed words are nowhere in punjab's home" "$(grep -rlaE 'Break-in|shell was' "$lab/punjab" | wc -l)" '^0$'
within 20 "the telecom sector does not" lists_not telecom "$n"

# ---- it is answered, worked on, handed over ----

ok "national acknowledges, as cii" say national ack "$n" "thank you"
within 20 "nadra sees that" has nadra "$n" status acknowledged
exits 1 "who does not own it changes nothing" "only its owner" khabar national incident update "$n" --severity low --yes
ok "nadra reports the next stage" say nadra update "$n" --stage notification --text "Two servers." --status in-progress
exits 1 "a stage is reported once" "has been reported" khabar nadra incident update "$n" --stage notification --text again --yes
exits 3 "there is no such stage to draft" "early-warning" khabar nadra incident draft "$n" --stage last
ok "a link is set" say nadra update "$n" --link indicator=indicator--1 --affected "A mirror"
ok "another is added, and a name taken away" say nadra update "$n" --link part-of=nadra-2025-7 --not-affected "A mirror"
like "both stand" "$(incident nadra show "$n")" '"links": *\[\{"kind": *"indicator", *"id": *"indicator--1"\}, *\{"kind": *"part-of"'
like "and who was affected before" "$(incident nadra show "$n")" '"affected": *\["Registration offices"\]'
# What other programs go by: an object was created once, whichever version of it they have.
created() {
	local message
	for message in $(incident nadra show "$n" | grep -oE '"message": *"[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}'); do
		khabar nadra --json show "$message" | grep -oE "\"type\": *\"$1\",\"spec_version\": *\"2.1\",[^}]*\"modified\"" |
			grep -oE "\"id\": *\"[^\"]*\"|\"created\": *\"[^\"]*\"" | paste -sd ' '
	done
}
like "each version of the incident was created when it was opened" "$(created incident | sort | uniq -c)" \
	'^ *[3-9] "id": *"incident--[^"]*" "created": *"[^"]*"$'
is "and each identity once" "$(created identity | sort -u | cut -d '"' -f 4 | uniq -d)" ""
khabar nadra incident draft "$n" --stage progress >"$work/draft"
like "a stage begins with what was said before" "$(cat "$work/draft")" 'Reported as notification on .*Z:'
like "and with its words" "$(cat "$work/draft")" '^Two servers\.$'
"$bin/khabar" --home "$lab/nadra" incident update "$n" --stage progress --text - --yes <"$work/draft" >/dev/null
result $? "edited, it is the stage"
like "with all of its lines" "$(incident nadra show "$n")" '"text": *"progress of .*Linked: part-of nadra-2025-7'
like "the final report asks for its own" "$(khabar nadra incident draft "$n" --stage final)" 'Root cause'
like "a draft can be had by programs" "$(incident nadra draft "$n" --stage final)" '"stage": *"final".*Root cause'
like "and the classes" "$(incident nadra classes)" '"class": *"fraud".*"phishing"'
ok "telecom is told" say nadra notify "$n" --to telecom
within 20 "telecom has all that went before" has telecom "$n" severity high
ok "and adds a note" say telecom note "$n" "we see it too"
ok "the role that watches over it is offered it" say nadra transfer "$n" --to cii
within 20 "national sees the offer" has national "$n" offered cii
exits 1 "telecom cannot accept it" "not offered" khabar telecom incident accept "$n" --yes
ok "national accepts as the role" say national accept "$n"
within 20 "the role owns it" has nadra "$n" owner cii
exits 1 "nadra owns it no longer" "only its owner" khabar nadra incident close "$n" --yes
ok "the role's holder closes it" say national close "$n"
within 20 "it is closed at nadra" has nadra "$n" status closed
within 20 "and at telecom" has telecom "$n" status closed
within 20 "nadra and national tell the same" same_at "$n" nadra national
within 20 "telecom, which came later, too" same_at "$n" telecom national
like "its clocks stand still" "$(khabar nadra incident list)" "closed +cii +Break-in at the register$"
ok "what is closed is not among the open ones" test -z "$(incident national list --open)"
for node in nadra national telecom; do
	ok "the store of $node is as it should be" khabar "$node" check-store
done

# ---- a file for those who have no node ----

ok "the incident goes into a file" khabar nadra incident export "$n" --out "$work/case"
ok "which anybody can verify, without a home" env -i "$bin/khabar" --home /nonexistent verify "$work/case"
like "and read" "$out" "acknowledge: thank you"
words=$(khabar nadra --json topology show | grep -o '"words": *"[^"]*"' | sed 's/.*: *"//; s/"//')
ok "it begins with our topology" "$bin/khabar" --home /nonexistent verify "$work/case" --words "$words"
exits 1 "it does not begin with another" "another topology" \
	"$bin/khabar" --home /nonexistent verify "$work/case" --hash "$(printf '%064d' 0)"
refused=0
size=$(stat -c %s "$work/case")
for at in 2 5 20 3000 $((size / 2)) $((size - 500)) $((size - 70)) $((size - 1)); do
	cp "$work/case" "$work/bent"
	was=$(od -An -tx1 -j "$at" -N 1 "$work/case" | tr -d ' ')
	[ "$was" = 5a ] && other=Y || other=Z
	printf %s "$other" | dd of="$work/bent" bs=1 seek="$at" conv=notrunc status=none
	"$bin/khabar" --home /nonexistent verify "$work/bent" >/dev/null 2>&1 || refused=$((refused + 1))
	head -c "$at" "$work/case" >"$work/bent"
	"$bin/khabar" --home /nonexistent verify "$work/bent" >/dev/null 2>&1 || refused=$((refused + 1))
done
is "what was changed or cut anywhere is refused" "$refused" 16

# ---- what the owner may not be asked for ----

ok "punjab opens one for somebody without a node" say punjab open --class fraud --type phishing \
	--severity low --title "Phishing of a bank" --reported-by "A bank" --file README.md
n=punjab-$(date -u +%Y)-1
like "the file goes by its hash" "$(incident punjab show "$n")" "$(sha256sum README.md | cut -c1-64)"
within 20 "the government role knows of it" has national "$n" owner punjab
exits 1 "what is attended to is not taken over" "has spoken" khabar national incident take "$n" --reason now --yes
ok "words of another change nothing" test "$(field national "$n" severity)" = low

# ---- clocks ----

lab stop national
LD_PRELOAD=$(preload clock) CLOCK_AHEAD=$((25 * 3600)) lab start national
overdue() { khabar national status | grep -q "incident $n of punjab has not been acknowledged in time"; }
within 20 "a day later national is told what it owes" overdue
ok "and may take it over" say national take "$n" --reason "nobody answers"
within 20 "punjab sees who has it" has punjab "$n" owner national

finish
