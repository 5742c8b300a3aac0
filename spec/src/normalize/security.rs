//! Security schemes: the SDK sends a bearer token, which it gets by client credentials.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::findings::Note;
use crate::object::Object;
use crate::read::shape;

/// What a document declares.
pub(super) struct Schemes<'a> {
    /// The path of the token endpoint.
    pub(super) token_url: String,
    /// Each scheme, and whether it takes a bearer token (RFC 6750).
    takes_token: BTreeMap<&'a str, bool>,
}

impl Default for Schemes<'_> {
    fn default() -> Self {
        Self {
            token_url: "/auth/v1/token".to_owned(),
            takes_token: BTreeMap::new(),
        }
    }
}

/// Reads the schemes and checks what the document asks of every operation.
pub(super) fn schemes<'a>(root: &Object<'a>, components: &Object<'a>) -> Result<Schemes<'a>> {
    let mut schemes = Schemes::default();
    if let Some(members) = components.object("securitySchemes")? {
        for (name, value, pointer) in members.entries() {
            let scheme = Object::new(value, &pointer, root.findings())?;
            let takes_token = takes_token(&scheme, &mut schemes.token_url)?;
            schemes.takes_token.insert(name, takes_token);
        }
        if !schemes.takes_token.is_empty() && !schemes.takes_token.values().any(|takes| *takes) {
            let expected = "an http bearer scheme or oauth2 among them";
            let found = format!("the schemes {:?}", schemes.takes_token.keys());
            return Err(Error::new(members.pointer(), found, expected));
        }
    }
    schemes.check(root)?;
    Ok(schemes)
}

/// Whether the scheme takes a bearer token. What else it is for is noted.
fn takes_token(scheme: &Object<'_>, token_url: &mut String) -> Result<bool> {
    let findings = scheme.findings();
    let kind = scheme.require_string("type")?;
    let is_bearer = scheme
        .string("scheme")?
        .is_some_and(|name| name.eq_ignore_ascii_case("bearer"));
    scheme.doc()?;
    scheme.get("bearerFormat");
    match kind {
        "http" if is_bearer => {}
        "oauth2" => {
            let flows = scheme.require_object("flows")?;
            if let Some(flow) = flows.object("clientCredentials")? {
                flow.require_string("tokenUrl")?.clone_into(token_url);
                flow.get("scopes");
                flow.finish();
            }
            flows.finish();
        }
        "openIdConnect" => {
            let found = "a scheme of the type \"openIdConnect\"";
            findings.note(scheme.pointer(), found, "a bearer token");
            return Ok(true);
        }
        kind => {
            let found = format!("a scheme of the type {kind:?}");
            findings.note(scheme.pointer(), found, Note::UNUSED);
            return Ok(false);
        }
    }
    scheme.finish();
    Ok(true)
}

impl Schemes<'_> {
    /// Checks what the document or an operation asks for: schemes that are declared. A token is sent also where none is
    /// asked for, which does no harm.
    pub(super) fn check(&self, object: &Object<'_>) -> Result<()> {
        let findings = object.findings();
        let Some(requirements) = object.list("security")? else {
            return Ok(());
        };
        let pointer = object.at("security");
        let mut takes_token = false;
        for (index, requirement) in requirements.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let mut all = true;
            for (name, scopes, pointer) in Object::new(requirement, &pointer, findings)?.entries() {
                let Some(takes) = self.takes_token.get(name) else {
                    let expected = "a name in securitySchemes";
                    return Err(Error::new(
                        &pointer,
                        "a scheme that is not declared",
                        expected,
                    ));
                };
                all &= takes;
                let scopes = scopes
                    .as_array()
                    .ok_or_else(|| Error::new(&pointer, shape(scopes), "a list of scopes"))?;
                if !scopes.is_empty() {
                    findings.note(&pointer, "scopes", Note::UNUSED);
                }
            }
            takes_token |= all;
        }
        if !takes_token {
            let found = "an operation that a bearer token alone does not open";
            let found = if requirements.is_empty() {
                "no security"
            } else {
                found
            };
            findings.note(&pointer, found, "the token is sent all the same");
        }
        Ok(())
    }
}
