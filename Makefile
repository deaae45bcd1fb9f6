# The commands of the README. Each works from a fresh clone on a fresh Debian 12.
.PHONY: run test demo build bench format packages asan fuzz

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
	scripts/test-asan

fuzz: packages
	scripts/install-packages fuzz
	tests/fuzz/run

bench: build
	scripts/install-packages interop
	tests/bench/run

format:
	scripts/install-packages format
	clang-format -i $$(git ls-files '*.cpp' '*.h')
