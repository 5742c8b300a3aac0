//! Clients whose credentials users and service principals create, and the token endpoint accepts.
//!
//! The token endpoint keeps the credentials; here is what one can read of them. A service principal is a user of its own,
//! with the same id, in whose name its tokens are used.

use std::sync::Arc;

use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::engine::key;
use super::grant::{end_of, time};
use super::history::Change;
use super::row::Row;
use super::{HandlerResult, State, planned};
use crate::auth::{ClientChange, Terms};
use crate::credentials::Credentials;
use crate::status::Status;

const PERSONAL: &str = "PersonalClient";
const CREDENTIAL: &str = "ServicePrincipalCredential";
const PRINCIPAL: &str = "ServicePrincipal";

/// The kinds of objects without which nothing here works.
pub(super) const PERSONAL_KINDS: &[&str] = &[PERSONAL];
pub(super) const PRINCIPAL_KINDS: &[&str] = &[CREDENTIAL, PRINCIPAL, "User"];

pub(super) const PERSONAL_HANDLERS: &[Entry] = &[(
    "personal_client.create",
    "/api/v1/iam/personal_clients",
    create_personal,
)];
pub(super) const PRINCIPAL_HANDLERS: &[Entry] = &[(
    "principal.create_credential",
    "/api/v1/service_principals/{service_principal_id}/credentials",
    create_credential,
)];

/// The field of a client with the time at which it expires; `None` if the kind is not one of clients.
fn expiry_field(kind: &str) -> Option<&'static str> {
    match kind {
        PERSONAL => Some("expiresTime"),
        CREDENTIAL => Some("expiresAt"),
        _ => None,
    }
}

impl State {
    /// Creates a client with new credentials; `suffix` is the last part of its id.
    fn create_client(
        &mut self,
        call: &Call<'_>,
        suffix: &str,
        mut terms: Terms,
        more: &[(&str, Value)],
    ) -> HandlerResult {
        let plan = Arc::clone(&self.plan);
        let action = planned(&plan, call)?;
        let credentials = Credentials::generate(self.address, suffix)
            .map_err(|error| Status::internal(error.to_string()))?;
        let mut fields = vec![("clientId", json!(credentials.client_id))];
        let expires = call.body().text("expires");
        if let Some(field) = expiry_field(&action.kind).filter(|_| !expires.is_empty()) {
            let end = end_of(expires, call.now, "expires")?;
            terms.expiry = time(&end);
            fields.push((field, json!(end)));
        }
        fields.extend_from_slice(more);
        let mut response = self.create(action, call, &fields)?;
        response["clientSecret"] = json!(credentials.client_secret);
        self.client_changes
            .push(ClientChange::Added(credentials, terms));
        Ok(response)
    }

    /// Has the token endpoint know of the change, if the object is a client.
    pub(super) fn record_client(&mut self, kind: &str, row: &Row, change: Change) {
        let Some(field) = expiry_field(kind) else {
            return;
        };
        let id = row.text("clientId").to_owned();
        self.client_changes.extend(match change {
            // Whoever adds it has the credentials.
            Change::Created => None,
            Change::Updated => Some(ClientChange::Expires(id, time(row.text(field)))),
            Change::Deleted => Some(ClientChange::Removed(id)),
        });
    }

    /// Changes the user that a service principal is, if the object is one.
    pub(super) fn record_principal(&mut self, kind: &str, row: &Row, change: Change, now: &str) {
        if kind != PRINCIPAL {
            return;
        }
        let user = self.find_by_id("User", row.text("id")).cloned();
        let name = row.text("displayName");
        // A description may lack the kind; that is the only way in which they fail.
        match (change, user) {
            (Change::Deleted, Ok(user)) => self.remove("User", &user, now),
            (Change::Deleted, Err(_)) => {}
            (_, Ok(mut user)) => {
                user.set("displayName", name);
                let _ = self.store("User", user, now);
            }
            (_, Err(_)) => {
                let mut user = Row::of([("id", row.text("id")), ("displayName", name)]);
                user.set("type", "USER_TYPE_SERVICE");
                user.set("status", "ENABLED");
                let _ = self.insert("User", user, now);
            }
        }
    }

    /// Sets when the client with the id was last used.
    pub(super) fn use_client(&mut self, id: &str, now: &str) {
        for kind in [PERSONAL, CREDENTIAL] {
            let found = self.all(kind).find(|row| row.text("clientId") == id);
            let Some(mut row) = found.cloned() else {
                continue;
            };
            let facts = self.plan.kinds.get(kind);
            let key = key(facts.map_or(&[][..], |facts| &facts.key), &row);
            row.set("lastUsedAt", now);
            // It has no names, so this cannot fail.
            let _ = self.table(kind).put(&key, row);
        }
    }

    /// What the token endpoint is to know of clients since the last time.
    pub(crate) fn take_client_changes(&mut self) -> Vec<ClientChange> {
        std::mem::take(&mut self.client_changes)
    }
}

fn create_personal(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let user = state.me(call).ok().map(|me| json!(me.text("id")));
    let user: Vec<_> = user.map(|user| ("userId", user)).into_iter().collect();
    let terms = Terms {
        user: call.caller().map(str::to_owned),
        ..Terms::default()
    };
    state.create_client(call, "pcc", terms, &user)
}

fn create_credential(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let principal = call.path("service_principal_id");
    state.find_by_id(PRINCIPAL, principal)?;
    let dpop = call.body().0.get("requireDpop") == Some(&json!(true));
    let terms = Terms {
        user: Some(principal.to_owned()),
        require_dpop: dpop,
        ..Terms::default()
    };
    state.create_client(call, "spc", terms, &[("requireDpop", json!(dpop))])
}
