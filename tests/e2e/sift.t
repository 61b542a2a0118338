#!/bin/bash
# check --file: what is found in a log is what check says of every value in it, however the log is
# packed, cut, damaged or made to trip whoever reads it.
. tests/tap.sh

family solo >"$work/text.zpl"
lab_up --topology "$work/text.zpl"

# ---- what is known ----

perl -e '
	srand 5;
	print "10.", int rand 4, ".", int rand 256, ".", int rand 256, "\n" for 1 .. 300;
	print "10.9.", int rand 256, ".0/24\n" for 1 .. 20;
	print "2001:db8:", sprintf("%x", rand 65536), "::/48\n" for 1 .. 20;
	print "h", int rand 400, ".evil.example\n" for 1 .. 100;
	print "http://w", int rand 50, ".example/a?b=", int rand 9, "\n" for 1 .. 50;
	print "/p", int rand 100, ".php\n", "m", int rand 50, "\@evil.example\n" for 1 .. 30;
	printf "%032x\n", $_ for 1 .. 30;
' | sort -u >"$work/list"
ok "a list of every sort of value is imported" \
	khabar solo import "$work/list" --tlp green --to all --yes

# ---- a log that nobody wrote ----

perl -e '
	srand 6;
	sub pick { $_[rand @_] }
	sub value {
		pick(sub { "10." . int(rand 10) . "." . int(rand 256) . "." . int(rand 256) },
			sub { "10.9." . int(rand 256) . ".7:" . int(rand 70000) },
			sub { sprintf "2001:db8:%x::%x", rand 65536, rand 99 },
			sub { pick("", "a.", "A.b.") . "h" . int(rand 500) . ".Evil.Example" },
			sub { "hxxp://w" . int(rand 60) . "[.]example/a?b=" . int(rand 12) },
			sub { "/p" . int(rand 120) . ".php" },
			sub { "m" . int(rand 60) . "\@evil.example" },
			sub { sprintf "%032X", rand 60 },
			sub { join "", map { chr(33 + rand 94) } 1 .. 1 + rand 20 })->()
	}
	for (1 .. 4000) {
		print pick("", " ", "\t"), join pick(" ", ",", "\"", "=", "(", "; "),
			map { pick("", "", "src=", "[", "(", "x:") . value() . pick("", "", ".", ")", "]") }
			1 .. 1 + rand 6;
		print "\n";
	}
' >"$work/log"

# found FILE: the lines that check --file shows, without times.
found() { khabar solo --json check --file "$1" | tr -d ' '; }

found "$work/log" >"$work/found"
ok "many lines of it are shown" [ "$(wc -l <"$work/found")" -gt 1000 ]

# Every piece that the plain way of cutting gives is asked for by itself.
cat >"$work/cut.pl" <<'EOF'
# The pieces of SPEC 8.3.1; with an argument only the first ones, of which all are looked up.
use strict;
my $last = shift // 3;
my @at = (qr/[ \t\r\n"'`<>|,;\0]+/, qr/[=(){}\[\]]/, qr/[\/\\?&]/, qr/:/);
my %seen;
sub cut {
	my ($text, $level) = @_;
	for my $piece (split $at[$level], $text) {
		$piece =~ s/^[\(\[{*-]+//;
		$piece =~ s/[)\]}.:!?*]+$//;
		next if length $piece < 3;
		print "$piece\n" unless $seen{$piece}++;
		cut($piece, $level + 1) if $level < $last;
	}
}
while (<STDIN>) { cut($_, 0) }
EOF
known_among() {
	local pieces
	while mapfile -t -n 900 pieces && [ "${#pieces[@]}" -gt 0 ]; do
		khabar solo --json check -- "${pieces[@]}" 2>/dev/null
	done | tr -d ' ' | grep '"known":true' | LC_ALL=C sort -u
}
perl "$work/cut.pl" <"$work/log" | known_among >"$work/known"
perl "$work/cut.pl" 0 <"$work/log" | known_among >"$work/known.first"
sed 's/,"line":.*/}/' "$work/found" | LC_ALL=C sort -u >"$work/shown"
ok "of its pieces many are known" [ "$(wc -l <"$work/known.first")" -gt 200 ]
is "nothing is shown that check does not say in the same words" \
	"$(LC_ALL=C comm -23 "$work/shown" "$work/known" | head -3)" ""
is "and nothing is left out" "$(LC_ALL=C comm -13 "$work/shown" "$work/known.first" | head -3)" ""
is "each is shown with the line that it stands in" "$(perl -e '
	open my $log, "<", $ARGV[0]; my @lines = <$log>;
	open my $found, "<", $ARGV[1]; my $bad = 0;
	while (<$found>) {
		my ($value, $line) = /^\{"value":"((?:\\.|[^"\\])*)".*,"line":(\d+),"text":"/ or $bad++;
		$value =~ s/\\(.)/$1/g;
		$bad++ if index($lines[$line - 1], $value) < 0;
	}
	print $bad' "$work/log" "$work/found")" 0

