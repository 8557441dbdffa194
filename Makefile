# What a developer runs. `make build test` needs Go and Python 3 alone.

GO ?= go
# Pinned, so that lint says the same on every machine.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
ZIZMOR = zizmor==1.32.0
CACHE = $(or $(WHEELMEND_CACHE),$(HOME)/.cache/wheelmend)
FUZZTIME ?= 60s
export CGO_ENABLED ?= 0

.PHONY: build test lint lint-tools integration dist bench bench-quick pictures fuzz clean

build:
	$(GO) build -trimpath -o bin/wheelmend ./cmd/wheelmend

test:
	$(GO) test ./...

# Says at once all that is missing, and what to do about it.
lint-tools:
	@missing=; \
		command -v $(GO) >/dev/null || missing="$$missing\n  go: https://go.dev/dl"; \
		command -v shellcheck >/dev/null || missing="$$missing\n  shellcheck: apt install shellcheck, or brew install shellcheck"; \
		command -v zizmor >/dev/null || [ -x "$(CACHE)/peers/bin/zizmor" ] || missing="$$missing\n  zizmor: pip install $(ZIZMOR), or scripts/setup-integration"; \
		if [ -n "$$missing" ]; then printf "make lint needs, and does not find:$$missing\n" >&2; exit 1; fi

lint: lint-tools
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags integration ./internal/integration ./elf ./macho
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(ACTIONLINT) .github/workflows/*.yml examples/*/.github/workflows/*.yml
	@zizmor=$$(command -v zizmor || echo "$(CACHE)/peers/bin/zizmor"); \
		"$$zizmor" --offline --quiet --no-progress . examples/*
	shellcheck $$(git grep -lE '^#!.*\b(ba)?sh$$' -- ':!*.txt')

# Needs scripts/setup-integration to have run.
integration: build
	$(GO) test -tags integration -count=1 -timeout 100m ./internal/integration/... ./elf ./macho

# What a release publishes, for six systems. DISTFLAGS=-help lists what can be chosen.
dist:
	$(GO) run ./scripts/dist $(DISTFLAGS)

bench: build
	$(GO) run ./internal/bench -o docs/benchmarks.md
	$(GO) run ./scripts/pictures

# Three wheels in two minutes, to the screen.
bench-quick: build
	$(GO) run ./internal/bench -quick

# The pictures of the README, from what the program prints and docs/benchmarks.md.
pictures:
	$(GO) run ./scripts/pictures

# Runs every fuzz target of the repository for FUZZTIME each. Left alone, Go
# spends a minute on making each input of some KB smaller that reaches new code.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; \
		done; \
	done

clean:
	rm -rf bin dist wheelhouse
