//! Protobuf JSON in its canonical form, told from the description.
//!
//! Whatever form a value came in, this is how it must be written again: without nulls and empty
//! lists, 64-bit integers as strings, times with 0, 3, 6 or 9 digits; and without unknown fields,
//! unless the feature `unknown-fields` keeps them as they are. It knows nothing of the generated
//! types, so that it can be held against them.
//!
//! Rules: <https://protobuf.dev/programming-guides/json/>.

use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use c1_api_spec::Description;
use c1_api_spec::model::{SchemaKind, Type};
use serde_json::{Map, Number, Value, json};

/// The canonical form of the named message; of `null`, that of an empty one.
///
/// # Errors
///
/// When the JSON is not of the message's kind; names the place.
pub fn message(description: &Description, name: &str, json: &Value) -> Result<Value, String> {
    let nothing = json!({});
    let json = if json.is_null() { &nothing } else { json };
    let canonical = value(description, &Type::Ref(name.to_owned()), json)?;
    Ok(canonical.unwrap_or(nothing))
}

/// The canonical form of a value; `None` for `null`.
///
/// # Errors
///
/// When the JSON is not of the type's kind; names the place.
pub fn value(description: &Description, ty: &Type, json: &Value) -> Result<Option<Value>, String> {
    if json.is_null() {
        return Ok(None);
    }
    let wrong = || format!(": {json} is no {ty:?}");
    let canonical = match ty {
        Type::String => json!(json.as_str().ok_or_else(wrong)?),
        Type::Bool => json!(json.as_bool().ok_or_else(wrong)?),
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number => {
            json!(integer(json).ok_or_else(wrong)?)
        }
        Type::Int64 | Type::Uint64 => json!(integer(json).ok_or_else(wrong)?.to_string()),
        Type::Double => double(json).ok_or_else(wrong)?,
        Type::Bytes => json!(json.as_str().and_then(bytes).ok_or_else(wrong)?),
        Type::Timestamp => json!(json.as_str().and_then(timestamp).ok_or_else(wrong)?),
        Type::Duration => json!(json.as_str().and_then(duration).ok_or_else(wrong)?),
        Type::Any | Type::Object if !json.is_object() => return Err(wrong()),
        Type::Any | Type::Object | Type::Json => json.clone(),
        Type::List(inner) => {
            let mut list = Vec::new();
            for (at, element) in json.as_array().ok_or_else(wrong)?.iter().enumerate() {
                let element = value(description, inner, element)
                    .map_err(|error| format!("[{at}]{error}"))?
                    .or_else(|| zero(description, inner));
                list.extend(element);
            }
            Value::Array(list)
        }
        Type::Map(inner) => {
            let mut map = Map::new();
            for (key, entry) in json.as_object().ok_or_else(wrong)? {
                let entry = value(description, inner, entry)
                    .map_err(|error| format!("[{key}]{error}"))?
                    .or_else(|| zero(description, inner));
                map.extend(entry.map(|entry| (key.clone(), entry)));
            }
            Value::Object(map)
        }
        Type::Ref(name) => match description.schemas.get(name).map(|schema| &schema.kind) {
            None => return Err(format!(": no schema {name}")),
            Some(SchemaKind::Pattern(_)) => json!(json.as_str().ok_or_else(wrong)?),
            // Open: any name, and any number, comes back as it came.
            Some(SchemaKind::Enum(_)) if json.is_string() || json.is_i64() => json.clone(),
            Some(SchemaKind::Enum(_)) => return Err(wrong()),
            Some(SchemaKind::Message(message)) => {
                let object = json.as_object().ok_or_else(wrong)?;
                let mut out = Map::new();
                for (name, field) in &message.fields {
                    let json = object.get(name).unwrap_or(&Value::Null);
                    let mut canonical = value(description, &field.ty, json)
                        .map_err(|error| format!(".{name}{error}"))?;
                    if field.required {
                        canonical = canonical.or_else(|| zero(description, &field.ty));
                    } else if is_empty_collection(&field.ty, canonical.as_ref()) {
                        canonical = None;
                    }
                    out.extend(canonical.map(|value| (name.clone(), value)));
                }
                if cfg!(feature = "unknown-fields") {
                    let unknown = object.iter().filter(|(name, value)| {
                        !message.fields.contains_key(*name) && !value.is_null()
                    });
                    out.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
                }
                Value::Object(out)
            }
        },
    };
    Ok(Some(canonical))
}

/// Lists and maps of protobuf cannot tell empty from absent.
fn is_empty_collection(ty: &Type, value: Option<&Value>) -> bool {
    match (ty, value) {
        (Type::List(_), Some(Value::Array(list))) => list.is_empty(),
        (Type::Map(_), Some(Value::Object(map))) => map.is_empty(),
        _ => false,
    }
}

