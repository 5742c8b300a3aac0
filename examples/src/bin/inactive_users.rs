//! Accounts with access that have not signed in for 90 days, or never.
//!
//! `inactive_users DAYS`.

use c1_api_ext::types::{AppUserExpandMask, AppUserServiceSearchRequest, StatusEnum};
use c1_examples::{Outcome, Tenant};
use chrono::{DateTime, TimeDelta, Utc};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let days: i64 = tenant.argument(1, "DAYS", "90")?.parse()?;
    let limit = Utc::now() - TimeDelta::days(days);
    let search = AppUserServiceSearchRequest::new()
        .app_user_statuses([StatusEnum::Enabled])
        .expand_mask(AppUserExpandMask::new().paths(["last_usage"]));
    let mut pages = tenant.c1.app_user().search(search).pages();
    while let Some(page) = pages.try_next().await? {
        for view in &page.list {
            // TODO: the related object by type.
            let path = view.last_usage_path.as_deref().unwrap_or_default();
            let at = path
                .strip_prefix("$.expanded[")
                .and_then(|at| at.strip_suffix(']'));
            let at: Option<usize> = at.and_then(|at| at.parse().ok());
            let used = at
                .and_then(|at| page.expanded.get(at))
                .and_then(|any| any.0.get("value")?.as_str());
            let used = used.map(str::parse::<DateTime<Utc>>).transpose()?;
            if used.is_some_and(|used| used > limit) {
                continue;
            }
            let account = view.app_user.clone().unwrap_or_default();
            let ago = used.map_or("never".to_owned(), |used| {
                format!("{} days ago", (Utc::now() - used).num_days())
            });
            println!("{:<16} {ago}", account.display_name.unwrap_or_default());
        }
    }
    Ok(())
}
