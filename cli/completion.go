package cli

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// completeCommand is the command by which completion scripts ask what may come next.
const completeCommand = "complete"

// completionScripts pass the words up to the cursor to completeCommand. Where it prints nothing, they complete files.
//
//go:embed completion
var completionScripts embed.FS

// runCompletion is convoy completion.
func runCompletion(_ context.Context, c call) (int, error) {
	set := newFlagSet("convoy completion")
	if err := parse(set, c.args); err != nil {
		return 2, err
	}
	script, err := completionScripts.ReadFile("completion/convoy." + set.Arg(0))
	if err != nil || set.NArg() > 1 {
		return 2, hint("convoy completion -h describes them", "convoy completion takes bash, zsh or fish")
	}
	_, err = c.stdout.Write(script)
	return exit(err)
}

// runComplete prints what the last argument, which may be empty, can become after the others: a candidate a line, with
// its text after a tab.
func runComplete(_ context.Context, c call) (int, error) {
	if len(c.args) == 0 {
		return 0, nil
	}
	last := len(c.args) - 1
	for _, one := range candidates(c.args[:last], c.args[last]) {
		if strings.HasPrefix(one.word, c.args[last]) {
			fmt.Fprintf(c.stdout, "%s\t%s\n", one.word, one.text)
		}
	}
	return 0, nil
}

// candidate is a word, and what it means.
type candidate struct{ word, text string }

// candidates are the flags, values and words that may come after words, if the next one begins like typed.
func candidates(words []string, typed string) (found []candidate) {
	cmd, rest := find(commands(), words)
	set := newFlagSet("", cmd.groups...)
	plain := strings.Fields(cmd.name) // the words without flags and their values
	for i := 0; i < len(rest); i++ {
		f := set.Lookup(strings.TrimLeft(rest[i], "-"))
		switch {
		case !strings.HasPrefix(rest[i], "-"):
			plain = append(plain, rest[i])
		case f != nil && !isBool(f) && i == len(rest)-1:
			placeholder, _ := describe(f)
			return eachOf(placeholder, "")
		case f != nil && !isBool(f):
			i++
		}
	}
	if strings.HasPrefix(typed, "-") {
		set.VisitAll(func(f *flag.Flag) {
			if _, text := describe(f); text != "" {
				found = append(found, candidate{"-" + f.Name, text})
			}
		})
		return found
	}
	if cmd.name == "" && len(plain) < len(words) {
		return nil // no command follows a flag
	}
	for line := range strings.Lines(cmd.page()) {
		call, ok := strings.CutPrefix(line, "    convoy ")
		call, text, _ := strings.Cut(call, "  ")
		parts, n := strings.Fields(call), len(plain)
		if ok && len(parts) > n && slices.Equal(parts[:n], plain) {
			found = append(found, eachOf(parts[n], strings.TrimSpace(text))...)
		}
	}
	return found
}

// eachOf are the words of a|b. Any other placeholder is not a word.
func eachOf(words, text string) (found []candidate) {
	for word := range strings.SplitSeq(words, "|") {
		if word != "" && unicode.IsLower(rune(word[0])) {
			found = append(found, candidate{word, text})
		}
	}
	return found
}
