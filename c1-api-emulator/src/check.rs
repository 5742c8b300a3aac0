//! Validates data against the description by the rules of protobuf JSON, more strictly than C1:
//! anything that is not in the description is rejected, so that mistakes of a client are noticed.
//!
//! Rules: <https://protobuf.dev/programming-guides/json/>.

use std::fmt;
use std::ops::RangeInclusive;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use c1_api_spec::model::{Description, Message, Operation, Parameter, Payload, SchemaKind, Type};
use chrono::{DateTime, Datelike as _, FixedOffset, Utc};
use hyper::header::HeaderMap;
use serde_json::{Map, Value};

/// Who sent the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A client. Read-only fields are ignored once their values are known to be well formed, and never required.
    Request,
    /// The server.
    Response,
}

/// The first place where data violates its schema.
///
/// It contains the location and what was expected, but not the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    field: String,
    expected: String,
}

impl Violation {
    /// A violation at the root; [`Violation::within`] adds the path to it.
    pub(crate) fn new(expected: impl Into<String>) -> Self {
        Self {
            field: String::new(),
            expected: expected.into(),
        }
    }

    /// The violation as seen from the enclosing object, list or map.
    pub(crate) fn within(mut self, step: &str) -> Self {
        if !self.field.is_empty() && !self.field.starts_with('[') {
            self.field.insert(0, '.');
        }
        self.field.insert_str(0, step);
        self
    }

    /// The path of the field, for example `list[2].appEntitlement.id`; `body` for the root.
    pub fn field(&self) -> &str {
        if self.field.is_empty() {
            "body"
        } else {
            &self.field
        }
    }

    /// What the description expects there.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.field(), self.expected)
    }
}

impl std::error::Error for Violation {}

/// Checks that a JSON value conforms to the schema named `schema`.
///
/// # Errors
///
/// The first [`Violation`]: an unknown field, a wrong type or format, a number out of range, an
/// unknown enum value, a missing required field, two members of a oneof, or an unknown schema.
pub fn value(
    description: &Description,
    schema: &str,
    value: &Value,
    direction: Direction,
) -> Result<(), Violation> {
    of_type(description, &Type::Ref(schema.to_owned()), value, direction)
}

/// The same for a value of a type.
pub(crate) fn of_type(
    description: &Description,
    ty: &Type,
    value: &Value,
    direction: Direction,
) -> Result<(), Violation> {
    Checker {
        description,
        direction,
    }
    .value(ty, value)
}

/// Checks the decoded path parameters.
pub(crate) fn path(
    description: &Description,
    operation: &Operation,
    values: &[(String, String)],
) -> Result<(), Violation> {
    let checker = Checker {
        description,
        direction: Direction::Request,
    };
    operation.path_parameters.iter().try_for_each(|parameter| {
        let value = values.iter().find(|(name, _)| *name == parameter.name);
        let (_, value) = value.ok_or_else(|| Violation::new("a value").within(&parameter.name))?;
        checker.parameter(parameter, value)
    })
}

/// Checks the query parameters: each is known and well formed, those that are required are there, and none but a list that
/// is written so is there twice.
pub(crate) fn query(
    description: &Description,
    operation: &Operation,
    pairs: &[(String, String)],
) -> Result<(), Violation> {
    let checker = Checker {
        description,
        direction: Direction::Request,
    };
    for (at, (name, value)) in pairs.iter().enumerate() {
        let parameter = operation
            .query_parameters
            .iter()
            .find(|parameter| parameter.name == *name);
        let parameter = parameter
            .ok_or_else(|| Violation::new("no query parameter with this name").within(name))?;
        let is_repeated = matches!(parameter.ty, Type::List(_)) && parameter.separator.is_none();
        if !is_repeated && pairs[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(Violation::new("at most one value").within(name));
        }
        match parameter.separator {
            Some(separator) => checker.list_parameter(parameter, value.split(separator))?,
            None => checker.parameter(parameter, value)?,
        }
    }
    let required = operation.query_parameters.iter();
    let mut required = required.filter(|parameter| parameter.required);
    match required.find(|parameter| pairs.iter().all(|(name, _)| *name != parameter.name)) {
        Some(missing) => Err(Violation::new("a query parameter").within(&missing.name)),
        None => Ok(()),
    }
}

