//! The system log of the emulator, as a feed follows it.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::time::Duration;

use c1_api::types::CreateAppRequest;
use c1_api_ext::{C1, Clock as _, EventFeed, EventPosition};
use c1_test_kit::Tenant;

async fn create(c1: &C1, name: &str) {
    c1.apps().create(CreateAppRequest::new(name)).await.unwrap();
}

/// The name of the object that the next event is about.
async fn next(feed: &mut EventFeed) -> String {
    let event = feed.try_next().await.unwrap().unwrap();
    event["resources"][0]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_feed_gives_each_event_once_and_goes_on_after_a_fault_and_a_restart() {
    let tenant = Tenant::start(|builder| builder).await;
    let c1 = tenant.credentials().build().unwrap();
    create(&c1, "before").await;
    tenant.clock().sleep(Duration::from_secs(60)).await;
    let start = EventPosition::since(tenant.clock().now());
    let feed = |start: EventPosition| {
        EventFeed::new(&c1, start)
            .page_size(5)
            .clock(tenant.clock().clone())
    };
    let names: Vec<_> = (0..12).map(|n| format!("app {n}")).collect();
    for name in &names[..11] {
        create(&c1, name).await;
    }
    let mut first = feed(start.clone());
    for name in &names[..7] {
        assert_eq!(next(&mut first).await, *name);
    }
    let saved = first.position().to_string();
    let mut second = feed(saved.parse().unwrap());
    for name in &names[7..11] {
        assert_eq!(next(&mut second).await, *name);
        assert_eq!(next(&mut first).await, *name);
    }
    // The first one comes to the end of the log and waits; meanwhile, there is something new.
    let (c1, name) = (&c1, &names[11]);
    let (found, ()) = tokio::join!(next(&mut first), create(c1, name));
    assert_eq!(found, *name);
    assert_eq!(next(&mut second).await, *name);

    let mut all = Vec::new();
    let mut feed = feed(start).until_end();
    while let Some(event) = feed.try_next().await.unwrap() {
        all.push(event["resources"][0]["name"].clone());
    }
    assert_eq!(all, names);
}
