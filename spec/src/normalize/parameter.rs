//! Parameters: where they stand, what they hold and how it is written.

use super::schema::Reader;
use crate::error::{Error, Result, child};
use crate::findings::Note;
use crate::model::{Parameter, Type};
use crate::names::pascal;
use crate::object::Object;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// Headers that OpenAPI has said elsewhere; a parameter of that name is ignored (OpenAPI 3.1, "Parameter Object").
const IGNORED: [&str; 3] = ["accept", "authorization", "content-type"];

/// Headers that the client or HTTP itself decides on.
const RESERVED: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "dpop",
    "host",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Reads a parameter of the operation; `None` for one that is noted and not sent.
pub(super) fn read<'a>(
    object: &Object<'a>,
    operation: &str,
    schemas: &mut Reader<'a>,
) -> Result<Option<(Place, Parameter)>> {
    let findings = object.findings();
    let refuse = |found: String, expected: &str| Err(Error::new(object.pointer(), found, expected));
    let name = object.require_string("name")?;
    let location = object.require_string("in")?;
    let mut required = object.boolean("required")?;
    let place = match location {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        _ => {
            let expected = "a parameter in path, query or header";
            return refuse(format!("{name:?} in {location:?}"), expected);
        }
    };
    if place == Place::Path && !required {
        findings.note(
            object.pointer(),
            "a path parameter that is not required",
            "required",
        );
        required = true;
    }
    if place == Place::Header {
        let folded = name.to_lowercase();
        let is_ignored = IGNORED.contains(&folded.as_str());
        if is_ignored || (RESERVED.contains(&folded.as_str()) && !required) {
            let found = format!("a parameter in the header {name:?}");
            findings.note(
                object.pointer(),
                found,
                "not sent: the client sets this header",
            );
            return Ok(None);
        }
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if RESERVED.contains(&folded.as_str()) || name.is_empty() || !name.chars().all(is_tchar) {
            return refuse(format!("the header {name:?}"), "a header that can be set");
        }
    }
    if object.get("content").is_some() {
        let found = format!("`content` of the parameter {name:?}");
        return refuse(found, "`schema`: a parameter is text, not a document");
    }
    let (ty, facts) = schemas.ty(
        object.require("schema")?,
        &object.at("schema"),
        &format!("{operation}{}", pascal(name)),
    )?;
    let ty = sendable(ty, place, object)?;
    let separator = separator(object, place, &ty)?;
    if facts.default.is_some() {
        let at = child(&object.at("schema"), "default");
        schemas.findings().note(&at, "default", Note::UNUSED);
    }
    let doc = object.doc()?.or(facts.doc);
    let ours = object.boolean("x-ours")?;
    let deprecated = object.boolean("deprecated")? || facts.deprecated;
    // Values are percent-encoded in any case, which says the same.
    object.get("allowReserved");
    object.finish();
    let parameter = Parameter {
        name: name.to_owned(),
        ty,
        required,
        separator,
        deprecated,
        read_only: facts.read_only,
        ours,
        doc,
    };
    Ok(Some((place, parameter)))
}

/// The type as a parameter can have it. Whether a reference leads to an enum, not to a message, shows once the schemas are
/// read.
fn sendable(ty: Type, place: Place, object: &Object<'_>) -> Result<Type> {
    let as_text = |found: &str, carried: &str| {
        let pointer = object.at("schema");
        object.findings().note(&pointer, found, carried);
        Ok(Type::String)
    };
    // Outside of JSON, a number and a string of digits are the same text.
    let digits = |ty| match ty {
        Type::Int64Number => Type::Int64,
        Type::Uint64Number => Type::Uint64,
        ty => ty,
    };
    match digits(ty) {
        Type::Json => as_text("a parameter of any type", "a string"),
        Type::List(_) if place == Place::Path => as_text(
            "a list in the path",
            "a string, with commas between the values",
        ),
        Type::List(item) => match digits(*item) {
            Type::Json => {
                as_text("a list of any type", "a list of strings")?;
                Ok(Type::List(Box::new(Type::String)))
            }
            item if is_scalar(&item) => Ok(Type::List(Box::new(item))),
            other => Err(unsendable(&other, object)),
        },
        ty if is_scalar(&ty) => Ok(ty),
        other => Err(unsendable(&other, object)),
    }
}

fn unsendable(ty: &Type, object: &Object<'_>) -> Error {
    let expected = "a scalar, an enum, or a list of these";
    Error::new(object.pointer(), format!("{ty:?}"), expected)
}

fn is_scalar(ty: &Type) -> bool {
    !matches!(
        ty,
        Type::Any | Type::Object | Type::Json | Type::List(_) | Type::Map(_)
    )
}

/// What stands between the values of a list; the styles that no value here can have are refused.
fn separator(object: &Object<'_>, place: Place, ty: &Type) -> Result<Option<char>> {
    let default = if place == Place::Query {
        "form"
    } else {
        "simple"
    };
    let style = object.string("style")?.unwrap_or(default);
    let separator = match (place, style) {
        (Place::Query, "form") | (Place::Path | Place::Header, "simple") => ',',
        (Place::Query, "spaceDelimited") => ' ',
        (Place::Query, "pipeDelimited") => '|',
        _ => {
            let expected = "form, spaceDelimited or pipeDelimited in the query, simple elsewhere";
            return Err(Error::new(
                &object.at("style"),
                format!("{style:?}"),
                expected,
            ));
        }
    };
    let explode = match object.get("explode") {
        None => style == "form",
        Some(_) => object.boolean("explode")?,
    };
    let is_list = matches!(ty, Type::List(_));
    Ok((is_list && place == Place::Query && !explode).then_some(separator))
}
