//! Why a description was refused.

use std::fmt;

/// A document that is not one, or the constructs for which it is refused.
///
/// It prints each problem as a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    problems: Vec<Problem>,
}

/// One reason to refuse a document: where (a JSON pointer, RFC 6901), what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pointer: String,
    found: String,
    expected: String,
}

impl Problem {
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: found {}, expected {}",
            self.pointer, self.found, self.expected
        )
    }
}

impl Error {
    /// An error at the JSON pointer.
    pub(crate) fn new(
        pointer: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            problems: vec![Problem {
                pointer: pointer.to_owned(),
                found: found.into(),
                expected: expected.into(),
            }],
        }
    }

    /// The same error, of a value that has the pointer in the member `key`.
    pub(crate) fn inside(mut self, key: &str) -> Self {
        for problem in &mut self.problems {
            problem.pointer.replace_range(..1, &child("#", key));
        }
        self
    }

    /// Both errors as one; a problem that both have is told once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        self
    }

    /// Every problem, at least one, in the order in which they were found.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The result of a pass.
pub type Result<T> = std::result::Result<T, Error>;

/// The pointer of a member: `parent/key`, with `~` and `/` escaped.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
