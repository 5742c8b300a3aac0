//! Grants: which account (app user) has which entitlement, since when and until when.
//!
//! A grant is an `AppEntitlementUserBinding`. One whose `deprovisionAt` has come, by the tenant's clock, is removed
//! before the next operation that reads or changes grants, as of the time at which it expired; no revoke task is
//! made for it. Whatever adds or removes a grant, its entitlement counts it, and the feed and the past grants have it.

mod changes;
mod lists;

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use serde_json::json;

pub(super) use self::lists::is_of_user;
use super::State;
use super::by_hand::Entry;
use super::call::{LATEST, timestamp};
use super::engine::selection;
use super::history::Change;
use super::row::Row;
use crate::status::Status;

/// The kind of grants.
pub(super) const GRANT: &str = "AppEntitlementUserBinding";
/// The kind of the events in the feed.
const FEED: &str = "AppEntitlementUserBindingFeed";
/// The kind of grants that have ended.
const PAST: &str = "AppEntitlementUserBindingHistory";
/// The part of a grant with the id of the task that it is from.
const TICKET: &str = "/ticket";

/// The kinds of objects without which nothing here works.
pub(super) const KINDS: &[&str] = &["App", "AppEntitlement", "AppUser", "User", GRANT];

pub(super) const HANDLERS: &[Entry] = &[
    (
        "app_entitlements.list_users",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/users",
        |state, call| state.read(call, lists::users),
    ),
    (
        "app_entitlement_search.search_grants",
        "/api/v1/search/grants",
        |state, call| state.read(call, lists::search),
    ),
    (
        "app_entitlement_search.search_app_entitlements_with_expired",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/grants",
        |state, call| state.read(call, lists::with_expiry),
    ),
    (
        "app_entitlements.list_for_app_user",
        "/api/v1/apps/{app_id}/entitlements/users/{app_user_id}",
        |state, call| state.read(call, lists::entitlements),
    ),
    (
        "app_entitlement_search.search_app_entitlements_for_app_user",
        "/api/v1/search/apps/{app_id}/entitlements/users/{app_user_id}",
        |state, call| state.read(call, lists::entitlements),
    ),
    (
        "app_entitlement_user_binding.list_app_users_for_identity_with_grant",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/users/{identity_user_id}/grants",
        |state, call| state.read(call, lists::accounts),
    ),
    (
        "app_entitlement_search.count_grants_for_user_by_app",
        "/api/v1/search/graph/counts",
        |state, call| state.read(call, lists::count),
    ),
    (
        "app_entitlement_search.search_reachable_resources_for_user",
        "/api/v1/search/graph/resources",
        |state, call| state.read(call, lists::resources),
    ),
    (
        "app_entitlement_user_binding.search_grant_feed",
        "/api/v1/grants/feed",
        |state, call| state.read(call, lists::feed),
    ),
    (
        "app_entitlement_user_binding.search_past_grants",
        "/api/v1/search/past-grants",
        lists::past,
    ),
    (
        "app_entitlements.add_manually_managed_members",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/add-manual-user",
        changes::add_members,
    ),
    (
        "app_entitlements.remove_entitlement_membership",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/remove-membership",
        changes::remove_member,
    ),
    (
        "app_entitlement_user_binding.update_grant_duration",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/users/{app_user_id}/update-grant-duration",
        changes::set_expiry,
    ),
    (
        "app_entitlement_user_binding.remove_grant_duration",
        "/api/v1/apps/{app_id}/entitlements/{app_entitlement_id}/users/{app_user_id}/remove-grant-duration",
        changes::remove_expiry,
    ),
];

/// The key of an object of an app: an entitlement or an app user.
pub(super) fn in_app(app: &str, id: &str) -> [(String, String); 2] {
    selection([("appId", app), ("id", id)])
}

/// The key of a grant.
fn key(app: &str, entitlement: &str, app_user: &str) -> [(String, String); 3] {
    selection([
        ("appId", app),
        ("appEntitlementId", entitlement),
        ("appUserId", app_user),
    ])
}

/// The end of a duration in the API's format (`3600s`) that begins now, if it is not after the year 9999.
pub(super) fn after(duration: &str, now: SystemTime) -> Option<String> {
    let end = now.checked_add(seconds(duration)?)?;
    (end <= SystemTime::UNIX_EPOCH + LATEST).then(|| timestamp(end))
}

/// The same for a duration in the field of a request, which must last.
pub(super) fn end_of(duration: &str, now: SystemTime, field: &str) -> Result<String, Status> {
    let lasts = seconds(duration).is_some_and(|duration| !duration.is_zero());
    let end = after(duration, now).filter(|_| lasts);
    end.ok_or_else(|| {
        Status::invalid_field(field, "a duration greater than 0s, up to the year 9999")
    })
}

/// A duration in the API's format.
pub(super) fn seconds(duration: &str) -> Option<Duration> {
    let seconds = duration.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A time in the API's format.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    time.map(SystemTime::from)
}

