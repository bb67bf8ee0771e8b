# The commands of this project. `make run` and `make test` are all that a newcomer needs.
.DEFAULT_GOAL := help
.PHONY: help run build tour ca test race bench torture timing fuzz screens check apk apk-check generate clean FORCE

BUILD  := build
OUT    := $(BUILD)/tour
NEED   := ./scripts/need.sh
VERSION := $(shell sed -n 's/^Version *= *"\(.*\)"/\1/p' FyneApp.toml)
LDFLAGS := -s -w -X main.version=$(VERSION)
# x11 spares the Wayland headers; no_emoji spares about 20 MB of memory.
WINDOW_TAGS := x11,no_emoji
GO_HEADLESS := CGO_ENABLED=0 go
TOOL := go tool -modfile=tools/go.mod
FUZZTIME := 20s
TORTURE := 2m
SAMPLES := 20000

help:
	@echo 'make run      build and start the desktop app with its reference CA (without a display: make tour)'
	@echo 'make test     all tests'
	@echo 'make tour     the whole first use, headless, on the real screens; OUT=dir (default $(OUT))'
	@echo 'make ca       the reference CA alone, with the demo organisation'
	@echo 'make screens  every screen as a picture in $(BUILD)/screens'
	@echo 'make check    gofumpt, vet, staticcheck, import directions, generated code'
	@echo 'make race     all tests under the race detector'
	@echo 'make bench    speed and memory against their marks, as a table and in $(BUILD)/bench.json'
	@echo 'make torture  kills, power loss and damage, TORTURE=$(TORTURE) each, into $(BUILD)/torture.json'
	@echo 'make timing   a statistical timing test of the secret-dependent paths, SAMPLES=$(SAMPLES)'
	@echo 'make fuzz     every fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make apk      the Android app (arm64) in $(BUILD)/cloudkey.apk, with the NDK of ANDROID_NDK_HOME if that is set'
	@echo 'make apk-check  builds the APK and checks it; breaks copies of it to check the checks'
	@echo 'make generate the code made from api/openapi.yaml'

ifeq ($(shell uname),Linux)
HAS_DISPLAY := $(DISPLAY)
else
HAS_DISPLAY := yes
endif

run:
ifneq ($(HAS_DISPLAY),)
	@$(MAKE) --no-print-directory build
	$(BUILD)/cloudkey -demo -data $(BUILD)/demo
else
	@echo 'No display here (DISPLAY is not set): running the headless tour instead.'
	@$(MAKE) --no-print-directory tour
endif

build:
	@$(NEED) window openssl
	@echo 'Building the window (some minutes the first time) ...'
	CGO_ENABLED=1 go build -trimpath -tags $(WINDOW_TAGS) -ldflags '$(LDFLAGS)' -o $(BUILD)/cloudkey .

$(BUILD)/cloudkey-headless: FORCE
	@$(NEED) openssl
	@$(GO_HEADLESS) build -trimpath -tags no_emoji -ldflags '$(LDFLAGS)' -o $@ .

FORCE:

tour: $(BUILD)/cloudkey-headless
	$< tour -out $(OUT)

ca: $(BUILD)/cloudkey-headless
	$< ca -seed demo -data $(BUILD)/ca

test:
	@$(NEED) openssl
	$(GO_HEADLESS) test -tags no_emoji ./...
	@# Another maker's implementation of RFC 9421, in a module of its own to keep its dependencies out of the app's.
	cd api/interop && $(GO_HEADLESS) test ./...

race:
	@$(NEED) openssl race
	@# headless leaves the window out, which alone needs the system's graphics headers.
	CGO_ENABLED=1 go test -race -timeout 30m -tags no_emoji,headless ./...

bench:
	@$(NEED) openssl
	@mkdir -p $(BUILD)
	$(GO_HEADLESS) test -tags no_emoji ./cosign -run '^TestMarks$$' -v -timeout 30m -marks $(CURDIR)/$(BUILD)/bench.json
	$(GO_HEADLESS) test -tags no_emoji ./keystore -run '^TestP12_Marks$$' -v -count=1 -timeout 30m -marks $(CURDIR)/$(BUILD)/bench.json

torture:
	@$(NEED) openssl
	@mkdir -p $(BUILD)
	$(GO_HEADLESS) test -tags no_emoji ./keystore ./client -run '^TestR[127]_' -v -p 1 -count=1 -timeout 24h \
		-torture $(TORTURE) -results $(CURDIR)/$(BUILD)/torture.json

timing:
	$(GO_HEADLESS) test -tags no_emoji ./cosign -run Timing -v -timeout 2h -timing $(SAMPLES)

screens:
	@$(NEED)
	$(GO_HEADLESS) run -tags no_emoji ./ui/screens -out $(BUILD)/screens

check:
	@$(NEED)
	@test -z "$$($(TOOL) gofumpt -l . | tee /dev/stderr)" || { echo 'make check: gofumpt would change the files above'; exit 1; }
	$(GO_HEADLESS) vet -tags no_emoji ./...
	CGO_ENABLED=0 $(TOOL) staticcheck -tags no_emoji ./...
	./scripts/directions.sh
	./scripts/generated.sh

apk:
	@$(NEED) apk openssl
	./android/build.sh $(BUILD)/cloudkey.apk

apk-check: apk
	./android/check.py $(BUILD)/cloudkey.apk
	./android/check_test.py $(BUILD)/cloudkey.apk

generate:
	$(GO_HEADLESS) generate ./api/...

fuzz:
	@$(NEED)
	./scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf $(BUILD)
