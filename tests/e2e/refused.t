#!/bin/bash
# What a node refuses, it refuses in words: keys, configuration, a second daemon, a stranger.
. tests/tap.sh

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
home=$lab/east

exits 1 "a second daemon on one home is refused" 'already|another|in use|running' \
	timeout 300 "$bin/khabardar" --home "$home"
ok "the first one goes on" khabar east status

lab stop east
exits 2 "no daemon: the command says which socket is silent" 'admin\.sock' khabar east status

ok "khabardar -n takes the configuration" "$bin/khabardar" --home "$home" -n
cp "$home/khabardar.zpl" "$work/zpl"
printf 'bnid = "tcp://127.0.0.1:1"\nlog = loud\n' >>"$home/khabardar.zpl"
exits 1 "-n names an unknown key" 'bnid: .*did you mean "bind"' "$bin/khabardar" --home "$home" -n
like "and every other mistake in the same breath" "$out" 'log: '
exits 1 "nor does the node start with it" 'bnid' timeout 300 "$bin/khabardar" --home "$home"
cp "$work/zpl" "$home/khabardar.zpl"

chmod 644 "$home/node.key"
exits 1 "keys that others can read are refused" "chmod 600 $home/node.key" \
	timeout 300 "$bin/khabardar" --home "$home"
chmod 600 "$home/node.key"

cp -p "$home/node.key" "$work/node.key"
head -c 150 "$work/node.key" >"$home/node.key"
exits 1 "half a key file is refused" 'node\.key: .*damaged' timeout 300 "$bin/khabardar" --home "$home"
: >"$home/node.key"
exits 1 "so is an empty one" 'node\.key' timeout 300 "$bin/khabardar" --home "$home"
cp -p "$lab/west/node.key" "$home/node.key"
exits 1 "so are another node's keys" 'east|west' timeout 300 "$bin/khabardar" --home "$home"
cp -p "$work/node.key" "$home/node.key"

mv "$home/topology.signed" "$work/topology.signed"
head -c 300 "$work/topology.signed" >"$home/topology.signed"
"$bin/khabardar" --home "$home" -n >/dev/null 2>&1
mv "$work/topology.signed" "$home/topology.signed"

ok "put right, it starts" lab start east
share east mended.example >/dev/null
within 10 "and is heard again" knows west mended.example

told_of_key() { khabar east --json status | grep -qE '"state": ?"refused", ?"reason": ?"[^"]*key'; }

# A thief has east's name but not its link key: a home of its own with fresh keys.
lab stop east
mv "$home" "$work/east"
port=$(sed -n 's/^bind = "tcp:.*:\([0-9]*\)"$/\1/p' "$work/east/khabardar.zpl")
"$bin/khabar" init east --home "$home" --bind "tcp://127.0.0.1:$port" >/dev/null 2>&1
exits 1 "join tells the thief that these are not the keys that were signed" 'another sign key' \
	"$bin/khabar" join "$lab/.lab/topology-1.signed" --home "$home" --yes
cp "$lab/.lab/topology-1.signed" "$home/topology.signed"
lab start east >"$work/said" 2>&1
within 20 "a dialer with the wrong link key is refused, and told so" told_of_key
share east forged.example >/dev/null 2>&1
lab stop east
rm -rf "$home"
mv "$work/east" "$home"
ok "the true east comes back" lab start east
share east honest.example >/dev/null
within 20 "and is heard" knows west honest.example
is "the thief was not" "$(khabar west --json check forged.example | grep -c '"known": *true')" 0

# Not even strangers' garbage on the port disturbs the others.
port=$(sed -n 's/^bind = "tcp:.*:\([0-9]*\)"$/\1/p' "$lab/root/khabardar.zpl")
for _ in $(seq 1 30); do
	{ head -c 3000 /dev/urandom >"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null
done
share west calm.example >/dev/null
within 10 "garbage on the port disturbs nobody" knows east calm.example
finish
