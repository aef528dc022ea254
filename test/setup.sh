#!/bin/sh
# Make this checkout ready: Debian packages, npm packages, build. Does only what is missing.
#
# Usage: sh test/setup.sh
set -eu
cd "$(dirname "$0")/.."

# Package, and what it is for.
packages() {
  sed 's/ .*//' <<'EOF'
qemu-system-arm          boards
qemu-user                the board's Node compiles the agent while its image is made
mmdebstrap               Debian 13 for armhf, unpacked
debian-archive-keyring   its signatures
make                     the addon
g++                      the addon for this machine
g++-arm-linux-gnueabihf  the addon for boards
g++-aarch64-linux-gnu    the addon for 64-bit boards
binutils                 tests read the addons' headers
u-boot-tools             mkimage, mkenvimage
dosfstools               boot partitions
mtools                   files on them
device-tree-compiler     a peer for the tests of device trees
kmod                     depmod
cpio                     a peer for the tests of archives
gzip                     ramdisks
xz-utils                 ramdisks
zstd                     ramdisks
lz4                      ramdisks
bzip2                    a peer for the tests of decompression
util-linux               setpriv: QEMU ends with whoever started it
curl                     tests send jobs as users do
ca-certificates          packages over https
EOF
}

installed() {
  dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

missing=
for package in $(packages); do
  installed "$package" || missing="$missing $package"
done

if [ -n "$missing" ]; then
  install="apt-get install --yes --no-install-recommends$missing"
  if [ "$(id -u)" -eq 0 ]; then
    apt-get update
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive $install
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo apt-get update
    # shellcheck disable=SC2086
    sudo DEBIAN_FRONTEND=noninteractive $install
  else
    echo "Packages are missing. As root, run:" >&2
    echo "  apt-get update && $install" >&2
    exit 1
  fi
fi

# npm writes this file at the end of an installation.
stamp=node_modules/.package-lock.json
if [ ! -e $stamp ] || [ -n "$(find package-lock.json -newer $stamp)" ]; then
  npm ci --no-audit --no-fund
fi

npm run --silent build
