//! Segregation of duties: finds who has both of two entitlements, and has C1 watch over them with a conflict monitor.
//!
//! `conflicts ALIAS ALIAS [--write]`. Without `--write` nothing is created on a real tenant.

use std::collections::BTreeMap;

use c1_api_ext::C1;
use c1_api_ext::types::{
    AppEntitlement, AppEntitlementRef, AppEntitlementSearchServiceSearchGrantsRequest,
    AppEntitlementSearchServiceSearchRequest, ConflictMonitorCreateRequest,
    CreateAppEntitlementMonitorBindingRequest, EntitlementGroup,
};
use c1_examples::{Outcome, Tenant};
use futures_util::TryStreamExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let first = entitlement(c1, tenant.argument(1, "ALIAS", "ledger-invoices-writer")?).await?;
    let second = entitlement(c1, tenant.argument(2, "ALIAS", "ledger-payments-writer")?).await?;
    let holders = [holders(c1, &first).await?, holders(c1, &second).await?];
    for (id, name) in &holders[0] {
        if holders[1].contains_key(id) {
            println!("{name} has both.");
        }
    }
    if !tenant.may_write() {
        return Ok(());
    }
    let monitor = ConflictMonitorCreateRequest::new("Created by the example conflicts");
    let monitor = c1.access_conflict().create_monitor(monitor).await?;
    let sides = [(first, EntitlementGroup::A), (second, EntitlementGroup::B)];
    for (entitlement, side) in sides {
        let binding = CreateAppEntitlementMonitorBindingRequest::new()
            .monitor_id(monitor.id.as_deref().unwrap_or_default())
            .app_id(entitlement.app_id.unwrap_or_default())
            .app_entitlement_id(entitlement.id.unwrap_or_default())
            .entitlement_group(side);
        c1.app_entitlement_monitor_binding().create(binding).await?;
    }
    println!("A conflict monitor watches over both.");
    Ok(())
}

/// The users who have the entitlement: their ids and names.
async fn holders(c1: &C1, of: &AppEntitlement) -> Outcome<BTreeMap<String, String>> {
    let mut reference = AppEntitlementRef::new();
    reference.app_id.clone_from(&of.app_id);
    reference.id.clone_from(&of.id);
    let grants =
        AppEntitlementSearchServiceSearchGrantsRequest::new().entitlement_refs([reference]);
    let grants = c1.app_entitlement_search().search_grants(grants).items();
    let accounts = grants.try_filter_map(async |row| {
        let account = row
            .app_entitlement_user_binding
            .and_then(|grant| grant.app_user);
        let account = account.and_then(|view| view.app_user);
        Ok(account.and_then(|account| {
            Some((
                account.identity_user_id?,
                account.display_name.unwrap_or_default(),
            ))
        }))
    });
    Ok(accounts.try_collect().await?)
}

async fn entitlement(c1: &C1, alias: String) -> Outcome<AppEntitlement> {
    let search = AppEntitlementSearchServiceSearchRequest::new().alias(&alias);
    let mut found = c1.app_entitlement_search().search(search).items();
    let found = found
        .try_next()
        .await?
        .and_then(|view| view.app_entitlement);
    Ok(found.ok_or_else(|| format!("no entitlement has the alias {alias:?}"))?)
}
