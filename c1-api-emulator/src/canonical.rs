//! The canonical form of a request by the rules of protobuf JSON, so that the state has one spelling of each value, and
//! responses are written as C1 writes them.
//!
//! Accepted and replaced are: original field names (`display_name`) by camelCase; the enum number 0 by the name of the
//! first value, whose number is the only one that the description tells; 64-bit integers as numbers by strings, 32-bit
//! ones as strings by numbers, and `5.0` by `5`; doubles as strings by numbers; timestamps with an offset by those in UTC;
//! base64url and base64 without padding by base64. What is neither is left for [`check`](crate::check) to refuse.
//!
//! Rules: <https://protobuf.dev/programming-guides/json/>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use c1_api_spec::model::{Description, Message, SchemaKind, Type};
use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::check::{self, Violation};

/// Replaces a value by its canonical form.
///
/// # Errors
///
/// If a field is there by both of its names.
pub(crate) fn replace(
    description: &Description,
    ty: &Type,
    value: &mut Value,
) -> Result<(), Violation> {
    match ty {
        Type::List(inner) => {
            let elements = value.as_array_mut().into_iter().flatten().enumerate();
            for (at, element) in elements {
                let replaced = replace(description, inner, element);
                replaced.map_err(|violation| violation.within(&format!("[{at}]")))?;
            }
        }
        Type::Map(inner) => {
            for (key, entry) in value.as_object_mut().into_iter().flatten() {
                let replaced = replace(description, inner, entry);
                replaced.map_err(|violation| violation.within(key))?;
            }
        }
        Type::Ref(name) => match description.schemas.get(name).map(|schema| &schema.kind) {
            Some(SchemaKind::Message(message)) => {
                if let Value::Object(object) = value {
                    *object = fields(description, message, std::mem::take(object))?;
                }
            }
            Some(SchemaKind::Enum(names)) if is_zero(value) => *value = json!(names.first()),
            Some(SchemaKind::Enum(_) | SchemaKind::Pattern(_)) | None => {}
        },
        ty => {
            if let Some(canonical) = scalar(ty, value) {
                *value = canonical;
            }
        }
    }
    Ok(())
}

/// The fields by their names in JSON, in the same order.
fn fields(
    description: &Description,
    message: &Message,
    object: Map<String, Value>,
) -> Result<Map<String, Value>, Violation> {
    let mut fields = Map::new();
    for (given, mut value) in object {
        let original = !message.fields.contains_key(&given);
        let camel = original.then(|| json_name(&given));
        let name = camel.filter(|name| message.fields.contains_key(name));
        let name = name.unwrap_or_else(|| given.clone());
        if let Some(field) = message.fields.get(&name) {
            let replaced = replace(description, &field.ty, &mut value);
            replaced.map_err(|violation| violation.within(&given))?;
        }
        if fields.contains_key(&name) {
            let expected = format!("each field at most once, but {name} has two names here");
            return Err(Violation::new(expected).within(&given));
        }
        fields.insert(name, value);
    }
    Ok(fields)
}

