//! The program as it is called: what it prints, and how it ends.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Outcome = Result<(), Box<dyn Error>>;

/// A document with one operation, of a group that ours lacks.
const DOCUMENT: &str = include_str!("../../spec/tests/thing.yaml");

fn xtask() -> Command {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
}

/// Writes a document for one test.
fn file(name: &str, text: &str) -> io::Result<PathBuf> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was printed by a command that has to succeed.
fn printed(output: &Output) -> Result<String, String> {
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() -> Outcome {
    // By name, for which idle targets of our overlay are no error.
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/openapi.yaml");
    for arguments in [
        ["spec", "check", ours].as_slice(),
        &["spec", "without", "apps"],
        &["groups"],
        &["groups", "sample", "1"],
        &["--help"],
    ] {
        let (reader, writer) = io::pipe()?;
        drop(reader);
        let output = xtask().args(arguments).stdout(writer).output()?;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
    // An error keeps its exit code.
    let (reader, writer) = io::pipe()?;
    drop(reader);
    let status = xtask().arg("nothing").stderr(writer).status()?;
    assert_eq!(status.code(), Some(2));
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() -> Outcome {
    let full = std::fs::File::options().write(true).open("/dev/full")?;
    let output = xtask().arg("groups").stdout(full).output()?;
    assert!(!output.status.success());
    assert!(!output.stderr.is_empty());
    Ok(())
}

#[test]
fn what_is_refused_writes_nothing() -> Outcome {
    let document = DOCUMENT.replace("{type: string}\n", "{$ref: '#/nowhere'}\n");
    let file = file("refused.yaml", &document)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ours = ["spec/openapi.yaml", "spec/names.lock"].map(|name| root.join(name));
    let read = || ours.each_ref().map(|path| std::fs::read(path).ok());
    let before = read();
    for command in ["check", "import"] {
        let output = xtask().args(["spec", command]).arg(&file).output()?;
        if read() != before {
            for (path, text) in ours.iter().zip(before) {
                std::fs::write(path, text.unwrap_or_default())?;
            }
            return Err(format!("{command} wrote a file").into());
        }
        assert!(!output.status.success(), "{command}: {output:?}");
        let error = text(&output.stderr);
        assert!(error.contains("refused.yaml: #/components"), "{error}");
    }
    Ok(())
}

#[test]
fn notes_are_told_and_an_error_where_each_has_to_be_accepted() -> Outcome {
    let document = DOCUMENT.replace("{type: string}\n", "{type: string, maxLength: 3}\n");
    let file = file("notes.yaml", &document)?;
    let report = printed(&xtask().args(["spec", "check"]).arg(&file).output()?)?;
    assert!(report.contains("maxLength: not used"), "{report}");
    let output = xtask()
        .args(["spec", "check", "--strict"])
        .arg(&file)
        .output()?;
    assert!(!output.status.success(), "{output:?}");
    let error = text(&output.stderr);
    assert!(error.contains("maxLength: not used"), "{error}");
    Ok(())
}

#[test]
fn groups_of_core_that_a_document_lacks_are_warnings() -> Outcome {
    let file = file(
        "core.yaml",
        &DOCUMENT.replace("things.create", "apps.create"),
    )?;
    let report = printed(&xtask().args(["spec", "check"]).arg(file).output()?)?;
    let warnings: Vec<_> = report
        .lines()
        .filter(|line| line.starts_with("warning: `core`"))
        .collect();
    let [warning] = warnings[..] else {
        return Err(format!("not one warning of `core`: {report}").into());
    };
    assert!(warning.contains("`task_search`"), "{warning}");
    assert!(!warning.contains("`apps`"), "{warning}");
    Ok(())
}

#[test]
fn idle_targets_of_our_overlay_are_warnings_for_another_document() -> Outcome {
    let file = file("idle.yaml", DOCUMENT)?;
    let report = printed(&xtask().args(["spec", "check"]).arg(file).output()?)?;
    let warnings = report.lines().filter(|line| {
        line.starts_with("warning: spec/overlay.yaml: $.") && line.ends_with(" selects nothing")
    });
    assert!(warnings.count() > 0, "{report}");
    assert!(report.contains("     1  operations\n"), "{report}");
    Ok(())
}