/// What stands where a value must stand and none came; `None` where the type has no zero.
fn zero(description: &Description, ty: &Type) -> Option<Value> {
    Some(match ty {
        Type::String | Type::Bytes => json!(""),
        Type::Bool => json!(false),
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number => json!(0),
        Type::Int64 | Type::Uint64 => json!("0"),
        Type::Double => json!(0.0),
        Type::Timestamp => json!("1970-01-01T00:00:00Z"),
        Type::Duration => json!("0s"),
        Type::Any | Type::Object | Type::Map(_) => json!({}),
        Type::Json => Value::Null,
        Type::List(_) => json!([]),
        Type::Ref(name) => match &description.schemas.get(name)?.kind {
            SchemaKind::Message(_) => message(description, name, &json!({})).ok()?,
            SchemaKind::Enum(names) => json!(names.first()?),
            SchemaKind::Pattern(_) => return None,
        },
    })
}

/// An integer as a number (`5`, `5.0`) or as text.
fn integer(json: &Value) -> Option<Number> {
    let text = match json {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text = text.strip_suffix(".0").unwrap_or(&text);
    let signed = text.parse::<i64>().ok().map(Number::from);
    signed.or_else(|| text.parse::<u64>().ok().map(Number::from))
}

fn double(json: &Value) -> Option<Value> {
    match json {
        Value::Number(number) => Some(json!(number.as_f64()?)),
        Value::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => {
            Some(json.clone())
        }
        Value::String(text) => Some(json!(text.parse::<f64>().ok()?)),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<String> {
    let text = text.replace('-', "+").replace('_', "/");
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(text)
        .ok()?;
    Some(STANDARD.encode(bytes))
}

/// UTC only, which is what the tests make.
fn timestamp(text: &str) -> Option<String> {
    let local = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))?;
    let (seconds, fraction) = local.split_once('.').unwrap_or((local, ""));
    (seconds.len() == "2024-02-29T12:34:56".len()).then_some(())?;
    Some(format!("{seconds}{}Z", digits(fraction)?))
}

fn duration(text: &str) -> Option<String> {
    let number = text.strip_suffix('s')?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, ""));
    seconds.parse::<i64>().ok()?;
    Some(format!("{seconds}{}s", digits(fraction)?))
}

/// A fraction of a second with its point: 0, 3, 6 or 9 digits, as few as hold it.
fn digits(fraction: &str) -> Option<String> {
    let significant = fraction.trim_end_matches('0');
    let plain = significant.len() <= 9 && significant.bytes().all(|byte| byte.is_ascii_digit());
    plain.then_some(())?;
    let width = significant.len().next_multiple_of(3);
    Some(match width {
        0 => String::new(),
        _ => format!(".{significant:0<width$}"),
    })
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::Type;
    use serde_json::{Value, json};

    use super::{message, value};
    use crate::description;

    fn canonical(ty: &Type, json: &Value) -> Value {
        value(description(), ty, json)
            .unwrap()
            .unwrap_or(Value::Null)
    }

    #[test]
    fn scalars_take_one_form() {
        for (ty, forms, expected) in [
            (
                Type::Int64,
                vec![json!(5), json!("5"), json!(5.0)],
                json!("5"),
            ),
            (
                Type::Uint64,
                vec![json!(u64::MAX)],
                json!("18446744073709551615"),
            ),
            (
                Type::Int32,
                vec![json!("-5"), json!(-5.0), json!(-5)],
                json!(-5),
            ),
            (
                Type::Double,
                vec![json!(1), json!("1"), json!(1.0)],
                json!(1.0),
            ),
            (Type::Double, vec![json!("NaN")], json!("NaN")),
            (
                Type::Bytes,
                vec![json!("-_8"), json!("+/8=")],
                json!("+/8="),
            ),
            (
                Type::Timestamp,
                vec![
                    json!("2024-02-29T12:34:56.5Z"),
                    json!("2024-02-29T12:34:56.5000+00:00"),
                ],
                json!("2024-02-29T12:34:56.500Z"),
            ),
            (
                Type::Duration,
                vec![json!("-1.5s"), json!("-1.5000s")],
                json!("-1.500s"),
            ),
            (
                Type::Duration,
                vec![json!("3600s"), json!("3600.0s")],
                json!("3600s"),
            ),
        ] {
            for form in forms {
                assert_eq!(canonical(&ty, &form), expected, "{ty:?} {form}");
            }
        }
        for (ty, wrong) in [
            (Type::Int64, json!("1.5")),
            (Type::String, json!(5)),
            (Type::Bool, json!("true")),
            (Type::Duration, json!("1h")),
            (Type::Timestamp, json!("2024-02-29")),
            (Type::Any, json!([])),
        ] {
            assert!(value(description(), &ty, &wrong).is_err(), "{ty:?} {wrong}");
        }
    }

    #[test]
    fn messages_lose_what_says_nothing_and_keep_the_rest() {
        let json = json!({
            "id": "", "displayName": null, "unknown": 1, "userIds": [],
            "appOwners": [{"email": "a@example.com", "unknown": {}}, null],
        });
        assert_eq!(
            message(description(), "App", &json),
            Ok(json!({ "id": "", "appOwners": [{"email": "a@example.com"}, {}] }))
        );
        let error = message(description(), "App", &json!({"appOwners": [{"email": 5}]}));
        assert_eq!(error.unwrap_err(), ".appOwners[0].email: 5 is no String");
    }
}
