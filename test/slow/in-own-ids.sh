#!/bin/sh
# Run a command as root of a user namespace of its own, with mounts of its own and the ids 0 to 65535.
#
# Usage: sh test/slow/in-own-ids.sh COMMAND [ARGUMENT...]      as root
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/go"
unshare --user --mount sh -euc 'read -r _ <"$1"; shift; exec "$@"' sh "$folder/go" "$@" &
# This returns when the other end is open: then the namespace is there. The maps can be written once.
exec 3>"$folder/go"
for map in uid_map gid_map; do echo 0 0 65536 >/proc/$!/$map; done
echo go >&3
wait $!
