//! The changes between two documents in the words and the order of a report, for people.

use std::collections::BTreeMap;
use std::path::Path;

use c1_api_spec::Description;

use super::change::{Break, Change, Harm, Kind, Verdict, What};
use super::compare::plural;
use super::verdict::Part;

/// What changed between two documents.
pub(crate) struct Report {
    pub(super) old: Document,
    pub(super) new: Document,
    /// Sorted by what they are of.
    pub(super) changes: Vec<Change>,
    /// The part of the version that has to move.
    pub(super) part: Part,
}

/// One of the documents.
pub(super) struct Document {
    pub(super) file: String,
    pub(super) version: String,
    /// What is counted, and how much there is of it.
    pub(super) counts: [(&'static str, usize); 3],
}

impl Document {
    fn of((file, description): (&Path, &Description)) -> Self {
        Self {
            file: file.display().to_string(),
            version: description.version.clone(),
            counts: [
                ("groups", description.groups().len()),
                ("operations", description.operations.len()),
                ("schemas", description.schemas.len()),
            ],
        }
    }
}

/// A part of a report.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) entries: Vec<Entry>,
}

/// What a report says of one thing: an operation, a schema, or all that was added of a kind.
pub(super) struct Entry {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// A change and what it breaks.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) details: Vec<String>,
}

/// So many names that a change breaks are listed; JSON has all.
const LISTED: usize = 4;

impl Report {
    pub(super) fn new(
        old: (&Path, &Description),
        new: (&Path, &Description),
        part: Part,
        changes: Vec<Change>,
    ) -> Self {
        Self {
            old: Document::of(old),
            new: Document::of(new),
            changes,
            part,
        }
    }

    /// Whether callers have to change.
    pub(crate) fn breaks(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.verdict() != Verdict::Compatible)
    }

    /// The version of the crates after the update.
    pub(super) fn next_version(&self) -> String {
        self.part.next(env!("CARGO_PKG_VERSION"))
    }

    pub(super) fn count(&self, verdict: Verdict) -> usize {
        let changes = self.changes.iter();
        changes.filter(|change| change.verdict() == verdict).count()
    }

    /// What stands at the head of a report.
    pub(super) fn summary(&self) -> Vec<String> {
        let counts = self.old.counts.iter().zip(&self.new.counts);
        let counts: Vec<_> = counts
            .map(|((name, old), (_, new))| format!("{name}: {old} -> {new}"))
            .collect();
        let (breaks, raw, compatible) = (
            self.count(Verdict::Breaks),
            self.count(Verdict::BreaksRaw),
            self.count(Verdict::Compatible),
        );
        let version = match self.part {
            Part::None => "version: stays".to_owned(),
            part => format!(
                "version: {} ({} -> {})",
                part.as_str(),
                env!("CARGO_PKG_VERSION"),
                self.next_version()
            ),
        };
        vec![
            counts.join(", "),
            format!(
                "{}: {breaks} breaking, {raw} breaking for callers of c1_api::raw alone, {compatible} compatible",
                plural(self.changes.len(), "change")
            ),
            version,
        ]
    }

    /// All changes, the worst first.
    pub(super) fn sections(&self) -> Vec<Section> {
        let overlay = |change: &Change| matches!(change.what, What::Idle | What::Doc);
        let of = |verdict: Verdict| {
            let changes = self.changes.iter();
            changes.filter(move |change| change.verdict() == verdict && !overlay(change))
        };
        let lost = self.changes.iter().filter(|change| overlay(change));
        let sections = [
            ("Breaks callers", entries(of(Verdict::Breaks))),
            (
                "Breaks callers of c1_api::raw alone",
                entries(of(Verdict::BreaksRaw)),
            ),
            ("Our overlay", alike(lost)),
            ("Compatible", alike(of(Verdict::Compatible))),
        ];
        sections
            .into_iter()
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(title, entries)| Section { title, entries })
            .collect()
    }
}

/// The changes under what they belong to.
fn entries<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Entry> {
    let top = |change: &Change| {
        let subject = &change.subject;
        match subject.kind {
            Kind::Parameter => format!("operation {}", subject.of),
            Kind::Field | Kind::Value | Kind::Oneof => format!("schema {}", subject.of),
            Kind::Group | Kind::Operation | Kind::Schema => {
                format!("{} {}", subject.kind.as_str(), subject.name)
            }
            Kind::Document | Kind::Note | Kind::Overlay => subject.kind.as_str().to_owned(),
        }
    };
    let mut sorted: Vec<_> = changes.map(|change| (top(change), change)).collect();
    // Stable, so that a thing stands before its parts.
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut entries: Vec<Entry> = Vec::new();
    for (title, change) in sorted {
        let line = Line {
            text: phrase(change),
            details: details(&change.breaks),
        };
        match entries.last_mut() {
            Some(entry) if entry.title == title => entry.lines.push(line),
            _ => entries.push(Entry {
                title,
                lines: vec![line],
            }),
        }
    }
    entries
}

