//! Writes the lines of a recording.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json};

use crate::Random;
use crate::record::placeholders::Placeholders;
use crate::record::redact::Redactor;

/// Where the lines go. Clones write to the same place.
#[derive(Clone)]
pub(super) struct Lines {
    pub(super) redactor: Arc<Redactor>,
    pub(super) source: String,
    pub(super) random: Arc<dyn Random>,
    pub(super) state: Arc<Mutex<State>>,
}

pub(super) struct State {
    out: Box<dyn Write + Send>,
    placeholders: Option<Placeholders>,
    /// The first thing that went wrong.
    error: Option<RecordError>,
}

impl State {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            placeholders: None,
            error: None,
        }
    }
}

/// A recording is not complete, or cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The description of the API cannot be read.
    #[error("the API description cannot be read")]
    Description(#[source] c1_api_spec::Error),
    /// There are no random bytes for the shift of timestamps.
    #[error("no random bytes for the recording")]
    Random(#[source] io::Error),
    /// A line could not be written.
    #[error("the recording cannot be written")]
    Write(#[source] io::Error),
}

impl Lines {
    /// Writes out what is still in a buffer; gives the first thing that went wrong since the last time.
    pub(super) fn finish(&self) -> Result<(), RecordError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = state.out.flush().map_err(RecordError::Write);
        state.error.take().map_or(flushed, Err)
    }

    /// Writes the line that `line` makes.
    pub(super) fn record(
        &self,
        line: impl FnOnce(&Redactor, &mut Placeholders) -> Map<String, Json>,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.write(&mut state, line) {
            state.error.get_or_insert(error);
        }
    }

    fn write(
        &self,
        state: &mut State,
        line: impl FnOnce(&Redactor, &mut Placeholders) -> Map<String, Json>,
    ) -> Result<(), RecordError> {
        let placeholders = match &mut state.placeholders {
            Some(placeholders) => placeholders,
            none => {
                let new = Placeholders::new(&self.random).map_err(RecordError::Random)?;
                none.insert(new)
            }
        };
        let mut whole = Map::from_iter([("source".to_owned(), Json::from(&*self.source))]);
        whole.extend(line(&self.redactor, placeholders));
        let mut text = Json::Object(whole).to_string();
        text.push('\n');
        state
            .out
            .write_all(text.as_bytes())
            .map_err(RecordError::Write)
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
