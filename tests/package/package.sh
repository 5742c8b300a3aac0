#!/usr/bin/env bash
# Packages the crates that are to be published, and builds a program outside the workspace from the
# packages alone: against an emulated tenant, and with other descriptions by C1_API_SPEC and C1_API_GROUPS.
set -euo pipefail
cd "$(dirname "$0")/../.."

crates=(c1-api-spec c1-api c1-api-ext c1-api-emulator c1-api-httpmock)
target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target/outside"
target="$(cd "$target" && pwd)"
work="$target/outside"
# Nobody debugs what is built here.
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
unset C1_API_SPEC C1_API_OVERLAY C1_API_GROUPS

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
cp tests/package/Cargo.toml tests/package/*.rs Cargo.lock "$work/program/"
cargo fetch --quiet --locked
# Where the program is, cargo finds the settings of its project.
program() { (cd "$work/program" && cargo run --offline --target-dir "$work/target" "${3:---bin}" "$1" 2> "$work/messages") || { cat "$work/messages" >&2; fail "$2"; }; }

path="$(program outside "not built from our description")"
[ "$path" = /api/v1/apps ] || fail "expected /api/v1/apps, found $path"
echo "Built from our description: $path"
program mocks "the mocks do not work" --example
echo "Built from our description: mocks"

# Another description, and the same file changed: each is what the program was built from, and what the emulator serves.
export C1_API_SPEC="$work/openapi.yaml"
for version in v2 v3; do
    sed "s#^  /api/v1/apps:\$#  /api/$version/apps:#" spec/openapi.yaml > "$C1_API_SPEC"
    path="$(program outside "not built from C1_API_SPEC")"
    [ "$path" = "/api/$version/apps" ] || fail "expected /api/$version/apps of C1_API_SPEC, found $path"
    echo "Built from C1_API_SPEC: $path"
done

# An older one, which lacks a group of `core`: it is left out with a warning that names that group alone.
cargo xtask spec without app_entitlement_owners_v2 > "$C1_API_SPEC"
program outside "not built although C1_API_SPEC only lacks a group of core" > /dev/null
if ! grep -q 'warning.*C1_API_SPEC.*`app_entitlement_owners_v2`' "$work/messages" || grep -q '`task_actions`' "$work/messages"; then
    cat "$work/messages" >&2
    fail "no warning that names C1_API_SPEC and the missing group alone"
fi
echo "Built from C1_API_SPEC: an older document"

# A newer one, with a group that is no feature.
sed -f tests/package/newer.sed spec/openapi.yaml > "$C1_API_SPEC"
C1_API_GROUPS=billing program newer "not built from a newer document"
echo "Built from C1_API_SPEC: a newer document"
unset C1_API_SPEC

# One of another service, by the settings of the project.
mkdir -p "$work/program/.cargo"
cp tests/package/other.yaml "$work/program/"
cat > "$work/program/.cargo/config.toml" <<'EOF'
[env]
C1_API_SPEC = { value = "other.yaml", relative = true }
C1_API_GROUPS = "book, loan"
EOF
program other "not built from the document of another service"
echo "Built from C1_API_SPEC: a document of another service"

# One whose names are those that generated code, Rust or cargo have a use for themselves.
export C1_API_SPEC="$PWD/spec/tests/names.yaml"
cargo check --quiet --locked --target-dir "$work/target" --package c1-api-httpmock --no-default-features --features full,c1-api/unknown-fields
echo "Built from C1_API_SPEC: ${C1_API_SPEC##*/}"

# One whose operations are of every kind that ours does not have, each called against the emulator.
export C1_API_SPEC="$PWD/spec/tests/operations.yaml"
C1_API_GROUPS=gadgets,reports,search,widgets program operations "not built from operations of every kind"
echo "Built from C1_API_SPEC: ${C1_API_SPEC##*/}"
