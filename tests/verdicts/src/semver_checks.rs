//! cargo-semver-checks: what it finds broken. It compares names, traits and numbers of arguments; of types it compares none.

use std::path::Path;
use std::process::Command;

use crate::{Outcome, installed};

/// The findings, a line each.
pub(crate) fn findings(root: &Path, old: &Path, new: &Path) -> Outcome<Vec<String>> {
    let output = Command::new(installed(root, "cargo-semver-checks"))
        .args([
            "semver-checks",
            "--release-type",
            "minor",
            "--color",
            "never",
        ])
        .arg("--baseline-rustdoc")
        .arg(old)
        .arg("--current-rustdoc")
        .arg(new)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut findings = Vec::new();
    let mut is_list = false;
    for line in text.lines() {
        if line == "Failed in:" {
            is_list = true;
        } else if let (true, Some(finding)) = (is_list, line.strip_prefix("  ")) {
            // What follows is where the sources are.
            let end = [", previously in ", " in file ", " in /"]
                .iter()
                .filter_map(|words| finding.find(words))
                .min();
            findings.push(finding[..end.unwrap_or(finding.len())].to_owned());
        } else {
            is_list = false;
        }
    }
    // It ends with 100 for findings; anything else is a failure of its own.
    let expected = if findings.is_empty() { 0 } else { 100 };
    if output.status.code() != Some(expected) {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "cargo-semver-checks ended with {}: {text}{error}",
            output.status
        )
        .into());
    }
    Ok(findings)
}

/// Whether a finding is about the name: it holds the type, and the member where the name is that of one.
pub(crate) fn names(finding: &str, item: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<_> = finding.split(|c| !is_word(c)).collect();
    let segments: Vec<_> = item
        .split(|c| !is_word(c))
        .filter(|segment| !segment.is_empty())
        .collect();
    let has_member = item.contains('.') || item.ends_with("()") || item.contains(": ");
    let last = segments
        .len()
        .saturating_sub(if has_member || segments.len() > 2 {
            2
        } else {
            1
        });
    let [.., _] = segments[..] else { return false };
    segments[last..]
        .iter()
        .all(|segment| words.contains(segment))
        || (!has_member
            && segments
                .last()
                .is_some_and(|segment| words.contains(segment)))
}
