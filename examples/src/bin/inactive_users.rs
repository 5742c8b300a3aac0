//! Accounts with access that have not signed in for 90 days, or never.
//!
//! `inactive_users DAYS`, where DAYS is the number of days.

use c1_api_ext::types::{AppUserExpandMask, AppUserServiceSearchRequest, StatusEnum};
use c1_examples::{Outcome, Tenant};
use chrono::{TimeDelta, Utc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let limit = TimeDelta::days(tenant.argument(1, "DAYS", "90")?.parse()?);
    let search = AppUserServiceSearchRequest::new()
        .app_user_statuses([StatusEnum::Enabled])
        .expand_mask(AppUserExpandMask::new().app_id().last_usage());
    let mut accounts = tenant.c1.app_user().search(search).items().with_expanded();
    while let Some((view, expanded)) = accounts.try_next().await? {
        let idle = view.last_usage(&expanded)?.map(|at| Utc::now() - at);
        if idle.is_some_and(|idle| idle < limit) {
            continue;
        }
        let app = view.app(&expanded)?.unwrap_or_default();
        let name = view.app_user.unwrap_or_default().display_name;
        let idle = idle.map_or("never".to_owned(), |idle| {
            format!("{} days ago", idle.num_days())
        });
        println!(
            "{:<10} {:<16} {idle}",
            app.display_name.unwrap_or_default(),
            name.unwrap_or_default()
        );
    }
    Ok(())
}
