//! A [`Description`] to what progenitor reads: OpenAPI 3.0.3, operations in full, schemas by name.
//!
//! The types of messages and enums are generated here (see [`crate::generate`]), not by progenitor:
//! `x-rust-type` tells it where they are. Strings with a pattern stay its own.
//!
//! progenitor takes less than OpenAPI can say. [`is_lowered`] is the one place that says what it can do exactly; all other
//! operations are left out here, and the builders send their requests by `c1-api/src/direct.rs`.
//!
//! The document is built value by value, not read from JSON: the code that reads OpenAPI is large,
//! and would be compiled in every user's build.

use indexmap::IndexMap;
use openapiv3::{
    Components, Info, IntegerFormat, IntegerType, MediaType, NumberType, OpenAPI,
    Operation as Lowered, Parameter as LoweredParameter, ParameterData, ParameterSchemaOrContent,
    PathItem, PathStyle, QueryStyle, ReferenceOr, RequestBody, Response, Responses, Schema,
    SchemaData, SchemaKind as LoweredKind, StatusCode, StringType, Type as LoweredType,
    VariantOrUnknownOrEmpty,
};
use serde_json::json;

use crate::model::{Description, Method, Operation, Parameter, Payload, SchemaKind, Type};
use crate::names::snake;

/// The document for progenitor's generator of mocks: as the other, but every type is one of c1-api, and every operation has
/// errors, whose body is the type `error` of c1-api-httpmock.
pub fn lower_for_mocks(description: &Description, error: &str) -> OpenAPI {
    let mut document = lower(description);
    let mut schemas: IndexMap<_, _> = description
        .schemas
        .keys()
        .map(|name| {
            let place = place("c1-api", &format!("c1_api::types::{name}"));
            (name.clone(), ReferenceOr::Item(place))
        })
        .collect();
    // typify takes a type as it is only if the schema has its name.
    let body = place("c1-api-httpmock", &format!("c1_api_httpmock::{error}"));
    schemas.insert(error.to_owned(), ReferenceOr::Item(body));
    if let Some(components) = &mut document.components {
        components.schemas = schemas;
    }
    for item in document.paths.paths.values_mut() {
        let ReferenceOr::Item(item) = item else {
            continue;
        };
        let slots = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in slots.into_iter().flatten() {
            operation.responses.default = Some(ReferenceOr::Item(Response {
                content: content(error),
                ..Response::default()
            }));
        }
    }
    document
}

/// The document for progenitor.
pub fn lower(description: &Description) -> OpenAPI {
    let mut document = OpenAPI {
        openapi: "3.0.3".to_owned(),
        info: Info {
            title: "the C1 API".to_owned(),
            version: description.version.clone(),
            ..Info::default()
        },
        ..OpenAPI::default()
    };
    let operations = description.operations.iter();
    for operation in operations.filter(|operation| is_lowered(operation, description)) {
        let mut operation = operation.clone();
        tell_apart(&mut operation);
        let path = document.paths.paths.entry(operation.path.clone());
        if let ReferenceOr::Item(item) =
            path.or_insert_with(|| ReferenceOr::Item(PathItem::default()))
        {
            let slot = match operation.method {
                Method::Get => &mut item.get,
                Method::Post => &mut item.post,
                Method::Put => &mut item.put,
                Method::Patch => &mut item.patch,
                Method::Delete => &mut item.delete,
            };
            *slot = Some(lowered(&operation));
        }
    }
    let schemas = description.schemas.iter();
    let schemas =
        schemas.map(|(name, schema)| (name.clone(), ReferenceOr::Item(named(name, &schema.kind))));
    document.components = Some(Components {
        schemas: schemas.collect(),
        ..Components::default()
    });
    document
}

/// Whether progenitor can make exactly the call that the description says. It cannot have
///
/// - a parameter within a segment of the path, or one there that is neither text nor a 64-bit integer;
/// - a list in the query (`explode: false` comes out wrong without a word), a date or a duration, a parameter in a header
///   (its client would overwrite it), or one called `body` beside a body;
/// - a body or a response other than JSON of a message, and a success without a body beside one with it.
///
/// What is required in the query is left to us as well, for a uniform order of arguments.
pub fn is_lowered(operation: &Operation, description: &Description) -> bool {
    let is_message = |payload: &Payload| {
        let schema = payload.schema().filter(|_| payload.media == Payload::JSON);
        schema.is_some_and(|name| description.message(name).is_some())
    };
    let is_segment = |parameter: &Parameter| {
        let segment = format!("{{{}}}", parameter.name);
        operation.path.split('/').any(|other| other == segment)
            && matches!(parameter.ty, Type::String | Type::Int64 | Type::Uint64)
    };
    let is_setter = |parameter: &Parameter| {
        let clashes = snake(&parameter.name) == "body" && operation.body.is_some();
        let is_text = matches!(
            parameter.ty,
            Type::String
                | Type::Bool
                | Type::Int32
                | Type::Uint32
                | Type::Int64
                | Type::Uint64
                | Type::Double
                | Type::Ref(_)
        );
        is_text && !parameter.required && !clashes
    };
    operation.path_parameters.iter().all(is_segment)
        && operation.query_parameters.iter().all(is_setter)
        && operation.header_parameters.is_empty()
        && operation.body.iter().all(is_message)
        && operation.response.payload.as_ref().is_some_and(is_message)
        && operation.response.empty.is_empty()
}

