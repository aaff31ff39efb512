// Career is the process half of career.nvim: Neovim starts it and talks to it
// over msgpack-RPC on its standard input and output.
package main

import (
	"os"

	"career.nvim/plugin"
)

func main() {
	os.Exit(plugin.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
