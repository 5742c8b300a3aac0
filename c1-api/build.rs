//! Generates the client into `OUT_DIR`: description, overlay, the groups that the cargo features
//! ask for, then progenitor and our own parts.
//!
//! `C1_API_SPEC=/path/to/openapi.yaml` takes another description, in our form or the vendor's own;
//! the prose of the latter becomes documentation.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    if let Err(error) = generate() {
        println!("cargo::error={error}");
        std::process::exit(1);
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=C1_API_SPEC");
    let mut description = match env::var_os("C1_API_SPEC").map(PathBuf::from) {
        None => c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY)?,
        Some(path) => c1_api_spec::load(&read(&path)?, c1_api_spec::OVERLAY)
            .map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let secrets = description.sensitive_fields();
    let has_feature =
        |name: &str| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase())).is_some();
    if !has_feature("full") {
        c1_api_spec::select::select(&mut description, has_feature, has_feature("webhooks"));
    }
    let generated = c1_api_spec::generate::generate(&description, &secrets)?;
    fs::write(out.join("raw.rs"), generated.raw)?;
    fs::write(out.join("types.rs"), generated.types)?;
    fs::write(out.join("operations.rs"), generated.operations)?;
    Ok(())
}

/// Reads an input of the build, and has the build run again when it changes.
fn read(path: &Path) -> Result<String, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
