//! Generates the client into `OUT_DIR`: description, overlay, the groups that the cargo features
//! ask for, then progenitor and our own parts.
//!
//! `C1_API_SPEC`, `C1_API_OVERLAY` and `C1_API_GROUPS` are explained in the documentation of the crate.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use c1_api_spec::Source;
use c1_api_spec::choice::{self, choose, list};
use c1_api_spec::generate::{Whole, generate};
use c1_api_spec::select::select;

fn main() {
    if let Err(error) = build() {
        // Fails the build. With an exit code, cargo would print it a second time, among all other output.
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={}", choice::VARIABLE);
    let source = Source::from_env();
    for directive in source.directives() {
        println!("{directive}");
    }
    let loaded = source.load()?;
    let (mut description, name) = (loaded.description, loaded.name);
    for warning in loaded.warnings {
        println!("cargo::warning={warning}");
    }
    let whole = Whole::of(&description);
    let names = env::var_os(choice::VARIABLE).unwrap_or_default();
    let choice = choose(&description.groups(), &features(), &names.to_string_lossy())
        .map_err(|error| format!("{name} has {error}"))?;
    if !choice.missing.is_empty() {
        println!(
            "cargo::warning={name} has no operations for these groups, which `core` leaves out: {}",
            list(&choice.missing)
        );
    }
    if let Some(groups) = choice.groups {
        let webhooks = groups.contains("webhooks");
        select(&mut description, |group| groups.contains(group), webhooks);
    }
    for folder in ["groups", "types"] {
        // Groups that are no longer selected leave nothing behind.
        let folder = out.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(folder)?;
    }
    let files = generate(&description, &whole).map_err(|error| format!("{name}: {error}"))?;
    for file in files {
        fs::write(out.join(file.path), file.text)?;
    }
    Ok(())
}

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
