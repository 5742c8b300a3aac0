//! Messages: JSON objects whose fields are known, read and written in one pass.

use serde::de::{DeserializeSeed as _, Deserializer};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value as Json;

use super::budget::Budget;
use super::error::Fault;
use super::input::{Feed, Found, Input, Want, nested};
#[cfg(feature = "unknown-fields")]
use super::unknown::UnknownFields;
use super::value::Writer;

/// A protobuf message. Implemented by the generated structs.
pub trait Message {
    /// The message with every field absent.
    #[doc(hidden)]
    fn empty() -> Self
    where
        Self: Sized;

    /// Reads the value of the field `name`. `Ok(false)`: no such field, and the value is still to be consumed.
    #[doc(hidden)]
    fn read_field(&mut self, name: &str, input: &mut dyn Input) -> Result<bool, Fault>;

    /// Where fields are kept that [`read_field`](Self::read_field) does not know.
    #[cfg(feature = "unknown-fields")]
    #[doc(hidden)]
    fn unknown_fields_mut(&mut self) -> &mut UnknownFields;

    /// Writes every field that is required or present.
    #[doc(hidden)]
    fn write_fields<S: SerializeMap>(&self, out: &mut Writer<'_, S>)
    where
        Self: Sized;
}

/// Reads the fields of a message; `Ok(false)` for `null`.
pub(crate) fn read_message(
    message: &mut dyn Message,
    input: &mut dyn Input,
) -> Result<bool, Fault> {
    let mut fields = |name: &str, input: &mut dyn Input| {
        let known = match message.read_field(name, input) {
            Ok(false) if name.contains('_') => message.read_field(&json_name(name), input),
            known => known,
        };
        match known {
            #[cfg(feature = "unknown-fields")]
            Ok(false) => (false, message.unknown_fields_mut().read(name, input)),
            Ok(known) => (known, Ok(())),
            Err(fault) => (true, Err(fault)),
        }
    };
    nested(input, Want::Message(&mut fields))
}

/// The JSON name that protobuf derives from a field's original name: `displayName` from `display_name`. No table holds the
/// original names, so whatever has such a JSON name is taken for one.
fn json_name(original: &str) -> String {
    let mut name = String::with_capacity(original.len());
    let mut starts_word = false;
    for letter in original.chars() {
        if letter == '_' {
            starts_word = true;
        } else {
            name.push(if starts_word {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
            starts_word = false;
        }
    }
    name
}

/// Reads a message by serde's means; empty for `null`.
#[doc(hidden)]
pub(crate) fn deserialize_message<'de, M: Message, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<M, D::Error> {
    // Apart, so as to be compiled once for all messages.
    fn fill<'de, D: Deserializer<'de>>(
        message: &mut dyn Message,
        deserializer: D,
    ) -> Result<(), D::Error> {
        let budget = Budget::unlimited();
        Feed(&mut |input| read_message(message, input).map(drop), &budget).deserialize(deserializer)
    }
    let mut message = M::empty();
    match fill(&mut message, deserializer) {
        Ok(()) => Ok(message),
        Err(error) => Err(error),
    }
}

/// Makes a field absent, by reading `null`; nothing happens if there is no such field.
pub(crate) fn clear_field(message: &mut dyn Message, name: &str) {
    struct Null(Budget);
    impl Input for Null {
        fn read(&mut self, _: Want<'_>) -> Result<Found<'_>, Fault> {
            Ok(Found::Null)
        }

        fn json(&mut self) -> Result<Json, Fault> {
            Ok(Json::Null)
        }

        fn budget(&self) -> &Budget {
            &self.0
        }
    }
    // No type refuses `null`.
    let _is_known = message.read_field(name, &mut Null(Budget::unlimited()));
}

/// Writes a message.
#[doc(hidden)]
pub(crate) fn encode_message<M: Message, S: Serializer>(
    message: &M,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    let mut out = Writer {
        map: &mut map,
        outcome: Ok(()),
    };
    message.write_fields(&mut out);
    out.outcome?;
    map.end()
}

/// Makes each listed [`Message`] usable with serde and as a field of other messages.
#[allow(unused_macros, reason = "a build without features has no messages")]
macro_rules! messages {
    ($($message:ty),* $(,)?) => { $(
        impl $crate::wire::Value for $message {
            fn null() -> Option<Self> {
                Some(<Self as $crate::wire::Message>::empty())
            }

            fn decode(input: &mut dyn $crate::wire::Input) -> Result<Option<Self>, $crate::wire::Fault> {
                let mut message = <Self as $crate::wire::Message>::empty();
                match $crate::wire::read_message(&mut message, input) {
                    Ok(true) => Ok(Some(message)),
                    Ok(false) => Ok(None),
                    Err(fault) => Err(fault),
                }
            }

            fn encode<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::encode_message(self, serializer)
            }
        }

        impl $crate::wire::Field for $message {
            fn absent() -> Self {
                <Self as $crate::wire::Message>::empty()
            }
        }

        impl<'de> ::serde::de::Deserialize<'de> for $message {
            fn deserialize<D: ::serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::deserialize_message(deserializer)
            }
        }

        impl ::serde::ser::Serialize for $message {
            fn serialize<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::encode_message(self, serializer)
            }
        }
    )* };
}
#[allow(unused_imports, reason = "a build without features has no messages")]
pub(crate) use messages;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta};
    use serde_json::{Value as Json, json};

    use crate::wire::sample::{FIELDS, Folder, FolderKind, List, Sample, refusal, round, written};

    /// Every field with a value, each in its canonical form.
    fn full() -> Json {
        json!({
            "id": "2B", "name": "n", "bool": true, "int": -5, "uint": 5, "long": "-5", "ulong": "5", "double": 0.5,
            "createdAt": "2024-02-29T00:00:00Z", "timeout": "-0.500s", "data": "AQ==", "any": {"@type": "a/B", "c": 1},
            "free": {"k": [1]}, "json": [null, {}], "userIds": ["a"], "numbers": ["1"], "annotations": {"k": "v"},
            "labels": {"k": {"name": "l"}}, "folder": {"name": "f"}, "folders": [{"name": "g"}],
            "kind": "FOLDER_KIND_SHARED", "kinds": ["FOLDER_KIND_UNSPECIFIED"], "requiredIds": ["r"],
        })
    }

    #[test]
    fn what_was_read_is_written_again() {
        let sample: Sample = serde_json::from_value(full()).unwrap();
        assert_eq!(sample.long, Some(-5));
        assert_eq!(sample.timeout, Some(TimeDelta::milliseconds(-500)));
        assert_eq!(
            sample.created_at,
            DateTime::parse_from_rfc3339("2024-02-29T00:00:00Z")
                .ok()
                .map(Into::into)
        );
        assert_eq!(sample.folders[0].name, "g");
        assert_eq!(serde_json::to_value(&sample).unwrap(), full());
        let again: Sample = serde_json::from_str(&written(&sample)).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), full());
    }

    #[test]
    fn an_empty_message_writes_its_required_fields_only() {
        for json in ["{}", "null"] {
            let sample: Sample = serde_json::from_str(json).unwrap();
            assert_eq!(written(&sample), r#"{"name":"","requiredIds":[]}"#);
        }
    }

    #[test]
    fn every_field_may_be_null() {
        let all_null: serde_json::Map<_, _> = full()
            .as_object()
            .unwrap()
            .keys()
            .map(|k| (k.clone(), Json::Null))
            .collect();
        assert_eq!(all_null.len(), FIELDS.len());
        let sample: Sample = serde_json::from_value(Json::Object(all_null)).unwrap();
        assert_eq!(written(&sample), r#"{"name":"","requiredIds":[]}"#);
        for name in FIELDS {
            let mut json = full();
            json[name] = Json::Null;
            let sample: Sample = serde_json::from_str(&json.to_string()).unwrap();
            let mut rest = serde_json::to_value(&sample).unwrap();
            for (key, value) in full().as_object().unwrap() {
                if key == name {
                    rest.as_object_mut().unwrap().remove(key);
                } else {
                    assert_eq!(&rest[key], value, "{name} reset {key}");
                }
            }
        }
    }

    #[test]
    fn unknown_fields_are_skipped_whatever_they_hold() {
        let json = r#"{"new": {"deep": [1, {"x": null}]}, "id": "2B", "\u006eame": "n", "oneof": {"a": 1}, "": 0}"#;
        let sample = round::<Sample>(json).unwrap();
        assert_eq!(
            (sample.id.as_deref(), sample.name.as_str()),
            (Some("2B"), "n")
        );
    }

    /// They need not even fit into a value of `serde_json`.
    #[cfg(not(feature = "unknown-fields"))]
    #[test]
    fn skipped_fields_have_no_limits() {
        let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let json = format!(r#"{{"name": "f", "new": {nested}, "other": 1e999}}"#);
        let folder: Folder = serde_json::from_str(&json).unwrap();
        assert_eq!(folder.name, "f");
    }

    #[test]
    fn original_names_are_read_and_json_names_written() {
        let json = r#"{"name": "n", "created_at": "2024-02-29T00:00:00Z", "user_ids": ["a"], "required_ids": ["r"]}"#;
        let sample = round::<Sample>(json).unwrap();
        assert_eq!(sample.user_ids, ["a"]);
        assert_eq!(
            written(&sample),
            r#"{"name":"n","createdAt":"2024-02-29T00:00:00Z","userIds":["a"],"requiredIds":["r"]}"#
        );
        assert_eq!(
            refusal::<Sample>(r#"{"created_at": "canary"}"#),
            "created_at: expected an RFC 3339 timestamp"
        );
    }

    #[test]
    fn of_one_field_twice_the_last_is_kept() {
        // From text, because a tree holds no name twice, and has an order of its own.
        for json in [
            r#"{"userIds": ["a"], "user_ids": ["b"]}"#,
            r#"{"user_ids": ["a"], "userIds": ["b"]}"#,
            r#"{"userIds": ["a"], "userIds": ["b"]}"#,
        ] {
            let sample: Sample = serde_json::from_str(json).unwrap();
            assert_eq!(sample.user_ids, ["b"], "{json}");
        }
    }

    #[test]
    fn what_only_looks_like_an_original_name_is_unknown() {
        for name in [
            "createdat",
            "CreatedAt",
            "_created_at",
            "created-at",
            "_",
            "é_at",
        ] {
            let sample = round::<Sample>(&format!("{{\"{name}\": \"canary\"}}")).unwrap();
            #[cfg(feature = "unknown-fields")]
            let sample = {
                assert!(sample.unknown_fields.get(name).is_some(), "{name}");
                Sample {
                    unknown_fields: crate::wire::UnknownFields::default(),
                    ..sample
                }
            };
            assert_eq!(sample, Sample::default(), "{name}");
        }
    }

    #[test]
    fn several_members_of_a_oneof_are_all_kept() {
        let folder = round::<Folder>(r#"{"name": "f", "owner": "a", "group": "b"}"#).unwrap();
        assert_eq!(
            (folder.owner.as_deref(), folder.group.as_deref()),
            (Some("a"), Some("b"))
        );
    }

    #[test]
    fn messages_nest_in_themselves() {
        let folder =
            round::<Folder>(r#"{"name": "a", "inner": {"name": "b", "inner": {"inner": null}}}"#)
                .unwrap();
        assert_eq!(
            folder.inner.as_ref().unwrap().inner.as_ref().unwrap().name,
            ""
        );
        assert_eq!(
            written(&folder),
            r#"{"name":"a","inner":{"name":"b","inner":{"name":""}}}"#
        );
    }

    #[test]
    fn too_deep_nesting_is_an_error() {
        let json = format!("{}{}", "{\"inner\":".repeat(100_000), "}".repeat(100_000));
        assert!(serde_json::from_str::<Folder>(&json).is_err());
    }

    #[test]
    fn null_messages_and_enums_in_lists_keep_their_positions() {
        let list = round::<List>(r#"{"list": [null, {"id": "2B"}], "kinds": [null, 7]}"#).unwrap();
        assert_eq!(
            (list.list.len(), list.list[1].id.as_deref()),
            (2, Some("2B"))
        );
        assert_eq!(
            list.kinds,
            [
                FolderKind::Unspecified,
                FolderKind::Unrecognized("7".to_owned())
            ]
        );
    }

    #[test]
    fn errors_name_path_expectation_and_position() {
        let json = r#"{"list": [{}, {}, {}, {"createdAt": "yesterday"}]}"#;
        assert_eq!(
            serde_json::from_slice::<List>(json.as_bytes())
                .unwrap_err()
                .to_string(),
            "list[3].createdAt: expected an RFC 3339 timestamp at line 1 column 48",
        );
        let value: Json = serde_json::from_str(json).unwrap();
        assert_eq!(
            serde_json::from_value::<List>(value)
                .unwrap_err()
                .to_string(),
            "list[3].createdAt: expected an RFC 3339 timestamp",
        );
        assert_eq!(
            refusal::<List>(r#"{"list": [{"labels": {"canary": {"name": 1}}}]}"#),
            "list[0].labels[0].name: expected a string"
        );
        let cut = serde_json::from_str::<List>(r#"{"list": [{"id": "canary"#).unwrap_err();
        assert!(
            cut.is_eof() || cut.to_string().contains("EOF while parsing a string"),
            "{cut}"
        );
        assert!(cut.to_string().starts_with("list[0].id: "), "{cut}");
    }

    #[test]
    fn errors_never_hold_a_value_of_the_wire() {
        const WRONG: [&str; 9] = [
            "\"canary\"",
            "7357",
            "-7357",
            "7357.5",
            "true",
            "[\"canary\"]",
            "{\"canary\":\"canary\"}",
            "[[\"canary\"]]",
            "{\"canary\":{\"canary\":{\"canary\":7357}}}",
        ];
        let mut refused = 0;
        for name in FIELDS {
            for wrong in WRONG {
                for json in [
                    format!("{{\"{name}\": {wrong}}}"),
                    format!("{{\"{name}\": {wrong}"),
                    format!("{{\"{name}\": [{wrong}]}}"),
                ] {
                    let text = serde_json::from_str::<Sample>(&json).err();
                    let tree = serde_json::from_str(&json).ok();
                    let value =
                        tree.and_then(|tree: Json| serde_json::from_value::<Sample>(tree).err());
                    for error in [text, value].into_iter().flatten() {
                        let error = format!("{error} {error:?}");
                        refused += 1;
                        assert!(
                            !error.contains("canary")
                                && !error.contains("7357")
                                && !error.contains("true,"),
                            "{error}"
                        );
                    }
                }
            }
        }
        // Most of these are wrong for most types; were they not, this test would look at nothing.
        assert!(refused > 600, "{refused}");
    }

    #[test]
    fn encoding_errors_reach_the_caller() {
        let mut folder: Folder = round("{}").unwrap();
        folder.keep = Some(TimeDelta::from_std(Duration::from_secs(400_000_000_000)).unwrap());
        let error = serde_json::to_string(&folder).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a duration must lie within 315,576,000,000 seconds"
        );
    }
}
