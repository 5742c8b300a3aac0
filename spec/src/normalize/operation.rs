//! Operations: their ids, parameters, bodies and responses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::schema::Reader;
use crate::error::{Error, Result, child};
use crate::findings::Findings;
use crate::model::{
    Description, Method, Operation, Page, PageToken, Parameter, Payload, Safety, Stability,
    Success, Type,
};
use crate::names::{self, snake};
use crate::object::Object;

/// The one media type that the API speaks.
const JSON: &str = "application/json";

pub(super) fn operations<'a>(paths: &Object<'a>, schemas: &mut Reader<'a>) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut ids = BTreeSet::new();
    let findings = paths.findings();
    for (path, item, pointer) in paths.entries() {
        let Some(item) = findings.keep(Object::new(item, &pointer, findings)) else {
            continue;
        };
        for method in Method::ALL {
            let operation = item
                .object(&method.as_str().to_lowercase())
                .and_then(|operation| {
                    operation
                        .map(|operation| read(path, method, &operation, schemas))
                        .transpose()
                });
            let Some(operation) = findings.keep(operation).flatten() else {
                continue;
            };
            if !ids.insert(operation.raw_id()) {
                let found = format!("the operation {:?} again", operation.id());
                let expected = "a name of its own for each operation";
                findings.keep::<()>(Err(Error::new(&pointer, found, expected)));
            }
            operations.push(operation);
        }
        findings.keep(item.refuse_rest());
    }
    shorten(&mut operations);
    operations
}

/// Drops the group's name from the names that repeat it: `apps.create_app` becomes `apps.create`.
///
/// A name that another operation of the group has, or would get too, stays as it is. So the result depends neither on
/// the order of the operations nor on whether names are short already, and no document is refused for its names.
fn shorten(operations: &mut [Operation]) {
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    let shorts: Vec<_> = operations
        .iter()
        .map(|operation| without_group(&operation.group, &operation.name))
        .collect();
    for (operation, short) in operations.iter().zip(&shorts) {
        for name in std::iter::once(&operation.name).chain(short) {
            let key = (operation.group.clone(), name.clone());
            *taken.entry(key).or_default() += 1;
        }
    }
    for (operation, short) in operations.iter_mut().zip(shorts) {
        let Some(short) = short else { continue };
        if taken[&(operation.group.clone(), short.clone())] == 1 {
            let long = std::mem::replace(&mut operation.name, short);
            operation.vendor_name.get_or_insert(long);
        }
    }
}

/// The name without the words of the group, in the singular or the plural; `None` where it does not hold them, or where
/// nothing would be left that can be a name.
fn without_group(group: &str, name: &str) -> Option<String> {
    let singular = |word: &str| word.strip_suffix('s').unwrap_or(word).to_owned();
    let group: Vec<_> = group.split('_').map(singular).collect();
    let mut words: Vec<_> = name.split('_').collect();
    let before = words.len();
    while let Some(at) = words.windows(group.len()).position(|run| {
        run.iter()
            .zip(&group)
            .all(|(word, known)| singular(word) == *known)
    }) {
        words.drain(at..at + group.len());
    }
    let short = words.join("_");
    let is_name = short.starts_with(|c: char| c.is_ascii_lowercase());
    (words.len() < before && is_name).then_some(short)
}

