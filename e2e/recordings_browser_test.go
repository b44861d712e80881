package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// playing is met when the player's screen has what it has to, and shows text.
func playing(text string) string {
	return fmt.Sprintf(`window.convoy?.player?.settled && convoy.player.text.includes(%q)`, text)
}

// follow goes where a link leads.
func follow(p *browser.Page, link string) {
	p.Wait(fmt.Sprintf(`document.querySelector(%q)`, link))
	p.Go(browser.Eval[string](p, fmt.Sprintf(`document.querySelector(%q).href`, link)))
}

// Record a shell of another node, type, stop, and play that back.
func TestBrowser_Recording(t *testing.T) {
	t.Parallel()
	n := startBash(t, "-recordings", t.TempDir())
	p := browse(t, n, n.host())
	selfShell(t, n, p)
	name, key := spawnByClick(t, n, p)
	enter(p, key, "echo be''fore")
	p.WaitScreen(key, "\nbefore")

	record(p, name, key)
	follow(p, ".tools a[href='/recordings']")
	follow(p, "tbody th a")
	p.Wait(playing("before"))
	playBack(t, p)
	p.Clean()

	follow(p, ".player nav a")
	p.Click("tbody .remove")
	p.Wait(`document.querySelector("dialog[open]")`)
	p.Click("dialog[open] [value=yes]")
	p.Wait(`document.querySelector(".ghost h2").checkVisibility() && !document.querySelector("table").checkVisibility()`)
	p.Clean()
}

// record records a shell in which two lines are printed, a second each; then it becomes smaller, and prints a third.
func record(p *browser.Page, name, key string) {
	p.Click(card(name) + " .record:not([hidden])")
	p.Wait(fmt.Sprintf(`document.querySelector('%s .tab .rec')?.textContent === ", recorded"`, card(name)))
	p.Wait(fmt.Sprintf(`document.querySelector('%s .record:not([hidden])').ariaPressed === "true"`, card(name)))
	enter(p, key, "echo one; sleep 1; echo tw''o; sleep 1")
	p.WaitScreen(key, "\ntwo")
	p.Do(fmt.Sprintf(withKey+`call("%s/size?rows=20&cols=50", {method: "POST"}))`, path(key)))
	p.Wait(fmt.Sprintf(`convoy.panes.get(%q).size.cols === 50`, key))
	p.Do(fmt.Sprintf(withKey+`call("%s/input", {method: "POST", body: "clear; echo th''ree\r"}))`, path(key)))
	p.WaitScreen(key, "three\n")
	p.Click(card(name) + " .record:not([hidden])")
	p.Wait(fmt.Sprintf(`!document.querySelector('%s .rec')`, card(name)))
}

// playBack goes to the end of that recording and back, and then plays it.
func playBack(t *testing.T, p *browser.Page) {
	t.Helper()
	if got := browser.Eval[string](p, `window.convoy.player.text`); strings.Contains(got, "two") {
		t.Errorf("it begins with\n%s", got)
	}
	p.Press("End")
	p.Wait(playing("three"))
	p.Wait(`convoy.player.size.cols === 50 && convoy.player.size.rows === 20`)
	for range 2 { // back and forth
		p.Press("Home")
		p.Wait(playing("before") + ` && convoy.player.size.cols !== 50`)
		p.Press("End")
		p.Wait(playing("three") + ` && !convoy.player.text.includes("before")`)
	}
	p.Press("Home")
	p.Do(`document.querySelector("[data-speed]").value = "2"`)
	p.Do(`window.between = false; (function look() { // each frame: at this speed none passes over what shows for a second
		window.between ||= convoy.player.text.includes("two") && !convoy.player.text.includes("three");
		requestAnimationFrame(look);
	})()`)
	p.Click("[data-play]")
	p.Wait(`window.between`)
	p.Wait(playing("three") + ` && !convoy.player.playing`)
	p.Wait(
		`document.querySelector("[data-text]").textContent.includes("three") && ` +
			`document.querySelector("[data-play]").ariaLabel === "Play"`,
	)
}

// plant puts a recording into the control plane's directory, as another program or a hostile node might have made it.
func plant(t *testing.T, dir, lines string) (path string) {
	t.Helper()
	const id = "20261125-101502-planted"
	own := filepath.Join(dir, "convoy.convoy.internal")
	testkit.Must(t, os.MkdirAll(own, 0o700))
	testkit.Must(
		t,
		os.WriteFile(
			filepath.Join(own, id+".cast"), []byte(`{"version":3,"term":{"cols":80,"rows":24},"title":"planted"}`+"\n"+lines),
			0o600,
		),
	)
	return "/recordings/convoy/" + id
}

// play opens a planted recording.
func play(t *testing.T, lines string, prepare ...func(*browser.Page)) *browser.Page {
	t.Helper()
	dir := t.TempDir()
	n := startBash(t, "-recordings", dir)
	path := plant(t, dir, lines)
	p := browse(t, n, n.host(), prepare...)
	p.Go("http://" + n.host() + path)
	return p
}

