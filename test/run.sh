#!/bin/sh
# Run every test and print the time of each tier, the skipped tests with their reasons, and the totals.
#
# Usage: sh test/run.sh [lint|unit|interop|board|lava]...      all by default
#
#   lint      format, lint, types
#   unit      the unit tests with coverage
#   interop   TFTP clients and servers of others, and the recordings of a real U-Boot; as root
#   board     a first stage in QEMU
#   lava      LAVA's dispatcher with jobs; as root
#
# The last line is `N passed, N failed, N skipped`. The exit code is that of the first tier that failed, otherwise 0.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || set -- lint unit interop board lava
out=.tap/out
rm -rf "$out" && mkdir -p "$out"
status=0
times=

run() {
  "$@"
  code=$?
  [ "$status" -ne 0 ] || status=$code
}

# Usage: tap TIER JOBS FILE...
# Run test files, JOBS at a time; for one file 40 minutes, because a busy machine takes long to boot a board.
tap() {
  tier=$1 jobs=$2
  shift 2
  npx tap run --reporter=base --jobs="$jobs" --timeout=2400 --output-file="$out/$tier.tap" "$@"
}

for tier; do
  started=$(date +%s)
  case $tier in
    lint) run npm run --silent lint ;;
    unit) run node test/unit.mjs --coverage ;;
    # One file at a time: on a busy machine, other people's servers give up on datagrams that are only late.
    interop) run tap interop 1 'test/interop/**/*.test.ts' 'test/replay/**/*.test.ts' ;;
    # Each file boots a board of its own; two at a time keep two cores busy. What they share is built first: an image, and the
    # QEMU that has a Cubieboard4.
    board)
      run node dist/systemd/image/image.js --board virt --out "$out/virt"
      run node dist/systemd/qemu/build-qemu.js
      run tap board 2 'test/board/**/*.test.ts'
      ;;
    # In a network of its own, so what comes from a mirror is fetched first. One file at a time: they share addresses.
    lava)
      run node dist/test/lava/prepare.js
      run sh test/lava/in-own-network.sh npx tap run --reporter=base --jobs=1 --timeout=2400 \
        --output-file="$out/lava.tap" 'test/lava/*.test.ts'
      ;;
    *)
      echo "test/run.sh: unknown tier '$tier'; known: lint unit interop board lava" >&2
      exit 1
      ;;
  esac
  times="$times  $tier $(($(date +%s) - started)) s"
done

echo "time:$times"
node test/tally.mjs $(find "$out" -name '*.tap')
exit "$status"
