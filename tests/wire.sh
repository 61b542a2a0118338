# shellcheck shell=bash
# A federation whose nodes are hosts in network namespaces of their own, with bad lines between them
# (tests/e2e/wire.c); a test sources this in the place of tests/tap.sh.  Where there are neither
# namespaces nor tun devices the test ends with words.
if [ -z "${WIRE_INSIDE:-}" ]; then
	helper=${BUILD:-build}/tests/e2e/wire
	why=
	for tool in unshare nsenter; do
		command -v "$tool" >/dev/null || why="there is no $tool"
	done
	if [ -z "$why" ] && [ -x "$helper" ] && ! unshare -rn "$helper" 1 1 </dev/null >/dev/null 2>&1; then
		why="hosts in network namespaces may not be made here: $(unshare -rn "$helper" 1 1 </dev/null 2>&1 | tail -n 1)"
	fi
	if [ -n "$why" ]; then
		echo "1..0 # SKIP $why"
		exit 0
	fi
	WIRE_INSIDE=yes exec unshare -rn "$0" "$@"
fi
. tests/tap.sh
[ -x "$bin/tests/e2e/wire" ] || bail "no $bin/tests/e2e/wire: run make tests first"

# wire_up LINES...: hosts for the nodes that a text of family() names, in its order, and their
# federation; host N is 10.7.0.N, and every node listens at port 5600.
declare -A host_of=() namespace_of=()
wire_up() {
	local word number path node
	coproc WIRE { LD_PRELOAD='' exec "$bin/tests/e2e/wire" "${SEED:-1}" "$#"; }
	exec {wire_in}>&"${WIRE[1]}" {wire_out}<&"${WIRE[0]}"
	hosts=("$@")
	while read -r word number path <&"$wire_out" && [ "$word" = host ]; do
		node=${hosts[number - 1]}
		host_of[$node]=$number
		namespace_of[$node]=$path
		echo "$path" >"$work/namespace.$node"
	done
	[ "$word" = ready ] || bail "no wire"
	mkdir "$work/programs"
	ln -s "$bin/khabar" "$work/programs/khabar"
	cat >"$work/programs/khabardar" <<-END
		#!/bin/bash
		# khabardar --home FOLDER, at the node's host
		read -r namespace <"$work/namespace.\$(basename "\$2")"
		exec nsenter --net="\$namespace" "$bin/khabardar" "\$@"
	END
	chmod +x "$work/programs/khabardar"
	export BUILD=$work/programs LAB_BIND='*'
}

# wire_lab: the text of a topology on standard input; its nodes are given their addresses.
wire_lab() {
	local line
	while IFS= read -r line; do
		printf '%s\n' "$line"
		[[ $line =~ ^"    "([a-z0-9-]+)$ ]] && [ -n "${host_of[${BASH_REMATCH[1]}]:-}" ] &&
			printf '        endpoint = "tcp://10.7.0.%s:5600"\n' "${host_of[${BASH_REMATCH[1]}]}"
	done >"$work/text.zpl"
	lab_up --topology "$work/text.zpl"
}

# at NODE COMMAND...: at the node's host.
at() { nsenter --net="${namespace_of[$1]}" "${@:2}"; }

tell_wire() {
	local answer
	echo "$*" >&"$wire_in"
	read -r answer <&"$wire_out" || bail "the wire has ended"
	[ "$answer" != 'what?' ] || bail "the wire does not know: $*"
	echo "$answer"
}

# from A to B, or between both: SETTING=NUMBER..., nothing for a good line.
one_way() { tell_wire line "${host_of[$1]}" "${host_of[$2]}" "${@:3}" >/dev/null; }
both_ways() {
	one_way "$1" "$2" "${@:3}"
	one_way "$2" "$1" "${@:3}"
}
everywhere() { tell_wire line 0 0 "$@" >/dev/null; }

# counted A B WHAT: arrived (packets), bytes, lost, full, calls of what A sent to B.
counted() {
	tell_wire count "${host_of[$1]}" "${host_of[$2]}" | grep -oE "$3 [0-9]+" | tr -dc 0-9
}