// Pauses are short unless one wants them long; arrows go five seconds; markers are places to go to.
func TestBrowser_PlayerTime(t *testing.T) {
	t.Parallel()
	p := play(
		t,
		`[1, "o", "one "]`+"\n"+`[60, "m", "a mark"]`+"\n"+`[0, "o", "two "]`+"\n"+`[20, "o", "three"]`+"\n# end "+
			"{\"seconds\":91,\"reason\":\"x\"}\n",
	)
	p.Wait(`window.convoy?.player?.duration === 1 + 2 + 2 + 2`)
	p.Press("ArrowRight")
	p.Wait(playing("one two three") + ` && convoy.player.position === 5`)
	p.Press("ArrowLeft")
	p.Wait(`convoy.player.settled && convoy.player.text === ""`)
	p.Press("End")
	p.Wait(playing("three"))
	p.Click("[data-idle]")
	p.Wait(
		`convoy.player.duration === 91 && convoy.player.position === 83 && ` +
			`document.querySelector("[data-whole]").textContent === "1:31"`,
	)
	p.Click("[data-marks] button")
	p.Wait(playing("one two") + ` && convoy.player.position === 61 && !convoy.player.text.includes("three")`)
	p.Wait(`document.querySelector("[data-seek]").ariaValueText === "1:01 of 1:31"`)
	p.Press("ArrowLeft")
	p.Wait(`convoy.player.settled && convoy.player.text === "one" && convoy.player.position === 56`)
	p.Clean()
}

// A long flood is gone through in pieces, in both directions, while the page answers.
func TestBrowser_PlayerFlood(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&lines, "[0.001, \"o\", \"%s\\r\\nline %d\"]\n", strings.Repeat(`\u001b[32mword\u001b[0m `, 40), i)
	}
	p := play(t, lines.String())
	p.Wait(`window.convoy?.player?.settled`)
	// turns counts what else the page could do meanwhile: that it gets its turns, not how soon, is the player's doing.
	p.Do(`window.turns = 0; (function look() { if (!convoy.player.settled) turns++; setTimeout(look) })()`)
	p.Press("End")
	p.Wait(playing("line 3999"))
	on := browser.Eval[int](p, `turns`)
	p.Do(`turns = 0; convoy.player.seek(convoy.player.duration * 0.9)`)
	p.Wait(playing("line 3599"))
	back := browser.Eval[int](p, `turns`)
	t.Logf("%d KiB: %d turns of the page meanwhile, on the way back %d", lines.Len()>>10, on, back)
	if on < 5 || back < 5 {
		t.Errorf("the page had %d turns on the way to the end, and %d on the way back", on, back)
	}
	for _, part := range []string{"0.1", "0.7", "0.3", "1"} { // the last one wins
		p.Do(`convoy.player.seek(convoy.player.duration * ` + part + `)`)
	}
	p.Wait(playing("line 3999"))
	p.Clean()
}

// Nothing in a recording does anything to the page or leaves it.
func TestBrowser_PlayerIsDeaf(t *testing.T) {
	t.Parallel()
	p := play(
		t,
		`[0, "o", "\u001b]52;c;ZXZpbA==\u0007\u001b]0;<img src=x `+
			`onerror=alert(1)>\u0007\u001b[c\u001b[6n\u001b]11;?\u0007\u001b[?1004h\u001b[?1003h\u001b[8;9999;9999t"]`+"\n"+
			`[0, "r", "99999x99999"]`+"\n"+`[0, "r", "nonsense"]`+"\n"+`[0, "m", "<img src=x onerror=alert(1)>"]`+"\n"+`[0, `+
			`"zz", "?"]`+"\n"+`[0, "o", "\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007 \ud800 done"]`+"\n"+`[1, "o`,
	)
	p.Wait(playing("done"))
	if size := browser.Eval[string](p, `JSON.stringify(convoy.player.size)`); size != `{"cols":80,"rows":24}` {
		t.Errorf("the size is %s", size)
	}
	if n := browser.Eval[int](p, `document.querySelectorAll("img").length`); n > 0 {
		t.Error("a marker became an image")
	}
	if title := browser.Eval[string](p, `document.title`); title != "planted on convoy · Convoy" {
		t.Errorf("the title is %q", title)
	}
	p.Click(".player-screen")
	p.Type("typed at it")
	p.Clean()
	if failed := p.FailedRequests(); len(failed) > 0 {
		t.Errorf("failed requests: %q", failed)
	}
}

// On a phone the whole grid is to be seen, and nothing is wider than the window or too small for a finger.
func TestBrowser_RecordingsOnAPhone(t *testing.T) {
	t.Parallel()
	p := play(t, `[0, "r", "200x50"]`+"\n"+`[1, "o", "`+strings.Repeat("wide ", 40)+`"]`+"\n", onTouch(360, 740))
	p.Wait(`window.convoy?.player?.settled`)
	p.Press("End")
	p.Wait(playing("wide wide") + ` && convoy.player.size.cols === 200`)
	if wide := browser.Eval[float64](
		p, `document.querySelector(".xterm-screen").getBoundingClientRect().right`,
	); wide > 360 {
		t.Errorf("the grid reaches to %g of 360 pixels", wide)
	}
	for range 2 {
		if wide := browser.Eval[int](p, `document.documentElement.scrollWidth`); wide > 360 {
			t.Errorf("the page is %d pixels wide on a phone of 360", wide)
		}
		small := browser.Eval[string](
			p,
			`[...document.querySelectorAll("button, a, select, input[type=range]")].filter(e => e.checkVisibility() && `+
				`e.getBoundingClientRect().height < 24 && getComputedStyle(e).display !== "inline").map(e => `+
				`e.outerHTML.slice(0, 80)).join()`,
		)
		if small != "" {
			t.Errorf("too small to be touched: %s", small)
		}
		p.Clean()
		follow(p, ".player nav a, tbody th a")
	}
}

func TestBrowser_PlayerSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := play(t, "nonsense\n")
	p.Wait(
		`document.querySelector("[data-status]").textContent.startsWith("This recording cannot be played: ") && ` +
			`document.querySelector("[data-play]").disabled`,
	)
}
