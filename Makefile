# The same targets serve a person and CI. "make" alone shows what there is.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NATIVE := mail2fax/engine/embedded/spandsp mail2fax/document/ink mail2fax/api/links
BUILD_PACKAGES := gcc python3-venv python3-dev libspandsp-dev
PEER_PACKAGES := curl sip-tester kamailio kamailio-tls-modules tshark libtiff-tools tesseract-ocr fonts-dejavu-core strace systemd logrotate postfix opendkim dovecot-imapd dovecot-pop3d swaks libsasl2-modules openssl lame vorbis-tools
DOCUMENT_PEERS := ghostscript imagemagick libtiff-tools tesseract-ocr tesseract-ocr-rus fonts-dejavu-core
WORKERS ?= 6
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc

# Some machines forbid Python to keep what it has compiled; each process of a test would compile the whole house anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install setup setup-peers demo run test test-crash lint format soak fuzz bench-intake bench-engine bench-api bench-loss bench-document clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Install build packages, make the virtual environment, build the C parts

# Edited C must be built again: an editable install would keep using the old one silently.
$(READY): pyproject.toml .ci/constraints.txt $(wildcard $(NATIVE:=/*.c) $(NATIVE:=/*.h)) mail2fax/native.py
	@.ci/find-python >/dev/null && test -e /usr/include/spandsp.h || .ci/install-packages $(BUILD_PACKAGES)
	@test -x $(BIN)/python || { python=$$(.ci/find-python) || { echo "No Python 3.11 or newer with venv and headers was found." >&2; exit 1; }; \
		echo "Making the virtual environment with $$python"; "$$python" -m venv $(VENV); }
	@echo "Installing Python packages (a minute on the first run)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c .ci/constraints.txt setuptools wheel cffi
	@$(BIN)/pip install --quiet --disable-pip-version-check -c .ci/constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

setup-peers: ## Install the programs the tests meet (SIPp, tshark, ...) from Debian's packages
	@.ci/install-packages $(PEER_PACKAGES)

demo: $(READY) ## Watch a mail become a fax, all on this machine
	@$(BIN)/mail2fax demo

run: $(READY) ## Run the gateway with ./config.toml (CONFIG=... for another file)
	@$(BIN)/mail2fax run --config $(or $(CONFIG),config.toml)

install: $(READY) ## Install as a service: as root; EXTRAS=pdf, PREFIX=/usr/local, DESTDIR= for packagers
	@.ci/install-service "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)" "$(EXTRAS)"

test: $(READY) ## Run all tests but the long ones
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup

test-crash: $(READY) ## Kill the daemon at every point and at random, and count (minutes): ROUNDS=3 KILLS=15
	@$(BIN)/pytest -q -n 2 -m 'soak or not soak' tests/crash
	@$(BIN)/python -m tests.crash.campaign --rounds $(or $(ROUNDS),3) --random $(or $(KILLS),15)

lint: $(READY) ## Check format, style, types and who may import whom
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fuzz: $(READY) ## Feed the parsers nonsense: make fuzz FUZZ_S=60 (seconds for each)
	@FUZZ_S=$(or $(FUZZ_S),60) FUZZ_SEED=$(or $(FUZZ_SEED),random) $(BIN)/pytest -q -n $(WORKERS) tests/fuzz

soak: $(READY) ## Run the long tests: faxes over bad networks (minutes), and hours of fuzzing (FUZZ_S=3600)
	@$(BIN)/pytest -q -n $(WORKERS) -m soak tests/soak tests/integration
	@FUZZ_S=$(or $(FUZZ_S),3600) FUZZ_SEED=$(or $(FUZZ_SEED),random) $(BIN)/pytest -q -n $(WORKERS) tests/fuzz

bench-intake: $(READY) ## Measure how fast mails are taken, beside Postfix (ten minutes, as root)
	@$(BIN)/python -m tests.benchmarks.intake $(or $(PAIRS),5)

bench-engine: $(READY) ## Measure what calls cost, in real time: make bench-engine N=60
	@$(BIN)/python -m tests.benchmarks.engine $(or $(N),60)

bench-api: $(READY) ## Measure the history of a million faxes and uploads, beside calls: N=1000000 KEEP=DIR
	@$(BIN)/python -m tests.benchmarks.api $(or $(N),1000000) $(KEEP)

bench-loss: $(READY) ## Measure which share of faxes survives loss: make bench-loss N=500 ONLY="g711 0.2%"
	@$(BIN)/python -m tests.benchmarks.loss $(or $(N),500) "$(ONLY)"

bench-document: $(READY) ## Compare our pages with Ghostscript's and ImageMagick's (ten minutes): PAGES=3
	@.ci/install-packages $(DOCUMENT_PEERS)
	@$(BIN)/python -m tests.benchmarks.document $(or $(PAGES),3)

format: $(READY) ## Put the code into its standard form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## Remove the virtual environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find mail2fax -name '*.so' -delete
