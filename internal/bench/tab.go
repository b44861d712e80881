package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

const (
	pageWidth, pageHeight = 1600, 800 // CSS pixels
	pageKeys              = 60        // in a round
	frame                 = time.Second / 60
	pageTime              = 50 * time.Second
	pageAttempts          = 3 // to print a file
)

// pageScript measures in the page: terminal is an instance of xterm.js. Times are milliseconds from the browser's event
// of a key to the frame after the one that drew what it led to.
const pageScript = `((terminal) => {
	const nextFrame = () => new Promise(requestAnimationFrame);
	const buffer = () => terminal.buffer.active;
	const row = (y) => buffer().getLine(y)?.translateToString(true).trimEnd() ?? "";
	let begun = 0;
	addEventListener("keydown", (e) => { begun = e.timeStamp; }, { capture: true });
	const drawn = (met) => new Promise((resolve, reject) => {
		fail = reject;
		const listening = terminal.onRender(async () => {
			if (!met()) return;
			listening.dispose();
			await nextFrame();
			resolve(performance.now() - begun);
		});
	});
	let written = 0, fail = () => {};
	const { reset } = terminal;
	terminal.reset = function () { // ttyd's page has lost its connection, and begins a new shell
		fail(new Error("the page began again"));
		reset.call(this);
	};
	const write = terminal.write;
	terminal.write = function (data, ...more) {
		written += data.length;
		return write.call(this, data, ...more);
	};
	window.bench = {
		key(letter) { // at the cursor
			const [x, y] = [buffer().cursorX, buffer().baseY + buffer().cursorY];
			this.result = drawn(() => buffer().getLine(y)?.getCell(x)?.getChars() === letter);
		},
		line(text) { // above the cursor, after a number of bytes
			written = 0;
			this.result = drawn(() => row(buffer().baseY + buffer().cursorY - 1) === text).then((ms) => [ms, written]);
		},
		typed(text) { return row(buffer().baseY + buffer().cursorY) === ("ready$ " + text).trimEnd(); },
		resize(rows, cols) { terminal.resize(cols, rows); },
		look() {
			const { fontFamily, fontSize } = terminal.options;
			const webgl = [...terminal.element.querySelectorAll("canvas")].some((c) => c.getContext("webgl2"));
			return { rows: terminal.rows, cols: terminal.cols, fontFamily, fontSize: String(fontSize), webgl };
		},
	};
})`

// appearance is that of a page's terminal.
type appearance struct {
	Rows       int
	Cols       int
	FontFamily string
	FontSize   string
	WebGL      bool
}

// renderer is how xterm.js draws.
func (l appearance) renderer() string {
	if l.WebGL {
		return "WebGL"
	}
	return "DOM"
}

// tab is a page with a terminal, in a browser.
type tab struct {
	name   string
	ctx    context.Context // of chromedp
	close  context.CancelFunc
	key    rounds
	bulk   []float64 // seconds, of the rounds in which all tabs printed the file
	lossy  int       // times that cat came incomplete
	broken int       // times that the page lost its connection
}

