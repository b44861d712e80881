#!/usr/bin/env bash
# Runs every test of Convoy: ./test.sh [arguments of go test]
#
# Besides Go it wants Chromium and Firefox (for the browser tests), ip and nft (for networks that break), and a few
# programs that the tests run in shells. On Debian, as root, it installs what is missing; elsewhere the tests that need
# what is missing are skipped, and the end says how many and why.
# Analysis of the code is make lint; tests with the race detector are make race.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
  need chromium-headless-shell chromium-headless-shell
command -v firefox >/dev/null 2>&1 || need firefox-esr firefox-esr
need vim vim
need less less
need htop htop
need ip iproute2
need nft nftables
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "test.sh: installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

exec go run ./internal/tools/gotest -count=1 -vet=off -ldflags=-w -p 4 -parallel 4 -timeout 30m "$@"
