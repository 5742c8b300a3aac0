//! What the build scripts of c1-api and c1-api-httpmock share: the description with the groups that a build has. They
//! read it in one way, so that both crates of one build have the same operations.

use std::collections::BTreeSet;
use std::error::Error;
use std::{env, io};

use crate::choice::{self, choose, list};
use crate::generate::{UnknownFields, Whole};
use crate::model::Description;
use crate::select::select;
use crate::source::Source;

/// What a build is generated from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Selected {
    /// The operations of the groups that were chosen, and the schemas that they refer to.
    pub description: Description,
    /// What the generated code says of all of it.
    pub whole: Whole,
    /// What the features say of unknown fields.
    pub unknown: UnknownFields,
    /// What was read, for messages: `C1_API_SPEC=/path/to/openapi.yaml`.
    pub name: String,
    /// What to tell of it, one line each.
    pub warnings: Vec<String>,
}

/// Reads the description that the environment names and selects the groups of the features that cargo passes to the build
/// script. Writes to `out`, which is standard output, what has cargo run the script again.
///
/// # Errors
///
/// When a document cannot be read, or the build asks for a group that it lacks.
pub fn selected(out: &mut dyn io::Write) -> Result<Selected, Box<dyn Error>> {
    writeln!(out, "cargo::rerun-if-changed=build.rs")?;
    writeln!(out, "cargo::rerun-if-env-changed={}", choice::VARIABLE)?;
    let source = Source::from_env();
    for directive in source.directives() {
        writeln!(out, "{directive}")?;
    }
    let loaded = source.load()?;
    let (mut description, name) = (loaded.description, loaded.name);
    let mut warnings = loaded.warnings;
    let whole = Whole::of(&description);
    let names = env::var_os(choice::VARIABLE).unwrap_or_default();
    let features = features();
    let unknown = if features.contains("unknown_fields") {
        UnknownFields::Keep
    } else {
        UnknownFields::Skip
    };
    let choice = choose(&description.groups(), &features, &names.to_string_lossy())
        .map_err(|error| format!("{name} has {error}"))?;
    if !choice.missing.is_empty() {
        warnings.push(format!(
            "{name} has no operations for these groups, which `core` leaves out: {}",
            list(&choice.missing)
        ));
    }
    if let Some(groups) = choice.groups {
        let webhooks = groups.contains("webhooks");
        select(&mut description, |group| groups.contains(group), webhooks);
    }
    Ok(Selected {
        description,
        whole,
        unknown,
        name,
        warnings,
    })
}

/// Tells cargo of an error, which fails the build. With an exit code, cargo would print it a second time, among all other
/// output.
///
/// # Errors
///
/// When nothing can be written to `out`.
pub fn fail(error: &dyn Error, out: &mut dyn io::Write) -> io::Result<()> {
    for line in error.to_string().lines() {
        writeln!(out, "cargo::error={line}")?;
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
