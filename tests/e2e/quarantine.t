#!/bin/bash
# One link is cut by the operator of one end: the other end cannot connect, over a restart too; what
# waits arrives when it is released, or when the time is over.
. tests/tap.sh

family national punjab kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
state() {
	khabar "$1" --json links | sed -n "s/.*\"peer\": *\"$2\".*\"state\": *\"\([a-z]*\)\".*/\1/p"
}
in_state() { [ "$(state "$1" "$2")" = "$3" ]; }
knows_not() { ! knows "$@"; }

within 10 "the link is up" in_state national punjab up
exits 3 "which one?" "the name of one neighbour is wanted" khabar national links quarantine
exits 3 "a time is a time" "30m, 1h or 7d" khabar national links quarantine punjab --for 1x
exits 3 "nothing else is known" "quarantine or release is wanted" khabar national links cut punjab
exits 1 "no such node" 'no node named "lahore"' khabar national links quarantine lahore
exits 1 "no link with oneself" "no link with national" khabar national links quarantine national
exits 1 "nor between others" "no link with kp" khabar punjab links quarantine kp
exits 1 "nothing to release" "punjab is not in quarantine" khabar national links release punjab

ok "punjab is put in quarantine" khabar national links quarantine punjab --because "it floods"
like "in words" "$out" "punjab is in quarantine until it is released"
within 5 "national says so" in_state national punjab quarantined
like "with the reason" "$(khabar national status)" \
	"warning: punjab is in quarantine until it is released: it floods"
within 10 "punjab is refused" in_state punjab national refused
share punjab waits.example >/dev/null
share kp passes.example >/dev/null
within 10 "others are heard" knows national passes.example
ok "it is not" knows_not national waits.example
like "it is audited" "$(khabar national --json audit | grep quarantine)" '"peer": *"punjab"'

lab kill national >/dev/null 2>&1
lab start national >/dev/null 2>&1
within 10 "kp is back" in_state national kp up
is "a restart changes nothing" "$(state national punjab)" quarantined
ok "and nothing has come" knows_not national waits.example
ok "punjab is released" khabar national links release punjab
within 20 "the link stands" in_state national punjab up
within 10 "what waited has come" knows national waits.example

# since NODE PEER: when their link came up.
since() { khabar "$1" --json links | sed -n "s/.*\"peer\": *\"$2\".*\"state\": *\"up\".*\"since\": *\"\([^\"]*\).*/\1/p"; }
before=$(since national punjab)
like "it has stood for some time" "$before" '^20'
anew() { [ -n "$(since national punjab)" ] && [ "$(since national punjab)" != "$before" ]; }
ok "for a while" khabar national links quarantine punjab --for 3s --json
like "until when" "$out" '"until": *"20'
within 25 "it is cut, and stands again by itself" anew
exits 1 "nobody else is told" "is not in quarantine" \
	khabar punjab links release national
ok "from below" khabar punjab links quarantine national
within 5 "it is" in_state punjab national quarantined
ok "and back" khabar punjab links release national
within 20 "it stands" in_state punjab national up
finish
