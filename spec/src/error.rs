//! Why a description was refused.

use std::fmt;

/// A construct that no pass knows, or a document that is not one.
///
/// Always says where (a JSON pointer, RFC 6901), what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pointer: String,
    found: String,
    expected: String,
}

impl Error {
    /// An error at the JSON pointer.
    pub(crate) fn new(
        pointer: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.to_owned(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The same error, of a value that has the pointer in the member `key`.
    pub(crate) fn inside(mut self, key: &str) -> Self {
        self.pointer.replace_range(..1, &child("#", key));
        self
    }

    /// Where: a JSON pointer (RFC 6901) into the document; `#` alone is the whole of it.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What was found there.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What would have been understood.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: found {}, expected {}",
            self.pointer, self.found, self.expected
        )
    }
}

impl std::error::Error for Error {}

/// The result of a pass.
pub type Result<T> = std::result::Result<T, Error>;

/// The pointer of a member: `parent/key`, with `~` and `/` escaped.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