/// Checks the headers that are parameters.
pub(crate) fn headers(
    description: &Description,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<(), Violation> {
    let checker = Checker {
        description,
        direction: Direction::Request,
    };
    operation
        .header_parameters
        .iter()
        .try_for_each(|parameter| {
            let value = headers
                .get(&parameter.name)
                .and_then(|value| value.to_str().ok());
            match value {
                Some(value) if matches!(parameter.ty, Type::List(_)) => {
                    checker.list_parameter(parameter, value.split(',').map(str::trim))
                }
                Some(value) => checker.parameter(parameter, value),
                None if parameter.required => {
                    Err(Violation::new("a header").within(&parameter.name))
                }
                None => Ok(()),
            }
        })
}

/// Checks the JSON body of a request. A missing body counts as an empty message.
pub(crate) fn body(
    description: &Description,
    operation: &Operation,
    body: Option<&Value>,
) -> Result<(), Violation> {
    let empty = Value::Object(Map::new());
    match (&operation.body, body) {
        (Some(Payload { json: Some(ty), .. }), body) => {
            of_type(description, ty, body.unwrap_or(&empty), Direction::Request)
        }
        (None, Some(_)) => Err(Violation::new("no body for this operation")),
        (None | Some(Payload { json: None, .. }), _) => Ok(()),
    }
}

struct Checker<'a> {
    description: &'a Description,
    direction: Direction,
}

impl Checker<'_> {
    /// A parameter is a string, or each of several; numbers and booleans are in their JSON form.
    fn parameter(&self, parameter: &Parameter, text: &str) -> Result<(), Violation> {
        let ty = match &parameter.ty {
            Type::List(item) => item,
            ty => ty,
        };
        let value = match (ty, text) {
            (Type::Bool, "true") => Value::Bool(true),
            (Type::Bool, "false") => Value::Bool(false),
            (Type::Double, text) => serde_json::from_str(text).unwrap_or_default(),
            _ => Value::String(text.to_owned()),
        };
        self.value(ty, &value)
            .map_err(|violation| violation.within(&parameter.name))
    }

    fn list_parameter<'t>(
        &self,
        parameter: &Parameter,
        mut texts: impl Iterator<Item = &'t str>,
    ) -> Result<(), Violation> {
        texts.try_for_each(|text| self.parameter(parameter, text))
    }

    fn value(&self, ty: &Type, value: &Value) -> Result<(), Violation> {
        let (good, expected) = match ty {
            Type::String => (value.is_string(), "a string"),
            Type::Bool => (value.is_boolean(), "true or false"),
            Type::Int32 => (
                integer(value, i32::MIN.into()..=i32::MAX.into()),
                "a 32-bit integer",
            ),
            Type::Uint32 => (
                integer(value, 0..=u32::MAX.into()),
                "an unsigned 32-bit integer",
            ),
            Type::Int64 | Type::Int64Number => (
                integer(value, i64::MIN.into()..=i64::MAX.into()),
                "a 64-bit integer",
            ),
            Type::Uint64 | Type::Uint64Number => (
                integer(value, 0..=u64::MAX.into()),
                "an unsigned 64-bit integer",
            ),
            Type::Double => (double(value), "a number"),
            Type::Bytes => (value.as_str().and_then(bytes).is_some(), "base64"),
            Type::Timestamp => (
                value.as_str().and_then(timestamp).is_some(),
                "an RFC 3339 timestamp",
            ),
            Type::Duration => (
                value.as_str().is_some_and(duration),
                "a duration in seconds such as \"3600s\"",
            ),
            Type::Any | Type::Object => (value.is_object(), "an object"),
            Type::Json => (true, "any value"),
            Type::Ref(name) => return self.named(name, value),
            Type::List(inner) => return self.list(inner, value),
            Type::Map(inner) => return self.map(inner, value),
        };
        if good {
            Ok(())
        } else {
            Err(Violation::new(expected))
        }
    }

    fn named(&self, name: &str, value: &Value) -> Result<(), Violation> {
        let schema = self.description.schemas.get(name);
        match &schema
            .ok_or_else(|| Violation::new(format!("a schema {name} in the description")))?
            .kind
        {
            SchemaKind::Message(message) => self.message(message, value),
            SchemaKind::Enum(names) => match value.as_str() {
                Some(text) if names.iter().any(|name| name == text) => Ok(()),
                _ if self.direction == Direction::Request => Err(Violation::new(format!(
                    "a name of the enum {name}, or the number 0"
                ))),
                _ => Err(Violation::new(format!("a name of the enum {name}"))),
            },
            // The pattern is not matched: the document has none, and the emulator no ECMA 262 engine.
            SchemaKind::Pattern(_) if value.is_string() => Ok(()),
            SchemaKind::Pattern(pattern) => {
                Err(Violation::new(format!("a string that matches {pattern}")))
            }
        }
    }

    fn list(&self, inner: &Type, value: &Value) -> Result<(), Violation> {
        let elements = value.as_array().ok_or_else(|| Violation::new("a list"))?;
        elements
            .iter()
            .enumerate()
            .try_for_each(|(index, element)| {
                self.value(inner, element)
                    .map_err(|violation| violation.within(&format!("[{index}]")))
            })
    }

    fn map(&self, inner: &Type, value: &Value) -> Result<(), Violation> {
        let entries = value
            .as_object()
            .ok_or_else(|| Violation::new("an object"))?;
        entries.iter().try_for_each(|(key, entry)| {
            self.value(inner, entry)
                .map_err(|violation| violation.within(key))
        })
    }

    fn message(&self, message: &Message, value: &Value) -> Result<(), Violation> {
        let object = value
            .as_object()
            .ok_or_else(|| Violation::new("an object"))?;
        let is_set = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
        for (name, value) in object {
            let field = message.fields.get(name);
            let field =
                field.ok_or_else(|| Violation::new("no field with this name").within(name))?;
            if !value.is_null() {
                self.value(&field.ty, value)
                    .map_err(|violation| violation.within(name))?;
            }
        }
        for (name, field) in &message.fields {
            let set_by_server = field.read_only && self.direction == Direction::Request;
            if field.required && !set_by_server && !is_set(name) {
                return Err(Violation::new("a value, because the field is required").within(name));
            }
        }
        for (group, members) in &message.oneofs {
            let mut set = members.iter().filter(|member| is_set(member));
            if let (Some(first), Some(second)) = (set.next(), set.next()) {
                let expected =
                    format!("at most one field of the oneof {group}, but {first} is set too");
                return Err(Violation::new(expected).within(second));
            }
        }
        Ok(())
    }
}

