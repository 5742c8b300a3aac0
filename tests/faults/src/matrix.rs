//! Plays every fault to every kind of call, over real sockets, and notes what the server gets and what the caller sees.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use c1_api_ext::{C1, ConfigError, Error, RetryPolicy};
use c1_test_kit::{Repeating, TestClock};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::call::Call;
use crate::fault::{self, LIMIT, Play};
use crate::server::{Server, Spell};
use crate::table::{Row, TABLE};

/// How long a try may take; tokio tells when it is over.
const ATTEMPT: Duration = Duration::from_secs(300);
/// How many cells are played at a time.
const AT_A_TIME: usize = 16;

/// What came of one fault and one call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The fault's name.
    pub fault: &'static str,
    /// The call.
    pub call: Call,
    /// How many whole requests the server has received.
    pub received: u32,
    /// How often the call was tried.
    pub tries: u32,
    /// The waits between the tries.
    pub waits: Vec<Duration>,
    /// How the call ended.
    pub result: Result<(), Error>,
}

/// What came of a fault for all calls, in words, as in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The fault's name.
    pub fault: &'static str,
    /// Kind of the error and status of the answer.
    pub sees: String,
    /// The error's message.
    pub message: String,
    /// The waits between the tries of the GET, in seconds.
    pub waits: String,
    /// For each call the number of tries, and whether the caller is told that it may have been carried out.
    pub cells: Vec<String>,
}

