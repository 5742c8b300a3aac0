//! The record of the file that our form was imported from.

use crate::error::{Error, Result};
use crate::model::Origin;
use crate::object::Object;
use crate::read::shape;

/// The extension `x-origin` at the root.
pub(super) fn origin(root: &Object<'_>) -> Result<Option<Origin>> {
    let Some(record) = root.object("x-origin")? else {
        return Ok(None);
    };
    let text = |key: &str, is_valid: fn(&str) -> bool, expected: &str| {
        let value = record.require_string(key)?;
        if is_valid(value) {
            Ok(value.to_owned())
        } else {
            let found = format!("{value:?}");
            Err(Error::new(&record.at(key), found, expected))
        }
    };
    let size = record.require("size")?;
    let origin = Origin {
        sha256: text("sha256", is_sha256, "64 hexadecimal digits in lower case")?,
        size: size
            .as_u64()
            .ok_or_else(|| Error::new(&record.at("size"), shape(size), "a number of bytes"))?,
        date: text("date", is_date, "a date such as 2026-01-31")?,
    };
    record.refuse_rest()?;
    Ok(Some(origin))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether the text has the form of an RFC 3339 full-date.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
