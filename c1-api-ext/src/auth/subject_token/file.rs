//! Subject tokens in files that another program updates.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use c1_api::BoxFuture;
use zeroize::Zeroizing;

use super::error::SubjectTokenError;
use super::token::{SubjectToken, SubjectTokenSource};

/// No token is this long, but the file of a mistyped path may be.
const LIMIT: usize = 64 * 1024;

/// Reads the subject token from a file, anew at each exchange.
///
/// In Kubernetes, use a projected service account token
/// (<https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken>), which the kubelet replaces
/// after 80 % of its lifetime. Its `audience` must be the tenant's host, and its `expirationSeconds` 600, the minimum: C1
/// accepts a token for ten minutes after it was issued, and with the default of an hour it would grow older.
///
/// ```yaml
/// volumes:
///   - name: c1-token
///     projected:
///       sources:
///         - serviceAccountToken: { path: token, audience: acme.conductor.one, expirationSeconds: 600 }
/// ```
///
/// Reading blocks: such a file is in memory, and another thread would take no less time. Pipes and devices are refused.
/// For a slow network share, read the file in a closure instead.
///
/// ```
/// let subject = c1_api_ext::TokenFile::new("/var/run/secrets/c1/token");
/// assert_eq!(subject.path().to_str(), Some("/var/run/secrets/c1/token"));
/// ```
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// The file at `path`, which is not opened until the first exchange.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<SubjectToken, SubjectTokenError> {
        let bytes = self.bytes().map_err(|source| SubjectTokenError::File {
            path: self.path.clone(),
            source,
        })?;
        if bytes.len() > LIMIT {
            return Err(SubjectTokenError::FileTooLong {
                path: self.path.clone(),
                limit: LIMIT,
            });
        }
        let origin = || format!("the file {}", self.path.display());
        // The error of the standard library could contain bytes of the file.
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| SubjectTokenError::NotUnicode { origin: origin() })?;
        SubjectToken::new(text.trim()).unless_empty(origin)
    }

    /// The content, up to one byte more than the limit.
    fn bytes(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        // Checked before opening, which would block on a pipe.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        let mut file = File::open(&self.path)?.take(LIMIT as u64 + 1);
        // Allocated at full size: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT + 64));
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Its errors: [`SubjectTokenError::File`], [`FileTooLong`](SubjectTokenError::FileTooLong),
/// [`NotUnicode`](SubjectTokenError::NotUnicode) and [`Empty`](SubjectTokenError::Empty), which name the path.
impl SubjectTokenSource for TokenFile {
    fn fetch(&self) -> BoxFuture<'_, Result<SubjectToken, SubjectTokenError>> {
        Box::pin(async move { self.read() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_debug_is_clean, assert_no_secret, shown};

    /// A path of its own for a test, gone afterwards.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(test: &str) -> Self {
            let name = format!("c1-api-ext-{}-{test}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[tokio::test]
    async fn is_read_again_at_each_fetch() {
        let scratch = Scratch::new("again");
        let subject = TokenFile::new(&scratch.0);
        for content in ["canary-1\n", " canary-22 \r\n"] {
            fs::write(&scratch.0, content).expect("written");
            let token = subject.fetch().await.expect("a token");
            assert_eq!(token.expose(), content.trim());
        }
        assert_debug_is_clean(&subject);
    }

    #[tokio::test]
    async fn a_token_may_be_as_long_as_the_limit() {
        let scratch = Scratch::new("limit");
        let subject = TokenFile::new(&scratch.0);
        fs::write(&scratch.0, "x".repeat(64 * 1024)).expect("written");
        let token = subject.fetch().await.expect("a token");
        assert_eq!(token.expose().len(), 64 * 1024);
    }

    #[tokio::test]
    async fn errors_name_the_path_and_not_the_content() {
        let scratch = Scratch::new("bad");
        let long = "canary".repeat(20_000);
        for (content, reason) in [
            (&b" \n"[..], "is empty"),
            (b"canary\xff", "is not valid UTF-8"),
            (long.as_bytes(), "is longer than 65536 bytes"),
        ] {
            fs::write(&scratch.0, content).expect("written");
            let error = TokenFile::new(&scratch.0)
                .fetch()
                .await
                .expect_err("no token");
            let path = scratch.0.display().to_string();
            let message = error.to_string();
            assert!(
                message.contains(&path) && message.ends_with(reason),
                "{message}"
            );
            assert!(!error.is_retryable());
            assert_no_secret(&shown(&error));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_in_the_words_of_the_system() {
        let scratch = Scratch::new("missing");
        let error = TokenFile::new(&scratch.0)
            .fetch()
            .await
            .expect_err("not there");
        match error {
            SubjectTokenError::File { path, source } => {
                assert_eq!(path, scratch.0);
                assert_eq!(source.kind(), io::ErrorKind::NotFound);
            }
            other => panic!("{other:?}"),
        }
        let error = TokenFile::new(std::env::temp_dir())
            .fetch()
            .await
            .expect_err("a directory");
        assert!(error.to_string().ends_with("not a regular file"), "{error}");
    }
}
