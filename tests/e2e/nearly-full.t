#!/bin/bash
# A disk that is nearly full: the origins that have most of it are held back, the largest first, and
# nobody else is; with room again they are heard.
inside=${FULL_INSIDE:-}
if [ -z "$inside" ]; then
	if ! unshare -rm mount -t tmpfs tmpfs /mnt 2>/dev/null; then
		echo "1..0 # SKIP a file system of one's own may not be mounted here"
		exit 0
	fi
	FULL_INSIDE=yes exec unshare -rm "$0"
fi
. tests/tap.sh
leave() {
	lab down >/dev/null 2>&1
	umount "$lab/national" 2>/dev/null
	clean_up
}
trap leave EXIT

attacker=$bin/tests/e2e/attacker
[ -x "$attacker" ] || bail "no $attacker: run make tests first"
family national punjab gb kp sindh >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
slowed() { khabar national --json links | grep -q "\"slowed\":.*\"node\": *\"$1\".*\"by\": *\"national\""; }
free_again() { ! slowed "$1"; }
fullness() { status_of national fullness; }
size() { stat -c %s "$lab/national/log/data.mdb"; }
left() { df --output=avail -B1 "$lab/national" | tail -n 1; }

# What is left of the disk becomes a sixth of what the log has, 85.7 percent, whatever is written
# meanwhile.  The ballast is touched only when that is not so, for national looks once a second and
# is to see the disk as it stays.
use_up() {
	local ballast has free
	has=$(size)
	free=$(left)
	if [ $((100 * has / (has + free))) -ne 85 ]; then
		ballast=$(stat -c %s "$lab/national/ballast" 2>/dev/null || echo 0)
		ballast=$((ballast + free - has / 6))
		[ "$ballast" -gt 0 ] && truncate -s "$ballast" "$lab/national/ballast" &&
			fallocate -l "$ballast" "$lab/national/ballast"
		return 1
	fi
	[ "$(fullness)" -eq 85 ]
}

lab stop gb kp sindh national
mkdir "$work/small"
mv "$lab/national" "$work/was"
mkdir "$lab/national"
mount -t tmpfs -o size=128m,mode=700 tmpfs "$lab/national" || bail "no small disk"
cp -r --sparse=always "$work/was/." "$lab/national/" || bail "too small a disk"
ok "national starts on a small disk" lab start national

# More than punjab says in this test, and gb most.
for other in kp sindh; do
	timeout 300 "$attacker" "$lab/$other" national bombs 0 >/dev/null 2>&1
done
is "gb says a lot" "$(timeout 300 "$attacker" "$lab/gb" national pour 30 2>&1)" "30 acknowledged"
gone() { ! linked national gb; }
within 60 "and is gone" gone
ok "nobody is held back for that" free_again gb

within 60 "all but little of the disk is used up, and national sees it" use_up
within 60 "gb, which has most of it, is held back" slowed gb
within 60 "punjab is not" free_again punjab
share punjab passes.example >/dev/null
within 60 "and is heard" knows national passes.example
ok "the operator is told" grep -q "hold back what gb says: the store is nearly full" "$lab/national/log.txt"

"$attacker" "$lab/gb" national flood 300 >"$work/flood" 2>&1 &
flooding=$!
warned() { khabar national --json status | grep -qF "$1"; }
rm "$lab/national/ballast"
within 60 "with room again nobody is" free_again gb
before=$(size)
grown_again() { [ "$(size)" -gt $((before + (4 << 20))) ]; }
within 60 "and gb is heard" grown_again
kill "$flooding"
wait "$flooding" 2>/dev/null
ok "the store holds together" khabar national check-store
finish
