//! Fields that the description does not know, kept to be written back.

use std::fmt;

use serde::ser::SerializeMap;
use serde_json::{Map, Value as Json};

use super::error::Fault;
use super::input::Input;
use super::value::Writer;

/// The fields of a message that were received, and that the API description does not know (feature `unknown-fields`).
///
/// They are written after the known fields, so a program that reads a message, changes a field and sends the message keeps
/// what a newer server has put into it. Fields that are `null` count as absent, as known fields do. A number of more than 64
/// bits becomes a double.
///
/// Equality of messages counts them. `Debug` shows how many there are and nothing else, because any of them may be a secret.
///
/// ```
/// let json = r#"{"id": "2B", "newField": [1]}"#;
/// let mut app: c1_api::types::App = serde_json::from_str(json)?;
/// assert_eq!(app.unknown_fields.get("newField"), Some(&serde_json::json!([1])));
/// assert_eq!(serde_json::to_string(&app)?, r#"{"id":"2B","newField":[1]}"#);
///
/// app.unknown_fields.clear();
/// assert_eq!(serde_json::to_string(&app)?, r#"{"id":"2B"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct UnknownFields(
    /// In a box, so that a message without unknown fields is larger by a pointer only. Never an empty map.
    Option<Box<Map<String, Json>>>,
);

impl UnknownFields {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |fields| fields.len())
    }

    /// The value of a field by its name as it was received.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.as_ref()?.get(name)
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        let fields = self.0.iter().flat_map(|fields| fields.iter());
        fields.map(|(name, value)| (name.as_str(), value))
    }

    /// Removes a field, which then is not sent, and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let fields = self.0.as_mut()?;
        let value = fields.remove(name);
        if fields.is_empty() {
            self.0 = None;
        }
        value
    }

    /// Removes all of them. Those of the messages within this one stay.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Reads the value of one more field. Of a field twice, the last one counts.
    pub(super) fn read(&mut self, name: &str, input: &mut dyn Input) -> Result<(), Fault> {
        let value = input.json()?;
        // Not a field, but the type that an `Any` tells beside those of its message.
        if name == "@type" {
            return Ok(());
        }
        if value.is_null() {
            self.remove(name);
            return Ok(());
        }
        let budget = input.budget();
        budget.string(name.len())?;
        if self.is_empty() {
            budget.charge(size_of::<Map<String, Json>>())?;
        }
        budget.entry::<Json>(self.len())?;
        let fields = self.0.get_or_insert_default();
        fields.insert(name.to_owned(), value);
        Ok(())
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnknownFields").field(&self.len()).finish()
    }
}

