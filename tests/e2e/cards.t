#!/bin/bash
# Cards: a node moves and changes its keys, and no council signs anything, no message is lost.
. tests/tap.sh

family national punjab sindh >"$work/three.zpl"
lab_up --topology "$work/three.zpl"

link_key() { khabar "$1" --json keys show | sed -n 's/.*"link": *"\([0-9a-f]*\)".*/\1/p'; }
# card NODE OF KEY: a number or string of what NODE knows of OF's card.
card() { khabar "$1" --json card show "$2" | grep -o "\"$3\": *\(\[[^]]*\]\|\"[^\"]*\"\|[0-9]*\|null\)" | head -n 1; }
card_is() { grep -qE -e "$4" <<<"$(card "$1" "$2" "$3")"; }
changed() { ! grep -q "$2" <<<"$(link_key "$1")" && ! khabar "$1" --json keys show | grep -q link_next; }
whose_is() { khabar "$1" --json whose "$2" | grep -q "\"node\": *$3}"; }
# since NODE PEER: when their link came up.
since() { khabar "$1" --json status | grep -o "\"peer\": *\"$2\"[^}]*" | grep -o '"since": *"[^"]*"'; }
# Another address of this machine, with the port that the lab has reserved.
elsewhere() { sed -n 's/^bind = "tcp:\/\/127.0.0.1:\([0-9]*\)"/tcp:\/\/'"$2"':\1/p' "$lab/$1/khabardar.zpl"; }
rebind() { sed -i "s|^bind = .*|bind = \"$2\"|" "$lab/$1/khabardar.zpl"; }

# Both children speak all the time.
talk() {
	local n=0
	while [ ! -e "$work/quiet" ]; do
		n=$((n + 1))
		khabar "$1" share "$1-$n.example" --tlp green --to all --yes >/dev/null 2>&1 &&
			echo "$1-$n.example" >>"$work/said"
		sleep 0.1
	done
}
talk punjab &
talk sindh &

is "at first the topology speaks" "$(card punjab national source)" '"source":"topology"'
before=$(link_key national)

# ---- link keys ----

exits 0 "a listener's link key is changed" 'next link key is published' khabar national keys rotate link
within 20 "and in use when its neighbours know" changed national "$before"
within 20 "they dial it under the new one" linked punjab national
within 20 "both of them" linked sindh national
within 20 "its card says so" card_is sindh national link "$(link_key national)"
before=$(link_key punjab)
exits 0 "a dialer's link key is changed" 'next link key is published' khabar punjab keys rotate link
within 20 "and in use" changed punjab "$before"
within 20 "and let in" linked punjab national
like "whoever may not change keys is in no audit; this is" "$(khabar national --json audit)" '"rotate"'

# Nobody is left behind: the key in use stays until the last neighbour knows the next.
before=$(link_key national)
ok "sindh is away" lab stop sindh
exits 0 "the link key is changed again" 'sindh' khabar national keys rotate link
exits 1 "one change at a time" 'being changed already' khabar national keys rotate link
within 20 "punjab has heard" card_is punjab national link_next '"[0-9a-f]{64}"'
ok "national dies" lab kill national
ok "and starts" lab start national
within 20 "under the old key" linked punjab national
is "which is still in use" "$(link_key national)" "$before"
ok "sindh comes back" lab start sindh
within 20 "and the next one is used" changed national "$before"
within 20 "by all" linked sindh national
within 20 "by all of them" linked punjab national

# At once, as after a theft: who is away is handed the card.
before=$(link_key punjab)
stands=$(since sindh national)
ok "national is away" lab stop national
exits 0 "a key is changed without waiting" 'national' khabar punjab keys rotate link --now
ok "it is in use" changed punjab "$before"
ok "its card is written to a file" khabar punjab card show --export "$work/punjab.card"
ok "national starts" lab start national
exits 0 "and takes the card" 'and in force' khabar national card accept "$work/punjab.card"
within 20 "and lets punjab in" linked punjab national

# ---- moving ----

old=$(elsewhere national 127.0.0.1)
new=$(elsewhere national 127.0.0.2)
linked_anew() { linked sindh national && [ "$(since sindh national)" != "$stands" ]; }
within 20 "all links stand" linked_anew
stands=$(since sindh national)
exits 0 "national says where it will be" 'Card [0-9]+ is published' khabar national card set "$new"
within 20 "punjab has heard" card_is punjab national endpoints "127.0.0.2"
within 20 "sindh, too" card_is sindh national endpoints "127.0.0.2"
is "nothing has been cut" "$(since sindh national)" "$stands"
ok "it stops" lab stop national
rebind national "$new"
ok "it starts there" lab start national
within 20 "punjab finds it" linked punjab national
within 20 "sindh, too" linked sindh national

spoken() { [ "$(wc -l <"$work/said")" -gt 20 ]; }
within 60 "something was said meanwhile" spoken

