#!/bin/bash
# The doctor names the step that fails, with the node up and down; backups and copies of the keys.
. tests/tap.sh

family national kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

doctor() { khabar "$1" doctor "${@:2}" 2>&1; }
home=$lab/kp

# ---- all is well, but for what nobody has done yet ----

within 60 "the two are linked" linked kp national
said=$(doctor kp)
for step in home configuration keys daemon topology membership port 'link national: HELLO'; do
	like "$step: ok" "$said" "^ok +$step"
done
like "it nags for a backup" "$said" '^warning +backup +there has never been one'
like "says which command" "$said" 'what to do: khabar backup DIR'
like "and for a copy of the keys" "$said" '^warning +copy of the keys +there has never been one'
like "who is dialed has no steps to walk" "$(doctor national)" '^ok +link kp: HELLO'
# Who is held in the middle of a handshake is tried again.
walks() { said=$(doctor "$@") && grep -q '^ok  *link national: HELLO' <<<"$said"; }
within 60 "the doctor goes all the way" walks kp --to national
for step in name TCP CURVE ZAP HELLO; do
	like "asked for one link it walks all of it: $step" "$said" "^ok +link national: $step"
done
ok "and that link stays" linked kp national
like "no neighbour" "$(doctor kp --to nobody)" '^FAILED +link +nobody is no neighbour'
exits 3 "one option" 'not wanted' khabar kp doctor national
like "with --json a line each" "$(khabar kp --json doctor)" \
	'^\{"step": ?"backup", ?"state": ?"warning", ?"what": ?"there has never been one", ?"do": ?"khabar backup DIR"\}$'

# ---- backup, and copy of the keys ----

ok "a backup" khabar kp backup "$work/backup"
said=$(doctor kp)
like "it nags until one was read" "$said" "^warning +backup +$work/backup .*could go back"
like "with the command" "$said" "what to do: khabar restore --check $work/backup"
exits 1 "what is no backup does not count" 'khabar restore' khabar kp restore --check "$work"
like "which it says" "$(doctor kp)" "^warning +backup +$work/backup"
ok "it is read" khabar kp restore --check "$work/backup"
like "which ends the nagging" "$(doctor kp)" "^ok +backup +$work/backup"
ok "the next backup" khabar kp backup "$work/next"
like "needs no other reading" "$(doctor kp)" "^ok +backup +$work/next"
(umask 077 && echo 'a long passphrase' >"$work/passphrase" && echo other >"$work/other")
ok "the keys are copied" khabar kp keys copy "$work/keys" --passphrase-file "$work/passphrase"
like "all of them" "$out" '^1 key file copied'
like "which ends that, too" "$(doctor kp)" "^ok +copy of the keys +$work/keys"
exits 1 "never over another copy" 'exist' khabar kp keys copy "$work/keys" --passphrase-file "$work/passphrase"
exits 3 "without a passphrase there is none" 'wanted' khabar kp keys copy "$work/more"
if cmp -s "$home/node.key" "$work/keys/node.key"; then
	result 1 "the copy is sealed"
else
	result 0 "the copy is sealed"
fi
ok "backup and copy belong together" khabar kp restore --check "$work/backup" \
	--keys "$work/keys" --passphrase-file "$work/passphrase"
exits 1 "not under another passphrase" 'passphrase' khabar kp restore --check "$work/backup" \
	--keys "$work/keys" --passphrase-file "$work/other"
exits 3 "keys go with --check" 'check' khabar kp restore "$work/backup" --keys "$work/keys"
ok "a new seal key is drawn" khabar kp keys rotate seal
like "then the copy is old" "$(doctor kp)" '^warning +copy of the keys .*changed since'

# ---- what fails is named ----

