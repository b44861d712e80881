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

// maxColored limits the size of highlighted blocks, in bytes.
const maxColored = 64 << 10

// lexerFiles are two of chroma's lexers. Its package with all of them would cost 3 MB of memory and 10 ms in every
// process of this program, and each Convoy shell adds another.
//
//go:embed lexers/*.xml
var lexerFiles embed.FS

// lexers reads the lexers on first use.
var lexers = sync.OnceValue(func() map[string]chroma.Lexer {
	python := chroma.MustNewXMLLexer(lexerFiles, "lexers/python.xml")
	bash := chroma.MustNewXMLLexer(lexerFiles, "lexers/bash.xml")
	return map[string]chroma.Lexer{Convoy: python, "python": python, System: bash, "bash": bash}
})

// code renders a block of code as a figure, with kind and step number if it can be run. assets/js/code.js adds its
// buttons, which need scripts.
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

// color highlights code. If that takes too long, or the lexer fails, the rest is plain text.
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
			return // the lexer has changed the text
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

// classOf is the CSS class of a token (assets/css/code.css).
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
