//! Compares a recorded value with one of the emulator: everything that a recording keeps.

use std::collections::HashSet;
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

/// What is found at a place: what is recorded, and what the emulator has.
pub type Found = (String, String, String);

/// Compares the values of one response.
///
/// Objects in a list that no earlier response has shown are those that the tenant had before. The emulator has others in their
/// place, so of these only the form is compared, and neither their number nor whether there are more of them.
#[derive(Debug)]
pub struct Comparison<'a> {
    bindings: &'a mut Bindings,
    found: Vec<Found>,
    /// Within an object that the tenant had before.
    is_other: bool,
    /// Whether there was such an object.
    has_others: bool,
}

impl<'a> Comparison<'a> {
    /// A comparison with what placeholders stand for so far.
    pub fn new(bindings: &'a mut Bindings) -> Self {
        Self {
            bindings,
            found: Vec::new(),
            is_other: false,
            has_others: false,
        }
    }

    /// What was found.
    pub fn finish(self) -> Vec<Found> {
        let (others, mut found) = (self.has_others, self.found);
        found.retain(|(at, ..)| !others || at != "response.nextPageToken");
        // What all elements of a list have in common is told once.
        let mut told = HashSet::new();
        found.retain(|found| told.insert(found.clone()));
        found
    }

    /// Compares two values at a place.
    pub fn values(&mut self, at: &str, recorded: &Json, emulated: &Json) {
        match (recorded, emulated) {
            (Json::Object(recorded), Json::Object(emulated)) => self.fields(at, recorded, emulated),
            (Json::Array(recorded), Json::Array(emulated)) => self.elements(at, recorded, emulated),
            (Json::String(recorded), Json::String(emulated)) => self.texts(at, recorded, emulated),
            (recorded, emulated) if recorded == emulated => {}
            (recorded, emulated) if self.is_other && is_alike(recorded, emulated) => {}
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
                None if self.is_other => {}
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

    /// The elements of a list: objects by their ids, and what has none in order.
    fn elements(&mut self, at: &str, recorded: &[Json], emulated: &[Json]) {
        let place = format!("{at}[]");
        let mut free: Vec<&Json> = emulated.iter().collect();
        let (mut others, mut missing) = (Vec::new(), 0);
        for recorded in recorded {
            let known = id(recorded).map(|id| (id, self.bindings.get(id).map(str::to_owned)));
            match known {
                Some((_, None)) => others.push(recorded),
                Some((placeholder, Some(known))) => {
                    let same = free.iter().position(|free| id(free) == Some(&*known));
                    match same {
                        Some(same) => self.values(&place, recorded, free.remove(same)),
                        None => self.differs(&place, placeholder, "no such element"),
                    }
                }
                None if free.is_empty() => missing += 1,
                None => self.values(&place, recorded, free.remove(0)),
            }
        }
        self.has_others |= !others.is_empty();
        let was_other = std::mem::replace(&mut self.is_other, true);
        free.retain(|free| {
            let is_known = id(free).is_none_or(|id| self.bindings.has(id));
            // An element that the recording does not have where the emulator has it.
            if is_known && !was_other {
                self.found
                    .push((place.clone(), "no such element".to_owned(), shown(free)));
            }
            !is_known
        });
        for (recorded, emulated) in others.into_iter().zip(free) {
            self.values(&place, recorded, emulated);
        }
        self.is_other = was_other;
        if missing > 0 && !self.is_other {
            self.differs(
                &place,
                format!("{missing} elements more"),
                "no such element",
            );
        }
    }

    fn texts(&mut self, at: &str, recorded: &str, emulated: &str) {
        if is_placeholder(recorded) {
            if emulated.is_empty() {
                if !self.is_other {
                    self.differs(at, "text", "an empty text");
                }
            } else if !self.bindings.see(recorded, emulated) && !self.is_other {
                self.differs(at, recorded, "another value than before");
            }
        } else if self.is_other {
            if time(recorded).is_some() && time(emulated).is_none() {
                self.differs(at, "a time", "text that is no time");
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
            self.differs(at, shown(&recorded.into()), shown(&emulated.into()));
        }
    }
}

/// Whether two values are of one type, or one of them is not set.
fn is_alike(recorded: &Json, emulated: &Json) -> bool {
    let is_unset = recorded.is_null() || emulated.is_null();
    is_unset
        || recorded.is_boolean() && emulated.is_boolean()
        || recorded.is_number() && emulated.is_number()
}

/// The id of an element, or of the object that it is a view of.
fn id(element: &Json) -> Option<&str> {
    let fields = element.as_object()?;
    let own = fields.get("id").and_then(Json::as_str);
    own.or_else(|| {
        let mut inner = fields.values().filter_map(Json::as_object);
        inner.find_map(|fields| fields.get("id")?.as_str())
    })
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
        Json::String(text) if is_word(text) => format!("{text:?}"),
        Json::String(_) => "text".to_owned(),
        Json::Array(values) => format!("{} elements", values.len()),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// Whether a text is the value of an enum, a number, or a duration, which a recording keeps.
fn is_word(text: &str) -> bool {
    let is_kept = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    !text.is_empty() && text.strip_suffix('s').unwrap_or(text).bytes().all(is_kept)
}
