# Both commands need Go and nothing else: "make run" shows the bundled suite pass against the
# embedded simulator, "make test" runs every test. Everything they need is fetched by Go itself.

GO ?= go

.PHONY: run
run: ## run the bundled suite against the embedded simulator
	$(GO) run ./cmd/gatehouse test

.PHONY: build
build: ## build bin/gatehouse
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/gatehouse

.PHONY: dist
dist: ## archives for the systems that users have, with checksums and bills of materials, in dist/
	$(GO) run ./tools/release dist

.PHONY: image
image: ## container images without a base, in dist/; no engine is needed
	$(GO) run ./tools/release image

.PHONY: reproducible
reproducible: ## build twice, the second time elsewhere and without a cache, and compare the bytes
	$(GO) run ./tools/release compare

.PHONY: test
test: vet ## every test, with the race detector; what was skipped is listed at the end
	$(GO) tool -modfile=tools/gotestsum.mod gotestsum --format pkgname --format-hide-empty-pkg -- -race -timeout 9m ./...
	tools/container-tests.sh

.PHONY: container
container: ## the tests that need a container engine, the whole suite through HAProxy among them; make test runs them, too
	tools/container-tests.sh

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: oracle
oracle: ## 100,000 random chains against the openssl command; takes long
	GATEHOUSE_ORACLE=100000 $(GO) test -timeout 80m -run Oracle -v ./pki/verify

.PHONY: bench
bench: ## the numbers that the project promises
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: lint
lint: ## golangci-lint, pinned in tools/
	$(GO) tool -modfile=tools/golangci-lint.mod golangci-lint run
	cd simulator/container && $(GO) tool -modfile=../../tools/golangci-lint.mod golangci-lint run --config ../../.golangci.yml

.PHONY: cross
cross: ## build for the systems that users have
	for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
		echo "building for $$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -o /dev/null ./cmd/gatehouse || exit 1; \
	done

.PHONY: docs
docs: ## write the generated pages of docs/ anew
	GATEHOUSE_DOCS=write $(GO) test -run TestDocumentsAreFresh ./cmd/gatehouse
	GATEHOUSE_DOCS=write $(GO) test -run TestPage ./steps/target
	GATEHOUSE_DOCS=write $(GO) test -run TestRealSenders ./simulator

.PHONY: mutants
mutants: ## change the program in one place at a time and see whether the tests notice; all of them take hours, SAMPLE=50 a few minutes a package
	$(GO) run ./tools/mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))
