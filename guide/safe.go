package guide

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// RegisterFuncs overrides the nodes that goldmark would render in a way that our pages do not allow.
func (r *rendering) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, r.code)
	reg.Register(ast.KindCodeBlock, r.code)
	reg.Register(ast.KindHTMLBlock, r.htmlBlock)
	reg.Register(ast.KindRawHTML, r.rawHTML)
	reg.Register(ast.KindLink, r.link)
	reg.Register(ast.KindAutoLink, r.autoLink)
	reg.Register(ast.KindImage, r.image)
}

// write writes escaped text. Flushing reports failed writes.
func write(w util.BufWriter, text []byte) { w.Write(util.EscapeHTML(text)) } //nolint:errcheck

func raw(w util.BufWriter, html string) { w.WriteString(html) } //nolint:errcheck

// htmlBlock and rawHTML show HTML as text: "<host>" usually means that.
func (r *rendering) htmlBlock(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if n := node.(*ast.HTMLBlock); entering {
		raw(w, "<p>")
		write(w, bytes.TrimSpace(n.Lines().Value(source)))
		if n.HasClosure() {
			write(w, n.ClosureLine.Value(source))
		}
		raw(w, "</p>\n")
	}
	return ast.WalkSkipChildren, nil
}

func (r *rendering) rawHTML(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		write(w, node.(*ast.RawHTML).Segments.Value(source))
	}
	return ast.WalkSkipChildren, nil
}

// resolve removes the escapes and references of Markdown, as a browser would.
func resolve(text []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(text)))
}

// scheme matches the scheme of an address. Browsers skip blanks and control characters.
var scheme = regexp.MustCompile(`^[\x00-\x20]*([A-Za-z][A-Za-z0-9+.\-\x00-\x20]*):`)

// href returns an address that is allowed in a link: a web page or an e-mail address.
func (r *rendering) href(to []byte) (string, bool) {
	to = resolve(to)
	if found := scheme.FindSubmatch(to); found != nil {
		switch strings.ToLower(string(found[1])) {
		case "http", "https", "mailto":
		default:
			return "", false
		}
	}
	address := string(util.EscapeHTML(util.URLEscape(to, false)))
	if page, id, ok := strings.Cut(address, "#"); ok && id != "" && (page == "" || strings.HasSuffix(page, ".md")) {
		address = page + "#" + r.ids + id
	}
	if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
		address = r.base + address
	}
	return address, true
}

// anchor begins a link, without a referrer.
func (r *rendering) anchor(w util.BufWriter, to, title []byte) (isLink bool) {
	address, ok := r.href(to)
	if !ok {
		return false
	}
	raw(w, `<a href="`+address+`" rel="noreferrer"`)
	if title != nil {
		raw(w, ` title="`)
		write(w, resolve(title))
		raw(w, `"`)
	}
	raw(w, ">")
	return true
}

// link renders only the text of a forbidden link.
func (r *rendering) link(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Link)
	if entering {
		r.anchor(w, n.Destination, n.Title)
	} else if _, ok := r.href(n.Destination); ok {
		raw(w, "</a>")
	}
	return ast.WalkContinue, nil
}

func (r *rendering) autoLink(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.AutoLink)
	to := n.URL(source)
	if n.AutoLinkType == ast.AutoLinkEmail && !bytes.HasPrefix(bytes.ToLower(to), []byte("mailto:")) {
		to = append([]byte("mailto:"), to...)
	}
	isLink := r.anchor(w, to, nil)
	write(w, n.Label(source))
	if isLink {
		raw(w, "</a>")
	}
	return ast.WalkContinue, nil
}

// image renders an image elsewhere as a link: loading it would tell its owner who reads the page. Files next to the
// text are not served, so only their description remains.
func (r *rendering) image(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.Image)
	alt := cmp.Or(plain(n, source), "image")
	isLink := remote(n.Destination) && r.anchor(w, n.Destination, n.Title)
	write(w, []byte(alt))
	if isLink {
		raw(w, "</a>")
	}
	return ast.WalkSkipChildren, nil
}

// remote reports whether an address is on another host.
func remote(to []byte) bool {
	return scheme.Match(to) || bytes.HasPrefix(to, []byte("//"))
}