/// Renames the parameters in the path that would be arguments of the same name as one in the query, or as the body. Nothing
/// of this is seen on the wire, unlike the names in the query.
fn tell_apart(operation: &mut Operation) {
    for parameter in &mut operation.path_parameters {
        let name = snake(&parameter.name);
        let mut query = operation.query_parameters.iter();
        if query.any(|other| snake(&other.name) == name)
            || (name == "body" && operation.body.is_some())
        {
            let template = format!("{{{}}}", parameter.name);
            parameter.name.push_str("_path");
            let renamed = format!("{{{}}}", parameter.name);
            operation.path = operation.path.replace(&template, &renamed);
        }
    }
}

/// A named schema: where its type is, or for a pattern what progenitor makes one of.
fn named(name: &str, kind: &SchemaKind) -> Schema {
    match kind {
        SchemaKind::Pattern(pattern) => plain(LoweredType::String(StringType {
            pattern: Some(pattern.clone()),
            ..StringType::default()
        })),
        SchemaKind::Message(_) | SchemaKind::Enum(_) => {
            place("c1-api", &format!("c1_api::types::{name}"))
        }
    }
}

/// A schema whose type is there already, in this crate at this path.
fn place(krate: &str, path: &str) -> Schema {
    let place = json!({ "crate": krate, "version": "*", "path": path });
    let extensions = IndexMap::from([("x-rust-type".to_owned(), place)]);
    Schema {
        schema_data: SchemaData {
            extensions,
            ..SchemaData::default()
        },
        schema_kind: LoweredKind::Type(LoweredType::Object(openapiv3::ObjectType::default())),
    }
}

fn lowered(operation: &Operation) -> Lowered {
    let path = operation
        .path_parameters
        .iter()
        .map(|parameter| LoweredParameter::Path {
            parameter_data: data(parameter, true),
            style: PathStyle::Simple,
        });
    let query = operation
        .query_parameters
        .iter()
        .map(|parameter| LoweredParameter::Query {
            parameter_data: data(parameter, false),
            allow_reserved: false,
            style: QueryStyle::Form,
            allow_empty_value: None,
        });
    let body = operation.body.as_ref().and_then(Payload::schema);
    let body = body.map(|schema| {
        ReferenceOr::Item(RequestBody {
            content: content(schema),
            required: true,
            ..RequestBody::default()
        })
    });
    let answer = Response {
        content: operation.response.schema().map(content).unwrap_or_default(),
        ..Response::default()
    };
    let status = match &operation.response.statuses[..] {
        [status] if status == "200" => StatusCode::Code(200),
        // One response for all of them, so that progenitor decodes it in one place.
        _ => StatusCode::Range(2),
    };
    let responses = IndexMap::from([(status, ReferenceOr::Item(answer))]);
    Lowered {
        operation_id: Some(operation.raw_id()),
        parameters: path.chain(query).map(ReferenceOr::Item).collect(),
        request_body: body,
        responses: Responses {
            responses,
            ..Responses::default()
        },
        ..Lowered::default()
    }
}

fn content(schema: &str) -> IndexMap<String, MediaType> {
    let media = MediaType {
        schema: Some(reference(schema)),
        ..MediaType::default()
    };
    IndexMap::from([("application/json".to_owned(), media)])
}

fn reference<T>(schema: &str) -> ReferenceOr<T> {
    ReferenceOr::Reference {
        reference: format!("#/components/schemas/{schema}"),
    }
}

fn data(parameter: &Parameter, required: bool) -> ParameterData {
    let schema = match &parameter.ty {
        Type::Ref(name) => reference(name),
        ty => ReferenceOr::Item(plain(scalar(ty))),
    };
    ParameterData {
        name: parameter.name.clone(),
        description: None,
        required,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(schema),
        example: None,
        examples: IndexMap::new(),
        explode: None,
        extensions: IndexMap::new(),
    }
}

/// The scalars that a parameter can be; everything else stands in a URL as text.
fn scalar(ty: &Type) -> LoweredType {
    let integer = |format: VariantOrUnknownOrEmpty<IntegerFormat>| {
        LoweredType::Integer(IntegerType {
            format,
            ..IntegerType::default()
        })
    };
    match ty {
        Type::Bool => LoweredType::Boolean(openapiv3::BooleanType::default()),
        Type::Int32 => integer(VariantOrUnknownOrEmpty::Item(IntegerFormat::Int32)),
        Type::Int64 | Type::Int64Number => {
            integer(VariantOrUnknownOrEmpty::Item(IntegerFormat::Int64))
        }
        Type::Uint32 => integer(VariantOrUnknownOrEmpty::Unknown("uint32".to_owned())),
        Type::Uint64 | Type::Uint64Number => {
            integer(VariantOrUnknownOrEmpty::Unknown("uint64".to_owned()))
        }
        Type::Double => LoweredType::Number(NumberType::default()),
        _ => LoweredType::String(StringType::default()),
    }
}

fn plain(ty: LoweredType) -> Schema {
    Schema {
        schema_data: SchemaData::default(),
        schema_kind: LoweredKind::Type(ty),
    }
}
