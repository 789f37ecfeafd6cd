# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile

# The package is built for this processor only, in an environment that stays, so that a second build has little to do.
SOURCES := $(shell find native src CMakeLists.txt pyproject.toml -type f ! -name '*.pyc' ! -name '*.so')
BUILD := --no-build-isolation --no-deps --config-settings=cmake.define.ARBORANK_LEVELS=native
CCACHE := $(shell command -v ccache)
ifneq ($(CCACHE),)
BUILD += --config-settings=cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=$(CCACHE)
endif

.PHONY: help setup demo test native-test test-transformers test-serving test-annif test-spark coverage bench fuzz dev docs sanitize fuzz-sanitize clean

help:
	@echo "make demo      set up, train on the shipped data, rank a few texts"
	@echo "make test      set up, lint, type-check, run every test but those of transformers"
	@echo "make test-transformers   install PyTorch and run those; TORCH=torch==2.13.0 chooses a version"
	@echo "make test-serving   the service with other clients, and its page in a browser (needs Chromium)"
	@echo "make test-annif   the backend of docs/annif.md in the real Annif, in an environment of its own"
	@echo "make test-spark   the recipe of docs/distributed.md in Spark, in an environment of its own (needs Java)"
	@echo "make coverage  tell which lines and branches the tests miss"
	@echo "make bench     compare the headline ratios to libpecos with the committed ones, in 20 minutes; DATA=DIR has sets"
	@echo "make fuzz      load and use mutated models and data; FUZZ_CASES=1000000 for a night, FUZZ_SEED=1 for others"
	@echo "make dev       set up an editable install: changes of Python count at once, of C++ at the next import"
	@echo "make docs      build the documentation site in build/site, with every link checked"
	@echo "make sanitize  run the native tests under address and undefined-behaviour sanitizers"
	@echo "make fuzz-sanitize   the fuzzer on kernels with these sanitizers"
	@echo "make clean     remove everything that was built"

# pip with --group
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) 'pip>=25.1'

# what the package needs to be built and to run
$(VENV)/.requirements: pyproject.toml | $(BIN)/python
	$(INSTALL) --group build $$($(BIN)/python tools/requirements.py)
	touch $@

$(VENV)/.installed: $(SOURCES) $(VENV)/.requirements
	$(INSTALL) $(BUILD) $(if $(wildcard $(VENV)/.editable),$$(cat $(VENV)/.editable)) .
	touch $@

$(VENV)/.tools: pyproject.toml | $(BIN)/python
	$(INSTALL) --group test --group lint $$($(BIN)/python tools/requirements.py parquet plot neighbours tune serve skos zstd ray hub remote languages skops)
	touch $@

setup: $(VENV)/.installed

demo: setup
	$(BIN)/arborank demo --force

# the kernels alone, in C++
native-test: $(VENV)/.requirements
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B build/native-tests -G Ninja -DARBORANK_TESTS=ON -DARBORANK_LEVELS=native \
	  -DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" $(if $(CCACHE),-DCMAKE_CXX_COMPILER_LAUNCHER=$(CCACHE)) > /dev/null
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --build build/native-tests --target native_tests
	build/native-tests/native_tests

test: setup $(VENV)/.tools native-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror native/*/*.hpp native/*/*.cpp native/*.c native/*.h
	$(BIN)/python -m pytest --may-miss torch,transformers

test-transformers: setup $(VENV)/.tools
	$(INSTALL) $(TORCH)
	$(INSTALL) --group transformers $$($(BIN)/python tools/requirements.py transformers onnx embeddings | grep -v arborank)
	$(BIN)/python -m pytest --may-miss none tests/transformer tests/storage tests/guides tests/faults/test_encoders*.py

# the page in Debian's or Google's Chromium, and protocols with the clients of others
test-serving: setup $(VENV)/.tools
	$(INSTALL) --group serving --group mlflow
	$(BIN)/python -m pytest tests/serving tests/storage/test_mlflow.py

# Annif pins what it depends on, so it has an environment of its own
ANNIF := build/annif-env
test-annif: $(SOURCES)
	test -x $(ANNIF)/bin/python || $(PYTHON) -m venv $(ANNIF)
	$(ANNIF)/bin/python -m pip install --quiet 'pip>=25.1'
	$(ANNIF)/bin/python -m pip install --quiet --config-settings=cmake.define.ARBORANK_LEVELS=native \
	  --group annif pytest hypothesis .
	$(ANNIF)/bin/python -m pytest -p no:cacheprovider --may-miss none tests/in_annif

# Spark is large, and knows older versions of pandas only
SPARK := build/spark-env
test-spark: $(SOURCES)
	test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet 'pip>=25.1'
	$(SPARK)/bin/python -m pip install --quiet --config-settings=cmake.define.ARBORANK_LEVELS=native \
	  --group spark pytest hypothesis '.[distributed]'
	$(SPARK)/bin/python -m pytest -p no:cacheprovider --may-miss none tests/in_spark

coverage: setup $(VENV)/.tools
	$(INSTALL) --group coverage
	$(BIN)/python -m pytest --cov=arborank --cov-report=term-missing:skip-covered

# libpecos needs Python 3.11 or 3.12, and so does what it is compared with
bench: setup
	$(BIN)/python benchmarks/environments.py libpecos
	$(BIN)/python benchmarks/bench.py $(if $(DATA),--data $(DATA))

FUZZ_CASES ?= 500
FUZZ_SEED ?= 0
fuzz: setup $(VENV)/.tools
	$(BIN)/python tests/fuzz/run.py --cases $(FUZZ_CASES) --seed $(FUZZ_SEED)

dev: $(VENV)/.requirements $(VENV)/.tools
	echo "--config-settings=editable.rebuild=true --config-settings=editable.verbose=false \
	  --config-settings=cmake.define.CMAKE_UNITY_BUILD=OFF --editable" > $(VENV)/.editable
	rm -f $(VENV)/.installed
	if [ -d .git ]; then $(BIN)/pre-commit install; fi
	$(MAKE) setup

docs: $(BIN)/python
	$(INSTALL) --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

sanitize: $(VENV)/.requirements $(VENV)/.tools
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/sanitize.sh python -m pytest -q -p no:cacheprovider \
	  -m "not slow and not subprocess" tests

fuzz-sanitize: $(VENV)/.requirements $(VENV)/.tools
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/sanitize.sh python tests/fuzz/run.py --cases $(FUZZ_CASES) --seed $(FUZZ_SEED)

clean:
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache demo-model
