//! Bodies: of requests, and of the responses that are a success.

use serde_json::Value;

use super::schema::Reader;
use super::shared::resolve;
use crate::error::{Error, Result};
use crate::findings::Note;
use crate::model::{Payload, Success, Type};
use crate::object::Object;

/// A media type that was chosen, with its schema.
struct Choice<'a> {
    media: String,
    is_json: bool,
    schema: Option<(&'a Value, String)>,
}

/// The body of a request. It is always sent, also where it need not be: a message without fields says nothing.
pub(super) fn request<'a>(
    body: &Object<'a>,
    site: &str,
    schemas: &mut Reader<'a>,
) -> Result<Option<Payload>> {
    if body.get("required").is_some() && !body.boolean("required")? {
        let found = "a body that is not required";
        body.findings()
            .note(body.pointer(), found, "a body, which is always sent");
    }
    body.doc()?;
    let choice = choose(body)?;
    body.finish();
    let Some(mut choice) = choice else {
        return Ok(None);
    };
    if choice.media.starts_with("multipart/") {
        let expected = "JSON, or a body that can be sent as bytes";
        return Err(Error::new(&body.at("content"), choice.media, expected));
    }
    if choice.media.contains('*') {
        // The header of a request names one type (RFC 9110, section 8.3).
        let bytes = "application/octet-stream";
        let found = format!("a body of any type {:?}", choice.media);
        body.findings().note(&body.at("content"), found, bytes);
        bytes.clone_into(&mut choice.media);
    }
    typed(choice, site, schemas).map(Some)
}

/// What the responses say of a success. Errors are read as `google.rpc.Status`, whatever they are said to be.
pub(super) fn success<'a>(
    responses: &Object<'a>,
    components: &Object<'a>,
    site: &str,
    schemas: &mut Reader<'a>,
) -> Result<Success> {
    let findings = responses.findings();
    let mut choices: Vec<Choice<'a>> = Vec::new();
    let (mut statuses, mut empty) = (Vec::new(), Vec::new());
    let is_success = |status: &str| status.len() == 3 && status.starts_with('2');
    let has_success = responses.entries().any(|(status, ..)| is_success(status));
    for (status, value, pointer) in responses.entries() {
        if status.starts_with("x-") {
            findings.note(&pointer, status, Note::UNUSED);
            continue;
        }
        let (value, pointer) = resolve(components, "responses", value, &pointer)?;
        let response = Object::new(value, &pointer, findings)?;
        response.doc()?;
        // Of a document that lists no success, the default is one.
        let is_default = status == "default" && !has_success;
        if is_success(status) || is_default {
            let status = if is_default { "2XX" } else { status }.to_uppercase();
            let choice = choose(&response)?;
            response.finish();
            match choice {
                None => empty.push(status),
                Some(choice) => {
                    statuses.push(status);
                    choices.push(choice);
                }
            }
        } else if status.starts_with(['4', '5']) || status == "default" {
            failure(&response, schemas)?;
        } else {
            findings.note(&pointer, format!("a response {status}"), Note::UNUSED);
        }
    }
    if statuses.is_empty() && empty.is_empty() {
        findings.note(responses.pointer(), "no success", "bytes of any type");
        statuses.push("2XX".to_owned());
        choices.push(Choice {
            media: "*/*".to_owned(),
            is_json: false,
            schema: None,
        });
    }
    let payload = together(choices, responses, site, schemas)?;
    Ok(Success {
        payload,
        statuses,
        empty,
    })
}

/// The one body of several responses: JSON of any kind or bytes where they differ.
fn together<'a>(
    mut choices: Vec<Choice<'a>>,
    responses: &Object<'a>,
    site: &str,
    schemas: &mut Reader<'a>,
) -> Result<Option<Payload>> {
    if choices.is_empty() {
        return Ok(None);
    }
    let first = choices.remove(0);
    let schema = |choice: &Choice<'a>| choice.schema.as_ref().map(|(schema, _)| *schema);
    let are_same = choices
        .iter()
        .all(|other| other.media == first.media && schema(other) == schema(&first));
    if are_same {
        return typed(first, site, schemas).map(Some);
    }
    for choice in choices.iter().chain([&first]) {
        known(choice, schemas)?;
    }
    let are_json = first.is_json && choices.iter().all(|other| other.is_json);
    let (payload, carried) = if are_json {
        (Payload::json(Type::Json), "any JSON")
    } else {
        let payload = Payload {
            media: "*/*".to_owned(),
            json: None,
        };
        (payload, "bytes of any type")
    };
    let found = "successes with different bodies";
    responses
        .findings()
        .note(responses.pointer(), found, carried);
    Ok(Some(payload))
}

