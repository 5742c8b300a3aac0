//! Where in the system log a feed is, as a text that can be saved.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use c1_api::Error;
use c1_api::chrono::{DateTime, SecondsFormat, Utc};
use c1_api::serde_json::{Map, Value};
use serde::{Deserialize, Serialize};

use crate::event_feed::{no_uid, uid_of};

/// Where in the system log a feed is: at a time, or behind an event.
///
/// As a text, and in serde's formats, it is a timestamp (RFC 3339) and, behind an event, a space and the event's
/// `metadata.uid`.
///
/// ```
/// # fn main() -> Result<(), c1_api_ext::EventPositionError> {
/// use c1_api_ext::EventPosition;
///
/// let position: EventPosition = "2026-05-01T12:00:00Z 3Dh8SuTyMgEd9pCMyyHwZbTSMFj".parse()?;
/// assert_eq!(position.to_string(), "2026-05-01T12:00:00Z 3Dh8SuTyMgEd9pCMyyHwZbTSMFj");
/// // If C1 does not have the event any more:
/// let from_its_time = EventPosition::since(position.time());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventPosition {
    time: DateTime<Utc>,
    uid: Option<String>,
}

/// A text is no position in the system log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid position in the system log: expected a timestamp (RFC 3339), or one, a space and the uid of an event"
)]
#[non_exhaustive]
pub struct EventPositionError;

impl EventPosition {
    /// Before the first event at or after this time.
    pub fn since(time: impl Into<DateTime<Utc>>) -> Self {
        Self {
            time: time.into(),
            uid: None,
        }
    }

    /// The time; that of the event, if it is behind one.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// The `metadata.uid` of the event that it is behind, if any.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Goes behind the event.
    pub(super) fn advance(&mut self, event: &Map<String, Value>) -> Result<(), Error> {
        self.uid = Some(uid_of(event).ok_or_else(no_uid)?.to_owned());
        // Milliseconds, as OCSF has it. Only to be read: the uid says where the feed goes on.
        let time = event.get("time").and_then(Value::as_i64);
        if let Some(time) = time.and_then(DateTime::from_timestamp_millis) {
            self.time = time;
        }
        Ok(())
    }
}

impl From<DateTime<Utc>> for EventPosition {
    fn from(time: DateTime<Utc>) -> Self {
        Self::since(time)
    }
}

impl From<SystemTime> for EventPosition {
    fn from(time: SystemTime) -> Self {
        Self::since(time)
    }
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        f.write_str(&time)?;
        self.uid.as_ref().map_or(Ok(()), |uid| write!(f, " {uid}"))
    }
}

impl FromStr for EventPosition {
    type Err = EventPositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, uid) = match text.split_once(' ') {
            Some((_, "")) => return Err(EventPositionError),
            Some((time, uid)) => (time, Some(uid.to_owned())),
            None => (text, None),
        };
        let time = DateTime::parse_from_rfc3339(time).map_err(|_| EventPositionError)?;
        Ok(Self {
            time: time.into(),
            uid,
        })
    }
}

impl TryFrom<String> for EventPosition {
    type Error = EventPositionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventPosition> for String {
    fn from(position: EventPosition) -> Self {
        position.to_string()
    }
}
