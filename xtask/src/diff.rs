//! `spec diff OLD NEW`: what changed between two documents, and what that means for Rust callers.

mod breaks;
mod change;
mod changelog;
mod compare;
mod json;
mod markdown;
mod pairs;
mod report;
mod surface;
#[cfg(test)]
mod tests;
mod text;
mod verdict;

use std::error::Error;
use std::path::Path;
use std::{fs, io, thread};

use c1_api_spec::generate::{UnknownFields, Whole, generate};
use c1_api_spec::{Description, emit, normalize, read};
use change::{Change, Kind, Subject, What};
use compare::compare;
use pairs::Pairs;
pub(crate) use report::Report;
use verdict::{Part, Side};

use crate::root;

/// How the command ends with `--exit-code` where the update breaks callers. 1 is any failure, 2 a wrong command line.
pub(crate) const BREAKS: u8 = 3;

/// What to write, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    #[default]
    Text,
    Markdown,
    Json,
    Changelog,
}

impl Format {
    /// The format of the option `--format`.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "text" => Self::Text,
            "markdown" => Self::Markdown,
            "json" => Self::Json,
            "changelog" => Self::Changelog,
            _ => {
                return Err(format!(
                    "found the format {name:?}, expected text, markdown, json or changelog"
                ));
            }
        })
    }
}

/// Compares two documents, in the vendor's form or ours, each with our overlay over it.
///
/// # Errors
///
/// When a file cannot be read, or the build would refuse it.
pub(crate) fn diff(old: &Path, new: &Path) -> Result<Report, Box<dyn Error>> {
    let overlay = fs::read_to_string(root().join("spec/overlay.yaml"))?;
    let read = |file: &Path| {
        self::read(file, &overlay).map_err(|error| format!("{}: {error}", file.display()))
    };
    // progenitor takes seconds for each.
    let (old_side, new_side) = thread::scope(|scope| {
        let other = scope.spawn(|| read(old));
        let new_side = read(new);
        let old_side = other.join();
        (old_side, new_side)
    });
    let (old_side, old_idle) = old_side.map_err(|_| "reading the old document panicked")??;
    let (new_side, new_idle) = new_side?;
    let pairs = Pairs::of(&old_side.description, &new_side.description);
    let mut changes = compare(&old_side.description, &new_side.description, &pairs);
    for target in new_idle.iter().filter(|target| !old_idle.contains(target)) {
        changes.push(Change::new(Subject::new(Kind::Overlay, target), What::Idle));
    }
    verdict::judge(&old_side, &new_side, &pairs, &mut changes);
    changes.sort_by(|one, other| (&one.subject, one.what).cmp(&(&other.subject, other.what)));
    Ok(Report::new(
        (old, &old_side.description),
        (new, &new_side.description),
        Part::of(env!("CARGO_PKG_VERSION"), &changes),
        changes,
    ))
}

/// Writes a report.
pub(crate) fn write(report: &Report, format: Format, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Text => text::render(report, out),
        Format::Markdown => markdown::render(report, out),
        Format::Json => json::render(report, out),
        Format::Changelog => changelog::render(report, out),
    }
}

/// A document as the build reads it, without the vendor's prose; the crate that comes of it; the targets of our overlay
/// that select nothing in it.
fn read(file: &Path, overlay: &str) -> Result<(Side, Vec<String>), Failure> {
    let mut description = normalize::normalize(&read::read(&read::decode(fs::read(file)?)?)?)?;
    emit::drop_prose(&mut description);
    let (description, idle) = c1_api_spec::correct(&description, overlay)?;
    Ok((side(description)?, idle))
}

/// A description with the crate that comes of it.
fn side(description: Description) -> Result<Side, Failure> {
    let files = generate(&description, &Whole::of(&description), UnknownFields::Skip)?;
    let surface = surface::read(&files)?;
    Ok(Side {
        description,
        surface,
    })
}

/// An error that another thread can have.
type Failure = Box<dyn Error + Send + Sync>;
