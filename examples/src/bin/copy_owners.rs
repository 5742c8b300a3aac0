//! Copies the owners of an app's entitlements to the entitlements of another app that have the same names.
//!
//! `copy_owners FROM TO [--write]`, where FROM and TO are names of apps. Without `--write` it only shows what it would do.

use std::collections::BTreeMap;

use c1_api_ext::types::{SetAppEntitlementOwnersRequestV2, User, UserRef};
use c1_api_ext::{C1, present};
use c1_examples::{Outcome, Tenant, app, offline};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    if tenant.offline.is_some() {
        offline::add_owners(c1).await?;
    }
    let from = app(c1, &tenant.argument(1, "FROM", "Harbor")?).await?;
    let to = app(c1, &tenant.argument(2, "TO", "Harbor Staging")?).await?;
    let (from, to) = (present!(from.id)?, present!(to.id)?);
    let (owners, targets) = (c1.app_entitlement_owners_v2(), entitlements(c1, to).await?);
    for (name, source) in entitlements(c1, from).await? {
        let Some(target) = targets.get(&name) else {
            continue;
        };
        let mut roles: BTreeMap<String, Vec<User>> = BTreeMap::new();
        let mut rows = owners.search_user_owners(from, source).items();
        while let Some(row) = rows.try_next().await? {
            roles
                .entry(present!(row.role_slug)?.clone())
                .or_default()
                .extend(row.user);
        }
        for (role, users) in roles {
            let names = users.iter().filter_map(|user| user.display_name.as_deref());
            println!("{name} ({role}): {}", names.collect::<Vec<_>>().join(", "));
            if tenant.may_write() {
                let users = users.into_iter().filter_map(|user| user.id);
                let set = SetAppEntitlementOwnersRequestV2::new()
                    .role_slug(role)
                    .user_refs(users.map(|id| UserRef::new().id(id)).collect::<Vec<_>>());
                owners.set(to, target, set).await?;
            }
        }
    }
    Ok(())
}

/// The ids of the app's entitlements by their names.
async fn entitlements(c1: &C1, app_id: &str) -> Outcome<BTreeMap<String, String>> {
    let mut views = c1.app_entitlements().list(app_id).items();
    let mut ids = BTreeMap::new();
    while let Some(view) = views.try_next().await? {
        let entitlement = present!(view.app_entitlement)?;
        ids.insert(
            present!(entitlement.display_name)?.clone(),
            present!(entitlement.id)?.clone(),
        );
    }
    Ok(ids)
}