/// Writes the unknown fields of a message.
#[allow(dead_code, reason = "a build without groups has no messages")]
pub(crate) fn write_unknown<S: SerializeMap>(fields: &UnknownFields, out: &mut Writer<'_, S>) {
    for (name, value) in fields.iter() {
        if out.outcome.is_ok() {
            out.outcome = out.map.serialize_entry(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;
    use crate::wire::sample::{Folder, List, Sample, refusal, round, written};
    use crate::wire::{Any, from_slice};

    /// A message with one unknown field.
    fn folder(value: &str) -> Folder {
        round(&format!(r#"{{"name": "f", "newField": {value}}}"#)).unwrap()
    }

    #[test]
    fn they_are_written_again_at_every_level() {
        let text = concat!(
            r#"{"name":"","labels":{"k":{"name":"l","new":1}},"#,
            r#""folder":{"name":"","inner":{"name":"","new":{"deep":[null,{"x":0.1}]}},"new":"t"},"#,
            r#""folders":[{"name":"","new":[]},{"name":""},{"name":"","new":{}}],"requiredIds":[],"new":false}"#,
        );
        assert_eq!(written(&round::<Sample>(text).unwrap()), text);
        let list = format!(r#"{{"list":[{text}],"another":1,"new":"2"}}"#);
        let read: List = from_slice(list.as_bytes()).unwrap();
        assert_eq!(written(&read), list);
        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            serde_json::from_str::<Json>(&list).unwrap()
        );
    }

    #[test]
    fn they_follow_the_known_fields_and_outlive_changes() {
        let mut folder: Folder = round(r#"{"a": 1, "name": "f", "b_c": 2}"#).unwrap();
        folder.name = "g".to_owned();
        folder.owner = Some("o".to_owned());
        assert_eq!(
            written(&folder.clone()),
            r#"{"name":"g","owner":"o","a":1,"b_c":2}"#
        );
        assert_eq!(folder.unknown_fields.len(), 2);
    }

    #[test]
    fn a_field_by_its_original_name_is_none() {
        let sample: Sample =
            round(r#"{"user_ids": ["a"], "createdat": 1, "user__ids2": 2}"#).unwrap();
        assert_eq!(sample.user_ids, ["a"]);
        let names: Vec<_> = sample.unknown_fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["createdat", "user__ids2"]);
    }

    #[test]
    fn null_is_absent_and_of_one_twice_the_last_counts() {
        let none: Folder = round(r#"{"name": "f"}"#).unwrap();
        assert_eq!(folder("null"), none);
        // From text, because a tree holds no name twice.
        for (json, last) in [
            (r#"{"a": 1, "a": 2}"#, Some(json!(2))),
            (r#"{"a": null, "a": 2}"#, Some(json!(2))),
            (r#"{"a": 1, "a": null}"#, None),
        ] {
            let folder: Folder = serde_json::from_str(json).unwrap();
            assert_eq!(folder.unknown_fields.get("a"), last.as_ref(), "{json}");
            assert_eq!(folder.unknown_fields.is_empty(), last.is_none(), "{json}");
        }
    }

    #[test]
    fn equality_counts_them() {
        assert_eq!(folder("[1]"), folder("[1]"));
        assert_ne!(folder("[1]"), folder("[2]"));
        assert_ne!(folder("[1]"), folder("null"));
    }

    #[test]
    fn what_is_removed_is_not_written() {
        let mut folder = folder("1");
        assert_eq!(folder.unknown_fields.remove("name"), None);
        assert_eq!(folder.unknown_fields.remove("newField"), Some(json!(1)));
        assert_eq!(folder.unknown_fields, UnknownFields::default());
        assert_eq!(written(&folder), r#"{"name":"f"}"#);
        let mut folder = super::tests::folder("1");
        folder.unknown_fields.clear();
        assert!(folder.unknown_fields.is_empty());
        assert_eq!(written(&folder), r#"{"name":"f"}"#);
    }

    #[test]
    fn debug_shows_how_many_there_are_and_nothing_else() {
        let json = r#"{"canaryName": "canary", "other": {"canary": ["canary"]}}"#;
        let folder: Folder = round(json).unwrap();
        let debug = format!("{folder:?} {folder:#?}");
        assert!(
            !debug.contains("canary") && !debug.contains("other"),
            "{debug}"
        );
        assert!(
            debug.contains("unknown_fields: UnknownFields(2)"),
            "{debug}"
        );
    }

    #[test]
    fn errors_do_not_name_them() {
        for cut in [
            r#"{"list": [{"canary": [1, }"#,
            r#"{"list": [{"canary": "canar"#,
        ] {
            let error = refusal::<List>(cut);
            assert!(
                error.starts_with("list[0]: ") && !error.contains("canar"),
                "{error}"
            );
        }
    }

    /// Each is valid JSON, and would be skipped without the feature.
    #[test]
    fn what_cannot_be_kept_fails_the_message() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(folder(&nested(126)).unknown_fields.len(), 1);
        for value in [nested(127), "1e999".to_owned()] {
            let error = refusal::<Folder>(&format!(r#"{{"new": {value}}}"#));
            assert!(!error.contains("new"), "{error}");
        }
    }

    #[test]
    fn the_type_of_an_any_is_no_field_of_its_payload() {
        let any: Any = round(r#"{"@type": "a/x.Folder", "name": "f", "new": 1}"#).unwrap();
        let folder: Folder = any.decode().unwrap();
        assert_eq!(written(&folder), r#"{"name":"f","new":1}"#);
    }

    #[test]
    fn too_many_are_refused_without_naming_them() {
        // Each takes a box, a map and its name.
        let elements = vec![r#"{"canary":0}"#; 1 << 18].join(",");
        let error = from_slice::<List>(format!(r#"{{"list":[{elements}]}}"#).as_bytes());
        let error = error.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