fn read<'a>(
    path: &str,
    method: Method,
    object: &Object<'a>,
    schemas: &mut Reader<'a>,
) -> Result<Operation> {
    let (group, name, rpc) = identity(object)?;
    let pascal_id = format!(
        "{}{}",
        crate::names::pascal(&group),
        crate::names::pascal(&name)
    );
    let mut path_parameters = Vec::new();
    let mut query_parameters = Vec::new();
    let problems = object.findings().problems();
    for (index, value) in object
        .list("parameters")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let pointer = child(&object.at("parameters"), &index.to_string());
        let parameter = parameter(value, &pointer, &pascal_id, schemas);
        let Some((location, parameter)) = object.findings().keep(parameter) else {
            continue;
        };
        let known = if location == "path" {
            &mut path_parameters
        } else {
            &mut query_parameters
        };
        if known
            .iter()
            .any(|other: &Parameter| snake(&other.name) == snake(&parameter.name))
        {
            return Err(Error::new(
                &pointer,
                format!("{:?} again", parameter.name),
                "each parameter once",
            ));
        }
        known.push(parameter);
    }
    // Without one that was refused, the template cannot be filled.
    if object.findings().problems() == problems {
        path_parameters = in_order_of_template(path, path_parameters, object.pointer())?;
    }

    let body = match object.object("requestBody")? {
        None => None,
        Some(body) => {
            body.boolean("required")?;
            body.doc()?;
            let schema = json_schema(&body, schemas)?;
            body.refuse_rest()?;
            Some(schema)
        }
    };
    let mut query = query_parameters.iter();
    if let Some(parameter) = query.find(|parameter| snake(&parameter.name) == "body")
        && body.is_some()
    {
        return Err(Error::new(
            object.pointer(),
            format!("the query parameter {:?} beside a body", parameter.name),
            "another name, since progenitor has the body under that one",
        ));
    }
    let responses = object.require_object("responses")?;
    let ok = responses.require_object("200")?;
    ok.doc()?;
    let response = json_schema(&ok, schemas)?;
    ok.refuse_rest()?;
    responses.refuse_rest()?;

    let stability = object
        .string("x-stability-level")?
        .or(object.string("x-stability")?);
    let stability = stability.map(|level| {
        Stability::ALL
            .into_iter()
            .find(|known| known.as_str() == level)
            .ok_or_else(|| {
                Error::new(
                    object.pointer(),
                    format!("stability {level:?}"),
                    "draft, alpha, beta or stable",
                )
            })
    });
    // The items of a page are found again in the answer's schema; see `pages`.
    let page = object
        .object("x-page")?
        .map(|page| page.require_string("items").map(str::to_owned))
        .transpose()?;
    object.get("tags");
    let operation = Operation {
        group,
        name,
        vendor_name: object.string("x-vendor-name")?.map(str::to_owned),
        rpc,
        method,
        safety: safety(method, object)?,
        path: path.to_owned(),
        path_parameters,
        query_parameters,
        header_parameters: Vec::new(),
        body: body.map(|name| Payload::json(Type::Ref(name))),
        response: Success::json(Type::Ref(response)),
        page: page.map(|items| Page {
            items,
            token: PageToken::Nowhere,
        }),
        stability: stability.transpose()?,
        deprecated: object.boolean("deprecated")?,
        doc: object.doc()?,
    };
    object.finish();
    Ok(operation)
}

/// As the method has it; a POST can be marked as one that only reads.
fn safety(method: Method, object: &Object<'_>) -> Result<Safety> {
    let safe = object.boolean("x-safe")?;
    if method != Method::Post && object.get("x-safe").is_some() {
        return Err(Error::new(
            &object.at("x-safe"),
            format!("`x-safe` on a {}", method.as_str()),
            "it on a POST only, since every other method says it by itself",
        ));
    }
    Ok(if safe {
        Safety::Safe
    } else {
        Safety::of(method)
    })
}

/// Group and name: from the vendor's extensions, from our id, or from the last two segments of the
/// RPC's name.
fn identity(object: &Object<'_>) -> Result<(String, String, Option<String>)> {
    let id = object.require_string("operationId")?;
    let rpc = object.string("x-rpc")?;
    let group = object.string("x-speakeasy-group")?;
    let name = object.string("x-speakeasy-name-override")?;
    let mut segments = id.rsplit('.');
    let (last, before) = (segments.next().unwrap_or(id), segments.next());
    let nested = segments.next().is_some();
    let (group, name) = match (group.or(before), name.unwrap_or(last)) {
        (Some(group), name) => (names::group(group), snake(name)),
        (None, _) => {
            return Err(Error::new(
                &object.at("operationId"),
                format!("{id:?}"),
                "`group.name`",
            ));
        }
    };
    let rpc = rpc.or(Some(id).filter(|_| nested)).map(str::to_owned);
    let starts_with_letter = |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_with_letter(&group) && starts_with_letter(&name) && (group.clone() + &name).is_ascii()
    {
        Ok((group, name, rpc))
    } else {
        Err(Error::new(
            object.pointer(),
            format!("the name {group:?}.{name:?}"),
            "names of ASCII letters and digits",
        ))
    }
}

fn parameter<'a>(
    value: &'a Value,
    pointer: &str,
    operation: &str,
    schemas: &mut Reader<'a>,
) -> Result<(&'a str, Parameter)> {
    let object = Object::new(value, pointer, schemas.findings())?;
    let name = object.require_string("name")?;
    let location = object.require_string("in")?;
    let required = object.boolean("required")?;
    let expected = match location {
        "path" if required => None,
        "query" if !required => None,
        "path" => Some("a path parameter that is required"),
        "query" => Some("a query parameter that is not required"),
        _ => Some("a parameter in path or query"),
    };
    if let Some(expected) = expected {
        return Err(Error::new(
            pointer,
            format!("{name:?} in {location:?}, required: {required}"),
            expected,
        ));
    }
    let site = format!("{operation}{}", crate::names::pascal(name));
    let (ty, facts) = schemas.ty(object.require("schema")?, &object.at("schema"), &site)?;
    let simple = match ty {
        Type::String | Type::Int64 | Type::Uint64 => true,
        // Whether a reference leads to an enum, not to a message, shows once the schemas are read.
        Type::Bool | Type::Int32 | Type::Uint32 | Type::Double | Type::Ref(_) => {
            location == "query"
        }
        _ => false,
    };
    if !simple {
        return Err(Error::new(
            pointer,
            format!("{ty:?}"),
            "a scalar, in the path a string or an integer",
        ));
    }
    let doc = object.doc()?.or(facts.doc);
    let ours = object.boolean("x-ours")?;
    object.refuse_rest()?;
    Ok((
        location,
        Parameter {
            name: name.to_owned(),
            ty,
            required,
            separator: None,
            deprecated: false,
            read_only: facts.read_only,
            ours,
            doc,
        },
    ))
}

