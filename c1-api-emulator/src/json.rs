//! Reads JSON more strictly than `serde_json` does: no key of an object twice (RFC 8259, section 4, allows it and says that
//! nobody can rely on what it means).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::check::Violation;

/// Reads a JSON text.
///
/// # Errors
///
/// The place of the first key that is there twice; else, at the root, that the text is no JSON.
pub(crate) fn read(text: &[u8]) -> Result<Value, Violation> {
    let mut reader = Reader(None);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = (&mut reader).deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|_| reader.0.unwrap_or_else(|| Violation::new("JSON")))
}

/// Reads a value, and keeps the violation, since the errors of serde have no place for it.
struct Reader(Option<Violation>);

impl Reader {
    /// Adds to the violation in a part where the part is.
    fn at(&mut self, step: &str) {
        self.0 = self.0.take().map(|violation| violation.within(step));
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            match access.next_element_seed(&mut *self) {
                Ok(Some(element)) => list.push(element),
                Ok(None) => return Ok(Value::Array(list)),
                Err(error) => {
                    self.at(&format!("[{}]", list.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.contains_key(&key) {
                self.0 = Some(Violation::new("each key at most once").within(&key));
                return Err(A::Error::custom("a key that is there twice"));
            }
            let value = access.next_value_seed(&mut *self);
            let value = value.inspect_err(|_| self.at(&key))?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;

    fn refusal(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn values_are_those_of_serde_json() {
        for text in [
            r#"{"b":[1,-2,18446744073709551615,1.5,true,null,"\u00e9\n",{}],"a":{"b":{}}}"#,
            " 0.9073038322028689 ",
            "[]",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap(), expected);
        }
        assert_eq!(
            read(br#"{"b":1,"a":2}"#).unwrap().to_string(),
            r#"{"b":1,"a":2}"#
        );
        assert_eq!(
            read(br#"[{"a":1},{"a":1}]"#).unwrap(),
            json!([{"a":1},{"a":1}])
        );
    }

    #[test]
    fn a_key_that_is_there_twice_is_named() {
        assert_eq!(
            refusal(r#"{"a":1,"b":2,"a":1}"#),
            "a: expected each key at most once"
        );
        // Also if it is written in another way.
        assert_eq!(
            refusal(r#"{"a":1,"\u0061":1}"#),
            "a: expected each key at most once"
        );
        assert_eq!(
            refusal(r#"{"x":[0,{"y":{"a":1,"a":1}}]}"#),
            "x[1].y.a: expected each key at most once"
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "{\"a\":1}}",
            "{a:1}",
            "1e999",
            "\"\u{1}\"",
            "NaN",
            deep.as_str(),
        ] {
            assert_eq!(refusal(text), "body: expected JSON", "{text:.20}");
        }
        assert!(read(b"\"\xff\"").is_err());
    }
}
