//! YAML or JSON text to a JSON value, strictly: no duplicate keys, no keys that are not strings.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result, child};

/// Reads a document.
///
/// # Errors
///
/// When the text is empty, binary, cut short, not YAML, expands aliases without bound, or names a
/// key twice.
pub fn read(text: &str) -> Result<Value> {
    let document = yaml_serde::Deserializer::from_str(text);
    let value = Node {
        pointer: "#".to_owned(),
    }
    .deserialize(document)
    .map_err(|error| Error::new("#", error.to_string(), "a YAML or JSON document"))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Error::new("#", shape(&value), "an object"))
    }
}

/// A few words for a value, for error messages.
pub(crate) fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => format!("{value:?}"),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(members) => {
            let names: Vec<_> = members.keys().take(4).map(String::as_str).collect();
            format!(
                "an object with {} members ({})",
                members.len(),
                names.join(", ")
            )
        }
    }
}

/// Reads one value; knows where it stands so that a duplicate key can be named.
struct Node {
    pointer: String,
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that JSON cannot hold"))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Node {
            pointer: child(&self.pointer, &values.len().to_string()),
        })? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<Key>()? {
            let pointer = child(&self.pointer, &key.0);
            if members.contains_key(&key.0) {
                return Err(A::Error::custom(format_args!("the key {pointer} twice")));
            }
            let value = map.next_value_seed(Node { pointer })?;
            members.insert(key.0, value);
        }
        Ok(Value::Object(members))
    }
}

/// A member name. YAML reads `200:` as a number; OpenAPI means the text.
struct Key(String);

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match (Node {
            pointer: String::new(),
        })
        .deserialize(deserializer)?
        {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(D::Error::custom(format_args!("the key {}", shape(&other)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn refusal(text: &str) -> String {
        read(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn keeps_order_and_reads_json_too() {
        let value = read("b: 1\na: [x, null, true]\n").unwrap();
        assert_eq!(value.to_string(), r#"{"b":1,"a":["x",null,true]}"#);
        assert_eq!(read(r#"{"b":1,"a":["x",null,true]}"#).unwrap(), value);
    }

    #[test]
    fn status_codes_may_be_unquoted() {
        assert_eq!(
            read("responses: {200: ok}").unwrap().to_string(),
            r#"{"responses":{"200":"ok"}}"#
        );
    }

    #[test]
    fn duplicate_keys_are_named() {
        assert!(refusal("a:\n  b/c: 1\n  b/c: 2\n").contains("#/a/b~1c twice"));
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        for text in [
            "",
            "just text",
            "a: [1, 2",
            "a: \"cut",
            "\u{0}\u{1}\u{2}",
            "- 1",
            "a: *nowhere",
            "a: .nan",
        ] {
            refusal(text);
        }
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            let aliases = [alias.as_str(); 10].join(", ");
            bomb.extend([format!(
                "a{level}: &a{level} [{aliases}]
"
            )]);
        }
        refusal(&bomb);
        refusal("a: &a [*a]");
    }

    #[test]
    fn deep_nesting_is_refused() {
        refusal(&format!("a: {}{}", "[".repeat(2_000), "]".repeat(2_000)));
    }
}