# ---- packed ----

ok "packed by gzip, in two members" sh -c \
	"head -n 2000 '$work/log' | gzip >'$work/log.gz' && tail -n +2001 '$work/log' | gzip >>'$work/log.gz'"
found "$work/log.gz" >"$work/found.gz"
ok "it says the same" cmp "$work/found" "$work/found.gz"
khabar solo --json check --file - <"$work/log.gz" | tr -d ' ' >"$work/found.gz"
ok "and through a pipe" cmp "$work/found" "$work/found.gz"
ok "one more value" khabar solo share 192.0.2.1 --tlp green --to all --yes
printf '\050\265\057\375\044\022\221\000\000\061\071\062\056\060\056\062\056\061\040\151\156\040\172\163\164\144\012\205\272\122\252' \
	>"$work/log.zst"
like "packed by zstd" "$(khabar solo --json check --file "$work/log.zst")" \
	'"value":"192.0.2.1".*"line":1,"text":"192.0.2.1 in zstd"'
head -c 2000 "$work/log.gz" >"$work/cut.gz"
exits 1 "the half of a file" 'cut.gz: ends in the middle' khabar solo check --file "$work/cut.gz"
{ head -c 1000 "$work/log.gz" && printf 'xxxxxxxx' && tail -c +1009 "$work/log.gz"; } >"$work/bad.gz"
exits 1 "a damaged one" 'bad.gz: is damaged' khabar solo check --file "$work/bad.gz"
head -c 20 "$work/log.zst" >"$work/cut.zst"
exits 1 "the half of another" 'cut.zst: ends in the middle' khabar solo check --file "$work/cut.zst"
exits 1 "none at all" 'No such file' khabar solo check --file "$work/no-such-file"
: >"$work/empty"
is "an empty one" "$(khabar solo check --file "$work/empty")" ""

# ---- lines to trip over ----

perl -e '
	print "a#b\n", "\x00192.0.2.1\x00\n", "x" x 3_000_000, " 192.0.2.1\n", "=" x 100_000, "\n";
	print "a.b=" x 60_000, "192.0.2.1\n", "(" x 70_000, "192.0.2.1", ")" x 70_000, "\n";
	print "\xff\xfe\x01 \x80.\x81 http://\xff/ 192.0.2.1\n", "192.0.2.1 " x 50_000;
' >"$work/odd"
is "values in lines that nobody expects are found, each once" \
	"$(khabar solo --json check --file "$work/odd" | grep -o '"line":[0-9]*' | tr '\n' ' ')" \
	'"line":2 "line":3 "line":5 "line":6 "line":7 "line":8 '

# ---- a log that goes on ----

shows() { grep -q "$1" "$work/live"; }
mkfifo "$work/fifo"
khabar solo --json check --file "$work/fifo" >"$work/live" &
reader=$!
exec 9>"$work/fifo"
printf 'one 192.0.2.1\n' >&9
within 10 "what has come is looked up before more comes" shows '"line":1'
# By now the node has been asked: what is not known below is remembered as that.
printf 'two 192.0.2.77\nagain 192.0.2.1\n' >&9
within 10 "nothing is told of what is not known" shows '"line":3'
ok "what was not known" khabar solo share 192.0.2.77 --tlp green --to all --yes
printf 'three 192.0.2.77\n' >&9
within 10 "is known once it is" shows '"line":4'
exec 9>&-
wait "$reader"
is "and the rest is as it was" "$(wc -l <"$work/live")" 3

finish
