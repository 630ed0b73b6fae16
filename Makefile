# make demo   judge and sweep an embedded mailbox, and check the outcome
# make test   all tests (as root on Debian: installs the servers they use)
# make lint   ruff and mypy
# make bench  measurements          make soak   long runs
# make map    renew docs/map.svg
# make screenshot   docs/report.png anew, by Chromium
# make lock   renew requirements/   make clean  remove what make made

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-input
JOBS   ?= 2

.PHONY: all demo test lint bench map soak screenshot lock clean
.DELETE_ON_ERROR:

all: $(VENV)/.run

$(VENV)/.venv:
	@sh .ci/venv $(VENV) $(PYTHON)
	@touch $@

# What builds the others comes first: some dependencies are published as source only.
$(VENV)/.build: requirements/build.txt | $(VENV)/.venv
	@echo "setting up $(VENV)" >&2
	@$(PIP) --require-hashes --only-binary :all: -r requirements/build.txt
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml $(VENV)/.build
	@$(PIP) --require-hashes --no-build-isolation -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q classifier
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(PIP) --require-hashes --no-build-isolation -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/backscatter demo

test: $(VENV)/.dev
	@sh .ci/debian-packages
	@sh .ci/debian-unpacked $(VENV)/debian
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not soak"

map: $(VENV)/.dev
	@$(BIN)/python -m tests.house

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	@for script in tests/benchmarks/[a-z]*.py; do \
		name=$${script##*/}; echo "== $$name"; $(BIN)/python -m tests.benchmarks.$${name%.py} || exit 1; done

soak: $(VENV)/.dev
	@sh .ci/debian-packages
	@sh .ci/debian-unpacked $(VENV)/debian
	$(BIN)/python -m pytest tests/soak tests/mailbox tests/laboratory -m soak --timeout 0 -s

screenshot: $(VENV)/.dev
	@sh .ci/debian-packages
	$(BIN)/python -m tests.screenshot docs/report.png

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate
lock: $(VENV)/.venv
	@$(PIP) uv
	$(BIN)/$(COMPILE) --upgrade --group pyproject.toml:build -o requirements/build.txt
	$(BIN)/$(COMPILE) --upgrade pyproject.toml -c requirements/build.txt -o requirements/run.txt
	$(BIN)/$(COMPILE) --upgrade pyproject.toml --group dev -c requirements/run.txt -c requirements/build.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