fn integer(value: &Value, range: RangeInclusive<i128>) -> bool {
    whole(value).is_some_and(|integer| range.contains(&integer))
}

/// An integer as a number (`5`, `5.0`) or as a string with such a number. `None` if its exact value is not known: a number
/// with a fraction or exponent is read as a double, of which the integers from 2^53 are not exact.
pub(crate) fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => exact(text),
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole_double)),
        _ => None,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to have no fraction and to be in range"
)]
fn whole_double(number: f64) -> Option<i128> {
    const INEXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < INEXACT).then_some(number as i128)
}

/// The value of a decimal number with a fraction of zeros and an exponent, if any, without rounding.
fn exact(text: &str) -> Option<i128> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (digits, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let decimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal(unsigned) || !decimal(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let zeros = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let mut value: i128 = format!("{digits}{fraction}").parse().ok()?;
    // No power of ten with more zeros is in range, and zero needs none.
    let power = 10_i128.checked_pow(zeros.unsigned_abs().min(38))?;
    if zeros < 0 {
        (value % power == 0).then_some(value / power)
    } else {
        value = value.checked_mul(power)?;
        Some(value)
    }
}

fn double(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") || number(text).is_some()
        }
        _ => false,
    }
}

/// A number as JSON writes it; Rust reads other forms, too.
pub(crate) fn number(text: &str) -> Option<f64> {
    let value = serde_json::from_str(text).ok()?;
    (text.trim() == text).then_some(value)
}

/// Standard or URL-safe alphabet, with or without padding. What is left of the last byte need not be zero.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let mut alphabets = [alphabet::STANDARD, alphabet::URL_SAFE].into_iter();
    alphabets.find_map(|alphabet| GeneralPurpose::new(&alphabet, config).decode(text).ok())
}

/// A timestamp of the years 1 to 9999 as protobuf reads it: with `T` and `Z` in capitals, at most nine digits of a second,
/// and no leap seconds, all of which RFC 3339 and chrono see otherwise.
pub(crate) fn timestamp(text: &str) -> Option<DateTime<FixedOffset>> {
    let (time, fraction) = (text.get(..19)?, text.get(19..)?);
    let digits = fraction.strip_prefix('.').map_or(0, |fraction| {
        fraction.bytes().take_while(u8::is_ascii_digit).count()
    });
    let is_strict = time.as_bytes().get(10) == Some(&b'T')
        && !time.ends_with(":60")
        && !text.ends_with('z')
        && digits <= 9;
    let timestamp = DateTime::parse_from_rfc3339(text)
        .ok()
        .filter(|_| is_strict)?;
    (1..=9999)
        .contains(&timestamp.with_timezone(&Utc).year())
        .then_some(timestamp)
}

