#!/bin/bash
# A daemon is shut in and works all the same; its secrets are nowhere to be read.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
home=$lab/east
pid() { cat "$lab/$1/pid"; }
status_line() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pid "$1")/status"; }

# ---- what it is held to ----

if grep -q '^info: no sandbox' "$home/log.txt"; then
	skip 6 "$(grep -m1 '^info: no sandbox' "$home/log.txt")"
else
	is "it gains no privilege" "$(status_line east NoNewPrivs)" 1
	like "its system calls are filtered" "$(status_line east Seccomp) $(cat "$home/log.txt")" \
		'^2 |no seccomp'
	like "it leaves no core" "$(cat "/proc/$(pid east)/limits")" 'Max core file size +0 +0 '
	lab stop east
	echo 'sandbox = perhaps' >>"$home/khabardar.zpl"
	exits 1 "what is neither yes nor no is refused" 'sandbox: "perhaps" is neither' \
		"$bin/khabardar" --home "$home" -n
	sed -i 's/^sandbox = .*/sandbox = no/' "$home/khabardar.zpl"
	ok "it starts without" lab start east
	is "and nothing is filtered" "$(status_line east Seccomp)" 0
	lab stop east
	sed -i '/^sandbox = /d' "$home/khabardar.zpl"
fi

# ---- part of its home lies elsewhere ----

lab stop east
ok "the log is moved to another disk" mv "$home/log" "$work/moved"
ok "and linked to" ln -s "$work/moved" "$home/log"
sed -i 's/^log = .*/log = debug/' "$home/khabardar.zpl"
ok "east starts" lab start east
within 60 "its link comes up" linked east root

backed_up() { khabar east --json backup "$work/backup"; }
ok "a backup is written outside the home" backed_up
ok "whole" "$bin/khabar" --home "$home" restore --check "$work/backup"
exits 1 "one that cannot be written says why" 'proc/no-such' khabar east backup /proc/no-such/place
exits 1 "none is overwritten" 'not an empty directory' khabar east backup "$work/backup"
like "it is in the audit" "$(khabar east --json audit)" '"backup"'
ok "a key is changed" khabar east keys rotate seal --yes
id=$(share east evil.example)
like "something is shared" "$id" '^[0-9a-f]{64}$'
within 60 "the neighbour has it" knows root evil.example

# ---- keys under a passphrase ----

phrase='the quick brown sesame'
(umask 077 && echo "$phrase" >"$work/passphrase")
ok "a node is made whose keys are under a passphrase" "$bin/khabar" init west \
	--home "$lab/west" --passphrase-file "$work/passphrase"
family root east west >"$work/text.zpl"
ok "and joins" lab resign "$work/text.zpl"
within 60 "it is linked" linked west root
within 60 "and has what was shared before" knows west evil.example
ok "its daemon writes a new key under the passphrase" khabar west keys rotate link --yes
ok "and a backup" khabar west backup "$work/backup-west"
ok "the index is built anew" khabar east reindex
ok "the store is in order" khabar east check-store

# ---- nothing of it gets out ----

# All that it says, and all that others see of it.
said() {
	cat "$home/log.txt" "$lab"/{root,west}/log.txt
	for command in status links "list" audit held evidence "keys show" "card show" \
		"topology show" "show $id" "who $id" "export --format stix --out -"; do
		read -ra words <<<"$command"
		khabar east --json "${words[@]}" 2>&1
	done
	cat /proc/"$(pid east)"/{cmdline,environ,comm} /proc/"$(pid west)"/{cmdline,environ,comm}
	khabar west --json keys show
	khabar west --json status
	tar -cf - -C "$work" backup backup-west
	cat "$home/node.card" "$home/khabardar.zpl"
}
said >"$work/said" 2>"$work/said.errors"
hex() { od -An -v -tx1 | tr -d ' \n'; }
# As ZeroMQ writes keys: five letters for every four bytes, the most significant first.
z85() {
	local digits='0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
	local word power
	for word in $(od -An -v -tu4 --endian=big); do
		for power in 52200625 614125 7225 85 1; do
			printf '%s' "${digits:word / power % 85:1}"
		done
	done
}
is "keys are looked for as ZeroMQ writes them too" \
	"$(printf '\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b' | z85)" HelloWorld
hex <"$work/said" >"$work/said.hex"
secrets=$(od -An -v -tu1 -j7 -N1 "$home/node.key" | tr -d ' ')
found=0
for ((i = 0; i < secrets; i++)); do
	raw() { tail -c +$((88 + 36 * i + 5)) "$home/node.key" | head -c 32; }
	secret=$(raw | hex)
	coded=$(raw | base64 -w0)
	url=$(tr '+/' '-_' <<<"${coded%%=*}")
	for form in "$secret" "${secret^^}" "${coded%%=*}" "$url" "$(raw | z85)"; do
		grep -qaF -e "$form" "$work/said" && found=$((found + 1))
	done
	grep -qF -e "$secret" "$work/said.hex" && found=$((found + 1))
done
is "there were secrets to look for" "$((secrets >= 5))" 1
ok "and things said to look in" test "$(wc -c <"$work/said")" -gt 20000
is "none of them was said, stored or shown" "$found" 0
is "nor was the passphrase" "$(grep -caF -e "$phrase" "$work/said")" 0

# ---- another user ----

if [ "$(id -u)" != 0 ]; then
	exits 1 "only root becomes somebody else" 'only root' "$bin/khabardar" --home "$home" --user root
	skip 5 "needs root, who can give privileges up"
else
	lab stop root
	chmod 711 "$work" "$lab"
	chown -R nobody "$lab/root"
	"$bin/khabardar" --home "$lab/root" --user nobody >>"$lab/root/log.txt" 2>&1 </dev/null &
	echo $! >"$lab/root/pid"
	within 60 "as nobody the other node runs" linked root east
	like "with no privilege left" "$(status_line root Uid) $(status_line root CapEff)" \
		"^$(id -u nobody)[[:space:]].* 0*\$"
	ok "and answers" khabar root status
	exits 0 "root is the owner of a home where it looks into one" 'in order' \
		"$bin/khabardar" --home "$lab/root" -n
	like "and where the doctor does" "$(khabar root doctor)" '^ok +keys '
	exits 1 "whom nobody knows cannot be" 'no user "no-such-user"' \
		"$bin/khabardar" --home "$home" --user no-such-user
fi

# ---- as a service ----

unit=node/systemd/khabardar.service
if command -v systemd-analyze >/dev/null; then
	ok "the unit's exposure is below 2.0" systemd-analyze security --offline=true --threshold=20 "$unit"
else
	skip 1 "systemd-analyze is not here"
fi
finish
