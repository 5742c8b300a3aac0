//! The vendor's document, where the one that `spec/openapi.yaml` was imported from is at hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::HashSet;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};

use c1_api_spec::{Description, Origin, emit, import_file, normalize, read};

fn description() -> Description {
    c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY).unwrap()
}

/// The vendor's document, which is not part of this repository, and what is recorded of it.
fn upstream() -> Option<(String, Origin)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/upstream/openapi.yaml");
    let path = std::env::var_os("C1_UPSTREAM_SPEC").map_or(beside, PathBuf::from);
    let skipped = match (std::fs::read_to_string(&path), description().origin) {
        (Ok(text), Some(origin)) if u64::try_from(text.len()) == Ok(origin.size) => {
            return Some((text, origin));
        }
        (Ok(_), _) => "spec/openapi.yaml is of another file than the vendor's document at hand",
        (Err(_), _) => "the vendor's document is not at hand (C1_UPSTREAM_SPEC)",
    };
    // Not by `eprintln`, which tests that pass do not show.
    writeln!(stderr(), "skipped: {skipped}").unwrap();
    None
}

#[test]
fn the_vendors_document_gives_what_is_committed() {
    let Some((vendor, origin)) = upstream() else {
        return;
    };
    assert!(
        import_file(&vendor, origin).unwrap() == c1_api_spec::DOCUMENT,
        "spec/openapi.yaml is not what the import gives"
    );
}

/// No run of six words of the vendor's prose is in what we carry.
#[test]
fn no_sentence_of_the_vendors_is_kept() {
    let Some((vendor, _)) = upstream() else {
        return;
    };
    let mut sentences = Vec::new();
    collect_prose(&read::read(&vendor).unwrap(), false, &mut sentences);
    let (found, operations) = (sentences.len(), description().operations.len());
    assert!(found > 5 * operations, "found {found} pieces of prose");
    let ours = [c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY].concat();
    let ours: Vec<_> = ours.split_whitespace().collect();
    let ours: HashSet<&[&str]> = ours.windows(6).collect();
    for sentence in sentences {
        // The members of oneof groups are listed in prose; those names are facts.
        let lines = sentence
            .lines()
            .filter(|line| !line.trim_start().starts_with("- "));
        let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
        for run in words.windows(6) {
            assert!(!ours.contains(run), "from the vendor: {run:?}");
        }
    }
}

fn collect_prose(value: &serde_json::Value, names: bool, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match (names, value.as_str()) {
                    (false, Some(text))
                        if matches!(key.as_str(), "description" | "title" | "summary") =>
                    {
                        out.push(text.to_owned());
                    }
                    _ => collect_prose(
                        value,
                        matches!(key.as_str(), "properties" | "schemas") && !names,
                        out,
                    ),
                }
            }
        }
        serde_json::Value::Array(values) => values
            .iter()
            .for_each(|value| collect_prose(value, false, out)),
        _ => {}
    }
}

/// The build reads the vendor's document directly, too: prose and all, the same interface.
#[test]
fn the_vendors_document_builds_directly() {
    let Some((vendor, _)) = upstream() else {
        return;
    };
    let mut direct = c1_api_spec::load(&vendor, c1_api_spec::OVERLAY).unwrap();
    let operations = direct.operations.iter();
    let documented = operations.filter(|operation| operation.doc.is_some());
    assert!(10 * documented.count() > 9 * direct.operations.len());
    let mut ours = description();
    // Only the importer sees the file.
    ours.origin = None;
    emit::drop_prose(&mut direct);
    emit::drop_prose(&mut ours);
    assert!(direct == ours);
    let plain = normalize::normalize(&read::read(c1_api_spec::DOCUMENT).unwrap()).unwrap();
    assert_eq!(plain.operations.len(), direct.operations.len());
}
