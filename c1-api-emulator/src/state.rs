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

use c1_api_spec::model::Description;
pub(crate) use call::{Call, LATEST};
use serde_json::Value;
use table::Table;

use crate::random::Random;
use crate::status::Status;

type HandlerResult = Result<Value, Status>;
/// Executes one operation.
type Handler = fn(&mut State, &Call<'_>) -> HandlerResult;

/// The operations that have state. All others return a sample.
const HANDLERS: &[(&str, Handler)] = &[
    ("access_conflict.create_monitor", monitors::create),
    ("access_conflict.delete_monitor", monitors::delete),
    ("access_conflict.get_monitor", monitors::get),
    ("access_conflict.update_monitor", monitors::update),
    ("app_entitlement_monitor_binding.create", monitors::bind),
    ("app_entitlement_monitor_binding.delete", monitors::unbind),
    ("app_entitlement_monitor_binding.get", monitors::get_binding),
    (
        "app_entitlement_owners_v2.create_entitlement_owner",
        owners::create_entitlement,
    ),
    (
        "app_entitlement_owners_v2.create_user_owner",
        owners::create_user,
    ),
    (
        "app_entitlement_owners_v2.delete_entitlement_owner",
        owners::delete_entitlement,
    ),
    (
        "app_entitlement_owners_v2.delete_user_owner",
        owners::delete_user,
    ),
    (
        "app_entitlement_owners_v2.get_entitlement_owner",
        owners::get_entitlement,
    ),
    ("app_entitlement_owners_v2.get_user_owner", owners::get_user),
    (
        "app_entitlement_owners_v2.search_entitlement_owners",
        owners::search_entitlements,
    ),
    (
        "app_entitlement_owners_v2.search_user_owners",
        owners::search_users,
    ),
    ("app_entitlement_owners_v2.set", owners::set),
    ("app_entitlement_search.search", entitlements::search),
    ("app_entitlements.create", entitlements::create),
    ("app_entitlements.delete", entitlements::delete),
    ("app_entitlements.get", entitlements::get),
    ("app_entitlements.list", entitlements::list),
    ("app_entitlements.update", entitlements::update),
    ("app_entitlements_proxy.create", proxies::create),
    ("app_entitlements_proxy.delete", proxies::delete),
    ("app_entitlements_proxy.get", proxies::get),
    ("app_search.search", apps::search),
    ("apps.create", apps::create),
    ("apps.delete", apps::delete),
    ("apps.get", apps::get),
    ("apps.list", apps::list),
    ("apps.update", apps::update),
    ("user.get", users::get),
    ("user.list", users::list),
    ("user_search.search", users::search),
];

/// The objects of a tenant.
pub(crate) struct State {
    description: &'static Description,
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
    pub(crate) fn new(description: &'static Description, seed: u64) -> Self {
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
        let (_, handler) = HANDLERS.iter().find(|(known, _)| *known == id)?;
        let response = handler(self, call);
        Some(response.map(|value| {
            row::with_defaults(
                self.description,
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
    use super::HANDLERS;

    #[test]
    fn every_handler_belongs_to_an_operation() {
        let description = crate::description().unwrap();
        for (id, _) in HANDLERS {
            assert!(description.operation(id).is_some(), "{id}");
        }
    }
}
