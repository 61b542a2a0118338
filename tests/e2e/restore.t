#!/bin/bash
# What was taken back does not return with a backup: what is restored is not shown before a neighbour
# has confirmed it, whatever happens meanwhile.
. tests/tap.sh

family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

unknown() { ! knows "$1" "$2"; }
unreconciled() { status_of "$1" unreconciled; }
waits() { [ "$(unreconciled "$1")" = "$2" ]; }
settled() { waits "$1" 0; }
exported() { khabar "$1" export --format list --out - 2>/dev/null; }
member() { khabar "$1" --json show "$2" 2>/dev/null | grep -oE "\"$3\": *(\{[^}]*\}|\"[^\"]*\"|[a-z0-9]+)" | head -n 1; }
# lose NODE; restore NODE
lose() {
	lab stop "$1"
	rm -rf "${lab:?}/$1/log" "$lab/$1/index"
}
# shows NODE VALUE: by any way there is.
shows() {
	{
		khabar "$1" --json list --all
		khabar "$1" --json search "$2"
		khabar "$1" --json check "$2" | grep '"known": *true'
		khabar "$1" export --format list --out -
		khabar "$1" --json show "$3" | grep '"body": *{'
	} 2>/dev/null | grep -qF -e "$2" -e '"body"'
}
# watch_until NODE VALUE ID COMMAND...: from the first moment on it is not shown, until COMMAND succeeds.
watch_until() {
	local end=$((SECONDS + patience)) seen=0
	until "${@:4}" 2>/dev/null; do
		! shows "$1" "$2" "$3" || seen=1
		[ "$SECONDS" -lt "$end" ] || return 1
	done
	! shows "$1" "$2" "$3" && [ "$seen" = 0 ]
}

kept=$(share east stays.example)
leak=$(share east leak.example)
share east wrong.example >/dev/null
share west own.example >/dev/null
for value in stays.example leak.example wrong.example; do
	within 10 "west knows $value" knows west "$value"
done
within 10 "others have what west has said" knows east own.example
ok "a backup is made" khabar west backup "$work/backup"
ok "it can be looked at" khabar west restore --check "$work/backup"
like "by who may read it" "$out" 'whole backup of this node: .* rows'
exits 1 "by nobody else" 'another key file' khabar east restore --check "$work/backup"
cp -r "$work/backup" "$work/bad"
printf x | dd of="$work/bad/data.mdb" bs=1 seek=9000 conv=notrunc 2>/dev/null
exits 1 "a damaged one is told" 'not the file' khabar west restore --check "$work/bad"
ok "nothing was touched" test -e "$lab/west/log/data.mdb"
exits 1 "nothing can be released where nothing waits" 'nothing waits' \
	khabar west release --all --reason 'no need'

khabar east withdraw leak.example --because leaked --yes >/dev/null
khabar east withdraw wrong.example --because wrong --yes >/dev/null
share west later.example >/dev/null
within 10 "both are taken back" unknown west leak.example
within 10 "everywhere" unknown root wrong.example
within 10 "and west says something more" knows east later.example

# ---- no neighbour is there ----

lose west
lab stop root
ok "the backup is restored" khabar west restore "$work/backup"
ok "the node starts" lab start west
within 5 "four messages wait" waits west 4
is "nothing is listed" "$(objects_of west 2>/dev/null)$(khabar west --json search example 2>/dev/null)" 0
is "nor exported" "$(exported west)" ""
ok "nor known" unknown west leak.example
ok "not what was never taken back either" unknown west stays.example
khabar west check leak.example 2>"$work/said" >/dev/null
like "which is said" "$(<"$work/said")" '4 messages wait for reconciliation with a neighbour'
like "and warned of" "$(khabar west status)" 'warning: 4 messages wait'
like "a message says why it is not shown" "$(member west "$kept" closed)" 'waits for reconciliation'
like "its body is not" "$(member west "$kept" body)" null
khabar west show "$leak" --raw >"$work/raw" 2>"$work/said"
ok "not as bytes either" sh -c "! grep -q leak '$work/raw' && [ \$(stat -c %s '$work/raw') -lt 300 ]"
is "it is not held" "$(khabar west --json held 2>/dev/null)" ""
exits 1 "no key gets a number" 'does not know yet what it has said' khabar west keys rotate seal
exits 1 "nor an incident" 'does not know yet' khabar west incident open --title t --to root --tlp amber \
	--class intrusions --severity low --yes
lab kill west
lab start west
ok "killed and started it shows no more" unknown west stays.example
ok "nor with a new index" khabar west reindex
is "anywhere" "$(objects_of west 2>/dev/null)$(exported west)" 0
ok "a backup of it" khabar west backup "$work/again"
share west new.example >/dev/null
ok "what is said now is shown" knows west new.example

# ---- a neighbour is there ----

lab start root
ok "what leaked is never shown" watch_until west leak.example "$leak" knows west stays.example
ok "nor what was wrong" unknown west wrong.example
within 10 "nothing waits any more" settled west
within 10 "it has its own last words back" knows west later.example
like "the recall is known" "$(member west "$leak" recalled)" '"message"'
within 10 "others hear what it said meanwhile" knows east new.example
is "all have the same" "$(listed west)" "$(listed east)"
ok "its store is sound" khabar west check-store
like "a value is exported again" "$(exported west)" stays.example

# ---- a backup made while it waited ----

lose west
ok "a backup of a node that waits is restored" khabar west restore "$work/again"
lab start west
ok "what leaked is not shown then either" watch_until west leak.example "$leak" knows west own.example
ok "with the neighbour there from the beginning" unknown west wrong.example

# ---- alone ----

lab stop root east
lose west
ok "restored where nobody can be asked" khabar west restore "$work/backup"
lab start west
ok "it waits" unknown west own.example
exits 3 "to release it takes a word" 'reason' khabar west release --all
exits 3 "for all of it" 'all' khabar west release --reason 'lost the others'
ok "of an operator" khabar west release --all --reason 'lost the others'
ok "then all is shown" knows west own.example
like "and the audit knows" "$(khabar west --json audit)" '"do": ?"release".*lost the others'
lab kill west
lab start west
ok "for good" knows west own.example
lab start root east
within 20 "what was taken back goes as soon as others are there" unknown west leak.example
within 20 "and what was wrong" unknown west wrong.example

# ---- an old copy of the disk ----

within 10 "and the rest waits no longer" settled west
within 10 "all is told" grep -q 'nothing of what was restored waits' "$lab/west/log.txt"
lab stop west
cp -r "$lab/west" "$work/snapshot"
lab start west
within 10 "west is linked" linked west root
leak=$(share east second.example)
share west last.example >/dev/null
within 10 "west knows something new" knows west second.example
within 10 "and has said something" knows root last.example
lab stop west
rm -rf "${lab:?}/west"
cp -r "$work/snapshot" "$lab/west"
rm -f "$lab/west/log.txt"
lab start west
handed_back() { grep -q 'hands back what this node' "$lab/west/log.txt"; }
within 20 "who is given back what it said knows that its store is old" handed_back
within 20 "it has its words back" knows west last.example
within 20 "and waits no longer" settled west
within 10 "it has what it missed" knows west second.example
same() { [ "$(listed west)" = "$(listed root)" ]; }
within 10 "all have the same" same
lab stop west
rm -f "$lab/west/log.txt"
lab start west
within 10 "started again it is as good as new" linked west root
ok "and nothing is handed back" sh -c "! grep -q 'hands back' '$lab/west/log.txt'"
finish
