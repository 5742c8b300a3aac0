//! The tenant's state, and the operations that use it.
//!
//! Handlers return the fields that are set, in wire form; [`State::handle`] adds the unset fields,
//! as C1 does. Unique names are a rule of the emulator: the display names of apps, of conflict
//! monitors and of the entitlements within an app are unique, and aliases are unique in the tenant.

mod apps;
mod call;
mod entitlements;
mod expand;
mod monitors;
mod owners;
mod personal_clients;
mod proxies;
mod row;
mod seed;
mod table;
mod users;

use std::sync::Arc;

use c1_api_spec::model::Description;
pub(crate) use call::{Call, LATEST};
pub(crate) use row::without_unknown;
use serde_json::Value;
use table::Table;

use crate::random::Random;
use crate::status::Status;

type HandlerResult = Result<Value, Status>;
/// Executes one operation.
type Handler = fn(&mut State, &Call<'_>) -> HandlerResult;

/// The SHA-256 of the vendor's file for which the handlers are written. Their responses conform to it as they are.
const FILE: &str = "f2cf3228f3665105df799e86f23d73ec92a4fe0a93f0bfcc325972a48427af96";

/// Whether the handlers are written for this description.
pub(crate) fn is_written_for(description: &Description) -> bool {
    let file = description.origin.as_ref();
    file.is_some_and(|origin| origin.sha256 == FILE)
}

/// The operations that have state, with the paths for which their handlers are written. All others return a sample, and
/// so do these where a description has them at another path, or answered by other messages.
#[rustfmt::skip]
const HANDLERS: &[(&str, &str, Handler)] = &[
    ("access_conflict.create_monitor", "/api/v1/accessconflict", monitors::create),
    ("access_conflict.delete_monitor", "/api/v1/accessconflict/{id}", monitors::delete),
    ("access_conflict.get_monitor", "/api/v1/accessconflict/{id}", monitors::get),
    ("access_conflict.update_monitor", "/api/v1/accessconflict/{id}", monitors::update),
    ("app_entitlement_monitor_binding.create", "/api/v1/appentitlementmonitorbinding", monitors::bind),
    ("app_entitlement_monitor_binding.delete", "/api/v1/appentitlementmonitorbinding", monitors::unbind),
    ("app_entitlement_monitor_binding.get", "/api/v1/appentitlementmonitorbinding/get", monitors::get_binding),
    ("app_entitlement_owners_v2.create_entitlement_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/entitlements/{role_slug}/{app_entitlement_ref_app_id}/{app_entitlement_ref_id}", owners::create_entitlement),
    ("app_entitlement_owners_v2.create_user_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/users/{role_slug}/{user_ref_id}", owners::create_user),
    ("app_entitlement_owners_v2.delete_entitlement_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/entitlements/{role_slug}/{app_entitlement_ref_app_id}/{app_entitlement_ref_id}", owners::delete_entitlement),
    ("app_entitlement_owners_v2.delete_user_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/users/{role_slug}/{user_ref_id}", owners::delete_user),
    ("app_entitlement_owners_v2.get_entitlement_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/entitlements/{role_slug}/{app_entitlement_ref_app_id}/{app_entitlement_ref_id}", owners::get_entitlement),
    ("app_entitlement_owners_v2.get_user_owner", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/users/{role_slug}/{user_ref_id}", owners::get_user),
    ("app_entitlement_owners_v2.search_entitlement_owners", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/entitlements", owners::search_entitlements),
    ("app_entitlement_owners_v2.search_user_owners", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners/users", owners::search_users),
    ("app_entitlement_owners_v2.set", "/api/v2/apps/{app_id}/entitlements/{entitlement_id}/owners", owners::set),
    ("app_entitlement_search.search", "/api/v1/search/entitlements", entitlements::search),
    ("app_entitlements.create", "/api/v1/apps/{app_id}/entitlements", entitlements::create),
    ("app_entitlements.delete", "/api/v1/apps/{app_id}/entitlements/{id}", entitlements::delete),
    ("app_entitlements.get", "/api/v1/apps/{app_id}/entitlements/{id}", entitlements::get),
    ("app_entitlements.list", "/api/v1/apps/{app_id}/entitlements", entitlements::list),
    ("app_entitlements.update", "/api/v1/apps/{app_id}/entitlements/{id}", entitlements::update),
    ("app_entitlements_proxy.create", "/api/v1/apps/{src_app_id}/{src_app_entitlement_id}/bindings/{dst_app_id}/{dst_app_entitlement_id}", proxies::create),
    ("app_entitlements_proxy.delete", "/api/v1/apps/{src_app_id}/{src_app_entitlement_id}/bindings/{dst_app_id}/{dst_app_entitlement_id}", proxies::delete),
    ("app_entitlements_proxy.get", "/api/v1/apps/{src_app_id}/{src_app_entitlement_id}/bindings/{dst_app_id}/{dst_app_entitlement_id}", proxies::get),
    ("app_search.search", "/api/v1/search/apps", apps::search),
    ("apps.create", "/api/v1/apps", apps::create),
    ("apps.delete", "/api/v1/apps/{id}", apps::delete),
    ("apps.get", "/api/v1/apps/{id}", apps::get),
    ("apps.list", "/api/v1/apps", apps::list),
    ("apps.update", "/api/v1/apps/{id}", apps::update),
    ("user.get", "/api/v1/users/{id}", users::get),
    ("user.list", "/api/v1/users", users::list),
    ("user_search.search", "/api/v1/search/users", users::search),
];

/// One that changes the clients of the token endpoint as well: its id and its path.
pub(crate) const PERSONAL_CLIENT: (&str, &str) =
    ("personal_client.create", "/api/v1/iam/personal_clients");

/// The objects of a tenant.
pub(crate) struct State {
    description: Arc<Description>,
    ids: Random,
    apps: Table,
    entitlements: Table,
    users: Table,
    monitors: Table,
    monitor_bindings: Table,
    proxies: Table,
    owner_entitlements: Table,
    owner_users: Table,
}

impl State {
    /// An empty tenant, whose ids are derived from `seed`.
    pub(crate) fn new(description: Arc<Description>, seed: u64) -> Self {
        Self {
            description,
            ids: Random::named(seed, "ids"),
            apps: Table::new("App"),
            entitlements: Table::new("AppEntitlement"),
            users: Table::new("User"),
            monitors: Table::new("ConflictMonitor"),
            monitor_bindings: Table::new("AppEntitlementMonitorBinding"),
            proxies: Table::new("AppEntitlementProxy"),
            owner_entitlements: Table::new("AppEntitlementOwnerEntitlement"),
            owner_users: Table::new("AppEntitlementOwnerUser"),
        }
    }

    /// Executes the operation; `None` if it has no state.
    pub(crate) fn handle(&mut self, call: &Call<'_>) -> Option<HandlerResult> {
        let id = call.operation.id();
        let (_, _, handler) = HANDLERS
            .iter()
            .find(|(known, path, _)| *known == id && *path == call.operation.path)?;
        let response = handler(self, call);
        Some(response.map(|value| {
            row::with_defaults(
                &self.description,
                call.operation.response.schema().unwrap_or_default(),
                value,
            )
        }))
    }

    /// Removes rows that refer to deleted entitlements.
    fn drop_orphans(&mut self) {
        let Self {
            entitlements,
            monitor_bindings,
            proxies,
            owner_entitlements,
            owner_users,
            ..
        } = self;
        let exists = |app: &str, id: &str| entitlements.get(&[app, id]).is_ok();
        monitor_bindings.retain(|row| exists(row.text("appId"), row.text("appEntitlementId")));
        proxies.retain(|row| {
            exists(row.text("srcAppId"), row.text("srcAppEntitlementId"))
                && exists(row.text("dstAppId"), row.text("dstAppEntitlementId"))
        });
        owner_entitlements.retain(|row| {
            exists(row.text("appId"), row.text("entitlementId"))
                && exists(row.text("refAppId"), row.text("refId"))
        });
        owner_users.retain(|row| exists(row.text("appId"), row.text("entitlementId")));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::{Write as _, stderr};

    use super::{FILE, HANDLERS, is_written_for};

    #[test]
    fn every_handler_is_at_the_path_of_its_operation() {
        let description = crate::description().unwrap();
        let is_whole = is_written_for(description);
        for (id, path, _) in HANDLERS {
            match description.operation(id) {
                Some(operation) => assert_eq!(operation.path, *path, "{id}"),
                None => assert!(!is_whole, "no operation {id}"),
            }
        }
        if !is_whole {
            // Not by `eprintln`, which tests that pass do not show.
            writeln!(
                stderr(),
                "the handlers are written for another file: {FILE}"
            )
            .unwrap();
        }
        let ids: BTreeSet<_> = HANDLERS.iter().map(|(id, ..)| id).collect();
        assert_eq!(ids.len(), HANDLERS.len(), "each once");
    }
}
