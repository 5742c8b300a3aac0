//! The build script of c1-api with a description of the user's own.
//!
//! Another description is another c1-api, so a cargo of its own builds it, in a folder of its own under `target`, with
//! the versions of the workspace: nothing is downloaded.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

type Outcome = Result<(), Box<dyn Error>>;

/// A document with one operation, of the group `apps`.
const DOCUMENT: &str = "openapi: 3.1.0
info: {version: 0.1.0}
servers:
- url: https://c1.test
paths:
  /api/v1/apps/{id}:
    get:
      operationId: apps.get
      parameters:
      - {in: path, name: id, required: true, schema: {type: string}}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/App'}}}}
components:
  schemas:
    App:
      type: object
      properties:
        name: {type: string}
";

/// The folder of one test. Tests do not share a file, and wait for each other only while cargo builds.
fn folder(name: &str) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("openapi.yaml"), DOCUMENT)?;
    Ok(folder)
}

/// Builds c1-api with these features from the document in the folder.
fn build(folder: &Path, features: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--offline", "--locked", "--package", "c1-api"])
        .args(["--no-default-features", "--features", features])
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-script"))
        .current_dir(root)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_TERM_COLOR", "never")
        .env_remove("C1_API_OVERLAY")
        .env("C1_API_SPEC", folder.join("openapi.yaml"));
    command
}

fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_group_of_core_that_is_missing_is_left_out_with_a_warning() -> Outcome {
    let output = build(&folder("missing-of-core")?, "core").output()?;
    let messages = messages(&output);
    assert!(output.status.success(), "{messages}");
    let warning = messages
        .lines()
        .find(|line| line.starts_with("warning") && line.contains("C1_API_SPEC="))
        .ok_or_else(|| format!("no warning: {messages}"))?;
    assert!(warning.contains("`task_search`"), "{warning}");
    assert!(!warning.contains("`apps`"), "{warning}");
    Ok(())
}

#[test]
fn a_group_that_is_missing_is_an_error_if_it_was_asked_for() -> Outcome {
    let folder = folder("missing-by-name")?;
    for features in ["core,vault", "apps,task_search,vault"] {
        let output = build(&folder, features).output()?;
        let messages = messages(&output);
        assert!(!output.status.success(), "{messages}");
        let error = messages
            .lines()
            .find(|line| line.starts_with("error") && line.contains("C1_API_SPEC="))
            .ok_or_else(|| format!("no error: {messages}"))?;
        assert!(error.contains("`vault`"), "{error}");
        let core = features.starts_with("core");
        assert_eq!(!error.contains("`task_search`"), core, "{error}");
    }
    Ok(())
}
