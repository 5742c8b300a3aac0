//! Who has access to an app: a CSV on the standard output, with a progress bar.
//!
//! `access_report APP`, where APP is a part of the app's name.

use c1_api_ext::Bulk;
use c1_api_ext::types::{
    AppEntitlementRef, AppEntitlementSearchServiceSearchGrantsRequest, SearchAppsRequest,
};
use c1_examples::{Outcome, Tenant};
use futures_util::TryStreamExt as _;
use indicatif::ProgressBar;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let (c1, name) = (&tenant.c1, tenant.argument(1, "APP", "Harbor")?);
    let app = c1
        .app_search()
        .search(SearchAppsRequest::new().query(&name))
        .items()
        .try_next()
        .await?
        .ok_or_else(|| format!("no app is called {name:?}"))?;
    let app_id = app.id.unwrap_or_default();

    let entitlements = c1.app_entitlements().list(&app_id).items();
    let entitlements: Vec<_> = entitlements
        .try_filter_map(async |view| Ok(view.app_entitlement))
        .try_collect()
        .await?;
    let bar = ProgressBar::new(entitlements.len() as u64);
    let progress = bar.clone();
    let bulk = Bulk::new()
        .in_order()
        .on_done(move |done| progress.set_position(done.finished as u64));
    let accesses = bulk
        .all(entitlements, |entitlement| {
            let reference = AppEntitlementRef::new()
                .app_id(&app_id)
                .id(entitlement.id.as_deref().unwrap_or_default());
            let grants = AppEntitlementSearchServiceSearchGrantsRequest::new()
                .entitlement_refs(vec![reference]);
            c1.app_entitlement_search()
                .search_grants(grants)
                .items()
                .try_collect::<Vec<_>>()
        })
        .await;
    bar.finish_and_clear();

    let mut csv = csv::Writer::from_writer(std::io::stdout());
    csv.write_record(["entitlement", "account", "email", "expires"])?;
    for access in accesses {
        for row in access.result? {
            let grant = row.app_entitlement_user_binding.unwrap_or_default();
            let account = grant
                .app_user
                .and_then(|view| view.app_user)
                .unwrap_or_default();
            let expires = grant.app_entitlement_user_binding_deprovision_at;
            csv.write_record([
                access.input.display_name.as_deref().unwrap_or_default(),
                account.display_name.as_deref().unwrap_or_default(),
                account.email.as_deref().unwrap_or_default(),
                &expires
                    .map(|at| at.date_naive().to_string())
                    .unwrap_or_default(),
            ])?;
        }
    }
    csv.flush()?;
    Ok(())
}
