#!/bin/bash
# A resolver follows what its CERT knows: it blocks what another has just shared, and lets through
# what is withdrawn, muted or has run out.
. tests/tap.sh

if ! why=$(scripts/resolver here 2>&1); then
	echo "1..0 # SKIP ${why#*: }"
	exit 0
fi
clock_begin
resolver() { env -u LD_PRELOAD scripts/resolver "$1" "$work/dns" "${@:2}"; }
end_resolver() {
	resolver down
	clean_up
}
trap end_resolver EXIT

zone=$work/rpz/khabardar.rpz
ask() { resolver ask "$1"; }
blocked() { [ "$(ask "$1")" = NXDOMAIN ]; }
let_through() { [ "$(ask "$1")" = 192.0.2.80 ]; }
serial() { sed -n 's/.* SOA localhost\. root\.localhost\. \([0-9]*\) .*/\1/p' "$zone"; }
zone_there() { [ -s "$zone" ]; }
send() { khabar "$1" share "${@:2}" --tlp green --to all --use block --yes; }

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop east
cat >>"$lab/east/khabardar.zpl" <<END
export
    resolver
        format = rpz
        zone = rpz.example
        out = $work/rpz
        then = "$(resolver reload)"
        every = 1
END
ok "east starts with an export for its resolver" lab start east
within 60 "which is written" zone_there
ok "the resolver starts on it" resolver up "$zone"
for name in bad.example www.bad.example good.example short.example; do
	is "$name has an address" "$(ask "$name")" 192.0.2.80
done
first=$(serial)

ok "west shares what is to be blocked" send west bad.example
within 60 "east's resolver blocks it" blocked bad.example
ok "and what is below it" blocked www.bad.example
ok "and nothing else" let_through good.example
second=$(serial)
ok "the serial has risen" test "$second" -gt "$first"
ok "what is for detection" khabar west share good.example --tlp green --to all --yes
ok "and what comes with it" send west other.example 192.0.2.81
within 60 "the second is blocked" blocked other.example
ok "the first is not" let_through good.example

ok "west withdraws" khabar west withdraw bad.example --because wrong --yes
within 60 "it is let through" let_through bad.example
ok "with what is below it" let_through www.bad.example
ok "the other is not" blocked other.example
ok "the serial has risen again" test "$(serial)" -gt "$second"

ok "east mutes the other" khabar east mute other.example --because "our own"
within 60 "it is let through" let_through other.example
ok "east unmutes it" khabar east unmute other.example
within 60 "it is blocked" blocked other.example

ok "west shares an address that answers have" send west 192.0.2.80
within 60 "no answer with it comes" blocked good.example
ok "west withdraws it" khabar west withdraw 192.0.2.80 --because wrong --yes
within 60 "they come" let_through good.example

ok "west recalls what it should not have said" khabar west withdraw other.example --because leaked --yes
within 60 "it is let through" let_through other.example

until=$(date -u -d '+3 days' +%FT%TZ)
cat >"$work/short.json" <<-END
	{"type": "bundle", "id": "bundle--5b2cfb04-3b5f-4c58-8a4a-0d3a3a0f8a01", "objects": [{
	"type": "indicator", "spec_version": "2.1",
	"id": "indicator--5b2cfb04-3b5f-4c58-8a4a-0d3a3a0f8a02",
	"created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z",
	"pattern": "[domain-name:value = 'short.example']", "pattern_type": "stix",
	"valid_from": "2026-01-01T00:00:00Z", "valid_until": "$until"}]}
END
ok "west shares what holds for three days" khabar west import "$work/short.json" --tlp green \
	--to all --use block --yes
within 60 "it is blocked" blocked short.example
clock_pass $((72 * 3600))
# An export that is under way meanwhile has taken three days, and is made anew only later: hence
# another hour now and then, with time enough between for whatever is to happen in it.
passed=$SECONDS
later() {
	let_through short.example && return
	if [ "$((SECONDS - passed))" -ge 10 ]; then
		clock_pass 3600
		passed=$SECONDS
	fi
	return 1
}
within 60 "three days later it is let through" later
like "no reload has failed" "$(khabar east --json status | tr -d '\n')" '"name": ?"resolver"[^}]*"failed": ?null'
finish
