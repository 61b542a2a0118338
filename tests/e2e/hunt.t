#!/bin/bash
# hunt: what becomes known is looked for in logs that were there before, rotated and packed ones too;
# hits are in the inbox until somebody is done with them, and no other node is told.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
logs=$work/logs
mkdir "$logs" "$logs/dir"
printf '%s\n' 'one 192.0.2.1 ok' 'two http://www.bad.example/x ok' 'three 192.0.2.1 again' \
	>"$logs/web.log"
printf 'old 198.51.100.7 packed\n' | gzip >"$logs/web.log.2.gz"
printf 'older 198.51.100.8 packed\n' | zstd -q >"$logs/web.log-3.zst"
printf 'in a folder 2001:db8:1::9 \xff\n' >"$logs/dir/a"
printf 'ancient 203.0.113.9\n' >"$logs/web.log.4"
touch -d '40 days ago' "$logs/web.log.4"

lab stop east
echo "hunt = web.log" >>"$lab/east/khabardar.zpl"
exits 1 "a path that is not absolute is refused" "hunt.*not an absolute path" \
	"$bin/khabardar" --home "$lab/east" -n
sed -i "s|^hunt = .*|hunt = \"$logs/web.log $logs/dir $logs/none\"|" "$lab/east/khabardar.zpl"
ok "the configuration is in order" "$bin/khabardar" --home "$lab/east" -n
ok "east starts" lab start east

hits() { khabar east --json hunt; }
hit() { hits | tr -d ' \n' | grep -qE "$1"; }
looked() { khabar east --json hunt | tr -d ' \n' | grep -qE '"through":[1-9]'; }
share() { khabar root share "$@" --tlp green --to all --yes; }

like "nothing is found before anything is known" "$(khabar east hunt)" 'nothing is unread'
ok "root shares an address, a domain and what no log has" \
	share 192.0.2.1 bad.example nowhere.example
within 30 "the address is found" hit '"value":"192.0.2.1"[^}]*"lines":2,"line":1'
within 30 "the domain is, by what is in it" hit '"value":"[^"]*www.bad.example[^}]*"how":"parent-domain"'
ok "root shares a network, addresses, and one that only an old log has" \
	share 198.51.100.0/29 198.51.100.8 2001:db8:1::/48 203.0.113.9
within 30 "a log that gzip packed is read, for a network" \
	hit '"value":"198.51.100.7"[^}]*"how":"cidr"[^}]*web.log.2.gz'
within 30 "one that zstd packed is" hit '"value":"198.51.100.8"[^}]*web.log-3.zst'
within 30 "and one in a folder, whatever its bytes" hit '"value":"2001:db8:1::9"[^}]*dir/a'
within 30 "how far it has come is told" looked
ok "what is older than 30 days is not read" bash -c "! '$bin/khabar' --home '$lab/east' hunt | grep 203.0.113.9"
named() { khabar east hunt | grep -q 'not all was read: .*/none: there is no such file'; }
within 30 "a path that is not there is named" named

like "the inbox has them" "$(khabar east inbox)" 'IN A LOG .*192\.0\.2\.1'
like "for programs too" "$(khabar east --json inbox | tr -d ' ')" '"hunt_hits":5'
is "no other node is told" "$(khabar root --json hunt | tr -d ' ' | grep -c '192.0.2.1')" 0

# ---- a log that grows, and one that is renamed ----

printf 'four 192.0.2.44 new\n' >>"$logs/web.log"
ok "what has come since is found" share 192.0.2.44
within 30 "in the line where it is" hit '"value":"192.0.2.44"[^}]*"line":4'
mv "$logs/web.log" "$logs/web.log.1"
printf 'five 192.0.2.55 newer\n' >"$logs/web.log"
ok "the log is rotated" share 192.0.2.55 192.0.2.44
within 30 "and found in what took its place" hit '"value":"192.0.2.55"[^}]*web.log"[^}]*"line":1'

# ---- a log that is emptied and written again, filters that are damaged ----

printf 'six 192.0.2.66 in place of five, and longer than that was\n' >"$logs/web.log"
ok "a log is emptied and written again" share 192.0.2.66
within 30 "and read again" hit '"value":"192.0.2.66"[^}]*web.log"[^}]*"line":1'
for filter in "$lab/east/hunt"/*; do printf 'KHUBNFT1 and nonsense' >"$filter"; done
ok "the filters are damaged" share 2001:db8:1::9 www.bad.example
within 30 "which harms nothing" hit '"value":"2001:db8:1::9"[^}]*"how":"exact"'

# ---- what goes ----

ok "root takes one back" khabar root withdraw 192.0.2.55 --because wrong --yes
gone() { ! hit 192.0.2.55; }
within 30 "it is no hit any more" gone
lab stop east
ok "east starts again" lab start east
hit 192.0.2.44
result $? "and has its hits"
# What comes after this was not under way before: all that one reading of the logs has found is told
# before what the next finds.
for n in 1 2; do
	printf 'seven 192.0.2.7%s\n' "$n" >>"$logs/web.log"
	ok "once more something comes, $n" share "192.0.2.7$n"
	within 30 "and is found" hit "\"value\":\"192.0.2.7$n\""
done
id=$(hits | grep -oE '"id": *"[0-9a-f]+"' | head -n 1 | grep -oE '[0-9a-f]{16}')
exits 1 "one that is not there cannot be done" "no hit" khabar east hunt 'done' ffffffffffff
ok "one is done" khabar east hunt 'done' "$id"
done_with() { ! hits | grep -q "$id"; }
ok "it has gone" done_with
ok "all are done" khabar east hunt 'done' --all
like "none is left" "$(khabar east hunt)" 'nothing is unread'
ok "what comes next" share 192.0.2.1 four.example 198.51.100.7
within 30 "is hunted for" hit '"value":"198.51.100.7"'
is "what was found and done with is not found again" \
	"$(hits | tr -d ' ' | grep -c '"value":"198.51.100.8"')" 0
is "what is real is not marked" "$(hits | grep -c exercise)" 0
printf 'of a drill: drill.example\n' >"$logs/dir/b"
ok "root shares what is of an exercise" share drill.example --exercise
within 30 "that is found, and marked" hit '"value":"drill.example"[^}]*"exercise":true'
like "for people, too" "$(khabar east hunt)" '  EXERCISE$'
finish
