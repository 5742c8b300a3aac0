use std::sync::Mutex;

use c1_api::chrono::DateTime;
use c1_api::{Call, ErrorKind, Transport};
use c1_test_kit::Numbers;
use reqwest::{Request, Response};
use serde_json::json;

use super::*;
use crate::testing::{ManualClock, Replies, client, reply};

const START: &str = "2026-05-01T12:00:00Z";

fn event(uid: &str) -> Value {
    json!({ "metadata": { "uid": uid }, "time": 1_777_777_777_000_i64, "activity_id": 1 })
}

fn page(uids: &[&str], next: &str) -> (u16, Value) {
    let events: Vec<_> = uids.iter().map(|uid| event(uid)).collect();
    (200, json!({ "list": events, "nextPageToken": next }))
}

fn feed(replies: &Replies) -> (EventFeed, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let start: EventPosition = START.parse().expect("a position");
    let feed = EventFeed::new(&replies.client(), start).clock(clock.clone());
    (feed.interval(Duration::from_secs(7)), clock)
}

async fn next(feed: &mut EventFeed) -> String {
    let event = feed.try_next().await.expect("no error").expect("an event");
    uid_of(&event).expect("a uid").to_owned()
}

#[tokio::test]
async fn each_event_comes_once_across_pages_and_the_end_of_the_log() {
    let replies = Replies::new([
        page(&["e1", "e2"], "p2"),
        page(&[], "p3"),
        page(&["e3"], ""),
        page(&[], ""),
        // As a server would that takes the uid as the first of the list.
        page(&["e3", "e4"], ""),
    ]);
    let (mut feed, clock) = feed(&replies);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(next(&mut feed).await);
    }
    assert_eq!(seen, ["e1", "e2", "e3", "e4"]);
    assert_eq!(clock.waits(), [7, 7], "at both ends of the log");
    let asked: Vec<_> = replies.asked().into_iter().map(|(_, body)| body).collect();
    let ascending = |mut body: Value| {
        body["sortDirection"] = json!("SORT_DIRECTION_ASC");
        body
    };
    let behind = ascending(json!({ "sinceEventUid": "e3" }));
    assert_eq!(
        asked,
        [
            ascending(json!({ "since": START })),
            ascending(json!({ "since": START, "pageToken": "p2" })),
            ascending(json!({ "since": START, "pageToken": "p3" })),
            behind.clone(),
            behind,
        ]
    );
}

#[tokio::test]
async fn errors_are_waited_out_and_nothing_is_lost() {
    let busy = json!({ "code": 14, "message": "busy" });
    let replies = Replies::new([
        (503, busy.clone()),
        page(&["e1"], "p2"),
        (403, busy),
        page(&["e2"], ""),
    ]);
    let (feed, clock) = feed(&replies);
    let mut feed = feed.until_end();
    let error = feed.try_next().await.expect_err("the first reply");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(next(&mut feed).await, "e1");
    let error = feed.try_next().await.expect_err("of the second page");
    assert_eq!(error.page_token(), Some("p2"));
    assert_eq!(next(&mut feed).await, "e2");
    assert_eq!(clock.waits(), [7, 7]);
    assert!(feed.try_next().await.expect("no error").is_none());
    assert!(feed.try_next().await.expect("no error").is_none());
}

#[tokio::test]
async fn a_feed_goes_on_where_another_was_left() {
    let replies = Replies::new([page(&["e1", "e2", "e3"], "")]);
    let (feed, _) = feed(&replies);
    let mut feed = feed.until_end();
    assert_eq!(feed.position().to_string(), START);
    next(&mut feed).await;
    next(&mut feed).await;
    let saved = serde_json::to_string(feed.position()).expect("JSON");
    assert_eq!(
        saved, r#""2026-05-03T03:09:37Z e2""#,
        "time and uid of the event"
    );

    let replies = Replies::new([page(&["e3"], "")]);
    let position: EventPosition = serde_json::from_str(&saved).expect("a position");
    let mut feed = EventFeed::new(&replies.client(), position)
        .page_size(50)
        .until_end();
    assert_eq!(next(&mut feed).await, "e3");
    let body = &replies.asked()[0].1;
    assert_eq!(
        (&body["sinceEventUid"], &body["pageSize"]),
        (&json!("e2"), &json!(50))
    );
    assert!(body["since"].is_null(), "one of them");
}

