#!/bin/bash
# A node behind a SOCKS proxy: it dials through that and in no other way, loses its links with it,
# says why, and has them again when it is back.
. tests/tap.sh

proxy=$bin/tests/e2e/proxy
[ -x "$proxy" ] || bail "no $proxy: run make tests first"
family root east west >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
end_proxy() {
	[ -z "${serving:-}" ] || kill "$serving" 2>/dev/null
	wait "${serving:-}" 2>/dev/null
	serving=
}
trap 'end_proxy; clean_up' EXIT

# begin_proxy PORT
begin_proxy() {
	"$proxy" "$1" >>"$work/proxy.txt" 2>&1 &
	serving=$!
}
listens() { grep -q "^listens at" "$work/proxy.txt"; }
asked() { [ "$(grep -c "^asked for 127.0.0.1:$root\$" "$work/proxy.txt")" -ge "$1" ]; }
unlinked() { ! linked "$@"; }
warned() { grep -qE "$1" "$lab/west/log.txt"; }
root=$(sed -n 's/.*bind *=.*:\([0-9]*\)".*/\1/p' "$lab/root/khabardar.zpl")

# West's own port, which nobody else takes.
port=$(sed -n 's/.*bind *=.*:\([0-9]*\)".*/\1/p' "$lab/west/khabardar.zpl")
lab stop west
begin_proxy "$port"
within 60 "there is a proxy" listens
sed -i '/^bind/d' "$lab/west/khabardar.zpl"
printf 'proxy = "127.0.0.1:%s"\n' "$port" >>"$lab/west/khabardar.zpl"
ok "the configuration is in order" "$bin/khabardar" --home "$lab/west" -n
ok "a node starts that dials through it" lab start west
within 60 "it is linked" linked west root
ok "through the proxy" asked 1
list=tests/data/content/ipsum.txt
ok "it imports a list" khabar west import "$list" --tlp green --to all --yes
share root from-root.example >/dev/null
within 60 "what root says arrives" knows west from-root.example
share west from-west.example >/dev/null
within 60 "what it says arrives everywhere" knows east from-west.example
same() { [ "$(listed west)" = "$(listed east)" ]; }
within 60 "they hold the same" same

end_proxy
within 60 "without its proxy it has no link" unlinked west root
share west meanwhile.example >/dev/null
within 60 "and says why" warned "SOCKS|proxy"
ok "what it shares meanwhile it has" knows west meanwhile.example
begin_proxy "$port"
within 60 "with the proxy it is linked again" linked west root
ok "through it" asked 2
within 60 "and heard" knows east meanwhile.example

lab stop root
within 60 "a neighbour that is gone is gone behind a proxy, too" unlinked west root
lab start root
within 60 "and found again" linked west root
share west again.example >/dev/null
within 60 "and told" knows root again.example
finish
