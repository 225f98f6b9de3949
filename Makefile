# Everything a person or a machine does with Puente. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := $(CURDIR)/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# The tools are pinned; their binaries carry the version in the name, so a new pin is a new file.
GOLANGCI_LINT := $(BIN)/golangci-lint-v2.15.0
WORKFLOWCHECK := $(BIN)/workflowcheck-v0.6.0

# Packages that contain the Temporal server. Compiling that twice, with and without the race detector, would take
# longer than all tests, so these are built without it; what they run of Puente is tested with it elsewhere.
SERVER_PACKAGES := ./devserver/... ./workflows/servertest/... ./worker/servertest/... ./cmd/puente-dev/...
E2E_PACKAGES := ./e2e/...
UNIT_PACKAGES = $(shell go list ./... | grep -v -E '^puente/(devserver|workflows/servertest|worker/servertest|cmd/puente-dev|e2e)(/|$$)')

# A PostgreSQL for the command that follows (internal/testpg finds or makes it).
WITH_POSTGRES := go run ./internal/testpg/cmd --

RUN ?= .
COUNT ?= 1
FUZZTIME ?= 20s

.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9\/_-]+:.*## / {printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##
## Running it
##

.PHONY: demo
demo: $(BIN)/puente-dev ## Start everything and play a working day; PUENTE_DEMO_EXIT=1 ends with its result
	@$(BIN)/puente-dev demo

.PHONY: run
run: $(BIN)/puente-dev ## Start everything (Temporal, sandboxes, API, worker) and wait
	@$(BIN)/puente-dev run

.PHONY: build
build: $(BIN)/puente ## Build the service, bin/puente

.PHONY: docker
docker: ## Build the service's image, puente:<version>
	docker build --build-arg VERSION=$(VERSION) --tag puente:$(VERSION) .

.PHONY: screenshot
screenshot: $(BIN)/puente-dev ## Play the demo and photograph the Temporal UI and the sandbox CRM into docs/
	go run ./internal/screenshot -puente-dev $(BIN)/puente-dev -out docs/images

##
## Testing it
##

.PHONY: test
test: $(BIN)/e2e/puente $(BIN)/e2e/puente-dev ## Run all tests: unit, workflow, replay, store on both databases, e2e; with -race
	@$(WITH_POSTGRES) $(MAKE) test/with-postgres

# Not for people: expects PUENTE_TEST_DATABASE_URL and the e2e binaries.
.PHONY: test/with-postgres
test/with-postgres:
	@echo "== unit, workflow, replay and store tests (-race)"
	@go test -race -timeout 10m $(UNIT_PACKAGES)
	@echo "== tests with the Temporal server inside; e2e tests: the real processes (-race)"
	@$(MAKE) -j2 --output-sync=line test/server-only test/e2e-only # both mostly wait

.PHONY: test/server-only
test/server-only:
	@go test -timeout 15m $(SERVER_PACKAGES)

.PHONY: test/e2e-only
test/e2e-only:
	@PUENTE_E2E_BIN=$(BIN)/e2e go test -race -count=$(COUNT) -timeout 20m -run '$(RUN)' $(E2E_PACKAGES)

.PHONY: test/short
test/short: ## Run what needs no Temporal server, without -race: the loop while programming
	@$(WITH_POSTGRES) go test -timeout 5m $(UNIT_PACKAGES)

.PHONY: test/e2e
test/e2e: $(BIN)/e2e/puente $(BIN)/e2e/puente-dev ## Run the e2e tests; RUN=pattern and COUNT=n choose
	@$(WITH_POSTGRES) $(MAKE) test/e2e-only RUN='$(RUN)' COUNT=$(COUNT)

# Campaigns that are long with PUENTE_SOAK: of whole processes, and of the rules and workflows of open lines.
SOAK_E2E := Killing|WebhooksAreKept|Burst|Hundred|LargeRecording|WhateverThePortalDoes|StopOfFortyMinutes
SOAK_RANDOM := RandomDays|Oracle

