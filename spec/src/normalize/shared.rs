//! What operations share by reference: parameters, bodies, responses and path items below `#/components`.

use serde_json::Value;

use crate::error::{Error, Result, child};
use crate::object::{Object, text};

/// How many references may follow each other; more of them go round in a circle.
const DEPTH: usize = 8;

/// What is behind `value`, and its pointer: the value itself, or of a reference what it leads to, which is a member of
/// `#/components` of that kind.
pub(super) fn resolve<'a>(
    components: &Object<'a>,
    kind: &str,
    value: &'a Value,
    pointer: &str,
) -> Result<(&'a Value, String)> {
    let (mut value, mut pointer) = (value, pointer.to_owned());
    for _ in 0..DEPTH {
        let Some(reference) = value.get("$ref") else {
            return Ok((value, pointer));
        };
        let at = child(&pointer, "$ref");
        let reference = text(reference, &at)?;
        let prefix = format!("#/components/{kind}/");
        let key = reference
            .strip_prefix(&prefix)
            .map(|key| key.replace("~1", "/").replace("~0", "~"));
        let members = components.object(kind)?;
        let found = key.and_then(|key| {
            Some((
                members?.get(&key)?,
                child(&prefix[..prefix.len() - 1], &key),
            ))
        });
        (value, pointer) = found.ok_or_else(|| {
            let expected = format!("a member of {prefix}");
            Error::new(&at, format!("{reference:?}"), expected)
        })?;
    }
    let expected = "a reference that ends";
    Err(Error::new(&pointer, "a circle of references", expected))
}
