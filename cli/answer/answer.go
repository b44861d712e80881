// Package answer prints the version while packages initialize, because that needs nothing of the rest of Convoy. It is
// not part of package launch, which initializes even earlier.
package answer

import (
	"fmt"
	"io"
	"os"

	"convoy/version"
)

func init() {
	if len(os.Args) == 2 && os.Args[1] == "version" && Version(os.Stdout) == nil {
		os.Exit(0)
	} // package cli reports the error
}

// Version prints what convoy version does.
func Version(out io.Writer) error {
	_, err := fmt.Fprintln(out, "convoy", version.String())
	return err
}
