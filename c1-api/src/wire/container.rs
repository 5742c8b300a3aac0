//! Optional values, boxes, lists and maps.

use std::collections::BTreeMap;

use serde::ser::Serializer;

use super::error::Fault;
use super::input::{Input, Want, nested};
use super::value::{Encode, EncodeNumbers, Field, Numbers, Value};

impl<V: Value> Value for Option<V> {
    fn null() -> Option<Self> {
        Some(None)
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        match V::decode(input) {
            Ok(value) => Ok(Some(value)),
            Err(fault) => Err(fault),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_none(),
        }
    }
}

impl<V: Value> Field for Option<V> {
    fn absent() -> Self {
        None
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<N: Numbers> Numbers for Option<N> {
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode_numbers(serializer),
            None => serializer.serialize_none(),
        }
    }
}

impl<V: Value> Value for Box<V> {
    fn null() -> Option<Self> {
        V::null().map(Box::new)
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        input.budget().charge(size_of::<V>())?;
        match V::decode(input) {
            Ok(Some(value)) => Ok(Some(Box::new(value))),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        V::encode(self, serializer)
    }
}

impl<F: Field> Field for Box<F> {
    fn absent() -> Self {
        Box::new(F::absent())
    }

    fn is_absent(&self) -> bool {
        F::is_absent(self)
    }
}

impl<V: Value> Value for Vec<V> {
    fn null() -> Option<Self> {
        Some(Self::new())
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        let mut list = Self::new();
        let each = &mut |input: &mut dyn Input| {
            input.budget().grow(&mut list)?;
            match V::decode(input) {
                Ok(Some(element)) => list.push(element),
                Ok(None) => {
                    if let Some(zero) = V::null() {
                        list.push(zero);
                    }
                }
                Err(fault) => return Err(fault),
            }
            Ok(())
        };
        match nested(input, Want::List(each)) {
            Ok(true) => Ok(Some(list)),
            Ok(false) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Encode))
    }
}

impl<V: Value> Field for Vec<V> {
    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<N: Numbers> Numbers for Vec<N> {
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(EncodeNumbers))
    }
}

impl<V: Value> Value for BTreeMap<String, V> {
    fn null() -> Option<Self> {
        Some(Self::new())
    }

    fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
        let mut entries = Self::new();
        let found = nested(
            input,
            Want::Entries(&mut |key, input| {
                input.budget().entry::<V>(entries.len())?;
                if let Some(value) = V::decode(input)?.or_else(V::null) {
                    entries.insert(key, value);
                }
                Ok(())
            }),
        )?;
        Ok(found.then_some(entries))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Encode(value))))
    }
}

impl<V: Value> Field for BTreeMap<String, V> {
    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<N: Numbers> Numbers for BTreeMap<String, N> {
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, EncodeNumbers(value))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::ser::{SerializeMap as _, Serializer as _};

    use crate::wire::sample::{refusal, round, written};
    use crate::wire::value::{Writer, write_numbers, write_required_numbers};

    #[test]
    fn null_elements_keep_their_positions() {
        assert_eq!(round::<Vec<i64>>("[1, null, \"3\"]"), Some(vec![1, 0, 3]));
        assert_eq!(
            round::<Vec<Vec<String>>>("[null, [null]]"),
            Some(vec![vec![], vec![String::new()]])
        );
        assert_eq!(
            round::<Vec<Option<i32>>>("[null, 2]"),
            Some(vec![None, Some(2)])
        );
        let map = round::<BTreeMap<String, i32>>("{\"a\": null, \"b\": 2}").unwrap();
        assert_eq!(
            map,
            BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 2)])
        );
    }

    #[test]
    fn zero_is_not_null() {
        assert_eq!(round::<Option<String>>("\"\""), Some(Some(String::new())));
        assert_eq!(round::<Option<String>>("null"), Some(None));
        assert_eq!(round::<Box<bool>>("false"), Some(Box::new(false)));
        assert_eq!(round::<Box<bool>>("null"), None);
    }

    #[test]
    fn elements_are_written_in_their_own_encoding() {
        assert_eq!(written(&vec![Some(Box::new(1_u64)), None]), "[\"1\",null]");
        assert_eq!(
            written(&BTreeMap::from([("k".to_owned(), vec![0_u8])])),
            "{\"k\":\"AA==\"}"
        );
        assert_eq!(written(&vec![vec![0_u8], vec![]]), "[\"AA==\",\"\"]");
    }

    #[test]
    fn integers_are_numbers_where_the_description_has_them_so() {
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut json);
        let mut map = serializer.serialize_map(None).unwrap();
        let out = &mut Writer {
            map: &mut map,
            outcome: Ok(()),
        };
        write_numbers(&Some(i64::MIN), "a", out);
        write_numbers(&None::<u64>, "b", out);
        write_numbers(&vec![u64::MAX], "c", out);
        write_numbers(&BTreeMap::from([("k".to_owned(), vec![1_i64])]), "d", out);
        write_numbers(&Vec::<i64>::new(), "e", out);
        write_required_numbers(&0_i64, "f", out);
        map.end().unwrap();
        let expected =
            r#"{"a":-9223372036854775808,"c":[18446744073709551615],"d":{"k":[1]},"f":0}"#;
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }

    #[test]
    fn errors_count_and_never_quote() {
        assert_eq!(
            refusal::<Vec<Vec<i32>>>("[[], [1, \"canary\"]]"),
            "[1][1]: expected a 32-bit integer"
        );
        assert_eq!(
            refusal::<BTreeMap<String, i32>>("{\"a\": 1, \"canary\": {}}"),
            "[1]: expected a 32-bit integer"
        );
        for json in ["\"canary\"", "7", "7.5", "-7", "true", "{\"canary\": 1}"] {
            assert_eq!(refusal::<Vec<String>>(json), "expected a list", "{json}");
        }
        for json in ["\"canary\"", "[\"canary\"]"] {
            assert_eq!(
                refusal::<BTreeMap<String, String>>(json),
                "expected an object",
                "{json}"
            );
        }
    }
}