ok "national is stopped" lab stop national
exits 1 "TCP fails" '^FAILED +link national: TCP .*refused' khabar kp doctor --to national
like "who is right about it is named" "$out" 'what to do: there nothing listens'
ok "kp is stopped" lab stop kp
exits 1 "the daemon is down" '^FAILED +daemon +nothing answers' khabar kp doctor
like "and what can be looked at is" "$out" '^ok +membership +kp is a member'
like "a port that is free" "$out" '^ok +port .*is free'
# One address is enough to be in the way of who wants all of them.
sed -i 's|^bind = .*127.0.0.1|bind = "tcp://*|' "$home/khabardar.zpl"
port=$(sed -n 's/^bind = .*:\([0-9]*\)"$/\1/p' "$home/khabardar.zpl")
python3 -c 'import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.2", int(sys.argv[1])))
s.listen()
print("listens", flush=True)
sys.stdin.read()' "$port" < <(until [ -e "$work/seen" ]; do sleep 0.1; done) >"$work/other" &
other=$!
listens() { grep -q listens "$work/other"; }
within 60 "another program takes the port at one address" listens
like "one that is not" "$(doctor kp)" '^FAILED +port .*another program listens'
touch "$work/seen"
wait "$other"
like "until that has ended" "$(doctor kp)" '^ok +port .*is free'
sed -i 's|^bind = "tcp://[*]|bind = "tcp://127.0.0.1|' "$home/khabardar.zpl"
ok "national is back" lab start national
finds() { doctor kp | grep -qE "$1"; }
within 60 "a link is walked without a daemon" finds '^ok +link national: ZAP'
like "but for the last step" "$(doctor kp)" '^warning +link national: HELLO .*no node runs here'
chmod 644 "$home/node.key"
exits 1 "keys that others may read" '^FAILED +keys .*chmod 600' khabar kp doctor
chmod 600 "$home/node.key"
chmod 777 "$home"
exits 1 "a home that others may write into" '^FAILED +home' khabar kp doctor
like "with what mends it" "$out" "chmod 700 $home"
chmod 700 "$home"
cp "$home/khabardar.zpl" "$work/zpl"
printf 'export\n    x\n        format = rpz\n        out = /nowhere\n        then = /nowhere/at/all\n' >>"$home/khabardar.zpl"
exits 1 "a command that is not there" '^FAILED +export x +/nowhere/at/all: No such' khabar kp doctor
printf 'nonsense = 1\n' >>"$home/khabardar.zpl"
exits 1 "a configuration with a mistake" '^FAILED +configuration .*nonsense' khabar kp doctor
cp "$work/zpl" "$home/khabardar.zpl"
mv "$home/node.key" "$work/node.key"
exits 1 "no keys" '^FAILED +keys' khabar kp doctor
ok "somebody else's" "$bin/khabar" init kp --home "$work/other-kp"
cp "$work/other-kp/node.key" "$home/node.key"
exits 1 "keys of another node do not open this one's log" '^FAILED +log .*another key' khabar kp doctor
rm "$home/node.key"
cp "$work/keys/node.key" "$home/node.key"
printf 'passphrase\n    file = "%s"\n' "$work/passphrase" >>"$home/khabardar.zpl"
like "the copy can be put in their place" "$(doctor kp)" '^ok +keys +the keys of kp open'
printf 'export\n    x\n        format = list\n        out = %s\n        then = /bin/false\n' "$work/list" >>"$home/khabardar.zpl"
printf 'alarm\n    command = /bin/false\n    every = 1\n' >>"$home/khabardar.zpl"
ok "kp starts, with commands that fail" lab start kp
# A link that is not up the doctor walks each time, and national takes twenty a minute.
within 60 "its link is up" linked kp national
within 60 "an export whose command fails" finds '^FAILED +export x +its command ended with 1'
like "with that command" "$(doctor kp)" 'by hand, as the user of the daemon: /bin/false'
tried() { khabar kp alarm test >/dev/null 2>&1; finds '^FAILED +alarms +/bin/false failed'; }
within 60 "alarms that reach nobody" tried
ok "kp ends" lab stop kp
touch "$work/no-folder"
sed -i "s|out = $work/list|out = $work/no-folder/x|" "$home/khabardar.zpl"
ok "kp starts, with a folder that cannot be" lab start kp
within 60 "is named" finds "^FAILED +export x +$work/no-folder/x: Not a directory"
like "with what makes one" "$(doctor kp)" "what to do: install -d .*$work/no-folder/x"
exits 1 "no home at all" '^FAILED +home' "$bin/khabar" --home "$work/none" doctor
finish
