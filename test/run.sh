#!/bin/sh
# Run every test and print the totals: the style check, the unit tests with coverage, the tests against others (TFTP
# clients and servers, the recordings of a real U-Boot), the board tests in QEMU, and LAVA's dispatcher with jobs.
#
# Usage: sh test/run.sh [unit|interop|board|lava]      all by default
#
# The interop tests and LAVA start servers and need root.
# Ends with tap's exit code (the first that is not 0) behind a line `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/.." || exit 1
tiers=${1:-unit interop board lava}
out=.tap/out
rm -rf "$out" && mkdir -p "$out"
status=0

run() {
  "$@"
  code=$?
  [ "$status" -ne 0 ] || status=$code
}

run npx biome check --error-on-warnings .
for tier in $tiers; do
  case $tier in
    unit) run npx tap run --reporter=terse --output-file="$out/unit.tap" ;;
    # One file at a time: what others take for a loss is sometimes only a busy machine.
    interop)
      run npx tap run --reporter=base --disable-coverage --jobs=1 --timeout=600 \
        --output-file="$out/interop.tap" 'test/interop/**/*.test.ts' 'test/replay/**/*.test.ts'
      ;;
    # Each file boots a board of its own; two at a time keep two cores busy. What they share is made before.
    board)
      run node dist/systemd/image/image.js --board virt --out "$out/virt"
      run npx tap run --reporter=base --disable-coverage --jobs=2 --timeout=2400 \
        --output-file="$out/board.tap" 'test/board/**/*.test.ts'
      ;;
    # In a network of its own; what comes from a mirror is made before. One file at a time: they share addresses.
    lava)
      run node dist/test/lava/prepare.js
      run sh test/lava/apart.sh npx tap run --reporter=base --disable-coverage --jobs=1 --timeout=2400 \
        --output-file="$out/lava.tap" 'test/lava/*.test.ts'
      ;;
    *)
      echo "test/run.sh: unknown tier '$tier'; known: unit interop board lava" >&2
      exit 1
      ;;
  esac
done

node test/tally.mjs "$out"/*.tap
exit "$status"
