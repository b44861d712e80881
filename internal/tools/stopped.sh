#!/usr/bin/env bash
# Shows that a run of the tests which is stopped leaves no process, no namespace and no browser behind: as root,
#
#	internal/tools/stopped.sh
#
# It starts some tests in a namespace of processes of its own, ends them in several ways, and lists who is left there.
set -uo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
  exec unshare --pid --fork --mount-proc --kill-child "$0" inside
fi
failed=0

# others lists the processes besides those of this script, zombies left out.
others() { ps -eo pid=,stat=,args= | awk '$2 !~ /Z/ && $0 !~ /stopped[.]sh inside| ps -eo | awk | grep /'; }

# running waits until a process has a name.
running() { until others | grep -qE "$1"; do sleep 0.1; done; }

# try HOW SIGNAL WHOM: starts test.sh, waits for a browser and a network, sends the signal to whoever has that name, and
# looks who is left.
try() {
  local how=$1 signal=$2 whom=$3 victims running
  set -m # a group of its own, as a terminal gives
  ./test.sh ./e2e ./internal/netlab -run 'Browser|TestPartitionHeals' >/dev/null 2>&1 &
  local group=$!
  set +m
  running 'type=renderer'
  running 'ip netns|netlab.test'
  running=$(others | wc -l)
  if [ "$whom" = group ]; then
    kill -"$signal" -- -$group
  else
    victims=$(others | awk -v whom="$whom" '$0 ~ whom { print $1 }')
    # shellcheck disable=SC2086 # several
    kill -"$signal" $victims 2>/dev/null
  fi
  wait $group 2>/dev/null
  for _ in $(seq 50); do
    [ -z "$(others)" ] && break
    sleep 0.1
  done
  if [ -n "$(others)" ] || [ -n "$(ls /run/netns 2>/dev/null)" ]; then
    echo "FAIL  $how leaves"
    others
    ls /run/netns
    failed=1
    others | awk '{ print $1 }' | xargs -r kill -KILL
  else
    echo "ok    $how leaves nothing of $running processes"
  fi
}

try "Ctrl-C" INT group
try "ending test.sh" TERM 'go run ./internal/tools/gotest'
try "kill -9 of test.sh" KILL 'go run ./internal/tools/gotest'
try "kill -9 of go test" KILL 'go test -json'
try "kill -9 of the tests" KILL '/(e2e|netlab)[.]test'
exit $failed
