//! `baseline DIR`: the same operations as a crate of progenitor's own making (builders, separate
//! tags, typify's types), to measure the compile cost of ours against.

use std::error::Error;
use std::path::Path;
use std::{fs, io, process};

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle};
use serde_json::{Map, Value, json};

const MANIFEST: &str = r#"[package]
name = "baseline"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
bytes = "1"
chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
futures-core = "0.3"
progenitor-client = "0.15.1"
reqwest = { version = "0.13", default-features = false, features = ["json", "query", "stream"] }
regress = "0.12"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
"#;

/// Writes the crate.
pub(crate) fn write(directory: &Path, out: &mut dyn io::Write) -> Result<(), Box<dyn Error>> {
    let mut document = c1_api_spec::emit::emit(&crate::description()?);
    document["openapi"] = "3.0.3".into();
    document = plain(document);
    let settings = {
        let mut settings = GenerationSettings::new();
        settings
            .with_interface(InterfaceStyle::Builder)
            .with_tag(TagStyle::Separate);
        settings
    };
    let tokens = Generator::new(&settings).generate_tokens(&serde_json::from_value(document)?)?;
    fs::create_dir_all(directory.join("src"))?;
    fs::write(directory.join("Cargo.toml"), MANIFEST)?;
    let source = directory.join("src/lib.rs");
    fs::write(&source, tokens.to_string())?;
    // For reading it; the crate compiles without.
    let _ = process::Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&source)
        .status();
    Ok(writeln!(out, "wrote {}", directory.display())?)
}

/// OpenAPI 3.1 to 3.0.3 as anyone would do it by hand: `null` becomes `nullable`.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(members) => {
            let mut out = Map::new();
            for (key, value) in members {
                match (key.as_str(), &value) {
                    ("type", Value::Array(types)) => {
                        out.insert("nullable".to_owned(), true.into());
                        if types.len() == 2 {
                            out.insert("type".to_owned(), types[0].clone());
                        }
                    }
                    ("oneOf", Value::Array(variants)) => {
                        out.insert("nullable".to_owned(), true.into());
                        out.insert("allOf".to_owned(), json!([plain(variants[0].clone())]));
                    }
                    (extension, _) if extension.starts_with("x-") => {}
                    _ => drop(out.insert(key, plain(value))),
                }
            }
            Value::Object(out)
        }
        other => other,
    }
}
