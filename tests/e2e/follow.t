#!/bin/bash
# Exports follow what is known, and a command is run after; nothing of it outlives the daemon.
. tests/tap.sh

family root east >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
dir=$work/exports
mkdir "$dir"
printf '#!/bin/sh\ngrep SigIgn /proc/self/status >%s/ignored\necho "$@" >>%s/ran\n' "$work" "$work" >"$work/reload"
printf '#!/bin/sh\nexit 3\n' >"$work/fails"
chmod +x "$work/reload" "$work/fails"
lab stop east
cat >>"$lab/east/khabardar.zpl" <<END
export
    resolver
        format = rpz
        out = $dir/rpz
        then = "reload zone here"
        every = 1
    domains
        format = list
        out = $dir/list
        type = domain
        then = $work/fails
        every = 1
END
exits 1 "a command without its path is refused" "named by its absolute path" "$bin/khabardar" --home "$lab/east" -n
sed -i "s|reload zone|$work/reload zone|" "$lab/east/khabardar.zpl"
sed -i "s|out = $dir/list|out = list|" "$lab/east/khabardar.zpl"
exits 1 "so is a folder that is not absolute" "not an absolute path" "$bin/khabardar" --home "$lab/east" -n
sed -i "s|out = list|out = $dir/list|" "$lab/east/khabardar.zpl"
ok "the configuration is in order" "$bin/khabardar" --home "$lab/east" -n
ok "east starts" lab start east

zone() { cat "$dir"/rpz/* 2>/dev/null; }
in_zone() { zone | grep -q "^$1 "; }
out_of_zone() { ! in_zone "$@"; }
in_list() { grep -qx "$1" "$dir"/list/* 2>/dev/null; }
runs() { [ -e "$work/ran" ] && grep -c . "$work/ran"; }
ran() { [ "$(runs)" -ge "$1" ]; }
# The oldest: one that it begins is for a moment what it is itself.
follower() { pgrep -o -f "khabar follow --child --home $lab/east\$"; }
fails() { khabar east status | grep -q 'export domains: its command ended with 3'; }
written() { khabar east --json status | grep -q '"name": *"resolver"'; }

zone_there() { [ -n "$(zone)" ]; }
within 20 "a zone is written, empty as it is" zone_there
within 20 "and its command is run" ran 1
ok "root shares what is to be blocked" khabar root share bad.example --use block --tlp green --to all --yes
within 20 "it is in east's zone" in_zone bad.example
within 20 "and in the list" in_list bad.example
within 20 "the resolver was told" ran 2
is "which is not deaf to a broken pipe" $((0x$(cut -f 2 "$work/ignored") & 0x1000)) 0
like "with its words" "$(tail -n 1 "$work/ran")" '^zone here$'
within 20 "a command that fails is a warning" fails
within 20 "status knows when it was written" written
before=$(runs)
ok "what is for another purpose comes" khabar root share seen.example --tlp green --to all --yes
within 20 "is in the list" in_list seen.example
is "but the resolver is left alone" "$(runs)" "$before"
ok "root takes it back" khabar root withdraw bad.example --because wrong --yes
within 20 "it is out of the zone" out_of_zone bad.example
in_no_list() { ! in_list bad.example; }
within 20 "and out of the list" in_no_list
within 20 "the resolver was told again" ran $((before + 1))

first=$(follower)
ok "there is one follower" test -n "$first"
lab stop east
gone() { ! follower; }
within 10 "it ends with the daemon" gone
ok "east starts again" lab start east
within 20 "with another" follower
lab kill east
within 10 "which does not outlive kill -9" gone

ok "east starts once more" lab start east
within 60 "with a third" follower
ended() { khabar east status | grep -q 'khabar follow was ended; restart khabardar'; }
not_ended() { ! ended; }
ok "which is nothing to warn of" not_ended
kill -9 "$(ps -o ppid= -p "$(follower)" | tr -d ' ')"
within 60 "it goes with who keeps it" gone
within 60 "and status says that nothing is exported any more" ended
missed() { khabar east doctor | grep -q 'khabar follow was ended'; }
within 20 "and doctor what to do" missed
lab stop east
finish
