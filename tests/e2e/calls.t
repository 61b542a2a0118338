#!/bin/bash
# A call of sockets or files fails in the node in the middle, or memory is short, once or from then
# on: it goes on, or it stops and says why; nothing that was acknowledged is lost, its store holds
# together, and started again it catches up.  LONG=1: every call, with every error that it knows, at
# many of its turns; CALLS="send memory": these.
. tests/tap.sh

shim=$bin/tests/e2e/shim
[ -e "$shim/calls.so" ] || bail "no $shim: run make tests first"
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
ids_of() { khabar "$1" --json list | grep -o '"message": *"[0-9a-f]*"' | grep -oE '[0-9a-f]{64}'; }
# all_there NODE: what it lacks of all that was acknowledged is told.
all_there() {
	local lacks
	lacks=$(LC_ALL=C comm -23 <(printf '%s\n' "${said[@]}" | LC_ALL=C sort -u) \
		<(ids_of "$1" | LC_ALL=C sort -u)) || return
	[ -z "$lacks" ] || { echo "$1 lacks" "$lacks" && false; }
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

said_last() { grep -vE "^$call fails\$" "$log" | tail -n 1; }

# Sets code.
end_it() {
	local end=$((SECONDS + 60))
	kill "$pid" 2>/dev/null
	until ended || [ "$SECONDS" -ge "$end" ]; do
		sleep 0.02
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	code=$?
}

# CALL ERRNO NTH once|on|half
suffer() {
	local call=$1 number=$2 nth=$3 how=$4 log=$work/log pid code
	local name="$call, call $nth, error $number, $how"
	lab stop east
	: >"$log"
	if [ "$call" = memory ]; then
		LD_PRELOAD=$(preload memory) MEMORY_FAULT="$nth $how" setsid "$bin/khabardar" \
			--home "$lab/east" </dev/null >"$log" 2>&1 &
	else
		LD_PRELOAD=$(preload calls) CALL_FAULT="$*" CALL_OF=$lab/east setsid "$bin/khabardar" \
			--home "$lab/east" </dev/null >"$log" 2>&1 &
	fi
	pid=$!
	echo "$pid" >"$lab/east/pid"
	say_at root
	say_at west
	say_at east
	within 60 "$name: it goes on, or stops" over
	say_at east
	end_it
	[ "$code" -eq 0 ] || diag "$name: exit $code: $(said_last)"
	[ "$code" -eq 0 ] || { [ "$code" -ne 137 ] && said_last | grep -q '[a-z][a-z][a-z]'; }
	result "$?" "$name: it ends when it is told to, or has said why it stops" "exit $code" "$(<"$log")"
	ok "$name: the store holds together" khabar east check-store
	ok "$name: it starts" lab start east
	within 60 "$name: nothing is lost" everywhere
}

# Every call, at many of its turns, with what it is documented to fail with.
campaign() {
	local call turns numbers number nth
	while read -r call turns numbers; do
		[ -z "${CALLS:-}" ] || [[ " $CALLS " = *" $call "* ]] || continue
		for number in $numbers; do
			for nth in ${turns//,/ }; do
				echo "$call ${number/half/5} $nth ${number/#[0-9]*/once}"
				case $number in 4 | 11 | half) ;; *) echo "$call $number $nth on" ;; esac
			done
		done
	done <<-'END'
		socket 1,2,3,4 12 24 105
		bind 1,2 12 98
		listen 1,2 98
		connect 1,2 4 12 101 104
		accept 1,2 4 12 24 104
		send 1,2,3,5,8,13,21 4 104 105 half
		recv 1,2,3,5,8,13,21 4 12 104 half
		name 1,2,5 105
		getsockopt 1,3,7 105
		setsockopt 1,3,7,15 12 92
		ioctl 1,2,3,5 12
		fcntl 1,2,3,5,8,13 4 37
		thread 1,2,3,4,5,6,8 11
		epoll_create 1,2,3 12 24
		epoll_ctl 1,3,9,17 12 28
		epoll_wait 1,9,41 4
		poll 1,9,41 4 12
		eventfd 1,3,5 12 24
		take 1,5,40 4 11
		put 1,5,40 4 11
		open 1,2,4,7,11 5 13 24
		map 1,2,3 12
		lock 1,2 4 37
		mode 1,2,3 1 30
		room 1,2,3 4 5
		read 1,2,3,5 4 5 half
		write 1,2,3,5,9,17 4 5 28 half
		sync 1,2,4,8 5 28
		rename 1,2 5 30
		truncate 1,2 5 28
		mkdir 1,2 28 30
		unlink 1,2 5 30
		memory 1,20,300,1000,2000,3000,4000,5000,6000,8000,10000,15000,20000 12
	END
}

while read -r call number nth how; do
	[ "$call" = memory ] && sanitized && continue
	suffer "$call" "$number" "$nth" "$how"
done < <(
	if [ -n "${LONG:-}" ]; then
		campaign
	else
		cat <<-'END'
			send 104 9 once
			accept 24 1 once
			epoll_wait 4 5 once
			write 28 2 half
			memory 12 1500 once
		END
	fi
)
finish
