//! Messages through the generated types, for programs in other languages: JSON lines in, JSON lines out.

use std::io::{self, BufRead as _, BufWriter, Write as _};

use c1_tests::schemas;
use serde_json::{Value, json};

/// Reads `{"schema": NAME, "value": TEXT}` a line, and writes `{"value": ...}` or `{"error": ...}` for each.
pub(crate) fn lines() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let name = line["schema"].as_str().ok_or("no schema")?;
        let text = line["value"].as_str().ok_or("no value")?;
        let schema = schemas::named(name).ok_or_else(|| format!("there is no message {name}"))?;
        let answer = match (schema.round)(text.as_bytes()) {
            Ok(value) => json!({ "value": value }),
            Err(error) => json!({ "error": error }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(out.flush()?)
}
