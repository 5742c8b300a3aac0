//! Where values are read from, with the type of the deserializer erased.
//!
//! serde's traits are generic over the deserializer and its visitors over what they make. Used directly, they would be
//! compiled anew for every message and every list, which is what takes the time in a crate of two thousand messages. So
//! the one visitor of this codec is here. It knows no type that it reads: it hands what it finds to
//! a closure, and they see the deserializer as a `dyn` [`Input`] only.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::Value as Json;

use super::budget::Budget;
use super::error::{Fault, at, expected};
use super::name::{NUMBER, Name};
use super::tree::Tree;

/// One value of a JSON document that is yet to be read, which is possible once.
pub trait Input {
    /// Reads the value as what is wanted; `null` is always possible.
    ///
    /// # Errors
    /// When the JSON is malformed or of another kind than wanted.
    fn read(&mut self, want: Want<'_>) -> Result<Found<'_>, Fault>;

    /// Reads the value whatever it is.
    ///
    /// # Errors
    /// When the JSON is malformed.
    fn json(&mut self) -> Result<Json, Fault>;

    /// The memory that the value may take.
    fn budget(&self) -> &Budget;
}

/// Reads the value of a field of a message by its name, and tells whether there is such a field. What was not read is
/// skipped.
pub(crate) type Fields<'a> = &'a mut dyn FnMut(&str, &mut dyn Input) -> (bool, Result<(), Fault>);

/// What an [`Input`] is to be read as.
pub enum Want<'a> {
    /// A string, boolean or number, described for the error.
    Scalar(&'static str),
    /// An object with the fields of the message.
    Message(Fields<'a>),
    /// An object with any keys.
    Entries(&'a mut dyn FnMut(String, &mut dyn Input) -> Result<(), Fault>),
    /// A list.
    List(&'a mut dyn FnMut(&mut dyn Input) -> Result<(), Fault>),
}

/// What an [`Input`] turned out to be.
pub enum Found<'de> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number without a fraction.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Cow<'de, str>),
    /// A list or an object, whose content has been handed on.
    Nested,
}

/// Reads a list or an object; `Ok(false)` is `null`.
///
/// # Errors
/// When the JSON is malformed or of another kind than wanted.
pub(crate) fn nested(input: &mut dyn Input, want: Want<'_>) -> Result<bool, Fault> {
    Ok(!matches!(input.read(want)?, Found::Null))
}

/// Reads one value.
pub(super) type Read<'a> = &'a mut dyn FnMut(&mut dyn Input) -> Result<(), Fault>;

/// Lets a closure read what serde has a deserializer for, and skips what the closure did not read.
pub(super) struct Feed<'a>(pub(super) Read<'a>, pub(super) &'a Budget);

impl<'de> DeserializeSeed<'de> for Feed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut take = Take {
            deserializer: Some(deserializer),
            error: None,
            budget: self.1,
        };
        let outcome = (self.0)(&mut take);
        if let Some(error) = take.error {
            return Err(error);
        }
        outcome.map_err(Fault::into_error)?;
        if let Some(deserializer) = take.deserializer {
            IgnoredAny::deserialize(deserializer)?;
        }
        Ok(())
    }
}

/// Makes an [`Input`] of any deserializer.
struct Take<'a, 'de, D: Deserializer<'de>> {
    deserializer: Option<D>,
    error: Option<D::Error>,
    budget: &'a Budget,
}

impl<'de, D: Deserializer<'de>> Take<'_, 'de, D> {
    fn take<T>(&mut self, read: impl FnOnce(D) -> Result<T, D::Error>) -> Result<T, Fault> {
        let deserializer = self
            .deserializer
            .take()
            .ok_or(Fault("each value to be read once"))?;
        read(deserializer).map_err(|error| {
            self.error = Some(error);
            Fault("what the deserializer says")
        })
    }
}

impl<'de, D: Deserializer<'de>> Input for Take<'_, 'de, D> {
    fn read(&mut self, want: Want<'_>) -> Result<Found<'_>, Fault> {
        let budget = self.budget;
        self.take(|deserializer| deserializer.deserialize_any(Visit { want, budget }))
    }

    fn json(&mut self) -> Result<Json, Fault> {
        let budget = self.budget;
        self.take(|deserializer| Tree(budget).deserialize(deserializer))
    }

    fn budget(&self) -> &Budget {
        self.budget
    }
}

/// Reads what is wanted, within the budget.
struct Visit<'a, 'b> {
    want: Want<'a>,
    budget: &'b Budget,
}

impl Visit<'_, '_> {
    /// Takes a scalar where one is wanted. Elsewhere the error names what was wanted and keeps quiet about the rest, unlike
    /// serde's own.
    fn scalar<'de, E: de::Error>(&self, found: Found<'de>) -> Result<Found<'de>, E> {
        if !matches!(self.want, Want::Scalar(_)) {
            return Err(expected(self));
        }
        if let Found::Text(text) = &found {
            self.budget.string(text.len()).map_err(Fault::into_error)?;
        }
        Ok(found)
    }
}

