//! openapi-diff: what it finds broken on the wire.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use c1_api_spec::Description;
use c1_api_spec::select::{closure, roots};
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::report::Report;

/// The places of breaking differences, or why it refuses the documents.
pub(crate) fn breaking(
    root: &Path,
    old: &Path,
    new: &Path,
) -> Outcome<Result<Vec<String>, String>> {
    let program =
        root.join("tests/verdicts/openapi-diff/node_modules/openapi-diff/bin/openapi-diff");
    // It ends without waiting for a pipe to take all that it writes; a file takes it at once.
    let file = root.join("target/verdicts/openapi-diff.txt");
    let output = Command::new("node")
        .arg(program)
        .args([old, new])
        .stdout(File::create(&file)?)
        .output()?;
    let text = fs::read_to_string(file)?;
    // Behind a sentence comes JSON, where there is a difference.
    let differences: Value = match text.find('{') {
        Some(start) => serde_json::from_str(&text[start..])?,
        None if output.status.success() => json!({}),
        None => {
            let error = String::from_utf8(output.stderr)?;
            let first = text.lines().chain(error.lines()).next();
            return Ok(Err(first.unwrap_or("without a word").to_owned()));
        }
    };
    let mut places = Vec::new();
    for difference in differences["breakingDifferences"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let details = ["sourceSpecEntityDetails", "destinationSpecEntityDetails"];
        let details = details
            .iter()
            .filter_map(|side| difference[side].as_array());
        let place = details
            .flatten()
            .find_map(|detail| detail["location"].as_str());
        places.push(place.ok_or("a difference without a place")?.to_owned());
    }
    Ok(Ok(places))
}

/// Whether the report has a change of the operation at that place, of its parameters or of what it sends and receives.
pub(crate) fn is_reported(place: &str, report: &Report, descriptions: [&Description; 2]) -> bool {
    descriptions.into_iter().any(|description| {
        let operations = description.operations.iter().filter(|operation| {
            let path = format!("paths.{}", operation.path);
            let method = operation.method.as_str().to_lowercase();
            place == path
                || place
                    .strip_prefix(&path)
                    .is_some_and(|rest| rest.starts_with(&format!(".{method}")))
        });
        operations.into_iter().any(|operation| {
            let schemas = closure(description, roots(operation));
            report
                .changes
                .iter()
                .any(|[kind, of, name]| match kind.as_str() {
                    "operation" => *name == operation.id(),
                    "parameter" => *of == operation.id(),
                    "schema" => schemas.contains(name.as_str()),
                    _ => schemas.contains(of.as_str()),
                })
        })
    })
}

/// A document of ours in OpenAPI 3.0, which is what the program reads: `null` becomes `nullable`.
pub(crate) fn plain(value: &Value) -> Value {
    let mut document = without_null(value);
    document["openapi"] = "3.0.3".into();
    document
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(without_null).collect(),
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("type", Value::Array(types)) => {
                        out.insert("nullable".to_owned(), true.into());
                        out.insert("type".to_owned(), types[0].clone());
                    }
                    ("oneOf", Value::Array(variants)) => {
                        out.insert("nullable".to_owned(), true.into());
                        out.insert("allOf".to_owned(), json!([without_null(&variants[0])]));
                    }
                    (extension, _) if extension.starts_with("x-") => {}
                    _ => drop(out.insert(key.clone(), without_null(value))),
                }
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}
