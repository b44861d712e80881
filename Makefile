.PHONY: bench test vendor golden sbom

bench: # every figure and the budgets, in two and a half minutes; with ttyd beside Convoy if it is on PATH
	go run ./internal/bench

test: # every test
	./test.sh

vendor: # the browser libraries of assets/vendor/lock.json, by npm
	go run ./internal/tools/vendor

sbom: # sbom.json, the modules that the program is made of, with their licences (CycloneDX)
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 app -json -licenses -output sbom.json .

golden: # the files that pty/screen is compared with, made by xterm.js in Node
	cd internal/tools/golden && npm install --no-save --no-package-lock && node golden.mjs
