//! Types that speak serde but not this codec: the newtypes that progenitor makes of a string with a `pattern`.

/// Makes a type with serde's traits usable as the content of an `Option`, a list or a map. It has no zero value, hence
/// cannot be a required field by itself.
#[allow(
    unused_macros,
    reason = "a description without a `pattern` needs no foreign type"
)]
macro_rules! via_serde {
    ($($type:ty),* $(,)?) => { $(
        impl $crate::wire::Value for $type {
            fn null() -> Option<Self> {
                None
            }

            fn decode(input: &mut dyn $crate::wire::Input) -> Result<Option<Self>, $crate::wire::Fault> {
                match input.json()? {
                    ::serde_json::Value::Null => Ok(None),
                    // The type's own error is dropped: nothing is known of it, so it might quote the value.
                    json => match <Self as ::serde::de::Deserialize<'_>>::deserialize(json) {
                        Ok(value) => Ok(Some(value)),
                        Err(_) => Err($crate::wire::Fault("the form that the API documents")),
                    },
                }
            }

            fn encode<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ::serde::ser::Serialize::serialize(self, serializer)
            }
        }
    )* };
}
#[allow(
    unused_imports,
    reason = "a description without a `pattern` needs no foreign type"
)]
pub(crate) use via_serde;

#[cfg(test)]
mod tests {
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::{Serialize, Serializer};

    use crate::wire::sample::{refusal, round, written};

    /// As progenitor makes them: a checked string whose error is its own.
    #[derive(Debug, PartialEq)]
    struct Code(String);

    impl<'de> Deserialize<'de> for Code {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            if text.len() == 2 {
                Ok(Self(text))
            } else {
                Err(D::Error::custom(format!("{text} is not two letters")))
            }
        }
    }

    impl Serialize for Code {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }

    via_serde!(Code);

    #[test]
    fn read_written_and_refused_without_its_value() {
        assert_eq!(
            round::<Option<Code>>("\"ab\""),
            Some(Some(Code("ab".to_owned())))
        );
        assert_eq!(round::<Option<Code>>("null"), Some(None));
        assert_eq!(written(&Code("ab".to_owned())), "\"ab\"");
        assert_eq!(
            refusal::<Vec<Code>>("[\"ab\", \"canary\"]"),
            "[1]: expected the form that the API documents"
        );
        assert_eq!(
            refusal::<Option<Code>>("7357"),
            "expected the form that the API documents"
        );
    }

    #[test]
    fn a_null_element_is_left_out() {
        assert_eq!(
            round::<Vec<Code>>("[null, \"ab\"]"),
            Some(vec![Code("ab".to_owned())])
        );
    }
}
