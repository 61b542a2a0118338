#!/bin/bash
# What is of an exercise says so wherever it is shown, and leaves in no feed.
. tests/tap.sh

family national kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

drill() { khabar "$1" --json "${@:2}" --exercise --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
export_of() { khabar "$1" export --format list --out -; }
exported() { export_of "$1" 2>/dev/null | grep -q "$2"; }

message=$(drill kp share 192.0.2.66 --tlp green --to all)
share kp 192.0.2.67 >/dev/null
drill kp incident open --title "A drill" --class intrusions --type system-compromise --severity low >/dev/null
within 60 "both values arrive" knows national 192.0.2.67
within 60 "the drill too" knows national 192.0.2.66
like "list marks it" "$(khabar national list)" 'EXERCISE 192\.0\.2\.66'
like "search too" "$(khabar national search 192.0.2.66)" 'EXERCISE 192\.0\.2\.66'
like "with --json too" "$(khabar national --json list | grep -F 192.0.2.66)" '"exercise": ?true'
is "what is real has no mark" "$(khabar national --json list | grep -F 192.0.2.67 | grep -c exercise)" 0
like "check marks it" "$(khabar national check 192.0.2.66)" '  EXERCISE$'
like "with --json too" "$(khabar national --json check 192.0.2.66)" '"how": ?"exact", ?"exercise": ?true'
is "and what is real not" "$(khabar national check 192.0.2.67 | grep -c EXERCISE)" 0
like "show has it" "$(khabar national show "$message")" '^EXERCISE +nothing of it is real'
within 60 "the incident arrives" bash -c "$bin/khabar --home $lab/national --json incident list | grep -q drill"
like "and is marked in the list" "$(khabar national incident list)" 'EXERCISE'
within 60 "what is real is exported" exported national 192.0.2.67
is "the exercise is not" "$(export_of national 2>/dev/null | grep -c 192.0.2.66)" 0
finish
