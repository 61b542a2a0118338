#!/bin/bash
# What should not have been sent is recalled: hidden at once and erased everywhere, and it comes back
# neither to who was away nor out of a backup.
. tests/tap.sh

lab_up --topology scripts/federation.zpl
mapfile -t nodes <"$lab/.lab/nodes"

send() { khabar "$1" --json share "${@:2}" --yes | first_id; }
first_id() { sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
recall() { khabar "$1" --json withdraw "${@:2}" --because leaked --yes; }
known_at() {
	local node
	for node in "${nodes[@]}"; do
		! knows "$node" "$1" || printf '%s ' "$node"
	done
}
known_nowhere() { [ -z "$(known_at "$1")" ]; }
known_everywhere() { [ "$(known_at "$1" | wc -w)" -eq "${#nodes[@]}" ]; }
unknown() { ! knows "$1" "$2"; }
member() { khabar "$1" --json show "$2" | grep -oE "\"$3\": *(\{[^}]*\}|\"[^\"]*\"|[a-z0-9]+)" | head -n 1; }
is_recalled() { member "$1" "$2" recalled | grep -q '"message"'; }
in_zone() { khabar "$1" export --format rpz --out - 2>/dev/null | grep -q "^$2 "; }
out_of_zone() { ! in_zone "$@"; }
erased() { [ "$(grep -ho 'bodies of [0-9]* recalled' "$lab/$1/log.txt" | wc -l)" -ge "$2" ]; }
header_bytes=252

# ---- everyone was told ----

kept=$(send punjab stays.example --tlp green --to all --use block)
leak=$(send punjab leak.example 198.51.100.23 --tlp green --to all --use block)
within 20 "everyone knows" known_everywhere leak.example
within 20 "the one and the other" known_everywhere stays.example
for node in gb punjab; do
	ok "$node makes a backup" khabar "$node" backup "$work/backup-$node"
done
lab stop ajk
before=$(status_of gb messages)

exits 1 "only its author can recall it" 'of punjab: only its author' \
	khabar sindh withdraw "$leak" --because leaked --yes
exits 1 "others cannot recall the value either" 'only they can' \
	khabar sindh withdraw leak.example --because leaked --yes
exits 1 "nothing is recalled unasked" 'say --yes' khabar punjab withdraw "$leak" --because leaked
exits 3 "an import goes with a leak" 'goes with' \
	khabar punjab withdraw "$leak" --because wrong --import
ok "a dry run says what would go" khabar punjab withdraw leak.example --because leaked --dry-run
like "that message" "$out" "would recall 1 message"
like "with what it says" "$out" "says .*198\.51\.100\.23"
like "and who has it" "$out" "is at .*gb"
ok "and recalls nothing" knows punjab leak.example

said=$(recall punjab leak.example)
like "punjab recalls it" "$said" "\"message\": ?\"$leak\".*\"nodes\": ?\[[^]]*\"gb\""
recalled=$(first_id <<<"$said")
ok "it is hidden at once" out_of_zone punjab leak.example
for node in "${nodes[@]}"; do
	[ "$node" = ajk ] || within 20 "$node does not know it any more" unknown "$node" leak.example
done
ok "nor its other value" unknown gb 198.51.100.23
within 20 "gb has removed the body" erased gb 1
is "what is not recalled stays" "$(objects_of gb)" 1
ok "and is in a zone" in_zone gb stays.example
ok "where the other is not" out_of_zone gb leak.example
is "nothing of it is found" "$(khabar gb --json search leak)$(khabar gb --json list --all | grep leak)" ""
is "nor held" "$(khabar gb --json held)" ""
ok "the recall is counted" test "$(status_of gb messages)" -gt "$before"
is "and one object" "$(status_of gb objects)" 1
like "who recalled it is told" "$(member gb "$leak" closed)" \
	'recalled by punjab at .*Z, because it should not have been sent'
like "and why" "$(member gb "$leak" recalled)" "\"message\": ?\"$recalled\".*\"because\": ?\"leaked\""
like "there is no body" "$(member gb "$leak" has_body)" false
khabar gb show "$leak" --raw >"$work/raw" 2>"$work/said"
is "header and signature are left" "$(stat -c %s "$work/raw")" "$header_bytes"
like "which is said" "$(<"$work/said")" 'recalled by punjab.*header and signature only'
ok "and verifies" khabar gb verify "$work/raw"
like "the recall has the audience of its target" "$(member gb "$recalled" audience)" all
like "refers to it" "$(member gb "$recalled" ref)" "$leak"
is "and lasts as long" "$(member gb "$recalled" expires)" "$(member gb "$leak" expires)"
exits 1 "the value is as if never said" 'no message' \
	khabar punjab withdraw leak.example --because leaked --yes
exits 1 "the message is not recalled twice" 'recalled already' \
	khabar punjab withdraw "$leak" --because leaked --yes
exits 1 "a recall stands" 'a recall stands' khabar punjab withdraw "$recalled" --because leaked --yes
exits 1 "what nobody said cannot be recalled" 'no message' \
	khabar punjab withdraw never.example --because leaked --yes
like "it is in the audit" "$(khabar punjab --json audit)" '"do": ?"withdraw".*"leaked"'

# ---- who was away ----

lab start ajk
within 20 "who was away hears of the recall" is_recalled ajk "$leak"
ok "and knows nothing" unknown ajk leak.example
is "nor holds anything" "$(khabar ajk --json held)" ""

# ---- a backup from before ----

for node in gb punjab; do
	lab stop "$node"
	rm -rf "$lab/$node/log" "$lab/$node/index"
	ok "$node is restored from its backup" khabar "$node" restore "$work/backup-$node"
	rm -f "$lab/$node/log.txt"
	lab start "$node"
	within 20 "and hears of the recall again" is_recalled "$node" "$leak"
	ok "it does not know the value" unknown "$node" leak.example
	within 20 "its body is removed again" erased "$node" 1
	khabar "$node" show "$leak" --raw >"$work/raw" 2>"$work/said"
	is "header and signature are left" "$(stat -c %s "$work/raw")" "$header_bytes"
done
within 20 "what was not recalled is there" knows gb stays.example
ok "nobody has it back" known_nowhere leak.example

# ---- killed in between ----

leak=$(send punjab second.example --tlp green --to all)
within 20 "gb has the next" knows gb second.example
recall punjab second.example >/dev/null
within 20 "and its recall" is_recalled gb "$leak"
lab kill gb
lab start gb
within 20 "started again it still does not know it" unknown gb second.example
like "nor show it" "$(member gb "$leak" has_body)" false

# ---- sealed ----

leak=$(send telecom sealed.example --tlp amber --to defense)
within 20 "defense reads what telecom sealed" knows defense sealed.example
recalled=$(recall telecom sealed.example | first_id)
within 20 "until it is recalled" unknown defense sealed.example
is "the recall has the same audience" "$(member defense "$recalled" audience)" \
	"$(member defense "$leak" audience)"
like "and is sealed too" "$(member defense "$recalled" flags)$(khabar defense --json show "$recalled")" sealed
like "its reader reads why" "$(member defense "$leak" recalled)" leaked
within 20 "who only carries it drops the body too" is_recalled national "$leak"
like "and cannot read why" "$(member national "$leak" recalled)" '"because": ?null'
exits 1 "nobody else has heard of either" 'no message' khabar punjab show "$recalled"

# A reader who has left since is still one of the audience, or the recall would not apply.
leak=$(send telecom parted.example --tlp amber --to defense,community)
within 20 "community reads the next" knows community parted.example
sed '/^    community$/a\        left = 2026-01-01' scripts/federation.zpl >"$work/2.zpl"
ok "community leaves" lab resign "$work/2.zpl" national
for node in telecom defense national; do
	within 20 "$node knows" version_at "$node" 2
done
recalled=$(recall telecom "$leak" | first_id)
within 20 "telecom recalls it all the same" unknown defense parted.example
is "to the same audience" "$(member defense "$recalled" audience)" "$(member defense "$leak" audience)"
mapfile -t nodes < <(grep -vx community "$lab/.lab/nodes")

# ---- a whole import ----

for ((i = 0; i < 2500; i++)); do echo "10.$((i / 250)).$((i % 250)).9"; done >"$work/list"
import=$(khabar sindh --json import "$work/list" --tlp green --to all --yes | first_id)
within 30 "gb has all of an import" holds gb 2501
said=$(recall sindh "$import" --import)
is "all its messages are recalled" "$(grep -o '"tlp"' <<<"$said" | wc -l)" 3
within 30 "and gone" lists gb 1
counts_one() { [ "$(status_of gb objects)" -eq 1 ]; }
within 30 "from the counts too" counts_one
exits 1 "without the audit's word nothing is guessed" 'recalled already|does not tell' \
	khabar sindh withdraw "$import" --because leaked --import --yes

ok "an index can be built again" khabar gb reindex
is "and knows what it knew" "$(objects_of gb)" 1
for node in "${nodes[@]}"; do
	ok "the store of $node is sound" khabar "$node" check-store
done
like "what is left is what was not recalled" "$(khabar kp --json list)" "$kept"
finish
