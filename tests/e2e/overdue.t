#!/bin/bash
# What becomes an alarm as time passes, and is told: a neighbour that is silent, a backup that is
# missing or old, a topology that runs out.
. tests/tap.sh

clock_begin
# pass HOURS
pass() { clock_pass $(($1 * 3600)); }

{
	family root east
	printf 'federation\n    expires = %s\n' "$(date -u -d '+60 days' +%F)"
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lab stop root
printf '#!/bin/sh\ncat >>%s/told\n' "$work" >"$work/tell"
chmod +x "$work/tell"
printf 'alarm\n    command = %s\n    every = 1\n' "$work/tell" >>"$lab/root/khabardar.zpl"
ok "root starts with an alarm command" lab start root
told() { grep -qE "^$1 20[-0-9T:]*Z $2" "$work/told"; }
warned() { khabar root status | grep -qE "^warning: $1"; }

within 90 "the two are linked" linked root east
unlinked() { ! linked "$@"; }
ok "east is stopped" lab stop east
within 90 "which root sees" unlinked root east
pass 2
within 90 "its silence is an alarm" told raised 'nothing was heard of east since'
ok "east starts" lab start east
within 90 "which ends it" told over 'nothing was heard of east since'

pass $((8 * 24))
within 90 "that there never was a backup is an alarm" told raised 'this node has never had a backup'
ok "a backup" khabar root backup "$work/one"
within 90 "ends it" told over 'this node has never had a backup'
pass $((8 * 24))
within 90 "an old backup is an alarm" told raised 'the last backup is of'
ok "another" khabar root backup "$work/two"
within 90 "ends it" told over 'the last backup is of'

pass $((20 * 24))
within 90 "a topology that is about to expire is an alarm" told raised 'topology version 1 expires in'
pass $((25 * 24))
within 90 "one that has expired is another" told raised 'topology version 1 has expired'
within 90 "the first is over" told over 'topology version 1 expires in'
pass $((91 * 24))
within 90 "after the grace it is said louder" told raised 'ALARM: topology version 1 expired more than 90 days ago'
ok "and status says so" warned 'ALARM: topology version 1 expired'
finish
