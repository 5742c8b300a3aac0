//! What has to hold for any input, as functions that panic when it does not.
//!
//! `just fuzz` looks for such inputs with libFuzzer (`fuzz_targets`), beginning with those under `seeds`; the test of
//! this crate tries the seeds and some variations of them, so that the functions themselves are kept in order.

#![allow(clippy::expect_used, reason = "to panic is how it tells")]

mod answer;
mod canned;
mod error_response;
mod path_parameters;
mod response_body;

use std::error::Error;

pub use answer::token_answer;
use c1_api_emulator::Fault;
use c1_api_ext::{ClientId, ClientSecret, Tenant};
use c1_test_kit::shown;
pub use error_response::error_response;
pub use path_parameters::path_parameters;
pub use response_body::response_body;
use url::Url;

/// Panics if something does not hold for the input.
pub type Target = fn(&[u8]);

/// Every target with the name of its seeds.
pub const TARGETS: [(&str, Target); 8] = [
    ("client_id", client_id),
    ("client_secret", client_secret),
    ("error_response", error_response),
    ("fault", fault),
    ("path_parameters", path_parameters),
    ("response_body", response_body),
    ("tenant", tenant),
    ("token_answer", token_answer),
];

/// A [`ClientId`] is written as it was read, and what it is made of fits together.
///
/// # Panics
/// If not.
pub fn client_id(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<ClientId>() {
        Ok(id) => {
            assert_eq!(id.as_str(), text);
            assert_eq!(id.to_string().parse(), Ok(id.clone()));
            let host = text
                .strip_prefix(id.name())
                .and_then(|rest| rest.strip_prefix('@'))
                .and_then(|rest| rest.strip_suffix(id.suffix()))
                .and_then(|rest| rest.strip_suffix('/'));
            assert_eq!(host.map(str::parse), Some(Ok(id.tenant().clone())));
            is_an_address(id.tenant());
        }
        Err(error) => tells_nothing_of(text, &error),
    }
}

/// A [`Fault`] is the same when it was written and read again.
///
/// # Panics
/// If not.
pub fn fault(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Fault>() {
        Ok(fault) => assert_eq!(fault.to_string().parse(), Ok(fault)),
        Err(error) => assert!(error.to_string().starts_with("invalid fault: expected ")),
    }
}

/// A [`ClientSecret`] is the same when it was written and read again, and shows itself to nobody.
///
/// # Panics
/// If not.
pub fn client_secret(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<ClientSecret>() {
        Ok(secret) => {
            let written = secret.expose();
            let again = ClientSecret::try_from(written.as_str()).expect("our own text");
            assert_eq!(again.public_key(), secret.public_key());
            assert_eq!(again.expose(), written);
            assert_eq!(format!("{secret:?}"), "ClientSecret([redacted])");
        }
        Err(error) => tells_nothing_of(text, &error),
    }
}

/// A [`Tenant`] is its base URL, and that is an address that credentials may be sent to.
///
/// # Panics
/// If not.
pub fn tenant(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<Tenant>() {
        Ok(tenant) => is_an_address(&tenant),
        Err(error) => tells_nothing_of(text, &error),
    }
}

fn is_an_address(tenant: &Tenant) {
    assert_eq!(tenant.base_url().parse().as_ref(), Ok(tenant));
    let url = Url::parse(&tenant.token_url()).expect("a URL");
    assert_eq!(url.as_str(), tenant.token_url());
    assert_eq!(url.host_str(), Some(tenant.host()));
    assert_eq!((url.username(), url.password()), ("", None));
    assert_eq!(url.path(), "/auth/v1/token");
    assert_eq!((url.query(), url.fragment()), (None, None));
    assert!(url.scheme() == "https" || (url.scheme() == "http" && tenant.is_loopback()));
}

/// As long as this, what an error and an input have in common is no chance.
const TELLING: usize = 16;
/// What the errors tell of what they expect, and inputs may well have.
const EXPECTED: [&str; 2] = ["secret-token:conductorone.com:", "acme.conductor.one"];

/// The error has no part of the text that could be a part of a secret.
fn tells_nothing_of(text: &str, error: &(dyn Error + 'static)) {
    let all = shown(error);
    let shown = EXPECTED
        .iter()
        .fold(all, |shown, words| shown.replace(words, " "));
    for part in text.as_bytes().windows(TELLING) {
        if let Ok(part) = std::str::from_utf8(part) {
            assert!(!shown.contains(part), "{part:?} of the input in {shown}");
        }
    }
}

/// What no field, parameter or message of ours is called, so that an error that has it shows a part of its input.
const CANARY: &str = "canary";

/// Like [`is_fit_for_a_log`], of an error that has no part of the input.
fn shows_nothing(error: &c1_api_ext::Error, length: usize) {
    is_fit_for_a_log(error, length);
    let shown = shown(error);
    assert!(!shown.contains(CANARY), "{shown}");
}

/// The error is one line of limited length.
fn is_fit_for_a_log(error: &c1_api_ext::Error, length: usize) {
    let words = error.to_string();
    assert!(!words.contains(char::is_control), "{words:?}");
    assert!(words.chars().count() <= length, "{words}");
    let debug = format!("{error:?}");
    assert!(!debug.contains(char::is_control), "{debug:?}");
    // Debug escapes: up to ten characters for one.
    assert!(debug.len() <= 10 * length, "{debug}");
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|part| part == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
