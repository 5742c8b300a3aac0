//! A [`Description`] to Rust: progenitor's client, and around it the types, the operation builders
//! and the table of operations. The hand-written side of the contract is in `c1-api/src`.

mod enums;
mod oneofs;
mod operations;
mod text;
mod types;

use std::collections::BTreeSet;

use progenitor::{CrateVers, GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle};

use crate::error::{Error, Result};
use crate::model::Description;

/// Where progenitor imports what percent-encodes path parameters, and the same with ours in its place: progenitor's lets a
/// backslash through, by which an id could leave its segment.
const ENCODER: &str = "use progenitor_client::{encode_path, ";
const OUR_ENCODER: &str = "use crate::path::encode as encode_path;\nuse progenitor_client::{";

/// The three generated files.
#[derive(Debug)]
pub struct Generated {
    /// progenitor's client: `raw.rs`.
    pub raw: String,
    /// Messages, enums and oneof views: `types.rs`.
    pub types: String,
    /// Groups, operation builders and the table of operations: `operations.rs`.
    pub operations: String,
}

/// Generates the client for every operation and schema of the description. `secrets` are the wire names of the fields that
/// hold secrets, [of the whole description](Description::sensitive_fields) and not only of what was selected.
///
/// # Errors
///
/// When progenitor refuses the lowered description, or names would clash in Rust.
pub fn generate(description: &Description, secrets: &BTreeSet<String>) -> Result<Generated> {
    Ok(Generated {
        raw: raw(description)?,
        types: types::types(description)?,
        operations: operations::operations(description, secrets)?,
    })
}

/// Positional and merged: half the compile cost of progenitor's builders, which ours replace.
fn raw(description: &Description) -> Result<String> {
    let defect =
        |error: String| Error::new("#", error, "a description that progenitor can generate");
    let inner = "crate::hook::Dispatch"
        .parse()
        .map_err(|_| defect("the inner type".to_owned()))?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_crate("c1-api", CrateVers::Any, None)
        .with_inner_type(inner);
    let document = crate::lower::lower(description);
    let tokens = Generator::new(&settings)
        .generate_tokens(&document)
        .map_err(|error| defect(error.to_string()))?;
    let file = syn::parse2(tokens).map_err(|error| defect(error.to_string()))?;
    let source = prettyplease::unparse(&file);
    if source.contains(ENCODER) {
        Ok(source.replacen(ENCODER, OUR_ENCODER, 1))
    } else {
        Err(defect(format!(
            "no line {ENCODER:?} in progenitor's output"
        )))
    }
}
