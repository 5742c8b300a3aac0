//! Subject tokens, and the trait of their sources.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use c1_api::BoxFuture;
use zeroize::Zeroizing;

use super::error::SubjectTokenError;

/// A token of another issuer to exchange for one of C1's: the `subject_token` of RFC 8693, section 2.1.
///
/// Its bytes are overwritten on drop, `Debug` prints `[redacted]`, and only [`expose`](Self::expose) returns it.
///
/// As a [`SubjectTokenSource`] it is always the same token. C1 accepts one for ten minutes after it was issued, so this is
/// for programs that finish by then.
#[derive(Clone)]
pub struct SubjectToken(pub(super) Zeroizing<String>);

impl SubjectToken {
    /// The token, without surrounding white space. An empty one is an error when it is exchanged.
    pub fn new(token: impl Into<String>) -> Self {
        Self(trimmed(token.into()))
    }

    /// The token itself: keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token, or an error with the origin of the empty one.
    pub(crate) fn unless_empty(
        self,
        origin: impl FnOnce() -> String,
    ) -> Result<Self, SubjectTokenError> {
        if self.0.is_empty() {
            return Err(SubjectTokenError::Empty { origin: origin() });
        }
        Ok(self)
    }
}

/// Without surrounding white space. No copy is left behind.
pub(super) fn trimmed(text: String) -> Zeroizing<String> {
    let text = Zeroizing::new(text);
    let inner = text.trim();
    if inner.len() == text.len() {
        return text;
    }
    Zeroizing::new(inner.to_owned())
}

impl fmt::Debug for SubjectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectToken([redacted])")
    }
}

/// Provides the tokens that [`TokenExchange`](crate::TokenExchange) exchanges. It is called once per exchange and need
/// not cache anything.
///
/// Sources are [`EnvVariable`](crate::EnvVariable), [`TokenFile`](crate::TokenFile),
/// [`GitHubActions`](crate::GitHubActions), [`HcpTerraform`](crate::HcpTerraform), [`SubjectToken`], and any closure that
/// returns a future of a token. The closure's error is in no message and no `Debug` of this crate, but it is kept as the
/// [source](std::error::Error::source) of [`SubjectTokenError::Other`], which logs often print as well: it must not
/// contain secrets. A [`SubjectTokenError`] is returned unchanged.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # async fn ask_the_vault() -> Result<String, std::io::Error> { Ok("a token".to_owned()) }
/// use c1_api_ext::{ClientId, TokenEndpoint, TokenExchange, http};
///
/// let id: ClientId = "happy-otter-12345@acme.conductor.one/wfe".parse()?;
/// let endpoint = TokenEndpoint::new(http::client(id.tenant())?, id.tenant());
/// let source = TokenExchange::new(endpoint, id, || async { ask_the_vault().await });
/// # Ok(())
/// # }
/// ```
pub trait SubjectTokenSource: Send + Sync + 'static {
    /// Obtains a new subject token.
    ///
    /// # Errors
    /// They must not contain a token.
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>>;
}

impl SubjectTokenSource for SubjectToken {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move {
            self.clone()
                .unless_empty(|| "the fixed subject token".to_owned())
        })
    }
}

impl<S: SubjectTokenSource + ?Sized> SubjectTokenSource for Arc<S> {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        (**self).fetch()
    }
}

impl<F, Fut, T, E> SubjectTokenSource for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Into<String>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move {
            match self().await {
                Ok(token) => {
                    SubjectToken::new(token).unless_empty(|| "the result of the closure".to_owned())
                }
                Err(error) => Err(SubjectTokenError::other(error)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, shown};

    #[tokio::test]
    async fn a_fixed_token_is_trimmed_and_must_not_be_empty() {
        let token = SubjectToken::new("\r\n eyJ.canary \t\n");
        assert_eq!(token.expose(), "eyJ.canary");
        assert_eq!(SubjectToken::new("as it is").expose(), "as it is");
        assert_debug_is_clean(&token);
        let again = Arc::new(token).fetch().await.expect("a token");
        assert_eq!(again.expose(), "eyJ.canary");
        let error = SubjectToken::new(" \n").fetch().await.expect_err("empty");
        assert_eq!(error.to_string(), "the fixed subject token is empty");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_closure_gives_any_text_or_any_error() {
        let text = || async { Ok::<_, io::Error>(" canary ") };
        assert_eq!(text.fetch().await.expect("a token").expose(), "canary");
        let async_closure = async || Ok::<_, String>("canary".to_owned());
        assert_eq!(async_closure.fetch().await.expect("ok").expose(), "canary");

        let empty = || async { Ok::<_, io::Error>("") };
        let error = empty.fetch().await.expect_err("empty");
        assert_eq!(error.to_string(), "the result of the closure is empty");

        let failing = || async { Err::<String, _>("canary in the words") };
        let error = failing.fetch().await.expect_err("failed");
        assert_eq!(error.to_string(), "the subject token source failed");
        assert_debug_is_clean(&error);
        let source = StdError::source(&error).expect("a source");
        assert_eq!(source.to_string(), "canary in the words");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn a_closure_may_say_what_is_wrong_in_the_words_of_this_crate() {
        let busy = || async { Err::<String, _>(SubjectTokenError::temporary("busy")) };
        assert!(busy.fetch().await.expect_err("busy").is_retryable());
        let unset = || async {
            Err::<String, _>(SubjectTokenError::MissingVariable {
                name: "NAME".to_owned(),
            })
        };
        let error = unset.fetch().await.expect_err("not set");
        assert!(matches!(error, SubjectTokenError::MissingVariable { .. }));
        assert_no_secret(&shown(&error));
    }
}