# It moves without a word while all who dial it are down: a card by hand finds it again.
ok "everyone stops" lab stop punjab sindh national
touch "$work/quiet"
wait
newer=$(elsewhere punjab 127.0.0.3)
newer=${newer%:*}:${new##*:}
rebind national "$newer"
ok "national starts elsewhere" lab start national
ok "and says so, to nobody" khabar national card set "$newer"
ok "its card is written to a file" khabar national card show --export "$work/national.card"
ok "the others start" lab start punjab sindh
exits 0 "punjab is handed the card" 'and in force' khabar punjab card accept "$work/national.card"
within 20 "and finds it" linked punjab national
head -c 300 "$work/national.card" >"$work/cut.card"
exits 1 "half a card is none" 'not a message' khabar sindh card accept "$work/cut.card"
sed 's/KBR1/KBR2/' "$work/national.card" >"$work/altered.card"
exits 1 "nor is an altered one" 'not a message|signature' khabar sindh card accept "$work/altered.card"
exits 1 "nor a card of ZPL" 'not a message' khabar sindh card accept "$lab/national/node.card"
share punjab post.example >"$work/post"
khabar punjab show "$(<"$work/post")" --raw >"$work/post.raw"
exits 1 "nor a post" 'is no card' khabar sindh card accept "$work/post.raw"
exits 0 "sindh is handed it" 'and in force' khabar sindh card accept "$work/national.card"
exits 0 "twice is once" 'and in force' khabar sindh card accept "$work/national.card"
within 20 "and finds it, too" linked sindh national

# ---- nothing was lost ----

everything() { [ "$(khabar "$1" --json check --file "$work/said" | grep -c '"known": *true')" -eq "$(wc -l <"$work/said")" ]; }
within 20 "national knows all of it" everything national
within 20 "punjab, too" everything punjab
within 20 "and sindh" everything sindh

# ---- seal keys ----

old_id=$(khabar punjab --json share old-key.example --tlp amber --to sindh --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 20 "sealed to sindh under its first key" knows sindh old-key.example
exits 0 "sindh draws another" 'Seal key 2 is in use' khabar sindh keys rotate seal
within 20 "punjab seals to it" card_is punjab sindh seal_in_use 2
khabar punjab share new-key.example --tlp amber --to sindh --yes >/dev/null
within 20 "it opens" knows sindh new-key.example
ok "and so does what was sealed before" khabar sindh check old-key.example
ok "index and log agree" khabar sindh check-store
ok "sindh stops" lab stop sindh
exits 0 "keys are changed while no node runs" 'Seal key 3 is drawn' khabar sindh keys rotate seal
exits 0 "link keys, too" 'The next link key is drawn' khabar sindh keys rotate link
before=$(link_key sindh)
ok "sindh starts" lab start sindh
within 20 "and publishes them" card_is punjab sindh seal_in_use 3
within 20 "and changes over" changed sindh "$before"
within 20 "and is linked" linked sindh national
ok "what was sealed to any of its keys opens" khabar sindh check old-key.example new-key.example
ok "index and log agree" khabar sindh check-store
rm "$lab/sindh/run/admin.sock" 2>/dev/null
exits 1 "beside a running node nobody else changes keys" 'use|lock|busy|another' khabar sindh keys rotate seal
: "$old_id $old"

# ---- the rest of a card ----

exits 0 "a contact" 'is published' khabar punjab card contact "Duty desk" --email soc@punjab.example --phone '+92 1'
printf '203.0.113.0/24\npunjab.example # ours\nAS64500\n' >"$work/ours"
exits 0 "a constituency" 'is published' khabar punjab card constituency "$work/ours"
within 20 "reach the others" card_is national punjab domains punjab.example
shown=$(khabar national card show punjab)
like "who see the contact" "$shown" 'Duty desk, soc@punjab.example, \+92 1'
like "the networks" "$shown" '203.0.113.0/24'
like "the AS number" "$shown" 'AS64500'
like "and what was set before" "$shown" '^link '
like "whose an address is, is known everywhere" "$(khabar national whose 203.0.113.9)" '^punjab +203.0.113.0/24'
exits 0 "or nobody's" 'no card claims it' khabar national whose 192.0.2.1
like "its owner can be written to" "$(khabar national --json who --to owner-of:203.0.113.9 --tlp red)" '"audience": ?\["punjab"\]'
like "by any claim, beside others" "$(khabar national --json who --to owner-of:AS64500,sindh)" '"audience": ?\["punjab", ?"sindh"\]'
exits 1 "nobody's owner cannot" 'owner-of:192.0.2.1: .*nobody' khabar national who --to owner-of:192.0.2.1
exits 1 "nor that of what is no value" 'owner-of:' khabar national share x.example --to owner-of:, --tlp amber --yes
exits 1 "oneself is nobody" 'nobody' khabar punjab who --to owner-of:www.punjab.example
exits 0 "national claims the same" 'is published' khabar national card constituency "$work/ours"
within 20 "what two claim is nobody's" whose_is punjab www.punjab.example null
exits 1 "and cannot be written to" '2 nodes claim it' khabar punjab who --to owner-of:203.0.113.9
printf '203.0.113.1/24\n' >"$work/wrong"
exits 1 "what is no network is refused" 'line 1: .*bits are set' khabar punjab card constituency "$work/wrong"
printf '192.0.2.0/24 198.51.100.0/24\n' >"$work/wrong"
exits 1 "so are two on one line" 'line 1: .*one network, domain or AS number' khabar punjab card constituency "$work/wrong"
exits 3 "an endpoint that is none, too" 'write tcp://host:port' khabar punjab card set udp://x:1
exits 1 "and nobody's card" 'no node named "punjap"; did you mean "punjab"' khabar national card show punjap
ok "a contact goes" khabar punjab card contact "Duty desk" --remove
is "nothing is held anywhere" "$(khabar national --json held | wc -l)" 0
finish
