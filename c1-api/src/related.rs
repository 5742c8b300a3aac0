//! Related objects, which come in the same response as the objects that refer to them.
//!
//! A request asks for them with an expand mask. The response holds each once, in the list `expanded`, as an [`Any`]. Each row
//! points to its objects by paths into that list, such as `$.expanded[0]`, and has a method for each path:
//! `app_path` is followed by `app`.
//!
//! ```no_run
//! # #[cfg(feature = "app_entitlement_search")]
//! # async fn search(client: c1_api::Client) -> Result<(), c1_api::Error> {
//! use c1_api::types::{AppEntitlementExpandMask, AppEntitlementSearchServiceSearchRequest};
//!
//! let mask = AppEntitlementExpandMask::new().app_id();
//! let body = AppEntitlementSearchServiceSearchRequest::new().expand_mask(mask);
//! let mut rows = client.app_entitlement_search().search(body).items().with_expanded();
//! while let Some((row, expanded)) = rows.try_next().await? {
//!     if let Some(app) = row.app(&expanded)? {
//!         println!("{:?}", app.display_name);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With [`pages`](crate::Pages), or a response that is no list, it is the field: `row.app(&page.expanded)`. The paths of a row
//! are valid in its own page only.
//!
//! - A mask takes `all()`, a method for each path that the description names, and any other by `paths`.
//! - Where a mask does not ask for an object, or there is none, its path is empty: no object, and no error.
//! - Where the description does not tell the type of a path's objects, [`one`] and [`all`] take it from the caller. [`objects`]
//!   gives the objects as they are, of types that this crate does not know as well.
//! - Each call decodes the object anew.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::wire::{Any, FullName};

/// The object in `expanded` that the path leads to; `None` where the path is absent or empty.
///
/// ```
/// use c1_api::{Any, chrono, related};
///
/// let json = r#"[{"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "2024-02-29T00:00:00Z"}]"#;
/// let expanded: Vec<Any> = serde_json::from_str(json)?;
/// let time: Option<chrono::DateTime<chrono::Utc>> = related::one(&expanded, Some("$.expanded[0]"))?;
/// assert_eq!(time.unwrap().timestamp(), 1_709_164_800);
/// assert_eq!(related::one::<chrono::DateTime<chrono::Utc>>(&expanded, None)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of [`objects`] and [`Any::decode`]; of the kind [`ErrorKind::Decode`] where the path leads to several objects.
pub fn one<T: FullName>(expanded: &[Any], path: Option<&str>) -> Result<Option<T>, Error> {
    match objects(expanded, path)?[..] {
        [] => Ok(None),
        [object] => object.decode().map(Some),
        _ => Err(unexpected("found several objects, expected one")),
    }
}

/// The objects in `expanded` that the path leads to, each once, in the order of the path; none where the path is absent or empty.
///
/// # Errors
///
/// Those of [`objects`] and [`Any::decode`].
pub fn all<T: FullName>(expanded: &[Any], path: Option<&str>) -> Result<Vec<T>, Error> {
    let objects = objects(expanded, path)?;
    objects.into_iter().map(Any::decode).collect()
}

/// The same as [`all`], of any type.
///
/// # Errors
///
/// Of the kind [`ErrorKind::Decode`], where the path is none of `$.expanded[0]` or `$.expanded[0,2]`, or `expanded`
/// has no such object.
pub fn objects<'e>(expanded: &'e [Any], path: Option<&str>) -> Result<Vec<&'e Any>, Error> {
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return Ok(Vec::new());
    };
    let list = path
        .strip_prefix("$.expanded[")
        .and_then(|rest| rest.strip_suffix(']'));
    let Some(list) = list else {
        return Err(unexpected(
            "found another text, expected a path such as $.expanded[0]",
        ));
    };
    // An index has digits only; `parse` would take a sign as well.
    let index = |text: &str| {
        let text = text.trim_matches(' ');
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    let mut seen = BTreeSet::new();
    let mut objects = Vec::new();
    for text in list.split(',') {
        let Some(at) = index(text) else {
            return Err(unexpected(
                "found no number between the brackets, expected a path such as $.expanded[0]",
            ));
        };
        let Some(object) = expanded.get(at) else {
            let count = expanded.len();
            return Err(unexpected(&format!(
                "found the index {at}, expected one of the {count} objects in expanded"
            )));
        };
        // Otherwise a short path could have a large object decoded again and again.
        if seen.insert(at) {
            objects.push(object);
        }
    }
    Ok(objects)
}

