//! The secrets of these tests, and where they were looked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use c1_api_ext::{ClientId, ClientSecret, DpopKey, Tenant, TokenEndpoint, http};
use c1_test_kit::shown;
use serde_json::Value;

/// A token, or whatever else is secret text.
pub(crate) const TOKEN: &str = "canary.access-token_0123456789";

/// The private key of client secrets and of DPoP.
pub(crate) fn seed() -> [u8; 32] {
    std::array::from_fn(|at| 200 - u8::try_from(at).unwrap() * 3)
}

pub(crate) fn secret() -> ClientSecret {
    ClientSecret::from_seed(seed())
}

pub(crate) fn client_id() -> ClientId {
    "otter@acme.conductor.one/pcc".parse().unwrap()
}

pub(crate) fn http() -> reqwest::Client {
    http::client(&"127.0.0.1".parse().unwrap()).unwrap()
}

/// The tenant's endpoint, for tokens that are bound to a key.
pub(crate) fn endpoint(tenant: &Tenant) -> TokenEndpoint {
    TokenEndpoint::new(http(), tenant).dpop(DpopKey::ed25519_from_seed(&seed()))
}

/// Secrets that must not be seen, in every form that could give them away; and the types that were looked at.
pub(crate) struct Canaries {
    forms: Vec<String>,
    looked: RefCell<BTreeSet<String>>,
}

impl Default for Canaries {
    /// [`secret`] and [`TOKEN`].
    fn default() -> Self {
        Self::of(&secret().expose())
    }
}

impl Canaries {
    /// The client secret: whole, its JWK and its key in base64, and the key's bytes as Rust prints them and in
    /// hexadecimal; and [`TOKEN`].
    pub(crate) fn of(secret: &str) -> Self {
        let encoded = secret.rsplit_once(':').unwrap().1;
        let jwk: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        let key = jwk["d"].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(key).unwrap();
        let list = format!("{:?}", &bytes[..8]);
        let mut hex = String::new();
        for byte in &bytes[..8] {
            write!(hex, "{byte:02x}").unwrap();
        }
        let forms = vec![
            encoded.to_owned(),
            key.to_owned(),
            STANDARD.encode(&bytes[..24]),
            list.trim_matches(['[', ']']).to_owned(),
            hex,
            TOKEN.to_owned(),
        ];
        let looked = RefCell::default();
        Self { forms, looked }
    }

    /// Also the values of this form field in the requests: whole, and their ends.
    pub(crate) fn with_sent(mut self, field: &str, requests: &[String]) -> Self {
        let count = self.forms.len();
        for request in requests {
            if let Some((_, rest)) = request.split_once(&format!("{field}=")) {
                let value = rest.split('&').next().unwrap();
                self.forms.push(value[value.len() - 12..].to_owned());
                self.forms.push(value.to_owned());
            }
        }
        assert!(self.forms.len() > count, "{field} was not sent");
        self
    }

    /// The types and other things that were looked at.
    pub(crate) fn looked(self) -> BTreeSet<String> {
        self.looked.into_inner()
    }

    fn assert_absent(&self, what: &str, text: &str) {
        self.looked.borrow_mut().insert(what.to_owned());
        for form in &self.forms {
            assert!(!text.contains(form.as_str()), "{what}: {form} in {text}");
        }
    }

    pub(crate) fn assert_not_in(&self, what: &str, value: &dyn Debug) {
        self.assert_absent(what, &format!("{value:?}\n{value:#?}"));
    }

    /// Not in the error nor in any of its sources.
    pub(crate) fn assert_not_in_error(&self, what: &str, error: &(dyn StdError + 'static)) {
        self.assert_absent(what, &shown(error));
    }
}
