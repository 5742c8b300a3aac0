//! Mocks for unit tests: progenitor's generator of extensions to httpmock, over the types of c1-api.

use progenitor::{CrateVers, GenerationSettings, Generator};

use super::File;
use super::text::{literal, put};
use crate::error::{Error, Result};
use crate::lower::{is_lowered, lower_for_mocks};
use crate::model::{Description, Operation};

/// The type of an error's body in c1-api-httpmock: the description has no errors.
const ERROR: &str = "RpcStatus";
/// Where progenitor makes a regular expression of a path parameter's value, and the same with the value as the client sends it:
/// progenitor would take `a.b` for a pattern.
const PATTERN: &str = "let re = regex::Regex::new(";
const OUR_PATTERN: &str =
    "let value = crate::segment(&value);\n            let re = regex::Regex::new(";

/// Generates what c1-api-httpmock includes, `mocks.rs`, for every operation of the description that progenitor can express,
/// and a list of the others.
///
/// # Errors
///
/// When progenitor refuses the lowered description.
pub fn mocks(description: &Description) -> Result<File> {
    let defect =
        |error: String| Error::new("#", error, "a description that progenitor can generate");
    if description.schemas.contains_key(ERROR) {
        return Err(defect(format!("the schema {ERROR}")));
    }
    let mut settings = GenerationSettings::new();
    settings
        .with_crate("c1-api", CrateVers::Any, None)
        .with_crate("c1-api-httpmock", CrateVers::Any, None);
    let tokens = Generator::new(&settings)
        .httpmock(&lower_for_mocks(description, ERROR), "c1_api")
        .map_err(|error| defect(error.to_string()))?;
    let file = syn::parse2(tokens).map_err(|error| defect(error.to_string()))?;
    let source = prettyplease::unparse(&file);
    let (known, unknown): (Vec<_>, Vec<_>) = description
        .operations
        .iter()
        .partition(|operation| is_lowered(operation, description));
    let parameters = known
        .iter()
        .map(|operation| operation.path_parameters.len());
    let (patterns, expected) = (source.matches(PATTERN).count(), parameters.sum::<usize>());
    if patterns != expected {
        return Err(defect(format!(
            "{patterns} times {PATTERN:?} for {expected} path parameters in progenitor's output"
        )));
    }
    let mut source = source.replace(PATTERN, OUR_PATTERN);
    untyped(&unknown, &mut source);
    Ok(File::new(
        "mocks.rs",
        "the description by progenitor",
        &source,
    ))
}

/// The list of the operations that have no typed mock.
fn untyped(operations: &[&Operation], out: &mut String) {
    put!(
        out,
        "
/// The operations of this build without a typed mock, because progenitor cannot express them: their bodies are no JSON of
/// a message, or their parameters are in headers or within a segment. Use
/// [`MockServer::mock`](httpmock::MockServer::mock) for them.
pub static UNTYPED: &[&str] = &["
    );
    for operation in operations {
        put!(out, "    {},", literal(&operation.id()));
    }
    put!(out, "];");
}
