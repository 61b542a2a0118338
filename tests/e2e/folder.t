#!/bin/bash
# A watched folder: what is put there is shared once, however often the daemon is killed meanwhile,
# and moved to done or, with the reason beside it, to failed.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
in=$work/in
mkdir "$in" "$work/lists"
lab stop east
plain=$(<"$lab/east/khabardar.zpl")
# configure LINE...: of the section of one folder.
configure() {
	printf '%s\nwatch\n    feeds\n        directory = %s\n' "$plain" "$in" >"$lab/east/khabardar.zpl"
	printf '        %s\n' "$@" >>"$lab/east/khabardar.zpl"
}
checked() { "$bin/khabardar" --home "$lab/east" -n; }

configure 'tlp = green'
exits 1 "a folder needs to say to whom" '"directory", "tlp" and "to" are wanted' checked
configure 'tlp = red' 'to = root'
exits 1 "TLP:RED is refused" 'never shared by itself' checked
configure 'tlp = gren' 'to = root'
exits 1 "so is a TLP that is none" 'watch feeds: tlp: "gren"' checked
configure 'tlp = green' 'to = all' 'settel = 1'
exits 1 "a key that is misspelt is named" 'did you mean "settle"' checked
configure 'tlp = green' 'to = all' 'label = "dropped here"' 'settle = 1'
printf '    whole\n        %s\n' "directory = $work/lists" >>"$lab/east/khabardar.zpl"
printf '        %s\n' 'tlp = green' 'to = all' 'settle = 1' 'sync = whole' >>"$lab/east/khabardar.zpl"
# A path of many letters of two bytes each, cut where a status ends: in the middle of one.
far=$work/
(((${#far} % 2) == 1)) || far+=x
for _ in {1..100}; do far+=پ; done
far+=/
for _ in {1..60}; do far+=خ; done
printf '    far\n        %s\n' "directory = $far" >>"$lab/east/khabardar.zpl"
printf '        %s\n' 'tlp = green' 'to = all' >>"$lab/east/khabardar.zpl"
ok "the configuration is in order" checked
# Who may write into the folder may make this one, too.
mkdir -m 777 "$in/.taking"
ok "east starts" lab start east

done_with() { [ -e "$in/done/$1" ]; }
failed() { [ -e "$in/failed/$1.why" ]; }
warned() { khabar east status | grep -qF "warning: watch feeds: $1"; }
not_warned() { ! khabar east status | grep -q 'warning: watch feeds'; }
taken() { khabar east --json status | grep -qE "\"kind\": *\"watch\", *\"name\": *\"feeds\", *\"taken\": *$1,"; }

echo one.example >"$in/one.txt"
within 20 "a list is taken" done_with one.txt
is "from where nobody else can exchange it" "$(stat -c %a "$in/.taking")" 700
ok "and known here" knows east one.example
within 20 "and elsewhere" knows root one.example
within 20 "status counts it" taken 1
for label in dropped here; do
	is "it has the label $label" \
		"$(khabar east export --format list --label "$label" --out - 2>/dev/null)" one.example
done

# Several at once, of other formats, and one with a name like an option.
cp tests/data/content/novispy.stix2 "$in/bundle"
echo two.example >"$in/--dry-run"
within 20 "a bundle is taken" done_with bundle
within 20 "so is a file with a strange name" done_with --dry-run
ok "which is shared all the same" knows east two.example

# What cannot be read, or must not.
printf 'three.example\nnot a value!\n' >"$in/bad.txt"
printf 'four.example # TLP:RED\n' >"$in/red.txt"
echo 'secret.example' >"$work/secret"
ln -s "$work/secret" "$in/link.txt"
mkfifo "$in/pipe"
within 20 "a list with a bad line is not" failed bad.txt
is "who may look into the folder may look at what failed" \
	"$(stat -c %a "$in/done" "$in/failed" | sort -u) $(stat -c %A "$in/failed/bad.txt.why")" \
	"$(stat -c %a "$in") $(stat -c %A "$in" | sed 's/^d/-/; s/x/-/g')"
like "its reason names the line" "$(<"$in/failed/bad.txt.why")" 'line 2'
within 20 "nor is what is marked more strictly" failed red.txt
like "its reason says so" "$(<"$in/failed/red.txt.why")" 'stricter'
within 20 "nor what a link points to" failed link.txt
within 20 "nor a pipe" failed pipe
exits 0 "nothing of them is known" '"known": *false' khabar east --json check three.example
exits 0 "not of the link either" '"known": *false' khabar east --json check secret.example
within 20 "status says how many" warned '4 files in'
rm "$in"/failed/*
within 20 "until they are gone" not_warned

# What is not complete.
echo five.example >"$in/.hidden"
echo five.example >"$in/five.part"
# Not every file system can tell whether somebody writes to a file.
leases() { perl -MFcntl -e 'open F, "<", shift or die; fcntl F, 1024, F_RDLCK or die' "$in/done/one.txt"; }
leases 2>/dev/null && can_tell=1 || can_tell=
exec 5>"$in/open.txt"
echo six.example >&5
echo seven.example >"$in/seven.txt"
within 20 "while others are written" done_with seven.txt
ok "a hidden file stays" test -e "$in/.hidden"
ok "so does a half-written one" test -e "$in/five.part"
if [ "$can_tell" ]; then
	ok "and one that is open" test -e "$in/open.txt"
else
	skip 1 'this file system has no leases'
fi
echo six-b.example >&5
exec 5>&-
mv "$in/five.part" "$in/five.txt"
within 20 "when it is complete it is taken" done_with five.txt
within 20 "when it is closed, too" done_with open.txt
if [ "$can_tell" ]; then
	ok "with all of it" knows east six-b.example
else
	skip 1 'this file system has no leases'
fi

# As if the power had failed between sharing and moving.
shares() { khabar east --json audit | grep -c '"do": *"share"'; }
before=$(shares)
lab kill east
mv "$in/done/one.txt" "$in/done/bundle" "$in/.taking/"
ok "east starts again" lab start east
within 20 "what was shared, and not moved, is moved" done_with one.txt
within 20 "all of it" done_with bundle
is "and not shared again" "$(shares)" "$before"
echo one.example >"$in/one.txt"
within 20 "a new file of the same name gets another" done_with one.txt.2

# The same for scripts.
once() { khabar east --json import "$work/secret" --once "night $1" --tlp green --to all --yes; }
ok "a script imports under a key" once 1
like "it is shared" "$out" '"objects": *1'
ok "it does it again" once 1
like "it is told that nothing was to be done" "$out" '"messages": *\[\].*"already": *true'
ok "under another key" once 2
like "what was said is not said again" "$out" '"objects": *0,.*"unchanged": *1'


# A list that is dropped whole again and again.
printf '%s\n' l1.example l2.example >"$work/lists/list"
listed() { [ -e "$work/lists/done/$1" ]; }
within 20 "a list is taken" listed list
printf '%s\n' l2.example l3.example >"$work/lists/list"
within 20 "it is taken again" listed list.2
ok "what is new is known" knows east l3.example
exits 0 "what has left it is not" '"known": *false' khabar east --json check l1.example

mv "$in" "$work/away"
within 20 "status says when the folder is not there" warned "$in: No such file or directory"
like "and doctor" "$(khabar east doctor)" "watch feeds.*$in: No such file"
mv "$work/away" "$in"
within 20 "until it is" not_warned
lab stop east
finish
