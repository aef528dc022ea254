#!/bin/sh
# Install Debian for armhf onto a disk image, with its packages configured by their own scripts.
#
# Usage: sh test/slow/install-debian.sh QEMU_ARM FOLDER MMDEBSTRAP_OPTION... SUITE      in in-own-ids.sh
#
#   QEMU_ARM   a statically linked qemu-arm, which runs those scripts
#   FOLDER     gets disk.img, an ext4 file system, and the kernel with its modules in boot and usr/lib/modules
#
# The kernel's handler for ARM programs belongs to this user namespace (Linux 6.7 and newer): no other process of this machine
# sees it.
set -eu
qemu=$1 folder=$2
shift 2
root=$folder/root
rm -rf "$root" "$folder/boot" "$folder/usr"

mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
# The head of a 32-bit little-endian ARM program. F: the kernel opens qemu-arm now, outside of the root file system.
magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf '%s' ":fauxboot-arm:M::$magic:$mask:$qemu:F" >/proc/sys/fs/binfmt_misc/register

mmdebstrap --mode=root --skip=check/qemu,cleanup/apt --format=directory "$@" "$root"

mkdir -p "$folder/usr/lib"
cp -r "$root/boot" "$folder/boot"
cp -r "$root/usr/lib/modules" "$folder/usr/lib/modules"
mke2fs -q -t ext4 -d "$root" "$folder/disk.img" 2G
# Its files belong to ids of this namespace.
rm -rf "$root"
