#!/bin/bash
# Stories of incidents over federations drawn from a seed: whoever knows of one says what comes to mind,
# on whatever it has heard by then, while nodes are killed and come back; whoever holds the same
# events tells the same.  SEEDS="7 8 9" tries others.
. tests/tap.sh
clock_calm

# draw N: r is one of 0 to N - 1.
draw() {
	state=$(((state * 1103515245 + 12345) & 0x7fffffff))
	r=$(((state >> 8) % $1))
}
# pick WORD...: r is one of them.
pick() {
	draw $#
	shift "$r"
	r=$1
}

# The first is the root, and the first two hold the role; the others report to it, to the root, or to
# each other, two or three deep.
draw_topology() {
	local n parents=(cii a)
	printf 'node\n    a\n    b\n        reports-to = a\n'
	for n in c d e; do
		pick "${parents[@]}"
		printf '    %s\n        reports-to = %s\n' "$n" "$r"
		parents+=("$n" "$n")
	done
	draw 2
	[ "$r" = 0 ] && holders='a b' || holders='b a'
	printf 'role\n    cii\n        reports-to = a\n        holders = "%s"\n' "$holders"
	draw 2
	[ "$r" = 1 ] || printf 'link\n    beside = "b e"\n'
}

kb() { "$bin/khabar" --home "$home/$1" "${@:2}"; }
incident() { kb "$1" --json incident "${@:2}"; }
# say NODE WORDS...: what it may not say is no matter; what it has said is remembered.
say() {
	local message
	message=$(incident "$@" --yes 2>/dev/null | sed -n 's/.*"message": *"\([0-9a-f]*\)".*/\1/p')
	[ -z "$message" ] || echo "$message" >>"$home/.said"
}
events() { incident "$1" show "$n" | grep -o '"message": *"[0-9a-f]*"' | sed 's/.*"\([0-9a-f]*\)"/\1/' | sort; }
holds_all() { [ "$(events "$1")" = "$(sort "$home/.said")" ]; }
tells() { incident "$1" show "$n" | sed 's/.*"state": *//; s/,"surplus".*//'; }

# One step of the story.
go_on() {
	local who=$1 other
	pick a b c d cii
	other=$r
	draw 14
	case $r in
	0 | 1) say "$who" update "$n" --severity "$(pick low high critical; echo "$r")" ;;
	2) say "$who" update "$n" --status "$(pick in-progress contained resolved; echo "$r")" --title "Seen by $who" ;;
	3 | 4) say "$who" note "$n" "a note of $who" ;;
	5) say "$who" ack "$n" ;;
	6) say "$who" notify "$n" --to "$other" ;;
	7) say "$who" request-help "$n" --to "$other" "help $who" ;;
	8 | 9) say "$who" transfer "$n" --to "$other" ;;
	10 | 11) say "$who" accept "$n" ;;
	12) say "$who" update "$n" --stage progress --text "$who goes on" ;;
	13) say "$who" close "$n"; say "$who" reopen "$n" ;;
	esac
}

tell_story() {
	local step who down=''
	for ((step = 0; step < 30; step++)); do
		draw 6
		if [ "$r" = 0 ] && [ -z "$down" ]; then
			pick a b c d e
			down=$r
			scripts/lab kill "$home" "$down"
		elif [ -n "$down" ] && [ "$r" -le 2 ]; then
			scripts/lab start "$home" "$down"
			down=''
		fi
		pick a b c d e
		who=$r
		[ "$who" = "$down" ] || go_on "$who"
	done
	[ -z "$down" ] || scripts/lab start "$home" "$down"
}

for seed in ${SEEDS:-1 2}; do
	state=$seed
	home=$work/$seed
	draw_topology >"$work/text.zpl"
	said=$(scripts/lab up "$home" --topology "$work/text.zpl" 2>&1) || bail "no federation of seed $seed" "$said" "$(<"$work/text.zpl")"
	n=e-$(date -u +%Y)-1
	say e open --class intrusions --severity high --title "Story $seed" --critical-infrastructure --to a,b,c,d
	for who in a b c d; do
		within 60 "seed $seed: $who knows of it" holds_all "$who"
	done
	tell_story
	told=$(wc -l <"$home/.said")
	ok "seed $seed: something was said ($told times)" test "$told" -ge 2
	for who in a b c d e; do
		within 60 "seed $seed: $who holds all of it" holds_all "$who"
	done
	for who in b c d e; do
		is "seed $seed: $who tells what a tells" "$(tells "$who")" "$(tells a)"
	done
	for who in a e; do
		ok "seed $seed: the store of $who is sound" kb "$who" check-store
	done
	scripts/lab down "$home"
done
finish
