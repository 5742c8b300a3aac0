//! The operations that list and count grants.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::expand::Expansion;
use super::super::filter::is_empty;
use super::super::row::Row;
use super::super::{HandlerResult, State, respond};
use super::{FEED, GRANT, in_app};
use crate::status::Status;

/// The app and the entitlement of the path, which must exist.
fn entitlement<'c>(state: &State, call: &Call<'c>) -> Result<[&'c str; 2], Status> {
    let [app, id] = [call.path("app_id"), call.path("app_entitlement_id")];
    state.find_by_id("App", app)?;
    state.find("AppEntitlement", &in_app(app, id))?;
    Ok([app, id])
}

/// Whether the grant is one of the entitlement.
fn is_of(grant: &Row, [app, entitlement]: [&str; 2]) -> bool {
    grant.text("appId") == app && grant.text("appEntitlementId") == entitlement
}

/// The account of a grant.
fn account<'s>(state: &'s State, grant: &Row) -> Option<&'s Row> {
    let key = in_app(grant.text("appId"), grant.text("appUserId"));
    state.find("AppUser", &key).ok()
}

/// Whether the account of a grant is the user's.
pub(in super::super) fn is_of_user(state: &State, grant: &Row, user: &str) -> bool {
    account(state, grant).is_some_and(|own| own.text("identityUserId") == user)
}

/// The entitlement of a grant.
fn entitlement_of<'s>(state: &'s State, grant: &Row) -> Option<&'s Row> {
    let key = in_app(grant.text("appId"), grant.text("appEntitlementId"));
    state.find("AppEntitlement", &key).ok()
}

/// The grant as it is in lists.
fn user_view<'s>(state: &'s State, grant: &Row, expansion: &mut Expansion<'s>) -> Value {
    let account = account(state, grant).map(|account| {
        let view = ("AppUserView", "appUser");
        respond::in_view(state, "AppUser", view, account, expansion)
    });
    json!({
        "appId": grant.text("appId"),
        "appEntitlementId": grant.text("appEntitlementId"),
        "appUserId": grant.text("appUserId"),
        "appUser": account,
        "appEntitlementUserBindingCreatedAt": grant.0.get("createdAt"),
        "appEntitlementUserBindingDeprovisionAt": grant.0.get("deprovisionAt"),
        "grantSources": grant.0.get("grantSources"),
        "originatingTicketId": grant.text(super::TICKET),
    })
}

pub(super) fn users(state: &State, call: &Call<'_>) -> HandlerResult {
    let of = entitlement(state, call)?;
    respond::rows(
        state,
        call,
        (GRANT, "list"),
        |grant| is_of(grant, of),
        |grant, expansion| user_view(state, grant, expansion),
    )
}

/// With the user, the account and the times in each row.
pub(super) fn with_expiry(state: &State, call: &Call<'_>) -> HandlerResult {
    let of = entitlement(state, call)?;
    let element = |grant: &Row, _: &mut Expansion<'_>| {
        let account = account(state, grant);
        let user = account.map(|account| account.text("identityUserId"));
        let user = user.and_then(|user| state.find_by_id("User", user).ok());
        json!({
            "appId": grant.text("appId"),
            "appEntitlementId": grant.text("appEntitlementId"),
            "appUserId": grant.text("appUserId"),
            "appUser": account.map(|account| state.fields("AppUser", account)),
            "user": user.map(|user| state.fields("User", user)),
            "discovered": grant.0.get("createdAt"),
            "expired": grant.0.get("deprovisionAt"),
            "grantSources": grant.0.get("grantSources"),
        })
    };
    respond::rows(
        state,
        call,
        (GRANT, "list"),
        |grant| is_of(grant, of),
        element,
    )
}

/// The values of a filter; empty if it is not set.
struct Values(Vec<Value>);