/// What came of the path in a field, an error with the name of the field.
#[allow(dead_code, reason = "a build may have no paths")]
pub(crate) fn named<T>(field: &str, outcome: Result<T, Error>) -> Result<T, Error> {
    outcome.map_err(|error| {
        Error::new(error.kind(), format!("{field}: {}", error.message())).with_source(error)
    })
}

fn unexpected(message: &str) -> Error {
    Error::new(ErrorKind::Decode, message)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde_json::json;

    use super::*;

    const NO_PATH: &str = "found another text, expected a path such as $.expanded[0]";
    const NO_NUMBER: &str =
        "found no number between the brackets, expected a path such as $.expanded[0]";

    fn times(count: u32) -> Vec<Any> {
        let time = |year: u32| {
            json!({
                "@type": "type.googleapis.com/google.protobuf.Timestamp",
                "value": format!("{}-01-01T00:00:00Z", 2000 + year),
            })
        };
        let times = (0..count).map(time).map(serde_json::from_value);
        times.collect::<Result<_, _>>().unwrap()
    }

    fn years(path: &str) -> Vec<String> {
        let times = all::<DateTime<Utc>>(&times(3), Some(path)).unwrap();
        times
            .iter()
            .map(|time| time.format("%Y").to_string())
            .collect()
    }

    #[test]
    fn paths_lead_to_one_several_or_none() {
        assert_eq!(years("$.expanded[1]"), ["2001"]);
        assert_eq!(years("$.expanded[2,0]"), ["2002", "2000"]);
        assert_eq!(years("$.expanded[2, 0 ,2]"), ["2002", "2000"]);
        assert_eq!(years(""), [""; 0]);
        assert_eq!(one::<DateTime<Utc>>(&[], None).unwrap(), None);
        assert_eq!(one::<DateTime<Utc>>(&[], Some("")).unwrap(), None);
    }

    #[test]
    fn a_broken_path_is_an_error() {
        let index =
            |at: &str| format!("found the index {at}, expected one of the 3 objects in expanded");
        for (path, expected) in [
            ("$.expanded[3]", index("3")),
            ("$.expanded[0,99]", index("99")),
            (
                "$.expanded[99999999999999999999999]",
                index(&usize::MAX.to_string()),
            ),
            ("$.expanded[]", NO_NUMBER.to_owned()),
            ("$.expanded[,]", NO_NUMBER.to_owned()),
            ("$.expanded[0,]", NO_NUMBER.to_owned()),
            ("$.expanded[-1]", NO_NUMBER.to_owned()),
            ("$.expanded[+1]", NO_NUMBER.to_owned()),
            ("$.expanded[*]", NO_NUMBER.to_owned()),
            ("$.expanded[0].canary", NO_PATH.to_owned()),
            ("$.expanded[0][1]", NO_NUMBER.to_owned()),
            ("$.expanded", NO_PATH.to_owned()),
            ("canary", NO_PATH.to_owned()),
            ("\u{0}\u{202e}", NO_PATH.to_owned()),
        ] {
            let error = objects(&times(3), Some(path)).unwrap_err();
            assert_eq!(error.message(), expected, "{path}");
            assert_eq!(error.kind(), ErrorKind::Decode);
            let error = named("app_path", one::<DateTime<Utc>>(&times(3), Some(path)));
            let error = error.unwrap_err();
            assert_eq!(error.message(), format!("app_path: {expected}"));
        }
        let several = one::<DateTime<Utc>>(&times(3), Some("$.expanded[0,1]"));
        assert_eq!(
            several.unwrap_err().message(),
            "found several objects, expected one"
        );
        let mut expanded = times(1);
        expanded.push(Any::default());
        let error = all::<DateTime<Utc>>(&expanded, Some("$.expanded[0,1]")).unwrap_err();
        assert_eq!(
            error.message(),
            "@type: expected google.protobuf.Timestamp, found no type"
        );
    }
}
