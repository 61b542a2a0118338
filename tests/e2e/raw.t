#!/bin/bash
# A reader that was written from SPEC.md alone agrees with the node about the bytes of a message.
. tests/tap.sh

family solo pair >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
key=$(khabar solo --json keys show | sed -n 's/.*"sign": *{"number": *1, *"key": *"\([0-9a-f]*\)".*/\1/p')
decode() { tests/e2e/decode "$1" "$lab/.lab/topology-1.signed" solo "$key"; }

id=$(share solo 198.51.100.7)
within 10 "a message arrives at another node" khabar pair show "$id" --raw
khabar pair show "$id" --raw >"$work/raw"
ok "its bytes there are as specified, signature included" decode "$work/raw"
like "and its id is what both say" "$out" "^$id kind 1 tlp 1 topology 1 sequence [0-9]+ "
first=${out#* sequence }
first=${first%% *}

second=$(khabar solo --json share evil.example --tlp clear --to all --yes |
	sed -n 's/.*"messages": *\["\([0-9a-f]*\)".*/\1/p')
khabar solo show "${second:0:12}" --raw >"$work/raw"
ok "an id may be shortened" decode "$work/raw"
like "a later one is that too" "$out" "^$second kind 1 tlp 0 topology 1 sequence [0-9]+ "
later=${out#* sequence }
[ "${later%% *}" -gt "$first" ]
result $? "and is told to be later" "$out"

if command -v zstd >/dev/null; then
	tail -c +253 "$work/raw" | zstd -dcq >"$work/body" 2>/dev/null
	like "the body is zstd of a STIX bundle" "$(<"$work/body")" '"type": ?"bundle".*evil\.example'
else
	skip 1 "zstd, the program, is not here"
fi

ok "verify takes the file" khabar pair verify "$work/raw"
printf 'x' | dd of="$work/raw" bs=1 seek=60 conv=notrunc 2>/dev/null
exits 1 "but not after a byte of it has changed" '.' khabar pair verify "$work/raw"
exits 1 "no message has an id that is made up" '.' khabar pair show "${id//[0-9]/a}" --raw
finish
