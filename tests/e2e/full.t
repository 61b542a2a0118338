#!/bin/bash
# A disk that is really full, and one that is really mounted read-only: a small one of memory, in a
# namespace of this test's own.
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
	umount "$lab/east" 2>/dev/null
	clean_up
}
trap leave EXIT

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
list=tests/data/content/ipsum.txt
lines=$(grep -cE '^[0-9]' "$list")

warned() { khabar "$1" --json status | grep -qE "$2"; }
unwarned() { ! warned "$1" "nothing is stored|cannot follow"; }
fill() { cat /dev/zero >"$lab/east/ballast" 2>/dev/null; ! echo x >>"$lab/east/ballast"; }

share east before.example >/dev/null
within 90 "root has what east shares" knows root before.example
lab stop east
mkdir "$work/small"
mv "$lab/east" "$work/was"
mkdir "$lab/east"
mount -t tmpfs -o size=32m,mode=700 tmpfs "$lab/east" || bail "no small disk"
cp -r --sparse=always "$work/was/." "$lab/east/" || bail "too small a disk"
ok "east starts on a small disk" lab start east
fill 2>/dev/null
exits 1 "full: an import is refused, and it says why" 'full' \
	khabar east import "$list" --tlp green --to all --yes
ok "another is made at root" khabar root import "$list" --tlp green --to all --yes
within 90 "east says that the disk is full" warned east "disk[^\"]*full"
lacks() { ! holds east $((lines + 1)); }
ok "and has not taken it" lacks
ok "it still answers" khabar east check before.example

lab kill east
lab start east >"$work/said" 2>&1
started=$?
like "started on the full disk it runs, or says what is wrong" "$started $(<"$work/said")" '^0|full|room'
rm "$lab/east/ballast"
[ "$started" -eq 0 ] || lab start east
within 90 "with room on the disk it has all that came" holds east $((lines + 1))
within 90 "and warns no more" unwarned east
share east roomy.example >/dev/null
within 90 "it is heard" knows root roomy.example

lab stop east
# The daemon's helpers end a moment after it.
within 90 "the disk is made read-only" mount -o remount,ro,bind "$lab/east"
exits 1 "on a read-only disk it does not start, and says why" '[Rr]ead-only' \
	timeout 300 "$bin/khabardar" --home "$lab/east"
share root meanwhile.example >/dev/null
mount -o remount,rw,bind "$lab/east"
ok "on one that takes writes it does" lab start east
within 90 "and has what came meanwhile" knows east meanwhile.example
ok "its store holds together" khabar east check-store
finish
