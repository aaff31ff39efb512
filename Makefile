# career.nvim: `make` builds the program, `make demo` tries it, `make test` tests it.

GO ?= go

.PHONY: build demo test test-go test-lua check bench try picture clean

build: ## bin/career, the program that Neovim starts
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/career .

demo: build ## everything from a fresh machine to a summary on the screen
	@tests/demo

test: build ## all tests; gets the Neovims and the Ollama that they need
	@tests/all

check: ## formatting and linters
	@tests/check

bench: build ## the table of speeds in the README
	$(GO) run ./tests/bench -readme

try: build ## summarize each note of a folder: make try NOTES=folder
	@tests/try $(NOTES)

picture: build ## doc/demo.svg, of a real run
	$(GO) run ./tests/picture

clean:
	rm -rf bin doc/tags
