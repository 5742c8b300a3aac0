//! The matrix is what the table says it is, and the documentation shows it.

use std::error::Error as StdError;
use std::path::Path;

use c1_api_ext::c1_api::OPERATIONS;
use c1_faults::call::Call;
use c1_faults::matrix::{self, Observed, Outcome};
use c1_faults::server::Spell;
use c1_faults::table::{Row, TABLE};

fn assert_sound(outcomes: &[Outcome]) {
    for outcome in outcomes {
        let place = format!("{}, {}", outcome.fault, outcome.call.title());
        if outcome.call.is_delicate() && !outcome.fault.starts_with("429") {
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

/// The faults are those of the table, but for so many, and each has come out as it says there.
fn assert_expected(observed: &[Observed], left_out: usize) {
    assert_eq!(observed.len() + left_out, TABLE.len());
    let differences: Vec<_> = observed
        .iter()
        .filter_map(|observed| {
            let expected = matrix::expected(row(observed.fault));
            (expected != *observed)
                .then(|| format!("expected {expected:?}\nobserved {observed:?}\n"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn row(fault: &str) -> &'static Row {
    let row = TABLE.iter().find(|row| row.fault == fault);
    row.unwrap_or_else(|| panic!("{fault} is not in the table"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_outcome() {
    let outcomes = matrix::play(Spell::ALWAYS).await.expect("a matrix");
    assert_sound(&outcomes);
    let observed = matrix::observe(&outcomes);
    assert_expected(&observed, 0);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fault-matrix.md");
    let page = std::fs::read_to_string(path).expect("the page");
    assert!(
        page == matrix::markdown(&observed),
        "stale: cargo run -p c1-faults -- table > docs/fault-matrix.md"
    );
}

/// A connection that has been in use is one that the server may close at any time, and that HTTP clients like to replace
/// behind the caller's back.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_same_on_a_connection_that_was_used_before() {
    let outcomes = matrix::play(Spell::LATER).await.expect("a matrix");
    assert_sound(&outcomes);
    // A server that is not there, and three answers that are too large to be brief.
    assert_expected(&matrix::observe(&outcomes), 4);
}

/// Whatever is tried again succeeds when the second try does, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_passes_is_survived_where_it_may_be() {
    let outcomes = matrix::play(Spell::ONCE).await.expect("a matrix");
    assert_sound(&outcomes);
    for outcomes in outcomes.chunks(Call::ALL.len()) {
        for (cell, outcome) in row(outcomes[0].fault).cells.iter().zip(outcomes) {
            let once = cell.starts_with("1 ") || *cell == "1";
            let survives = !once || cell.ends_with("ok");
            let place = format!("{}, {}", outcome.fault, outcome.call.title());
            assert_eq!(outcome.tries, if once { 1 } else { 2 }, "{place}");
            assert_eq!(
                outcome.result.is_ok(),
                survives,
                "{place}: {:?}",
                outcome.result
            );
        }
    }
}

#[test]
fn the_client_thinks_of_the_calls_as_the_matrix_does() {
    for call in Call::ALL {
        let operation = OPERATIONS.iter().find(|known| known.id == call.operation());
        let operation = operation.expect("a known operation");
        assert_eq!(
            operation.is_repeatable(),
            !call.is_delicate(),
            "{}",
            operation.id
        );
        assert!(call.title().starts_with(operation.method));
    }
}
