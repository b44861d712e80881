#!/usr/bin/env bash
# Everything that reads the code without running it: make lint. The tools are those of tools.mod, built once.
set -uo pipefail
cd "$(dirname "$0")/../.."
failed=0

tool() { go tool -modfile=internal/tools/tools.mod "$@"; }

# check NAME COMMAND…
check() {
  local name=$1 out begin=$SECONDS
  shift
  if out=$("$@" 2>&1); then
    echo "ok    $name ($((SECONDS - begin))s)${out:+: $out}"
  else
    printf 'FAIL  %s\n%s\n' "$name" "$out"
    failed=1
  fi
}

formatted() {
  local files
  files=$(gofmt -l .) && [ -z "$files" ] || { echo "gofmt -w these files: $files"; return 1; }
}

# The client of Railway's API is what go generate ./railway makes of the schema and the operations.
generated() {
  local dir out
  dir=$(mktemp -d) || return
  cp railway/schema.graphql railway/operations.graphql railway/genqlient.yaml "$dir" &&
    { out=$(go tool genqlient "$dir/genqlient.yaml" 2>&1) || echo "$out"; } && diff -u railway/generated.go "$dir/generated.go"
  local status=$?
  rm -rf "$dir"
  [ $status = 0 ] || echo "make generate, and commit railway/generated.go"
  return $status
}

rules() {
  local out
  out=$(go test -count=1 ./internal/rules 2>&1) || { echo "$out" && return 1; }
}

# The scripts' linter comes by npm, at the version of its lock. Without npm or its registry, the step is skipped.
scripts() {
  local dir=internal/tools/js out status
  command -v npm >/dev/null || { echo "skipped, because npm is not installed"; return; }
  if ! cmp -s $dir/package-lock.json $dir/node_modules/.installed; then
    out=$(timeout 120 npm ci --prefix $dir --no-audit --no-fund 2>&1)
    status=$?
    if [ $status = 124 ] || [[ $out =~ ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|ERR_SOCKET ]]; then
      echo "skipped, because npm's registry cannot be reached here" && return
    fi
    [ $status = 0 ] || { echo "$out" && return 1; }
    cp $dir/package-lock.json $dir/node_modules/.installed
  fi
  out=$($dir/node_modules/.bin/biome lint --config-path=$dir --error-on-warnings --max-diagnostics=100 assets/js 2>&1) ||
    { echo "$out" && return 1; }
}

# The database of known weaknesses may be out of reach, which is no fault of the code.
weaknesses() {
  local govulncheck out status
  govulncheck=$(tool -n govulncheck) || return
  out=$(timeout 30 "$govulncheck" . 2>&1)
  status=$?
  case $status in
  0) ;; # none
  3) echo "$out" && return 1 ;;
  *) echo "not looked up, because their database cannot be reached here" ;;
  esac
}

check "gofmt" formatted
check "go vet" go vet ./...
check "staticcheck" tool staticcheck ./... # staticcheck.conf says what it does not check
check "scripts" scripts # internal/tools/js/biome.json says what it checks
check "generated files" generated
check "licences, and who imports whom" rules
check "known weaknesses" weaknesses
exit $failed