/// Seconds with up to nine fractional digits and the suffix `s`, within ±315,576,000,000 s.
fn duration(text: &str) -> bool {
    const MAX_SECONDS: u64 = 315_576_000_000;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = text.strip_suffix('s') else {
        return false;
    };
    let number = number.strip_prefix('-').unwrap_or(number);
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let within = seconds.parse::<u64>().is_ok_and(|seconds| {
        seconds < MAX_SECONDS || seconds == MAX_SECONDS && fraction.bytes().all(|byte| byte == b'0')
    });
    digits(seconds) && digits(fraction) && fraction.len() <= 9 && within
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::Type;
    use serde_json::{Value, json};

    use super::{Checker, Direction, body, path, query, value};
    use crate::testing::{description, operation};

    fn check(ty: &Type, value: &Value) -> bool {
        Checker {
            description: &description(),
            direction: Direction::Request,
        }
        .value(ty, value)
        .is_ok()
    }

    fn violation(body: &Value) -> String {
        value(&description(), "Thing", body, Direction::Request)
            .unwrap_err()
            .to_string()
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn scalars_are_validated_by_type() {
        let cases: &[(Type, &[Value], &[Value])] = &[
            (Type::String, &[json!("")], &[json!(1), json!(["a"])]),
            (Type::Bool, &[json!(true)], &[json!("true"), json!(0)]),
            (
                Type::Int32,
                &[
                    json!(-5),
                    json!("7"),
                    json!(5.0),
                    json!("5.0"),
                    json!("50e-1"),
                    json!(2_147_483_647),
                ],
                &[
                    json!(2_147_483_648_i64),
                    json!(1.5),
                    json!("x"),
                    json!("+1"),
                    json!("1.5"),
                    json!(" 1"),
                    json!("1."),
                    json!(".5"),
                    json!("1e"),
                    json!("1e99999999999"),
                    json!("1e-400"),
                    json!(true),
                ],
            ),
            (
                Type::Uint32,
                &[json!(4_294_967_295_u32)],
                &[json!(-1), json!(4_294_967_296_u64)],
            ),
            (
                Type::Int64,
                &[
                    json!("-9223372036854775808"),
                    json!("9223372036854775807.0"),
                    json!("922337203685477580.7e1"),
                    json!(9),
                    json!(1e3),
                    json!("0e99"),
                ],
                &[
                    json!("9223372036854775808"),
                    json!("9223372036854775807.5"),
                    json!(1e30),
                    json!("1e30"),
                    json!(""),
                    // Sent as 9007199254740993.0, maybe.
                    json!(9_007_199_254_740_992.0),
                ],
            ),
            (
                Type::Uint64,
                &[json!("18446744073709551615"), json!(u64::MAX)],
                &[json!("-1")],
            ),
            (
                Type::Double,
                &[json!(1.5), json!("NaN"), json!("-Infinity"), json!("2.5")],
                &[
                    json!("inf"),
                    json!("nan"),
                    json!("1e999"),
                    json!("+1"),
                    json!(".5"),
                    json!(" 1"),
                    json!(""),
                    json!(false),
                ],
            ),
            (
                Type::Bytes,
                &[
                    json!("AQID"),
                    json!("-_8="),
                    json!("+/8"),
                    json!("QR=="),
                    json!("QR"),
                    json!(""),
                ],
                &[json!("a b"), json!("!"), json!("A"), json!("+_8=")],
            ),
            (
                Type::Timestamp,
                &[
                    json!("2024-02-29T01:02:03Z"),
                    json!("2024-02-29T01:02:03.123456789+05:30"),
                    json!("0001-01-01T00:00:00Z"),
                    json!("9999-12-31T23:59:59.999999999Z"),
                ],
                &[
                    json!(""),
                    json!("2024-02-29T01:02:03.1234567890Z"),
                    json!("2016-12-31T23:59:60Z"),
                    json!("2024-02-29t01:02:03Z"),
                    json!("2024-02-29T01:02:03z"),
                    json!("2024-02-29T01:02:03,5Z"),
                    json!("2024-02-29T01:02:03.Z"),
                    json!("2024-02-29T01:02:03"),
                    json!("0000-12-31T23:59:59Z"),
                    json!("0001-01-01T00:00:00+01:00"),
                    json!("9999-12-31T23:59:59-01:00"),
                    json!("2023-02-29T01:02:03Z"),
                    json!("2024-02-29 01:02:03Z"),
                    json!("2024-02-29"),
                    json!(0),
                ],
            ),
            (
                Type::Duration,
                &[
                    json!("3600s"),
                    json!("-1.500s"),
                    json!("0.000000001s"),
                    json!("315576000000s"),
                ],
                &[
                    json!("1h"),
                    json!("1.s"),
                    json!(".5s"),
                    json!("s"),
                    json!("1.0000000001s"),
                    json!("315576000000.1s"),
                    json!(5),
                ],
            ),
            (
                Type::Any,
                &[json!({}), json!({"@type": "x/y", "z": 1})],
                &[json!([])],
            ),
            (Type::Object, &[json!({"a": null})], &[json!("a")]),
            (Type::Json, &[json!(null), json!([1])], &[]),
            (
                Type::List(Type::Bool.into()),
                &[json!([]), json!([true])],
                &[json!({}), json!([null]), json!(["a"])],
            ),
            (
                Type::Map(Type::Bool.into()),
                &[json!({}), json!({"a": true})],
                &[json!([]), json!({"a": null})],
            ),
            (
                Type::Ref("Color".into()),
                &[json!("COLOR_RED")],
                &[json!("RED"), json!(1)],
            ),
        ];
        for (ty, good, bad) in cases {
            for value in *good {
                assert!(check(ty, value), "{ty:?} accepts {value}");
            }
            for value in *bad {
                assert!(!check(ty, value), "{ty:?} rejects {value}");
            }
        }
    }

    #[test]
    fn a_violation_contains_the_path_of_the_field() {
        let child = |child: Value| json!({"name": "n", "children": [{"name": "c"}, child]});
        assert_eq!(violation(&json!([])), "body: expected an object");
        assert_eq!(
            violation(&json!({"name": "n", "colour": 1})),
            "colour: expected no field with this name"
        );
        assert_eq!(
            violation(&child(json!({"name": 5}))),
            "children[1].name: expected a string"
        );
        assert_eq!(
            violation(&child(json!({}))),
            "children[1].name: expected a value, because the field is required"
        );
        assert_eq!(
            violation(&json!({"name": "n", "labels": {"a": 1}})),
            "labels.a: expected a string"
        );
    }

    #[test]
    fn a_oneof_accepts_one_member_and_null_counts_as_absent() {
        let both = json!({"name": "n", "left": "a", "right": "1s"});
        assert_eq!(
            violation(&both),
            "right: expected at most one field of the oneof side, but left is set too"
        );
        let one = json!({"name": "n", "left": null, "right": "1s", "color": null});
        assert_eq!(
            value(&description(), "Thing", &one, Direction::Request),
            Ok(())
        );
        assert_eq!(
            violation(&json!({"name": null})),
            "name: expected a value, because the field is required"
        );
    }

    /// A server of protobuf JSON parses the whole message before it ignores what is read-only.
    #[test]
    fn read_only_fields_are_ignored_in_requests_if_they_are_well_formed() {
        let check = |thing: Value, direction| value(&description(), "Thing", &thing, direction);
        for direction in [Direction::Request, Direction::Response] {
            let violation = check(json!({"name": "n", "id": 5}), direction).unwrap_err();
            assert_eq!(violation.to_string(), "id: expected a string");
        }
        assert_eq!(
            check(json!({"name": "n", "id": "of another"}), Direction::Request),
            Ok(())
        );
    }

    #[test]
    fn parameters_are_validated() {
        let (description, list) = (description(), operation("things.list"));
        let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let query = |values: &[(&str, &str)]| {
            query(&description, &list, &pairs(values)).map_err(|violation| violation.to_string())
        };
        assert_eq!(query(&[("page_size", "10"), ("page_token", "")]), Ok(()));
        assert_eq!(
            query(&[("page_size", "")]).unwrap_err(),
            "page_size: expected a 32-bit integer"
        );
        assert_eq!(
            query(&[("pageSize", "1")]).unwrap_err(),
            "pageSize: expected no query parameter with this name"
        );
        assert_eq!(
            query(&[("page_size", "1"), ("page_size", "1")]).unwrap_err(),
            "page_size: expected at most one value"
        );
        let get = operation("things.get");
        assert_eq!(path(&description, &get, &pairs(&[("id", "a/b")])), Ok(()));
        assert!(path(&description, &get, &[]).is_err());
    }

    #[test]
    fn a_missing_body_counts_as_an_empty_message() {
        let description = description();
        let missing = |id: &str| {
            body(&description, &operation(id), None).map_err(|violation| violation.to_string())
        };
        assert_eq!(missing("things.delete"), Ok(()));
        assert_eq!(
            missing("things.create").unwrap_err(),
            "name: expected a value, because the field is required"
        );
        assert!(body(&description, &operation("things.get"), Some(&json!({}))).is_err());
    }
}
