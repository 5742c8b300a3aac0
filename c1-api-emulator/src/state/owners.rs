//! Owners of entitlements (v2): users, and the holders of other entitlements.

use serde_json::{Value, json};

use super::call::Call;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

/// The key of an owner entitlement, from the path.
fn entitlement_key<'a>(call: &Call<'a>) -> [&'a str; 5] {
    [
        "app_id",
        "entitlement_id",
        "role_slug",
        "app_entitlement_ref_app_id",
        "app_entitlement_ref_id",
    ]
    .map(|name| call.path(name))
}

/// The key of an owner user, from the path.
fn user_key<'a>(call: &Call<'a>) -> [&'a str; 4] {
    ["app_id", "entitlement_id", "role_slug", "user_ref_id"].map(|name| call.path(name))
}

pub(super) fn create_entitlement(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = entitlement_key(call);
    state.add_owner_entitlement(key, &call.timestamp())?;
    get_entitlement(state, call)
}

pub(super) fn create_user(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = user_key(call);
    state.add_owner_user(key, &call.timestamp())?;
    get_user(state, call)
}

pub(super) fn get_entitlement(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let owner = state.owner_entitlements.get(&entitlement_key(call))?;
    Ok(json!({ "appEntitlementOwnerEntitlement": entitlement_view(state, owner)? }))
}

pub(super) fn get_user(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let owner = state.owner_users.get(&user_key(call))?;
    Ok(json!({ "appEntitlementOwnerUser": user_view(state, owner)? }))
}

pub(super) fn delete_entitlement(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.owner_entitlements.remove(&entitlement_key(call))?;
    Ok(json!({}))
}

pub(super) fn delete_user(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.owner_users.remove(&user_key(call))?;
    Ok(json!({}))
}

pub(super) fn search_entitlements(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let (rows, next) = state.owner_entitlements.page(call, filter(state, call)?)?;
    let list = rows
        .into_iter()
        .map(|owner| entitlement_view(state, owner))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "list": list, "nextPageToken": next }))
}

pub(super) fn search_users(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let (rows, next) = state.owner_users.page(call, filter(state, call)?)?;
    let list = rows
        .into_iter()
        .map(|owner| user_view(state, owner))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "list": list, "nextPageToken": next }))
}

/// Replaces all owners with the role.
pub(super) fn set(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let (app, entitlement, role) = (
        call.path("app_id"),
        call.path("entitlement_id"),
        call.body().text("roleSlug"),
    );
    if role.is_empty() {
        return Err(Status::invalid_field("roleSlug", "the slug of a role"));
    }
    let (users, entitlements) = (call.objects("userRefs"), call.objects("appEntitlementRefs"));
    // Checks that all new owners exist before it removes any, so that a failure changes nothing.
    state.entitlements.get(&[app, entitlement])?;
    users
        .iter()
        .try_for_each(|user| state.users.get(&[user.text("id")]).map(drop))?;
    entitlements.iter().try_for_each(|one| {
        state
            .entitlements
            .get(&[one.text("appId"), one.text("id")])
            .map(drop)
    })?;

    let others = |owner: &Row| {
        owner.text("appId") != app
            || owner.text("entitlementId") != entitlement
            || owner.text("roleSlug") != role
    };
    state.owner_users.retain(others);
    state.owner_entitlements.retain(others);
    let now = call.timestamp();
    for user in &users {
        ignore_duplicate(state.add_owner_user([app, entitlement, role, user.text("id")], &now))?;
    }
    for one in &entitlements {
        ignore_duplicate(state.add_owner_entitlement(
            [app, entitlement, role, one.text("appId"), one.text("id")],
            &now,
        ))?;
    }
    Ok(json!({}))
}

/// Ignores that the owner exists already: the request may contain an owner twice.
fn ignore_duplicate(added: Result<(), Status>) -> Result<(), Status> {
    match added {
        Err(status) if status.http == hyper::StatusCode::CONFLICT => Ok(()),
        added => added,
    }
}

/// The filter of a search: owners of the entitlement, and of the role if given.
fn filter<'a>(state: &State, call: &Call<'a>) -> Result<impl Fn(&Row) -> bool + use<'a>, Status> {
    let (app, entitlement, role) = (
        call.path("app_id"),
        call.path("entitlement_id"),
        call.query("role_slug"),
    );
    state.entitlements.get(&[app, entitlement])?;
    Ok(move |owner: &Row| {
        owner.text("appId") == app
            && owner.text("entitlementId") == entitlement
            && (role.is_empty() || owner.text("roleSlug") == role)
    })
}

/// The fields that both kinds of owner share.
fn view(owner: &Row) -> Row {
    Row::of(
        ["appId", "entitlementId", "roleSlug", "createdAt"].map(|name| (name, owner.text(name))),
    )
}

fn entitlement_view(state: &State, owner: &Row) -> Result<Value, Status> {
    let mut view = view(owner);
    let entitlement = state
        .entitlements
        .get(&[owner.text("refAppId"), owner.text("refId")])?;
    view.set("appEntitlement", entitlement.0.clone());
    Ok(Value::Object(view.0))
}

fn user_view(state: &State, owner: &Row) -> Result<Value, Status> {
    let mut view = view(owner);
    view.set("user", state.users.get(&[owner.text("refId")])?.0.clone());
    Ok(Value::Object(view.0))
}

impl State {
    fn add_owner_entitlement(&mut self, key: [&str; 5], now: &str) -> Result<(), Status> {
        let [app, entitlement, role, ref_app, ref_id] = key;
        self.entitlements.get(&[app, entitlement])?;
        self.entitlements.get(&[ref_app, ref_id])?;
        let mut owner = owner(app, entitlement, role, ref_id, now);
        owner.set("refAppId", ref_app);
        self.owner_entitlements.insert(&key, owner)
    }

    fn add_owner_user(&mut self, key: [&str; 4], now: &str) -> Result<(), Status> {
        let [app, entitlement, role, user] = key;
        self.entitlements.get(&[app, entitlement])?;
        self.users.get(&[user])?;
        self.owner_users
            .insert(&key, owner(app, entitlement, role, user, now))
    }
}

fn owner(app: &str, entitlement: &str, role: &str, owner: &str, now: &str) -> Row {
    Row::of([
        ("appId", app),
        ("entitlementId", entitlement),
        ("roleSlug", role),
        ("createdAt", now),
        ("refId", owner),
    ])
}