// openTab opens a page, and waits for the prompt in its terminal, which a JavaScript expression names.
func openTab(ctx context.Context, driver context.Context, name, address, terminal string) (*tab, error) {
	t := &tab{name: name}
	t.ctx, t.close = chromedp.NewContext(driver, chromedp.WithNewBrowserContext())
	context.AfterFunc(ctx, t.close)
	for _, step := range []func() error{
		func() error { return chromedp.Do(t.ctx) }, // binds the tab to its context
		func() error {
			focused := emulation.SetFocusEmulationEnabledParams{Enabled: true}
			_, err := chromedp.Call(t.ctx, emulation.SetFocusEmulationEnabled, focused)
			return err
		},
		func() error { return chromedp.Do(t.ctx, chromedp.EmulateViewport(pageWidth, pageHeight)) },
		func() error { return chromedp.Do(t.ctx, chromedp.Navigate(address)) },
		func() error { return t.wait("window.convoy?.panes.size || window.term") },
		func() error { return t.do(pageScript + "(" + terminal + ")") },
		func() error { return t.wait("bench.typed('')") },
		func() error { return t.do(terminal + ".focus()") },
	} {
		if err := step(); err != nil {
			t.close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return t, nil
}

// value is that of an expression, or of its promise.
func value[T any](t *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(t.ctx, pageTime/2)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

func (t *tab) do(expression string) error {
	_, err := value[chromedp.Void](t, expression)
	return err
}

// wait waits for an expression to be true, also if the page leads to another one first, as after a login.
func (t *tab) wait(expression string) error {
	ctx, cancel := context.WithTimeout(t.ctx, startWait)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void]("Boolean(" + expression + ")")
	err := chromedp.Do(ctx, poll)
	for err != nil && ctx.Err() == nil {
		err = chromedp.Do(ctx, poll)
	}
	return err
}

// round types keys into a comment, each after the one before is drawn, and then has a file printed, which takes
// seconds.
func (t *tab) round(round int, f printed) (seconds float64, err error) {
	if err := t.insert("#"); err != nil {
		return 0, err
	}
	for i := range pageKeys {
		letter := string(keyAt(i))
		if err := t.do(fmt.Sprintf("bench.key(%q), 0", letter)); err != nil {
			return 0, err
		}
		time.Sleep(rand.N(frame)) // keys come at any time of a frame
		if err := t.press(letter); err != nil {
			return 0, err
		}
		took, err := value[float64](t, "bench.result")
		if err != nil {
			return 0, err
		}
		t.key.add(round, took)
	}
	if err := t.press("\r"); err != nil {
		return 0, err
	}
	return t.print(round, f)
}

// insert types a text at the prompt, as an input method would, and waits until it is there.
func (t *tab) insert(text string) error {
	if err := t.wait("bench.typed('')"); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		return err
	}
	return t.wait(fmt.Sprintf("bench.typed(%q)", text))
}

// print prints a file until the terminal got each byte, and returns the seconds of that time; NaN: there was none.
// Convoy's page gets a screen in place of bytes if it draws nothing for a while. When ttyd's page is slower than the
// shell, it loses bytes, nearly always: its server reads on after each RESUME, and forgets what it has not sent. On a
// busy machine it can lose its connection.
func (t *tab) print(round int, f printed) (float64, error) {
	for range pageAttempts {
		seconds, written, err := t.cat(round, f.path)
		switch {
		case err != nil && t.name != wayTtyd:
			return 0, err
		case err != nil:
			t.broken++
		case written >= f.bytes:
			return seconds, nil
		default:
			t.lossy++
			if t.name == wayTtyd {
				return seconds, nil
			}
		}
	}
	return math.NaN(), nil
}

// cat returns the seconds from Enter until a file is drawn, and the number of bytes that the terminal got.
func (t *tab) cat(round int, path string) (seconds float64, written int64, err error) {
	if err := t.insert(fmt.Sprintf("cat %s; echo en''d-%d", path, round)); err != nil {
		return 0, 0, err
	}
	if err := t.do(fmt.Sprintf("bench.line('end-%d'), 0", round)); err != nil {
		return 0, 0, err
	}
	if err := t.press("\r"); err != nil {
		return 0, 0, err
	}
	result, err := value[[]float64](t, "bench.result")
	if err != nil {
		return 0, 0, err
	}
	return result[0] / 1000, int64(result[1]), nil
}

// press presses and releases a key that types text.
func (t *tab) press(text string) error {
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Text: text, Key: text}
	down.WindowsVirtualKeyCode = int64(text[0])
	if text == "\r" {
		down.Key = "Enter"
	} else {
		down.WindowsVirtualKeyCode -= 'a' - 'A'
	}
	if _, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, down); err != nil {
		return err
	}
	up := down
	up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
	_, err := chromedp.Call(t.ctx, input.DispatchKeyEvent, up)
	return err
}
