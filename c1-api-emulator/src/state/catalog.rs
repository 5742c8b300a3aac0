//! Catalogs: what can be requested from one, and who sees it.
//!
//! An entry (`RequestableEntry`) says that an entitlement can be requested from a catalog. Who has one of the
//! `accessEntitlements` of a catalog sees it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::grant::{GRANT, in_app, is_of_user};
use super::row::Row;
use super::{HandlerResult, State, respond};
use crate::status::Status;

const CATALOG: &str = "RequestCatalog";
const ENTRY: &str = "RequestableEntry";
const ENTITLEMENT: &str = "AppEntitlement";
/// The field of a catalog with the entitlements whose holders see it.
const ACCESS: &str = "accessEntitlements";

/// The kinds of objects without which nothing here works.
pub(super) const KINDS: &[&str] = &[CATALOG, ENTRY, ENTITLEMENT, "App", "AppUser", "User", GRANT];

pub(super) const HANDLERS: &[Entry] = &[
    (
        "request_catalog_search.search_entitlements",
        "/api/v1/search/request_catalog/entitlements",
        |state, call| state.read(call, search),
    ),
    (
        "request_catalog_management.list_all_entitlement_ids_per_app",
        "/api/v1/catalogs/{catalog_id}/requestable_entitlementIDs",
        list_ids,
    ),
    (
        "request_catalog_management.list_entitlements_per_catalog",
        "/api/v1/catalogs/{catalog_id}/requestable_entitlements",
        list,
    ),
    (
        "request_catalog_management.update_app_entitlements",
        "/api/v1/catalogs/{catalog_id}/requestable_entitlements/update",
        |state, call| state.change_entries(call, Change::Set),
    ),
    (
        "request_catalog_management.add_app_entitlements",
        "/api/v1/catalogs/{catalog_id}/requestable_entries",
        |state, call| state.change_entries(call, Change::Add),
    ),
    (
        "request_catalog_management.remove_app_entitlements",
        "/api/v1/catalogs/{catalog_id}/requestable_entries",
        |state, call| state.change_entries(call, Change::Remove),
    ),
    (
        "request_catalog_management.list_entitlements_for_access",
        "/api/v1/catalogs/{catalog_id}/visibility_entitlements",
        list_access,
    ),
    (
        "request_catalog_management.add_access_entitlements",
        "/api/v1/catalogs/{catalog_id}/visibility_bindings",
        |state, call| state.change_access(call, Change::Add),
    ),
    (
        "request_catalog_management.remove_access_entitlements",
        "/api/v1/catalogs/{catalog_id}/visibility_bindings",
        |state, call| state.change_access(call, Change::Remove),
    ),
];

/// What a request does with the entitlements that it names.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Add,
    Remove,
    /// Replaces all by them.
    Set,
}

/// The id of an app, and that of an entitlement in it.
type Reference = [String; 2];

/// The reference in these fields of an object.
fn reference(row: &Row, fields: [&str; 2]) -> Reference {
    fields.map(|field| row.text(field).to_owned())
}

/// The same in an entitlement, or in a reference to one.
fn of_entitlement(row: &Row) -> Reference {
    reference(row, ["appId", "id"])
}

/// The same in an entry.
fn of_entry(row: &Row) -> Reference {
    reference(row, ["appId", "entitlementId"])
}

/// The entitlements whose holders see the catalog.
fn access(catalog: &Row) -> Vec<Row> {
    let list = catalog.0.get(ACCESS).and_then(Value::as_array);
    let objects = list.into_iter().flatten().filter_map(Value::as_object);
    objects.map(|fields| Row(fields.clone())).collect()
}

impl State {
    /// The catalog of the path.
    fn catalog(&self, call: &Call<'_>) -> Result<&Row, Status> {
        self.find_by_id(CATALOG, call.path("catalog_id"))
    }

    /// The entitlements in the catalogs, as lists show them.
    fn requestable(&self, call: &Call<'_>, catalogs: &[&str]) -> BTreeSet<Reference> {
        let of_catalogs = |entry: &Row| catalogs.contains(&entry.text("catalogId"));
        let entries = self.listed(ENTRY, call, of_catalogs);
        entries.map(of_entry).collect()
    }

    /// The entitlements that the field of the body refers to, which must exist.
    fn references(&self, call: &Call<'_>, field: &str) -> Result<BTreeSet<Reference>, Status> {
        let references = call.objects(field).into_iter().map(|row| {
            let reference = of_entitlement(&row);
            self.find(ENTITLEMENT, &in_app(&reference[0], &reference[1]))?;
            Ok(reference)
        });
        references.collect()
    }

