#!/usr/bin/env bash
# Makes what a release consists of: static binaries, their checksums, and the list of the modules in them.
#
#	make release                          into dist/
#	internal/tools/release.sh DIRECTORY   into another
#
# The order of a release:
#  1. In CHANGELOG.md rename Unreleased to "0.3.0 - DATE"; set released in internal/version; commit.
#  2. ./test.sh && make lint bench-check
#  3. git tag -a v0.3.0 -m v0.3.0
#  4. make release: the binaries find their version in the stamp that go build takes from git.
#  5. Push the tag, and publish everything in dist/ under it, with the section of the changelog.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-dist}

if [ ! -d .git ]; then
  echo "release: use a clone: go build takes no stamp from a linked work tree" >&2
  exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
  echo "release: commit or remove these changes first, or the binaries are not those of a commit:" >&2
  git status --short >&2
  exit 1
fi
tag=$(git describe --exact-match --tags 2>/dev/null) ||
  echo "release: this commit has no tag, so this is for trying: git tag -a vX.Y.Z -m vX.Y.Z" >&2
if [ -n "$tag" ] && ! grep -q "^## ${tag#v} - " CHANGELOG.md; then
  echo "release: CHANGELOG.md has no section \"${tag#v} - DATE\"" >&2
  exit 1
fi

mkdir -p "$out"
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  echo "building $target"
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} \
    go build -trimpath -buildvcs=true -ldflags="-s -w" -o "$out/convoy-${target/\//-}" .
done
make --no-print-directory sbom
mv sbom.json "$out/convoy.sbom.json"
cp LICENSE "$out/"
(cd "$out" && rm -f SHA256SUMS && sha256sum -- convoy-* convoy.sbom.json >SHA256SUMS)
ls -l "$out"
