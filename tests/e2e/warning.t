#!/bin/bash
# What is on a warning list is not shared without --force, and in no export that blocks or detects.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lists=$work/lists
mkdir "$lists" "$lists/hosts"
cat >"$lists/dns.json" <<'END'
{"name":"Public resolvers","type":"cidr","version":1,"matching_attributes":["ip-dst","ip-src"],
 "list":["8.8.8.8","9.9.9.0/24"]}
END
cat >"$lists/hosts/list.json" <<'END'
{"name":"Well-known hosts","type":"hostname","version":1,"list":["good.example"]}
END
in_list() { khabar "$1" export --format list --out - 2>/dev/null | grep -qxF "$2"; }
in_zone() { khabar "$1" export --format rpz --out - 2>/dev/null | grep -q "^$2 "; }
not() { ! "$@"; }
send() { khabar "$1" share "${@:2}" --tlp green --to all --use block --yes; }

lab stop east
echo "warning-lists = lists" >>"$lab/east/khabardar.zpl"
exits 1 "a folder that is not absolute is refused" "not an absolute path" "$bin/khabardar" --home "$lab/east" -n
sed -i "s|^warning-lists = .*|warning-lists = $lists|" "$lab/east/khabardar.zpl"
ok "the configuration is in order" "$bin/khabardar" --home "$lab/east" -n
ok "east starts" lab start east
like "status counts the lists" "$(khabar east status)" 'lists: 2, with 3 entries'

exits 1 "an address on a list is refused, by its name" '8\.8\.8\.8 is on the warning list "Public resolvers"' send east 8.8.8.8
exits 1 "a network that holds one" '8\.8\.0\.0/16 is on' send east 8.8.0.0/16
exits 1 "an address of a network" '9\.9\.9\.9 is on' send east 9.9.9.9
exits 1 "a name below a host" 'www\.good\.example is on the warning list "Well-known hosts"' send east www.good.example
exits 1 "a dry run says so too" 'is on the warning list' send east good.example --dry-run
exits 1 "of many all are named" '8\.8\.8\.0/21 is on' send east 203.0.113.1 good.example 8.8.8.0/21
like "the other too" "$out" 'good\.example is on'
is "nothing was shared" "$(objects_of east)" 0
printf '203.0.113.1\n9.9.9.9\n' >"$work/values.txt"
exits 1 "an import is all or nothing" '9\.9\.9\.9 is on' khabar east import "$work/values.txt" --tlp green --to all --yes
ok "what is on none is shared" send east 203.0.113.1 8.8.9.0/24
ok "--force shares the rest" send east 9.9.9.9 www.good.example --force
like "and says how many" "$out" '2 of the values are on warning lists'
like "the audit knows, by list" "$(khabar east --json audit | grep forced | tail -n 1)" '"forced": ?2, ?"lists": ?\["Public resolvers", ?"Well-known hosts"\]'

within 60 "root, without lists, has all" holds root 4
ok "in its zone too" in_zone root www.good.example
ok "in east's is what is on no list" in_list east 203.0.113.1
ok "but nothing that is" not in_list east 9.9.9.9
ok "nor in the zone" not in_zone east www.good.example
khabar east export --format list --out - >/dev/null 2>"$work/said"
like "the export says so" "$(cat "$work/said")" 'left out: values on a warning list.*: 2'
like "STIX is as its author wrote it" "$(khabar east export --format stix --out - 2>/dev/null)" '9\.9\.9\.9'
ok "root shares what is on one" send root 8.8.8.0/24
within 60 "east hears of it" knows east 8.8.8.8
ok "it is in none of its exports" not in_list east 8.8.8.0/24
like "check says on which" "$(khabar east check 8.8.8.0/24)" 'on a list +Public resolvers'
like "with --json too" "$(khabar east --json check 8.8.8.0/24)" '"listed": ?\["Public resolvers"\]'

echo '{"name":"More","list":["203.0.113.1"' >"$lists/more.json"
exits 1 "while a list cannot be read nothing is shared" 'more\.json' send east 198.51.100.1
exits 1 "nor exported" 'more\.json' khabar east export --format rpz --out -
like "and status says why" "$(khabar east status)" 'lists cannot be read: .*more\.json'
echo '{"name":"More","list":["203.0.113.1"]}' >"$lists/more.json"
ok "once it is mended exports go on" in_list east 8.8.9.0/24
ok "and it counts at once" not in_list east 203.0.113.1
finish
