//! `spec import`, `spec check` and `spec without`.

use std::error::Error;
use std::path::Path;
use std::{fs, io};

use c1_api_spec::check::{Counts, lost_oneofs};
use c1_api_spec::generate::generate;
use c1_api_spec::select::select;
use c1_api_spec::{CORE, Description, emit, normalize, read};

use crate::{features, root};

/// Reads a document and writes `spec/openapi.yaml`; writes nothing when the build would refuse it.
pub(crate) fn import(file: &Path, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let named = |error: Box<dyn Error>| format!("{}: {error}", file.display());
    let text = c1_api_spec::import(&document(file)?).map_err(|error| named(error.into()))?;
    let verified = verify(&text).map_err(named)?;
    let lost = verified.lost_oneofs()?;
    fs::write(root().join("spec/openapi.yaml"), text)?;
    verified.warn(out)?;
    if let Some(lost) = lost {
        writeln!(out, "warning: {lost}")?;
    }
    Ok(writeln!(out, "wrote spec/openapi.yaml")?)
}

/// Checks the description that the build uses, and that nothing of it is stale.
pub(crate) fn check(out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let document = fs::read_to_string(root().join("spec/openapi.yaml"))?;
    if c1_api_spec::import(&document)? != document {
        return Err(
            "spec/openapi.yaml: not as the importer writes it; run `cargo xtask spec import`"
                .into(),
        );
    }
    let verified = verify(&document)?;
    if !verified.idle.is_empty() {
        return Err(format!(
            "spec/overlay.yaml: targets that select nothing: {}",
            verified.idle.join(", ")
        )
        .into());
    }
    features::check(&verified.description)?;
    verified.report(out)
}

/// Checks any document, for which our overlay and feature tables need not be made.
pub(crate) fn check_file(file: &Path, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let verified =
        verify(&document(file)?).map_err(|error| format!("{}: {error}", file.display()))?;
    if let Some(lost) = verified.lost_oneofs()? {
        writeln!(out, "warning: {lost}")?;
    }
    verified.report(out)
}

/// Prints the description without the operations of a group, as a document to build from.
pub(crate) fn without(group: &str, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let mut description = normalize::normalize(&read::read(c1_api_spec::DOCUMENT)?)?;
    if !description.groups().contains(group) {
        return Err(format!("unknown group {group:?}").into());
    }
    description
        .operations
        .retain(|operation| operation.group != group);
    Ok(out.write_all(emit::text(&emit::emit(&description)).as_bytes())?)
}

/// A document that the build accepts.
struct Verified {
    /// What it describes, our corrections included.
    description: Description,
    /// The targets of our overlay that select nothing.
    idle: Vec<String>,
}

impl Verified {
    /// Prints the warnings, then the counts.
    fn report(&self, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
        self.warn(out)?;
        Ok(write!(out, "{}", Counts::of(&self.description))?)
    }

    /// The warning that the description that is checked in has more oneofs.
    fn lost_oneofs(&self) -> Result<Option<String>, Box<dyn Error>> {
        let before = fs::read_to_string(root().join("spec/openapi.yaml"))?;
        let before = normalize::normalize(&read::read(&before)?)?;
        Ok(lost_oneofs(
            &Counts::of(&self.description),
            &Counts::of(&before),
        ))
    }

    fn warn(&self, out: &mut dyn io::Write) -> io::Result<()> {
        for target in &self.idle {
            writeln!(out, "warning: spec/overlay.yaml: {target} selects nothing")?;
        }
        if let Some(warning) = features::warning(&self.description) {
            writeln!(out, "{warning}")?;
        }
        Ok(())
    }
}

/// Takes a document through what the build does with it, for the features `full` and `core`.
fn verify(document: &str) -> Result<Verified, Box<dyn Error>> {
    let plain = normalize::normalize(&read::read(document)?)?;
    let overlay = fs::read_to_string(root().join("spec/overlay.yaml"))?;
    let (description, idle) = c1_api_spec::correct(&plain, &overlay)?;
    let secrets = description.sensitive_fields();
    generate(&description, &secrets).map_err(|error| format!("full: {error}"))?;
    let mut core = description.clone();
    select(&mut core, |group| CORE.contains(&group), false);
    generate(&core, &secrets).map_err(|error| format!("core: {error}"))?;
    Ok(Verified { description, idle })
}

/// The text of a file.
fn document(file: &Path) -> Result<String, Box<dyn Error>> {
    let name = file.display();
    let bytes = fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    Ok(String::from_utf8(bytes).map_err(|_| format!("{name}: not valid UTF-8"))?)
}
