//! Users. They exist only in the seed data.

use serde_json::{Value, json};

use super::call::Call;
use super::expand::{Expansion, page_response};
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

pub(super) fn list(state: &mut State, call: &Call<'_>) -> HandlerResult {
    page(state, call, |_| true)
}

pub(super) fn search(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let body = call.body();
    let refs = call.objects("refs");
    let email = body.text("email").to_lowercase();
    // The emulator has no delegates and no connectors, so filters on them match nothing.
    let matches_nothing = body.flag("isDelegate") || !body.texts("sourceAppIds").is_empty();
    page(state, call, |user| {
        let delegated = !user.text("delegatedUserId").is_empty();
        let delegate_status = match body.text("delegateStatus") {
            "DELEGATE_STATUS_HAS_DELEGATE" => delegated,
            "DELEGATE_STATUS_NO_DELEGATE" => !delegated,
            _ => true,
        };
        !matches_nothing
            && call.includes("ids", user.text("id"))
            && !call.excludes("excludeIds", user.text("id"))
            && (refs.is_empty() || refs.iter().any(|one| one.text("id") == user.text("id")))
            && (email.is_empty() || user.text("email").to_lowercase() == email)
            && call.includes("departments", user.text("department"))
            && call.includes("jobTitles", user.text("jobTitle"))
            && call.includes("userStatuses", user.text("status"))
            && call.includes("origins", user.text("origin"))
            && !call.excludes("excludeOrigins", user.text("origin"))
            && !call.excludes("excludeTypes", user.text("type"))
            && call.includes("delegatedUserIds", user.text("delegatedUserId"))
            && call.includes_any("managerIds", &user.texts("managerIds"))
            && call.includes_any("roleIds", &user.texts("roleIds"))
            && delegate_status
            && user.matches_query(body.text("query"), &["displayName", "email"])
    })
}

fn page(state: &State, call: &Call<'_>, keep: impl Fn(&Row) -> bool) -> HandlerResult {
    let page = state.users.page(call, keep)?;
    Ok(page_response(state, call, page, view))
}

fn view(state: &State, user: &Row, expansion: &mut Expansion<'_>) -> Value {
    let delegate = expansion.add(
        "delegated_user_id",
        "User",
        state.users.get(&[user.text("delegatedUserId")]),
    );
    json!({ "user": user.0, "userId": user.text("id"), "delegatedUserPath": delegate })
}

pub(super) fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let user = state.users.get(&[call.path("id")])?;
    let mut expansion = Expansion::new(&state.description, call);
    let view = view(state, user, &mut expansion);
    Ok(json!({ "userView": view, "expanded": expansion.finish() }))
}

impl State {
    /// Assigns an id to a user and stores it.
    pub(super) fn add_user(&mut self, mut user: Row, now: &str) -> Result<Row, Status> {
        let id = self.ids.id();
        for (name, value) in [("id", id.as_str()), ("createdAt", now), ("updatedAt", now)] {
            user.set(name, value);
        }
        self.users.insert(&[&id], user.clone())?;
        Ok(user)
    }
}
