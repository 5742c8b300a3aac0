//! What `cargo xtask spec diff --format json` says.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::edits::Verdict;
use crate::{Outcome, installed};

/// The report on two documents.
pub(crate) struct Report {
    pub(crate) verdict: Verdict,
    /// Every name of the generated crate that it says is broken.
    pub(crate) breaks: Vec<String>,
    /// Those of them that are types under another name, for which the report does not list each use.
    pub(crate) renamed: Vec<String>,
    /// What it says changed: the kind, what it belongs to, the name.
    pub(crate) changes: Vec<[String; 3]>,
}

impl Report {
    pub(crate) fn of(root: &Path, old: &Path, new: &Path) -> Outcome<Self> {
        let output = Command::new(installed(root, "xtask"))
            .args(["spec", "diff", "--format", "json", "--exit-code"])
            .args([old, new])
            .output()?;
        let value: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        let number = |name: &str| value["counts"][name].as_u64().unwrap_or_default();
        let verdict = match (number("breaks"), number("breaks raw")) {
            (0, 0) => Verdict::Compatible,
            (0, _) => Verdict::BreaksRaw,
            _ => Verdict::Breaks,
        };
        let code = if verdict == Verdict::Compatible { 0 } else { 3 };
        if output.status.code() != Some(code) {
            return Err(format!("spec diff ended with {}, expected {code}", output.status).into());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let changes = value["changes"]
            .as_array()
            .ok_or("no changes in the report")?;
        let broken = changes
            .iter()
            .filter_map(|change| change["breaks"].as_array());
        let items = |is: &dyn Fn(&Value) -> bool| {
            let broken = broken.clone().flatten().filter(|found| is(found));
            let mut items: Vec<_> = broken.map(|found| text(&found["item"])).collect();
            items.sort();
            items.dedup();
            items
        };
        let is_renamed = |found: &Value| found["harm"] == "renamed";
        Ok(Self {
            verdict,
            breaks: items(&|_| true),
            renamed: items(&is_renamed),
            changes: changes
                .iter()
                .map(|change| ["kind", "of", "name"].map(|key| text(&change[key])))
                .collect(),
        })
    }
}
