package guide

import (
	"embed"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// maxColored is the size of the largest block that is coloured, in bytes.
const maxColored = 64 << 10

// lexerFiles are two of chroma's lexers. Its package of all of them would take 3 MB of memory and 10 ms in every
// process of this program, of which there is one more for each Convoy shell.
//
//go:embed lexers/*.xml
var lexerFiles embed.FS

// lexers reads the lexers when a text is first coloured.
var lexers = sync.OnceValue(func() map[string]chroma.Lexer {
	python, bash := chroma.MustNewXMLLexer(
		lexerFiles,
		"lexers/python.xml",
	), chroma.MustNewXMLLexer(
		lexerFiles,
		"lexers/bash.xml",
	)
	return map[string]chroma.Lexer{Convoy: python, "python": python, System: bash, "bash": bash}
})

// code renders a block of code: a figure with the kind of what can be run, and its number as a step. Its buttons are
// made by assets/js/code.js, since they do nothing without it.
func (r *rendering) code(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	body := string(node.Lines().Value(source))
	tag, flag := "", ""
	if n, ok := node.(*ast.FencedCodeBlock); ok && n.Info != nil {
		tag, flag, _ = strings.Cut(strings.TrimSpace(string(n.Info.Segment.Value(source))), " ")
	}
	if tag == Convoy || tag == System {
		r.blocks = append(r.blocks, Block{Kind: tag, Flag: strings.TrimSpace(flag), Text: body})
		step := strconv.Itoa(len(r.blocks))
		raw(w, `<figure class="code" id="step-`+step+`" data-kind="`+tag+`" data-step="`+step+`">`)
	} else {
		raw(w, `<figure class="code">`)
	}
	raw(w, `<pre tabindex="0"><code>`)
	r.color(w, tag, body)
	raw(w, "</code></pre></figure>\n")
	return ast.WalkSkipChildren, nil
}

// color writes code with its parts in classes. It is plain text from where that takes too long, or where a lexer fails.
func (r *rendering) color(w util.BufWriter, tag, body string) {
	lexer := lexers()[tag]
	if lexer == nil || len(body) > maxColored {
		write(w, []byte(body))
		return
	}
	written := 0
	defer func() {
		if v := recover(); v != nil || written < len(body) {
			write(w, []byte(body[min(written, len(body)):]))
		}
	}()
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, body)
	if err != nil {
		return
	}
	for t := tokens(); t != chroma.EOF && time.Now().Before(r.end); t = tokens() {
		if !strings.HasPrefix(body[written:], t.Value) {
			return // it is not our text any more
		}
		written += len(t.Value)
		writeToken(w, t)
	}
}

func writeToken(w util.BufWriter, t chroma.Token) {
	class := classOf(t.Type)
	if t.Value == "" {
		return
	}
	if class != "" {
		raw(w, `<span class="`+class+`">`)
	}
	write(w, []byte(t.Value))
	if class != "" {
		raw(w, "</span>")
	}
}

// classOf is the class of a part of code (assets/css/code.css).
func classOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "c-note"
	case t.InCategory(chroma.Keyword), t == chroma.OperatorWord:
		return "c-word"
	case t.InSubCategory(chroma.LiteralString):
		return "c-text"
	case t.InSubCategory(chroma.LiteralNumber):
		return "c-number"
	case t == chroma.NameBuiltin, t == chroma.NameFunction, t == chroma.NameBuiltinPseudo:
		return "c-call"
	case t.InSubCategory(chroma.NameVariable), t == chroma.NameAttribute:
		return "c-name"
	case t.InCategory(chroma.Operator), t.InCategory(chroma.Punctuation):
		return "c-sign"
	}
	return ""
}
