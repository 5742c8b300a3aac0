//! The vendor's form of the description, or ours, to a [`Description`].
//!
//! The vendor writes names, oneof groups and paging in extensions and prose; our own form (see
//! [`crate::emit`]) writes them as what they are. Both are read here, so that reading our own
//! output gives the same description again. What is not typed is carried as JSON or bytes and noted, never
//! dropped in silence; what would be wrong on the wire is refused.

mod compose;
mod identity;
mod oneofs;
mod operation;
mod operation_names;
mod origin;
mod parameter;
mod payload;
mod schema;
mod security;
mod shared;
mod type_names;

use indexmap::IndexMap;
use serde_json::Value;
pub(crate) use type_names::common_prefix;

use crate::emit::is_ours;
use crate::error::{Error, Result};
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
/// When a reference leads nowhere, a name is taken twice, or something else would be wrong on the wire.
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
    if !["3.0.", "3.1.", "3.2."]
        .iter()
        .any(|known| openapi.starts_with(known))
    {
        return Err(Error::new(
            "#/openapi",
            format!("{openapi:?}"),
            "OpenAPI 3.0, 3.1 or 3.2",
        ));
    }
    let info = root.require_object("info")?;
    let version = info.require_string("version")?.to_owned();
    info.doc()?;
    for annotation in ["contact", "license", "termsOfService"] {
        info.get(annotation);
    }
    info.finish();
    findings.keep(notes(&root));
    let origin = findings.keep(origin::origin(&root)).flatten();

    let components = root.require_object("components")?;
    let mut schemas = schema::Reader::new(
        components.require_object("schemas")?,
        is_ours(document),
        lock,
    )?;
    let security = findings.keep(security::schemes(&root, &components));
    let security = security.unwrap_or_default();
    let mut context = operation::Context {
        components: &components,
        security: &security,
        schemas: &mut schemas,
    };
    let mut operations = operation::operations(&root.require_object("paths")?, &mut context);
    operation_names::name_operations(&mut operations, is_ours(document), lock);
    components.finish();
    let server = findings.keep(server(&root, security.token_url));
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
    schemas.finish(&mut description);
    // Of schemas that were refused, nothing more can be said.
    if findings.problems() == 0 {
        operation::pages(&mut description, findings);
    }
    description.names = naming::names(&description, lock);
    Ok(description)
}

/// The notes of the import that wrote our form.
fn notes(root: &Object<'_>) -> Result<()> {
    for (index, note) in root.list("x-notes")?.unwrap_or_default().iter().enumerate() {
        let note = Object::new(note, &root.item("x-notes", index), root.findings())?;
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

/// The first server: its template and the defaults of its variables. A document without one means the host that it comes
/// from (OpenAPI 3.1, "OpenAPI Object").
fn server(root: &Object<'_>, token_url: String) -> Result<Server> {
    let servers = root.list("servers")?.unwrap_or_default();
    let Some(server) = servers.first() else {
        root.findings()
            .note(root.pointer(), "no server", "the path `/`");
        return Ok(Server {
            url: "/".to_owned(),
            variables: IndexMap::new(),
            token_url,
        });
    };
    for index in 1..servers.len() {
        root.findings()
            .note(&root.item("servers", index), "another server", Note::UNUSED);
    }
    let server = Object::new(server, &root.item("servers", 0), root.findings())?;
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
