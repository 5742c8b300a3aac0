//! Path items and their operations: names, parameters, bodies and responses, each by a file of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::identity::{Identity, identity};
use super::parameter::{self, Place};
use super::payload;
use super::schema::Reader;
use super::security::Schemes;
use super::shared::resolve;
use crate::error::{Error, Result, child};
use crate::findings::Findings;
use crate::model::{
    Description, Method, Operation, Page, PageToken, Parameter, Safety, Stability, Type,
};
use crate::names::{pascal, snake};
use crate::object::Object;
use crate::template::{self, Piece};

/// What the operations of a document have in common.
pub(super) struct Context<'c, 'a> {
    pub(super) components: &'c Object<'a>,
    pub(super) security: &'c Schemes<'a>,
    pub(super) schemas: &'c mut Reader<'a>,
}

/// Methods of which no operation is generated: nobody but a browser or a proxy sends them, or HTTP has them as a draft.
const NOT_GENERATED: [&str; 4] = ["head", "options", "query", "trace"];

pub(super) fn operations<'a>(paths: &Object<'a>, context: &mut Context<'_, 'a>) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    let (mut ids, mut shapes) = (BTreeSet::new(), BTreeSet::new());
    let findings = paths.findings();
    for (path, value, pointer) in paths.entries() {
        if path.starts_with("x-") {
            findings.note(&pointer, path, crate::findings::Note::UNUSED);
            continue;
        }
        let item = resolve(context.components, "pathItems", value, &pointer)
            .and_then(|(value, pointer)| Object::new(value, &pointer, findings));
        let Some(item) = findings.keep(item) else {
            continue;
        };
        findings.keep(item.doc());
        let Some(common) = findings.keep(item.list("parameters")) else {
            continue;
        };
        let common = (common.unwrap_or_default(), item.at("parameters"));
        for method in NOT_GENERATED {
            if item.get(method).is_some() {
                findings.note(&item.at(method), "an operation", "not generated");
            }
        }
        for method in Method::ALL {
            let key = method.as_str().to_lowercase();
            let operation = item.object(&key).and_then(|object| {
                let Some(object) = object else {
                    return Ok(None);
                };
                let operation = read(path, method, &object, &common, context)?;
                let id = object.string("operationId")?;
                if let Some(id) = id
                    && !ids.insert(id)
                {
                    let found = format!("the operation {id:?} again");
                    let expected = "an id of its own for each operation";
                    return Err(Error::new(object.pointer(), found, expected));
                }
                if !shapes.insert((method, template::shape(path))) {
                    let found = format!(
                        "a path that differs from another in the names of its parameters: {path:?}"
                    );
                    let expected = "a path of its own for each operation of a method";
                    return Err(Error::new(object.pointer(), found, expected));
                }
                Ok(Some(operation))
            });
            let Some(operation) = findings.keep(operation).flatten() else {
                continue;
            };
            operations.push(operation);
        }
        item.finish();
    }
    operations
}

fn read<'a>(
    path: &str,
    method: Method,
    object: &Object<'a>,
    common: &(&'a [Value], String),
    context: &mut Context<'_, 'a>,
) -> Result<Operation> {
    let Identity { group, name, rpc } = identity(object, method, path)?;
    let site = format!("{}{}", pascal(&group), pascal(&name));
    let findings = object.findings();
    let problems = findings.problems();
    let [mut path_parameters, query_parameters, header_parameters] =
        parameters(object, common, &site, context)?;
    // Without one that was refused, the template cannot be filled.
    if findings.problems() == problems {
        path_parameters = in_order_of_template(path, path_parameters, object.pointer())?;
    }
    let body = match object.get("requestBody") {
        None => None,
        Some(body) => {
            let pointer = object.at("requestBody");
            let (body, pointer) = resolve(context.components, "requestBodies", body, &pointer)?;
            let body = Object::new(body, &pointer, findings)?;
            payload::request(&body, &format!("{site}RequestBody"), context.schemas)?
        }
    };
    let response = payload::success(
        &object.require_object("responses")?,
        context.components,
        &format!("{site}ResponseBody"),
        context.schemas,
    )?;
    context.security.check(object)?;

    let level = object.string("x-stability-level")?;
    if let Some(level) = level.filter(|level| matches!(stability(level), Stability::Other(_))) {
        let pointer = object.at("x-stability-level");
        findings.note(&pointer, format!("stability {level:?}"), "stated as it is");
    }
    let level = level.or(object.string("x-stability")?);
    // The items of a page are found again in the answer's schema; see `pages`.
    let page = object
        .object("x-page")?
        .map(|page| page.require_string("items").map(str::to_owned))
        .transpose()?;
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
        header_parameters,
        body,
        response,
        page: page.map(|items| Page {
            items,
            token: PageToken::Nowhere,
        }),
        stability: level.map(stability),
        deprecated: object.boolean("deprecated")?,
        doc: object.doc()?,
    };
    object.finish();
    Ok(operation)
}

