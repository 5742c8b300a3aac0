//! The vendor's form of the description, or ours, to a [`Description`].
//!
//! The vendor writes names, oneof groups and paging in extensions and prose; our own form (see
//! [`crate::emit`]) writes them as what they are. Both are read here, so that reading our own
//! output gives the same description again. What is not understood is refused, never dropped.

mod operation;
mod origin;
mod schema;

use indexmap::IndexMap;
pub(crate) use schema::common_prefix;
use serde_json::Value;

use crate::error::{Error, Result, child};
use crate::findings::{Findings, Note};
use crate::lock::Lock;
use crate::model::{Description, Server};
use crate::naming::{self, Names};
use crate::object::Object;
use crate::read::shape;

/// Reads a document in the vendor's form or ours, with the names of the shipped lock where it is
/// [of the same service](Lock::of_document).
///
/// # Errors
///
/// When a construct is unknown, a reference leads nowhere, or a name is taken twice.
pub fn normalize(document: &Value) -> Result<Description> {
    normalize_with(document, Lock::of_document(document)?)
}

/// The same with another lock than the shipped one. It is used whatever the document is of.
///
/// # Errors
///
/// As [`normalize`].
pub fn normalize_with(document: &Value, lock: &Lock) -> Result<Description> {
    let findings = Findings::default();
    let description = read(document, lock, &findings);
    // What went wrong in single places, and what ended the reading.
    let description = findings.keep(description);
    let notes = findings.finish()?;
    let mut description = description.ok_or_else(|| Error::new("#", "nothing", "a description"))?;
    description.notes = notes;
    Ok(description)
}

fn read(document: &Value, lock: &Lock, findings: &Findings) -> Result<Description> {
    let root = Object::new(document, "#", findings)?;
    let openapi = root.require_string("openapi")?;
    if !(openapi.starts_with("3.1.") || openapi.starts_with("3.0.")) {
        return Err(Error::new(
            "#/openapi",
            format!("{openapi:?}"),
            "OpenAPI 3.0 or 3.1",
        ));
    }
    let info = root.require_object("info")?;
    let version = info.require_string("version")?.to_owned();
    info.doc()?;
    info.finish();
    findings.keep(notes(&root));
    let origin = findings.keep(origin::origin(&root)).flatten();

    let components = root.require_object("components")?;
    let mut schemas = schema::Reader::new(components.require_object("schemas")?)?;
    let token_url = findings.keep(security(&root, &components));
    components.finish();

    let operations = operation::operations(&root.require_object("paths")?, &mut schemas);
    let server = findings.keep(server(&root, token_url.unwrap_or_default()));
    for known in ["tags", "x-form"] {
        root.get(known);
    }
    root.finish();

    let mut description = Description {
        version,
        origin,
        server: server.unwrap_or_else(|| Server {
            url: String::new(),
            variables: IndexMap::new(),
            token_url: String::new(),
        }),
        operations,
        schemas: IndexMap::new(),
        notes: Vec::new(),
        names: Names::default(),
    };
    schemas.finish(&mut description)?;
    // Of schemas that were refused, nothing more can be said.
    if findings.problems() == 0 {
        operation::pages(&mut description, findings);
    }
    description.names = naming::names(&description, lock);
    Ok(description)
}

/// The notes of the import that wrote our form.
fn notes(root: &Object<'_>) -> Result<()> {
    let pointer = root.at("x-notes");
    for (index, note) in root.list("x-notes")?.unwrap_or_default().iter().enumerate() {
        let note = Object::new(note, &child(&pointer, &index.to_string()), root.findings())?;
        let count = match note.get("count") {
            None => 1,
            Some(count) => count
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .ok_or_else(|| Error::new(&note.at("count"), shape(count), "a number"))?,
        };
        root.findings().add(Note {
            pointer: note.require_string("at")?.to_owned(),
            found: note.require_string("found")?.to_owned(),
            carried: note.require_string("carried")?.to_owned(),
            count,
        });
        note.refuse_rest()?;
    }
    Ok(())
}

/// The one server: its template and the defaults of its variables.
fn server(root: &Object<'_>, token_url: String) -> Result<Server> {
    let pointer = root.at("servers");
    let [server] = root.list("servers")?.unwrap_or_default() else {
        return Err(Error::new(
            &pointer,
            "none or several",
            "exactly one server",
        ));
    };
    let server = Object::new(server, &format!("{pointer}/0"), root.findings())?;
    let url = server.require_string("url")?.to_owned();
    let mut variables = IndexMap::new();
    if let Some(members) = server.object("variables")? {
        for (name, value, pointer) in members.entries() {
            let variable = Object::new(value, &pointer, root.findings())?;
            variables.insert(
                name.to_owned(),
                variable.require_string("default")?.to_owned(),
            );
            variable.doc()?;
            variable.finish();
        }
    }
    server.doc()?;
    server.finish();
    Ok(Server {
        url,
        variables,
        token_url,
    })
}

/// Checks that the document asks for what the SDK can do: a bearer token, got by client
/// credentials. Returns the path of the token endpoint.
fn security(root: &Object<'_>, components: &Object<'_>) -> Result<String> {
    let mut token_url = "/auth/v1/token".to_owned();
    let mut names = Vec::new();
    if let Some(schemes) = components.object("securitySchemes")? {
        for (name, value, pointer) in schemes.entries() {
            names.push(name);
            let scheme = Object::new(value, &pointer, root.findings())?;
            match (scheme.require_string("type")?, scheme.string("scheme")?) {
                ("http", Some("bearer")) => {}
                ("oauth2", None) => {
                    let flows = scheme.require_object("flows")?;
                    let flow = flows.require_object("clientCredentials")?;
                    flow.require_string("tokenUrl")?.clone_into(&mut token_url);
                    flow.require_object("scopes")?.refuse_rest()?;
                    flow.refuse_rest()?;
                    flows.refuse_rest()?;
                }
                (kind, _) => {
                    let expected = "an http bearer scheme or oauth2 client credentials";
                    return Err(Error::new(
                        &pointer,
                        format!("a scheme of type {kind:?}"),
                        expected,
                    ));
                }
            }
            scheme.doc()?;
            scheme.finish();
        }
    }
    for (index, requirement) in root
        .list("security")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let pointer = format!("#/security/{index}");
        for (name, scopes, pointer) in
            Object::new(requirement, &pointer, root.findings())?.entries()
        {
            if !names.contains(&name) {
                return Err(Error::new(
                    &pointer,
                    "a scheme that is not declared",
                    "a name in securitySchemes",
                ));
            }
            if scopes.as_array().is_none_or(|scopes| !scopes.is_empty()) {
                return Err(Error::new(
                    &pointer,
                    shape(scopes),
                    "an empty list of scopes",
                ));
            }
        }
    }
    Ok(token_url)
}
