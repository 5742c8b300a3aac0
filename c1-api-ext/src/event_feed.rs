//! Follows the system log: its events from a point in time on, each once, in order.

mod position;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use c1_api::serde_json::{Map, Value};
use c1_api::system_log::ListEvents;
use c1_api::types::{SortDirection, SystemLogServiceListEventsRequest};
use c1_api::{BoxFuture, Client, Error, ErrorKind, Items};
use futures_util::Stream;

pub use self::position::{EventPosition, EventPositionError};
use crate::clock::{Clock, SystemClock};

const INTERVAL: Duration = Duration::from_secs(10);

/// The events of the system log from a point in time on: a `Stream` of events, which are JSON objects in OCSF form.
///
/// At the end of the log it waits for the interval, 10 s by default, and asks for what is new; so it never ends, unless
/// [`until_end`](Self::until_end) says so. The next page is fetched while the caller works on this one; no other is before
/// its events are asked for. An error does not end the stream: polling again waits for the interval, or as long as
/// `Retry-After` says, and goes on with the event that would have come.
///
/// [`position`](Self::position) is a short text to be saved, with which another feed goes on behind the last event. Events
/// come in the order of the log. One that C1 adds before others that have come already is not seen.
///
/// ```no_run
/// # async fn run(c1: c1_api_ext::C1, saved: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{EventFeed, EventPosition};
///
/// let start = match saved {
///     Some(position) => position.parse()?,
///     None => EventPosition::since(std::time::SystemTime::now()),
/// };
/// let mut feed = EventFeed::new(&c1, start);
/// while let Some(event) = feed.try_next().await? {
///     println!("{} {}", event["time"], event["activity_name"]);
///     std::fs::write("position", feed.position().to_string())?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// The feature `system_log` or `full` has it.
#[must_use = "nothing is sent until the stream is polled"]
pub struct EventFeed {
    client: Client,
    position: EventPosition,
    page_size: Option<i32>,
    interval: Duration,
    until_end: bool,
    clock: Arc<dyn Clock>,
    state: State,
}

/// What comes next.
enum State {
    /// A list of the events behind the position.
    Begin,
    /// The next event of a list.
    List(Box<Items<ListEvents>>),
    /// The end of a delay; then the list goes on, or another begins.
    Wait(BoxFuture<'static, ()>, Option<Box<Items<ListEvents>>>),
    End,
}

impl EventFeed {
    /// The events from `start` on. Nothing is sent until the stream is polled.
    pub fn new(client: &Client, start: impl Into<EventPosition>) -> Self {
        Self {
            client: client.clone(),
            position: start.into(),
            page_size: None,
            interval: INTERVAL,
            until_end: false,
            clock: Arc::new(SystemClock),
            state: State::Begin,
        }
    }

    /// How many events C1 is asked for at once.
    pub fn page_size(mut self, events: i32) -> Self {
        self.page_size = Some(events);
        self
    }

    /// The time between the end of the log and the next question for what is new.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Ends the stream at the end of the log, instead of waiting for what is new.
    pub fn until_end(mut self) -> Self {
        self.until_end = true;
        self
    }

    /// Uses `clock` instead of the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where the feed is: behind the last event that it gave. A feed that begins there gives the one after it.
    pub fn position(&self) -> &EventPosition {
        &self.position
    }

    /// The next event; `None` at the end, if there is one. The same as the method of futures' `TryStreamExt`.
    ///
    /// # Errors
    /// Those of the call; and [`ErrorKind::UnexpectedContent`] for an event without `metadata.uid`, behind which no feed
    /// could go on. It is left out, if the stream is polled again.
    pub async fn try_next(&mut self) -> Result<Option<Map<String, Value>>, Error> {
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        next.await.transpose()
    }

    fn list(&self) -> Box<Items<ListEvents>> {
        let mut request =
            SystemLogServiceListEventsRequest::new().sort_direction(SortDirection::Asc);
        request.page_size = self.page_size;
        match self.position.uid() {
            Some(uid) => request.since_event_uid = Some(uid.to_owned()),
            None => request.since = Some(self.position.time()),
        }
        Box::new(self.client.system_log().list_events(request).items())
    }

    fn wait(&mut self, at_least: Option<Duration>, list: Option<Box<Items<ListEvents>>>) {
        let delay = self.interval.max(at_least.unwrap_or_default());
        self.state = State::Wait(self.clock.sleep(delay), list);
    }
}

impl Stream for EventFeed {
    type Item = Result<Map<String, Value>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let feed = &mut *self;
        loop {
            match &mut feed.state {
                State::Begin => feed.state = State::List(feed.list()),
                State::Wait(delay, list) => {
                    ready!(delay.as_mut().poll(context));
                    feed.state = list.take().map_or(State::Begin, State::List);
                }
                State::End => return Poll::Ready(None),
                State::List(list) => match ready!(Pin::new(&mut **list).poll_next(context)) {
                    Some(Ok(event)) => {
                        // Should the server give the event that it was asked to begin behind.
                        if uid_of(&event).is_some_and(|uid| feed.position.uid() == Some(uid)) {
                            continue;
                        }
                        return Poll::Ready(Some(feed.position.advance(&event).map(|()| event)));
                    }
                    Some(Err(error)) => {
                        let State::List(list) = std::mem::replace(&mut feed.state, State::Begin)
                        else {
                            continue;
                        };
                        feed.wait(error.retry_after(), Some(list));
                        return Poll::Ready(Some(Err(error)));
                    }
                    None if feed.until_end => feed.state = State::End,
                    None => feed.wait(None, None),
                },
            }
        }
    }
}

impl fmt::Debug for EventFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFeed")
            .field("position", &self.position)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

fn uid_of(event: &Map<String, Value>) -> Option<&str> {
    let uid = event.get("metadata")?.get("uid")?.as_str();
    uid.filter(|uid| !uid.is_empty())
}

fn no_uid() -> Error {
    let message = "metadata.uid: found none in an event of the system log, expected an id";
    Error::new(ErrorKind::UnexpectedContent, message)
}
