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

#[cfg(feature = "task")]
mod tasks {
    use c1_api::{BoxFuture, Call, Transport};
    use reqwest::{Request, Response};
    use serde_json::{Value, json};

    use super::*;
    use crate::{C1, TaskOutcome, TaskStatus};

    /// Answers with one state of a task after the other.
    #[derive(Debug)]
    struct History(Mutex<VecDeque<Value>>);

    impl Transport for History {
        fn execute<'a>(
            &'a self,
            request: Request,
            _: &'a Call,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            assert_eq!(request.url().path(), "/api/v1/tasks/t1");
            let task = self.0.lock().expect("no panic").pop_front();
            let body = json!({ "taskView": { "task": task.expect("another state") } }).to_string();
            let response = ::http::Response::builder().header("content-type", "application/json");
            Box::pin(std::future::ready(Ok(response
                .body(body)
                .expect("a response")
                .into())))
        }
    }

    fn client(history: impl IntoIterator<Item = Value>) -> C1 {
        let history = History(Mutex::new(history.into_iter().collect()));
        let builder = C1::builder().tenant("127.0.0.1:1").access_token("token");
        builder.transport(history).build().expect("a client")
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
