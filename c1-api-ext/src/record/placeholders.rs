//! What stands for a text in a recording: always the same for the same text.

use std::collections::HashMap;
use std::io;

use c1_api::chrono::{DateTime, SecondsFormat, TimeDelta};

use crate::Random;

/// The longest shift of timestamps, in seconds: five years.
const MAX_SHIFT: i64 = 5 * 365 * 24 * 60 * 60;

/// The placeholders of one recording.
pub(super) struct Placeholders {
    /// By the text.
    given: HashMap<String, String>,
    counts: HashMap<&'static str, usize>,
    shift: TimeDelta,
}

impl Placeholders {
    pub(super) fn new(random: &impl Random) -> io::Result<Self> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        let seconds = i64::from_le_bytes(bytes) % MAX_SHIFT;
        Ok(Self {
            given: HashMap::new(),
            counts: HashMap::new(),
            shift: TimeDelta::seconds(seconds),
        })
    }

    /// What stands for the value of a field or parameter. Nothing stays nothing.
    pub(super) fn text(&mut self, name: &str, text: &str) -> String {
        let is_id = ["id", "Id", "ids", "Ids"]
            .iter()
            .any(|end| name.ends_with(end));
        if text.starts_with("https://") || text.starts_with("http://") {
            self.numbered("https://example.com/", "", text)
        } else if text.contains('@') && !text.contains(char::is_whitespace) {
            self.numbered("user-", "@example.com", text)
        } else if is_id {
            self.numbered("id-", "", text)
        } else {
            self.numbered("text-", "", text)
        }
    }

    /// What stands for a name or a value that the description does not know.
    pub(super) fn unknown(&mut self, text: &str) -> String {
        self.numbered("unknown-", "", text)
    }

    fn numbered(&mut self, begin: &'static str, end: &str, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        if let Some(given) = self.given.get(text) {
            return given.clone();
        }
        let count = self.counts.entry(begin).or_default();
        *count += 1;
        let given = format!("{begin}{count}{end}");
        self.given.insert(text.to_owned(), given.clone());
        given
    }

    /// A timestamp at another time, with as many digits; `None` if the text is none. The zero values stay.
    pub(super) fn timestamp(&self, text: &str) -> Option<String> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        let format = match text.split_once('.') {
            None => SecondsFormat::Secs,
            Some((_, rest)) => match rest.bytes().take_while(u8::is_ascii_digit).count() {
                ..=3 => SecondsFormat::Millis,
                4..=6 => SecondsFormat::Micros,
                _ => SecondsFormat::Nanos,
            },
        };
        let is_zero = time.timestamp() == 0 || text.starts_with("0001-01-01T00:00:00");
        let shift = if is_zero {
            TimeDelta::zero()
        } else {
            self.shift
        };
        let shifted = time.checked_add_signed(shift)?;
        Some(shifted.to_rfc3339_opts(format, true))
    }
}
