//! Access requests as a workflow: find an entitlement, see what somebody has, request a grant or a revocation, decide,
//! wait, and learn why not.
//!
//! ```no_run
//! use c1_api_ext::access::Recipient;
//! use c1_api_ext::{C1, Wait, WaitEnd};
//!
//! # async fn run(c1: C1, user_id: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let entitlement = c1.access().entitlement("payroll-reader").await?;
//! let request = entitlement
//!     .grant_to(Recipient::user(user_id))
//!     .description("for the audit in May")
//!     .duration(c1_api_ext::c1_api::chrono::TimeDelta::days(7))
//!     .send()
//!     .await?;
//! match request.wait(&Wait::new()).await? {
//!     WaitEnd::Done(_) => println!("granted"),
//!     WaitEnd::Failed(_) => println!("{:?}", request.why_not().await?),
//!     _ => println!("{} is still open", request.id()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The feature `access-requests` has this module. Every call of it is one of the generated operations; what they offer
//! beyond the workflow is called on the client with [`Entitlement::id`] or [`AccessRequest::id`].

mod decision;
mod entitlement;
mod error;
mod refusal;
mod request;
#[cfg(test)]
mod tests;

use c1_api::types::{
    AppEntitlementSearchServiceSearchGrantsRequest, AppEntitlementSearchServiceSearchRequest,
    AppEntitlementWithUserBinding,
};
use c1_api::{Client, Error};

pub use self::decision::AccessRequest;
pub use self::entitlement::Entitlement;
pub use self::error::AccessError;
pub use self::refusal::Refusal;
pub use self::request::{GrantRequest, RevokeRequest};
use crate::client::C1;

/// How many candidates an error lists at most.
const CANDIDATES: usize = 10;

/// Who gets or has access: a user of the tenant, or an account (app user) of an app. Never both: C1 refuses that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The user with this id; C1 chooses or makes the account.
    User(String),
    /// The account with this id.
    AppUser(String),
}

impl Recipient {
    /// The user with this id.
    pub fn user(id: impl Into<String>) -> Self {
        Self::User(id.into())
    }

    /// The account (app user) with this id, in the app of the entitlement.
    pub fn app_user(id: impl Into<String>) -> Self {
        Self::AppUser(id.into())
    }

    /// A search for the grants of this recipient.
    fn grants(&self) -> AppEntitlementSearchServiceSearchGrantsRequest {
        let search = AppEntitlementSearchServiceSearchGrantsRequest::new();
        match self {
            Self::User(id) => search.user_id(id),
            Self::AppUser(id) => search.app_user_ids([id]),
        }
    }
}

/// Access requests of a tenant; see the [module](self).
#[derive(Clone, Debug)]
pub struct Access(Client);

impl C1 {
    /// Access requests as a workflow; see [`access`](crate::access). The feature `access-requests` has it.
    pub fn access(&self) -> Access {
        Access(self.api.clone())
    }
}

impl Access {
    /// The entitlement with this alias.
    ///
    /// # Errors
    /// [`AccessError::NoEntitlement`] if there is none, with those that match `alias` as a query;
    /// [`AccessError::Ambiguous`] if there are several; those of the calls.
    pub async fn entitlement(&self, alias: &str) -> Result<Entitlement, AccessError> {
        let search = AppEntitlementSearchServiceSearchRequest::new().alias(alias);
        let mut found = self.candidates(search).await?;
        found.retain(|entitlement| entitlement.alias() == alias);
        if found.is_empty() {
            let search = AppEntitlementSearchServiceSearchRequest::new().query(alias);
            let wanted = format!("the alias `{alias}`");
            let similar = self.candidates(search).await?;
            return Err(AccessError::NoEntitlement { wanted, similar });
        }
        only(found, || format!("the alias `{alias}`"))
    }

    /// The only entitlement that the search finds, such as one with a query and the ids of apps.
    ///
    /// ```no_run
    /// # async fn run(c1: c1_api_ext::C1, app: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use c1_api_ext::types::AppEntitlementSearchServiceSearchRequest;
    ///
    /// let search = AppEntitlementSearchServiceSearchRequest::new().query("Reader").app_ids([app]);
    /// let entitlement = c1.access().find(search).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AccessError::NoEntitlement`] if there is none; [`AccessError::Ambiguous`] if there are several, of which it has
    /// the first; those of the calls.
    pub async fn find(
        &self,
        search: impl Into<AppEntitlementSearchServiceSearchRequest>,
    ) -> Result<Entitlement, AccessError> {
        let search = search.into();
        let names = [&search.alias, &search.display_name, &search.query];
        let name = names.into_iter().flatten().next().cloned();
        let found = self.candidates(search).await?;
        only(found, || {
            name.map_or("the search".to_owned(), |name| format!("`{name}`"))
        })
    }

    /// The entitlement with these ids. Nothing is sent, and it has no name.
    pub fn entitlement_by_id(
        &self,
        app_id: impl Into<String>,
        id: impl Into<String>,
    ) -> Entitlement {
        Entitlement::new(self.0.clone(), app_id.into(), id.into())
    }

    /// All that somebody has: grants with their entitlements. To see more of the related objects, or page by page, use
    /// `app_entitlement_search().search_grants(..)`.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn held_by(
        &self,
        recipient: &Recipient,
    ) -> Result<Vec<AppEntitlementWithUserBinding>, Error> {
        let search = self.0.app_entitlement_search();
        let grants = search.search_grants(recipient.grants());
        grants.items().try_collect().await
    }

    /// The request that is the task with this id. Nothing is sent.
    pub fn request(&self, task_id: impl Into<String>) -> AccessRequest {
        AccessRequest::new(self.0.clone(), task_id.into(), true)
    }

    /// The first that the search finds, and one more than an error lists.
    async fn candidates(
        &self,
        search: AppEntitlementSearchServiceSearchRequest,
    ) -> Result<Vec<Entitlement>, Error> {
        let search = self.0.app_entitlement_search().search(search);
        let mut found = search.items().limit(CANDIDATES + 1);
        let mut candidates = Vec::new();
        while let Some(view) = found.try_next().await? {
            let row = view.app_entitlement.unwrap_or_default();
            candidates.push(Entitlement::of(self.0.clone(), row)?);
        }
        Ok(candidates)
    }
}

fn only(
    mut found: Vec<Entitlement>,
    wanted: impl FnOnce() -> String,
) -> Result<Entitlement, AccessError> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(AccessError::NoEntitlement {
            wanted: wanted(),
            similar: Vec::new(),
        }),
        (Some(last), false) => {
            found.push(last);
            Err(AccessError::Ambiguous {
                wanted: wanted(),
                candidates: found,
            })
        }
    }
}
