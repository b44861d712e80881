#!/usr/bin/env bash
# Builds the image with the first of docker, podman and buildah that runs here: make image [TAG=name]
# Arguments are passed on to the engine: internal/tools/image.sh --target bare
set -euo pipefail
cd "$(dirname "$0")/../.."
for engine in docker podman buildah; do
  "$engine" info >/dev/null 2>&1 || continue
  format=()
  [ "$engine" = docker ] || format=(--format docker) # the other one has no health check
  exec "$engine" build "${format[@]}" --tag "${TAG:-convoy}" "$@" .
done
echo "image.sh: error: no engine for containers runs here: docker, podman or buildah" >&2
exit 1
