//! Judges the verdicts of `cargo xtask spec diff` by programs that nobody here wrote.
//!
//! Each of the edits makes a second document of the first one. For both directions, the report has to give the verdict that
//! is expected, and to name everything that the judges find broken. `c1-verdicts SHARE OF` judges one of so many shares.

mod edits;
mod judged;
mod openapi_diff;
mod public_api;
mod report;
mod semver_checks;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use c1_api_spec::{emit, normalize, read, select};
use edits::{EDITS, Edit, GROUPS, Verdict};
use judged::Judged;
use report::Report;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (share, of) = match &arguments[..] {
        [] => (1, 1),
        [share, of] => (share.parse()?, of.parse()?),
        _ => return Err("usage: c1-verdicts [SHARE OF]".into()),
    };
    if !(1..=of).contains(&share) {
        return Err(format!("found share {share} of {of}, expected one from 1 to {of}").into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let folder = root.join("target/verdicts");
    fs::create_dir_all(&folder)?;

    let mut description = normalize::normalize(&read::read(c1_api_spec::DOCUMENT)?)?;
    select::select(&mut description, |group| GROUPS.contains(&group), false);
    let first = emit::emit(&description);
    let first = Judged::new(&root, &folder, "first", &first)?;
    let (mut passed, mut failed) = (0, 0);
    for edit in EDITS.iter().skip(share - 1).step_by(of) {
        let mut document = first.document.clone();
        (edit.apply)(&mut document).map_err(|error| format!("{}: {error}", edit.name))?;
        let second = Judged::new(&root, &folder, edit.name, &document)?;
        for (direction, old, new, expected) in [
            ("there", &first, &second, edit.there),
            ("back", &second, &first, edit.back),
        ] {
            let problems = judge(&root, edit, old, new, expected)?;
            let word = if problems.is_empty() { "ok" } else { "FAILED" };
            println!("{word:>6}  {} ({direction}): {expected:?}", edit.name);
            for problem in &problems {
                println!("        {problem}");
            }
            if problems.is_empty() {
                passed += 1;
            } else {
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        return Err("the report and its judges disagree".into());
    }
    Ok(())
}

/// What is wrong with the report on one direction of an edit. Prints what the report says and a judge does not.
fn judge(
    root: &Path,
    edit: &Edit,
    old: &Judged,
    new: &Judged,
    expected: Verdict,
) -> Outcome<Vec<String>> {
    let report = Report::of(root, &old.file, &new.file)?;
    let mut problems = Vec::new();
    if report.verdict != expected {
        problems.push(format!("the report says {:?}", report.verdict));
    }
    let found = semver_checks::findings(root, &old.rustdoc, &new.rustdoc)?;
    for finding in &found {
        if !report
            .breaks
            .iter()
            .any(|item| semver_checks::names(finding, item))
        {
            problems.push(format!("cargo-semver-checks: {finding}: not in the report"));
        }
    }
    if found.is_empty() && !report.breaks.is_empty() {
        println!(
            "        cargo-semver-checks finds nothing; the report: {}",
            report.breaks.join(", ")
        );
    }
    let lost = public_api::lost(&old.listing, &new.listing);
    for line in &lost {
        let is_named = |item: &String| public_api::covers(item, line);
        let is_used = |item: &String| public_api::uses(item, line);
        if !report.breaks.iter().any(is_named) && !report.renamed.iter().any(is_used) {
            problems.push(format!("cargo-public-api: {line}: not in the report"));
        }
    }
    for item in &report.breaks {
        if !lost.iter().any(|line| public_api::covers(item, line)) {
            println!("        cargo-public-api does not list what the report says of {item}");
        }
    }
    match openapi_diff::breaking(root, &old.openapi, &new.openapi)? {
        Ok(places) => {
            for place in places {
                if !openapi_diff::is_reported(&place, &report, [&old.description, &new.description])
                {
                    problems.push(format!("openapi-diff: {place}: not in the report"));
                }
            }
        }
        Err(refusal) => println!("        openapi-diff refuses {}: {refusal}", edit.name),
    }
    Ok(problems)
}

/// A program that the recipe has installed.
fn installed(root: &Path, name: &str) -> PathBuf {
    root.join("target/tools/bin").join(name)
}
