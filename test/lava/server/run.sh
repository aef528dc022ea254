#!/bin/sh
# Run a real LAVA server with one worker and two emulated boards: first their health checks, then jobs on both. Not part
# of npm test: it takes half an hour and 1.5 GB.
#
# Usage: sh test/lava/server/run.sh [JOBS]      20 by default; as root
set -eu
cd "$(dirname "$0")/../../.."
sh test/setup.sh
node dist/test/lava/prepare.js
installed=$PWD/.cache/lava-server
if [ ! -d "$installed" ]; then
  rm -rf "$installed.new"
  mmdebstrap --variant=apt --aptopt='APT::Install-Recommends "false"' \
    --include=curl,lava-dispatcher,lava-server,lavacli,postgresql,telnet,tftpd-hpa,u-boot-tools \
    bookworm "$installed.new"
  mv "$installed.new" "$installed"
fi
JOBS=${1:-20} exec node test/run-tests.mjs --timeout 14400 test/lava/server/server.test.ts
