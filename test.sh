#!/usr/bin/env bash
# Runs every test of Convoy: ./test.sh [arguments of go test]
#
# Besides Go it wants a C compiler (for the race detector), Chromium (for the browser tests), and a few programs that
# the tests run in shells. On Debian, as root, it installs what is missing; elsewhere the tests that need what is
# missing are skipped and say so.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need gcc gcc
need chromium chromium
need vim vim
need less less
need htop htop
need ip iproute2
need nft nftables
if command -v chromium-browser google-chrome >/dev/null 2>&1; then
  missing=("${missing[@]/#chromium/}")
fi
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "test.sh: installing ${missing[*]}"
  apt-get update -qq
  # shellcheck disable=SC2086 # names without blanks; empty ones vanish
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ${missing[*]} libc6-dev >/dev/null
fi

race=-race
if ! command -v gcc >/dev/null 2>&1; then
  echo "test.sh: no C compiler, so without the race detector"
  race=
fi

if [ -n "$(gofmt -l .)" ]; then
  echo "test.sh: gofmt these files:" && gofmt -l . && exit 1
fi
go vet ./...
# Two more checks, if they can be had: by a network that reaches their modules, and the database of known weaknesses.
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2 # staticcheck.conf says what it does not check
if go run "$staticcheck" -version >/dev/null 2>&1; then
  go run "$staticcheck" ./...
else
  echo "test.sh: staticcheck cannot be had here, and is skipped"
fi
if found=$(timeout 120 go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 . 2>&1); then
  echo "test.sh: no known weakness in what Convoy is made of"
elif grep -q "^Vulnerability #" <<<"$found"; then
  echo "$found" && exit 1
else
  echo "test.sh: the database of known weaknesses cannot be reached here, so what Convoy is made of is not looked up there"
fi
# One package at a time: some drive a browser, some a network of their own, and on a small machine they would take the
# processor from one another.
# shellcheck disable=SC2086 # empty or one word
go test $race -p 1 -timeout 10m "$@" ./...
