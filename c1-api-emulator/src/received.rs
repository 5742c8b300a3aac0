//! What a test expects of the requests that were received.

use std::fmt::Write as _;
use std::sync::Arc;

use c1_api_spec::model::{Description, SchemaKind, Type};
use serde_json::Value;

use crate::canonical::json_name;
use crate::fault::glob;
use crate::log::Request;

/// How many requests a message shows, and how many characters of each.
const SHOWN: usize = 10;
const SHOWN_LENGTH: usize = 2000;
/// What a message shows in place of a secret.
const REDACTED: &str = "[redacted]";

/// The requests to some operations that have what a test expects; see [`Emulator::received`](crate::Emulator::received).
///
/// The methods `with_...` select, and those that begin with `assert` panic, with what was received instead. Secrets are
/// not shown. A number is not asserted of a log that has [dropped](crate::Emulator::dropped_requests) requests, nor of
/// operations that the description lacks.
#[derive(Debug)]
#[must_use]
pub struct Received {
    description: Arc<Description>,
    /// The operations.
    pattern: String,
    /// What the requests should have, in words.
    having: String,
    /// The requests to the operations, and which of them have what is expected.
    requests: Vec<Request>,
    selected: Vec<bool>,
    dropped: u64,
}

impl Received {
    pub(crate) fn new(
        description: Arc<Description>,
        pattern: &str,
        mut requests: Vec<Request>,
        dropped: u64,
    ) -> Self {
        requests.retain(|request| glob(pattern, &request.operation));
        Self {
            description,
            pattern: pattern.to_owned(),
            having: String::new(),
            selected: vec![true; requests.len()],
            requests,
            dropped,
        }
    }

    /// Selects requests with a JSON body that has at least what `expected` has: an object may have more members, at any
    /// depth; a list has the same number of elements. The body counts as it was sent.
    pub fn with_json(self, expected: Value) -> Self {
        let shown = format!("JSON {}", self.shown(None, expected.clone()));
        let has = move |body: &Value| contains(body, &expected);
        self.select(&shown, |request| request.body.as_ref().is_some_and(&has))
    }

    /// Selects requests with a JSON body that equals `expected`, whatever the order of the members.
    pub fn with_body(self, expected: Value) -> Self {
        let shown = format!("the body {}", self.shown(None, expected.clone()));
        let expected = Some(expected);
        self.select(&shown, |request| request.body == expected)
    }

    /// Selects requests with a decoded path parameter.
    pub fn with_path(self, name: &str, value: &str) -> Self {
        self.select(&format!("{name} {value} in the path"), |request| {
            request.path.get(name).is_some_and(|own| own == value)
        })
    }

    /// Selects requests with a decoded query parameter.
    pub fn with_query(self, name: &str, value: &str) -> Self {
        let shown = format!("{} in the query", pair(name, value));
        self.select(&shown, |request| has_pair(&request.query, name, value))
    }

    /// Selects requests with a header, except for `authorization` and `dpop`, which are not kept. The name is in lower
    /// case.
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let shown = format!("the header {}", pair(name, value));
        self.select(&shown, |request| has_pair(&request.headers, name, value))
    }

    /// The requests, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        let requests = self.requests.iter().zip(&self.selected);
        requests.filter_map(|(request, selected)| selected.then_some(request))
    }

    /// The number of the requests.
    pub fn count(&self) -> usize {
        self.requests().count()
    }

    /// Asserts that there is one such request, and returns it.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn assert_once(&self) -> &Request {
        self.assert(1, 1);
        match self.requests().next() {
            Some(request) => request,
            None => self.fail("1"),
        }
    }

    /// Asserts that there are so many such requests.
    ///
    /// # Panics
    ///
    /// If there are more or fewer.
    #[track_caller]
    pub fn assert_times(&self, times: usize) {
        self.assert(times, times);
    }

    /// Asserts that there is no such request.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[track_caller]
    pub fn assert_never(&self) {
        self.assert(0, 0);
    }

    /// Asserts that there are at least so many such requests.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[track_caller]
    pub fn assert_at_least(&self, times: usize) {
        self.assert(times, usize::MAX);
    }

    #[track_caller]
    fn assert(&self, least: usize, most: usize) {
        let mut operations = self.description.operations.iter();
        assert!(
            operations.any(|one| glob(&self.pattern, &one.id())),
            "no operation has the id {}",
            self.pattern
        );
        let count = self.count();
        if count < least || count > most {
            let more = if most == usize::MAX { " or more" } else { "" };
            self.fail(&format!("{least}{more}"));
        }
        assert!(
            self.dropped == 0 || count >= least && most == usize::MAX,
            "{} requests are no longer known, because the log was full: raise Builder::log_bytes",
            self.dropped
        );
    }

    /// Panics with what was received.
    #[track_caller]
    fn fail(&self, number: &str) -> ! {
        let mut shown = String::new();
        for request in self.requests.iter().rev().take(SHOWN).rev() {
            let line: String = self.line(request).chars().take(SHOWN_LENGTH).collect();
            // A string takes everything.
            let _ = write!(shown, "\n  {line}");
        }
        panic!(
            "requests to {}{}: expected {number}, received {}. Of all {} to the operation, the last are:{shown}",
            self.pattern,
            self.having,
            self.count(),
            self.requests.len(),
        );
    }

    fn select(mut self, shown: &str, has: impl Fn(&Request) -> bool) -> Self {
        let and = if self.having.is_empty() {
            "with"
        } else {
            "and"
        };
        let _ = write!(self.having, " {and} {shown}");
        for (request, selected) in self.requests.iter().zip(&mut self.selected) {
            *selected &= has(request);
        }
        self
    }

    /// A request in a line, without its headers.
    fn line(&self, request: &Request) -> String {
        let Request {
            operation, method, ..
        } = request;
        let mut line = format!("{operation}: {method} {}", request.template);
        let path = request.path.iter();
        let path = path.map(|(name, value)| (name.as_str(), value.as_str()));
        let query = request.query.iter();
        let query = query.map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in path.chain(query) {
            let _ = write!(line, " {}", pair(name, value));
        }
        if let Some(body) = &request.body {
            let operation = self.description.operation(operation);
            let payload = operation.and_then(|operation| operation.body.as_ref());
            let ty = payload.and_then(|payload| payload.json.as_ref());
            let _ = write!(line, " {}", self.shown(ty, body.clone()));
        }
        line
    }

    /// A value without secrets.
    fn shown(&self, ty: Option<&Type>, mut value: Value) -> Value {
        redact(&self.description, ty, &mut value);
        value
    }
}

