//! Descriptions with what the real one does not have yet: the client that is generated from each compiles, and a program on
//! it works.
//!
//! Another description is another c1-api, so a cargo of its own builds it, in a folder of its own
//! under `target`. Versions come from the workspace's `Cargo.lock`: nothing is downloaded.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// With `regress` behind the pattern, and types that enforce it.
#[test]
fn a_pattern() {
    run("pattern", "tests/conformance/fixtures/pattern.yaml");
}

/// Inline objects, schemas put together of others, numbers of every format, and what is carried as JSON.
#[test]
fn schemas_of_every_form() {
    run("schemas", "spec/tests/schemas.yaml");
}

/// Runs the program of that name on the client of the description.
fn run(name: &str, description: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tmp.join(name);
    fs::create_dir_all(&folder).unwrap();
    let manifest = format!(
        r#"
[package]
name = {name:?}
edition = "2024"

[[bin]]
name = {name:?}
path = {program:?}

[dependencies]
c1-api = {{ path = {api:?}, default-features = false, features = ["full"] }}
serde_json = "1"

# Quick to build, and quick to build again.
[profile.dev]
debug = false

[workspace]
"#,
        program = text(&root.join(format!("tests/conformance/fixtures/{name}.rs"))),
        api = text(&root.join("c1-api")),
    );
    write(&folder.join("Cargo.toml"), manifest.as_bytes());
    let lock = fs::read(root.join("Cargo.lock")).unwrap();
    fs::write(folder.join("Cargo.lock"), lock).unwrap();

    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        // Of all programs, so that what c1-api depends on is compiled once.
        .arg(tmp.join("descriptions"))
        .current_dir(&folder)
        .env_remove("C1_API_OVERLAY")
        .env_remove("C1_API_GROUPS")
        .env("C1_API_SPEC", root.join(description))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(output.stdout, b"as it should be\n", "{errors}");
}

/// Writes unless it is there already, so that cargo sees no change where there is none.
fn write(path: &Path, content: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(content) {
        fs::write(path, content).unwrap();
    }
}

/// A path as a string of TOML has it.
fn text(path: &Path) -> String {
    path.display().to_string()
}
