// Package plugin wires the program together: flags, log, server.
package plugin

import "io"

// Main runs the program and returns its exit status.
func Main(_ []string, _ io.Reader, _, _ io.Writer) int { return 0 }
