//! The description as a document that other programs can judge by: ours with its overlay, where formats that they
//! read in another way become patterns.

use c1_api_spec::{Description, emit};
use serde_json::{Value, json};

/// The schema of the errors, which the description does not have.
const STATUS: &str = "google.rpc.Status";

/// The document, as JSON.
pub(crate) fn prepared(description: &Description) -> Value {
    let mut document = emit::emit(description);
    document["servers"] = json!([{ "url": "/" }]);
    // The other schemes of the document are ways to the same bearer token.
    document["security"] = json!([{ "bearerAuth": [] }]);
    document["components"]["securitySchemes"] =
        json!({ "bearerAuth": { "type": "http", "scheme": "bearer" } });
    document["components"]["schemas"][STATUS] = json!({
        "type": "object",
        "required": ["code", "message", "details"],
        "properties": {
            "code": { "type": "integer", "format": "int32", "enum": (1..=16).collect::<Vec<_>>() },
            "message": { "type": "string" },
            "details": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": { "@type": { "type": "string" } },
                },
            },
        },
    });
    let error = json!({
        "description": "Refused.",
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{STATUS}") } } },
    });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        for status in ["400", "401", "403", "404", "405", "409", "501"] {
            operation["responses"][status] = error.clone();
        }
    }
    schemas(&mut document, false);
    document
}

/// Rewrites the formats of all schemas in `value`; `named` says that its keys are names, such as those of properties.
fn schemas(value: &mut Value, named: bool) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| schemas(item, false)),
        Value::Object(object) => {
            if let Some(pattern) = (!named)
                .then(|| object.get("format").and_then(Value::as_str))
                .flatten()
                .filter(|_| object["type"] == "string" || object["type"][0] == "string")
                .and_then(pattern)
            {
                object.remove("format");
                object.insert("pattern".to_owned(), pattern.into());
            }
            if let Some((minimum, maximum)) = (!named)
                .then(|| object.get("format").and_then(Value::as_str))
                .flatten()
                .and_then(range)
                && object["type"] != "string"
                && object["type"][0] != "string"
            {
                object.insert("minimum".to_owned(), minimum.into());
                object.insert("maximum".to_owned(), maximum.into());
            }
            for (key, value) in object {
                schemas(value, !named && key == "properties");
            }
        }
        _ => {}
    }
}

/// What a string of the format looks like in protobuf JSON, where that differs from what JSON Schema says of the format
/// or JSON Schema says nothing.
fn pattern(format: &str) -> Option<&'static str> {
    match format {
        "duration" => Some(r"^-?[0-9]{1,11}(\.[0-9]{1,9})?s$"),
        // Programs generate from these, too: the extremes, and what is within them for certain.
        "int64" => Some(
            "^(-?([0-9]{1,18}|[1-8][0-9]{18}|9[01][0-9]{17})|9223372036854775807|-9223372036854775808)$",
        ),
        "uint64" => Some("^([0-9]{1,19}|1[0-7][0-9]{18}|18446744073709551615)$"),
        "base64" => Some(
            "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
        ),
        _ => None,
    }
}

/// The range of a format of numbers, which other programs do not know, or do not generate by.
fn range(format: &str) -> Option<(i64, i64)> {
    match format {
        "int32" => Some((i32::MIN.into(), i32::MAX.into())),
        "uint32" => Some((0, u32::MAX.into())),
        _ => None,
    }
}
