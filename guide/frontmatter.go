package guide

import (
	"bytes"
	"regexp"
	"strings"
)

const (
	maxTags = 20
	maxTag  = 40 // characters
)

// about is what the YAML at the beginning of a runbook tells of it.
type about struct {
	title string
	tags  []string
}

// A line of YAML is a key, an element of a list, a comment, empty, or continues the one before.
var (
	yamlLine = regexp.MustCompile(`^([\w.-]+:(\s.*)?|\s*-\s.*|\s*#.*|\s*|\s+\S.*)$`)
	yamlItem = regexp.MustCompile(`^\s*-\s+(.*)$`)
)

// A value on one line may be in quotes. One after | or > is on the indented lines that follow.
var (
	yamlQuoted = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')`)
	yamlInList = regexp.MustCompile(`\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]+)`)
	yamlBlock  = regexp.MustCompile(`^[|>][-+]?$`)
)

// splitFront removes a byte order mark and the front matter from a runbook: YAML between two lines of ---, as static
// sites and runme write it. It reads the keys title and tags. Other text between such lines is Markdown.
func splitFront(source []byte) (a about, rest []byte) {
	source = bytes.TrimPrefix(source, []byte("\uFEFF"))
	if first, _, _ := bytes.Cut(source, []byte("\n")); string(bytes.TrimRight(first, " \t\r")) != "---" {
		return about{}, source
	}
	read, number, keys, inTags, inTitle := 0, 0, 0, false, false
	for raw := range bytes.Lines(source) {
		read += len(raw)
		line := strings.TrimRight(string(raw), " \t\r\n")
		switch number++; {
		case number == 1:
			continue
		case (line == "---" || line == "...") && keys > 0:
			return a, source[read:]
		case !yamlLine.MatchString(line):
			return about{}, source
		}
		if item := yamlItem.FindStringSubmatch(line); item != nil {
			if inTags {
				a.addTags(item[1])
			}
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if ok {
			keys++
		}
		switch {
		case strings.TrimSpace(line) != line && inTitle:
			a.title = strings.TrimSpace(a.title + " " + strings.TrimSpace(line))
			continue
		case !ok || strings.TrimSpace(key) != key: // the rest of another value
		case key == "title":
			if a.title = scalar(value); yamlBlock.MatchString(a.title) {
				a.title, inTitle = "", true
				continue
			}
		case key == "tags":
			a.addTags(strings.Trim(strings.TrimSpace(value), "[]"))
			inTags = true
			continue
		}
		inTags, inTitle = inTags && !ok, false
	}
	return about{}, source
}

// addTags adds the tags in a list with commas.
func (a *about) addTags(list string) {
	for _, one := range yamlInList.FindAllString(list, -1) {
		if tag := []rune(scalar(one)); len(tag) > 0 && len(a.tags) < maxTags {
			a.tags = append(a.tags, string(tag[:min(len(tag), maxTag)]))
		}
	}
}

// scalar is the text of a YAML value on one line, without quotes and comment.
func scalar(text string) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	if quoted := yamlQuoted.FindString(text); quoted != "" {
		inside := quoted[1 : len(quoted)-1]
		if quoted[0] == '\'' {
			return strings.ReplaceAll(inside, "''", "'")
		}
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(inside)
	}
	if i := strings.Index(" "+text, " #"); i >= 0 {
		text = text[:max(i-1, 0)]
	}
	return strings.TrimSpace(text)
}
