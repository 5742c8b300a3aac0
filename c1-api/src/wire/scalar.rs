//! Strings, booleans, numbers and bytes.
//!
//! An input hands over any JSON scalar as it came; each type then converts it in a plain function.

use std::borrow::Cow;
use std::fmt;

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{Engine as _, alphabet};
use serde::ser::{Serialize, Serializer};

use super::input::Found;
use super::value::Numbers;

impl<'de> Found<'de> {
    pub(super) fn text(self) -> Option<Cow<'de, str>> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    fn bool(self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// Integers come as numbers or strings, with or without a fraction of zero (`5`, `"5"`, `5.0`, `1e3`). They are exact or
    /// refused.
    fn integer<T: TryFrom<i128>>(self) -> Option<T> {
        let value = match self {
            Self::Integer(value) => value,
            Self::Float(value) => integral(value)?,
            Self::Text(text) => text.parse().ok().or_else(|| exact(&text))?,
            Self::Null | Self::Bool(_) | Self::Nested => return None,
        };
        T::try_from(value).ok()
    }

    fn float(self) -> Option<f64> {
        match self {
            #[allow(
                clippy::cast_precision_loss,
                reason = "a double is what the field holds, whatever was sent"
            )]
            Self::Integer(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Text(text) => match &*text {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                // Rust also parses words such as `inf`, and turns overflow into infinity; protobuf knows neither.
                other => other.parse().ok().filter(|value: &f64| value.is_finite()),
            },
            Self::Null | Self::Bool(_) | Self::Nested => None,
        }
    }

    fn bytes(self) -> Option<Vec<u8>> {
        let text = self.text()?;
        let alphabet = if text.contains(['-', '_']) {
            &alphabet::URL_SAFE
        } else {
            &alphabet::STANDARD
        };
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(alphabet, config)
            .decode(text.as_bytes())
            .ok()
    }
}

/// `value` as an integer, if it is one and certainly the one that was sent: from 2^53 on, a double stands for its neighbours
/// as well.
pub(super) fn integral(value: f64) -> Option<i128> {
    const BOUND: f64 = 9_007_199_254_740_992.0; // 2^53
    #[allow(
        clippy::cast_possible_truncation,
        reason = "integral and within bounds, as just checked"
    )]
    (value.fract() == 0.0 && value.abs() < BOUND).then_some(value as i128)
}

/// The integer that a text with a fraction or an exponent denotes, by its digits.
fn exact(text: &str) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if value == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 {
        value.checked_mul(power)
    } else {
        (value % power == 0).then_some(value / power)
    }
}

/// `Value` and `Field` for types that are one JSON scalar: what is expected, how it is converted, how it is written.
macro_rules! scalars {
    ($($type:ty: $expected:literal, $decode:expr, $encode:expr;)*) => { $(
        impl $crate::wire::Value for $type {
            fn null() -> Option<Self> {
                Some(Self::default())
            }

            fn decode(input: &mut dyn $crate::wire::Input) -> Result<Option<Self>, $crate::wire::Fault> {
                match input.read($crate::wire::Want::Scalar($expected))? {
                    $crate::wire::Found::Null => Ok(None),
                    scalar => match $decode(scalar) {
                        Some(value) => Ok(Some(value)),
                        None => Err($crate::wire::Fault($expected)),
                    },
                }
            }

            fn encode<S: ::serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $encode(self, serializer)
            }
        }

        impl $crate::wire::Field for $type {
            fn absent() -> Self {
                Self::default()
            }

            #[allow(clippy::float_cmp, reason = "zero is exact")]
            fn is_absent(&self) -> bool {
                // Only asked of a required field, by `redact`: an empty secret may be seen to be empty.
                *self == Self::default()
            }
        }
    )* };
}
pub(super) use scalars;

scalars! {
    String: "a string", |scalar: Found<'_>| scalar.text().map(Cow::into_owned), Serialize::serialize;
    bool: "true or false", Found::bool, Serialize::serialize;
    i32: "a 32-bit integer", Found::integer, Serialize::serialize;
    u32: "an unsigned 32-bit integer", Found::integer, Serialize::serialize;
    i64: "a 64-bit integer", Found::integer, as_text;
    u64: "an unsigned 64-bit integer", Found::integer, as_text;
    f64: "a number", Found::float, |value: &f64, serializer| write_float(*value, serializer);
    Vec<u8>: "base64 text", Found::bytes, write_bytes;
}

impl Numbers for i64 {
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(*self)
    }
}

impl Numbers for u64 {
    fn encode_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*self)
    }
}

/// 64-bit integers are strings on the wire, since a JavaScript number could not hold them.
fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn write_float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(value)
    } else if value.is_nan() {
        serializer.serialize_str("NaN")
    } else {
        serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

fn write_bytes<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(value))
}

