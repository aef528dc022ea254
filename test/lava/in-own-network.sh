#!/bin/sh
# Run a command in its own network namespace, which has only a loopback device with an additional address. Servers in it
# can use their usual ports, whatever else runs on this machine, and two clones do not disturb each other.
#
# Usage: sh test/lava/in-own-network.sh COMMAND [ARGUMENT...]      as root
#
# Boards in QEMU's user network reach the dispatcher at the additional address, because QEMU itself answers TFTP at
# 10.0.2.2. The address is reserved for documentation (RFC 5737).
exec unshare --net sh -euc '
  busybox ip link set lo up
  busybox ip address add 192.0.2.1/32 dev lo
  exec "$@"
' sh "$@"
