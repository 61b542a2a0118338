#!/bin/bash
# A key is stolen at night: fewer members than for a version suspend the node, everybody hears of it,
# what it says meanwhile is held and carried, and lifting the suspension releases it.
. tests/tap.sh

{
	family root east west
	printf '    far\n        reports-to = west\n'
	printf 'federation\n    expires = %s\n' "$(date -u -d '-100 days' +%F)"
	printf 'council\n    threshold = 3\n    suspension = 2\n'
} >"$work/1.zpl"
lab_up --topology "$work/1.zpl"

# signed FILE MEMBER...: signs it in the members' names; the file to hand in is FILE.signed.
signed() {
	local member signatures=()
	for member in "${@:2}"; do
		minisign -S -s "$lab/.lab/council/$member.key" -m "$1" -x "$1.$member" >/dev/null </dev/null
		signatures+=("$1.$member")
	done
	khabar root topology assemble "$1" "${signatures[@]}" -o "$1.signed"
}
serial_at() { khabar "$1" --json status | grep -q "\"suspension\":{\"serial\":$2[,}]"; }
state_of() {
	khabar "$1" --json show "$2" 2>/dev/null | grep -o '"verdict": *"[a-z-]*"' | cut -d'"' -f4
}
has_state() { [ -n "$(state_of "$1" "$2")" ]; }
state_is() { [ "$(state_of "$1" "$2")" = "$3" ]; }
unlinked() { ! linked "$1" "$2"; }

like "a version that expired long ago raises an alarm and ends nothing" "$(khabar root status)" \
	'ALARM: topology version 1 expired more than 90 days ago'
before=$(share east before.example)
within 10 "what east said before is everywhere" knows far before.example

ok "the text is made" khabar root topology suspend east --until 2h --because 'its laptop is gone' \
	-o "$work/s1"
like "it names the node" "$(cat "$work/s1")" '^    east$'
like "and the serial" "$(cat "$work/s1")" 'serial = 1$'
exits 1 "one signature is too few" '1 of its 5 members signed this; 2 must' signed "$work/s1" ministry
ok "two are enough" signed "$work/s1" ministry academia
ok "it checks" khabar root topology check "$work/s1.signed"
like "and says what it is" "$out" 'suspension 1, from .* until'
exits 1 "nobody takes it with a byte changed" 'does not verify|must' bash -c "
	sed 's/laptop/lantop/' $work/s1.signed >$work/bad &&
	$bin/khabar --home $lab/west topology accept $work/bad"
ok "west is handed it" khabar west topology accept "$work/s1.signed"
for node in root far; do
	within 10 "$node hears of it" serial_at "$node" 1
done
within 10 "root has ended its connection with east" unlinked root east
status_says() { khabar root status | grep -qE -e "$1"; }
within 10 "status says so" status_says 'east is suspended until .*its laptop is gone'
like "and so does show" "$(khabar root topology show)" 'suspended +east from .*serial 1'

# East goes on talking, to nobody; then it finds somebody who takes it: nobody does.
held=$(share east during.example)
ok "again is no mistake" khabar west topology accept "$work/s1.signed"
ok "root starts again" lab stop root
ok "and" lab start root
ok "still knows" serial_at root 1
ok "and has no link with east" unlinked root east
ok "what was stored before stays" knows far before.example
is "as it was" "$(state_of root "$before")" accepted

# A key alone: the links stay, what it signs is held.
ok "only its key is suspended now" khabar root topology suspend east --key 1 --until 2h -o "$work/s2"
signed "$work/s2" defence interior >/dev/null 2>&1
ok "which is handed to far" khabar far topology accept "$work/s2.signed"
within 10 "and heard at root" serial_at root 2
within 15 "east is linked again" linked root east
within 10 "what it said meanwhile is carried and held" state_is far "$held" suspended
is "and not known" "$(khabar far --json check during.example | grep -c '"known": *true')" 0
like "why is said" "$(khabar far held)" 'its origin is suspended'
exits 1 "an older statement is refused in words" 'serial: 1 is not above 2' \
	khabar root topology accept "$work/s1.signed"

ok "stores are as they should be" khabar far check-store

# Lifted.
ok "it is lifted" khabar root topology suspend --lift --until 2h -o "$work/s3"
signed "$work/s3" defence interior >/dev/null 2>&1
ok "which is handed to root" khabar root topology accept "$work/s3.signed"
within 10 "what was held is released" knows far during.example
is "and accepted" "$(state_of far "$held")" accepted
none_held() { ! khabar far held | grep -q suspended; }
within 10 "nothing is held any more" none_held
ok "the index is what the log makes" khabar far check-store
share east after.example >/dev/null
within 10 "east goes on" knows far after.example

# By itself, in its time, which is long enough for this machine to see what it does meanwhile.
serial=3
until_end() {
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.05
	done
}
brief() { # brief SECONDS: what east says then is seen to be held
	local end=$((SECONDS + patience)) short
	serial=$((serial + 1))
	khabar root topology suspend east --key 1 --until "$(date -u -d "+$1 seconds" +%FT%TZ)" \
		-o "$work/s$serial" && signed "$work/s$serial" defence interior &&
		khabar root topology accept "$work/s$serial.signed" &&
		until_end serial_at far "$serial" || return
	short=$(share east "short$serial.example")
	until_end has_state far "$short" && state_is far "$short" suspended
}
brief_enough() { brief 4 || brief 15 || brief 60; }
ok "a short one holds what is said" brief_enough
within 15 "and releases it when it ends" knows far "short$serial.example"

# A revocation does not.
ok "suspended once more" khabar root topology suspend east --key 1 -o "$work/again"
signed "$work/again" defence interior >/dev/null 2>&1
ok "at root" khabar root topology accept "$work/again.signed"
within 10 "and at far" serial_at far $((serial + 1))
stolen=$(share east stolen.example)
within 10 "what is said now is held" state_is far "$stolen" suspended
key=$(sed -n '/^    east/,/^    [a-z]*$/p' "$lab/.lab/topology-1.signed" | sed -n '/sign/{n;s/.*"\(.*\)"/\1/p}')
sed "/^    east/a\\        sign\\n            1 = \"$key revoked\"" "$work/1.zpl" >"$work/2.zpl"
ok "and revoked in the morning" lab resign "$work/2.zpl" root
within 10 "version 2 is in force" version_at far 2
within 10 "and east has no link" unlinked root east
ok "then lifted" khabar root topology suspend --lift -o "$work/lifted"
signed "$work/lifted" defence interior >/dev/null 2>&1
ok "at root too" khabar root topology accept "$work/lifted.signed"
within 10 "and at far too" serial_at far $((serial + 2))
ok "is what far says of it" khabar far check-store
is "what was held stays held" "$(khabar far --json check stolen.example | grep -c '"known": *true')" 0
finish
