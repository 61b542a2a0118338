#!/bin/bash
# While a large request is answered, others are, too: here it is held for as long as a warning list,
# which is a pipe, is not written.
. tests/tap.sh

family root >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
lists=$work/lists
mkdir "$lists"
lab stop root
echo "warning-lists = $lists" >>"$lab/root/khabardar.zpl"
echo '{"name":"One","list":["203.0.113.1"]}' >"$lists/one.json"
ok "root starts" lab start root
for ((i = 0; i < 1000; i++)); do echo "host$i.example"; done >"$work/list"

mkfifo "$lists/pipe.json"
# It cannot be opened before somebody reads it, which is the request.
{
	exec 9>"$lists/pipe.json"
	: >"$work/read"
	until [ -e "$work/go" ]; do sleep 0.05; done
	echo '{"name":"Two","list":["203.0.113.2"]}' >&9
} &
writer=$!
khabar root import "$work/list" --tlp green --to all --yes >"$work/import" 2>&1 &
import=$!
within 60 "a thousand values are being shared" test -e "$work/read"
ok "meanwhile others are answered" timeout "$patience" "$bin/khabar" --home "$lab/root" links
ok "and what they change is kept" timeout "$patience" "$bin/khabar" --home "$lab/root" mute 198.51.100.1
exits 1 "an index that decides what is sent is not built anew" 'busy with share' \
	timeout "$patience" "$bin/khabar" --home "$lab/root" reindex
ok "what is slow is done" timeout "$patience" "$bin/khabar" --home "$lab/root" check-store
is "nothing of the thousand is there yet" "$(grep -c . "$work/import")" 0
: >"$work/go"
wait "$import"
result $? "then it is answered" "$(cat "$work/import")"
kill "$writer" 2>/dev/null
wait "$writer"
rm "$lists/pipe.json"
within 30 "and all of it is there" knows root host999.example
ok "the index is built anew" khabar root reindex
finish
