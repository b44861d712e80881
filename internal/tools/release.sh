#!/usr/bin/env bash
# Builds a release: static binaries, an SBOM for each (CycloneDX), and checksums.
#
#	make release                          into dist/
#	internal/tools/release.sh DIRECTORY   into another directory
#
# The same commit, tags and version of Go give the same files. CONTRIBUTING.md describes the steps of a release.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-dist}

if [ ! -d .git ]; then
  echo "release: use a clone: go build does not stamp a version in a linked work tree" >&2
  exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
  echo "release: commit or remove these changes, or the binaries would not match a commit:" >&2
  git status --short >&2
  exit 1
fi
tag=$(git describe --exact-match --tags 2>/dev/null) ||
  echo "release: a trial, because this commit has no tag: git tag -a vX.Y.Z -m vX.Y.Z" >&2
if [ -n "$tag" ] && ! grep -q "^## ${tag#v} - " CHANGELOG.md; then
  echo "release: CHANGELOG.md has no section \"${tag#v} - DATE\"" >&2
  exit 1
fi

# Nothing of this machine may change the files.
unset GOEXPERIMENT
export CGO_ENABLED=0 GOFLAGS=-trimpath GOAMD64=v1 GOARM64=v8.0
sbom=$(go tool -modfile=internal/tools/tools.mod -n cyclonedx-gomod) # for this machine, so before GOOS is set

mkdir -p "$out"
rm -f "$out"/convoy-* "$out/SHA256SUMS"
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  export GOOS=${target%/*} GOARCH=${target#*/}
  file=$out/convoy-$GOOS-$GOARCH
  echo "building $file"
  go build -buildvcs=true -ldflags="-s -w" -o "$file" .
  "$sbom" app -json -licenses -std -noserial -notimestamp -output "$file.sbom.json" .
done
cp LICENSE "$out/"
(cd "$out" && sha256sum -- convoy-* >SHA256SUMS)
ls -l "$out"
