#!/bin/sh
# Run a command in a network of its own: nothing but the loopback device, with one more address. Servers can take
# their usual ports in there, whatever runs on this machine, and two clones do not meet.
#
# Usage: sh test/lava/in-own-network.sh COMMAND [ARGUMENT...]      as root
#
# The address is that of the dispatcher, as boards in QEMU's user network reach it: at its own, 10.0.2.2, QEMU answers
# TFTP itself. It is one of those that are kept for documentation (RFC 5737).
exec unshare --net sh -euc '
  busybox ip link set lo up
  busybox ip address add 192.0.2.1/32 dev lo
  exec "$@"
' sh "$@"
