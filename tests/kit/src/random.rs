//! Random bytes that a test knows.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

use c1_api_ext::{Random, SystemRandom};

/// All bytes are this one.
#[derive(Clone, Copy, Debug)]
pub struct Repeating(pub u8);

impl Random for Repeating {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Fills with 0, then with 1, and so on.
#[derive(Debug, Default)]
pub struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// The system's random bytes, except for the single one that spreads the renewal of tokens: 0.
#[derive(Clone, Copy, Debug)]
pub struct NoJitter;

impl Random for NoJitter {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        if bytes.len() == 1 {
            bytes.fill(0);
            return Ok(());
        }
        SystemRandom.fill(bytes)
    }
}
