//! What a recording keeps: only what the description says can be no one's name and no secret.

use std::collections::HashSet;

use c1_api_spec::model::{Description, Operation, Parameter, SchemaKind, Type};
use c1_api_spec::names::snake;
use c1_api_spec::template::{Piece, pieces};
use serde_json::{Map, Value as Json};
use url::{Url, form_urlencoded};

use crate::record::placeholders::Placeholders;

const REDACTED: &str = "[redacted]";
/// Before the name of a message in `@type`.
const TYPE_URL: &str = "type.googleapis.com/";

/// The details of errors by google.rpc, which no description of an API has:
/// <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>.
const ERROR_DETAILS: &[&str] = &[
    "BadRequest",
    "DebugInfo",
    "ErrorInfo",
    "Help",
    "LocalizedMessage",
    "PreconditionFailure",
    "QuotaFailure",
    "RequestInfo",
    "ResourceInfo",
    "RetryInfo",
];

/// Knows the description.
pub(super) struct Redactor {
    description: Description,
    /// The names of all fields, as on the wire and in `snake_case`: what masks consist of.
    names: HashSet<String>,
    /// The wire names of the fields that hold secrets.
    secrets: HashSet<String>,
}

impl Redactor {
    pub(super) fn new(description: Description) -> Self {
        let messages = description.schemas.keys();
        let messages = messages.filter_map(|name| description.message(name));
        let names = messages.flat_map(|message| message.fields.keys());
        Self {
            names: names.flat_map(|name| [name.clone(), snake(name)]).collect(),
            secrets: description.sensitive_fields().into_iter().collect(),
            description,
        }
    }

    /// The request's part of a line. Of an operation that the description does not know, the method alone.
    pub(super) fn request(
        &self,
        id: &str,
        method: &str,
        url: &Url,
        body: Option<&[u8]>,
        placeholders: &mut Placeholders,
    ) -> Map<String, Json> {
        let mut line = Map::new();
        let operation = self.description.operation(id);
        let id = operation.map_or_else(|| "unknown".to_owned(), Operation::id);
        line.insert("operation".to_owned(), id.into());
        line.insert("method".to_owned(), method.into());
        let Some(operation) = operation else {
            return line;
        };
        line.insert("path".to_owned(), (&*operation.path).into());
        let mut parameters = Map::new();
        for (name, value) in path_values(&operation.path, url.path()) {
            let mut known = operation.path_parameters.iter();
            let known = known.find(|parameter| parameter.name == name);
            let value = self.parameter(known, name, &value, placeholders);
            parameters.insert(name.to_owned(), value);
        }
        line.insert("parameters".to_owned(), parameters.into());
        let mut query = Map::new();
        for (name, value) in url.query_pairs() {
            let mut known = operation.query_parameters.iter();
            let known = known.find(|parameter| parameter.name == name);
            let value = self.parameter(known, &name, &value, placeholders);
            let name = known.map_or_else(
                || placeholders.unknown(&name),
                |parameter| parameter.name.clone(),
            );
            if let Json::Array(values) = query
                .entry(name)
                .or_insert_with(|| Vec::<Json>::new().into())
            {
                values.push(value);
            }
        }
        line.insert("query".to_owned(), query.into());
        let ty = operation.body.as_ref().and_then(|body| body.json.as_ref());
        if let Some(body) = body.and_then(|body| self.body(ty, body, placeholders)) {
            line.insert("request".to_owned(), body);
        }
        line
    }

    /// The body of a success; `None` if it is no JSON.
    pub(super) fn response(
        &self,
        id: &str,
        body: &[u8],
        placeholders: &mut Placeholders,
    ) -> Option<Json> {
        let operation = self.description.operation(id)?;
        let payload = operation.response.payload.as_ref();
        let ty = payload.and_then(|payload| payload.json.as_ref());
        self.body(ty, body, placeholders)
    }

    fn body(
        &self,
        ty: Option<&Type>,
        body: &[u8],
        placeholders: &mut Placeholders,
    ) -> Option<Json> {
        let value = serde_json::from_slice(body).ok()?;
        Some(match ty {
            Some(ty) => self.value(ty, "", value, placeholders),
            None => foreign(value, placeholders),
        })
    }

