#!/bin/sh
# Run a command in a LAVA server's file system: the installed Debian packages, with all changes kept in memory. The
# command has its own process and mount namespaces, which end with it.
#
# Usage: sh test/lava/server/machine.sh INSTALLED LAB COMMAND [ARGUMENT...]      as root
#
# The command sees the folder LAB as /lab.
exec unshare --mount --propagation private --pid --fork --kill-child sh -euc '
  installed=$1 lab=$2
  shift 2
  mount -t tmpfs lava /mnt
  mkdir /mnt/changed /mnt/work /mnt/machine
  mount -t overlay -o "lowerdir=$installed,upperdir=/mnt/changed,workdir=/mnt/work" lava /mnt/machine
  mkdir /mnt/machine/lab
  mount --bind "$lab" /mnt/machine/lab
  mount -t proc proc /mnt/machine/proc
  mount -t tmpfs run /mnt/machine/run
  for directory in dev sys; do mount --rbind "/$directory" "/mnt/machine/$directory"; done
  exec env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot /mnt/machine "$@"
' sh "$@"
