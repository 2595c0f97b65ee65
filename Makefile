# A new user's two commands are `make run` and `make test`; both install what they need.
.PHONY: help run test unit check bench compare corpus nightly docs deb rpm wheel release packages clean

help:
	@echo 'make run [ONCE=1]  a relay of its own on loopback: eight telling messages through the gate'
	@echo 'make test          all tests, with the newest libraries and with the distribution'"'"'s'
	@echo 'make unit          the tests that start no daemon, with the newest libraries'
	@echo 'make check         format, lint, types, import contract'
	@echo 'make bench         the gate against OpenDKIM and dkimpy-milter, and its memory; BENCH=--full: all of it, BENCH=sealing: signing alone'
	@echo 'make compare       the gate against OpenDKIM, dkimpy-milter and rspamd: who lets a forged sender out'
	@echo 'make corpus        recall and precision on labelled mail of your own (CORPUS=FOLDER)'
	@echo 'make nightly       the long runs'
	@echo 'make docs          the documents as a site of plain pages, in dist/docs'
	@echo 'make deb           the Debian package of the commit that is checked out, in dist'
	@echo 'make rpm           the RPMs of this tree for Fedora and EL10, in dist'
	@echo 'make wheel         the wheel and the source archive of the commit that is checked out, in dist'
	@echo 'make release       all of these, built twice and compared, with SBOM and checksums, in dist'
	@echo 'make packages      builds the packages and lives with them: fresh systems, real mail servers (root)'
	@echo 'make clean         remove what was built'

run:
	@python=$$(packaging/prepare run) && exec $$python -m tests.lab.demo $(if $(ONCE),--once)

# The relay's tests need root: without sudo they are skipped and say so. Root shall leave no files in a user's clone.
AS_ROOT = $$([ "$$(id -u)" = 0 ] || ! command -v sudo >/dev/null || echo sudo -E env PYTHONDONTWRITEBYTECODE=1)

# Processes of each run of tests; WORKERS=1 says which test was the slow one, or the one that disturbs another.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ "$$n" -lt 6 ] || n=6; echo $$((n < 2 ? 2 : n)))
PYTEST = pytest -q -n $(WORKERS)

# Programs are started hundreds of times: bytecode is kept even where the environment says that it shall not be.
unexport PYTHONDONTWRITEBYTECODE

# Both sets of libraries at once: many tests wait, for processes of their own, more than they compute.
test:
	@packaging/prepare test >/dev/null
	@said=$$(mktemp); other=; \
	trap 'rm -f "$$said"; [ -z "$$other" ] || kill "$$other" 2>/dev/null || true' EXIT; trap 'exit 130' HUP INT TERM; \
	if [ -x .venv-debian/bin/python ]; then \
	    .venv-debian/bin/python -m $(PYTEST) -p no:cacheprovider -m 'not relay and not nightly and not packaging' >"$$said" 2>&1 & other=$$!; \
	fi; \
	echo 'with the newest libraries:'; \
	.venv/bin/python -m $(PYTEST) -m 'not relay and not nightly and not packaging'; status=$$?; \
	if [ -n "$$other" ]; then \
	    wait $$other || status=$$?; other=; \
	    echo 'with the libraries of the distribution:'; cat "$$said"; \
	fi; \
	exit $$status
	@echo 'on a relay of its own:'
	@$(AS_ROOT) .venv/bin/python -m $(PYTEST) -p no:cacheprovider -p no:hypothesispytest -m 'relay and not nightly and not packaging'

unit:
	@packaging/prepare test >/dev/null
	.venv/bin/python -m $(PYTEST) -m 'not nightly' tests/unit

check:
	@packaging/prepare check >/dev/null
	.venv/bin/ruff format --check milter tests
	.venv/bin/ruff check milter tests
	.venv/bin/mypy
	.venv/bin/mypy --strict tests/lab tests/compare tests/drivers/cases.py tests/drivers/core.py tests/drivers/socket.py tests/drivers/postfix.py tests/drivers/wire.py
	.venv/bin/lint-imports --no-cache

# Postfix and dkimpy-milter want root; without it they are left out, and the report says so.
bench:
	@packaging/prepare bench >/dev/null
	$(AS_ROOT) .venv/bin/python -m tests.bench $(BENCH)

compare:
	@python=$$(packaging/prepare compare) && exec $$python -m tests.compare $(if $(README),--readme) $(COMPARE)

corpus:
	@packaging/prepare test >/dev/null
	@.venv/bin/python -m tests.corpus $(CORPUS) $(if $(MISSES),--misses)

nightly:
	@packaging/prepare test >/dev/null
	@.venv/bin/python -m pip install -q 'atheris>=3' || echo 'atheris cannot be had here: mutations are left to chance'
	.venv/bin/python -m pytest -q --hypothesis-profile=nightly
	.venv/bin/python -m tests.fuzz --seconds 600
	.venv/bin/python -m tests.bench.soak

docs:
	@packaging/prepare docs >/dev/null
	@packaging/docs

deb:
	@packaging/prepare deb >/dev/null
	@packaging/deb

rpm:
	@packaging/prepare rpm >/dev/null
	@packaging/rpm/build dist

wheel:
	@packaging/wheel

release:
	@packaging/prepare deb >/dev/null
	@packaging/prepare rpm >/dev/null
	@packaging/prepare test >/dev/null
	@.venv/bin/python packaging/release

packages:
	@packaging/prepare deb >/dev/null
	@packaging/prepare rpm >/dev/null
	@packaging/prepare test >/dev/null
	@$(AS_ROOT) .venv/bin/python -m pytest -q -p no:cacheprovider -m 'packaging$(if $(QUICK), and not nightly)' tests/packaging

clean:
	rm -rf .venv .venv-debian build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/bench/load
