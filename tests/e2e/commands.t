#!/bin/bash
# What an operator types: who is asked, what is refused and in which words, what comes out.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

ok "solo is stopped" lab stop solo
exits 2 "status of a node that does not run" 'is khabardar running\?' khabar solo status
exits 2 "share at a node that does not run" 'admin\.sock' \
	khabar solo share 192.0.2.1 --tlp green --to all --yes
printf 'rights\n    read = nogroup\n' >>"$lab/solo/khabardar.zpl"
ok "solo starts, with a group that may look" lab start solo

# ---- sharing ----

exits 1 "without a terminal nobody is asked, and nothing sent" '--yes' \
	khabar solo share 192.0.2.1 --tlp green --to all
exits 3 "no TLP" '--tlp' khabar solo share 192.0.2.1 --to all --yes
exits 3 "a folder that looks like an option" 'usage: khabar backup' khabar solo backup --nonsense
exits 3 "a value that does, too" 'usage: khabar whose' khabar solo whose --nonsense
exits 3 "no audience" '--to' khabar solo share 192.0.2.1 --tlp green --yes
exits 3 "a TLP that does not exist" 'blue' khabar solo share 192.0.2.1 --tlp blue --to all --yes
exits 1 "AMBER to all" 'amber' khabar solo share 192.0.2.1 --tlp amber --to all --yes
exits 1 "to a slip of the pen" 'did you mean "pair"' khabar solo share 192.0.2.1 --tlp amber --to pari --yes
exits 1 "kept for longer than the council allows" 'days' \
	khabar solo share 192.0.2.1 --tlp green --to all --keep 401 --yes
exits 1 "no value" 'not an address' khabar solo share nonsense --tlp green --to all --yes
exits 1 "one bad value spoils all" '.' khabar solo share 192.0.2.1 nonsense --tlp green --to all --yes
like "a dry run counts" "$(khabar solo --json share 192.0.2.1 192.0.2.2 --tlp green --to all --dry-run)" \
	'^\{"messages": ?\[\], ?"objects": ?2, ?"audience": ?\["all"\]\}$'
is "and after all that nothing is here" "$(khabar solo --json list | wc -l)" 0

shared=$(khabar solo --json share 192.0.2.1 'hxxp://bad[.]example/x' 203.0.113.0/24 deep.example \
	--tlp green --to all --label botnet --use block --priority high --yes)
like "share says what went to whom" "$shared" \
	'^\{"messages": ?\["[0-9a-f]{64}"\], ?"objects": ?4, ?"audience": ?\["all"\]\}$'
