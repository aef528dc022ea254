#!/bin/sh
# Run every test. Print the skipped tests with their reasons, the time of each tier, and the totals.
#
# Usage: sh test/run.sh [TIER]...      lint unit page fuzz interop board+lava by default
#
#   lint         format, lint, types, dead exports
#   unit         the unit tests with coverage
#   page         the board's page in Chromium
#   fuzz         damaged inputs to every parser; the addon with sanitizers
#   interop      TFTP clients and servers of others, and the recordings of a real U-Boot; as root
#   board        a first stage in QEMU
#   lava         LAVA's dispatcher with jobs; as root
#   slow         what takes too long for each run of all tests; the Debian package as root
#   board+lava   both at the same time, on two cores
#
# The last line is `N passed, N failed, N skipped`. The exit code is that of the first step that failed, otherwise 0.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- lint unit page fuzz interop board+lava
out=.tap/out
# What test/setup.sh unpacks where systemd is not installed.
PATH=$PATH:${FAUXBOOT_CACHE:-$PWD/.cache}/systemd/usr/bin
rm -rf "$out" && mkdir -p "$out"
status=0
times=

run() {
  "$@"
  code=$?
  [ "$status" -ne 0 ] || status=$code
}

# Usage: tests OPTION... FILE...
tests() {
  run node test/run-tests.mjs --tap "$out/$tier.tap" "$@"
}

# An emulated board keeps one core busy. A file may take 40 minutes on a busy machine.
on_boards() {
  tests --jobs 2 --timeout 2400 "$@"
}

# What board tests share: the QEMU that has a Cubieboard4, images, and boards saved at their countdown.
prepare_boards() {
  run node dist/test/board/prepare.js
}

for tier; do
  started=$(date +%s)
  case $tier in
    lint) run npm run --silent lint ;;
    unit) tests --coverage test/unit ;;
    page) tests --jobs 2 --timeout 600 test/page ;;
    fuzz) tests --timeout 600 test/fuzz ;;
    # One file at a time: on a busy machine, other people's servers give up on datagrams that are only late.
    interop) tests --jobs 1 --timeout 600 test/interop test/replay ;;
    board)
      prepare_boards
      on_boards test/board
      ;;
    # Tests of LAVA run without a network, so their downloads come first.
    lava)
      run node dist/test/lava/prepare.js
      on_boards test/lava/*.test.ts
      ;;
    slow)
      prepare_boards
      on_boards test/slow
      ;;
    # The longest file goes first.
    board+lava)
      prepare_boards
      run node dist/test/lava/prepare.js
      on_boards test/lava/virt.test.ts test/board test/lava/definitions.test.ts test/lava/orangepi-pc.test.ts \
        test/lava/virt-2023.test.ts test/lava/settings.test.ts
      ;;
    *)
      echo "test/run.sh: unknown tier '$tier'; known: lint unit page fuzz interop board lava slow board+lava" >&2
      exit 1
      ;;
  esac
  times="$times  $tier $(($(date +%s) - started)) s"
done

echo "time:$times"
# shellcheck disable=SC2046 # words
node test/tally.mjs $(find "$out" -name '*.tap')
exit "$status"
