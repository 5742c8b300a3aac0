//! Reads the OpenAPI description of the C1 API and generates the Rust client from it.
//!
//! Data flow, each pass a pure function in a file named after it:
//! [`read`] text to a JSON value, [`normalize`] the vendor's form (or ours) to a [`Description`],
//! [`emit`] a description as our form, [`overlay`] our corrections onto that form, [`select`] the
//! groups that are wanted, `lower` to what progenitor reads, `generate` Rust. [`Source`] finds the
//! documents to begin with, [`choice`] the groups that are wanted; `script` is what build scripts do with both.

pub mod check;
pub mod choice;
pub mod emit;
mod error;
mod findings;
#[cfg(feature = "codegen")]
pub mod generate;
mod lock;
#[cfg(feature = "codegen")]
pub mod lower;
pub mod model;
pub mod names;
mod naming;
pub mod normalize;
mod object;
pub mod overlay;
pub mod read;
#[cfg(feature = "codegen")]
pub mod script;
pub mod select;
mod source;
pub mod template;

pub use error::{Error, Problem, Result};
pub use findings::Note;
pub use lock::{Lock, NAMES};
pub use model::{Description, Origin};
pub use naming::{Names, OneofNames, RequestNames};
use serde_json::Value;
pub use source::{Loaded, Source, SourceError, VARIABLES};

/// The description that ships with this crate, in our form: `openapi.yaml`.
pub const DOCUMENT: &str = include_str!("../openapi.yaml");

/// Our corrections of it: `overlay.yaml`.
pub const OVERLAY: &str = include_str!("../overlay.yaml");

/// The groups of the feature `core`, what a newcomer meets: the four seed operations, apps, entitlements, users, grants
/// and access requests. A description may lack some of them.
pub const CORE: &[&str] = &[
    "access_conflict",
    "app_entitlement_monitor_binding",
    "app_entitlement_owners_v2",
    "app_entitlement_search",
    "app_entitlement_user_binding",
    "app_entitlements",
    "app_entitlements_proxy",
    "app_search",
    "apps",
    "task",
    "task_actions",
    "task_search",
    "user",
    "user_search",
];

/// Reads a description in the vendor's form or ours and lays the overlay over it. Its names in Rust are those of
/// [the lock of the document](Lock::of_document).
///
/// # Errors
///
/// When either text is not what it should be, or holds a construct that no pass knows.
pub fn load(document: &str, overlay: &str) -> Result<Description> {
    let mut value = read::read(document)?;
    let lock = Lock::of_document(&value)?;
    if !emit::is_ours(&value) {
        value = emit::emit(&normalize::normalize_with(&value, lock)?);
    }
    let (description, _) = corrected(value, overlay, lock)?;
    Ok(description)
}

/// Lays an overlay over a description. Returns the targets that selected nothing as well.
///
/// # Errors
///
/// When the text is no overlay, or what comes of it is no description.
pub fn correct(description: &Description, overlay: &str) -> Result<(Description, Vec<String>)> {
    let value = emit::emit(description);
    let lock = Lock::of_document(&value)?;
    corrected(value, overlay, lock)
}

/// A document in our form with an overlay laid over it, and the targets that selected nothing.
fn corrected(mut value: Value, overlay: &str, lock: &Lock) -> Result<(Description, Vec<String>)> {
    let idle = overlay::apply(&mut value, &read::read(overlay)?)?;
    Ok((normalize::normalize_with(&value, lock)?, idle))
}

/// What `cargo xtask spec import` writes: the description without prose, as YAML in our form.
///
/// # Errors
///
/// When the text is no document, or holds a construct that no pass knows.
pub fn import(document: &str) -> Result<String> {
    imported(&read::read(document)?, None)
}

/// As [`import`], with a record of the file that the document was in. One in our form keeps the record that it has.
///
/// # Errors
///
/// As [`import`].
pub fn import_file(document: &str, origin: Origin) -> Result<String> {
    let value = read::read(document)?;
    let origin = (!emit::is_ours(&value)).then_some(origin);
    imported(&value, origin)
}

fn imported(document: &Value, origin: Option<Origin>) -> Result<String> {
    let mut description = normalize::normalize(document)?;
    description.origin = origin.or(description.origin);
    emit::drop_prose(&mut description);
    Ok(emit::text(&emit::emit(&description)))
}
