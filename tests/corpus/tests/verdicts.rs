//! The verdict on every document of the corpus.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZero;

use c1_corpus::case::{self, Case};
use c1_corpus::verdict::Judge;

#[test]
fn every_document_gets_the_verdict_of_its_case() {
    let judge = Judge::new().unwrap();
    let cases = case::all().unwrap();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = cases.len().div_ceil(threads).max(1);
    let failures = std::thread::scope(|scope| {
        let judge = &judge;
        let shares = cases.chunks(share).map(|cases| {
            scope.spawn(move || {
                let failed = |case: &Case| Some((case.name.clone(), judge.judge(case).err()?));
                cases.iter().filter_map(failed).collect::<Vec<_>>()
            })
        });
        let running: Vec<_> = shares.collect();
        let failures = running.into_iter().flat_map(|share| share.join().unwrap());
        failures
            .map(|(name, error)| format!("{name}: {error}"))
            .collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
