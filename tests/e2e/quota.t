#!/bin/bash
# An origin that has used up its quota is held back by its neighbours, and refused by nobody: others
# are heard meanwhile, what it takes back makes room, and then what waited arrives.  One that does
# not hold back waits for its answers.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
[ -x "$attacker" ] || bail "no $attacker: run make tests first"
{
	family national punjab gb kp
	printf '        quota = "16 KiB"\n'
} | sed 's/^    gb$/    gb\n        quota = "2 MiB"/' >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
pid=$(cat "$lab/national/pid")
slowed() { khabar "$1" --json links | grep -q "\"slowed\":.*\"node\": *\"$2\".*\"by\": *\"$3\""; }
unlinked() { ! linked "$@"; }
free_again() { ! slowed "$@"; }
knows_not() { ! knows "$@"; }
warned_at() { khabar "$1" --json status | grep -qF "$2"; }
warned() { warned_at national "$1"; }
says_how_much() { khabar national links | grep -qE "it sends all the same: [0-9]+ messages wait"; }
memory() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }

ok "nobody is held back" free_again national kp national
for ((i = 0; i < 3000; i++)); do echo "host-$i-$RANDOM$RANDOM.example"; done >"$work/list.txt"
import=$(khabar kp --json import "$work/list.txt" --tlp green --to all --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
first=$(head -1 "$work/list.txt")
within 60 "all of it arrives: nothing is refused" knows national "$first"
within 60 "national asks for it to be held back" slowed national kp national
within 60 "kp is told by whom" slowed kp kp national
within 60 "and national's operator too" warned "hold back what kp says"
within 60 "and kp's, what that means for it" \
	warned_at kp "national holds as much of this node as it may"
like "in words" "$(khabar national links)" "what kp says is held back for national: [0-9]+ bytes"
share kp waits.example >/dev/null
share punjab passes.example >/dev/null
within 60 "others are heard" knows national passes.example
ok "kp's next waits" knows_not national waits.example
ok "at kp it is, of course" knows kp waits.example

lab stop national >/dev/null
within 60 "kp sees that national is away" unlinked kp national
lab start national >/dev/null
pid=$(cat "$lab/national/pid")
within 60 "what is here is counted again at a start" slowed kp kp national
share kp waits-too.example >/dev/null
share punjab passes-too.example >/dev/null
within 60 "others are heard as before" knows national passes-too.example
ok "kp is not" knows_not national waits-too.example

ok "kp takes back what it has said" khabar kp withdraw "$import" --import --because leaked --yes
within 60 "recalls are not held back" knows_not national "$first"
within 60 "they make room" free_again national kp national
within 60 "what waited arrives" knows national waits-too.example
within 60 "all of it" knows national waits.example

lab stop gb >/dev/null
before=$(memory)
"$attacker" "$lab/gb" national flood 300 >"$work/flood" 2>&1 &
flooding=$!
within 60 "gb floods and is held back" slowed national gb national
within 60 "it does not obey, and is named" warned \
	"gb goes on sending what it was asked to hold back: it waits"
share punjab meanwhile.example >/dev/null
within 60 "punjab is heard" knows national meanwhile.example
within 60 "how much waits is shown" says_how_much
taken=$(khabar national --json links | sed -n 's/.*"node": *"gb"[^}]*"bytes": *\([0-9]*\).*/\1/p' | head -1)
[ "${taken:-99999999}" -le $((48 << 20)) ]
result $? "${taken:-?} bytes of it were taken: its quota and what may be on its way, not more"
kill "$flooding"
wait "$flooding" 2>/dev/null
grown=$(($(memory) - before))
if sanitized; then
	skip 1 "a sanitizer's memory is not the daemon's"
else
	[ "$grown" -lt $((64 << 10)) ]
	result $? "national's own memory has grown by $grown KiB"
fi
finish
