//! What can stand at one place of a JSON document, and how fields are read and written.

use std::fmt;

use serde::de::{DeserializeSeed as _, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::budget::Budget;
use super::error::Fault;
use super::input::{Feed, Input, Read};
use crate::error::Error;

/// Something that can stand at one place of a JSON document: a scalar, a list, a map, an enum or a message.
///
/// Implemented by this crate for every type that a generated field may have. It is public because the generated types
/// mention it; programs use serde's traits, which every message implements too.
pub trait Value: Sized {
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

/// A type that a protobuf [`Any`](super::Any) can hold: a message, a timestamp or a duration.
pub trait FullName: Value {
    /// The full name of the protobuf type, such as `c1.api.app.v1.App`.
    const FULL_NAME: &'static str;

    /// Whether an `Any` holds it in the member `value`, not as its own members.
    #[doc(hidden)]
    const IS_WELL_KNOWN: bool = false;
}

/// What a field is before anything was read: `None`, empty or zero.
#[allow(
    dead_code,
    reason = "not every build has a message with required fields"
)]
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
    let budget = Budget::unlimited();
    Feed(&mut |input| read(&mut value, input).map(drop), &budget).deserialize(deserializer)?;
    Ok(value)
}

/// Reads a value by serde's means, within a budget; `None` for `null`.
///
/// # Errors
/// When the value is malformed or of another kind than expected.
pub(super) fn value_within<'de, V: Value, D: Deserializer<'de>>(
    budget: &Budget,
    deserializer: D,
) -> Result<Option<V>, D::Error> {
    let mut value = None;
    let mut read = |input: &mut dyn Input| {
        value = V::decode(input)?;
        Ok(())
    };
    Feed(&mut read, budget).deserialize(deserializer)?;
    Ok(value)
}

/// Reads the body of a response, within the memory that its size allows.
///
/// # Errors
/// Of the kind `Decode` when the body is malformed or of another kind than expected; `TooLarge` when it would take too much
/// memory.
pub(crate) fn from_slice<F: Field>(json: &[u8]) -> Result<F, Error> {
    // Apart, so as to be compiled once for all types.
    fn fill(read: Read<'_>, json: &[u8]) -> Result<(), Error> {
        let budget = Budget::for_json(json.len());
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let outcome = Feed(read, &budget).deserialize(&mut deserializer);
        let outcome = outcome.and_then(|()| deserializer.end());
        outcome.map_err(|error| {
            let refusal = budget.refusal();
            refusal.unwrap_or_else(|| Error::undecodable(error))
        })
    }
    let mut value = F::absent();
    fill(&mut |input| read(&mut value, input).map(drop), json)?;
    Ok(value)
}

/// The object that a message is written to. It keeps the first error, and writes nothing behind it, so that generated code
/// need not look at the outcome of every single field.
pub struct Writer<'a, S: SerializeMap> {
    pub(super) map: &'a mut S,
    pub(super) outcome: Result<(), S::Error>,
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

/// A [`Value`] with 64-bit integers in it that are numbers on the wire, where the description has them so. Reading takes
/// both forms anyway.
pub(crate) trait Numbers: Field {
    /// Writes the value, its integers as numbers.
    ///
    /// # Errors
    /// When the serializer fails.
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

#[allow(dead_code, reason = "not every build has such a field")]
/// Writes an optional field with numbers, unless it is absent.
pub(crate) fn write_numbers<N: Numbers, S: SerializeMap>(
    field: &N,
    name: &'static str,
    out: &mut Writer<'_, S>,
) {
    if !field.is_absent() {
        write_required_numbers(field, name, out);
    }
}

#[allow(dead_code, reason = "not every build has such a field")]
/// Writes a required field with numbers, be it zero or empty.
pub(crate) fn write_required_numbers<N: Numbers, S: SerializeMap>(
    value: &N,
    name: &'static str,
    out: &mut Writer<'_, S>,
) {
    if out.outcome.is_ok() {
        out.outcome = out.map.serialize_entry(name, &EncodeNumbers(value));
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

/// A value as JSON text, such as the body of a request.
///
/// # Errors
/// When protobuf JSON cannot express the value.
#[allow(dead_code, reason = "the description of a build may not need it")]
pub(crate) fn to_vec(value: &impl Value) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Encode(value))
}

/// A value as JSON.
///
/// # Errors
/// When protobuf JSON cannot express the value.
#[allow(dead_code, reason = "the description of a build may not need it")]
pub(crate) fn to_json(value: &impl Value) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Encode(value))
}

/// Hands [`Value::encode`] to serde where it asks for a `Serialize`.
pub(super) struct Encode<'a, V>(pub(super) &'a V);

impl<V: Value> Serialize for Encode<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// The same of [`Numbers::encode_numbers`].
pub(super) struct EncodeNumbers<'a, N>(pub(super) &'a N);

impl<N: Numbers> Serialize for EncodeNumbers<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode_numbers(serializer)
    }
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
}
