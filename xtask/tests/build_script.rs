//! The build script of c1-api with a description of the user's own.
//!
//! Another description is another c1-api, so a cargo of its own builds it, in a folder of its own under `target`, with
//! the versions of the workspace: nothing is downloaded.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

use serde_json::Value;

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
        .env_remove("C1_API_GROUPS")
        .env("C1_API_SPEC", folder.join("openapi.yaml"));
    command
}

/// The text that the build made for the group `apps`.
fn generated(output: &Output) -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string(out_dir(output)?.join("groups/apps.rs"))?)
}

/// Where the build script of c1-api wrote.
fn out_dir(output: &Output) -> Result<PathBuf, Box<dyn Error>> {
    if !output.status.success() {
        return Err(messages(output).into());
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line)?;
        let id = message["package_id"].as_str().unwrap_or_default();
        if let Some(out) = message["out_dir"].as_str()
            && id.contains("/c1-api#")
        {
            return Ok(PathBuf::from(out));
        }
    }
    Err("the build script of c1-api did not run".into())
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
        assert_eq!(
            messages.matches("`vault`").count(),
            1,
            "said once: {messages}"
        );
    }
    Ok(())
}

#[test]
fn a_group_that_is_no_feature_is_built_if_the_environment_names_it() -> Outcome {
    let folder = folder("groups")?;
    // At another path: the call of the old one is locked to its group.
    let group = DOCUMENT
        .replace("apps.get", "billing.get")
        .replace("/api/v1/apps/", "/api/v1/billing/");
    fs::write(folder.join("openapi.yaml"), group)?;
    let output = build(&folder, "")
        .args(["--message-format", "json"])
        .env("C1_API_GROUPS", " billing,")
        .output()?;
    assert!(out_dir(&output)?.join("groups/billing.rs").exists());

    let output = build(&folder, "")
        .args(["--message-format", "json"])
        .output()?;
    assert!(!out_dir(&output)?.join("groups/billing.rs").exists());

    let output = build(&folder, "").env("C1_API_GROUPS", "biling").output()?;
    let messages = messages(&output);
    assert!(!output.status.success(), "{messages}");
    let error = "has no group `biling`, which C1_API_GROUPS names; names like it: `billing`";
    assert_eq!(messages.matches(error).count(), 1, "{messages}");
    Ok(())
}

#[test]
fn an_overlay_of_the_users_own_is_laid_over_after_ours() -> Outcome {
    let folder = folder("overlay")?;
    let overlay = folder.join("overlay.yaml");
    // The same file changed is another build.
    for doc in ["Reads what we call an app.", "Reads an app of our tenant."] {
        let text = format!(
            "overlay: 1.0.0
info: {{title: Names of our own, version: 1.0.0}}
actions:
- target: $.paths['/api/v1/apps/{{id}}'].get
  update: {{description: {doc}}}
- target: $.paths['/nowhere']
  update: {{}}
"
        );
        fs::write(&overlay, text)?;
        let output = build(&folder, "apps")
            .args(["--message-format", "json"])
            .env("C1_API_OVERLAY", &overlay)
            .output()?;
        assert!(generated(&output)?.contains(doc), "{doc}");
        let messages = messages(&output);
        let idle = "overlay.yaml: $.paths['/nowhere'] selects nothing";
        assert!(messages.contains(idle), "{messages}");
    }
    Ok(())
}

#[test]
fn inputs_that_cannot_be_used_are_named_once() -> Outcome {
    let folder = folder("unusable")?;
    let broken = folder.join("broken.yaml");
    fs::write(&broken, "overlay: 2.0.0")?;
    let dangling = folder.join("dangling.yaml");
    let nowhere = "name: {$ref: '#/nowhere'}";
    fs::write(&dangling, DOCUMENT.replace("name: {type: string}", nowhere))?;
    let (relative, absent) = (Path::new("openapi.yaml"), &folder.join("absent.yaml"));
    for (variable, file) in [
        ("C1_API_SPEC", relative),
        ("C1_API_SPEC", absent),
        ("C1_API_SPEC", &broken),
        ("C1_API_SPEC", &dangling),
        ("C1_API_OVERLAY", relative),
        ("C1_API_OVERLAY", absent),
        ("C1_API_OVERLAY", &broken),
        // An error stays one when nothing has changed.
        ("C1_API_OVERLAY", &broken),
    ] {
        let output = build(&folder, "full").env(variable, file).output()?;
        let messages = messages(&output);
        assert!(!output.status.success(), "{messages}");
        let place = format!("{variable}={}", file.display());
        assert_eq!(messages.matches(&place).count(), 1, "{messages}");
    }
    Ok(())
}
