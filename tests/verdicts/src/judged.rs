//! A document and what the judges need of it: as files, and the crate that is generated from it.

use std::fs;
use std::path::{Path, PathBuf};

use c1_api_spec::{Description, emit, normalize};
use serde_json::Value;

use crate::{Outcome, openapi_diff, public_api};

/// One of the two documents of a comparison.
pub(crate) struct Judged {
    pub(crate) document: Value,
    pub(crate) description: Description,
    pub(crate) file: PathBuf,
    /// The documentation of the generated crate, as rustdoc writes it for programs.
    pub(crate) rustdoc: PathBuf,
    /// What cargo-public-api lists of it.
    pub(crate) listing: Vec<String>,
    /// The document in OpenAPI 3.0.
    pub(crate) openapi: PathBuf,
}

impl Judged {
    pub(crate) fn new(root: &Path, folder: &Path, name: &str, document: &Value) -> Outcome<Self> {
        // The edit may have left an order or a default that the importer does not write.
        let description =
            normalize::normalize(document).map_err(|error| format!("{name}: {error}"))?;
        let document = emit::emit(&description);
        let file = folder.join(format!("{name}.yaml"));
        fs::write(&file, emit::text(&document))?;
        let openapi = folder.join(format!("{name}.openapi.json"));
        fs::write(&openapi, openapi_diff::plain(&document).to_string())?;
        let rustdoc = folder.join(format!("{name}.rustdoc.json"));
        let listing = public_api::list(root, folder, &file, &rustdoc)?;
        Ok(Self {
            document,
            description,
            file,
            rustdoc,
            listing,
            openapi,
        })
    }
}
