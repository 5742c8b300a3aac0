//! Enums that stay open: a value that the description does not list is kept, and written back as it came.

use std::borrow::Cow;

use serde::ser::Serializer;

use super::error::Fault;
use super::input::{Found, Input, Want};
use super::scalar::integral;

/// Reads an enum value's name, or its number as text; `None` for `null`.
#[doc(hidden)]
pub(crate) fn decode_enum(input: &mut dyn Input) -> Result<Option<Cow<'_, str>>, Fault> {
    const EXPECTED: &str = "the name of an enum value";
    match input.read(Want::Scalar(EXPECTED))? {
        Found::Null => Ok(None),
        Found::Text(name) => Ok(Some(name)),
        Found::Integer(number) => Ok(Some(Cow::Owned(number.to_string()))),
        Found::Float(number) => match integral(number) {
            Some(number) => Ok(Some(Cow::Owned(number.to_string()))),
            None => Err(Fault(EXPECTED)),
        },
        Found::Bool(_) | Found::Nested => Err(Fault(EXPECTED)),
    }
}

/// Writes a value that is not listed: the name, or for what was read from a number, that number.
#[doc(hidden)]
pub(crate) fn encode_enum<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match text.parse::<i64>() {
        // A listed name may be digits; of another, digits in their plain form can only have been one.
        Ok(number) if number.to_string() == text => serializer.serialize_i64(number),
        _ => serializer.serialize_str(text),
    }
}

/// Defines an open enum from its values' wire names. The first value is the protobuf zero and so the `Default`; the
/// description tells no other number.
#[allow(unused_macros, reason = "a build without features has no enums")]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(#[$first_meta:meta])* $first:ident = $first_text:literal
            $(, $(#[$other_meta:meta])* $other:ident = $other_text:literal)* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $(#[$first_meta])*
            #[default]
            $first,
            $($(#[$other_meta])* $other,)*
            /// A value that the API description did not list when this crate was made; digits if the server sent a number.
            Unrecognized(String),
        }

        impl $name {
            /// The value's name on the wire.
            $vis fn as_str(&self) -> &str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$other => $other_text,)*
                    Self::Unrecognized(text) => text,
                }
            }

            #[allow(unreachable_patterns, reason = "a listed name may be \"0\"")]
            fn listed(text: &str) -> Option<Self> {
                match text {
                    $first_text => Some(Self::$first),
                    $($other_text => Some(Self::$other),)*
                    // Its number.
                    "0" => Some(Self::$first),
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::listed(text).unwrap_or_else(|| Self::Unrecognized(text.to_owned()))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::listed(&text).unwrap_or(Self::Unrecognized(text))
            }
        }

        impl $crate::wire::Value for $name {
            fn null() -> Option<Self> {
                Some(Self::default())
            }

            fn decode(input: &mut dyn $crate::wire::Input) -> Result<Option<Self>, $crate::wire::Fault> {
                match $crate::wire::decode_enum(input) {
                    Ok(Some(text)) => Ok(Some(match Self::listed(&text) {
                        Some(value) => value,
                        None => Self::Unrecognized(text.into_owned()),
                    })),
                    Ok(None) => Ok(None),
                    Err(fault) => Err(fault),
                }
            }

            fn encode<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Unrecognized(text) => $crate::wire::encode_enum(text, serializer),
                    listed => serializer.serialize_str(listed.as_str()),
                }
            }
        }

        impl $crate::wire::Field for $name {
            fn absent() -> Self {
                Self::default()
            }
        }

        impl<'de> ::serde::de::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::deserialize(deserializer)
            }
        }

        impl ::serde::ser::Serialize for $name {
            fn serialize<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::Value::encode(self, serializer)
            }
        }
    };
}
#[allow(unused_imports, reason = "a build without features has no enums")]
pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::wire::sample::{FolderKind, refusal, round, written};

    crate::wire::open_enum! {
        enum Digits {
            _1 = "1",
        }
    }

    #[test]
    fn a_listed_value_of_digits_stays_text() {
        for json in ["\"1\"", "1"] {
            let value = round::<Digits>(json).unwrap();
            assert_eq!(value, Digits::_1);
            assert_eq!(written(&value), "\"1\"");
        }
    }

    #[test]
    fn listed_values() {
        assert_eq!(FolderKind::default(), FolderKind::Unspecified);
        assert_eq!(round("\"FOLDER_KIND_SHARED\""), Some(FolderKind::Shared));
        assert_eq!(
            round("\"FOLDER_KIND_SH\\u0041RED\""),
            Some(FolderKind::Shared)
        );
        assert_eq!(written(&FolderKind::Shared), "\"FOLDER_KIND_SHARED\"");
        assert_eq!(FolderKind::from("FOLDER_KIND_SHARED"), FolderKind::Shared);
        assert_eq!(
            FolderKind::from("FOLDER_KIND_SHARED".to_owned()),
            FolderKind::Shared
        );
        assert_eq!(FolderKind::Shared.to_string(), "FOLDER_KIND_SHARED");
    }

    #[test]
    fn the_number_0_is_the_first_value() {
        for json in ["0", "0.0", "-0.0", "\"0\""] {
            assert_eq!(round(json), Some(FolderKind::Unspecified), "{json}");
        }
        assert_eq!(FolderKind::from("0"), FolderKind::Unspecified);
    }

    #[test]
    fn unlisted_values_come_back_as_they_were() {
        for json in ["\"FOLDER_KIND_NEW\"", "5", "-1", "\"\"", "\"007\""] {
            let value = round::<FolderKind>(json).unwrap();
            assert!(matches!(value, FolderKind::Unrecognized(_)), "{json}");
            assert_eq!(written(&value), json);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
        for json in ["5", "5.0", "5e0"] {
            let value = round::<FolderKind>(json).unwrap();
            assert_eq!(value, FolderKind::Unrecognized("5".to_owned()));
            assert_eq!(written(&value), "5");
        }
    }

    #[test]
    fn null_and_nonsense() {
        assert_eq!(round::<FolderKind>("null"), None);
        assert_eq!(
            serde_json::from_str::<FolderKind>("null").unwrap(),
            FolderKind::Unspecified
        );
        for json in ["true", "5.5", "[\"canary\"]", "{\"canary\": 1}"] {
            assert_eq!(
                refusal::<FolderKind>(json),
                "expected the name of an enum value",
                "{json}"
            );
        }
    }
}
