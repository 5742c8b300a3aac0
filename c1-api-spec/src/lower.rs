//! A [`Description`] to what progenitor reads: OpenAPI 3.0.3, operations in full, schemas by name.
//!
//! The types of messages and enums are generated here (see [`crate::generate`]), not by progenitor:
//! `x-rust-type` tells it where they are. Strings with a pattern stay its own.

use openapiv3::OpenAPI;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::model::{Description, Operation, Parameter, SchemaKind, Type};

/// The document for progenitor.
///
/// # Errors
///
/// When the result is no OpenAPI document after all, which would be a defect of this pass.
pub fn lower(description: &Description) -> Result<OpenAPI> {
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
        .map(|(name, schema)| (name.clone(), self::schema(name, &schema.kind)))
        .collect();
    let document = json!({
        "openapi": "3.0.3",
        "info": { "title": "the C1 API", "version": description.version },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    serde_json::from_value(document)
        .map_err(|error| Error::new("#", error.to_string(), "OpenAPI 3.0.3"))
}

fn schema(name: &str, kind: &SchemaKind) -> Value {
    match kind {
        SchemaKind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        SchemaKind::Message(_) | SchemaKind::Enum(_) => json!({
            "type": "object",
            "x-rust-type": { "crate": "c1-api", "version": "*", "path": format!("c1_api::types::{name}") },
        }),
    }
}

fn operation(operation: &Operation) -> Value {
    let path = operation
        .path_parameters
        .iter()
        .map(|p| parameter("path", p));
    let query = operation
        .query_parameters
        .iter()
        .map(|p| parameter("query", p));
    let mut object = json!({
        "operationId": operation.raw_id(),
        "parameters": path.chain(query).collect::<Vec<_>>(),
        "responses": { "200": content(&operation.response) },
    });
    object["responses"]["200"]["description"] = "".into();
    if let Some(body) = &operation.body {
        object["requestBody"] = content(body);
        object["requestBody"]["required"] = true.into();
    }
    object
}

fn content(schema: &str) -> Value {
    json!({ "content": { "application/json": { "schema": reference(schema) } } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn parameter(location: &str, parameter: &Parameter) -> Value {
    let schema = match &parameter.ty {
        Type::Ref(name) => reference(name),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int32 => json!({ "type": "integer", "format": "int32" }),
        Type::Uint32 => json!({ "type": "integer", "format": "uint32" }),
        Type::Int64 => json!({ "type": "integer", "format": "int64" }),
        Type::Uint64 => json!({ "type": "integer", "format": "uint64" }),
        Type::Double => json!({ "type": "number" }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": parameter.name, "in": location, "required": location == "path", "schema": schema })
}
