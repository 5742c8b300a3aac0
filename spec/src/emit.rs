//! A [`Description`] as a document in our own form: OpenAPI 3.1, plus the extensions listed in
//! `spec/README.md` for what OpenAPI cannot say.

use serde_json::{Map, Value, json};

use crate::findings::Note;
use crate::model::{
    Description, Field, Message, Method, Operation, Origin, Parameter, Payload, Safety, Schema,
    SchemaKind, Stability, Success, Type,
};
use crate::read;

/// The title of every document that we write.
const TITLE: &str = "C1 API, the facts of its interface";

/// The extension at the root of every document that we write, and its value.
const FORM: (&str, &str) = ("x-form", "c1-api-spec");

/// Whether the document was written by [`emit`]. Then overlay targets are paths into it as it is.
pub(crate) fn is_ours(document: &Value) -> bool {
    document.get(FORM.0).and_then(Value::as_str) == Some(FORM.1)
}

/// The document in our form. Reading it again with [`crate::normalize`] gives the same description.
pub fn emit(description: &Description) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in &description.operations {
        let item = paths
            .entry(operation.path.clone())
            .or_insert_with(|| json!({}));
        item[operation.method.as_str().to_lowercase()] = self::operation(operation);
    }
    let schemas: Map<_, _> = description
        .schemas
        .iter()
        .map(|(name, schema)| (name.clone(), self::schema(schema)))
        .collect();
    let variables: Map<_, _> = description
        .server
        .variables
        .iter()
        .map(|(name, default)| (name.clone(), json!({ "default": default })))
        .collect();
    let mut server = json!({ "url": description.server.url });
    insert(
        &mut server,
        "variables",
        (!variables.is_empty()).then_some(variables),
    );
    let mut document = json!({
        "openapi": "3.1.0",
        FORM.0: FORM.1,
        "info": { "title": TITLE, "version": description.version },
    });
    let origin = description.origin.as_ref().map(
        |Origin { sha256, size, date }| json!({ "sha256": sha256, "size": size, "date": date }),
    );
    insert(&mut document, "x-origin", origin);
    let notes: Vec<_> = description.notes.iter().map(note).collect();
    insert(
        &mut document,
        "x-notes",
        (!notes.is_empty()).then_some(notes),
    );
    document["servers"] = json!([server]);
    document["security"] = json!([{ "bearerAuth": [], "oauth": [] }]);
    document["paths"] = paths.into();
    document["components"] = json!({
        "schemas": schemas,
        "securitySchemes": {
            "bearerAuth": { "type": "http", "scheme": "bearer" },
            "oauth": {
                "type": "oauth2",
                "flows": { "clientCredentials": { "tokenUrl": description.server.token_url, "scopes": {} } },
            },
        },
    });
    document
}

fn note(note: &Note) -> Value {
    let mut object = json!({ "at": note.pointer, "found": note.found, "carried": note.carried });
    insert(&mut object, "count", (note.count > 1).then_some(note.count));
    object
}

/// The document as YAML text, in block style.
pub fn text(document: &Value) -> String {
    let mut text = String::new();
    block(&mut text, document, 0);
    text.push('\n');
    text
}

/// Writes a value; its first line is begun already, and its last is not ended.
fn block(text: &mut String, value: &Value, indent: usize) {
    let line = format!("\n{}", " ".repeat(indent));
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    text.push_str(&line);
                }
                text.push_str(&scalar(key));
                text.push(':');
                match value {
                    Value::Object(members) if !members.is_empty() => {
                        text.push_str(&line);
                        text.push_str("  ");
                        block(text, value, indent + 2);
                    }
                    // A list is not indented below its key.
                    Value::Array(values) if !values.is_empty() => {
                        text.push_str(&line);
                        block(text, value, indent);
                    }
                    _ => {
                        text.push(' ');
                        block(text, value, indent);
                    }
                }
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push_str(&line);
                }
                text.push_str("- ");
                block(text, value, indent + 2);
            }
        }
        Value::String(string) => text.push_str(&scalar(string)),
        // What is left is the same in JSON.
        other => text.push_str(&other.to_string()),
    }
}

/// A string as a scalar, quoted where it would otherwise be read as something else.
fn scalar(string: &str) -> String {
    // Of YAML 1.1, for tools that still read it so.
    const BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let plain = read::plain(string).is_some_and(|value| value.is_string())
        && !string.starts_with(|c: char| c == ' ' || "-?:,[]{}#&*!|>'\"%@`".contains(c))
        && !string.ends_with([' ', ':'])
        && !string.contains(": ")
        && !string.contains(" #")
        && !BOOLEANS.contains(&string.to_lowercase().as_str());
    if string.contains(char::is_control) {
        // JSON's escapes are YAML's as well.
        Value::from(string).to_string()
    } else if plain {
        string.to_owned()
    } else {
        format!("'{}'", string.replace('\'', "''"))
    }
}

