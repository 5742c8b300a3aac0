//! Reading and writing protobuf JSON.
//!
//! The API speaks the JSON form of protobuf, which a plain serde derive does not: 64-bit integers travel as strings, any
//! field may be `null`, unknown fields and enum values must do no harm. The rules are those of
//! <https://protobuf.dev/programming-guides/json/>.
//!
//! Generated messages implement [`Message`] with one short line per field, and everything that such a line needs is a
//! small generic function here. That, instead of a derive, is what keeps two thousand messages affordable to compile.
//!
//! An error names the place and what was expected there (`list[3].createdAt: expected an RFC 3339 timestamp`), and never
//! a value that came over the wire, because such values may be secrets. So serde's own "invalid type" errors, which quote
//! what they found, are not used anywhere below.

mod container;
mod foreign;
mod input;
mod json;
mod message;
mod open_enum;
#[cfg(test)]
mod sample;
mod scalar;
mod time;

use std::fmt;

#[allow(
    unused_imports,
    reason = "a description without a `pattern` needs no foreign type"
)]
pub(crate) use foreign::via_serde;
use input::Feed;
pub(crate) use input::{Fault, Found, Input, Want, nested};
pub use json::Any;
pub(crate) use message::Message;
#[allow(unused_imports, reason = "a build without features has no messages")]
pub(crate) use message::messages;
pub(crate) use message::{deserialize_message, encode_message};
#[allow(unused_imports, reason = "a build without features has no enums")]
pub(crate) use open_enum::open_enum;
pub(crate) use open_enum::{decode_enum, encode_enum};
use serde::de::{self, DeserializeSeed as _, Deserializer, Expected};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Something that can stand at one place of a JSON document: a scalar, a list, a map, an enum or a message.
///
/// Implemented by this crate for every type that a generated field may have. It is public because the generated types
/// mention it; programs use serde's traits, which every message implements too.
pub(crate) trait Value: Sized {
    /// What a `null` among the elements of a list, or the values of a map, is read as: the zero value, so that the other
    /// elements keep their positions. `None` for a type that has no zero value; the element is then left out.
    fn null() -> Option<Self>;

    /// Reads a value; `Ok(None)` is an explicit `null`.
    ///
    /// # Errors
    /// When the JSON is malformed or of another kind than expected.
    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault>;

    /// Writes the value in its canonical form.
    ///
    /// # Errors
    /// When protobuf JSON cannot express the value (a timestamp in the year 10000), or the serializer fails.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A [`Value`] that a message can have as a field, which means that it can be absent.
pub(crate) trait Field: Value {
    /// What the field is when it did not arrive: `None`, empty or zero.
    fn absent() -> Self;

    /// Whether an optional field is left out on writing.
    fn is_absent(&self) -> bool {
        false
    }
}

/// What a field is before anything was read: `None`, empty or zero.
pub(crate) fn absent<F: Field>() -> F {
    F::absent()
}

/// Reads the value of a field, be it optional or required: that it is required binds the writer only, and `null` is read
/// as absent. Always `Ok(true)`, which is what [`Message::read_field`] says of a field that it knows.
///
/// # Errors
/// When the value is malformed or of another kind than expected.
pub(crate) fn read<F: Field>(field: &mut F, input: &mut dyn Input) -> Result<bool, Fault> {
    match F::decode(input) {
        Ok(Some(value)) => *field = value,
        Ok(None) => *field = F::absent(),
        Err(fault) => return Err(fault),
    }
    Ok(true)
}

/// Reads a value by serde's means; absent for `null`.
///
/// # Errors
/// When the value is malformed or of another kind than expected.
pub(crate) fn deserialize<'de, F: Field, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<F, D::Error> {
    let mut value = F::absent();
    Feed(&mut |input| read(&mut value, input).map(drop)).deserialize(deserializer)?;
    Ok(value)
}

/// The object that a message is written to. It keeps the first error, and writes nothing behind it, so that generated code
/// need not look at the outcome of every single field.
pub struct Writer<'a, S: SerializeMap> {
    map: &'a mut S,
    outcome: Result<(), S::Error>,
}

/// Writes an optional field, unless it is absent.
pub(crate) fn write<F: Field, S: SerializeMap>(
    field: &F,
    name: &'static str,
    out: &mut Writer<'_, S>,
) {
    if !field.is_absent() {
        write_required(field, name, out);
    }
}

/// Writes a required field, be it zero or empty.
pub(crate) fn write_required<V: Value, S: SerializeMap>(
    value: &V,
    name: &'static str,
    out: &mut Writer<'_, S>,
) {
    if out.outcome.is_ok() {
        out.outcome = out.map.serialize_entry(name, &Encode(value));
    }
}

#[allow(dead_code, reason = "not every build has a message with secrets")]
/// The `Debug` form of a secret field: `None` and empty show as such, anything else as `[redacted]`.
pub(crate) fn redact<F: Field + fmt::Debug>(field: &F) -> impl fmt::Debug {
    struct Redacted<'a, F>(&'a F);
    impl<F: Field + fmt::Debug> fmt::Debug for Redacted<'_, F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.0.is_absent() {
                self.0.fmt(f)
            } else {
                f.write_str("[redacted]")
            }
        }
    }
    Redacted(field)
}

/// Hands [`Value::encode`] to serde where it asks for a `Serialize`.
struct Encode<'a, V>(&'a V);

impl<V: Value> Serialize for Encode<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// The error for JSON of another kind than was wanted. It names what was expected and keeps quiet about the rest.
#[cold]
fn expected<E: de::Error>(what: &dyn Expected) -> E {
    E::custom(format_args!("expected {what}"))
}

/// Puts one more step in front of the path that an error already has.
///
/// The error travels as text, for that is all that serde lets through; `serde_json` takes the ` at line L column C` at the
/// end of such a text for the error's position again.
#[cold]
fn at<E: de::Error>(step: &dyn fmt::Display, error: &E) -> E {
    let inner = error.to_string();
    let has_path = inner
        .split_once(": ")
        .is_some_and(|(path, _)| !path.contains(' '));
    let joint = match has_path {
        false => ": ",
        true if inner.starts_with('[') => "",
        true => ".",
    };
    E::custom(format_args!("{step}{joint}{inner}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn redaction_shows_only_emptiness() {
        assert_eq!(format!("{:?}", redact(&None::<String>)), "None");
        assert_eq!(format!("{:?}", redact(&Vec::<String>::new())), "[]");
        assert_eq!(
            format!("{:?}", redact(&BTreeMap::<String, String>::new())),
            "{}"
        );
        assert_eq!(format!("{:?}", redact(&String::new())), "\"\"");
        assert_eq!(
            format!("{:?}", redact(&Some("canary".to_owned()))),
            "[redacted]"
        );
        assert_eq!(format!("{:?}", redact(&Some(String::new()))), "[redacted]");
        assert_eq!(
            format!("{:#?}", redact(&vec!["canary".to_owned()])),
            "[redacted]"
        );
        assert_eq!(format!("{:?}", redact(&"canary".to_owned())), "[redacted]");
    }

    #[test]
    fn paths_grow_from_the_inside_out() {
        type E = serde::de::value::Error;
        let error: E = expected(&"a list");
        let error = at(&"id", &error);
        let error = at(&"[3]", &error);
        let error = at(&"[1]", &error);
        assert_eq!(
            at(&"list", &error).to_string(),
            "list[1][3].id: expected a list"
        );
    }
}
