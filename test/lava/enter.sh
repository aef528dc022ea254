#!/bin/sh
# Run a command in the dispatcher's machine: Debian's unpacked packages, which are only read, and folders of its own.
#
# Usage: sh test/lava/enter.sh PACKAGES MACHINE COMMAND [ARGUMENT...]      as root
#
# Mounts are seen by the command alone, and are gone with it.
exec unshare --mount --propagation private sh -euc '
  packages=$1 machine=$2
  shift 2
  # The NFS server exports file systems: this folder has to be one.
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