/// Takes every sentence out of the description.
pub fn drop_prose(description: &mut Description) {
    for operation in &mut description.operations {
        operation.doc = None;
        for parameter in operation.parameters_mut() {
            parameter.doc = None;
        }
    }
    for schema in description.schemas.values_mut() {
        schema.doc = None;
        if let SchemaKind::Message(message) = &mut schema.kind {
            for field in message.fields.values_mut() {
                field.doc = None;
            }
        }
    }
}

/// Sets a member where there is something to say.
fn insert(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

/// For flags that are written only where they hold.
fn flag(value: bool) -> Option<bool> {
    value.then_some(true)
}

fn operation(operation: &Operation) -> Value {
    let mut object = json!({ "operationId": operation.id() });
    insert(&mut object, "x-vendor-name", operation.vendor_name.clone());
    insert(&mut object, "x-rpc", operation.rpc.clone());
    object["tags"] = json!([operation.group]);
    insert(&mut object, "description", operation.doc.clone());
    insert(&mut object, "deprecated", flag(operation.deprecated));
    insert(
        &mut object,
        "x-stability",
        operation.stability.as_ref().map(Stability::as_str),
    );
    let marked = operation.method == Method::Post && operation.safety == Safety::Safe;
    insert(&mut object, "x-safe", flag(marked));
    insert(
        &mut object,
        "x-page",
        operation
            .page
            .as_ref()
            .map(|page| json!({ "items": page.items })),
    );
    let places = [
        ("path", &operation.path_parameters),
        ("query", &operation.query_parameters),
        ("header", &operation.header_parameters),
    ];
    let parameters: Vec<_> = places
        .into_iter()
        .flat_map(|(place, list)| {
            list.iter()
                .map(move |parameter| self::parameter(place, parameter))
        })
        .collect();
    insert(
        &mut object,
        "parameters",
        (!parameters.is_empty()).then_some(parameters),
    );
    insert(
        &mut object,
        "requestBody",
        operation.body.as_ref().map(content),
    );
    object["responses"] = responses(operation);
    object
}

fn responses(operation: &Operation) -> Value {
    let Success {
        payload,
        statuses,
        empty,
    } = &operation.response;
    let with = statuses.iter().map(|status| (status, payload.as_ref()));
    let without = empty.iter().map(|status| (status, None));
    let responses = with.chain(without).map(|(status, payload)| {
        let mut response = payload.map_or_else(|| json!({}), content);
        // OpenAPI demands a description of every response.
        response["description"] = format!("{} answered.", operation.method.as_str()).into();
        (status.clone(), response)
    });
    Value::Object(responses.collect())
}

/// A body: one without a schema is bytes.
fn content(payload: &Payload) -> Value {
    let media = match &payload.json {
        Some(json) => json!({ "schema": ty(json) }),
        None => json!({}),
    };
    json!({ "content": { payload.media.as_str(): media } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn parameter(location: &str, parameter: &Parameter) -> Value {
    let mut object = json!({ "name": parameter.name, "in": location });
    insert(&mut object, "required", flag(parameter.required));
    insert(&mut object, "description", parameter.doc.clone());
    insert(&mut object, "deprecated", flag(parameter.deprecated));
    insert(&mut object, "x-ours", flag(parameter.ours));
    if let Some(separator) = parameter.separator {
        let style = match separator {
            ' ' => "spaceDelimited",
            '|' => "pipeDelimited",
            _ => "form",
        };
        object["style"] = style.into();
        object["explode"] = false.into();
    }
    let mut schema = ty(&parameter.ty);
    insert(&mut schema, "readOnly", flag(parameter.read_only));
    object["schema"] = schema;
    object
}

fn schema(schema: &Schema) -> Value {
    let mut object = match &schema.kind {
        SchemaKind::Message(message) => self::message(message),
        SchemaKind::Enum(values) => {
            json!({ "type": "string", "x-open-enum": true, "enum": values })
        }
        SchemaKind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
    };
    insert(&mut object, "x-proto-name", schema.proto.clone());
    insert(&mut object, "description", schema.doc.clone());
    insert(&mut object, "deprecated", flag(schema.deprecated));
    object
}

fn message(message: &Message) -> Value {
    let mut object = json!({ "type": "object" });
    let required: Vec<_> = message
        .fields
        .iter()
        .filter(|(_, field)| field.required)
        .map(|(name, _)| name.clone())
        .collect();
    insert(
        &mut object,
        "required",
        (!required.is_empty()).then_some(required),
    );
    let oneofs: Map<_, _> = message
        .oneofs
        .iter()
        .map(|(name, members)| (name.clone(), json!(members)))
        .collect();
    insert(
        &mut object,
        "x-oneofs",
        (!oneofs.is_empty()).then_some(oneofs),
    );
    let properties: Map<_, _> = message
        .fields
        .iter()
        .map(|(name, field)| (name.clone(), self::field(field)))
        .collect();
    insert(
        &mut object,
        "properties",
        (!properties.is_empty()).then_some(properties),
    );
    object
}

fn field(field: &Field) -> Value {
    let mut object = ty(&field.ty);
    if field.nullable && field.ty != Type::Json {
        if object.get("$ref").is_some() {
            object = json!({ "oneOf": [object, { "type": "null" }] });
        } else {
            object["type"] = json!([object["type"], "null"]);
        }
    }
    insert(&mut object, "description", field.doc.clone());
    insert(&mut object, "readOnly", flag(field.read_only));
    insert(&mut object, "writeOnly", flag(field.write_only));
    insert(&mut object, "deprecated", flag(field.deprecated));
    insert(&mut object, "default", field.default.clone());
    insert(&mut object, "x-sunset", field.sunset.clone());
    insert(&mut object, "x-sensitive", flag(field.sensitive));
    let related = field.related.as_ref().map(|related| {
        let mut object = json!({ "type": related.proto });
        insert(&mut object, "many", flag(related.many));
        object
    });
    insert(&mut object, "x-related", related);
    insert(&mut object, "x-expands", field.expands.clone());
    object
}

fn ty(ty: &Type) -> Value {
    match ty {
        Type::String => json!({ "type": "string" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int32 => json!({ "type": "integer", "format": "int32" }),
        Type::Uint32 => json!({ "type": "integer", "format": "uint32" }),
        Type::Int64 => json!({ "type": "string", "format": "int64" }),
        Type::Uint64 => json!({ "type": "string", "format": "uint64" }),
        Type::Int64Number => json!({ "type": "integer", "format": "int64" }),
        Type::Uint64Number => json!({ "type": "integer", "format": "uint64" }),
        Type::Double => json!({ "type": "number" }),
        Type::Bytes => json!({ "type": "string", "format": "base64" }),
        Type::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Type::Duration => json!({ "type": "string", "format": "duration" }),
        Type::Any => json!({
            "type": "object",
            "properties": { "@type": { "type": "string" } },
            "additionalProperties": true,
        }),
        Type::Object => json!({ "type": "object", "additionalProperties": true }),
        Type::Json => json!({ "type": ["string", "number", "object", "array", "boolean", "null"] }),
        Type::Ref(name) => reference(name),
        Type::List(item) => json!({ "type": "array", "items": self::ty(item) }),
        Type::Map(value) => json!({ "type": "object", "additionalProperties": self::ty(value) }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;
    use crate::read::read;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let odd = "| | a|a |a: b|a:|a:b|a #b|a#b|-|- a|---|...|~|null|Null|true|7|-7|+.5|0x1f|1e3|.nan|-.inf|inf|3.1.0\
            |2026-11-25|it's|a\nb|a\n|\ta|\u{7f}|\u{85}|\u{2028}|\u{1f600}|{a}|[a]|a, b|<<|https://{tenant}.example|C:\\";
        let mut strings: Vec<_> = odd.split('|').map(str::to_owned).collect();
        strings.extend((' '..='~').map(String::from));
        strings.extend((' '..='~').map(|c| format!("{c}a")));
        strings.extend((' '..='~').map(|c| format!("a{c} b{c}")));
        for string in strings {
            let value = json!({ "list": [string, [string, [], {}], { "a": string, "b": [string] }], &string: { &string: null } });
            let text = text(&value);
            assert_eq!(read(&text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn what_others_read_differently_is_quoted() {
        let value = json!({ "a": ["yes", "No", "200", "a: b", "ok", "a\nb", 200, true, null] });
        let lines = r#"'yes' | 'No' | '200' | 'a: b' | ok | "a\nb" | 200 | true | null"#;
        let lines = lines.replace(" | ", "\n- ");
        assert_eq!(text(&value), format!("a:\n- {lines}\n"));
    }
}
