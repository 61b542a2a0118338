#!/bin/bash
# A home is made once, private, with the files that the manual names; its card is what the council
# fills in, and its keys are refused where others could read them.
set -u
khabar=$PWD/${BUILD:-build}/khabar
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
home=$work/punjab
count=0

# exits CODE COMMAND... -- SENTENCE: what it says stays in $work/out and $work/err.
exits() {
	local want=$1 got command=()
	shift
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	"${command[@]}" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	count=$((count + 1))
	[ "$got" = "$want" ] && echo "ok $count - $2" && return
	echo "not ok $count - $2"
	echo "# exit $got, not $want"
	sed 's/^/# /' "$work/out" "$work/err"
}

# ok COMMAND... -- SENTENCE
ok() { exits 0 "$@"; }

# says PATTERN FILE -- SENTENCE: unlike ok it leaves what the last command said.
says() {
	count=$((count + 1))
	grep -q -e "$1" "$2" && echo "ok $count - $4" && return
	echo "not ok $count - $4"
	sed 's/^/# /' "$2"
}

mode() { stat -c %a "$1"; }
card_key() { sed -n "s/^ *$1 = \"\\([0-9a-f]*\\)\"\$/\\1/p" "$home/node.card"; }

ok "$khabar" init punjab --home "$home" --endpoint tcp://127.0.0.1:5601 -- "a home is made"
ok test "$(mode "$home")" = 700 -- "nobody else looks into it"
ok test "$(mode "$home/node.key")" = 600 -- "least of all at the keys"
says '^node = punjab$' "$home/khabardar.zpl" -- "the configuration names the node"
says '^bind = "tcp://\*:5601"$' "$home/khabardar.zpl" -- "and listens at the endpoint's port"
ok test "$(head -3 "$home/node.card" | tr -s ' \n' ' ')" = \
	'node punjab endpoint = "tcp://127.0.0.1:5601" ' -- "the card is the topology's entry"
ok test "${#home}" -gt 0 -a "$(card_key link | wc -c)" = 65 -- "with its link key"

sum=$(cksum "$home"/*)
exits 1 "$khabar" init sindh --home "$home" -- "a second time is refused"
says 'node.key: already exists' "$work/err" -- "in words"
ok test "$(cksum "$home"/*)" = "$sum" -- "and changes nothing"

ok "$khabar" keys show --home "$home" --json -- "the public keys are shown"
"$khabar" keys show --home "$home" --json >"$work/keys"
says "\"link\":\"$(card_key link)\"" "$work/keys" -- "the link key of the card"
says "\"sign\":{\"number\":1,\"key\":\"$(card_key 1 | head -1)\"}" "$work/keys" -- "the sign key"
says "\"seal\":{\"number\":1,\"key\":\"$(card_key 1 | tail -1)\"}" "$work/keys" -- "the seal key"

chmod 640 "$home/node.key"
exits 1 "$khabar" keys show --home "$home" -- "keys that others can read are refused"
says "chmod 600 $home/node.key" "$work/err" -- "with the command that mends it"
chmod 600 "$home/node.key"

cp "$home/node.key" "$work/node.key"
head -c 150 "$work/node.key" >"$home/node.key"
exits 1 "$khabar" keys show --home "$home" -- "half a key file is refused"
says 'damaged' "$work/err" -- "as damaged"
cp "$work/node.key" "$home/node.key"

ok "$khabar" keys role cii --home "$home" -- "a role gets a seal key"
ok test "$(mode "$home/role-cii-1.key")" = 600 -- "as private as the node's"
ok "$khabar" keys role cii --home "$home" -- "and another one"
ok test -e "$home/role-cii-2.key" -a -e "$home/role-cii-2.card" -- "with the next number"
ok "$khabar" --home "$home" keys show -- "the node holds them"
says '^role cii$' "$work/out" -- "and shows them"

echo 'bnid = "tcp://*:1"' >>"$home/khabardar.zpl"
exits 1 "$khabar" keys show --home "$home" -- "an unknown key of the configuration is refused"
says 'bnid: no such key; did you mean "bind"?' "$work/err" -- "with what may be meant"

(umask 077 && echo sesame >"$work/passphrase")
home=$work/kp
ok "$khabar" init kp --home "$home" --passphrase-file "$work/passphrase" -- "under a passphrase"
says '^#bind' "$home/khabardar.zpl" -- "without an endpoint it does not listen"
ok "$khabar" keys show --home "$home" -- "the configuration knows where the passphrase is"
(umask 077 && echo sesamo >"$work/passphrase")
exits 1 "$khabar" keys show --home "$home" -- "another passphrase is refused"
says 'wrong passphrase' "$work/err" -- "as such"

exits 3 "$khabar" init Punjab --home "$work/x" -- "a name outside the rules is a mistake of use"
exits 3 "$khabar" init x --home "$work/x" --endpoint 127.0.0.1:1 -- "so is an endpoint that is none"
exits 3 "$khabar" init --home "$work/x" -- "and no name"
ok test ! -e "$work/x" -- "and nothing was made"
exits 3 "$khabar" inti -- "a command that is none"
says 'did you mean "init"?' "$work/err" -- "is answered with the nearest"

echo "1..$count"