/// The name in JSON of a field with the original name: without underscores, each of which makes the next letter upper-case.
pub(crate) fn json_name(original: &str) -> String {
    let mut name = String::new();
    let mut after_underscore = false;
    for letter in original.chars() {
        if letter == '_' {
            after_underscore = true;
        } else {
            name.push(if after_underscore {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
            after_underscore = false;
        }
    }
    name
}

/// Whether the value is the number 0.
fn is_zero(value: &Value) -> bool {
    value.is_number() && check::whole(value) == Some(0)
}

/// The canonical form of a valid scalar; `None` for others.
fn scalar(ty: &Type, value: &Value) -> Option<Value> {
    match ty {
        Type::Int64 | Type::Uint64 => Some(json!(check::whole(value)?.to_string())),
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number => {
            let whole = check::whole(value)?;
            let signed = i64::try_from(whole).map(Value::from);
            signed
                .or_else(|_| u64::try_from(whole).map(Value::from))
                .ok()
        }
        Type::Double => Some(json!(check::number(value.as_str()?)?)),
        Type::Bytes => Some(json!(STANDARD.encode(check::bytes(value.as_str()?)?))),
        Type::Timestamp => {
            let time = check::timestamp(value.as_str()?)?.with_timezone(&Utc);
            Some(json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use c1_api_spec::model::Type;
    use serde_json::{Value, json};

    use super::{json_name, replace};
    use crate::testing::description;

    fn canonical(ty: &Type, mut value: Value) -> Result<Value, String> {
        let replaced = replace(&description(), ty, &mut value);
        replaced.map_err(|violation| violation.to_string())?;
        Ok(value)
    }

    #[test]
    fn scalars_have_one_spelling() {
        for (ty, given, expected) in [
            (Type::Int64, json!(5), json!("5")),
            (Type::Int64, json!("5.0"), json!("5")),
            (
                Type::Int64,
                json!("9007199254740993.0"),
                json!("9007199254740993"),
            ),
            (Type::Uint64, json!(u64::MAX), json!("18446744073709551615")),
            (Type::Int32, json!("-7"), json!(-7)),
            (Type::Int32, json!(1.0), json!(1)),
            (
                Type::Uint64Number,
                json!("18446744073709551615"),
                json!(u64::MAX),
            ),
            (Type::Double, json!("1.5e1"), json!(15.0)),
            (Type::Double, json!("NaN"), json!("NaN")),
            (Type::Bytes, json!("-_8"), json!("+/8=")),
            (Type::Bytes, json!("QQ"), json!("QQ==")),
            (Type::Bytes, json!("QR=="), json!("QQ==")),
            (
                Type::Timestamp,
                json!("2024-03-01T01:00:00.5+02:00"),
                json!("2024-02-29T23:00:00.500Z"),
            ),
            (
                Type::Ref("Color".into()),
                json!(0),
                json!("COLOR_UNSPECIFIED"),
            ),
            (
                Type::Ref("Color".into()),
                json!(0.0),
                json!("COLOR_UNSPECIFIED"),
            ),
            // Not valid, and so left.
            (Type::Ref("Color".into()), json!(1), json!(1)),
            (Type::Ref("Color".into()), json!("0"), json!("0")),
            (Type::Int64, json!(1.5), json!(1.5)),
            (Type::Timestamp, json!(""), json!("")),
            (Type::Bytes, json!("!"), json!("!")),
        ] {
            assert_eq!(
                canonical(&ty, given.clone()),
                Ok(expected),
                "{ty:?} {given}"
            );
        }
    }

    #[test]
    fn fields_have_one_name() {
        let thing = || Type::Ref("Thing".into());
        let given = json!({
            "name": "n", "created_at": "2024-02-29T23:00:00Z",
            "children": [{ "created_at": null, "count": 5 }], "labels": { "a_b": "c" },
        });
        let expected = json!({
            "name": "n", "createdAt": "2024-02-29T23:00:00Z",
            "children": [{ "createdAt": null, "count": "5" }], "labels": { "a_b": "c" },
        });
        assert_eq!(canonical(&thing(), given), Ok(expected));
        let both = json!({ "children": [{ "createdAt": null, "created_at": null }] });
        assert_eq!(
            canonical(&thing(), both).unwrap_err(),
            "children[0].created_at: expected each field at most once, but createdAt has two names here"
        );
        // What no field has as its name is left for the check.
        let unknown = json!({ "no_name": 1 });
        assert_eq!(canonical(&thing(), unknown.clone()), Ok(unknown));
    }

    #[test]
    fn names_lose_their_underscores() {
        for (original, expected) in [
            ("display_name", "displayName"),
            ("displayName", "displayName"),
            ("oauth_2_client", "oauth2Client"),
            ("a1_b", "a1B"),
        ] {
            assert_eq!(json_name(original), expected);
        }
    }
}
