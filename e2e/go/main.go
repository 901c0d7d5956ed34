// Unmodified MSAL for Go and azidentity against a running Casbah.
package main

import "os"

func main() {
	only := ""
	if len(os.Args) > 1 {
		only = os.Args[1]
	}
	msalChecks().run(only)
	azidentityChecks().run(only)
}
