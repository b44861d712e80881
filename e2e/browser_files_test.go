package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// keepDownloads has the page keep what it would save, and from where.
const keepDownloads = `HTMLAnchorElement.prototype.click = ` +
	`function () { window.saved = this.download; window.from = this.href }`

// A file is dropped on the shell of another node, and comes back as it was.
func TestBrowser_FilesThereAndBack(t *testing.T) {
	t.Parallel()
	n := startBash(t)
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	_, key := spawnByClick(t, n, p)
	dir := t.TempDir()
	enter(p, key, "cd "+dir+"; echo in-$((40+2))")
	p.WaitScreen(key, "in-42")
	p.Do(
		fmt.Sprintf(
			`{ window.bytes = new Uint8Array(5_000_000); for (let i = 0; i < bytes.length;
				i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
		const data = new DataTransfer(); data.items.add(new File([bytes], "dropped ä.bin"));
		const screen = [...document.querySelectorAll(".shell")].find(e => e.pane === convoy.panes.get(%q)).querySelector(".xterm-screen");
		screen.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })) }`,
			key,
		),
	)
	p.Wait(
		fmt.Sprintf(
			`[...document.querySelectorAll(".notice-text")].some(e => e.textContent === "dropped ä.bin is in %s, 4.8 MiB.")`,
			dir,
		),
	)
	stored, err := os.ReadFile(filepath.Join(dir, "dropped ä.bin"))
	testkit.Must(t, err)
	sum := sha256.Sum256(stored)
	const sumOf = `crypto.subtle.digest("SHA-256", %s).then(sum => [...new Uint8Array(sum)].map(b => ` +
		`b.toString(16).padStart(2, "0")).join(""))`
	if want := browser.Eval[string](p, fmt.Sprintf(sumOf, "bytes")); hex.EncodeToString(sum[:]) != want {
		t.Fatalf("%d bytes are stored, and not those that were dropped", len(stored))
	}

	p.Do(keepDownloads)
	p.Do(
		fmt.Sprintf(
			`[...document.querySelectorAll(".shell")].find(e => e.pane === `+
				`convoy.panes.get(%q)).querySelector('[data-tool="Download a file…"]').click()`,
			key,
		),
	)
	p.Wait(`document.querySelector("dialog[open] input")`)
	p.Type("dropped ä.bin")
	p.Press("Enter")
	p.Wait(`window.saved === "dropped ä.bin"`)
	if got := browser.Eval[string](
		p, fmt.Sprintf(`fetch(from).then(a => a.arrayBuffer()).then(all => `+sumOf+`)`, "all"),
	); got != hex.EncodeToString(sum[:]) {
		t.Error("another file came back")
	}
	p.Clean()
}
