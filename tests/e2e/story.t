#!/bin/bash
# The story of an incident, with kill -9 at every step: whoever has just spoken, or is to hear it, is
# killed, and nothing is lost, said twice or told to others.
. tests/tap.sh
clock_calm

cat >"$work/text.zpl" <<'END'
node
    national
    nadra
        reports-to = cii
    telecom
        reports-to = cii
    punjab
        reports-to = national
role
    cii
        reports-to = national
        holders = national
END
lab_up --topology "$work/text.zpl"

incident() { khabar "$1" --json incident "${@:2}"; }
say() { incident "$@" --yes; }
state() { incident "$1" show "$n" | sed 's/.*"state": *//; s/,"said".*//'; }
has() { state "$1" | grep -qE "\"$2\": *\"?$3"; }
events() { incident "$1" show "$n" | grep -o '"message":' | wc -l; }
same() { [ "$(state nadra)" = "$(state "$1")" ]; }
sums_up() { khabar "$1" --json who "$2" | grep -q "\"summary\": *\"$3\""; }
complied() { khabar national --json compliance "$id" | grep -q "\"summary\": *\"$1"; }
message() { sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
has_message() { khabar "$1" show "$id"; }
# struck NODE...: killed at once, and started again.
struck() {
	lab kill "$@" && lab start "$@"
	result $? "killed and started: $*"
}

# ---- up ----

n=nadra-$(date -u +%Y)-1
ok "nadra opens an incident" say nadra open --class intrusions --severity high --title "Intruder" \
	--critical-infrastructure --early-warning
struck nadra
within 60 "national hears of it" has national status open
struck national
ok "national answers as cii" say national ack "$n" "coming"
struck national
within 60 "nadra hears that" has nadra status acknowledged
ok "the next stage" say nadra update "$n" --stage notification --text "Two servers." --status in-progress
struck nadra national
within 60 "is at national" has national status in-progress
ok "telecom is told" say nadra notify "$n" --to telecom
struck nadra telecom
within 60 "which has the state so far" has telecom status in-progress
ok "telecom adds a note" say telecom note "$n" "seen here, too"
struck telecom
ok "nadra offers it to cii" say nadra transfer "$n" --to cii
struck nadra
within 60 "national sees the offer" has national offered cii
ok "and accepts" say national accept "$n"
struck national
within 60 "nadra sees whose it is" has nadra owner cii

# ---- down ----

ok "telecom is away" lab stop telecom
id=$(khabar national --json advisory --title "Look for it" --course-of-action "Search" --tlp amber \
	--to nadra,telecom,punjab --ack-by "$(date -u -d '+3 days' +%F)" --yes | message)
like "national advises" "$id" '^[0-9a-f]{64}$'
struck national
for node in nadra punjab; do
	within 60 "$node has the advisory" has_message "$node"
	ok "$node acknowledges it" khabar "$node" ack "$id"
	struck "$node"
done
within 60 "national knows of two" complied "2 of 3; telecom silent"
struck national
within 60 "it still does" complied "2 of 3; telecom silent"
ok "telecom comes back" lab start telecom
within 60 "it has the advisory" has_message telecom
struck telecom
ok "it acknowledges" khabar telecom ack "$id"
within 60 "all three have" complied "3 of 3"

# ---- taken back ----

id=$(khabar telecom --json share 203.0.113.200 --tlp green --to all --receipt --yes | message)
struck telecom
within 60 "a mistake is everywhere" sums_up telecom "$id" "3 stored, 3 opened"
ok "it is recalled" khabar telecom withdraw "$id" --because leaked --yes
struck telecom punjab
within 60 "everyone confirms" sums_up telecom "$id" "3 stored, 3 opened, 3 erased"
for node in national nadra punjab; do
	ok "$node knows it no more" test -z "$(khabar "$node" --json check 203.0.113.200 | grep '"known": *true')"
done

# ---- over ----

ok "the owner closes it" say national close "$n"
struck national
for node in national telecom; do
	within 60 "$node and nadra tell the same" same "$node"
done
within 60 "it is closed" has nadra status closed
# Who was told later has the state of before, not what was said.
heard() { [ "$(events "$1")" -eq "$2" ]; }
within 60 "nadra has heard all of it, and nothing twice" heard nadra 8
within 60 "so has national" heard national 8
within 60 "telecom has what was said since it was told" heard telecom 5
exits 1 "punjab knows nothing of it" "no incident" khabar punjab incident show "$n"
for node in national nadra telecom punjab; do
	ok "the store of $node is sound" khabar "$node" check-store
done
finish
