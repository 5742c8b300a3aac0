//! Reads environment variables for the sources of subject tokens.

use std::ffi::OsString;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::SubjectTokenError;
use super::token::{SubjectToken, trimmed};

/// Reads environment variables, the process's or a test's.
#[derive(Clone)]
pub(super) struct Environment(Arc<Get>);

type Get = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Environment {
    pub(super) fn new<V: Into<OsString>>(
        get: impl Fn(&str) -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |name| get(name).map(Into::into)))
    }

    /// The value of `name` without surrounding white space, if it is set.
    ///
    /// # Errors
    /// If it is not valid UTF-8.
    pub(super) fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, SubjectTokenError> {
        let Some(value) = (self.0)(name) else {
            return Ok(None);
        };
        match value.into_string() {
            Ok(text) => Ok(Some(trimmed(text))),
            // The error of the standard library contains the value.
            Err(_) => Err(SubjectTokenError::NotUnicode {
                origin: origin(name),
            }),
        }
    }

    /// The subject token in `name`, if it is set.
    ///
    /// # Errors
    /// If it is empty or not valid UTF-8.
    pub(super) fn token(&self, name: &str) -> Result<Option<SubjectToken>, SubjectTokenError> {
        let value = self.get(name)?;
        value
            .map(|text| SubjectToken(text).unless_empty(|| origin(name)))
            .transpose()
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new(|name| std::env::var_os(name))
    }
}

fn origin(name: &str) -> String {
    format!("the environment variable {name}")
}
