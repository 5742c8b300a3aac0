//! Where the token comes from that is exchanged for one of C1's.

/// Why there is no subject token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectTokenError {}

impl SubjectTokenError {
    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        match *self {}
    }
}
