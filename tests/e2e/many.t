#!/bin/bash
# Forty nodes in odd shapes: a chain of twenty, a star of twenty hanging at its end.
. tests/tap.sh

{
	printf 'node\n    n1\n'
	for i in $(seq 2 20); do
		printf '    n%d\n        reports-to = n%d\n' "$i" $((i - 1))
	done
	for i in $(seq 21 40); do
		printf '    n%d\n        reports-to = n20\n' "$i"
	done
} >"$work/text.zpl"

start=$SECONDS
lab_up --topology "$work/text.zpl"
diag "forty nodes up in $((SECONDS - start)) s"
all_up() {
	[ "$(lab status | awk 'NR > 1 { split($3, l, "/"); up += l[1]; all += l[2] }
		END { print up "/" all }')" = 78/78 ]
}
within 60 "every link is up" all_up

id=$(share n1 top.example)
like "the first shares" "$id" '^[0-9a-f]{64}$'
within 30 "the last, twenty links away, knows" knows n40 top.example
share n21 bottom.example >/dev/null
within 30 "and the other way" knows n1 bottom.example
everybody_knows() {
	local i
	for i in $(seq 2 39); do
		knows "n$i" "$1" || return
	done
}
within 20 "and everybody between" everybody_knows bottom.example
ok "all end when they are told to" lab down
is "and none is left" "$(lab status | grep -c ' down$')" 40
finish
