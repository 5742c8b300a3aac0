//! Lists as streams: every item once and in order, whatever the pages are like and whatever fails in between.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use c1_api::types::{App, AppEntitlementSearchServiceSearchRequest};
use c1_api::{Bearer, BoxFuture, Call, Client, Error, ErrorKind, Position, Transport};
use c1_test_kit::Numbers;
use futures_util::TryStreamExt as _;
use reqwest::{Request, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// A server with the pages of a list: the page with the number `n` has the token `page-n`, and the first one none.
#[derive(Debug)]
struct Server {
    pages: Vec<Vec<u64>>,
    /// The number of the page that the last one leads to, if any.
    last_leads_to: Option<usize>,
    /// How long a response takes.
    takes: Duration,
    faults: Mutex<Numbers>,
    /// How many of a hundred requests fail.
    percent: u64,
    /// What was asked for: the token and the page size.
    log: Mutex<Vec<(String, String)>>,
}

impl Server {
    fn new(pages: Vec<Vec<u64>>) -> Self {
        Self {
            pages,
            last_leads_to: None,
            takes: Duration::ZERO,
            faults: Mutex::new(Numbers::new(0)),
            percent: 0,
            log: Mutex::default(),
        }
    }

    fn page(&self, token: &str) -> Value {
        let number = token
            .strip_prefix("page-")
            .map_or(0, |number| number.parse().unwrap());
        let next = if number + 1 < self.pages.len() {
            Some(number + 1)
        } else {
            self.last_leads_to
        };
        let list = self.pages[number].iter();
        let list: Vec<_> = list.map(|id| json!({ "id": id.to_string() })).collect();
        let next = next.map_or(String::new(), |number| format!("page-{number}"));
        json!({ "list": list, "nextPageToken": next })
    }

    fn asked(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().map(|(token, _)| token.clone()).collect()
    }
}

/// The token and the size of the page, in the query or in the body.
fn parameters(request: &Request) -> (String, String) {
    let body = request.body().and_then(|body| body.as_bytes());
    let body: Value = body.map_or(Value::Null, |body| serde_json::from_slice(body).unwrap());
    let parameter = |query: &str, field: &str| {
        let mut pairs = request.url().query_pairs();
        match pairs.find(|(name, _)| name == query) {
            Some((_, value)) => value.into_owned(),
            None => match &body[field] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        }
    };
    (
        parameter("page_token", "pageToken"),
        parameter("page_size", "pageSize"),
    )
}

impl Transport for Server {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            let (token, size) = parameters(&request);
            let page = self.page(&token);
            self.log.lock().unwrap().push((token, size));
            sleep(self.takes).await;
            if self.faults.lock().unwrap().percent(self.percent) {
                return Err(Error::new(ErrorKind::Transport, "broken"));
            }
            let response = http::Response::builder().header("content-type", "application/json");
            Ok(response.body(page.to_string()).unwrap().into())
        })
    }
}

/// Made once, since making one takes long.
fn http() -> reqwest::Client {
    static HTTP: OnceLock<reqwest::Client> = OnceLock::new();
    HTTP.get_or_init(|| c1_api_ext::http::client(&"127.0.0.1".parse().unwrap()).unwrap())
        .clone()
}

fn client(server: Server) -> (Client, Arc<Server>) {
    let server = Arc::new(server);
    let client = Client::new("https://c1.test", http(), server.clone()).unwrap();
    (client, server)
}

fn id(app: &App) -> u64 {
    app.id.as_ref().unwrap().parse().unwrap()
}

/// Up to 12 pages of up to 4 items, some of them empty.
fn random_pages(numbers: &mut Numbers) -> Vec<Vec<u64>> {
    let mut ids = 0..;
    let count = 1 + numbers.below(12);
    let page = |_| ids.by_ref().take(numbers.index(5)).collect();
    (0..count).map(page).collect()
}

#[tokio::test]
async fn every_item_comes_once_and_in_order() {
    let mut numbers = Numbers::new(1);
    for seed in 0..500 {
        let pages = random_pages(&mut numbers);
        let expected = pages.concat();
        let (client, server) = client(Server {
            faults: Mutex::new(Numbers::new(seed)),
            percent: numbers.below(60),
            ..Server::new(pages.clone())
        });
        let limit = numbers
            .percent(50)
            .then(|| numbers.index(expected.len() + 3));
        let mut items = client.apps().list().page_size(3).items();
        if let Some(limit) = limit {
            items = items.limit(limit);
        }
        let mut found = Vec::new();
        loop {
            // Sometimes another stream goes on.
            if numbers.percent(10)
                && let Some(position) = items.position()
            {
                let json = serde_json::to_string(&position).unwrap();
                let position: Position = serde_json::from_str(&json).unwrap();
                items = client.apps().list().page_size(3).items().resume(position);
                if let Some(limit) = limit {
                    items = items.limit(limit - found.len());
                }
            }
            let before = items.position();
            match items.try_next().await {
                Ok(Some(app)) => found.push(id(&app)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Transport);
                    let token = before.unwrap().page_token;
                    let shown = error.page_token().unwrap();
                    // Pages without items may have come in between.
                    let number = |token: &str| {
                        token
                            .strip_prefix("page-")
                            .map_or(0, |number| number.parse::<usize>().unwrap())
                    };
                    assert!(number(shown) >= number(&token), "{token:?} {shown:?}");
                    assert_eq!(items.position().unwrap().page_token, shown);
                }
            }
        }
        let end = limit.unwrap_or(expected.len()).min(expected.len());
        assert_eq!(found, expected[..end], "seed {seed}");
        assert!(
            server
                .log
                .lock()
                .unwrap()
                .iter()
                .all(|(_, size)| size == "3")
        );
    }
}

