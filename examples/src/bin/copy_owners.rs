//! Copies the owners of an app's entitlements to the entitlements of another app that have the same names.
//!
//! `copy_owners FROM TO [--write]`, where FROM and TO are names of apps. Without `--write` it only shows what it would do.

use std::collections::BTreeMap;

use c1_api_ext::C1;
use c1_api_ext::types::{
    AppEntitlement, SearchAppsRequest, SetAppEntitlementOwnersRequestV2, User, UserRef,
};
use c1_examples::{Outcome, Tenant, offline};
use futures_util::TryStreamExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    if tenant.offline.is_some() {
        offline::add_owners(c1).await?;
    }
    let from = app(c1, tenant.argument(1, "FROM", "Harbor")?).await?;
    let to = app(c1, tenant.argument(2, "TO", "Harbor Staging")?).await?;
    let targets = entitlements(c1, &to).await?;
    for (name, source) in entitlements(c1, &from).await? {
        let Some(target) = targets.get(&name) else {
            continue;
        };
        let mut roles: BTreeMap<_, Vec<User>> = BTreeMap::new();
        let owners = c1.app_entitlement_owners_v2();
        let mut rows = owners
            .search_user_owners(&from, source.id.unwrap_or_default())
            .items();
        while let Some(owner) = rows.try_next().await? {
            roles.entry(owner.role_slug).or_default().extend(owner.user);
        }
        for (role, users) in roles {
            let role = role.unwrap_or_default();
            let names = users.iter().filter_map(|user| user.display_name.as_deref());
            println!("{name} ({role}): {}", names.collect::<Vec<_>>().join(", "));
            if tenant.may_write() {
                let users = users.into_iter().filter_map(|user| user.id);
                let users: Vec<_> = users.map(|id| UserRef::new().id(id)).collect();
                let set = SetAppEntitlementOwnersRequestV2::new()
                    .role_slug(role)
                    .user_refs(users);
                let id = target.id.as_deref().unwrap_or_default();
                owners.set(&to, id, set).await?;
            }
        }
    }
    Ok(())
}

/// The id of the app with the name.
async fn app(c1: &C1, name: String) -> Outcome<String> {
    let mut apps = c1
        .app_search()
        .search(SearchAppsRequest::new().display_name(&name))
        .items();
    while let Some(app) = apps.try_next().await? {
        if app.display_name.as_deref() == Some(&name) {
            return Ok(app.id.unwrap_or_default());
        }
    }
    Err(format!("no app is called {name:?}").into())
}

/// The entitlements of the app by their names.
async fn entitlements(c1: &C1, app_id: &str) -> Outcome<BTreeMap<String, AppEntitlement>> {
    let views = c1.app_entitlements().list(app_id).items();
    let named = views.try_filter_map(async |view| {
        let entitlement = view.app_entitlement.unwrap_or_default();
        Ok(entitlement
            .display_name
            .clone()
            .map(|name| (name, entitlement)))
    });
    Ok(named.try_collect().await?)
}
