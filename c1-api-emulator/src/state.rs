//! What the tenant remembers: the operations that have state, by their ids.
//!
//! Handlers return what is set, in wire form; [`State::answer`] adds the unset fields, as C1 sends
//! them. Uniqueness of names is the emulator's own rule: apps, conflict monitors and, within an
//! app, entitlements may not share a display name, and aliases are unique in the tenant.

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
pub(crate) use call::Call;
use serde_json::Value;
use table::Table;

use crate::random::Random;
use crate::status::Status;

/// The answer of a handler.
type Answer = Result<Value, Status>;
/// Carries out one operation.
type Handler = fn(&mut State, &Call<'_>) -> Answer;

/// The operations that have state. Everything else answers with a sample.
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

/// Everything that was created and not deleted.
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
    /// A tenant without anything in it; ids follow from the seed.
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

    /// Carries out the operation; `None` when it has no state.
    pub(crate) fn answer(&mut self, call: &Call<'_>) -> Option<Answer> {
        let id = call.operation.id();
        let (_, handler) = HANDLERS.iter().find(|(known, _)| *known == id)?;
        let answer = handler(self, call);
        Some(answer.map(|value| row::complete(self.description, &call.operation.response, value)))
    }

    /// Forgets what hangs on entitlements that are gone.
    fn drop_orphans(&mut self) {
        let Self {
            entitlements,
            monitor_bindings,
            proxies,
            owner_entitlements,
            owner_users,
            ..
        } = self;
        let lives = |app: &str, id: &str| entitlements.get(&[app, id]).is_ok();
        monitor_bindings.retain(|row| lives(row.text("appId"), row.text("appEntitlementId")));
        proxies.retain(|row| {
            lives(row.text("srcAppId"), row.text("srcAppEntitlementId"))
                && lives(row.text("dstAppId"), row.text("dstAppEntitlementId"))
        });
        owner_entitlements.retain(|row| {
            lives(row.text("appId"), row.text("entitlementId"))
                && lives(row.text("refAppId"), row.text("refId"))
        });
        owner_users.retain(|row| lives(row.text("appId"), row.text("entitlementId")));
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
