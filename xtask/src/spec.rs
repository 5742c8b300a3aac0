//! `spec import` and `spec check`.

use std::error::Error;
use std::fs;

use c1_api_spec::check::Counts;
use c1_api_spec::{Description, emit, normalize, overlay, read};

use crate::{features, root};

/// Reads a document and writes `spec/openapi.yaml`; writes nothing when anything is not understood.
pub(crate) fn import(file: &str) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let document = String::from_utf8(bytes)
        .map_err(|_| format!("{file}: found bytes that are no UTF-8, expected YAML"))?;
    let text = c1_api_spec::import(&document).map_err(|error| format!("{file}: {error}"))?;
    let target = root().join("spec/openapi.yaml");
    fs::write(&target, text)?;
    println!("wrote spec/openapi.yaml");
    Ok(())
}

/// Checks the description that the build uses, and that nothing of it is stale.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    let document = fs::read_to_string(root().join("spec/openapi.yaml"))?;
    let plain = normalize::normalize(&read::read(&document)?)?;
    if c1_api_spec::import(&document)? != document {
        return Err(
            "spec/openapi.yaml: not as the importer writes it; run `cargo xtask spec import`"
                .into(),
        );
    }
    let mut value = emit::emit(&plain);
    let corrections = read::read(&fs::read_to_string(root().join("spec/overlay.yaml"))?)?;
    let idle = overlay::apply(&mut value, &corrections)?;
    if !idle.is_empty() {
        return Err(format!(
            "spec/overlay.yaml: targets that select nothing: {}",
            idle.join(", ")
        )
        .into());
    }
    let description: Description = normalize::normalize(&value)?;
    features::check(&description)?;
    print!("{}", Counts::of(&description));
    Ok(())
}
