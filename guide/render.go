package guide

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// renderTime limits the parsing of a text. A good one of the maximum size takes a tenth of a second.
const renderTime = 3 * time.Second

// maxParagraph limits a paragraph, in bytes.
const maxParagraph = 128 << 10

// ErrTooSlow reports that a text takes too long to render.
var ErrTooSlow = errors.New("the text is too complex to be shown")

// Document is a rendered text.
type Document struct {
	Title  string // first heading, as plain text; may be empty
	Body   template.HTML
	Blocks []Block // code that can be run, in order
}

// Block is a block of code that can be run. Its element has the id "step-" and its number, from 1.
type Block struct {
	Kind string // Convoy or System
	Flag string // rest of its tag, such as "error"
	Text string
}

// The kinds of blocks, as in their tags.
const (
	Convoy = "convoy" // for the Convoy shell
	System = "sh"     // for the system's shell
)

// render converts untrusted Markdown into HTML that is safe in a page. HTML stays text, links lead to pages or nowhere,
// and images are links. base is the prefix of links to the console, ids that of heading ids, so that they differ from
// other ids of the page.
func render(source []byte, base, ids string, limit time.Duration) (Document, error) {
	r := newRendering(source, ids, time.Now().Add(limit))
	r.base = base
	root, err := r.parse()
	if err != nil {
		return Document{}, err
	}
	var b bytes.Buffer
	if err := r.markdown.Renderer().Render(&b, r.source, root); err != nil {
		return Document{}, fmt.Errorf("render: %w", err)
	}
	title, _ := outline(root, r.source)
	return Document{Title: title, Body: template.HTML(b.String()), Blocks: r.blocks}, nil
}

// figureEnd ends a block of code. No text of a document contains it: it would be escaped.
const figureEnd = "</figure>"

// Cut returns the body in pieces, cut before and after the end tag of each block's figure, so that a page can add to it
// and put something below it: there is one piece more than blocks.
func (d Document) Cut() (pieces []template.HTML) {
	rest := string(d.Body)
	for i := range d.Blocks {
		at := strings.Index(rest, fmt.Sprintf(`id="step-%d"`, i+1))
		end := at + strings.Index(rest[at:], figureEnd)
		pieces = append(pieces, template.HTML(rest[:end]))
		rest = rest[end+len(figureEnd):]
	}
	return append(pieces, template.HTML(rest))
}

// excerpt returns a text's first heading and paragraph as plain text; both are empty if that takes longer than until
// end.
func excerpt(source []byte, end time.Time) (title, summary string) {
	r := newRendering(source, "", end)
	root, err := r.parse()
	if err != nil {
		return "", ""
	}
	return outline(root, r.source)
}

// rendering is the rendering of one text.
type rendering struct {
	source   []byte
	base     string
	ids      string
	end      time.Time // deadline
	markdown goldmark.Markdown
	blocks   []Block
}

func newRendering(source []byte, ids string, end time.Time) *rendering {
	r := &rendering{source: bytes.ToValidUTF8(source, []byte("\uFFFD")), ids: ids, end: end}
	r.markdown = goldmark.New(
		// the page's policy allows no inline styles
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(), parser.WithBlockParsers(util.Prioritized(blockClock{r}, 0)),
			parser.WithInlineParsers(util.Prioritized(inlineClock{r}, 0)),
			parser.WithParagraphTransformers(util.Prioritized(paragraphBound{}, 0)),
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(r, 0))),
	)
	return r
}

func (r *rendering) parse() (root ast.Node, err error) {
	defer func() {
		if v := recover(); v == ErrTooSlow {
			err = ErrTooSlow
		} else if v != nil {
			panic(v)
		}
	}()
	ids := prefixed{parser.NewContext().IDs(), r.ids}
	return r.markdown.Parser().
			Parse(text.NewReader(r.source), parser.WithContext(parser.NewContext(parser.WithIDs(ids)))),
		nil
}

// prefixed generates ids with a prefix.
type prefixed struct {
	parser.IDs
	prefix string
}

func (p prefixed) Generate(value []byte, kind ast.NodeKind) []byte {
	return append([]byte(p.prefix), p.IDs.Generate(value, kind)...)
}

// tick aborts a text that takes too long. goldmark cannot be cancelled, and needs quadratic time for some texts, such
// as a line of only ">".
func (r *rendering) tick() {
	if time.Now().After(r.end) {
		panic(ErrTooSlow)
	}
}

// blockClock and inlineClock parse nothing: they check the deadline wherever goldmark may have much to do.
type blockClock struct{ *rendering }

func (c blockClock) Trigger() []byte { return []byte(">-+*0123456789") } // how a block that contains blocks begins
func (c blockClock) Open(ast.Node, text.Reader, parser.Context) (ast.Node, parser.State) {
	c.tick()
	return nil, parser.NoChildren
}
func (c blockClock) Continue(ast.Node, text.Reader, parser.Context) parser.State { return parser.Close }
func (c blockClock) Close(ast.Node, text.Reader, parser.Context)                 {}
func (c blockClock) CanInterruptParagraph() bool                                 { return true }
func (c blockClock) CanAcceptIndentedLine() bool                                 { return true }

type inlineClock struct{ *rendering }

func (c inlineClock) Trigger() []byte { return []byte("[]!<*_`&\\") }
func (c inlineClock) Parse(ast.Node, text.Reader, parser.Context) ast.Node {
	c.tick()
	return nil
}

// paragraphBound rejects a paragraph in which goldmark would search for link definitions for too long.
type paragraphBound struct{}

func (paragraphBound) Transform(node *ast.Paragraph, _ text.Reader, _ parser.Context) {
	if lines := node.Lines(); lines.Len() > 0 && lines.At(lines.Len()-1).Stop-lines.At(0).Start > maxParagraph {
		panic(ErrTooSlow)
	}
}

// outline returns a text's first heading and paragraph as plain text.
func outline(root ast.Node, source []byte) (title, summary string) {
	for n := root.FirstChild(); n != nil && (title == "" || summary == ""); n = n.NextSibling() {
		switch {
		case n.Kind() == ast.KindHeading && title == "":
			title = plain(n, source)
		case n.Kind() == ast.KindParagraph && summary == "":
			summary = plain(n, source)
		}
	}
	return title, summary
}

// plain is the visible text of inline content.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { //nolint:errcheck // none is returned
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(resolve(n.Segment.Value(source)))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *ast.RawHTML:
			b.Write(n.Segments.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}