id=${shared#*[\"}
id=${id%%\"*}

# ---- looking ----

like "check: exact" "$(khabar solo --json check 192.0.2.1)" \
	'^\{"value":"192.0.2.1","known":true,"matches":\[\{"object":"indicator--[0-9a-f-]*","node":"solo","tlp":"green","since":"[-0-9T:.]*Z","how":"exact"\}\]\}$'
like "check: a network around it" "$(khabar solo --json check 203.0.113.77)" '"how":"cidr"'
like "check: a parent domain" "$(khabar solo --json check a.b.deep.example)" '"how":"parent-domain"'
like "check: as typed" "$(khabar solo --json check 'hxxp://bad[.]example/x')" \
	'^\{"value":"hxxp://bad\[\.\]example/x","known":true'
is "check: unknown" "$(khabar solo --json check 192.0.2.99)" \
	'{"value":"192.0.2.99","known":false,"matches":[]}'
exits 1 "check: no value at all" 'nonsense' khabar solo check nonsense
printf 'GET http://bad.example/x from (192.0.2.1), not 192.0.2.99\nnothing\n' >"$work/log"
is "check --file: each known value" "$(khabar solo --json check --file "$work/log" | wc -l)" 2
like "with its line" "$(khabar solo --json check --file "$work/log")" '"line":1,"text":"GET http'
is "check -: every value" "$(printf '# list\n192.0.2.1\n192.0.2.99\n' | khabar solo --json check - |
	grep -c '"known":\(true\|false\)')" 2

like "list: the shape" "$(khabar solo --json list --type indicator --limit 1)" \
	'^\{"object":"indicator--[-0-9a-f]*","type":"indicator","name":"[^"]*","pattern":"[^"]*","values":\["[^"]*"\],"tlp":"green","node":"solo","message":"'"$id"'","modified":"[-0-9T:.]*Z","valid_until":"[-0-9T:.]*Z","revoked":false\}$'
is "list --tlp clear: nothing" "$(khabar solo --json list --tlp clear | wc -l)" 0
is "list --node solo" "$(khabar solo --json list --node solo | wc -l)" 4
is "list --limit 3" "$(khabar solo --json list --limit 3 | wc -l)" 3
exits 1 "list --node soso" 'did you mean .solo.' khabar solo list --node soso
is "search, whatever the case" "$(khabar solo --json search 'DEEP.Example' | wc -l)" 1
like "show: a prefix" "$(khabar solo --json show "${id:0:6}")" "^\{\"id\":\"$id\""
object=$(khabar solo --json search deep.example | sed 's/^{"object":"\([^"]*\)".*/\1/')
like "show: an object" "$(khabar solo --json show "$object")" "\"object\":\{.*$object"
like "show: the beginning of an object's id" "$(khabar solo --json show "${object:0:22}")" "$object"
exits 1 "show: too short" '4 to 64' khabar solo show "${id:0:3}"
like "the audit tells who shared" "$(khabar solo --json audit)" '"uid":[0-9]+,.*"do":"share"'

# ---- what comes while one watches ----

# In the foreground timeout passes on one signal, not SIGCONT too: that one can have the sanitizer for
# leaks, which stops the program at its end, wait for ever.
timeout --foreground 300 "$bin/khabar" --home "$lab/pair" --json watch >"$work/watched" 2>&1 &
watcher=$!
seen() { grep -q "$1" "$work/watched"; }
watched() { share solo "$1" >/dev/null; seen "$1"; }
within 20 "watch shows what comes" watched watched.example
kill -INT "$watcher"
wait "$watcher"
is "and ends well" "$?" 0

# ---- what others write does not reach the terminal ----

cat >"$work/hostile.json" <<-'END'
	{"type":"bundle","id":"bundle--e3e3e3e3-0000-4000-8000-000000000000","objects":[{"type":"malware",
	"spec_version":"2.1","id":"malware--e3e3e3e3-0000-4000-8000-000000000001","is_family":false,
	"created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z",
	"name":"\u001b]0;owned\u0007\u009b31m\u202egnp.exe\nnext"}]}
END
ok "a bundle with escape sequences is shared" \
	khabar solo import "$work/hostile.json" --tlp clear --to all --yes
for command in "list" "--json list" "search owned" "show malware--e3e3" "--json show malware--e3e3"; do
	read -ra words <<<"$command"
	khabar solo "${words[@]}" >"$work/shown" 2>&1
	if LC_ALL=C grep -q -e $'\x1b' -e $'\x07' -e $'\xc2\x9b' -e $'\xe2\x80\xae' "$work/shown"; then
		ok "$command: no control character" false
	else
		ok "$command: no control character" grep -q owned "$work/shown"
	fi
done

# ---- rights ----

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$work" "$lab"
	cp "$bin/khabar" "$work/khabar"
	chmod 755 "$work/khabar"
	nobody() { setpriv --reuid=65534 --regid="$1" --clear-groups "$work/khabar" --home "$lab/solo" "${@:2}"; }
	ok "a member of the group may look" nobody "$(getent group nogroup | cut -d: -f3)" list
	exits 1 "and not share" 'right "share"' \
		nobody "$(getent group nogroup | cut -d: -f3)" share 192.0.2.3 --tlp green --to all --yes
else
	skip 2 "only root can be somebody else"
fi

# ---- the store ----

ok "a backup of a running node" khabar solo backup "$work/backup"
exits 1 "never over another" '.' khabar solo backup "$work/backup"
ok "its store is as it was written" khabar solo check-store
exits 1 "restore while the node runs" 'stop it first' khabar solo restore "$work/backup"
before=$(khabar solo --json list | sort | cksum)
ok "solo is stopped again" lab stop solo
exits 1 "restore over a log" '.' khabar solo restore "$work/backup"
rm -rf "$lab/solo/log" "$lab/solo/index"
like "restore into a home without one" "$(khabar solo --json restore "$work/backup")" \
	'^\{"restored":".*","rows":[1-9]'
ok "its store is as it was" khabar solo check-store
ok "nobody is there to confirm it" lab stop pair
ok "solo starts from it" lab start solo
is "and shows nothing that nobody could confirm" "$(khabar solo --json list 2>/dev/null)" ""
ok "but on its operator's word" khabar solo release --all --reason 'there is nobody else'
is "it lists the same" "$(khabar solo --json list | sort | cksum)" "$before"
exits 1 "join twice" 'already' khabar solo join "$lab/.lab/topology-1.signed" --yes
finish
