//! Subject tokens in environment variables.

use std::ffi::OsString;
use std::fmt;

use c1_api::BoxFuture;

use super::environment::Environment;
use super::error::SubjectTokenError;
use super::token::{SubjectToken, SubjectTokenSource};

/// Reads the subject token from an environment variable, anew at each exchange.
///
/// For platforms that set a variable of the user's choice, as GitLab does with `id_tokens`
/// (<https://docs.gitlab.com/ci/secrets/id_token_authentication/>).
///
/// ```
/// let subject = c1_api_ext::EnvVariable::new("C1_ID_TOKEN");
/// assert_eq!(format!("{subject:?}"), r#"EnvVariable { name: "C1_ID_TOKEN", .. }"#);
/// ```
#[derive(Clone)]
pub struct EnvVariable {
    name: String,
    environment: Environment,
}

impl EnvVariable {
    /// The variable of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            environment: Environment::default(),
        }
    }

    /// Reads variables with `get` instead of [`std::env::var_os`].
    #[must_use]
    pub fn vars<V: Into<OsString>>(
        mut self,
        get: impl Fn(&str) -> Option<V> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Environment::new(get);
        self
    }
}

/// Its errors: [`SubjectTokenError::MissingVariable`], [`NotUnicode`](SubjectTokenError::NotUnicode) and
/// [`Empty`](SubjectTokenError::Empty), which name the variable.
impl SubjectTokenSource for EnvVariable {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move {
            let token = self.environment.token(&self.name)?;
            token.ok_or_else(|| SubjectTokenError::MissingVariable {
                name: self.name.clone(),
            })
        })
    }
}

/// Shows the variable's name.
impl fmt::Debug for EnvVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvVariable")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, shown};

    #[tokio::test]
    async fn is_read_at_each_fetch() {
        let value = Arc::new(Mutex::new("canary-1\n"));
        let read = value.clone();
        let subject = EnvVariable::new("NAME")
            .vars(move |name| (name == "NAME").then(|| *read.lock().expect("no panic")));
        assert_eq!(subject.fetch().await.expect("set").expose(), "canary-1");
        *value.lock().expect("no panic") = "canary-2";
        assert_eq!(subject.fetch().await.expect("set").expose(), "canary-2");
        assert_debug_is_clean(&subject);
    }

    #[tokio::test]
    async fn reads_the_process_environment_unless_told_otherwise() {
        // Cargo sets this for every test that it runs.
        let subject = EnvVariable::new("CARGO_PKG_NAME");
        assert_eq!(subject.fetch().await.expect("set").expose(), "c1-api-ext");
        // Names that no variable can have.
        for name in ["", "A=B", "A\0B"] {
            let error = EnvVariable::new(name).fetch().await.expect_err("not set");
            assert!(matches!(error, SubjectTokenError::MissingVariable { .. }));
        }
    }

    #[tokio::test]
    async fn errors_name_the_variable_and_not_its_value() {
        let cases = [
            (None, "the environment variable NAME is not set"),
            (
                Some(OsString::from(" \n")),
                "the environment variable NAME is empty",
            ),
            #[cfg(unix)]
            (
                Some(std::os::unix::ffi::OsStringExt::from_vec(
                    b"canary\xff".to_vec(),
                )),
                "the environment variable NAME is not valid UTF-8",
            ),
        ];
        for (value, message) in cases {
            let subject = EnvVariable::new("NAME").vars(move |_| value.clone());
            let error = subject.fetch().await.expect_err("no token");
            assert_eq!(error.to_string(), message);
            assert!(!error.is_retryable());
            assert_no_secret(&shown(&error));
        }
    }
}
