//! A report as an entry of CHANGELOG.md, ready to edit: what users of the crates notice, in its style.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::change::{Change, Kind, Verdict, What};
use super::compare::plural;
use super::report::{Report, phrase};

/// The column behind which CHANGELOG.md goes on in the next line.
const WIDTH: usize = 124;

pub(crate) fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    let sections = [
        ("Added", additions(report)),
        ("Changed", changes(report)),
        ("Deprecated", deprecations(report)),
        ("Removed", removals(report)),
    ];
    for (title, bullets) in sections {
        if bullets.is_empty() {
            continue;
        }
        if !is_first {
            writeln!(out)?;
        }
        is_first = false;
        writeln!(out, "### {title}\n")?;
        for bullet in bullets {
            writeln!(out, "{}", wrapped(&format!("- c1-api: {bullet}")))?;
        }
    }
    Ok(())
}

/// What was added, a bullet a kind. Fields and types come with new operations, so that only those of what was there are told.
fn additions(report: &Report) -> Vec<String> {
    let added = |kind: Kind| {
        let changes = report.changes.iter();
        changes.filter(move |change| change.what == What::Added && change.subject.kind == kind)
    };
    let groups: Vec<_> = added(Kind::Group)
        .map(|change| &change.subject.name)
        .collect();
    let mut bullets = Vec::new();
    let with_counts = added(Kind::Group).map(|change| {
        let count = change.to.as_deref().unwrap_or_default();
        format!("`{}` ({count})", change.subject.name)
    });
    bullets.extend(bullet("the groups", with_counts));
    let operations = added(Kind::Operation).filter_map(|change| {
        let (group, name) = change.subject.name.split_once('.')?;
        let is_new_group = groups.iter().any(|new| *new == group);
        (!is_new_group).then(|| format!("`{group}().{name}`"))
    });
    bullets.extend(bullet("the operations", operations));
    let parameters = added(Kind::Parameter).map(|change| {
        let Change { subject, .. } = change;
        format!("`{}` of `{}`", subject.name, subject.of)
    });
    bullets.extend(bullet("the parameters", parameters));
    for (kind, title) in [
        (Kind::Field, "the fields"),
        (Kind::Value, "the enum values"),
    ] {
        let mut members: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for change in added(kind) {
            let name = format!("`{}`", change.subject.name);
            members.entry(&change.subject.of).or_default().push(name);
        }
        let members = members
            .into_iter()
            .map(|(of, names)| format!("{} of `{of}`", names.join(", ")));
        bullets.extend(bullet(title, members));
    }
    let types = added(Kind::Schema).count();
    if types > 0 {
        bullets.push(format!("{}.", plural(types, "new type")));
    }
    bullets
}

/// Changes that callers notice, one by one.
fn changes(report: &Report) -> Vec<String> {
    let is_change = |change: &&Change| {
        !matches!(
            change.what,
            What::Added | What::Removed | What::Deprecated | What::Sunset | What::Idle | What::Doc
        )
    };
    let mut bullets: Vec<_> = report
        .changes
        .iter()
        .filter(|change| change.verdict() == Verdict::Breaks)
        .filter(|change| is_change(change) || change.what == What::Added)
        .map(|change| format!("{}.", told(change)))
        .collect();
    let raw: Vec<_> = report
        .changes
        .iter()
        .flat_map(|change| &change.breaks)
        .filter(|found| found.item.is_raw())
        .map(|found| format!("`{}`", found.item))
        .collect();
    bullets.extend(bullet(
        "other arguments or results, or no longer there:",
        raw,
    ));
    let softer = [What::Stability, What::Paged, What::Safety, What::Moved];
    bullets.extend(
        report
            .changes
            .iter()
            .filter(|change| {
                softer.contains(&change.what) && change.verdict() == Verdict::Compatible
            })
            .map(|change| format!("{}.", told(change))),
    );
    bullets
}

fn deprecations(report: &Report) -> Vec<String> {
    let changes = report.changes.iter().filter(|change| match change.what {
        What::Deprecated => change.to.as_deref() == Some("yes"),
        What::Sunset => true,
        _ => false,
    });
    changes.map(|change| format!("{}.", told(change))).collect()
}

/// What was removed, a bullet a kind.
fn removals(report: &Report) -> Vec<String> {
    let removed = |kind: Kind| {
        let changes = report.changes.iter();
        changes
            .filter(move |change| change.what == What::Removed && change.subject.kind == kind)
            .map(|change| {
                let subject = &change.subject;
                if subject.of.is_empty() {
                    format!("`{}`", subject.name)
                } else {
                    format!("`{}` of `{}`", subject.name, subject.of)
                }
            })
    };
    [
        (Kind::Group, "the groups"),
        (Kind::Operation, "the operations"),
        (Kind::Parameter, "the parameters"),
        (Kind::Schema, "the types"),
        (Kind::Field, "the fields"),
        (Kind::Value, "the enum values"),
        (Kind::Oneof, "the oneofs"),
    ]
    .into_iter()
    .filter_map(|(kind, title)| bullet(title, removed(kind)))
    .collect()
}

/// A bullet with a list; none for an empty list.
fn bullet(title: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let names: Vec<_> = names.into_iter().collect();
    (!names.is_empty()).then(|| format!("{title} {}.", names.join(", ")))
}

/// A change with what it belongs to, and the first name that it breaks.
fn told(change: &Change) -> String {
    let subject = &change.subject;
    let of = if subject.of.is_empty() {
        &subject.name
    } else {
        &subject.of
    };
    let broken = change
        .breaks
        .first()
        .map(|found| format!(" (`{}`)", found.item));
    format!("`{of}`: {}{}", phrase(change), broken.unwrap_or_default())
}

/// A bullet as lines, the further ones indented.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}
