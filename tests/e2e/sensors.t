#!/bin/bash
# sight --from: what sensors have written is told to the authors once, also when it goes on, when
# the log is renamed, and when it was ended in the middle.
. tests/tap.sh
export LC_ALL=C

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
log=$work/log

in_json() { grep -o "\"$2\": *[0-9]*" <<<"$1" | head -n 1 | grep -o '[0-9]*$'; }
# seen VALUE COUNT: at root, whose indicator it is.
seen() { [ "$(in_json "$(khabar root --json check "$1")" count)" = "$2" ]; }
from() { khabar east --json sight --from "$log" "$@"; }
# What was counted in what was read last: each value and how often, whatever the hour.
counted() {
	sed -n 's/^{"value": *"\([^"]*\)".*"count": *\([0-9]*\)}$/\1 \2/p' <<<"$out" |
		awk '{ n[$1] += $2 } END { for (v in n) print v, n[v] }' | sort | paste -sd ' '
}

ok "root shares" khabar root share bad.example 198.51.100.7 203.0.113.0/24 http://www.evil.example/x \
	44d88612fea8a8f36de82e1278abb02f --tlp green --to all --yes
within 90 "east has it" holds east 5
day=$(date -u -d '2 hours ago' +%Y-%m-%dT%H)

# alert SIGNATURE REST
alert() {
	printf '{"timestamp":"%s:10:01.123456+0000","flow_id":1,"event_type":"alert","src_ip":"10.0.0.5",' "$day"
	printf '"alert":{"action":"allowed","signature_id":1410001,"signature":"%s"},%s}\n' "$1" "$2"
}
{
	alert 'Khabardar: name of a known threat looked up' \
		'"dest_ip":"10.0.0.1","dns":{"query":[{"type":"query","rrname":"www.bad.example"}]}'
	alert 'Khabardar: name of a known threat looked up' \
		'"dest_ip":"10.0.0.1","dns":{"version":3,"queries":[{"rrname":"bad.example"}]}'
	alert 'ET POLICY something else' '"dest_ip":"198.51.100.7"'
	alert 'Khabardar: URL of a known threat' \
		'"dest_ip":"198.51.100.7","http":{"hostname":"www.evil.example","url":"/x"}'
	alert 'Khabardar: file of a known threat' \
		'"dest_ip":"10.0.0.9","files":[{"filename":"198.51.100.7","md5":"44d88612fea8a8f36de82e1278abb02f"}]'
	printf '{"timestamp":"%s:11:01+0000","event_type":"flow","dest_ip":"198.51.100.7"}\n' "$day"
	printf '{"event_type":"alert","alert":{"signature":"Khabardar: x"},"dest_ip":"198.51.100.7"\n'
} >"$log"
ok "a dry run" from --dry-run
like "says what it would count" "$out" '"value": *"bad.example".*"count": *1'
ok "of eve.json the alerts of our own rules are told" from
like "which was recognised" "$out" '"format": *"eve"'
like "in the hour in which they were" "$out" "\"value\": *\"198.51.100.7\", *\"hour\": *\"$day:00:00"
is "in one message to their author" "$(in_json "$(tail -n 1 <<<"$out")" messages)" 1
within 90 "a name, and what is below it" seen bad.example 2
within 90 "an address" seen 198.51.100.7 1
within 90 "a URL" seen http://www.evil.example/x 1
within 90 "a hash" seen 44d88612fea8a8f36de82e1278abb02f 1
ok "the same log again" from
like "says nothing new" "$out" '"lines": *0,'
printf '{"event_type":"alert","alert":{"signature":"Khabardar: x"},' >>"$log"
ok "a line that is not whole" from
like "waits" "$out" '"lines": *0,'
printf '"dest_ip":"203.0.113.9"}\n' >>"$log"
mv "$log" "$log.1"
alert 'Khabardar: x' '"dest_ip":"203.0.113.10"' >"$log"
ok "the log is rotated" from
like "and what was left of it is read first" "$out" '"lines": *2,'
within 90 "addresses count for their network" seen 203.0.113.0/24 2

