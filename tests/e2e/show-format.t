#!/bin/bash
# A message for those who have no node: as text, as HTML, as a mail, whatever is in it.
. tests/tap.sh

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
like "who says it, and how far it may go" "$out" '^TLP:green$'
like "that it is an exercise" "$out" '^EXERCISE: nothing of it is real$'
like "what it is about" "$out" "^pattern: \[domain-name:value = 'bad.example'\]$"
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
like "the date is that of the message" "$head" '^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} \+0000$'
subject=$(perl -MMIME::Base64 -0777 -ne 's/\r\n //g; /^Subject: ?(.*?)\r\n/m; my $s = $1; $s =~ s/ //g;
	print join "", map { decode_base64($_) } $s =~ /=\?UTF-8\?B\?([^?]*)\?=/g' "$work/mail")
like "the subject is what it was, on one line" "$subject" '^\[TLP:green\] EXERCISE: خبردار\\x0d\\x0aBcc: all@example.org'
is "each word of it is whole by itself" "$(perl -MMIME::Base64 -MEncode -ne '
	while (/=\?UTF-8\?B\?([^?]*)\?=/g) { my $w = decode_base64($1); eval { decode("UTF-8", $w, 1); 1 } or print "broken" }' "$work/mail")" ""
perl -MMIME::Base64 -0777 -ne 's/.*?\r\n\r\n//s; print decode_base64($_)' "$work/mail" >"$work/text"
is "the body is the text" "$(cat "$work/text")" "$(khabar national show "$message" --format text | tail -n +2)"
exits 3 "other forms are not known" 'text, html or mail' khabar national show "$message" --format pdf
exits 3 "one thing or the other" 'neither' khabar national show "$message" --format html --raw
finish