/// Plays all of it, each fault for that spell; but only the brief ones if it is not [`Spell::ALWAYS`].
///
/// # Errors
/// When there is no server or no client to be had, or a server elsewhere got a request.
pub async fn play(spell: Spell) -> Result<Vec<Outcome>, Box<dyn StdError + Send + Sync>> {
    let elsewhere = Server::start(Play::ResetUnread, Spell::ALWAYS).await?;
    let http = c1_api_ext::http::client_builder()?.no_proxy().build()?;
    let mut cells = Vec::new();
    for row in TABLE {
        let play = fault::play(row.fault, &elsewhere.url())
            .ok_or_else(|| format!("there is no fault called {}", row.fault))?;
        if spell != Spell::ALWAYS && !play.is_brief() {
            continue;
        }
        for call in Call::ALL {
            cells.push(cell(http.clone(), row.fault, play.clone(), spell, call));
        }
    }
    let mut outcomes: Vec<_> = stream::iter(cells.into_iter().enumerate())
        .map(async |(at, cell)| (at, cell.await))
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await;
    if elsewhere.attempts() > 0 {
        return Err("a redirect to another host was followed".into());
    }
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn cell(
    http: reqwest::Client,
    fault: &'static str,
    play: Play,
    spell: Spell,
    call: Call,
) -> Result<Outcome, Box<dyn StdError + Send + Sync>> {
    let stalls = play.stalls();
    let server = Server::start(play, spell).await?;
    let clock = TestClock::default();
    let c1 = client(http, &server, clock.clone())?;
    let all = async move {
        for _ in 0..spell.after {
            Call::Get.send(&c1).await?;
        }
        Ok(call.send(&c1).await)
    };
    let result: Result<_, Error> = if stalls {
        let stalled = server.stalled();
        tokio::task::spawn_blocking(move || in_own_time(&stalled, all)).await??
    } else {
        all.await
    };
    let result = result?;
    let told = result.as_ref().err().map_or(0, Error::tries);
    let elapsed = result.as_ref().err().and_then(Error::elapsed);
    if elapsed.is_some_and(|elapsed| elapsed != clock.elapsed()) {
        return Err(format!("{fault}: {elapsed:?} told, {:?} passed", clock.elapsed()).into());
    }
    let tries = match server.attempts() {
        // Nobody was there to count.
        0 => told,
        attempts if told == 0 || told == attempts => attempts,
        attempts => return Err(format!("{fault}: {told} tries told, {attempts} seen").into()),
    };
    Ok(Outcome {
        fault,
        call,
        received: server.requests(),
        tries,
        waits: clock.waits(),
        result,
    })
}

/// Runs a call on a thread whose time stands still, but for each time that the server falls silent: then as much passes as a
/// try may take. So no outcome depends on how long anything takes.
fn in_own_time<T>(stalled: &Semaphore, call: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let result = runtime.block_on(async {
        // tokio would move the time on by itself whenever there is nothing to do but wait for a socket; not while this runs.
        let (over, until_over) = std::sync::mpsc::channel::<()>();
        let hold = tokio::task::spawn_blocking(move || until_over.recv().is_ok());
        let pass = async {
            while let Ok(permit) = stalled.acquire().await {
                permit.forget();
                tokio::time::advance(ATTEMPT).await;
            }
        };
        let result = tokio::select! {
            result = call => Some(result),
            // The semaphore is never closed.
            () = pass => None,
        };
        drop(over);
        let _ = hold.await;
        result
    });
    result.ok_or_else(|| io::Error::other("the server is gone"))
}

fn client(http: reqwest::Client, server: &Server, clock: TestClock) -> Result<C1, ConfigError> {
    C1::builder()
        .tenant(server.url())
        .access_token("canary-token")
        .http(http)
        .clock(clock)
        // The longest wait each time.
        .random(Repeating(0xff))
        .retry(RetryPolicy::default().attempt_timeout(ATTEMPT))
        .max_response_bytes(LIMIT)
        .build()
}

/// The outcomes of one fault after the other, in words.
pub fn observe(outcomes: &[Outcome]) -> Vec<Observed> {
    outcomes.chunks(Call::ALL.len()).map(observed).collect()
}

fn observed(outcomes: &[Outcome]) -> Observed {
    let of_errors = |words: fn(&Error) -> String| {
        let mut all: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().err())
            .map(words)
            .collect();
        all.dedup();
        all.join(" / ")
    };
    let cell = |outcome: &Outcome| match &outcome.result {
        Ok(()) => format!("{} ok", outcome.tries),
        Err(error) if error.may_have_been_sent() => format!("{} ?", outcome.tries),
        Err(_) => outcome.tries.to_string(),
    };
    // To the hundredth.
    let seconds = |wait: &Duration| ((wait.as_secs_f64() * 100.0).round() / 100.0).to_string();
    Observed {
        fault: outcomes[0].fault,
        sees: of_errors(|error| match error.status() {
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

/// What the table says of a fault, in the same words.
pub fn expected(row: &Row) -> Observed {
    Observed {
        fault: row.fault,
        sees: row.sees.to_owned(),
        message: row.message.to_owned(),
        waits: row.waits.to_owned(),
        cells: row.cells.map(str::to_owned).to_vec(),
    }
}

/// The page of the documentation.
pub fn markdown(rows: &[Observed]) -> String {
    let mut page = INTRODUCTION.to_owned();
    let titles = Call::ALL.map(Call::title).join(" | ");
    // Writing to a string does not fail.
    let _ = writeln!(
        page,
        "| what happens | {titles} | waits, s | the caller sees | |"
    );
    let _ = writeln!(
        page,
        "| --- |{} --- | --- | --- |",
        " --- |".repeat(Call::ALL.len())
    );
    for row in rows {
        let cells = row.cells.join(" | ");
        let Observed {
            fault,
            sees,
            message,
            waits,
            ..
        } = row;
        let _ = writeln!(page, "| {fault} | {cells} | {waits} | {sees} | {message} |");
    }
    page
}

const INTRODUCTION: &str = "\
# What becomes of a call when something fails

Written by `just fault-matrix`; a test compares it with what happens. Every fault goes on for as long as the call does; if it
passes, whatever is tried more than once succeeds with the next try.

A cell has the number of tries. `?`: the error's `may_have_been_sent()` says that the server may have carried the call out;
`ok`: the call succeeds. The waits are the longest that there can be; chance makes them shorter, except those that the server
asks for. A writing POST and a PATCH are sent again only after a refusal (429), or if there was no connection to send
them over.

";