    /// A detail of an error, or another object with an `@type`.
    pub(super) fn any(&self, fields: Map<String, Json>, placeholders: &mut Placeholders) -> Json {
        let proto = fields.get("@type").and_then(Json::as_str);
        let proto = proto.and_then(|url| url.strip_prefix(TYPE_URL));
        let is_detail = proto
            .and_then(|proto| proto.strip_prefix("google.rpc."))
            .is_some_and(|name| ERROR_DETAILS.contains(&name));
        let known = proto.and_then(|proto| {
            let mut schemas = self.description.schemas.iter();
            schemas.find(|(_, schema)| schema.proto.as_deref() == Some(proto))
        });
        let Some((name, schema)) = known else {
            let fields = fields.into_iter().map(|(name, value)| match &*name {
                "@type" if is_detail => (name, value),
                "@type" => (name, foreign(value, placeholders)),
                _ => (placeholders.unknown(&name), foreign(value, placeholders)),
            });
            return Json::Object(fields.collect());
        };
        let url = format!("{TYPE_URL}{}", schema.proto.as_deref().unwrap_or(name));
        let mut known = Map::from_iter([("@type".to_owned(), Json::from(url))]);
        let fields = fields.into_iter().filter(|(name, _)| name != "@type");
        if let Json::Object(fields) =
            self.named(name, "", Json::Object(fields.collect()), placeholders)
        {
            known.extend(fields);
        }
        Json::Object(known)
    }

    fn parameter(
        &self,
        known: Option<&Parameter>,
        name: &str,
        value: &str,
        placeholders: &mut Placeholders,
    ) -> Json {
        let Some(parameter) = known else {
            return placeholders.text("", value).into();
        };
        let ty = match &parameter.ty {
            // Several in one value are kept if one alone would be.
            Type::List(inner) => inner,
            ty => ty,
        };
        if *ty == Type::Bool && ["true", "false"].contains(&value) {
            return value.into();
        }
        self.value(ty, name, value.into(), placeholders)
    }

    fn value(&self, ty: &Type, name: &str, value: Json, placeholders: &mut Placeholders) -> Json {
        if self.secrets.contains(name) && !value.is_null() {
            return REDACTED.into();
        }
        match (ty, value) {
            (_, Json::Null) => Json::Null,
            (Type::Any, Json::Object(fields)) => self.any(fields, placeholders),
            (Type::Ref(schema), value) => self.named(schema, name, value, placeholders),
            (Type::List(inner), Json::Array(values)) => {
                let values = values.into_iter();
                let values = values.map(|value| self.value(inner, name, value, placeholders));
                Json::Array(values.collect())
            }
            (Type::Map(inner), Json::Object(fields)) => {
                let fields = fields.into_iter().map(|(key, value)| {
                    let value = self.value(inner, "", value, placeholders);
                    (placeholders.text("", &key), value)
                });
                Json::Object(fields.collect())
            }
            (Type::Object | Type::Json, value) => foreign(value, placeholders),
            (_, Json::Bool(value)) => value.into(),
            (ty, Json::Number(number)) if is_number(ty) => number.into(),
            (ty, Json::String(text)) => self.text(ty, name, text, placeholders).into(),
            (_, value) => foreign(value, placeholders),
        }
    }

    fn text(&self, ty: &Type, name: &str, text: String, placeholders: &mut Placeholders) -> String {
        let is_kept = match ty {
            Type::Timestamp => {
                if let Some(text) = placeholders.timestamp(&text) {
                    return text;
                }
                false
            }
            Type::Bytes if !text.is_empty() => return "AA==".to_owned(),
            Type::Duration => text.strip_suffix('s').is_some_and(is_decimal),
            Type::String => self.is_mask(name, &text) || is_expansion(name, &text),
            Type::Double => is_decimal(&text) || ["NaN", "Infinity", "-Infinity"].contains(&&*text),
            ty => is_number(ty) && is_decimal(&text),
        };
        if is_kept {
            text
        } else {
            placeholders.text(name, &text)
        }
    }

