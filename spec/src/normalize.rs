//! The vendor's form of the description, or ours, to a [`Description`].
//!
//! The vendor writes names, oneof groups and paging in extensions and prose; our own form (see
//! [`crate::emit`]) writes them as what they are. Both are read here, so that reading our own
//! output gives the same description again. What is not understood is refused, never dropped.

mod operation;
mod schema;

use indexmap::IndexMap;
#[cfg(feature = "codegen")]
pub(crate) use schema::common_prefix;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{Description, Server};
use crate::object::Object;
use crate::read::shape;

/// Reads a document in the vendor's form or ours.
///
/// # Errors
///
/// When a construct is unknown, a reference leads nowhere, or a name is taken twice.
pub fn normalize(document: &Value) -> Result<Description> {
    let root = Object::new(document, "#")?;
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
    info.finish()?;

    let components = root.require_object("components")?;
    let mut schemas = schema::Reader::new(components.require_object("schemas")?)?;
    let token_url = security(&root, &components)?;
    components.finish()?;

    let operations = operation::operations(&root.require_object("paths")?, &mut schemas)?;
    let server = server(&root, token_url)?;
    for known in ["tags", "x-form"] {
        root.get(known);
    }
    root.finish()?;

    let mut description = Description {
        version,
        server,
        operations,
        schemas: IndexMap::new(),
    };
    schemas.finish(&mut description)?;
    operation::pages(&mut description)?;
    Ok(description)
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
    let server = Object::new(server, &format!("{pointer}/0"))?;
    let url = server.require_string("url")?.to_owned();
    let mut variables = IndexMap::new();
    if let Some(members) = server.object("variables")? {
        for (name, value, pointer) in members.entries() {
            let variable = Object::new(value, &pointer)?;
            variables.insert(
                name.to_owned(),
                variable.require_string("default")?.to_owned(),
            );
            variable.doc()?;
            variable.finish()?;
        }
    }
    server.doc()?;
    server.finish()?;
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
            let scheme = Object::new(value, &pointer)?;
            match (scheme.require_string("type")?, scheme.string("scheme")?) {
                ("http", Some("bearer")) => {}
                ("oauth2", None) => {
                    let flows = scheme.require_object("flows")?;
                    let flow = flows.require_object("clientCredentials")?;
                    flow.require_string("tokenUrl")?.clone_into(&mut token_url);
                    flow.require_object("scopes")?.finish()?;
                    flow.finish()?;
                    flows.finish()?;
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
            scheme.finish()?;
        }
    }
    for (index, requirement) in root
        .list("security")?
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let pointer = format!("#/security/{index}");
        for (name, scopes, pointer) in Object::new(requirement, &pointer)?.entries() {
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
