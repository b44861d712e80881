package assets_test

import (
	"fmt"
	"testing"

	"convoy/internal/browser"
)

// dropFiles drops an array of File on the terminal.
func dropFiles(p *browser.Page, files string) {
	p.Do(`{ const data = new DataTransfer(); for (const file of ` + files + `) data.items.add(file);
		const at = { dataTransfer: data, bubbles: true, cancelable: true };
		const screen = document.querySelector(".xterm-screen");
		for (const name of ["dragenter", "dragover", "drop"]) window.lastDrop = !screen.dispatchEvent(new DragEvent(name,
			at)) }`)
}

func testDrop(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	dropFiles(
		p,
		`[new File(["one"], "a ä.txt"), new File([], "empty"), new File(["x"], "full.bin"), new File([new `+
			`Uint8Array(300_000)], "zeros")]`,
	)
	s.until("all that have room are there", func() bool { return len(s.uploads["zeros"]) == 300_000 })
	p.Wait(`!document.querySelector(".shell-file") && window.test.notes.length === 4`)
	for _, want := range []string{"info a ä.txt is in /srv/app, 3 bytes.", "info empty is in /srv/app, 0 bytes.",
		"error full.bin was not uploaded. No space left on device. The disk of the node is full.", "info zeros is in " +
			"/srv/app, 293 KiB."} {
		p.Wait(fmt.Sprintf(`window.test.notes.includes(%q)`, want))
	}
	s.mu.Lock()
	if s.uploads["a ä.txt"] != "one" {
		t.Errorf("uploads: %q", s.uploads["a ä.txt"])
	}
	s.mu.Unlock()
	if !browser.Eval[bool](
		p, `window.lastDrop && !document.querySelector(".shell-over") && document.activeElement.closest(".shell") !== null`,
	) {
		t.Error("the page would leave for the file, or the focus is elsewhere")
	}
	if typed := s.typedSoFar(); typed != "" {
		t.Errorf("%q was typed", typed)
	}
}

func testCancelUpload(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	p := s.open(b)
	dropFiles(
		p, `[new File([new Uint8Array(5_000_000)], "slow.bin"), new File(["x"], "unwanted"), new File(["x"], "next")]`,
	)
	s.until("the upload begins", func() bool { return s.uploads["slow.bin"] == "begun" })
	p.Wait(`document.querySelectorAll(".shell-file").length === 3`)
	p.Click(".shell-file:nth-child(2) button")
	p.Click(".shell-file:nth-child(1) button")
	s.until("the next one", func() bool { return s.uploads["next"] == "x" && s.uploads["slow.bin"] == "given up" })
	p.Wait(`!document.querySelector(".shell-file") && window.test.notes.join() === "info next is in /srv/app, 1 byte."`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.uploads["unwanted"]; there {
		t.Error("what was given up while it waited was sent")
	}
}

func testDownload(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.change(func() { s.uploads["logs/app.log"] = "line\n" })
	p := s.open(b)
	p.Do(`HTMLAnchorElement.prototype.click = function () { window.saved = this.download; window.from = this.href }`)
	p.Do(`document.querySelector('[data-tool="Download a file…"]').click()`)
	p.Wait(
		`document.querySelector("dialog p").textContent === "A path from /, or from /srv/app." && ` +
			`document.activeElement.matches("dialog input")`,
	)
	p.Type("nowhere")
	p.Press("Enter")
	p.Wait(
		`document.querySelector("dialog .dialog-trouble").textContent === "There is no such file. Look again." && ` +
			`document.activeElement.ariaInvalid === "true"`,
	)
	p.Do(`document.activeElement.select()`)
	p.Type("logs/app.log")
	p.Press("Enter")
	p.Wait(`!document.querySelector("dialog") && window.saved`)
	if text := browser.Eval[string](
		p, `fetch(from).then(answer => answer.text()).then(text => saved + ": " + text)`,
	); text != "app.log: line\n" {
		t.Errorf("saved %q", text)
	}
	p.Wait(`document.activeElement.closest(".shell")`)
	p.Do(`document.querySelector('[data-tool="Download a file…"]').click()`)
	p.Wait(`document.querySelector("dialog input").value === "logs/app.log"`)
	p.Press("Escape")
	p.Wait(`!document.querySelector("dialog")`)
}