/// Whether the time has come; `false` if there is none.
pub(super) fn has_come(text: &str, now: SystemTime) -> bool {
    time(text).is_some_and(|time| time <= now)
}

impl State {
    /// The accounts of a user in an app.
    pub(super) fn accounts<'s>(
        &'s self,
        app: &'s str,
        user: &'s str,
    ) -> impl Iterator<Item = &'s Row> {
        self.all("AppUser")
            .filter(move |own| own.text("appId") == app && own.text("identityUserId") == user)
    }

    /// The grant, unless there is none.
    pub(super) fn grant(&self, app: &str, entitlement: &str, app_user: &str) -> Option<&Row> {
        self.find(GRANT, &key(app, entitlement, app_user)).ok()
    }

    /// Grants an entitlement to an account until a time, or for ever. If it is granted already, only that changes.
    pub(super) fn add_grant(
        &mut self,
        [app, entitlement, app_user]: [&str; 3],
        until: Option<String>,
        ticket: &str,
        now: &str,
    ) -> Result<Row, Status> {
        self.find("AppEntitlement", &in_app(app, entitlement))?;
        self.find("AppUser", &in_app(app, app_user))?;
        let old = self.grant(app, entitlement, app_user).cloned();
        let mut row = old.clone().unwrap_or_default();
        for (part, value) in key(app, entitlement, app_user) {
            row.set(&part, value);
        }
        row.set(TICKET, ticket);
        match until {
            Some(until) => row.set("deprovisionAt", until),
            None => drop(row.0.shift_remove("deprovisionAt")),
        }
        match old {
            Some(_) => self.store(GRANT, row, now),
            None => self.insert(GRANT, row, now),
        }
    }

    /// The first account of the user in the app, or a new one.
    pub(super) fn account(&mut self, app: &str, user: &str, now: &str) -> Result<String, Status> {
        if let Some(account) = self.accounts(app, user).next() {
            return Ok(account.text("id").to_owned());
        }
        let user = self.find_by_id("User", user)?;
        let mut account = Row::of([("appId", app), ("identityUserId", user.text("id"))]);
        for name in ["displayName", "email", "username"] {
            account.set(name, user.text(name));
        }
        account.set("status", json!({ "status": "STATUS_ENABLED" }));
        account.set("appUserType", "APP_USER_TYPE_USER");
        let account = self.insert("AppUser", account, now)?;
        Ok(account.text("id").to_owned())
    }

    /// Removes a grant on behalf of a task, whose id may be empty.
    pub(super) fn remove_grant(&mut self, grant: &Row, ticket: &str, now: &str) {
        let mut grant = grant.clone();
        grant.set(TICKET, ticket);
        self.remove(GRANT, &grant, now);
    }

    /// Removes the grants that have expired. It looks at all grants only if one may have.
    pub(super) fn expire_grants(&mut self, now: SystemTime) {
        if self.next_expiry.is_some_and(|next| next > now) {
            return;
        }
        let expired = |grant: &&Row| has_come(grant.text("deprovisionAt"), now);
        let expired: Vec<_> = self.all(GRANT).filter(expired).cloned().collect();
        for grant in expired {
            let end = grant.text("deprovisionAt").to_owned();
            self.remove_grant(&grant, "", &end);
        }
        let ends = self
            .all(GRANT)
            .filter_map(|grant| time(grant.text("deprovisionAt")));
        let never = SystemTime::UNIX_EPOCH + LATEST;
        self.next_expiry = Some(ends.min().unwrap_or(never));
    }

    /// Counts the grant, and adds it to the feed and to the past grants.
    pub(super) fn record_grant(&mut self, grant: &Row, change: Change, now: &str) {
        self.next_expiry = None;
        let [app, entitlement, app_user] =
            ["appId", "appEntitlementId", "appUserId"].map(|part| grant.text(part));
        let ids = [
            ("appId", app),
            ("appEntitlementId", entitlement),
            ("appUserId", app_user),
        ];
        let (event, date, more) = match change {
            Change::Created => ("GRANT_EVENT_TYPE_ADDED", grant.text("createdAt"), 1),
            Change::Deleted => ("GRANT_EVENT_TYPE_REMOVED", now, -1),
            Change::Updated => return,
        };
        let mut entry = Row::of(ids);
        entry.set("date", date);
        entry.set("eventType", event);
        entry.set("ticketId", grant.text(TICKET));
        // Of all these, a description may lack the kind; that is the only way in which they fail.
        let _ = self.insert(FEED, entry, now);
        if let Change::Deleted = change {
            let mut past = Row::of(ids);
            past.set("grantedAt", grant.text("createdAt"));
            past.set("revokedAt", now);
            let _ = self.insert(PAST, past, now);
        }
        if let Ok(found) = self.find("AppEntitlement", &in_app(app, entitlement)) {
            let mut found = found.clone();
            let count: i64 = found.text("grantCount").parse().unwrap_or(0);
            found.set("grantCount", (count + more).max(0).to_string());
            let _ = self.table("AppEntitlement").put(&[app, entitlement], found);
        }
    }
}
