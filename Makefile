# The commands of the README. Each works from a fresh clone on a fresh Debian 12.
.PHONY: run test demo build bench format style packages asan fuzz simulate

build: packages
	cmake --preset release
	cmake --build --preset release

packages:
	scripts/install-packages

run: build
	build/release/bin/wharfd serve --sandbox --set webhooks.allow_private=true

demo: build
	scripts/demo

test: packages
	scripts/test

asan: packages
	scripts/install-packages fuzz
	scripts/test-asan

# A minute in total; HOURS=n fuzzes that long.
fuzz: packages
	scripts/install-packages fuzz
	tests/fuzz/run $(if $(HOURS),$$(($(HOURS) * 3600)))

# SEEDS seeds of the simulated world from FIRST on; SEED=k replays one, TRACE=1 prints all that happened in it.
SEEDS ?= 200
FIRST ?= 1
simulate: packages
	cmake --preset simulate >/dev/null
	cmake --build --preset simulate --target simulate
	build/simulate/bin/simulate $(if $(SEED),--seed $(SEED),--first $(FIRST) --seeds $(SEEDS)) \
	  $(if $(TEXTS),--texts $(TEXTS)) $(if $(TRACE),--trace)

bench: build
	scripts/install-packages interop
	tests/bench/run

# Of every file; clang-tidy of the lines that changed since BASE (scripts/check-style says which commit that is by default).
BASE ?= $(shell scripts/check-style --base)
format:
	scripts/install-packages format
	git ls-files '*.cpp' '*.h' | xargs clang-format-16 -i

style: packages
	scripts/install-packages format
	cmake --preset dev >/dev/null
	scripts/check-style $(BASE)
