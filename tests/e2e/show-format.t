#!/bin/bash
# A message for those who have no node: as text, as HTML, as a mail, whatever is in it.
. tests/tap.sh
clock_calm

family national kp >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

cat >"$work/bundle.json" <<'END'
{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[
 {"type":"indicator","spec_version":"2.1","id":"indicator--22222222-2222-4222-8222-222222222222",
  "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","valid_from":"2026-01-01T00:00:00Z",
  "pattern_type":"stix","pattern":"[domain-name:value = 'bad.example']",
  "name":"خبردار\r\nBcc: all@example.org <script>alert(\"1\")</script> & so on, خبردار خبردار خبردار خبردار خبردار",
  "description":"first line\n\r\n.\r\n</pre><img src=x onerror=y>\u001b[31m\u202e"}]}
END
message=$(khabar kp --json import "$work/bundle.json" --format stix --tlp green --to all --exercise --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
held_by() { khabar national show "$1" | grep -q bad.example; }
within 60 "national has it" held_by "$message"

# ---- text ----

ok "text" khabar national show "$message" --format text
like "who says it, and how far it may go" "$out" '^TLP:GREEN: for the community'
like "that it is an exercise" "$out" '^EXERCISE: nothing of it is real$'
like "what it is about" "$out" "^ +pattern: \[domain-name:value = 'bad.example'\]$"
like "what could do harm is written out" "$out" '\\x1b\[31m\\u202e'

# ---- HTML ----

ok "HTML" khabar national show "$message" --format html
like "it is a page" "$out" '^<!DOCTYPE html>$'
like "what others wrote is text" "$out" '&lt;script&gt;alert\(&quot;1&quot;\)&lt;/script&gt; &amp; so on'
is "no element but ours" "$(grep -ciE '<(script|img|a|link|iframe)[ >]' <<<"$out")" 0
is "and one end" "$(grep -o '</pre>' <<<"$out" | wc -l)" 1
is "nothing is fetched from elsewhere" "$(grep -ciE '(src|href)=[^x]|url\(' <<<"$out")" 0

# ---- mail ----

khabar national show "$message" --format mail >"$work/mail"
head=$(sed '/^\r*$/,$d' "$work/mail" | tr -d '\r')
is "the headers are these" "$(sed -n 's/^\([A-Za-z-]*\):.*/\1/p' <<<"$head" | tr '\n' ' ')" \
	"Date From Subject Message-ID MIME-Version Content-Type Content-Transfer-Encoding "
is "no line is long, none ends but with CR LF, all are ASCII" \
	"$(LC_ALL=C grep -cvE $'^[ -~]{0,78}\r$' "$work/mail")" 0
like "it has a date" "$head" '^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} \+0000$'
subject=$(perl -MMIME::Base64 -0777 -ne 's/\r\n //g; /^Subject: ?(.*?)\r\n/m; my $s = $1; $s =~ s/ //g;
	print join "", map { decode_base64($_) } $s =~ /=\?UTF-8\?B\?([^?]*)\?=/g' "$work/mail")
like "the subject is what it was, on one line" "$subject" '^\[TLP:GREEN\] EXERCISE: خبردار\\x0d\\x0aBcc: all@example.org'
is "each word of it is whole by itself" "$(perl -MMIME::Base64 -MEncode -ne '
	while (/=\?UTF-8\?B\?([^?]*)\?=/g) { my $w = decode_base64($1); eval { decode("UTF-8", $w, 1); 1 } or print "broken" }' "$work/mail")" ""
perl -MMIME::Base64 -0777 -ne 's/.*?\r\n\r\n//s; print decode_base64($_)' "$work/mail" >"$work/text"
is "the body is the text" "$(cat "$work/text")" "$(khabar national show "$message" --format text | tail -n +3)"
exits 3 "who sends it is one address" 'an address is wanted' khabar national show "$message" --format mail --from $'a@b.example\nBcc: c@d.example'
exits 3 "and for mails" 'for --format mail' khabar national show "$message" --format text --from soc@cert.example
exits 3 "other forms are not known" 'text, html or mail' khabar national show "$message" --format pdf
exits 3 "one thing or the other" 'neither' khabar national show "$message" --format html --raw

# ---- an advisory ----

printf '198.51.100.7\n' >"$work/values"
printf 'A flaw in the mail server.\nIt is being used.\n' >"$work/text.txt"
advisory=$(khabar national --json advisory --title "Patch the mail server" --text "$work/text.txt" --course-of-action "Install the update" \
	--indicators "$work/values" --tlp amber --to kp --ack-by 2d --yes | sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
within 60 "kp has an advisory" khabar kp show "$advisory" --raw
ok "which reads as a text" khabar kp show "$advisory" --format text
like "with its title" "$(head -n 1 <<<"$out")" '^\[TLP:AMBER\] Patch the mail server \(national\)$'
like "what its TLP allows" "$out" '^TLP:AMBER: for your organisation and its clients'
like "what happened" "$out" '^A flaw in the mail server\.$'
like "until when an answer is wanted" "$out" '^please acknowledge by: 20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{5} UTC$'
is "what to do, and what to look for" "$(grep -A 2 -E '^What to' <<<"$out" | grep -E '^ ' | sed 's/, until.*//' | tr -d '\n')" \
	"  - Install the update  - 198.51.100.7"
khabar kp show "$advisory" --format mail --from soc@kp.example >"$work/mail"
like "as a mail it has its sender" "$(tr -d '\r' <"$work/mail")" '^From: soc@kp\.example$'
like "and a subject that can be read as it is" "$(tr -d '\r' <"$work/mail")" '^Subject: \[TLP:AMBER\] Patch the mail server \(national\)$'
name() { khabar kp show "$advisory" --format mail | sed -n 's/^Message-ID: //p'; }
is "made again it is the same mail" "$(name)" "$(name)"

# ---- an incident ----

n=kp-$(date -u +%Y)-1
ok "kp reports an incident" khabar kp incident open --class fraud --type phishing --severity high --title $'=?UTF-8?B?QmNj?= of a bank\nBcc: all' \
	--affected "A bank" --reported-by "The bank" --early-warning --description $'They ask for passwords.\n<b>now</b>' --exercise --yes
knows_it() { khabar national incident show "$n"; }
within 60 "national knows of it" knows_it
first=$(khabar national incident show "$n" --format mail | tr -d '\r' | sed -n 's/^Message-ID: //p')
like "its mail has a name" "$first" '^<[0-9a-f]{40}@khabar\.invalid>$'
ok "national answers" khabar national incident ack "$n" "we call them" --yes
khabar national incident show "$n" --format mail >"$work/mail"
is "every line of the next is short, and ASCII" "$(LC_ALL=C grep -cvE $'^[ -~]{0,78}\r$' "$work/mail")" 0
is "which is a reply to the first" "$(tr -d '\r' <"$work/mail" | sed -n 's/^In-Reply-To: //p')" "$first"
is "a title cannot say more than it is" "$(grep -c '^Bcc' "$work/mail")" 0
is "nor hide what it says" "$(grep -cF '=?UTF-8?B?QmNj?=' "$work/mail")" 0
perl -MMIME::Base64 -0777 -ne 's/.*?\r\n\r\n//s; print decode_base64($_)' "$work/mail" >"$work/text"
for line in 'TLP:AMBER: for your organisation' 'EXERCISE: nothing of it is real' "number: $n" 'severity: high' 'reported by: The bank' \
	'affected: A bank' 'early-warning: done 20' 'answer: done 20' 'They ask for passwords\.' 'we call them'; do
	like "the mail has: $line" "$(<"$work/text")" "^$line"
done
is "the text is the same" "$(khabar national incident show "$n" --format text | tail -n +3)" "$(<"$work/text")"
like "HTML is text" "$(khabar national incident show "$n" --format html)" '^&lt;b&gt;now&lt;/b&gt;$'
exits 3 "of an incident other forms are not known either" 'text, html or mail' khabar national incident show "$n" --format pdf
finish
