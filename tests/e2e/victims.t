#!/bin/bash
# A list of victims, told line by line to those whose they are; the rest is named and not sent.
. tests/tap.sh

family national punjab kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

whose_is() { khabar national --json whose "$1" | grep -q "\"node\": *$2}"; }
inbox_has() { khabar "$1" --json inbox | grep -q "$2"; }
told() { sed -n 's/.*"node": *"'"$1"'"[^[]*\[ *"\([0-9a-f]*\)".*/\1/p' <<<"$2"; }

printf '203.0.113.0/24\nboth.example\n' >"$work/punjab"
printf '198.51.100.0/24\nkp.example\nboth.example\n' >"$work/kp"
ok "punjab is there for some" khabar punjab card constituency "$work/punjab"
ok "kp for others" khabar kp card constituency "$work/kp"
within 60 "which national knows" whose_is 203.0.113.9 '"punjab"'
within 60 "of both" whose_is mail.kp.example '"kp"'

cat >"$work/list" <<'L'
# from abroad
203.0.113.9,2026-11-20,"bot <x>"
mail.kp.example	2026-11-21	phished
203.0.113.77 2026-11-22
192.0.2.1,2026-11-20,nobody
both.example
not a value
L
exits 0 "first it can be tried" '^3 of 6 lines would be sent, 3 to nobody' khabar national notify-victims "$work/list" --tlp amber --dry-run
like "what nobody claims is named" "$out" '^line 5, 192.0.2.1: nobody.s: no card claims it'
like "what two claim, too" "$out" '^line 6, both.example: nobody.s: several nodes claim it'
like "and what is nothing" "$out" '^line 7, not: '
like "each gets its own" "$out" '^punjab: 2 lines'
exits 1 "nothing is sent unasked" 'say --yes' khabar national notify-victims "$work/list" --tlp amber
sent=$(khabar national --json notify-victims "$work/list" --tlp amber --yes)
punjab=$(told punjab "$sent") kp=$(told kp "$sent")
like "one message each" "$punjab $kp" '^[0-9a-f]{64} [0-9a-f]{64}$'
like "and the rest" "$sent" '"unsent": ?\[\{"line": ?5, ?"value": ?"192.0.2.1"'
within 60 "punjab is asked" inbox_has punjab "$punjab.*acknowledgement"
within 60 "so is kp" inbox_has kp "$kp.*acknowledgement"
note=$(khabar punjab --json show "$punjab")
like "its lines are there as they came" "$note" '203.0.113.9,2026-11-20,\\"bot <x>\\"\\n203.0.113.77 2026-11-22'
like "and no other" "$(grep -c 'kp.example\|192.0.2.1' <<<"$note")" '^0$'
is "nobody else is told" "$(khabar national --json show "$punjab" | grep -o '"to": *\[[^]]*\]' | grep -c kp)" 0
is "victims are no indicators" "$(khabar punjab --json check 203.0.113.9 | grep -c '"known": *true')" 0
printf '203.0.113.9\0hidden\n' >"$work/nul"
exits 1 "what is no text is refused whole" 'not UTF-8 text' khabar national notify-victims "$work/nul" --tlp amber --yes
ok "who is told acknowledges" khabar kp ack "$kp"
acknowledged() { khabar national compliance "$kp" | grep -q '^1 of 1$'; }
within 60 "which is told" acknowledged
printf '192.0.2.1\n' >"$work/none"
exits 1 "a list of nobody's is no success" '0 of 1 lines sent' khabar national notify-victims "$work/none" --tlp amber --yes
exits 3 "a TLP is wanted" 'tlp' khabar national notify-victims "$work/list" --yes
exits 1 "and a file" 'No such file|missing' khabar national notify-victims "$work/absent" --tlp amber --yes
finish
