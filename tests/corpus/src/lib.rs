//! Documents that the vendor may write next, and what is to become of each.
//!
//! A case ([`case`]) is a small change of a document in the vendor's form ([`base`]), with the verdict that is expected.
//! [`verdict`] imports every document and generates its code, which takes less than a minute for all of them; [`program`] puts the
//! documents that are accepted together, builds a program against them and calls an emulated tenant.

pub mod base;
pub mod case;
pub mod program;
pub mod verdict;

use std::path::{Path, PathBuf};

/// The folder of this crate.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
