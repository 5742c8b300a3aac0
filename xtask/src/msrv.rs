//! `msrv`: that no dependency needs a newer Rust than the workspace promises.

use std::error::Error;
use std::process::Command;

use serde_json::Value;

/// Fails with the names of the dependencies that need a newer one.
pub(crate) fn check() -> Result<(), Box<dyn Error>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(crate::root())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let newer = newer(&metadata, version(env!("CARGO_PKG_RUST_VERSION"))?)?;
    if newer.is_empty() {
        return Ok(());
    }
    Err(format!(
        "need a newer Rust than {}: {}",
        env!("CARGO_PKG_RUST_VERSION"),
        newer.join(", ")
    )
    .into())
}

/// The packages whose `rust_version` is above this one.
fn newer(metadata: &Value, ours: (u32, u32)) -> Result<Vec<String>, Box<dyn Error>> {
    let mut newer = Vec::new();
    for package in metadata["packages"].as_array().ok_or("no `packages`")? {
        let name = package["name"].as_str().ok_or("no `name`")?;
        match package["rust_version"].as_str() {
            Some(theirs) if version(theirs)? > ours => newer.push(format!("{name} ({theirs})")),
            _ => {}
        }
    }
    Ok(newer)
}

/// Major and minor version.
fn version(text: &str) -> Result<(u32, u32), Box<dyn Error>> {
    let mut parts = text.split('.').map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), None) => Ok((major, 0)),
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => Err(format!("invalid Rust version {text:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::newer;

    #[test]
    fn versions_are_compared_as_numbers() -> Result<(), Box<dyn std::error::Error>> {
        let packages = json!({ "packages": [
            { "name": "old", "rust_version": "1.9" },
            { "name": "same", "rust_version": "1.88.0" },
            { "name": "silent", "rust_version": null },
            { "name": "new", "rust_version": "1.100" },
            { "name": "next", "rust_version": "2" },
        ] });
        assert_eq!(newer(&packages, (1, 88))?, ["new (1.100)", "next (2)"]);
        Ok(())
    }
}