/// What breaks nothing is much and alike: the same change of many things is an entry, with a line for each thing that they
/// belong to.
fn alike<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<Entry> {
    let mut lines: BTreeMap<(Kind, What, String), BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for change in changes {
        let subject = &change.subject;
        let (of, name) = match subject.kind {
            Kind::Operation => subject.name.split_once('.').unwrap_or(("", &subject.name)),
            _ => (subject.of.as_str(), subject.name.as_str()),
        };
        let said = match (change.what, subject.kind) {
            // The states of each differ.
            (What::Added, Kind::Field | Kind::Parameter | Kind::Note)
            | (
                What::Removed | What::Moved | What::Retyped | What::Proto | What::Order | What::Doc,
                _,
            ) => Said {
                of_all: change.what.as_str().to_owned(),
                of_each: states(change),
            },
            (What::Added, _) => Said {
                of_all: change.what.as_str().to_owned(),
                of_each: String::new(),
            },
            _ => Said {
                of_all: tail(change),
                of_each: String::new(),
            },
        };
        let name = if said.of_each.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({})", said.of_each)
        };
        let key = (subject.kind, change.what, said.of_all);
        let names = lines.entry(key).or_default().entry(of).or_default();
        names.push(name);
    }
    let entry = |((kind, _, said), lines): (_, BTreeMap<&str, Vec<String>>)| {
        let line = |(of, names): (&str, Vec<String>)| {
            let head = if of.is_empty() {
                String::new()
            } else {
                format!("{of}: ")
            };
            Line {
                text: head + &names.join(", "),
                details: Vec::new(),
            }
        };
        let kind: Kind = kind;
        Entry {
            title: format!("{}s: {said}", kind.as_str()),
            lines: lines.into_iter().map(line).collect(),
        }
    };
    lines.into_iter().map(entry).collect()
}

/// What is said of changes that are alike.
struct Said {
    of_all: String,
    of_each: String,
}

/// The state before and after.
fn states(change: &Change) -> String {
    match (&change.from, &change.to) {
        (Some(state), None) | (None, Some(state)) => state.clone(),
        (from, to) => {
            let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            format!("{} -> {}", side(from), side(to))
        }
    }
}

/// A change in words, without what it belongs to.
pub(super) fn phrase(change: &Change) -> String {
    let subject = &change.subject;
    let head = match subject.kind {
        Kind::Group | Kind::Operation | Kind::Schema => String::new(),
        Kind::Document | Kind::Note | Kind::Overlay => format!("{}: ", subject.name),
        kind => format!("{} {}: ", kind.as_str(), subject.name),
    };
    head + &tail(change)
}

/// A change in words, without what it is of.
fn tail(change: &Change) -> String {
    let is = change.to.as_deref() == Some("yes");
    let now = |yes: &str, no: &str| if is { yes } else { no }.to_owned();
    let states = states(change);
    match change.what {
        What::Added | What::Removed if states.is_empty() => change.what.as_str().to_owned(),
        What::Added | What::Removed => format!("{} ({states})", change.what.as_str()),
        What::Renamed => format!("renamed in Rust: {states}"),
        What::Required => now("now required", "no longer required"),
        What::ReadOnly => now("now set by the server", "no longer set by the server"),
        What::Nullable => now("may now be null", "no longer null"),
        What::Sensitive => now("now a secret", "no longer a secret"),
        What::Deprecated => now("now deprecated", "no longer deprecated"),
        What::Request => now("now part of a request", "no longer part of a request"),
        What::Sunset => match &change.to {
            Some(day) => format!("go away after {day}"),
            None => "no longer go away".to_owned(),
        },
        What::Features => states,
        What::Doc => format!("documentation lost: {states}"),
        What::Body | What::Oneof => match (&change.from, &change.to) {
            (None, Some(to)) => format!("{} gained: {to}", change.what.as_str()),
            (Some(from), None) => format!("{} lost: {from}", change.what.as_str()),
            _ => format!("{}: {states}", change.what.as_str()),
        },
        What::Idle | What::Other => change.what.as_str().to_owned(),
        What::Rust => "changes in Rust".to_owned(),
        What::Retyped | What::Moved => format!("{} {states}", change.what.as_str()),
        What::Response
        | What::Order
        | What::Proto
        | What::Paged
        | What::Safety
        | What::Stability => format!("{}: {states}", change.what.as_str()),
    }
}

/// What a change breaks, in words.
fn details(breaks: &[Break]) -> Vec<String> {
    let mut shown: Vec<_> = breaks.iter().take(LISTED).map(break_phrase).collect();
    if breaks.len() > LISTED {
        shown.push(format!("and {} more", breaks.len() - LISTED));
    }
    shown
}

/// One broken name in words.
pub(super) fn break_phrase(found: &Break) -> String {
    let Break { item, harm } = found;
    match harm {
        Harm::Gone => format!("{item}: gone"),
        Harm::Renamed(to) => format!("{item}: now {to}"),
        Harm::Changed { from, to } => format!("{item}: {from} -> {to}"),
        Harm::New(shape) if shape.is_empty() => format!("{item}: new"),
        Harm::New(shape) => format!("{item}: new, {shape}"),
        Harm::Features(lost) => format!("{item}: {lost}"),
    }
}
