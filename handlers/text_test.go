package handlers

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The page's HTML holds what the first shell shows, as text, whatever the shell has printed.
func TestConsole_ShowsScreensWithoutScripts(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := n.client(t)
	s, term := n.open(t, c)
	ctx := soon(t)
	must(t, term.Type(ctx, "printf '<b>&%s\\n' bold; i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done; echo '</pre><script>alert(1)</script>'; echo done-$((1+1))\r"))
	must(t, term.WaitFor(ctx, "done-2"))
	answer := n.request(t, http.MethodGet, "/", "", "Authorization: Bearer "+token, "Accept: text/html")
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	must(t, err)
	_, text, _ := strings.Cut(string(page), `<pre class="shell-text"`)
	text, _, _ = strings.Cut(text, "</pre>")
	for _, want := range []string{"line 99\n", "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;\n", "done-2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page's screen is %q, want %q in it", text, want)
		}
	}

	answer = n.request(t, http.MethodGet, s.Path()+"/text", "", "Authorization: Bearer "+token)
	defer answer.Body.Close()
	whole, err := io.ReadAll(answer.Body)
	must(t, err)
	if !strings.Contains(string(whole), "<b>&bold\nline 1\nline 2\n") || !strings.Contains(string(whole), "\ndone-2\n") {
		t.Errorf("the whole text is %q", whole)
	}
	if kind, name := answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition"); kind != "text/plain; charset=utf-8" || !strings.Contains(name, s.ID+".txt") {
		t.Errorf("it is %q, %q", kind, name)
	}
}
