#!/bin/bash
# What make install puts where, that the pages name every command and option, and that a shell
# completes what is typed.
. tests/tap.sh

root=$work/root
ok "installs" make --no-print-directory install BUILD="${BUILD:-build}" DESTDIR="$root" PREFIX=/usr

is "these files" "$(cd "$root" && find . -type f | LC_ALL=C sort)" "./usr/bin/khabar
./usr/bin/khabardar
./usr/lib/systemd/system/khabardar.service
./usr/share/bash-completion/completions/khabar
./usr/share/man/man1/khabar.1
./usr/share/man/man5/khabardar.zpl.5
./usr/share/man/man5/topology.zpl.5
./usr/share/man/man8/khabardar.8"
like "the unit starts what was installed" "$(<"$root/usr/lib/systemd/system/khabardar.service")" \
	'^ExecStart=/usr/bin/khabardar$'
version=$("$root/usr/bin/khabar" --version)
is "both are of one version" "$("$root/usr/bin/khabardar" --version)" "khabardar ${version#khabar }"
is "as the package is" "$(sed -n '1s/.*(\(.*\)).*/\1/p' scripts/debian/changelog)" "${version#khabar }"

# ---- the manual ----

# Without markup: `Fl -to` is --to, and `Cm who` is who.
page=$(sed -E 's/\bFl -/--/g; s/\b(Cm|Ar|Oo|Oc|Op|Ic|Ns|It)\b//g; s/^\.//; s/ +/ /g' node/man/khabar.1)
mapfile -t commands < <("$bin/khabar" help | sed -nE 's/^    ([a-z-]+) .*/\1/p')
ok "help lists commands" test "${#commands[@]}" -gt 20
missing=
for command in "${commands[@]}"; do
	grep -qE "^ ?$command( |\$)" <<<"$page" || missing+=" $command"
	for option in $("$bin/khabar" help "$command" | grep -oE -e '--[a-z-]+[a-z]' | sort -u); do
		grep -qF -e "$option" <<<"$page" || missing+=" $command:$option"
	done
done
is "khabar(1) has every command and option of khabar help" "$missing" ""
# Words of --to, of formats and the like stand in lists of their own, without arguments.
mapfile -t named < <(sed -nE 's/^\.It Cm ([a-z-]+) (Ar|Cm|Fl|Oo|Op).*/\1/p' node/man/khabar.1 | sort -u)
extra=
for command in "${named[@]}"; do
	"$bin/khabar" help "$command" >/dev/null 2>&1 || extra+=" $command"
done
is "and no command that is not there" "$extra" ""
options_of() { grep -oE -e '--[a-z]+(-[a-z]+)*' | sort -u; }
known=$(for command in "${commands[@]}"; do "$bin/khabar" help "$command"; done | options_of)
is "nor an option" "$(comm -23 <(options_of <<<"$page") \
	<(printf '%s\n' "$known" --home --json --yes --hold --help --version | sort -u))" ""
daemon=$(sed -E 's/\bFl -/--/g; s/^\.//' node/man/khabardar.8)
is "khabardar(8) has the options of khabardar" "$("$bin/khabardar" --help | options_of | while read -r option; do
	grep -qF -e "$option" <<<"$daemon" || echo "$option"
done)" ""
# Keys of the configuration stand in tables, {"key", ...}.
pages=$(sed -E 's/\b(Ic|Cm|It|No|Ar|Dq|Pq)\b//g' node/man/khabardar.zpl.5)
is "khabardar.zpl(5) has every key of the configuration" "$(sed -nE 's/^.*\{"([a-z-]+)",.*/\1/p' \
	node/config*.c | sort -u | while read -r key; do
	grep -qE "(^|[ ,])$key([ ,=]|\$)" <<<"$pages" || echo "$key"
done)" ""

# What the page shows of sections can be typed as it stands there.
mkdir "$work/shown"
awk -v to="$work/shown/" '/^\.Bd/ { n++; inside = 1; next } /^\.Ed/ { inside = 0 }
	inside { print >(to n) }' node/man/khabardar.zpl.5
ok "a home" "$bin/khabar" init kp --home "$work/kp"
plain=$(<"$work/kp/khabardar.zpl")
shown=0
for file in "$work/shown/"*; do
	head -n 1 "$file" | grep -qxE 'export|watch|misp' || continue
	shown=$((shown + 1))
	printf '%s\n%s\n' "$plain" "$(<"$file")" >"$work/kp/khabardar.zpl"
	ok "khabardar takes: $(sed -n '2s/ *//p' "$file")" "$bin/khabardar" --home "$work/kp" -n
done
ok "the page has examples" test "$shown" -ge 5

# ---- completion ----

# shellcheck source=/dev/null
. "$root/usr/share/bash-completion/completions/khabar"
# completes WORDS...: what the last of them can become.
completes() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_khabar
	echo "${COMPREPLY[*]}"
}
is "a command" "$(completes khabar wit)" withdraw
is "behind the home" "$(completes khabar --home /x check-)" check-store
is "an option of a command" "$(completes khabar share 192.0.2.1 --tl)" --tlp
is "a word that it takes" "$(completes khabar withdraw x --because l)" leaked
is "one of a few" "$(completes khabar share 192.0.2.1 --tlp am)" "amber amber+strict"
is "a format to import" "$(completes khabar import f --format m)" misp
is "a format to export" "$(completes khabar export --format m)" misp-feed
is "where it is a file, bash knows better" "$(completes khabar check --file x)" ""
is "no option of another" "$(completes khabar ack --tl)" ""
finish
