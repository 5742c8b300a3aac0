//! The user in whose name a call is made.

use serde_json::json;

use super::by_hand::Entry;
use super::call::Call;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

pub(super) const HANDLERS: &[Entry] = &[
    ("auth.introspect", "/api/v1/auth/introspect", introspect),
    ("user.introspect", "/api/v1/users/introspect", user),
];

impl State {
    /// The caller: the user of the access token or, as a token need not have one, the first user. The tenant is none.
    pub(super) fn me(&self, call: &Call<'_>) -> Result<&Row, Status> {
        if call.is_by_tenant() {
            return Err(Status::not_found("User", "me"));
        }
        if let Some(id) = call.caller() {
            return self.find_by_id("User", id);
        }
        let users = self.tables.get("User");
        users
            .and_then(|users| users.find(|_| true))
            .ok_or_else(|| Status::not_found("User", "me"))
    }
}

fn introspect(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let me = state.me(call)?;
    Ok(
        json!({ "userId": me.text("id"), "principleId": me.text("id"), "roles": me.0.get("roleIds") }),
    )
}

fn user(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let me = state.me(call)?;
    Ok(json!({ "userView": { "user": state.fields("User", me) } }))
}