#[tokio::test]
async fn pages_come_once_and_in_order_and_in_the_body_of_a_search() {
    let mut numbers = Numbers::new(2);
    for seed in 0..200 {
        let expected = random_pages(&mut numbers);
        let (client, server) = client(Server {
            faults: Mutex::new(Numbers::new(seed)),
            percent: 30,
            ..Server::new(expected.clone())
        });
        let request = AppEntitlementSearchServiceSearchRequest::new().page_size(7);
        let mut pages = client.app_entitlement_search().search(request).pages();
        let mut found = 0;
        loop {
            match pages.try_next().await {
                Ok(Some(page)) => {
                    assert_eq!(page.list.len(), expected[found].len());
                    found += 1;
                }
                Ok(None) => break,
                Err(error) => {
                    let token = if found == 0 {
                        String::new()
                    } else {
                        format!("page-{found}")
                    };
                    assert_eq!(error.page_token(), Some(token.as_str()));
                    assert_eq!(pages.page_token(), Some(token.as_str()));
                }
            }
        }
        assert_eq!(found, expected.len());
        assert_eq!(pages.page_token(), None);
        assert!(
            server
                .log
                .lock()
                .unwrap()
                .iter()
                .all(|(_, size)| size == "7")
        );
    }
}

#[tokio::test]
async fn a_repeated_token_is_an_error_and_not_a_loop() {
    for last_leads_to in [1, 2] {
        let (client, server) = client(Server {
            last_leads_to: Some(last_leads_to),
            ..Server::new(vec![vec![1], vec![2], vec![3]])
        });
        let mut items = client.apps().list().items();
        for expected in 1..=3 {
            assert_eq!(id(&items.try_next().await.unwrap().unwrap()), expected);
        }
        let error = items.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
        assert_eq!(
            error.page_token(),
            Some(format!("page-{last_leads_to}").as_str())
        );
        assert!(items.try_next().await.unwrap().is_none());
        assert_eq!(server.asked(), ["", "page-1", "page-2"]);
    }
}

#[tokio::test]
async fn a_list_can_begin_at_any_page() {
    let (client, server) = client(Server {
        last_leads_to: Some(1),
        ..Server::new(vec![vec![1], vec![2], vec![3]])
    });
    let mut items = client.apps().list().page_token("page-1").items();
    assert_eq!(id(&items.try_next().await.unwrap().unwrap()), 2);
    assert_eq!(id(&items.try_next().await.unwrap().unwrap()), 3);
    assert!(items.try_next().await.is_err(), "back to where it began");
    assert_eq!(server.asked(), ["page-1", "page-2"]);
}

#[tokio::test]
async fn no_page_is_fetched_that_a_limit_does_not_need() {
    let pages = vec![vec![1, 2], vec![3, 4], vec![5, 6]];
    for (limit, asked) in [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (9, 3)] {
        let (client, server) = client(Server::new(pages.clone()));
        let mut items = client.apps().list().items().limit(limit);
        let mut found = 0;
        while items.try_next().await.unwrap().is_some() {
            found += 1;
            // A page that is on its way is asked for.
            tokio::task::yield_now().await;
        }
        assert_eq!(found, limit.min(6));
        assert_eq!(server.asked().len(), asked, "limit {limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_page_comes_while_the_caller_works() {
    let takes = Duration::from_millis(20);
    let (client, server) = client(Server {
        takes,
        ..Server::new((0..50).map(|id| vec![id]).collect())
    });
    let begin = Instant::now();
    let mut pages = client.apps().list().pages();
    while pages.try_next().await.unwrap().is_some() {
        sleep(takes).await;
        // This page and the next one.
        let at = pages
            .page_token()
            .map_or(50, |token| token[5..].parse().unwrap());
        assert!(server.asked().len() <= at + 1);
    }
    let longer = takes * 50;
    assert!(
        begin.elapsed() <= longer.mul_f64(1.1),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_fetches_nothing() {
    let (client, server) = client(Server {
        takes: Duration::from_millis(20),
        ..Server::new(vec![vec![1], vec![2], vec![3]])
    });
    let mut pages = client.apps().list().pages();
    pages.try_next().await.unwrap();
    drop(pages);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.asked(), [""], "the task was aborted before it began");
    assert_eq!(Arc::strong_count(&server), 2, "held by the client and here");
}

#[test]
fn outside_of_a_runtime_the_call_says_so() {
    let http = http();
    let bearer = Bearer::new(http.clone(), "token").unwrap();
    let client = Client::new("https://c1.test", http, bearer).unwrap();
    let mut items = client.apps().list().items();
    let next = pin!(items.try_next());
    match next.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::NoRuntime),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn futures_can_drive_it() {
    let (client, _) = client(Server::new(vec![vec![1, 2], vec![3]]));
    let stream = client.apps().list().items();
    let ids: Vec<u64> = stream.map_ok(|app| id(&app)).try_collect().await.unwrap();
    assert_eq!(ids, [1, 2, 3]);
}