/// Whether the value has all that is expected.
fn contains(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(own), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| own.get(name).is_some_and(|own| contains(own, expected))),
        (Value::Array(own), Value::Array(expected)) => {
            own.len() == expected.len()
                && own
                    .iter()
                    .zip(expected)
                    .all(|(own, expected)| contains(own, expected))
        }
        (own, expected) => own == expected,
    }
}

fn has_pair(pairs: &[(String, String)], name: &str, value: &str) -> bool {
    pairs
        .iter()
        .any(|(known, own)| known == name && own == value)
}

fn pair(name: &str, value: &str) -> String {
    let value = if is_secret(name) { REDACTED } else { value };
    format!("{name}={value}")
}

/// Replaces what the description or its name says is a secret.
fn redact(description: &Description, ty: Option<&Type>, value: &mut Value) {
    match value {
        Value::Array(elements) => {
            let inner = match ty {
                Some(Type::List(inner)) => Some(&**inner),
                _ => None,
            };
            for element in elements {
                redact(description, inner, element);
            }
        }
        Value::Object(members) => {
            let message = match ty {
                Some(Type::Ref(name)) => description.schemas.get(name),
                _ => None,
            };
            let fields = match message.map(|schema| &schema.kind) {
                Some(SchemaKind::Message(message)) => Some(&message.fields),
                _ => None,
            };
            for (name, value) in members.iter_mut() {
                let field = fields.and_then(|fields| {
                    let field = fields.get(name);
                    field.or_else(|| fields.get(&json_name(name)))
                });
                if is_secret(name) || field.is_some_and(|field| field.sensitive || field.write_only)
                {
                    *value = Value::from(REDACTED);
                } else {
                    let inner = match ty {
                        Some(Type::Map(inner)) => Some(&**inner),
                        _ => field.map(|field| &field.ty),
                    };
                    redact(description, inner, value);
                }
            }
        }
        _ => {}
    }
}

/// Whether the name of a field, parameter or header says that it is a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    let secret = [
        "secret",
        "password",
        "token",
        "privatekey",
        "assertion",
        "authorization",
        "cookie",
    ];
    name != "pagetoken" && secret.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{contains, is_secret};

    #[test]
    fn a_subset_may_lack_members_and_nothing_else() {
        let body = json!({ "a": { "b": [1, { "c": null, "d": 2 }] }, "e": "f" });
        for (expected, found) in [
            (json!({}), true),
            (json!({ "e": "f" }), true),
            (json!({ "a": { "b": [1, { "d": 2 }] } }), true),
            (json!({ "a": { "b": [1, { "c": null }] } }), true),
            (json!({ "a": { "b": [1] } }), false),
            (json!({ "a": { "b": [{ "d": 2 }, 1] } }), false),
            (json!({ "e": null }), false),
            (json!({ "g": null }), false),
            (json!([]), false),
            (Value::Null, false),
        ] {
            assert_eq!(contains(&body, &expected), found, "{expected}");
        }
    }

    #[test]
    fn names_tell_secrets() {
        for name in [
            "clientSecret",
            "client_secret",
            "accessToken",
            "X-Api-Token",
            "privateKey",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["displayName", "pageToken", "page_token", "key"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
