package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The whole table, so that every change to it is noticed.
func TestRequiredRoles(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, action := range slices.Sorted(maps.Keys(requiredRoles)) {
		fmt.Fprintf(&got, "%-24s", action)
		for _, role := range []Role{Nobody, Viewer, Operator, Admin} {
			fmt.Fprintf(&got, " %-5v", role.Allows(action))
		}
		got.WriteString("\n")
	}
	if want := `close a shell            false false true  true 
connect to a node        false false true  true 
create tokens            false false false true 
evaluate on a node       false false true  true 
move files               false false false true 
open a Convoy shell      false false true  true 
open a system shell      false false false true 
read the audit log       false false false true 
record a shell           false false false true 
retire a node            false false true  true 
run a command on a node  false false false true 
share a shell            false false true  true 
spawn a node             false false true  true 
type in a shell          false false true  true 
view logins              false false false true 
view recordings          false false false true 
view the console         false true  true  true 
`; got.String() != want {
		t.Errorf("got:\n%s", got.String())
	}
	if Admin.Allows("make tea") || Role(7).Allows("make tea") || Nobody.Allows("") {
		t.Error("an unknown action is allowed")
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	for _, who := range []Identity{{User: "ann", Role: Admin, Created: time.Unix(1, 5).UTC()},
		{User: "openid:a b", Role: Operator, MaxRole: Viewer}} {
		if back, err := ParseIdentity(who.String()); err != nil || back != who {
			t.Errorf("%q is %+v, %v", who, back, err)
		}
	}
	if who, err := ParseIdentity("root ann"); err == nil || who.Role != Nobody {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestRole_Text(t *testing.T) {
	t.Parallel()
	for _, role := range []Role{Viewer, Operator, Admin} {
		text, err := role.MarshalText()
		var back Role
		if err != nil || back.UnmarshalText(text) != nil || back != role {
			t.Errorf("%v becomes %q, %v", role, text, back)
		}
	}
	for _, text := range []string{"root", "Admin", "3"} {
		var role Role
		if err := role.UnmarshalText([]byte(text)); err == nil || role != Nobody {
			t.Errorf("%q is %v", text, role)
		}
	}
	var role Role
	if err := role.UnmarshalText(nil); err != nil || role != Nobody || Role(-1).String() != "nobody" ||
		Role(9).String() != "nobody" {
		t.Errorf("an empty role is %v, %v", role, err)
	}
}
