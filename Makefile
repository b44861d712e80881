.PHONY: quick test nightly race lint generate bench bench-check vendor golden image release

quick: # tests without browsers and network namespaces, in under a minute
	go run ./internal/tools/gotest -short -vet=off -ldflags=-w -p 4 -parallel 8 -timeout 10m

test: # every test
	./test.sh

nightly: # the random tests with many rounds
	internal/tools/nightly.sh

race: # the tests of the packages in which goroutines share something, with the race detector
	internal/tools/race.sh

lint: # every check that does not run the program
	internal/tools/lint.sh

generate: # what pages load, from assets/js and assets/css, and the client of Railway's API
	go generate ./...

bench: # measure everything in four minutes; compare with ttyd if it is on PATH
	go run ./internal/bench

bench-check: # the same; fails if a figure misses its budget
	go run ./internal/bench -check

vendor: # download the libraries of the pages, and of their tests, with npm
	go run ./internal/tools/vendor

golden: # write the files that pty/screen is compared with, using xterm.js in Node
	cd internal/tools/golden && npm install --no-save --no-package-lock && node golden.mjs

image: # the container image, with docker, podman or buildah; TAG=name names it
	internal/tools/image.sh

release: # static binaries, an SBOM for each, and checksums, in dist/
	internal/tools/release.sh
