package cli

const shellUsage = `The Convoy shell is a prompt for the whole fleet.

Usage:
    convoy shell [flags]               a prompt
    convoy shell [flags] -c SOURCE     run SOURCE, print its last value
    convoy shell [flags] FILE          run a script

Against a console:
    -connect URL       the console's address; default http://localhost:4000
    -token-file FILE   its token; without it CONVOY_TOKEN is read
    -ca FILE           certificates, in PEM, that vouch for the console's

    -json              values as JSON, a line each, for other programs
    -timeout DURATION  ends what runs after so long; default 0, never
    -history FILE      keeps what was typed; default: nothing is kept
    -name NAME         what the prompt calls the node

The language is Starlark, a small Python: help() says what can be called. The
exit status is 0, 1 if something failed, 130 if it was stopped by Ctrl-C.
`
