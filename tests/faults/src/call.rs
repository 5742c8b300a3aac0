//! The calls of the matrix: one for each kind of call that differs in whether it may be retried.

use c1_api_ext::c1_api::types::{
    CreateAppRequest, SearchAppsRequest, ServicePrincipalServiceUpdateRequest,
    SetAppEntitlementOwnersRequest,
};
use c1_api_ext::{C1, Error};

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A GET.
    Get,
    /// A POST that only reads.
    Search,
    /// A POST that changes something.
    Create,
    /// A PUT.
    Put,
    /// A PATCH.
    Patch,
    /// A DELETE.
    Delete,
}

impl Call {
    /// All calls, in the order of the columns of the matrix.
    pub const ALL: [Self; 6] = [
        Self::Get,
        Self::Search,
        Self::Create,
        Self::Put,
        Self::Patch,
        Self::Delete,
    ];

    /// The title of its column.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Search => "POST, read",
            Self::Create => "POST, write",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether sending it twice may have another effect than sending it once, so that only a 429 may be retried. Stated
    /// here independently of the client under test.
    pub const fn must_not_repeat(self) -> bool {
        matches!(self, Self::Create | Self::Patch)
    }

    /// Sends the call.
    ///
    /// # Errors
    /// The error of the call.
    pub async fn send(self, c1: &C1) -> Result<(), Error> {
        match self {
            Self::Get => c1.apps().list().await.map(drop),
            Self::Search => {
                let request = SearchAppsRequest::new().query("x");
                c1.app_search().search(request).await.map(drop)
            }
            Self::Create => {
                let request = CreateAppRequest::new("x");
                c1.apps().create(request).await.map(drop)
            }
            Self::Put => {
                let request = SetAppEntitlementOwnersRequest::new();
                let set = c1.app_entitlement_owners().set("a", "e", request);
                set.await.map(drop)
            }
            Self::Patch => {
                let request = ServicePrincipalServiceUpdateRequest::new();
                c1.principal().update("p", request).await.map(drop)
            }
            Self::Delete => c1.apps().delete("a").await.map(drop),
        }
    }

    /// The id of its operation.
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Get => "apps.list",
            Self::Search => "app_search.search",
            Self::Create => "apps.create",
            Self::Put => "app_entitlement_owners.set",
            Self::Patch => "principal.update",
            Self::Delete => "apps.delete",
        }
    }
}
