#!/bin/sh
# Run a command in the dispatcher's file system: Debian's unpacked packages, read-only, and the folders of MACHINE.
#
# Usage: sh test/lava/enter.sh PACKAGES MACHINE COMMAND [ARGUMENT...]      as root
#
# Only the command sees the mounts, and they end with it.
exec unshare --mount --propagation private sh -euc '
  packages=$1 machine=$2
  shift 2
  # The NFS server exports only whole file systems, so this folder has to be a mount.
  mount --bind "$machine" "$machine"
  for directory in bin lib lib64 sbin usr; do
    [ -d "$packages/$directory" ] || continue
    mkdir -p "$machine/$directory"
    mount --bind "$packages/$directory" "$machine/$directory"
    mount --options remount,bind,ro "$machine/$directory"
  done
  for directory in dev proc sys; do
    mkdir -p "$machine/$directory"
    mount --rbind "/$directory" "$machine/$directory"
  done
  exec chroot "$machine" "$@"
' sh "$@"
