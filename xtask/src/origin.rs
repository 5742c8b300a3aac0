//! The record of the vendor's file in `spec/openapi.yaml`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use c1_api_spec::Origin;
use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};

/// The record of a file with these bytes. Its date is the given one, or that of the last import if that was of the same
/// file, or the day on which the file was modified.
pub(crate) fn origin(
    file: &Path,
    bytes: &[u8],
    date: Option<NaiveDate>,
    last: Option<Origin>,
) -> Result<Origin, Box<dyn Error>> {
    let mut sha256 = String::new();
    for byte in Sha256::digest(bytes) {
        write!(sha256, "{byte:02x}")?;
    }
    let date = match (date, last) {
        (Some(date), _) => date.to_string(),
        (None, Some(last)) if last.sha256 == sha256 => last.date,
        (None, _) => {
            let modified = fs::metadata(file)?.modified()?;
            DateTime::<Utc>::from(modified).date_naive().to_string()
        }
    };
    Ok(Origin {
        sha256,
        size: u64::try_from(bytes.len())?,
        date,
    })
}
