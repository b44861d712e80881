package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// permitted are the licences of what may be a part of the program, each by what no other licence says.
var permitted = map[string]string{
	"MIT":        "Permission is hereby granted, free of charge, to any person obtaining a copy",
	"ISC":        "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
	"ISC, older": "Permission to use, copy, modify, and distribute this software for any purpose with or without fee",
	"BSD":        "Redistribution and use in source and binary forms, with or without modification, are permitted",
	"BSD, psx": "Redistribution and use in source and binary forms of libcap/psx, with or without modification, are " +
		"permitted",
	"Apache-2.0": "Apache License Version 2.0, January 2004",
	"MPL-2.0":    "Mozilla Public License, version 2.0",
	"MPL 2":      "Mozilla Public License Version 2.0",
}

// Each module that is compiled into the program has a licence that permits it. One that may be had under several, the
// GPL among them, is taken under the other.
func TestLicences(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "convoy").
		Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := slices.Compact(slices.Sorted(strings.SplitSeq(strings.TrimSpace(string(out)), "\n")))
	if len(modules) < 10 {
		t.Fatalf("only %d modules: %q", len(modules), modules)
	}
	blank := regexp.MustCompile(`[\s*]+`)
	for _, module := range modules {
		path, dir, ok := strings.Cut(module, " ")
		if !ok {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "[LlC][IiO][CcP][EeY]*"))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for name, says := range permitted {
				if strings.Contains(strings.ToLower(blank.ReplaceAllString(string(text), " ")), strings.ToLower(says)) {
					found = append(found, name)
				}
			}
		}
		if len(found) == 0 {
			t.Errorf("%s has no licence that is known to permit it, in %q", path, files)
		}
	}
}
