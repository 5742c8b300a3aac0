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

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::path::Path;

    use chrono::NaiveDate;

    use super::origin;

    #[test]
    fn the_date_is_given_or_that_of_the_last_import_or_of_the_file() -> Result<(), Box<dyn Error>> {
        let file = Path::new(file!()).file_name().ok_or("no name")?;
        let file = crate::root().join("xtask/src").join(file);
        let date = NaiveDate::from_ymd_opt(2026, 8, 20);
        let given = origin(&file, b"abc", date, None)?;
        assert_eq!((given.size, given.date.as_str()), (3, "2026-08-20"));
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            given.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let again = origin(&file, b"abc", None, Some(given.clone()))?;
        assert_eq!(again, given);
        // Of another file, the date of the last import says nothing.
        let other = origin(&file, b"abcd", None, Some(given.clone()))?;
        assert_eq!(other.date.len(), "2026-08-20".len());
        assert_ne!(other.date, given.date);
        let absent = Path::new("absent");
        assert!(origin(absent, b"abc", None, None).is_err());
        Ok(())
    }
}
