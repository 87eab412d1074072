# Everything installs what it needs, and can be run again: `make` alone says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(shell command -v python3.11 || command -v python3 || true)
BIN := .venv/bin
PURE_BIN := .venv-pure/bin
# As in pyproject.toml; installed once, so that a rebuild needs no network.
BUILD_REQUIRES := 'setuptools>=77' 'mypy[mypyc]>=2.4,<3' 'librt>=0.16' 'shtab>=1.13'
DOCS_REQUIRES := 'mkdocs>=1.6,<2' 'mkdocs-material>=9.5'
PIP_ALWAYS := --disable-pip-version-check --no-input
PIP_FLAGS := --quiet $(PIP_ALWAYS)
# Of all that pip says with --verbose, setup.py's progress; all of it where it fails.
SHOW_CORE = 2>&1 | tee .venv/build.log | sed -un 's/^ *\(core: .*\)/\1/p' || { cat .venv/build.log; exit 1; }
LIBRARIES := import sysconfig; print(sysconfig.get_path("purelib"))
PACKAGE := $(shell find aurora_wire -name '*.py' -o -name '*.json' -o -name py.typed -o -path '*/templates/*')
# What may be compiled, and a little more: setup.py knows the list.
CORE := $(filter aurora_wire/analysis/% aurora_wire/capture/% aurora_wire/redact/% aurora_wire/verdict/% aurora_wire/wire/%,$(PACKAGE)) $(wildcard aurora_wire/*.py)

ifdef CI
export AURORA_WIRE_REQUIRE_COMPILED := 1
endif

# Files of tests side by side, on all cores and one worker more (tests/conftest.py). `make test WORKERS=0`: in turn.
WORKERS := auto

# The tests start some thousand processes: each would compile the package's plain files again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help build demo captures test lint test-compiled test-pure wheel docs image judges bench bench-counts clean

help: ## Say what there is
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

build: .venv/built ## Install into .venv, the core compiled in place

demo: build ## Show what the shipped captures prove, then prove it live with a server of its own
	@captures/demo.sh $(CURDIR)/$(BIN)/aurora-wire
	@printf '\n\n== The same with a server started for it: PyMySQL without TLS, and with a verified certificate.\n'
	@$(BIN)/aurora-wire demo

captures: .venv/built judges ## Record captures/mariadb and captures/mysql again with every client (as root, a minute)
	$(BIN)/python captures/record.py

test: lint test-compiled test-pure ## Check style, types and imports, then run all tests compiled and interpreted

lint: .venv/built ## ruff, mypy, the import rule
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --explicit-package-bases benchmarks/*.py captures/*.py examples/*.py
	$(BIN)/lint-imports

test-compiled: .venv/built judges
	AURORA_WIRE_MODE=compiled $(BIN)/python -m pytest -n $(WORKERS)

# The checkout holds compiled files beside the sources; the interpreted run takes the package from its own
# environment instead: no safe-path entry, no pythonpath of pyproject.toml, and the project's root comes last.
# What decodes nothing, or drives servers, clients and the browser with what is not compiled, runs once; so do pages,
# tables and lines made of results, as the results are held by tests that run in both; changed bundles and links of
# other accounts, which what is not compiled has to notice; and what the relay holds, forty megabytes of it.
ONCE := tests/real tests/browser tests/scale tests/posture tests/rights \
	tests/cli/test_output_rights.py tests/compare/test_posture.py tests/evidence/test_posture.py \
	tests/evidence/test_tampering.py tests/evidence/test_timestamp.py tests/prove/test_clients.py \
	tests/prove/test_clients_finding.py tests/prove/test_embedded_rights.py tests/prove/test_interrupts.py \
	tests/prove/test_matrix_reports.py \
	tests/report/test_csv_report.py tests/report/test_explain_cuts.py tests/report/test_html.py \
	tests/report/test_html_docs.py tests/report/test_html_drawings.py tests/report/test_html_hex.py \
	tests/report/test_junit.py tests/report/test_markdown.py tests/report/test_ocsf.py tests/report/test_parquet.py \
	tests/report/test_sarif.py tests/report/test_schemas.py tests/report/test_table.py \
	tests/report/test_tcpdump_captures.py tests/report/test_tcpdump_hex.py tests/report/test_tcpdump_packets.py \
	tests/cli/test_completion.py tests/cli/test_doctor.py tests/cli/test_relay_memory.py tests/test_deploy.py \
	tests/test_site.py tests/test_wheel.py tests/test_adding.py tests/test_api.py tests/test_architecture.py \
	tests/test_glossary.py
test-pure: .venv-pure/built judges
	AURORA_WIRE_MODE=interpreted PYTHONSAFEPATH=1 $(PURE_BIN)/python -m pytest -n $(WORKERS) -o pythonpath= \
		--import-mode=append $(addprefix --ignore=,$(ONCE))

wheel: .venv/built ## Build an sdist and from it a wheel into dist/, and try that in an environment of its own
	rm -rf build dist
	mkdir dist
	$(BIN)/python -c 'from setuptools.build_meta import build_sdist; build_sdist("dist")' >/dev/null
	@$(BIN)/pip wheel --verbose $(PIP_ALWAYS) --no-build-isolation --no-deps --wheel-dir dist dist/*.tar.gz $(SHOW_CORE)
	AURORA_WIRE_WHEEL=$$(echo dist/*.whl) $(BIN)/python -m pytest -q tests/test_wheel.py
	@ls -l dist

docs: .venv/built ## Build the docs as a site into build/site, from what the parser, rules and schemas say
	@$(BIN)/python -c 'import material' 2>/dev/null || $(BIN)/pip install $(PIP_FLAGS) $(DOCS_REQUIRES)
	$(BIN)/python -m tests.site_docs
	$(BIN)/python -m tests.api_docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --clean -f .ci/mkdocs.yml
	@echo "The site is in build/site/index.html"

image: ## Build the image of examples/deploy with buildah, also without root, and try it (some minutes)
	@.ci/need buildah=buildah mmdebstrap=mmdebstrap newuidmap=uidmap
	examples/deploy/try-image.sh

bench: .venv/built ## Measure against tcpdump, ngrep, tshark, dpkt and scapy, side by side (up to ten minutes)
	@.ci/need tcpdump=tcpdump tshark=tshark ngrep=ngrep openssl=openssl
	$(BIN)/python benchmarks/run.py --output benchmarks/RESULTS.md

bench-counts: .venv/built ## Count instructions and cache misses a packet on seven captures (some minutes)
	@.ci/need valgrind=valgrind
	$(BIN)/python benchmarks/counts.py

clean: ## Remove what was built, the environments too
	rm -rf .venv .venv-pure build dist *.egg-info benchmarks/out aurora_wire__mypyc*.so
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf .cache
	find . -name .git -prune -o \( -name "*.so" -o -name "*.pyc" \) -exec rm -f {} +

# The environments. A Debian python comes without venv and without headers.
.venv/ready: pyproject.toml
	@[ -n "$(PYTHON)" ] || .ci/need python3
	@python=$(or $(PYTHON),python3); \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'; \
	version=$$($$python -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
	$$python -c 'import ensurepip, venv' 2>/dev/null || .ci/need $$version-venv; \
	include=$$($$python -c 'import sysconfig; print(sysconfig.get_path("include"))'); \
	.ci/need cc=gcc /usr/include/stdlib.h=libc6-dev $$include/Python.h=$$version-dev; \
	$(BIN)/python -c 'import pip' 2>/dev/null || $$python -m venv --clear .venv
	$(BIN)/pip install $(PIP_FLAGS) $(BUILD_REQUIRES)
	@touch $@

.venv/built: .venv/ready setup.py $(CORE)
	rm -rf build aurora_wire__mypyc*.so
	find aurora_wire -name '*.so' -delete
	@echo "Compiling the core: a minute on two cores"
	@$(BIN)/pip install --verbose $(PIP_ALWAYS) --no-build-isolation -e '.[test,test-spark]' $(SHOW_CORE)
	@$(BIN)/aurora-wire --version
	@touch $@

# The package alone: all that it and its tests need is taken from where the compiled one lies, by a path in a .pth file
# (such a folder's own .pth files, which lead to the checkout, are not read). A second copy would be a gigabyte.
.venv-pure/built: setup.py pyproject.toml $(PACKAGE) | .venv/built
	rm -rf build
	$(BIN)/python -m venv --without-pip --clear .venv-pure
	$(BIN)/python -c '$(LIBRARIES)' > "$$($(PURE_BIN)/python -c '$(LIBRARIES)')/libraries.pth"
	AURORA_WIRE_PURE=1 $(BIN)/pip --python $(PURE_BIN)/python install $(PIP_FLAGS) --no-build-isolation --no-deps .
	@touch $@

# What the tests hold us against: judges of packets, servers, and clients.
judges: .cache/mysql/ready .cache/mariadb11/ready
	@.ci/need tcpdump=tcpdump tshark=tshark capinfos=wireshark-common script=bsdutils openssl=openssl sslscan=sslscan \
		mariadbd=mariadb-server mariadb=mariadb-client setpriv=util-linux ip=iproute2 \
		javac=default-jdk-headless /usr/share/java/mariadb-java-client.jar=libmariadb-java \
		node=nodejs npm=npm mariadb_config=libmariadb-dev pkg-config=pkg-config \
		chromium=chromium tmux=tmux pdftotext=poppler-utils unzip=unzip testssl=testssl.sh nmap=nmap \
		php=php-cli /usr/share/doc/php-mysql=php-mysql ruby=ruby-mysql2 go=golang-go \
		/usr/share/gocode/src/github.com/go-sql-driver/mysql=golang-github-go-sql-driver-mysql-dev \
		/usr/share/doc/libdbd-mariadb-perl=libdbd-mariadb-perl \
		/usr/share/doc/libdbd-mysql-perl=libdbd-mysql-perl /usr/share/doc/libdbd-odbc-perl=libdbd-odbc-perl \
		/usr/share/doc/odbc-mariadb=odbc-mariadb g++=g++ /usr/include/cppconn/driver.h=libmysqlcppconn-dev \
		zsh=zsh fish=fish mandoc=mandoc man=man-db groff=groff-base pipx=pipx

# A real MySQL, unpacked beside the system (65 MB).
.cache/mysql/ready: tests/real/get_mysql.sh
	@echo "Fetching MySQL: 15 s or so"
	rm -rf .cache/mysql
	sh tests/real/get_mysql.sh .cache/mysql
	@touch $@

.cache/mariadb11/ready: tests/real/get_mysql.sh
	@echo "Fetching MariaDB 11.8: 15 s or so"
	rm -rf .cache/mariadb11
	sh tests/real/get_mysql.sh .cache/mariadb11 mariadb
	@touch $@
