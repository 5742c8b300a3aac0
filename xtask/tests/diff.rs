//! `spec diff` as it is called: what it prints, and how it ends.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

use serde_json::Value;

type Outcome = Result<(), Box<dyn Error>>;

/// A document with one operation, of a group that ours lacks.
const DOCUMENT: &str = include_str!("../../spec/tests/thing.yaml");

fn file(name: &str, text: &str) -> io::Result<PathBuf> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, text)?;
    Ok(file)
}

fn diff(old: &Path, new: &Path, options: &[&str]) -> io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["spec", "diff"])
        .args([old, new])
        .args(options)
        .output()
}

/// What a command printed that ended with the code.
fn printed(output: Output, code: i32) -> Result<String, Box<dyn Error>> {
    if output.status.code() == Some(code) && output.stderr.is_empty() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("not {code}: {output:?}").into())
    }
}

/// The document and one with another field in place of `name`.
fn pair(name: &str) -> Result<[PathBuf; 2], Box<dyn Error>> {
    let changed = DOCUMENT.replace("        name: ", "        title: ");
    assert_ne!(changed, DOCUMENT);
    let old = file(&format!("{name}-old.yaml"), DOCUMENT)?;
    Ok([old, file(&format!("{name}-new.yaml"), &changed)?])
}

#[test]
fn the_exit_code_tells_of_breaks_where_it_is_asked_to() -> Outcome {
    let [old, new] = pair("code")?;
    printed(diff(&old, &new, &[])?, 0)?;
    printed(diff(&old, &new, &["--exit-code"])?, 3)?;
    let text = printed(diff(&old, &old, &["--exit-code"])?, 0)?;
    assert!(text.ends_with("\nNothing changed.\n"), "{text}");

    let failed = diff(&old, &new.with_extension("none"), &["--exit-code"])?;
    assert_eq!(failed.status.code(), Some(1));
    let error = String::from_utf8(failed.stderr)?;
    assert!(error.contains("code-new.none: "), "{error}");
    let refused = file(
        "code-refused.yaml",
        &DOCUMENT.replace("openapi: 3.1.0", "openapi: 2.0"),
    )?;
    let failed = diff(&refused, &new, &[])?;
    assert_eq!(failed.status.code(), Some(1));
    let error = String::from_utf8(failed.stderr)?;
    assert!(
        error.contains("code-refused.yaml: #/openapi: found"),
        "{error}"
    );
    Ok(())
}

#[test]
fn every_format_names_the_change_and_what_it_breaks() -> Outcome {
    let [old, new] = pair("format")?;
    for (format, named) in [
        (
            "text",
            ["field name: removed (string)", "! types::Thing.name: gone"],
        ),
        (
            "markdown",
            [
                "- field name: removed (string)",
                "  - `types::Thing.name: gone`",
            ],
        ),
        (
            "changelog",
            ["### Removed\n", "- c1-api: the fields `name` of `Thing`."],
        ),
        (
            "json",
            ["\"name\": \"name\"", "\"item\": \"types::Thing.name\""],
        ),
    ] {
        let text = printed(diff(&old, &new, &["--format", format])?, 0)?;
        for named in named {
            assert!(text.contains(named), "{format}: no {named:?} in {text}");
        }
        let again = printed(diff(&old, &new, &["--format", format])?, 0)?;
        assert_eq!(text, again, "{format}");
    }
    Ok(())
}

/// The form that spec/README.md documents.
#[test]
fn json_has_the_documented_form() -> Outcome {
    let [old, new] = pair("json")?;
    let report: Value =
        serde_json::from_str(&printed(diff(&old, &new, &["--format", "json"])?, 0)?)?;
    let keys = |value: &Value| -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(key, _)| key.clone()).collect()
    };
    assert_eq!(
        keys(&report),
        ["format", "old", "new", "version", "counts", "changes"]
    );
    assert_eq!(report["format"], 1);
    assert_eq!(
        keys(&report["new"]),
        ["file", "version", "groups", "operations", "schemas"]
    );
    assert_eq!(report["version"]["part"], "minor");
    assert_eq!(report["counts"]["breaks"], 1);
    assert_eq!(report["counts"]["compatible"], 1);
    let change = &report["changes"][0];
    assert_eq!(
        keys(change),
        [
            "kind", "of", "name", "what", "from", "to", "verdict", "breaks"
        ]
    );
    assert_eq!(change["verdict"], "breaks");
    assert_eq!(keys(&change["breaks"][0]), ["item", "harm", "from", "to"]);
    Ok(())
}

/// The document that is checked in, and an older state of it: without a group.
#[test]
fn a_group_that_ours_has_and_an_older_state_lacks_is_reported_in_both_directions() -> Outcome {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/openapi.yaml");
    let without = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["spec", "without", "apps"])
        .output()?;
    let older = file("without-apps.yaml", &printed(without, 0)?)?;

    let report = printed(diff(&older, &ours, &["--exit-code"])?, 0)?;
    assert!(report.contains("\n  version: patch "), "{report}");
    assert!(report.contains("\n  groups: added\n    apps\n"), "{report}");

    let report = printed(
        diff(&ours, &older, &["--exit-code", "--format", "json"])?,
        3,
    )?;
    let report: Value = serde_json::from_str(&report)?;
    let changes = report["changes"].as_array().ok_or("no changes")?;
    let is =
        |change: &&Value, kind: &str, what: &str| change["kind"] == kind && change["what"] == what;
    let group = changes.iter().find(|change| is(change, "group", "removed"));
    let group = group.ok_or("no group was removed")?;
    assert_eq!(
        (&group["name"], &group["verdict"]),
        (&"apps".into(), &"breaks".into())
    );
    // Our overlay documents operations of the group, and has nowhere to put that now.
    let idle = changes
        .iter()
        .filter(|change| is(change, "overlay target", "lost its target"));
    assert!(idle.count() > 0, "{report}");
    let operations = changes
        .iter()
        .filter(|change| is(change, "operation", "removed"));
    let operations: Vec<_> = operations.collect();
    assert!(!operations.is_empty(), "{report}");
    for operation in operations {
        assert_eq!(operation["verdict"], "breaks", "{operation}");
        assert!(
            operation["name"]
                .as_str()
                .is_some_and(|id| id.starts_with("apps.")),
            "{operation}"
        );
    }
    Ok(())
}