/// Of an error only which schema it has, if it is another than that which errors are read as.
fn failure<'a>(response: &Object<'a>, schemas: &Reader<'a>) -> Result<()> {
    let choice = choose(response)?;
    response.finish();
    let Some(choice) = choice else { return Ok(()) };
    let name = known(&choice, schemas)?;
    let is_status = name.as_deref().is_some_and(|name| name.ends_with("Status"));
    if !is_status && let Some((_, pointer)) = &choice.schema {
        let what = name.map_or_else(String::new, |name| format!(" {name:?}"));
        let found = format!("errors of the schema{what}, not google.rpc.Status");
        response.findings().note(pointer, found, Note::UNUSED);
    }
    Ok(())
}

/// The schema that a choice refers to, if it does, which must exist.
fn known(choice: &Choice<'_>, schemas: &Reader<'_>) -> Result<Option<String>> {
    let Some((schema, pointer)) = &choice.schema else {
        return Ok(None);
    };
    let reference = schema.get("$ref");
    reference
        .map(|reference| schemas.reference(reference, &crate::error::child(pointer, "$ref")))
        .transpose()
}

/// The media type that is used: JSON if it is among them, otherwise the first. `None` if there is no content.
fn choose<'a>(holder: &Object<'a>) -> Result<Option<Choice<'a>>> {
    let Some(content) = holder.object("content")? else {
        return Ok(None);
    };
    let mut choices = Vec::new();
    for (media, value, pointer) in content.entries() {
        let object = Object::new(value, &pointer, holder.findings())?;
        let essence = media.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_lowercase();
        let schema = object
            .get("schema")
            .map(|schema| (schema, object.at("schema")));
        let is_any =
            essence == "*/*" && schema.as_ref().is_some_and(|(schema, _)| !is_text(schema));
        let is_json = is_any || essence == Payload::JSON || essence.ends_with("+json");
        let media = match essence {
            _ if is_any => Payload::JSON.to_owned(),
            essence if is_json => essence,
            // A parameter of another type says how to read it.
            _ => media.trim().to_owned(),
        };
        if !is_media(&media) {
            let expected = "a media type such as \"text/csv\"";
            return Err(Error::new(&pointer, format!("{media:?}"), expected));
        }
        choices.push((
            Choice {
                media,
                is_json,
                schema,
            },
            object,
        ));
    }
    let best = choices
        .iter()
        .position(|(choice, _)| choice.media == Payload::JSON)
        .or_else(|| choices.iter().position(|(choice, _)| choice.is_json))
        // A form of several parts cannot be sent.
        .or_else(|| {
            let mut all = choices.iter();
            all.position(|(choice, _)| !choice.media.starts_with("multipart/"))
        })
        .unwrap_or_default();
    if choices.is_empty() {
        return Ok(None);
    }
    let (choice, object) = choices.remove(best);
    object.finish();
    for (other, object) in choices {
        holder
            .findings()
            .note(object.pointer(), other.media, Note::UNUSED);
    }
    Ok(Some(choice))
}

fn typed<'a>(choice: Choice<'a>, site: &str, schemas: &mut Reader<'a>) -> Result<Payload> {
    let media = choice.media;
    let json = match choice.schema {
        Some((schema, pointer)) if choice.is_json => Some(schemas.ty(schema, &pointer, site)?.0),
        None if choice.is_json => Some(Type::Json),
        Some((schema, pointer)) if !is_text(schema) => {
            let found = format!("a schema of {media}");
            schemas.findings().note(&pointer, found, "bytes");
            None
        }
        _ => None,
    };
    Ok(Payload { media, json })
}

/// Whether a schema says no more than that there is text, or bytes.
fn is_text(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("string") && schema.get("enum").is_none()
}

/// Whether a media type can stand in a header: `type/subtype`, and parameters behind it.
fn is_media(media: &str) -> bool {
    let is_token = |token: &str| {
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        !token.is_empty() && token.chars().all(is_tchar)
    };
    let essence = media.split(';').next().unwrap_or_default().trim_end();
    let parts = essence.split_once('/');
    parts.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        && media.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}
