#!/bin/bash
# Files that operators are handed: empty, binary, endless, links to nowhere, folders, and names that
# would write on a terminal.  Each command that reads one refuses it in words, at once, in bounded
# memory, and prints nothing of it as it came.
. tests/tap.sh

family solo >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

mkdir "$work/files"
cd "$work/files" || exit 1
: >empty
head -c 100000 /dev/urandom >binary
printf '\0' >>binary
printf 'good.example\0bad.example\n' >nul
printf '\033[31mred\n' >coloured
truncate -s 3G endless
ln -s nowhere dangling
ln -s loop loop
mkdir folder
cp empty $'a\e[31m\xffname'
cp empty other
cd "$top" || exit 1
bad=(binary nul dangling loop folder other/inside endless)

# Runs it in five minutes and in memory that a small machine has.
bounded() {
	# shellcheck disable=SC2030
	(sanitized || ulimit -v 2000000 && timeout 300 "$@")
}

# refuses WHAT FILES -- COMMAND...: for each of the files, in the place of {} of the command.
refuses() {
	local what=$1 files=() file code wrong=''
	shift
	while [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	shift
	for file in "${files[@]}"; do
		bounded "${@//\{\}/$work/files/$file}" >"$work/.out" 2>"$work/.err" </dev/null
		code=$?
		[ "$code" -eq 1 ] || wrong+="$file: exit $code; "
		[ -s "$work/.err" ] || wrong+="$file: no words; "
		LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' "$work/.out" "$work/.err" &&
			wrong+="$file: control characters; "
		iconv -f UTF-8 -t UTF-8 "$work/.err" >/dev/null 2>&1 || wrong+="$file: not UTF-8; "
	done
	[ -z "$wrong" ]
	result $? "$what" "$wrong" "$(tr -d '\0' <"$work/.err")"
}

ask_of() { "${khabar[@]}" ask - --to all --tlp green --yes <"$1"; }

khabar=("$bin/khabar" --home "$lab/solo")
named=("${bad[@]}" $'a\e[31m\xffname' $'no\e[31m\nsuch\xff')
send=(--tlp green --to all)

refuses "import" empty "${named[@]/endless/binary}" -- "${khabar[@]}" import '{}' "${send[@]}" --yes
refuses "import, of a format that is not of lines" empty "${named[@]}" -- \
	"${khabar[@]}" import '{}' --format stix "${send[@]}" --yes
refuses "advisory" empty "${named[@]}" -- "${khabar[@]}" advisory '{}' "${send[@]}" --yes
refuses "the text of one" empty "${named[@]}" -- \
	"${khabar[@]}" advisory --title T --text '{}' "${send[@]}" --yes
refuses "the constituency of a card" "${bad[@]}" coloured -- "${khabar[@]}" card constituency '{}'
refuses "a card" empty "${named[@]}" -- "${khabar[@]}" card accept '{}'
refuses "a topology to check" empty coloured "${named[@]}" -- "${khabar[@]}" topology check '{}'
refuses "to accept" empty coloured "${named[@]}" -- "${khabar[@]}" topology accept '{}'
refuses "to assemble" empty coloured "${named[@]}" -- "${khabar[@]}" topology assemble '{}' '{}'
refuses "to fill in" empty coloured "${named[@]}" -- "${khabar[@]}" topology fill '{}' '{}'
refuses "to suspend by" empty coloured "${named[@]}" -- \
	"${khabar[@]}" topology suspend solo --topology '{}' -o "$work/suspension"
refuses "to join by" empty coloured "${named[@]}" -- "$bin/khabar" --home "$work/other" join '{}'
refuses "what is to be verified" empty "${named[@]}" -- "${khabar[@]}" verify '{}'
refuses "a list of victims" "${bad[@]}" -- "${khabar[@]}" notify-victims '{}' --tlp green --yes
refuses "a backup" empty "${named[@]}" -- "${khabar[@]}" restore --check '{}'
exits 1 "a text from elsewhere with a NUL byte is not cut off there" 'standard input: it is not UTF-8' \
	ask_of "$work/files/nul"
like "a refusal as JSON is JSON, whatever the file is called" \
	"$("${khabar[@]}" --json topology check $'/no\xffsuch' </dev/null)" '"what":"/no\\ufffdsuch"'

# ---- what is written ----

# Not one of /dev: what is lost there is lost for the whole machine.
# All of the text is given, so that it is the same each time.
suspension() {
	khabar solo topology suspend solo --serial 1 --from 2026-11-22T00:00:00Z \
		--until 2026-11-23T00:00:00Z -o "$1"
}
mkfifo "$work/files/pipe"
exec 7<>"$work/files/pipe"
ok "what was made is written to a file" suspension "$work/files/new"
ok "and into a pipe" suspension "$work/files/pipe"
is "which is a pipe still" "$(stat -c %F "$work/files/pipe")" fifo
ok "and has all of it" timeout 300 cmp -n "$(stat -c %s "$work/files/new")" "$work/files/new" \
	"$work/files/pipe"
exec 7>&-
echo old >"$work/files/behind"
ln -s behind "$work/files/link"
ok "and where a link points" suspension "$work/files/link"
ok "it is whole" cmp "$work/files/new" "$work/files/behind"
is "and the link stays one" "$(readlink "$work/files/link")" behind
exits 1 "not where a link points nowhere" 'dangling: cannot be written: No such file' \
	suspension "$work/files/dangling"
exits 1 "nor to a folder" 'folder: cannot be written: Is a directory' \
	suspension "$work/files/folder"

ok "and the node is as it was" khabar solo status
is "nothing was shared" "$(khabar solo --json list | wc -l)" 0
finish
