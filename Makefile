.PHONY: bench test vendor golden

bench: # every figure and the budgets, in two and a half minutes; with ttyd beside Convoy if it is on PATH
	go run ./internal/bench

test: # every test
	./test.sh

vendor: # the browser libraries of assets/vendor/lock.json, by npm
	go run ./internal/tools/vendor

golden: # the files that pty/screen is compared with, made by xterm.js in Node
	cd internal/tools/golden && npm install --no-save --no-package-lock && node golden.mjs