.PHONY: soak
soak: export PUENTE_SOAK = 1
soak: ## Run the long campaigns in full: kills, bursts, stops, 105,000 random days of open lines; RUN=pattern, COUNT=n times
	@nice go test -count=$(COUNT) -timeout 120m -run '$(if $(filter .,$(RUN)),$(SOAK_RANDOM),$(RUN))' ./openlines ./workflows
	@$(MAKE) test/e2e RUN='$(if $(filter .,$(RUN)),$(SOAK_E2E),$(RUN))' COUNT=$(COUNT)

.PHONY: bench
bench: $(BIN)/e2e/puente $(BIN)/e2e/puente-dev ## Run the benchmarks; RUN=pattern chooses
	@PUENTE_E2E_BIN=$(BIN)/e2e $(WITH_POSTGRES) go test -run '^$$' -bench '$(RUN)' -benchmem -timeout 60m $(UNIT_PACKAGES) ./workflows/servertest $(E2E_PACKAGES)

.PHONY: fuzz
fuzz: ## Run each fuzzer for FUZZTIME (20s)
	@grep -rEo --include='*_test.go' '^func (Fuzz[A-Za-z0-9_]+)' . | sed -E 's|^\./||; s|/[^/]*_test\.go:func | |' | sort -u | \
	while read -r dir name; do \
		echo "== $$dir $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$dir"; \
	done

##
## Keeping it clean
##

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code (gofumpt, gci)
	$(GOLANGCI_LINT) fmt ./...

.PHONY: fmt/check
fmt/check: ## Fail if a file is not formatted with gofmt
	@unformatted="$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l)"; \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: ## Run go vet
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters
	$(GOLANGCI_LINT) run --timeout 20m ./...

.PHONY: workflowcheck
workflowcheck: $(WORKFLOWCHECK) ## Look for what is not deterministic in workflow code
	$(WORKFLOWCHECK) -show-pos -config workflowcheck.config.yaml ./workflows/... ./worker/...

.PHONY: ci
ci: ## Do what CI does
	.ci/run

.PHONY: clean
clean: ## Remove binaries and the state of puente-dev
	rm -rf $(BIN) .puente

##
## Files
##

# Go knows best whether a binary is up to date, so each is always "built"; that takes a second when nothing changed.
.PHONY: FORCE
FORCE:

# Shows that something happens: the first build compiles two thousand packages.
PROGRESS := awk '/^go: downloading/ {d++; if (d % 50 == 1) {printf "   downloading modules: %d\n", d; fflush()}; next} \
	/^[^ ]+$$/ {n++; if (n % 100 == 0) {printf "   compiled %d packages, now %s\n", n, $$1; fflush()}; next} {print; fflush()}'

FIRST_BUILD = if [ ! -e $@ ]; then \
	echo "Building $(@F). The first build compiles the Temporal server and takes some minutes; later ones take seconds."; fi

$(BIN)/puente: FORCE
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/puente

$(BIN)/puente-dev: FORCE
	@$(FIRST_BUILD)
	@go build -v -o $@ ./cmd/puente-dev 2>&1 | $(PROGRESS)

$(BIN)/e2e/puente: FORCE
	@go build -race -v -o $@ ./cmd/puente 2>&1 | $(PROGRESS)

# The same build as for the demo, so that the Temporal server is compiled once.
$(BIN)/e2e/puente-dev: $(BIN)/puente-dev
	@mkdir -p $(@D)
	@cp -f $< $@

$(GOLANGCI_LINT):
	@echo "Building golangci-lint v2.15.0"
	@mkdir -p $(BIN)/tmp
	@GOBIN=$(BIN)/tmp go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(BIN)/tmp/golangci-lint $@

$(WORKFLOWCHECK):
	@echo "Building workflowcheck v0.6.0"
	@mkdir -p $(BIN)/tmp
	@GOBIN=$(BIN)/tmp go install go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
	@mv $(BIN)/tmp/workflowcheck $@
