# Everything runs in ./.venv; `PYTHON=python3.x make ...` picks the interpreter that makes it.

python := .venv/bin/python

# Two workers, each of which takes whole files, so that a fixture of a file is made once.
pytest := $(python) -m pytest --numprocesses 2 --dist loadfile
test-fast test nightly coverage: export OMP_NUM_THREADS ?= 1

.PHONY: help demo demo-transfer test-fast test nightly coverage docs lint format dist venv venv-full clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: venv  ## pretrain and evaluate on scikit-learn's digits, in minutes on a CPU
	$(python) tools/demo.py --work-dir work_dirs/demo

demo-transfer: venv-full work_dirs/demo/results.csv  ## fine-tune the demo's encoders: few labels, Mask R-CNN
	$(python) tools/demo_transfer.py --pretraining work_dirs/demo --work-dir work_dirs/demo_transfer

work_dirs/demo/results.csv: | venv-full
	$(python) tools/demo.py --work-dir work_dirs/demo

test-fast: venv-full  ## run the tests that take no training, in at most 2 minutes
	$(pytest) -m 'not slow and not nightly'

test: venv-full  ## run the tests that CI runs for each change, in at most 15 minutes
	$(pytest) -m 'not nightly'

nightly: venv-full  ## run all tests, the property tests on new examples
	$(pytest) --hypothesis-profile=search

coverage: venv-full  ## run those of `make test`, longer, and report which lines of mmrcl they reach
	$(pytest) -m 'not nightly' --cov

docs: venv-full  ## build the documentation, docs/_build/html/index.html
	$(python) -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs \
		--doctree-dir docs/_build/doctrees . docs/_build/html

lint: venv-full  ## run the static checks
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy

format: venv-full  ## rewrite the code in the project's format
	$(python) -m ruff check --fix
	$(python) -m ruff format

# A version is the tag of its commit, so that whoever has one finds the other.
dist: venv-full  ## build and check sdist and wheel of a tagged commit (docs/releasing.md)
	@test -z "$$(git status --porcelain)" || { echo 'make dist: commit or remove what git status lists' >&2; exit 1; }
	@git describe --tags --exact-match --match "v$$($(python) setup.py --version)" >/dev/null 2>&1 || { \
		echo "make dist: tag this commit v$$($(python) setup.py --version), see docs/releasing.md" >&2; exit 1; }
	rm -rf build dist
	$(python) -m build
	$(python) -m twine check --strict dist/*

venv:  ## make or update .venv for pretraining and evaluation
	@tools/install.sh light

venv-full:  ## the same, with detection and development (compiles mmcv's operators)
	@tools/install.sh full

clean:  ## remove .venv, caches and build artefacts; runs and data stay
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist docs/_build *.egg-info
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
