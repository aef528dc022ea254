#!/bin/sh
# Install what a purpose needs, and build. Does nothing when everything is there and up to date.
#
# Usage: sh test/setup.sh [demo|image|cubieboard4|bench|test]      test by default
#
#   demo          see a boot on an emulated board: what every purpose needs
#   image         build SD cards, too
#   cubieboard4   build the QEMU that emulates a Cubieboard4, too
#   bench         measure: also the programs to compare with
#   test          run all tests: all of these, and the programs that tests compare with
#
# Debian packages are installed by root, or through sudo when it asks for no password; otherwise the line to run is
# printed and the exit code is 1. None of them starts or enables a service: packages that would are unpacked into .cache,
# not installed. On a terminal, one line shows the progress. The output of apt and npm goes to .cache/setup.log.
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-test}
cache=${FAUXBOOT_CACHE:-.cache}
log=$cache/setup.log

# Debian package, the purpose that first needs it, and what for.
packages='
  binutils                 demo   libraries of the programs in the board image
  ca-certificates          demo   https
  debian-archive-keyring   demo   signatures of the packages in the board image
  g++-arm-linux-gnueabihf  demo   native addon for the boards
  kmod                     demo   modules of the board image
  lz4                      demo   ramdisk of the board image
  make                     demo   native addon
  mmdebstrap               demo   board image
  qemu-system-arm          demo   emulated boards
  qemu-user                demo   code cache of the agent in the board image
  xz-utils                 demo   modules of the board image

  cpio                     image  root file system of LAVA jobs
  device-tree-compiler     image  overlays and FIT images of LAVA jobs
  dosfstools               image  boot partition of SD cards
  mtools                   image  boot partition of SD cards
  u-boot-tools             image  environment of the real U-Boot on SD cards, FIT images of LAVA jobs

  atftp                    bench  TFTP client
  curl                     bench  HTTP and TFTP client
  g++                      bench  native addon for this machine
  tftp-hpa                 bench  TFTP client
  u-boot-qemu              bench  U-Boot on an emulated board

  busybox                  test   TFTP client; network of the LAVA tests
  bzip2                    test   compressed files
  chromium                 test   the board'"'"'s page
  dnsmasq-base             test   TFTP server
  e2fsprogs                test   disks of fauxboot console
  g++-aarch64-linux-gnu    test   native addon for 64-bit boards
  groff-base               test   manual pages
  iputils-ping             test   ping of fauxboot console
  libpcre2-8-0             test   atftpd
  libsystemd-shared        test   systemd-analyze, which checks the units
  libubootenv-tool         test   environment of the real U-Boot
  libwrap0                 test   atftpd and tftpd-hpa
  lintian                  test   Debian package of the agent
  python3-filelock         test   U-Boot'"'"'s own tests
  python3-pytest           test   U-Boot'"'"'s own tests
  python3-pytest-xdist     test   U-Boot'"'"'s own tests
  socat                    test   serial ports
  zstd                     test   compressed files
'

# mmdebstrap needs it for users other than root.
[ "$(id -u)" -eq 0 ] || packages="$packages
  uidmap                   demo   board image
"

# Debian 13 has no labgrid; without it, its test says so and is skipped.
! grep -q '^VERSION_ID="12"' /etc/os-release || packages="$packages
  python3-labgrid          test   boards under labgrid
"

case $purpose in
  demo) purposes='demo' ;;
  image | cubieboard4) purposes='demo image' ;;
  bench) purposes='demo bench' ;;
  test) purposes='demo image bench test' ;;
  *)
    echo "test/setup.sh: unknown purpose '$purpose'; known: demo image cubieboard4 bench test" >&2
    exit 1
    ;;
esac

fail() {
  echo "test/setup.sh: $*" >&2
  exit 1
}

latest() {
  tail -n 1 "$log" | sed 's/^# .*//' | tr -d '\r\033'
}

