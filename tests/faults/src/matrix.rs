//! Runs every kind of call with every fault over real sockets, and records what the server received and the caller got.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use c1_api_ext::{
    AccessToken, BoxFuture, C1, C1Builder, ClientId, ClientSecretPost, Error, RetryPolicy,
    TokenEndpoint, TokenSource,
};
use c1_test_kit::{Repeating, TestClock};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::call::Call;
use crate::fault::{self, Behavior, HANG, LIMIT, PANIC};
use crate::program::BoxError;
use crate::server::{Schedule, Server};
use crate::table::{Place, Row};

/// The time limit of an attempt, measured by tokio's clock.
const ATTEMPT: Duration = Duration::from_secs(300);
/// The time limit of the client for obtaining a token, measured by tokio's clock.
const FETCH: Duration = Duration::from_secs(60);
/// The number of cells that run concurrently.
const CONCURRENCY: usize = 16;

/// The outcome of one call with one fault.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The fault's name.
    pub fault: &'static str,
    /// The call.
    pub call: Call,
    /// The number of complete requests that the API received.
    pub received: u32,
    /// The number of requests that the server with the fault received, or of attempts if it refuses connections.
    pub arrived: u32,
    /// The number of attempts.
    pub attempts: u32,
    /// The delays between the attempts.
    pub waits: Vec<Duration>,
    /// The result of the call.
    pub result: Result<(), Error>,
}

/// The outcomes of all calls with one fault, as text, as in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The fault's name.
    pub fault: &'static str,
    /// The kind of the error, and the status if there was a response.
    pub error: String,
    /// The error's message.
    pub message: String,
    /// The delays between the attempts of the GET, in seconds.
    pub waits: String,
    /// For each call, the number of attempts, and whether the error says that it may have been carried out.
    pub cells: Vec<String>,
}

/// Runs the matrix of the place with the schedule. Unless it is [`Schedule::ALWAYS`], only brief faults are included.
///
/// # Errors
/// If a server or a client cannot be started, or a redirect to another host was followed.
pub async fn run(place: Place, schedule: Schedule) -> Result<Vec<Outcome>, BoxError> {
    let other_host = Server::start(Behavior::ResetUnread, Schedule::ALWAYS).await?;
    let http = c1_api_ext::http::client_builder(&"127.0.0.1".parse()?)?.build()?;
    let mut cells = Vec::new();
    for row in place.table() {
        let behavior = fault::behavior(row.fault, &other_host.url())
            .ok_or_else(|| format!("unknown fault {}", row.fault))?;
        if schedule != Schedule::ALWAYS && !behavior.is_brief() {
            continue;
        }
        for call in Call::ALL {
            cells.push(cell(
                http.clone(),
                place,
                row.fault,
                behavior.clone(),
                schedule,
                call,
            ));
        }
    }
    let mut outcomes: Vec<_> = stream::iter(cells.into_iter().enumerate())
        .map(async |(at, cell)| (at, cell.await))
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    if other_host.attempts() > 0 {
        return Err("a redirect to another host was followed".into());
    }
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn cell(
    http: reqwest::Client,
    place: Place,
    fault: &'static str,
    behavior: Behavior,
    schedule: Schedule,
    call: Call,
) -> Result<Outcome, BoxError> {
    // A token source may stall, too.
    let stalls = behavior.stalls() || place == Place::TokenEndpoint;
    let faulty = Server::start(behavior, schedule).await?;
    let healthy = Server::start(Behavior::ResetUnread, Schedule::NEVER).await?;
    let clock = TestClock::default();
    let (api, c1, limit) = match place {
        Place::Api => {
            let c1 = client(http, &faulty, clock.clone()).access_token("canary-token");
            (&faulty, c1.build()?, ATTEMPT)
        }
        Place::TokenEndpoint => {
            let source = Source::new(http.clone(), &faulty, clock.clone())?;
            let c1 = client(http, &healthy, clock.clone()).token_source(source);
            (&healthy, c1.build()?, FETCH)
        }
    };
    let all = async move {
        for _ in 0..schedule.after {
            Call::Get.send(&c1).await?;
        }
        Ok(call.send(&c1).await)
    };
    let result: Result<_, Error> = if stalls {
        let stalled = faulty.stalled();
        tokio::task::spawn_blocking(move || with_paused_time(&stalled, limit, all)).await??
    } else {
        all.await
    };
    let result = result?;
    let elapsed = result.as_ref().err().and_then(Error::elapsed);
    if elapsed.is_some_and(|elapsed| elapsed != clock.elapsed()) {
        return Err(format!(
            "{fault}: {elapsed:?} reported, but {:?} passed",
            clock.elapsed()
        )
        .into());
    }
    // A success does not report them.
    let reported = result.as_ref().err().map(Error::attempts);
    let arrived = match faulty.attempts() {
        // Connections were refused.
        0 => reported.unwrap_or_default(),
        arrived => arrived,
    };
    Ok(Outcome {
        fault,
        call,
        received: api.requests(),
        arrived,
        attempts: reported.unwrap_or(arrived),
        waits: clock.waits(),
        result,
    })
}

/// Asks the token endpoint, and panics or waits forever as a source of the user's may.
struct Source {
    inner: ClientSecretPost,
    stalled: Arc<Semaphore>,
}

impl Source {
    fn new(http: reqwest::Client, server: &Server, clock: TestClock) -> Result<Self, BoxError> {
        let host = server.url().replace("http://", "");
        let id: ClientId = format!("canary@{host}/spc").parse()?;
        let endpoint = TokenEndpoint::new(http, id.tenant()).clock(clock);
        Ok(Self {
            inner: ClientSecretPost::new(endpoint, id, "canary-secret"),
            stalled: server.stalled(),
        })
    }
}

impl TokenSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async {
            let result = self.inner.fetch().await;
            let status = result.as_ref().err().and_then(Error::status);
            match status.map(|status| status.as_u16()) {
                Some(PANIC) => panic!("canary"),
                Some(HANG) => {
                    self.stalled.add_permits(1);
                    std::future::pending().await
                }
                _ => result,
            }
        })
    }
}

