//! cargo-public-api: every public name of a crate with its type, a line each.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Outcome, installed};

/// Builds c1-api from a document and lists what is public. Keeps the JSON of rustdoc for the other judge.
pub(crate) fn list(
    root: &Path,
    folder: &Path,
    document: &Path,
    rustdoc: &Path,
) -> Outcome<Vec<String>> {
    let target = folder.join("build");
    let output = Command::new(installed(root, "cargo-public-api"))
        .args([
            "public-api",
            "--package",
            "c1-api",
            "--no-default-features",
            "--features",
            "full",
        ])
        .args([
            "-ss",
            "--include",
            "function-parameter-names",
            "--color",
            "never",
        ])
        // The form of the JSON is that of one nightly or another; with the stable compiler, it is the one that fits both judges.
        .env("RUSTUP_TOOLCHAIN", "nightly")
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", &target)
        .env("C1_API_SPEC", document)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {error}", document.display()).into());
    }
    fs::copy(target.join("doc/c1_api.json"), rustdoc)?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The lines of the old listing that are not in the new one.
pub(crate) fn lost(old: &[String], new: &[String]) -> Vec<String> {
    let new: BTreeSet<_> = new.iter().collect();
    let lost: BTreeSet<_> = old.iter().filter(|line| !new.contains(line)).collect();
    lost.into_iter().cloned().collect()
}

/// Whether a line of the listing is one that can no longer be used, if the name is broken.
pub(crate) fn covers(item: &str, line: &str) -> bool {
    if let Some((owner, of)) = item.split_once(": ") {
        let of = if of == "Request" { "" } else { of };
        // The implementation, and what the trait has.
        let owner = format!("c1_api::{owner}");
        let is_implementation = line.starts_with("impl")
            && line.ends_with(&format!(" for {owner}"))
            && line.contains(of);
        let method = format!("{owner}::{}(", of.to_lowercase());
        let is_associated = of.is_empty() && line.starts_with(&format!("pub type {owner}::"));
        return is_implementation || is_associated || line.contains(&method);
    }
    let is_type = !item.contains('.') && !item.ends_with("()");
    let path = format!("c1_api::{}", item.trim_end_matches("()").replace('.', "::"));
    // What the line declares comes first; types that it names come behind.
    let declared = line.find("c1_api::").map(|at| &line[at..]);
    let is_it = declared
        .and_then(|rest| rest.strip_prefix(&path))
        .is_some_and(|rest| is_end(rest) && (is_type || !rest.starts_with("::")));
    // With a type go its implementations, and with a method the block that had no other.
    let implements = line.starts_with("impl") && uses(item, line);
    let owner = path.rsplit_once("::").map_or("", |(owner, _)| owner);
    is_it || (is_type && implements) || line == format!("impl {owner}")
}

/// Whether a line of the listing has the type.
pub(crate) fn uses(item: &str, line: &str) -> bool {
    let path = format!("c1_api::{item}");
    line.match_indices(&path)
        .any(|(at, _)| is_end(&line[at + path.len()..]))
}

/// Whether a name ends where the rest of a line begins.
fn is_end(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}
