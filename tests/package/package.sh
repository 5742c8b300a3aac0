#!/usr/bin/env bash
# Packages the crates that are to be published, and builds a program outside the workspace from the
# packages alone: against an emulated tenant, and with other descriptions by C1_API_SPEC.
set -euo pipefail
cd "$(dirname "$0")/../.."

crates=(c1-api-spec c1-api c1-api-ext c1-api-emulator)
target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target/outside"
target="$(cd "$target" && pwd)"
work="$target/outside"
# Nobody debugs what is built here.
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
unset C1_API_SPEC C1_API_OVERLAY

fail() { echo "package: $*" >&2; exit 1; }

# The program below is what verifies the packages.
rm -rf "$target/package" "$work/crates" "$work/program"
cargo package --quiet --locked --no-verify --allow-dirty --target-dir "$target" "${crates[@]/#/--package=}"
mkdir -p "$work/crates" "$work/program"
for crate in "${crates[@]}"; do
    mkdir "$work/crates/$crate"
    # -m: cargo compares times, and those in a package are the same in each.
    tar -xzmf "$target/package/$crate"-[0-9]*.crate -C "$work/crates/$crate" --strip-components=1
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        [ -s "$work/crates/$crate/$file" ] || fail "$crate has no $file"
    done
done

# With the versions of the workspace, which are fetched already.
cp tests/package/Cargo.toml tests/package/main.rs tests/package/operations.rs Cargo.lock "$work/program/"
cargo fetch --quiet --locked
program() { cargo run --quiet --offline --bin outside --manifest-path "$work/program/Cargo.toml" --target-dir "$work/target" -- "$@"; }

apps="$(program)"
[ -n "$apps" ] || fail "the program listed no apps"
printf 'The apps of the emulated tenant:\n%s\n' "$apps"

# Another description, and the same file changed: each is what the program was built from.
export C1_API_SPEC="$work/openapi.yaml"
for version in v2 v3; do
    sed "s#^  /api/v1/apps:\$#  /api/$version/apps:#" spec/openapi.yaml > "$C1_API_SPEC"
    path="$(program path)"
    [ "$path" = "/api/$version/apps" ] || fail "expected /api/$version/apps of C1_API_SPEC, found $path"
    echo "Built from C1_API_SPEC: $path"
done

# One that lacks a group of `core`, which is left out with a warning that names that group alone.
cargo xtask spec without task_search > "$C1_API_SPEC"
cargo run --offline --bin outside --manifest-path "$work/program/Cargo.toml" --target-dir "$work/target" -- path > /dev/null 2> "$work/warning" ||
    { cat "$work/warning" >&2; fail "not built although C1_API_SPEC only lacks a group of core"; }
if ! grep -q 'warning.*C1_API_SPEC.*`task_search`' "$work/warning" || grep -q '`task_actions`' "$work/warning"; then
    cat "$work/warning" >&2
    fail "no warning that names C1_API_SPEC and the missing group task_search"
fi
grep 'C1_API_SPEC.*`task_search`' "$work/warning"

# One whose names are those that generated code, Rust or cargo have a use for themselves.
export C1_API_SPEC="$PWD/spec/tests/names.yaml"
cargo check --quiet --locked --target-dir "$work/target" --package c1-api --no-default-features --features full
echo "Built from C1_API_SPEC: ${C1_API_SPEC##*/}"

# One whose operations are of every kind that ours does not have, each called against the emulator.
export C1_API_SPEC="$PWD/spec/tests/operations.yaml"
cargo run --quiet --offline --manifest-path "$work/program/Cargo.toml" --target-dir "$work/target" \
    --features operations --bin operations -- "$C1_API_SPEC"
