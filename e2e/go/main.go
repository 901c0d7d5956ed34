// Unmodified MSAL for Go, azidentity and the SDK of the Terraform provider azuread against a running Casbah.
package main

import "os"

func main() {
	only := ""
	if len(os.Args) > 1 {
		only = os.Args[1]
	}
	msalChecks().run(only)
	azidentityChecks().run(only)
	graphChecks().run(only)
}
