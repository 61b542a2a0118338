#!/bin/bash
# Alarms: what stands, when it began and ended, and a command that is told, once for each.
. tests/tap.sh

family national kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

cat >"$work/tell" <<-END
	#!/bin/bash
	cat >>"$work/told"
	[ ! -e "$work/fails" ]
END
chmod +x "$work/tell"
touch "$work/told"
configure() { # NODE LINE...: its section alarm
	sed -i '/^alarm/,$d' "$lab/$1/khabardar.zpl"
	printf 'alarm\n' >>"$lab/$1/khabardar.zpl"
	printf '    %s\n' "${@:2}" >>"$lab/$1/khabardar.zpl"
}
alarms() { khabar national --json alarms; }
stands() { alarms | grep -qE "\"alarms\": ?\[.*$1.*\], ?\"events\""; }
stands_not() { ! stands "$1"; }
told() { grep -qE "$1" "$work/told"; }

ok "at first all is well" khabar national alarms
like "which is said" "$out" 'all is well'
exits 1 "without a command nothing can be tried" 'no alarm command' khabar national alarm test
exits 3 "test is all there is" '"test" is wanted' khabar national alarm ring
ok "national is stopped" lab stop national
configure national 'command = tell'
exits 1 "a program is named by its absolute path" 'absolute path' "$bin/khabardar" --home "$lab/national" -n
configure national 'every = 0'
exits 1 "now and then is a number" 'number of seconds' "$bin/khabardar" --home "$lab/national" -n
configure national 'backup = never'
exits 1 "and so is the age of a backup" 'number of days' "$bin/khabardar" --home "$lab/national" -n
configure national "command = \"$work/tell \$(touch $work/shell) ; x\"" 'every = 1'
ok "national is started with a command" lab start national

# ---- a test ----

# A node that has only just started says so.
within 90 "the command can be tried" khabar national alarm test
like "which is said" "$(khabar national alarm test)" 'was run'
ok "it was told" told '^khabardar national: [0-9]+ alarms?$'
ok "that it is a test" told '^test 20[-0-9T:]*Z a test, asked for by uid [0-9]+$'
ok "no shell has seen it" test ! -e "$work/shell"
touch "$work/fails"
exits 1 "a command that fails is no success" 'ended with 1' khabar national alarm test
within 90 "and is an alarm itself" stands 'the alarm command failed'
rm "$work/fails"
within 90 "until it works" stands_not 'the alarm command failed'
ok "and then it does" khabar national alarm test

# ---- one begins, and ends ----

ok "kp is put into quarantine" khabar national links quarantine kp --because "it floods"
within 90 "which stands" stands 'kp is in quarantine'
within 90 "is told" told '^raised 20[-0-9T:]*Z kp is in quarantine until it is released: it floods$'
like "is a warning of status" "$(khabar national status)" 'warning: kp is in quarantine'
like "and is in the inbox" "$(khabar national inbox)" '^ALARM since 20.*kp is in quarantine'
like "there with --json, too" "$(khabar national --json inbox)" '"alarms": ?\[\{"since": ?"20[^"]*", ?"text": ?"kp is in quarantine'
ok "kp is released" khabar national links release kp
within 90 "then it stands no more" stands_not 'kp is in quarantine'
within 90 "and that is told" told '^over 20[-0-9T:]*Z kp is in quarantine'
is "each was told once" "$(grep -c '^raised .* it floods$' "$work/told")" 1
like "what has happened is known" "$(khabar national alarms --all)" 'over +kp is in quarantine'

# ---- once, but for what was told just before a kill ----

# That something was told is in the log with the node's next look, and that has ended when the look
# behind it shows: hence an alarm that begins and ends.
ok "a test ends when the node knows that all was told" khabar national alarm test
ok "kp is put into quarantine again" khabar national links quarantine kp --because "once more"
within 90 "which stands" stands 'once more'
ok "and is released" khabar national links release kp
within 90 "then it stands no more" stands_not 'once more'
ok "national is killed" lab kill national
ok "and starts" lab start national
within 90 "it is tried again" khabar national alarm test
is "and nothing was told twice" "$(grep -c '^raised .* it floods$' "$work/told")" 1

# ---- as many as are kept ----

events() { khabar national --json alarms --all | grep -o '"number"' | grep -c .; }
for _ in {1..3}; do
	for _ in {1..44}; do
		khabar national alarm test >/dev/null 2>&1 &
	done
	wait
done
full() { khabar national alarm test && [ "$(events)" -eq 128 ]; }
within 90 "the last 128 events are kept" full
# What ends behind another look has been written by the look before.
khabar national links quarantine kp --because again >/dev/null
within 90 "one more begins" stands 'kp is in quarantine'
khabar national links release kp >/dev/null
within 90 "and ends" stands_not 'kp is in quarantine'
ok "national is killed again" lab kill national
ok "and started" lab start national
kept() { [ "$(events)" -eq 128 ]; }
within 90 "which has forgotten none" kept
is "the audit has each once" "$(khabar national --json audit | grep '"do": *"alarm"' |
	grep -o '"number": *[0-9]*, *"what"' | sort | uniq -d)" ""
ok "the store is sound" khabar national check-store
finish
