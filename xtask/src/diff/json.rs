//! A report as JSON, for programs. `spec/README.md` documents its form, which only grows while `format` stays the same.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::change::{Break, Change, Harm, Verdict};
use super::report::{Document, Report};

/// The number of the form.
const FORMAT: u64 = 1;

pub(crate) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let changes: Vec<_> = report.changes.iter().map(change).collect();
    let value = json!({
        "format": FORMAT,
        "old": document(&report.old),
        "new": document(&report.new),
        "version": {
            "part": report.part.as_str(),
            "from": env!("CARGO_PKG_VERSION"),
            "to": report.next_version(),
        },
        "counts": {
            "breaks": report.count(Verdict::Breaks),
            "breaks raw": report.count(Verdict::BreaksRaw),
            "compatible": report.count(Verdict::Compatible),
        },
        "changes": changes,
    });
    writeln!(out, "{value:#}")
}

fn document(document: &Document) -> Value {
    let mut value = json!({ "file": document.file, "version": document.version });
    for (name, count) in document.counts {
        value[name] = count.into();
    }
    value
}

fn change(change: &Change) -> Value {
    let subject = &change.subject;
    let breaks: Vec<_> = change.breaks.iter().map(broken).collect();
    json!({
        "kind": subject.kind.as_str(),
        "of": (!subject.of.is_empty()).then_some(&subject.of),
        "name": subject.name,
        "what": change.what.as_str(),
        "from": change.from,
        "to": change.to,
        "verdict": change.verdict().as_str(),
        "breaks": breaks,
    })
}

fn broken(found: &Break) -> Value {
    let (harm, from, to) = match &found.harm {
        Harm::Gone => ("gone", None, None),
        Harm::Renamed(to) => ("renamed", None, Some(to)),
        Harm::Changed { from, to } => ("changed", Some(from), Some(to)),
        Harm::New(shape) => ("new", None, Some(shape)),
        Harm::Features(lost) => ("features", None, Some(lost)),
    };
    json!({ "item": found.item.to_string(), "harm": harm, "from": from, "to": to })
}
