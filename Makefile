# Two commands for a stranger: `make run` and `make test`. Both set everything up first.
# The distribution's Python where it will do: it is built for speed, and kept safe (docs/decisions/0028-interpreter.md).
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo /usr/bin/python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2 # tests at once
# Without it each process that a test starts would compile the whole house for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test bench bench-erasing bench-steps bench-backlog bench-oneclick bench-mime bench-imports bench-overlap bench-consent fuzz lint types imports check docs catalogues bench-way-out clean

run: $(READY)  ## a demonstration: real mail through a real gateway
	$(BIN)/consentry demo

test: $(READY) ## all tests; says at its end what this machine could not run
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

bench: $(READY) ## the side-by-side benchmark
	$(BIN)/python tests/bench/side_by_side.py $(BENCH)

bench-steps: $(READY) ## milliseconds of CPU of each step of one message
	$(BIN)/python tests/bench/steps.py

bench-way-out: $(READY) ## milliseconds of CPU of looking for a way out and rewriting
	$(BIN)/python tests/bench/way_out.py

bench-backlog: $(READY) ## memory while 100,000 messages wait for a next hop that is down
	$(BIN)/python tests/bench/backlog.py $(BACKLOG)

bench-oneclick: $(READY) ## one-click POSTs a second and core, and whether one is lost
	$(BIN)/python tests/bench/oneclick.py $(ONECLICK)

bench-erasing: $(READY) ## how long an account's erasure takes, and what others feel of it
	$(BIN)/python tests/bench/erasing.py $(ERASING)

bench-imports: $(READY) ## rows a second and memory of an import, from the file to the ledger
	$(BIN)/python tests/bench/imports.py $(IMPORTS)

bench-overlap: $(READY) ## how quickly a list of another account is found in an import, among ten million addresses
	$(BIN)/python tests/bench/overlap.py $(OVERLAP)

bench-consent: $(READY) ## the look-up of a RCPT with ten million subscriptions in the store
	$(BIN)/python tests/bench/consent_book.py $(CONSENT)

bench-mime: $(READY) ## milliseconds of CPU to make one copy of a message, by its size and form
	$(BIN)/python tests/bench/rewriting.py

fuzz: $(READY) ## mutated mail through the byte engine and the rewriting policies, FUZZ seconds long
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'; \
	then mkdir -p .fuzz && $(BIN)/python tests/fuzz/fuzz_mime.py .fuzz tests/corpus tests/golden \
		-max_total_time=$(or $(FUZZ),60) -max_len=20000 -timeout=20 -artifact_prefix=.fuzz/; \
	else echo "SKIPPED: atheris does not install here (it wants Linux or macOS, and a Python that it has wheels for)"; fi

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

check: lint types imports

docs: $(READY) ## the generated pages of docs/reference and docs/compliance.md
	$(BIN)/python docs/generate.py

catalogues: $(READY) ## bring config/locale up to date with the texts of the pages; then fill in what is empty
	@mkdir -p build
	$(BIN)/pybabel -q extract -F config/locale/babel.cfg -k say --no-wrap --add-location=file -o build/pages.pot .
	for one in config/locale/*/; do \
	    $(BIN)/pybabel -q update -i build/pages.pot -o $$one/pages.po -l $$(basename $$one) \
	        --no-fuzzy-matching --ignore-obsolete --no-wrap --ignore-pot-creation-date || exit 1; \
	done

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Consentry needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
