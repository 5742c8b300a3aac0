//! Records what a client and its tenant say to each other, without what they say it about (feature `record`).
//!
//! A [`Recorder`] writes one line of JSON for each call that got a response. c1-api-emulator is tested against such lines: what
//! it does otherwise than the tenant is a defect of it. Whoever has a tenant can contribute some.
//!
//! ```no_run
//! use c1_api_ext::C1Builder;
//! use c1_api_ext::record::Recorder;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let recorder = Recorder::new(std::fs::File::create("apps.jsonl")?)?;
//! let c1 = C1Builder::from_env()?.layer(recorder.layer()).build()?;
//! let app = c1.apps().list().await?.list.remove(0);
//! c1.apps().get(app.id.unwrap_or_default()).await?;
//! recorder.finish()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is in a recording
//!
//! Each line has `source`, `operation`, `method`, `path` (the template), `parameters` (of the path), `query`, `request`,
//! `status`, `headers` and `response`. What the description of the API says is kept, everything else is replaced:
//!
//! | kept | replaced |
//! | --- | --- |
//! | names of fields and parameters that are in the description, and which of them are present or `null` | names that are not in it, keys of maps: `unknown-1`, `text-1` |
//! | values of enums that are in the description | other values of enums, all other text: `id-1`, `text-1`, `user-1@example.com`, `https://example.com/1` |
//! | booleans, durations, and numbers in fields that hold numbers | numbers in free-form JSON: `0` |
//! | timestamps, all of a recording shifted by one random time | bytes: `AA==` |
//! | masks that consist of names of fields, and paths such as `$.expanded[0]` | |
//! | the status, `Retry-After`, and the best-known media types | all other headers, fields that hold secrets: `[redacted]` |
//!
//! The same text has the same placeholder in all of a recording, so that it still shows which ids belong together, and that an
//! object has the name that it was given. Access tokens are added behind this layer and never reach it. Sizes remain: how many
//! objects a list has, and the numbers in them.
//!
//! A call that [`Client::call`](c1_api::Client::call) makes has method and status only, as the description does not know it.
//! A call without a response has no line.
//!
//! # How to contribute one
//!
//! 1. Use a test tenant if you have one, and a client that reads, such as [`C1::read_only`](crate::C1::read_only), if not.
//! 2. Record one subject: create an object, get it, list it, update it, delete it, with the errors that belong to it.
//! 3. Read the file. Each line can be read by a person; if it holds anything that it should not, that is a defect: report it as
//!    SECURITY.md says, and do not publish the file.
//! 4. `just replay apps.jsonl` in a clone of the repository tells where the emulator differs.
//! 5. Add the file to `tests/recordings`, with the differences that it has today, as README.md there says.

mod layer;
mod lines;
mod placeholders;
mod redact;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::{Arc, Mutex};

use c1_api::Transport;
use c1_api_spec::Description;

pub use crate::record::layer::Recording;
pub use crate::record::lines::RecordError;
use crate::record::lines::{Lines, State};
use crate::record::redact::Redactor;
use crate::{Random, SystemRandom};

/// Writes redacted pairs of requests and responses: see the [module](self).
///
/// Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Recorder(Lines);

impl Recorder {
    /// A recorder that writes to `out`, with the description that c1-api-spec has. Reading that takes most of a second in a
    /// build without optimization.
    ///
    /// # Errors
    /// [`RecordError::Description`].
    pub fn new(out: impl Write + Send + 'static) -> Result<Self, RecordError> {
        let description = c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY);
        let description = description.map_err(RecordError::Description)?;
        Ok(Self::with_description(out, description))
    }

    /// The same with another description: the one that `C1_API_SPEC` named when the client was built.
    pub fn with_description(out: impl Write + Send + 'static, description: Description) -> Self {
        Self(Lines {
            redactor: Arc::new(Redactor::new(description)),
            source: "tenant".to_owned(),
            random: Arc::new(SystemRandom),
            state: Arc::new(Mutex::new(State::new(out))),
        })
    }

    /// What each line says of its origin; `tenant` by default.
    #[must_use]
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.0.source = source.into();
        self
    }

    /// Draws the shift of the timestamps from `random`.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.0.random = Arc::new(random);
        self
    }

    /// The layer for [`C1Builder::layer`](crate::C1Builder::layer).
    pub fn layer(
        &self,
    ) -> impl FnOnce(Box<dyn Transport>) -> Recording<Box<dyn Transport>> + Send + Sync + use<>
    {
        let lines = self.0.clone();
        |inner| Recording { inner, lines }
    }

    /// Writes out what is still in a buffer. To be called at the end; the calls themselves do not fail because of the recording.
    ///
    /// # Errors
    /// The first thing that went wrong since the last time. A line that could not be made or written is missing.
    pub fn finish(&self) -> Result<(), RecordError> {
        self.0.finish()
    }
}
