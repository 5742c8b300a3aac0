//! Generates the client into `OUT_DIR`: description, overlay, the groups that the cargo features
//! ask for, then progenitor and our own parts.
//!
//! `C1_API_SPEC=/path/to/openapi.yaml` takes another description, in our form or the vendor's own;
//! the prose of the latter becomes documentation. `C1_API_OVERLAY=/path/to/overlay.yaml` lays another overlay over it,
//! after ours. The paths are absolute, since a build script does not run where cargo does.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    if let Err(error) = generate() {
        // Fails the build. With an exit code, cargo would print it a second time, among all other output.
        println!("cargo::error={error}");
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let (mut place, document) = input("C1_API_SPEC")?.unwrap_or_else(|| {
        let ours = "the description of c1-api-spec".to_owned();
        (ours, c1_api_spec::DOCUMENT.to_owned())
    });
    let mut description = c1_api_spec::load(&document, c1_api_spec::OVERLAY)
        .map_err(|error| format!("{place}: {error}"))?;
    if let Some((overlay, text)) = input("C1_API_OVERLAY")? {
        let (corrected, idle) = c1_api_spec::correct(&description, &text)
            .map_err(|error| format!("{overlay}: {error}"))?;
        for target in idle {
            println!("cargo::warning={overlay}: {target} selects nothing");
        }
        description = corrected;
        place = format!("{place} with {overlay}");
    }
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
    let files = c1_api_spec::generate::generate(&description, &secrets)
        .map_err(|error| format!("{place}: {error}"))?;
    for file in files {
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

/// An input that a variable of the environment names, and how errors name it; changes of either run the build again.
fn input(variable: &str) -> Result<Option<(String, String)>, String> {
    println!("cargo::rerun-if-env-changed={variable}");
    let Some(path) = env::var_os(variable).map(PathBuf::from) else {
        return Ok(None);
    };
    let place = format!("{variable}={}", path.display());
    if path.is_relative() {
        return Err(format!(
            "{place} is relative, and a build script does not run where cargo was called; set an absolute path"
        ));
    }
    println!("cargo::rerun-if-changed={}", path.display());
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((place, text))),
        Err(error) => Err(format!("{place}: {error}")),
    }
}
