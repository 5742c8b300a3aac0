use std::collections::VecDeque;
use std::sync::Mutex;

use c1_api::ErrorKind;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::*;
use crate::testing::{Fixed, ManualClock};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Half of each delay is waited for.
fn wait() -> (Wait, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (Wait::new().clock(clock.clone()).random(Fixed(0x80)), clock)
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "as scripted")
}

fn status(status: StatusCode, retry_after: Option<&str>) -> Error {
    let headers = retry_after.map(|value| ("retry-after", value));
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| {
            (
                name.parse().expect("a name"),
                value.parse().expect("a value"),
            )
        })
        .collect();
    Error::from_parts(status, &headers, b"{}", None)
}

/// Gives one result after the other.
fn script(
    steps: impl IntoIterator<Item = Result<u32, Error>>,
) -> impl FnMut() -> std::future::Ready<Result<u32, Error>> {
    let mut steps: VecDeque<_> = steps.into_iter().collect();
    move || std::future::ready(steps.pop_front().expect("another step"))
}

#[tokio::test]
async fn polls_with_growing_delays_until_it_is_done() {
    let (wait, clock) = wait();
    let end = wait
        .until(script((0..8).map(Ok)), |state| *state == 7)
        .await;
    assert!(matches!(end, Ok(WaitEnd::Done(7))), "{end:?}");
    assert_eq!(clock.delays(), [1, 2, 4, 8, 15, 15, 15].map(secs));
    assert_eq!(end.expect("an end").done(), Some(7));
}

#[tokio::test]
async fn what_is_there_already_is_not_waited_for() {
    let (wait, clock) = wait();
    let end = wait
        .longest(Duration::ZERO)
        .until(script([Ok(7)]), |_| true)
        .await;
    assert!(matches!(end, Ok(WaitEnd::Done(7))));
    assert!(clock.delays().is_empty());
}

#[tokio::test]
async fn what_has_failed_is_not_waited_for() {
    let (wait, _) = wait();
    let condition = |state: &u32| {
        if *state == 1 {
            Progress::Failed
        } else {
            Progress::Pending
        }
    };
    let end = wait.until(script([Ok(0), Ok(1)]), condition).await;
    assert!(matches!(end, Ok(WaitEnd::Failed(1))), "{end:?}");
    assert_eq!(end.expect("an end").done(), None);
}

#[tokio::test]
async fn the_last_poll_is_at_the_end_of_the_time() {
    let (wait, clock) = wait();
    let polls = Mutex::new(0);
    let poll = || {
        *polls.lock().expect("no panic") += 1;
        std::future::ready(Ok(*polls.lock().expect("no panic")))
    };
    let end = wait.longest(secs(10)).until(poll, |_| false).await;
    assert!(
        matches!(
            end,
            Ok(WaitEnd::TimedOut {
                last: Some(5),
                error: None
            })
        ),
        "{end:?}"
    );
    assert_eq!(clock.delays(), [1, 2, 4, 3].map(secs));
    assert_eq!(clock.since_start(), secs(10));
}

#[tokio::test]
async fn temporary_failures_are_not_the_end_and_others_are() {
    let temporary = [
        failure(ErrorKind::Connect),
        failure(ErrorKind::Timeout),
        failure(ErrorKind::Transport),
        status(StatusCode::REQUEST_TIMEOUT, None),
        status(StatusCode::TOO_MANY_REQUESTS, Some("20")),
        status(StatusCode::INTERNAL_SERVER_ERROR, None),
        status(StatusCode::SERVICE_UNAVAILABLE, None),
    ];
    let count = temporary.len();
    let (wait, clock) = wait();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let wait = wait.on_poll(move |poll| {
        let kind = poll.error.map(Error::kind);
        log.lock()
            .expect("no panic")
            .push((poll.polls, poll.elapsed, poll.delay, kind));
    });
    let steps = temporary.map(Err).into_iter().chain([Ok(0), Ok(7)]);
    let end = wait.until(script(steps), |state| *state == 7).await;
    assert!(matches!(end, Ok(WaitEnd::Done(7))), "{end:?}");
    assert_eq!(
        clock.delays(),
        [1, 2, 4, 8, 20, 15, 15, 15].map(secs),
        "as Retry-After says"
    );
    let seen = std::mem::take(&mut *seen.lock().expect("no panic"));
    assert_eq!(seen.len(), count + 1);
    assert_eq!(
        seen[4],
        (5, secs(15), secs(20), Some(ErrorKind::RateLimited))
    );
    assert_eq!(seen[count], (8, secs(65), secs(15), None));

    for permanent in [
        failure(ErrorKind::Auth),
        failure(ErrorKind::Decode),
        status(StatusCode::NOT_FOUND, None),
        status(StatusCode::FORBIDDEN, None),
        status(StatusCode::NOT_IMPLEMENTED, None),
    ] {
        let kind = permanent.kind();
        let end = wait.until(script([Ok(0), Err(permanent)]), |_| false).await;
        assert_eq!(end.expect_err("the end").kind(), kind);
    }
}

