# `make` lists the targets. Everything is done by CMake presets and small scripts in tools/; this file only names them.
SHELL := /bin/bash
PROMPT ?= Why is the sky blue? Answer in two sentences.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

build: ## build/release/llama, with what it needs installed first
	@tools/install_deps.sh build
	@cmake --preset release -DCRIA_TESTS=OFF >/dev/null
	@cmake --build build/release -j $(JOBS)

run: build ## fetch the default model and ask it PROMPT="..."
	@tools/fetch_default_model.sh
	@build/release/llama run smollm2:135m "$(PROMPT)" --max-tokens 200 --stats

serve: build ## serve the default model on http://127.0.0.1:8321
	@tools/fetch_default_model.sh
	@build/release/llama stack run

test: ## build and run every test
	@tools/install_deps.sh test
	@tools/run_tests.sh

fuzz: ## fuzz every parser of outside bytes, FUZZ_SECONDS=60 each
	@tools/install_deps.sh test
	@tests/fuzz/run.sh $(FUZZ_SECONDS)

sanitize: ## every test under address and undefined-behaviour sanitizers, the engine's under the thread sanitizer
	@tools/install_deps.sh test
	@tools/run_sanitizers.sh

bench: ## measure: speed beside the machine's limits, tokenizer, grammars, weight formats
	@tools/install_deps.sh bench
	@bench/run.sh

clients: build ## the official clients, unchanged, as judges of the server; URL=... judges that one
	@tests/clients/run.sh $(URL)

format: ## clang-format over the sources
	@tools/install_deps.sh lint
	@git ls-files 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc' 'bench/*.h' | xargs -r clang-format-16 -i

lint: ## clang-format, include directions, clang-tidy
	@tools/install_deps.sh lint
	@tools/lint.sh

clean: ## remove build/
	rm -rf build

.PHONY: help build run serve test fuzz sanitize bench clients format lint clean
.DEFAULT_GOAL := help