impl Values {
    fn of(call: &Call<'_>, filter: &str) -> Self {
        Self(
            match call.value(filter).filter(|values| !is_empty(values)) {
                Some(Value::Array(values)) => values,
                value => value.into_iter().collect(),
            },
        )
    }

    /// Whether the object has one of them, or the filter is not set.
    fn pass(&self, row: Option<&Row>, field: &str) -> bool {
        self.0.is_empty() || row.is_some_and(|row| self.0.iter().any(|value| row.has(field, value)))
    }
}

/// References in a filter: each has some of these fields, and the object has them in those.
struct References<'f> {
    references: Vec<Row>,
    fields: &'f [(&'f str, &'f str)],
}

impl<'f> References<'f> {
    fn of(call: &Call<'_>, filter: &str, fields: &'f [(&'f str, &'f str)]) -> Self {
        let references = call.objects(filter);
        Self { references, fields }
    }

    /// Whether one of them means the object, or the filter is not set.
    fn pass(&self, row: &Row) -> bool {
        let means = |reference: &Row| {
            self.fields.iter().all(|(name, own)| {
                let wanted = reference.text(name);
                wanted.is_empty() || wanted == row.text(own)
            })
        };
        self.references.is_empty() || self.references.iter().any(means)
    }
}

pub(super) fn search(state: &State, call: &Call<'_>) -> HandlerResult {
    let references = [("appId", "appId"), ("id", "appEntitlementId")];
    let references = References::of(call, "entitlementRefs", &references);
    // Each filter, and the field of what it is about: the grant itself, its entitlement, or its account.
    let values = |filters: &[(&str, &'static str)]| {
        let filters = filters.iter();
        let values = filters.map(|(filter, field)| (Values::of(call, filter), *field));
        values.collect::<Vec<_>>()
    };
    let own = values(&[("appIds", "appId"), ("appUserIds", "appUserId")]);
    let of_entitlement = values(&[
        ("entitlementSlugs", "slug"),
        ("purpose", "purpose"),
        ("resourceIds", "appResourceId"),
        ("resourceTypeIds", "appResourceTypeId"),
    ]);
    let of_account = values(&[("userId", "identityUserId")]);
    let pass = |values: &[(Values, &str)], row: Option<&Row>| {
        values.iter().all(|(values, field)| values.pass(row, field))
    };
    let keep = |grant: &Row| {
        pass(&own, Some(grant))
            && references.pass(grant)
            && pass(&of_entitlement, entitlement_of(state, grant))
            && pass(&of_account, account(state, grant))
    };
    respond::rows(state, call, (GRANT, "list"), keep, |grant, expansion| {
        json!({
            "entitlement": entitlement_of(state, grant).map(|row| respond::entitlement(state, row, expansion)),
            "appEntitlementUserBinding": user_view(state, grant, expansion),
        })
    })
}

/// The entitlements of an account.
pub(super) fn entitlements(state: &State, call: &Call<'_>) -> HandlerResult {
    let [app, app_user] = [call.path("app_id"), call.path("app_user_id")];
    state.find_by_id("App", app)?;
    state.find("AppUser", &in_app(app, app_user))?;
    let of_account =
        |grant: &Row| grant.text("appId") == app && grant.text("appUserId") == app_user;
    let grants = state.listed(GRANT, call, of_account);
    let granted: BTreeSet<_> = grants.map(|grant| grant.text("appEntitlementId")).collect();
    respond::rows(
        state,
        call,
        ("AppEntitlement", "list"),
        |row| row.text("appId") == app && granted.contains(row.text("id")),
        |row, expansion| respond::entitlement(state, row, expansion),
    )
}

/// The accounts of a user, with the grant if there is one.
pub(super) fn accounts(state: &State, call: &Call<'_>) -> HandlerResult {
    let [app, id] = entitlement(state, call)?;
    let user = call.path("identity_user_id");
    state.find_by_id("User", user)?;
    let bindings = state.accounts(app, user).map(|account| {
        let account = account.text("id");
        match state.grant(app, id, account) {
            Some(grant) => Value::Object(grant.fields()),
            None => json!({ "appId": app, "appEntitlementId": id, "appUserId": account }),
        }
    });
    Ok(json!({ "bindings": bindings.collect::<Vec<_>>() }))
}

pub(super) fn count(state: &State, call: &Call<'_>) -> HandlerResult {
    let user = call.body().text("userId");
    state.find_by_id("User", user)?;
    let apps = Values::of(call, "appIds");
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut users = BTreeMap::new();
    for grant in state.listed(GRANT, call, |grant| is_of_user(state, grant, user)) {
        if apps.pass(Some(grant), "appId") {
            let app = grant.text("appId");
            *counts.entry(app).or_default() += 1;
            let reference = json!({ "appId": app, "id": grant.text("appUserId") });
            users.insert((app, grant.text("appUserId")), reference);
        }
    }
    let total: u32 = counts.values().sum();
    let of_apps = counts
        .iter()
        .map(|(app, count)| json!({ "appId": app, "grantCount": count.to_string() }));
    Ok(json!({
        "appCount": counts.len(),
        "appGrantCounts": of_apps.collect::<Vec<_>>(),
        "appUsers": users.into_values().collect::<Vec<_>>(),
        "band": "GRAPH_SIZE_BAND_NORMAL",
        "totalGrants": total.to_string(),
    }))
}

/// The resources of the entitlements that a user has, each once.
pub(super) fn resources(state: &State, call: &Call<'_>) -> HandlerResult {
    let user = call.body().text("userId");
    state.find_by_id("User", user)?;
    let granted = state.listed(GRANT, call, |grant| is_of_user(state, grant, user));
    let reached: BTreeSet<_> = granted
        .filter_map(|grant| entitlement_of(state, grant))
        .map(|of| ["appId", "appResourceId"].map(|field| of.text(field)))
        .collect();
    let apps = Values::of(call, "appIds");
    let keep = |row: &Row| {
        reached.contains(&["appId", "id"].map(|field| row.text(field)))
            && apps.pass(Some(row), "appId")
            && row.matches_query(call.body().text("query"), &["displayName"])
    };
    respond::rows(state, call, ("AppResource", "list"), keep, |row, _| {
        json!({
            "id": row.text("id"),
            "appId": row.text("appId"),
            "displayName": row.text("displayName"),
            "resourceTypeId": row.text("appResourceTypeId"),
            "type": "GRAPH_NODE_TYPE_RESOURCE",
        })
    })
}

/// What was granted and revoked, in order of time.
pub(super) fn feed(state: &State, call: &Call<'_>) -> HandlerResult {
    let time = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let (after, before) = (
        time(call.body().text("after")),
        time(call.body().text("before")),
    );
    let own = [
        ("appRefs", &[("id", "appId")][..]),
        (
            "appEntitlementRefs",
            &[("appId", "appId"), ("id", "appEntitlementId")],
        ),
        ("appUserRefs", &[("appId", "appId"), ("id", "appUserId")]),
    ];
    let own = own.map(|(filter, fields)| References::of(call, filter, fields));
    let users = References::of(call, "userRefs", &[("id", "identityUserId")]);
    let none = Row::default();
    let keep = |event: &Row| {
        let date = time(event.text("date"));
        after.is_none_or(|after| date >= Some(after))
            && before.is_none_or(|before| date < Some(before))
            && own.iter().all(|references| references.pass(event))
            && users.pass(account(state, event).unwrap_or(&none))
    };
    respond::rows(state, call, (FEED, "list"), keep, |event, expansion| {
        let mut view: Map<_, _> = expansion.paths("AppEntitlementUserBindingFeedView", FEED, event);
        view.insert("feed".to_owned(), Value::Object(event.fields()));
        Value::Object(view)
    })
}

/// Grants that have ended, by the conventions.
pub(super) fn past(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state.expire_grants(call.now);
    state.by_convention(call)
}
