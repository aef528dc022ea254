#!/bin/sh
# Install what building, testing and demonstrating need, and build. Says nothing when there is nothing to do.
#
# Usage: sh test/setup.sh
#
# Debian packages are installed by root, or through sudo when it asks for no password; otherwise the line to run is
# printed and the exit code is 1. What is installed already is left alone.
set -eu
cd "$(dirname "$0")/.."

# Debian package, and what needs it.
packages='
  atftp                    peer of the TFTP tests
  busybox                  peer of the TFTP tests
  bzip2                    tests of formats
  ca-certificates          https
  cpio                     tests of formats
  curl                     peer of the TFTP tests and of measurements
  debian-archive-keyring   signatures of the packages in the board image
  device-tree-compiler     tests of formats
  dnsmasq-base             peer of the TFTP tests
  dosfstools               boot partition of SD cards
  g++                      native addon for this machine
  g++-aarch64-linux-gnu    native addon for 64-bit boards
  g++-arm-linux-gnueabihf  native addon for the boards
  iputils-ping             ping at a desk
  kmod                     modules of the board image
  libubootenv-tool         tests of the environment
  libpcre2-8-0             atftpd, which the TFTP tests unpack
  libwrap0                 atftpd and tftpd-hpa, which the TFTP tests unpack
  lz4                      board image
  make                     native addon
  mmdebstrap               board image
  mtools                   boot partition of SD cards
  nfs-ganesha              peer of the NFS tests
  nfs-ganesha-vfs          peer of the NFS tests
  python3-filelock         tests that U-Boot has
  python3-pytest           tests that U-Boot has
  python3-pytest-xdist     tests that U-Boot has
  qemu-system-arm          emulated boards
  qemu-user                code cache of the agent in the board image
  rpcbind                  peer of the NFS tests
  socat                    serial ports of tests
  systemd                  tests of the units
  tftp-hpa                 peer of the TFTP tests
  u-boot-qemu              peer of measurements
  u-boot-tools             environment of the real U-Boot
  xz-utils                 board image
  zstd                     tests of formats
'

[ "$(id -u)" -eq 0 ] || packages="$packages
  uidmap                   board image without being root
"

# Debian 13 has no labgrid; without it, its test says so and is skipped.
! grep -q '^VERSION_ID="12"' /etc/os-release || packages="$packages
  python3-labgrid          peer of the board tests
"

fail() {
  echo "test/setup.sh: $*" >&2
  exit 1
}

missing() {
  echo "$packages" | while read -r package _; do
    [ -n "$package" ] || continue
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

install_packages() {
  line="apt-get install --yes --no-install-recommends $*"
  if [ "$(id -u)" -eq 0 ]; then
    sudo=
  elif sudo -n true 2>/dev/null; then
    sudo='sudo -n'
  else
    fail "Debian packages are missing; run this line, then try again:
sudo $line"
  fi
  # A list of yesterday may name packages that the mirror no longer has.
  $sudo apt-get update --quiet --quiet || echo "test/setup.sh: apt-get update failed; trying with the lists there are" >&2
  # shellcheck disable=SC2086 # words
  $sudo env DEBIAN_FRONTEND=noninteractive $line --quiet --quiet --option Dpkg::Use-Pty=0
}

command -v dpkg-query >/dev/null || fail "needs Debian 12 or newer, or a system with these of its packages:$packages"
wanted=$(missing)
# shellcheck disable=SC2086 # words
[ -z "$wanted" ] || install_packages $wanted

command -v node >/dev/null || fail 'needs Node 20.19 or newer with npm (Debian 13: apt-get install nodejs npm)'
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
  fail "needs Node 20.19 or newer, found $(node --version)"

# npm writes that file when it is done.
if [ -n "$(find package-lock.json -newer node_modules/.package-lock.json 2>&1)" ]; then
  npm ci --no-audit --no-fund
fi
npm run --silent build
