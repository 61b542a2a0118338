#!/bin/bash
# Many values through every exporter: what each takes of memory, time and disk, and whether other
# programs read what came out.
#
# FILES="LIST..." are lists of values; without it those beside the project, or the excerpt that
# ships.  As many as VALUES more are made up: make exports FILES=all.txt VALUES=1000000.
. tests/tap.sh
export PATH=$PATH:/usr/sbin:/sbin

files=${FILES:-}
made=${VALUES:-0}
formats=(stix misp-feed csv list suricata zeek rpz nftables hosts)
# What is sorted in memory, and room for the rest: no more, however many values there are.
most_kib=$((96 << 10))

if [ -z "$files" ]; then
	files=$(printf '%s ' "$top"/../shared/data/lists/*.txt)
	[ -r "${files%% *}" ] || files=tests/data/content/ipsum.txt
fi
read -ra lists <<<"$files"
grep -hv '^#' "${lists[@]}" >"$work/values" || bail "no values in $files"
awk -v n="$made" 'BEGIN { for (i = 0; i < n; i++)
	print i % 2 ? sprintf("h%d.made-up-%d.example", i, i % 977) : \
		sprintf("11.%d.%d.%d", i / 131072, i / 512 % 256, i / 2 % 256) }' >>"$work/values"

family solo >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
node=$(<"$lab/solo/pid")

# measured COMMAND...: KiB at its peak and ms of CPU; what it says goes to $work/said.
measured() {
	python3 -c '
import os, resource, sys
pid = os.fork()
if pid == 0:
    fd = os.open(sys.argv[1], os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.execv(sys.argv[2], sys.argv[2:])
code, used = os.wait4(pid, 0)[1:]
print(used.ru_maxrss, int(1000 * (used.ru_utime + used.ru_stime)))
sys.exit(code != 0)' "$work/said" "$@"
}
node_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$node/stat"; }
node_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$node/status"; }
seconds() { awk -v ms="$1" 'BEGIN { printf "%.1f s", ms / 1000 }'; }
mib() { awk -v kib="$1" 'BEGIN { printf "%.0f MiB", kib / 1024 }'; }

# row SENTENCE COMMAND...: one line of the table, and whether the command has kept within bounds.
row() {
	local used before ms size=
	before=$(node_ms)
	used=$(measured "${@:2}")
	result $? "$1" "$(<"$work/said")"
	read -r peak ms <<<"$used"
	[ ! -e "$work/$1" ] || size=$(du -sh "$work/$1" | cut -f 1)
	printf '# | %s | %s | %s | %s | %s | %s | %s |\n' "$1" \
		"$(grep -oE '[0-9]+ (written|object)' "$work/said" | head -n 1 | cut -d ' ' -f 1)" "$size" \
		"$(mib "$peak")" "$(seconds "$ms")" \
		"$(mib "$(node_kib)")" "$(seconds "$(($(node_ms) - before))")"
}

echo "# | | values | on disk | peak memory of khabar | its CPU | private memory of the node | its CPU |"
echo "# |---|---|---|---|---|---|---|"
row import "$bin/khabar" --home "$lab/solo" import "$work/values" --format list --tlp green --to all \
	--use block --skip-rejected --yes
like "values are there" "$(head -n 1 "$work/said")" '^shared [0-9]+ objects'
for format in "${formats[@]}"; do
	row "$format" "$bin/khabar" --home "$lab/solo" export --format "$format" --out "$work/$format"
	sanitized || ok "$format takes no more than it may" test "$peak" -le "$most_kib"
done

# ---- others read it ----

ok "stix is JSON" python3 -c 'import json, sys; assert len(json.load(open(sys.argv[1]))["objects"]) > 1' \
	"$(find "$work/stix" -type f)"
ok "so is every event of the feed, with the hash that the manifest has" python3 -c '
import hashlib, json, os, sys
manifest = json.load(open(sys.argv[1] + "/manifest.json"))
for uuid, summary in manifest.items():
    raw = open(os.path.join(sys.argv[1], uuid + ".json"), "rb").read()
    assert json.loads(raw)["Event"]["uuid"] == uuid
    assert summary.get("integrity:sha256", hashlib.sha256(raw).hexdigest()) == hashlib.sha256(raw).hexdigest()
assert manifest' "$work/misp-feed"
ok "Suricata's rules and lists are as its manual says" tests/e2e/read-as-sensor suricata "$work/suricata"
ok "and so is Zeek's table" tests/e2e/read-as-sensor zeek "$work/zeek/khabardar.intel"
# Root of the machine alone may have as large a buffer as very many addresses take.
apart=-rn
[ "$(id -u)" != 0 ] || apart=-n
if command -v nft >/dev/null && unshare $apart true 2>/dev/null; then
	ok "nft takes the sets, and again in their place" unshare $apart sh -c \
		"nft -f '$work/nftables/khabardar.nft' && nft -f '$work/nftables/khabardar.nft'"
else
	skip 1 "nft is not here"
fi
resolver() { scripts/resolver "$1" "$work/dns" "${@:2}"; }
name=$(awk '/ CNAME [.]$/ && !/rpz-ip/ && !/^[*]/ { print $1; exit }' "$work/rpz/khabardar.rpz")
if scripts/resolver here >/dev/null 2>&1 && [ -n "$name" ]; then
	trap 'resolver down; clean_up' EXIT
	ok "a resolver loads the zone" resolver up "$work/rpz/khabardar.rpz"
	is "and has no answer for $name" "$(resolver ask "$name")" NXDOMAIN
else
	skip 2 "no resolver, or no name"
fi
finish
