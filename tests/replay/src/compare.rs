//! Compares a recorded value with one of the emulator: everything that a recording keeps.

use std::fmt;

use chrono::DateTime;
use serde_json::{Map, Value as Json};

use crate::bindings::{Bindings, is_placeholder};

/// A place where the emulator is not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the recording.
    pub line: usize,
    /// Group and name of the operation.
    pub operation: String,
    /// Where in the response: `response.app.id`, or `status`.
    pub at: String,
    /// What the recording has there.
    pub recorded: String,
    /// What the emulator has there.
    pub emulated: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, {}: {}: recorded {}, the emulator has {}",
            self.line, self.operation, self.at, self.recorded, self.emulated
        )
    }
}

/// Compares the values of one response.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What placeholders stand for.
    pub bindings: &'a mut Bindings,
    /// What was found: where, what is recorded, what the emulator has.
    pub found: Vec<(String, String, String)>,
}

impl Comparison<'_> {
    /// Compares two values at a place.
    pub fn values(&mut self, at: &str, recorded: &Json, emulated: &Json) {
        match (recorded, emulated) {
            (Json::Object(recorded), Json::Object(emulated)) => self.fields(at, recorded, emulated),
            (Json::Array(recorded), Json::Array(emulated)) => self.elements(at, recorded, emulated),
            (Json::String(recorded), Json::String(emulated)) => self.texts(at, recorded, emulated),
            (recorded, emulated) if recorded == emulated => {}
            (recorded, emulated) => self.differs(at, shown(recorded), shown(emulated)),
        }
    }

    fn differs(&mut self, at: &str, recorded: impl Into<String>, emulated: impl Into<String>) {
        self.found
            .push((at.to_owned(), recorded.into(), emulated.into()));
    }

    fn fields(&mut self, at: &str, recorded: &Map<String, Json>, emulated: &Map<String, Json>) {
        // Keys of maps, whose names are not in the recording: those that are known, the rest in order.
        let (keys, names): (Vec<_>, Vec<_>) =
            recorded.keys().partition(|name| is_placeholder(name));
        let mut free: Vec<&String> = emulated
            .keys()
            .filter(|name| !recorded.contains_key(*name))
            .collect();
        for key in keys {
            let known = self.bindings.get(key);
            let place = free.iter().position(|name| Some(&***name) == known);
            let place = place.or_else(|| (known.is_none() && !free.is_empty()).then_some(0));
            let place_name = format!("{at}.{key}");
            match place {
                Some(place) => {
                    let name = free.remove(place);
                    self.bindings.see(key, name);
                    self.values(&place_name, &recorded[key], &emulated[name]);
                }
                None => self.differs(&place_name, shown(&recorded[key]), "nothing"),
            }
        }
        for name in names {
            let place = format!("{at}.{name}");
            match emulated.get(name) {
                Some(value) => self.values(&place, &recorded[name], value),
                None => self.differs(&place, shown(&recorded[name]), "nothing"),
            }
        }
        for name in free {
            self.differs(&format!("{at}.{name}"), "nothing", shown(&emulated[name]));
        }
    }

    fn elements(&mut self, at: &str, recorded: &[Json], emulated: &[Json]) {
        if recorded.len() != emulated.len() {
            let count = |values: &[Json]| format!("{} elements", values.len());
            self.differs(at, count(recorded), count(emulated));
        }
        for (index, (recorded, emulated)) in recorded.iter().zip(emulated).enumerate() {
            self.values(&format!("{at}[{index}]"), recorded, emulated);
        }
    }

    fn texts(&mut self, at: &str, recorded: &str, emulated: &str) {
        if is_placeholder(recorded) {
            if emulated.is_empty() {
                self.differs(at, "text", "an empty text");
            } else if !self.bindings.see(recorded, emulated) {
                self.differs(at, recorded, "another value than before");
            }
        } else if recorded == "[redacted]" {
            if emulated.is_empty() {
                self.differs(at, "a secret", "an empty text");
            }
        } else if let Some(recorded) = time(recorded) {
            match time(emulated) {
                Some(emulated) if emulated == recorded => {}
                Some(emulated) => self.differs(at, recorded, emulated),
                None => self.differs(at, recorded, "text that is no time"),
            }
        } else if recorded != emulated {
            let emulated = match emulated {
                "" => "an empty text".to_owned(),
                emulated => format!("{emulated:?}"),
            };
            let recorded = match recorded {
                "" => "an empty text".to_owned(),
                recorded => format!("{recorded:?}"),
            };
            self.differs(at, recorded, emulated);
        }
    }
}

/// What kind of time a text is, if it is one. Which time it is, a recording does not keep.
fn time(text: &str) -> Option<&'static str> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(
        if text.starts_with("0001-01-01T00:00:00") || time.timestamp() == 0 {
            "the zero time"
        } else {
            "a time"
        },
    )
}

/// A value as far as it says something.
fn shown(value: &Json) -> String {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) if text.is_empty() => "an empty text".to_owned(),
        Json::String(text) if time(text).is_some() => "a time".to_owned(),
        Json::String(text) if is_placeholder(text) => "text".to_owned(),
        Json::String(text) => format!("{text:?}"),
        Json::Array(values) => format!("{} elements", values.len()),
        Json::Object(_) => "an object".to_owned(),
    }
}
