#!/bin/bash
# Nodes on a machine that has IPv6 and nothing else, in a network namespace of this test's own.
if [ -z "${NET_INSIDE:-}" ]; then
	if ! command -v ip unshare >/dev/null; then
		echo "1..0 # SKIP there is no ip or no unshare"
		exit 0
	fi
	if ! unshare -rn sh -c 'ip link set lo up && ip addr del 127.0.0.1/8 dev lo &&
		ip -6 addr show dev lo | grep -q ::1' 2>/dev/null; then
		echo "1..0 # SKIP a network of IPv6 alone may not be made here"
		exit 0
	fi
	NET_INSIDE=yes exec unshare -rn "$0"
fi
ip link set lo up && ip addr del 127.0.0.1/8 dev lo || exit 1
. tests/tap.sh

{
	family root east | while IFS= read -r line; do
		echo "$line"
		case $line in
		"    root") echo '        endpoint = "tcp://[::1]:5601"' ;;
		"    east") echo '        endpoint = "tcp://[::1]:5602"' ;;
		esac
	done
} >"$work/text.zpl"
export LAB_BIND='[::1]'
lab_up --topology "$work/text.zpl"
ok "nobody has an address of IPv4" test -z "$(ip -4 addr show)"
share east from-east.example >/dev/null
within 60 "what one says is at the other" knows root from-east.example
share root from-root.example >/dev/null
within 60 "and back" knows east from-root.example
like "the doctor finds the port" "$(khabar east doctor)" 'port +tcp://\[::1\]:5602 takes connections'
lab stop root
lab start root
share east again.example >/dev/null
within 60 "a neighbour that was away is dialed again" knows root again.example
finish
