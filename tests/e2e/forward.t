#!/bin/bash
# What was sent to one is passed on to those below it, in its author's name: found there as its
# author's, taken back with it, and never where its author does not allow it.
. tests/tap.sh

attacker=$bin/tests/e2e/attacker
forger=$bin/tests/e2e/forger
[ -x "$forger" ] || bail "no $forger: run make tests first"
cat >"$work/text.zpl" <<-'TEXT'
	node
	    national
	    kp
	        reports-to = government
	    kp-cerc
	        reports-to = kp
	    kp-lab
	        reports-to = kp-cerc
	    punjab
	        reports-to = government
	role
	    government
	        reports-to = national
	        holders = national
TEXT
lab_up --topology "$work/text.zpl"

first_id() { sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
send() { khabar "$1" --json share "${@:2}" --yes | first_id; }
forward() { khabar "$1" --json forward "${@:2}" --yes | first_id; }
unknown() { ! knows "$1" "$2"; }
has() { khabar "$1" show "$2" >/dev/null; }
shown() { khabar "$1" --json show "$2"; }
is_recalled() { shown "$1" "$2" | grep -q '"recalled": *{"message"'; }
told_why() { khabar national who "$id" | grep -q 'to kp-cerc: they run that network'; }
lists_message() { khabar "$1" --json list | grep -q "$2"; }
holds_why() { khabar "$1" --json held | grep -q "$2"; }
erased() { grep -q 'recalled messages were removed' "$lab/$1/log.txt"; }
refused() { exits 1 "$1" "$2" khabar kp forward "${@:3}" --yes; }

# ---- three levels ----

id=$(send national evil.example 198.51.100.9 --tlp amber --to kp)
within 20 "kp is told" knows kp evil.example
ok "before anything is sent" khabar kp forward "$id" --to down --dry-run
like "it is said who would read it" "$out" '^TLP:amber to kp-cerc, kp-lab: 3 nodes will read'
like "and whose it is" "$out" '2 objects of national'
exits 3 "without a reason nothing is passed on" 'reason is missing' khabar kp forward "$id" --to down
exits 1 "nor unasked" 'say --yes' khabar kp forward "$id" --to kp-cerc --reason x
ok "and nothing was" unknown kp-cerc evil.example
handed=$(forward kp "$id" --to kp-cerc --reason "they run that network")
like "kp passes it on" "$handed" '^[0-9a-f]{64}$'
within 20 "kp-cerc finds it" knows kp-cerc evil.example
like "as its author's" "$(khabar kp-cerc --json check evil.example)" '"node": ?"national"'
like "listed, with who passed it on" "$(khabar kp-cerc --json list --node national)" \
	"\"message\": ?\"$handed\".*\"forwarded_by\": ?\"kp\""
is "not as kp's" "$(khabar kp-cerc --json list --node kp | wc -l)" 0
like "searched" "$(khabar kp-cerc --json search evil)" '"node": ?"national"'
like "exported" "$(khabar kp-cerc export --format csv --tlp-max amber --out - 2>/dev/null)" \
	"evil\.example.*national"
is "not as green" "$(khabar kp-cerc export --format list --out - 2>/dev/null)" ""
said=$(khabar kp-cerc show "$handed")
like "shown with what it hands on" "$said" "^original *${id:0:12} of national"
like "by whom and why" "$said" '^forwarded *by kp: they run that network'
like "by its own id, too" "$(shown kp-cerc "${id:0:10}")" "\"kind\": ?\"forward\".*\"message\": ?\"$id\""
like "with the author's words" "$(shown kp-cerc "$id")" '"body": ?\{"envelope".*evil\.example'
is "kp sees nothing twice" "$(khabar kp --json list --all | wc -l)" 2
is "nor counts it so" "$(status_of kp objects)" 2
within 20 "its author is told to whom it went, and why" told_why
like "the reason is in the audit" "$(khabar kp --json audit)" '"do": ?"forward".*"reason": ?"they run'
ok "national has no copy of it" unknown punjab evil.example
exits 1 "and does not carry it" 'no message' khabar national show "$handed"
if command -v python3 >/dev/null; then
	khabar kp-cerc show "$handed" --raw >"$work/raw" 2>/dev/null
	python3 tests/data/make-vectors open "$lab/kp-cerc/node.key" <"$work/raw" >"$work/data" 2>/dev/null
	is "a second implementation opens what was handed on" \
		"$(head -c 4 "$work/data" | od -An -tx1 | tr -d ' ')" 28b52ffd
else
	skip 1 "no python3"
fi

# ---- what is refused ----

refused "not twice" 'has it already' "$id" --to kp-cerc --reason again
refused "not beside" 'punjab is not below kp' "$id" --to kp-cerc --to punjab --reason x
refused "not to everyone" 'never goes to everyone' "$id" --to all --reason x
refused "not to nobody" 'did you mean "kp-cerc"' "$id" --to kp-cert --reason x
refused "not what is not here" 'no message' 0123456789ab --to down --reason x
refused "nor without words" 'one line of text' "$id" --to down --reason $'two\nlines'
exits 1 "what came as a forward is not passed on" 'came here as a forward of kp' \
	khabar kp-cerc forward "$handed" --to kp-lab --reason x --yes
exits 1 "nor one's own" "this node's own" khabar national forward "$id" --to kp-cerc --reason x --yes
strict=$(send national strict.example --tlp amber+strict --to kp)
red=$(send national red.example --tlp red --to kp)
marked=$(send national marked.example --tlp amber --to kp --no-forward)
public=$(share national public.example)
for value in strict red marked public; do
	within 20 "kp has $value" knows kp "$value.example"
done
refused "AMBER+STRICT is not passed on" 'AMBER\+STRICT, which is never' "$strict" --to kp-cerc --reason x
refused "nor is RED" 'RED, which is never' "$red" --to kp-cerc --reason x
refused "nor what is marked so" 'no-forward' "$marked" --to kp-cerc --reason x
like "which is seen" "$(khabar kp show "$marked")" '^flags.*no-forward'
refused "nor what everyone has" 'for everyone' "$public" --to kp-cerc --reason x

sealed=$(send punjab carried.example --tlp amber --to kp)
within 20 "kp has what punjab says" knows kp carried.example
exits 1 "nor what one only carries" 'only carries it' \
	khabar national forward "$sealed" --to kp-cerc --reason x --yes

# ---- taken back by who passed it on, and passed on again ----

once=$(send national again.example --tlp amber --to kp)
within 20 "kp has one more" knows kp again.example
first=$(forward kp "$once" --to kp-cerc --reason "by mistake")
within 20 "kp-cerc has it" knows kp-cerc again.example
ok "kp takes that back" khabar kp withdraw "$first" --because leaked --yes
within 20 "kp-cerc has it no more" unknown kp-cerc again.example
ok "kp still has" knows kp again.example
ok "it can be passed on again" khabar kp forward "$once" --to kp-cerc --reason "not by mistake" --yes
within 20 "kp-cerc has it again" knows kp-cerc again.example

# ---- GREEN goes to any party; who has both sees one ----

green=$(send punjab green.example --tlp green --to kp)
within 20 "kp has what punjab sealed to it" knows kp green.example
copy=$(forward kp "$green" --to national --to kp-cerc --to down --reason "for all of you")
within 20 "GREEN goes up" knows national green.example
within 20 "and down" knows kp-lab green.example
khabar kp show "$copy" --raw >"$work/green"
again=$(send punjab green.example --tlp green --to kp-cerc --to kp)
within 20 "who is sent another version has that" lists_message kp-cerc "$again"
within 20 "who was handed the one before gets it by itself" has kp-lab "$again"
within 20 "wherever that is" has national "$again"
is "and it counts once" "$(khabar kp-cerc --json list | grep -c green.example)" 1

# ---- what becomes of it ----

khabar national withdraw evil.example --because wrong --yes >/dev/null
within 20 "what its author revokes is revoked for who was handed it" unknown kp-cerc evil.example
ok "the rest holds" knows kp-cerc 198.51.100.9
like "it says who passed that on" "$(khabar kp-cerc --json list --all | grep '"revoked": *true')" \
	'"node": ?"national".*"forwarded_by": ?"kp"'
is "once" "$(khabar kp-cerc --json list --all | grep -c '"revoked": *true')" 1
lab stop kp
lab start kp
ok "kp is started again" knows kp 198.51.100.9
khabar national withdraw "$id" --because leaked --yes >/dev/null
within 20 "what its author recalls" is_recalled kp "$id"
within 20 "is recalled from who was handed it" is_recalled kp-cerc "$handed"
ok "who knows no more of it" unknown kp-cerc 198.51.100.9
like "nor holds anything" "$(khabar kp-cerc held)" '^$'
within 20 "its body is erased there" erased kp-cerc
refused "what is recalled is not passed on" 'recalled' "$id" --to kp-lab --reason x

# ---- while somebody is away, or falls ----

lab stop kp-cerc
id=$(send national away.example --tlp amber --to kp)
within 20 "kp has the next" knows kp away.example
handed=$(forward kp "$id" --to down --reason "for both")
within 20 "kp-lab would get it, but for kp-cerc" has kp "$handed"
khabar national withdraw "$id" --because leaked --yes >/dev/null
lab kill kp
lab start kp
within 20 "kp has fallen, and recalls it all the same" is_recalled kp "$handed"
lab stop kp
lab start kp
lab start kp-cerc
within 20 "who was away hears of both" is_recalled kp-cerc "$handed"
within 20 "and so does who is below" is_recalled kp-lab "$handed"
ok "neither knows it" unknown kp-lab away.example
before=$(status_of kp messages)
lab stop kp
lab start kp
within 20 "kp is back once more" linked kp-cerc kp
is "it was recalled once" "$(status_of kp messages)" "$before"

# ---- hostile forwards, in kp's name ----

amber=$(send national amber.example --tlp amber --to kp)
within 20 "kp has one more" knows kp amber.example
khabar kp show "$amber" --raw >"$work/amber.raw"
khabar kp show "$strict" --raw >"$work/strict.raw"
khabar kp show "$marked" --raw >"$work/marked.raw"
lab stop kp
files=()
forge() {
	"$forger" "$lab/$1" "$2" "$work/$3" "$4" >"$work/forged-$1-$2-$3-$4" || bail "not forged: $*"
	files+=("$work/forged-$1-$2-$3-$4")
}
for how in none body tlp expiry author key cut reason; do forge kp "$how" amber.raw kp-cerc; done
forge kp none strict.raw kp-cerc
forge kp none marked.raw kp-cerc
forge kp nested green kp-cerc
is "a neighbour is taken in" "$(timeout 300 "$attacker" "$lab/kp" kp-cerc carry "${files[@]}" 2>&1)" \
	"all of it is taken"
within 20 "the one as it should be is found" knows kp-cerc amber.example
ten_held() { [ "$(khabar kp-cerc --json held | wc -l)" -eq 10 ]; }
within 20 "ten are held" ten_held
held=$(khabar kp-cerc --json held)
for why in 'not sealed as it should be' 'TLP and the expiry' 'not signed by its author' \
	"key that it hands on" 'no whole message' 'AMBER.STRICT, which is never' 'marked no-forward' \
	'a forward itself'; do
	like "held: $why" "$held" "\"node\": ?\"kp\".*\"why\": ?\"[^\"]*$why"
done
is "and nothing of them is known" "$(khabar kp-cerc --json list | grep -c 'strict\|marked')" 0
like "not even to who asks for one" "$(shown kp-cerc \
	"$(grep 'AMBER.STRICT' <<<"$held" | sed 's/.*"message": *"\([0-9a-f]*\)".*/\1/')")" \
	'"closed": ?"what it hands on is TLP:AMBER\+STRICT'

files=()
forge kp none amber.raw punjab
timeout 300 "$attacker" "$lab/kp" national carry "${files[@]}" >/dev/null 2>&1
within 20 "to who is not below kp: held" holds_why punjab 'punjab is not'
ok "and not known" unknown punjab amber.example
like "relays see nothing of it" "$(khabar national held)" '^$'

khabar kp-cerc show "$copy" --raw >"$work/copy.raw"
lab stop kp-cerc
files=()
forge kp-cerc none copy.raw kp-lab
timeout 300 "$attacker" "$lab/kp-cerc" kp-lab carry "${files[@]}" >/dev/null 2>&1
within 20 "by who was not sent it: held" holds_why kp-lab 'what was not sent to it'

lab start kp
lab start kp-cerc
for node in national kp kp-cerc kp-lab punjab; do
	ok "the store of $node is sound" khabar "$node" check-store
done
finish
