//! Any JSON, within a budget.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use super::budget::Budget;
use super::error::{Fault, expected};
use super::name::{NUMBER, Name};

/// Reads what `serde_json` itself would read, and charges for it.
pub(super) struct Tree<'a>(pub(super) &'a Budget);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Json, E> {
        let number = Number::from_i128(value).map(Json::Number);
        number.ok_or_else(|| expected(&"a smaller number"))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Json, E> {
        let number = Number::from_u128(value).map(Json::Number);
        number.ok_or_else(|| expected(&"a smaller number"))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Json, E> {
        self.0.string(value.len()).map_err(Fault::into_error)?;
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element_seed(Tree(self.0))? {
            self.0.grow(&mut list).map_err(Fault::into_error)?;
            list.push(element);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Map::new();
        while let Some(key) = map.next_key_seed(Name)? {
            if key == NUMBER && entries.is_empty() {
                let digits: String = map.next_value()?;
                self.0.string(digits.len()).map_err(Fault::into_error)?;
                let number = digits.parse().map(Json::Number);
                return number.map_err(|_| expected(&"a number"));
            }
            let budget = self.0;
            budget.string(key.len()).map_err(Fault::into_error)?;
            budget
                .entry::<Json>(entries.len())
                .map_err(Fault::into_error)?;
            entries.insert(key.into_owned(), map.next_value_seed(Tree(budget))?);
        }
        Ok(Json::Object(entries))
    }
}
