.PHONY: quick test lint generate bench bench-check vendor golden sbom release

quick: # the tests that need no browser and no network of their own, without the race detector: under a minute
	go run ./internal/tools/gotest -short -timeout 10m

test: # every test
	./test.sh

lint: # everything that reads the code without running it
	internal/tools/lint.sh

generate: # the client of Railway's API, from its schema and the operations
	go generate ./...

bench: # every figure and the budgets, in two and a half minutes; with ttyd beside Convoy if it is on PATH
	go run ./internal/bench

bench-check: # the same, and fails if a figure misses what it must be
	go run ./internal/bench -check

vendor: # the browser libraries of assets/vendor/lock.json, by npm
	go run ./internal/tools/vendor

golden: # the files that pty/screen is compared with, made by xterm.js in Node
	cd internal/tools/golden && npm install --no-save --no-package-lock && node golden.mjs

sbom: # sbom.json, the modules that the program is made of, with their licences (CycloneDX)
	go tool -modfile=internal/tools/tools.mod cyclonedx-gomod app -json -licenses -output sbom.json .

release: # static binaries, checksums and sbom in dist/; internal/tools/release.sh has the order of a release
	internal/tools/release.sh
