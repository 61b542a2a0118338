#!/bin/bash
# Where the configuration says so, what is to be blocked elsewhere needs two operators.
. tests/tap.sh

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	echo "1..0 # SKIP needs root, who can call as somebody else"
	exit 0
fi
group=games # on every Debian system, and nobody is in it
second() {
	setpriv --reuid 65534 --regid "$(getent group $group | cut -d: -f3)" --clear-groups -- \
		"$work/khabar" --home "$lab/east" "$@"
}

cat >"$work/text.zpl" <<'END'
node
    root
    east
        reports-to = root
    below
        reports-to = east
END
lab_up --topology "$work/text.zpl"
lab stop east
echo 'approval = sometimes' >>"$lab/east/khabardar.zpl"
exits 1 "none or block" 'neither none nor block' "$bin/khabardar" --home "$lab/east" -n
sed -i 's/^approval = .*/approval = block/' "$lab/east/khabardar.zpl"
printf 'rights\n    approve = %s\n    read = %s\n    share = %s\n' $group $group $group >>"$lab/east/khabardar.zpl"
ok "east starts" lab start east
chmod 711 "$work" "$lab" "$lab/east"
cp "$bin/khabar" "$work/khabar"
chmod 755 "$work/khabar"

block() { khabar east --json share "$@" --use block --yes; }
held() { sed -n 's/.*"held": *"\([0-9a-f]*\)".*/\1/p' <<<"$1"; }
in_zone() { khabar "$1" export --format rpz --out - 2>/dev/null | grep -q "^$2 "; }
not() { ! "$@"; }

ok "what is to be detected is shared as ever" khabar east share seen.example --tlp green --to all --yes
ok "what is blocked below too" block own.example --tlp amber --to down
is "at once" "$(held "$out")" ""
within 90 "it is there" knows below own.example
ok "what is to be blocked by all" block bad.example --tlp green --to all
id=$(held "$out")
like "is held" "$out" '"approval": ?"wanted"'
is "nothing is sent" "$(sed -n 's/.*"messages": *\[\([^]]*\)\].*/[\1]/p' <<<"$out")" "[]"
like "the outbox says for what" "$(khabar east outbox)" 'to be approved, of uid 0 .*to all for blocking: bad\.example'
like "and that no time makes it due" "$(khabar east --json outbox)" '"due": ?null'
ok "what is beyond it in part" block worse.example --tlp amber --to root,below
other=$(held "$out")
exits 1 "who asked cannot approve" 'somebody else must' khabar east approve "$id" --yes
exits 1 "without a terminal nobody is asked" 'say --yes' second approve "$id"
exits 1 "what is not held cannot be approved" 'nothing with the id' second approve 0000 --yes
exits 3 "an id is wanted" 'wanted' second approve

lab kill east
ok "killed and started again" lab start east
is "both are held still" "$(khabar east --json outbox | wc -l)" 2
is "bad.example is nowhere" "$(khabar east --json check bad.example | grep -c '"known": *true')" 0
ok "the other is stopped" khabar east cancel "$other"
ok "the second operator approves" second approve "${id:0:8}" --yes
within 90 "it is shared" knows root bad.example
within 90 "for blocking" in_zone root bad.example
left() { [ "$(khabar east --json outbox | wc -l)" -eq 0 ]; }
within 90 "and held no more" left
exits 1 "it cannot be approved twice" 'nothing with the id' second approve "$id" --yes
ok "what was stopped was not" not knows root worse.example
audited() { khabar east --json audit | grep -q "$1"; }
ok "the audit has who approved" audited '"uid": *65534,.*"do": *"approve"'
ok "what waits for its time wants no approval" block later.example --tlp amber --to down --hold 1h
exits 1 "and is not to be approved" 'not for an approval' second approve "$(held "$out")" --yes
ok "a dry run says so" khabar east --json share both.example --use block --tlp green --to all --dry-run
like "before anything is held" "$out" '"approval": ?"wanted"'
ok "what is held and blocks elsewhere" block both.example --tlp green --to all --hold 1s
like "wants approval at once" "$out" '"approval": ?"wanted"'
like "and is not due before its time" "$out" '"due": ?"20'
waits() { khabar east outbox | grep -q 'to be approved.*both\.example'; }
ok "it waits for it in the outbox" waits
second approve "$(khabar east --json outbox | grep both.example | sed 's/^{"id": *"\([0-9a-f]*\)".*/\1/')" --yes >/dev/null
within 90 "and is sent then" knows root both.example
finish
