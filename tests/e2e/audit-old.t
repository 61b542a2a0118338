#!/bin/bash
# A node that was restored from a backup has fewer rows in its audit than it has told: everyone who
# heard of them says so, whatever it does next.
. tests/tap.sh

clock_begin
family national kp punjab >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

most() { khabar "$1" audit heads | sed -n "s/^$2  *\([0-9]*\):.*/\1/p" | sort -n | tail -n 1; }
tells() { [ "$(most "$1" "$2")" -ge "$3" ]; }
warned() { khabar "$1" --json status | grep -qE "$2"; }
alarmed() { khabar "$1" --json audit | grep -qE '"do": *"alarm".*"what": *"raised".*(the audit of kp has fewer|kp has told two things)'; }

share kp 192.0.2.1 >/dev/null
ok "kp is backed up" khabar kp backup "$work/backup"
for address in $(seq 2 31); do
	share kp "192.0.2.$address" >/dev/null
done
clock_pass 4000
for node in national punjab; do
	within 60 "$node is told of more rows than those" tells "$node" kp 31
	ok "and finds nothing wrong" bash -c "! $bin/khabar --home $lab/$node --json status | grep -q 'the audit of'"
done
lab stop kp
mv "$lab/kp/log" "$work/newer"
mv "$lab/kp/index" "$work/newer-index"
ok "the backup is restored" khabar kp restore "$work/backup"
ok "kp begins with it" lab start kp
for node in national punjab; do
	within 60 "$node names it" warned "$node" 'the audit of kp has fewer rows|kp has told two things'
done
within 60 "that is an alarm in national's audit" alarmed national
within 60 "kp names itself" warned kp "this node's audit is not what it has told others"
finish
