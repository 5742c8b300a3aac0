//! Sets how long grants of entitlements last, from a CSV with the columns `alias` and `days`.
//!
//! `bulk_durations FILE [--write]`. Without `--write` it only shows the difference.

use c1_api_ext::types::{
    AppEntitlement, AppEntitlementSearchServiceSearchRequest, UpdateAppEntitlementRequest,
};
use c1_api_ext::{Bulk, C1};
use c1_examples::{Outcome, Tenant};
use chrono::TimeDelta;
use serde::Deserialize;

/// A row of the CSV.
#[derive(Deserialize)]
struct Row {
    alias: String,
    days: i64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/data/durations.csv");
    let file = tenant.argument(1, "FILE", example)?;
    let rows: Vec<Row> = csv::Reader::from_path(file)?
        .deserialize()
        .collect::<Result<_, _>>()?;

    let mut changes = Vec::new();
    for row in rows {
        let before = entitlement(c1, &row.alias).await?;
        let mut after = before.clone();
        after.duration_grant = Some(TimeDelta::days(row.days));
        let days = |of: &AppEntitlement| {
            of.duration_grant.map_or("no end".to_owned(), |grant| {
                format!("{} days", grant.num_days())
            })
        };
        if before != after {
            println!("{}: {} -> {}", row.alias, days(&before), days(&after));
            changes.push((before, after));
        }
    }
    if !tenant.may_write() {
        return Ok(());
    }
    let bulk = Bulk::new().in_order();
    let results = bulk
        .all(changes, |(before, after)| {
            let app = before.app_id.clone().unwrap_or_default();
            let id = before.id.clone().unwrap_or_default();
            let update = UpdateAppEntitlementRequest::new()
                .entitlement(after.clone())
                .update_mask("durationGrant");
            c1.app_entitlements().update(app, id, update)
        })
        .await;
    for item in results {
        let alias = item.input.0.alias.unwrap_or_default();
        match item.result {
            Ok(_) => println!("{alias}: updated"),
            Err(error) => println!("{alias}: {error}"),
        }
    }
    Ok(())
}

async fn entitlement(c1: &C1, alias: &str) -> Outcome<AppEntitlement> {
    let search = AppEntitlementSearchServiceSearchRequest::new().alias(alias);
    let mut found = c1.app_entitlement_search().search(search).items();
    let found = found
        .try_next()
        .await?
        .and_then(|view| view.app_entitlement);
    Ok(found.ok_or_else(|| format!("no entitlement has the alias {alias:?}"))?)
}