fn stability(level: &str) -> Stability {
    let mut known = Stability::ALL.into_iter();
    known
        .find(|known| known.as_str() == level)
        .unwrap_or_else(|| Stability::Other(level.to_owned()))
}

/// The parameters in path, query and headers: those of the operation, then those of its path item that it does not
/// override.
fn parameters<'a>(
    object: &Object<'a>,
    common: &(&'a [Value], String),
    site: &str,
    context: &mut Context<'_, 'a>,
) -> Result<[Vec<Parameter>; 3]> {
    let findings = object.findings();
    let own = object.list("parameters")?.unwrap_or_default();
    let mut places: [Vec<Parameter>; 3] = Default::default();
    let mut overridden = BTreeSet::new();
    for (list, at, is_own) in [
        (own, &object.at("parameters"), true),
        (common.0, &common.1, false),
    ] {
        for (index, value) in list.iter().enumerate() {
            let pointer = child(at, &index.to_string());
            let parameter = resolve(context.components, "parameters", value, &pointer)
                .and_then(|(value, pointer)| Object::new(value, &pointer, findings));
            let Some(parameter) = findings.keep(parameter) else {
                continue;
            };
            let key = (parameter.string("name")?, parameter.string("in")?);
            if is_own {
                overridden.insert(key);
            } else if overridden.contains(&key) {
                continue;
            }
            let read = parameter::read(&parameter, site, context.schemas);
            let Some((place, parameter)) = findings.keep(read).flatten() else {
                continue;
            };
            let known = match place {
                Place::Path => &mut places[0],
                Place::Query => &mut places[1],
                Place::Header => &mut places[2],
            };
            if known
                .iter()
                .any(|other| snake(&other.name) == snake(&parameter.name))
            {
                let found = format!("{:?} again", parameter.name);
                return Err(Error::new(&pointer, found, "each parameter once"));
            }
            known.push(parameter);
        }
    }
    Ok(places)
}

/// The path parameters in the order of the template, each exactly once.
fn in_order_of_template(
    path: &str,
    mut parameters: Vec<Parameter>,
    pointer: &str,
) -> Result<Vec<Parameter>> {
    let refuse = |found: String, expected: &str| Err(Error::new(pointer, found, expected));
    let pieces = template::pieces(path).filter(|_| path.starts_with('/'));
    let Some(pieces) = pieces.filter(|_| !path.contains(['?', '#', '\\'])) else {
        return refuse(
            format!("the path {path:?}"),
            "a slash first, and names of parameters in braces",
        );
    };
    let mut ordered = Vec::new();
    for piece in pieces {
        let Piece::Parameter(name) = piece else {
            continue;
        };
        let at = parameters.iter().position(|other| other.name == name);
        let Some(at) = at else {
            let expected = "a path parameter of that name, used once";
            return refuse(format!("{{{name}}} in the path"), expected);
        };
        ordered.push(parameters.remove(at));
    }
    match parameters.first() {
        None => Ok(ordered),
        Some(unused) => refuse(
            format!("the path parameter {:?}", unused.name),
            "its name in the path",
        ),
    }
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

/// Finds out which operations are paged: those whose response has `nextPageToken`.
pub(super) fn pages(description: &mut Description, findings: &Findings) {
    let mut pages = Vec::with_capacity(description.operations.len());
    for operation in &description.operations {
        for parameter in operation.parameters() {
            if let Some(message) = parameter
                .ty
                .reference()
                .filter(|name| description.message(name).is_some())
            {
                let found = format!("the parameter {:?} of type {message:?}", parameter.name);
                let error = Error::new(
                    &pointer(operation),
                    found,
                    "a scalar, an enum, or a list of these",
                );
                findings.keep::<()>(Err(error));
            }
        }
        pages.push(
            findings
                .keep(page(description, operation, findings))
                .flatten(),
        );
    }
    for (operation, page) in description.operations.iter_mut().zip(pages) {
        operation.page = page;
    }
}

fn page(
    description: &Description,
    operation: &Operation,
    findings: &Findings,
) -> Result<Option<Page>> {
    let response = operation.response.schema();
    let fields = response
        .and_then(|name| description.message(name))
        .map(|message| &message.fields);
    let token = fields.and_then(|fields| Some((fields, fields.get("nextPageToken")?)));
    let Some((fields, token)) = token else {
        return Ok(None);
    };
    if token.ty != Type::String {
        let found = "a `nextPageToken` that is no string";
        findings.note(&pointer(operation), found, "not paged");
        return Ok(None);
    }
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
        if operation.page.is_some() {
            let expected = "the list of items beside `nextPageToken`";
            return Err(Error::new(&pointer(operation), found, expected));
        }
        findings.note(&pointer(operation), found, "not paged");
        return Ok(None);
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
