#!/usr/bin/env bash
# What building the SDK costs, as ratios of one run on one machine; see README.md beside this file.
#
# usage: tests/benches/compile-cost.sh [ROUNDS] [check | build | lines]...
set -euo pipefail
cd "$(dirname "$0")/../.."
root="$PWD"

rounds=3
if [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then
    rounds="$1"
    shift
fi
parts="${*:-check build lines}"

work="${CARGO_TARGET_DIR:-$root/target}/compile-cost"
mkdir -p "$work"
work="$(cd "$work" && pwd)"
samples="$work/samples"
: >"$samples"
# Incremental files would make every measurement after the first another one.
export CARGO_INCREMENTAL=0
unset C1_API_SPEC C1_API_OVERLAY C1_API_GROUPS CARGO_BUILD_JOBS RUSTFLAGS RUSTC_WRAPPER

# measure NAME DIRECTORY COMMAND...: runs it, and notes wall seconds, CPU seconds and the peak
# memory of its largest process in MB.
measure() {
    echo "   $1" >&2
    python3 - "$samples" "$@" <<'PYTHON'
import resource, subprocess, sys, time

samples, name, directory, *command = sys.argv[1:]
begin = time.monotonic()
subprocess.run(command, cwd=directory, check=True)
wall = time.monotonic() - begin
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
# Linux tells kilobytes, macOS bytes.
memory = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
with open(samples, "a") as file:
    print(name, wall, usage.ru_utime + usage.ru_stime, memory, sep="\t", file=file)
PYTHON
}

# report COLUMN WHAT BASE NAME...: medians of one column, each beside its ratio to the base's.
report() {
    python3 - "$samples" "$@" <<'PYTHON'
import statistics, sys

samples, column, what, *names = sys.argv[1:]
rows = [line.split("\t") for line in open(samples)]
median = lambda name: statistics.median(float(row[int(column)]) for row in rows if row[0] == name)
print(f"\n{what}, median")
for name in names:
    print(f"  {name:<32}{median(name):>10.1f}{median(name) / median(names[0]):>8.2f}")
PYTHON
}

# `cargo check` of the crate alone: everything it depends on is checked before.
check() {
    local baseline="$work/baseline" ours="$work/ours" round
    echo "preparing: progenitor's own client, and all dependencies" >&2
    cargo run --quiet --package xtask -- baseline "$baseline"
    cp Cargo.lock "$baseline/Cargo.lock"
    (cd "$baseline" && cargo check --quiet --target-dir "$baseline/target")
    cargo check --quiet --target-dir "$ours" --package c1-api --features full
    cargo check --quiet --target-dir "$ours" --package c1-api
    for round in $(seq "$rounds"); do
        echo "check, round $round of $rounds" >&2
        touch "$baseline/src/lib.rs"
        measure "progenitor, builders" "$baseline" cargo check --quiet --target-dir "$baseline/target"
        touch c1-api/src/lib.rs
        measure "c1-api full" "$root" cargo check --quiet --target-dir "$ours" --package c1-api --features full
        measure "c1-api default" "$root" cargo check --quiet --target-dir "$ours" --package c1-api
        # The build script runs only when its inputs change; progenitor's own client was written once, above.
        touch c1-api/src/lib.rs spec/overlay.yaml
        measure "c1-api full, generated anew" "$root" cargo check --quiet --target-dir "$ours" --package c1-api --features full
        measure "c1-api default, generated anew" "$root" cargo check --quiet --target-dir "$ours" --package c1-api
    done
    local names=("progenitor, builders" "c1-api full" "c1-api default"
        "c1-api full, generated anew" "c1-api default, generated anew")
    report 1 "cargo check, seconds" "${names[@]}"
    report 3 "cargo check, peak memory in MB" "${names[@]}"
}

# program NAME, dependencies on standard input: a crate with the workspace's lock file.
program() {
    mkdir -p "$work/$1/src"
    cp Cargo.lock "$work/$1/Cargo.lock"
    {
        printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n' "$1"
        cat
    } >"$work/$1/Cargo.toml"
}

# A clean `cargo build` of a program that lists apps: with the SDK, and by hand on the same TLS.
build() {
    local round name
    program with-sdk <<TOML
c1-api-ext = { path = "$root/c1-api-ext" }
tokio = { version = "1", features = ["macros", "rt"] }
TOML
    cat >"$work/with-sdk/src/main.rs" <<'RUST'
use c1_api_ext::C1;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let c1 = C1::from_env()?;
    for app in c1.apps().list().page_size(100).await?.list {
        println!("{}", app.display_name.unwrap_or_default());
    }
    Ok(())
}
RUST
    program by-hand <<'TOML'
reqwest = { version = "0.13", default-features = false, features = ["json", "query", "rustls-no-provider"] }
rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }
rustls-platform-verifier = "0.7"
serde_json = "1"
tokio = { version = "1", features = ["macros", "rt"] }
TOML
    cat >"$work/by-hand/src/main.rs" <<'RUST'
use rustls_platform_verifier::BuilderVerifierExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build()?;
    let url = format!("{}/api/v1/apps", std::env::var("CONDUCTORONE_SERVER_URL")?);
    let token = std::env::var("CONDUCTORONE_ACCESS_TOKEN")?;
    let request = http.get(url).query(&[("page_size", "100")]).bearer_auth(token);
    let answer: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
    for app in answer["list"].as_array().into_iter().flatten() {
        println!("{}", app["displayName"].as_str().unwrap_or_default());
    }
    Ok(())
}
RUST
    for name in by-hand with-sdk; do
        (cd "$work/$name" && cargo fetch --quiet)
    done
    for round in $(seq "$rounds"); do
        echo "clean build, round $round of $rounds" >&2
        for name in by-hand with-sdk; do
            rm -rf "${work:?}/$name/target"
            measure "$name" "$work/$name" cargo build --quiet --offline --target-dir "$work/$name/target"
        done
    done
    rm -rf "${work:?}"/{by-hand,with-sdk}/target
    report 2 "clean cargo build, CPU seconds" by-hand with-sdk
    report 1 "clean cargo build, seconds" by-hand with-sdk
}

# Lines of code that were written by hand, without blank lines, comments and tests.
lines() {
    local crate
    printf '\nhand-written lines of code\n'
    for crate in spec c1-api c1-api-ext c1-api-emulator xtask; do
        find "$crate" -name '*.rs' ! -path '*/tests/*' ! -path '*/target/*' ! -path '*/examples/*' \
            ! -name testing.rs ! -name tests.rs ! -name script.rs ! -name interleavings.rs -print0 |
            xargs -0 awk -v crate="$crate" '
                FNR == 1 { test = skipping = 0 }
                /^#\[cfg\(test\)\]/ { test = 1; next }
                test && /^(pub )?mod .*;/ { test = 0; next }
                test && /^mod .*\{/ { test = 0; skipping = 1; next }
                skipping { if (/^}/) skipping = 0; next }
                { test = 0 }
                /^[ \t]*($|\/\/)/ { next }
                { count++ }
                END { printf "  %-32s%10d\n", crate, count }'
    done
}

for part in $parts; do
    case "$part" in
    check | build | lines) "$part" ;;
    *) echo "no such part: $part" >&2 && exit 2 ;;
    esac
done
