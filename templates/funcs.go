package templates

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strings"
	"time"
)

// hues is the number of node colours in logs (css: .hue-0 …).
const hues = 10

// ElementID is the id of a node's card: its name with '@' as "__" and '.' as "_", which needs no escaping in a
// selector.
func ElementID(name string) string { return elementID.Replace(name) }

var elementID = strings.NewReplacer("@", "__", ".", "_")

// ShortName is the first label of the host in a node's name.
func ShortName(name string) string {
	host := name[strings.IndexByte(name, '@')+1:]
	short, _, _ := strings.Cut(host, ".")
	return short
}

func funcs(base string, assetPath func(string) string) template.FuncMap {
	assetURL := func(name string) string { return base + assetPath(name) }
	return template.FuncMap{
		"base":       func() string { return base },
		"asset":      assetURL,
		"icon":       func(name string) template.HTML { return icon(assetURL, name) },
		"kindIcon":   KindIcon,
		"kindName":   kindName,
		"shieldIcon": shieldIcon,
		"shieldText": shieldText,
		"doingIcon":  doingIcon,
		"rfc3339":    rfc3339,
		"clock":      clock,
		"when":       when,
		"took":       took,
		"hue":        hue,
		"lower":      strings.ToLower,
		"short":      ShortName,
		"join":       strings.Join,
	}
}

// icon refers to a symbol of the sprite. It is decorative: the text next to it, or the button's label, has the meaning.
func icon(assetURL func(string) string, name string) template.HTML {
	href := template.HTMLEscapeString(assetURL("icons.svg") + "#" + name)
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + href + `"/></svg>`)
}

// KindIcon is the icon of a kind of shell.
func KindIcon(kind string) string {
	if kind == "convoy" {
		return "square-chevron-right"
	}
	return "terminal"
}

// doingIcon is the icon of what a shell does (Shell.Is).
func doingIcon(is string) string {
	switch is {
	case "waiting":
		return "bell"
	case "failed":
		return "circle-alert"
	}
	return "check"
}

// shieldIcon is the icon of a system shell's confinement, shieldText its description.
func shieldIcon(state string) string {
	if state == "full" || state == "partial" {
		return "shield"
	}
	return "shield-off"
}

func shieldText(state string) string {
	switch state {
	case "full":
		return "Confined: it cannot read or end its node"
	case "partial":
		return "Partly confined; see the node details"
	}
	return "Not confined"
}

// kindName is the name of a kind of shell.
func kindName(kind string) string {
	if kind == "convoy" {
		return "Convoy shell"
	}
	return "system shell"
}

// rfc3339 formats attributes; empty for the zero time.
func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// clock is shown without scripts; with them, the page shows local time.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("15:04:05")
}

// when is a time that the page shows in the reader's place and words, in a format of assets/js/time.js. Without scripts
// it is in UTC.
func when(format string, t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	const element = `<relative-time format="%s" datetime="%s">%s</relative-time>`
	return template.HTML(fmt.Sprintf(element, format, rfc3339(t), t.UTC().Format("2 Jan 2006, 15:04:05 UTC")))
}

// took formats a duration with its significant units.
func took(from, to time.Time) string {
	d := max(to.Sub(from), 0)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// hue is a node's colour in logs, the same on every page.
func hue(short string) int {
	h := fnv.New32a()
	h.Write([]byte(short))
	return int(h.Sum32() % hues)
}