impl<'de> Visitor<'de> for Visit<'_, '_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.want {
            Want::Scalar(what) => what,
            Want::Message(_) | Want::Entries(_) => "an object",
            Want::List(_) => "a list",
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Found::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Found::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        self.scalar(Found::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        self.scalar(Found::Integer(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        self.scalar(Found::Integer(value.into()))
    }

    // 128 bits: how `serde_json` hands on large numbers once a crate turned `arbitrary_precision` on.
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Self::Value, E> {
        self.scalar(Found::Integer(value))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Self::Value, E> {
        // Beyond i128 it is beyond every integer field as well; a double can still hold it.
        #[allow(clippy::cast_precision_loss, reason = "a double is what is left")]
        self.scalar(i128::try_from(value).map_or(Found::Float(value as f64), Found::Integer))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        self.scalar(Found::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        self.scalar(Found::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Self::Value, E> {
        self.scalar(Found::Text(Cow::Borrowed(value)))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Self::Value, E> {
        self.scalar(Found::Text(Cow::Owned(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Want::List(each) = self.want else {
            return Err(expected(&self));
        };
        for index in 0_usize.. {
            match seq.next_element_seed(Feed(each, self.budget)) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(error) => return Err(at(&format_args!("[{index}]"), &error)),
            }
        }
        Ok(Found::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        match self.want {
            Want::Message(fields) => message(map, fields, self.budget),
            Want::Entries(each) => entries(map, each, self.budget),
            Want::Scalar(_) => match number(map)? {
                Some(number) => Ok(number),
                None => Err(expected(&self)),
            },
            Want::List(_) => Err(expected(&self)),
        }
    }
}

fn message<'de, A: MapAccess<'de>>(
    mut map: A,
    fields: Fields<'_>,
    budget: &Budget,
) -> Result<Found<'de>, A::Error> {
    while let Some(name) = map.next_key_seed(Name)? {
        let mut known = false;
        let mut read = |input: &mut dyn Input| {
            let outcome;
            (known, outcome) = fields(&name, input);
            outcome
        };
        let outcome = map.next_value_seed(Feed(&mut read, budget));
        match outcome {
            // A field of the message, so the name is the description's and not the wire's.
            Err(error) if known => return Err(at(&name, &error)),
            outcome => outcome?,
        }
    }
    Ok(Found::Nested)
}

fn entries<'de, A: MapAccess<'de>>(
    mut map: A,
    each: &mut dyn FnMut(String, &mut dyn Input) -> Result<(), Fault>,
    budget: &Budget,
) -> Result<Found<'de>, A::Error> {
    for index in 0_usize.. {
        let Some(key) = map.next_key_seed(Name)? else {
            break;
        };
        budget.string(key.len()).map_err(Fault::into_error)?;
        let mut key = key.into_owned();
        let mut read = |input: &mut dyn Input| each(std::mem::take(&mut key), input);
        // A map's keys are values of the wire too: an error counts the entries instead of naming the key.
        map.next_value_seed(Feed(&mut read, budget))
            .map_err(|error| at(&format_args!("[{index}]"), &error))?;
    }
    Ok(Found::Nested)
}

/// A number as `arbitrary_precision` has it. All other objects are none.
fn number<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Found<'de>>, A::Error> {
    if map.next_key_seed(Name)?.as_deref() != Some(NUMBER) {
        return Ok(None);
    }
    let digits: String = map.next_value()?;
    let integer = digits.parse().map(Found::Integer);
    Ok(integer.or_else(|_| digits.parse().map(Found::Float)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sample::{Folder, Sample};

    fn feed(json: &str, read: &mut dyn FnMut(&mut dyn Input) -> Result<(), Fault>) -> String {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        match Feed(read, &Budget::unlimited()).deserialize(&mut deserializer) {
            Ok(()) => deserializer
                .end()
                .map_or_else(|e| e.to_string(), |()| "ok".to_owned()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_not_read_is_skipped() {
        let json = r#"{"a": [1, {}], "b": {"c": [null]}}"#;
        assert_eq!(feed(json, &mut |_| Ok(())), "ok");
        let mut keys = Vec::new();
        let mut each = |key, _: &mut dyn Input| {
            keys.push(key);
            Ok(())
        };
        let outcome = feed(json, &mut |input| {
            nested(input, Want::Entries(&mut each)).map(drop)
        });
        assert_eq!(
            (outcome.as_str(), keys),
            ("ok", vec!["a".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn a_value_is_read_once() {
        let outcome = feed("1", &mut |input| {
            input.json()?;
            input.json().map(drop)
        });
        assert_eq!(outcome, "expected each value to be read once");
    }

    #[test]
    fn an_error_of_the_deserializer_cannot_be_swallowed() {
        let outcome = feed("[1", &mut |input| {
            let _ = input.json();
            Ok(())
        });
        assert_eq!(outcome, "EOF while parsing a list at line 1 column 2");
    }

    #[test]
    fn errors_of_the_deserializer_stay_what_they_are() {
        for (json, is_eof) in [
            ("", true),
            ("{", true),
            (r#"{"name" 1}"#, false),
            ("{1}", false),
        ] {
            let error = serde_json::from_str::<Folder>(json).unwrap_err();
            assert_eq!(
                (error.is_eof(), error.is_syntax()),
                (is_eof, !is_eof),
                "{json}"
            );
        }
    }

    #[test]
    fn a_field_that_is_not_known_is_not_named() {
        let error = serde_json::from_str::<Sample>(r#"{"canary": [1, }"#).unwrap_err();
        assert!(
            error.is_syntax() && !error.to_string().contains("canary"),
            "{error}"
        );
    }
}
