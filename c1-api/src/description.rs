//! Which API description the crate was generated from.

/// The API description that a build of the crate was generated from: [`DESCRIPTION`](crate::DESCRIPTION).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The version that the vendor's document gives itself.
    pub version: &'static str,
    /// The vendor's file, where the description records it. A document that `C1_API_SPEC` names usually does not.
    pub origin: Option<Origin>,
    /// How many operations are described.
    pub operations: usize,
    /// How many operation groups are described.
    pub groups: usize,
    /// How many of the operations this build has: those of [`OPERATIONS`](crate::OPERATIONS).
    pub built_operations: usize,
    /// How many of the groups this build has.
    pub built_groups: usize,
}

/// The file from which a description was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// Its date, as in `2026-01-31`.
    pub date: &'static str,
}
