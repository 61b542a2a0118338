#!/bin/bash
# A MISP instance that publishes on its ZeroMQ socket: events of our own organisation are shared,
# their changes too, and what our feed has delivered to it never comes back.
. tests/tap.sh

publisher=$bin/tests/e2e/publisher
[ -x "$publisher" ] || bail "no publisher: make tests"
family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
box=$work/box
mkdir "$box"
"$publisher" "$box" >"$work/publisher.log" 2>&1 &
there() { [ -s "$box/endpoint" ]; }
within 30 "MISP is there" there
endpoint=$(<"$box/endpoint")
ours=5f6d0b64-5f4c-4f39-8d5a-4a1d0a0b0c0d
theirs=11111111-2222-4333-8444-555555555555
event=aaaaaaaa-0000-4000-8000-00000000000

lab stop east
plain=$(<"$lab/east/khabardar.zpl")
configure() {
	printf '%s\nmisp\n    local\n        from = "%s"\n' "$plain" "$endpoint" >"$lab/east/khabardar.zpl"
	printf '        %s\n' "$@" >>"$lab/east/khabardar.zpl"
}
checked() { "$bin/khabardar" --home "$lab/east" -n; }
configure 'to = all'
exits 1 "whose events they are has to be said" '"from", "org" and "to" are wanted' checked
configure 'to = all' 'org = me'
exits 1 "by its uuid" 'no uuid' checked
configure 'to = all' "org = $ours" 'tlp = red'
exits 1 "TLP:RED is refused" 'never shared by itself' checked
configure 'to = all' "org = $ours"
ok "the configuration is in order" checked
ok "east starts" lab start east

number=0
# publish TOPIC JSON: MISP says so.
publish() {
	number=$((number + 1))
	printf '%s %s' "$1" "$2" >"$box/part"
	mv "$box/part" "$(printf '%s/%04d.msg' "$box" "$number")"
}
# attribute NUMBER VALUE [MORE]
attribute() {
	printf '{"uuid":"bbbbbbbb-0000-4000-8000-00000000000%s","type":"domain","category":"Network activity",' "$1"
	printf '"to_ids":true,"timestamp":"1700000000","value":"%s"%s}' "$2" "${3:-}"
}
# event NUMBER ORG TAGS ATTRIBUTES [MORE]
event() {
	printf '{"Event":{"uuid":"%s%s","info":"An event","date":"2026-11-01","timestamp":"1700000000",' "$event" "$1"
	printf '"published":true,"distribution":"3","Orgc":{"uuid":"%s","name":"Us"},"Tag":[%s],"Attribute":[%s]%s}}' \
		"$2" "$3" "$4" "${5:-}"
}
tag() { printf '{"name":"%s"}' "$1"; }
unknown() { khabar "$1" --json check "$2" | grep -q '"known": *false'; }
taken() { khabar east --json status | grep -qE "\"kind\": *\"misp\", *\"name\": *\"local\", *\"taken\": *$1,"; }
warned() { khabar east status | grep -qF "warning: misp local: $1"; }
not_warned() { ! khabar east status | grep -q 'warning: misp local'; }

# What must not be shared comes first: when what follows it has arrived, it has been looked at.
publish misp_json "$(event 1 $theirs "$(tag tlp:green)" "$(attribute 1 theirs.example)")"
publish misp_json "$(event 2 $ours "$(tag tlp:red)" "$(attribute 2 red.example)")"
publish misp_json "$(event 3 $ours "$(tag tlp:green),$(tag 'khabardar:node=\"root\"')" "$(attribute 3 back.example)")"
publish misp_json "$(event 4 $ours "$(tag tlp:green)" "$(attribute 4 inside.example)" | sed 's/"distribution":"3"/"distribution":"0"/')"
publish misp_json "$(event 5 $ours "$(tag tlp:green)" "$(attribute 5 draft.example)" | sed 's/"published":true/"published":false/')"
publish misp_json 'not JSON'
publish misp_json '{"Event":{"uuid":"../../node.key"}}'
publish misp_json_event "$(event 6 $ours "$(tag tlp:green)" "$(attribute 6 edited.example)")"
publish misp_json "$(event 7 $ours "$(tag tlp:green)" \
	"$(attribute 7 one.example),$(attribute 8 two.example),$(attribute 9 closed.example ',"distribution":"0"')")"
