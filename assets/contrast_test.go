package assets_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/testkit"
)

// sample is the place of one character on the screen.
type sample struct{ row, col int }

// codes returns the codes of text colours, or with more = 10 of backgrounds: the default, then the palette's 16.
func codes(more int) []string {
	all := []string{fmt.Sprint(39 + more)}
	for first := range 2 {
		for n := range 8 {
			all = append(all, fmt.Sprint([]int{30, 90}[first]+more+n))
		}
	}
	return all
}

// samples returns output that draws solid squares, and the place of each: each colour of the palette on each,
// plain, in inverse, dim, and both; then other colours in inverse or dim.
func samples() (text string, at map[string]sample) {
	at = map[string]sample{}
	var screen strings.Builder
	screen.WriteString("\x1b[?25l\x1b[2J")
	put := func(row, col int, sgr string) {
		at[sgr] = sample{row, col}
		fmt.Fprintf(&screen, "\x1b[%d;%dH\x1b[0;%sm■", row+1, col+1, sgr)
	}
	for row, back := range codes(10) {
		for col, fore := range codes(0) {
			for style, more := range []string{"", ";7", ";2", ";2;7"} {
				put(row, 17*style+col, fore+";"+back+more)
			}
		}
	}
	for n := range 240 {
		put(17+n/68, n%68, fmt.Sprintf("38;5;%d;7", n+16))
	}
	for n := range 32 {
		put(21, n, fmt.Sprintf("38;2;%d;%d;%d;7", 8*n, 8*n, 8*n))
		put(21, 32+n, fmt.Sprintf("48;2;%d;%d;%d;2", 8*n, 8*n, 8*n))
	}
	return screen.String() + "\x1b[0m", at
}

// luminance is the relative luminance of WCAG 2.
func luminance(c color.Color) float64 {
	part := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	r, g, b, _ := c.RGBA()
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// contrast is the largest ratio between the upper part of a cell, which has its background, and the pixels below.
func contrast(picture image.Image, cell image.Rectangle) (ratio float64) {
	back := luminance(picture.At(cell.Min.X+cell.Dx()/2, cell.Min.Y+1))
	for y := cell.Min.Y + 2; y < cell.Max.Y; y++ {
		for x := cell.Min.X + 1; x < cell.Max.X-1; x++ {
			fore := luminance(picture.At(x, y))
			ratio = max(ratio, (max(fore, back)+0.05)/(min(fore, back)+0.05))
		}
	}
	return ratio
}

// TestContrast reads text of every colour on every background from the pixels of the screen.
func TestContrast(t *testing.T) {
	t.Parallel()
	b := browser.Shared(t)
	for _, card := range []bool{false, true} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%s/card=%t", scheme, card), func(t *testing.T) {
				t.Parallel()
				testContrast(t, b, scheme, card)
			})
		}
	}
}

func testContrast(t *testing.T, b *browser.Browser, scheme string, card bool) {
	s := newScript(t)
	p := s.open(b, func(p *browser.Page) {
		p.Scheme(scheme)
		if card {
			p.GraphicsCard()
		}
	})
	text, at := samples()
	p.Do(`document.getElementById("frame").style.cssText = "width: 800px; height: 560px"`)
	p.FocusPane(key)
	p.Wait(fmt.Sprintf(`%t === !!document.querySelector(".xterm-screen canvas")`, card))
	p.Wait(`window.test.pane.size.rows >= 22 && window.test.pane.size.cols >= 68`)
	s.put(text + "\x1b[23;1Hdone")
	p.WaitScreen(key, "done")
	p.Do(`new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))`)
	box := browser.Eval[[]float64](p, `(({ x, y, width, height }, { rows, cols }) => [x, y, width / cols, height / rows])(
		document.querySelector(".xterm-screen").getBoundingClientRect(), window.test.pane.size)`)
	file := p.Screenshot(filepath.Join(t.TempDir(), "screen.png"))
	data, err := os.ReadFile(file)
	testkit.Must(t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	testkit.Must(t, err)
	for sgr, at := range at {
		x, y := box[0]+box[2]*float64(at.col), box[1]+box[3]*float64(at.row)
		cell := image.Rect(int(math.Ceil(x)), int(math.Ceil(y)), int(x+box[2]), int(y+box[3]))
		want := 4.4 // pixels are rounded
		if strings.HasSuffix(sgr, ";2") || strings.HasSuffix(sgr, ";2;7") {
			want = 2.9
		}
		if got := contrast(picture, cell); got < want {
			t.Errorf("%s: contrast %.2f, want %v", sgr, got, want)
		}
	}
}
