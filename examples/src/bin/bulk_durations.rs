//! Sets how long grants of entitlements last, from a CSV with the columns `alias` and `days`.
//!
//! `bulk_durations FILE [--write]`. Without `--write` it only shows the difference.

use c1_api_ext::types::UpdateAppEntitlementRequest;
use c1_api_ext::{Bulk, Update as _};
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
    let rows = csv::Reader::from_path(tenant.argument(1, "FILE", example)?)?;
    let mut updates = Vec::new();
    for row in rows.into_deserialize() {
        let Row { alias, days } = row?;
        let entitlement = c1.access().entitlement(&alias).await?;
        let before = entitlement.row();
        let mut after = before.clone();
        after.duration_grant = Some(TimeDelta::days(days));
        if let Some(update) = UpdateAppEntitlementRequest::changes(before, &after)? {
            println!("{alias}: {} -> {days} days", shown(before.duration_grant));
            updates.push((entitlement, update));
        }
    }
    if !tenant.may_write() {
        return Ok(());
    }
    let bulk = Bulk::new().in_order();
    let results = bulk.all(updates, |(entitlement, update)| {
        let (app, id) = (entitlement.app_id(), entitlement.id());
        c1.app_entitlements().update(app, id, update.clone())
    });
    for item in results.await {
        let (entitlement, _) = item.input;
        match item.result {
            Ok(_) => println!("{}: updated", entitlement.alias()),
            Err(error) => println!("{}: {error}", entitlement.alias()),
        }
    }
    Ok(())
}

fn shown(duration: Option<TimeDelta>) -> String {
    duration.map_or("no end".to_owned(), |days| {
        format!("{} days", days.num_days())
    })
}
