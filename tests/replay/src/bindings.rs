//! Which of the emulator's values the placeholders of a recording stand for.

use std::collections::HashMap;

use serde_json::Value as Json;

/// The values by placeholder, as they are sent and seen.
#[derive(Clone, Debug, Default)]
pub struct Bindings(HashMap<String, Value>);

#[derive(Clone, Debug)]
struct Value {
    text: String,
    /// Whether any other would be a difference: it was sent, or it is an id.
    is_fixed: bool,
}

/// Whether a text of a recording is one that `c1_api_ext::record` has put in the place of another.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.strip_suffix("@example.com").unwrap_or(text);
    let kinds = ["id-", "text-", "unknown-", "user-", "https://example.com/"];
    let mut numbers = kinds.iter().filter_map(|kind| text.strip_prefix(kind));
    numbers.any(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether it is that of an id.
pub fn is_id(placeholder: &str) -> bool {
    placeholder.starts_with("id-")
}

impl Bindings {
    /// The text to send for a text of a recording, in the field or parameter `name`. A placeholder that stands for nothing yet
    /// is sent as it is; if only the server can know what it stands for, an id or a page token, it is added to `unbound`.
    pub fn sent(&mut self, name: &str, text: &str, unbound: &mut Vec<String>) -> String {
        if !is_placeholder(text) {
            return text.to_owned();
        }
        if let Some(value) = self.0.get_mut(text) {
            value.is_fixed = true;
            return value.text.clone();
        }
        if is_id(text) || ["page_token", "pageToken"].contains(&name) {
            unbound.push(text.to_owned());
        } else {
            let value = Value {
                text: text.to_owned(),
                is_fixed: true,
            };
            self.0.insert(text.to_owned(), value);
        }
        text.to_owned()
    }

    /// The same for all texts of a body, names of fields among them.
    pub fn body(&mut self, name: &str, value: &Json, unbound: &mut Vec<String>) -> Json {
        match value {
            Json::String(text) => self.sent(name, text, unbound).into(),
            Json::Array(values) => {
                let values = values.iter();
                values
                    .map(|value| self.body(name, value, unbound))
                    .collect()
            }
            Json::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| {
                    let value = self.body(name, value, unbound);
                    (self.sent("", name, unbound), value)
                });
                Json::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    /// Whether any placeholder stands for this text.
    pub fn has(&self, text: &str) -> bool {
        self.0.values().any(|value| value.text == text)
    }

    /// What a placeholder stands for, if it stands for something.
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        self.0.get(placeholder).map(|value| &*value.text)
    }

    /// Notes that the emulator has `text` where the recording has a placeholder. Whether it can be so: the placeholder does not
    /// stand for anything else, and nothing else for the text.
    pub fn see(&mut self, placeholder: &str, text: &str) -> bool {
        match self.0.get(placeholder) {
            Some(known) if known.text == text => return true,
            Some(known) if known.is_fixed => return false,
            _ => {}
        }
        let mut others = self.0.values();
        if others.any(|other| other.is_fixed && other.text == text) {
            return false;
        }
        let value = Value {
            text: text.to_owned(),
            is_fixed: is_id(placeholder),
        };
        self.0.insert(placeholder.to_owned(), value);
        true
    }
}
