#!/usr/bin/env bash
# Runs the random tests with many rounds. A test that fails prints the seed that repeats it.
set -uo pipefail
cd "$(dirname "$0")/../.."
status=0
go test ./handlers -run TestBadNetworks -timeout 0 -runs 10000 || status=1
go test ./pty -run TestAdopt_Random -timeout 0 -runs 300 || status=1
go test ./e2e -run TestShells_OutliveTheirNode -timeout 0 -outlive-runs 1000 || status=1
go test ./e2e -run TestShells_LeaveNothing -timeout 0 -left-restarts 50 || status=1
go test ./e2e -run TestBrowser_PredictsRandomTyping -timeout 0 -parallel 4 -typings 1000 || status=1
exit $status
