#!/bin/bash
# One that joins when the hour has just struck has a floor above its neighbours', which rise each at
# a moment of their own: what it says for as long as may be is heard at once all the same.
. tests/tap.sh

if [ ! -e "$bin/tests/e2e/shim/clock.so" ] || ldd "$bin/khabardar" | grep -q asan; then
	echo "1..0 # SKIP needs the library that moves clocks, and a program without sanitizers"
	exit 0
fi
export CLOCK_FILE=$work/clock
echo "0 0" >"$CLOCK_FILE"
LD_PRELOAD=$(preload clock)
export LD_PRELOAD

expires() { khabar "$1" --json show "$2" | sed -n 's/.*"expires": *"\([^"]*\)".*/\1/p'; }

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
share east early.example >/dev/null
within 10 "the two know each other" knows root early.example

strikes=$((3600 - $(date +%s) % 3600 + 1))
echo "$strikes $strikes" >"$CLOCK_FILE"
family root east late >"$work/text.zpl"
ok "a third joins in the next hour" lab resign "$work/text.zpl" root
within 20 "it is linked" linked late root
said=$(share late late.example)
within 20 "its neighbour hears it" knows root late.example
within 20 "and who is further away" knows east late.example
ok "that lasts a year and a month at least" \
	test "$(date -d "$(expires east "$said")" +%s)" -gt "$(date -d '395 days' +%s)"
finish
