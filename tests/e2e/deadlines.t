#!/bin/bash
# The clocks of an incident go by the federation's policy; both sides are told before a deadline and at
# it, and what is open outlives its messages.
. tests/tap.sh

clock_begin
clock_calm
# pass HOURS
pass() { clock_pass $(($1 * 3600)); }

incident() { khabar "$1" --json incident "${@:2}"; }
say() { incident "$@" --yes; }
warned() { khabar "$1" status | grep -qE "warning: incident $n of east.*$2"; }
unwarned() { ! khabar "$1" status | grep -q "warning: incident"; }
# alarmed WHAT WORDS: root's alarm command was told.
alarmed() { grep -qE "^$1 .* incident $n of east.*$2" "$work/alarms"; }
due() { incident "$1" show "$n" | grep -qE "\"what\": *\"$2\"[^}]*\"done\": *null, *\"late\": *$3"; }
events() { incident "$1" show "$n" | grep -o '"message":' | wc -l; }
renewed() { incident "$1" show "$n" | grep -q '"action": *"renew"'; }
linked_both() { linked east root && linked west root; }

{
	printf 'policy\n    early-warning-hours = 10\n    notification-hours = 20\n    final-days = 2\n'
	printf '    expiry-days\n        amber = 8\n'
	family root east west
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
printf '#!/bin/sh\ncat >>%s/alarms\n' "$work" >"$work/tell"
chmod +x "$work/tell"
printf 'alarm\n    command = %s\n    every = 1\n' "$work/tell" >>"$lab/root/khabardar.zpl"
lab stop root
ok "root has an alarm command" lab start root
n=east-$(date -u +%Y)-1
ok "east opens an incident" say east open --class fraud --severity low --title "Clocks"
within 20 "root knows of it" due root early-warning false
ok "nobody is warned of what is far" unwarned root
like "the deadline is that of the policy" "$(khabar root incident list)" 'early-warning in 9 h'

pass 8
within 30 "two hours before its deadline east is warned" warned east "early-warning is due in two hours"
within 30 "so is who is above" warned root "early-warning is due in two hours"
within 30 "who has to answer, too" warned root "not been acknowledged, and must be in two hours"
within 30 "which is an alarm" alarmed raised "early-warning is due in two hours"
pass 3
within 30 "after it east is warned again" warned east "early-warning is overdue"
within 30 "so is who is above" warned root "early-warning is overdue"
within 30 "and of its own answer" warned root "not been acknowledged in time"
within 30 "that is another alarm" alarmed raised "early-warning is overdue"
ok "the one above sees it late" due root early-warning true
within 30 "they are linked" linked_both
ok "root answers" say root ack "$n"
ok "east reports" say east update "$n" --stage early-warning --text "late as it is"
within 30 "nobody is warned any more at east" unwarned east
within 30 "nor at root" unwarned root
within 30 "the alarm is over" alarmed over "early-warning is overdue"
pass 8
within 30 "the next stage comes near" warned east "notification is due in two hours"
within 30 "they are linked again" linked_both
ok "it is closed before" say east close "$n"
within 30 "what is closed warns nobody at east" unwarned east
within 30 "nor at root" unwarned root
ok "it is opened again" say east reopen "$n"
within 30 "then it does" warned root "notification is due in two hours"
ok "it is reported" say east update "$n" --stage notification --text "all of it"
within 30 "and a final report will be due" due root final false

# ---- what is open does not expire ----

before=$(events root)
pass $((6 * 24))
within 60 "before its messages expire east says the state again" renewed east
within 60 "they are linked once more" linked_both
within 30 "which root has, too" renewed root
within 30 "the final report is overdue" warned root "final is overdue"
fewer() { [ "$(events root)" -lt "$before" ]; }
there() { incident root show "$n" | grep -q '"title": *"Clocks"'; }
pass 72
within 60 "they are linked yet again" linked_both
pass 26
within 60 "and greet" linked_both
within 60 "the first messages are gone" fewer
ok "root still knows it" there
ok "east, who owns it, closes it" say east close "$n"
within 30 "which is seen" unwarned root
ok "its next incident" say east open --class fraud --severity low --title "Another"
# Days have passed by these clocks, so that it may be another year.
next=east-$(date -u +%Y)-2
[ "${next%-2}" = "${n%-1}" ] || next=${next%2}1
like "has the next number" "$out" "\"number\": *\"$next\""

# ---- the council changes its mind ----

{
	printf 'federation\n    version = 2\n'
	sed 's/early-warning-hours = 10/early-warning-hours = 3/' "$work/text.zpl"
} >"$work/next.zpl"
ok "another policy is signed" lab resign "$work/next.zpl" root
sooner() { khabar "$1" incident list | grep -q "^$next .*early-warning in 2 h"; }
within 60 "what is open goes by it at root" sooner root
within 60 "and at east" sooner east
finish
