//! Follows the system log: each event as a line of JSON on the standard output, its position on the standard error.
//!
//! `follow_log SINCE`, where SINCE is a time (RFC 3339) or a position that an earlier run has printed. It never ends, but
//! on the offline tenant it does, at the end of the log.

use c1_api_ext::{EventFeed, EventPosition};
use c1_examples::{Outcome, Tenant, offline};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let start: EventPosition = tenant
        .argument(1, "SINCE", "2026-01-01T00:00:00Z")?
        .parse()?;
    let mut feed = EventFeed::new(c1, start);
    if tenant.offline.is_some() {
        offline::add_owners(c1).await?;
        feed = feed.until_end();
    }
    while let Some(event) = feed.try_next().await? {
        println!("{}", serde_json::to_string(&event)?);
        eprintln!("{}", feed.position());
    }
    Ok(())
}
