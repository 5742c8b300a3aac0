//! What reading a document brought to light besides the description: problems that refuse it, and notes of what it carries
//! untyped or not at all.

use std::cell::RefCell;
use std::fmt;

use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::error::{Error, Result};

/// Something of the document that the description does not carry as the document has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where: a JSON pointer (RFC 6901) into the document that was imported; of several places, the first.
    pub pointer: String,
    /// What was found there; of a keyword that no pass reads, the keyword.
    pub found: String,
    /// What became of it: [`Note::UNUSED`], or as what it is carried.
    pub carried: String,
    /// In how many places.
    pub count: usize,
}

impl Note {
    /// What becomes of a keyword that no pass reads.
    pub const UNUSED: &'static str = "not used";

    /// Whether an entry of the list of accepted notes names this one: by its pointer, or as the keyword that is not used.
    pub fn is_named(&self, entry: &str) -> bool {
        entry == self.pointer || (self.carried == Self::UNUSED && entry == self.found)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pointer,
            found,
            carried,
            count,
        } = self;
        write!(f, "{pointer}: {found}: {carried}")?;
        if *count > 1 {
            write!(f, ", {count} places")?;
        }
        Ok(())
    }
}

/// What was found and what became of it; and where, unless notes of several places are counted as one.
type Key = (String, String, Option<String>);

/// Collects notes and problems while a document is read, so that one reading finds all of them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    notes: RefCell<IndexMap<Key, Note>>,
    problem: RefCell<Option<Error>>,
}

impl Findings {
    /// Notes what is carried in another way than the document has it.
    pub(crate) fn note(&self, pointer: &str, found: impl Into<String>, carried: impl Into<String>) {
        self.add(Note {
            pointer: pointer.to_owned(),
            found: found.into(),
            carried: carried.into(),
            count: 1,
        });
    }

    /// Adds a note; a keyword that is not used is noted once, and counted. The same note of the same place is one.
    pub(crate) fn add(&self, note: Note) {
        let is_unused = note.carried == Note::UNUSED;
        let place = Some(note.pointer.clone()).filter(|_| !is_unused);
        let key = (note.found.clone(), note.carried.clone(), place);
        match self.notes.borrow_mut().entry(key) {
            Entry::Occupied(mut known) if is_unused => known.get_mut().count += note.count,
            Entry::Occupied(_) => {}
            Entry::Vacant(free) => {
                free.insert(note);
            }
        }
    }

    /// The value, or nothing after keeping the problem for [`Findings::finish`].
    pub(crate) fn keep<T>(&self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let mut problem = self.problem.borrow_mut();
                *problem = Some(match problem.take() {
                    Some(first) => first.and(error),
                    None => error,
                });
                None
            }
        }
    }

    /// How many problems were kept.
    pub(crate) fn problems(&self) -> usize {
        let problem = self.problem.borrow();
        problem.as_ref().map_or(0, |error| error.problems().len())
    }

    /// The notes, or all problems.
    pub(crate) fn finish(self) -> Result<Vec<Note>> {
        match self.problem.into_inner() {
            Some(error) => Err(error),
            None => Ok(self.notes.into_inner().into_values().collect()),
        }
    }
}
