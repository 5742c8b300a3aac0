//! Client ids: the name of a client and its tenant.

use std::fmt;
use std::str::FromStr;

use crate::identity::tenant::{Tenant, TenantError};

/// The id of an API client, `<name>@<host>/<suffix>`: as C1 shows it next to the client secret.
///
/// ```
/// # fn main() -> Result<(), c1_api_ext::ClientIdError> {
/// use c1_api_ext::{ClientId, ClientIdKind};
///
/// let id: ClientId = "happy-otter-12345@acme.conductor.one/spc".parse()?;
/// assert_eq!(id.name(), "happy-otter-12345");
/// assert_eq!(id.tenant().host(), "acme.conductor.one");
/// assert_eq!(id.kind(), ClientIdKind::ServicePrincipal);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientId {
    text: String,
    tenant: Tenant,
}

impl ClientId {
    /// The id as C1 wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    pub fn name(&self) -> &str {
        self.text.split_once('@').map_or("", |(name, _)| name)
    }

    /// The part after the `/`: [`kind`](Self::kind) tells the known ones.
    pub fn suffix(&self) -> &str {
        self.text.rsplit_once('/').map_or("", |(_, suffix)| suffix)
    }

    /// The tenant that the client belongs to.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The kind of client, by the suffix.
    pub fn kind(&self) -> ClientIdKind {
        match self.suffix() {
            "pcc" => ClientIdKind::Personal,
            "spc" => ClientIdKind::ServicePrincipal,
            "wfe" => ClientIdKind::WorkloadFederation,
            _ => ClientIdKind::Other,
        }
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let graphic = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
        let (name, rest) = text.split_once('@').ok_or(ClientIdError::At)?;
        let (host, suffix) = rest.split_once('/').ok_or(ClientIdError::Suffix)?;
        if !graphic(name) || name.contains('/') {
            return Err(ClientIdError::Name);
        }
        if !graphic(suffix) || suffix.contains('/') {
            return Err(ClientIdError::Suffix);
        }
        Ok(Self {
            tenant: Tenant::from_authority(host)?,
            text: text.to_owned(),
        })
    }
}

impl TryFrom<&str> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: &str) -> Result<Self, ClientIdError> {
        text.parse()
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        text.parse()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.text)
    }
}

/// The kinds of client in C1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientIdKind {
    /// `pcc`: acts for the person who created it.
    Personal,
    /// `spc`: acts for a service principal.
    ServicePrincipal,
    /// `wfe`: stands for a workload federation trust and has no secret.
    WorkloadFederation,
    /// Any other suffix.
    Other,
}

/// Why a text is not a client id. It never contains the text, which may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientIdError {
    /// There is no `@`.
    #[error("invalid client id: expected `<name>@<host>/<suffix>`, found no `@`")]
    At,
    /// The name is empty or has spaces, slashes or characters beyond ASCII.
    #[error(
        "invalid client id: expected a name of ASCII characters without spaces or slashes before the `@`"
    )]
    Name,
    /// The suffix is missing, or has spaces, slashes or characters beyond ASCII.
    #[error("invalid client id: expected `/` and a suffix such as `pcc` or `spc` after the host")]
    Suffix,
    /// The host is not that of a tenant.
    #[error("invalid client id: {0}")]
    Host(#[from] TenantError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_tenant_and_text_are_read() {
        for (text, base, kind) in [
            (
                "a@t.conductor.one/pcc",
                "https://t.conductor.one",
                ClientIdKind::Personal,
            ),
            (
                "a@t.c1eu.ai/spc",
                "https://t.c1eu.ai",
                ClientIdKind::ServicePrincipal,
            ),
            (
                "a@t.c1eu.ai/wfe",
                "https://t.c1eu.ai",
                ClientIdKind::WorkloadFederation,
            ),
            (
                "a@127.0.0.1:4010/pcc",
                "http://127.0.0.1:4010",
                ClientIdKind::Personal,
            ),
            ("a@[::1]:4010/new", "http://[::1]:4010", ClientIdKind::Other),
        ] {
            let id: ClientId = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(id.tenant().base_url(), base);
            assert_eq!(id.kind(), kind);
            assert_eq!(id.name(), "a");
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn what_is_refused_and_why() {
        use ClientIdError as E;
        for (text, why) in [
            ("", E::At),
            ("acme.conductor.one/pcc", E::At),
            ("@acme.conductor.one/pcc", E::Name),
            ("a b@acme.conductor.one/pcc", E::Name),
            ("a/b@acme.conductor.one/pcc", E::Name),
            ("a\n@acme.conductor.one/pcc", E::Name),
            ("a@acme.conductor.one", E::Suffix),
            ("a@acme.conductor.one/", E::Suffix),
            ("a@acme.conductor.one/pcc/x", E::Suffix),
            ("a@acme.conductor.one/pcc\n", E::Suffix),
            ("a@/pcc", E::Host(TenantError::Empty)),
            ("a@acme/pcc", E::Host(TenantError::Host)),
            ("a@1/pcc", E::Host(TenantError::Host)),
            ("a@b@acme.conductor.one/pcc", E::Host(TenantError::Host)),
            ("a@acme.conductor.one:x/pcc", E::Host(TenantError::Port)),
        ] {
            assert_eq!(text.parse::<ClientId>(), Err(why), "{text:?}");
        }
    }
}
