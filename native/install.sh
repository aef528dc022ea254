#!/bin/sh
# `npm install` runs this if no prebuilt addon fits this machine. It builds one, or says what is missing.
#
# Only a board needs the addon. A lab machine can plan, explain and drive boards without it, so a missing compiler does
# not fail the installation.
set -eu
cd "$(dirname "$0")"

for tool in make "${CXX:-c++}"; do
  command -v "$tool" >/dev/null && continue
  echo "fauxboot: $tool is not installed, so the native addon is not built; only the agent on a board needs it."
  exit 0
done
exec make -s host
