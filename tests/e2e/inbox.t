#!/bin/bash
# What people write to each other: the inbox, questions, answers, what was read and what was not.
. tests/tap.sh

family national kp punjab >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

send() { khabar "$1" --json "${@:2}" --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p'; }
inbox() { khabar "$1" --json inbox "${@:2}"; }
counts() { inbox "$1" | sed -n 's/^{"unread": *\([0-9]*\), *"wanted": *\([0-9]*\), *"ours": *\([0-9]*\), *"public": *\([0-9]*\).*/\1 \2 \3 \4/p'; }
counts_are() { [ "$(counts "$1")" = "$2" ]; }
first() { inbox "$1" | sed -n 's/.*"messages": *\[{"message": *"\([0-9a-f]*\)".*/\1/p'; }
answered() { khabar "$1" show "$2" | grep -q "^answer  .*$3"; }

# ---- what comes, the most urgent first ----

is "at first there is nothing" "$(counts kp)" "0 0 0 0"
like "which is said" "$(khabar kp inbox)" 'nothing is unread'
public=$(send national share 192.0.2.1 --tlp green --to all)
sealed=$(send national share 192.0.2.2 --tlp amber --to kp)
asked=$(send national share 192.0.2.3 --tlp green --to all --receipt)
within 60 "three messages are unread" counts_are kp "3 1 1 1"
is "what is to be acknowledged comes first" "$(first kp)" "$asked"
ok "for people" khabar kp inbox
like "it says so" "$out" "^${asked:0:12} +national +green .* ACK +192.0.2.3"
like "then what is to this node" "$out" "^${sealed:0:12} +national +amber .* 192.0.2.2"
like "then what is to everyone" "$out" "^${public:0:12} "
like "and how many there are" "$out" '3 unread: 1 to be acknowledged, 1 to this node, 1 to everyone'
is "as many as asked for" "$(inbox kp --limit 2 | grep -o '"message":' | wc -l)" 2
like "a line has it all" "$(inbox kp)" \
	'"node": ?"national", ?"tlp": ?"green", ?"priority": ?0, ?"to": ?"all", ?"wants": ?"acknowledgement", ?"read": ?false'
is "what one said oneself is not there" "$(counts national)" "0 0 0 0"

# ---- read, and acknowledged ----

ok "a person looks at one" khabar kp show "$sealed"
within 60 "then it is read" counts_are kp "2 1 0 1"
ok "a program does not" khabar kp --json show "$public"
is "so it is not" "$(counts kp)" "2 1 0 1"
ok "what wants an acknowledgement is looked at" khabar kp show "$asked"
within 60 "and stays until there is one" counts_are kp "2 1 0 1"
like "but is read" "$(inbox kp)" '"wants": ?"acknowledgement", ?"read": ?true'
ok "which is given" khabar kp ack "${asked:0:8}"
within 60 "then it is gone" counts_are kp "1 0 0 1"
like "one can be marked" "$(khabar kp inbox read "${public:0:8}")" '1 marked'
within 60 "and nothing is left" counts_are kp "0 0 0 0"
like "twice changes nothing" "$(khabar kp --json inbox read "$public")" '"read": ?0'
within 60 "at punjab all is still there" counts_are punjab "2 1 0 1"
like "all can be marked" "$(khabar punjab inbox read --all)" '1 marked'
within 60 "but what wants an acknowledgement" counts_are punjab "1 1 0 0"
exits 1 "an unknown id is named" 'no message' khabar kp inbox read 00000000
exits 3 "ids, or all" 'or --all' khabar kp inbox read
exits 3 "nothing else" 'not wanted' khabar kp inbox write

# ---- questions and answers ----

question=$(send kp ask "Did anybody see 192.0.2.2?" --to national,punjab)
within 60 "a question wants an answer" counts_are national "1 1 0 0"
like "and can be read at once" "$(khabar national inbox)" 'kp +amber .* ACK +Did anybody see 192\.0\.2\.2\?'
exits 1 "nobody answers unasked" '--yes' khabar national reply "$question" "Yes."
answer=$(send national reply "${question:0:8}" $'Yes.\nTwice.')
like "the answer is sealed, under the same TLP" "$(khabar national --json show "$answer")" \
	'"tlp": ?"amber", ?"flags": ?\["sealed"\].*"ref": ?"'"$question"
like "it goes to who asked alone" "$(khabar national --json show "$answer")" '"recipients": ?2, ?"to": ?\[("(kp|national)",? ?){2}\]'
within 60 "who has answered has noted it" counts_are national "0 0 0 0"
within 60 "who asked gets it" counts_are kp "1 0 1 0"
like "as an answer" "$(khabar kp inbox)" 'national +amber .* re +Yes\.$'
like "to what" "$(inbox kp)" "\"answers\": ?\"$question\""
within 60 "the question names its answers" answered kp "$question" "national.*Yes\."
like "with --json too" "$(khabar kp --json show "$question")" "\"answers\": ?\[\{\"message\": ?\"$answer\""
exits 1 "an answer is no looser" 'no looser' khabar kp reply "$answer" "x" --tlp green --to all --yes
exits 1 "what is not here is not answered" 'no message' khabar kp reply 00000000 x --yes
exits 1 "what is only carried neither" 'only carries|cannot be answered|no message' \
	khabar punjab reply "$answer" x --yes
exits 1 "a text is wanted" 'text' khabar kp reply "$answer" "" --yes
exits 3 "and one alone" 'wanted' khabar kp reply "$answer" --yes
printf 'from\n\033[31mstandard input\n' | "$bin/khabar" --home "$lab/kp" reply "$answer" - --yes >/dev/null 2>&1
within 60 "from standard input too" counts_are national "1 0 1 0"
if khabar national inbox | LC_ALL=C grep -q $'\x1b'; then
	result 1 "no control character comes out"
else
	result 0 "no control character comes out"
fi
own=$(send kp reply "$question" "We did, too.")
like "one's own message is answered to its readers" "$(khabar kp --json show "$own")" \
	'"recipients": ?3, ?"to": ?\[("(kp|national|punjab)",? ?){3}\]'

# ---- recalled, built again, started again ----

within 60 "punjab has all of it" counts_are punjab "3 2 1 0"
ok "the question is recalled" khabar kp withdraw "$question" --because leaked --yes
within 60 "and is in no inbox" counts_are punjab "2 1 1 0"
within 60 "national has the answers" counts_are national "2 0 2 0"
within 60 "and kp has nothing to read" counts_are kp "0 0 0 0"
for node in national kp punjab; do
	before=$(counts "$node")
	ok "the store of $node is sound" khabar "$node" check-store
	ok "its index is built again" khabar "$node" reindex
	is "with the same in it" "$(counts "$node")" "$before"
done
ok "punjab is killed" lab kill punjab
ok "and starts" lab start punjab
is "what was read stays read" "$(counts punjab)" "2 1 1 0"
finish
