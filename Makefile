SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps build test soak fuzz demo reference bench scaling docs shell dist deb install lint format clean

PREFIX ?= /usr/local
# Tests whose names match, such as FILTER=MPITests; all by default.
FILTER ?=
# What `bench` and `scaling` measure, such as ONLY=train,score, all by default; and how often.
ONLY ?=
ROUNDS ?= 5
# Seconds that `soak` takes, at least; and what it draws faults by.
DURATION ?= 3600
SEED ?= 1

SOURCES := Package.swift Sources Tests
# Tests see internals. The program is built by the same flags, so that both have one build.
FLAGS := -c release -Xswiftc -enable-testing
# What differs from target to target in the environment would have Swift compile everything again.
SWIFT := env $(addprefix -u ,MAKEFLAGS MAKELEVEL MFLAGS MAKE_TERMOUT MAKE_TERMERR CI PREFIX FILTER ONLY ROUNDS DURATION SEED \
  RUNS TRAIN TEST_NORMAL TEST_ANOMALOUS SIZE MAX_WIDTH EPOCHS OUT SHLVL OLDPWD) swift

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

deps: ## install what apt lacks (when root), check Swift and the disk
	@.ci/deps

build: deps ## build .build/release/salad
	$(SWIFT) build $(FLAGS) --product salad
	@echo "built .build/release/salad"

test: ## build and run all tests, or those that match FILTER=
	@.ci/deps iproute2 bindfs
	$(SWIFT) build $(FLAGS) --build-tests
	swift test $(FLAGS) --skip-build $(if $(FILTER),--filter '$(FILTER)')

soak: build ## train under faults drawn at random, DURATION= seconds, over hosts made of network namespaces
	@.ci/deps iproute2 nftables bindfs
	python3 -B Tests/Cluster/soak --duration '$(DURATION)' --seed '$(SEED)'

fuzz: RUNS ?= 1000000
fuzz: deps ## give what is read a million broken inputs each (RUNS=, ONLY=json), under sanitizers
	Tests/Fuzzing/run $(or $(ONLY),all) $(RUNS)

# TRAIN, SIZE, EPOCHS and others set its sizes: see Examples/demo.sh.
demo: build ## draw X-rays, train on two ranks, score, merge, evaluate
	Examples/demo.sh

reference: build ## compare with PyTorch and write the fixtures of Tests/ParityTests
	Tests/Reference/run

bench: build ## compare speed and memory with the peers', write docs/performance.md
	ONLY='$(ONLY)' ROUNDS='$(ROUNDS)' Benchmarks/run

scaling: ROUNDS = 3
scaling: build ## measure steps over 1 to 4 ranks, fit a model, write docs/scaling.md
	python3 Benchmarks/scaling.py --salad .build/release/salad --rounds '$(ROUNDS)' --only '$(ONLY)'

docs: build ## write dist/docs, the reference of the library products, by DocC
	.ci/docs

shell: build ## write dist/shell: man pages, and completions for bash, zsh and fish
	Packaging/shell .build/release/salad dist/shell

dist: deps ## build dist/salad-VERSION-linux-ARCH.tar.gz for machines without Swift
	Packaging/dist

deb: ## build dist/salad_VERSION_ARCH.deb for Debian 12, install, use and remove it in a fresh one
	@.ci/deps dpkg-dev lintian debootstrap
	Packaging/deb
	Packaging/deb-test dist/salad_*_"$$(dpkg --print-architecture)".deb

SHARE = $(DESTDIR)$(PREFIX)/share

install: shell ## put salad, its man pages and completions into PREFIX (/usr/local)
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(SHARE)/man/man1" "$(SHARE)/bash-completion/completions" \
	  "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	install -m 755 .build/release/salad "$(DESTDIR)$(PREFIX)/bin/salad"
	install -m 644 dist/shell/man/*.1 "$(SHARE)/man/man1/"
	install -m 644 dist/shell/completions/salad.bash "$(SHARE)/bash-completion/completions/salad"
	install -m 644 dist/shell/completions/_salad "$(SHARE)/zsh/site-functions/_salad"
	install -m 644 dist/shell/completions/salad.fish "$(SHARE)/fish/vendor_completions.d/salad.fish"

# Every script that git tracks, by its first line.
SCRIPTS = $(shell git ls-files -z | xargs -0 grep -lIE '^\#!.*(bash|sh)$$')

C_SOURCES = $(shell git ls-files -- '*.c' '*.cpp' '*.h' '*.inc')

lint: ## check the format of all Swift and C files, and all shell scripts
	@.ci/deps shellcheck clang-format
	swift format lint --strict --recursive $(SOURCES)
	clang-format --dry-run --Werror $(C_SOURCES)
	shellcheck $(SCRIPTS)

format: ## correct the format of all Swift and C files
	@.ci/deps clang-format
	swift format --in-place --recursive $(SOURCES)
	clang-format -i $(C_SOURCES)

clean: ## remove what was built
	rm -rf .build .build-* dist demo
