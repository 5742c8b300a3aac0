//! The outcomes of the matrix match the table and the documentation.

use std::error::Error as StdError;
use std::path::Path;

use c1_api_ext::c1_api::OPERATIONS;
use c1_faults::call::Call;
use c1_faults::matrix::{self, Outcome, Summary};
use c1_faults::server::Schedule;
use c1_faults::table::{Row, TABLE};

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

/// Asserts that the summaries match the table, without `left_out` of its rows.
fn assert_expected(summary: &[Summary], left_out: usize) {
    assert_eq!(summary.len() + left_out, TABLE.len());
    let differences: Vec<_> = summary
        .iter()
        .filter_map(|summary| {
            let expected = matrix::expected(row(summary.fault));
            (expected != *summary).then(|| format!("expected {expected:?}\nobserved {summary:?}\n"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn row(fault: &str) -> &'static Row {
    let row = TABLE.iter().find(|row| row.fault == fault);
    row.unwrap_or_else(|| panic!("{fault} is not in the table"))
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_match_the_table() {
    let outcomes = matrix::run(Schedule::ALWAYS).await.expect("a matrix");
    assert_no_duplicates_or_leaks(&outcomes);
    let summary = matrix::summarize(&outcomes);
    assert_expected(&summary, 0);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fault-matrix.md");
    let page = std::fs::read_to_string(path).expect("the page");
    assert!(
        page == matrix::markdown(&summary),
        "docs/fault-matrix.md is stale: run `just fault-matrix`"
    );
}

/// A server may close a reused connection at any time, and HTTP clients tend to retry on a new one silently.
#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_the_same_on_a_reused_connection() {
    let outcomes = matrix::run(Schedule::AFTER_FIRST).await.expect("a matrix");
    assert_no_duplicates_or_leaks(&outcomes);
    // Without the refused connection and the three large responses, which are not brief.
    assert_expected(&matrix::summarize(&outcomes), 4);
}

/// A call succeeds after a temporary fault if and only if it is retried.
#[tokio::test(flavor = "multi_thread")]
async fn retried_calls_survive_a_temporary_fault() {
    let outcomes = matrix::run(Schedule::ONCE).await.expect("a matrix");
    assert_no_duplicates_or_leaks(&outcomes);
    for outcomes in outcomes.chunks(Call::ALL.len()) {
        for (cell, outcome) in row(outcomes[0].fault).cells.iter().zip(outcomes) {
            let once = cell.starts_with("1 ") || *cell == "1";
            let succeeds = !once || cell.ends_with("ok");
            let place = format!("{}, {}", outcome.fault, outcome.call.title());
            assert_eq!(outcome.attempts, if once { 1 } else { 2 }, "{place}");
            assert_eq!(
                outcome.result.is_ok(),
                succeeds,
                "{place}: {:?}",
                outcome.result
            );
        }
    }
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
