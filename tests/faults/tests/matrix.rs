//! The outcomes of the matrix match the table and the documentation.

use std::error::Error as StdError;
use std::path::Path;

use c1_api_ext::c1_api::OPERATIONS;
use c1_faults::call::Call;
use c1_faults::matrix::{self, Outcome, Summary};
use c1_faults::server::Schedule;
use c1_faults::table::{Place, Row};

fn assert_no_duplicates_or_leaks(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let place = format!("{}, {}", outcome.fault, outcome.call.title());
        if outcome.call.must_not_repeat() && !outcome.fault.starts_with("429") {
            assert!(outcome.received <= 1, "{place}: arrived more than once");
        }
        let Err(error) = &outcome.result else {
            continue;
        };
        let causes = std::iter::successors(Some(error as &dyn StdError), |error| (*error).source());
        let shown: Vec<_> = causes
            .map(|error| format!("{error} {error:?} {error:#?}"))
            .collect();
        let shown = shown.join("\n");
        assert!(!shown.contains("canary"), "{place}: {shown}");
    }
}

/// Asserts that the summaries match the table of the place, without `left_out` of its rows.
fn assert_expected(place: Place, summary: &[Summary], left_out: usize) {
    assert_eq!(summary.len() + left_out, place.table().len());
    let differences: Vec<_> = summary
        .iter()
        .filter_map(|summary| {
            let expected = matrix::expected(row(place, summary.fault));
            (expected != *summary).then(|| format!("expected {expected:?}\nobserved {summary:?}\n"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn row(place: Place, fault: &str) -> &'static Row {
    let row = place.table().iter().find(|row| row.fault == fault);
    row.unwrap_or_else(|| panic!("{fault} is not in the table"))
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_match_the_table() {
    let mut summaries = Vec::new();
    for place in [Place::Api, Place::TokenEndpoint] {
        let outcomes = matrix::run(place, Schedule::ALWAYS)
            .await
            .expect("a matrix");
        assert_no_duplicates_or_leaks(&outcomes);
        if place == Place::TokenEndpoint {
            let sent = |outcome: &&Outcome| outcome.received > 0;
            assert_eq!(
                outcomes.iter().find(sent).map(|outcome| outcome.fault),
                None
            );
        }
        let summary = matrix::summarize(&outcomes);
        assert_expected(place, &summary, 0);
        summaries.push(summary);
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fault-matrix.md");
    let page = std::fs::read_to_string(path).expect("the page");
    assert!(
        page == matrix::markdown(&summaries[0], &summaries[1]),
        "docs/fault-matrix.md is stale: run `just fault-matrix`"
    );
}

/// A server may close a reused connection at any time, and HTTP clients tend to retry on a new one silently.
#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_the_same_on_a_reused_connection() {
    let outcomes = matrix::run(Place::Api, Schedule::AFTER_FIRST).await;
    let outcomes = outcomes.expect("a matrix");
    assert_no_duplicates_or_leaks(&outcomes);
    // Without the refused connection and the three large responses, which are not brief.
    assert_expected(Place::Api, &matrix::summarize(&outcomes), 4);
}

/// A call succeeds after a temporary fault if and only if it is retried.
#[tokio::test(flavor = "multi_thread")]
async fn retried_calls_survive_a_temporary_fault() {
    for place in [Place::Api, Place::TokenEndpoint] {
        let outcomes = matrix::run(place, Schedule::ONCE).await.expect("a matrix");
        assert_no_duplicates_or_leaks(&outcomes);
        for outcomes in outcomes.chunks(Call::ALL.len()) {
            let row = row(place, outcomes[0].fault);
            for (cell, outcome) in row.cells.iter().zip(outcomes) {
                assert_survives_if_retried(cell, outcome);
            }
        }
    }
}

fn assert_survives_if_retried(cell: &str, outcome: &Outcome) {
    let place = format!("{}, {}", outcome.fault, outcome.call.title());
    let (attempts, succeeds) = match cell {
        // The server asks for more time than all attempts take.
        "4 (1)" => (4, false),
        "1 ok" => (1, true),
        _ if cell.starts_with('1') => (1, false),
        _ => (2, true),
    };
    assert_eq!(outcome.attempts, attempts, "{place}");
    assert_eq!(outcome.result.is_ok(), succeeds, "{place}: {outcome:?}");
}

#[test]
fn the_client_and_the_matrix_agree_on_repeatable_calls() {
    for call in Call::ALL {
        let operation = OPERATIONS.iter().find(|known| known.id == call.operation());
        let operation = operation.expect("a known operation");
        assert_eq!(
            operation.is_repeatable(),
            !call.must_not_repeat(),
            "{}",
            operation.id
        );
        assert!(call.title().starts_with(operation.method));
    }
}
