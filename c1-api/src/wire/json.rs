//! JSON that keeps its shape: free-form values and objects, and protobuf's `Any`.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::budget::Budget;
use super::error::Fault;
use super::input::Input;
use super::message::{Message, message_within};
use super::value::{Field, Value, deserialize};
use crate::error::{Error, ErrorKind};

impl Value for Json {
    fn null() -> Option<Self> {
        Some(Self::Null)
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        Ok(Some(input.json()?).filter(|json| !json.is_null()))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl Field for Json {
    fn absent() -> Self {
        Self::Null
    }

    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

impl Value for Map<String, Json> {
    fn null() -> Option<Self> {
        Some(Self::new())
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        match input.json()? {
            Json::Null => Ok(None),
            Json::Object(map) => Ok(Some(map)),
            _ => Err(Fault("an object")),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl Field for Map<String, Json> {
    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// A protobuf `google.protobuf.Any`: a message of a type that only the wire tells, with its whole payload.
///
/// The object holds the type under `@type` beside the message's own fields, and is written back as it was read.
/// <https://protobuf.dev/programming-guides/json/#any>
///
/// `Debug` shows the type and the number of fields only, for the payload may hold anything, secrets included.
///
/// ```
/// let json = r#"{"@type": "type.googleapis.com/c1.api.app.v1.App", "id": "2B"}"#;
/// let any: c1_api::Any = serde_json::from_str(json)?;
/// assert_eq!(any.type_name(), Some("c1.api.app.v1.App"));
/// assert_eq!(any.0["id"], "2B");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Any(
    /// The whole object, `@type` included.
    pub Map<String, Json>,
);

impl Any {
    /// The type's URL, such as `type.googleapis.com/google.rpc.ErrorInfo`, if the object names one.
    pub fn type_url(&self) -> Option<&str> {
        self.0.get("@type")?.as_str()
    }

    /// The type's full name, such as `google.rpc.ErrorInfo`: the URL's last segment.
    pub fn type_name(&self) -> Option<&str> {
        self.type_url()?.rsplit('/').next()
    }

    /// Reads the payload as the message `M`. Whether `M` is the type that [`type_name`](Self::type_name) tells is the
    /// caller's affair: as everywhere, unknown fields are skipped.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`], when a field of `M` has a value of the wrong kind; [`ErrorKind::TooLarge`], when `M` would take
    /// too much memory for a payload of this size.
    pub fn decode<M: Message>(&self) -> Result<M, Error> {
        let budget = Budget::for_json(length(self.0.values()));
        let message = message_within(&budget, &self.0);
        // Not a field of the payload.
        #[cfg(feature = "unknown-fields")]
        let message = message.map(|mut message: M| {
            message.unknown_fields_mut().remove("@type");
            message
        });
        message.map_err(|error| {
            if let Some(refusal) = budget.refusal() {
                return refusal;
            }
            Error::new(
                ErrorKind::Decode,
                format!("could not decode the payload: {error}"),
            )
            .with_source(error)
        })
    }
}

/// About how many bytes these values take as JSON, without the names of fields.
fn length<'a>(values: impl IntoIterator<Item = &'a Json>) -> usize {
    let lengths = values.into_iter().map(|value| match value {
        Json::String(text) => text.len(),
        Json::Array(list) => length(list),
        Json::Object(map) => length(map.values()),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    });
    lengths.map(|length| length + 2).sum()
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.keys().filter(|key| *key != "@type").count();
        f.debug_struct("Any")
            .field("@type", &self.type_url())
            .field("fields", &fields)
            .finish()
    }
}

impl Value for Any {
    fn null() -> Option<Self> {
        Some(Self::default())
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        Ok(Map::decode(input)?.map(Self))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

impl Field for Any {
    fn absent() -> Self {
        Self::default()
    }

    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encode(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::sample::{Folder, refusal, round, written};

    #[test]
    fn any_keeps_its_payload() {
        let text = r#"{"@type":"type.googleapis.com/x.Y","deep":{"list":[1,null,"é"]},"zero":0}"#;
        let any = round::<Any>(text).unwrap();
        assert_eq!(any.type_url(), Some("type.googleapis.com/x.Y"));
        assert_eq!(any.type_name(), Some("x.Y"));
        assert_eq!(
            serde_json::from_str::<Json>(&written(&any)).unwrap(),
            serde_json::from_str::<Json>(text).unwrap()
        );
        assert_eq!(
            format!("{any:?}"),
            "Any { @type: Some(\"type.googleapis.com/x.Y\"), fields: 2 }"
        );
    }

    #[test]
    fn any_without_a_usable_type() {
        assert_eq!(round::<Any>("null"), None);
        assert_eq!(round::<Any>("{}").unwrap().type_name(), None);
        assert_eq!(round::<Any>("{\"@type\": 5}").unwrap().type_url(), None);
        assert_eq!(
            round::<Any>("{\"@type\": \"x.Y\"}").unwrap().type_name(),
            Some("x.Y")
        );
        assert_eq!(refusal::<Any>("\"canary\""), "expected an object");
    }

    #[test]
    fn any_decodes_into_a_message() {
        let any = round::<Any>(r#"{"@type": "a/Folder", "name": "top", "inner": {"name": "sub"}}"#)
            .unwrap();
        let folder: Folder = any.decode().unwrap();
        assert_eq!(folder.inner.unwrap().name, "sub");

        let wrong =
            round::<Any>(r#"{"@type": "a/Folder", "inner": {"name": ["canary"]}}"#).unwrap();
        let error = wrong.decode::<Folder>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(
            error.message(),
            "could not decode the payload: inner.name: expected a string"
        );
    }

    #[test]
    fn free_form_values() {
        assert_eq!(round::<Json>("null"), None);
        assert_eq!(round::<Json>("[null]"), Some(json!([null])));
        assert_eq!(
            round::<Map<String, Json>>("{\"a\": {\"b\": null}}").unwrap()["a"],
            json!({"b": null})
        );
        assert_eq!(
            refusal::<Map<String, Json>>("[\"canary\"]"),
            "expected an object"
        );
    }
}
