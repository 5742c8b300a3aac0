//! An object of the document that is being read; keys that no pass reads are noted, or an error.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::{Error, Result, child};
use crate::findings::{Findings, Note};
use crate::read::shape;

/// A JSON object with the pointer at which it stands. Reading a member ticks it off;
/// [`Object::finish`] notes what was never ticked.
pub(crate) struct Object<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    findings: &'a Findings,
    seen: RefCell<BTreeSet<&'a str>>,
}

/// Extensions and annotations that say nothing about the interface.
fn is_annotation(key: &str) -> bool {
    matches!(
        key,
        "title" | "summary" | "example" | "examples" | "externalDocs" | "x-codeSamples"
    ) || key.starts_with("x-speakeasy-")
}

impl<'a> Object<'a> {
    pub(crate) fn new(value: &'a Value, pointer: &str, findings: &'a Findings) -> Result<Self> {
        match value {
            Value::Object(members) => Ok(Self {
                members,
                pointer: pointer.to_owned(),
                findings,
                seen: RefCell::default(),
            }),
            other => Err(Error::new(pointer, shape(other), "an object")),
        }
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Where notes and problems go.
    pub(crate) fn findings(&self) -> &'a Findings {
        self.findings
    }

    /// The pointer of a member.
    pub(crate) fn at(&self, key: &str) -> String {
        child(&self.pointer, key)
    }

    /// The pointer of an element of the list that is a member.
    pub(crate) fn item(&self, key: &str, index: usize) -> String {
        child(&self.at(key), &index.to_string())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        let (key, value) = self.members.get_key_value(key)?;
        self.seen.borrow_mut().insert(key);
        Some(value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Every member, ticked off; for objects whose keys are names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value, String)> {
        self.members.iter().map(|(key, value)| {
            self.seen.borrow_mut().insert(key);
            (key.as_str(), value, self.at(key))
        })
    }

    pub(crate) fn require(&self, key: &str) -> Result<&'a Value> {
        self.get(key)
            .ok_or_else(|| Error::new(&self.pointer, "nothing", format!("a member {key:?}")))
    }

    pub(crate) fn object(&self, key: &str) -> Result<Option<Object<'a>>> {
        self.get(key)
            .map(|value| Object::new(value, &self.at(key), self.findings))
            .transpose()
    }

    pub(crate) fn require_object(&self, key: &str) -> Result<Object<'a>> {
        Object::new(self.require(key)?, &self.at(key), self.findings)
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key)
            .map(|value| text(value, &self.at(key)))
            .transpose()
    }

    pub(crate) fn require_string(&self, key: &str) -> Result<&'a str> {
        text(self.require(key)?, &self.at(key))
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(Error::new(&self.at(key), shape(other), "true or false")),
        }
    }

    pub(crate) fn list(&self, key: &str) -> Result<Option<&'a [Value]>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(other) => Err(Error::new(&self.at(key), shape(other), "a list")),
        }
    }

    /// A list of strings.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>> {
        let Some(values) = self.list(key)? else {
            return Ok(None);
        };
        let texts = values.iter().enumerate();
        let texts = texts.map(|(index, value)| text(value, &self.item(key, index)));
        texts.collect::<Result<_>>().map(Some)
    }

    /// A list of distinct strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Option<Vec<String>>> {
        let Some(texts) = self.texts(key)? else {
            return Ok(None);
        };
        let mut strings = Vec::with_capacity(texts.len());
        for (index, value) in texts.into_iter().enumerate() {
            if strings.iter().any(|known| known == value) {
                return Err(Error::new(
                    &self.item(key, index),
                    format!("{value:?} again"),
                    "each value once",
                ));
            }
            strings.push(value.to_owned());
        }
        Ok(Some(strings))
    }

    /// The prose of the node, without surrounding space.
    pub(crate) fn doc(&self) -> Result<Option<String>> {
        let doc = self
            .string("description")?
            .map(str::trim)
            .filter(|doc| !doc.is_empty());
        Ok(doc.map(str::to_owned))
    }

    /// Notes the members that nothing has read and that are no mere annotations.
    pub(crate) fn finish(&self) {
        for (key, _) in self.unread() {
            self.findings.note(&self.at(key), key, Note::UNUSED);
        }
    }

    /// Refuses the first of them, in a place where an unknown member changes what is sent.
    pub(crate) fn refuse_rest(&self) -> Result<()> {
        match self.unread().first() {
            None => Ok(()),
            Some((key, value)) => {
                let seen = self.seen.borrow();
                let known = seen.iter().copied().collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() {
                    "nothing".to_owned()
                } else {
                    known
                };
                Err(Error::new(
                    &self.at(key),
                    shape(value),
                    format!("no {key:?} here, only {known}"),
                ))
            }
        }
    }

    fn unread(&self) -> Vec<(&'a str, &'a Value)> {
        let seen = self.seen.borrow();
        let members = self
            .members
            .iter()
            .map(|(key, value)| (key.as_str(), value));
        members
            .filter(|(key, _)| !seen.contains(key) && !is_annotation(key))
            .collect()
    }
}

/// A string, or the error that there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .as_str()
        .ok_or_else(|| Error::new(pointer, shape(value), "a string"))
}
