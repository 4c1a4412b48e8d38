# idpool's verbs. "make help" explains them.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
ARGS    ?=
PKG     ?= .
TIME    ?= 1m
FILL    ?= 1000000
FIRE    ?= 5m
TOOL     = go tool -modfile=$(CURDIR)/tools/go.mod
CLIENTS  = IDPOOL_BIN=$(CURDIR)/bin/idpool go test -count=1 ./e2e

.PHONY: help run build test test-go test-compat e2e test-long fire side-by-side fuzz lint format gen bench bench-all peers release reproducible clean

help: ## show this help
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: build ## run the server in development mode on http://127.0.0.1:8437 (ARGS= for more flags)
	./bin/idpool serve --dev $(ARGS)

build: ## build bin/idpool
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/idpool ./cmd/idpool

test: test-go test-compat e2e ## everything a change needs, under five minutes on two cores

test-go: format ## the product's own tests, with the race detector
	go vet ./...
	go test -race -shuffle=on ./cmd/... ./internal/... ./idpooltest/...

test-compat: ## the official Go SDK against a server in the test; the operations on PostgreSQL too
	cd compat && go vet ./... && go test -race -shuffle=on ./...
	cd compat && IDPOOL_TEST_STORE=postgres go test -race -run 'TestOperations|Pages|Storm|FirstSignIns|Walk' .

e2e: build peers ## boto3, the aws CLI, the JavaScript SDK, Terraform and Ceph against bin/idpool, and kill -9
	$(CLIENTS)
	IDPOOL_TEST_STORE=postgres $(CLIENTS) -run 'TestClients|TestPages'

test-long: build peers reproducible ## crash tests and fuzzing that take minutes; that a release can be built again
	go test -count=1 ./internal/store/sqlite -run TestCrash -crashes=50
	$(CLIENTS) -run TestCrash -crashes=50 -v
	cd compat && go test -count=1 . -run 'TestRotation$$' -rotation=1m -v
	$(MAKE) fire FIRE=1m
	./tools/fuzz.sh $(TIME)

fire: build ## three servers on two PostgreSQL databases, killed again and again while people sign in (FIRE=5m): docs/reliability.md
	cd compat && IDPOOL_BIN=$(CURDIR)/bin/idpool go test -count=1 -timeout 2h ./fire -run TestFire -fire=$(FIRE) -v

side-by-side: build ## the same with one server of an older release: BEFORE=v0.1.0, or any commit
	IDPOOL_BIN=$(CURDIR)/bin/idpool ./tools/side-by-side.sh $(BEFORE) $(FIRE)

fuzz: ## fuzz a package's targets: make fuzz PKG=./internal/wire TIME=10m
	./tools/fuzz.sh $(TIME) $(PKG)

lint: format ## gofmt, go vet, staticcheck; govulncheck where its database can be reached
	go vet ./...
	$(TOOL) staticcheck ./...
	cd compat && go vet ./... && $(TOOL) staticcheck ./...
	@$(TOOL) govulncheck ./... || { [ $$? -ne 3 ] && echo "govulncheck: left out, its database cannot be reached"; }

format:
	@unformatted=$$(gofmt -l cmd compat e2e examples idpooltest internal) && [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }

gen: ## write docs/operations.md and docs/providers.md anew, from the tables of operations, the vectors and what providers' tokens come to
	go test -count=1 ./internal/vectors -run TestPage -update
	go test -count=1 ./internal/node -run TestProviders -update

bench: build ## measure this machine: the server beside what is possible at best
	./bin/idpool bench $(ARGS)

bench-all: build ## measure all that docs/performance.md reports, as Markdown (FILL=10000000 for ten million people)
	@FILL=$(FILL) ./tools/bench-all.sh

peers: ## find or install what the client tests need: Node, npm packages, Python with boto3, the aws CLI, Ceph
	@./e2e/peers.sh

release: ## static binaries for Linux on amd64 and arm64, bills of materials and checksums, in dist/
	./tools/release.sh $(VERSION) $(COMMIT) dist

reproducible: ## build the release twice, in two folders, and compare
	./tools/reproducible.sh

clean: ## remove what was built
	rm -rf bin dist e2e/node_modules e2e/.node
