#!/bin/bash
# Who may do what at the admin socket is the kernel's word about who calls.
. tests/tap.sh

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	echo "1..0 # SKIP needs root, who can call as somebody else"
	exit 0
fi
group=games # on every Debian system, and nobody is in it
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; }
member() {
	setpriv --reuid 65534 --regid "$(getent group $group | cut -d: -f3)" --clear-groups -- "$@"
}

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
home=$lab/solo
lab stop solo
printf 'rights\n    read = %s\n' "$group" >>"$home/khabardar.zpl"
ok "a configuration with rights is taken" lab start solo
# Anybody reaches socket and program; the test's folder is otherwise closed.
chmod 711 "$work" "$lab" "$home"
cp "$bin/khabar" "$work/khabar"
chmod 755 "$work/khabar"

ok "root may look" khabar solo status
exits 1 "a stranger may not" 'read' stranger "$work/khabar" --home "$home" status
exits 1 "let alone share" 'share' \
	stranger "$work/khabar" --home "$home" share 198.51.100.9 --tlp green --to all --yes
exits 1 "or accept a topology" 'admin' \
	stranger "$work/khabar" --home "$home" topology accept /etc/passwd
exits 1 "or rebuild the index" 'admin' stranger "$work/khabar" --home "$home" reindex
seq -f "198.18.%g.example" 300000 >"$work/list.txt"
chmod 644 "$work/list.txt"
exits 1 "however much it is" 'share' \
	stranger "$work/khabar" --home "$home" import "$work/list.txt" --tlp green --to all --yes
is "nothing was shared" "$(objects_of solo)" 0
ok "the keys stay closed to him" test "$(stranger cat "$home/node.key" 2>/dev/null | wc -c)" -eq 0

ok "root shares" khabar solo share 198.51.100.9 --tlp green --to all --yes
ok "which is audited" khabar solo --json audit
like "with who and what" "$out" '"uid": ?0.*share|share.*"uid": ?0'

ok "and something that is RED" khabar solo share red.example --tlp red --to pair --yes
like "which it finds" "$(khabar solo --json check red.example)" '"known": ?true'
like "who may only look finds what is not" \
	"$(member "$work/khabar" --home "$home" --json check 198.51.100.9)" '"known": ?true'
like "and of what is RED nothing" \
	"$(member "$work/khabar" --home "$home" --json check red.example)" '"known": ?false'
finish
