//! Reading and writing protobuf JSON.
//!
//! The API speaks the JSON form of protobuf, which a plain serde derive does not: 64-bit integers travel as strings, any
//! field may be `null`, unknown fields and enum values must do no harm. The rules are those of
//! <https://protobuf.dev/programming-guides/json/>.
//!
//! `tests/peers/json_format` compares with the reference implementation and lists the differences. Of what the rules leave
//! open:
//!
//! | in JSON | in a response | in a request, by the emulator |
//! | --- | --- | --- |
//! | `display_name` for `displayName` | the same field | the same field |
//! | a field twice, by one name or by both | the last one counts | refused |
//! | an unknown field | skipped; with the feature `unknown-fields`, kept and written again | refused |
//! | an unknown field that is `null` | skipped | refused |
//! | `0` or `0.0` for an enum | the first value | the first value |
//! | another number for an enum, also as `1.0` | kept, written as a number | refused |
//! | an integer as `5.0`, `5e0` or such a string | exact | exact |
//! | a number with a fraction or an exponent, from 2^53 on | refused as an integer: its exact value is not known | refused |
//! | a scalar that cannot be read | the call fails with an error that names the field | refused |
//!
//! One scalar that cannot be read fails the whole response. If the field were left out instead, it would look as if it were not
//! set, and a program that changes the message and sends it back would clear it. Until the service is corrected,
//! [`Client::call`](crate::Client::call) reads such a response as plain JSON.
//!
//! Generated messages implement [`Message`] with one short line per field, and everything that such a line needs is a
//! small generic function here. That, instead of a derive, is what keeps two thousand messages affordable to compile.
//!
//! An error names the place and what was expected there (`list[3].createdAt: expected an RFC 3339 timestamp`), and never
//! a value that came over the wire, because such values may be secrets. So serde's own "invalid type" errors, which quote
//! what they found, are not used anywhere below.

mod budget;
mod container;
mod error;
mod foreign;
mod input;
mod json;
#[cfg(test)]
mod judged;
mod message;
mod name;
mod open_enum;
#[cfg(test)]
mod sample;
mod scalar;
mod time;
mod tree;
#[cfg(feature = "unknown-fields")]
mod unknown;
mod value;

pub(crate) use error::Fault;
#[allow(
    unused_imports,
    reason = "a description without a `pattern` needs no foreign type"
)]
pub(crate) use foreign::via_serde;
pub(crate) use input::{Found, Input, Want};
pub use json::Any;
pub(crate) use message::Message;
#[allow(unused_imports, reason = "a build without features has no messages")]
pub(crate) use message::messages;
pub(crate) use message::{clear_field, deserialize_message, encode_message, read_message};
#[allow(unused_imports, reason = "a build without features has no enums")]
pub(crate) use open_enum::{decode_enum, encode_enum, open_enum};
#[cfg(feature = "unknown-fields")]
pub use unknown::UnknownFields;
#[cfg(feature = "unknown-fields")]
#[allow(unused_imports, reason = "a build without features has no messages")]
pub(crate) use unknown::write_unknown;
pub use value::FullName;
#[allow(unused_imports, reason = "not every build has fields of all kinds")]
pub(crate) use value::{
    Field, Value, Writer, absent, deserialize, from_slice, read, redact, to_json, to_vec, write,
    write_numbers, write_required, write_required_numbers,
};
