package main

import (
	"fmt"
	"os"
	"strings"
)

// What stands around the table in the README.
const (
	tableBegins = "<!-- bench -->\n"
	tableEnds   = "<!-- /bench -->\n"
)

func markdown(rows []row, machine string) string {
	var b strings.Builder
	b.WriteString("| measured | career.nvim | at most |\n|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.what, r.got, r.most)
	}
	fmt.Fprintf(&b, "\nMedians, on %s, in a terminal of 120 × 40.\n", machine)
	return b.String()
}

// rewrite puts the table into a file, between the comments that mark its place.
func rewrite(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the page for the table: %w", err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: put %s and %s where it belongs", file, strings.TrimSpace(tableBegins), strings.TrimSpace(tableEnds))
	}
	if err := os.WriteFile(file, []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