/// The path parameters in the order of the template, each exactly once.
fn in_order_of_template(
    path: &str,
    mut parameters: Vec<Parameter>,
    pointer: &str,
) -> Result<Vec<Parameter>> {
    let mut ordered = Vec::new();
    for segment in path.split('/') {
        let Some(name) = segment
            .strip_prefix('{')
            .and_then(|segment| segment.strip_suffix('}'))
        else {
            if segment.contains(['{', '}']) {
                return Err(Error::new(
                    pointer,
                    format!("the segment {segment:?}"),
                    "a literal or one whole parameter",
                ));
            }
            continue;
        };
        let Some(at) = parameters
            .iter()
            .position(|parameter| parameter.name == name)
        else {
            return Err(Error::new(
                pointer,
                format!("{{{name}}} in the path"),
                "a path parameter of that name, used once",
            ));
        };
        ordered.push(parameters.remove(at));
    }
    match parameters.first() {
        None => Ok(ordered),
        Some(unused) => {
            let found = format!("the path parameter {:?}", unused.name);
            Err(Error::new(pointer, found, "its name in the path"))
        }
    }
}

/// The schema that a body or a response refers to, in the one media type that is known.
fn json_schema(holder: &Object<'_>, schemas: &Reader<'_>) -> Result<String> {
    let content = holder.require_object("content")?;
    let media = content.require_object(JSON)?;
    let schema = media.require_object("schema")?;
    let name = schemas.reference(schema.require("$ref")?, &schema.at("$ref"))?;
    schema.finish();
    media.finish();
    content.refuse_rest()?;
    Ok(name)
}

/// Finds out which operations are paged: those whose response has `nextPageToken`.
pub(super) fn pages(description: &mut Description, findings: &Findings) {
    let mut pages = Vec::with_capacity(description.operations.len());
    for operation in &description.operations {
        for parameter in &operation.query_parameters {
            if let Some(message) = parameter
                .ty
                .reference()
                .filter(|name| description.message(name).is_some())
            {
                let found = format!(
                    "the query parameter {:?} of type {message:?}",
                    parameter.name
                );
                let error = Error::new(&pointer(operation), found, "a scalar or an enum");
                findings.keep::<()>(Err(error));
            }
        }
        pages.push(findings.keep(page(description, operation)).flatten());
    }
    for (operation, page) in description.operations.iter_mut().zip(pages) {
        operation.page = page;
    }
}

fn page(description: &Description, operation: &Operation) -> Result<Option<Page>> {
    let response = operation.response.schema();
    let fields = response
        .and_then(|name| description.message(name))
        .map(|message| &message.fields);
    let Some(fields) = fields.filter(|fields| fields.contains_key("nextPageToken")) else {
        return Ok(None);
    };
    let lists: Vec<_> = fields
        .iter()
        .filter(|(name, field)| matches!(field.ty, Type::List(_)) && *name != "expanded")
        .map(|(name, _)| name)
        .collect();
    let items = match &operation.page {
        Some(page) => lists.iter().find(|name| ***name == page.items),
        None => lists
            .iter()
            .find(|name| **name == "list")
            .or(if lists.len() == 1 {
                lists.first()
            } else {
                None
            }),
    };
    let Some(items) = items else {
        let found = format!("the lists {lists:?} in {:?}", response.unwrap_or_default());
        return Err(Error::new(
            &pointer(operation),
            found,
            "one list of items beside `nextPageToken`",
        ));
    };
    let in_body = operation
        .body
        .as_ref()
        .and_then(|body| description.message(body.schema()?));
    let token = if in_body.is_some_and(|body| body.fields.contains_key("pageToken")) {
        PageToken::Body
    } else if operation
        .query_parameters
        .iter()
        .any(|parameter| parameter.name == "page_token")
    {
        PageToken::Query
    } else {
        PageToken::Nowhere
    };
    Ok(Some(Page {
        items: (*items).clone(),
        token,
    }))
}

fn pointer(operation: &Operation) -> String {
    let path = child("#/paths", &operation.path);
    child(&path, &operation.method.as_str().to_lowercase())
}
