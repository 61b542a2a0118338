#!/bin/bash
# Backup, restore, check-store and reindex, beside a node that runs.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
list=tests/data/content/ipsum.txt
lines=$(grep -cE '^[0-9]' "$list")
khabar solo import "$list" --tlp green --to all --yes >/dev/null 2>&1
within 10 "pair has the list" holds pair "$lines"
listed pair >"$work/listed"

ok "check-store passes on a running node" khabar pair check-store
ok "a backup is made while it runs" khabar pair backup "$work/backup"
ok "with something in it" test -s "$work/backup/data.mdb"
exits 1 "a second one into the same folder is refused" '.' khabar pair backup "$work/backup"
ok "reindex while it runs" khabar pair reindex
is "lists the same afterwards" "$(listed pair)" "$(<"$work/listed")"

share solo later.example >/dev/null
within 10 "life goes on" knows pair later.example
exits 1 "a running node is not restored" 'running|stop' khabar pair restore "$work/backup"

lab stop pair
ok "check-store of a node that is down" khabar pair check-store
rm -rf "$lab/pair/index"
ok "an index that is gone" lab start pair
within 10 "is rebuilt from the log" lists pair $((lines + 1))

lab kill pair
rm -rf "$lab/pair/log" "$lab/pair/index"
ok "after a lost disk the backup is restored" khabar pair restore "$work/backup"
ok "the node starts" lab start pair
within 20 "and gets what is newer than the backup" knows pair later.example
same() { [ "$(listed pair 2>/dev/null)" = "$(listed solo)" ]; }
within 20 "all of it" same
ok "the store holds together" khabar pair check-store
share pair still-me.example >/dev/null
within 10 "and the restored node is heard" knows solo still-me.example

lab stop pair
# A page in the middle: what is damaged is found, not shown.
data=$lab/pair/log/data.mdb
size=$(stat -c %s "$data")
dd if=/dev/urandom of="$data" bs=4096 seek=$((size / 8192)) count=2 conv=notrunc 2>/dev/null
khabar pair check-store >"$work/said" 2>&1 </dev/null
[ $? -le 2 ]
result $? "check-store of a damaged log ends with an answer" "$(<"$work/said")"
finish
