//! What a large tenant takes: adds entitlements, reads them page by page over loopback, and prints how much memory and
//! time that takes. Arguments: the number of entitlements, by default 1,000,000. Run it with `--release`.

use std::error::Error;
use std::time::Instant;

use c1_api_emulator::Emulator;
use serde_json::{Value, json};

/// The memory of this process in bytes, where Linux tells it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[allow(clippy::cast_precision_loss, reason = "for printing")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let number: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |number| number.parse())?;
    let emulator = Emulator::builder().seed_data(false).start().await?;
    let app = emulator.add("App", json!({ "displayName": "Load" }))?;
    let app = app["id"].as_str().unwrap_or_default();

    let (before, started) = (memory(), Instant::now());
    for at in 0..number {
        let entitlement = json!({
            "appId": app,
            "displayName": format!("Entitlement {at}"),
            "description": format!("What entitlement {at} allows"),
            "slug": "reader",
            "alias": format!("load-{at}"),
            "purpose": "APP_ENTITLEMENT_PURPOSE_VALUE_PERMISSION",
            "isManuallyManaged": true,
        });
        emulator.add("AppEntitlement", entitlement)?;
    }
    let took = started.elapsed().as_secs_f64();
    println!("{number} entitlements added in {took:.1} s");
    if let (Some(before), Some(after)) = (before, memory()) {
        println!(
            "{} bytes an entitlement",
            after.saturating_sub(before) / number.max(1)
        );
    }

    let client = reqwest::Client::new();
    let url = format!("{}/api/v1/apps/{app}/entitlements", emulator.base_url());
    let access_token = emulator.access_token()?;
    let (started, mut pages, mut items, mut token) = (Instant::now(), 0_u32, 0, String::new());
    loop {
        let query = [("page_size", "100"), ("page_token", &token)];
        let response = client
            .get(&url)
            .query(&query)
            .bearer_auth(&access_token)
            .send()
            .await?;
        let page: Value = serde_json::from_str(&response.error_for_status()?.text().await?)?;
        pages += 1;
        items += page["list"].as_array().map_or(0, Vec::len) as u64;
        let next = page["nextPageToken"].as_str();
        next.unwrap_or_default().clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    if items != number {
        return Err(format!("{items} entitlements on the pages instead of {number}").into());
    }
    let took = started.elapsed().as_secs_f64();
    println!(
        "{pages} pages of 100 read in {took:.1} s: {:.0} pages a second",
        f64::from(pages) / took
    );
    if let Some(after) = memory() {
        println!("{} MiB of memory in the end", after >> 20);
    }
    Ok(())
}
