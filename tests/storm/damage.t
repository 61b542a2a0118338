#!/bin/bash
# Every file of a home, damaged in every way that disks and people have: the node goes on, or it does
# not start and says which file and why; what khabardar(8) says about it brings back everything that
# was acknowledged.  ONLY="log node.key": these files.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
said=()
home=$lab/east
whole=$work/whole
nobody=
[ "$(id -u)" -ne 0 ] || nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"

say_at() {
	local id
	id=$(share "$1" "$2") && [ -n "$id" ] && said+=("$id")
}
has() { khabar "$1" show "$2" --raw; }
all_there() {
	local id
	for id in "${said[@]}"; do has "$1" "$id" || return; done
}
answers() { khabar east --json status; }
ended() { ! kill -0 "$pid" 2>/dev/null; }
# As a user who may not read everything.
as_user() { $nobody "$@"; }
begin() {
	# The process itself, not a shell that waits for it.
	# shellcheck disable=SC2086
	{ exec $nobody "$bin/khabardar" --home "$home" </dev/null >"$work/log" 2>&1; } &
	pid=$!
	echo "$pid" >"$work/pid"
}
begun_or_ended() { ended || answers; }
end_it() {
	local end=$((SECONDS + 60))
	kill "$pid" 2>/dev/null
	until ended || [ "$SECONDS" -ge "$end" ]; do
		sleep 0.02
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
# Another's, where this test may give things away.
own() { [ -z "$nobody" ] || chown -R 65534:65534 "$1"; }
anew() {
	rm -rf "$home"
	cp -a --sparse=always "$whole" "$home"
}

say_at east first.example
say_at root second.example
within 60 "east has both" all_there east
within 60 "root too" all_there root
ok "one that waits in the outbox" khabar east share held.example --tlp green --to all --hold 10h --yes
waits() { khabar east --json outbox | grep -q '"'; }
lab stop east
ok "a backup is made" khabar east backup "$work/backup"
chmod 711 "$work" "$lab"
own "$home"
chmod -R a+rX "$work/backup"
cp -a --sparse=always "$home" "$whole"

# What is done to FILE.
damage() {
	local file=$home/$2 size
	size=$(stat -c %s "$file")
	case $1 in
	halved) truncate -s $((size / 2)) "$file" ;;
	short) truncate -s $((size > 100 ? 100 : size - 1)) "$file" ;;
	emptied) truncate -s 0 "$file" ;;
	removed) rm -r "$file" ;;
	zeros) dd if=/dev/zero of="$file" bs=4096 seek=$((size > 12288 ? 2 : 0)) count=1 conv=notrunc 2>/dev/null ;;
	noise) head -c $((size > 12288 ? 4096 : size)) /dev/urandom |
		dd of="$file" bs=4096 seek=$((size > 12288 ? 2 : 0)) conv=notrunc 2>/dev/null ;;
	flipped) flip "$file" $((size / 2)) ;;
	unreadable) chmod 000 "$file" ;;
	loose) chmod 666 "$file" ;;
	folder) rm -r "$file" && mkdir "$file" && own "$file" ;;
	other) chown -R 0:0 "$file" ;;
	esac
}
# flip FILE OFFSET: the lowest bit of the byte there.
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# What khabardar(8) says is to be done.
mend() {
	case $1 in
	backup)
		mv "$home/log" "$home/log.damaged"
		as_user "$bin/khabar" --home "$home" restore "$work/backup" >"$work/mended" 2>&1 || diag "$(<"$work/mended")"
		;;
	copy)
		rm -rf "${home:?}/$2"
		cp -a --sparse=always "$whole/$2" "$home/$2"
		;;
	modes)
		chmod "$(stat -c %a "$whole/$2")" "$home/$2"
		own "$home/$2"
		;;
	remove) rm -rf "${home:?}/$2" ;;
	esac
}

# suffer FILE DAMAGE MEND WORDS
suffer() {
	local name="$1 $2" code
	anew
	damage "$2" "$1"
	begin
	within 60 "$name: it starts, or does not" begun_or_ended
	if ended; then
		wait "$pid"
		code=$?
		[ "$3" != - ] && [ "$code" -gt 0 ] && [ "$code" -lt 128 ] && grep -qE -e "$4" "$work/log"
		result $? "$name: it says what is wrong" "exit $code: $(<"$work/log")"
		mend "$3" "$1"
		begin
		within 60 "$name: mended, it starts" answers
	else
		[ "$3" = - ]
		result $? "$name: it goes on" "$(<"$work/log")"
	fi
	within 60 "$name: all that was acknowledged is there" all_there east
	ok "$name: and what waits, waits" waits
	within 60 "$name: it talks with its neighbour" linked east root
	end_it
	ok "$name: its store holds together" as_user "$bin/khabar" --home "$home" check-store
}

while read -r file damages mend words; do
	[ -z "${ONLY:-}" ] || [[ " $ONLY " = *" $file "* ]] || continue
	for damage in ${damages//,/ }; do
		[ -z "$nobody" ] && [ "$damage" = other ] && continue
		suffer "$file" "$damage" "$mend" "$words"
	done
done <"${TABLE:-tests/storm/damage.table}"
finish
