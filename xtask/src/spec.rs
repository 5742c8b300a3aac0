//! `spec import`, `spec check` and `spec without`.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use c1_api_spec::check::Counts;
use c1_api_spec::{Description, emit, normalize, overlay, read};

use crate::{features, root};

/// Reads a document and writes `spec/openapi.yaml`; writes nothing when anything is not understood.
pub(crate) fn import(file: &Path) -> Result<(), Box<dyn Error>> {
    let name = file.display();
    let bytes = fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    let document = String::from_utf8(bytes).map_err(|_| format!("{name}: not valid UTF-8"))?;
    let text = c1_api_spec::import(&document).map_err(|error| format!("{name}: {error}"))?;
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

/// Prints the description without the operations of a group, as a document to build from.
pub(crate) fn without(group: &str) -> Result<(), Box<dyn Error>> {
    let mut description = normalize::normalize(&read::read(c1_api_spec::DOCUMENT)?)?;
    if !description.groups().contains(group) {
        return Err(format!("unknown group {group:?}").into());
    }
    description
        .operations
        .retain(|operation| operation.group != group);
    std::io::stdout().write_all(emit::text(&emit::emit(&description)).as_bytes())?;
    Ok(())
}
