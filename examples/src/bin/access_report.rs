//! Who has access to an app: a CSV on the standard output, with a progress bar.
//!
//! `access_report APP`, where APP is the name of the app.

use c1_api_ext::types::{AppEntitlementRef, AppEntitlementSearchServiceSearchGrantsRequest};
use c1_api_ext::{Bulk, present};
use c1_examples::{Outcome, Tenant, app};
use indicatif::ProgressBar;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let app = app(c1, &tenant.argument(1, "APP", "Harbor")?).await?;
    let app_id = present!(app.id)?;

    let mut entitlements = Vec::new();
    let mut views = c1.app_entitlements().list(app_id).items();
    while let Some(view) = views.try_next().await? {
        let entitlement = present!(view.app_entitlement)?;
        let (id, name) = (
            present!(entitlement.id)?,
            present!(entitlement.display_name)?,
        );
        entitlements.push((AppEntitlementRef::new().app_id(app_id).id(id), name.clone()));
    }
    let bar = ProgressBar::new(entitlements.len() as u64);
    let progress = bar.clone();
    let bulk = Bulk::new()
        .in_order()
        .on_done(move |done| progress.set_position(done.finished as u64));
    let grants = bulk.all(entitlements, |(entitlement, _)| {
        let search = AppEntitlementSearchServiceSearchGrantsRequest::new()
            .entitlement_refs([entitlement.clone()]);
        c1.app_entitlement_search()
            .search_grants(search)
            .items()
            .try_collect::<Vec<_>>()
    });
    let grants = grants.await;
    bar.finish_and_clear();

    let mut csv = csv::Writer::from_writer(std::io::stdout());
    csv.write_record(["entitlement", "account", "email", "expires"])?;
    for of_entitlement in grants {
        let (_, entitlement) = of_entitlement.input;
        for row in of_entitlement.result? {
            let grant = present!(row.app_entitlement_user_binding)?;
            let account = present!(grant.app_user.app_user)?;
            let expires = grant.app_entitlement_user_binding_deprovision_at;
            csv.write_record([
                entitlement.as_str(),
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