    /// A value of a schema by name.
    fn named(
        &self,
        schema: &str,
        name: &str,
        value: Json,
        placeholders: &mut Placeholders,
    ) -> Json {
        let kind = self
            .description
            .schemas
            .get(schema)
            .map(|schema| &schema.kind);
        match (kind, value) {
            (Some(SchemaKind::Message(message)), Json::Object(fields)) => {
                let fields =
                    fields
                        .into_iter()
                        .map(|(name, value)| match message.fields.get(&name) {
                            Some(field) if field.sensitive && !value.is_null() => {
                                (name, REDACTED.into())
                            }
                            Some(field) => {
                                let value = self.value(&field.ty, &name, value, placeholders);
                                (name, value)
                            }
                            None => (placeholders.unknown(&name), foreign(value, placeholders)),
                        });
                Json::Object(fields.collect())
            }
            // By its number, which protobuf JSON allows.
            (Some(SchemaKind::Enum(values)), Json::Number(number))
                if number.as_u64().is_some_and(|at| at <= values.len() as u64) =>
            {
                number.into()
            }
            (Some(SchemaKind::Enum(values)), Json::String(text)) => {
                if values.contains(&text) {
                    text.into()
                } else {
                    placeholders.unknown(&text).into()
                }
            }
            (Some(SchemaKind::Pattern(_)), Json::String(text)) => {
                placeholders.text(name, &text).into()
            }
            (_, value) => foreign(value, placeholders),
        }
    }

    /// Whether the text is a mask of names that the description has.
    fn is_mask(&self, name: &str, text: &str) -> bool {
        let mut paths = text.split(',').flat_map(|path| path.split('.'));
        ["updateMask", "update_mask", "fieldMask", "paths"].contains(&name)
            && paths.all(|part| part == "*" || self.names.contains(part))
    }
}

/// A value of which the description says nothing: its form stays.
fn foreign(value: Json, placeholders: &mut Placeholders) -> Json {
    match value {
        Json::Null | Json::Bool(_) => value,
        Json::Number(_) => 0.into(),
        Json::String(text) => placeholders.text("", &text).into(),
        Json::Array(values) => {
            let values = values.into_iter();
            values.map(|value| foreign(value, placeholders)).collect()
        }
        Json::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = foreign(value, placeholders);
                (placeholders.unknown(&name), value)
            });
            Json::Object(fields.collect())
        }
    }
}

pub(super) fn is_number(ty: &Type) -> bool {
    use Type::{Double, Int32, Int64, Int64Number, Uint32, Uint64, Uint64Number};
    matches!(
        ty,
        Double | Int32 | Int64 | Int64Number | Uint32 | Uint64 | Uint64Number
    )
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction)
}

/// Whether a field says where in the response an expanded object is: `$.expanded[0]`.
fn is_expansion(name: &str, text: &str) -> bool {
    let index = text.strip_prefix("$.expanded[");
    let index = index.and_then(|text| text.strip_suffix(']'));
    let is_index = |text: &str| text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    (name.ends_with("Path") || name.ends_with("Paths")) && index.is_some_and(is_index)
}

/// The values of the parameters in a path, decoded. The base URL may have a path of its own before it. A segment that is more
/// than one parameter is the value of the first in it.
pub(super) fn path_values<'a>(template: &'a str, path: &str) -> Vec<(&'a str, String)> {
    let templates: Vec<_> = template.split('/').collect();
    let segments: Vec<_> = path.split('/').collect();
    let before = segments.len().saturating_sub(templates.len());
    let pairs = templates.iter().zip(&segments[before..]);
    let values = pairs.filter_map(|(template, segment)| {
        let mut pieces = pieces(template)?.into_iter();
        let name = pieces.find_map(|piece| match piece {
            Piece::Parameter(name) => Some(name),
            Piece::Literal(_) => None,
        })?;
        Some((name, decoded(segment)))
    });
    values.collect()
}

/// A segment without its percent-encoding; a `+` in it is no space.
fn decoded(segment: &str) -> String {
    let segment = segment.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(segment.as_bytes());
    pairs
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}
