package templates

import "testing"

func TestFound(t *testing.T) {
	t.Parallel()
	var found Found
	found.Add("Nodes", nil)
	found.Add("Shells", []FoundItem{{Icon: "terminal", Label: "<bash>", Detail: "web-1", Path: "#web-1/abc"}})
	found.Add("Runbooks", []FoundItem{{Label: "Roll out", Path: "/runbooks/roll out"}})
	doc := find(t, "found", found)
	for selector, want := range map[string]string{
		"[role=group]": "2",
		"[aria-label=Shells] a[href='#web-1/abc'] .menu-detail": "web-1",
		"a[href='/runbooks/roll%20out'] span":                   "Roll out",
	} {
		got := doc.Find(selector)
		if got.Length() != 1 && want != "2" || want == "2" && got.Length() != 2 || want != "2" && text(got) != want {
			t.Errorf("%s: %d, %q, want %s", selector, got.Length(), text(got), want)
		}
	}
}