#[tokio::test]
async fn the_end_of_the_time_tells_the_last_failure() {
    let (wait, _) = wait();
    let steps = [
        Ok(1),
        Err(failure(ErrorKind::Connect)),
        Err(failure(ErrorKind::Timeout)),
    ];
    let end = wait.longest(secs(3)).until(script(steps), |_| false).await;
    let Ok(WaitEnd::TimedOut {
        last: Some(1),
        error: Some(error),
    }) = end
    else {
        panic!("{end:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_is_cut_off() {
    let wait = Wait::new().longest(secs(60));
    let began = tokio::time::Instant::now();
    let end = wait
        .until(std::future::pending::<Result<u32, Error>>, |_| true)
        .await;
    assert!(
        matches!(
            end,
            Ok(WaitEnd::TimedOut {
                last: None,
                error: None
            })
        ),
        "{end:?}"
    );
    assert_eq!(began.elapsed(), secs(70));
}

#[tokio::test]
async fn a_clock_that_is_set_back_ends_it_as_well() {
    let (wait, clock) = wait();
    let poll = || {
        clock.set_back(3600);
        std::future::ready(Ok(0))
    };
    let end = wait.longest(secs(60)).until(poll, |_: &u32| false).await;
    assert!(matches!(end, Ok(WaitEnd::TimedOut { .. })));
    assert_eq!(clock.delays().iter().sum::<Duration>(), secs(60));
}

#[test]
fn a_wait_can_be_spawned() {
    fn is_send(_: &impl Send) {}
    is_send(&wait().0.until(|| async { Ok(1) }, |_| true));
}

#[tokio::test]
async fn what_is_not_found_yet_is_waited_for() {
    let not_found = || Err(status(StatusCode::NOT_FOUND, None));
    let (wait, clock) = wait();
    let busy = Err(status(StatusCode::SERVICE_UNAVAILABLE, None));
    let found = wait
        .found(script([not_found(), busy, not_found(), Ok(7)]))
        .await;
    assert!(matches!(found, Ok(WaitEnd::Done(7))), "{found:?}");
    assert_eq!(clock.delays().len(), 3);

    let never = wait
        .longest(secs(4))
        .found(script((0..9).map(|_| not_found())))
        .await;
    let timed_out = matches!(
        never,
        Ok(WaitEnd::TimedOut {
            last: None,
            error: None
        })
    );
    assert!(timed_out, "{never:?}");
    let (wait, _) = self::wait();
    let refused = wait
        .found(script([Err(status(StatusCode::FORBIDDEN, None))]))
        .await;
    assert!(refused.is_err_and(|error| error.is_permission_denied()));
}

#[cfg(feature = "automation_execution")]
mod executions {
    use serde_json::json;

    use super::*;
    use crate::testing::Replies;

    #[tokio::test]
    async fn an_execution_is_waited_for_through_all_of_its_states() {
        let state = |state: &str| {
            let state = format!("AUTOMATION_EXECUTION_STATE_{state}");
            (
                200,
                json!({ "automationExecution": { "id": "7", "state": state } }),
            )
        };
        let before = || {
            let busy = (503, json!({ "code": 14, "message": "busy" }));
            let states = [
                "PENDING",
                "GET_STEP",
                "PROCESS_STEP",
                "WAITING",
                "PAUSED_BY_CIRCUIT_BREAKER",
                "NEW",
            ];
            states.into_iter().map(state).chain([busy])
        };
        for (last, succeeded) in [("DONE", true), ("ERROR", false), ("TERMINATE", false)] {
            let replies = Replies::new(before().chain([state(last)]));
            let (wait, clock) = wait();
            let end = wait.execution(&replies.client(), 7).await.expect("an end");
            let execution = match end {
                WaitEnd::Done(execution) if succeeded => execution,
                WaitEnd::Failed(execution) if !succeeded => execution,
                other => panic!("{other:?}"),
            };
            assert_eq!(execution.id, Some(7));
            assert_eq!(clock.delays().len(), 7);
            assert_eq!(replies.asked()[0].0, "/api/v1/automation_executions/7");
        }
    }
}

#[cfg(feature = "connector")]
mod syncs {
    use c1_api::types::Connector;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Replies;

    fn connector(status: &str, started: &str, completed: Option<&str>) -> Value {
        json!({ "appId": "a1", "id": "c1", "status": {
            "status": format!("SYNC_STATUS_{status}"), "startedAt": started, "completedAt": completed,
        }})
    }

    async fn sync(before: &Value, after: &[Value]) -> (WaitEnd<Connector>, usize) {
        let replies = after
            .iter()
            .map(|it| (200, json!({ "connectorView": { "connector": it } })));
        let replies = Replies::new(replies);
        let before = serde_json::from_value(before.clone()).expect("a connector");
        let (wait, _) = wait();
        let end = wait.sync(&replies.client(), &before).await;
        let asked = replies.asked();
        assert!(
            asked
                .iter()
                .all(|(path, _)| path == "/api/v1/apps/a1/connectors/c1")
        );
        (end.expect("an end"), asked.len())
    }

    #[tokio::test]
    async fn the_end_of_an_earlier_sync_is_not_that_of_this_one() {
        const ONE: &str = "2026-05-01T00:00:00Z";
        const TWO: &str = "2026-05-02T00:00:00Z";
        const THREE: &str = "2026-05-03T00:00:00Z";
        for old in ["DONE", "ERROR", "DISABLED"] {
            let before = connector(old, ONE, Some(ONE));
            let running = connector("RUNNING", TWO, None);
            for (new, succeeded) in [("DONE", true), ("ERROR", false), ("DISABLED", false)] {
                let ended = connector(new, TWO, Some(THREE));
                let (end, polls) = sync(&before, &[before.clone(), running.clone(), ended]).await;
                assert_eq!(matches!(end, WaitEnd::Done(_)), succeeded, "{old} {new}");
                assert_eq!(matches!(end, WaitEnd::Failed(_)), !succeeded, "{old} {new}");
                assert_eq!(polls, 3);
            }
        }
        // One that was running already, one that was over before it was seen, and the first of a connector.
        let running = connector("RUNNING", ONE, None);
        let (end, polls) = sync(
            &running,
            &[running.clone(), connector("DONE", ONE, Some(TWO))],
        )
        .await;
        assert!(matches!((end, polls), (WaitEnd::Done(_), 2)));
        let done = connector("DONE", ONE, Some(ONE));
        let (end, _) = sync(&done, &[connector("DONE", TWO, Some(TWO))]).await;
        assert!(matches!(end, WaitEnd::Done(_)));
        let new = json!({ "appId": "a1", "id": "c1" });
        let (end, polls) = sync(&new, &[new.clone(), running, done]).await;
        assert!(matches!((end, polls), (WaitEnd::Done(_), 3)));
    }

    #[tokio::test]
    async fn a_connector_without_ids_is_an_error() {
        let replies = Replies::new([]);
        let error = wait().0.sync(&replies.client(), &Connector::new()).await;
        let error = error.expect_err("no ids");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().starts_with("before: "), "{error}");
    }
}

#[cfg(feature = "task")]
mod tasks {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Replies;
    use crate::{C1, TaskOutcome, TaskStatus};

    /// A client that gets one state of a task after the other.
    fn client(history: impl IntoIterator<Item = Value>) -> C1 {
        let view = |task| (200, json!({ "taskView": { "task": task } }));
        Replies::new(history.into_iter().map(view)).client()
    }

    fn task(state: &str, kind: &str, outcome: &str, step: &Value) -> Value {
        json!({
            "state": format!("TASK_STATE_{state}"),
            "type": { kind: { "outcome": outcome } },
            "policy": { "current": step },
        })
    }

    fn approval(state: &str) -> Value {
        json!({ "id": "s1", "approval": { "state": format!("APPROVAL_INSTANCE_STATE_{state}") } })
    }

    #[tokio::test]
    async fn only_the_state_ends_a_task() {
        let history = || {
            [
                task(
                    "OPEN",
                    "grant",
                    "GRANT_OUTCOME_UNSPECIFIED",
                    &approval("WAITING"),
                ),
                // As restarted tasks have it: the outcome of the time before.
                task("OPEN", "grant", "GRANT_OUTCOME_DENIED", &Value::Null),
                task(
                    "OPEN",
                    "grant",
                    "GRANT_OUTCOME_GRANTED",
                    &json!({ "id": "s2", "provision": {} }),
                ),
                json!(null),
            ]
        };
        for (outcome, expected) in [
            ("GRANT_OUTCOME_GRANTED", TaskOutcome::Succeeded),
            ("GRANT_OUTCOME_DENIED", TaskOutcome::Denied),
            ("GRANT_OUTCOME_ERROR", TaskOutcome::Errored),
            ("GRANT_OUTCOME_CANCELLED", TaskOutcome::Cancelled),
            ("GRANT_OUTCOME_WAIT_TIMED_OUT", TaskOutcome::TimedOut),
            (
                "GRANT_OUTCOME_NEW",
                TaskOutcome::Other("GRANT_OUTCOME_NEW".into()),
            ),
        ] {
            let closed = task("CLOSED", "grant", outcome, &Value::Null);
            let c1 = client(history().into_iter().chain([closed]));
            let (wait, clock) = wait();
            let end = wait
                .task(&c1, "t1", TaskStatus::succeeded)
                .await
                .expect("an end");
            assert_eq!(clock.delays().len(), 4);
            let task = match end {
                WaitEnd::Done(task) if expected == TaskOutcome::Succeeded => task,
                WaitEnd::Failed(task) if expected != TaskOutcome::Succeeded => task,
                other => panic!("{other:?}"),
            };
            assert_eq!(TaskStatus::of(&task), TaskStatus::Closed(expected));
        }
    }

    #[tokio::test]
    async fn a_task_that_is_held_says_by_what() {
        let form = |state: &str| json!({ "id": "s2", "form": { "state": format!("FORM_INSTANCE_STATE_{state}") } });
        let open = |step: Value| task("OPEN", "grant", "", &step);
        let c1 = client([
            open(Value::Null),
            open(approval("DONE")),
            open(approval("WAITING")),
            open(form("DONE")),
            open(form("WAITING")),
        ]);
        let (wait, _) = wait();
        for expected in [
            TaskStatus::NeedsApproval {
                step_id: "s1".into(),
            },
            TaskStatus::NeedsForm {
                step_id: "s2".into(),
            },
        ] {
            let end = wait
                .task(&c1, "t1", |status| *status != TaskStatus::Open)
                .await;
            let task = end.expect("an end").done().expect("held");
            assert_eq!(TaskStatus::of(&task), expected);
        }
    }

    #[test]
    fn every_kind_of_task_has_its_success() {
        for (kind, outcome) in [
            ("grant", "GRANT_OUTCOME_GRANTED"),
            ("revoke", "REVOKE_OUTCOME_REVOKED"),
            ("certify", "CERTIFY_OUTCOME_CERTIFIED"),
            ("certify", "CERTIFY_OUTCOME_DECERTIFIED"),
            ("offboarding", "OFFBOARDING_OUTCOME_DONE"),
            ("action", "ACTION_OUTCOME_SUCCESS"),
            ("finding", "FINDING_TASK_OUTCOME_REMEDIATED"),
            ("finding", "FINDING_TASK_OUTCOME_RISK_ACCEPTED"),
        ] {
            let closed = task("CLOSED", kind, outcome, &Value::Null);
            let closed = serde_json::from_value(closed).expect("a task");
            assert_eq!(
                TaskStatus::of(&closed),
                TaskStatus::Closed(TaskOutcome::Succeeded),
                "{kind}"
            );
        }
        let none = serde_json::from_value(json!({ "state": "TASK_STATE_CLOSED" }));
        let none = TaskStatus::of(&none.expect("a task"));
        assert_eq!(none, TaskStatus::Closed(TaskOutcome::Other(String::new())));
    }
}