within 60 "an event of our own organisation is shared" knows root one.example
within 20 "status counts it" taken 1
ok "all of it" knows root two.example
for value in theirs red back inside draft edited closed; do
	ok "$value.example is not" unknown east "$value.example"
done
like "under its own TLP" "$(khabar east --json list)" '"tlp": *"green"'
ok "and nothing is wrong" not_warned

shares() { khabar east --json audit | grep -c '"do": *"share"'; }
before=$(shares)
publish misp_json "$(event 7 $ours "$(tag tlp:green)" \
	"$(attribute 7 one.example),$(attribute 8 two-b.example),$(attribute 0 three.example)")"
within 60 "what is new in it is shared" knows root three.example
within 60 "what was changed is changed" knows root two-b.example
within 60 "at all" unknown root two.example
ok "what stayed is known" knows root one.example
within 20 "it was taken" taken 2
publish misp_json "$(event 7 $ours "$(tag tlp:green)" "$(attribute 0 three.example)")"
within 60 "what has left it is withdrawn" unknown root one.example
ok "what stayed is known still" knows root three.example

# A tag of TLP that somebody has added makes it stricter, and what is stricter does not go to all.
publish misp_json "$(event 8 $ours "$(tag tlp:green)" "$(attribute 1 amber.example ",\"Tag\":[$(tag tlp:amber)]")")"
within 60 "an event with a stricter attribute is not loosened" warned '1 event could not be shared'
ok "it is not known" unknown east amber.example
like "the reason is kept" "$(cat "$lab"/east/misp/local/*.why)" 'AMBER|amber'
publish misp_json "$(event 8 $ours "$(tag tlp:green)" "$(attribute 1 amber.example)")"
within 60 "without it, it is" knows root amber.example
within 60 "and nothing is wrong any more" not_warned
mkdir -p "$lab/east/misp/local/${event}9.refused/in-the-way"
publish misp_json "$(event 9 $ours '' "$(attribute 2 untagged.example)")"
within 60 "one that cannot be put away is told of" warned "event ${event}9 cannot be put away"
rm -r "$lab/east/misp/local/${event}9.refused"
within 60 "one that says no TLP is not shared" warned '1 event could not be shared'
is "what waits there is closed to others" "$(stat -c %a "$lab/east/misp" "$lab/east/misp/local" | sort -u)" 700

# The loop: what our feed delivers, MISP publishes.
ok "root shares" khabar root share far.example --tlp green --to all --yes
within 90 "east knows it" knows east far.example
ok "east exports a feed" khabar east export --format misp-feed --out "$work/feed"
files=("$work"/feed/*-*.json)
ok "with an event for each message" test "${#files[@]}" -ge 2
# As feeds name this node, so is no organisation of MISP.
own=$(tr -d '\n' <"$work"/feed/manifest.json | grep -o '"name": *"east", *"uuid": *"[0-9a-f-]*' | head -n 1)
cp "$lab/east/khabardar.zpl" "$work/kept.zpl"
configure 'to = all' "org = ${own##*\"}"
exits 1 "the node itself is refused as an organisation" 'uuid of the organisation in MISP is wanted' checked
cp "$work/kept.zpl" "$lab/east/khabardar.zpl"
before=$(shares)
for file in "${files[@]}"; do
	publish misp_json "$(tr -d '\n' <"$file")"
	# MISP can be told to make such events its own.
	publish misp_json "$(tr -d '\n' <"$file" | sed "s/\"Orgc\":{[^}]*}/\"Orgc\":{\"name\":\"Us\",\"uuid\":\"$ours\"}/")"
done
publish misp_json "$(event 7 $ours "$(tag tlp:green)" "$(attribute 0 three.example),$(attribute 3 last.example)")"
within 60 "after all of them another event is shared" knows root last.example
is "and nothing else" "$(shares)" $((before + 1))

# What came while the node was away from its store is not lost, nor what stood still.
publish misp_json_event "{\"Event\":{\"uuid\":\"${event}7\"},\"action\":\"delete\"}"
within 60 "an event that is deleted is withdrawn" unknown root last.example
within 60 "all of it" unknown root three.example
lab stop east
configure 'to = all' "org = $ours" 'tlp = green'
ok "east starts with a TLP for events without" lab start east
within 60 "what could not be shared is" knows root untagged.example
within 60 "and nothing is wrong" not_warned
rm -rf "$box"
lab stop east
finish