    /// Changes what can be requested from the catalog of the path. What is in it already stays.
    fn change_entries(&mut self, call: &Call<'_>, change: Change) -> HandlerResult {
        let catalog = self.catalog(call)?.text("id").to_owned();
        let named = self.references(call, "appEntitlements")?;
        let entries = self.all(ENTRY);
        let entries = entries.filter(|entry| entry.text("catalogId") == catalog);
        let (old, kept): (Vec<_>, Vec<_>) = entries.cloned().partition(|entry| {
            let is_named = named.contains(&of_entry(entry));
            match change {
                Change::Add => false,
                Change::Remove => is_named,
                Change::Set => !is_named,
            }
        });
        if change == Change::Remove {
            let known: BTreeSet<_> = old.iter().map(of_entry).collect();
            missing(named.difference(&known))?;
        }
        for entry in old {
            self.remove(ENTRY, &entry, &call.timestamp());
        }
        let kept: BTreeSet<_> = kept.iter().map(of_entry).collect();
        for [app, id] in named.difference(&kept).filter(|_| change != Change::Remove) {
            let entry = [
                ("catalogId", catalog.as_str()),
                ("appId", app),
                ("entitlementId", id),
            ];
            self.insert(ENTRY, Row::of(entry), &call.timestamp())?;
        }
        Ok(json!({}))
    }

    /// Changes whose holders see the catalog of the path.
    fn change_access(&mut self, call: &Call<'_>, change: Change) -> HandlerResult {
        let mut catalog = self.catalog(call)?.clone();
        let named = self.references(call, ACCESS)?;
        let mut access = access(&catalog);
        let known: BTreeSet<_> = access.iter().map(of_entitlement).collect();
        if change == Change::Remove {
            missing(named.difference(&known))?;
            access.retain(|row| !named.contains(&of_entitlement(row)));
        } else {
            for [app, id] in named.difference(&known) {
                access.push(self.find(ENTITLEMENT, &in_app(app, id))?.clone());
            }
        }
        let access = access.iter().map(|row| Value::Object(row.fields()));
        catalog.set(ACCESS, access.collect::<Value>());
        self.store(CATALOG, catalog, &call.timestamp())?;
        Ok(json!({}))
    }
}

/// Refuses to remove what is not there.
fn missing<'r>(mut references: impl Iterator<Item = &'r Reference>) -> Result<(), Status> {
    let missing = references.next();
    missing.map_or(Ok(()), |reference| {
        Err(Status::not_found(ENTRY, &reference.join("/")))
    })
}

/// A page of these entitlements.
fn page(state: &State, call: &Call<'_>, wanted: &BTreeSet<Reference>) -> HandlerResult {
    let keep = |row: &Row| wanted.contains(&of_entitlement(row));
    respond::rows(
        state,
        call,
        (ENTITLEMENT, "list"),
        keep,
        |row, expansion| respond::entitlement(state, row, expansion),
    )
}

fn list(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let catalog = state.catalog(call)?.text("id");
    page(state, call, &state.requestable(call, &[catalog]))
}

fn list_ids(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let catalog = state.catalog(call)?.text("id");
    let requestable = state.requestable(call, &[catalog]).into_iter();
    let references = requestable.map(|[app, id]| json!({ "appId": app, "id": id }));
    Ok(json!({ "refs": references.collect::<Vec<_>>() }))
}

fn list_access(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let catalog = state.catalog(call)?.text("id");
    let listed = state.listed(CATALOG, call, |row| row.text("id") == catalog);
    let access = listed.flat_map(access);
    page(
        state,
        call,
        &access.map(|row| of_entitlement(&row)).collect(),
    )
}

/// What the caller can request, from the published catalogs that the caller sees, and what of it is granted.
fn search(state: &State, call: &Call<'_>) -> HandlerResult {
    let me = state.me(call)?.text("id");
    let body = call.body();
    let own = state.listed(GRANT, call, |grant| is_of_user(state, grant, me));
    let own: Vec<_> = own.collect();
    let bindings = |row: &Row| {
        let wanted = of_entitlement(row);
        let grants = own.iter();
        let grants =
            grants.filter(|grant| reference(grant, ["appId", "appEntitlementId"]) == wanted);
        let grants = grants.map(|grant| Value::Object(grant.fields()));
        grants.collect::<Vec<_>>()
    };
    let is_true = |row: &Row, field: &str| row.0.get(field) == Some(&json!(true));
    let catalogs = state.listed(CATALOG, call, |catalog| {
        let mut access = access(catalog).into_iter();
        is_true(catalog, "published")
            && (is_true(catalog, "visibleToEveryone")
                || access.any(|row| !bindings(&row).is_empty()))
    });
    let catalogs: Vec<_> = catalogs.map(|catalog| catalog.text("id")).collect();
    let entries = state.requestable(call, &catalogs);
    let app_name = body.text("appDisplayName").to_lowercase();
    let keep = |row: &Row| {
        let app = state.find_by_id("App", row.text("appId"));
        let app = app.map(|app| app.text("displayName").to_lowercase());
        let alias = body.text("entitlementAlias");
        entries.contains(&of_entitlement(row))
            && row.matches_query(body.text("query"), &["displayName", "description", "alias"])
            && app.is_ok_and(|app| app.contains(&app_name))
            && (alias.is_empty() || row.text("alias") == alias)
            && match body.text("grantedStatus") {
                "GRANTED" => !bindings(row).is_empty(),
                "NOT_GRANTED" => bindings(row).is_empty(),
                _ => true,
            }
    };
    respond::rows(
        state,
        call,
        (ENTITLEMENT, "list"),
        keep,
        |row, expansion| {
            json!({
                "entitlement": respond::entitlement(state, row, expansion),
                "appEntitlementUserBindings": bindings(row),
            })
        },
    )
}
