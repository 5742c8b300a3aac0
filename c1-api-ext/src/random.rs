//! Random bytes, which tests replace.

use std::sync::Arc;
use std::{fmt, io};

/// A source of random bytes.
///
/// They make signed assertions unique, so it must be cryptographically secure, except in tests.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// They fail the call that needs the bytes.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::from)
    }
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        (**self).fill(bytes)
    }
}