# Usage: step WHAT COMMAND...
# Run a command with its output in the log. A terminal shows WHAT and the log's latest line, rewritten in place.
step() {
  what=$1
  shift
  echo "# $what: $*" >>"$log"
  if [ -t 1 ]; then
    "$@" >>"$log" 2>&1 &
    # A shell lets its background commands ignore Ctrl-C.
    trap 'kill $!; exit 130' INT
    while kill -0 $! 2>/dev/null; do
      printf '\r\033[K%.*s' "$(($(tput cols 2>/dev/null || echo 80) - 1))" "$what: $(latest)"
      sleep 0.2
    done
    printf '\r\033[K'
    trap - INT
    wait $! && return
  else
    echo "$what"
    "$@" >>"$log" 2>&1 && return
  fi
  tail -n 15 "$log" >&2
  fail "$what failed; all of its output is in $log"
}

# Usage: missing PACKAGES
# Print those of a table's packages that the purpose needs and that are not installed.
missing() {
  echo "$1" | while read -r package needs _; do
    case " $purposes " in
      *" ${needs:-nothing} "*) ;;
      *) continue ;;
    esac
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *' installed') ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

# Usage: install_missing PACKAGES
install_missing() {
  # shellcheck disable=SC2046 # words
  set -- $(missing "$1")
  [ $# -gt 0 ] || return 0
  line="apt-get install --yes --no-install-recommends $*"
  if [ "$(id -u)" -eq 0 ]; then
    sudo=
  elif sudo -n true 2>/dev/null; then
    sudo='sudo -n'
  else
    fail "Debian packages are missing; run these lines, then try again:
sudo apt-get update
sudo $line"
  fi
  # Yesterday's list may name packages that the mirror no longer has. A mirror that does not answer may not be needed.
  step 'Updating the list of Debian packages' sh -c "$sudo apt-get update || true"
  # shellcheck disable=SC2086 # words
  step "Installing $# Debian packages" $sudo env DEBIAN_FRONTEND=noninteractive $line --option Dpkg::Use-Pty=0
}

# Where systemd is not installed, only its systemd-analyze is needed: installing all of it enables services.
unpack_systemd() {
  directory=$cache/systemd
  if command -v systemd-analyze >/dev/null || [ -x "$directory/usr/bin/systemd-analyze" ]; then return; fi
  mkdir -p "$directory"
  step 'Unpacking systemd-analyze' \
    sh -c 'cd "$1" && apt-get download systemd && dpkg-deb --extract systemd_*.deb . && rm systemd_*.deb' - "$directory"
}

command -v dpkg-query >/dev/null || fail "needs Debian 12 or newer, or a system with these of its packages:$packages"

# Debian 12's Node is too old, but its npm installs a newer one. Looked at before minutes of installing packages.
newer='sudo npm install --global node@20, then open a new shell'
command -v node >/dev/null && command -v npm >/dev/null ||
  fail "needs Node 20.19 or newer with npm: sudo apt-get install nodejs npm; on Debian 12 then: $newer"
node -e 'var v = process.versions.node.split("."); process.exit(v[0] > 20 || (v[0] == 20 && v[1] >= 19) ? 0 : 1)' ||
  fail "needs Node 20.19 or newer, found $(node --version); with its npm: $newer"

mkdir -p "$(dirname "$log")"
: >"$log"
install_missing "$packages"
[ "$purpose" != test ] || unpack_systemd

# npm writes that file when it is done.
if [ -n "$(find package-lock.json -newer node_modules/.package-lock.json 2>&1)" ]; then
  step 'Installing npm packages' npm ci --no-audit --no-fund
fi
# The addon: a demonstration needs that of its boards only.
case $purpose in
  test) addons='all' ;;
  bench) addons='host armhf' ;;
  *) addons='armhf' ;;
esac
# shellcheck disable=SC2086 # words
step 'Building' sh -c "npm run --silent build:ts && make -s -C native $addons && npm run --silent build:agent"

# The program that builds QEMU says what it needs.
case $purpose in
  cubieboard4 | test) install_missing "$(node dist/systemd/qemu/build-qemu.js --packages | sed 's/$/ demo/')" ;;
esac