# A resolver: who asked is not what was asked for.
log=$work/unbound.log
epoch=$(date -d '1 hour ago' +%s)
{
	printf '[%s] unbound[1:0] info: rpz: applied [khabardar] bad.example. rpz-nxdomain 203.0.113.5@4242 bad.example. A IN\n' "$epoch"
	printf '%s unbound[1:1] info: rpz: applied [a zone] *.bad.example. rpz-nxdomain 10.0.0.7@1 www.bad.example. AAAA IN\n' "$(date +'%b %e %T')"
	printf '[%s] unbound[1:0] info: rpz: applied [z] 198.51.100.7/32 rpz-nxdomain 10.0.0.7@1 bad.example. A IN\n' "$epoch"
	printf '[%s] unbound[1:0] info: 203.0.113.5 bad.example. A IN\n' "$epoch"
} >"$log"
ok "a log of unbound" from
like "is recognised" "$out" '"format": *"rpz"'
is "names count, an address that led to one, and not who asked" "$(counted)" \
	"198.51.100.7 1 bad.example 1 www.bad.example 1"
log=$work/named.log
{
	echo "$(date +'%d-%b-%Y %T.123') client @0x7f 203.0.113.5#5353 (www.bad.example): rpz QNAME NXDOMAIN rewrite www.bad.example/A/IN via bad.example.rpz.local"
	echo "$(date +'%d-%b-%Y %T.123') client @0x7f 10.0.0.5#5353 (x.example): rpz IP NXDOMAIN rewrite x.example/A/IN via 32.7.100.51.198.rpz-ip.rpz.local"
} >"$log"
ok "a log of BIND" from
is "names count, and addresses" "$(counted)" "198.51.100.7 1 www.bad.example 1"

# Any log, packed, and lists from a pipe.
log=$work/web.log.gz
printf '10.0.0.1 - - [%s] "GET http://bad.example/ HTTP/1.1"\n' "$(date +'%d/%b/%Y:%T %z')" | gzip >"$log"
ok "a packed log" from
like "is any log" "$out" '"format": *"log"'
is "is read" "$(counted)" "bad.example 1"
ok "again" from
like "it is read no more" "$out" '"lines": *0,'
list() { printf 'bad.example\n# 198.51.100.7\nbad.example' | khabar east --json sight --from - --name-us; }
ok "a list from a pipe" list
like "is a list" "$out" '"format": *"list"'
within 90 "each line counts, and what was in all the logs" seen bad.example 8
within 90 "addresses, too" seen 198.51.100.7 3
within 90 "and not who asked" seen 203.0.113.0/24 2
like "with our name" "$(khabar root check bad.example)" '\(east\)'

ok "east mutes" khabar east mute 203.0.113.0/24 --because test
printf '203.0.113.77\n' >"$work/list"
log=$work/list
ok "what is muted" from
is "is not told" "$(in_json "$(tail -n 1 <<<"$out")" messages)" 0

# What was counted and not told, since the node was not there.
log=$work/late
printf '198.51.100.7\n' >"$log"
lab stop east
exits 2 "without the node nothing is counted" '' from
ok "east starts" lab start east
ok "then it is" from
is "once" "$(counted)" "198.51.100.7 1"
for state in "$lab"/east/sight/*; do
	grep -q '/late"' "$state" && break
done
sed -i 's|"pending":\[\]|"pending":[{"value":"198.51.100.7","count":3,"first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z"}]|' "$state"
ok "what was counted when it was ended" from
within 90 "is told" seen 198.51.100.7 7
ok "once" from
like "and then no more" "$out" '"messages": *0'
echo '{' >"$state"
exits 1 "a damaged note is named" 'remove it to begin anew' from

exits 3 "values do not go with it" 'without values' khabar east sight bad.example --from "$log"
exits 3 "nor a count" 'without values' khabar east sight --count 3 --from "$log"
exits 3 "a format that is none is refused" 'eve, rpz, list or log' from --format evil
exits 1 "so is a file that is not there" 'no such file' khabar east sight --from "$work/none"
finish
