#!/bin/bash
# A call of sockets fails in the node in the middle, once or from then on: it goes on, or it stops and
# says why; nothing that was acknowledged is lost, its store holds together, and started again it
# catches up.  LONG=1: every call, with every error that it knows, at many of its turns.
. tests/tap.sh

shim=$bin/tests/e2e/shim/sockets.so
[ -e "$shim" ] || bail "no $shim: run make tests first"
{
	family root east
	printf '    west\n        reports-to = east\n'
} >"$work/text.zpl"
lab_up --topology "$work/text.zpl"
said=()

# say_at NODE: something new; what is acknowledged is remembered.
say_at() {
	local id
	turn=$((${turn:-0} + 1))
	id=$(share "$1" "said-$turn.example" 2>/dev/null) && [ -n "$id" ] && said+=("$id")
}
has() { khabar "$1" show "$2" --raw; }
all_there() {
	local id
	for id in "${said[@]}"; do has "$1" "$id" || return; done
}
everywhere() { all_there root && all_there east && all_there west; }
struck() { grep -qE "^$call fails\$" "$log"; }
ended() { ! kill -0 "$pid" 2>/dev/null; }
# Of the many turns of a campaign some do not come.
over() {
	ended && return
	[ -n "${LONG:-}" ] || struck || return
	{ [ "$how" = on ] && struck; } || everywhere
}

# CALL ERRNO NTH once|on
suffer() {
	local call=$1 number=$2 nth=$3 how=$4 log=$work/log pid code
	local name="$call, call $nth, error $number, $how"
	lab stop east
	: >"$log"
	LD_PRELOAD=$(preload sockets) SOCKET_FAULT="$*" setsid "$bin/khabardar" --home "$lab/east" \
		</dev/null >"$log" 2>&1 &
	pid=$!
	echo "$pid" >"$lab/east/pid"
	say_at root
	say_at west
	say_at east
	within 60 "$name: it goes on, or stops" over
	say_at east
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	code=$?
	[ "$code" -eq 0 ] || grep -vE "^$call fails\$" "$log" | grep -q '[a-z][a-z][a-z]'
	result "$?" "$name: it ends when it is told to, or has said why it stops" "exit $code" "$(<"$log")"
	ok "$name: the store holds together" khabar east check-store
	ok "$name: it starts" lab start east
	within 60 "$name: nothing is lost" everywhere
}

while read -r call number nth how; do
	suffer "$call" "$number" "$nth" "$how"
done < <(
	if [ -z "${LONG:-}" ]; then
		cat <<-'END'
			send 104 9 once
			accept 24 1 once
			epoll_wait 4 5 once
		END
	else
		while read -r call turns numbers; do
			for number in $numbers; do
				for nth in ${turns//,/ }; do
					echo "$call $number $nth once"
					[ "$number" = 4 ] || echo "$call $number $nth on"
				done
			done
		done <<-'END'
			socket 1,2,3,4 12 24 105
			bind 1,2 12 98
			listen 1,2 98
			connect 1,2 4 12 101 104
			accept 1,2 4 12 24 104
			send 1,2,3,5,8,13,21 4 12 104 105
			recv 1,2,3,5,8,13,21 4 12 104 105
			epoll_ctl 1,3,9,17 12 28
			epoll_wait 1,9,41 4
			poll 1,9,41 4 12
			eventfd 1,3,5 12 24
		END
	fi
)
finish
