//! `spec import`, `spec check` and `spec without`.

use std::error::Error;
use std::path::Path;
use std::{fs, io};

use c1_api_spec::check::{Counts, lost_oneofs};
use c1_api_spec::generate::{UnknownFields, Whole, generate};
use c1_api_spec::overlay::accepted;
use c1_api_spec::select::select;
use c1_api_spec::{CORE, Description, Lock, Origin, emit, normalize, read};
use chrono::NaiveDate;

use crate::origin::origin;
use crate::{features, root};

/// Reads a document and writes `spec/openapi.yaml`; writes nothing when the build would refuse it.
pub(crate) fn import(
    file: &Path,
    date: Option<NaiveDate>,
    out: &mut dyn io::Write,
) -> Result<(), Box<dyn Error>> {
    let named = |error: Box<dyn Error>| format!("{}: {error}", file.display());
    let ours = root().join("spec/openapi.yaml");
    let last = last();
    let bytes = fs::read(file).map_err(|error| named(error.into()))?;
    let recorded = last.as_ref().and_then(|last| last.origin.clone());
    let origin = origin(file, &bytes, date, recorded).map_err(named)?;
    let text = read::decode(bytes)
        .and_then(|text| c1_api_spec::import_file(&text, origin))
        .map_err(|error| named(error.into()))?;
    let verified = verify(&text).map_err(named)?;
    let lock = names(&verified.description).map_err(named)?;
    fs::write(ours, text)?;
    fs::write(root().join("spec/names.lock"), lock)?;
    verified.warn(out)?;
    verified.compare(last.as_ref(), out)?;
    Ok(writeln!(
        out,
        "wrote spec/openapi.yaml and spec/names.lock"
    )?)
}

/// Checks the description that the build uses, and that nothing of it is stale.
pub(crate) fn check(strict: bool, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
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
    if fs::read_to_string(root().join("spec/names.lock"))? != names(&verified.description)? {
        return Err(
            "spec/names.lock: not as the importer writes it; run `cargo xtask spec import spec/openapi.yaml`".into(),
        );
    }
    features::check(&verified.description)?;
    verified.report(out)?;
    verified.judge(strict)
}

/// The lock with the names of a description added.
fn names(description: &Description) -> Result<String, Box<dyn Error>> {
    let names = Lock::shipped()?.extended(description);
    Ok(names.map_err(|error| format!("its names and those of spec/names.lock clash: {error}"))?)
}

/// Checks any document, for which our overlay and feature tables need not be made.
pub(crate) fn check_file(
    file: &Path,
    strict: bool,
    out: &mut dyn io::Write,
) -> Result<(), Box<dyn Error>> {
    let verified =
        verify(&document(file)?).map_err(|error| format!("{}: {error}", file.display()))?;
    verified.compare(last().as_ref(), out)?;
    verified.report(out)?;
    verified.judge(strict)
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
    // It is no longer what the file has.
    description.origin = None;
    Ok(out.write_all(emit::text(&emit::emit(&description)).as_bytes())?)
}

/// The description that is checked in, if it is sound: an import is about to replace it.
fn last() -> Option<Description> {
    let text = document(&root().join("spec/openapi.yaml")).ok()?;
    normalize::normalize(&read::read(&text).ok()?).ok()
}

/// A document that the build accepts.
struct Verified {
    /// What it describes, our corrections included.
    description: Description,
    /// The targets of our overlay that select nothing.
    idle: Vec<String>,
    /// The notes that our overlay does not accept.
    open: Vec<String>,
}

impl Verified {
    /// Prints the warnings, then the origin and the counts.
    fn report(&self, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
        self.warn(out)?;
        if let Some(Origin { sha256, size, date }) = &self.description.origin {
            writeln!(
                out,
                "from the file of {date}, {size} bytes, SHA-256 {sha256}"
            )?;
        }
        Ok(write!(out, "{}", Counts::of(&self.description))?)
    }

    /// What is carried untyped or not at all is an error where every note has to be accepted.
    fn judge(&self, strict: bool) -> Result<(), Box<dyn Error>> {
        if !strict || self.open.is_empty() {
            return Ok(());
        }
        Err(format!(
            "not accepted by `x-accept` of spec/overlay.yaml:\n{}",
            self.open.join("\n")
        )
        .into())
    }

    /// Warns of oneofs that the description before had.
    fn compare(&self, before: Option<&Description>, out: &mut dyn io::Write) -> io::Result<()> {
        let lost = before
            .and_then(|before| lost_oneofs(&Counts::of(&self.description), &Counts::of(before)));
        match lost {
            Some(lost) => writeln!(out, "warning: {lost}"),
            None => Ok(()),
        }
    }

    fn warn(&self, out: &mut dyn io::Write) -> io::Result<()> {
        for note in &self.description.notes {
            writeln!(out, "note: {note}")?;
        }
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
    let (description, mut idle) = c1_api_spec::correct(&plain, &overlay)?;
    let (open, unmatched) = accepted(&read::read(&overlay)?, &description.notes)?;
    let open = open.into_iter().map(ToString::to_string).collect();
    idle.extend(
        unmatched
            .into_iter()
            .map(|entry| format!("x-accept: {entry}")),
    );
    let whole = Whole::of(&description);
    let mut core = description.clone();
    select(&mut core, |group| CORE.contains(&group), false);
    let made = [
        generate(&description, &whole, UnknownFields::Skip),
        generate(&core, &whole, UnknownFields::Skip),
    ];
    // What both refuse is told once.
    let errors = made.into_iter().filter_map(Result::err);
    if let Some(error) = errors.reduce(c1_api_spec::Error::and) {
        return Err(error.into());
    }
    Ok(Verified {
        description,
        idle,
        open,
    })
}

/// The text of a file.
fn document(file: &Path) -> Result<String, Box<dyn Error>> {
    let name = file.display();
    let bytes = fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    Ok(read::decode(bytes).map_err(|error| format!("{name}: {error}"))?)
}
