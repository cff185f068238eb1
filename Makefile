# `make demo` and `make test` do all the set-up there is, on a machine with Python 3.10 or newer.
PYTHON ?= python3
TORCH ?= torch==2.13.0
BIN := .venv/bin
# tests wait for browsers much of the time, so few processors get half as many workers more
WORKERS ?= $(shell $(PYTHON) -c "import os; n = os.cpu_count() or 2; print(max(n, min(n + n // 2, 6)))")

.PHONY: demo test test-avx2 test-js lint docs package bench clean

demo: .venv/installed
	@mkdir -p out
	@$(BIN)/sketchrnn complete samples/butterfly.ndjson -n 6 --force -o out/butterfly.svg
	@echo "A butterfly, completed six times: open $(CURDIR)/out/butterfly.svg"

test: .venv/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# the numerical tests as on a processor without AVX-512: oneDNN and torch obey these variables
NUMERICAL := recurrence network cells losses mixture numpy_network reference evaluation devices

test-avx2: .venv/installed-test
	OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 \
	  $(BIN)/python -m pytest -n $(WORKERS) $(NUMERICAL:%=tests/test_%.py)

test-js:
	cd js && npm install --no-audit --no-fund --no-package-lock --silent && npm test

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini
	$(BIN)/lint-imports

docs: .venv/installed-docs
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "The manual: open $(CURDIR)/docs/_build/html/index.html"

# wheel and sdist, each installed into an empty environment, where the command completes a sketch outside of the clone
package: .venv/installed-dev
	rm -rf build dist
	$(BIN)/python -m build --outdir dist .
	for package in dist/*.whl dist/*.tar.gz; do \
	  rm -rf out/empty && $(PYTHON) -m venv out/empty && \
	  out/empty/bin/python -m pip install --quiet --disable-pip-version-check "$$package" && \
	  (cd out && empty/bin/sketchrnn complete ../samples/pig.ndjson --force -o packaged.svg) || exit 1; \
	done
	rm -rf out/empty

bench: .venv/installed-test
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/train_throughput.py
	$(BIN)/python benchmarks/cost.py
	$(BIN)/python benchmarks/kanji.py

clean:
	rm -rf .venv out docs/_build

.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# torch is installed first and pinned: any other build satisfies setup.cfg too, but may be much larger
.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

.venv/installed-dev: .venv/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,dev]"
	@touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@
