package fleet

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of labels: gossip carries them with each node's metadata.
const (
	MaxLabels     = 8
	MaxLabelBytes = 72 // of all labels of a node, with = and commas
)

// Labels are the labels of a node, "env=prod,team=core": sorted by key, each key once. "" is none.
type Labels string

const (
	labelKeyBytes   = "abcdefghijklmnopqrstuvwxyz0123456789_.-"
	labelValueBytes = labelKeyBytes + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// ParseLabels reads labels in any order, with spaces around commas. The error is for users.
func ParseLabels(text string) (Labels, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	list := strings.Split(text, ",")
	keys := map[string]bool{}
	for i, one := range list {
		list[i] = strings.TrimSpace(one)
		key, value, _ := strings.Cut(list[i], "=")
		switch {
		case key == "" || value == "":
			return "", fmt.Errorf("%q is not KEY=VALUE", list[i])
		case strings.Trim(key, labelKeyBytes) != "" || key[0] < 'a':
			return "", fmt.Errorf("the key %q is not a-z first, then a-z, 0-9, _, . and -", key)
		case strings.Trim(value, labelValueBytes) != "":
			return "", fmt.Errorf("the value %q has more than A-Z, a-z, 0-9, _, . and -", value)
		case keys[key]:
			return "", fmt.Errorf("the key %q appears twice", key)
		}
		keys[key] = true
	}
	slices.Sort(list)
	labels := Labels(strings.Join(list, ","))
	if len(list) > MaxLabels || len(labels) > MaxLabelBytes {
		return "", fmt.Errorf("%d labels with %d characters: at most %d with %d are allowed", len(list), len(labels),
			MaxLabels, MaxLabelBytes)
	}
	return labels, nil
}

// List are the labels, each as "key=value".
func (l Labels) List() []string {
	if l == "" {
		return nil
	}
	return strings.Split(string(l), ",")
}

// Valid reports whether these are labels as ParseLabels returns them.
func (l Labels) Valid() bool {
	same, err := ParseLabels(string(l))
	return err == nil && same == l
}
