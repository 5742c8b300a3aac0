//! Generates the client into `OUT_DIR`: description, overlay, the groups that the cargo features
//! ask for, then progenitor and our own parts.
//!
//! `C1_API_SPEC=/path/to/openapi.yaml` takes another description, in our form or the vendor's own;
//! the prose of the latter becomes documentation. The path is absolute, since a build script does not run where cargo does.

use std::collections::BTreeSet;
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
    let (mut description, place) = match env::var_os("C1_API_SPEC").map(PathBuf::from) {
        None => (
            c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY)?,
            "the description of c1-api-spec".to_owned(),
        ),
        Some(path) => {
            let place = format!("C1_API_SPEC={}", path.display());
            let description = c1_api_spec::load(&read(&path)?, c1_api_spec::OVERLAY)
                .map_err(|error| format!("{place}: {error}"))?;
            (description, place)
        }
    };
    let secrets = description.sensitive_fields();
    let features = features();
    let groups = description.groups();
    // Cargo does not tell which features were asked for by name, and which came with `core`.
    let (of_core, by_name): (Vec<&str>, Vec<&str>) = features
        .iter()
        .map(String::as_str)
        .filter(|feature| !NOT_GROUPS.contains(feature) && !groups.contains(feature))
        .partition(|feature| features.contains("core") && c1_api_spec::CORE.contains(feature));
    if !by_name.is_empty() {
        return Err(format!(
            "{place} has no operations for these features of c1-api: {}; leave them out",
            list(&by_name)
        )
        .into());
    }
    if !of_core.is_empty() {
        println!(
            "cargo::warning={place} has no operations for these groups, which `core` leaves out: {}",
            list(&of_core)
        );
    }
    if !features.contains("full") {
        let webhooks = features.contains("webhooks");
        c1_api_spec::select::select(&mut description, |group| features.contains(group), webhooks);
    }
    for folder in ["groups", "types"] {
        // Groups that are no longer selected leave nothing behind.
        let folder = out.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(folder)?;
    }
    for file in c1_api_spec::generate::generate(&description, &secrets)? {
        fs::write(out.join(file.path), file.text)?;
    }
    Ok(())
}

fn list(features: &[&str]) -> String {
    format!("`{}`", features.join("`, `"))
}

/// The features that are not groups of operations.
const NOT_GROUPS: &[&str] = &["core", "default", "full"];

/// The features that were chosen. Groups, and so features, are in `snake_case`; cargo passes them in capitals.
fn features() -> BTreeSet<String> {
    env::vars_os()
        .filter_map(|(name, _)| {
            Some(
                name.to_str()?
                    .strip_prefix("CARGO_FEATURE_")?
                    .to_lowercase(),
            )
        })
        .collect()
}

/// Reads an input of the build, and has the build run again when it changes.
fn read(path: &Path) -> Result<String, String> {
    if path.is_relative() {
        return Err(format!(
            "C1_API_SPEC={} is relative, and a build script does not run where cargo was called; set an absolute path",
            path.display()
        ));
    }
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).map_err(|error| format!("C1_API_SPEC={}: {error}", path.display()))
}
