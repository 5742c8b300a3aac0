//! Segregation of duties: finds who has both of two entitlements, and has C1 watch over them with a conflict monitor.
//!
//! `conflicts ALIAS ALIAS [--write]`. Without `--write` nothing is created on a real tenant.

use std::collections::BTreeMap;

use c1_api_ext::access::Entitlement;
use c1_api_ext::types::{
    AppEntitlementRef, AppEntitlementSearchServiceSearchGrantsRequest,
    ConflictMonitorCreateRequest, CreateAppEntitlementMonitorBindingRequest, EntitlementGroup,
};
use c1_api_ext::{C1, present};
use c1_examples::{Outcome, Tenant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let first = c1
        .access()
        .entitlement(&tenant.argument(1, "ALIAS", "ledger-invoices-writer")?)
        .await?;
    let second = c1
        .access()
        .entitlement(&tenant.argument(2, "ALIAS", "ledger-payments-writer")?)
        .await?;
    let others = holders(c1, &second).await?;
    for (id, name) in holders(c1, &first).await? {
        if others.contains_key(&id) {
            println!("{name} has both.");
        }
    }
    if !tenant.may_write() {
        return Ok(());
    }
    let monitor = ConflictMonitorCreateRequest::new("Two entitlements that nobody should have");
    let monitor = c1.access_conflict().create_monitor(monitor).await?;
    for (entitlement, side) in [(first, EntitlementGroup::A), (second, EntitlementGroup::B)] {
        let binding = CreateAppEntitlementMonitorBindingRequest::new()
            .monitor_id(present!(monitor.id)?)
            .app_id(entitlement.app_id())
            .app_entitlement_id(entitlement.id())
            .entitlement_group(side);
        c1.app_entitlement_monitor_binding().create(binding).await?;
    }
    println!("A conflict monitor watches over both.");
    Ok(())
}

/// The users who have the entitlement: their ids and names.
async fn holders(c1: &C1, of: &Entitlement) -> Outcome<BTreeMap<String, String>> {
    let reference = AppEntitlementRef::new().app_id(of.app_id()).id(of.id());
    let search =
        AppEntitlementSearchServiceSearchGrantsRequest::new().entitlement_refs([reference]);
    let mut grants = c1.app_entitlement_search().search_grants(search).items();
    let mut holders = BTreeMap::new();
    while let Some(row) = grants.try_next().await? {
        let account = present!(row.app_entitlement_user_binding.app_user.app_user)?;
        if let Some(user) = &account.identity_user_id {
            holders.insert(user.clone(), present!(account.display_name)?.clone());
        }
    }
    Ok(holders)
}