#[cfg(test)]
mod tests {
    use crate::wire::sample::{refusal, round, written};

    #[test]
    fn signed_64_bit_integers() {
        assert_eq!(written(&i64::MAX), "\"9223372036854775807\"");
        assert_eq!(written(&i64::MIN), "\"-9223372036854775808\"");
        for json in ["5", "\"5\"", "5.0", "\"5.0\"", "5e0", "\"0.5e1\""] {
            assert_eq!(round::<i64>(json), Some(5), "{json}");
        }
        for (json, exact) in [
            ("\"9007199254740993.0\"", 9_007_199_254_740_993),
            ("\"-900719925474099.30e1\"", -9_007_199_254_740_993),
            ("\"9223372036854775807.000\"", i64::MAX),
            ("\"90071992547409930e-1\"", 9_007_199_254_740_993),
            ("9007199254740991.0", 9_007_199_254_740_991),
            ("\"0e99999\"", 0),
        ] {
            assert_eq!(round::<i64>(json), Some(exact), "{json}");
        }
        assert_eq!(round::<i64>("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(round::<i64>("\"9223372036854775807\""), Some(i64::MAX));
        assert_eq!(round::<i64>("null"), None);
        for json in [
            "\"\"",
            "\"x\"",
            "5.5",
            // Whether it was that or its neighbour, a double does not tell.
            "9007199254740992.0",
            "9007199254740993.0",
            "9223372036854775808",
            "1e300",
            "\"1e300\"",
            "\"1e-1\"",
            "\"1.-5\"",
            "\"1.\"",
            "\".5e1\"",
            "\"1.5.5\"",
            "\"1e99999999999\"",
            "true",
            "[]",
            "{}",
            "\"NaN\"",
        ] {
            assert_eq!(refusal::<i64>(json), "expected a 64-bit integer", "{json}");
        }
    }

    #[test]
    fn unsigned_64_bit_integers() {
        assert_eq!(written(&u64::MAX), "\"18446744073709551615\"");
        assert_eq!(round::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(round::<u64>("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(refusal::<u64>("-1"), "expected an unsigned 64-bit integer");
        assert_eq!(
            refusal::<u64>("18446744073709551616"),
            "expected an unsigned 64-bit integer"
        );
    }

    #[test]
    fn integers_of_32_bits_are_numbers() {
        assert_eq!(written(&-5_i32), "-5");
        assert_eq!(written(&u32::MAX), "4294967295");
        assert_eq!(round::<i32>("\"-7\""), Some(-7));
        assert_eq!(round::<i32>("5.0"), Some(5));
        assert_eq!(round::<i32>("-0.0"), Some(0));
        assert_eq!(refusal::<i32>("2147483648"), "expected a 32-bit integer");
        assert_eq!(refusal::<u32>("-1"), "expected an unsigned 32-bit integer");
    }

    #[test]
    fn doubles() {
        assert_eq!(written(&1.5_f64), "1.5");
        assert_eq!(written(&f64::NAN), "\"NaN\"");
        assert_eq!(written(&f64::INFINITY), "\"Infinity\"");
        assert_eq!(written(&f64::NEG_INFINITY), "\"-Infinity\"");
        assert_eq!(round::<f64>("2"), Some(2.0));
        assert_eq!(round::<f64>("\"-2.5\""), Some(-2.5));
        assert_eq!(round::<f64>("\"-Infinity\""), Some(f64::NEG_INFINITY));
        assert!(round::<f64>("\"NaN\"").is_some_and(f64::is_nan));
        assert_eq!(refusal::<f64>("\"inf\""), "expected a number");
        assert_eq!(refusal::<f64>("\"1e999\""), "expected a number");
    }

    #[test]
    fn booleans_and_strings_are_only_themselves() {
        assert_eq!(round::<bool>("true"), Some(true));
        assert_eq!(refusal::<bool>("\"true\""), "expected true or false");
        assert_eq!(refusal::<bool>("1"), "expected true or false");
        assert_eq!(round::<String>("\"a\\u00e9\\n\""), Some("aé\n".to_owned()));
        assert_eq!(refusal::<String>("1"), "expected a string");
        assert_eq!(round::<String>("null"), None);
    }

    #[test]
    fn bytes_read_both_alphabets_with_and_without_padding() {
        assert_eq!(written(&vec![0xfb_u8, 0xff]), "\"+/8=\"");
        for json in ["\"+/8=\"", "\"+/8\"", "\"-_8=\"", "\"-_8\""] {
            assert_eq!(round::<Vec<u8>>(json), Some(vec![0xfb, 0xff]), "{json}");
        }
        assert_eq!(round::<Vec<u8>>("\"\""), Some(vec![]));
        assert_eq!(refusal::<Vec<u8>>("\"!\""), "expected base64 text");
        assert_eq!(refusal::<Vec<u8>>("[1]"), "expected base64 text");
    }
}
