//! Who calls whom: the tenant, the client id that names it, and the client secret.

pub(crate) mod client_id;
pub(crate) mod client_secret;
pub(crate) mod tenant;