#[tokio::test]
async fn at_most_one_page_is_fetched_ahead() {
    let pages = ["p2", "p3", "p4", ""].map(|next| page(&["a", "b"], next));
    let replies = Replies::new(pages);
    let (mut feed, _) = feed(&replies);
    assert_eq!(replies.left(), 4, "nothing before it is polled");
    next(&mut feed).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(replies.left(), 2, "this page and the next one");
}

#[tokio::test]
async fn an_event_without_a_uid_is_an_error_and_not_the_end() {
    let bad = (
        200,
        json!({ "list": [event(""), event("e1")], "nextPageToken": "" }),
    );
    let (mut feed, _) = feed(&Replies::new([bad]));
    let error = feed.try_next().await.expect_err("no uid");
    assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
    assert!(error.to_string().contains("metadata.uid"), "{error}");
    assert_eq!(next(&mut feed).await, "e1");
}

#[test]
fn positions_are_read_as_they_are_written() {
    for text in [
        START,
        "2026-05-01T12:00:00.123Z e1",
        "1969-12-31T23:59:59.999999999Z a b",
    ] {
        let position: EventPosition = text.parse().expect(text);
        assert_eq!(position.to_string(), text);
    }
    for text in [
        "",
        "now",
        "2026-05-01",
        "2026-05-01T12:00:00Z ",
        " e1",
        "e1",
    ] {
        assert_eq!(
            text.parse::<EventPosition>(),
            Err(EventPositionError),
            "{text}"
        );
    }
    let zero = DateTime::from_timestamp_millis(0).expect("1970");
    assert_eq!(
        EventPosition::from(std::time::UNIX_EPOCH),
        EventPosition::from(zero)
    );
}

/// A log that grows, in pages of any size, some of them empty, with faults in between.
#[derive(Clone, Debug)]
struct Log(Arc<Mutex<(Numbers, u64)>>);

const ALL: u64 = 40;

impl Transport for Log {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let body: Value = serde_json::from_slice(body.expect("a body")).expect("JSON");
        let number = |field: &str| body[field].as_str().and_then(|text| text.parse().ok());
        let mut state = self.0.lock().expect("no panic");
        let (numbers, known) = &mut *state;
        let status = if numbers.below(5) == 0 { 503 } else { 200 };
        let after: Option<u64> = number("pageToken").map(|token: u64| token / 100);
        let after = after.or(number("sinceEventUid")).unwrap_or(0);
        let to = (after + numbers.below(5)).min(*known);
        let list: Vec<_> = (after + 1..=to)
            .map(|uid| event(&uid.to_string()))
            .collect();
        // A page that is empty may have one after it.
        let next = (to < *known).then(|| (to * 100 + numbers.below(100)).to_string());
        if next.is_none() && status == 200 {
            *known = (*known + numbers.below(4)).min(ALL);
        }
        reply(status, &json!({ "list": list, "nextPageToken": next }))
    }
}

#[tokio::test]
async fn every_event_comes_once_and_in_order_whatever_the_pages_and_faults_are() {
    let log = Log(Arc::new(Mutex::new((Numbers::new(0), 0))));
    let c1 = client(log.clone());
    let clock = Arc::new(ManualClock::default());
    let begin = |start: EventPosition| EventFeed::new(&c1, start).clock(clock.clone());
    for seed in 0..60 {
        *log.0.lock().expect("no panic") = (Numbers::new(seed), 7);
        let mut feed = begin(START.parse().expect("a position"));
        let (mut numbers, mut seen) = (Numbers::new(seed + 1000), Vec::new());
        while (seen.len() as u64) < ALL {
            match feed.try_next().await {
                Ok(event) => seen.push(uid_of(&event.expect("no end")).expect("a uid").to_owned()),
                // A token is random, so it may come twice; then the list begins again.
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::Server | ErrorKind::UnexpectedContent
                    ),
                    "{error}"
                ),
            }
            if numbers.below(6) == 0 {
                feed = begin(feed.position().to_string().parse().expect("a position"));
            }
        }
        let expected: Vec<_> = (1..=ALL).map(|uid| uid.to_string()).collect();
        assert_eq!(seen, expected, "seed {seed}");
    }
}
