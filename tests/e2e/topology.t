#!/bin/sh
# khabar topology, from cards and a draft to a signed version 2, and what it refuses.
set -u
build=${BUILD:-build}
khabar=$PWD/$build/khabar
example=$PWD/scripts/federation.zpl
manual=$PWD/node/man/topology.zpl.5
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
count=0

# ok NAME COMMAND...: the command succeeds.
ok() {
	name=$1
	shift
	count=$((count + 1))
	if "$@"; then echo "ok $count - $name"; else echo "not ok $count - $name"; fi
}
# topology CODE ARGUMENTS...: khabar topology ends with that code; output in out and err.
topology() {
	want=$1
	shift
	"$khabar" topology "$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] || { echo "# exit $got, not $want"; sed 's/^/# /' err; return 1; }
}
says() { grep -qF -- "$2" "$1" || { sed 's/^/# /' "$1"; return 1; }; }
absent() { ! [ -e "$1" ]; }
sign() { minisign -S -W -s "$1.key" -m "$2" -x "$1.sig" >/dev/null </dev/null; }

port=7000
for node in national punjab sindh kp balochistan ajk gb kp-cerc telecom defense community nadra fbr; do
	port=$((port + 1))
	"$khabar" init $node --home $node --endpoint tcp://127.0.0.1:$port >/dev/null || exit 1
done
set --
for member in interior defence foreign it academia; do
	minisign -G -W -p $member.pub -s $member.key >/dev/null </dev/null || exit 1
	set -- "$@" --council "$member=$(sed -n 2p $member.pub)"
done

ok "the shipped example lacks keys" topology 1 check "$example"
ok "and says whose" says err "node punjab: sign: missing"
ok "it is filled" topology 0 fill "$example" ./*/node.card "$@" -o one.zpl
ok "and checks" topology 0 check one.zpl
ok "with its words" says out ', words "'
ok "its comments stay" says one.zpl "# Provincial CERTs report through the government's."
cp one.zpl again.zpl
ok "filling twice" topology 0 fill again.zpl ./*/node.card "$@" -o again.zpl
ok "changes nothing" cmp -s one.zpl again.zpl
ok "some cards are enough to go on" topology 0 fill "$example" punjab/node.card
ok "what is missing is said" says err "still to do: node sindh: sign: missing"
sed 's/punjab/punjap/' punjab/node.card >wrong.card
ok "a card of nobody" topology 1 fill "$example" wrong.card
ok "is named" says err 'no node named "punjap" in the text; did you mean "punjab"?'
ok "a secret key is no card" topology 1 fill "$example" punjab/node.key

for member in interior defence foreign; do sign $member one.zpl; done
ok "two of five are too few" topology 1 assemble one.zpl interior.sig defence.sig interior.sig -o few.signed
ok "and counted" says err "2 of its 5 members signed this; 3 must"
ok "nothing is written" absent few.signed
ok "three are enough" topology 0 assemble one.zpl interior.sig defence.sig foreign.sig -o one.signed
ok "the file checks" topology 0 check one.signed
ok "and counts" says out "signed by 3 of 5 members (3 must)"
sed 's/CERT Punjab/CERT Panjab/' one.signed >altered
ok "an altered one does not" topology 1 check altered
ok "and says why" says err "does not verify: not of this text, or altered"

sed 's/telecom-defense = .*/gb-ajk = "gb ajk"/' "$example" >draft.zpl
ok "version 2 follows version 1" topology 0 fill draft.zpl --after one.signed -o two.zpl
for member in interior it academia; do sign $member two.zpl; done
ok "and is assembled" topology 0 assemble two.zpl interior.sig it.sig academia.sig --after one.signed -o two.signed
ok "but not as its own successor" topology 1 assemble two.zpl interior.sig it.sig academia.sig --after two.signed
ok "the difference" topology 0 diff one.signed two.signed
ok "in versions" says out "~ federation: version: 1 -> 2"
ok "in links" says out "+ link: gb-ajk: gb ajk"
ok "as JSON" topology 0 --json diff one.signed two.signed
ok "line by line" says out '{"change":"changed","where":"federation: version","from":"1","to":"2"}'

ok "the tree" topology 0 tree one.signed
ok "draws who is below whom" says out "│  │  └─ kp-cerc"
ok "and whoever has two parents once" says out "fbr  [also above]"
ok "the summary" topology 0 show one.signed
ok "names the roles' holders" says out "role, reports to national, held by national"
ok "JSON of it" topology 0 show one.signed --json
ok "has the parties" says out '"name":"fbr","kind":"node"'

printf 'node\n    national\n    punjab\n        reports-to = national\n' >lines.zpl
ok "parties and lines are enough" topology 0 fill lines.zpl national/node.card punjab/node.card \
	--council "a=$(sed -n 2p interior.pub)" -o lines.full
ok "for a topology" topology 0 check lines.full
ok "another node's card is refused" topology 1 fill lines.zpl sindh/node.card

sed -n '/^A text of version 1/,/^\.Ed/p' "$manual" | sed '1,2d;/^\.Ed/d' >manual.zpl
ok "the manual's example checks" topology 0 check manual.zpl

ok "no file" topology 1 check nowhere
ok "is said once" says err "nowhere: cannot be read: No such file or directory"
ok "no subcommand" topology 3
ok "a wrong one" topology 3 chek
ok "is guessed" says err 'did you mean "check"?'
echo "1..$count"
