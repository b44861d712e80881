#!/usr/bin/env bash
# Runs the tests of the packages in which goroutines share something, with the race detector. It makes tests several
# times slower, and needs a C compiler.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v gcc >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev >/dev/null
fi
# The skipped test has no goroutines, and draws for minutes with the detector.
exec ./test.sh -race -skip '^TestCheckpoint_LimitsTheWork$' ./access/... ./audit ./fleet ./handlers/... ./local ./logs \
  ./metrics ./peer ./pty ./pty/cast ./railway ./repl/... ./rpc "$@"
