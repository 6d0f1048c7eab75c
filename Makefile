# Every habit of a developer in one place; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON := PYTHONPATH=service build/venv/bin/python
PYTEST := $(PYTHON) -m pytest
CHECKS := $(addprefix tests/test_,$(addsuffix .py,style layers manual completion))
args   :=

.PHONY: help demo test test-unit test-process test-host bench deb shell lint clean install setup

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

demo: setup ## Build, boot a throw-away host and do the main job on it (KEEP=1 leaves it up)
	$(PYTHON) -m tests.host.demo $(if $(KEEP),--keep) $(args)

test: setup ## Run all tests: lint, types, unit, process, packages, hosts of both Debian releases
	$(PYTEST) $(wildcard tests/test_*.py) tests/unit tests/process tests/host $(args)

test-unit: setup ## Run the unit tests alone (seconds)
	$(PYTEST) tests/unit $(args)

test-process: setup ## Run the tests of single programs
	$(PYTEST) tests/process $(args)

test-host: setup ## Run the tests on booted hosts
	$(PYTEST) tests/host $(args)

bench: setup ## Measure against OpenSSH side by side, into build/bench.json
	$(PYTHON) -m tests.bench.run $(args)

deb: ## Build the Debian packages into build/
	@tests/setup deb
	@packaging/build-deb

shell: setup ## Boot a host with this tree installed, to play with
	$(PYTHON) -m tests.host.shell $(args)

lint: setup ## Check style, types, layers and manual pages
	$(PYTEST) -q $(CHECKS) $(args)

clean: ## Remove what the other targets made here
	rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find service tests -name __pycache__ -prune -exec rm -rf {} +

setup:
	@tests/setup all

# For packages: what belongs where on a host. PYTHONDIR is Debian's.
DESTDIR   :=
PYTHONDIR := /usr/lib/python3/dist-packages
DOCUMENTS := README.md packaging/NEWS.md service/PROTOCOL.md
BASHDIR   := $(DESTDIR)/usr/share/bash-completion/completions
LIBEXEC   := $(DESTDIR)/usr/libexec/remit
LIB       := $(DESTDIR)/usr/lib

install:
	install -d $(DESTDIR)/etc/remit/{endpoints,roles} $(DESTDIR)/usr/share/man/man{1,5,8}
	install -d $(DESTDIR)$(PYTHONDIR)
	cp -r --no-preserve=ownership service/remit $(DESTDIR)$(PYTHONDIR)/
	find $(DESTDIR)$(PYTHONDIR)/remit -name __pycache__ -prune -exec rm -rf {} +
	install -D -t $(DESTDIR)/usr/bin service/bin/remit
	install -D -t $(DESTDIR)/usr/sbin service/bin/remitctl
	install -D -t $(LIBEXEC) service/bin/{remitd,remit-gate,remit-auth,remit-worker}
	install -D -m 644 -t $(LIB)/systemd/system systemd/*.{service,socket,slice}
	install -D -m 644 systemd/remit.preset $(LIB)/systemd/system-preset/80-remit.preset
	install -D -m 644 systemd/remit.sysusers $(LIB)/sysusers.d/remit.conf
	install -D -m 644 systemd/remit.tmpfiles $(LIB)/tmpfiles.d/remit.conf
	install -D -m 644 -t $(LIB)/remit/endpoints endpoints/endpoints/*.toml
	install -D -m 644 -t $(LIB)/remit/roles endpoints/roles/*.toml
	install -D -m 644 -t $(DESTDIR)/etc/pam.d packaging/pam.d/remit
	install -D -m 644 -t $(BASHDIR) packaging/completion/{remit,remitctl}
	install -D -m 644 -t $(DESTDIR)/usr/share/doc/remit $(wildcard $(DOCUMENTS))
	for page in man/*.[1-8]; do \
	  install -D -m 644 -t $(DESTDIR)/usr/share/man/man$${page##*.} "$$page" || exit; \
	done
