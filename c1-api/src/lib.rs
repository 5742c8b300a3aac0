//! The C1 (`ConductorOne`) API in Rust: every operation, typed.
//!
//! Types, operations and the raw client are generated when the crate is built, from an API description; the other files
//! are written by hand. The main types:
//!
//! - [`Client`]: each operation group is a method of it, [`Client::call`] sends what the description lacks;
//! - [`types`]: messages and enums;
//! - [`Items`] and [`Pages`]: lists as streams;
//! - [`present!`]: a field that a program needs, or an error that names it;
//! - [`Update`]: update masks, from what is set or what differs;
//! - [`related`]: the objects that others refer to, in the same response;
//! - [`Error`]: the error of all calls;
//! - [`Request::configure`]: headers, a time limit and other [`CallOptions`] of a single call;
//! - [`Transport`]: how requests are sent, and [`Bearer`], the simplest one;
//! - [`Operation`]: what the description says of each operation; [`DESCRIPTION`]: which description that is.
//!
//! Most applications use c1-api-ext, which adds tenants, credentials and retries.
//!
//! # Another API description
//!
//! A build reads these variables of the environment, which can be set in the `[env]` table of `.cargo/config.toml`:
//!
//! - `C1_API_SPEC=/path/to/openapi.yaml` builds from that document, the vendor's own, newer or older, or one in the form of
//!   c1-api-spec. The path is absolute.
//! - `C1_API_OVERLAY=/path/to/overlay.yaml` lays an OpenAPI Overlay of yours over the description, after ours.
//! - `C1_API_GROUPS=group,another` builds these operation groups as well. A group that our description lacks is no feature of
//!   this crate and can be reached in this way, or by the feature `full`, which is all groups of the description.
//!
//! Groups of `core` that the document lacks are left out with a warning. Any other feature without operations is an error,
//! and so is an unknown name in `C1_API_GROUPS`.
//!
//! # Responses that differ from the description
//!
//! Unknown fields are skipped unless a [feature](#unknown-fields) keeps them, unknown values of enums are kept, and `null`
//! counts as absent. Timestamps may also have forms
//! that RFC 3339 allows and protobuf does not: a space or `t` for `T`, `z` for `Z`, a leap second, more than nine digits of a
//! fraction.
//!
//! A value that cannot be read in its field's type fails the whole response, with [`ErrorKind::Decode`] and a message that
//! names the field and what was expected there. The value is not left out instead: a field that is absent means that the
//! server has not set it, and a program that writes the message back, or decides by it, would act on what nobody has sent.
//! The server has carried out the request all the same, so do not repeat one that changes something. [`Client::call`] gets the
//! response of the same path as JSON, whatever its fields hold.
//!
//! # Unknown fields
//!
//! A newer server may send fields that the description lacks. By default they are skipped, so a program that reads a message,
//! changes it and sends it back sends it without them; the server may then clear them. With the feature `unknown-fields`, every
//! message has a field `unknown_fields` of the type `UnknownFields`, which keeps them and is sent after the known fields:
//!
//! - It is sent in every request that contains the message. The emulator refuses such a request, as it refuses every unknown
//!   field. Before a message goes to another server than it came from, call `unknown_fields.clear()`, in the messages within it
//!   as well.
//! - A new member of a oneof is an unknown field. The methods of the oneof do not see it: if you set another member, remove it,
//!   or both are sent.
//! - `Debug` shows how many unknown fields there are, not their names or values. `==` compares them.
//! - They count towards the memory that a response may take. A response fails if they nest too deeply (127 levels in all) or
//!   hold a number beyond the range of doubles, as it does for free-form JSON that is described. Skipped fields may.
//!
//! The feature is off by default because it makes every message larger by a pointer, and 8 % more lines of generated code to
//! compile.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code names its own crate from the outside, so that the same text works wherever it is included.
#[allow(unused_extern_crates)]
extern crate self as c1_api;

mod base_url;
mod body;
mod call;
mod client;
mod decode;
mod description;
mod direct;
mod error;
mod future;
mod hook;
mod json_request;
mod operation;
mod options;
mod page;
mod path;
mod present;
pub mod related;
mod request;
#[cfg(test)]
mod testing;
mod transport;
mod update;
mod wire;

pub use progenitor_client::ResponseValue;
/// The crates whose types appear in the interface of this one, in the versions that fit.
///
/// ```
/// let since = c1_api::chrono::Utc::now() - c1_api::chrono::TimeDelta::days(90);
/// ```
pub use {chrono, reqwest, serde_json};

pub use crate::base_url::{is_loopback, is_secure};
pub use crate::body::{Body, MaxBytes};
pub use crate::call::Call;
pub use crate::client::Client;
pub use crate::description::{Description, Origin};
pub use crate::error::{Code, Error, ErrorKind, read_body};
pub use crate::future::BoxFuture;
pub use crate::hook::{Dispatch, RawCall};
pub use crate::json_request::JsonRequest;
pub use crate::operation::{Operation, Page, PageToken, Safety, Stability};
pub use crate::options::CallOptions;
pub use crate::page::{Items, Paged, Pages, Position, WithExpanded};
#[doc(hidden)]
pub use crate::present::__present;
pub use crate::request::Request;
pub use crate::transport::{Bearer, Transport, require_runtime};
pub use crate::update::{MaskField, Updatable, Update};
#[cfg(feature = "unknown-fields")]
pub use crate::wire::UnknownFields;
pub use crate::wire::{Any, FullName};

/// progenitor's client: one method per operation that it can express, every parameter by position.
///
/// [`Client`] is easier to use. To call one of these methods, see [`Client::raw_call`]. Its errors quote bodies and headers:
/// do not print them.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_imports,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    rustdoc::all,
    elided_lifetimes_in_paths,
    reason = "generated by progenitor"
)]
pub mod raw {
    include!(concat!(env!("OUT_DIR"), "/raw.rs"));
}

/// The messages and enums of the API.
///
/// What a request can hold has a constructor `new`, with what is required as arguments, and a setter for each field that a
/// client decides. Every field is public, too. A oneof of protobuf is several fields, of which at most one is set: a method
/// with its name sets one and clears the others, and `to_` or `into_` with its name reads which one is set.
#[allow(
    deprecated,
    missing_docs,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    rustdoc::bare_urls,
    reason = "generated, as large as the API is, with prose as it comes"
)]
pub mod types {
    #[allow(unused_imports, reason = "a build without features has no messages")]
    use crate::wire;

    include!(concat!(env!("OUT_DIR"), "/types.rs"));
}

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
