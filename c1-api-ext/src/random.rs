//! Random bytes, injected wherever they are needed, so that tests can foretell what is sent.

use std::sync::Arc;
use std::{fmt, io};

/// Gives random bytes.
///
/// They keep signed assertions apart, so an implementation for anything but tests must be fit for cryptography.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// Whatever keeps the source from giving random bytes; the call that needed them fails with it.
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