/// Runs a call with tokio's clock paused. Each time the server stalls, the clock advances by the time limit. So no outcome
/// depends on real time.
fn with_paused_time<T>(
    stalled: &Semaphore,
    limit: Duration,
    call: impl Future<Output = T>,
) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let result = runtime.block_on(async {
        // tokio advances a paused clock whenever the runtime is idle, but not while a blocking task runs.
        let (done, until_done) = std::sync::mpsc::channel::<()>();
        let hold = tokio::task::spawn_blocking(move || until_done.recv().is_ok());
        let advance = async {
            while let Ok(permit) = stalled.acquire().await {
                permit.forget();
                tokio::time::advance(limit).await;
            }
        };
        let result = tokio::select! {
            result = call => Some(result),
            // The semaphore is never closed.
            () = advance => None,
        };
        drop(done);
        let _ = hold.await;
        result
    });
    result.ok_or_else(|| io::Error::other("the server was dropped"))
}

fn client(http: reqwest::Client, server: &Server, clock: TestClock) -> C1Builder {
    C1::builder()
        .tenant(server.url())
        .http(http)
        .clock(clock)
        // The longest wait each time.
        .random(Repeating(0xff))
        .retry(RetryPolicy::default().attempt_timeout(ATTEMPT))
        .max_response_bytes(LIMIT)
}

/// Summarizes the outcomes of each fault.
pub fn summarize(outcomes: &[Outcome]) -> Vec<Summary> {
    outcomes.chunks(Call::ALL.len()).map(summary).collect()
}

fn summary(outcomes: &[Outcome]) -> Summary {
    let of_errors = |text: fn(&Error) -> String| {
        let mut all: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().err())
            .map(text)
            .collect();
        all.dedup();
        all.join(" / ")
    };
    let cell = |outcome: &Outcome| {
        let Outcome {
            attempts, arrived, ..
        } = outcome;
        let arrived = if arrived == attempts {
            String::new()
        } else {
            format!(" ({arrived})")
        };
        let end = match &outcome.result {
            Ok(()) => " ok",
            Err(error) if error.may_have_been_sent() => " ?",
            Err(_) => "",
        };
        format!("{attempts}{arrived}{end}")
    };
    // Rounded to hundredths.
    let seconds = |wait: &Duration| ((wait.as_secs_f64() * 100.0).round() / 100.0).to_string();
    Summary {
        fault: outcomes[0].fault,
        error: of_errors(|error| match error.status() {
            Some(status) => format!("{} {}", error.kind().as_str(), status.as_u16()),
            None => error.kind().as_str().to_owned(),
        }),
        message: of_errors(|error| error.message().to_owned()),
        waits: outcomes[0]
            .waits
            .iter()
            .map(seconds)
            .collect::<Vec<_>>()
            .join(", "),
        cells: outcomes.iter().map(cell).collect(),
    }
}

/// The expected summary of a fault, from the table.
pub fn expected(row: &Row) -> Summary {
    Summary {
        fault: row.fault,
        error: row.error.to_owned(),
        message: row.message.to_owned(),
        waits: row.waits.to_owned(),
        cells: row.cells.map(str::to_owned).to_vec(),
    }
}

/// The page `docs/fault-matrix.md`, of the faults of the API and of the token endpoint.
pub fn markdown(api: &[Summary], token_endpoint: &[Summary]) -> String {
    [
        INTRODUCTION,
        &table(api),
        OF_THE_TOKEN_ENDPOINT,
        &table(token_endpoint),
    ]
    .concat()
}

fn table(rows: &[Summary]) -> String {
    let mut page = String::new();
    let titles = Call::ALL.map(Call::title).join(" | ");
    // Writing to a string does not fail.
    let _ = writeln!(page, "| fault | {titles} | delays, s | error | message |");
    let _ = writeln!(
        page,
        "| --- |{} --- | --- | --- |",
        " --- |".repeat(Call::ALL.len())
    );
    for row in rows {
        let cells = row.cells.join(" | ");
        let Summary {
            fault,
            error,
            message,
            waits,
            ..
        } = row;
        let _ = writeln!(
            page,
            "| {fault} | {cells} | {waits} | {error} | {message} |"
        );
    }
    page
}

const INTRODUCTION: &str = "\
# Fault matrix

The outcome of each kind of call for each fault. This page is written by `just fault-matrix`, and a test compares it with the
actual outcomes. Each fault lasts for the whole call. If a fault is temporary, a call with more than one attempt succeeds with the
next attempt.

A cell contains the number of attempts. `?` means that `may_have_been_sent()` of the error is true: the server may have carried out
the call. `ok` means that the call succeeds. The delays are upper limits, because they are random, except those that the server
requests. A POST that writes and a PATCH are retried only after a 429, or if no connection was established.

";

const OF_THE_TOKEN_ENDPOINT: &str = "
## The token endpoint

The same for faults of the token endpoint, when the client has no token. Nothing of the call is sent to the API, so every kind
of call is retried if the token endpoint may have a token later. In parentheses: the number of token requests, if it is not the
number of attempts. After a `Retry-After`, no token request is sent before that time.

";
