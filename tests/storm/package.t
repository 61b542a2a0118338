#!/bin/bash
# The package on a bare Debian: installed, set up, run, upgraded, removed, purged.  `make deb-check`
# makes the package first; only root can make a system to install it in, with debootstrap, which
# gets it from MIRROR.  That system is kept in build/deb-check.
. tests/tap.sh

suite=bookworm
mirror=${MIRROR:-http://deb.debian.org/debian}
kept=$top/build/deb-check
root=$work/root
deb=$(find "$top/build/deb" -maxdepth 1 -name 'khabardar_*.deb' | head -n 1)

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}
[ "$(id -u)" = 0 ] || skip_all "only root can install a package"
command -v debootstrap >/dev/null || skip_all "debootstrap is not installed"
[ -n "$deb" ] || bail "no package: make deb"
# What is mounted in there goes with this process.
if [ -z "${OWN_MOUNTS:-}" ]; then
	OWN_MOUNTS=1 exec unshare --mount --propagation private "$0"
fi

end_all() {
	[ -z "${daemon:-}" ] || kill "$daemon" 2>/dev/null
	umount "$root/proc" 2>/dev/null
	clean_up
}
trap end_all EXIT

inside() { DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"; }
apt() { inside apt-get -qq --no-install-recommends "$@"; }

# ---- a bare system ----

if [ ! -e "$kept/whole" ]; then
	rm -rf "$kept"
	mkdir -p "$kept"
	if ! debootstrap --variant=minbase "$suite" "$kept/base" "$mirror" >"$kept/log" 2>&1; then
		skip_all "no system from $mirror: $(tail -n 1 "$kept/log")"
	fi
	touch "$kept/whole"
fi
cp -a "$kept/base" "$root" || bail "no room for a system"
mount -t proc proc "$root/proc" || bail "/proc cannot be mounted in $root"

# versioned VERSION: the package as it would be under another version, at the top of the system.
versioned() {
	rm -rf "$work/unpacked"
	dpkg-deb -R "$deb" "$work/unpacked"
	sed -i "s/^Version: .*/Version: $1/" "$work/unpacked/DEBIAN/control"
	echo "# $1" >>"$work/unpacked/lib/systemd/system/khabardar.service"
	(cd "$work/unpacked" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' |
		xargs -0 md5sum >DEBIAN/md5sums)
	dpkg-deb --root-owner-group -b "$work/unpacked" "$root/next.deb"
}

# ---- installed ----

cp "$deb" "$root/khabardar.deb"
if ! apt install ./khabardar.deb >"$work/apt" 2>&1; then
	# What a package needs is got from the mirror, too.
	grep -qE 'Failed to fetch|Unable to fetch' "$work/apt" && skip_all "$(grep fetch "$work/apt" | head -n 1)"
	result 1 "it installs, with what it depends on" "$(tail -n 5 "$work/apt")"
	finish
	exit 1
fi
result 0 "it installs, with what it depends on"
cp -n "$root"/var/cache/apt/archives/*.deb "$kept/base/var/cache/apt/archives/" 2>/dev/null
version=$(dpkg-deb -f "$deb" Version)
is "the command runs" "$(inside khabar --version)" "khabar $version"
is "so does the daemon" "$(inside khabardar --version)" "khabardar $version"
like "it has a user, who cannot log in" "$(inside getent passwd khabardar)" ':/var/lib/khabardar:.*nologin$'
is "whose home is closed to others" "$(inside stat -c '%a %U %G' /var/lib/khabardar)" "700 khabardar khabardar"
ok "the unit is in order" inside systemd-analyze --man=no verify /lib/systemd/system/khabardar.service
ok "and would be started at boot" inside test -L /etc/systemd/system/multi-user.target.wants/khabardar.service
ok "it allows little: at most 1.5 of 10" inside systemd-analyze security --offline=true \
	--threshold=15 --no-pager khabardar.service
for page in man1/khabar.1 man8/khabardar.8 man5/khabardar.zpl.5 man5/topology.zpl.5; do
	ok "it brings $page" inside test -e "/usr/share/man/$page.gz"
done
ok "bash completes what is typed" inside bash -c \
	'. /usr/share/bash-completion/completions/khabar && complete -p khabar'
exits 0 "dpkg finds every file as it was packed" '^$' inside dpkg --verify khabardar

# ---- one init away from a node ----

ok "khabar init, as root" inside khabar init kp
is "makes what the daemon's user owns" \
	"$(inside find /var/lib/khabardar ! -user khabardar -o -perm /077 -name '*.key')" ""
printf 'federation\n    name = "A pilot"\n\nnode\n    kp\n' >"$work/text.zpl"
minisign -G -W -p "$work/me.pub" -s "$work/me.key" >/dev/null || bail "no council: scripts/deps"
ok "a council fills its card in" "$bin/khabar" topology fill "$work/text.zpl" \
	"$root/var/lib/khabardar/node.card" --council me="$(tail -n 1 "$work/me.pub")" -o "$work/t.zpl"
ok "signs" minisign -S -s "$work/me.key" -m "$work/t.zpl"
ok "and sends the topology" "$bin/khabar" topology assemble "$work/t.zpl" "$work/t.zpl.minisig" \
	-o "$root/topology.signed"
ok "which it joins" inside khabar join /topology.signed --yes
ok "configuration and keys are in order, as root" inside khabardar -n
exits 1 "the doctor finds them so, too" 'ok +keys +the keys of kp open' inside khabar doctor

# runs: the daemon as the unit starts it, where no systemd runs.
runs() {
	chroot "$root" /usr/bin/khabardar --user khabardar >>"$work/log" 2>&1 </dev/null &
	daemon=$!
}
ends() {
	kill "$daemon" 2>/dev/null
	wait "$daemon"
	daemon=
}
answers() { inside khabar status; }
known() { inside khabar --json check "$1" | grep -q '"known": *true'; }
runs
within 60 "the daemon answers" answers
ok "something is shared" inside khabar share 192.0.2.7 --tlp green --to all --yes
ok "and known" known 192.0.2.7
ok "it ends when told to" ends

# ---- upgraded, removed, purged ----

held() { (cd "$root/var/lib/khabardar" && find . -type f ! -name 'lock*' -print0 | sort -z | xargs -0 sha256sum); }
before=$(held)
next=$version+next
versioned "$next" >/dev/null
ok "the next version takes its place" apt install ./next.deb
is "is what is installed" "$(inside dpkg-query -Wf "\${Version}" khabardar)" "$next"
is "and has touched nothing of the node's" "$(held)" "$before"
runs
within 60 "the node answers again" answers
ok "and knows what it knew" known 192.0.2.7
ok "it ends" ends

before=$(held)
ok "removed" apt remove khabardar
ok "the programs are gone" inside test ! -e /usr/bin/khabardar -a ! -e /usr/bin/khabar
is "keys and messages are not" "$(held)" "$before"
ok "installed again" apt install ./khabardar.deb
runs
within 60 "it is the same node" answers
ok "with what it knew" known 192.0.2.7
ok "it ends once more" ends
before=$(held)
ok "purged" apt purge khabardar
like "it says what it leaves" "$out" 'left in /var/lib/khabardar'
is "which is all that the node had" "$(held)" "$before"
is "and nothing else" "$(inside find / -xdev -name '*khabardar*' ! -path '/var/lib/khabardar*' \
	! -path '/khabardar.deb' ! -path '/proc/*' ! -path '/var/cache/*' ! -path '/var/log/*' 2>/dev/null)" ""
finish
