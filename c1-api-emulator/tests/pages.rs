//! Pages of other sizes than those of the API.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::collections::BTreeSet;

use c1_api_emulator::{Builder, Emulator};
use reqwest::Client;
use serde_json::Value;

/// The ids of the users, page by page.
async fn pages(builder: Builder, size: &str) -> Vec<Vec<String>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let emulator = builder.start().await.unwrap();
    let access_token = emulator.access_token().unwrap();
    let (mut pages, mut token, mut seen) = (Vec::new(), String::new(), BTreeSet::new());
    loop {
        let query = [("page_size", size), ("page_token", token.as_str())];
        let url = format!("{}/api/v1/users", emulator.base_url());
        let request = Client::new()
            .get(url)
            .query(&query)
            .bearer_auth(&access_token);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        let ids = page["list"].as_array().unwrap().iter();
        let ids = ids.map(|view| view["user"]["id"].as_str().unwrap().to_owned());
        pages.push(ids.collect());
        let next = page["nextPageToken"].as_str().unwrap();
        next.clone_into(&mut token);
        if token.is_empty() {
            return pages;
        }
        assert!(seen.insert(token.clone()), "{token} again");
    }
}

fn sizes(pages: &[Vec<String>]) -> Vec<usize> {
    pages.iter().map(Vec::len).collect()
}

#[tokio::test]
async fn pages_have_the_sizes_that_were_set() {
    let small = || Emulator::builder().page_sizes(1..=5);
    for (asked, expected) in [
        ("1", vec![1; 12]),
        ("5", vec![5, 5, 2]),
        ("100", vec![5, 5, 2]),
        ("0", vec![5, 5, 2]),
    ] {
        assert_eq!(sizes(&pages(small(), asked).await), expected, "{asked}");
    }
    #[allow(
        clippy::reversed_empty_ranges,
        reason = "what happens to it is documented"
    )]
    let reversed = Emulator::builder().page_sizes(7..=0);
    assert_eq!(sizes(&pages(reversed, "1").await), [7, 5]);
}

#[tokio::test]
async fn irregular_pages_have_every_object_once_in_order() {
    let all = pages(Emulator::builder(), "100").await.concat();
    let (mut empty, mut large) = (0, 0);
    for seed in 0..8 {
        let builder = || {
            Emulator::builder()
                .page_sizes(1..=100)
                .irregular_pages(true)
                .seed(seed)
        };
        let found = pages(builder(), "2").await;
        assert_eq!(found, pages(builder(), "2").await, "the seed says which");
        let ids: BTreeSet<_> = found.iter().flatten().collect();
        let own = pages(Emulator::builder().seed(seed), "100").await.concat();
        assert_eq!((ids.len(), found.concat()), (all.len(), own));
        empty += sizes(&found).iter().filter(|size| **size == 0).count();
        large += sizes(&found).iter().filter(|size| **size > 2).count();
    }
    assert!(empty > 1 && large > 1, "{empty} {large}");
}
