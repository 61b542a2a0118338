#!/bin/bash
# One that joins when the hour has just struck has a floor above its neighbours', which rise each at
# a moment of their own: what it says for as long as may be is heard at once all the same.
. tests/tap.sh

clock_begin

expires() { khabar "$1" --json show "$2" | sed -n 's/.*"expires": *"\([^"]*\)".*/\1/p'; }

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
share east early.example >/dev/null
within 10 "the two know each other" knows root early.example

clock_pass $((3600 - $(date +%s) % 3600 + 1))
family root east late >"$work/text.zpl"
ok "a third joins in the next hour" lab resign "$work/text.zpl" root
within 20 "it is linked" linked late root
said=$(share late late.example)
within 20 "its neighbour hears it" knows root late.example
within 20 "and who is further away" knows east late.example
ok "that lasts a year and a month at least" \
	test "$(date -d "$(expires east "$said")" +%s)" -gt "$(date -d '395 days' +%s)"
finish
